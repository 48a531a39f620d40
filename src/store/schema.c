#include <stdbool.h>

#include "store/schema.h"
#include "store/sql.h"

/*
 * A published step never changes, so that databases made at different times are alike: its terms on
 * `state` and `kind` stand here as text, and not as the macros of sql.h, which may move on.
 */
static const char version_1[] =
    /* Headers in clear, body sealed; `n` is the key that the other tables and the indexes carry. */
    "CREATE TABLE packet ("
    "  n INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  sender TEXT NOT NULL,"
    "  recipient TEXT NOT NULL,"
    "  kind INTEGER NOT NULL CHECK (kind > 0),"
    "  state INTEGER NOT NULL CHECK (state > 0),"
    "  offline INTEGER NOT NULL,"
    "  created_at INTEGER NOT NULL,"
    "  due_at INTEGER NOT NULL,"
    "  next_at INTEGER NOT NULL,"
    "  expires_at INTEGER NOT NULL,"
    "  sent_at INTEGER NOT NULL,"
    "  finished_at INTEGER NOT NULL,"
    "  attempts INTEGER NOT NULL,"
    "  held INTEGER NOT NULL,"
    "  charge_day INTEGER NOT NULL,"
    "  charge_units INTEGER NOT NULL,"
    "  zone TEXT NOT NULL,"
    "  sealed BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX packet_due ON packet (next_at) WHERE state = 1;"
    "CREATE INDEX packet_active ON packet (state, kind) WHERE state IN (2, 4);"
    "CREATE INDEX packet_held_for ON packet (recipient, due_at) WHERE state = 3;"
    "CREATE INDEX packet_held_expiry ON packet (expires_at) WHERE state = 3;"
    "CREATE INDEX packet_held_retry ON packet (next_at) WHERE state = 3;"
    "CREATE INDEX packet_waiting ON packet (sender, due_at) WHERE state IN (1, 2, 3, 4, 10);"
    "CREATE INDEX packet_finished ON packet (sender, finished_at) WHERE state IN (5, 6, 7, 8, 9);"
    "CREATE INDEX packet_ended ON packet (finished_at) WHERE state IN (5, 6, 7, 8, 9, 10);"

    "CREATE TABLE event ("
    "  n INTEGER PRIMARY KEY,"
    "  packet INTEGER NOT NULL REFERENCES packet (n) ON DELETE CASCADE,"
    "  at INTEGER NOT NULL,"
    "  what TEXT NOT NULL"
    ") STRICT;"
    "CREATE INDEX event_packet ON event (packet);"

    "CREATE TABLE charge ("
    "  sender TEXT NOT NULL,"
    "  kind INTEGER NOT NULL,"
    "  day INTEGER NOT NULL,"
    "  count INTEGER NOT NULL CHECK (count >= 0),"
    "  PRIMARY KEY (sender, kind, day)"
    ") STRICT, WITHOUT ROWID;"
    "CREATE INDEX charge_day ON charge (day);"

    "CREATE TABLE quota_limit ("
    "  who TEXT NOT NULL,"
    "  kind INTEGER NOT NULL,"
    "  per_day INTEGER NOT NULL CHECK (per_day >= -1),"
    "  per_month INTEGER NOT NULL CHECK (per_month >= -1),"
    "  PRIMARY KEY (who, kind)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE account ("
    "  jid TEXT NOT NULL PRIMARY KEY,"
    "  blocked INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE contact ("
    "  jid TEXT NOT NULL PRIMARY KEY,"
    "  state INTEGER NOT NULL,"
    "  changed_at INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE meta ("
    "  name TEXT NOT NULL PRIMARY KEY,"
    "  value TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID;";

/*
 * Paid kinds (SMS, MMS) leave through gateways.  They and the others are claimed and tried again
 * apart from each other, so each class has indexes of its own.
 */
static const char version_2[] =
    "ALTER TABLE packet ADD COLUMN gateway TEXT;"
    "ALTER TABLE packet ADD COLUMN gateway_ref TEXT;"
    "ALTER TABLE account ADD COLUMN notify INTEGER NOT NULL DEFAULT 0;"
    "DROP INDEX packet_due;"
    "DROP INDEX packet_active;"
    "DROP INDEX packet_held_retry;"
    "CREATE INDEX packet_due_im ON packet (next_at) WHERE state = 1 AND kind = 1;"
    "CREATE INDEX packet_due_paid ON packet (next_at) WHERE state = 1 AND kind > 1;"
    "CREATE INDEX packet_taken ON packet (state) WHERE (state = 2 OR (state = 4 AND kind = 1));"
    "CREATE INDEX packet_attempted ON packet (state, sent_at) WHERE state = 4 AND kind > 1;"
    "CREATE INDEX packet_held_retry_im ON packet (next_at) WHERE state = 3 AND kind = 1;"
    "CREATE INDEX packet_held_retry_paid ON packet (next_at) WHERE state = 3 AND kind > 1;"
    "CREATE INDEX packet_ref ON packet (gateway, gateway_ref, sent_at) "
    "WHERE gateway_ref IS NOT NULL;";

/*
 * Recurrences, what people set for themselves, edited packets, and wishes to be forgotten.  A NULL
 * and a 0 take no bytes behind the body, so that reading them never leads to its overflow pages.
 */
static const char version_3[] =
    "ALTER TABLE packet ADD COLUMN series TEXT;"
    "ALTER TABLE packet ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE account ADD COLUMN zone TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE account ADD COLUMN offline INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE account ADD COLUMN hours INTEGER NOT NULL DEFAULT 0;"

    "CREATE TABLE series ("
    "  id TEXT NOT NULL PRIMARY KEY,"
    "  sender TEXT NOT NULL,"
    "  recipient TEXT NOT NULL,"
    "  kind INTEGER NOT NULL CHECK (kind > 0),"
    "  offline INTEGER NOT NULL,"
    "  rule TEXT NOT NULL,"
    "  zone TEXT NOT NULL,"
    "  start TEXT NOT NULL,"
    "  at INTEGER NOT NULL,"
    "  expires_ms INTEGER NOT NULL,"
    "  paused INTEGER NOT NULL,"
    "  packet TEXT NOT NULL,"
    "  sealed BLOB NOT NULL"
    ") STRICT;"
    "CREATE INDEX series_of ON series (sender, id);"

    "CREATE TABLE forget ("
    "  jid TEXT NOT NULL PRIMARY KEY,"
    "  at INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;";

/*
 * Operators ask how many ended since when and at which gateway: what they ask for is in the index,
 * because `gateway` stands behind the body.  All users together are charged as "service"; a count
 * that nobody can have run up must not make the sum of them overflow.
 */
static const char version_4[] =
    "DROP INDEX packet_ended;"
    "CREATE INDEX packet_ended ON packet (finished_at, kind, state, gateway) "
    "WHERE state IN (5, 6, 7, 8, 9, 10);"
    "CREATE INDEX packet_trouble ON packet (gateway, finished_at) "
    "WHERE state IN (7, 10) AND gateway IS NOT NULL;"
    "INSERT INTO charge (sender, kind, day, count) "
    "SELECT 'service', kind, day, sum(min(count, 1099511627776)) FROM charge "
    "WHERE sender <> 'service' GROUP BY kind, day "
    "ON CONFLICT (sender, kind, day) DO UPDATE SET count = excluded.count;";

/*
 * Who wants nothing sent to them, and who has written to whom: from what there is, each pair's last.
 * Grouping sorts them as the key does, so that each page is written once.
 */
static const char version_5[] =
    "CREATE TABLE stopped ("
    "  jid TEXT NOT NULL PRIMARY KEY,"
    "  at INTEGER NOT NULL"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE pair ("
    "  sender TEXT NOT NULL,"
    "  recipient TEXT NOT NULL,"
    "  at INTEGER NOT NULL,"
    "  PRIMARY KEY (sender, recipient)"
    ") STRICT, WITHOUT ROWID;"
    "INSERT INTO pair (sender, recipient, at) "
    "SELECT sender, recipient, max(sent_at) FROM packet WHERE kind = 1 AND sent_at > 0 "
    "GROUP BY sender, recipient;"
    "CREATE INDEX pair_at ON pair (at);";

const char *const schema_steps[] = { version_1, version_2, version_3, version_4, version_5 };
const int schema_version = sizeof(schema_steps) / sizeof(schema_steps[0]);

/* The one integer that `sql` selects; false with the reason in `why`. */
static bool
one_int(sqlite3 *handle, const char *sql, int *value, struct buf *why)
{
	sqlite3_stmt *stmt = NULL;
	bool ok = false;

	if (sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW) {
		*value = sqlite3_column_int(stmt, 0);
		ok = true;
	} else {
		(void)buf_printf(why, "cannot be read: %s", sqlite3_errmsg(handle));
	}
	(void)sqlite3_finalize(stmt);
	return ok;
}

/* The version of a laterd database; 0 for an empty file, which may become one. */
static enum res
version_of(sqlite3 *handle, int newest, int *version, struct buf *why)
{
	int application, tables;
	bool ours;

	if (!one_int(handle, "PRAGMA application_id", &application, why) ||
	    !one_int(handle, "PRAGMA user_version", version, why) ||
	    !one_int(handle, "SELECT count(*) FROM sqlite_master", &tables, why))
		return RES_PERMFAIL;
	ours = application == SQL_APPLICATION_ID && *version > 0;
	if (!ours && (application != 0 || *version != 0 || tables != 0)) {
		(void)buf_text(why, "is not a laterd database");
		return RES_PERMFAIL;
	}
	if (*version > newest) {
		(void)buf_printf(why, "is of version %d, and this laterd knows none above %d",
		    *version, newest);
		return RES_PERMFAIL;
	}
	return RES_OK;
}

static bool
references_hold(sqlite3 *handle)
{
	sqlite3_stmt *stmt = NULL;
	bool ok;

	ok = sqlite3_prepare_v2(handle, "PRAGMA foreign_key_check", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_DONE;
	(void)sqlite3_finalize(stmt);
	return ok;
}

static enum res
take_step(sqlite3 *handle, const char *step, int to, struct buf *why)
{
	char stamp[96];
	const char *cause = NULL;

	(void)sqlite3_snprintf(sizeof(stamp), stamp,
	    "PRAGMA application_id = %d; PRAGMA user_version = %d;", SQL_APPLICATION_ID, to);
	if (sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(handle, step, NULL, NULL, NULL) != SQLITE_OK ||
	    sqlite3_exec(handle, stamp, NULL, NULL, NULL) != SQLITE_OK)
		cause = sqlite3_errmsg(handle);
	else if (!references_hold(handle))
		cause = "rows would refer to rows that are not there";
	else if (sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		cause = sqlite3_errmsg(handle);
	if (cause == NULL)
		return RES_OK;
	(void)buf_printf(why, "cannot be brought to version %d: %s", to, cause);
	if (!sqlite3_get_autocommit(handle))
		(void)sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
	return RES_PERMFAIL;
}

enum res
schema_migrate(sqlite3 *handle, const char *const *steps, int n, struct buf *why)
{
	enum res res;
	int version;

	if ((res = version_of(handle, n, &version, why)) != RES_OK)
		return res;
	for (; version < n; version++)
		if ((res = take_step(handle, steps[version], version + 1, why)) != RES_OK)
			return res;
	return RES_OK;
}
