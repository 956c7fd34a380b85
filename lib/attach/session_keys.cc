#include "lib/attach/session_keys.h"

#include <utility>
#include <variant>

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "lib/sys/process.h"
#include "lib/term/command_keys.h"
#include "lib/term/key_names.h"

namespace deptyr {
namespace {

uint64_t IdIn(const KeyValues& notice) {
  uint64_t id = 0;
  (void)absl::SimpleAtoi(ValueOf(notice, "client"), &id);
  return id;
}

std::optional<uint32_t> UidIn(const KeyValues& notice) {
  uint32_t uid = 0;
  const bool known = absl::SimpleAtoi(ValueOf(notice, "uid"), &uid);
  return known ? std::optional(uid) : std::nullopt;
}

std::string Describe(uint64_t client, std::optional<uint32_t> uid) {
  return absl::StrCat("client ", client,
                      uid ? absl::StrCat(" of uid ", *uid) : "");
}

}  // namespace

template <typename... Parts>
void SessionKeys::Say(const Parts&... parts) {
  announcer_.SayOncePainted(Announcer::kKeys, absl::StrCat(parts...));
}

std::string SessionKeys::HintOfKey(absl::string_view what_it_does) const {
  if (options_.writer_keys.empty()) return "";
  return absl::StrCat("; ", SpellKeys(options_.writer_keys), what_it_does);
}

absl::Status SessionKeys::OnAttached(const Attached& attached) {
  administers_ = attached.rights.Has(Right::kAdminister);
  return SetWriter(attached.writer.value_or(0), attached.writer_uid);
}

absl::Status SessionKeys::OnWriter(const KeyValues& notice) {
  return SetWriter(IdIn(notice), UidIn(notice));
}

absl::Status SessionKeys::SetWriter(uint64_t client,
                                    std::optional<uint32_t> uid) {
  asker_ = 0;
  const bool watched = std::exchange(watches_, head_.only_watches());
  may_take_ = administers_ || uid == OwnUid();
  const bool had = std::exchange(has_, head_.has_keys());
  if (watches_ && !interactive_ && !options_.read_only) {
    return absl::UnavailableError(
        absl::StrCat(Describe(client, uid), " has the keys of ",
                     head_.session(), "; --exclusive takes them"));
  }
  if (watches_) {
    Say(Describe(client, uid), " has the keys of ", head_.session(),
        options_.read_only ? "" : HintOfKey(" asks for them"));
  } else if (has_ && (watched || options_.exclusive)) {
    Say("only you type into ", head_.session(), " now");
  } else if (!has_ && (watched || had)) {
    Say("nobody has the keys of ", head_.session(), " any more");
  }
  return absl::OkStatus();
}

void SessionKeys::OnAsked(const KeyValues& notice) {
  if (!head_.has_keys()) return;
  asker_ = IdIn(notice);
  Say(Describe(asker_, UidIn(notice)), " asks for the keys of ",
      head_.session(), HintOfKey(" gives them"));
}

bool SessionKeys::TakeCommand(absl::string_view typed) {
  if (!interactive_ || (!head_.only_watches() && asker_ == 0)) return false;
  CommandKeys keys(options_.writer_keys, CommandKeys::Alone::kCommands);
  if (!absl::c_any_of(keys.Feed(typed), [](const Typed& part) {
        return std::holds_alternative<Command>(part);
      })) {
    return false;
  }
  if (!head_.only_watches()) {
    Move("give", asker_);
  } else if (may_take_) {
    Move("take", head_.own_number());
  } else {
    Move("ask", head_.own_number(), "asked for the keys");
  }
  return true;
}

void SessionKeys::Move(absl::string_view deed, uint64_t client,
                       absl::string_view done) {
  if (!inquiry_) inquiry_.emplace(loop_, head_.path());
  inquiry_->Ask(
      {.what = "writer",
       .fields = {{"session", head_.session()},
                  {"do", std::string(deed)},
                  {"client", absl::StrCat(client)}}},
      [this, done = std::string(done)](const auto& answer) {
        const std::string text(answer.ok() ? done : answer.status().message());
        if (!text.empty()) announcer_.Say(text);
      });
}

}  // namespace deptyr
