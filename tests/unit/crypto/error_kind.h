// The kind of the Error that an action must throw: none, or another exception, fails the test.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "base/error.h"

namespace garner::crypto {

inline ErrorKind kind_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("no error");
  return ErrorKind::kInternal;
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

}  // namespace garner::crypto
