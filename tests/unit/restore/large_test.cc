// Memory does not grow with the tree. Hidden: it takes minutes. Run with the argument [large].
#include <malloc.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "unit/restore/restore_fixture.h"

using namespace garner;
using namespace garner::testing;

namespace {

// Since the last call of forget_peak().
std::uint64_t peak_resident_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;
  }
  return ~std::uint64_t{0};
}

void forget_peak() {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << "5";
}

}  // namespace

TEST_CASE("a million small files are restored within 256 MiB", "[.][large]") {
  constexpr int kFolders = 1000;
  constexpr int kFiles = 1000;
  SmallRepository repository([] {
    store::v1::Parameters parameters = small_parameters();
    parameters.set_frame_target(1u << 20);
    parameters.set_pack_target(32u << 20);
    return parameters;
  }());
  const auto snapshot = repository.back_up_node([&](store::BlobSink& sink) {
    const snapshot::OwnerNames no_names;
    store::v1::Node root;
    root.set_name("root");
    root.set_type(store::v1::NODE_TYPE_FOLDER);
    root.set_mode(0755);
    root.mutable_mtime();
    root.mutable_ctime();
    const auto number_of = [](int number) { return std::to_string(1'000'000 + number); };
    snapshot::TreeBuilder top(sink, no_names);
    for (int folder = 0; folder < kFolders; ++folder) {
      snapshot::TreeBuilder builder(sink, no_names);
      for (int file = 0; file < kFiles; ++file) {
        const std::string content = "content of " + number_of(folder) + "/" + number_of(file);
        store::v1::Node node = root;
        node.set_name("a file with a name as they are, " + number_of(file));
        node.set_type(store::v1::NODE_TYPE_FILE);
        node.set_size(content.size());
        store::v1::ContentEntry& entry = *node.add_content();
        entry.set_type(store::v1::ENTRY_TYPE_BLOB);
        entry.set_length(content.size());
        const crypto::BlobId id = sink.put(crypto::BlobKind::kData, as_bytes(content));
        entry.set_id(id.value.data(), id.value.size());
        builder.add(std::move(node));
      }
      const snapshot::BuiltTree built = builder.finish();
      store::v1::Node node = root;
      node.set_name(number_of(folder));
      node.set_tree(built.id.value.data(), built.id.value.size());
      *node.mutable_totals() = built.totals;
      top.add(std::move(node));
    }
    const snapshot::BuiltTree built = top.finish();
    root.set_tree(built.id.value.data(), built.id.value.size());
    *root.mutable_totals() = built.totals;
    return root;
  });
  repository.reopen();
  const TemporaryFolder target;
  // In a process of its own, whose peak is that of the restore alone.
  const pid_t child = must(fork(), "fork");
  if (child == 0) {
    forget_peak();
    const std::uint64_t before = peak_resident_bytes();
    RecordingMonitor monitor;
    const auto progress =
        restore::run_restore(repository.repository(), snapshot, to(target.path()), monitor, {});
    const std::uint64_t peak = peak_resident_bytes();
    fprintf(stderr, "peak resident memory %llu MiB (%llu MiB before)\n",
            static_cast<unsigned long long>(peak >> 20), static_cast<unsigned long long>(before >> 20));
    _exit(progress.done_files == kFolders * kFiles && monitor.errors.empty() && peak < (256u << 20) ? 0 : 1);
  }
  int status = 0;
  must(waitpid(child, &status, 0), "waitpid");
  CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}
