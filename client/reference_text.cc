#include "reference_text.h"

#include "find_text.h"
#include "text.h"

namespace garner::client {
namespace {

constexpr std::size_t kShownBlobDigits = 16;  // of the id of a blob or pack: so many are taken

std::string short_id(const std::string& id) { return printable(id.substr(0, kShownBlobDigits)); }

std::string share_text(std::uint64_t part, std::uint64_t total) {
  if (part == total) return "all";
  const unsigned share = percent(part, total);
  return share == 0 ? "less than 1 %" : std::to_string(share) + " %";
}

// "any backup", "these 3 snapshots"; what could not be searched may have it.
std::string where_text(const v1::FindSummary& summary, bool everywhere) {
  const std::string where =
      everywhere ? "any backup"
                 : "what was searched (" + plural(summary.snapshots(), "snapshot", "snapshots") + ")";
  const bool is_whole = summary.errors() == 0 && summary.not_asked().empty();
  return is_whole || !everywhere ? where : "any backup that could be searched";
}

std::string holders_text(std::uint64_t files, std::uint64_t snapshots, const char* one, const char* many) {
  return plural(files, one, many) + " in " + plural(snapshots, "snapshot", "snapshots");
}

std::string content_text(const v1::FindReferencesResponse& answer, const std::string& file, bool everywhere) {
  const v1::ContentReferences& content = answer.content();
  if (content.bytes() == 0) return printable(file) + " is empty: there is no content to look for.\n";
  if (content.files() > 0) {
    return "Yes: " + holders_text(content.files(), content.snapshots(), "file", "files") +
           (content.files() == 1 ? " has" : " have") + " exactly this content.\n";
  }
  if (content.found_bytes() == 0)
    return "None of it is in " + where_text(answer.summary(), everywhere) + ".\n";
  std::string text = "No file has exactly this content; " +
                     share_text(content.found_bytes(), content.bytes()) + " of it (" +
                     human_bytes(content.found_bytes()) + ") is in backups";
  if (answer.matches_size() > 0) text += ", most of it in " + found_path(answer.matches(0).found());
  return text + ".\n";
}

std::string places_text(const v1::BlobReferences& blob) {
  std::string text;
  for (const v1::BlobPlace& place : blob.places()) {
    text += "  at " + printable(place.destination()) + " in pack " + short_id(place.pack()) +
            (place.pack_bytes() > 0 ? " of " + human_bytes(place.pack_bytes()) : "") + '\n';
  }
  return text;
}

std::string blob_text(const v1::FindReferencesResponse& answer, bool everywhere) {
  const v1::BlobReferences& blob = answer.blob();
  const std::string id = printable(blob.id());
  if (blob.kind().empty() && blob.files() == 0)
    return "No destination that can be asked has blob " + id + ".\n";
  std::string text = "Blob " + id;
  if (!blob.kind().empty()) text += ", " + printable(blob.kind());
  if (blob.bytes() > 0) text += " of " + human_bytes(blob.bytes());
  text += ":\n";
  if (blob.kind() == "snapshot" && blob.snapshots() > 0) {
    text = "It is a snapshot: garner ls " + short_id(blob.id()) + " shows what is in it.\n" + text;
  } else if (blob.files() > 0) {
    text = holders_text(blob.files(), blob.snapshots(), "file or folder", "files and folders") +
           (blob.files() == 1 ? " has" : " have") + " it as a part.\n" + text;
  } else if (everywhere && answer.summary().errors() == 0 && answer.summary().not_asked().empty()) {
    text =
        "Nothing in any snapshot points at it: what is left of forgotten snapshots garner prune takes, what "
        "a backup that goes on has stored stays.\n" +
        text;
  } else {
    text = "Nothing points at it in " + where_text(answer.summary(), everywhere) + ".\n" + text;
  }
  return text + places_text(blob);
}

std::string pack_text(const v1::FindReferencesResponse& answer, bool everywhere) {
  const v1::PackReferences& pack = answer.pack();
  std::uint64_t bytes = 0;
  std::uint64_t used = 0;
  std::string parts;
  for (const v1::PackPart& part : pack.parts()) {
    bytes += part.bytes();
    used += part.referenced_bytes();
    parts += "  " + printable(part.kind()) + ": " + plural(part.blobs(), "blob", "blobs") + " of " +
             human_bytes(part.bytes()) + ", " + human_count(part.referenced_blobs()) + " of " +
             human_bytes(part.referenced_bytes()) + " pointed at\n";
  }
  std::string text;
  if (used == 0) {
    text = "Nothing in it is pointed at in " + where_text(answer.summary(), everywhere) + ".\n";
  } else {
    text = holders_text(pack.files(), pack.snapshots(), "file or folder", "files and folders") +
           (pack.files() == 1 ? " has" : " have") + " a part of it; " + share_text(used, bytes) +
           " of its content is pointed at.\n";
  }
  text += "Pack " + printable(pack.name()) + " at " + printable(pack.destination()) + ", " +
          human_bytes(pack.stored_bytes()) + " stored:\n";
  if (!pack.damage().empty())
    text += "  its directory cannot be read (" + printable(pack.damage()) + "); the index says:\n";
  return text + parts;
}

std::string referrer_text(const v1::Referrer& one, const v1::FindReferencesResponse& answer) {
  std::string text = found_path(one.found()) + "\n    ";
  if (answer.has_content() && answer.content().files() == 0) text += human_bytes(one.bytes()) + " of it; ";
  text += found_facts(one.found()) + '\n';
  if (!one.destinations().empty()) {
    text += "    at ";
    for (int i = 0; i < one.destinations_size(); ++i)
      text += (i == 0 ? "" : ", ") + printable(one.destinations(i));
    text += '\n';
  }
  if (!one.pointed_at_by().empty()) text += "    by " + printable(one.pointed_at_by()) + '\n';
  return text;
}

}  // namespace

std::string reference_text(const v1::FindReferencesResponse& answer, const std::string& file, bool everywhere,
                           const Terminal& terminal) {
  std::string text = answer.has_content() ? content_text(answer, file, everywhere)
                     : answer.has_blob()  ? blob_text(answer, everywhere)
                                          : pack_text(answer, everywhere);
  for (const v1::Referrer& one : answer.matches()) text += referrer_text(one, answer);
  return terminal.interactive ? fit_lines(text, terminal.width) : text;
}

bool is_referenced(const v1::FindReferencesResponse& answer) {
  if (answer.has_content()) return answer.content().files() > 0;
  if (answer.has_blob()) return answer.blob().files() > 0 || answer.blob().snapshots() > 0;
  for (const v1::PackPart& part : answer.pack().parts()) {
    if (part.referenced_blobs() > 0) return true;
  }
  return false;
}

}  // namespace garner::client
