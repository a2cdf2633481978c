// A file that is open at an SFTP server. Data is read and written with many requests under way at once, so
// that a long way to the server costs little.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/bytes.h"
#include "destination/sftp/client.h"

namespace garner::destination {

// Throws what SftpClient does, whose thread's it is; write(), sync() and close() SftpContentRefusal. Closed
// with its owner, without waiting for the answer.
class SftpFile {
 public:
  // Gives bytes of what is written; they stay until it is asked again.
  using Source = std::function<ByteView(std::uint64_t offset, std::size_t length)>;

  SftpFile(SftpClient& client, std::string handle, std::string path);
  SftpFile(const SftpFile&) = delete;
  ~SftpFile();

  // `length` bytes, from the file's beginning.
  void write(std::uint64_t length, const Source& source);
  // Fewer than `length` bytes only where the file ends. Allocates as many at once.
  Bytes read(std::uint64_t offset, std::uint64_t length);
  SftpAttributes attributes();
  // fsync, by kSyncExtension.
  void sync();
  void close();

 private:
  std::uint32_t send_read(std::uint64_t offset, std::size_t length);

  SftpClient& client_;
  const std::string handle_;
  const std::string path_;  // for messages
  bool closed_ = false;
};

}  // namespace garner::destination
