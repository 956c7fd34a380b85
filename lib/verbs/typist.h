// Types a script's pieces, one after the other, at the pace of the program: the
// next one is typed once the program has read the one before.
//
//   Typist typist(loop, inquiry, attachment);
//   const auto done = [&](const absl::Status& sent) { why = sent; };
//   typist.Type(pieces, attached, done);
//
// Head tells when the terminal has a piece, and the terminal whether the
// program has read it (lib/sys/terminal_input.h).  Where we may not look there,
// it gets a moment for each piece.  A terminal that reads lines for its program
// isn't waited for: whatever comes, the program gets a line at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"

#include "lib/attach/attachment.h"
#include "lib/attach/inquiry.h"
#include "lib/sys/event_loop.h"
#include "lib/verbs/typed.h"
#include "lib/wire/messages.h"

namespace deptyr {

class Typist {
 public:
  using Done = absl::AnyInvocable<void(const absl::Status&)>;

  // Nobody else may ask by this inquiry before Done is called.
  Typist(EventLoop& loop, Inquiry& inquiry, Attachment& head)
      : loop_(loop), inquiry_(inquiry), head_(head) {}

  // Call it once, after `attached` came.  `sent` is called when head was sent
  // the last piece, or with an error; not before this returns.
  void Type(std::vector<Piece> pieces, const Attached& attached, Done sent);
  // After that, calls `read` when the program has read it.
  void AwaitRead(Done read);
  bool has_sent_all() const { return left_.empty(); }
  // Whether what is typed is likely shown, by the terminal or by a program that
  // edits lines, as far as could be seen before the last piece.
  bool echoes() const { return echoes_; }

 private:
  void Next();
  void AwaitTurn(absl::Duration patience);
  void AwaitAll();
  void AskForModes(const Piece& piece);
  void Send(const std::string& bytes);
  void AwaitTerminal();
  bool TerminalHasAll(const std::vector<KeyValues>& status);
  void AwaitReader();
  void NextAfter(absl::Duration pause);
  void Finish(const absl::Status& end);

  EventLoop& loop_;
  Inquiry& inquiry_;
  Attachment& head_;
  std::deque<Piece> left_;
  // Our number; a head before 0.2.0 tells none.
  std::optional<uint64_t> client_;
  uint64_t sent_ = 0;
  pid_t program_ = 0;
  bool echoes_ = true;
  int times_read_ = 0;  // looks in a row that found nothing unread
  Timer next_;
  Done done_;
};

}  // namespace deptyr
