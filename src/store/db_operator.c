/* What operators ask: how many packets there are, who has any, and how much room is left. */
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "core/jid.h"
#include "store/db.h"

/* -- How many packets there are ---------------------------------------------------------------- */

void
db_tally_add(struct db *db, int64_t kind, int64_t state, int64_t n)
{
	if (kind >= KIND_IM && kind < KIND_END && state > PACKET_ILLEGAL && state < PACKET_NSTATES)
		db->tally.n[kind][state] += n;
}

void
db_tally_move(struct db *db, int64_t kind, int64_t from, int64_t to)
{
	db_tally_add(db, kind, from, -1);
	db_tally_add(db, kind, to, 1);
}

/* Counts all rows of q, which this ends.  An uncertain one waits and has ended, but is one. */
static enum res
count(struct query *q, bool uncertain)
{
	enum res res;

	while ((res = db_row(q)) == RES_OK) {
		const int64_t state = sqlite3_column_int64(q->stmt, 1);

		if (state != PACKET_UNCERTAIN || uncertain)
			db_tally_add(q->db, sqlite3_column_int64(q->stmt, 0), state, 1);
	}
	return res;
}

enum res
db_tally_count(struct db *db)
{
	struct query q;
	enum res res;

	db->tally = (struct tally){ 0 };
	db_query(&q, db, SQL_TALLY_WAITING);
	if ((res = count(&q, false)) == RES_NOTFOUND) {
		db_query(&q, db, SQL_ENDED_SINCE);
		db_int(&q, INT64_MIN);
		res = count(&q, true);
	}
	/* What can be read of a damaged file is still worth serving. */
	return res == RES_NOTFOUND || res == RES_PERMFAIL ? RES_OK : res;
}

enum res
db_operator_tally(struct store *s, struct tally *out)
{
	struct db *db = (struct db *)s;

	*out = db->tally;
	/* Somebody else has written into the file, or a part of it could not be counted. */
	for (size_t kind = 0; kind < KIND_END; kind++)
		for (size_t state = 0; state < PACKET_NSTATES; state++)
			if (out->n[kind][state] < 0)
				out->n[kind][state] = 0;
	return db->turn != TURN_BROKEN ? RES_OK : RES_TEMPFAIL;
}

enum res
db_operator_due_by(struct store *s, int64_t upto, int64_t n[KIND_END])
{
	static const enum sql classes[2] = { SQL_DUE_COUNT_IM, SQL_DUE_COUNT_PAID };
	struct query q;
	enum res res = RES_OK;

	for (size_t kind = 0; kind < KIND_END; kind++)
		n[kind] = 0;
	for (size_t i = 0; i < 2; i++) {
		db_query(&q, (struct db *)s, classes[i]);
		db_int(&q, upto);
		if ((res = db_row(&q)) != RES_OK)
			return res;
		for (int kind = KIND_IM; kind < KIND_END; kind++)
			n[kind] += sqlite3_column_int64(q.stmt, kind - KIND_IM);
		db_end(&q);
	}
	return RES_OK;
}

/* -- How they ended ---------------------------------------------------------------------------- */

/* The ending of these behind `first`, new where there is none yet; NULL without memory. */
static struct ending *
ending_of(struct endings *es, size_t first, enum packet_kind kind, enum packet_state state,
    struct span gateway)
{
	struct ending *v;
	const char *name;

	for (size_t i = first; i < es->n; i++)
		if (es->v[i].kind == kind && es->v[i].state == state &&
		    span_eq(span_of(es->v[i].gateway), gateway))
			return &es->v[i];
	if ((name = arena_span(&es->arena, gateway)) == NULL ||
	    (v = arena_grow(&es->arena, es->v, es->n, &es->cap, sizeof(*v))) == NULL)
		return NULL;
	es->v = v;
	v[es->n] = (struct ending){ .kind = kind, .state = state, .gateway = name };
	return &v[es->n++];
}

/* Counts the current row, unless it cannot be a packet's. */
static enum res
add_ended(struct query *q, size_t first, struct endings *out)
{
	struct span gateway = SPAN("");
	struct ending *e;
	bool ok = true;
	enum res res;
	const int64_t kind = db_column_number(q, 0, KIND_IM, KIND_END - 1, &ok);
	const int64_t state = sqlite3_column_int64(q->stmt, 1);

	if (sqlite3_column_type(q->stmt, 2) != SQLITE_NULL &&
	    (res = db_column_text(q, 2, &gateway)) != RES_OK)
		return res == RES_PERMFAIL ? RES_OK : res;
	if (!ok || gateway.len > GATEWAY_LEN_MAX)
		return RES_OK;
	e = ending_of(out, first, (enum packet_kind)kind, (enum packet_state)state, gateway);
	if (e == NULL)
		return RES_NOMEM;
	e->n++;
	return RES_OK;
}

static int
by_what_they_are(const void *one, const void *other)
{
	const struct ending *a = one, *b = other;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->state != b->state)
		return a->state < b->state ? -1 : 1;
	return strcmp(a->gateway, b->gateway);
}

enum res
db_operator_ended_since(struct store *s, int64_t since, struct endings *out)
{
	const size_t first = out->n;
	struct query q;
	enum res res;

	db_query(&q, (struct db *)s, SQL_ENDED_SINCE);
	db_int(&q, since);
	while ((res = db_row(&q)) == RES_OK)
		if ((res = add_ended(&q, first, out)) != RES_OK) {
			db_end(&q);
			break;
		}
	if (res != RES_NOTFOUND) {
		out->n = first;
		return res;
	}
	if (out->n > first)
		qsort(out->v + first, out->n - first, sizeof(*out->v), by_what_they_are);
	return RES_OK;
}

/* -- Who has any ------------------------------------------------------------------------------- */

enum res
db_operator_senders(struct store *s, const char *after, size_t max, struct events *out)
{
	const size_t first = out->n;
	struct query q;
	struct span jid;
	enum res res = RES_OK;

	db_query(&q, (struct db *)s, SQL_SENDERS);
	db_text(&q, after);
	while (out->n - first < max && (res = db_row(&q)) == RES_OK) {
		res = db_column_text(&q, 0, &jid);
		if (res == RES_PERMFAIL || (res == RES_OK && jid.len > JID_BARE_MAX)) {
			/* It must not hide those behind it. */
			log_error("store: a sender's address is damaged and is left out");
			res = RES_OK;
			continue;
		}
		if (res != RES_OK || (res = db_event(out, 0, jid)) != RES_OK)
			break;
	}
	if (res == RES_OK || res == RES_NOMEM)
		db_end(&q);
	return res == RES_NOTFOUND ? RES_OK : res;
}

/* -- Room -------------------------------------------------------------------------------------- */

static enum res
one_number(struct db *db, enum sql which, int64_t *out)
{
	struct query q;
	enum res res;

	db_query(&q, db, which);
	if ((res = db_row(&q)) != RES_OK)
		return res;
	*out = sqlite3_column_int64(q.stmt, 0);
	db_end(&q);
	return RES_OK;
}

static enum res
space_in_memory(struct db *db, struct store_space *out)
{
	int64_t pages, size;
	enum res res;

	if ((res = one_number(db, SQL_PAGE_COUNT, &pages)) != RES_OK ||
	    (res = one_number(db, SQL_PAGE_SIZE, &size)) != RES_OK)
		return res;
	*out = (struct store_space){ .used = pages * size, .left = INT64_MAX };
	return RES_OK;
}

/* Adds the size of a file; one that is not there has none. */
static bool
add_size(const char *path, int64_t *sum)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return errno == ENOENT;
	*sum += st.st_size;
	return true;
}

/* What an unprivileged process may still write there. */
static bool
room_at(const char *dir, int64_t *left)
{
	struct statvfs fs;

	if (statvfs(dir, &fs) == -1)
		return false;
	*left = fs.f_bavail <= (uint64_t)INT64_MAX / (fs.f_frsize != 0 ? fs.f_frsize : 1) ?
	    (int64_t)(fs.f_bavail * fs.f_frsize) :
	    INT64_MAX;
	return true;
}

enum res
db_operator_space(struct store *s, struct store_space *out)
{
	struct db *db = (struct db *)s;
	struct buf path = { 0 };
	enum res res = RES_OK;

	if (db->turn == TURN_BROKEN)
		return RES_TEMPFAIL;
	if (db->file == NULL)
		return space_in_memory(db, out);
	*out = (struct store_space){ 0 };
	(void)buf_printf(&path, "%s-wal", db->file);
	if (path.failed) {
		res = RES_NOMEM;
	} else if (!add_size(db->file, &out->used) || !add_size(buf_str(&path), &out->used)) {
		res = RES_TEMPFAIL;
	} else {
		/* The one name of a file has a slash. */
		buf_cut(&path, (size_t)(strrchr(db->file, '/') - db->file) + 1);
		res = room_at(buf_str(&path), &out->left) ? RES_OK : RES_TEMPFAIL;
	}
	if (res == RES_TEMPFAIL)
		log_error("store: cannot tell how large %s is: %s", db->file, strerror(errno));
	buf_free(&path);
	return res;
}
