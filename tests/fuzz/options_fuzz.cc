// A command line: words that end with NUL.  Whatever they are, they are taken
// or refused, and what was taken is in its range.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"

#include "cmd/options.h"
#include "lib/clients/listener_spec.h"

namespace {

void Expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const absl::string_view all(reinterpret_cast<const char*>(bytes), size);
  std::vector<std::string> words = absl::StrSplit(all, '\0');
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());

  bool flag = false;
  std::string text;
  deptyr::WindowSize window;
  absl::Duration time;
  size_t count = 0;
  mode_t mode = 0;
  int fd = 0;
  deptyr::ListenerSpec listener;
  deptyr::Options options("fuzz", "", "");
  options.Flag("flag", &flag, "");
  options.Value("text", "TEXT", &text, "");
  options.Value("size", "SIZE", &window, deptyr::ParseSize, "");
  options.Value("wait", "SECONDS", &time, deptyr::ParseSeconds, "");
  options.Value("bytes", "N", &count, deptyr::ParseBytes, "");
  options.Value("mode", "MODE", &mode, deptyr::ParseMode, "");
  options.Value("fd", "N", &fd, deptyr::ParseFd, "");
  options.Value("raw", "ADDRESS", &listener, deptyr::ParseListener, "");
  const auto operands =
      options.Parse(static_cast<int>(argv.size()), argv.data());

  if (operands.ok()) Expect(operands->size() < words.size());
  Expect(window.rows > 0 && window.cols > 0);
  Expect(time >= absl::ZeroDuration() && time < absl::InfiniteDuration());
  Expect(count <= size_t{1} << 32);
  Expect(mode <= 0777);
  Expect(fd >= 0);
  return 0;
}
