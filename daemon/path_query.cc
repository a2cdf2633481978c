#include "path_query.h"

#include <algorithm>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "entry_message.h"

namespace garner::daemon {

namespace {

bool matches_name(const source::Pattern& pattern, std::string_view path) {
  return pattern.is_match(pattern.step(pattern.start(), path.substr(path.rfind('/') + 1)));
}

bool matches_path(const source::Pattern& pattern, std::string_view path) {
  source::PatternState state = pattern.start();
  for (std::size_t begin = 1; begin < path.size() && state != 0;) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    state = pattern.step(state, path.substr(begin, end - begin));
    begin = end + 1;
  }
  return pattern.is_match(state);
}

bool is_type(const std::string& text) {
  for (int type = store::v1::NodeType_MIN; type <= store::v1::NodeType_MAX; ++type) {
    if (type != store::v1::NODE_TYPE_UNSPECIFIED && store::v1::NodeType_IsValid(type) &&
        type_text(static_cast<store::v1::NodeType>(type)) == text)
      return true;
  }
  return false;
}

}  // namespace

PathQuery::PathQuery(const v1::FindPathsRequest& request, const snapshot::TimeOrigin& origin)
    : types_(request.types().begin(), request.types().end()) {
  if (request.patterns().empty()) throw Error(ErrorKind::kInvalidInput, "no pattern is given");
  for (const std::string& text : request.patterns()) {
    const std::size_t slash = text.find('/');
    const bool is_of_path = slash != std::string::npos && slash + 1 < text.size();
    // What does not begin at the root may begin in any folder.
    const bool is_end = is_of_path && slash > 0;
    try {
      patterns_.push_back({source::Pattern((is_end ? "**/" : "") + text, request.ignore_case()), is_of_path});
    } catch (const Error& error) {
      throw error.in("the pattern \"" + printable(text) + "\"");
    }
  }
  for (const std::string& type : types_) {
    if (!is_type(type)) throw Error(ErrorKind::kInvalidInput, "there is no type \"" + printable(type) + "\"");
  }
  if (request.has_least_size()) least_size_ = request.least_size();
  if (request.has_most_size()) most_size_ = request.most_size();
  if (!request.mtime_after().empty()) mtime_from_ = snapshot::read_time(request.mtime_after(), origin).first;
  if (!request.mtime_before().empty()) mtime_to_ = snapshot::read_time(request.mtime_before(), origin).first;
}

PathQuery::Sought PathQuery::sought_at(const std::string& path) const {
  Sought sought = Sought::kNothing;
  // The root has no name.
  if (path == "/") return sought;
  for (const Wanted& wanted : patterns_) {
    if (!(wanted.is_of_path ? matches_path(wanted.pattern, path) : matches_name(wanted.pattern, path)))
      continue;
    if (!wanted.pattern.folders_only()) return Sought::kAnything;
    sought = Sought::kFolders;
  }
  return sought;
}

bool PathQuery::fits(const catalog::NodeFacts& facts) const {
  if (!types_.empty() && !types_.contains(type_text(facts.type))) return false;
  if ((least_size_ || most_size_) && facts.type != store::v1::NODE_TYPE_FILE) return false;
  if (least_size_ && facts.size < *least_size_) return false;
  if (most_size_ && facts.size > *most_size_) return false;
  return (!mtime_from_ || facts.mtime >= *mtime_from_) && (!mtime_to_ || facts.mtime < *mtime_to_);
}

}  // namespace garner::daemon
