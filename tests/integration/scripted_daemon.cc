// A daemon that backs up nothing: it answers the client with what a test asks for, so that the client's side
// of every ending can be shown. scripted_daemon SOCKET; it ends with its standard input.
//
// A backup's set names what becomes of it; `run show N` fails with the status code N; other requests are
// echoed.
#include <grpcpp/grpcpp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "garner/v1/service.grpc.pb.h"

namespace {

namespace v1 = garner::v1;
using grpc::ServerContext;
using grpc::Status;

constexpr std::int64_t kNow = 1'700'000'000;

v1::Run make_run(const std::string& id, v1::RunKind kind, const std::string& set) {
  v1::Run run;
  run.set_run_id(id);
  run.set_kind(kind);
  run.set_state(v1::RUN_STATE_RUNNING);
  run.set_set(set);
  run.set_attempts(1);
  run.mutable_queued()->set_seconds(kNow);
  run.mutable_started()->set_seconds(kNow);
  auto* progress = run.mutable_progress();
  progress->set_total_files(2000);
  progress->set_total_bytes(4ull << 30);
  progress->set_stage("reading");
  return run;
}

void move(v1::Run& run, int step) {
  auto* progress = run.mutable_progress();
  progress->set_done_files(static_cast<std::uint64_t>(100 * step));
  progress->set_done_bytes(static_cast<std::uint64_t>(step) << 27);
  progress->set_bytes_per_second(300e6);
  progress->set_seconds_left(12);
  progress->set_current("/home/ann/file\x1b[31m" + std::to_string(step));
  run.set_new_bytes(static_cast<std::uint64_t>(step) << 26);
  run.set_stored_bytes(static_cast<std::uint64_t>(step) << 25);
}

void finish(v1::Run& run, v1::RunState state) {
  run.clear_progress();
  run.set_state(state);
  run.mutable_finished()->set_seconds(kNow + 75);
  run.set_files(2000);
  run.set_source_bytes(4ull << 30);
  if (state == v1::RUN_STATE_FINISHED) run.set_snapshot_id("4f2a91c0d7e8bb00");
}

class Service final : public v1::Garner::Service {
 public:
  Status StartBackup(ServerContext*, const v1::StartBackupRequest* request, v1::Run* run) override {
    if (request->set() == "unknown") return {grpc::StatusCode::NOT_FOUND, "there is no set \"unknown\""};
    *run = start(make_run(next_id(), v1::RUN_KIND_BACKUP, request->set()));
    return Status::OK;
  }
  Status StartRestore(ServerContext*, const v1::StartRestoreRequest* request, v1::Run* run) override {
    if (request->path().ends_with("/z plain"))
      return {grpc::StatusCode::FAILED_PRECONDITION, "z plain is never restored"};
    v1::Run made = make_run(next_id(), v1::RUN_KIND_RESTORE, "clean");
    made.set_target(request->target());
    made.set_message(request->snapshot() + '|' + request->path() + '|' +
                     v1::Overwrite_Name(request->overwrite()) + (request->dry_run() ? "|dry" : ""));
    *run = start(std::move(made));
    return Status::OK;
  }
  Status StartCheck(ServerContext*, const v1::StartCheckRequest* request, v1::Run* run) override {
    v1::Run made = make_run(next_id(), v1::RUN_KIND_CHECK, request->destination());
    made.set_message("percent " + std::to_string(request->read_data_percent()));
    *run = start(std::move(made));
    return Status::OK;
  }
  Status GetRun(ServerContext*, const v1::GetRunRequest* request, v1::Run*) override {
    return {static_cast<grpc::StatusCode>(std::stoi(request->run_id())), "as\nasked\x1b[31m"};
  }
  Status CancelRun(ServerContext*, const v1::GetRunRequest* request, v1::Run* run) override {
    const std::lock_guard lock(mutex_);
    cancelled_[request->run_id()] = true;
    changed_.notify_all();
    *run = runs_[request->run_id()];
    return Status::OK;
  }
  Status WatchRun(ServerContext* context, const v1::GetRunRequest* request,
                  grpc::ServerWriter<v1::Run>* writer) override {
    std::unique_lock lock(mutex_);
    v1::Run run = runs_.at(request->run_id());
    lock.unlock();
    const std::string what = run.set();
    for (int step = 1; step <= 3; ++step) {
      move(run, step);
      writer->Write(run);
    }
    if (what == "vanish") _exit(0);
    if (what == "stop") return Status::OK;  // ends without an end, as a daemon that is stopped
    if (what == "paused") {
      run.set_state(v1::RUN_STATE_PAUSED);
      run.set_pause_reason(v1::PAUSE_REASON_DESTINATION_AWAY);
      run.set_message("destination disk is away");
      writer->Write(run);
    }
    if (what == "endless" || what == "paused") {
      lock.lock();
      while (!cancelled_[run.run_id()] && !context->IsCancelled()) {
        changed_.wait_for(lock, std::chrono::milliseconds(50));
      }
      finish(run, v1::RUN_STATE_CANCELLED);
    } else {
      finish(run, what == "failed" ? v1::RUN_STATE_FAILED : v1::RUN_STATE_FINISHED);
    }
    if (what == "failed") run.set_message("the source is gone");
    if (what == "damaged") run.set_damage_found(true);
    if (what == "incomplete") run.add_destinations()->set_error("away");
    if (what == "errors") {
      run.set_error_count(1);
      run.add_errors()->set_path("/a\x1b[2J");
      run.mutable_errors(0)->set_message("permission denied");
    }
    writer->Write(run);
    return Status::OK;
  }

  Status AddDestination(ServerContext*, const v1::AddDestinationRequest* request,
                        v1::AddDestinationResponse* response) override {
    response->mutable_destination()->set_name(request->name());
    response->mutable_destination()->set_url(request->url());
    response->set_created(true);
    response->add_notices(request->secret().ShortDebugString());
    if (!request->has_secret()) response->set_recovery_key("ABCDEFG-HIJKLMN");
    return Status::OK;
  }
  Status AddSet(ServerContext*, const v1::AddSetRequest* request, v1::BackupSet* set) override {
    set->set_name(request->name());
    for (const auto& path : request->sources()) set->add_source_paths(path), set->add_sources(path);
    for (const auto& name : request->destinations()) set->add_destinations(name);
    return Status::OK;
  }
  Status EditSet(ServerContext*, const v1::EditSetRequest* request, v1::BackupSet* set) override {
    set->set_name(request->ShortDebugString());
    return Status::OK;
  }
  Status ListFolder(ServerContext*, const v1::ListFolderRequest* request,
                    grpc::ServerWriter<v1::ListFolderResponse>* writer) override {
    for (const char* name : {"a", "b\x1b[2J"}) {
      v1::ListFolderResponse part;
      auto* entry = part.add_entries();
      entry->set_name(name + request->path());
      entry->set_type("folder");
      entry->set_mode("drwxr-xr-x");
      writer->Write(part);
    }
    return Status::OK;
  }
  // 10,000 of 20 sets, one an hour, and in each a folder with names that nobody should have; in it one with
  // `many` names, and one that never ends with `long` links.
  Status ListSnapshots(ServerContext*, const v1::ListSnapshotsRequest*,
                       grpc::ServerWriter<v1::ListSnapshotsResponse>* writer) override {
    v1::ListSnapshotsResponse page;
    for (int i = 0; i < 10'000; ++i) {
      v1::SnapshotInfo& info = *page.add_snapshots();
      const std::string digits = std::to_string(100'000 + i);
      info.set_id(digits + std::string(64 - digits.size(), 'a'));
      info.set_set("set-" + std::to_string(i % 20));
      info.set_host("attic");
      info.add_sources("/home/ann");
      info.add_destinations("disk");
      info.mutable_time()->set_seconds(kNow - 3600 * i);
      info.set_files(170'000);
      info.set_bytes(6ull << 30);
      if (i % 1'000 < 999) continue;
      writer->Write(page);
      page.Clear();
    }
    return Status::OK;
  }
  Status LookUpNode(ServerContext*, const v1::LookUpNodeRequest* request,
                    v1::LookUpNodeResponse* response) override {
    response->set_snapshot_id(request->snapshot());
    response->mutable_node()->set_mode(S_IFDIR | 0755);
    return Status::OK;
  }
  Status ReadFolder(ServerContext*, const v1::ReadFolderRequest* request,
                    v1::ReadFolderResponse* response) override {
    if (request->path() == "many" || request->path() == "long") {
      constexpr int kFirst = 100'000;
      constexpr int kPage = 500;
      const bool is_long = request->path() == "long";
      const int from = request->after().empty() ? kFirst : std::stoi(request->after()) + 1;
      for (int number = from; number < from + kPage; ++number) {
        v1::FileNode& node = *response->add_nodes();
        node.set_name(std::to_string(number));
        node.set_mode((is_long ? S_IFLNK : S_IFREG) | 0644);
        if (is_long) node.set_target(std::string(4000, 'x'));
      }
      response->set_more(is_long || from + kPage < 2 * kFirst);
      return Status::OK;
    }
    for (const char* name :
         {"a\x1b[2Jb", "bytes\xff", "line\nend", "z plain", "\xe6\x97\xa5\xe6\x9c\xac wide"}) {
      v1::FileNode& node = *response->add_nodes();
      node.set_name(name);
      node.set_mode(S_IFREG | 0644);
      node.set_size(12'345);
      node.mutable_mtime()->set_seconds(kNow);
    }
    return Status::OK;
  }
  Status DiffSnapshots(ServerContext*, const v1::DiffSnapshotsRequest*,
                       grpc::ServerWriter<v1::DiffSnapshotsResponse>* writer) override {
    v1::DiffSnapshotsResponse last;
    last.mutable_summary();
    writer->Write(last);
    return Status::OK;
  }
  // So many at once, and then nothing for as long as anybody waits.
  Status FindPaths(ServerContext* context, const v1::FindPathsRequest*,
                   grpc::ServerWriter<v1::FindPathsResponse>* writer) override {
    v1::FindPathsResponse part;
    for (int i = 0; i < 100; ++i) {
      v1::FoundPath& match = *part.add_matches();
      match.set_path("/home/ann/" + std::to_string(i));
      match.set_path_bytes(match.path());
      match.set_type("file");
      match.set_set("home");
    }
    writer->Write(part);
    while (!context->IsCancelled()) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return Status::CANCELLED;
  }
  Status ReadLog(ServerContext*, const v1::ReadLogRequest*,
                 grpc::ServerWriter<v1::LogLine>* writer) override {
    for (const char* text : {"one", "two \"quoted\"\x1b[2J"}) {
      v1::LogLine line;
      line.set_level("info");
      line.set_text(text);
      line.mutable_time()->set_seconds(kNow);
      writer->Write(line);
    }
    return Status::OK;
  }
  Status ExportKey(ServerContext*, const v1::ExportKeyRequest* request,
                   v1::ExportKeyResponse* response) override {
    if (request->destination() == "locked")
      return {grpc::StatusCode::PERMISSION_DENIED, "only root exports keys"};
    response->set_key_file(std::string("key\0file", 8));
    return Status::OK;
  }

 private:
  std::string next_id() {
    const std::lock_guard lock(mutex_);
    return std::to_string(++last_);
  }
  v1::Run start(v1::Run run) {
    const std::lock_guard lock(mutex_);
    runs_[run.run_id()] = run;
    return run;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int last_ = 11;
  std::map<std::string, v1::Run> runs_;
  std::map<std::string, bool> cancelled_;
};

}  // namespace

int main(int count, char** values) {
  if (count != 2) return 2;
  Service service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(std::string("unix:") + values[1], grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  if (!server) return 1;
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}
