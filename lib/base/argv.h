// Converts a program's words to one text and back, and to what exec*() takes.
// Pure.
//
//   const std::string text = JoinArgv({"sh", "-c", "exit 1"});
//   const std::vector<std::string> words = SplitArgv(text);
//   const std::vector<char*> pointers = ExecArgv(words);  // into `words`
#pragma once

#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace deptyr {

// NULs separate the words, as in /proc/PID/cmdline; no word can contain one.
inline std::string JoinArgv(const std::vector<std::string>& words) {
  return absl::StrJoin(words, absl::string_view("\0", 1));
}

inline std::vector<std::string> SplitArgv(absl::string_view text) {
  return absl::StrSplit(text, '\0');
}

// Ends with the null pointer that execv(3) asks for, and points into `words`.
inline std::vector<char*> ExecArgv(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (const std::string& word : words) {
    pointers.push_back(const_cast<char*>(word.c_str()));
  }
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace deptyr
