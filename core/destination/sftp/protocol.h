// Messages of SFTP, version 3 (draft-ietf-secsh-filexfer-02), and of OpenSSH's extensions to it (its
// PROTOCOL, section 4), as bytes. Integers are big-endian, and strings have their length in front. Values and
// pure functions: who sends them is SftpClient.
//
// libssh2 has an SFTP of its own, without the extension that makes a second name: the one means by which
// OpenSSH creates a name exclusively on every file system, or refuses to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace garner::destination {

enum class SftpType : std::uint8_t {
  kInit = 1,
  kVersion = 2,
  kOpen = 3,
  kClose = 4,
  kRead = 5,
  kWrite = 6,
  kLstat = 7,
  kFstat = 8,
  kOpenFolder = 11,
  kReadFolder = 12,
  kRemove = 13,
  kMakeFolder = 14,
  kRemoveFolder = 15,
  kStat = 17,
  kRename = 18,
  kStatus = 101,
  kHandle = 102,
  kData = 103,
  kNames = 104,
  kAttributes = 105,
  kExtended = 200,
  kExtendedReply = 201,
};

// The last three are of later versions; some servers send them all the same.
enum class SftpStatus : std::uint32_t {
  kOk = 0,
  kEnd = 1,
  kNoSuchFile = 2,
  kPermissionDenied = 3,
  kFailure = 4,
  kBadMessage = 5,
  kNoConnection = 6,
  kConnectionLost = 7,
  kUnsupported = 8,
  kAlreadyExists = 11,
  kNoSpace = 14,
  kQuotaExceeded = 15,
};

// How a file is opened.
inline constexpr std::uint32_t kSftpRead = 0x01;
inline constexpr std::uint32_t kSftpWrite = 0x02;
inline constexpr std::uint32_t kSftpCreate = 0x08;
inline constexpr std::uint32_t kSftpExclusive = 0x20;

inline constexpr std::string_view kHardLinkExtension = "hardlink@openssh.com";
inline constexpr std::string_view kSyncExtension = "fsync@openssh.com";
inline constexpr std::string_view kSpaceExtension = "statvfs@openssh.com";

// Most bytes of a message that is taken, and of the data of one that reads or writes, which every server has
// to take: a server that sends more is none of ours.
inline constexpr std::uint32_t kLongestSftpMessage = 1u << 20;
inline constexpr std::uint32_t kSftpPiece = 32u << 10;

struct SftpAttributes {
  std::optional<std::uint64_t> size;
  std::optional<std::uint32_t> mode;  // type and permissions
  std::optional<std::uint32_t> modified;

  // A server that tells no type is believed that it is one.
  bool is_file() const;
  bool is_folder() const;
};

struct SftpName {
  std::string name;
  SftpAttributes attributes;
};

struct SftpSpace {
  std::uint64_t unit = 0;  // bytes
  std::uint64_t blocks = 0;
  std::uint64_t available_blocks = 0;
  std::uint64_t files = 0;
  std::uint64_t available_files = 0;
};

// A request as it is sent, with its length in front, which finish() puts there.
class SftpRequest {
 public:
  SftpRequest(SftpType type, std::uint32_t id);
  std::uint32_t id() const { return id_; }
  SftpRequest& number(std::uint32_t value);
  SftpRequest& large(std::uint64_t value);
  SftpRequest& text(std::string_view value);
  SftpRequest& attributes(std::optional<std::uint32_t> mode = std::nullopt);
  // The last piece, which the caller sends behind it by itself: it is only counted.
  SftpRequest& payload(std::uint32_t length);
  const Bytes& finish();

 private:
  const std::uint32_t id_;
  Bytes bytes_;
  std::uint32_t behind_ = 0;
};

// What the client begins with.
Bytes sftp_hello();

// An answer without its length. Parsing one that is malformed, or is of another type than the function is
// for, throws Error(kDamaged).
struct SftpAnswer {
  SftpType type = SftpType::kStatus;
  std::uint32_t id = 0;  // 0 in the answer to the hello
  Bytes body;            // behind the id
};

struct SftpState {
  SftpStatus status = SftpStatus::kFailure;
  std::string message;  // as the server says it; often empty, or "Failure"
};

struct SftpExtension {
  std::string name;
  std::string data;
};

SftpAnswer parse_answer(ByteView message);
// The extensions. Error(kDamaged) also for a version other than 3.
std::vector<SftpExtension> parse_hello(const SftpAnswer& answer);
SftpState parse_status(const SftpAnswer& answer);
std::string parse_handle(const SftpAnswer& answer);
ByteView parse_data(const SftpAnswer& answer);  // into the answer
SftpAttributes parse_attributes(const SftpAnswer& answer);
std::vector<SftpName> parse_names(const SftpAnswer& answer);
SftpSpace parse_space(const SftpAnswer& answer);

}  // namespace garner::destination
