// A folder of this machine whose file system may hang: one on a network, or one that a program serves. The
// kernel does not let go of a thread that asks a server that is gone. With it would wait whoever waits for
// that thread: the run, the runs behind it, and whoever only looks at what is there. So what is asked of such
// a file system has to be answered in time; else the place is away, as a disk is that was pulled out, and all
// goes on as it does then.
//
// A call may take longer while its file system answers other questions: one that moves many bytes or lists
// many objects takes longer than any time in which an answer is due. But not for ever without getting on, for
// a server may answer those while a disk of it does not.
//
// What has not returned goes on, left behind, and may be done hours later: a put may store its object then,
// and a remove may take away the one that it was at. Nothing is asked of the folder by this process until all
// of it has returned, so that it neither undoes nor overtakes what is asked for later. For that reason a call
// is not ended by a StopScope either, and a folder is known by its path: what is mounted there meanwhile is
// not asked before the old calls have returned.
//
// Other file systems are asked directly, at no cost. Which it is is found out when something is there that is
// asked, and again after the place was away.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/bounded_calls.h"
#include "destination/local.h"

namespace garner::destination {

// Whether the file system that holds the folder may hang. It is asked something that no kernel remembers, so
// this may hang, too. None where nothing is there.
std::optional<bool> lies_where_it_may_hang(const std::string& folder);

class SlowFolder final : public Destination {
 public:
  // `calls`: all folders of a process share them. Who does not answer is away after once or twice their
  // limit.
  SlowFolder(std::shared_ptr<LocalDestination> folder, std::shared_ptr<BoundedCalls> calls,
             std::function<std::optional<bool>(const std::string&)> may_hang = lies_where_it_may_hang);

  std::string describe() const override { return folder_->describe(); }
  void put(const std::string& key, ByteView data) override;
  bool put_exclusive(const std::string& key, ByteView data) override;
  void put_file(const std::string& key, const std::string& path) override;
  // None where it may hang: what is written there by others would be bounded by nobody.
  std::optional<std::string> staging_folder() override;
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override;
  void get_into(const std::string& key, std::uint64_t offset, MutableByteView memory) override;
  Bytes get_all(const std::string& key, std::uint64_t limit) override;
  std::optional<std::uint64_t> size(const std::string& key) override;
  std::vector<ObjectInfo> list(const std::string& prefix, const std::string& start_after = {}) override;
  void make_durable(const std::string& key) override;
  void remove(const std::string& key) override;
  void remove_all(const std::vector<std::string>& keys) override;
  std::optional<Space> space() override;

 private:
  // How long a call may take without getting on while the file system answers: as many times the limit. What
  // is written (kMuch) may go on its way as a whole when it is synced, in one call of the kernel.
  enum class Longest { kUsual = 5, kMuch = 60 };

  // Calls `work` with whether the file system may hang.
  template <typename Work>
  auto watched(const Work& work);
  // What `work` returns or throws, which is given the folder.
  template <typename Work>
  auto ask(Work work, Longest longest = Longest::kUsual);
  // The same for what is given `data` as well, of which whoever is left behind has a copy.
  template <typename Work>
  auto give(ByteView data, Work work);
  // Error(kDestinationAway) where it is not answered in time.
  template <typename Work>
  std::invoke_result_t<Work&> in_time(Work work, Longest longest = Longest::kUsual);
  void call(std::function<void()> work, Longest longest);
  bool is_slow();

  const std::shared_ptr<LocalDestination> folder_;
  const std::shared_ptr<BoundedCalls> calls_;
  const std::function<std::optional<bool>(const std::string&)> may_hang_;

  std::mutex mutex_;
  std::optional<bool> slow_;
};

}  // namespace garner::destination
