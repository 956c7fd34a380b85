// A terminal to write to: a screen and the digest of the same bytes.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "lib/base/window_size.h"
#include "lib/render/render.h"
#include "lib/term/digest.h"
#include "lib/term/screen.h"

namespace deptyr {

struct Terminal {
  explicit Terminal(WindowSize size, size_t scrollback = 0)
      : screen(size, scrollback) {}

  void Write(absl::string_view bytes) {
    screen.Write(bytes);
    digest.Scan(bytes);
  }
  void Resize(WindowSize size) {
    screen.Resize(size);
    digest.Resized();
  }
  std::string Paint() const {
    return screen.Paint(digest.modes(), screen.size());
  }
  // A new one, painted.
  Terminal Copy() const {
    Terminal copy(screen.size());
    copy.Write(Paint());
    return copy;
  }
  std::string text() const { return Text(screen); }

  Screen screen;
  Digest digest;
};

// Returns the text on a screen of this size after `bytes`.
inline std::string Shown(absl::string_view bytes, WindowSize size = {6, 10}) {
  Terminal terminal(size);
  terminal.Write(bytes);
  return terminal.text();
}

}  // namespace deptyr
