// Lists every field of head's answers: how JSON spells its value, and which
// column of a table shows it.
//
//   for (const ReportField& field : ReportFields()) {
//     if (field.item == "client") absl::StrAppend(&out, field.column, " ");
//   }
//
// Values travel as text (lib/wire/key_values.h); a field that isn't here, of a
// newer head, is text.  docs/protocol.md says what each means, and a test
// compares its list with this one.  Pure.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace deptyr {

enum class FieldType {
  kText,
  kNumber,
  kBytes,  // a number that people see as 1.5M
  kTime,   // milliseconds since 1970, 0 for "not yet"
  kFlag,   // 0 or 1
  kWords,  // with a NUL between any two
};

struct ReportField {
  absl::string_view item;  // "session", "client", ...
  absl::string_view name;  // the same name has the same type everywhere
  FieldType type = FieldType::kText;
  absl::string_view column = "";  // its heading in the item's table; "": none
};

// Item by item, in the order in which columns are shown.
absl::Span<const ReportField> ReportFields();
FieldType TypeOf(absl::string_view name);

}  // namespace deptyr
