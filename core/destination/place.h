// Which kind of destination a URL names, what can be configured of it, and how it is opened.
//
//   /PATH                           a folder of this machine (local.h)
//   s3:https://HOST/BUCKET/PREFIX   an S3 store (s3/s3.h)
//   sftp://USER@HOST:PORT/PATH      a folder of a server that is reached by SSH (sftp/sftp.h)
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/bounded_calls.h"
#include "destination/destination.h"
#include "destination/request_counts.h"
#include "destination/throttled.h"

namespace garner::destination {

class LocalDestination;

// By the names of the command line's options: what is needed to reach a place, beside its URL. Never a
// secret, but where one is. Of an S3 store (defaults in brackets):
//
//   region          [what the server's name tells, else us-east-1]
//   addressing      path, virtual-host [path]
//   storage-class   of packs [the bucket's own]
//   access-keys     where its keys are: as check_credentials_source() says [environment]
//   ca-file         absolute path of the authorities that its certificate is verified by [the system's]
//   single-writer   yes: the store cannot create exclusively, and this machine alone writes there [no]
//
// Of a server that is reached by SSH:
//
//   ssh-key              as is_secret_source() says, or agent: that of the daemon's environment [the key
//   files
//                        in ~/.ssh of the user that the daemon runs as]
//   ssh-passphrase-file  of the key, as is_secret_source() says [it has none]
//   known-hosts          absolute path of the file in which the server's key stands [the user's and the
//                        machine's own]
using PlaceOptions = std::map<std::string, std::string>;

// Of that name, `usual` where there is none.
std::string option_of(const PlaceOptions& options, const std::string& name, const std::string& usual = {});
// Throws Error(kInvalidInput), for an option that a place does not have or a value that it cannot have.
[[noreturn]] void refuse_option(const std::string& message);

enum class PlaceKind { kFolder, kS3, kSftp };

// Error(kInvalidInput) for a scheme that this version does not know.
PlaceKind place_kind(const std::string& url);
// The URL in one spelling of those that mean the same. Error(kInvalidInput) for one that names no place.
std::string normal_url(const std::string& url);

// `options` with those of `change` in place of them; one that is empty goes. Error(kInvalidInput) for an
// option that such a place does not have, and for a value that it cannot have.
PlaceOptions changed(const std::string& url, PlaceOptions options, const PlaceOptions& change);

// What all who use one destination share.
struct PlaceContext {
  std::shared_ptr<Limits> limits;         // null: none hold
  std::shared_ptr<RequestCounts> counts;  // null: nobody wants to know
  std::string writer;                     // this installation's, in hexadecimal
  // To folders that may hang (slow_folder.h); null: they are waited for.
  std::shared_ptr<BoundedCalls> calls = nullptr;
};

// Asks nothing of the place yet. Error(kInvalidInput) as above; Error(kDestinationAway) where what the
// options name cannot be read.
std::shared_ptr<Destination> open_place(const std::string& url, const PlaceOptions& options,
                                        const PlaceContext& context);

// The same of a folder.
std::shared_ptr<Destination> open_folder(std::shared_ptr<LocalDestination> folder,
                                         const PlaceContext& context);

// Makes the context's writer the one of a place that cannot create exclusively. Error(kInvalidInput) for a
// place that can; errors of the place.
void claim_place(const std::string& url, const PlaceOptions& options, const PlaceContext& context);

}  // namespace garner::destination
