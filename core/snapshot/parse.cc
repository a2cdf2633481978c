#include "snapshot/parse.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <string>

#include "store/frame.h"

namespace garner::snapshot {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

// Fields of all entries of a page together. No page that a builder makes comes near: it has at most
// kMaximumPageEntries nodes of 20 short fields each, and all else (extended attributes, mostly) takes 7 bytes
// or more.
constexpr std::size_t kMaximumInnerFields = kMaximumBlob / 8;
constexpr std::size_t kMaximumSnapshotFields = 4096;

// Counts the fields of a serialized message before it is parsed: two bytes of input can become an object of
// 300. `inner`, where given, gets the number of fields one level down as well; all fields are messages then.
std::size_t count_fields(ByteView message, std::size_t limit, std::size_t* inner, std::size_t inner_limit) {
  CodedInputStream input(message.data(), static_cast<int>(message.size()));
  std::size_t fields = 0;
  while (const std::uint32_t tag = input.ReadTag()) {
    if (++fields > limit) throw Error(ErrorKind::kDamaged, "it has more entries than may be");
    if (inner == nullptr ||
        WireFormatLite::GetTagWireType(tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      if (!WireFormatLite::SkipField(&input, tag))
        throw Error(ErrorKind::kDamaged, "it is cut off or garbled");
      continue;
    }
    std::uint32_t length = 0;
    const auto start = [&] { return static_cast<std::size_t>(input.CurrentPosition()); };
    if (!input.ReadVarint32(&length) || length > message.size() - start()) {
      throw Error(ErrorKind::kDamaged, "it is cut off or garbled");
    }
    *inner += count_fields(message.subspan(start(), length), inner_limit - *inner, nullptr, 0);
    input.Skip(static_cast<int>(length));
  }
  if (!input.ConsumedEntireMessage()) throw Error(ErrorKind::kDamaged, "it is cut off or garbled");
  return fields;
}

template <typename Message>
Message parse(ByteView blob) {
  Message message;
  if (!message.ParseFromArray(blob.data(), static_cast<int>(blob.size()))) {
    throw Error(ErrorKind::kDamaged, "it is cut off or garbled");
  }
  return message;
}

void check_size(ByteView blob, std::size_t limit) {
  if (blob.size() > limit) throw Error(ErrorKind::kDamaged, "it is longer than may be");
}

}  // namespace

ParsedPage parse_page(ByteView blob) {
  try {
    check_size(blob, kMaximumBlob);
    std::size_t inner = 0;
    // A page has at most as many users and groups as nodes.
    count_fields(blob, 3 * kMaximumPageEntries, &inner, kMaximumInnerFields);
    ParsedPage parsed{parse<v1::TreePage>(blob), {}};
    if (parsed.page.nodes_size() > static_cast<int>(kMaximumPageEntries) ||
        parsed.page.pages_size() > static_cast<int>(kMaximumPageEntries)) {
      throw Error(ErrorKind::kDamaged, "it has more entries than may be");
    }
    parsed.summary = summarize(parsed.page);
    return parsed;
  } catch (const Error& error) {
    throw error.in("tree page");
  }
}

v1::ContentList parse_list(ByteView blob) {
  try {
    check_size(blob, kMaximumBlob);
    count_fields(blob, kMaximumListEntries, nullptr, 0);
    auto list = parse<v1::ContentList>(blob);
    validate(list);
    return list;
  } catch (const Error& error) {
    throw error.in("content list");
  }
}

v1::Snapshot parse_snapshot(ByteView blob) {
  try {
    check_size(blob, store::kMaximumFrame);
    count_fields(blob, kMaximumSnapshotFields, nullptr, 0);
    auto snapshot = parse<v1::Snapshot>(blob);
    validate(snapshot);
    if (snapshot.sequence() == 0) throw Error(ErrorKind::kDamaged, "no sequence number");
    return snapshot;
  } catch (const Error& error) {
    throw error.in("snapshot blob");
  }
}

bool concerns_blob(const Error& error) {
  return error.kind() != ErrorKind::kDestinationAway && error.kind() != ErrorKind::kCancelled;
}

}  // namespace garner::snapshot
