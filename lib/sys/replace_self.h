// Another program in the place of this one: the same process, with descriptors
// of ours and a text for it.
//
//   ASSIGN_OR_RETURN(Trial trial, StartTrial(path, argv, offer));
//   ... it ends with 0 if it understands the offer ...
//   absl::Status why_not = ReplaceSelf(path, argv, offer);  // if it returns
//
// The program asks TakeOffer() what it was started for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "lib/sys/process.h"

namespace deptyr {

struct Offer {
  std::string text;
  std::vector<int> fds;  // stay open, under their numbers
};

// The file that this process executes, to be asked before it is replaced.
std::string OwnProgram();

// The program in a process of its own, where it shall only try whether it
// understands the offer.
struct Trial {
  Child child;
  Fd said;  // its standard output and error
};
absl::StatusOr<Trial> StartTrial(const std::string& program,
                                 const std::vector<std::string>& argv,
                                 const Offer& offer);
// Of what it said, the last line.
std::string LastLine(const Trial& trial);

// Comes back only with an error, and then everything is as before.
absl::Status ReplaceSelf(const std::string& program,
                         const std::vector<std::string>& argv,
                         const Offer& offer);

// Once, at the start; nothing, if there is no offer.
struct TakenOffer {
  std::string text;
  bool trial = false;
};
absl::StatusOr<std::optional<TakenOffer>> TakeOffer();

// A descriptor of the offer is ours now, close-on-exec.  Not valid for -1.
Fd TakeOffered(int fd);

}  // namespace deptyr
