// Measures the model of a terminal: how fast it takes what programs write, and
// how much memory it needs.
//
//   DEPTYR_SOURCE_DIR=. build/release/tests/term-bench
//
// If it was built where libvterm is installed (Debian: libvterm-dev), the same
// is measured with that.  deptyr 0.1.0 had it for a model, with an interpreter
// before it; so what 0.1.0 took is more.
#include <malloc.h>

#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "lib/term/digest.h"
#include "lib/term/screen.h"
#include "tests/support/recordings.h"
#include "tests/term/everything.h"

#ifdef DEPTYR_HAS_LIBVTERM
#include <vterm.h>
#endif

namespace deptyr {
namespace {

#ifdef DEPTYR_HAS_LIBVTERM
class LibVterm {
 public:
  explicit LibVterm(WindowSize size)
      : terminal_(::vterm_new(size.rows, size.cols)) {
    ::vterm_set_utf8(terminal_, 1);
    VTermScreen* const screen = ::vterm_obtain_screen(terminal_);
    ::vterm_screen_enable_altscreen(screen, 1);
    ::vterm_screen_set_damage_merge(screen, VTERM_DAMAGE_SCREEN);
    ::vterm_screen_reset(screen, 1);
  }
  LibVterm(const LibVterm&) = delete;
  LibVterm& operator=(const LibVterm&) = delete;
  ~LibVterm() { ::vterm_free(terminal_); }

  void Write(absl::string_view bytes) {
    (void)::vterm_input_write(terminal_, bytes.data(), bytes.size());
  }

 private:
  VTerm* const terminal_;
};
#endif

std::string PlainText() {
  std::string text;
  while (text.size() < 65536) {
    text += "The quick brown fox jumps over the lazy dog, line after line.\r\n";
  }
  return text;
}

// Compilers and `ls` write like this.
std::string ColouredText() {
  std::string text;
  while (text.size() < 65536) {
    text += "\x1b[01;34mfolder\x1b[0m  file.cc  \x1b[01;32mprogram\x1b[0m\r\n";
  }
  return text;
}

// Full-screen programs write like this.
std::string Drawing() {
  std::string text;
  for (int row = 1; row <= 24; ++row) {
    text += "\x1b[" + std::to_string(row) + ";1H\x1b[30;46m  PID USER   ";
    text += "\x1b[32m\x1b[40m S  \x1b[1m\x1b[36m 0.7\x1b[m  0:12.34 ";
    text += "\x1b[38;5;208m│││││││││\x1b[m program --option\x1b[K";
  }
  return text;
}

// Some thirty programs wrote this, each to a terminal that was reset.
std::string AllRecordings() {
  std::string bytes;
  for (const Recording& recording : Recordings("tests/term/recordings")) {
    bytes += "\x1b\x63" + recording.bytes;
  }
  return bytes;
}

void DigestScan(benchmark::State& state, std::string (*make)()) {
  const std::string text = make();
  Digest digest;
  for (auto _ : state) digest.Scan(text);
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(text.size()));
}
BENCHMARK_CAPTURE(DigestScan, text, PlainText);
BENCHMARK_CAPTURE(DigestScan, colours, ColouredText);
BENCHMARK_CAPTURE(DigestScan, drawing, Drawing);
BENCHMARK_CAPTURE(DigestScan, recordings, AllRecordings);

template <typename Model>
void Write(benchmark::State& state, std::string (*make)()) {
  const std::string text = make();
  Model model({24, 80});
  for (auto _ : state) model.Write(text);
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(text.size()));
}

size_t Allocated() {
  const struct mallinfo2 now = ::mallinfo2();
  return now.uordblks + now.hblkhd;
}

// The terminal has 24x80, and all is used that Screen keeps.  (libvterm
// keeps no links and no lines that have left the top.)
template <typename Model>
void Memory(benchmark::State& state) {
  const std::string everything = Everything();
  for (auto _ : state) {
    const size_t before = Allocated();
    const auto model = std::make_unique<Model>(WindowSize{24, 80});
    model->Write(everything);
    state.counters["KiB"] = static_cast<double>(Allocated() - before) / 1024;
  }
}

void ScreenWrite(benchmark::State& state, std::string (*make)()) {
  Write<Screen>(state, make);
}
BENCHMARK_CAPTURE(ScreenWrite, text, PlainText);
BENCHMARK_CAPTURE(ScreenWrite, colours, ColouredText);
BENCHMARK_CAPTURE(ScreenWrite, drawing, Drawing);
BENCHMARK_CAPTURE(ScreenWrite, recordings, AllRecordings);
BENCHMARK_TEMPLATE(Memory, Screen);
#ifdef DEPTYR_HAS_LIBVTERM
void LibVtermWrite(benchmark::State& state, std::string (*make)()) {
  Write<LibVterm>(state, make);
}
BENCHMARK_CAPTURE(LibVtermWrite, text, PlainText);
BENCHMARK_CAPTURE(LibVtermWrite, colours, ColouredText);
BENCHMARK_CAPTURE(LibVtermWrite, drawing, Drawing);
BENCHMARK_CAPTURE(LibVtermWrite, recordings, AllRecordings);
BENCHMARK_TEMPLATE(Memory, LibVterm);
#endif

void ScreenPaint(benchmark::State& state, std::string (*make)()) {
  Screen screen({24, 80});
  Digest digest;
  screen.Write(make());
  digest.Scan(make());
  size_t size = 0;
  for (auto _ : state) size = screen.Paint(digest.modes(), {24, 80}).size();
  state.counters["bytes"] = static_cast<double>(size);
}
BENCHMARK_CAPTURE(ScreenPaint, text, PlainText);
BENCHMARK_CAPTURE(ScreenPaint, drawing, Drawing);

// There is a primary screen beneath.
void ScreenPaintAlternate(benchmark::State& state) {
  Screen screen({24, 80});
  Digest digest;
  const std::string bytes = PlainText() + "\x1b[?1049h" + Drawing();
  screen.Write(bytes);
  digest.Scan(bytes);
  for (auto _ : state) {
    benchmark::DoNotOptimize(screen.Paint(digest.modes(), {24, 80}));
  }
}
BENCHMARK(ScreenPaintAlternate);

}  // namespace
}  // namespace deptyr
