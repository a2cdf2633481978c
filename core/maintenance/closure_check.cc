#include "maintenance/closure_check.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/id_set.h"
#include "maintenance/damage.h"
#include "maintenance/pack_facts.h"
#include "snapshot/closure.h"
#include "snapshot/node.h"
#include "snapshot/parse.h"

namespace garner::maintenance {
namespace {

namespace v1 = store::v1;

// So many files and folders are named; of the others there is only a number.
constexpr std::size_t kNamedPaths = 10'000;
constexpr std::size_t kNamedSnapshots = 5;
constexpr std::size_t kQuestions = 1'000;  // for what is known of a lost folder from elsewhere

std::string short_id(const v1::SnapshotEntry& entry) {
  return to_hex(as_bytes(entry.id())).substr(0, 8) + " (" + entry.snapshot().set().name() + ")";
}

class ClosureCheck {
 public:
  ClosureCheck(store::Repository& repository, const v1::RepositoryState& state, const PackDamage& damage,
               CheckReport& report)
      : repository_(repository),
        stored_(repository.stored()),
        state_(state),
        damage_(damage),
        report_(report) {}

  void find_broken() {
    crypto::IdSet seen;
    for (const v1::SnapshotEntry& entry : state_.snapshots()) {
      report_.throw_if_stopped();
      check_own_blob(entry);
      snapshot::ClosureVisitor visitor;
      visitor.visit = [&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string&) {
        report_.throw_if_stopped();
        report_.add_blobs(1);
        if (kind != crypto::BlobKind::kData) return seen.insert(id);
        if (is_broken(id)) broken_.insert(id);
        return true;
      };
      visitor.length = [&](const crypto::BlobId& id, std::uint64_t length, const std::string&) {
        found_wrong_length_ = found_wrong_length_ || is_other_length(id, length);
      };
      visitor.unreadable = [&](crypto::BlobKind, const crypto::BlobId& id, const std::string&,
                               const std::string&) { broken_.insert(id); };
      snapshot::walk_closure(entry.snapshot(), *stored_, visitor);
      report_.add_snapshot();
    }
  }

  bool found_any() const { return !broken_.empty() || found_wrong_length_; }
  // A snapshot that it walked is not listed any more.
  bool was_overtaken() const {
    try {
      repository_.refresh();
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      return false;
    }
    const auto newest = repository_.state();
    return std::ranges::any_of(state_.snapshots(), [&](const v1::SnapshotEntry& entry) {
      return store::find_snapshot(*newest, as_bytes(entry.id())) == nullptr;
    });
  }

  // Walks everything again, snapshot by snapshot, for the paths.
  void name_files() {
    for (int number = 0; number < state_.snapshots_size(); ++number) {
      crypto::IdSet seen;
      snapshot::ClosureVisitor visitor;
      visitor.visit = [&](crypto::BlobKind kind, const crypto::BlobId& id, const std::string& path) {
        report_.throw_if_stopped();
        if (kind != crypto::BlobKind::kData) return seen.insert(id);
        if (broken_.contains(id)) touch(path, number, "its content is damaged or missing");
        return true;
      };
      visitor.length = [&](const crypto::BlobId& id, std::uint64_t length, const std::string& path) {
        if (is_other_length(id, length)) touch(path, number, "its content has another length than is said");
      };
      visitor.unreadable = [&](crypto::BlobKind kind, const crypto::BlobId&, const std::string& path,
                               const std::string& error) {
        const bool is_folder = kind == crypto::BlobKind::kTree;
        Touched* const touched = touch(
            path, number, (is_folder ? "what is in the folder is lost: " : "its content is lost: ") + error);
        if (is_folder && touched != nullptr) touched->lost_folder = number;
      };
      snapshot::walk_closure(state_.snapshots(number).snapshot(), *stored_, visitor);
    }
    for (const auto& [path, touched] : touched_) {
      report_.throw_if_stopped();
      report_.problem(line_of(path, touched));
    }
    if (unnamed_ > 0)
      report_.problem("and " + std::to_string(unnamed_) + " more damaged places in snapshots");
  }

 private:
  struct Touched {
    std::string what;
    std::set<int> snapshots;
    std::optional<int> lost_folder;  // the last of the snapshots in which it is a folder without its tree
  };

  // The state holds the snapshot itself; its blob is what repair would find.
  void check_own_blob(const v1::SnapshotEntry& entry) {
    try {
      snapshot::validate(entry.snapshot());
      const auto id = crypto::BlobId::from_bytes(as_bytes(entry.id()));
      if (!repository_.index().find(id)) return;  // not written yet: the next metadata pack takes it
      const Bytes blob = stored_->read(crypto::BlobKind::kSnapshot, id);
      if (as_text(blob) != snapshot::serialize(entry.snapshot())) {
        throw Error(ErrorKind::kDamaged, "the log and its blob do not agree");
      }
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      if (!is_still_listed(repository_, crypto::BlobId::from_bytes(as_bytes(entry.id())))) return;
      report_.problem("snapshot " + short_id(entry) + ": " + error.what());
    }
  }

  // No copy of the blob is known to be good.
  bool is_broken(const crypto::BlobId& id) const {
    const auto location = repository_.index().find(id);
    if (!location) return true;
    if (damage_.empty()) return false;
    if (damage_.blobs.contains(id) || damage_.in_doubt.contains(location->pack)) return !can_be_read(id);
    if (!damage_.packs.contains(location->pack)) return false;
    const auto all = repository_.index().find_all(id);
    return std::all_of(all.begin(), all.end(),
                       [&](const auto& one) { return damage_.packs.contains(one.pack); });
  }

  // A restore takes it for missing.
  bool is_other_length(const crypto::BlobId& id, std::uint64_t length) const {
    const auto location = repository_.index().find(id);
    return location && location->length != length;
  }

  bool can_be_read(const crypto::BlobId& id) const {
    try {
      stored_->read(crypto::BlobKind::kData, id);
      return true;
    } catch (const Error& error) {
      if (!is_damage(error)) throw;
      return false;
    }
  }

  // Null where it is one too many.
  Touched* touch(const std::string& path, int snapshot, const std::string& what) {
    const auto found = touched_.find(path);
    if (found == touched_.end() && touched_.size() >= kNamedPaths) {
      ++unnamed_;
      return nullptr;
    }
    Touched& touched = touched_[path];
    if (touched.what.empty()) touched.what = what;
    touched.snapshots.insert(snapshot);
    return &touched;
  }

  std::string line_of(const std::string& path, const Touched& touched) {
    std::string line = printable(path) + ": " + touched.what + ", in snapshot";
    if (touched.snapshots.size() > 1) line += "s";
    std::size_t named = 0;
    // The newest first: they are what is looked for.
    for (auto number = touched.snapshots.rbegin(); number != touched.snapshots.rend(); ++number) {
      if (named == kNamedSnapshots) {
        line += " and " + std::to_string(touched.snapshots.size() - named) + " older";
        break;
      }
      line += (named++ == 0 ? " " : ", ") + short_id(state_.snapshots(*number));
    }
    if (touched.lost_folder && questions_++ < kQuestions) {
      const std::string& id = state_.snapshots(*touched.lost_folder).id();
      const std::string known = report_.known_of_folder(path, crypto::BlobId::from_bytes(as_bytes(id)));
      if (!known.empty()) line += "; " + known;
    }
    return line;
  }

  store::Repository& repository_;
  // What is kept on this machine says nothing of what is there.
  const std::unique_ptr<store::BlobSource> stored_;
  const v1::RepositoryState& state_;
  const PackDamage& damage_;
  CheckReport& report_;
  crypto::IdSet broken_;
  bool found_wrong_length_ = false;
  std::map<std::string, Touched> touched_;
  std::uint64_t unnamed_ = 0;
  std::size_t questions_ = 0;
};

}  // namespace

void check_snapshots(store::Repository& repository, const PackDamage& damage, CheckReport& report) {
  for (;;) {
    const std::shared_ptr<const v1::RepositoryState> state = repository.state();
    ClosureCheck check(repository, *state, damage, report);
    report.begin_stage("walking snapshots");
    check.find_broken();
    if (!check.found_any()) return;
    // What is missing may be of a snapshot that was forgotten meanwhile.
    if (check.was_overtaken()) continue;
    report.begin_stage("looking for the files that damage touches");
    check.name_files();
    return;
  }
}

}  // namespace garner::maintenance
