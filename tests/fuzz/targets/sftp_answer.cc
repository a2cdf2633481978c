// Answers of an SFTP server, without their length.
#include "destination/sftp/protocol.h"

#include "fuzz/fuzz.h"

void garner::fuzz::try_one(ByteView bytes) {
  destination::SftpAnswer answer;
  if (!accepts([&] { answer = destination::parse_answer(bytes); })) return;
  accepts([&] { destination::parse_hello(answer); });
  accepts([&] { destination::parse_status(answer); });
  accepts([&] {
    const std::string handle = destination::parse_handle(answer);
    require(!handle.empty() && handle.size() <= 256, "a handle has a length that it may have");
  });
  accepts([&] {
    require(destination::parse_data(answer).size() <= bytes.size(), "data is a part of the answer");
  });
  accepts([&] { destination::parse_attributes(answer); });
  accepts([&] {
    require(destination::parse_names(answer).size() <= bytes.size(), "names take room in the answer");
  });
  accepts([&] { destination::parse_space(answer); });
}
