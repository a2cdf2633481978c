// A destination that is a folder of this machine or of a mounted file system.
//
// Durability: an object is written to `.staging/`, fsynced, given its name without replacing (link or
// renameat2(RENAME_NOREPLACE)), and the folder that got the name is fsynced. A crash leaves files in `.staging/` only.
#pragma once

#include <memory>
#include <string>

#include "destination/destination.h"

namespace garner::destination {

// `root`: an absolute path. Nothing is created before the first write; create_folder() makes it. Every operation on a
// root that is missing throws Error(kDestinationAway): an unmounted disk is away, not empty.
class LocalDestination final : public Destination {
 public:
  explicit LocalDestination(std::string root);

  // Makes the root folder (mode 0700) if it is missing. For `destination add` only.
  void create_folder();

  std::string describe() const override;
  void put(const std::string& key, ByteView data) override;
  bool put_exclusive(const std::string& key, ByteView data) override;
  void put_file(const std::string& key, const std::string& path) override;
  std::optional<std::string> staging_folder() override;
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override;
  Bytes get_all(const std::string& key, std::uint64_t limit) override;
  std::optional<std::uint64_t> size(const std::string& key) override;
  std::vector<ObjectInfo> list(const std::string& prefix, const std::string& start_after) override;
  void remove(const std::string& key) override;
  std::optional<Space> space() override;

 private:
  std::string root_;
};

// The destination a URL names: an absolute path. Error(kInvalidInput) for a scheme this version does not know.
std::unique_ptr<LocalDestination> open_local(const std::string& url);

}  // namespace garner::destination
