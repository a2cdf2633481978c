// A destination on a server that is reached by SSH: SFTP version 3, with OpenSSH's extensions.
//
// Order of writes. An object is written to `.staging/put-UUID`, fsynced and closed, gets its name without
// replacing, and the folder that got the name is fsynced, as is each folder above it that this object uses
// for the first time; then the name in `.staging` goes. So nobody sees part of an object, and what a cut-off
// leaves lies in `.staging`; what is a day old there is removed by the next write.
//
// Exclusively. The name is a second, hard link (`hardlink@openssh.com`), which the server's kernel refuses
// where the name exists: of all who try exactly one gets it. Opening with SSH_FXF_EXCL would create the name
// before the content, and OpenSSH's rename looks first and replaces then where a file system has no links. A
// server that has not the extension is asked to rename, which version 3 of the protocol forbids to replace.
// Whether it keeps to that check_conditions() tries, with several connections at once; a server on which it
// holds most of the time cannot be told for certain from one on which it holds. A server or file system that
// does neither is refused.
//
// Durably. Where the server has `fsync@openssh.com` (OpenSSH since 6.5) what is promised of a local
// destination holds, if its disk keeps its word. OpenSSH fsyncs folders, too; where a server does not, the
// object is fsynced once more when it has its name, and how soon the name is durable is up to the server's
// file system (at once, where it has a journal). Where the server has no fsync, is_durable() is false, and so
// much is promised only: it has taken the bytes and closed the file. If its power fails within the next
// minute or so, an object that was told to be stored may be missing or be there with part of its content;
// check finds it.
//
// A server that does not answer, or ends the connection, is tried again, with a wait that doubles; after two
// minutes it counts as away, and for whoever is no run (StopScope) after ten seconds. So it does at once when
// it refuses the keys, and when its host key is not the known one. An answer that was lost is no harm: a
// write that is tried again and finds the name taken compares the content.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "destination/destination.h"
#include "destination/request_counts.h"
#include "destination/sftp/address.h"
#include "destination/sftp/pool.h"
#include "destination/sftp/remote_folder.h"
#include "destination/sftp/ssh_connection.h"

namespace garner::destination {

struct SftpOptions {
  SftpAddress address;
  SshOptions ssh;
  std::shared_ptr<RequestCounts> counts;             // may be null
  std::chrono::milliseconds patience{120'000};       // how long a connection is tried for
  std::chrono::milliseconds short_patience{10'000};  // the same for whoever is no run
};

class SftpDestination final : public Destination {
 public:
  // Nothing is asked of the server yet.
  explicit SftpDestination(SftpOptions options);

  // Makes the root folder (mode 0700), and what is missing above it. For `destination add` only: elsewhere a
  // root that is missing is Error(kDestinationAway).
  void create_folder();
  // Whether the server had no root folder when it was looked for last.
  bool is_missing() const { return folder_.is_missing(); }
  // Names in the root folder, also those that no key of ours could begin with: a thousand, and no more than
  // come with the last of them.
  std::vector<std::string> first_components();
  // Whether the server creates names exclusively, tried with an object of its own that is removed again. For
  // `destination add`. Error(kUnavailable), saying so, for one that does not.
  void check_conditions();
  // Whether an object that is stored has been made durable, and not only been taken.
  bool is_durable();
  // Removes the folder below the root, and those above it, as far as they are empty.
  void remove_empty_folders(const std::string& folder);

  std::string describe() const override;
  void put(const std::string& key, ByteView data) override;
  bool put_exclusive(const std::string& key, ByteView data) override;
  void put_file(const std::string& key, const std::string& path) override;
  std::optional<std::string> staging_folder() override { return std::nullopt; }
  Bytes get(const std::string& key, std::uint64_t offset, std::uint64_t length) override;
  Bytes get_all(const std::string& key, std::uint64_t limit) override;
  std::uint64_t read_gap() const override { return 256u << 10; }
  std::optional<std::uint64_t> size(const std::string& key) override;
  // The server sends all names of each folder that it reads, those below `start_after` as well.
  std::vector<ObjectInfo> list(const std::string& prefix, const std::string& start_after = {}) override;
  bool is_empty() override;
  void make_durable(const std::string& key) override;
  void remove(const std::string& key) override;
  void remove_all(const std::vector<std::string>& keys) override;
  std::optional<Space> space() override;

 private:
  // What is stored.
  struct Content {
    std::uint64_t length = 0;
    SftpFile::Source source;
  };
  static Content of(ByteView data);  // which outlives it

  // Runs `operation` with a client, again where the connection is lost, and gives refusals the kinds of the
  // interface. `needed`: bytes that there has to be room for; `requests`: as which it counts.
  template <typename Operation>
  auto attempt(RequestKind kind, const std::string& doing, const Operation& operation,
               std::uint64_t needed = 0, std::uint64_t requests = 1);
  void count(RequestKind kind, std::uint64_t requests, SftpClient& client);
  Error meaning(SftpClient& client, const SftpRefusal& refusal, ErrorKind failure, const std::string& doing,
                std::uint64_t needed);
  bool is_full(SftpClient& client, std::uint64_t needed);
  std::string about(const std::string& key) const;

  // False: the key exists. `look_first`: without that, it is found out by trying.
  enum class Name { kOwn, kShared };  // nobody else gives it; others may
  bool store(const std::string& key, const Content& content, Name name, bool look_first = true);
  std::string stage(SftpClient& client, const Content& content, std::vector<std::string>& staged);
  bool give_name(SftpClient& client, const std::string& staged, const std::string& key, bool& asked);
  bool is_same(SftpClient& client, const std::string& key, const Content& content);
  Bytes read(const std::string& key, const std::function<std::uint64_t(std::uint64_t size)>& length_for,
             std::uint64_t offset);
  std::uint64_t size_of(const SftpAttributes& attributes, const std::string& key) const;
  bool one_wins(const std::string& key);

  const SftpOptions options_;
  SftpPool pool_;
  RemoteFolder folder_;
};

}  // namespace garner::destination
