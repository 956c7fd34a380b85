// Where a child waits until its parent lets it execute its program.
//
//   ASSIGN_OR_RETURN(Gate gate, Gate::Create());
//   ASSIGN_OR_RETURN(const Child child, ForkChild([&gate]() -> int {
//     if (!gate.Pass("mc")) return 1;
//     ... execute the program ...
//   }));
//   const std::optional<std::string> word = gate.AwaitWord();
//   gate.Open();
//   if (gate.AwaitExec()) return *word + " runs";
//
// Each method is for one side, as it says.  They block.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"

namespace deptyr {

class [[nodiscard]] Gate {
 public:
  // Make it before the child.
  static absl::StatusOr<Gate> Create();

  // The child says `word` (not "") and waits.  Returns false if the parent went
  // away without opening.
  bool Pass(absl::string_view word);
  // The child did not execute its program.
  void Fail();

  // The parent waits for the child's word; nothing if the child has failed or
  // ended.
  std::optional<std::string> AwaitWord();
  void Open();
  // The parent waits until the child has executed its program, or ended.
  // Returns false if it said that it failed.
  bool AwaitExec();

 private:
  Gate(Fd parent, Fd child)
      : parent_(std::move(parent)), child_(std::move(child)) {}
  // The next message; "" at the end.
  static std::string Receive(int socket);
  static void Send(int socket, absl::string_view message);

  Fd parent_;
  Fd child_;
};

}  // namespace deptyr
