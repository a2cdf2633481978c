#include "authority.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <vector>

namespace garner::daemon {

namespace {

constexpr bool kSlow = true;
constexpr bool kChanges = true;
constexpr bool kContent = true;

const std::map<std::string_view, MethodRule>& rules() {
  static const std::map<std::string_view, MethodRule> all = {
      {"GetStatus", {Authority::kMember, kSlow}},
      {"WatchStatus", {Authority::kMember}},
      {"AddDestination", {Authority::kFull, kSlow, kChanges}},
      {"ListDestinations", {Authority::kFull, kSlow}},
      {"GetDestination", {Authority::kFull, kSlow}},
      {"EditDestination", {Authority::kFull, kSlow, kChanges}},
      {"RemoveDestination", {Authority::kFull, kSlow, kChanges}},
      {"ClaimDestination", {Authority::kFull, kSlow, kChanges}},
      {"TestDestination", {Authority::kFull, kSlow, kChanges}},
      {"AddSet", {Authority::kFull, kSlow, kChanges}},
      {"EditSet", {Authority::kFull, kSlow, kChanges}},
      {"ListSets", {Authority::kFull}},
      {"GetSet", {Authority::kFull}},
      {"ExplainPath", {Authority::kFull, kSlow}},
      {"ListErrors", {Authority::kFull}},
      {"IgnorePaths", {Authority::kFull, kSlow, kChanges}},
      {"RemoveSet", {Authority::kFull, false, kChanges}},
      {"StartBackup", {Authority::kMember, false, kChanges}},
      {"StartRestore", {Authority::kFull, kSlow, kChanges}},
      {"StartCheck", {Authority::kFull, false, kChanges}},
      {"StartRepair", {Authority::kFull, kSlow, kChanges}},
      {"StartCopy", {Authority::kFull, kSlow, kChanges}},
      {"StartForget", {Authority::kFull, kSlow, kChanges}},
      {"StartPrune", {Authority::kFull, false, kChanges}},
      {"PinSnapshot", {Authority::kFull, kSlow, kChanges}},
      {"TagSnapshots", {Authority::kFull, kSlow, kChanges}},
      {"ListRuns", {Authority::kMember}},
      {"GetRun", {Authority::kMember}},
      {"WatchRun", {Authority::kMember}},
      {"PauseRun", {Authority::kMember, kSlow, kChanges}},
      {"ResumeRun", {Authority::kMember, false, kChanges}},
      {"CancelRun", {Authority::kFull, kSlow, kChanges}},
      {"ListSnapshots", {Authority::kFull, kSlow}},
      {"ListFolder", {Authority::kFull, kSlow}},
      {"LookUpNode", {Authority::kFull, kSlow, !kChanges, kContent}},
      {"ReadFolder", {Authority::kFull, kSlow, !kChanges, kContent}},
      {"ReadContent", {Authority::kFull, kSlow, !kChanges, kContent}},
      {"DiffSnapshots", {Authority::kFull, kSlow}},
      {"FindPaths", {Authority::kFull, kSlow}},
      {"FindReferences", {Authority::kFull, kSlow}},
      {"ListVersions", {Authority::kFull, kSlow}},
      {"ListKeys", {Authority::kFull, kSlow}},
      {"AddKey", {Authority::kFull, kSlow, kChanges}},
      {"RemoveKey", {Authority::kFull, kSlow, kChanges}},
      {"ExportKey", {Authority::kFull, kSlow, kChanges}},
      {"RotateKey", {Authority::kFull, kSlow, kChanges}},
      {"ExportConfiguration", {Authority::kFull}},
      {"ApplyConfiguration", {Authority::kFull, kSlow, kChanges}},
      {"ReadLog", {Authority::kFull}},
      {"AddNotification", {Authority::kFull, false, kChanges}},
      {"ListNotifications", {Authority::kFull}},
      {"GetNotification", {Authority::kFull}},
      {"TestNotification", {Authority::kFull, kSlow, kChanges}},
      {"RemoveNotification", {Authority::kFull, false, kChanges}},
      {"GetMetrics", {Authority::kMember, kSlow}},
  };
  return all;
}

constexpr std::size_t kMostRecordBytes = 1u << 20;

}  // namespace

std::optional<MethodRule> rule_of(std::string_view method) {
  const auto found = rules().find(method);
  if (found == rules().end()) return std::nullopt;
  return found->second;
}

Authority AuthorityRules::of(const Peer& peer) const {
  if (peer.uid == 0 || peer.uid == daemon_) return Authority::kFull;
  if (daemon_ == 0 && is_member_(peer.uid)) return Authority::kMember;
  return Authority::kNone;
}

std::optional<gid_t> member_group() {
  std::vector<char> buffer(4096);
  group entry{};
  group* found = nullptr;
  while (getgrnam_r(kMemberGroup, &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
         buffer.size() < kMostRecordBytes) {
    buffer.resize(buffer.size() * 2);
  }
  if (found == nullptr) return std::nullopt;
  return found->gr_gid;
}

bool is_group_member(uid_t user) {
  const std::optional<gid_t> group = member_group();
  if (!group.has_value()) return false;
  std::vector<char> buffer(4096);
  passwd entry{};
  passwd* found = nullptr;
  while (getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
         buffer.size() < kMostRecordBytes) {
    buffer.resize(buffer.size() * 2);
  }
  if (found == nullptr) return false;
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  while (getgrouplist(found->pw_name, found->pw_gid, groups.data(), &count) < 0 && count <= 65536) {
    groups.resize(std::max(static_cast<std::size_t>(count), groups.size() * 2));
    count = static_cast<int>(groups.size());
  }
  groups.resize(static_cast<std::size_t>(std::max(count, 0)));
  return std::find(groups.begin(), groups.end(), *group) != groups.end();
}

}  // namespace garner::daemon
