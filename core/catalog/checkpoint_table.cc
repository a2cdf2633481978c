#include "catalog/checkpoint_table.h"

#include <algorithm>

#include "base/error.h"

namespace garner::catalog {

namespace {

Error damaged(const char* what) {
  return Error(ErrorKind::kDamaged, std::string("the checkpoint's ") + what + " cannot be read");
}

template <typename Message>
Message parse(ByteView bytes, const char* what) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) throw damaged(what);
  return message;
}

// From two columns.
TimePoint read_time(const Statement& row, int column) {
  return {row.integer(column), static_cast<std::uint32_t>(row.integer(column + 1))};
}

// A frame's blobs, 37 bytes each.
Bytes encode(const std::vector<store::FrameBlob>& blobs) {
  ByteWriter writer;
  for (const store::FrameBlob& blob : blobs) {
    writer.bytes(blob.id.view());
    writer.u8(static_cast<std::uint8_t>(blob.kind));
    writer.u32(blob.length);
  }
  return writer.take();
}

std::vector<store::FrameBlob> decode_blobs(ByteView bytes) {
  std::vector<store::FrameBlob> blobs;
  ByteReader reader(bytes);
  while (!reader.at_end()) {
    store::FrameBlob& blob = blobs.emplace_back();
    blob.id = crypto::BlobId::from_bytes(reader.bytes(32));
    const std::uint8_t kind = reader.u8();
    if (kind < 1 || kind > 4) throw damaged("frames");
    blob.kind = static_cast<crypto::BlobKind>(kind);
    blob.length = reader.u32();
  }
  return blobs;
}

Bytes encode(const std::vector<crypto::BlobId>& ids) {
  ByteWriter writer;
  for (const crypto::BlobId& id : ids) writer.bytes(id.view());
  return writer.take();
}

std::vector<crypto::BlobId> decode_ids(ByteView bytes) {
  std::vector<crypto::BlobId> ids;
  ByteReader reader(bytes);
  while (!reader.at_end()) ids.push_back(crypto::BlobId::from_bytes(reader.bytes(32)));
  return ids;
}

unsigned target_of(std::int64_t number) {
  if (number < 0 || number >= store::kMostTargets) throw damaged("destinations");
  return static_cast<unsigned>(number);
}

std::string path_of(const backup::Place& place) {
  return place.folder.empty() ? place.name : place.folder + "/" + place.name;
}

}  // namespace

// A save whose fsync failed has told so, and SQLite shows nothing of it; but what it wrote to its log may get
// to the disk all the same, and a crash would bring it back, though what is done from now on, as to cut packs
// to the lengths that are loaded, knows nothing of it. A commit takes the place in the log that it had.
void CheckpointTable::supersede_failed_saves() {
  Transaction transaction(database_);
  database_
      .prepare(
          "INSERT INTO facts (name, value) VALUES ('checkpoints loaded', 1) "
          "ON CONFLICT (name) DO UPDATE SET value = value + 1")
      .run();
  transaction.commit();
}

std::optional<backup::CheckpointHead> CheckpointTable::load() {
  const auto lock = database_.lock();
  backup::CheckpointHead head;
  {
    Statement row = database_.prepare(
        "SELECT scan_start_seconds, scan_start_nanos, read_bytes, new_bytes, stored_bytes, snapshot "
        "FROM checkpoints WHERE run = ?",
        run_);
    if (!row.step()) return std::nullopt;
    head.scan_start = read_time(row, 0);
    head.counters = {row.unsigned_integer(2), row.unsigned_integer(3), row.unsigned_integer(4)};
    if (!row.is_null(5)) head.snapshot = parse<store::v1::Snapshot>(row.blob_view(5), "snapshot");
  }
  // Where there is none, begin() commits before anything rests on that.
  supersede_failed_saves();
  head.packs = load_packs();
  head.targets = load_targets();
  return head;
}

std::vector<store::DurablePack> CheckpointTable::load_packs() {
  std::vector<store::DurablePack> packs;
  Statement rows = database_.prepare(
      "SELECT id, uuid, kind, path, lacking, finished_size FROM checkpoint_packs WHERE run = ? ORDER BY id",
      run_);
  while (rows.step()) {
    store::DurablePack& pack = packs.emplace_back();
    pack.id = Uuid::from_bytes(rows.blob_view(1));
    const std::int64_t kind = rows.integer(2);
    const std::int64_t lacking = rows.integer(4);
    if ((kind != 1 && kind != 2) || lacking < 1 || lacking > 255) throw damaged("packs");
    pack.kind = static_cast<store::PackKind>(kind);
    pack.path = rows.text(3);
    pack.lacking = static_cast<store::TargetSet>(lacking);
    if (!rows.is_null(5)) pack.size = rows.unsigned_integer(5);
    Statement deliveries = database_.prepare(
        "SELECT target, name, committed FROM checkpoint_deliveries WHERE pack = ? ORDER BY target",
        rows.integer(0));
    while (deliveries.step()) {
      pack.deliveries.push_back({target_of(deliveries.integer(0)),
                                 store::ObjectName::from_bytes(deliveries.blob_view(1)),
                                 deliveries.integer(2) != 0});
    }
    Statement frames = database_.prepare(
        "SELECT offset, stored_length, raw_length, blobs FROM checkpoint_frames WHERE pack = ? ORDER BY "
        "offset",
        rows.integer(0));
    while (frames.step()) {
      store::PackedFrame& frame = pack.frames.emplace_back();
      frame.offset = frames.unsigned_integer(0);
      frame.stored_length = static_cast<std::uint32_t>(frames.integer(1));
      frame.raw_length = static_cast<std::uint32_t>(frames.integer(2));
      frame.blobs = decode_blobs(frames.blob_view(3));
    }
  }
  return packs;
}

std::vector<backup::TargetHead> CheckpointTable::load_targets() {
  std::vector<backup::TargetHead> targets;
  Statement rows = database_.prepare(
      "SELECT target, left_feed, message, base_snapshots, new_bytes, stored_bytes, supplied_bytes, "
      "generation "
      "FROM checkpoint_targets WHERE run = ? ORDER BY target",
      run_);
  while (rows.step()) {
    backup::TargetHead& target = targets.emplace_back();
    target.number = target_of(rows.integer(0));
    target.left = rows.integer(1) != 0;
    target.message = rows.text(2);
    target.base_snapshots = decode_ids(rows.blob_view(3));
    target.counters = {rows.unsigned_integer(4), rows.unsigned_integer(5), rows.unsigned_integer(6)};
    target.generation = rows.unsigned_integer(7);
    Statement names = database_.prepare(
        "SELECT name FROM checkpoint_target_names WHERE run = ? AND target = ?", run_, target.number);
    while (names.step()) target.names.insert(store::ObjectName::from_bytes(names.blob_view(0)));
  }
  return targets;
}

void CheckpointTable::begin(TimePoint scan_start, const std::vector<backup::TargetBegin>& targets) {
  const auto lock = database_.lock();
  Transaction transaction(database_);
  database_.prepare("DELETE FROM checkpoints WHERE run = ?", run_).run();
  database_
      .prepare(
          "INSERT INTO checkpoints (run, scan_start_seconds, scan_start_nanos, read_bytes, new_bytes, "
          "stored_bytes) VALUES (?, ?, ?, 0, 0, 0)",
          run_, scan_start.seconds, scan_start.nanos)
      .run();
  for (const backup::TargetBegin& target : targets) {
    const Bytes snapshots = encode(target.base_snapshots);
    database_
        .prepare(
            "INSERT INTO checkpoint_targets (run, target, left_feed, message, base_snapshots, new_bytes, "
            "stored_bytes, supplied_bytes, generation) VALUES (?, ?, 0, '', ?, 0, 0, 0, ?)",
            run_, target.number, snapshots, target.generation)
        .run();
  }
  transaction.commit();
}

void CheckpointTable::save(const backup::CheckpointDelta& delta) {
  const auto lock = database_.lock();
  Transaction transaction(database_);
  const std::int64_t found =
      database_
          .prepare("UPDATE checkpoints SET read_bytes = ?, new_bytes = ?, stored_bytes = ? WHERE run = ?",
                   delta.counters.read_bytes, delta.counters.new_bytes, delta.counters.stored_bytes, run_)
          .run();
  if (found == 0) throw Error(ErrorKind::kInternal, "saving a checkpoint that was not begun");
  if (delta.snapshot) {
    const std::string snapshot = delta.snapshot->SerializeAsString();
    database_.prepare("UPDATE checkpoints SET snapshot = ? WHERE run = ?", as_bytes(snapshot), run_).run();
  }

  for (const store::DurablePack& pack : delta.packs) save_pack(pack);
  for (const backup::TargetDelta& target : delta.targets) save_target(target);
  for (const Uuid& pack : delta.released_packs) {
    database_.prepare("DELETE FROM checkpoint_packs WHERE run = ? AND uuid = ?", run_, pack.view()).run();
  }
  // A file may have been in progress and finished since the last save: finished is what stays.
  for (const backup::FileInProgress& file : delta.in_progress) save_in_progress(file);
  for (const backup::FinishedFile& file : delta.files) save_file(file);
  // Deeper folders first, so that each goes with the folder above it when both were finished since the last
  // save.
  std::vector<const backup::FinishedFolder*> folders;
  for (const backup::FinishedFolder& folder : delta.folders) folders.push_back(&folder);
  std::stable_sort(folders.begin(), folders.end(), [](const auto* a, const auto* b) {
    return path_of(a->place).size() > path_of(b->place).size();
  });
  for (const backup::FinishedFolder* folder : folders) save_folder(*folder);
  transaction.commit();
}

void CheckpointTable::save_target(const backup::TargetDelta& target) {
  const std::int64_t found =
      database_
          .prepare(
              "UPDATE checkpoint_targets SET left_feed = ?, message = ?, new_bytes = ?, stored_bytes = ?, "
              "supplied_bytes = ? WHERE run = ? AND target = ?",
              target.left, target.message, target.counters.new_bytes, target.counters.stored_bytes,
              target.counters.supplied_bytes, run_, target.number)
          .run();
  if (found == 0)
    throw Error(ErrorKind::kInternal, "saving what a destination has that the run did not begin with");
  for (const store::ObjectName& name : target.names) {
    database_
        .prepare("INSERT OR IGNORE INTO checkpoint_target_names (run, target, name) VALUES (?, ?, ?)", run_,
                 target.number, name.view())
        .run();
  }
  for (const Uuid& pack : target.committed_packs) {
    database_
        .prepare(
            "UPDATE checkpoint_deliveries SET committed = 1 WHERE target = ? AND pack = "
            "(SELECT id FROM checkpoint_packs WHERE run = ? AND uuid = ?)",
            target.number, run_, pack.view())
        .run();
  }
}

void CheckpointTable::save_pack(const store::DurablePack& pack) {
  database_
      .prepare(
          "INSERT INTO checkpoint_packs (run, uuid, kind, path, lacking, finished_size) "
          "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run, uuid) DO UPDATE SET kind = excluded.kind, "
          "path = excluded.path, lacking = excluded.lacking, finished_size = excluded.finished_size",
          run_, pack.id.view(), static_cast<int>(pack.kind), as_bytes(pack.path), pack.lacking, pack.size)
      .run();
  if (pack.frames.empty() && pack.deliveries.empty()) return;
  std::int64_t id = 0;
  {
    Statement row =
        database_.prepare("SELECT id FROM checkpoint_packs WHERE run = ? AND uuid = ?", run_, pack.id.view());
    row.step();
    id = row.integer(0);
  }
  for (const store::PackDelivery& delivery : pack.deliveries) {
    database_
        .prepare(
            "INSERT OR REPLACE INTO checkpoint_deliveries (pack, target, name, committed) "
            "VALUES (?, ?, ?, ?)",
            id, delivery.target, delivery.name.view(), delivery.is_committed)
        .run();
  }
  for (const store::PackedFrame& frame : pack.frames) {
    const Bytes blobs = encode(frame.blobs);
    database_
        .prepare(
            "INSERT OR REPLACE INTO checkpoint_frames (pack, offset, stored_length, raw_length, blobs) "
            "VALUES (?, ?, ?, ?, ?)",
            id, frame.offset, frame.stored_length, frame.raw_length, blobs)
        .run();
  }
}

std::int64_t CheckpointTable::place_id(const backup::Place& place) {
  const ByteView folder = as_bytes(place.folder);
  database_
      .prepare("INSERT OR IGNORE INTO checkpoint_places (run, source, folder) VALUES (?, ?, ?)", run_,
               place.source, folder)
      .run();
  Statement row =
      database_.prepare("SELECT id FROM checkpoint_places WHERE run = ? AND source = ? AND folder = ?", run_,
                        place.source, folder);
  row.step();
  return row.integer(0);
}

void CheckpointTable::save_in_progress(const backup::FileInProgress& file) {
  const std::int64_t place = place_id(file.place);
  const std::string node = file.node.SerializeAsString();
  database_
      .prepare(
          "INSERT OR REPLACE INTO checkpoint_in_progress (place, name, node, offset, content_list, "
          "seen_seconds, seen_nanos) VALUES (?, ?, ?, ?, ?, ?, ?)",
          place, as_bytes(file.place.name), as_bytes(node), file.offset, file.content_list, file.seen.seconds,
          file.seen.nanos)
      .run();
}

void CheckpointTable::save_file(const backup::FinishedFile& file) {
  const std::int64_t place = place_id(file.place);
  const std::string node = file.node.SerializeAsString();
  const ByteView name = as_bytes(file.place.name);
  database_
      .prepare(
          "INSERT OR REPLACE INTO checkpoint_files (place, name, node, seen_seconds, seen_nanos) "
          "VALUES (?, ?, ?, ?, ?)",
          place, name, as_bytes(node), file.seen.seconds, file.seen.nanos)
      .run();
  database_.prepare("DELETE FROM checkpoint_in_progress WHERE place = ? AND name = ?", place, name).run();
}

void CheckpointTable::save_folder(const backup::FinishedFolder& folder) {
  forget_below(folder.place.source, path_of(folder.place));
  const std::int64_t place = place_id(folder.place);
  const std::string totals = folder.totals.SerializeAsString();
  database_
      .prepare(
          "INSERT OR REPLACE INTO checkpoint_folders (place, name, tree, totals, seen_seconds, seen_nanos) "
          "VALUES (?, ?, ?, ?, ?, ?)",
          place, as_bytes(folder.place.name), folder.tree.view(), as_bytes(totals), folder.seen.seconds,
          folder.seen.nanos)
      .run();
}

void CheckpointTable::forget_below(std::uint32_t source, const std::string& folder) {
  if (folder.empty()) {
    database_.prepare("DELETE FROM checkpoint_places WHERE run = ? AND source = ?", run_, source).run();
    return;
  }
  const std::string from = folder + "/";
  const std::string to = folder + "0";  // the byte after '/'
  database_
      .prepare("DELETE FROM checkpoint_places WHERE run = ? AND source = ? AND folder = ?", run_, source,
               as_bytes(folder))
      .run();
  database_
      .prepare("DELETE FROM checkpoint_places WHERE run = ? AND source = ? AND folder >= ? AND folder < ?",
               run_, source, as_bytes(from), as_bytes(to))
      .run();
}

void CheckpointTable::forget() {
  const auto lock = database_.lock();
  Transaction transaction(database_);
  database_.prepare("DELETE FROM checkpoints WHERE run = ?", run_).run();
  transaction.commit();
}

std::vector<backup::FinishedFile> CheckpointTable::files_in(std::uint32_t source, const std::string& folder) {
  const auto lock = database_.lock();
  std::vector<backup::FinishedFile> files;
  Statement rows = database_.prepare(
      "SELECT f.name, f.node, f.seen_seconds, f.seen_nanos FROM checkpoint_places p JOIN checkpoint_files f "
      "ON f.place = p.id "
      "WHERE p.run = ? AND p.source = ? AND p.folder = ? ORDER BY f.name",
      run_, source, as_bytes(folder));
  while (rows.step()) {
    files.push_back({{source, folder, rows.text(0)},
                     parse<store::v1::Node>(rows.blob_view(1), "files"),
                     read_time(rows, 2)});
  }
  return files;
}

std::vector<backup::FinishedFolder> CheckpointTable::folders_in(std::uint32_t source,
                                                                const std::string& folder) {
  const auto lock = database_.lock();
  std::vector<backup::FinishedFolder> folders;
  // An empty name is the source's own root, which no folder holds.
  Statement rows = database_.prepare(
      "SELECT f.name, f.tree, f.totals, f.seen_seconds, f.seen_nanos FROM checkpoint_places p JOIN "
      "checkpoint_folders f ON f.place = p.id "
      "WHERE p.run = ? AND p.source = ? AND p.folder = ? AND length(f.name) > 0 ORDER BY f.name",
      run_, source, as_bytes(folder));
  while (rows.step()) {
    folders.push_back({{source, folder, rows.text(0)},
                       crypto::BlobId::from_bytes(rows.blob_view(1)),
                       parse<store::v1::Totals>(rows.blob_view(2), "folders"),
                       read_time(rows, 3)});
  }
  return folders;
}

std::optional<backup::FileInProgress> CheckpointTable::in_progress(const backup::Place& place) {
  const auto lock = database_.lock();
  Statement row = database_.prepare(
      "SELECT f.node, f.offset, f.content_list, f.seen_seconds, f.seen_nanos FROM checkpoint_places p "
      "JOIN checkpoint_in_progress f ON f.place = p.id "
      "WHERE p.run = ? AND p.source = ? AND p.folder = ? AND f.name = ?",
      run_, place.source, as_bytes(place.folder), as_bytes(place.name));
  if (!row.step()) return std::nullopt;
  backup::FileInProgress file;
  file.place = place;
  file.node = parse<store::v1::Node>(row.blob_view(0), "file in progress");
  file.offset = row.unsigned_integer(1);
  file.content_list = row.blob(2);
  file.seen = read_time(row, 3);
  return file;
}

std::optional<backup::FinishedFolder> CheckpointTable::root(std::uint32_t source) {
  const auto lock = database_.lock();
  Statement row = database_.prepare(
      "SELECT f.tree, f.totals, f.seen_seconds, f.seen_nanos FROM checkpoint_places p JOIN "
      "checkpoint_folders f ON f.place = p.id "
      "WHERE p.run = ? AND p.source = ? AND p.folder = x'' AND f.name = x''",
      run_, source);
  if (!row.step()) return std::nullopt;
  return backup::FinishedFolder{{source, "", ""},
                                crypto::BlobId::from_bytes(row.blob_view(0)),
                                parse<store::v1::Totals>(row.blob_view(1), "root"),
                                read_time(row, 2)};
}

}  // namespace garner::catalog
