#include "store/index_source.h"

#include "base/error.h"

namespace garner::store {

namespace {

constexpr const char* kSelf = "self";

}  // namespace

IndexSource parse_index_source(const std::string& text) {
  if (text == kSelf) return {IndexSource::Kind::kSelf, {}};
  try {
    const Uuid repository = Uuid::parse(text);
    if (!repository.is_nil()) return {IndexSource::Kind::kShelf, repository};
  } catch (const Error&) {
  }
  return {};
}

std::string index_source_text(const IndexSource& source) {
  switch (source.kind) {
    case IndexSource::Kind::kSelf:
      return kSelf;
    case IndexSource::Kind::kShelf:
      return source.repository.text();
    default:
      return {};
  }
}

}  // namespace garner::store
