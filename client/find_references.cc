#include "find_references.h"

#include "argument.h"
#include "reference_text.h"
#include "text.h"

namespace garner::client {
namespace {

// The last part, so that a file of a repository can be named as well.
std::string id_of(const std::string& option, const std::string& text, std::size_t least) {
  const std::string digits = text.substr(text.rfind('/') + 1);
  if (digits.size() < least || digits.size() > 64 ||
      digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
    throw usage_failure(option + ": \"" + printable(text) + "\" is none: give " + std::to_string(least) +
                        " to 64 hexadecimal digits");
  }
  return digits;
}

}  // namespace

v1::FindReferencesRequest ReferenceArguments::request() const {
  check_at_most_one(
      {{"--content", content.has_value()}, {"--blob", blob.has_value()}, {"--pack", pack.has_value()}});
  v1::FindReferencesRequest request;
  if (content) request.set_content(absolute_path("--content", *content));
  if (blob) request.set_blob(id_of("--blob", *blob, 16));
  if (pack) request.set_pack(id_of("--pack", *pack, 8));
  return request;
}

int find_references(Session& session, const ReferenceArguments& given,
                    const v1::FindReferencesRequest& request) {
  v1::FindReferencesResponse answer;
  session.stream(&Stub::FindReferences, request, [&](const v1::FindReferencesResponse& part) {
    answer.MergeFrom(part);
    return true;
  });
  const v1::FindSummary& summary = answer.summary();
  for (const v1::FindError& error : answer.errors()) {
    session.note("garner: " + printable(error.path()) + " of snapshot " + error.snapshot().substr(0, 12) +
                 " cannot be searched: " + printable(error.error()));
  }
  if (session.json()) {
    session.print_json(answer);
  } else {
    const bool everywhere = request.names().empty() && request.since().empty() && request.until().empty();
    session.print(reference_text(answer, given.content.value_or(""), everywhere, session.output()));
  }
  if (summary.limited())
    session.note("Shown are " + human_count(summary.matches()) + " of them: give a larger --limit.");
  if (!summary.not_asked().empty()) session.note("Not asked: " + printable(summary.not_asked()));
  if (!answer.errors().empty()) return kExitIncomplete;
  return is_referenced(answer) ? kExitDone : kExitFailed;
}

}  // namespace garner::client
