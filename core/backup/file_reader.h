// Reads files: opens, captures metadata, cuts the content into chunks, stores what is new.
#pragma once

#include <memory>

#include "backup/difference_maker.h"
#include "backup/known_chunks.h"
#include "backup/run_context.h"
#include "base/error.h"
#include "source/source_file.h"

namespace garner::backup {

// Belongs to one reading thread; `lane` is that thread's lane of the BlobWriter.
class FileReader {
 public:
  FileReader(RunContext& context, unsigned lane);
  void read(const FileBatch& batch);

 private:
  std::optional<v1::Node> read_file(Folder& folder, const std::string& path, const FileTask& task,
                                    std::shared_ptr<ReadingFile>& file);
  bool read_again(const FileBatch& batch, const FileTask& task, const ReadingFile& reading,
                  const Error& error);
  v1::Node capture_other(Folder& folder, const source::FolderView& view, const std::string& path,
                         const std::string& name);
  void read_content(const source::SourceFile& file, const std::string& path, ReadingFile& reading,
                    std::uint64_t size, const std::vector<source::DataRange>& ranges, KnownChunks known);
  void read_range(const source::SourceFile& file, const std::string& path, ReadingFile& reading,
                  std::uint64_t begin, std::uint64_t end, KnownChunks& known);
  struct Cut {
    crypto::BlobId id;
    std::size_t length = 0;
  };
  Cut cut(ByteView data, std::uint64_t offset, std::uint64_t end, KnownChunks& known) const;
  std::size_t fill(const source::SourceFile& file, const std::string& path, std::size_t kept,
                   std::uint64_t offset, std::uint64_t end);
  void store_chunk(ReadingFile& file, const crypto::BlobId& id, ByteView chunk, KnownChunks& known);

  RunContext& context_;
  const unsigned lane_;
  Bytes buffer_;
  DifferenceMaker differences_;
};

}  // namespace garner::backup
