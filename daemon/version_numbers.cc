#include "version_numbers.h"

namespace garner::daemon {

std::size_t VersionNumbers::number_of(const catalog::NodeFacts& facts, const std::string& names) {
  const Facts key{facts.type, facts.mode, facts.uid,
                  facts.gid,  facts.size, {facts.mtime.seconds, facts.mtime.nanos}};
  // The last one of those whose content is not known by these names, if none is known to have it.
  std::optional<std::size_t> alike;
  const auto [begin, end] = by_facts_.equal_range(key);
  for (auto one = begin; one != end; ++one) {
    const auto& contents = contents_[one->second];
    const auto content = contents.find(names);
    if (content == contents.end()) {
      alike = one->second;
    } else if (content->second == facts.content) {
      return one->second;
    }
  }
  if (!alike) {
    alike = contents_.size();
    contents_.emplace_back();
    by_facts_.emplace(key, *alike);
  }
  contents_[*alike].emplace(names, facts.content);
  return *alike;
}

}  // namespace garner::daemon
