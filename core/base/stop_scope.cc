#include "base/stop_scope.h"

#include <utility>

namespace garner {

namespace {

std::stop_token& of_thread() {
  thread_local std::stop_token stop;
  return stop;
}

}  // namespace

StopScope::StopScope(std::stop_token stop) : before_(std::exchange(of_thread(), std::move(stop))) {}

StopScope::~StopScope() { of_thread() = std::move(before_); }

std::stop_token StopScope::current() { return of_thread(); }

}  // namespace garner
