#include "destination/sftp/client.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "destination/sftp/sftp_file.h"

namespace garner::destination {

namespace {

constexpr std::uint32_t kFileMode = 0600;
constexpr std::uint32_t kFolderMode = 0700;
constexpr std::size_t kReceived = 64u << 10;
constexpr std::size_t kRemovalsUnderWay = 32;

std::string name_of(SftpStatus status) {
  switch (status) {
    case SftpStatus::kOk:
      return "ok";
    case SftpStatus::kEnd:
      return "end of file";
    case SftpStatus::kNoSuchFile:
      return "no such file";
    case SftpStatus::kPermissionDenied:
      return "permission denied";
    case SftpStatus::kFailure:
      return "failure";
    case SftpStatus::kBadMessage:
      return "bad message";
    case SftpStatus::kNoConnection:
      return "no connection";
    case SftpStatus::kConnectionLost:
      return "connection lost";
    case SftpStatus::kUnsupported:
      return "operation unsupported";
    case SftpStatus::kAlreadyExists:
      return "already exists";
    case SftpStatus::kNoSpace:
      return "no space";
    case SftpStatus::kQuotaExceeded:
      return "quota exceeded";
  }
  return "status " + std::to_string(static_cast<std::uint32_t>(status));
}

std::string answer_of(const SftpState& state) {
  return state.message.empty() ? name_of(state.status) : printable(state.message);
}

// What a shell prints is taken for the length of a message by everybody who speaks SFTP.
bool is_text(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t c) {
    return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\r' || c == '\t';
  });
}

}  // namespace

SftpRefusal::SftpRefusal(const std::string& doing, const SftpState& state)
    : std::runtime_error(doing + ": the server answers: " + answer_of(state)),
      status_(state.status),
      answer_(answer_of(state)) {}

SftpClient::SftpClient(const SftpAddress& address, const SshOptions& options)
    : options_(options), connection_(address, options) {
  connection_.write(sftp_hello());
  try {
    for (SftpExtension& extension : parse_hello(parse_answer(receive_message()))) {
      extensions_.emplace(std::move(extension.name), std::move(extension.data));
    }
  } catch (const Error& error) {
    throw SshFailure(error.what(), false);
  }
}

bool SftpClient::is_alive(std::chrono::milliseconds limit, std::chrono::milliseconds usual) {
  try {
    connection_.set_answer_timeout(limit);
    lstat(".");
    connection_.set_answer_timeout(usual);
    return true;
  } catch (const SftpRefusal&) {
    connection_.set_answer_timeout(usual);
    return true;
  } catch (const SshFailure&) {
    return false;
  }
}

void SftpClient::change_hands() {
  connection_.change_hands();
  forgotten_.merge(awaited_);
  parked_.clear();
}

SftpMoved SftpClient::take_moved() { return std::exchange(moved_, {}); }

// ---- Requests and answers ----

void SftpClient::will_send(std::uint64_t bytes) {
  if (options_.before_sending) options_.before_sending(bytes);
  moved_.sent += bytes;
}

void SftpClient::will_receive(std::uint64_t bytes) {
  if (options_.before_receiving) options_.before_receiving(bytes);
}

std::uint32_t SftpClient::send(SftpRequest& request, ByteView payload) {
  usable_ = false;
  connection_.write(request.finish());
  connection_.write(payload);
  usable_ = true;
  awaited_.insert(request.id());
  return request.id();
}

void SftpClient::forget(std::uint32_t id) {
  if (parked_.erase(id) > 0 || awaited_.erase(id) == 0) return;
  forgotten_.insert(id);
}

SftpAnswer SftpClient::answer(std::uint32_t id) {
  for (;;) {
    if (const auto found = parked_.find(id); found != parked_.end()) {
      SftpAnswer answer = std::move(found->second);
      parked_.erase(found);
      return answer;
    }
    SftpAnswer answer = receive();
    if (answer.id == id) return answer;
    parked_.emplace(answer.id, std::move(answer));
  }
}

SftpAnswer SftpClient::next_answer() {
  if (parked_.empty()) return receive();
  SftpAnswer answer = std::move(parked_.begin()->second);
  parked_.erase(parked_.begin());
  return answer;
}

SftpAnswer SftpClient::receive() {
  usable_ = false;
  for (;;) {
    SftpAnswer answer;
    try {
      answer = parse_answer(receive_message());
    } catch (const Error& error) {
      throw SshFailure(error.what(), false);
    }
    if (forgotten_.erase(answer.id) > 0) continue;
    if (awaited_.erase(answer.id) == 0) throw SshFailure("the SFTP server answers what was not asked", false);
    usable_ = true;
    return answer;
  }
}

Bytes SftpClient::receive_message() {
  fill(4);
  const ByteView head = ByteView(received_).subspan(taken_, 4);
  std::uint32_t length = 0;
  for (const std::uint8_t byte : head) length = length << 8 | byte;
  if (length == 0 || length > kLongestSftpMessage) {
    if (is_text(ByteView(received_).subspan(taken_))) {
      throw SshFailure("the server sends text where SFTP begins ('" +
                           printable(as_text(ByteView(received_).subspan(taken_)).substr(0, 80)) +
                           "'): a start-up file of the account there prints something",
                       false);
    }
    throw SshFailure("the server sends what is not SFTP", false);
  }
  taken_ += 4;
  fill(length);
  const auto begin = received_.begin() + static_cast<std::ptrdiff_t>(taken_);
  Bytes message(begin, begin + static_cast<std::ptrdiff_t>(length));
  taken_ += length;
  return message;
}

// So many bytes more than are taken.
void SftpClient::fill(std::size_t wanted) {
  if (received_.size() - taken_ >= wanted) return;
  received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(taken_));
  taken_ = 0;
  while (received_.size() < wanted) {
    const std::size_t before = received_.size();
    received_.resize(before + kReceived);
    const std::size_t got = connection_.read(MutableByteView(received_).subspan(before));
    received_.resize(before + got);
  }
}

void SftpClient::check(const SftpAnswer& answer, const std::string& doing) {
  try {
    const SftpState state = parse_status(answer);
    if (state.status != SftpStatus::kOk) throw SftpRefusal(doing, state);
  } catch (const Error& error) {
    throw SshFailure(doing + ": " + error.what(), false);
  }
}

// ---- Operations ----

SftpFile SftpClient::open(const std::string& path, std::uint32_t flags, const std::string& doing) {
  SftpRequest opening = request(SftpType::kOpen);
  opening.text(path).number(flags).attributes((flags & kSftpCreate) != 0 ? std::optional(kFileMode)
                                                                         : std::nullopt);
  return SftpFile(*this, parsed(ask(opening), doing + " " + printable(path), parse_handle), path);
}

std::unique_ptr<SftpFile> SftpClient::open_object(const std::string& path, SftpAttributes& attributes) {
  SftpRequest looking = request(SftpType::kLstat);
  looking.text(path);
  SftpRequest opening = request(SftpType::kOpen);
  opening.text(path).number(kSftpRead).attributes();
  send(looking);
  send(opening);
  const std::string doing = "opening " + printable(path);
  const SftpAnswer looked = answer(looking.id());
  if (looked.type == SftpType::kStatus) forget(opening.id());
  attributes = parsed(looked, doing, parse_attributes);
  if (!attributes.is_file()) {
    abandoned_ = true;
    return nullptr;
  }
  return std::make_unique<SftpFile>(*this, parsed(answer(opening.id()), doing, parse_handle), path);
}

std::optional<SftpAttributes> SftpClient::look(SftpType type, const std::string& path) {
  SftpRequest looking = request(type);
  looking.text(path);
  try {
    return parsed(ask(looking), "looking at " + printable(path), parse_attributes);
  } catch (const SftpRefusal& refusal) {
    if (refusal.status() == SftpStatus::kNoSuchFile) return std::nullopt;
    throw;
  }
}

void SftpClient::make_folder(const std::string& path) {
  SftpRequest making = request(SftpType::kMakeFolder);
  making.text(path).attributes(kFolderMode);
  check(ask(making), "creating the folder " + printable(path));
}

void SftpClient::remove_folder(const std::string& path) {
  SftpRequest removing = request(SftpType::kRemoveFolder);
  removing.text(path);
  check(ask(removing), "removing the folder " + printable(path));
}

void SftpClient::remove(const std::vector<std::string>& paths) {
  std::vector<std::uint32_t> ids;
  std::size_t answered = 0;
  const auto take_one = [&] {
    const SftpAnswer taken = answer(ids[answered]);
    try {
      check(taken, "deleting " + printable(paths[answered++]));
    } catch (const SftpRefusal& refusal) {
      if (refusal.status() == SftpStatus::kNoSuchFile) return;
      for (; answered < ids.size(); ++answered) forget(ids[answered]);
      throw;
    }
  };
  for (const std::string& path : paths) {
    if (ids.size() - answered >= kRemovalsUnderWay) take_one();
    SftpRequest removing = request(SftpType::kRemove);
    removing.text(path);
    ids.push_back(send(removing));
  }
  while (answered < ids.size()) take_one();
}

void SftpClient::hard_link(const std::string& from, const std::string& to) {
  SftpRequest linking = request(SftpType::kExtended);
  linking.text(kHardLinkExtension).text(from).text(to);
  check(ask(linking), "giving " + printable(to) + " its name");
}

void SftpClient::rename(const std::string& from, const std::string& to) {
  SftpRequest renaming = request(SftpType::kRename);
  renaming.text(from).text(to);
  check(ask(renaming), "giving " + printable(to) + " its name");
}

SftpSpace SftpClient::space(const std::string& path) {
  SftpRequest asking = request(SftpType::kExtended);
  asking.text(kSpaceExtension).text(path);
  return parsed(ask(asking), "asking for the space at " + printable(path), parse_space);
}

}  // namespace garner::destination
