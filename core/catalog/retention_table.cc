#include "catalog/retention_table.h"

#include "base/error.h"

namespace garner::catalog {

std::optional<Bytes> RetentionTable::find(const std::string& set) {
  Database& database = file_.database();
  const auto lock = database.lock();
  Statement row = database.prepare("SELECT policy FROM set_retention WHERE set_name = ?", set);
  if (!row.step()) return std::nullopt;
  const ByteView policy = row.blob_view(0);
  return Bytes(policy.begin(), policy.end());
}

void RetentionTable::save(const std::string& set, ByteView policy) {
  file_.change([&](Database& database) {
    if (!database.prepare("SELECT 1 FROM sets WHERE name = ?", set).step()) {
      throw Error(ErrorKind::kNotFound, "there is no set '" + printable(set) + "'");
    }
    database.prepare("INSERT OR REPLACE INTO set_retention (set_name, policy) VALUES (?, ?)", set, policy)
        .run();
  });
}

void RetentionTable::remove(const std::string& set) {
  file_.change([&](Database& database) {
    database.prepare("DELETE FROM set_retention WHERE set_name = ?", set).run();
  });
}

}  // namespace garner::catalog
