#include "lib/verbs/resize.h"

#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/attach/ask.h"
#include "lib/attach/connection.h"
#include "lib/attach/notice.h"
#include "lib/base/status.h"

namespace deptyr {
namespace {

absl::StatusOr<std::vector<KeyValues>> AskStatus(const SessionAddress& where) {
  return AskForItems(
      where.head, {.what = "status", .fields = {{"session", where.session}}});
}

// A client whose terminal has a size gives the program its own.
absl::Status CheckNobodyDecides(const SessionAddress& where) {
  ASSIGN_OR_RETURN(const std::vector<KeyValues> items, AskStatus(where));
  for (const KeyValues& item : items) {
    if (ValueOf(item, "item") != "client" ||
        SizeIn(item, 0, UINT16_MAX).rows == 0) {
      continue;
    }
    return absl::FailedPreconditionError(absl::StrCat(
        "the terminal of client ", ValueOf(item, "id"), " decides the size of ",
        where.session, "; deptyr kick ", where.session, " ",
        ValueOf(item, "id"), " makes it leave"));
  }
  return absl::OkStatus();
}

// The size of a client that attaches is the session's, and stays when that
// client goes.
absl::Status AttachWithSize(const SessionAddress& where, WindowSize size) {
  ASSIGN_OR_RETURN(const std::string path, FindHead(where.head));
  bool may = false;
  RETURN_IF_ERROR(Converse(path,
                           Attach{.session = where.session,
                                  .rows = size.rows,
                                  .cols = size.cols,
                                  .from = From::kNow},
                           [&may](const HeadMessage& said) {
                             const auto* here = std::get_if<Attached>(&said);
                             if (here == nullptr) return false;
                             may = here->rights.Has(Right::kResize);
                             return true;
                           }));
  if (may) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("you may not resize ", where.session,
                   "; ask its owner or root, or start head with --allow"));
}

}  // namespace

absl::Status ResizeSession(const SessionAddress& where, WindowSize size) {
  RETURN_IF_ERROR(CheckNobodyDecides(where));
  RETURN_IF_ERROR(AttachWithSize(where, size));
  ASSIGN_OR_RETURN(const std::vector<KeyValues> items, AskStatus(where));
  const WindowSize now =
      items.empty() ? WindowSize{} : SizeIn(items.front(), 0, UINT16_MAX);
  if (now == size) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(where.session, " stays ", now.rows, "x", now.cols,
                   ": its head was started with another --size-policy, or a "
                   "client came"));
}

}  // namespace deptyr
