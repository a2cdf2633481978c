// Attempt: how the source is gone through.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <thread>

#include "backup/attempt.h"
#include "backup/command_reader.h"
#include "backup/difference_maker.h"
#include "backup/estimate.h"
#include "backup/file_reader.h"
#include "backup/scanner.h"
#include "backup/unreadable.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log_context.h"
#include "base/stop_scope.h"
#include "snapshot/node.h"
#include "source/folder_view.h"

namespace garner::backup {

namespace {

std::string bytes_of(ByteView view) { return std::string(as_text(view)); }

// Where the path leads, through all links. Error(kReadFailed).
std::string real_path(const std::shared_ptr<BoundedCalls>& calls, const std::string& path) {
  return source::SlowFileSystem(calls, path).call([path] {
    const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), std::free);
    if (!real) throw system_error(errno, printable(path), ErrorKind::kReadFailed);
    return std::string(real.get());
  });
}

}  // namespace

std::vector<std::shared_ptr<Folder>> Attempt::queue_sources(RunContext& context) {
  std::vector<std::shared_ptr<Folder>> tops;
  ReadSources& read = context.read_sources;
  const TimePoint base_seen = compared_ ? snapshot::from_proto(compared_->scan_start()) : TimePoint{};
  for (int number = 0; number < options_.set.sources_size(); ++number) {
    const std::string& path = options_.set.sources(number);
    const auto source = static_cast<std::uint32_t>(number);
    const v1::Node* earlier = nullptr;
    if (compared_) {
      for (const v1::Source& known : compared_->sources()) {
        if (known.path() == path) earlier = &known.root();
      }
    }
    TreeAssembly assembly(context.earlier, context.metadata, context.owners);
    auto top = std::make_shared<Folder>(nullptr, 0, source, "", FolderBase{}, assembly);
    top->add_slot();
    top->all_listed();
    tops.push_back(top);
    context.source_devices.push_back(0);
    try {
      if (path != "/" && !snapshot::is_valid_name(base_name(path))) throw no_node_name(base_name(path));
      // A link that leads nowhere is told as such: what it should lead to is not there, or not mounted.
      const mode_t mode = source::status_in_time(context.calls, path).st_mode;
      if (S_ISDIR(mode)) {
        FolderBase folder_base{std::nullopt, base_seen,          !options_.full_scan,
                               false,        supply_ != nullptr, std::nullopt};
        if (earlier && earlier->type() == v1::NODE_TYPE_FOLDER) folder_base.node = *earlier;
        folder_base = unless_stale(std::move(folder_base));
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
        // A link to a file is followed as one to a folder is: the user named what it leads to.
        const std::string place = S_ISREG(mode) ? real_path(context.calls, path) : path;
        top->scan.handle = source::FolderHandle::open_root(parent_path(place), context.calls);
        const source::FolderView view(top->scan.handle);
        const source::FileStatus status = view.status_of(base_name(place));
        context.mounts.number(source, status.device);
        if (status.type == v1::NODE_TYPE_FILE) {
          FileTask task{0, base_name(place), std::nullopt};
          if (earlier && earlier->type() == v1::NODE_TYPE_FILE) task.earlier = *earlier;
          Scanner(context, /*lane=*/0).look_at_source(top, std::move(task), status, base_seen);
        } else {
          v1::Node node = view.capture_entry(base_name(place), status, [&](const std::string& message) {
            statistics_->warning(path, message);
          });
          node.set_name(base_name(path));
          top->complete(0, std::move(node), false);
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
    tops.push_back(queue_command(context, number, compared_ ? &*compared_ : nullptr));
  }
  return tops;
}

void Attempt::check_any_was_read(RunContext& context) const {
  const std::lock_guard lock(context.read_sources.mutex);
  if (context.read_sources.count > 0) return;
  throw Error(ErrorKind::kReadFailed, "none of the sources of " + options_.set.name() +
                                          " can be read: " + context.read_sources.first_error);
}

void Attempt::work_off(RunContext& context, unsigned lane) {
  FileReader reader(context, lane);
  Scanner scanner(context, lane);
  CommandReader command_reader(context, lane);
  while (auto work = context.queue.next()) {
    if (auto* batch = std::get_if<FileBatch>(&*work)) {
      reader.read(*batch);
    } else if (auto* command = std::get_if<CommandTask>(&*work)) {
      const std::shared_ptr<void> done(nullptr, [&](void*) { context.queue.command_done(); });
      command_reader.read(*command);
    } else if (auto* look = std::get_if<LookTask>(&*work)) {
      scanner.look_again(std::move(*look));
    } else {
      scanner.scan(std::get<std::shared_ptr<Folder>>(*work));
    }
    work.reset();
    context.queue.done();
  }
}

void Attempt::walk() {
  RunContext context{
      .names = fed(0),
      .targets = fed_repositories(),
      .earlier = *earlier_,
      .differences = source_of_differences(fed_repositories()),
      .supply = supply_.get(),
      .writer = *writer_,
      .checkpoint = checkpoint_,
      .checkpointer = *checkpointer_,
      .statistics = *statistics_,
      .options = options_,
      .clock = clock_,
      .stop = stop_,
      .resumed = resumed_,
      .excluded = {},
      .set_rules = std::make_shared<source::RuleList>(
          source::parse_set_rules({options_.set.rules().begin(), options_.set.rules().end()})),
      .source_devices = {},
      .owners = {source::user_name, source::group_name},
      .metadata = MetadataSink(fed(0).hasher(), *writer_),
      .calls = options_.source_calls ? options_.source_calls : std::make_shared<BoundedCalls>()};
  context.excluded = source::ExcludedFolders(options_.excluded_folders, context.calls);
  statistics_->stage("reading");
  std::vector<std::shared_ptr<Folder>> tops;
  try {
    tops = queue_sources(context);
  } catch (const Error& failure) {
    if (failure.kind() == ErrorKind::kCancelled && stop_.stop_requested()) return;
    throw;
  }

  std::jthread estimator;
  if (!compared_) {
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
        // An error ends the run, whether it comes while one is at work or while a reader is made: the
        // destination may be gone by then.
        try {
          work_off(context, lane);
        } catch (const Error& failure) {
          // Who is to stop waits for no answer of a file system: that is no failure.
          const bool stopped = failure.kind() == ErrorKind::kCancelled && stop_.stop_requested();
          std::lock_guard lock(error_mutex);
          if (!error && !stopped) error = std::current_exception();
        } catch (...) {
          std::lock_guard lock(error_mutex);
          if (!error) error = std::current_exception();
        }
        context.queue.stop();  // which has nothing left where no error came
      }));
    }
  }
  if (error) std::rethrow_exception(error);
  if (stop_.stop_requested()) return;
  checkpointer_->check();
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
  // Once, here: the commit leaves it, so that the blob that is stored of the snapshot is the one that is
  // listed.
  std::uint64_t sequence = 0;
  for (const Place& place : places_) {
    if (place.repository != nullptr)
      sequence = std::max(sequence, store::next_sequence(*place.repository->state(), options_.set.uuid()));
  }
  made.set_sequence(sequence);
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

}  // namespace garner::backup
