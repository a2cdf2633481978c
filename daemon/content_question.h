// Who has the content of a file of this machine, or how much of it. The file is read once, cut and named as a
// backup does, by each keyring and sizes of chunks that the histories have.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backup/content_namer.h"
#include "base/file.h"
#include "reference_question.h"
#include "source/metadata.h"

namespace garner::daemon {

// Memory: that of a ContentNamer and ReferenceShares for each way of naming, and a million chunks.
class ContentQuestion final : public ReferenceQuestion {
 public:
  // Opens the file, following links. Error(kInvalidInput) for a path that is not absolute and for what is no
  // file; Error(kNotFound), Error(kReadFailed).
  explicit ContentQuestion(const std::string& path);
  ~ContentQuestion() override;

  bool step(Histories& histories, const std::vector<HistoryRow>& rows) override;
  std::vector<Sharer> take_sharers() override;
  bool is_ranked() const override { return files_ == 0; }
  void tell(v1::FindReferencesResponse& response) const override;

 private:
  struct Naming;

  void begin(Histories& histories, const std::vector<HistoryRow>& rows);
  void read();
  void finish(Histories& histories, const std::vector<HistoryRow>& rows);

  const std::string path_;
  Fd file_;
  std::uint64_t size_ = 0;
  std::vector<source::DataRange> ranges_;
  std::size_t range_ = 0;     // that is read
  std::uint64_t offset_ = 0;  // in the file: what lies before was read
  Bytes buffer_;
  std::vector<std::unique_ptr<Naming>> namings_;
  std::vector<Sharer> whole_;
  std::vector<Sharer> partial_;
  std::uint64_t found_bytes_ = 0;
  std::uint64_t files_ = 0;  // with the whole
  std::uint64_t snapshots_ = 0;
};

}  // namespace garner::daemon
