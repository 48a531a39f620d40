/* Packets and their history: what is looked for. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/jid.h"
#include "store/db.h"

/* A call ends at so many damaged rows; the next one finds the others. */
#define DAMAGED_MAX 16

/* The columns of SQL_COLUMNS. */
enum {
	COL_N, COL_ID, COL_SENDER, COL_RECIPIENT, COL_KIND, COL_STATE, COL_OFFLINE, COL_CREATED_AT,
	COL_DUE_AT, COL_NEXT_AT, COL_EXPIRES_AT, COL_SENT_AT, COL_FINISHED_AT, COL_ATTEMPTS,
	COL_HELD, COL_CHARGE_DAY, COL_CHARGE_UNITS, COL_ZONE, COL_SEALED, COL_GATEWAY,
	COL_GATEWAY_REF, COL_SERIES, COL_REVISION
};

/* By class: [1] are the paid kinds. */
static const struct {
	enum sql next_due, find_due, claim, next_retry;
} classes[2] = {
	{ SQL_NEXT_DUE_IM, SQL_FIND_DUE_IM, SQL_PACKET_CLAIM_IM, SQL_NEXT_RETRY_IM },
	{ SQL_NEXT_DUE_PAID, SQL_FIND_DUE_PAID, SQL_PACKET_CLAIM_PAID, SQL_NEXT_RETRY_PAID },
};

/* The same as db_column_copy, or NULL. */
static enum res
copy_optional(struct query *q, int column, size_t max, struct packets *ps, const char **out)
{
	*out = NULL;
	if (sqlite3_column_type(q->stmt, column) == SQLITE_NULL)
		return RES_OK;
	return db_column_copy(q, column, max, &ps->arena, out);
}

/* What is a number or a choice; false when one is out of its range. */
static bool
read_numbers(struct query *q, struct packet *p)
{
	bool ok = true;

	p->kind = (enum packet_kind)db_column_number(q, COL_KIND, KIND_IM, KIND_END - 1, &ok);
	p->state = (enum packet_state)db_column_number(q, COL_STATE, PACKET_SCHEDULED,
	    PACKET_NSTATES - 1, &ok);
	p->offline = (enum offline)db_column_number(q, COL_OFFLINE, OFFLINE_AUTO, OFFLINE_END - 1,
	    &ok);
	p->created_at = sqlite3_column_int64(q->stmt, COL_CREATED_AT);
	p->due_at = sqlite3_column_int64(q->stmt, COL_DUE_AT);
	p->next_at = sqlite3_column_int64(q->stmt, COL_NEXT_AT);
	p->expires_at = sqlite3_column_int64(q->stmt, COL_EXPIRES_AT);
	p->sent_at = sqlite3_column_int64(q->stmt, COL_SENT_AT);
	p->finished_at = sqlite3_column_int64(q->stmt, COL_FINISHED_AT);
	p->attempts = (int32_t)db_column_number(q, COL_ATTEMPTS, 0, INT32_MAX, &ok);
	p->held = db_column_number(q, COL_HELD, 0, 1, &ok) != 0;
	p->charge_day = (int32_t)db_column_number(q, COL_CHARGE_DAY, 0, INT32_MAX, &ok);
	p->charge_units = (int32_t)db_column_number(q, COL_CHARGE_UNITS, 0, INT32_MAX, &ok);
	p->revision = (int32_t)db_column_number(q, COL_REVISION, 0, INT32_MAX, &ok);
	return ok;
}

/* The current row.  RES_PERMFAIL when it cannot be a packet; RES_NOMEM. */
static enum res
read_row(struct query *q, struct packets *ps, struct packet *p)
{
	enum res res;

	if (!read_numbers(q, p))
		return RES_PERMFAIL;
	if ((res = db_column_id(q, COL_ID, p->id)) != RES_OK ||
	    (res = db_column_fixed(q, COL_ZONE, p->zone, sizeof(p->zone))) != RES_OK)
		return res;
	if (sqlite3_column_type(q->stmt, COL_SERIES) != SQLITE_NULL &&
	    (res = db_column_id(q, COL_SERIES, p->series)) != RES_OK)
		return res;
	if ((res = db_column_copy(q, COL_SENDER, JID_BARE_MAX, &ps->arena, &p->sender)) != RES_OK ||
	    (res = db_column_copy(q, COL_RECIPIENT, JID_FULL_MAX, &ps->arena, &p->recipient)) !=
		RES_OK ||
	    (res = copy_optional(q, COL_GATEWAY, GATEWAY_LEN_MAX, ps, &p->gateway)) != RES_OK ||
	    (res = copy_optional(q, COL_GATEWAY_REF, REF_LEN_MAX, ps, &p->gateway_ref)) != RES_OK)
		return res;
	return db_column_bytes(q, COL_SEALED, &ps->arena, &p->sealed);
}

/* Appends the current row.  RES_PERMFAIL, which is to be logged, and RES_NOMEM append nothing. */
static enum res
append_row(struct query *q, struct packets *out)
{
	struct packet *p = packets_add(out);
	enum res res = p != NULL ? read_row(q, out, p) : RES_NOMEM;

	if (res != RES_OK && p != NULL)
		out->n--;
	return res;
}

/* A row that cannot be a packet, and what it counts as. */
struct damaged {
	int64_t n, kind, state;
};

/* Rows that cannot be packets must not be found by every tick to come. */
static enum res
set_aside(struct db *db, const struct damaged *v, size_t n)
{
	struct query q;
	enum res res = RES_OK;
	int changed;

	for (size_t i = 0; i < n && res == RES_OK; i++) {
		log_error("store: row %lld of packet is damaged and is left out",
		    (long long)v[i].n);
		db_query(&q, db, SQL_PACKET_SET_ASIDE);
		db_int(&q, v[i].n);
		if ((res = db_write(&q, &changed)) == RES_OK && changed > 0)
			db_tally_move(db, v[i].kind, v[i].state,
			    v[i].state == PACKET_INFLIGHT ? PACKET_UNCERTAIN : PACKET_FAILED);
	}
	return res;
}

/* Appends every row of q, which this ends. */
static enum res
collect(struct query *q, struct packets *out)
{
	struct damaged damaged[DAMAGED_MAX];
	size_t ndamaged = 0, first = out->n;
	enum res res;

	while ((res = db_row(q)) == RES_OK && ndamaged < DAMAGED_MAX) {
		if ((res = append_row(q, out)) == RES_PERMFAIL)
			damaged[ndamaged++] = (struct damaged){
				sqlite3_column_int64(q->stmt, COL_N),
				sqlite3_column_int64(q->stmt, COL_KIND),
				sqlite3_column_int64(q->stmt, COL_STATE),
			};
		if (res == RES_NOMEM)
			break;
	}
	if (res == RES_OK || res == RES_NOMEM)
		db_end(q);
	/* A list at its arena's bound is still a list: a tick must get on. */
	if (res == RES_NOMEM && out->n > first && q->db->turn != TURN_BROKEN) {
		out->arena.failed = false;
		res = RES_NOTFOUND;
	}
	if (res == RES_OK || res == RES_NOTFOUND)
		res = set_aside(q->db, damaged, ndamaged);
	if (res != RES_OK)
		out->n = first;
	return res;
}

/* Appends the one row of q, which this ends. */
static enum res
collect_one(struct query *q, struct packets *out)
{
	enum res res;

	if ((res = db_row(q)) != RES_OK)
		return res;
	if ((res = append_row(q, out)) == RES_PERMFAIL)
		log_error("store: row %lld of packet is damaged",
		    (long long)sqlite3_column_int64(q->stmt, COL_N));
	db_end(q);
	return res;
}

enum res
db_packet_get(struct store *s, const char *id, struct packets *out)
{
	struct query q;

	db_query(&q, (struct db *)s, SQL_PACKET_GET);
	db_text(&q, id);
	return collect_one(&q, out);
}

enum res
db_packet_get_ref(struct store *s, const char *gateway, const char *ref, struct packets *out)
{
	struct query q;

	db_query(&q, (struct db *)s, SQL_PACKET_GET_REF);
	db_text(&q, gateway);
	db_text(&q, ref);
	return collect_one(&q, out);
}

/*
 * open_end: set_aside changes nothing in the rows it finds, so damaged ones must not count, or they
 * would hide others for ever.
 */
static const struct {
	enum sql which;
	bool by_who, by_upto, open_end;
} finds[FIND_NKINDS] = {
	[FIND_WAITING] = { SQL_FIND_WAITING, .by_who = true },
	[FIND_FINISHED] = { SQL_FIND_FINISHED, .by_who = true },
	[FIND_HELD] = { SQL_FIND_HELD, .by_who = true },
	[FIND_HELD_EXPIRED] = { SQL_FIND_HELD_EXPIRED, .by_upto = true },
	[FIND_HELD_RETRY] = { SQL_FIND_HELD_RETRY_IM, .by_upto = true },
	[FIND_HELD_RETRY_PAID] = { SQL_FIND_HELD_RETRY_PAID, .by_upto = true },
	[FIND_ATTEMPTED] = { .which = SQL_FIND_ATTEMPTED },
	[FIND_TROUBLE] = { SQL_FIND_TROUBLE, .by_who = true, .by_upto = true, .open_end = true },
};

/* Where a list of max more ends. */
static size_t
end_of(const struct packets *out, size_t max)
{
	return max < SIZE_MAX - out->n ? out->n + max : SIZE_MAX;
}

/* Appends rows of q, which this ends, up to `end` in all, and moves *place behind each. */
static enum res
collect_page(struct query *q, size_t end, struct store_place *place, struct packets *out)
{
	enum res res = RES_OK;

	while (out->n < end && (res = db_row(q)) == RES_OK) {
		int64_t n = sqlite3_column_int64(q->stmt, COL_N);

		if ((res = append_row(q, out)) == RES_PERMFAIL)
			log_error("store: row %lld of packet is damaged and is left out",
			    (long long)n);
		else if (res != RES_OK)
			break;
		*place = (struct store_place){ sqlite3_column_int64(q->stmt, COL_FINISHED_AT), n };
		res = RES_OK;
	}
	if (res == RES_OK || res == RES_NOMEM)
		db_end(q);
	return res == RES_NOTFOUND ? RES_OK : res;
}

/* As in collect: what a page comes to that began behind `first`. */
static enum res
end_page(const struct query *q, enum res res, size_t first, struct packets *out)
{
	if (res == RES_NOMEM && out->n > first && q->db->turn != TURN_BROKEN) {
		out->arena.failed = false;
		res = RES_OK;
	}
	if (res != RES_OK)
		out->n = first;
	return res;
}

enum res
db_packet_find(struct store *s, enum store_find kind, const char *who, int64_t upto, size_t max,
    struct packets *out)
{
	struct query q;

	assert((unsigned)kind < FIND_NKINDS && finds[kind].by_who == (who != NULL));
	db_query(&q, (struct db *)s, finds[kind].which);
	if (finds[kind].by_who)
		db_text(&q, who);
	if (finds[kind].by_upto)
		db_int(&q, upto);
	if (finds[kind].open_end) {
		const size_t first = out->n;
		struct store_place place;

		return end_page(&q, collect_page(&q, end_of(out, max), &place, out), first, out);
	}
	db_int(&q, db_limit(max));
	return collect(&q, out);
}

enum res
db_packet_finished(struct store *s, const char *sender, struct store_place *place, size_t max,
    struct packets *out)
{
	const size_t first = out->n, end = end_of(out, max);
	struct store_place at = *place;
	struct query q;
	enum res res;

	if (at.at == 0 && at.n == 0)
		at = (struct store_place){ INT64_MAX, INT64_MAX };
	db_query(&q, (struct db *)s, SQL_FINISHED_SAME);
	db_text(&q, sender);
	db_int(&q, at.at);
	db_int(&q, at.n);
	if ((res = collect_page(&q, end, &at, out)) == RES_OK && out->n < end) {
		db_query(&q, (struct db *)s, SQL_FINISHED_OLDER);
		db_text(&q, sender);
		db_int(&q, at.at);
		res = collect_page(&q, end, &at, out);
	}
	if ((res = end_page(&q, res, first, out)) == RES_OK)
		*place = at;
	return res;
}

static enum res
earliest(struct db *db, enum sql which, int64_t *out)
{
	struct query q;
	enum res res;

	db_query(&q, db, which);
	if ((res = db_row(&q)) != RES_OK)
		return res;
	*out = NEVER_MS;
	if (sqlite3_column_type(q.stmt, 0) != SQLITE_NULL)
		*out = sqlite3_column_int64(q.stmt, 0);
	db_end(&q);
	return RES_OK;
}

enum res
db_packet_claim(struct store *s, bool paid, int64_t upto, size_t max, struct packets *out)
{
	struct db *db = (struct db *)s;
	const enum packet_state queued = packet_next(PACKET_SCHEDULED, EV_DUE);
	const size_t first = out->n;
	struct query q;
	enum res res;
	int64_t due;

	/* What is paused is not due at any time. */
	if (upto == NEVER_MS)
		upto--;
	/* A tick that finds nothing writes nothing. */
	if ((res = earliest(db, classes[paid].next_due, &due)) != RES_OK || due > upto || max == 0)
		return res;
	if ((res = db_begin(db)) != RES_OK)
		return res;
	db_query(&q, db, classes[paid].find_due);
	db_int(&q, upto);
	db_int(&q, db_limit(max));
	if ((res = collect(&q, out)) != RES_OK || out->n == first)
		return res;
	/* Those just read: they are the first in the same order, and the transaction keeps others
	 * out. */
	db_query(&q, db, classes[paid].claim);
	db_int(&q, queued);
	db_int(&q, upto);
	db_int(&q, (int64_t)(out->n - first));
	if ((res = db_write(&q, NULL)) != RES_OK) {
		out->n = first;
		return res;
	}
	for (size_t i = first; i < out->n; i++) {
		db_tally_move(db, out->v[i].kind, out->v[i].state, queued);
		out->v[i].state = queued;
	}
	return RES_OK;
}

enum res
db_packet_next(struct store *s, struct store_next *out)
{
	struct db *db = (struct db *)s;
	enum res res = earliest(db, SQL_NEXT_EXPIRY, &out->held_expiry);

	for (size_t paid = 0; paid < 2 && res == RES_OK; paid++)
		if ((res = earliest(db, classes[paid].next_retry, &out->held_retry[paid])) ==
		    RES_OK)
			res = earliest(db, classes[paid].next_due, &out->scheduled[paid]);
	return res;
}

enum res
db_packet_history(struct store *s, const char *id, struct events *out)
{
	struct query q;
	struct span what;
	enum res res;

	db_query(&q, (struct db *)s, SQL_EVENT_LIST);
	db_text(&q, id);
	while ((res = db_row(&q)) == RES_OK)
		if ((res = db_column_text(&q, 1, &what)) != RES_OK ||
		    (res = db_event(out, sqlite3_column_int64(q.stmt, 0), what)) != RES_OK) {
			db_end(&q);
			return res;
		}
	return res == RES_NOTFOUND ? RES_OK : res;
}

enum res
db_packet_waiting(struct store *s, const char *sender, int64_t *n)
{
	struct query q;
	enum res res;

	db_query(&q, (struct db *)s, SQL_PACKET_COUNT);
	db_text(&q, sender);
	if ((res = db_row(&q)) != RES_OK)
		return res;
	*n = sqlite3_column_int64(q.stmt, 0);
	db_end(&q);
	return RES_OK;
}
