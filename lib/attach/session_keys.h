// Tells a person who attaches who has the keys of the session, and moves them
// when the person presses the key for that.  It takes them where head would let
// it (lib/head/keys.h), asks for them elsewhere, and gives them to a client
// that has asked.
//
//   SessionKeys keys(loop, head, announcer, options, /*interactive=*/true);
//   RETURN_IF_ERROR(keys.OnAttached(attached));
//   if (!keys.TakeCommand(typed) && !head.only_watches()) head.Type(typed);
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "lib/attach/announcer.h"
#include "lib/attach/attach.h"
#include "lib/attach/attachment.h"
#include "lib/attach/inquiry.h"
#include "lib/sys/event_loop.h"
#include "lib/wire/key_values.h"
#include "lib/wire/messages.h"

namespace deptyr {

class SessionKeys {
 public:
  // A person looks at an interactive client.  All of these must outlive this
  // object.
  SessionKeys(EventLoop& loop, const Attachment& head, Announcer& announcer,
              const AttachOptions& options, bool interactive)
      : loop_(loop),
        head_(head),
        announcer_(announcer),
        options_(options),
        interactive_(interactive) {}

  // Call these when the attachment has heard of it.  Unavailable if this client
  // types for a script, and another one has the keys.
  absl::Status OnAttached(const Attached& attached);
  absl::Status OnWriter(const KeyValues& notice);
  // Another client asks for them.
  void OnAsked(const KeyValues& notice);

  // Whether the key was pressed, and there was something to move.  A key that
  // comes in two pieces has to be pressed again.
  bool TakeCommand(absl::string_view typed);

 private:
  absl::Status SetWriter(uint64_t client, std::optional<uint32_t> uid);
  std::string HintOfKey(absl::string_view what_it_does) const;
  template <typename... Parts>
  void Say(const Parts&... parts);
  void Move(absl::string_view deed, uint64_t client,
            absl::string_view done = "");

  EventLoop& loop_;
  const Attachment& head_;
  Announcer& announcer_;
  const AttachOptions& options_;
  const bool interactive_;
  bool administers_ = false;
  bool watches_ = false;  // another client has them
  bool has_ = false;
  bool may_take_ = false;
  uint64_t asker_ = 0;  // the client that wants them of this one
  std::optional<Inquiry> inquiry_;
};

}  // namespace deptyr
