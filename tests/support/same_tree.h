// Compares two trees of this machine in everything that a backup keeps: types, owners, modes, times in ns,
// extended attributes, inode flags, link targets, devices, content, allocated blocks, and which names are
// hard links of each other. Without recursion, and whatever the depth. One thread.
#pragma once

#include <fcntl.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "source/folder_handle.h"
#include "source/metadata.h"

namespace garner::testing {

class TreeComparison {
 public:
  // What is different, a line each; empty when nothing is.
  static std::vector<std::string> differences(const std::string& first, const std::string& second) {
    TreeComparison comparison;
    comparison.compare_root(first, second);
    return std::move(comparison.found_);
  }

 private:
  using Folder = std::shared_ptr<source::FolderHandle>;
  struct Pair {
    Folder first;
    Folder second;
    std::string path;
  };

  void compare_root(const std::string& first, const std::string& second) {
    const Folder above_first = source::FolderHandle::open_root(parent_path(first));
    const Folder above_second = source::FolderHandle::open_root(parent_path(second));
    compare_nodes(above_first, base_name(first), above_second, base_name(second), ".");
    while (!waiting_.empty()) {
      const Pair pair = std::move(waiting_.back());
      waiting_.pop_back();
      compare_folders(pair);
    }
  }

  void compare_folders(const Pair& pair) {
    const std::vector<std::string> names = names_in(*pair.first);
    if (names != names_in(*pair.second)) found_.push_back(pair.path + ": other names");
    for (const std::string& name : names) {
      compare_nodes(pair.first, name, pair.second, name, pair.path + "/" + name);
    }
  }

  static std::vector<std::string> names_in(source::FolderHandle& folder) {
    const source::FolderHandle::Use use(folder);
    std::vector<std::string> names;
    for (const source::FolderEntry& entry : source::list_folder(use.fd(), "compared"))
      names.push_back(entry.name);
    return names;
  }

  void compare_nodes(const Folder& first_folder, const std::string& first_name, const Folder& second_folder,
                     const std::string& second_name, const std::string& path) {
    std::uint64_t first_blocks = 0;
    std::uint64_t second_blocks = 0;
    store::v1::Node first;
    store::v1::Node second;
    try {
      first = capture(*first_folder, first_name, first_blocks);
      second = capture(*second_folder, second_name, second_blocks);
    } catch (const std::exception& error) {
      found_.push_back(path + ": " + error.what());
      return;
    }
    compare_links(first, second, path);
    const bool is_folder = first.type() == store::v1::NODE_TYPE_FOLDER;
    for (store::v1::Node* node : {&first, &second}) {
      node->clear_name();
      node->clear_ctime();
      node->clear_birth_time();
      node->clear_inode();
    }
    if (first.SerializeAsString() != second.SerializeAsString()) {
      found_.push_back(path + ": " + first.ShortDebugString() + " is not " + second.ShortDebugString());
    }
    if (first.type() != second.type()) return;
    if (is_folder) {
      waiting_.push_back({source::FolderHandle::open_child(first_folder, first_name),
                          source::FolderHandle::open_child(second_folder, second_name), path});
    } else if (first.type() == store::v1::NODE_TYPE_FILE) {
      // File systems round differently, and keep the first attributes in blocks of their own.
      if (first_blocks + 64 < second_blocks) found_.push_back(path + ": holes were filled");
      if (content(*first_folder, first_name) != content(*second_folder, second_name)) {
        found_.push_back(path + ": other content");
      }
    }
  }

  void compare_links(const store::v1::Node& first, const store::v1::Node& second, const std::string& path) {
    if (first.links() < 2) return;
    const auto [known, is_new] = links_.try_emplace(first.inode(), second.inode());
    if (!is_new && known->second != second.inode()) found_.push_back(path + ": not the same hard link");
  }

  static store::v1::Node capture(source::FolderHandle& folder, const std::string& name,
                                 std::uint64_t& blocks) {
    const source::FolderHandle::Use use(folder);
    const source::FileStatus status = source::read_status(use.fd(), name);
    blocks = status.blocks;
    return source::capture(use.fd(), name, status, -1, [](const std::string&) {});
  }

  // A digest would do, but what is compared here is small or sparse: data ranges are read, holes are not.
  static std::map<std::uint64_t, Bytes> content(source::FolderHandle& folder, const std::string& name) {
    const source::FolderHandle::Use use(folder);
    const Fd file(openat(use.fd(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    std::map<std::uint64_t, Bytes> blocks;
    const source::FileStatus status = source::read_status(file.get(), "");
    for (const source::DataRange& range : source::data_ranges(file.get(), status.size, name)) {
      for (std::uint64_t done = 0; done < range.length; done += kBlock) {
        Bytes block(std::min<std::uint64_t>(kBlock, range.length - done));
        block.resize(read_at(file.get(), block, range.offset + done, name));
        if (block != Bytes(block.size(), 0)) blocks.emplace(range.offset + done, std::move(block));
      }
    }
    return blocks;
  }

  static constexpr std::uint64_t kBlock = 4096;
  std::vector<std::string> found_;
  std::vector<Pair> waiting_;
  std::map<std::uint64_t, std::uint64_t> links_;
};

}  // namespace garner::testing
