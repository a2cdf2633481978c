// Content of files with several names, so that it is read once. Bounded: what does not fit is read again.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "garner/v1/store.pb.h"

namespace garner::backup {

namespace v1 = store::v1;

// Thread-safe.
class HardLinks {
 public:
  using Key = std::pair<std::uint64_t, std::uint64_t>;  // device, inode

  // While it lives, others who ask for the file wait. It must not outlive the HardLinks.
  class Claim {
   public:
    Claim() = default;
    ~Claim();
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    bool held() const { return links_ != nullptr; }

   private:
    friend HardLinks;
    HardLinks* links_ = nullptr;
    Key key_;
  };

  // The file as it was read under another name. Where there is none the caller is to read it, and gets the
  // claim; who reads it just now is waited for.
  std::optional<v1::Node> find_or_claim(const Key& key, Claim& claim);
  void add(const Key& key, const v1::Node& node);

 private:
  std::mutex mutex_;
  std::condition_variable read_;
  std::map<Key, v1::Node> nodes_;
  std::set<Key> claimed_;
};

}  // namespace garner::backup
