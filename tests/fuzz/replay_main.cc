// Feeds every file of the folders named on the command line to a fuzz target,
// so that its corpus is an ordinary test, whatever the compiler.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size);

namespace {

std::string ContentOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Replay(const std::filesystem::path& path) {
  std::cerr << path << std::endl;  // if it crashes, this was the input
  const std::string text = ContentOf(path);
  // Not a byte more: a string's terminator would hide a read past the end.
  const std::vector<uint8_t> bytes(text.begin(), text.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  int inputs = 0;
  for (const char* folder : std::span(argv + 1, argv + argc)) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      Replay(entry.path());
      ++inputs;
    }
  }
  return inputs > 0 ? 0 : 1;  // nothing replayed is nothing tested
}
