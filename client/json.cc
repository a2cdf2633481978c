#include "json.h"

#include <google/protobuf/message.h>
#include <google/protobuf/util/json_util.h>

#include "text.h"

namespace garner::client {

std::string to_json(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) throw std::runtime_error("the answer cannot be written as JSON: " + status.ToString());
  return escape_for_json(text);
}

}  // namespace garner::client
