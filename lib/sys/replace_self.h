// Replaces this program by another in the same process, which gets descriptors
// of ours and a text.
//
//   ASSIGN_OR_RETURN(Trial trial, StartTrial(path, argv, offer));
//   ... wait until it exits, with 0 if it understands the offer ...
//   const absl::Status failed = ReplaceSelf(path, argv, offer);
//
// The other program calls TakeOffer() to find out why it was started.
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
  std::vector<int> fds;  // these stay open, under their numbers
};

// The file that this process executes.  Ask before it is replaced.
std::string OwnProgram();

// Runs the program in a process of its own, where it only tries whether it
// understands the offer.
struct Trial {
  Child child;
  Fd said;  // its standard output and error
};
absl::StatusOr<Trial> StartTrial(const std::string& program,
                                 const std::vector<std::string>& argv,
                                 const Offer& offer);
// The last line of the trial's output.
std::string LastLine(const Trial& trial);

// Returns only if it failed; then everything is as before.
absl::Status ReplaceSelf(const std::string& program,
                         const std::vector<std::string>& argv,
                         const Offer& offer);

// Call this once, at the start.  Returns nothing if there is no offer.
struct TakenOffer {
  std::string text;
  bool trial = false;
};
absl::StatusOr<std::optional<TakenOffer>> TakeOffer();

// Takes over a descriptor of the offer and makes it close-on-exec.  For -1 the
// result isn't valid.
Fd TakeOffered(int fd);

}  // namespace deptyr
