#include "destination/place.h"

#include "base/error.h"
#include "base/file.h"
#include "destination/s3/claims.h"
#include "destination/s3/open_s3.h"
#include "destination/sftp/open_sftp.h"
#include "destination/slow_folder.h"

namespace garner::destination {

std::string option_of(const PlaceOptions& options, const std::string& name, const std::string& usual) {
  const auto found = options.find(name);
  return found != options.end() ? found->second : usual;
}

void refuse_option(const std::string& message) { throw Error(ErrorKind::kInvalidInput, message); }

PlaceKind place_kind(const std::string& url) {
  if (url.starts_with('/')) return PlaceKind::kFolder;
  if (is_s3_url(url)) return PlaceKind::kS3;
  if (is_sftp_url(url)) return PlaceKind::kSftp;
  // A kind that is added has a case here and in each function below.
  const std::size_t colon = url.find(':');
  if (colon != std::string::npos && colon < url.find('/')) {
    throw Error(ErrorKind::kInvalidInput, "destinations of the kind '" + printable(url.substr(0, colon)) +
                                              "' are not known to this version: '" + printable(url) + "'");
  }
  throw Error(ErrorKind::kInvalidInput, "'" + printable(url) +
                                            "' is no destination: an absolute path, "
                                            "s3:https://HOST/BUCKET/PREFIX, or sftp://USER@HOST/PATH is "
                                            "expected");
}

std::string normal_url(const std::string& url) {
  switch (place_kind(url)) {
    case PlaceKind::kFolder:
      return normal_path(url);
    case PlaceKind::kS3:
      return parse_s3_url(url).text();
    case PlaceKind::kSftp:
      return parse_sftp_url(url).url();
  }
  throw Error(ErrorKind::kInternal, "a place of an unknown kind");
}

PlaceOptions changed(const std::string& url, PlaceOptions options, const PlaceOptions& change) {
  const PlaceKind kind = place_kind(url);
  for (const auto& [name, value] : change) {
    if (kind == PlaceKind::kFolder) refuse_option("a folder has no --" + printable(name));
    if (kind == PlaceKind::kS3) check_s3_option(name, value);
    if (kind == PlaceKind::kSftp) check_sftp_option(name, value);
    if (value.empty()) {
      options.erase(name);
    } else {
      options[name] = value;
    }
  }
  return options;
}

std::shared_ptr<Destination> open_place(const std::string& url, const PlaceOptions& options,
                                        const PlaceContext& context) {
  switch (place_kind(url)) {
    case PlaceKind::kFolder:
      return open_folder(open_local(url), context);
    // Those hold back by themselves, while bytes flow.
    case PlaceKind::kS3:
      return open_s3(url, options, context);
    case PlaceKind::kSftp:
      return open_sftp(url, options, context);
  }
  throw Error(ErrorKind::kInternal, "a place of an unknown kind");
}

std::shared_ptr<Destination> open_folder(std::shared_ptr<LocalDestination> folder,
                                         const PlaceContext& context) {
  std::shared_ptr<Destination> place = folder;
  if (context.calls) place = std::make_shared<SlowFolder>(std::move(folder), context.calls);
  if (context.limits) place = std::make_shared<ThrottledDestination>(std::move(place), context.limits);
  return place;
}

void claim_place(const std::string& url, const PlaceOptions& options, const PlaceContext& context) {
  if (place_kind(url) == PlaceKind::kS3) {
    const std::shared_ptr<S3Destination> store = open_s3(url, options, context);
    if (!store->keeps_conditions()) return claim(*store, context.writer);
  }
  throw Error(ErrorKind::kInvalidInput,
              printable(url) +
                  " is safe for any number of writers: of all who create an object one succeeds there, so "
                  "nobody has to claim it");
}

}  // namespace garner::destination
