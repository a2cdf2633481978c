// What each kind of place has of its own to be tried.
#include <fcntl.h>

#include "base/bounded_calls.h"
#include "base/error.h"
#include "base/file.h"
#include "destination/local.h"
#include "destination/s3/open_s3.h"
#include "destination/sftp/open_sftp.h"
#include "destination/trial.h"

namespace garner::destination {

namespace {

TrialPlace folder_of(const std::string& url, const PlaceContext& context) {
  const std::shared_ptr<LocalDestination> folder = open_local(url);
  TrialPlace place;
  place.place = open_folder(folder, context);
  // Not done where the file system does not answer in time: then the steps have told.
  const auto in_time = [root = folder->root(), calls = context.calls](const auto& work) {
    if (!calls) return work();
    calls->run(root, work);
  };
  place.tidy = [folder, in_time](const std::string&, const std::set<std::string>& names) {
    in_time([folder, names] {
      for (const std::string& name : names) folder->remove_empty_folders(name);
    });
  };
  // What was just written and is durable is still in the page cache, and would be read from there.
  place.forget = [path = normal_path(url), in_time](const std::string& key) {
    in_time([object = path + "/" + key] {
      const Fd file(open(object.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
      if (file.valid()) posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
    });
  };
  return place;
}

TrialPlace store_of(const std::shared_ptr<S3Destination>& store) {
  TrialPlace place;
  place.place = store;
  place.own_step = "uploads in parts";
  place.own_trial = [store](const std::string& folder, const std::string& file) {
    return store->try_uploads(folder, file);
  };
  place.tidy = [store](const std::string& own, const std::set<std::string>&) {
    try {
      store->give_up_uploads(own + "/");
    } catch (const Error& error) {
      // What the keys may not do the step has told.
      if (error.kind() != ErrorKind::kWriteFailed && error.kind() != ErrorKind::kReadFailed) throw;
    }
  };
  return place;
}

TrialPlace server_of(const std::shared_ptr<SftpDestination>& server) {
  TrialPlace place;
  place.place = server;
  place.own_step = "durability";
  place.own_trial = [server](const std::string&, const std::string&) {
    if (server->is_durable()) return TrialFinding{TrialOutcome::kGood, "fsync@openssh.com"};
    return TrialFinding{
        TrialOutcome::kWarning,
        "the server does not tell when what it has taken is on its disk (it has no "
        "fsync@openssh.com): when its power fails, what was backed up in the minute before may "
        "be damaged. garner check finds that"};
  };
  place.tidy = [server](const std::string&, const std::set<std::string>& names) {
    for (const std::string& name : names) server->remove_empty_folders(name);
  };
  return place;
}

}  // namespace

TrialReport try_place(const std::string& url, const PlaceOptions& options, const PlaceContext& context,
                      const TrialOptions& trial, const std::function<void(const TrialReport&)>& told,
                      std::stop_token stop) {
  const auto of_kind = [&] {
    switch (place_kind(url)) {
      case PlaceKind::kFolder:
        return folder_of(url, context);
      case PlaceKind::kS3:
        return store_of(open_s3(url, options, context));
      case PlaceKind::kSftp:
        break;
    }
    return server_of(open_sftp(url, options, context));
  };
  return try_place(of_kind(), context, trial, told, std::move(stop));
}

}  // namespace garner::destination
