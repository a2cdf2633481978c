#include "backup/backup_run.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "backup/command_reader.h"
#include "backup/estimate.h"
#include "backup/file_reader.h"
#include "backup/run_context.h"
#include "backup/scanner.h"
#include "backup/settle.h"
#include "backup/unreadable.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log_context.h"
#include "base/stop_scope.h"
#include "snapshot/closure.h"
#include "snapshot/node.h"
#include "source/folder_view.h"

namespace garner::backup {

namespace {

// Most backups after the first bring less than this, raw: that they take a second longer is nothing to them,
// and what they store makes a repository grow.
constexpr std::uint64_t kThorough = 64u << 20;

std::string bytes_of(ByteView view) { return std::string(as_text(view)); }

// Of what the path leads to, which may hang. Error(kNotFound), kReadFailed.
struct stat status_of(const std::shared_ptr<source::BoundedCalls>& calls, const std::string& path) {
  return source::SlowFileSystem(calls, path).call([path] {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
      throw system_error(errno, printable(path),
                         errno == ENOENT || errno == ENOTDIR ? ErrorKind::kNotFound : ErrorKind::kReadFailed);
    }
    return status;
  });
}

// A folder that must not be backed up: by what it is or, where it cannot be looked at, by its path.
void exclude(RunContext& context, const std::string& path) {
  try {
    const struct stat status = status_of(context.calls, path);
    source::FileStatus folder;
    folder.device = status.st_dev;
    folder.inode = status.st_ino;
    context.excluded.push_back(folder);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kNotFound) return;
    if (error.kind() != ErrorKind::kReadFailed) throw;
    spdlog::warn("{}, which is not to be backed up, cannot be looked at: {}", printable(path), error.what());
    context.excluded_paths.push_back(path);
  }
}

unsigned thread_count(const BackupOptions& options) {
  const unsigned wanted =
      options.threads != 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  const auto affordable = static_cast<unsigned>(options.memory_budget / store::kMemoryPerLane);
  return std::clamp(wanted, 1u, std::max(1u, affordable));
}

// The snapshot to compare with: the set's latest here or, for a set that is new here, the latest of the same
// sources of this machine.
const v1::SnapshotEntry* find_base(const v1::RepositoryState& state, const BackupOptions& options) {
  const v1::SnapshotEntry* same_sources = nullptr;
  const v1::SnapshotEntry* recovered = nullptr;  // may lack something
  for (auto entry = state.snapshots().rbegin(); entry != state.snapshots().rend(); ++entry) {
    const v1::SetDefinition& set = entry->snapshot().set();
    if (set.uuid() == options.set.uuid()) {
      if (!entry->recovered()) return &*entry;
      if (!recovered) recovered = &*entry;
    }
    if (!same_sources && !set.sources().empty() && entry->snapshot().host() == options.host &&
        std::ranges::equal(set.sources(), options.set.sources())) {
      same_sources = &*entry;
    }
  }
  return recovered ? recovered : same_sources;
}

const v1::SnapshotEntry* find_snapshot(const v1::RepositoryState& state, const crypto::BlobId& id) {
  for (const v1::SnapshotEntry& entry : state.snapshots()) {
    if (entry.id() == as_text(id.view())) return &entry;
  }
  return nullptr;
}

// One try at a run: everything is walked, and what the walk finds is committed.
class Attempt {
 public:
  Attempt(store::Repository& repository, CheckpointStore& checkpoint, const BackupOptions& options,
          const Clock& clock, BackupMonitor& monitor, std::stop_token stop)
      : repository_(repository),
        checkpoint_(checkpoint),
        options_(options),
        clock_(clock),
        monitor_(monitor),
        stop_(std::move(stop)),
        threads_(thread_count(options)) {}

  // Nothing when content is lost that must be read from the source again: then another attempt does that.
  std::optional<BackupResult> make();

 private:
  void take_up_checkpoint();
  void begin_anew(std::vector<crypto::BlobId> bases);
  void choose_base();
  void walk();
  std::vector<std::shared_ptr<Folder>> queue_sources(RunContext& context);
  void check_any_was_read(RunContext& context) const;
  v1::Snapshot describe(const std::vector<std::shared_ptr<Folder>>& tops) const;
  std::optional<crypto::BlobId> commit(v1::Snapshot snapshot);
  crypto::BlobId put_snapshots(const v1::Snapshot& snapshot);
  void give_up_own(const std::set<store::ObjectName>& lost);
  void remove_strays() const;
  std::string staging_folder() const;

  store::Repository& repository_;
  CheckpointStore& checkpoint_;
  const BackupOptions& options_;
  const Clock& clock_;
  BackupMonitor& monitor_;
  const std::stop_token stop_;
  const unsigned threads_;

  std::shared_ptr<const v1::RepositoryState> state_;
  std::optional<v1::Snapshot> base_;  // compared with
  std::optional<crypto::BlobId> base_id_;
  CheckpointHead head_;
  bool resumed_ = false;
  std::unique_ptr<store::BlobWriter> writer_;
  std::unique_ptr<Statistics> statistics_;
  std::unique_ptr<Checkpointer> checkpointer_;
  std::optional<v1::Snapshot> result_;
};

std::string Attempt::staging_folder() const {
  const auto folder = repository_.destination().staging_folder();
  return folder ? *folder : options_.spool_folder;
}

void Attempt::choose_base() {
  if (resumed_) {
    for (const crypto::BlobId& id : head_.base_snapshots) {
      if (const auto* entry = find_snapshot(*state_, id)) {
        base_ = entry->snapshot();
        base_id_ = id;
      }
    }
    return;
  }
  if (const auto* entry = find_base(*state_, options_)) {
    base_ = entry->snapshot();
    base_id_ = crypto::BlobId::from_bytes(as_bytes(entry->id()));
  }
}

void Attempt::begin_anew(std::vector<crypto::BlobId> bases) {
  const RunCounters counters = head_.counters;
  head_ = {};
  head_.scan_start = clock_.now();
  head_.base_snapshots = std::move(bases);
  head_.counters = counters;
  resumed_ = false;
  checkpoint_.begin(head_.scan_start, head_.base_snapshots);
}

// Makes the writer, with what an earlier process had durable.
void Attempt::take_up_checkpoint() {
  store::BlobWriterOptions writer_options{options_.run, staging_folder(), threads_, threads_};
  auto known = checkpoint_.load();
  std::vector<Uuid> committed;
  if (known) {
    head_ = std::move(*known);
    resumed_ = true;
    writer_ = std::make_unique<store::BlobWriter>(repository_, writer_options);
    try {
      committed = writer_->adopt(head_.packs);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kNotFound && error.kind() != ErrorKind::kDamaged) throw;
      spdlog::warn("run {}: what it had stored is gone ({}); it begins anew", options_.run.text(),
                   error.what());
      writer_.reset();
      resumed_ = false;
    }
  }
  choose_base();
  if (!resumed_) {
    begin_anew(base_id_ ? std::vector{*base_id_} : std::vector<crypto::BlobId>{});
    remove_strays();
    if (base_) writer_options.thorough = kThorough;
    writer_ = std::make_unique<store::BlobWriter>(repository_, writer_options);
  }
  statistics_ = std::make_unique<Statistics>(monitor_, options_.read_counter_file, head_.counters);
  const bool has_root = std::ranges::any_of(
      state_->roots(), [&](const auto& root) { return root.run() == as_text(options_.run.view()); });
  // Whether it has any the checkpoint does not tell; without a base it has none.
  const bool has_differences =
      resumed_ && !head_.base_snapshots.empty() && repository_.may_store_differences();
  checkpointer_ = std::make_unique<Checkpointer>(
      Checkpointer::Context{repository_, *writer_, checkpoint_, *statistics_, options_.run, options_.pace,
                            threads_, head_.base_snapshots, head_.names, std::move(committed), has_root,
                            has_differences, options_.during_commit});
  // Names what was taken over, so that everything earlier is readable from the destination.
  if (resumed_) {
    checkpointer_->save_adopted();
    remove_strays();
  }
  repository_.set_uncommitted(writer_->published());
}

// Staging files of this run that its checkpoint does not know hold nothing that anything refers to.
void Attempt::remove_strays() const {
  std::set<std::string> known;
  for (const store::DurablePack& pack : head_.packs) known.insert(base_name(pack.path));
  const std::string folder = staging_folder();
  for (const std::string& name : list_names(folder)) {
    if (name.starts_with(options_.run.text()) && !known.contains(name)) remove_file(folder + "/" + name);
  }
}

std::optional<BackupResult> Attempt::make() {
  repository_.refresh();
  state_ = repository_.state();
  // A run that was cut off in its commit may have won.
  if (const auto entry = repository_.snapshot_of_run(options_.run)) {
    const v1::Snapshot& made = entry->snapshot();
    BackupProgress progress;
    if (const auto known = checkpoint_.load()) progress.counters = known->counters;
    progress.counters.read_bytes = made.read_bytes();
    progress.counters.new_bytes = made.new_bytes();
    progress.files = progress.done_files = made.totals().files();
    progress.source_bytes = progress.done_bytes = made.totals().bytes();
    progress.error_count = made.error_count();
    // All its packs are published. What a crash left of them in staging is a second name, or what was torn.
    remove_strays();
    checkpoint_.forget();
    return BackupResult{crypto::BlobId::from_bytes(as_bytes(entry->id())), progress};
  }
  take_up_checkpoint();
  if (base_) {
    statistics_->expect(base_->totals().files(), base_->totals().bytes());
  }
  walk();
  if (stop_.stop_requested()) {
    checkpointer_->save_now(false);
    throw Error(ErrorKind::kCancelled, "the run was stopped");
  }
  statistics_->stage("committing");
  const auto id = commit(std::move(*result_));
  if (!id) return std::nullopt;
  checkpoint_.forget();
  repository_.set_uncommitted({});
  BackupProgress progress = statistics_->progress();
  progress.current.clear();
  return BackupResult{*id, progress};
}

std::vector<std::shared_ptr<Folder>> Attempt::queue_sources(RunContext& context) {
  std::vector<std::shared_ptr<Folder>> tops;
  ReadSources& read = context.read_sources;
  const TimePoint base_seen = base_ ? snapshot::from_proto(base_->scan_start()) : TimePoint{};
  for (int number = 0; number < options_.set.sources_size(); ++number) {
    const std::string& path = options_.set.sources(number);
    const auto source = static_cast<std::uint32_t>(number);
    const v1::Node* earlier = nullptr;
    if (base_) {
      for (const v1::Source& known : base_->sources()) {
        if (known.path() == path) earlier = &known.root();
      }
    }
    TreeAssembly assembly(repository_, context.metadata, context.owners);
    auto top = std::make_shared<Folder>(nullptr, 0, source, "", FolderBase{}, assembly);
    top->add_slot();
    top->all_listed();
    tops.push_back(top);
    context.source_devices.push_back(0);
    try {
      // A link that leads nowhere is told as such: what it should lead to is not there, or not mounted.
      if (S_ISDIR(status_of(context.calls, path).st_mode)) {
        FolderBase folder_base{std::nullopt, base_seen, !options_.full_scan, false, std::nullopt};
        if (earlier && earlier->type() == v1::NODE_TYPE_FOLDER) folder_base.node = *earlier;
        if (const auto finished = resumed_ ? checkpoint_.root(source) : std::nullopt) {
          const std::optional<v1::Node> known = std::move(folder_base.node);
          folder_base = finished_base(*finished);
          folder_base.known = known;
        }
        auto root = std::make_shared<Folder>(top, 0, source, path == "/" ? path : base_name(path),
                                             std::move(folder_base), assembly);
        root->scan.handle = source::FolderHandle::open_root(path, context.calls);
        context.source_devices.back() = source::FolderView(root->scan.handle).status().device;
        context.mounts.number(source, context.source_devices.back());
        context.queue.add(std::move(root));
      } else {
        top->scan.handle = source::FolderHandle::open_root(parent_path(path), context.calls);
        const source::FolderView view(top->scan.handle);
        const source::FileStatus status = view.status_of(base_name(path));
        context.mounts.number(source, status.device);
        if (status.type == v1::NODE_TYPE_FILE) {
          FileTask task{0, base_name(path), std::nullopt};
          if (earlier && earlier->type() == v1::NODE_TYPE_FILE) task.earlier = *earlier;
          Scanner(context).look_at_source(top, std::move(task), status, base_seen);
        } else {
          top->complete(
              0,
              view.capture_entry(base_name(path), status,
                                 [&](const std::string& message) { statistics_->error(path, message); }),
              false);
        }
      }
      ++read.count;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kReadFailed && error.kind() != ErrorKind::kNotFound) throw;
      if (read.first_error.empty()) read.first_error = error.what();
      top->complete(
          0, keep_last_known(context, nullptr, path, error, earlier ? std::optional(*earlier) : std::nullopt),
          false);
    }
  }
  if (options_.commands.empty()) check_any_was_read(context);
  for (std::size_t number = 0; number < options_.commands.size(); ++number) {
    tops.push_back(queue_command(context, number, base_ ? &*base_ : nullptr));
  }
  return tops;
}

void Attempt::check_any_was_read(RunContext& context) const {
  const std::lock_guard lock(context.read_sources.mutex);
  if (context.read_sources.count > 0) return;
  throw Error(ErrorKind::kReadFailed, "none of the sources of " + options_.set.name() +
                                          " can be read: " + context.read_sources.first_error);
}

void Attempt::walk() {
  RunContext context{
      .repository = repository_,
      .writer = *writer_,
      .checkpoint = checkpoint_,
      .checkpointer = *checkpointer_,
      .statistics = *statistics_,
      .options = options_,
      .clock = clock_,
      .stop = stop_,
      .resumed = resumed_,
      .excluded = {},
      .excluded_paths = {},
      .set_rules = std::make_shared<source::RuleList>(
          source::parse_set_rules({options_.set.rules().begin(), options_.set.rules().end()})),
      .source_devices = {},
      .owners = {source::user_name, source::group_name},
      .metadata = MetadataSink(repository_.hasher(), *writer_),
      .calls = options_.source_calls ? options_.source_calls : std::make_shared<source::BoundedCalls>()};
  for (const std::string& path : options_.excluded_folders) exclude(context, path);
  statistics_->stage("reading");
  std::vector<std::shared_ptr<Folder>> tops;
  try {
    tops = queue_sources(context);
  } catch (const Error& failure) {
    if (failure.kind() == ErrorKind::kCancelled && stop_.stop_requested()) return;
    throw;
  }

  std::jthread estimator;
  if (!base_) {
    estimator = std::jthread([&](std::stop_token stop) {
      const Estimate estimate =
          estimate_sources({options_.set.sources().begin(), options_.set.sources().end()},
                           options_.set.one_file_system(), context.calls, stop);
      if (!stop.stop_requested()) statistics_->expect(estimate.files, estimate.bytes);
    });
  }

  std::mutex error_mutex;
  std::exception_ptr error;
  const std::stop_callback on_stop(stop_, [&] { context.queue.stop(); });
  checkpointer_->start([&] { context.queue.stop(); });
  const std::shared_ptr<void> told(nullptr, [&](void*) { checkpointer_->stop_telling(); });
  {
    std::vector<std::jthread> workers;
    for (unsigned lane = 0; lane < threads_; ++lane) {
      workers.emplace_back(in_log_context([&, lane] {
        const StopScope scope(stop_);
        FileReader reader(context, lane);
        Scanner scanner(context);
        CommandReader command_reader(context, lane);
        while (auto work = context.queue.next()) {
          try {
            if (auto* batch = std::get_if<FileBatch>(&*work)) {
              reader.read(*batch);
            } else if (auto* command = std::get_if<CommandTask>(&*work)) {
              const std::shared_ptr<void> done(nullptr, [&](void*) { context.queue.command_done(); });
              command_reader.read(*command);
            } else {
              scanner.scan(std::get<std::shared_ptr<Folder>>(*work));
            }
          } catch (const Error& failure) {
            // Who is to stop waits for no answer of a file system: that is no failure.
            const bool stopped = failure.kind() == ErrorKind::kCancelled && stop_.stop_requested();
            std::lock_guard lock(error_mutex);
            if (!error && !stopped) error = std::current_exception();
            context.queue.stop();
          } catch (...) {
            std::lock_guard lock(error_mutex);
            if (!error) error = std::current_exception();
            context.queue.stop();
          }
          work.reset();
          context.queue.done();
        }
      }));
    }
  }
  if (error) std::rethrow_exception(error);
  checkpointer_->check();
  if (stop_.stop_requested()) return;
  check_any_was_read(context);
  for (const auto& top : tops) {
    // Nothing may be missing from a snapshot because work was lost on the way.
    if (!top->is_complete()) throw Error(ErrorKind::kInternal, "a source was not walked to its end");
  }
  result_ = describe(tops);
}

v1::Snapshot Attempt::describe(const std::vector<std::shared_ptr<Folder>>& tops) const {
  v1::Snapshot made;
  made.set_run(bytes_of(options_.run.view()));
  *made.mutable_set() = options_.set;
  std::uint64_t highest = 0;
  for (const v1::SnapshotEntry& entry : repository_.state()->snapshots()) {
    if (entry.snapshot().set().uuid() == options_.set.uuid())
      highest = std::max(highest, entry.snapshot().sequence());
  }
  made.set_sequence(highest + 1);
  if (base_id_) made.set_parent(bytes_of(base_id_->view()));
  made.set_host(options_.host);
  *made.mutable_scan_start() = snapshot::to_proto(head_.scan_start);
  *made.mutable_finished() = snapshot::to_proto(clock_.now());
  for (const auto& top : tops) {
    auto node = top->collected();
    if (!node) continue;
    v1::Source& source = *made.add_sources();
    const auto number = static_cast<std::size_t>(top->source());
    const auto paths = static_cast<std::size_t>(options_.set.sources_size());
    source.set_command(number >= paths);
    source.set_path(source.command() ? snapshot::command_path(options_.commands[number - paths].name)
                                     : options_.set.sources(static_cast<int>(number)));
    source.set_user(source::user_name(node->uid()));
    source.set_group(source::group_name(node->gid()));
    snapshot::add_to(*made.mutable_totals(), *node);
    *source.mutable_root() = std::move(*node);
  }
  const BackupProgress progress = statistics_->progress();
  made.set_error_count(progress.error_count);
  made.set_read_bytes(progress.counters.read_bytes);
  made.set_new_bytes(progress.counters.new_bytes);
  return made;
}

// Writes the snapshot's blob, and those of earlier snapshots that stand in the log only, if metadata is
// written anyway.
crypto::BlobId Attempt::put_snapshots(const v1::Snapshot& made) {
  const std::string content = snapshot::serialize(made);
  const crypto::BlobId id = repository_.hasher().id(crypto::BlobKind::kSnapshot, as_bytes(content));
  if (writer_->pending_blobs() == 0 && !checkpointer_->has_root()) return id;
  for (const v1::Snapshot& earlier : repository_.snapshots_without_pack()) {
    const std::string bytes = snapshot::serialize(earlier);
    writer_->put_metadata(crypto::BlobKind::kSnapshot,
                          repository_.hasher().id(crypto::BlobKind::kSnapshot, as_bytes(bytes)),
                          as_bytes(bytes));
  }
  writer_->put_metadata(crypto::BlobKind::kSnapshot, id, as_bytes(content));
  return id;
}

// Own packs that were taken for orphans while the run slept: what they hold counts as not stored, and is read
// from them while they are there. A commit that went on naming them would be refused for ever.
void Attempt::give_up_own(const std::set<store::ObjectName>& lost) {
  std::vector<store::FinishedPack> own = writer_->published();
  std::erase_if(own, [&](const store::FinishedPack& pack) { return !lost.contains(pack.name); });
  writer_->forget(own);
}

// Nothing when the snapshot lacks content that only the source can supply.
std::optional<crypto::BlobId> Attempt::commit(v1::Snapshot made) {
  std::set<crypto::BlobId> bases(head_.base_snapshots.begin(), head_.base_snapshots.end());
  std::optional<std::set<store::ObjectName>> settled;
  const std::shared_ptr<void> held = options_.during_commit ? options_.during_commit() : nullptr;
  put_snapshots(made);
  for (;;) {
    checkpointer_->save_now(true);
    store::CommitPlan plan;
    plan.packs = writer_->published();
    plan.snapshot = made;
    plan.has_differences = checkpointer_->has_differences();
    if (checkpointer_->has_root()) plan.remove_roots = {options_.run};
    plan.names = settled ? *settled : checkpointer_->names();
    if (!settled) plan.base_snapshots = bases;
    const store::CommitOutcome outcome = repository_.commit(plan);
    statistics_->committed(outcome.stored_bytes);
    if (outcome.committed) {
      statistics_->stored(writer_->stored_bytes());
      return outcome.snapshot_id;
    }
    spdlog::info(
        "run {}: {} packs and {} snapshots that it relied on were removed meanwhile; looking for what is "
        "lost",
        options_.run.text(), outcome.lost_names.size(), outcome.lost_snapshots.size());
    repository_.set_uncommitted(writer_->published());
    give_up_own(outcome.lost_names);
    settled = settle(repository_, *writer_, made);
    if (!settled) return std::nullopt;
  }
}

BackupResult make_attempts(store::Repository& repository, CheckpointStore& checkpoint,
                           const BackupOptions& options, const Clock& clock, BackupMonitor& monitor,
                           const std::stop_token& stop) {
  // What a snapshot names says nothing of what is stored if some of it was lost: everything is read, and what
  // is lost is stored again.
  repository.refresh();
  const auto state = repository.state();
  const v1::SnapshotEntry* base = find_base(*state, options);
  BackupOptions first = options;
  if (base && base->recovered() && !snapshot::Completeness(repository, stop).is_complete(base->snapshot())) {
    spdlog::info("run {}: the snapshot that it compares with lacks content; it reads everything",
                 options.run.text());
    first.full_scan = true;
    first.content_lost = true;
  }
  if (auto result = Attempt(repository, checkpoint, first, clock, monitor, stop).make()) return *result;
  // What the run took for known is gone from the repository: everything is looked up, and read where that
  // finds nothing, on the newest state.
  spdlog::info("run {}: reads the source again", options.run.text());
  checkpoint.forget();
  BackupOptions anew = options;
  anew.full_scan = true;
  anew.content_lost = true;
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (auto result = Attempt(repository, checkpoint, anew, clock, monitor, stop).make()) return *result;
    checkpoint.forget();
  }
  throw Error(ErrorKind::kConflict,
              "what this backup stores is removed from the repository again and again meanwhile");
}

bool is_there(store::Repository& repository) {
  try {
    return repository.destination().size(store::kHeaderKey).has_value();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

BackupResult run_backup(store::Repository& repository, CheckpointStore& checkpoint,
                        const BackupOptions& options, const Clock& clock, BackupMonitor& monitor,
                        std::stop_token stop) {
  const StopScope scope(stop);
  try {
    return make_attempts(repository, checkpoint, options, clock, monitor, stop);
  } catch (const Error& error) {
    // A destination that goes away in mid-run shows in whatever was being done to it just then.
    const bool told = error.kind() == ErrorKind::kCancelled || error.kind() == ErrorKind::kDestinationAway ||
                      error.kind() == ErrorKind::kDestinationFull;
    if (told || is_there(repository)) throw;
    throw Error(ErrorKind::kDestinationAway,
                repository.destination().describe() + " went away: " + error.what());
  }
}

void abandon_backup(store::Repository& repository, CheckpointStore& checkpoint, const Uuid& run) {
  repository.refresh();
  const auto state = repository.state();
  const bool has_root = std::ranges::any_of(
      state->roots(), [&](const auto& root) { return root.run() == as_text(run.view()); });
  if (has_root) {
    store::CommitPlan plan;
    plan.remove_roots = {run};
    repository.commit(plan);
  }
  if (const auto folder = repository.destination().staging_folder()) {
    for (const std::string& name : list_names(*folder)) {
      if (name.starts_with(run.text())) remove_file(*folder + "/" + name);
    }
  }
  checkpoint.forget();
}

}  // namespace garner::backup
