#include "added_place.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/bytes.h"
#include "base/error.h"
#include "destination/local.h"
#include "destination/s3/claims.h"
#include "destination/s3/open_s3.h"
#include "destination/sftp/open_sftp.h"

namespace garner::daemon {

namespace {

// What else may lie where a repository is made.
[[noreturn]] void refuse_other(const std::string& where, const std::string& name) {
  throw Error(ErrorKind::kNotARepository, printable(where) +
                                              " is not empty and holds no repository (it holds " +
                                              printable(name) + "): name an empty folder or a new one");
}

// Of a place that holds a repository and cannot be written to.
std::string restores_only(const Error& error) {
  return std::string(error.what()) +
         ". Until then this machine can restore from there and not back up to it.";
}

class AddedFolder final : public AddedPlace {
 public:
  AddedFolder(Destinations& destinations, const std::string& name, const std::string& url)
      : AddedPlace(nullptr, {}),
        destinations_(destinations),
        url_(url),
        folder_(std::make_shared<destination::LocalDestination>(url)) {
    place_ = destination::open_folder(folder_, destinations.place_context(name));
  }

  // Folders that would hold one another.
  void check() override {
    const FolderLine& line = destinations_.line();
    line.exists(url_);  // throws where nobody answers
    const std::string& state = destinations_.context().state_folder;
    if (line.lies_in(url_, state) || line.lies_in(state, url_)) {
      throw Error(ErrorKind::kInvalidInput,
                  printable(url_) + " and the daemon's state folder " + printable(state) +
                      " lie in each other: the state folder is no place for backups");
    }
    for (const std::string& other : destinations_.local_folders()) {
      if (line.lies_in(url_, other) == line.lies_in(other, url_)) continue;
      throw Error(ErrorKind::kInvalidInput, printable(url_) + " and the repository " + printable(other) +
                                                " lie in each other: name a folder beside it");
    }
    for (const catalog::BackupSet& set : destinations_.context().catalog.configuration().sets()) {
      for (const std::string& source : set.definition.sources()) {
        if (!line.lies_in(source, url_)) continue;
        throw Error(ErrorKind::kInvalidInput, "the set '" + set.definition.name() + "' backs up " +
                                                  printable(source) +
                                                  ", which would be inside the repository");
      }
    }
  }

  bool is_missing(const Error& error) const override {
    if (error.kind() != ErrorKind::kDestinationAway) return false;
    return destinations_.line().ask(url_, [url = url_] {
      struct stat status {};
      return lstat(url.c_str(), &status) != 0;
    });
  }

  void check_nothing_there() override {
    static const std::set<std::string> kHarmless = {".", "..", ".staging", "keys", "lost+found"};
    const auto names = destinations_.line().ask(url_, [url = url_] {
      const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(url.c_str()), closedir);
      if (!folder) throw system_error(errno, "listing " + printable(url), ErrorKind::kReadFailed);
      std::vector<std::string> found;
      while (const dirent* entry = readdir(folder.get())) found.emplace_back(entry->d_name);
      return found;
    });
    for (const std::string& name : names) {
      if (!kHarmless.contains(name)) refuse_other(url_, name);
    }
  }

  void prepare(bool exists, std::vector<std::string>&) override {
    if (exists) return;
    destinations_.line().ask(url_, [folder = folder_] {
      folder->create_folder();
      return true;
    });
  }

 private:
  Destinations& destinations_;
  const std::string url_;
  const std::shared_ptr<destination::LocalDestination> folder_;  // at place_
};

class AddedStore final : public AddedPlace {
 public:
  AddedStore(Destinations& destinations, const std::string& name, const std::string& url,
             const destination::PlaceOptions& options)
      : AddedPlace(nullptr, options), url_(url), context_(destinations.place_context(name)) {
    open();
  }

  void check() override {}
  bool is_missing(const Error&) const override { return false; }

  void check_nothing_there() override {
    static const std::set<std::string> kHarmless = {"keys", "probe", "claims"};
    for (const std::string& name : store_->first_components()) {
      if (!kHarmless.contains(name)) refuse_other(url_, name);
    }
  }

  void prepare(bool exists, std::vector<std::string>& notices) override {
    try {
      if (store_->keeps_conditions()) return leave_out_single_writer(notices);
    } catch (const Error& error) {
      if (!exists || error.kind() != ErrorKind::kWriteFailed) throw;
      keep_to_claims();
      notices.push_back(restores_only(error));
      return;
    }
    if (!options_.contains("single-writer")) {
      throw Error(ErrorKind::kUnavailable,
                  store_->describe() +
                      " does not keep the condition If-None-Match: two machines, or one and its own past, "
                      "could overwrite each other's records there. Use another store; or, if no other "
                      "machine ever writes there, add it with --single-writer");
    }
    const std::optional<std::string> holder = destination::claimed_by(*store_);
    if (!holder || *holder == context_.writer) return destination::claim(*store_, context_.writer);
    if (!exists) destination::check_claim(*store_, context_.writer);
    notices.push_back("Another machine (writer " + holder->substr(0, 8) +
                      ") writes there, and only one can: this one restores from there and does not back up "
                      "to it, until `garner destination claim` says so.");
  }

 private:
  void open() {
    store_ = destination::open_s3(url_, options_, context_);
    place_ = store_;
  }

  // What was not tried is known from those who write there: they claim a store that keeps no conditions.
  void keep_to_claims() {
    if (!destination::claimed_by(*store_)) return;
    options_["single-writer"] = "yes";
    open();
  }

  void leave_out_single_writer(std::vector<std::string>& notices) {
    if (options_.erase("single-writer") == 0) return;
    open();
    notices.push_back("This store is safe for any number of writers: --single-writer is left out.");
  }

  const std::string url_;
  const destination::PlaceContext context_;
  std::shared_ptr<destination::S3Destination> store_;  // place_
};

class AddedServer final : public AddedPlace {
 public:
  AddedServer(Destinations& destinations, const std::string& name, const std::string& url,
              const destination::PlaceOptions& options)
      : AddedPlace(nullptr, options),
        url_(url),
        server_(destination::open_sftp(url, options, destinations.place_context(name))) {
    place_ = server_;
  }

  void check() override {}
  bool is_missing(const Error& error) const override {
    return error.kind() == ErrorKind::kDestinationAway && server_->is_missing();
  }

  void check_nothing_there() override {
    static const std::set<std::string> kHarmless = {".staging", "keys", "lost+found"};
    for (const std::string& name : server_->first_components()) {
      if (!kHarmless.contains(name) && !name.starts_with("probe-")) refuse_other(url_, name);
    }
  }

  void prepare(bool exists, std::vector<std::string>& notices) override {
    if (!exists) server_->create_folder();
    try {
      server_->check_conditions();
    } catch (const Error& error) {
      if (!exists || error.kind() != ErrorKind::kWriteFailed) throw;
      notices.push_back(restores_only(error));
      return;
    }
    if (server_->is_durable()) return;
    notices.push_back(
        "This server does not tell when what it has taken is on its disk (it has no fsync@openssh.com): when "
        "its power fails, what was backed up in the minute before may be damaged. garner check finds that.");
  }

 private:
  const std::string url_;
  const std::shared_ptr<destination::SftpDestination> server_;  // place_
};

}  // namespace

std::unique_ptr<AddedPlace> AddedPlace::of(Destinations& destinations, const std::string& name,
                                           const std::string& url, const destination::PlaceOptions& options) {
  const destination::PlaceOptions checked = destination::changed(url, {}, options);
  switch (destination::place_kind(url)) {
    case destination::PlaceKind::kFolder:
      return std::make_unique<AddedFolder>(destinations, name, url);
    case destination::PlaceKind::kS3:
      return std::make_unique<AddedStore>(destinations, name, url, checked);
    case destination::PlaceKind::kSftp:
      return std::make_unique<AddedServer>(destinations, name, url, checked);
  }
  throw Error(ErrorKind::kInternal, "a place of an unknown kind");
}

}  // namespace garner::daemon
