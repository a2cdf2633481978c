#include "destination/sftp/sftp_file.h"

#include <algorithm>
#include <deque>

#include "base/error.h"

namespace garner::destination {

namespace {

// 2 MiB: on a way of 100 ms that is 20 MB/s, and as much as libssh2's window takes.
constexpr std::size_t kMostUnderWay = 64;

struct Piece {
  std::uint32_t id = 0;
  std::size_t at = 0;
  std::size_t length = 0;
};

// Requests that are under way, in the order in which they are waited for. When it is left early, nobody does.
class UnderWay {
 public:
  explicit UnderWay(SftpClient& client) : client_(client) {}
  UnderWay(const UnderWay&) = delete;
  ~UnderWay() {
    for (const Piece& piece : pieces_) client_.forget(piece.id);
  }

  bool is_full() const { return pieces_.size() >= kMostUnderWay; }
  bool is_empty() const { return pieces_.empty(); }
  void add(const Piece& piece) { pieces_.push_back(piece); }
  void add_first(const Piece& piece) { pieces_.push_front(piece); }
  Piece take() {
    const Piece piece = pieces_.front();
    pieces_.pop_front();
    return piece;
  }

 private:
  SftpClient& client_;
  std::deque<Piece> pieces_;
};

// How many bytes an answer holds; none at the file's end.
std::size_t take_data(const SftpAnswer& answer, MutableByteView into, const std::string& doing) {
  try {
    const ByteView data = SftpClient::parsed(answer, doing, parse_data);
    if (data.size() > into.size())
      throw SshFailure(doing + ": the server sends more than it was asked for", false);
    std::copy(data.begin(), data.end(), into.begin());
    return data.size();
  } catch (const SftpRefusal& refusal) {
    if (refusal.status() == SftpStatus::kEnd) return 0;
    throw;
  }
}

void check_content(const SftpAnswer& answer, const std::string& doing) {
  try {
    SftpClient::check(answer, doing);
  } catch (const SftpRefusal& refusal) {
    throw SftpContentRefusal(refusal);
  }
}

}  // namespace

SftpFile::SftpFile(SftpClient& client, std::string handle, std::string path)
    : client_(client), handle_(std::move(handle)), path_(std::move(path)) {}

SftpFile::~SftpFile() {
  if (closed_ || !client_.usable()) return;
  try {
    SftpRequest closing = client_.request(SftpType::kClose);
    closing.text(handle_);
    client_.forget(client_.send(closing));
  } catch (const std::exception&) {
    // The connection is lost, and with it the handle: whoever uses it next finds out.
  }
}

void SftpFile::write(std::uint64_t length, const Source& source) {
  const std::string doing = "writing " + printable(path_);
  UnderWay under_way(client_);
  std::uint64_t sent = 0;
  while (sent < length || !under_way.is_empty()) {
    if (sent < length && !under_way.is_full()) {
      const auto piece = static_cast<std::uint32_t>(std::min<std::uint64_t>(kSftpPiece, length - sent));
      client_.will_send(piece);
      SftpRequest writing = client_.request(SftpType::kWrite);
      writing.text(handle_).large(sent).payload(piece);
      under_way.add({client_.send(writing, source(sent, piece)), 0, piece});
      sent += piece;
      continue;
    }
    check_content(client_.answer(under_way.take().id), doing);
  }
}

std::uint32_t SftpFile::send_read(std::uint64_t offset, std::size_t length) {
  SftpRequest reading = client_.request(SftpType::kRead);
  reading.text(handle_).large(offset).number(static_cast<std::uint32_t>(length));
  return client_.send(reading);
}

Bytes SftpFile::read(std::uint64_t offset, std::uint64_t length) {
  const std::string doing = "reading " + printable(path_);
  Bytes data(length);
  UnderWay under_way(client_);
  std::size_t asked = 0;
  while (asked < data.size() || !under_way.is_empty()) {
    if (asked < data.size() && !under_way.is_full()) {
      const std::size_t piece = std::min<std::size_t>(kSftpPiece, data.size() - asked);
      client_.will_receive(piece);
      under_way.add({send_read(offset + asked, piece), asked, piece});
      asked += piece;
      continue;
    }
    const Piece piece = under_way.take();
    const std::size_t got =
        take_data(client_.answer(piece.id), MutableByteView(data).subspan(piece.at, piece.length), doing);
    client_.has_received(got);
    if (got == 0) {
      data.resize(piece.at);
      break;
    }
    // A server may give less than was asked for.
    if (got < piece.length) {
      const std::size_t at = piece.at + got;
      under_way.add_first({send_read(offset + at, piece.length - got), at, piece.length - got});
    }
  }
  return data;
}

SftpAttributes SftpFile::attributes() {
  SftpRequest asking = client_.request(SftpType::kFstat);
  asking.text(handle_);
  return SftpClient::parsed(client_.answer(client_.send(asking)), "looking at " + printable(path_),
                            parse_attributes);
}

void SftpFile::sync() {
  SftpRequest syncing = client_.request(SftpType::kExtended);
  syncing.text(kSyncExtension).text(handle_);
  check_content(client_.answer(client_.send(syncing)), "making durable " + printable(path_));
}

void SftpFile::close() {
  SftpRequest closing = client_.request(SftpType::kClose);
  closing.text(handle_);
  closed_ = true;
  check_content(client_.answer(client_.send(closing)), "closing " + printable(path_));
}

}  // namespace garner::destination
