// Everything that deptyr head is told on its command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/clients/allow.h"
#include "lib/clients/limits.h"
#include "lib/clients/listener_spec.h"
#include "lib/keep/fd_store.h"
#include "lib/session/session.h"
#include "lib/sys/unix_socket.h"

namespace deptyr {

// How much is told of those who do something to sessions.
enum class AuditLevel {
  kNone,
  kWho,   // who does what, and how much they type
  kText,  // what they type, too
};
struct AuditOptions {
  AuditLevel level = AuditLevel::kNone;
  std::string file = {};  // "": head's log
};

// A socket for terminals that peers of other kinds send (lib/head/consoles.h).
struct ConsoleSpec {
  std::string path;
  // The name of their sessions, in which {pid} stands for the program's.
  std::string session;
};

struct HeadOptions {
  std::string socket;
  SocketRights rights;
  std::vector<ListenerSpec> listeners;
  std::vector<ClientDirSpec> client_dirs;
  std::vector<ConsoleSpec> consoles;
  AllowRules allow = {};  // at the head socket
  SessionOptions session = {};
  size_t history = 1 << 20;  // bytes each session's ring holds
  KeeperSpec keeper = {};
  int ready_fd = -1;
  bool headless = false;     // head leaves its terminal alone
  std::string log_dir = {};  // "" for no log files
  bool log_time = false;     // a time stamp before each line there
  AuditOptions audit = {};
  std::optional<char> command_key = {};  // the key before a command to head
  Limits limits = {};
  // The program that an upgrade executes, and its arguments; without arguments
  // an upgrade is refused.
  std::string program = {};
  std::vector<std::string> argv = {};
  std::string version = {};  // "deptyr 0.1.0"
};

}  // namespace deptyr
