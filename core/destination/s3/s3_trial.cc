// What an S3 store is tried for beside what every place is.
#include <fcntl.h>

#include "base/file.h"
#include "destination/s3/s3.h"
#include "destination/s3/upload.h"

namespace garner::destination {

namespace {

constexpr std::size_t kLength = 100'000;

}  // namespace

TrialFinding S3Destination::try_uploads(const std::string& folder, const std::string& file) {
  const Fd fd = open_file(file, O_RDWR | O_CREAT | O_TRUNC);
  write_at(fd.get(), Bytes(kLength, 7), 0, file);
  const std::string refused = S3Upload(*this, folder + "packs/upload", file, fd.get(), kLength).try_all();
  remove_file(file);
  S3Upload::forget(file);
  if (refused.empty()) return {};
  return {TrialOutcome::kWarning,
          refused +
              ". Parts of an upload that is cut off and not gone on with cost money for ever then: let the "
              "bucket's lifecycle end incomplete uploads"};
}

void S3Destination::give_up_uploads(const std::string& prefix) {
  S3Upload::give_up_all(*this, full(prefix), /*age=*/0);
}

}  // namespace garner::destination
