// Writes the seeds of the fuzz targets, from real objects, below the folder that is given: tests/fuzz/corpus.
// The layout of each is told where its target is. To be run again when a format changes; older seeds may
// stay.
#define GARNER_FUZZ_SEEDS
#include <filesystem>
#include <fstream>
#include <random>

#include "destination/sftp/protocol.h"
#include "fuzz/fuzz.h"
#include "fuzz/keys.h"
#include "snapshot/content_list.h"
#include "snapshot/node.h"
#include "snapshot/tree.h"
#include "store/difference.h"
#include "store/frame.h"
#include "store/index_table.h"
#include "store/key_store.h"
#include "store/pack_directory.h"
#include "store/pack_layout.h"
#include "store/repository_header.h"
#include "store/segment.h"
#include "store/state.h"
#include "support/memory_destination.h"
#include "support/temporary_folder.h"

namespace garner::fuzz {
namespace {

std::filesystem::path folder;

void seed(const std::string& target, const std::string& name, ByteView bytes) {
  std::filesystem::create_directories(folder / target);
  std::ofstream file(folder / target / name, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw Error(ErrorKind::kWriteFailed, "a seed could not be written");
}

void seed_texts(const std::string& target, const std::vector<std::string>& texts) {
  for (std::size_t i = 0; i < texts.size(); ++i) seed(target, std::to_string(i), as_bytes(texts[i]));
}

// A number, as Input::number() takes it.
void put(Bytes& out, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
void put(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
void put_piece(Bytes& out, ByteView bytes) {
  put(out, bytes.size(), 2);
  put(out, bytes);
}

template <typename Message>
Bytes bytes_of(const Message& message) {
  const std::string text = message.SerializeAsString();
  return Bytes(text.begin(), text.end());
}

// Gives blobs the ids that BlobPieces finds them by; number 0 is for the last.
class NumberingSink final : public store::BlobSink {
 public:
  crypto::BlobId put(crypto::BlobKind, ByteView content) override {
    blobs_.emplace_back(content.begin(), content.end());
    crypto::BlobId id;
    id.value.fill(0x5a);
    id.value[0] = static_cast<std::uint8_t>(blobs_.size());
    return id;
  }
  // With the last blob in front, and with each at its number behind it.
  Bytes pieces() const {
    Bytes out;
    if (!blobs_.empty()) put_piece(out, blobs_.back());
    for (const Bytes& blob : blobs_) put_piece(out, blob);
    return out;
  }

 private:
  std::vector<Bytes> blobs_;
};

store::v1::Node file_node(const std::string& name) {
  store::v1::Node node;
  node.set_name(name);
  node.set_type(store::v1::NODE_TYPE_FILE);
  node.set_mode(0644);
  node.mutable_mtime()->set_seconds(1'790'000'000);
  node.mutable_ctime()->set_seconds(1'790'000'000);
  node.set_inode(77);
  return node;
}

store::v1::Node link_node(const std::string& name) {
  store::v1::Node node = file_node(name);
  node.set_type(store::v1::NODE_TYPE_SYMLINK);
  node.set_mode(0777);
  node.set_target("../elsewhere");
  return node;
}

store::v1::Snapshot snapshot() {
  store::v1::Snapshot made;
  made.set_run(std::string(16, 'R'));
  made.mutable_set()->set_uuid(std::string(16, 'U'));
  made.mutable_set()->set_name("home");
  *made.mutable_set()->add_sources() = "/home/file";
  made.set_sequence(1);
  made.set_host("host");
  made.mutable_scan_start()->set_seconds(1'790'000'000);
  made.mutable_finished()->set_seconds(1'790'000'001);
  store::v1::Source& source = *made.add_sources();
  source.set_path("/home/file");
  *source.mutable_root() = file_node("file");
  made.mutable_totals()->set_files(1);
  return made;
}

void keys() {
  testing::MemoryDestination destination;
  store::create_header(destination, repository(), keyring(), {1, 0});
  seed("repository_header", "made", destination.object(store::kHeaderKey));

  seed("keyring", "one_epoch", keyring().serialize().view());
  crypto::Keyring rotated = keyring().copy();
  rotated.rotate({2, 0});
  seed("keyring", "two_epochs", rotated.serialize().view());

  const crypto::Credential credential{store::v1::SLOT_TYPE_RECOVERY,
                                      crypto::Secret(as_bytes("the recovery key, of 32 bytes..."))};
  store::v1::KeySlotFile file;
  *file.mutable_slot() = crypto::make_slot(keyring(), credential, "recovery", {1, 0});
  Bytes in_folder{1};
  store::v1::KeySlotFile named = file;
  named.mutable_slot()->set_id("the slot's uuid.");
  put(in_folder, bytes_of(named));
  seed("key_slot", "in_folder", in_folder);
  Bytes in_pack{3};
  put(in_pack, bytes_of(file));
  seed("key_slot", "in_pack", in_pack);
  Bytes extension{2};
  put(extension, bytes_of(crypto::make_extension(rotated, file)));
  seed("key_slot", "extension", extension);
  store::v1::AuthenticatedEpoch epoch;
  epoch.mutable_epoch()->set_number(2);
  epoch.mutable_epoch()->set_master(std::string(32, 'N'));
  epoch.set_proof(std::string(32, 'P'));
  Bytes sealed{0};
  put(sealed, bytes_of(epoch));
  seed("key_slot", "epoch", sealed);
  seed_texts("recovery_key", {crypto::print_recovery_key(credential.secret), "0000000-0000000"});
}

// As the target takes it: the counts, and all behind the header.
Bytes table_seed(const store::SegmentPayload& segment) {
  const testing::TemporaryFolder scratch;
  const std::string path = scratch.path("table");
  store::IndexTable::write(path, {segment});
  const Bytes file = read_file(path, 1u << 20);
  store::TableLayout layout;
  if (!layout.load(file, file.size()))
    throw Error(ErrorKind::kInternal, "the seed's table has another layout");
  Bytes out{0};
  put(out, layout.segment_count, 1);
  put(out, layout.pack_count, 1);
  put(out, layout.frame_count, 1);
  put(out, layout.link_count, 1);
  put(out, layout.entry_count, 2);
  put(out, ByteView(file).subspan(store::kTableHeader));
  return out;
}

void packs() {
  ByteWriter header;
  header.bytes(as_bytes(store::kPackMagic));
  header.u16(store::kPackVersion);
  header.u8(2);
  header.u8(store::kDerivedKey);
  header.u32(1);
  header.bytes(Bytes(32, 'S'));
  header.bytes(Bytes(store::kWrappedKeyField));
  header.u16(5);
  header.bytes(as_bytes("slot."));
  seed("pack_header", "made", header.data());

  store::FrameCodec codec;
  std::string text;
  for (int i = 0; i < 40; ++i) text += "line " + std::to_string(i) + " of a file\n";
  const ByteView encoded = codec.encode(as_bytes(text));
  const Bytes frame(encoded.begin(), encoded.end());
  Bytes framed;
  put(framed, text.size(), 3);
  put(framed, frame);
  seed("frame", "compressed", framed);
  const ByteView stored = codec.encode(as_bytes("short"));
  framed.clear();
  put(framed, 5, 3);
  put(framed, stored);
  seed("frame", "stored", framed);

  store::PackedFrame packed;
  packed.offset = store::kFixedPackHeader;
  packed.stored_length = static_cast<std::uint32_t>(frame.size() + crypto::kSealOverhead);
  packed.raw_length = static_cast<std::uint32_t>(text.size());
  crypto::BlobId id;
  id.value.fill('B');
  packed.blobs.push_back({id, crypto::BlobKind::kData, 100});
  id.value.fill('C');
  packed.blobs.push_back({id, crypto::BlobKind::kData, packed.raw_length - 100});
  store::PackContext context;
  context.parameters = store::default_parameters();
  context.log_uuid = repository();
  context.generation = 3;
  const Bytes directory = store::serialize_directory({packed}, context);
  Bytes bare{0};
  put(bare, packed.offset + packed.stored_length, 4);
  put(bare, directory);
  seed("pack_directory", "one_frame", bare);
  Bytes whole{0};
  put_piece(whole, frame);
  put(whole, directory);
  seed("pack", "one_frame", whole);
  Bytes trailer{2};
  put_piece(trailer, frame);
  const std::uint64_t offset = packed.offset + packed.stored_length;
  put(trailer, offset, 8);
  put(trailer, (128u << 10) - store::kPackTrailer - offset, 8);
  put(trailer, 128u << 10, 8);
  put(trailer, 0, 8);
  put(trailer, directory);
  seed("pack", "with_trailer", trailer);

  store::FinishedPack pack;
  pack.name.value.fill('N');
  pack.size = 128u << 10;
  pack.frames = {packed};
  store::FinishedPack other = pack;
  other.name.value.fill('O');
  const Bytes two_packs = store::build_segment_payload({pack, other});
  seed("segment", "two_packs", two_packs);
  seed("segment", "empty", store::build_segment_payload({}));
  seed("index_table", "two_packs", table_seed({pack.name, two_packs}));

  std::mt19937 random(1);  // what compresses by itself is not stored as a difference
  std::string base;
  while (base.size() < 3000) base += static_cast<char>('A' + random() % 64);
  std::string changed = base;
  changed.insert(300, "a line more\n");
  store::DifferenceCodec differences;
  if (const auto patch = differences.encode(as_bytes(base), as_bytes(changed), true)) {
    Bytes out;
    put(out, base.size(), 2);
    put(out, changed.size(), 3);
    put(out, as_bytes(base));
    put(out, *patch);
    seed("difference", "line_more", out);
  } else {
    throw Error(ErrorKind::kInternal, "the seed's difference does not pay");
  }
}

void put_record(Bytes& out, std::uint8_t flags, const store::v1::RecordBody& body) {
  out.push_back(flags);
  put_piece(out, bytes_of(body));
}

void logs() {
  store::v1::RecordBody add;
  store::v1::SegmentReference& segment = *add.add_add_segments();
  segment.set_name(std::string(32, 'G'));
  segment.set_entries(3);
  segment.set_size(1024);
  store::v1::SnapshotEntry& entry = *add.add_add_snapshots();
  entry.set_id(std::string(32, 'I'));
  *entry.mutable_snapshot() = snapshot();
  store::v1::UnfinishedRoot& root = *add.add_set_roots();
  root.set_run(std::string(16, 'r'));
  root.set_writer(std::string(16, 'W'));
  *root.add_segments() = std::string(32, 'G');
  store::v1::RecordBody pin;
  *pin.add_pin() = std::string(32, 'I');
  store::v1::RecordBody remove;
  *remove.add_remove_segments() = std::string(32, 'G');
  *remove.add_remove_roots() = std::string(16, 'r');
  *remove.add_condemn() = std::string(32, 'G');
  *remove.add_condemn() = std::string(32, 'p');
  store::v1::RecordBody drop;
  *drop.add_drop() = std::string(32, 'G');
  Bytes out;
  put_record(out, 0, add);
  put_record(out, 0, remove);
  put_record(out, 0, drop);
  seed("apply", "add_condemn_drop", out);
  out.clear();
  put_record(out, 0, add);
  put_record(out, 2, pin);
  seed("apply", "pin", out);
  store::v1::RecordBody tags;
  store::v1::SnapshotTags& given = *tags.add_give_tags();
  given.set_snapshot(std::string(32, 'I'));
  given.add_tags("before-upgrade");
  given.add_tags("host:attic");
  out.clear();
  put_record(out, 0, add);
  put_record(out, 4, tags);
  seed("apply", "tags", out);

  add.set_generation(7);
  add.set_writer(std::string(16, 'W'));
  store::v1::SignedRecord message;
  message.set_body(add.SerializeAsString());
  message.set_signature(std::string(64, 's'));
  Bytes content;
  put(content, 44, 4);
  put(content, Bytes(24));
  const store::v1::Parameters parameters = store::default_parameters();
  for (const std::uint32_t value :
       {parameters.chunk_minimum(), parameters.chunk_average(), parameters.chunk_maximum(),
        parameters.frame_target(), parameters.pack_target()}) {
    put(content, value, 4);
  }
  put(content, message.ByteSizeLong(), 4);
  put(content, bytes_of(message));
  seed("record", "made", content);

  store::v1::RepositoryState state;
  state.set_generation(7);
  state.set_record_hash(std::string(32, 'H'));
  state.set_log_uuid(std::string(16, 'L'));
  *state.mutable_parameters() = parameters;
  *state.add_segments() = segment;
  *state.add_snapshots() = entry;
  *state.add_condemned() = std::string(32, 'p');
  *state.add_dead() = std::string(32, 'q');
  content.clear();
  put(content, state.ByteSizeLong(), 4);
  put(content, bytes_of(state));
  seed("state", "made", content);
}

void trees() {
  const snapshot::OwnerNames names{[](std::uint32_t) { return std::string("root"); },
                                   [](std::uint32_t) { return std::string(); }};
  NumberingSink small;
  snapshot::TreeBuilder builder(small, names);
  builder.add(file_node("a file"));
  builder.add(link_node("b link"));
  builder.finish();
  seed("tree", "two_nodes", small.pieces());
  NumberingSink many;
  snapshot::TreeBuilder large(many, names);
  for (int i = 0; i < 700; ++i) large.add(link_node("n" + std::to_string(100'000 + i)));
  large.finish();
  seed("tree", "pages", many.pieces());

  NumberingSink lists;
  snapshot::ContentListBuilder list;
  crypto::BlobId id;
  for (int i = 0; i < 300; ++i) {
    id.value.fill(static_cast<std::uint8_t>(i));
    if (i % 50 == 49) list.add_hole(4096);
    list.add_blob(id, 1000, lists);
  }
  store::v1::Node node = file_node("file");
  node.set_size(list.length());
  for (auto& entry : list.finish(lists)) *node.add_content() = std::move(entry);
  Bytes out;
  put_piece(out, bytes_of(node));
  put(out, lists.pieces());
  seed("content_list", "nested", out);
  seed("snapshot", "one_file", bytes_of(snapshot()));
}

void texts() {
  seed_texts("selector", {"latest", "home@latest", "home~1", "~0..~1", "home@2023-11-15T10:00:00Z",
                          "aaaa:/etc/passwd", "2023-11-01..2023-12-01", "home@2023-11-15 10:00:/a"});
  seed_texts("schedule",
             {"Mon..Fri 22:30", "*-*-1,15 4:00:00 Europe/Berlin", "*-*~1", "daily", "30 2 * * mon-fri",
              "@weekly", "every 1d12h", "2026-02-29 00:00", "*-02-29 1/3:*:0/15.5"});
  seed_texts("window", {"22:00-06:00", "Mon..Fri 22:00-06:00", "Sat,Sun 00:00-24:00"});
  seed_texts("duration", {"1d12h", "90s", "64 MiB", "1.5M", "Europe/Berlin", "Etc/GMT+5", "../../etc/passwd",
                          "1y6m2w3d12h"});
  seed_texts("rate_rule", {"2M", "08:00..18:00=500K", "Mon..Fri 08:00-18:00=1.5 MiB/s", "none"});
  seed_texts("settings",
             {"log_level = \"info\"\nlog_target = \"file\"\nsettling_delay = \"1m\"\n[limits]\nthreads = 2\n"
              "memory = \"128 MiB\"\n[metrics]\nlisten = \"[::1]:9877\"\n"});
  seed_texts("config_file", {"[destination.disk]\nurl = \"/mnt/disk\"\nshare-keyring = true\n\n[set.home]\n"
                             "source = [\"/home\", '/etc']\ndestination = \"disk\"\nkeep-last = 7\n",
                             "[set.\"a\\u00e9\\n\"]\nschedule = \"\"\"daily\"\"\"\n"});
  seed_texts("web_address", {"https://user:secret@host.example:8443/hook?token=secret#part", "http://[::1]/",
                             "smtps://mail.example.com", "smtp://127.0.0.1:25"});
  const auto track = [](const std::string& name, const std::string& rules) {
    Bytes out{static_cast<std::uint8_t>(name.size() - 1)};
    put(out, as_bytes(name));
    put(out, as_bytes(rules));
    return out;
  };
  seed("rules", "classes",
       track("cache",
             "# what may go\n*.o\nignore cache/\nonce /video/**/*.mkv\nauto /keep\nalways [a-m]?.db\n"));
  seed("rules", "patterns",
       track("a b",
             "ignore \\#a\nalways \\!b\nauto a\\ b\\ \nonce **/x/**\nignore [!a-z][[:digit:]]*\n/\nauto "
             "*.zip extract=yes\n"));
  Bytes mail;
  put_piece(mail, as_bytes("[garner@host] Sicherung von B\xc3\xbc"
                           "cher\r\nBcc: x@example.com"));
  put(mail, as_bytes("A text\n.\nwith \xe2\x98\x83 in it\n"));
  seed("mail_message", "made", mail);
  seed_texts("s3_answer",
             {"<?xml version=\"1.0\" "
              "encoding=\"UTF-8\"?><ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>1/"
              "x==</NextContinuationToken><Contents><Key>log/1</Key><Size>77</"
              "Size><LastModified>2009-10-12T17:50:30.000Z</LastModified></"
              "Contents><CommonPrefixes><Prefix>packs/</Prefix></CommonPrefixes></ListBucketResult>",
              "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>2</"
              "NextPartNumberMarker><Part><PartNumber>2</PartNumber><ETag>&quot;e&quot;</ETag><Size>8</"
              "Size></Part></ListPartsResult>",
              "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</"
              "NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker><Upload><Key>k</Key><UploadId>u</"
              "UploadId><Initiated>2009-10-12T17:50:30Z</Initiated></Upload></ListMultipartUploadsResult>",
              "<Error><Code>PermanentRedirect</Code><Message>m</Message><Region>eu</Region></Error>",
              "<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code></Error></DeleteResult>",
              "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"});
  seed_texts("s3_credentials",
             {"[default]\naws_access_key_id = A\naws_secret_access_key = b/c+d=\naws_session_token = t\n",
              "aws_access_key_id=A\r\naws_secret_access_key=s"});
  seed_texts("s3_url", {"s3:https://S3.Example.org:443/backups/a/b c/", "s3:http://[::1]:9000/b.c",
                        "s3:https://user:secret@host/bucket"});
  seed_texts("answer_fields", {"bytes 5-9/10", "bytes 0-18446744073709551614/18446744073709551615", "120",
                               "Sun, 06 Nov 1994 08:49:37 GMT"});
  const std::string writer(32, 'b');
  seed_texts("claims", {"0000000000000001-" + writer + "\n0000000000000002-" + std::string(32, 'a') + "\n",
                        "00000000000000fF-" + writer, "ffffffffffffffff-" + writer});
  seed_texts("header_fields", {"Authorization: Bearer secret\r\nX-Other: value\n", "Host: elsewhere\n"});
  seed_texts("sftp_address",
             {"sftp://ann@server.example.org:2222/srv/backup", "sftp://[::1]/~/a%20b", "sftp://h/%7e/"});
}

void servers() {
  // A key of type "ssh-ed25519", and lines that know it by a name, a pattern and a hash.
  Bytes key{0, 0, 0, 11};
  put(key, as_bytes("ssh-ed25519"));
  put(key, Bytes{0, 0, 0, 32});
  put(key, Bytes(32, 'k'));
  const std::string base64 = "AAAAC3NzaC1lZDI1NTE5AAAAIGtra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr";
  Bytes hosts{18};
  put(hosts, as_bytes("server.example.org"));
  put_piece(hosts, key);
  put(hosts, as_bytes("# comment\nserver.example.org,!a ssh-ed25519 " + base64 +
                      " ann\n@revoked [*.example.org]:2222 ssh-ed25519 " + base64 +
                      "\n|1|aEbj8zvDoSfnVWLl8QMc6gwMTRg=|Bkww+h3Cz+j5Ohpb2NzMsLsXW4Y= ssh-ed25519 " + base64 +
                      "\n"));
  seed("known_hosts", "lines", hosts);

  using destination::SftpRequest;
  using destination::SftpType;
  const auto answer = [](const std::string& name, SftpRequest& made) {
    const Bytes& bytes = made.finish();
    seed("sftp_answer", name, ByteView(bytes).subspan(4));
  };
  SftpRequest hello(SftpType::kVersion, 3);
  answer("hello", hello.text("fsync@openssh.com").text("1").text("hardlink@openssh.com").text("1"));
  SftpRequest status(SftpType::kStatus, 1);
  answer("status", status.number(4).text("Failure").text(""));
  SftpRequest handle(SftpType::kHandle, 2);
  answer("handle", handle.text("handle"));
  SftpRequest data(SftpType::kData, 3);
  answer("data", data.text("some data"));
  SftpRequest attributes(SftpType::kAttributes, 4);
  answer("attributes", attributes.number(13).large(5).number(0100600).number(1).number(2));
  SftpRequest names(SftpType::kNames, 5);
  answer("names", names.number(1)
                      .text("a")
                      .text("-rw------- a")
                      .number(0x80000004)
                      .number(0100600)
                      .number(1)
                      .text("x")
                      .text("y"));
  SftpRequest space(SftpType::kExtendedReply, 6);
  for (std::uint64_t value = 1; value < 12; ++value) space.large(value * 512);
  answer("space", space);
}

}  // namespace
}  // namespace garner::fuzz

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds FOLDER\n");
    return 2;
  }
  garner::fuzz::folder = arguments[1];
  garner::fuzz::keyring();
  garner::fuzz::keys();
  garner::fuzz::packs();
  garner::fuzz::logs();
  garner::fuzz::trees();
  garner::fuzz::texts();
  garner::fuzz::servers();
  return 0;
}
