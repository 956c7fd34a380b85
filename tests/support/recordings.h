// The output of real programs on a terminal of 24x80, TERM=xterm-256color.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <vector>

namespace deptyr {

struct Recording {
  std::string name;
  std::string bytes;
};

inline void PrintTo(const Recording& recording, std::ostream* out) {
  *out << recording.name;
}

inline std::vector<Recording> Recordings(
    const char* in = "tests/data/recordings") {
  const char* source = std::getenv("DEPTYR_SOURCE_DIR");
  const std::filesystem::path folder =
      std::filesystem::path(source == nullptr ? "." : source) / in;
  std::vector<Recording> recordings;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    // Those show the screens after them.
    if (entry.path().extension() == ".xterm") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    recordings.push_back(
        {entry.path().filename(), {std::istreambuf_iterator<char>(file), {}}});
  }
  return recordings;
}

}  // namespace deptyr
