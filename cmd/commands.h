// The subcommands: each parses its words, makes one call, and returns the exit
// status.  argv[0] is the subcommand's name.
#pragma once

namespace deptyr {

int BodyCommand(int argc, char** argv);
int HeadCommand(int argc, char** argv);
int RouterCommand(int argc, char** argv);

}  // namespace deptyr
