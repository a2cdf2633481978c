// A daemon's insides without its socket: state folder, keys, catalog, destinations, sets.
#pragma once

#include <filesystem>
#include <functional>

#include <catch2/catch.hpp>

#include "base/error.h"
#include "base/file.h"
#include "crypto/secret.h"
#include "destination_add.h"
#include "destinations.h"
#include "sets.h"
#include "support/error_kind.h"
#include "support/temporary_folder.h"

namespace garner::daemon {

inline bool initialized() {
  crypto::initialize_crypto();
  return true;
}

// One machine. `folder` outlives it.
struct Installation {
  explicit Installation(const std::string& state)
      : keys(made(state) + "/keys"),
        catalog(state, keys, system_clock()),
        writer(keys.writer()),
        destinations({catalog, keys, writer, system_clock(), state, "host", 16u << 20}),
        sets(destinations) {}

  static std::string made(const std::string& state) {
    std::filesystem::create_directories(state);
    return state;
  }

  v1::AddDestinationResponse add(const std::string& name, const std::string& url,
                                 const std::function<void(v1::AddDestinationRequest&)>& change = {}) {
    v1::AddDestinationRequest request;
    request.set_name(name);
    request.set_url(url);
    if (change) change(request);
    return add_destination(destinations, request);
  }

  // While this thread has the catalog, a run that begins gets nowhere. It takes the queue's lock only when it
  // ends.
  void while_runs_stand_still(const std::function<void()>& act) {
    catalog.configuration().change([&](catalog::Database&) { act(); });
  }

  bool ready = initialized();
  catalog::KeyFolder keys;
  catalog::Catalog catalog;
  crypto::WriterKey writer;
  Destinations destinations;
  Sets sets;
};

using testing::kind_of;

inline std::function<void(v1::AddDestinationRequest&)> with_password(const std::string& password) {
  return [password](v1::AddDestinationRequest& request) { request.mutable_secret()->set_password(password); };
}

inline std::function<void(v1::AddDestinationRequest&)> with_recovery_key(const std::string& key) {
  return [key](v1::AddDestinationRequest& request) { request.mutable_secret()->set_recovery_key(key); };
}

}  // namespace garner::daemon
