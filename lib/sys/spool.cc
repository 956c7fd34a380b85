#include "lib/sys/spool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "lib/base/status.h"

namespace deptyr {
namespace {

// Pages are freed so many bytes at a time.
constexpr uint64_t kFreed = 64 << 10;
// No spool that we wrote is longer.
constexpr uint64_t kFarthest = 16 << 20;
// The largest pipe.
constexpr uint64_t kMostReferred = 1 << 20;

uint16_t LittleEndian(const std::array<char, 2>& bytes) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[0]) |
                               static_cast<uint8_t>(bytes[1]) << 8);
}

absl::Status NoSpool(absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("not a spool: ", why));
}

}  // namespace

void Spool::Unmap::operator()(Header* header) const {
  (void)::munmap(header, kPage);
}

absl::StatusOr<Spool::MappedHeader> Spool::Map(int file) {
  void* const page =
      ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) return Errno("map a memfd");
  return MappedHeader(static_cast<Header*>(page));
}

absl::StatusOr<Spool> Spool::Create() {
  Fd file(::memfd_create("deptyr-log", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file.valid()) return Errno("make a memfd");
  if (::ftruncate(file.get(), kPage) != 0 ||
      ::lseek(file.get(), kPage, SEEK_SET) != kPage) {
    return Errno("size a memfd");
  }
  // If it shrank, a process that maps its first page would fault.
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
    return Errno("seal a memfd");
  }
  ASSIGN_OR_RETURN(MappedHeader header, Map(file.get()));
  new (header.get()) Header;
  return Spool(std::move(file), std::move(header));
}

absl::StatusOr<Spool> Spool::Adopt(Fd memfd) {
  struct stat status {};
  const int seals = ::fcntl(memfd.get(), F_GET_SEALS);
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 ||
      ::fstat(memfd.get(), &status) != 0 ||
      status.st_size < static_cast<off_t>(kPage)) {
    return NoSpool("the descriptor is another's");
  }
  ASSIGN_OR_RETURN(MappedHeader header, Map(memfd.get()));
  Spool spool(std::move(memfd), std::move(header));
  RETURN_IF_ERROR(spool.Recover());
  return spool;
}

absl::Status Spool::Recover() {
  const Header known;
  if (header_->magic != known.magic) return NoSpool("it begins as another");
  if (header_->version > known.version) {
    return absl::FailedPreconditionError(
        absl::StrCat("a spool's format is ", header_->version,
                     ", and this deptyr knows none after ", known.version));
  }
  const off_t position = ::lseek(fd(), 0, SEEK_CUR);
  taken_ = static_cast<uint64_t>(position);
  end_ = last().end;
  if (position < static_cast<off_t>(kPage) || taken_ > end_ ||
      end_ - taken_ > kFarthest || end_ % kPage > kLongestPiece ||
      last().note_size > kLongestNote) {
    return NoSpool("its offsets contradict each other");
  }
  freed_ = taken_ - std::min(taken_, kMostReferred);
  freed_ = freed_ / kFreed * kFreed;
  for (uint64_t page = taken_ / kPage; page < end_ / kPage; ++page) {
    std::array<char, 2> bytes;
    const auto at = static_cast<off_t>(page * kPage + kLongestPiece);
    if (::pread(fd(), bytes.data(), 2, at) != 2) {
      return NoSpool("it ends too early");
    }
    sizes_.push_back(LittleEndian(bytes));
    const uint64_t least = sizes_.size() == 1 ? taken_ % kPage : 1;
    if (sizes_.back() < least || sizes_.back() > kLongestPiece) {
      return NoSpool("a page has an impossible size");
    }
  }
  return absl::OkStatus();
}

bool Spool::Append(absl::string_view bytes) {
  std::string pages;
  std::vector<uint16_t> sizes;
  uint64_t end = end_;
  while (!bytes.empty()) {
    const auto used = static_cast<size_t>(end % kPage);
    absl::string_view piece = bytes.substr(0, kLongestPiece - used);
    if (piece.size() < bytes.size()) {
      const size_t newline = piece.rfind('\n');
      // A line that fits nowhere is cut.
      const bool fits_nowhere = newline == absl::string_view::npos && used == 0;
      if (!fits_nowhere) piece = piece.substr(0, newline + 1);
    }
    absl::StrAppend(&pages, piece);
    end += piece.size();
    bytes.remove_prefix(piece.size());
    if (bytes.empty()) break;
    const auto size = static_cast<uint16_t>(used + piece.size());
    pages.append(kLongestPiece - size, '\0');
    pages.push_back(static_cast<char>(size & 0xff));
    pages.push_back(static_cast<char>(size >> 8));
    sizes.push_back(size);
    end = (end / kPage + 1) * kPage;
  }
  const ssize_t wrote = TEMP_FAILURE_RETRY(
      ::pwrite(fd(), pages.data(), pages.size(), static_cast<off_t>(end_)));
  if (wrote != static_cast<ssize_t>(pages.size())) return false;
  sizes_.insert(sizes_.end(), sizes.begin(), sizes.end());
  end_ = end;
  return true;
}

// It is written beside the one before, which counts until this one is whole.
void Spool::Commit(absl::string_view note) {
  const uint64_t number = header_->commits + 1;
  Record& record = header_->records[number % header_->records.size()];
  record.end = end_;
  record.note_size =
      static_cast<uint32_t>(note.copy(record.note.data(), kLongestNote));
  std::atomic_ref(header_->commits).store(number, std::memory_order_release);
}

absl::string_view Spool::note() const {
  return {last().note.data(), last().note_size};
}

uint64_t Spool::EndOfPiece() const {
  return sizes_.empty() ? end_ : taken_ / kPage * kPage + sizes_.front();
}

void Spool::SetTaken(uint64_t offset) {
  (void)::lseek(fd(), static_cast<off_t>(offset), SEEK_SET);
  taken_ = offset;
}

IoResult Spool::MoveTo(const LogSink& sink) {
  while (!sizes_.empty() && taken_ == EndOfPiece()) {
    SetTaken((taken_ / kPage + 1) * kPage);
    sizes_.pop_front();
  }
  if (empty()) return {IoState::kWouldBlock};
  const IoResult moved =
      sink.MoveFrom(fd(), static_cast<size_t>(EndOfPiece() - taken_));
  taken_ += moved.bytes;
  if (moved.state == IoState::kDone) FreeTaken(sink);
  return moved;
}

// A pipe may still refer to the last pages: to no more than its capacity, as
// each of its buffers has a piece of one page.  They stay as they are, because
// freeing a part of a large page would put zeros there.
void Spool::FreeTaken(const LogSink& sink) {
  if (taken_ < freed_ + referred_ + kFreed) return;
  referred_ = sink.capacity();
  const uint64_t free =
      (taken_ - std::min(taken_, referred_)) / kFreed * kFreed;
  if (free <= freed_) return;
  const uint64_t from = std::max<uint64_t>(freed_, kPage);  // not the header
  (void)::fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(from), static_cast<off_t>(free - from));
  freed_ = free;
}

void Spool::Clear() {
  SetTaken(end_);
  sizes_.clear();
}

std::string Spool::Waiting() const {
  std::string waiting(size(), '\0');
  const ssize_t got = TEMP_FAILURE_RETRY(::pread(
      fd(), waiting.data(), waiting.size(), static_cast<off_t>(taken_)));
  waiting.resize(got > 0 ? static_cast<size_t>(got) : 0);
  // The padding of pages is left out, from the last on.
  for (size_t i = sizes_.size(); i > 0; --i) {
    const uint64_t page = taken_ / kPage * kPage + (i - 1) * kPage;
    const auto from = static_cast<size_t>(page + sizes_[i - 1] - taken_);
    const auto to = static_cast<size_t>(page + kPage - taken_);
    if (to <= waiting.size()) waiting.erase(from, to - from);
  }
  return waiting;
}

}  // namespace deptyr
