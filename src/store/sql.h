/*
 * All SQL that runs after the schema is in place, as named statements.  Placeholders are $1, $2, …
 * in order of appearance, which SQLite and PostgreSQL both read.  Every statement that meets a
 * growing table goes through an index of schema.c; the terms on `state` and `kind` are spelled as
 * in those indexes, because that is how SQLite finds out that a partial index will do.
 */
#ifndef LATERD_STORE_SQL_H
#define LATERD_STORE_SQL_H

#include <assert.h>

#include "core/ports.h"

/* -- Numbers that stand in SQL texts ----------------------------------------------------------- */

#define SQL_STATE_SCHEDULED 1
#define SQL_STATE_QUEUED    2
#define SQL_STATE_HELD      3
#define SQL_STATE_INFLIGHT  4
#define SQL_STATE_SENT      5
#define SQL_STATE_DELIVERED 6
#define SQL_STATE_FAILED    7
#define SQL_STATE_EXPIRED   8
#define SQL_STATE_CANCELLED 9
#define SQL_STATE_UNCERTAIN 10
#define SQL_KIND_IM         1
#define SQL_KIND_SMS        2
#define SQL_KIND_MMS        3
#define SQL_CONTACT_GRANTED 2

static_assert((int)PACKET_SCHEDULED == SQL_STATE_SCHEDULED, "scheduled");
static_assert((int)PACKET_QUEUED == SQL_STATE_QUEUED, "queued");
static_assert((int)PACKET_HELD == SQL_STATE_HELD, "held");
static_assert((int)PACKET_INFLIGHT == SQL_STATE_INFLIGHT, "in flight");
static_assert((int)PACKET_SENT == SQL_STATE_SENT, "sent");
static_assert((int)PACKET_DELIVERED == SQL_STATE_DELIVERED, "delivered");
static_assert((int)PACKET_FAILED == SQL_STATE_FAILED, "failed");
static_assert((int)PACKET_EXPIRED == SQL_STATE_EXPIRED, "expired");
static_assert((int)PACKET_CANCELLED == SQL_STATE_CANCELLED, "cancelled");
static_assert((int)PACKET_UNCERTAIN == SQL_STATE_UNCERTAIN, "uncertain");
static_assert(
    PACKET_NSTATES == SQL_STATE_UNCERTAIN + 1, "a new state belongs into one of the lists below");
static_assert((int)KIND_IM == SQL_KIND_IM && KIND_END == 4, "a new kind is paid or it is not");
static_assert((int)KIND_SMS == SQL_KIND_SMS && (int)KIND_MMS == SQL_KIND_MMS, "charged kinds");
static_assert((int)CONTACT_GRANTED == SQL_CONTACT_GRANTED, "granted");

#define SQL_TEXT_(token) #token
#define SQL_TEXT(token) SQL_TEXT_(token)

#define SQL_IS_SCHEDULED "state = " SQL_TEXT(SQL_STATE_SCHEDULED)
#define SQL_IS_HELD      "state = " SQL_TEXT(SQL_STATE_HELD)
/* The two classes (packet_kind_is_paid); they have indexes of their own. */
#define SQL_IS_IM        "kind = " SQL_TEXT(SQL_KIND_IM)
#define SQL_IS_PAID      "kind > " SQL_TEXT(SQL_KIND_IM)
/* What EV_RECOVER happens to. */
#define SQL_IS_TAKEN \
	"(state = " SQL_TEXT(SQL_STATE_QUEUED) " OR (state = " SQL_TEXT( \
	    SQL_STATE_INFLIGHT) " AND " SQL_IS_IM "))"
#define SQL_IS_ATTEMPTED "state = " SQL_TEXT(SQL_STATE_INFLIGHT) " AND " SQL_IS_PAID
#define SQL_IS_WAITING \
	"state IN (" SQL_TEXT(SQL_STATE_SCHEDULED) ", " SQL_TEXT(SQL_STATE_QUEUED) ", " SQL_TEXT( \
	    SQL_STATE_HELD) ", " SQL_TEXT(SQL_STATE_INFLIGHT) ", " SQL_TEXT(SQL_STATE_UNCERTAIN) ")"
#define SQL_IS_FINISHED \
	"state IN (" SQL_TEXT(SQL_STATE_SENT) ", " SQL_TEXT(SQL_STATE_DELIVERED) ", " SQL_TEXT( \
	    SQL_STATE_FAILED) ", " SQL_TEXT(SQL_STATE_EXPIRED) ", " SQL_TEXT(SQL_STATE_CANCELLED) ")"
/* What purge may delete: finished, or given up on by everybody. */
#define SQL_IS_ENDED \
	"state IN (" SQL_TEXT(SQL_STATE_SENT) ", " SQL_TEXT(SQL_STATE_DELIVERED) ", " SQL_TEXT(SQL_STATE_FAILED) ", " SQL_TEXT( \
	    SQL_STATE_EXPIRED) ", " SQL_TEXT(SQL_STATE_CANCELLED) ", " SQL_TEXT(SQL_STATE_UNCERTAIN) ")"

#define SQL_IS_TROUBLE \
	"state IN (" SQL_TEXT(SQL_STATE_FAILED) ", " SQL_TEXT(SQL_STATE_UNCERTAIN) ")"

/* -- Connection -------------------------------------------------------------------------------- */

/* "ltrd"; what file(1) and we know a laterd database by. */
#define SQL_APPLICATION_ID 1819570788

/*
 * WAL is switched to apart from these, because it may refuse.  Units: cache_size KiB (negative),
 * wal_autocheckpoint pages of 4 KiB, journal_size_limit bytes.
 */
#define SQL_PRAGMAS \
	"PRAGMA synchronous = FULL;" \
	"PRAGMA foreign_keys = ON;" \
	"PRAGMA trusted_schema = OFF;" \
	"PRAGMA cell_size_check = ON;" \
	"PRAGMA secure_delete = ON;" \
	"PRAGMA temp_store = MEMORY;" \
	"PRAGMA cache_size = -16384;" \
	"PRAGMA wal_autocheckpoint = 4000;" \
	"PRAGMA journal_size_limit = 67108864;"

/* Of a copy that is being made: it is deleted unless it becomes whole, and synced then. */
#define SQL_COPY_PRAGMAS \
	"PRAGMA locking_mode = EXCLUSIVE;" \
	"PRAGMA journal_mode = OFF;" \
	"PRAGMA synchronous = OFF;"
/* Its header says WAL, because ours does; a file that stands alone has none. */
#define SQL_COPY_WHOLE "PRAGMA journal_mode = DELETE"

/* -- Statements -------------------------------------------------------------------------------- */

#define SQL_COLUMNS \
	"n, id, sender, recipient, kind, state, offline, created_at, due_at, next_at, expires_at, sent_at, finished_at, " \
	"attempts, held, charge_day, charge_units, zone, sealed, gateway, gateway_ref, series, revision"
#define SQL_SERIES_COLUMNS \
	"rowid, id, sender, recipient, kind, offline, rule, zone, start, at, expires_ms, paused, packet, sealed"

/* The statements that exist once for each class. */
#define SQL_CLAIM(is_class) \
	"UPDATE packet SET state = $1 WHERE n IN (SELECT n FROM packet WHERE " SQL_IS_SCHEDULED \
	" AND " is_class " AND next_at <= $2 ORDER BY next_at, n LIMIT $3)"
#define SQL_FIND_DUE(is_class) \
	"SELECT " SQL_COLUMNS " FROM packet WHERE " SQL_IS_SCHEDULED " AND " is_class \
	" AND next_at <= $1 ORDER BY next_at, n LIMIT $2"
#define SQL_FIND_HELD_RETRY(is_class) \
	"SELECT " SQL_COLUMNS " FROM packet WHERE " SQL_IS_HELD " AND " is_class \
	" AND next_at <= $1 ORDER BY next_at, n LIMIT $2"
#define SQL_WAKE_ALL(is_class) \
	"UPDATE packet SET next_at = $1 WHERE " SQL_IS_HELD " AND " is_class \
	" AND next_at > $1 AND ($2 IS NULL OR offline = $2)"
/* The bound bounds nothing: without it statistics may lead SQLite into another index. */
#define SQL_NEXT(is_state, is_class) \
	"SELECT min(next_at) FROM packet WHERE " is_state " AND " is_class \
	" AND next_at <= 9223372036854775807"

/* What every step of a packet's life writes, and the copy of it that may take the step. */
#define SQL_STEP \
	"UPDATE packet SET state = $1, next_at = $2, expires_at = $3, attempts = $4, held = $5, sent_at = $6, " \
	"finished_at = $7, gateway = $8, gateway_ref = $9"
/* The pages of a history; their end is the caller's, because damaged rows do not count. */
#define SQL_FINISHED_PAGE(is_behind) \
	"SELECT " SQL_COLUMNS " FROM packet WHERE sender = $1 AND " SQL_IS_FINISHED " AND " is_behind \
	" ORDER BY finished_at DESC, n DESC"
/* How many are due, of the kinds of one class. */
#define SQL_DUE_COUNT(counts, is_class) \
	"SELECT " counts " FROM packet WHERE " SQL_IS_SCHEDULED " AND " is_class \
	" AND next_at <= $1"
#define SQL_COUNT_OF(kind_number) "count(CASE WHEN kind = " SQL_TEXT(kind_number) " THEN 1 END)"
/* The first address behind the one before; a blob sorts behind all texts and stands for none. */
#define SQL_NEXT_SENDER(is_set) \
	"coalesce((SELECT min(sender) FROM packet WHERE " is_set " AND sender > senders.jid), x'')"
/* By kind, because the key of a charge begins with sender and kind. */
#define SQL_CHARGES_OF(kind_number) \
	"SELECT day, kind, count FROM charge WHERE sender = $1 AND kind = " SQL_TEXT(kind_number) \
	" AND count > 0"

#define SQL_STATEMENTS(X) \
	X(BEGIN, "BEGIN IMMEDIATE") \
	X(COMMIT, "COMMIT") \
	X(ROLLBACK, "ROLLBACK") \
	X(SAVE, "SAVEPOINT put") \
	X(SAVE_UNDO, "ROLLBACK TO SAVEPOINT put") \
	X(SAVE_KEEP, "RELEASE SAVEPOINT put") \
\
	X(PACKET_PUT, \
	    "INSERT INTO packet (id, sender, recipient, kind, state, offline, created_at, due_at, next_at, expires_at, " \
	    "sent_at, finished_at, attempts, held, charge_day, charge_units, zone, sealed, " \
	    "gateway, gateway_ref, series, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, " \
	    "$10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)") \
	X(PACKET_GET, "SELECT " SQL_COLUMNS " FROM packet WHERE id = $1") \
	/* A gateway that counts anew after its own restart means the last one. */ \
	X(PACKET_GET_REF, \
	    "SELECT " SQL_COLUMNS " FROM packet WHERE gateway = $1 AND gateway_ref = $2 " \
	    "ORDER BY sent_at DESC, n DESC LIMIT 1") \
	X(PACKET_MOVE, SQL_STEP " WHERE id = $10 AND state = $11 AND revision = $12") \
	X(PACKET_EDIT, \
	    SQL_STEP ", recipient = $10, offline = $11, due_at = $12, zone = $13, sealed = $14, " \
	    "charge_day = $15, charge_units = $16, series = $17, revision = $18 " \
	    "WHERE id = $19 AND state = $20 AND revision = $21") \
	X(PACKET_CHARGE, \
	    "UPDATE packet SET charge_day = $1, charge_units = $2 " \
	    "WHERE id = $3 AND state = $4 AND revision = $5 AND charge_day = 0") \
	X(PACKET_ERASE, \
	    "DELETE FROM packet WHERE id = $1 AND " SQL_IS_ENDED " RETURNING kind, state") \
	X(PACKET_CLAIM_IM, SQL_CLAIM(SQL_IS_IM)) \
	X(PACKET_CLAIM_PAID, SQL_CLAIM(SQL_IS_PAID)) \
	X(PACKET_WAKE, \
	    "UPDATE packet SET next_at = $1 WHERE recipient = $2 AND " SQL_IS_HELD \
	    " AND ($3 IS NULL OR offline = $3)") \
	X(PACKET_WAKE_ALL_IM, SQL_WAKE_ALL(SQL_IS_IM)) \
	X(PACKET_WAKE_ALL_PAID, SQL_WAKE_ALL(SQL_IS_PAID)) \
	X(PACKET_SET_ASIDE, \
	    "UPDATE packet SET state = CASE WHEN " SQL_IS_ATTEMPTED \
	    " THEN " SQL_TEXT(SQL_STATE_UNCERTAIN) " ELSE " SQL_TEXT(SQL_STATE_FAILED) " END, " \
	    "finished_at = due_at WHERE n = $1 AND (" SQL_IS_SCHEDULED " OR " SQL_IS_HELD \
	    " OR (" SQL_IS_ATTEMPTED "))") \
	X(PACKET_RECOVER, "UPDATE packet SET state = $1 WHERE " SQL_IS_TAKEN " AND state = $2") \
	X(PACKET_PURGE, \
	    "DELETE FROM packet WHERE n IN (SELECT n FROM packet WHERE " SQL_IS_ENDED \
	    " AND finished_at < $1 " \
	    "ORDER BY finished_at LIMIT $2) RETURNING kind, state") \
	X(PACKET_COUNT, "SELECT count(*) FROM packet WHERE sender = $1 AND " SQL_IS_WAITING) \
\
	X(FIND_DUE_IM, SQL_FIND_DUE(SQL_IS_IM)) \
	X(FIND_DUE_PAID, SQL_FIND_DUE(SQL_IS_PAID)) \
	X(FIND_WAITING, \
	    "SELECT " SQL_COLUMNS " FROM packet WHERE sender = $1 AND " SQL_IS_WAITING \
	    " ORDER BY due_at, n LIMIT $2") \
	X(FIND_FINISHED, \
	    "SELECT " SQL_COLUMNS " FROM packet WHERE sender = $1 AND " SQL_IS_FINISHED \
	    " ORDER BY finished_at DESC, n DESC LIMIT $2") \
	/* A page begins behind a row: the rest of its instant, then what is older. */ \
	X(FINISHED_SAME, SQL_FINISHED_PAGE("finished_at = $2 AND n < $3")) \
	X(FINISHED_OLDER, SQL_FINISHED_PAGE("finished_at < $2")) \
	X(FIND_HELD, \
	    "SELECT " SQL_COLUMNS " FROM packet WHERE recipient = $1 AND " SQL_IS_HELD \
	    " ORDER BY due_at, n LIMIT $2") \
	X(FIND_HELD_EXPIRED, \
	    "SELECT " SQL_COLUMNS " FROM packet WHERE " SQL_IS_HELD \
	    " AND expires_at > 0 AND expires_at <= $1 " \
	    "ORDER BY expires_at, n LIMIT $2") \
	X(FIND_HELD_RETRY_IM, SQL_FIND_HELD_RETRY(SQL_IS_IM)) \
	X(FIND_HELD_RETRY_PAID, SQL_FIND_HELD_RETRY(SQL_IS_PAID)) \
	X(FIND_ATTEMPTED, \
	    "SELECT " SQL_COLUMNS " FROM packet WHERE " SQL_IS_ATTEMPTED \
	    " ORDER BY sent_at, n LIMIT $1") \
	X(FIND_TROUBLE, \
	    "SELECT " SQL_COLUMNS " FROM packet WHERE gateway = $1 AND " SQL_IS_TROUBLE \
	    " AND finished_at <= $2 ORDER BY finished_at, n") \
	X(NEXT_EXPIRY, \
	    "SELECT min(expires_at) FROM packet WHERE " SQL_IS_HELD " AND expires_at > 0") \
	X(NEXT_RETRY_IM, SQL_NEXT(SQL_IS_HELD, SQL_IS_IM)) \
	X(NEXT_RETRY_PAID, SQL_NEXT(SQL_IS_HELD, SQL_IS_PAID)) \
	X(NEXT_DUE_IM, SQL_NEXT(SQL_IS_SCHEDULED, SQL_IS_IM)) \
	X(NEXT_DUE_PAID, SQL_NEXT(SQL_IS_SCHEDULED, SQL_IS_PAID)) \
\
	X(EVENT_ADD, \
	    "INSERT INTO event (packet, at, what) SELECT n, $1, $2 FROM packet WHERE id = $3") \
	X(EVENT_LIST, \
	    "SELECT event.at, event.what FROM event JOIN packet ON event.packet = packet.n WHERE packet.id = $1 " \
	    "ORDER BY event.n") \
\
	X(CHARGE_ADD, \
	    "INSERT INTO charge (sender, kind, day, count) VALUES ($1, $2, $3, $4) " \
	    "ON CONFLICT (sender, kind, day) DO UPDATE SET count = charge.count + excluded.count") \
	X(CHARGE_GET, "SELECT count FROM charge WHERE sender = $1 AND kind = $2 AND day = $3") \
	X(CHARGE_TAKE, \
	    "UPDATE charge SET count = CASE WHEN count > $1 THEN count - $1 ELSE 0 END " \
	    "WHERE sender = $2 AND kind = $3 AND day = $4") \
	X(CHARGE_SUM, \
	    "SELECT coalesce(sum(CASE WHEN day = $1 THEN count ELSE 0 END), 0), coalesce(sum(count), 0) FROM charge " \
	    "WHERE sender = $2 AND kind = $3 AND day BETWEEN $4 AND $5") \
	X(CHARGE_PURGE, "DELETE FROM charge WHERE day < $1") \
	X(CHARGE_LIST, \
	    SQL_CHARGES_OF(SQL_KIND_IM) " UNION ALL " SQL_CHARGES_OF(SQL_KIND_SMS) " UNION ALL " \
	    SQL_CHARGES_OF(SQL_KIND_MMS) " ORDER BY day, kind LIMIT $2") \
\
	X(SERIES_PUT, \
	    "INSERT INTO series (id, sender, recipient, kind, offline, rule, zone, start, at, expires_ms, paused, " \
	    "packet, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) " \
	    "ON CONFLICT (id) DO UPDATE SET sender = excluded.sender, recipient = excluded.recipient, " \
	    "kind = excluded.kind, offline = excluded.offline, rule = excluded.rule, zone = excluded.zone, " \
	    "start = excluded.start, at = excluded.at, expires_ms = excluded.expires_ms, " \
	    "paused = excluded.paused, packet = excluded.packet, sealed = excluded.sealed") \
	X(SERIES_GET, "SELECT " SQL_SERIES_COLUMNS " FROM series WHERE id = $1") \
	X(SERIES_DROP, "DELETE FROM series WHERE id = $1") \
	X(SERIES_OF, "SELECT " SQL_SERIES_COLUMNS " FROM series WHERE sender = $1 ORDER BY id") \
	/* Walks the table, once a start. */ \
	X(SERIES_STUCK, \
	    "SELECT " SQL_SERIES_COLUMNS " FROM series WHERE paused = 0 AND NOT EXISTS " \
	    "(SELECT 1 FROM packet WHERE packet.id = series.packet AND NOT (" SQL_IS_ENDED "))") \
\
	X(LIMIT_GET, "SELECT per_day, per_month FROM quota_limit WHERE who = $1 AND kind = $2") \
	X(LIMIT_SET, \
	    "INSERT INTO quota_limit (who, kind, per_day, per_month) VALUES ($1, $2, $3, $4) " \
	    "ON CONFLICT (who, kind) DO UPDATE SET per_day = excluded.per_day, per_month = excluded.per_month") \
	X(LIMIT_DROP, "DELETE FROM quota_limit WHERE who = $1 AND kind = $2") \
	X(ACCOUNT_GET, "SELECT blocked, notify, offline, hours, zone FROM account WHERE jid = $1") \
	X(ACCOUNT_SET, \
	    "INSERT INTO account (jid, blocked, notify, offline, hours, zone) VALUES ($1, $2, $3, $4, $5, $6) " \
	    "ON CONFLICT (jid) DO UPDATE SET blocked = excluded.blocked, notify = excluded.notify, " \
	    "offline = excluded.offline, hours = excluded.hours, zone = excluded.zone") \
	X(ACCOUNT_EMPTY, \
	    "UPDATE account SET notify = 0, offline = 0, hours = 0, zone = '' WHERE jid = $1") \
	X(ACCOUNT_DROP, "DELETE FROM account WHERE jid = $1 AND blocked = 0") \
	X(FORGET_SET, \
	    "INSERT INTO forget (jid, at) VALUES ($1, $2) ON CONFLICT (jid) DO UPDATE SET at = excluded.at") \
	X(FORGET_DONE, "DELETE FROM forget WHERE jid = $1") \
	/* The bound leaves out what is no address, and leads SQLite into the key. */ \
	X(FORGET_LIST, "SELECT at, jid FROM forget WHERE jid > '' ORDER BY jid") \
	X(CONTACT_GET, "SELECT state, changed_at FROM contact WHERE jid = $1") \
	X(CONTACT_SET, \
	    "INSERT INTO contact (jid, state, changed_at) VALUES ($1, $2, $3) " \
	    "ON CONFLICT (jid) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at") \
	X(CONTACT_DROP, "DELETE FROM contact WHERE jid = $1") \
	X(STOPPED_GET, "SELECT at FROM stopped WHERE jid = $1") \
	X(STOPPED_SET, \
	    "INSERT INTO stopped (jid, at) VALUES ($1, $2) ON CONFLICT (jid) DO UPDATE SET at = excluded.at") \
	X(STOPPED_DROP, "DELETE FROM stopped WHERE jid = $1") \
	X(PAIR_GET, "SELECT at FROM pair WHERE sender = $1 AND recipient = $2") \
	X(PAIR_SET, \
	    "INSERT INTO pair (sender, recipient, at) VALUES ($1, $2, $3) " \
	    "ON CONFLICT (sender, recipient) DO UPDATE SET at = excluded.at") \
	X(PAIR_FORGET, "DELETE FROM pair WHERE sender = $1") \
	X(PAIR_PURGE, \
	    "DELETE FROM pair WHERE (sender, recipient) IN " \
	    "(SELECT sender, recipient FROM pair WHERE at < $1 ORDER BY at LIMIT $2)") \
	/* One index seek a recipient, however many packets each has held. */ \
	X(CONTACT_WAITING, \
	    "WITH RECURSIVE waiting (jid) AS (" \
	    "SELECT min(recipient) FROM packet WHERE " SQL_IS_HELD " AND recipient > $1 " \
	    "UNION ALL " \
	    "SELECT (SELECT min(recipient) FROM packet WHERE " SQL_IS_HELD \
	    " AND recipient > waiting.jid) " \
	    "FROM waiting WHERE waiting.jid IS NOT NULL) " \
	    "SELECT contact.jid FROM waiting CROSS JOIN contact WHERE contact.jid = waiting.jid " \
	    "AND contact.state = " SQL_TEXT(SQL_CONTACT_GRANTED) " LIMIT $2") \
\
	/* The bound leads SQLite into the index: most packets are not of this set. */ \
	X(TALLY_WAITING, \
	    "SELECT kind, state FROM packet WHERE " SQL_IS_WAITING " AND sender >= ''") \
	X(ENDED_SINCE, \
	    "SELECT kind, state, gateway FROM packet WHERE " SQL_IS_ENDED " AND finished_at >= $1") \
	X(DUE_COUNT_IM, SQL_DUE_COUNT("count(*), 0, 0", SQL_IS_IM)) \
	X(DUE_COUNT_PAID, \
	    SQL_DUE_COUNT("0, " SQL_COUNT_OF(SQL_KIND_SMS) ", " SQL_COUNT_OF(SQL_KIND_MMS), \
		SQL_IS_PAID)) \
	/* Three index seeks an address, however many packets each has. */ \
	X(SENDERS, \
	    "WITH RECURSIVE senders (jid) AS (SELECT $1 UNION ALL SELECT min(" \
	    SQL_NEXT_SENDER(SQL_IS_WAITING) ", " SQL_NEXT_SENDER(SQL_IS_FINISHED) \
	    ", coalesce((SELECT min(jid) FROM account WHERE jid > senders.jid), x'')) " \
	    "FROM senders WHERE senders.jid < x'') " \
	    "SELECT jid FROM senders WHERE jid > $1 AND jid < x''") \
	X(PAGE_SIZE, "PRAGMA page_size") \
	X(PAGE_COUNT, "PRAGMA page_count") \
	X(META_GET, "SELECT value FROM meta WHERE name = $1") \
	X(META_SET, \
	    "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value")

enum sql {
#define SQL_NAME(name, text) SQL_##name,
	SQL_STATEMENTS(SQL_NAME)
#undef SQL_NAME
	SQL_N
};

#endif
