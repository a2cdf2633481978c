// An S3 store in memory, for ScriptedHttp: a bucket in path style that knows what garner asks for, and
// forgets what a test wants it to forget. Signatures are not looked at.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "support/scripted_http.h"

namespace garner::testing {

class MemoryStore {
 public:
  enum class Conditions { kKept, kIgnored, kRefused };

  explicit MemoryStore(Conditions conditions = Conditions::kKept) : conditions_(conditions) {}

  HttpGiven answer(const HttpSeen& request) {
    // /BUCKET/KEY
    const std::size_t slash = request.path.find('/', 1);
    const std::string key = slash == std::string::npos ? "" : request.path.substr(slash + 1);
    if (key.empty()) return request.method == "POST" ? delete_many(request) : list(request);
    if (request.method == "POST" && request.has("uploads")) return begin(key);
    if (request.has("uploadId=")) return part_or_end(request, key);
    if (request.method == "PUT") return put(request, key);
    if (request.method == "GET") return get(request, key);
    if (request.method == "DELETE") objects.erase(key);
    return {request.method == "DELETE" ? 204 : 405};
  }

  static HttpGiven error(int status, const std::string& code) {
    return {status, {}, "<Error><Code>" + code + "</Code><Message>as the test says</Message></Error>"};
  }
  static HttpGiven missing() { return error(404, "NoSuchKey"); }

  std::map<std::string, std::string> objects;  // with their prefix
  struct Upload {
    std::string key;
    std::map<unsigned, std::string> parts;
    std::string begun = "2020-01-01T00:00:00.000Z";
  };
  std::map<std::string, Upload> uploads;
  bool knows_conditions_of_uploads = true;

 private:
  HttpGiven put(const HttpSeen& request, const std::string& key) {
    if (request.headers.contains("if-none-match")) {
      if (conditions_ == Conditions::kRefused) return error(501, "NotImplemented");
      if (conditions_ == Conditions::kKept && objects.contains(key)) return error(412, "PreconditionFailed");
    }
    objects[key] = request.body;
    return {200, {{"etag", "\"1\""}}};
  }

  HttpGiven get(const HttpSeen& request, const std::string& key) {
    const auto found = objects.find(key);
    if (found == objects.end()) return missing();
    const std::string& whole = found->second;
    const auto range = request.headers.find("range");
    if (range == request.headers.end()) return {200, {{"etag", "\"1\""}}, whole};
    const std::string text = range->second.substr(std::string("bytes=").size());
    const std::uint64_t first = std::stoull(text);
    const std::uint64_t last = std::stoull(text.substr(text.find('-') + 1));
    if (first >= whole.size()) {
      HttpGiven given = error(416, "InvalidRange");
      given.headers = {{"content-range", "bytes */" + std::to_string(whole.size())}};
      return given;
    }
    const std::string part = whole.substr(first, last - first + 1);
    return {
        206,
        {{"etag", "\"1\""},
         {"content-range", "bytes " + std::to_string(first) + "-" + std::to_string(first + part.size() - 1) +
                               "/" + std::to_string(whole.size())}},
        part};
  }

  static std::string parameter(const HttpSeen& request, const std::string& name) {
    const std::string query = "&" + request.query + "&";
    const std::size_t at = query.find("&" + name + "=");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + name.size() + 2;
    std::string text = query.substr(begin, query.find('&', begin) - begin);
    for (std::size_t slash; (slash = text.find("%2F")) != std::string::npos;) text.replace(slash, 3, "/");
    return text;
  }

  HttpGiven list(const HttpSeen& request) {
    const std::string prefix = parameter(request, "prefix");
    if (request.has("uploads")) return list_uploads(prefix);
    const std::string after = parameter(request, "start-after");
    const bool by_folders = request.has("delimiter=");
    std::string text = "<ListBucketResult><IsTruncated>false</IsTruncated>";
    std::string last_folder;
    for (const auto& [key, content] : objects) {
      if (!key.starts_with(prefix) || key <= after) continue;
      const std::size_t slash = key.find('/', prefix.size());
      if (by_folders && slash != std::string::npos) {
        const std::string folder = key.substr(0, slash + 1);
        if (folder != last_folder) text += "<CommonPrefixes><Prefix>" + folder + "</Prefix></CommonPrefixes>";
        last_folder = folder;
        continue;
      }
      text += "<Contents><Key>" + key + "</Key><Size>" + std::to_string(content.size()) +
              "</Size><LastModified>2026-01-02T03:04:05.678Z</LastModified></Contents>";
    }
    return {200, {}, text + "</ListBucketResult>"};
  }

  HttpGiven list_uploads(const std::string& prefix) {
    std::string text = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>";
    for (const auto& [id, upload] : uploads) {
      if (!upload.key.starts_with(prefix)) continue;
      text += "<Upload><Key>" + upload.key + "</Key><UploadId>" + id + "</UploadId><Initiated>" +
              upload.begun + "</Initiated></Upload>";
    }
    return {200, {}, text + "</ListMultipartUploadsResult>"};
  }

  HttpGiven delete_many(const HttpSeen& request) {
    for (std::size_t at = 0; (at = request.body.find("<Key>", at)) != std::string::npos; ++at)
      objects.erase(request.body.substr(at + 5, request.body.find("</Key>", at) - at - 5));
    return {200, {}, "<DeleteResult></DeleteResult>"};
  }

  HttpGiven begin(const std::string& key) {
    const std::string id = "upload" + std::to_string(++last_upload_);
    uploads[id] = {key, {}};
    return {200,
            {},
            "<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>"};
  }

  HttpGiven part_or_end(const HttpSeen& request, const std::string& key) {
    const std::string id = parameter(request, "uploadId");
    const auto found = uploads.find(id);
    if (found == uploads.end()) return error(404, "NoSuchUpload");
    if (request.method == "DELETE") {
      uploads.erase(found);
      return {204};
    }
    if (request.method == "PUT") {
      found->second.parts[static_cast<unsigned>(std::stoul(parameter(request, "partNumber")))] = request.body;
      return {200, {{"etag", "\"part\""}}};
    }
    if (request.method == "GET") return list_parts(found->second);
    if (request.headers.contains("if-none-match")) {
      if (!knows_conditions_of_uploads) return error(501, "NotImplemented");
      if (objects.contains(key)) return error(412, "PreconditionFailed");
    }
    std::string whole;
    for (const auto& [number, part] : found->second.parts) whole += part;
    objects[key] = whole;
    uploads.erase(found);
    return {200, {}, "<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>"};
  }

  static HttpGiven list_parts(const Upload& upload) {
    std::string text = "<ListPartsResult><IsTruncated>false</IsTruncated>";
    for (const auto& [number, part] : upload.parts) {
      text += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>\"part\"</ETag><Size>" +
              std::to_string(part.size()) + "</Size></Part>";
    }
    return {200, {}, text + "</ListPartsResult>"};
  }

  const Conditions conditions_;
  unsigned last_upload_ = 0;
};

}  // namespace garner::testing
