// Releases a chain of objects that each own their parent, without recursion: it may be deeper than a stack.
#pragma once

#include <memory>
#include <utility>

namespace garner {

// For the destructor of T, which gives its own parent. Those that nobody else owns are destroyed one after
// the other. Who is the last owner only a release can tell: what use_count() says orders nothing between
// threads.
template <typename T>
void release_chain(std::shared_ptr<T> parent) {
  static thread_local std::shared_ptr<T>* next = nullptr;  // of the release that is under way on this thread
  if (next != nullptr) {
    *next = std::move(parent);
    return;
  }
  next = &parent;
  while (parent) {
    // If it ends here, its destructor gives its own parent to `parent`.
    const std::shared_ptr<T> released = std::move(parent);
  }
  next = nullptr;
}

}  // namespace garner
