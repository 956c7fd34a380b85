// A client of the test's own.
//
//   Connection client = Connection::To(head_dir / "a.raw");
//   client.Send("text\n");
//   ASSERT_TRUE(client.output().Until(HasSubstr("text")));
#pragma once

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "tests/support/wait.h"

namespace deptyr {

class Connection {
 public:
  // Connects to a path, @NAME or tcp:127.0.0.1:PORT, once somebody listens
  // there.
  static Connection To(const std::string& address);
  // Whether somebody accepts connections there now.
  static bool Works(const std::string& address);

  int fd() const { return fd_.get(); }
  bool connected() const { return fd_.valid(); }
  OutputReader& output() { return *output_; }

  // Sends everything, as it is taken.
  void Send(absl::string_view bytes) const;
  // Sends as much as is taken now, and returns how much that was.
  size_t SendSome(absl::string_view bytes) const;
  // Ends the input from here.
  void HalfClose() const;
  void Close() { fd_.Reset(); }

 private:
  explicit Connection(Fd fd);
  Fd fd_;  // non-blocking
  std::unique_ptr<OutputReader> output_;
};

}  // namespace deptyr
