#include "apiserver/database.h"

#include <sqlite3.h>

namespace breakwater::apiserver {
namespace {

constexpr int kSchemaVersion = 1;

// Settings of the connection. Exclusive locking comes first: WAL then needs no shared memory file.
constexpr const char* kPragmas =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;";
constexpr const char* kCreate =
    "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS objects (grp TEXT NOT NULL, plural TEXT NOT NULL, ns TEXT NOT NULL,"
    " name TEXT NOT NULL, version INTEGER NOT NULL, json TEXT NOT NULL,"
    " PRIMARY KEY (grp, plural, ns, name)) WITHOUT ROWID;"
    "INSERT OR IGNORE INTO meta VALUES ('version', 0);"
    "PRAGMA user_version=1;";

struct CloseStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, CloseStatement>;

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};

std::string column_text(sqlite3_stmt* row, int column) {
  const unsigned char* text = sqlite3_column_text(row, column);
  const int size = sqlite3_column_bytes(row, column);
  return text ? std::string(reinterpret_cast<const char*>(text), static_cast<size_t>(size)) : "";
}

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(std::unique_ptr<sqlite3, CloseDatabase> db, std::filesystem::path path)
      : db_(std::move(db)), path_(std::move(path)) {}

  Result<> prepare_file();
  Result<uint64_t> version() override;
  Result<> load(const Visit& visit) override;
  Result<> write(const std::vector<Write>& writes, uint64_t version) override;

 private:
  tl::unexpected<Error> failure(int code) const;
  Result<> execute(const char* sql);
  Result<Statement> prepare(const char* sql);
  Result<> run(sqlite3_stmt* statement);
  Result<> bind_key(sqlite3_stmt* statement, const Write& write);
  Result<> write_rows(const std::vector<Write>& writes, uint64_t version);

  std::unique_ptr<sqlite3, CloseDatabase> db_;
  const std::filesystem::path path_;
  Statement put_, erase_, count_;  // prepared on first use
};

tl::unexpected<Error> SqliteDatabase::failure(int code) const {
  const char* text = sqlite3_errmsg(db_.get());
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(Code::kUnavailable, "database {} is in use by another process", path_.string());
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return fail(Code::kCorrupt, "database {} is damaged: {}", path_.string(), text);
    default:
      return fail(Code::kInternal, "database {}: {}", path_.string(), text);
  }
}

Result<> SqliteDatabase::execute(const char* sql) {
  const int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return {};
}

Result<Statement> SqliteDatabase::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(db_.get(), sql, -1, &statement, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return Statement(statement);
}

Result<> SqliteDatabase::run(sqlite3_stmt* statement) {
  const int code = sqlite3_step(statement);
  sqlite3_reset(statement);
  if (code != SQLITE_DONE) return failure(code);
  return {};
}

Result<> SqliteDatabase::prepare_file() {
  TRY(execute(kPragmas));
  TRY(execute("BEGIN EXCLUSIVE"));
  int existing = 0;
  {
    auto statement = TRY(prepare("PRAGMA user_version"));
    if (sqlite3_step(statement.get()) == SQLITE_ROW) {
      existing = sqlite3_column_int(statement.get(), 0);
    }
  }
  if (existing > kSchemaVersion) {
    return fail(Code::kUnsupported,
                "database {} was written by a newer version (schema {}, not {})", path_.string(),
                existing, kSchemaVersion);
  }
  TRY(execute(kCreate));
  TRY(execute("COMMIT"));
  put_ = TRY(prepare("INSERT OR REPLACE INTO objects VALUES (?1, ?2, ?3, ?4, ?5, ?6)"));
  erase_ = TRY(prepare("DELETE FROM objects WHERE grp=?1 AND plural=?2 AND ns=?3 AND name=?4"));
  count_ = TRY(prepare("UPDATE meta SET value=?1 WHERE name='version'"));
  return {};
}

Result<uint64_t> SqliteDatabase::version() {
  auto statement = TRY(prepare("SELECT value FROM meta WHERE name='version'"));
  const int code = sqlite3_step(statement.get());
  if (code == SQLITE_ROW) return static_cast<uint64_t>(sqlite3_column_int64(statement.get(), 0));
  if (code != SQLITE_DONE) return failure(code);
  return fail(Code::kCorrupt, "database {} has no version counter", path_.string());
}

Result<> SqliteDatabase::load(const Visit& visit) {
  auto rows = TRY(prepare("SELECT grp, plural, ns, name, json FROM objects"));
  while (true) {
    const int code = sqlite3_step(rows.get());
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return failure(code);
    sqlite3_stmt* row = rows.get();
    kube::Key key{column_text(row, 2), column_text(row, 3)};
    auto object = parse_json(column_text(row, 4));
    if (!object) {
      return fail(Code::kCorrupt, "database {}: {} {} is no JSON: {}", path_.string(),
                  column_text(row, 1), key.to_string(), object.error().to_string());
    }
    TRY(visit({column_text(row, 0), column_text(row, 1)}, std::move(key), std::move(*object)));
  }
}

Result<> SqliteDatabase::bind_key(sqlite3_stmt* statement, const Write& write) {
  const std::string* texts[] = {&write.table.first, &write.table.second, &write.key.ns,
                                &write.key.name};
  for (int i = 0; i < 4; ++i) {
    const int code = sqlite3_bind_text(statement, i + 1, texts[i]->data(),
                                       static_cast<int>(texts[i]->size()), SQLITE_STATIC);
    if (code != SQLITE_OK) return failure(code);
  }
  return {};
}

Result<> SqliteDatabase::write_rows(const std::vector<Write>& writes, uint64_t version) {
  for (const Write& write : writes) {
    if (write.json.empty()) {
      TRY(bind_key(erase_.get(), write));
      TRY(run(erase_.get()));
      continue;
    }
    TRY(bind_key(put_.get(), write));
    sqlite3_bind_int64(put_.get(), 5, static_cast<int64_t>(write.version));
    sqlite3_bind_text(put_.get(), 6, write.json.data(), static_cast<int>(write.json.size()),
                      SQLITE_STATIC);
    TRY(run(put_.get()));
  }
  sqlite3_bind_int64(count_.get(), 1, static_cast<int64_t>(version));
  return run(count_.get());
}

Result<> SqliteDatabase::write(const std::vector<Write>& writes, uint64_t version) {
  TRY(execute("BEGIN IMMEDIATE"));
  Result<> done = write_rows(writes, version);
  if (done) done = execute("COMMIT");
  if (!done && sqlite3_get_autocommit(db_.get()) == 0) (void)execute("ROLLBACK");
  return done;
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& path) {
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  std::unique_ptr<sqlite3, CloseDatabase> db(raw);
  if (code != SQLITE_OK) {
    return fail(Code::kUnavailable, "cannot open database {}: {}", path.string(),
                raw ? sqlite3_errmsg(raw) : "out of memory");
  }
  sqlite3_extended_result_codes(raw, 1);
  auto database = std::make_unique<SqliteDatabase>(std::move(db), path);
  TRY(database->prepare_file());
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace breakwater::apiserver
