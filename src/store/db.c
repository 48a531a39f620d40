#include <string.h>
#include <time.h>

#include "base/log.h"
#include "store/db.h"

static const struct {
	const char *name, *text;
} statements[SQL_N] = {
#define STATEMENT(sql_name, sql_text) [SQL_##sql_name] = { #sql_name, sql_text },
	SQL_STATEMENTS(STATEMENT)
#undef STATEMENT
};

/* By primary code; what is not here is damage or our own mistake. */
static const struct {
	int code;
	enum res res;
} meanings[] = {
	{ SQLITE_BUSY, RES_TEMPFAIL },
	{ SQLITE_LOCKED, RES_TEMPFAIL },
	{ SQLITE_FULL, RES_TEMPFAIL },
	{ SQLITE_IOERR, RES_TEMPFAIL },
	{ SQLITE_CANTOPEN, RES_TEMPFAIL },
	{ SQLITE_PROTOCOL, RES_TEMPFAIL },
	{ SQLITE_INTERRUPT, RES_TEMPFAIL },
	/* A file system that has met an error is often remounted read-only. */
	{ SQLITE_READONLY, RES_TEMPFAIL },
	{ SQLITE_NOMEM, RES_NOMEM },
};

enum res
db_prepare(struct db *db, struct buf *why)
{
	int code = SQLITE_OK;

	for (size_t i = 0; i < SQL_N && code == SQLITE_OK; i++)
		code = sqlite3_prepare_v3(db->handle, statements[i].text, -1,
		    SQLITE_PREPARE_PERSISTENT, &db->stmt[i], NULL);
	if (code == SQLITE_OK)
		return RES_OK;
	(void)buf_printf(why, "is damaged: %s", sqlite3_errmsg(db->handle));
	return RES_PERMFAIL;
}

void
db_close(struct db *db)
{
	for (size_t i = 0; i < SQL_N; i++) {
		(void)sqlite3_finalize(db->stmt[i]);
		db->stmt[i] = NULL;
	}
	(void)sqlite3_close(db->handle);
	db->handle = NULL;
}

enum res
db_meaning(int code)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (meanings[i].code == (code & 0xff))
			return meanings[i].res;
	return RES_PERMFAIL;
}

/* What the code means, after logging it and breaking an open turn. */
static enum res
failed(struct db *db, enum sql which, int code)
{
	enum res res = db_meaning(code);

	/* A full disk fails every turn the same way: that is one line. */
	if (code != db->complained)
		log_error("store: %s: %s (%d)", statements[which].name, sqlite3_errmsg(db->handle),
		    code);
	db->complained = code;
	if (db->turn == TURN_OPEN)
		db->turn = TURN_BROKEN;
	return res;
}

/* Runs one of the statements that take nothing and give nothing. */
static int
control(struct db *db, enum sql which)
{
	int code = sqlite3_step(db->stmt[which]);

	(void)sqlite3_reset(db->stmt[which]);
	return code;
}

enum res
db_begin(struct db *db)
{
	enum res res;
	int code;

	if (db->turn == TURN_BROKEN)
		return RES_TEMPFAIL;
	if (db->turn == TURN_OPEN)
		return RES_OK;
	/* Also of a turn that cannot begin: it is rolled back as well. */
	db->kept = db->tally;
	if ((code = control(db, SQL_BEGIN)) != SQLITE_DONE) {
		res = failed(db, SQL_BEGIN, code);
		db->turn = TURN_BROKEN;
		return res;
	}
	db->turn = TURN_OPEN;
	return RES_OK;
}

static double
seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

enum res
db_commit(struct store *s)
{
	struct db *db = (struct db *)s;
	struct timespec start;
	int code;

	if (db->turn == TURN_BROKEN)
		return RES_TEMPFAIL;
	if (db->turn == TURN_NONE)
		return RES_OK;
	clock_gettime(CLOCK_MONOTONIC, &start);
	if ((code = control(db, SQL_COMMIT)) != SQLITE_DONE)
		return failed(db, SQL_COMMIT, code);
	histogram_add(&db->commits, seconds_since(&start));
	db->turn = TURN_NONE;
	db->complained = 0;
	return RES_OK;
}

void
db_rollback(struct store *s)
{
	struct db *db = (struct db *)s;
	int code;

	if (!sqlite3_get_autocommit(db->handle) &&
	    (code = control(db, SQL_ROLLBACK)) != SQLITE_DONE)
		(void)failed(db, SQL_ROLLBACK, code);
	if (db->turn != TURN_NONE)
		db->tally = db->kept;
	db->turn = sqlite3_get_autocommit(db->handle) ? TURN_NONE : TURN_BROKEN;
}

void
db_query(struct query *q, struct db *db, enum sql which)
{
	*q = (struct query){ .db = db, .stmt = db->stmt[which], .which = which };
}

static void
bound(struct query *q, int code)
{
	if (q->failed == SQLITE_OK)
		q->failed = code;
}

void
db_text(struct query *q, const char *text)
{
	bound(q, sqlite3_bind_text(q->stmt, ++q->bound, text, -1, SQLITE_STATIC));
}

void
db_int(struct query *q, int64_t value)
{
	bound(q, sqlite3_bind_int64(q->stmt, ++q->bound, value));
}

void
db_null(struct query *q)
{
	bound(q, sqlite3_bind_null(q->stmt, ++q->bound));
}

void
db_blob(struct query *q, struct span bytes)
{
	/* A NULL pointer would bind NULL, not an empty blob. */
	const char *p = bytes.p != NULL ? bytes.p : "";

	bound(q, sqlite3_bind_blob64(q->stmt, ++q->bound, p, bytes.len, SQLITE_STATIC));
}

void
db_end(struct query *q)
{
	(void)sqlite3_reset(q->stmt);
	(void)sqlite3_clear_bindings(q->stmt);
}

enum res
db_row(struct query *q)
{
	enum res res;
	int code;

	if (q->db->turn == TURN_BROKEN)
		res = RES_TEMPFAIL;
	else if (q->failed != SQLITE_OK)
		res = failed(q->db, q->which, q->failed);
	else if ((code = sqlite3_step(q->stmt)) == SQLITE_ROW)
		return RES_OK;
	else if (code == SQLITE_DONE)
		res = RES_NOTFOUND;
	else if (code == SQLITE_CONSTRAINT_UNIQUE)
		res = RES_INVALID;
	else
		res = failed(q->db, q->which, code);
	db_end(q);
	return res;
}

enum res
db_run(struct query *q)
{
	enum res res = db_row(q);

	return res == RES_NOTFOUND ? RES_OK : res;
}

enum res
db_write(struct query *q, int *changed)
{
	enum res res;

	if ((res = db_begin(q->db)) != RES_OK) {
		db_end(q);
		return res;
	}
	res = db_run(q);
	if (res == RES_OK && changed != NULL)
		*changed = sqlite3_changes(q->db->handle);
	return res;
}

enum res
db_column_text(struct query *q, int column, struct span *out)
{
	const char *p = (const char *)sqlite3_column_text(q->stmt, column);
	size_t len = (size_t)sqlite3_column_bytes(q->stmt, column);

	if (p == NULL)
		return sqlite3_column_type(q->stmt, column) == SQLITE_NULL ? RES_PERMFAIL :
		    RES_NOMEM;
	if (memchr(p, '\0', len) != NULL)
		return RES_PERMFAIL;
	*out = (struct span){ p, len };
	return RES_OK;
}

enum res
db_column_copy(struct query *q, int column, size_t max, struct arena *a, const char **out)
{
	struct span text;
	enum res res;

	if ((res = db_column_text(q, column, &text)) != RES_OK)
		return res;
	if (text.len == 0 || text.len > max)
		return RES_PERMFAIL;
	*out = arena_span(a, text);
	return *out != NULL ? RES_OK : RES_NOMEM;
}

enum res
db_column_fixed(struct query *q, int column, char *out, size_t size)
{
	struct span text;
	enum res res;

	if ((res = db_column_text(q, column, &text)) != RES_OK)
		return res;
	if (text.len >= size)
		return RES_PERMFAIL;
	memcpy(out, text.p, text.len);
	out[text.len] = '\0';
	return RES_OK;
}

enum res
db_column_id(struct query *q, int column, char out[PACKET_ID_LEN + 1])
{
	char id[PACKET_ID_LEN + 1];
	enum res res;

	if ((res = db_column_fixed(q, column, out, PACKET_ID_LEN + 1)) != RES_OK)
		return res;
	/* People may write it otherwise; we do not. */
	if (packet_id_parse(id, span_of(out)) != RES_OK || strcmp(id, out) != 0)
		return RES_PERMFAIL;
	return RES_OK;
}

int64_t
db_column_number(struct query *q, int column, int64_t min, int64_t max, bool *ok)
{
	int64_t value = sqlite3_column_int64(q->stmt, column);

	if (value < min || value > max)
		*ok = false;
	return value;
}

enum res
db_column_bytes(struct query *q, int column, struct arena *a, struct span *out)
{
	const void *bytes = sqlite3_column_blob(q->stmt, column);
	size_t len = (size_t)sqlite3_column_bytes(q->stmt, column);
	char *copy;

	if (len == 0) {
		*out = SPAN("");
		return RES_OK;
	}
	if (bytes == NULL || (copy = arena_alloc(a, len)) == NULL)
		return RES_NOMEM;
	memcpy(copy, bytes, len);
	*out = (struct span){ copy, len };
	return RES_OK;
}

int64_t
db_limit(size_t max)
{
	return max < INT32_MAX ? (int64_t)max : INT32_MAX;
}

enum res
db_event(struct events *es, int64_t at, struct span what)
{
	const char *copy = arena_span(&es->arena, what);
	struct event *e = copy != NULL ? events_add(es) : NULL;

	if (e == NULL)
		return RES_NOMEM;
	e->at = at;
	e->what = copy;
	return RES_OK;
}
