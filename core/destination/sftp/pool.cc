#include "destination/sftp/pool.h"

#include "base/error.h"
#include "base/stop_scope.h"
#include "destination/retry.h"

namespace garner::destination {

namespace {

// A connection that nobody used for so long is asked whether it is still there, and given up after ten
// minutes: a router in between forgets it without telling anybody.
constexpr std::chrono::seconds kFresh{15};
constexpr std::chrono::seconds kStale{600};
constexpr std::chrono::milliseconds kSignOfLifeLimit{5'000};
constexpr int kMostLosses = 5;  // of connections, by one call

}  // namespace

class SftpPool::Lease {
 public:
  explicit Lease(SftpPool& pool) : pool_(pool) {
    const std::stop_token stop = StopScope::current();
    std::unique_lock lock(pool_.mutex_);
    const bool free = pool_.freed_.wait(
        lock, stop, [&] { return pool_.used_ < pool_.options_.connections || !stop.stop_possible(); });
    if (!free) throw SshStopped();
    ++pool_.used_;
  }
  Lease(const Lease&) = delete;
  ~Lease() {
    std::vector<Idle> ended;  // after the lock: a farewell takes a moment
    {
      const std::lock_guard lock(pool_.mutex_);
      --pool_.used_;
      if (client_ && !client_->usable()) {
        // What happened to one has likely happened to all.
        ended.swap(pool_.idle_);
      } else if (client_ && pool_.idle_.size() < pool_.options_.connections) {
        client_->change_hands();
        pool_.idle_.push_back({std::move(client_), std::chrono::steady_clock::now()});
      }
    }
    pool_.freed_.notify_one();
  }

  SftpClient& client() {
    while (!client_) {
      std::optional<Idle> idle = take_idle();
      if (!idle) {
        client_ = std::make_unique<SftpClient>(pool_.address_, pool_.options_);
        break;
      }
      const auto age = std::chrono::steady_clock::now() - idle->since;
      if (age > kStale) continue;
      if (age > kFresh && !idle->client->is_alive(kSignOfLifeLimit, pool_.options_.answer_timeout)) continue;
      client_ = std::move(idle->client);
    }
    return *client_;
  }

 private:
  std::optional<Idle> take_idle() {
    const std::lock_guard lock(pool_.mutex_);
    if (pool_.idle_.empty()) return std::nullopt;
    Idle idle = std::move(pool_.idle_.back());
    pool_.idle_.pop_back();
    return idle;
  }

  SftpPool& pool_;
  std::unique_ptr<SftpClient> client_;
};

SftpPool::SftpPool(SftpAddress address, SshOptions options, Patience patience)
    : address_(std::move(address)), options_(std::move(options)), patience_(patience) {}

void SftpPool::use(const std::string& doing, const std::function<void(SftpClient&)>& operation) {
  const bool is_run = StopScope::current().stop_possible();
  SteadyTime give_up = std::chrono::steady_clock::now() + (is_run ? patience_.of_runs : patience_.of_others);
  Backoff backoff;
  for (int losses = 0;;) {
    std::string trouble;
    bool connected = false;
    try {
      Lease lease(*this);
      SftpClient& client = lease.client();
      connected = true;
      operation(client);
      return;
    } catch (const SshStopped& stopped) {
      throw Error(ErrorKind::kCancelled, stopped.what());
    } catch (const SshFailure& failure) {
      trouble = doing + ": " + failure.what();
      if (!failure.again()) throw Error(ErrorKind::kDestinationAway, trouble);
    }
    // What was under way for longer than a run's patience lasts is tried again all the same.
    if (connected) {
      if (++losses == kMostLosses) throw Error(ErrorKind::kDestinationAway, trouble);
      if (is_run) give_up = std::chrono::steady_clock::now() + patience_.of_runs;
    }
    const std::chrono::milliseconds wait = backoff.next();
    if (std::chrono::steady_clock::now() + wait > give_up) throw Error(ErrorKind::kDestinationAway, trouble);
    if (!wait_unless_stopped(wait)) throw Error(ErrorKind::kCancelled, "the run was stopped");
  }
}

}  // namespace garner::destination
