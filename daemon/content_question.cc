#include "content_question.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cerrno>

#include "base/bytes.h"
#include "base/error.h"
#include "maintenance/damage.h"
#include "row_spans.h"
#include "snapshot/content_list.h"
#include "snapshot/snapshot.h"
#include "source/open.h"

namespace garner::daemon {

namespace {

constexpr std::size_t kBuffer = 1u << 20;
constexpr std::uint64_t kReadAtOnce = 256u << 20;
constexpr std::size_t kMostChunks = 1'000'000;  // that are looked up together
constexpr std::size_t kToldPartial = 20;

[[noreturn]] void refuse_file(int error, const std::string& path) {
  if (error == ENOENT || error == ENOTDIR) {
    throw Error(ErrorKind::kNotFound,
                "there is no file " + printable(path) + " on this machine, where the daemon looks for it");
  }
  throw system_error(error, "opening " + printable(path), ErrorKind::kReadFailed);
}

Fd open_regular(const std::string& path) {
  // Of what is no file even the opening may do something.
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) refuse_file(errno, path);
  if (S_ISDIR(status.st_mode)) {
    throw Error(ErrorKind::kInvalidInput, printable(path) + " is a folder: name a file in it");
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorKind::kInvalidInput,
                printable(path) + " is no regular file, so it has no content that could be looked for");
  }
  Fd file = source::open_following(AT_FDCWD, path.c_str());
  if (!file.valid()) refuse_file(errno, path);
  return file;
}

// What the file's content would have been named without differences, which have lists of their own.
catalog::BlobPrefix plain_content(const SnapshotCopy& copy, const std::string& path) {
  const store::v1::Node node = snapshot::find_node(*copy.snapshot, path, *copy.repository).named.node;
  backup::ListNamer lists(copy.repository->hasher());
  snapshot::ContentListBuilder list;
  snapshot::for_each_entry(node, *copy.repository, [&](std::uint64_t, const store::v1::ContentEntry& entry) {
    if (entry.type() == store::v1::ENTRY_TYPE_HOLE) {
      list.add_hole(entry.length());
    } else {
      list.add_blob(crypto::BlobId::from_bytes(as_bytes(entry.id())), entry.length(), lists);
    }
    return true;
  });
  store::v1::Node plain;
  plain.set_type(store::v1::NODE_TYPE_FILE);
  plain.set_size(list.length());
  for (auto& entry : list.finish(lists)) *plain.add_content() = std::move(entry);
  return catalog::content_of(plain);
}

// In which snapshots the file had exactly this. `has_all`: it has had all chunks of it at some time, so that
// it may have this content also where its name is another.
std::vector<catalog::Span> spans_of_content(Histories& histories, const HistoryRow& row, const Sharer& sharer,
                                            catalog::BlobPrefix content, std::uint64_t size, bool has_all) {
  std::vector<catalog::Span> spans;
  const auto [path, versions] = histories.read(row, [&](catalog::History& history) {
    return std::pair(history.path_of(sharer.item), history.versions(sharer.item));
  });
  for (const catalog::ItemVersion& version : versions) {
    const auto reach = row.reach(version.span);
    const catalog::NodeFacts& facts = version.facts;
    if (!reach || facts.type != store::v1::NODE_TYPE_FILE || facts.size != size) continue;
    bool is_this = facts.content == content;
    if (!is_this && has_all) {
      try {
        is_this = plain_content(*row.places[reach->last].copy, path) == content;
      } catch (const Error& error) {
        if (!maintenance::is_damage(error)) throw;
      }
    }
    if (is_this) add_span(spans, version.span);
  }
  return spans;
}

}  // namespace

// One way of naming, and what is found by it.
struct ContentQuestion::Naming {
  Naming(Histories& histories, const std::vector<HistoryRow>& rows, std::vector<std::size_t> some)
      : which(std::move(some)),
        repository(rows[which.front()].places.front().copy->repository),
        shares(histories, rows),
        namer(repository->chunker(), repository->hasher(),
              [this](const crypto::BlobId& id, std::uint64_t length) {
                chunks[catalog::prefix_of(id.view())] += length;
                data_bytes += length;
              }) {}

  // Looks up the chunks that were gathered and, at the end, the content of the whole file.
  void look(std::optional<catalog::BlobPrefix> content = {}) {
    if (content) chunks.try_emplace(*content, 0);
    std::vector<WantedBlob> blobs;
    blobs.reserve(chunks.size());
    for (const auto& [prefix, bytes] : chunks) blobs.push_back({prefix, bytes, prefix == content});
    chunks.clear();
    std::vector<bool> found(blobs.size());
    for (const std::size_t row : which) shares.look(row, blobs, found);
    for (std::size_t i = 0; i < blobs.size(); ++i) found_bytes += found[i] ? blobs[i].bytes : 0;
  }

  const std::vector<std::size_t> which;  // rows
  const std::shared_ptr<store::Repository> repository;
  ReferenceShares shares;
  boost::unordered_flat_map<catalog::BlobPrefix, std::uint64_t>
      chunks;                    // and the bytes of the file that are so
  std::uint64_t data_bytes = 0;  // of the file, so far
  std::uint64_t found_bytes = 0;
  backup::ContentNamer namer;
};

ContentQuestion::ContentQuestion(const std::string& path) : path_(path), buffer_(kBuffer) {
  if (!path.starts_with('/'))
    throw Error(ErrorKind::kInvalidInput, "the path " + printable(path) + " is not absolute");
  file_ = open_regular(path);
  struct stat status {};
  if (fstat(file_.get(), &status) != 0) refuse_file(errno, path);
  if (!S_ISREG(status.st_mode))
    throw Error(ErrorKind::kReadFailed, printable(path) + " was replaced while it was opened: try again");
  size_ = static_cast<std::uint64_t>(status.st_size);
  const bool sparse = static_cast<std::uint64_t>(status.st_blocks) * 512 < size_;
  ranges_ =
      sparse ? source::data_ranges(file_.get(), size_, path) : std::vector<source::DataRange>{{0, size_}};
}

ContentQuestion::~ContentQuestion() = default;

bool ContentQuestion::step(Histories& histories, const std::vector<HistoryRow>& rows) {
  if (size_ == 0 || rows.empty()) return false;
  if (namings_.empty()) begin(histories, rows);
  const std::uint64_t until = offset_ + kReadAtOnce;
  while (offset_ < size_ && offset_ < until) read();
  for (const auto& naming : namings_) {
    if (naming->chunks.size() >= kMostChunks) naming->look();
  }
  if (offset_ < size_) return true;
  finish(histories, rows);
  return false;
}

void ContentQuestion::begin(Histories& histories, const std::vector<HistoryRow>& rows) {
  for (std::vector<std::size_t>& some : by_names(rows))
    namings_.push_back(std::make_unique<Naming>(histories, rows, std::move(some)));
}

// A buffer of a range, or the hole before it.
void ContentQuestion::read() {
  const std::uint64_t begin = range_ < ranges_.size() ? ranges_[range_].offset : size_;
  if (offset_ < begin) {
    for (const auto& naming : namings_) naming->namer.add_hole(begin - offset_);
    offset_ = begin;
    return;
  }
  const std::uint64_t end = begin + ranges_[range_].length;
  const std::size_t wanted = std::min<std::uint64_t>(buffer_.size(), end - offset_);
  const std::size_t got = read_at(file_.get(), {buffer_.data(), wanted}, offset_, path_);
  if (got < wanted)
    throw Error(ErrorKind::kReadFailed, printable(path_) + " became shorter while it was read: try again");
  offset_ += got;
  for (const auto& naming : namings_) naming->namer.add({buffer_.data(), got});
  if (offset_ < end) return;
  for (const auto& naming : namings_) naming->namer.end_range();
  ++range_;
}

void ContentQuestion::finish(Histories& histories, const std::vector<HistoryRow>& rows) {
  for (const auto& naming : namings_) {
    const catalog::BlobPrefix content = catalog::content_of(naming->namer.finish());
    // With the chunks, for each look goes through all that there is.
    naming->look(content);
    std::vector<Sharer> partial;
    for (Sharer& sharer : naming->shares.take()) {
      const bool has_all = sharer.bytes >= naming->data_bytes && naming->data_bytes > 0;
      std::vector<catalog::Span> spans;
      if (sharer.is_marked || has_all)
        spans = spans_of_content(histories, rows[sharer.row], sharer, content, size_, has_all);
      if (!spans.empty()) {
        whole_.push_back({sharer.row, sharer.item, size_, std::move(spans)});
      } else if (sharer.bytes > 0) {
        partial.push_back(std::move(sharer));
      }
    }
    // What is named in different ways cannot be added up: the best of them counts.
    if (naming->found_bytes < found_bytes_) continue;
    found_bytes_ = naming->found_bytes;
    partial_ = std::move(partial);
  }
  if (!whole_.empty()) found_bytes_ = size_;
  snapshots_ = count_snapshots(rows, whole_);
  files_ = whole_.size();
  std::stable_sort(partial_.begin(), partial_.end(),
                   [](const Sharer& a, const Sharer& b) { return a.bytes > b.bytes; });
  if (partial_.size() > kToldPartial) partial_.resize(kToldPartial);
  namings_.clear();
}

std::vector<Sharer> ContentQuestion::take_sharers() { return std::move(files_ > 0 ? whole_ : partial_); }

void ContentQuestion::tell(v1::FindReferencesResponse& response) const {
  v1::ContentReferences& message = *response.mutable_content();
  message.set_bytes(size_);
  message.set_found_bytes(found_bytes_);
  message.set_files(files_);
  message.set_snapshots(snapshots_);
}

}  // namespace garner::daemon
