#include "lib/sys/watchdog.h"

#include <signal.h>
#include <time.h>

#include <random>

#include "lib/base/status.h"

namespace deptyr {
namespace {

constexpr long kPeriod = std::chrono::nanoseconds(kWatchdogPeriod).count();

long RandomPart() {
  static std::minstd_rand random(static_cast<unsigned>(
      std::chrono::steady_clock::now().time_since_epoch().count()));
  return std::uniform_int_distribution<long>(1, kPeriod)(random);
}

}  // namespace

Watchdog::~Watchdog() {
  if (started_) (void)::timer_delete(timer_);
}

absl::Status Watchdog::Start() {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // its purpose is to interrupt a call
  if (::sigaction(SIGALRM, &action, nullptr) != 0) {
    return Errno("handle SIGALRM");
  }
  sigset_t alarm;
  ::sigemptyset(&alarm);
  ::sigaddset(&alarm, SIGALRM);
  if (::sigprocmask(SIG_UNBLOCK, &alarm, nullptr) != 0) {
    return Errno("unblock SIGALRM");
  }
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGALRM;
  if (::timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) {
    return Errno("make a timer");
  }
  started_ = true;
  armed_ = false;
  return absl::OkStatus();
}

void Watchdog::Set(bool armed) {
  itimerspec times{};
  if (armed) {
    times.it_value.tv_nsec = RandomPart();
    times.it_interval.tv_nsec = kPeriod;
  }
  armed_ = armed;
  (void)::timer_settime(timer_, 0, &times, nullptr);
}

}  // namespace deptyr
