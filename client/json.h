// The --json form of messages: proto3's JSON mapping with the proto's field names and every field present.
#pragma once

#include <string>

namespace google::protobuf {
class Message;
}

namespace garner::client {

// One line, without a line end. Characters that act on a terminal are escaped.
std::string to_json(const google::protobuf::Message& message);

}  // namespace garner::client
