#include "destination/sftp/protocol.h"

#include <catch2/catch.hpp>
#include <functional>
#include <random>

#include "base/error.h"

namespace garner::destination {
namespace {

// An answer as a server sends it, without its length.
class AnswerBytes {
 public:
  AnswerBytes(SftpType type, std::uint32_t id) : request_(type, id) {}
  AnswerBytes& number(std::uint32_t value) { return request_.number(value), *this; }
  AnswerBytes& large(std::uint64_t value) { return request_.large(value), *this; }
  AnswerBytes& text(std::string_view value) { return request_.text(value), *this; }
  Bytes take() {
    const Bytes& whole = request_.finish();
    return {whole.begin() + 4, whole.end()};
  }

 private:
  SftpRequest request_;
};

Bytes names_answer() {
  return AnswerBytes(SftpType::kNames, 7)
      .number(2)
      .text("file")
      .text("-rw------- 1 ann ann 5 file")
      .number(0x0000000f)
      .large(5)
      .number(1000)
      .number(1000)
      .number(0100600)
      .number(1)
      .number(1'700'000'000)
      .text("folder")
      .text("")
      .number(0x80000004)
      .number(0040700)
      .number(1)
      .text("type")
      .text("data")
      .take();
}

Bytes space_answer() {
  AnswerBytes answer(SftpType::kExtendedReply, 8);
  for (const std::uint64_t value : {4096, 512, 1000, 300, 200, 90, 80, 70, 1, 0, 255}) answer.large(value);
  return answer.take();
}

// Every parser, on whatever it is.
void parse_all(ByteView message) {
  const SftpAnswer answer = parse_answer(message);
  const std::function<void()> parsers[] = {
      [&] { parse_hello(answer); },      [&] { parse_status(answer); }, [&] { parse_handle(answer); },
      [&] { parse_data(answer); },       [&] { parse_names(answer); },  [&] { parse_space(answer); },
      [&] { parse_attributes(answer); },
  };
  for (const auto& parse : parsers) {
    try {
      parse();
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kDamaged);
    }
  }
}

TEST_CASE("requests are put together as version 3 of SFTP has them") {
  SftpRequest opening(SftpType::kOpen, 0x01020304);
  opening.text("/a").number(kSftpWrite | kSftpCreate | kSftpExclusive).attributes(0600);
  CHECK(to_hex(opening.finish()) ==
        "00000017"  // length
        "03"
        "01020304"
        "00000002"
        "2f61"
        "0000002a"
        "00000004"
        "00000180");
  SftpRequest writing(SftpType::kWrite, 1);
  writing.text("h").large(0x100000000).payload(3);
  CHECK(to_hex(writing.finish()) ==
        "00000019"  // with the three bytes that follow
        "06"
        "00000001"
        "0000000168"
        "0000000100000000"
        "00000003");
  CHECK(to_hex(sftp_hello()) == "000000050100000003");
}

TEST_CASE("answers are taken apart") {
  const auto hello = AnswerBytes(SftpType::kVersion, 3).text("hardlink@openssh.com").text("1").take();
  const std::vector<SftpExtension> extensions = parse_hello(parse_answer(hello));
  REQUIRE(extensions.size() == 1);
  CHECK(extensions[0].name == kHardLinkExtension);
  CHECK(extensions[0].data == "1");

  const SftpAnswer status =
      parse_answer(AnswerBytes(SftpType::kStatus, 5).number(4).text("Failure").text("en").take());
  CHECK(status.id == 5);
  CHECK(parse_status(status).status == SftpStatus::kFailure);
  CHECK(parse_status(status).message == "Failure");
  CHECK(parse_status(parse_answer(AnswerBytes(SftpType::kStatus, 5).number(2).take())).status ==
        SftpStatus::kNoSuchFile);

  const std::vector<SftpName> names = parse_names(parse_answer(names_answer()));
  REQUIRE(names.size() == 2);
  CHECK(names[0].name == "file");
  CHECK(names[0].attributes.is_file());
  CHECK(names[0].attributes.size == 5u);
  CHECK(names[0].attributes.modified == 1'700'000'000u);
  CHECK(names[1].attributes.is_folder());
  CHECK_FALSE(names[1].attributes.is_file());
  CHECK_FALSE(names[1].attributes.size);

  const SftpSpace space = parse_space(parse_answer(space_answer()));
  CHECK(space.unit == 512);
  CHECK(space.blocks == 1000);
  CHECK(space.available_blocks == 200);
  CHECK(space.files == 90);
  CHECK(space.available_files == 70);
}

TEST_CASE("an answer of another type, version or length is malformed") {
  const auto kind_of = [](const auto& parse) {
    try {
      parse();
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  const SftpAnswer data = parse_answer(AnswerBytes(SftpType::kData, 1).text("data").take());
  CHECK(as_text(parse_data(data)) == "data");
  CHECK(kind_of([&] { parse_handle(data); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { parse_status(data); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { parse_hello(parse_answer(AnswerBytes(SftpType::kVersion, 6).take())); }) ==
        ErrorKind::kDamaged);
  CHECK(kind_of([&] { parse_answer({}); }) == ErrorKind::kDamaged);
  CHECK(kind_of([&] { parse_answer(Bytes{101, 0, 0}); }) == ErrorKind::kDamaged);
  for (const std::string& handle : {std::string(), std::string(257, 'h')}) {
    CHECK(kind_of([&] {
            parse_handle(parse_answer(AnswerBytes(SftpType::kHandle, 1).text(handle).take()));
          }) == ErrorKind::kDamaged);
  }
  // A count that the message cannot hold.
  CHECK(kind_of([&] {
          parse_names(parse_answer(AnswerBytes(SftpType::kNames, 1).number(0xffffffff).take()));
        }) == ErrorKind::kDamaged);
}

TEST_CASE("answers that were cut or flipped do no harm") {
  std::mt19937_64 random(11);
  for (const Bytes& whole : {names_answer(), space_answer()}) {
    for (std::size_t length = 5; length < whole.size(); ++length) parse_all(ByteView(whole).first(length));
    for (int round = 0; round < 2000; ++round) {
      Bytes flipped = whole;
      for (int flips = 0; flips < 3; ++flips) {
        flipped[random() % flipped.size()] ^= static_cast<std::uint8_t>(1u << (random() % 8));
      }
      parse_all(flipped);
    }
  }
}

}  // namespace
}  // namespace garner::destination
