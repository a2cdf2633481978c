// A client of SFTP on one connection: requests, answers, and the operations that a destination is made of.
//
// One thread at a time. Requests may be sent before earlier ones are answered, and are, where data is read
// and written. What the server refuses is an SftpRefusal, after which the client is as good as before; a
// connection that is lost, or answers that make no sense, are an SshFailure, after which it is not usable().
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "destination/sftp/address.h"
#include "destination/sftp/protocol.h"
#include "destination/sftp/ssh_connection.h"

namespace garner::destination {

// Its message says what was being done to which path, and what the server says.
class SftpRefusal : public std::runtime_error {
 public:
  SftpRefusal(const std::string& doing, const SftpState& state);
  SftpStatus status() const { return status_; }
  // What the server says by itself.
  const std::string& answer() const { return answer_; }

 private:
  SftpStatus status_;
  std::string answer_;
};

// Of what was to be written into an open file, or made durable: then it is not for lack of rights, or because
// the file system is read-only.
class SftpContentRefusal : public SftpRefusal {
 public:
  explicit SftpContentRefusal(const SftpRefusal& refusal) : SftpRefusal(refusal) {}
};

class SftpFile;

// Bytes of files.
struct SftpMoved {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
};

class SftpClient {
 public:
  // `options` outlive it.
  SftpClient(const SftpAddress& address, const SshOptions& options);

  // Whether the server has an extension.
  bool has(std::string_view extension) const { return extensions_.contains(std::string(extension)); }
  bool usable() const { return usable_ && !abandoned_; }
  // Before another caller uses it: answers that are still to come are of no interest to him.
  void change_hands();
  // Since it was asked for last.
  SftpMoved take_moved();
  // Whether it answers a harmless question within `limit`. If not it is not usable any more.
  bool is_alive(std::chrono::milliseconds limit, std::chrono::milliseconds usual);

  // `flags`: kSftpRead and its like; with kSftpCreate the file gets mode 0600.
  SftpFile open(const std::string& path, std::uint32_t flags, const std::string& doing);
  // The file at `path` for reading, and what lstat says of it. Nothing, when it is no file: what else is
  // opened, a fifo perhaps, may never be answered, so the client is not usable() then.
  std::unique_ptr<SftpFile> open_object(const std::string& path, SftpAttributes& attributes);
  // Of a link itself; nothing: it is not there.
  std::optional<SftpAttributes> lstat(const std::string& path) { return look(SftpType::kLstat, path); }
  // Of what a link leads to.
  std::optional<SftpAttributes> stat(const std::string& path) { return look(SftpType::kStat, path); }
  void make_folder(const std::string& path);  // mode 0700
  void remove_folder(const std::string& path);
  // Files; one that is not there is passed over. After a refusal some are gone.
  void remove(const std::vector<std::string>& paths);
  void hard_link(const std::string& from, const std::string& to);
  void rename(const std::string& from, const std::string& to);
  SftpSpace space(const std::string& path);

  // ---- Requests and answers by themselves ----

  // So much of a file is about to be sent; is about to be asked for; has come.
  void will_send(std::uint64_t bytes);
  void will_receive(std::uint64_t bytes);
  void has_received(std::uint64_t bytes) { moved_.received += bytes; }
  SftpRequest request(SftpType type) { return {type, ++last_id_}; }
  // `payload`: what SftpRequest::payload() counted.
  std::uint32_t send(SftpRequest& request, ByteView payload = {});
  SftpAnswer answer(std::uint32_t id);
  // Whichever comes first of all that are waited for.
  SftpAnswer next_answer();
  // The answer to come is not of interest.
  void forget(std::uint32_t id);
  // SftpRefusal unless the answer says that all is well.
  static void check(const SftpAnswer& answer, const std::string& doing);
  // What `parse`, of protocol.h, makes of an answer; SftpRefusal if it is a status.
  template <typename Parse>
  static auto parsed(const SftpAnswer& answer, const std::string& doing, const Parse& parse) {
    if (answer.type == SftpType::kStatus) check(answer, doing);
    try {
      return parse(answer);
    } catch (const Error& error) {
      throw SshFailure(doing + ": " + error.what(), false);
    }
  }

 private:
  std::optional<SftpAttributes> look(SftpType type, const std::string& path);
  SftpAnswer receive();
  Bytes receive_message();
  void fill(std::size_t wanted);
  SftpAnswer ask(SftpRequest& request) { return answer(send(request)); }

  const SshOptions& options_;
  SshConnection connection_;
  SftpMoved moved_;
  std::map<std::string, std::string> extensions_;
  bool usable_ = true;  // false while something is sent or received, and for ever when that fails
  bool abandoned_ = false;
  std::uint32_t last_id_ = 0;
  std::set<std::uint32_t> awaited_;
  std::set<std::uint32_t> forgotten_;
  std::map<std::uint32_t, SftpAnswer> parked_;  // came before somebody waited for them
  Bytes received_;                              // from the channel, from taken_ on not used yet
  std::size_t taken_ = 0;
};

}  // namespace garner::destination
