// The API of service.proto. Each call passes the gate and is then a few lines: the work is in the parts.
#pragma once

#include <mutex>

#include "call_gate.h"
#include "destination_tests.h"
#include "destinations.h"
#include "garner/v1/service.grpc.pb.h"
#include "histories.h"
#include "log_ring.h"
#include "maintenance_facts.h"
#include "metrics.h"
#include "notifier.h"
#include "path_rules.h"
#include "refused_stream.h"
#include "run_queue.h"
#include "schedule_timer.h"
#include "scheduler.h"
#include "sets.h"
#include "snapshot_files.h"
#include "status_source.h"
#include "watch_hub.h"

namespace garner::daemon {

// What the service is made of. All of it outlives the service.
struct Parts {
  CallGate& gate;
  Destinations& destinations;
  Histories& histories;
  Sets& sets;
  RunQueue& runs;
  StatusSource& status;
  WatchHub& hub;
  Scheduler& scheduler;
  MaintenanceFacts& maintenance;
  ScheduleTimer& schedule_timer;
  Notifier& notifier;
  Metrics& metrics;
  std::shared_ptr<LogRing> log;
};

class GarnerService final : public v1::Garner::CallbackService {
 public:
  explicit GarnerService(Parts parts)
      : parts_(std::move(parts)),
        path_rules_(parts_.destinations, parts_.sets),
        files_(parts_.destinations),
        tests_(parts_.destinations) {}

  using Context = grpc::CallbackServerContext;
  using Unary = grpc::ServerUnaryReactor;

  // service_status.cc
  Unary* GetStatus(Context* context, const v1::GetStatusRequest* request, v1::Status* response) override;
  grpc::ServerWriteReactor<v1::Status>* WatchStatus(Context* context,
                                                    const v1::GetStatusRequest* request) override;
  Unary* GetMetrics(Context* context, const v1::GetMetricsRequest* request,
                    v1::GetMetricsResponse* response) override;
  grpc::ServerWriteReactor<v1::LogLine>* ReadLog(Context* context,
                                                 const v1::ReadLogRequest* request) override;

  // service_configuration.cc
  Unary* AddDestination(Context* context, const v1::AddDestinationRequest* request,
                        v1::AddDestinationResponse* response) override;
  Unary* ListDestinations(Context* context, const v1::ListDestinationsRequest* request,
                          v1::ListDestinationsResponse* response) override;
  Unary* GetDestination(Context* context, const v1::GetDestinationRequest* request,
                        v1::Destination* response) override;
  Unary* EditDestination(Context* context, const v1::EditDestinationRequest* request,
                         v1::Destination* response) override;
  Unary* ClaimDestination(Context* context, const v1::ClaimDestinationRequest* request,
                          v1::Destination* response) override;
  grpc::ServerWriteReactor<v1::DestinationTest>* TestDestination(
      Context* context, const v1::TestDestinationRequest* request) override;
  Unary* RemoveDestination(Context* context, const v1::RemoveDestinationRequest* request,
                           v1::RemoveDestinationResponse* response) override;
  Unary* AddSet(Context* context, const v1::AddSetRequest* request, v1::BackupSet* response) override;
  Unary* EditSet(Context* context, const v1::EditSetRequest* request, v1::BackupSet* response) override;
  Unary* ListSets(Context* context, const v1::ListSetsRequest* request,
                  v1::ListSetsResponse* response) override;
  Unary* GetSet(Context* context, const v1::GetSetRequest* request, v1::BackupSet* response) override;
  Unary* RemoveSet(Context* context, const v1::RemoveSetRequest* request,
                   v1::RemoveSetResponse* response) override;

  // service_rules.cc
  Unary* ExplainPath(Context* context, const v1::ExplainPathRequest* request,
                     v1::ExplainPathResponse* response) override;
  Unary* IgnorePaths(Context* context, const v1::IgnorePathsRequest* request,
                     v1::IgnorePathsResponse* response) override;

  // service_config_file.cc
  Unary* ExportConfiguration(Context* context, const v1::ExportConfigurationRequest* request,
                             v1::ExportConfigurationResponse* response) override;
  Unary* ApplyConfiguration(Context* context, const v1::ApplyConfigurationRequest* request,
                            v1::ApplyConfigurationResponse* response) override;

  // service_runs.cc
  Unary* StartBackup(Context* context, const v1::StartBackupRequest* request, v1::Run* response) override;
  Unary* StartRestore(Context* context, const v1::StartRestoreRequest* request, v1::Run* response) override;
  Unary* StartCheck(Context* context, const v1::StartCheckRequest* request, v1::Run* response) override;
  Unary* StartRepair(Context* context, const v1::StartRepairRequest* request, v1::Run* response) override;
  Unary* StartCopy(Context* context, const v1::StartCopyRequest* request, v1::Run* response) override;
  Unary* ListRuns(Context* context, const v1::ListRunsRequest* request,
                  v1::ListRunsResponse* response) override;
  Unary* GetRun(Context* context, const v1::GetRunRequest* request, v1::Run* response) override;
  grpc::ServerWriteReactor<v1::Run>* WatchRun(Context* context, const v1::GetRunRequest* request) override;
  Unary* PauseRun(Context* context, const v1::GetRunRequest* request, v1::Run* response) override;
  Unary* ResumeRun(Context* context, const v1::GetRunRequest* request, v1::Run* response) override;
  Unary* CancelRun(Context* context, const v1::GetRunRequest* request, v1::Run* response) override;

  // service_errors.cc
  Unary* ListErrors(Context* context, const v1::ListErrorsRequest* request,
                    v1::ListErrorsResponse* response) override;

  // service_retention.cc
  Unary* StartForget(Context* context, const v1::StartForgetRequest* request, v1::Run* response) override;
  Unary* StartPrune(Context* context, const v1::StartPruneRequest* request, v1::Run* response) override;
  Unary* PinSnapshot(Context* context, const v1::PinSnapshotRequest* request,
                     v1::PinSnapshotResponse* response) override;
  Unary* TagSnapshots(Context* context, const v1::TagSnapshotsRequest* request,
                      v1::TagSnapshotsResponse* response) override;

  // service_content.cc
  grpc::ServerWriteReactor<v1::ListSnapshotsResponse>* ListSnapshots(
      Context* context, const v1::ListSnapshotsRequest* request) override;
  grpc::ServerWriteReactor<v1::ListFolderResponse>* ListFolder(Context* context,
                                                               const v1::ListFolderRequest* request) override;
  Unary* ListKeys(Context* context, const v1::ListKeysRequest* request,
                  v1::ListKeysResponse* response) override;
  Unary* AddKey(Context* context, const v1::AddKeyRequest* request, v1::AddKeyResponse* response) override;
  Unary* RemoveKey(Context* context, const v1::RemoveKeyRequest* request,
                   v1::RemoveKeyResponse* response) override;
  Unary* ExportKey(Context* context, const v1::ExportKeyRequest* request,
                   v1::ExportKeyResponse* response) override;
  Unary* RotateKey(Context* context, const v1::RotateKeyRequest* request,
                   v1::RotateKeyResponse* response) override;

  // service_diff.cc
  grpc::ServerWriteReactor<v1::DiffSnapshotsResponse>* DiffSnapshots(
      Context* context, const v1::DiffSnapshotsRequest* request) override;

  // service_find.cc
  grpc::ServerWriteReactor<v1::FindPathsResponse>* FindPaths(Context* context,
                                                             const v1::FindPathsRequest* request) override;

  // service_references.cc
  grpc::ServerWriteReactor<v1::FindReferencesResponse>* FindReferences(
      Context* context, const v1::FindReferencesRequest* request) override;

  // service_versions.cc
  Unary* ListVersions(Context* context, const v1::ListVersionsRequest* request,
                      v1::ListVersionsResponse* response) override;

  // service_files.cc
  Unary* LookUpNode(Context* context, const v1::LookUpNodeRequest* request,
                    v1::LookUpNodeResponse* response) override;
  Unary* ReadFolder(Context* context, const v1::ReadFolderRequest* request,
                    v1::ReadFolderResponse* response) override;
  Unary* ReadContent(Context* context, const v1::ReadContentRequest* request,
                     v1::ReadContentResponse* response) override;

  // service_notifications.cc
  Unary* AddNotification(Context* context, const v1::AddNotificationRequest* request,
                         v1::Notification* response) override;
  Unary* ListNotifications(Context* context, const v1::ListNotificationsRequest* request,
                           v1::ListNotificationsResponse* response) override;
  Unary* GetNotification(Context* context, const v1::GetNotificationRequest* request,
                         v1::Notification* response) override;
  Unary* TestNotification(Context* context, const v1::GetNotificationRequest* request,
                          v1::TestNotificationResponse* response) override;
  Unary* RemoveNotification(Context* context, const v1::GetNotificationRequest* request,
                            v1::RemoveNotificationResponse* response) override;

 private:
  catalog::Catalog& catalog() { return parts_.destinations.context().catalog; }
  v1::BackupSet with_last_run(v1::BackupSet set);
  // Asks it, and tells of its maintenance.
  v1::Destination looked_at(const catalog::DestinationFacts& facts);
  // For a member, only backups: Error(kPermissionDenied).
  void check_controls(const Caller& caller, std::int64_t run);

  const Parts parts_;
  PathRules path_rules_;
  SnapshotFiles files_;
  std::mutex applying_;  // a configuration
  DestinationTests tests_;
};

}  // namespace garner::daemon
