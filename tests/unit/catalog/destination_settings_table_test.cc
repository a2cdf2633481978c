#include <catch2/catch.hpp>

#include "base/error.h"
#include "support.h"

namespace garner::catalog {
namespace {

TEST_CASE("a destination's settings outlive the process, and not the destination") {
  StateFolder state;
  const DestinationSettings settings{{"2M", "08:00..18:00=500K"}, {"none"}, 12.5, std::uint64_t{4} << 30};
  {
    Catalog catalog = state.open();
    catalog.configuration().add_destination(facts_of("disk"));
    catalog.configuration().add_destination(facts_of("usb"));
    CHECK(catalog.destination_settings().find("disk") == DestinationSettings());
    catalog.destination_settings().save("disk", settings);
    CHECK_THROWS_AS(catalog.destination_settings().save("other", settings), Error);
  }
  Catalog catalog = state.open();
  CHECK(catalog.destination_settings().find("disk") == settings);
  CHECK(catalog.destination_settings().find("usb") == DestinationSettings());
  DestinationSettings less;
  less.download_limits = {"1M"};
  less.max_rewrite = 0;
  catalog.destination_settings().save("disk", less);
  CHECK(catalog.destination_settings().find("disk") == less);
  catalog.configuration().remove_destination("disk");
  CHECK(catalog.destination_settings().find("disk") == DestinationSettings());
  catalog.configuration().add_destination(facts_of("disk"));
  CHECK(catalog.destination_settings().find("disk") == DestinationSettings());
}

}  // namespace
}  // namespace garner::catalog
