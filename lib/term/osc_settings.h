// OscSettings are those that a program makes by OSC, and may leave behind:
// titles, the folder it is in, colours, its progress, the mouse pointer.
//
//   OscSettings settings;
//   settings.Take("2;a title");
//   std::string out = settings.Sequences();  // OSC 2 ; a title BEL
//
// Texts are valid UTF-8 without controls; the rest of a longer one is dropped.
// Some KiB for a program that sets a palette.  Pure.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "lib/term/sequence.h"

namespace deptyr {

class OscSettings {
 public:
  // In bytes.
  static constexpr size_t kLongestTitle = 256;
  static constexpr size_t kLongestFolder = 1024;
  static constexpr size_t kLongestColor = 32;
  static constexpr size_t kLongestWord = 64;
  static constexpr size_t kMostTitles = 10;

  // Takes the body of an OSC; one that sets nothing changes nothing.
  void Take(absl::string_view body);
  // Takes a CSI t, which may push the titles onto a stack, or take them back.
  void StackTitle(const Parameters& parameters);
  // RIS resets colours only, and empties the stack.
  void Reset() {
    stack_.clear();
    colors_.clear();
    link_open_ = false;
  }

  const std::string& title() const { return titles_.title; }
  bool link_open() const { return link_open_; }
  // The sequences that give these settings to a terminal that has none.
  std::string Sequences() const;
  // The sequences that take these settings back, and no others.
  std::string Undo() const;
  // The sequences that make a terminal's settings these, if they are `before`.
  // Titles on the stack are left out.
  std::string ChangeFrom(const OscSettings& before) const;

 private:
  struct Titles {
    std::string icon;
    std::string title;
    bool operator==(const Titles&) const = default;
  };

  void SetColors(int command, absl::string_view body);
  void ResetColors(int command, absl::string_view body);
  std::string TitleSequences() const;
  static std::string ResetColor(absl::string_view start);

  Titles titles_;
  std::vector<Titles> stack_;
  std::string folder_;  // OSC 7
  // What OSC 4, 5 and 10 to 19 set, by the start of the sequence: "4;1;".
  std::map<std::string, std::string> colors_;
  std::string progress_;  // OSC 9 ; 4 (ConEmu's)
  std::string pointer_;   // OSC 22
  bool link_open_ = false;
};

}  // namespace deptyr
