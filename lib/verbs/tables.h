// What head says, for people.  Nothing in it is acted on by a terminal.
#pragma once

#include <string>
#include <vector>

#include "lib/wire/key_values.h"

namespace deptyr {

// Columns as wide as they have to be, two spaces between them.
std::string Table(const std::vector<std::vector<std::string>>& rows);

// `session` items: a table with a heading.
std::string SessionsTable(const std::vector<KeyValues>& items);
// The answer to "status".
std::string StatusText(const std::vector<KeyValues>& items);
// That to "head": a line for everything, and a table of users.
std::string HeadText(const std::vector<KeyValues>& items);
// `client` items.
std::string ClientsTable(const std::vector<KeyValues>& items);

}  // namespace deptyr
