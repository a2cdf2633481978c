#include "place_option.h"

#include "argument.h"
#include "failure.h"

namespace garner::client {

namespace {

constexpr const char* kDefault = "default";

}  // namespace

void PlaceOptions::add_to(std::vector<Option>& options, bool edit) {
  options.push_back({"--access-keys",
                     "FROM",
                     "Where the keys to an S3 store are: a file, environment (the daemon's), or systemd:NAME "
                     "(a credential of its unit). Default: environment.",
                     &access_keys_,
                     false,
                     {}});
  options.push_back(
      {"--region",
       "R",
       "The region that an S3 store's bucket is in. Default: what the server's name tells, else "
       "us-east-1.",
       &region_,
       false,
       {}});
  options.push_back({"--addressing",
                     "STYLE",
                     "How an S3 bucket is named to its server: path or virtual-host. Default: path.",
                     &addressing_,
                     false,
                     {}});
  options.push_back({"--storage-class",
                     "C",
                     "The storage class of packs in an S3 store. Default: the bucket's own.",
                     &storage_class_,
                     false,
                     {}});
  options.push_back({"--ca-file",
                     "F",
                     "Certificates of the authorities that a server's certificate is verified by. Default: "
                     "the system's.",
                     &ca_file_,
                     false,
                     {}});
  options.push_back(
      {"--ssh-key",
       "FROM",
       "Where the key for an SFTP server is: a file, systemd:NAME (a credential of the daemon's "
       "unit), or agent (that of its environment). Default: those in ~/.ssh of the user that "
       "the daemon runs as.",
       &ssh_key_,
       false,
       {}});
  options.push_back({"--ssh-passphrase-file",
                     "FROM",
                     "A file with the passphrase of that key, or systemd:NAME. Default: it has none.",
                     &ssh_passphrase_,
                     false,
                     {}});
  options.push_back({"--known-hosts",
                     "F",
                     "The file in which an SFTP server's own key stands. Default: ~/.ssh/known_hosts of that "
                     "user, and /etc/ssh/ssh_known_hosts.",
                     &known_hosts_,
                     false,
                     {}});
  if (edit) return;
  options.push_back({"--single-writer",
                     "",
                     "For an S3 store that does not know If-None-Match: this machine alone writes there.",
                     &single_writer_,
                     false,
                     {}});
}

std::map<std::string, std::string> PlaceOptions::change() const {
  std::map<std::string, std::string> change;
  const auto take = [&](const std::string& name, const std::optional<std::string>& value, bool is_path) {
    if (!value) return;
    const std::string option = "--" + name;
    check_utf8(option, *value);
    if (value->empty()) throw usage_failure(option + " is empty: give a value, or 'default'");
    if (*value == kDefault) {
      change[name] = "";
    } else {
      change[name] = is_path ? absolute_path(option, *value) : *value;
    }
  };
  // What is no path is kept as it is: `./environment` is a file of that name.
  const auto is_file = [](const std::optional<std::string>& from, const char* other) {
    return from && *from != other && !from->starts_with("systemd:");
  };
  take("access-keys", access_keys_, is_file(access_keys_, "environment"));
  take("region", region_, false);
  take("addressing", addressing_, false);
  take("storage-class", storage_class_, false);
  take("ca-file", ca_file_, true);
  take("ssh-key", ssh_key_, is_file(ssh_key_, "agent"));
  take("ssh-passphrase-file", ssh_passphrase_, is_file(ssh_passphrase_, ""));
  take("known-hosts", known_hosts_, true);
  if (single_writer_) change["single-writer"] = "yes";
  return change;
}

std::vector<std::string> place_details() {
  return {
      "Of an S3 store URL is s3:https://HOST/BUCKET/PREFIX. Its keys are read by the daemon when it needs "
      "them, from a file that only its owner may read, with lines like those of aws: 'aws_access_key_id = "
      "…', 'aws_secret_access_key = …' and, for keys that expire, 'aws_session_token = …'; or from the "
      "variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. A file that changes is read "
      "again.",
      "Of a server that is reached by SSH URL is sftp://USER@HOST:PORT/PATH. USER and PORT may be left out; "
      "/~/PATH begins at the folder that a login leads to. The daemon logs in, by a key, and reads key and "
      "passphrase each time, from files that only their owner may use. The server's own key must stand in "
      "the file of known hosts: ssh-keyscan HOST prints it; compare it before you add it. ssh_config is not "
      "read."};
}

}  // namespace garner::client
