// The catalog's file, and whether it is the one that was left: opened, checked, brought to the newest
// version.
//
// A file that is damaged, of a later version, or older than the stamp in the folder of keys says (put back
// from a copy) is kept aside as catalog.sqlite.<reason>-<time>, and an empty one takes its place, with the
// destinations that the folder of keys knows and run numbers above any that were given out.
//
// Order of writes: a change is committed here first and the stamp follows. A crash between leaves a stamp
// that lags, which says nothing against the catalog.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "catalog/database.h"
#include "catalog/key_folder.h"

namespace garner::catalog {

// Why the catalog was made anew.
struct Rebuilt {
  std::string reason;      // "damaged", "newer", "older", "missing"
  std::string detail;      // what was found
  std::string kept_aside;  // path; empty when there was no file
};

// Any thread.
class CatalogFile {
 public:
  // `path`: of catalog.sqlite, in a folder that exists. Errors other than those above (the file may not be
  // read, the disk is full) are thrown.
  CatalogFile(const std::string& path, KeyFolder& keys, const Clock& clock);

  Database& database() { return *database_; }
  // Set when this opening made the catalog anew.
  const std::optional<Rebuilt>& rebuilt() const { return rebuilt_; }

  // A change of configuration or of a run's state: one transaction, then the stamp. The lock is held
  // meanwhile. Changes that `work` makes by calling this again belong to the same transaction: all of them
  // are made, or, when `work` throws, none.
  void change(const std::function<void(Database&)>& work);
  // Within change(): a run number that was never given out.
  std::int64_t take_run_number();

 private:
  void open_existing(const std::string& path, const std::optional<CatalogStamp>& stamp);
  void create(const std::string& path, const std::optional<CatalogStamp>& stamp);
  CatalogStamp read_stamp();
  void write_stamp();

  KeyFolder& keys_;
  std::unique_ptr<Database> database_;
  bool changing_ = false;  // with the database's lock
  std::optional<Rebuilt> rebuilt_;
};

}  // namespace garner::catalog
