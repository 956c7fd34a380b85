// Lines on their way to a log, in a memfd that may outlive its process.
//
//   ASSIGN_OR_RETURN(Spool spool, Spool::Create());
//   (void)spool.Append("one\ntwo\n");
//   spool.Commit("a note");
//   const IoResult moved = spool.MoveTo(LogSink());
//
// A process may be killed at any instruction, and no line may be missing or
// doubled after that.  Two things make this true.  Commit() makes the lines
// that were appended, and the owner's note, count at once: either both do or
// neither.  And what was taken is known by the position of the memfd's open
// file, which whoever has a copy of the descriptor shares: splice(2) moves
// bytes into a pipe and the position with them in one call.  A socket is
// written to by two calls, so the bytes of one may be doubled there.
//
// Bytes lie in pages.  A line of at most kLongestPiece bytes is all in one, so
// that a pipe takes all of it or nothing, and the lines of others who write
// there don't come in between.  A place is never used again, because a pipe
// refers to it until its reader has read it; what was taken is freed later.
//
// The format is frozen for a version:
//
//   page 0     Header
//   page 1...  bytes, zeros, and in the last two bytes how many bytes it has,
//              little-endian, unless it is the page that `end` is in
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "lib/sys/fd.h"
#include "lib/sys/io.h"
#include "lib/sys/log_sink.h"

namespace deptyr {

class Spool {
 public:
  static constexpr size_t kLongestPiece = 4094;
  static constexpr size_t kLongestNote = 224;

  static absl::StatusOr<Spool> Create();
  // Goes on with one that another process has ended with.  Bytes that weren't
  // committed are gone.  FailedPrecondition if its format is newer than ours,
  // InvalidArgument if it isn't a spool.
  static absl::StatusOr<Spool> Adopt(Fd memfd);

  int fd() const { return file_.get(); }
  bool empty() const { return taken_ == end_; }
  // How much of the memfd is used by what waits.
  size_t size() const { return static_cast<size_t>(end_ - taken_); }

  // False if there is no memory.  Call Commit() before anything is moved.
  bool Append(absl::string_view bytes);
  // The note may have any bytes, up to kLongestNote.
  void Commit(absl::string_view note);
  absl::string_view note() const;

  // Moves one piece.  If nothing waits, it would block.  After an error, errno
  // says why.
  IoResult MoveTo(const LogSink& sink);
  // Drops what waits.
  void Clear();
  // All that waits.
  std::string Waiting() const;

 private:
  static constexpr size_t kPage = 4096;

  struct Record {
    uint64_t end = kPage;
    uint32_t note_size = 0;
    uint32_t unused = 0;
    std::array<char, kLongestNote> note = {};
  };
  struct Header {
    static constexpr std::array<char, 8> kMagic = {'d', 'e', 'p',  't',
                                                   'y', 'r', '\n', 'l'};
    std::array<char, 8> magic = kMagic;
    uint32_t version = 1;
    uint32_t unused = 0;
    uint64_t commits = 0;  // the last is records[commits % 2]
    std::array<Record, 2> records;
  };
  static_assert(sizeof(Header) <= kPage);
  struct Unmap {
    void operator()(Header* header) const;
  };
  using MappedHeader = std::unique_ptr<Header, Unmap>;

  Spool(Fd file, MappedHeader header)
      : file_(std::move(file)), header_(std::move(header)) {}
  static absl::StatusOr<MappedHeader> Map(int file);
  absl::Status Recover();
  const Record& last() const {
    return header_->records[header_->commits % header_->records.size()];
  }
  uint64_t EndOfPiece() const;
  void SetTaken(uint64_t offset);
  void FreeTaken(const LogSink& sink);

  Fd file_;
  MappedHeader header_;
  // Offsets in the memfd.
  uint64_t taken_ = kPage;
  uint64_t end_ = kPage;
  uint64_t freed_ = 0;     // up to there
  uint64_t referred_ = 0;  // so much before taken_ may be referred to
  // The sizes of the pages from that of taken_ up to the last, which grows.
  std::deque<uint16_t> sizes_;
};

}  // namespace deptyr
