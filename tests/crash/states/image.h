// A tree of files and folders in memory: what a disk holds at one moment. Files that are alike in many images
// share their bytes.
#pragma once

#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace garner::crash {

// A file, folder or link, numbered in the order in which it was met. The root is the first.
using Node = std::uint32_t;
inline constexpr Node kRoot = 0;
inline constexpr Node kNoNode = ~Node{0};

struct ImageNode {
  mode_t mode = 0;                        // with the type
  std::optional<timespec> modified;       // unless it is as it comes
  std::shared_ptr<const Bytes> content;   // of a file; the target of a symbolic link
  std::map<std::string, Node> entries{};  // of a folder
};

struct Image {
  std::vector<ImageNode> nodes;  // some may be in no folder
};

// Visits a folder of the machine and all that is in it, each folder before what is in it. `path` is relative
// to the folder ("" for itself), `status` of the thing itself.
struct Found {
  std::string path;
  Node node = kNoNode;
  dev_t device = 0;
  ino_t inode = 0;
};
// Reads a folder of the machine whole; several names of one file are one node. `found`: what was read.
Image read_image(const std::string& folder, std::vector<Found>& found);

// Makes `folder`, which must not exist, hold what the image's root holds. What names that end with one of
// `left_out` stand for is not made.
void write_image(const Image& image, const std::string& folder,
                 const std::vector<std::string_view>& left_out = {});

// Everything in the folder, a line each, in name order: path, type, mode, size, time of the last change
// (files), target, which names are one file, and the hash of the content. Two folders of the same description
// hold the same.
std::string describe_tree(const std::string& folder);
// The hash of each regular file's content, by its path in the folder.
std::map<std::string, std::string> contents_of(const std::string& folder);

// Removes a folder with all that is in it, if it is there.
void remove_tree(const std::string& folder);

}  // namespace garner::crash
