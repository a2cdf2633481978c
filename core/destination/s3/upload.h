// One file that goes to an S3 store in parts.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "destination/s3/xml.h"

namespace garner::destination {

class S3Destination;

class S3Upload {
 public:
  // `fd`: the file at `path`, open for reading, `length` bytes long.
  S3Upload(S3Destination& destination, const std::string& key, const std::string& path, int fd,
           std::uint64_t length);

  // Goes on with an earlier upload of the file, if there is one. False when the key exists. The note of the
  // upload is left: forget() removes it, once the file is gone.
  bool run();
  static void forget(const std::string& path);
  // As Destination::can_go_on; takes neither the file nor its length.
  bool can_go_on();

  // Whether the store does all that is asked of it for an upload in parts, and for one that is cut off: an
  // object is made at the key of what the file holds, which is up to kPartSize bytes. Error where the store
  // fails in what is relied on; else what it refuses that only helps, empty: nothing.
  std::string try_all();
  // Ends uploads that were begun and not completed, of keys that begin with `prefix`, in the bucket; only
  // those that are as old as this many seconds.
  static void give_up_all(S3Destination& destination, const std::string& prefix, std::int64_t age);

 private:
  struct Note {
    std::string upload;         // its id; empty: there is no note of this key
    bool is_completed = false;  // the server may have been asked to complete it
  };
  Note remembered() const;
  void remember(const std::string& upload, bool is_completed);
  std::string begin();
  std::vector<S3Part> parts_there(const std::string& upload);
  // `meanwhile` is called while parts are sent; what it throws ends that.
  void send_missing(const std::string& upload, std::vector<S3Part>& parts,
                    const std::function<void()>& meanwhile = {});
  S3Part send(const std::string& upload, unsigned number);
  bool complete(const std::string& upload, const std::vector<S3Part>& parts, bool with_condition);
  void give_up(const std::string& upload);
  void give_up_old_ones();
  void end(const std::string& upload);

  std::uint64_t length_of(unsigned number) const;
  unsigned count() const;

  S3Destination& destination_;
  const std::string key_;
  const std::string note_;  // the file that holds the upload's id
  const int fd_;
  const std::uint64_t length_;
};

}  // namespace garner::destination
