#include "call_gate.h"

#include <spdlog/spdlog.h>

namespace garner::daemon {

namespace {

constexpr std::size_t kQuickThreads = 2;
constexpr std::size_t kSlowThreads = 6;
// Each may hold a frame, sealed, as a server gave it, and raw: at most 12 MiB.
constexpr std::size_t kContentThreads = 4;

std::string caller_zone(const grpc::CallbackServerContext& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find("garner-zone");
  return found == metadata.end() ? std::string() : std::string(found->second.data(), found->second.size());
}

}  // namespace

CallGate::CallGate(const PeerTable& peers, AuthorityRules rules, const OpenCalls& calls)
    : peers_(peers),
      rules_(std::move(rules)),
      calls_(calls),
      quick_(kQuickThreads),
      slow_(kSlowThreads),
      content_(kContentThreads) {}

CallGate::~CallGate() { stop(); }

void CallGate::stop() {
  close();
  for (boost::asio::thread_pool* pool : {&quick_, &slow_, &content_}) {
    pool->stop();
    pool->join();
  }
}

void CallGate::post(bool slow, std::function<void()> work) { post(slow ? slow_ : quick_, std::move(work)); }

void CallGate::post(boost::asio::thread_pool& pool, std::function<void()> work) {
  boost::asio::post(pool, [work = std::move(work)] {
    try {
      work();
    } catch (const std::exception& error) {
      spdlog::error("work in the background failed: {}", error.what());
    }
  });
}

grpc::Status CallGate::admit(grpc::CallbackServerContext* context, std::string_view method,
                             Caller& caller) const {
  if (closed_) return {grpc::StatusCode::UNAVAILABLE, "garnerd is stopping"};
  const std::optional<Peer> peer = peers_.find(context->peer());
  if (!peer.has_value()) return {grpc::StatusCode::UNAUTHENTICATED, "nobody knows who calls"};
  const std::optional<MethodRule> rule = rule_of(method);
  caller = {*peer, rules_.of(*peer), caller_zone(*context)};
  if (!rule.has_value() || caller.authority < rule->needed) {
    spdlog::warn("user {} (process {}) may not call {}", peer->uid, peer->pid, method);
    return {grpc::StatusCode::PERMISSION_DENIED,
            caller.authority == Authority::kMember
                ? "members of the group garner may see status and start, pause and resume backups; this "
                  "needs root"
                : "this daemon does not serve user " + std::to_string(peer->uid)};
  }
  if (calls_.has_too_many(peer->uid, caller.authority)) {
    spdlog::warn("user {} (process {}) has {} calls open: {} is refused", peer->uid, peer->pid,
                 calls_.of(peer->uid), method);
    return {grpc::StatusCode::RESOURCE_EXHAUSTED,
            "user " + std::to_string(peer->uid) +
                " has as many calls open as garnerd takes from one user: end programs that watch the status "
                "or a run, or that wait, and try again"};
  }
  if (rule->changes) spdlog::info("user {} (process {}) calls {}", peer->uid, peer->pid, method);
  return grpc::Status::OK;
}

grpc::ServerUnaryReactor* CallGate::unary(grpc::CallbackServerContext* context, std::string_view method,
                                          std::function<void(const Caller&)> work) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Caller caller;
  const grpc::Status status = admit(context, method, caller);
  if (!status.ok()) {
    reactor->Finish(status);
    return reactor;
  }
  const MethodRule rule = *rule_of(method);
  boost::asio::thread_pool& pool = rule.content ? content_ : rule.slow ? slow_ : quick_;
  post(pool, [reactor, caller, work = std::move(work)] {
    grpc::Status outcome;
    try {
      work(caller);
    } catch (...) {
      outcome = status_of(std::current_exception());
    }
    reactor->Finish(outcome);
  });
  return reactor;
}

}  // namespace garner::daemon
