#include "image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "crypto/hash.h"
#include "must.h"

namespace garner::crash {

namespace {

constexpr std::size_t kLargest = std::size_t{1} << 30;

struct stat status_of(const std::string& path) {
  struct stat status {};
  must(lstat(path.c_str(), &status) == 0, path);
  return status;
}

Bytes read_link(const std::string& path, const struct stat& status) {
  Bytes target(static_cast<std::size_t>(status.st_size));
  const ssize_t length = readlink(path.c_str(), reinterpret_cast<char*>(target.data()), target.size());
  must(length == static_cast<ssize_t>(target.size()), path);
  return target;
}

std::vector<std::string> sorted_names(const std::string& folder) {
  std::vector<std::string> names = list_names(folder);
  std::ranges::sort(names);
  return names;
}

class Reader {
 public:
  Reader(Image& image, std::vector<Found>& found) : image_(image), found_(found) {}

  Node read(const std::string& top, const std::string& path) {
    const std::string whole = path.empty() ? top : top + "/" + path;
    const struct stat status = status_of(whole);
    const auto [known, is_new] =
        nodes_.try_emplace({status.st_dev, status.st_ino}, static_cast<Node>(image_.nodes.size()));
    const Node number = known->second;
    if (!is_new) return number;
    found_.push_back({path, number, status.st_dev, status.st_ino});
    image_.nodes.push_back({status.st_mode, status.st_mtim, nullptr});
    if (S_ISREG(status.st_mode)) {
      image_.nodes[number].content = std::make_shared<const Bytes>(read_file(whole, kLargest));
    } else if (S_ISLNK(status.st_mode)) {
      image_.nodes[number].content = std::make_shared<const Bytes>(read_link(whole, status));
    } else if (S_ISDIR(status.st_mode)) {
      image_.nodes[number].modified.reset();
      for (const std::string& name : sorted_names(whole)) {
        const Node entry = read(top, path.empty() ? name : path + "/" + name);
        image_.nodes[number].entries.emplace(name, entry);
      }
    }
    return number;
  }

 private:
  Image& image_;
  std::vector<Found>& found_;
  std::map<std::pair<dev_t, ino_t>, Node> nodes_;
};

class Writer {
 public:
  Writer(const Image& image, const std::vector<std::string_view>& left_out)
      : image_(image), left_out_(left_out) {}

  void write_folder(const ImageNode& folder, const std::string& path) {
    must(mkdir(path.c_str(), 0700) == 0, path);
    for (const auto& [name, number] : folder.entries) {
      if (std::ranges::any_of(left_out_, [&](std::string_view end) { return name.ends_with(end); })) continue;
      write(number, path + "/" + name);
    }
    must(chmod(path.c_str(), folder.mode & 07777) == 0, path);
    if (folder.modified) set_time(*folder.modified, path);
  }

 private:
  void write(Node number, const std::string& path) {
    const ImageNode& node = image_.nodes[number];
    if (S_ISDIR(node.mode)) return write_folder(node, path);
    const auto [known, is_new] = paths_.try_emplace(number, path);
    if (!is_new) return must(link(known->second.c_str(), path.c_str()) == 0, path);
    if (S_ISLNK(node.mode)) {
      must(symlink(std::string(as_text(*node.content)).c_str(), path.c_str()) == 0, path);
      return;
    }
    const Fd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    must(file.valid(), path);
    if (node.content) write_at(file.get(), *node.content, 0, path);
    must(fchmod(file.get(), node.mode & 07777) == 0, path);
    if (node.modified) set_time(*node.modified, path);
  }

  static void set_time(const timespec& time, const std::string& path) {
    const timespec times[2] = {{0, UTIME_OMIT}, time};
    must(utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0, path);
  }

  const Image& image_;
  const std::vector<std::string_view>& left_out_;
  std::map<Node, std::string> paths_;
};

std::string hash_of(const std::string& path) {
  return to_hex(ByteView(crypto::hash(read_file(path, kLargest))).first(8));
}

class Description {
 public:
  void add(const std::string& top, const std::string& path) {
    const std::string whole = path.empty() ? top : top + "/" + path;
    const struct stat status = status_of(whole);
    text += path + " " + std::to_string(status.st_mode);
    if (S_ISDIR(status.st_mode)) {
      text += "\n";
      for (const std::string& name : sorted_names(whole)) add(top, path.empty() ? name : path + "/" + name);
      return;
    }
    if (S_ISREG(status.st_mode)) {
      text += " " + std::to_string(status.st_size) + " " + std::to_string(status.st_mtim.tv_sec) + "." +
              std::to_string(status.st_mtim.tv_nsec) + " " + hash_of(whole);
    } else if (S_ISLNK(status.st_mode)) {
      text += " " + printable(as_text(read_link(whole, status)));
    }
    if (status.st_nlink > 1) text += " is " + first_names_.try_emplace(status.st_ino, path).first->second;
    text += "\n";
  }

  std::string text;

 private:
  std::map<ino_t, std::string> first_names_;
};

}  // namespace

Image read_image(const std::string& folder, std::vector<Found>& found) {
  Image image;
  Reader(image, found).read(folder, "");
  return image;
}

void write_image(const Image& image, const std::string& folder,
                 const std::vector<std::string_view>& left_out) {
  Writer(image, left_out).write_folder(image.nodes[kRoot], folder);
}

std::string describe_tree(const std::string& folder) {
  Description description;
  description.add(folder, "");
  return std::move(description.text);
}

std::map<std::string, std::string> contents_of(const std::string& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_symlink() || !entry.is_regular_file()) continue;
    contents.emplace(entry.path().lexically_relative(folder), hash_of(entry.path()));
  }
  return contents;
}

void remove_tree(const std::string& folder) { std::filesystem::remove_all(folder); }

}  // namespace garner::crash
