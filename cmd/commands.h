// The subcommands.  Each parses its command line, in which argv[0] is its own
// name, makes one call, and returns the exit status.
#pragma once

namespace deptyr {

inline constexpr char kVersionLine[] = "deptyr " DEPTYR_VERSION;

int AdoptCommand(int argc, char** argv);
int AttachCommand(int argc, char** argv);
int BodyCommand(int argc, char** argv);
int DoctorCommand(int argc, char** argv);
int EndedCommand(int argc, char** argv);
int EventsCommand(int argc, char** argv);
int ExecCommand(int argc, char** argv);
int FilterCommand(int argc, char** argv);
int ForgetCommand(int argc, char** argv);
int HeadCommand(int argc, char** argv);
int HistoryCommand(int argc, char** argv);
int KickCommand(int argc, char** argv);
int LsCommand(int argc, char** argv);
int RecordCommand(int argc, char** argv);
int ResizeCommand(int argc, char** argv);
int WriterCommand(int argc, char** argv);
int RouterCommand(int argc, char** argv);
int RunCommand(int argc, char** argv);
int SendCommand(int argc, char** argv);
int SignalCommand(int argc, char** argv);
int SnapshotCommand(int argc, char** argv);
int StatusCommand(int argc, char** argv);
int StopCommand(int argc, char** argv);
int UpgradeCommand(int argc, char** argv);
int WaitCommand(int argc, char** argv);

}  // namespace deptyr
