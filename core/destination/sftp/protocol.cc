#include "destination/sftp/protocol.h"

#include "base/error.h"

namespace garner::destination {

namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kLongestHandle = 256;
constexpr std::size_t kLongestMessage = 300;  // of what a server says

constexpr std::uint32_t kHasSize = 0x1;
constexpr std::uint32_t kHasOwner = 0x2;
constexpr std::uint32_t kHasMode = 0x4;
constexpr std::uint32_t kHasTimes = 0x8;
constexpr std::uint32_t kHasExtended = 0x80000000;

constexpr std::uint32_t kTypeMask = 0170000;
constexpr std::uint32_t kFileType = 0100000;
constexpr std::uint32_t kFolderType = 0040000;

void append(Bytes& bytes, std::uint64_t value, unsigned width) {
  for (unsigned i = width; i > 0; --i) bytes.push_back(static_cast<std::uint8_t>(value >> (8 * (i - 1))));
}

Error malformed(const char* what) {
  return Error(ErrorKind::kDamaged, std::string("an answer of the SFTP server is malformed: ") + what);
}

class Reader {
 public:
  explicit Reader(ByteView data) : rest_(data) {}

  std::uint8_t byte() { return static_cast<std::uint8_t>(integer(1)); }
  std::uint32_t number() { return static_cast<std::uint32_t>(integer(4)); }
  std::uint64_t large() { return integer(8); }
  ByteView string() {
    const std::uint32_t length = number();
    if (length > rest_.size()) throw malformed("it ends within a string");
    const ByteView taken = rest_.first(length);
    rest_ = rest_.subspan(length);
    return taken;
  }
  std::string text() { return std::string(as_text(string())); }
  SftpAttributes attributes();
  ByteView rest() const { return rest_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::uint64_t integer(unsigned width) {
    if (rest_.size() < width) throw malformed("it ends within a number");
    std::uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i) value = value << 8 | rest_[i];
    rest_ = rest_.subspan(width);
    return value;
  }

  ByteView rest_;
};

SftpAttributes Reader::attributes() {
  SftpAttributes attributes;
  const std::uint32_t has = number();
  if ((has & kHasSize) != 0) attributes.size = large();
  if ((has & kHasOwner) != 0) large();
  if ((has & kHasMode) != 0) attributes.mode = number();
  if ((has & kHasTimes) != 0) {
    number();
    attributes.modified = number();
  }
  if ((has & kHasExtended) != 0) {
    // Each takes eight bytes at least, so their number is bounded by the message.
    for (std::uint32_t left = number(); left > 0; --left) {
      string();
      string();
    }
  }
  return attributes;
}

Reader reader_of(const SftpAnswer& answer, SftpType type) {
  if (answer.type != type) throw malformed("it does not answer what was asked");
  return Reader(answer.body);
}

}  // namespace

bool SftpAttributes::is_file() const {
  return !mode || (*mode & kTypeMask) == 0 || (*mode & kTypeMask) == kFileType;
}
bool SftpAttributes::is_folder() const { return mode && (*mode & kTypeMask) == kFolderType; }

SftpRequest::SftpRequest(SftpType type, std::uint32_t id) : id_(id) {
  append(bytes_, 0, 4);
  bytes_.push_back(static_cast<std::uint8_t>(type));
  append(bytes_, id, 4);
}

SftpRequest& SftpRequest::number(std::uint32_t value) {
  append(bytes_, value, 4);
  return *this;
}

SftpRequest& SftpRequest::large(std::uint64_t value) {
  append(bytes_, value, 8);
  return *this;
}

SftpRequest& SftpRequest::text(std::string_view value) {
  append(bytes_, value.size(), 4);
  const ByteView view = as_bytes(value);
  bytes_.insert(bytes_.end(), view.begin(), view.end());
  return *this;
}

SftpRequest& SftpRequest::attributes(std::optional<std::uint32_t> mode) {
  append(bytes_, mode ? kHasMode : 0, 4);
  if (mode) append(bytes_, *mode, 4);
  return *this;
}

SftpRequest& SftpRequest::payload(std::uint32_t length) {
  append(bytes_, length, 4);
  behind_ = length;
  return *this;
}

const Bytes& SftpRequest::finish() {
  const std::uint64_t length = bytes_.size() - 4 + behind_;
  for (unsigned i = 0; i < 4; ++i) bytes_[i] = static_cast<std::uint8_t>(length >> (8 * (3 - i)));
  return bytes_;
}

Bytes sftp_hello() {
  Bytes hello;
  append(hello, 5, 4);
  hello.push_back(static_cast<std::uint8_t>(SftpType::kInit));
  append(hello, kVersion, 4);
  return hello;
}

SftpAnswer parse_answer(ByteView message) {
  Reader reader(message);
  SftpAnswer answer;
  answer.type = static_cast<SftpType>(reader.byte());
  if (answer.type != SftpType::kVersion) answer.id = reader.number();
  answer.body.assign(reader.rest().begin(), reader.rest().end());
  return answer;
}

std::vector<SftpExtension> parse_hello(const SftpAnswer& answer) {
  Reader reader = reader_of(answer, SftpType::kVersion);
  if (reader.number() != kVersion)
    throw Error(ErrorKind::kDamaged, "the server does not speak version 3 of SFTP");
  std::vector<SftpExtension> extensions;
  while (!reader.at_end()) {
    std::string name = reader.text();
    extensions.push_back({std::move(name), reader.text()});
  }
  return extensions;
}

SftpState parse_status(const SftpAnswer& answer) {
  Reader reader = reader_of(answer, SftpType::kStatus);
  SftpState state;
  state.status = static_cast<SftpStatus>(reader.number());
  // Some servers leave it out.
  if (!reader.at_end()) state.message = reader.text().substr(0, kLongestMessage);
  return state;
}

std::string parse_handle(const SftpAnswer& answer) {
  std::string handle = reader_of(answer, SftpType::kHandle).text();
  if (handle.empty() || handle.size() > kLongestHandle) throw malformed("a handle has no such length");
  return handle;
}

ByteView parse_data(const SftpAnswer& answer) { return reader_of(answer, SftpType::kData).string(); }

SftpAttributes parse_attributes(const SftpAnswer& answer) {
  return reader_of(answer, SftpType::kAttributes).attributes();
}

std::vector<SftpName> parse_names(const SftpAnswer& answer) {
  Reader reader = reader_of(answer, SftpType::kNames);
  const std::uint32_t count = reader.number();
  std::vector<SftpName> names;
  // Each takes twelve bytes at least, so their number is bounded by the message.
  for (std::uint32_t i = 0; i < count; ++i) {
    SftpName name;
    name.name = reader.text();
    reader.string();  // the same as a line of ls, for people
    name.attributes = reader.attributes();
    names.push_back(std::move(name));
  }
  return names;
}

SftpSpace parse_space(const SftpAnswer& answer) {
  Reader reader = reader_of(answer, SftpType::kExtendedReply);
  SftpSpace space;
  const std::uint64_t block = reader.large();
  space.unit = reader.large();
  if (space.unit == 0) space.unit = block;
  space.blocks = reader.large();
  reader.large();  // free, for root
  space.available_blocks = reader.large();
  space.files = reader.large();
  reader.large();  // free, for root
  space.available_files = reader.large();
  return space;
}

}  // namespace garner::destination
