// Measures the inner loops: the cost of a keystroke, a registration and a turn
// without the kernel.
#include <cstring>
#include <string>

#include <benchmark/benchmark.h>

#include "lib/session/ring.h"
#include "lib/term/replies.h"
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

}  // namespace
}  // namespace deptyr
