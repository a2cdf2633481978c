// Files of ssh's known_hosts: first a host and a key, each with its length in front, then the file.
#include "destination/sftp/known_hosts.h"

#include "fuzz/fuzz.h"

void garner::fuzz::try_one(ByteView bytes) {
  using Verdict = destination::KnownHosts::Verdict;
  Input input(bytes);
  const std::string host(as_text(input.piece(input.number(1))));
  const ByteView key = input.piece(input.number(2));
  const std::string text(as_text(input.rest()));
  destination::KnownHosts known;
  known.add(text, "file");
  for (const std::uint16_t port : {std::uint16_t{22}, std::uint16_t{2222}}) {
    const auto answer = known.check(host, port, key);
    const auto types = known.types(host, port);
    require((answer.verdict == Verdict::kUnknown) == answer.place.empty(),
            "a verdict has a line that it is from");
    require(answer.verdict != Verdict::kKnown || !types.empty(),
            "a host whose key is known has a type of key");
  }
}
