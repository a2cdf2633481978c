// An answer in pages: each is looked for when the one before is on its way, on a pool's thread, so that a
// slow reader holds no thread and at most one page. A long search without a find is many jobs, so that it
// holds no thread for itself, and ends soon when the caller has gone.
#pragma once

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "call_gate.h"
#include "refused_stream.h"

namespace garner::daemon {

// `Search` has `bool next_page(Response& page, const std::atomic<bool>& cancelled)`, which fills a page that
// is empty, in memory that the one before has left: false at the end, and after a while's work perhaps
// nothing in it, which is not sent.
template <typename Response, typename Search>
class SearchStream final : public grpc::ServerWriteReactor<Response> {
 public:
  using Open = std::function<std::unique_ptr<Search>(const Caller&)>;

  // `open` finds the snapshots; it runs as all else that may wait for a destination.
  static grpc::ServerWriteReactor<Response>* start(CallGate& gate, grpc::CallbackServerContext* context,
                                                   std::string_view method, Open open) {
    Caller caller;
    grpc::Status refused = gate.admit(context, method, caller);
    if (!refused.ok()) return new RefusedStream<Response>(std::move(refused));
    auto* stream = new SearchStream(gate);  // OnDone() deletes it
    stream->post([stream, caller = std::move(caller), open = std::move(open)] {
      try {
        stream->search_ = open(caller);
      } catch (...) {
        stream->Finish(status_of(std::current_exception()));
        return;
      }
      stream->next();
    });
    return stream;
  }

 private:
  explicit SearchStream(CallGate& gate) : gate_(gate) {}

  void post(std::function<void()> job) { gate_.post(true, std::move(job)); }

  void next() {
    bool there_is_more = false;
    page_.Clear();
    try {
      there_is_more = search_->next_page(page_, cancelled_);
    } catch (...) {
      return end(status_of(std::current_exception()));
    }
    if (!there_is_more) {
      end(grpc::Status::OK);
    } else if (page_.ByteSizeLong() == 0) {
      post([this] { next(); });
    } else {
      this->StartWrite(&page_);
    }
  }
  void OnWriteDone(bool ok) override {
    post([this, ok] {
      if (ok) {
        next();
      } else {
        end({grpc::StatusCode::CANCELLED, "the caller went away"});
      }
    });
  }
  // What was looked in may be the last that holds a repository, which then closes files.
  void end(const grpc::Status& status) {
    search_.reset();
    this->Finish(status);
  }
  void OnCancel() override { cancelled_ = true; }
  void OnDone() override { delete this; }

  CallGate& gate_;
  std::unique_ptr<Search> search_;
  Response page_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace garner::daemon
