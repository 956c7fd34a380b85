// Measures the inner loops: the cost of a keystroke, a registration and a turn
// without the kernel.
#include <cstring>
#include <string>

#include <benchmark/benchmark.h>

#include "lib/session/ring.h"
#include "lib/term/digest.h"
#include "lib/term/replies.h"
#include "lib/term/screen.h"
#include "lib/wire/messages.h"
#include "lib/wire/uwsgi.h"

namespace deptyr {
namespace {

void FramedKeystrokes(benchmark::State& state) {
  std::string stream;
  for (int i = 0; i < 1000; ++i) stream += EncodePacket(0, 0, "x");
  for (auto _ : state) {
    FramedDecoder decoder;
    absl::string_view bytes = stream;
    while (auto input = decoder.Take(bytes)) benchmark::DoNotOptimize(input);
  }
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(FramedKeystrokes);

void FramedPaste(benchmark::State& state) {
  const std::string stream = EncodePacket(0, 0, std::string(65535, 'x'));
  for (auto _ : state) {
    FramedDecoder decoder;
    absl::string_view bytes = stream;
    while (auto input = decoder.Take(bytes)) benchmark::DoNotOptimize(input);
  }
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(stream.size()));
}
BENCHMARK(FramedPaste);

void PasteThroughReplyFilter(benchmark::State& state) {
  const std::string paste(65535, 'x');
  for (auto _ : state) {
    ReplyFilter filter;
    benchmark::DoNotOptimize(filter.Feed(paste));
  }
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(paste.size()));
}
BENCHMARK(PasteThroughReplyFilter);

void Registration(benchmark::State& state) {
  const std::string bytes = Encode(Register{.name = "build",
                                            .rows = 24,
                                            .cols = 80,
                                            .term = "xterm",
                                            .argv = {"make", "-j2", "all"}});
  for (auto _ : state) {
    absl::string_view rest = bytes;
    benchmark::DoNotOptimize(TakeMessage(rest));
  }
}
BENCHMARK(Registration);

void RingTurn(benchmark::State& state) {
  auto ring = Ring::Create(1 << 20);
  for (auto _ : state) {
    const std::span<char> space = ring->Space(4096);
    std::memset(space.data(), 'x', space.size());
    ring->Commit(space.size());
    benchmark::DoNotOptimize(ring->From(ring->end() - 4096).back());
  }
  state.SetBytesProcessed(state.iterations() * 4096);
}
BENCHMARK(RingTurn);

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

void ScreenWrite(benchmark::State& state, std::string (*make)()) {
  const std::string text = make();
  Screen screen({24, 80});
  for (auto _ : state) screen.Write(text);
  state.SetBytesProcessed(state.iterations() *
                          static_cast<int64_t>(text.size()));
}
BENCHMARK_CAPTURE(ScreenWrite, text, PlainText);
BENCHMARK_CAPTURE(ScreenWrite, colours, ColouredText);
BENCHMARK_CAPTURE(ScreenWrite, drawing, Drawing);

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
