/* For the store's tests: a directory of its own for each test, and packets to put. */
#ifndef LATERD_TESTS_STORE_FIXTURE_H
#define LATERD_TESTS_STORE_FIXTURE_H

#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/jid.h"
#include "store/db.h"
#include "store/sqlite.h"

#define NOON  INT64_C(1798200000000)
#define TODAY 20261225
#define ME    "juliet@example.org"
#define YOU   "romeo@example.net"

struct fixture {
	char dir[64];
	char path[96];
	struct store *store;
	const struct store_ops *ops; /* of the store */
};

static inline void
store_reopen(struct fixture *f)
{
	struct buf why = { 0 };

	sqlite_store_close(&f->store);
	if (sqlite_store_open(f->path, &f->store, &why) != RES_OK)
		fail_msg("%s", buf_str(&why));
	assert_string_equal(buf_str(&why), "");
	f->ops = f->store->ops;
}

static inline int
make_dir(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return -1;
	*state = f;
	snprintf(f->dir, sizeof(f->dir), "/tmp/laterd-store.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/laterd.db", f->dir);
	return 0;
}

static inline int
open_store(void **state)
{
	if (make_dir(state) != 0)
		return -1;
	store_reopen(*state);
	return 0;
}

static inline int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static inline int
remove_dir(void **state)
{
	struct fixture *f = *state;

	sqlite_store_close(&f->store);
	if (nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
		return -1;
	free(f);
	return 0;
}

/* An id that only `i` has. */
static inline void
number_id(char id[PACKET_ID_LEN + 1], unsigned i)
{
	uint8_t bytes[PACKET_ID_LEN];

	for (size_t k = 0; k < PACKET_ID_LEN; k++, i /= 32)
		bytes[PACKET_ID_LEN - 1 - k] = (uint8_t)(i % 32);
	packet_id_make(id, bytes);
}

/* A scheduled IM from ME to YOU, due at noon, charged one unit today. */
static inline struct packet
sample(unsigned i)
{
	struct packet p = {
		.sender = ME,
		.recipient = YOU,
		.kind = KIND_IM,
		.state = PACKET_SCHEDULED,
		.offline = OFFLINE_AUTO,
		.created_at = NOON - HOUR_MS,
		.due_at = NOON,
		.next_at = NOON,
		.expires_at = NOON + DAY_MS,
		.charge_day = TODAY,
		.charge_units = 1,
		.zone = "Europe/Berlin",
		.sealed = SPAN("\1sealed\0body"),
	};

	number_id(p.id, i);
	return p;
}

/* A daily recurrence of ME's whose present occurrence is the packet of the same number. */
static inline struct series
sample_series(unsigned i)
{
	struct series se = {
		.sender = ME,
		.recipient = YOU,
		.kind = KIND_IM,
		.offline = OFFLINE_AUTO,
		.rule = { "FREQ=DAILY" },
		.zone = "Europe/Berlin",
		.start = "2026-12-25T09:00:00",
		.at = NOON,
		.sealed = SPAN("\1sealed\0{date}"),
	};

	number_id(se.id, i);
	number_id(se.packet, i);
	return se;
}

static inline void
put(struct fixture *f, const struct packet *p)
{
	assert_int_equal(f->ops->put(f->store, p, 1, "scheduled"), RES_OK);
}

static inline void
put_as(struct fixture *f, unsigned i, enum packet_state s, const char *recipient, int64_t due,
    int64_t next, int64_t expires, int64_t finished)
{
	struct packet p = sample(i);

	p.state = s;
	p.recipient = recipient;
	p.due_at = due;
	p.next_at = next;
	p.expires_at = expires;
	p.finished_at = finished;
	put(f, &p);
}

static inline void
commit(struct fixture *f)
{
	assert_int_equal(f->ops->commit(f->store), RES_OK);
}

/* The state of a packet, PACKET_ILLEGAL when there is none. */
static inline enum packet_state
state_of(struct fixture *f, unsigned i)
{
	struct packets ps = { 0 };
	enum packet_state s = PACKET_ILLEGAL;
	char id[PACKET_ID_LEN + 1];
	enum res res;

	number_id(id, i);
	res = f->ops->get(f->store, id, &ps);
	if (res == RES_OK)
		s = ps.v[0].state;
	else
		assert_int_equal(res, RES_NOTFOUND);
	packets_free(&ps);
	return s;
}

/* The packet as the store has it; its strings live in ps, which is emptied first. */
static inline struct packet *
row_of(struct fixture *f, unsigned i, struct packets *ps)
{
	char id[PACKET_ID_LEN + 1];

	number_id(id, i);
	packets_free(ps);
	assert_int_equal(f->ops->get(f->store, id, ps), RES_OK);
	return &ps->v[0];
}

/* How many lines its history has. */
static inline size_t
history_len(struct fixture *f, unsigned i)
{
	struct events es = { 0 };
	char id[PACKET_ID_LEN + 1];
	size_t n;

	number_id(id, i);
	assert_int_equal(f->ops->history(f->store, id, &es), RES_OK);
	n = es.n;
	events_free(&es);
	return n;
}

/* The number that number_id made it of. */
static inline unsigned
id_number(const char *id)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	unsigned i = 0;

	for (; *id != '\0'; id++) {
		assert_non_null(strchr(digits, *id));
		i = i * 32 + (unsigned)(strchr(digits, *id) - digits);
	}
	return i;
}

/* The numbers of the packets found, as "3 1 2". */
static inline void
assert_found(struct fixture *f, enum store_find kind, const char *who, int64_t upto, size_t max,
    const char *expected)
{
	struct packets ps = { 0 };
	struct buf got = { 0 };

	assert_int_equal(f->ops->find(f->store, kind, who, upto, max, &ps), RES_OK);
	for (size_t i = 0; i < ps.n; i++)
		buf_printf(&got, "%s%u", i > 0 ? " " : "", id_number(ps.v[i].id));
	assert_string_equal(buf_str(&got), expected);
	buf_free(&got);
	packets_free(&ps);
}

static inline struct quota_use
used(struct fixture *f, const char *who, enum packet_kind kind, int32_t day)
{
	struct quota_use use = { -1, -1 };

	assert_int_equal(f->ops->use(f->store, who, kind, day, &use), RES_OK);
	return use;
}

/* Runs SQL on a connection of its own, as an operator with the sqlite3 shell would. */
static inline void
by_hand(struct fixture *f, const char *sql)
{
	sqlite3 *handle = NULL;
	char *error = NULL;

	assert_int_equal(sqlite3_open(f->path, &handle), SQLITE_OK);
	if (sqlite3_exec(handle, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	sqlite3_close(handle);
}

/* The tally is what SQLite counts, the turn's own writes included. */
static inline void
assert_tally(struct fixture *f)
{
	static const char sql[] = "SELECT kind, state, count(*) FROM packet GROUP BY kind, state";
	struct tally counted = { { { 0 } } }, got;
	sqlite3_stmt *stmt = NULL;

	assert_int_equal(
	    sqlite3_prepare_v2(((struct db *)f->store)->handle, sql, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const int64_t kind = sqlite3_column_int64(stmt, 0);
		const int64_t s = sqlite3_column_int64(stmt, 1);

		if (kind > 0 && kind < KIND_END && s > 0 && s < PACKET_NSTATES)
			counted.n[kind][s] = sqlite3_column_int64(stmt, 2);
	}
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	memset(&got, 0xff, sizeof(got));
	assert_int_equal(f->ops->tally(f->store, &got), RES_OK);
	for (size_t k = 0; k < KIND_END; k++)
		for (size_t s = 0; s < PACKET_NSTATES; s++)
			if (got.n[k][s] != counted.n[k][s])
				fail_msg("%" PRId64 " of kind %zu are %s, not %" PRId64,
				    counted.n[k][s], k, packet_state_name((enum packet_state)s),
				    got.n[k][s]);
}

/* n packets that are not due, in all states, of a few people; a series and a pair for each. */
static inline void
fill(struct fixture *f, unsigned n)
{
	char sql[2048];

	snprintf(sql, sizeof(sql),
	    "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %u) "
	    "INSERT INTO packet SELECT NULL, printf('%%06d', i), 'sender' || (i %% 10), "
	    "'recipient' || (i %% 50), 1 + i %% 3, "
	    "1 + i %% 10, 1, i, %" PRId64 " + i, %" PRId64 " + i, %" PRId64
	    " + i, 0, i, 0, 0, 0, 0, 'UTC', zeroblob(200), "
	    "CASE WHEN i %% 3 > 0 THEN 'office' END, CASE WHEN i %% 3 > 0 THEN i END, "
	    "CASE WHEN i %% 3 = 1 THEN printf('%%06d', i) END, i %% 2 "
	    "FROM c;"
	    "DELETE FROM series;"
	    "INSERT INTO series SELECT id, sender, recipient, 1, 1, 'FREQ=DAILY', "
	    "'UTC', '2026-12-25T09:00:00', 1, 0, n %% 2, id, zeroblob(200) FROM packet;"
	    "DELETE FROM pair; DELETE FROM stopped;"
	    "INSERT INTO pair SELECT sender, 'to' || id, %" PRId64 " + n FROM packet;"
	    "INSERT INTO stopped SELECT recipient || id, n FROM packet WHERE n %% 10 = 0;",
	    n, NOON + 1, NOON + 1, NOON + 1, NOON);
	by_hand(f, sql);
}

#endif
