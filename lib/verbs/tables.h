// Shows people what head reports, in sentences and in tables with the columns
// of lib/wire/report_fields.h.  They have nothing in them that a terminal would
// act on.  Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lib/wire/key_values.h"

namespace deptyr {

// Columns are as wide as they have to be, with two spaces between them.
std::string Table(const std::vector<std::vector<std::string>>& rows);

// How a table may look on a terminal; by default as in a file.
struct TableLook {
  size_t width = 0;    // in columns; 0: as wide as it has to be
  bool color = false;  // the states, by SGR of ECMA-48
};
// The answer to "sessions", with a heading even if there are none.  If the
// table is too wide, the columns that matter least are left out, and lines are
// cut.
std::string SessionsTable(const std::vector<KeyValues>& items,
                          TableLook look = {});
// The `client` items, or "" if there are none.
std::string ClientsTable(const std::vector<KeyValues>& items);
// The answer to "status".
std::string StatusText(const std::vector<KeyValues>& items);
// The answer to "head": a line for each field, and a table of users.
std::string HeadText(const std::vector<KeyValues>& items);
// The answer to "router": likewise, with a table of its clients.
std::string RouterText(const std::vector<KeyValues>& items);

// The sessions' names, a line each.
std::string SessionNames(const std::vector<KeyValues>& sessions);
// The answers to "writer" and "upgrade", as sentences.
std::string WriterText(const std::vector<KeyValues>& writers);
std::string UpgradeText(const std::vector<KeyValues>& heads);

}  // namespace deptyr
