#include "destination_add.h"

#include <spdlog/spdlog.h>

#include <optional>

#include "added_place.h"
#include "base/error.h"
#include "credential.h"
#include "destination_edit.h"
#include "destination_settings.h"
#include "store/key_store.h"
#include "store/state.h"

namespace garner::daemon {

namespace {

class Adding {
 public:
  Adding(Destinations& destinations, const v1::AddDestinationRequest& request)
      : destinations_(destinations), context_(destinations.context()), request_(request) {}

  v1::AddDestinationResponse run() {
    check_request();
    std::optional<store::RepositoryHeader> header = find_header();
    if (header.has_value()) {
      open_there(*header);
    } else {
      make_new();
    }
    remember();
    return std::move(response_);
  }

  void check() {
    check_request();
    find_header();
  }

 private:
  void check_request() {
    catalog::check_name(request_.name(), "destination");
    if (context_.catalog.configuration().destination(request_.name()).has_value()) {
      throw Error(ErrorKind::kAlreadyExists, "there is a destination '" + request_.name() + "' already");
    }
    if (request_.no_encryption() && (request_.has_secret() || request_.share_keyring())) {
      throw Error(ErrorKind::kInvalidInput, "a repository without encryption has no keys");
    }
    check_maintenance(request_.maintenance(), context_.clock);
    check_reference(request_.secret_reference());
    if (request_.share_keyring() && !request_.has_secret() && request_.secret_reference().option().empty()) {
      throw Error(ErrorKind::kInvalidInput,
                  "the installation's keyring is used anyway where no key is given");
    }
    // What is wrong with them is said before anything is made.
    edited({}, request_.settings());
    if (request_.has_secret()) credential_ = to_credential(request_.secret());
    url_ = destination::normal_url(request_.url());
    added_ = AddedPlace::of(destinations_, request_.name(), url_, to_options(request_.options()));
    place_ = added_->place();
    added_->check();
  }

  std::optional<store::RepositoryHeader> find_header() {
    try {
      return store::read_header(*place_);
    } catch (const Error& error) {
      if (added_->is_missing(error)) return std::nullopt;
      if (error.kind() != ErrorKind::kNotARepository) throw;
    }
    added_->check_nothing_there();
    return std::nullopt;
  }

  void prepare(bool exists) {
    std::vector<std::string> notices;
    added_->prepare(exists, notices);
    place_ = added_->place();
    for (const std::string& notice : notices) response_.add_notices(notice);
  }

  // ---- A repository that is there ----

  void open_there(const store::RepositoryHeader& header) {
    keyring_ = keyring_for(header);
    store::verify_header(*place_, *keyring_);
    prepare(/*exists=*/true);
    adopt_keyring();
    if (place_->list("log/").empty() && place_->list("packs/").empty()) {
      // What an interrupted creation left: it is completed, and its slots are there.
      repository_ =
          store::Repository::create(repository_context(header.repository), {}, store::default_parameters());
      response_.set_created(true);
    } else {
      open_or_note();
    }
    facts_ = {request_.name(), url_, header.repository, header.encrypted, keyring_->id(), added_->options()};
  }

  void open_or_note() {
    const store::RepositoryHeader header = store::read_header(*place_);
    try {
      repository_ = store::Repository::open(repository_context(header.repository));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kDamaged) throw;
      response_.add_notices(std::string(error.what()) +
                            ". Until then nothing can be backed up to it or restored.");
    }
  }

  crypto::Keyring keyring_for(const store::RepositoryHeader& header) {
    const std::string where = place_->describe();
    if (!header.encrypted) {
      if (request_.no_encryption()) return crypto::Keyring::unencrypted();
      throw Error(
          ErrorKind::kInvalidInput,
          "the repository at " + where + " is not encrypted: say --no-encryption if that is what you want");
    }
    if (request_.no_encryption()) {
      throw Error(ErrorKind::kInvalidInput, "the repository at " + where + " is encrypted");
    }
    if (credential_.has_value()) return store::open_with(*place_, *credential_);
    std::optional<crypto::Keyring> known = context_.keys.keyring(header.keyring);
    if (known.has_value()) return *std::move(known);
    throw Error(ErrorKind::kWrongKey,
                "the repository at " + where +
                    " has a key that is not on this machine: give its password, key file or "
                    "recovery key");
  }

  // The keyring and its slots are kept here before anything rests on them.
  void adopt_keyring() {
    if (!keyring_->encrypted()) return;
    const std::optional<Uuid> installation = context_.keys.installation();
    if (request_.share_keyring() && installation.has_value() && *installation != keyring_->id()) {
      throw Error(ErrorKind::kInvalidInput,
                  "this repository has a keyring of its own, which cannot be shared any more");
    }
    context_.keys.save_keyring(*keyring_);
    keyring_ = context_.keys.keyring(keyring_->id());
    context_.keys.save_slots(keyring_->id(), store::list_slots(*place_));
    // A machine that was lost comes back with its recovery key: what it opens is the installation's again.
    const bool recovering = credential_.has_value() && credential_->type == store::v1::SLOT_TYPE_RECOVERY;
    if (!installation.has_value() && (recovering || request_.share_keyring())) {
      context_.keys.set_installation(keyring_->id());
    }
  }

  // ---- A new one ----

  void make_new() {
    prepare(/*exists=*/false);
    std::vector<store::v1::KeySlot> slots;
    if (request_.no_encryption()) {
      keyring_ = crypto::Keyring::unencrypted();
      response_.add_notices("This repository is not encrypted. Whoever can read " + printable(url_) +
                            " can read every backup in it, and whoever can write there can change them "
                            "unnoticed: accidents are found, "
                            "attackers are not.");
    } else if (credential_.has_value() && !request_.share_keyring()) {
      slots = make_own_keyring();
    } else {
      slots = use_installation_keyring();
    }
    repository_ = store::Repository::create(repository_context(Uuid{}), slots, store::default_parameters());
    response_.set_created(true);
    if (keyring_->encrypted()) context_.keys.save_slots(keyring_->id(), store::list_slots(*place_));
    facts_ = {request_.name(),       url_,           repository_->header().repository,
              keyring_->encrypted(), keyring_->id(), added_->options()};
  }

  std::vector<store::v1::KeySlot> make_own_keyring() {
    keyring_ = crypto::Keyring::generate(context_.clock.now());
    context_.keys.save_keyring(*keyring_);
    std::vector<store::v1::KeySlot> slots = {make_slot(*credential_)};
    if (credential_->type != store::v1::SLOT_TYPE_RECOVERY) slots.push_back(make_recovery_slot());
    return slots;
  }

  std::vector<store::v1::KeySlot> use_installation_keyring() {
    std::vector<store::v1::KeySlot> slots;
    const std::optional<Uuid> installation = context_.keys.installation();
    if (installation.has_value()) {
      keyring_ = context_.keys.keyring(*installation);
      if (!keyring_.has_value()) {
        throw Error(ErrorKind::kWrongKey, "the installation's keyring is not on this machine any more");
      }
    } else {
      keyring_ = crypto::Keyring::generate(context_.clock.now());
      context_.keys.save_keyring(*keyring_);
      context_.keys.set_installation(keyring_->id());
    }
    // What opens the installation's other repositories opens this one, too. Extensions go before the slots: a
    // slot that is there opens every epoch.
    for (const store::v1::KeySlotFile& file : context_.keys.slots(keyring_->id())) {
      slots.push_back(file.slot());
      for (const store::v1::KeySlotExtension& extension : file.extensions()) add_extension(extension);
    }
    // Slots are remembered once a repository has them: until then nobody was told a recovery key.
    if (slots.empty()) slots.push_back(make_recovery_slot());
    if (credential_.has_value()) slots.push_back(make_slot(*credential_));
    return slots;
  }

  void add_extension(const store::v1::KeySlotExtension& extension) {
    try {
      store::add_extension(*place_, extension);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kAlreadyExists) throw;  // an earlier attempt got this far
    }
  }

  store::v1::KeySlot make_slot(const crypto::Credential& credential) {
    return crypto::make_slot(*keyring_, credential, "given when " + request_.name() + " was added",
                             context_.clock.now());
  }

  store::v1::KeySlot make_recovery_slot() {
    const crypto::Credential recovery{store::v1::SLOT_TYPE_RECOVERY, crypto::generate_recovery_key()};
    response_.set_recovery_key(crypto::print_recovery_key(recovery.secret));
    return make_slot(recovery);
  }

  // ---- Both ----

  store::RepositoryContext repository_context(const Uuid& expected) {
    return destinations_.repository_context(place_, keyring_->copy(), expected);
  }

  void remember() {
    // With what belongs to it, or not at all.
    context_.catalog.configuration().add_destination(facts_, [&](catalog::Database&) {
      v1::EditDestinationRequest rest;
      rest.set_name(facts_.name);
      if (request_.has_maintenance()) *rest.mutable_maintenance() = request_.maintenance();
      if (request_.has_secret_reference()) *rest.mutable_secret_reference() = request_.secret_reference();
      edit_destination(destinations_, rest);
    });
    spdlog::info("destination {}: {} {}", facts_.name,
                 response_.created() ? "made a repository at" : "opened", printable(url_));
    if (request_.has_settings()) destinations_.edit(facts_.name, request_.settings());
    // Opened again through the registry, which keeps it.
    repository_.reset();
    const DestinationView view = destinations_.look(facts_.name);
    *response_.mutable_destination() = destinations_.describe(facts_, view);
    response_.set_snapshots(view.message.snapshots());
  }

  Destinations& destinations_;
  const Destinations::Context& context_;
  const v1::AddDestinationRequest& request_;
  v1::AddDestinationResponse response_;
  std::string url_;
  std::unique_ptr<AddedPlace> added_;
  std::shared_ptr<destination::Destination> place_;
  std::optional<crypto::Credential> credential_;
  std::optional<crypto::Keyring> keyring_;
  std::unique_ptr<store::Repository> repository_;
  catalog::DestinationFacts facts_;
};

}  // namespace

void check_destination(Destinations& destinations, const v1::AddDestinationRequest& request) {
  Adding(destinations, request).check();
}

v1::AddDestinationResponse add_destination(Destinations& destinations,
                                           const v1::AddDestinationRequest& request) {
  return Adding(destinations, request).run();
}

}  // namespace garner::daemon
