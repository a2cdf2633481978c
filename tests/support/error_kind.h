// The kind of the Error that an action must throw, or its message: none, or another exception, fails the
// test.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <optional>
#include <string>

#include "base/error.h"

namespace garner::testing {

inline ErrorKind kind_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    UNSCOPED_INFO(error.what());
    return error.kind();
  }
  FAIL("no error");
  return ErrorKind::kInternal;
}

// For actions that may also go well: nothing then.
template <typename Action>
std::optional<ErrorKind> error_in(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  return std::nullopt;
}

// The same as text, where it goes into one with others: "destination away"; "no error".
template <typename Action>
std::string kind_text(const Action& action) {
  const std::optional<ErrorKind> kind = error_in(action);
  return kind ? std::string(to_string(*kind)) : "no error";
}

inline std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  FAIL("no error");
  return {};
}

}  // namespace garner::testing
