#include "snapshot/node.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <set>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "snapshot/content_list.h"
#include "store/frame.h"

namespace garner::snapshot {
namespace {

constexpr std::size_t kIdSize = 32;
constexpr std::size_t kUuidSize = 16;
constexpr std::size_t kMaximumTarget = 4095;  // PATH_MAX without its NUL: no file system takes a longer link
constexpr std::size_t kMaximumXattrName = 255;
// Offsets of files are signed 64-bit numbers everywhere in Linux.
constexpr std::uint64_t kMaximumFileSize = std::numeric_limits<std::int64_t>::max();

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorKind::kDamaged, what); }

void require(bool holds, const char* what) {
  if (!holds) refuse(what);
}

void check_time(const v1::Time& time) {
  require(time.nanos() <= kMaximumNanos, "nanoseconds of a second or more");
}

void check_entry(const v1::ContentEntry& entry) {
  switch (entry.type()) {
    case v1::ENTRY_TYPE_BLOB:
    case v1::ENTRY_TYPE_LIST:
      require(entry.id().size() == kIdSize, "a content entry's id is not 32 bytes");
      break;
    case v1::ENTRY_TYPE_DIFFERENCE:
      require(
          entry.id().size() == kIdSize && entry.base().size() == kIdSize && entry.patch().size() == kIdSize,
          "a difference with an id that is not 32 bytes");
      require(entry.base() != entry.id(), "a difference from itself");
      require(entry.length() <= store::kMaximumFrame, "a difference longer than a blob can be");
      break;
    case v1::ENTRY_TYPE_HOLE:
      require(entry.id().empty(), "a hole with an id");
      break;
    case v1::ENTRY_TYPE_UNSPECIFIED:
      refuse("a content entry without a type");
    default:
      throw Error(ErrorKind::kNewerFormat,
                  "a content entry of a type that this version of garner does not know");
  }
  require(entry.length() > 0, "a content entry of length 0");
  require(entry.recipe().empty(), "a content entry with a recipe that is none");
  require(entry.type() == v1::ENTRY_TYPE_DIFFERENCE || (entry.base().empty() && entry.patch().empty()),
          "a base or patch, but it is no difference");
}

void check_xattrs(const v1::Node& node) {
  const std::string* previous = nullptr;
  for (const v1::Xattr& xattr : node.xattrs()) {
    require(!xattr.name().empty() && xattr.name().size() <= kMaximumXattrName &&
                xattr.name().find('\0') == std::string::npos,
            "an extended attribute without a valid name");
    require(previous == nullptr || *previous < xattr.name(), "extended attributes out of order");
    previous = &xattr.name();
  }
}

bool is_device(v1::NodeType type) {
  return type == v1::NODE_TYPE_BLOCK_DEVICE || type == v1::NODE_TYPE_CHARACTER_DEVICE;
}

void check_fields_of_type(const v1::Node& node) {
  const v1::NodeType type = node.type();
  if (type == v1::NODE_TYPE_FILE) {
    require(node.content_size() <= static_cast<int>(kInlineEntries),
            "more content entries than a node may hold");
    require(content_length(node.content()) == node.size(),
            "content entries do not add up to the file's size");
  } else {
    require(node.size() == 0 && node.content_size() == 0, "a size or content, but it is no file");
    require(!node.inconsistent(), "marked inconsistent, but it is no file");
  }

  if (type == v1::NODE_TYPE_FOLDER) {
    require(node.tree().size() == kIdSize, "a folder without the id of its tree");
    require(node.has_totals(), "a folder without totals");
    require(node.links() == 0, "a folder with a number of links");
  } else {
    require(node.tree().empty() && !node.has_totals(), "a tree or totals, but it is no folder");
    require(node.links() != 1, "one link, which is not recorded");
  }
  require(node.mount() == 0 || node.links() != 0, "a mount without a number of links");

  if (type == v1::NODE_TYPE_SYMLINK) {
    require(is_valid_target(node.target()), "a symbolic link without a valid target");
  } else {
    require(node.target().empty(), "a target, but it is no symbolic link");
  }
  require(is_device(type) || (node.device_major() == 0 && node.device_minor() == 0),
          "device numbers, but it is no device");
}

void check_node(const v1::Node& node, bool root) {
  require(is_valid_name(node.name()) || (root && node.name() == "/"),
          "its name is not one component of a path");
  require(node.type() > v1::NODE_TYPE_UNSPECIFIED && node.type() <= v1::NODE_TYPE_SOCKET, "an unknown type");
  require(node.mode() <= 07777, "a mode beyond permission bits");
  require(node.has_mtime() && node.has_ctime(), "no mtime or ctime");
  check_time(node.mtime());
  check_time(node.ctime());
  if (node.has_birth_time()) check_time(node.birth_time());
  check_xattrs(node);
  check_fields_of_type(node);
}

void check_owners(const google::protobuf::RepeatedPtrField<v1::Owner>& owners) {
  const v1::Owner* previous = nullptr;
  for (const v1::Owner& owner : owners) {
    require(previous == nullptr || previous->id() < owner.id(), "owners out of order");
    require(!owner.name().empty() && owner.name().size() <= kMaximumOwnerName,
            "an owner without a valid name");
    previous = &owner;
  }
}

// A size is a claim: a few sparse files come to more than the number holds. A sum that has reached the most
// stays there, so that it is the same in whatever order, and over however many pages, it is made.
void add(std::uint64_t& sum, std::uint64_t value) {
  if (__builtin_add_overflow(sum, value, &sum)) sum = std::numeric_limits<std::uint64_t>::max();
}

void add_entries(std::uint64_t& entries, std::uint64_t more) {
  if (__builtin_add_overflow(entries, more, &entries)) refuse("more entries than can be counted");
}

void check_reference(const v1::PageReference& reference) {
  require(reference.id().size() == kIdSize, "a page reference whose id is not 32 bytes");
  require(is_valid_name(reference.first_name()), "a page reference without a valid first name");
  require(reference.has_totals(), "a page reference without totals");
  require(reference.nodes() > 0, "a page reference to no entries");
}

bool is_normal_path(const std::string& path) {
  try {
    return normal_path(path) == path;
  } catch (const Error&) {
    return false;
  }
}

void check_snapshot(const v1::Snapshot& snapshot) {
  require(snapshot.run().size() == kUuidSize, "no valid run");
  require(snapshot.has_set() && snapshot.set().uuid().size() == kUuidSize, "no valid set");
  require(is_valid_set_name(snapshot.set().name()), "a set without a valid name");
  for (const std::string& path : snapshot.set().sources()) {
    require(is_normal_path(path), "a set with a source path that is not absolute and normal");
  }
  require(snapshot.parent().empty() || snapshot.parent().size() == kIdSize,
          "a parent whose id is not 32 bytes");
  // A string field must be UTF-8, or no reader would take the message.
  require(printable(snapshot.host()) == snapshot.host(), "a host name that is not printable UTF-8");
  require(snapshot.has_scan_start() && snapshot.has_finished(), "no times");
  check_time(snapshot.scan_start());
  check_time(snapshot.finished());

  require(snapshot.sources_size() > 0, "no sources");
  std::set<std::string_view> paths;
  v1::Totals totals;
  for (const v1::Source& source : snapshot.sources()) {
    require(is_normal_path(source.path()), "a source path that is not absolute and normal");
    require(paths.insert(source.path()).second, "the same source twice");
    require(source.has_root(), "a source without a root node");
    validate(source.root(), /*root=*/true);
    const std::string last = base_name(source.path());
    require(source.root().name() == (last.empty() ? "/" : last),
            "a root node that is not named as its source");
    require(!source.command() || (source.root().type() == v1::NODE_TYPE_FILE &&
                                  source.path() == command_path(source.root().name())),
            "the output of a command that is no file, or has another path");
    require(printable(source.user()) == source.user() && printable(source.group()) == source.group(),
            "an owner's name that is not printable UTF-8");
    add_to(totals, source.root());
  }
  require(snapshot.has_totals() && equal(snapshot.totals(), totals),
          "totals that are not the sum of its sources");
}

}  // namespace

bool is_valid_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

bool is_valid_target(std::string_view target) {
  return !target.empty() && target.size() <= kMaximumTarget && target.find('\0') == std::string_view::npos;
}

std::string command_path(std::string_view name) {
  return std::string(kCommandFolder) + "/" + std::string(name);
}

bool is_valid_set_name(std::string_view name) {
  const auto is_alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= 255 && is_alphanumeric(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return is_alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
}

void validate(const v1::Node& node, bool root) {
  try {
    check_node(node, root);
  } catch (const Error& error) {
    throw error.in("node \"" + printable(node.name()) + "\"");
  }
}

void validate(const v1::TreePage& page) { summarize(page); }

void validate(const v1::ContentList& list) {
  require(list.entries_size() >= 2, "a content list of fewer than two entries");
  content_length(list.entries());
}

void validate(const v1::Snapshot& snapshot) {
  try {
    check_snapshot(snapshot);
  } catch (const Error& error) {
    throw error.in("snapshot of set \"" + printable(snapshot.set().name()) + "\"");
  }
}

crypto::BlobId id_from(const std::string& bytes) { return crypto::BlobId::from_bytes(as_bytes(bytes)); }

v1::Time to_proto(TimePoint time) {
  v1::Time result;
  result.set_seconds(time.seconds);
  result.set_nanos(time.nanos);
  return result;
}

TimePoint from_proto(const v1::Time& time) { return {time.seconds(), time.nanos()}; }

void add_to(v1::Totals& totals, const v1::Totals& other) {
  std::uint64_t files = totals.files();
  std::uint64_t folders = totals.folders();
  std::uint64_t others = totals.others();
  std::uint64_t bytes = totals.bytes();
  add(files, other.files());
  add(folders, other.folders());
  add(others, other.others());
  add(bytes, other.bytes());
  totals.set_files(files);
  totals.set_folders(folders);
  totals.set_others(others);
  totals.set_bytes(bytes);
}

void add_to(v1::Totals& totals, const v1::Node& node) {
  v1::Totals own;
  if (node.type() == v1::NODE_TYPE_FILE) {
    own.set_files(1);
    own.set_bytes(node.size());
  } else if (node.type() == v1::NODE_TYPE_FOLDER) {
    own.set_folders(1);
    add_to(totals, node.totals());
  } else {
    own.set_others(1);
  }
  add_to(totals, own);
}

bool equal(const v1::Totals& a, const v1::Totals& b) {
  return a.files() == b.files() && a.folders() == b.folders() && a.others() == b.others() &&
         a.bytes() == b.bytes();
}

bool equal(const v1::Node& a, const v1::Node& b) { return serialize(a) == serialize(b); }

PageSummary summarize(const v1::TreePage& page) {
  PageSummary summary;
  const std::string* previous = nullptr;
  const auto follow = [&](const std::string& name) {
    require(previous == nullptr || *previous < name, "names of a tree page out of order");
    if (previous == nullptr) summary.first_name = name;
    previous = &name;
  };
  if (page.pages_size() > 0) {
    require(page.nodes_size() == 0, "a tree page with both nodes and pages");
    require(page.users_size() == 0 && page.groups_size() == 0, "owners in a tree page without nodes");
  }
  for (const v1::Node& node : page.nodes()) {
    validate(node);
    follow(node.name());
    add_to(summary.totals, node);
  }
  for (const v1::PageReference& reference : page.pages()) {
    check_reference(reference);
    follow(reference.first_name());
    add_to(summary.totals, reference.totals());
    add_entries(summary.nodes, reference.nodes());
  }
  add_entries(summary.nodes, static_cast<std::uint64_t>(page.nodes_size()));
  check_owners(page.users());
  check_owners(page.groups());
  return summary;
}

std::uint64_t content_length(const google::protobuf::RepeatedPtrField<v1::ContentEntry>& entries) {
  std::uint64_t length = 0;
  bool after_hole = false;
  for (const v1::ContentEntry& entry : entries) {
    check_entry(entry);
    const bool hole = entry.type() == v1::ENTRY_TYPE_HOLE;
    require(!(hole && after_hole), "two holes in a row");
    after_hole = hole;
    require(entry.length() <= kMaximumFileSize - length, "content longer than a file can be");
    length += entry.length();
  }
  return length;
}

}  // namespace garner::snapshot
