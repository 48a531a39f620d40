/* Packets and their history. */
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
	COL_GATEWAY_REF
};

/* Bytes. */
#define GATEWAY_LEN_MAX 64
#define REF_LEN_MAX     256

/* By class: [1] are the paid kinds. */
static const struct {
	enum sql next_due, find_due, claim, next_retry, wake_all;
} classes[2] = {
	{ SQL_NEXT_DUE_IM, SQL_FIND_DUE_IM, SQL_PACKET_CLAIM_IM, SQL_NEXT_RETRY_IM,
	    SQL_PACKET_WAKE_ALL_IM },
	{ SQL_NEXT_DUE_PAID, SQL_FIND_DUE_PAID, SQL_PACKET_CLAIM_PAID, SQL_NEXT_RETRY_PAID,
	    SQL_PACKET_WAKE_ALL_PAID },
};

static int64_t
rows(size_t max)
{
	return max < INT32_MAX ? (int64_t)max : INT32_MAX;
}

static enum res
add_event(struct db *db, const char *id, int64_t at, const char *what)
{
	struct query q;

	if (what == NULL)
		return RES_OK;
	db_query(&q, db, SQL_EVENT_ADD);
	db_int(&q, at);
	db_text(&q, what);
	db_text(&q, id);
	return db_write(&q, NULL);
}

/* NULL where there is none, and where it could not be read again. */
static void
optional_text(struct query *q, const char *text, size_t max)
{
	size_t len = text != NULL ? strnlen(text, max + 1) : 0;

	if (len > 0 && len <= max)
		db_text(q, text);
	else
		db_null(q);
}

static enum res
put_one(struct db *db, const struct packet *p, const char *what)
{
	struct query q;
	enum res res;

	db_query(&q, db, SQL_PACKET_PUT);
	db_text(&q, p->id);
	db_text(&q, p->sender);
	db_text(&q, p->recipient);
	db_int(&q, p->kind);
	db_int(&q, p->state);
	db_int(&q, p->offline);
	db_int(&q, p->created_at);
	db_int(&q, p->due_at);
	db_int(&q, p->next_at);
	db_int(&q, p->expires_at);
	db_int(&q, p->sent_at);
	db_int(&q, p->finished_at);
	db_int(&q, p->attempts);
	db_int(&q, p->held);
	db_int(&q, p->charge_day);
	db_int(&q, p->charge_units);
	db_text(&q, p->zone);
	db_blob(&q, p->sealed);
	optional_text(&q, p->gateway, GATEWAY_LEN_MAX);
	optional_text(&q, p->gateway_ref, REF_LEN_MAX);
	if ((res = db_write(&q, NULL)) != RES_OK ||
	    (res = add_event(db, p->id, p->created_at, what)) != RES_OK)
		return res;
	return db_account_charge(db, p);
}

static enum res
plain(struct db *db, enum sql which)
{
	struct query q;

	db_query(&q, db, which);
	return db_run(&q);
}

enum res
db_packet_put(struct store *s, const struct packet *v, size_t n, const char *what)
{
	struct db *db = (struct db *)s;
	enum res res, undo;

	if ((res = db_begin(db)) != RES_OK || (res = plain(db, SQL_SAVE)) != RES_OK)
		return res;
	for (size_t i = 0; i < n && res == RES_OK; i++)
		res = put_one(db, &v[i], what);
	if (res == RES_OK)
		return plain(db, SQL_SAVE_KEEP);
	if (db->turn == TURN_BROKEN)
		return res;
	if ((undo = plain(db, SQL_SAVE_UNDO)) != RES_OK ||
	    (undo = plain(db, SQL_SAVE_KEEP)) != RES_OK)
		return undo;
	return res;
}

/* Copies a text column of 1 to max bytes into ps's arena. */
static enum res
copy_text(struct query *q, int column, size_t max, struct packets *ps, const char **out)
{
	struct span text;
	enum res res;

	if ((res = db_column_text(q, column, &text)) != RES_OK)
		return res;
	if (text.len == 0 || text.len > max)
		return RES_PERMFAIL;
	*out = arena_span(&ps->arena, text);
	return *out != NULL ? RES_OK : RES_NOMEM;
}

/* The same, or NULL. */
static enum res
copy_optional(struct query *q, int column, size_t max, struct packets *ps, const char **out)
{
	*out = NULL;
	if (sqlite3_column_type(q->stmt, column) == SQLITE_NULL)
		return RES_OK;
	return copy_text(q, column, max, ps, out);
}

/* A text column of at most size - 1 bytes. */
static enum res
fixed_text(struct query *q, int column, char *out, size_t size)
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

/* An integer column within [min, max]; `*ok` is cleared when it is not. */
static int64_t
number(struct query *q, int column, int64_t min, int64_t max, bool *ok)
{
	int64_t value = sqlite3_column_int64(q->stmt, column);

	if (value < min || value > max)
		*ok = false;
	return value;
}

static enum res
copy_sealed(struct query *q, struct packets *ps, struct span *out)
{
	const void *bytes = sqlite3_column_blob(q->stmt, COL_SEALED);
	size_t len = (size_t)sqlite3_column_bytes(q->stmt, COL_SEALED);
	char *copy;

	if (len == 0) {
		*out = SPAN("");
		return RES_OK;
	}
	if (bytes == NULL || (copy = arena_alloc(&ps->arena, len)) == NULL)
		return RES_NOMEM;
	memcpy(copy, bytes, len);
	*out = (struct span){ copy, len };
	return RES_OK;
}

/* The current row.  RES_PERMFAIL when it cannot be a packet; RES_NOMEM. */
static enum res
read_row(struct query *q, struct packets *ps, struct packet *p)
{
	char id[PACKET_ID_LEN + 1];
	enum res res;
	bool ok = true;

	p->kind = (enum packet_kind)number(q, COL_KIND, KIND_IM, KIND_END - 1, &ok);
	p->state = (enum packet_state)number(q, COL_STATE, PACKET_SCHEDULED, PACKET_NSTATES - 1,
	    &ok);
	p->offline = (enum offline)number(q, COL_OFFLINE, OFFLINE_AUTO, OFFLINE_END - 1, &ok);
	p->created_at = sqlite3_column_int64(q->stmt, COL_CREATED_AT);
	p->due_at = sqlite3_column_int64(q->stmt, COL_DUE_AT);
	p->next_at = sqlite3_column_int64(q->stmt, COL_NEXT_AT);
	p->expires_at = sqlite3_column_int64(q->stmt, COL_EXPIRES_AT);
	p->sent_at = sqlite3_column_int64(q->stmt, COL_SENT_AT);
	p->finished_at = sqlite3_column_int64(q->stmt, COL_FINISHED_AT);
	p->attempts = (int32_t)number(q, COL_ATTEMPTS, 0, INT32_MAX, &ok);
	p->held = number(q, COL_HELD, 0, 1, &ok) != 0;
	p->charge_day = (int32_t)number(q, COL_CHARGE_DAY, 0, INT32_MAX, &ok);
	p->charge_units = (int32_t)number(q, COL_CHARGE_UNITS, 0, INT32_MAX, &ok);
	if (!ok)
		return RES_PERMFAIL;
	if ((res = fixed_text(q, COL_ID, p->id, sizeof(p->id))) != RES_OK ||
	    (res = fixed_text(q, COL_ZONE, p->zone, sizeof(p->zone))) != RES_OK)
		return res;
	if (packet_id_parse(id, span_of(p->id)) != RES_OK || strcmp(id, p->id) != 0)
		return RES_PERMFAIL;
	if ((res = copy_text(q, COL_SENDER, JID_BARE_MAX, ps, &p->sender)) != RES_OK ||
	    (res = copy_text(q, COL_RECIPIENT, JID_FULL_MAX, ps, &p->recipient)) != RES_OK ||
	    (res = copy_optional(q, COL_GATEWAY, GATEWAY_LEN_MAX, ps, &p->gateway)) != RES_OK ||
	    (res = copy_optional(q, COL_GATEWAY_REF, REF_LEN_MAX, ps, &p->gateway_ref)) != RES_OK)
		return res;
	return copy_sealed(q, ps, &p->sealed);
}

/* Rows that cannot be packets must not be found by every tick to come. */
static enum res
set_aside(struct db *db, const int64_t *v, size_t n)
{
	struct query q;
	enum res res = RES_OK;

	for (size_t i = 0; i < n && res == RES_OK; i++) {
		log_error("store: row %lld of packet is damaged and is left out", (long long)v[i]);
		db_query(&q, db, SQL_PACKET_SET_ASIDE);
		db_int(&q, v[i]);
		res = db_write(&q, NULL);
	}
	return res;
}

/* Appends every row of q, which this ends. */
static enum res
collect(struct query *q, struct packets *out)
{
	int64_t damaged[DAMAGED_MAX];
	size_t ndamaged = 0, first = out->n;
	enum res res;

	while ((res = db_row(q)) == RES_OK && ndamaged < DAMAGED_MAX) {
		struct packet *p = packets_add(out);

		res = p != NULL ? read_row(q, out, p) : RES_NOMEM;
		if (res != RES_OK && p != NULL)
			out->n--;
		if (res == RES_PERMFAIL)
			damaged[ndamaged++] = sqlite3_column_int64(q->stmt, COL_N);
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
	struct packet *p;
	enum res res;

	if ((res = db_row(q)) != RES_OK)
		return res;
	if ((p = packets_add(out)) == NULL)
		res = RES_NOMEM;
	else if ((res = read_row(q, out, p)) != RES_OK)
		out->n--;
	if (res == RES_PERMFAIL)
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

static const struct {
	enum sql which;
	bool by_who, by_upto;
} finds[FIND_NKINDS] = {
	[FIND_WAITING] = { SQL_FIND_WAITING, .by_who = true },
	[FIND_FINISHED] = { SQL_FIND_FINISHED, .by_who = true },
	[FIND_HELD] = { SQL_FIND_HELD, .by_who = true },
	[FIND_HELD_EXPIRED] = { SQL_FIND_HELD_EXPIRED, .by_upto = true },
	[FIND_HELD_RETRY] = { SQL_FIND_HELD_RETRY_IM, .by_upto = true },
	[FIND_HELD_RETRY_PAID] = { SQL_FIND_HELD_RETRY_PAID, .by_upto = true },
	[FIND_ATTEMPTED] = { .which = SQL_FIND_ATTEMPTED },
};

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
	db_int(&q, rows(max));
	return collect(&q, out);
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

	/* A tick that finds nothing writes nothing. */
	if ((res = earliest(db, classes[paid].next_due, &due)) != RES_OK || due > upto || max == 0)
		return res;
	if ((res = db_begin(db)) != RES_OK)
		return res;
	db_query(&q, db, classes[paid].find_due);
	db_int(&q, upto);
	db_int(&q, rows(max));
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
	for (size_t i = first; i < out->n; i++)
		out->v[i].state = queued;
	return RES_OK;
}

enum res
db_packet_move(struct store *s, struct packet *p, enum packet_event ev, int64_t at,
    const char *what)
{
	struct db *db = (struct db *)s;
	enum packet_state next = packet_next(p->state, ev);
	struct query q;
	enum res res;
	int changed;

	if (next == PACKET_ILLEGAL)
		return RES_INVALID;
	db_query(&q, db, SQL_PACKET_MOVE);
	db_int(&q, next);
	db_int(&q, p->next_at);
	db_int(&q, p->expires_at);
	db_int(&q, p->attempts);
	db_int(&q, p->held);
	db_int(&q, p->sent_at);
	db_int(&q, p->finished_at);
	optional_text(&q, p->gateway, GATEWAY_LEN_MAX);
	optional_text(&q, p->gateway_ref, REF_LEN_MAX);
	db_text(&q, p->id);
	db_int(&q, p->state);
	if ((res = db_write(&q, &changed)) != RES_OK)
		return res;
	if (changed == 0)
		return RES_NOTFOUND;
	if ((res = add_event(db, p->id, at, what)) == RES_OK)
		p->state = next;
	return res;
}

/* One statement of the wakes; adds to *n. */
static enum res
wake(struct db *db, enum sql which, const char *recipient, enum offline only, int64_t at,
    int64_t *n)
{
	struct query q;
	enum res res;
	int changed;

	db_query(&q, db, which);
	db_int(&q, at);
	if (recipient != NULL)
		db_text(&q, recipient);
	if (only == OFFLINE_END)
		db_null(&q);
	else
		db_int(&q, only);
	if ((res = db_write(&q, &changed)) == RES_OK)
		*n += changed;
	return res;
}

enum res
db_packet_wake(struct store *s, const char *recipient, enum offline only, int64_t at, int64_t *n)
{
	struct db *db = (struct db *)s;
	enum res res = RES_OK;

	*n = 0;
	if (recipient != NULL)
		return wake(db, SQL_PACKET_WAKE, recipient, only, at, n);
	for (size_t paid = 0; paid < 2 && res == RES_OK; paid++)
		res = wake(db, classes[paid].wake_all, NULL, only, at, n);
	return res;
}

enum res
db_packet_wake_paid(struct store *s, int64_t at, int64_t *n)
{
	*n = 0;
	return wake((struct db *)s, classes[true].wake_all, NULL, OFFLINE_END, at, n);
}

enum res
db_packet_recover(struct store *s, int64_t now, int64_t *n)
{
	static const enum packet_state taken[] = { PACKET_QUEUED, PACKET_INFLIGHT };
	struct query q;
	enum res res = RES_OK;
	int changed;

	(void)now;
	*n = 0;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]) && res == RES_OK; i++) {
		db_query(&q, (struct db *)s, SQL_PACKET_RECOVER);
		db_int(&q, packet_next(taken[i], EV_RECOVER));
		db_int(&q, taken[i]);
		if ((res = db_write(&q, &changed)) == RES_OK)
			*n += changed;
	}
	return res;
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
db_packet_purge(struct store *s, int64_t before, int32_t charge_day, size_t max, int64_t *n)
{
	struct db *db = (struct db *)s;
	struct query q;
	enum res res;
	int changed = 0;

	*n = 0;
	db_query(&q, db, SQL_PACKET_PURGE);
	db_int(&q, before);
	db_int(&q, rows(max));
	if ((res = db_write(&q, &changed)) != RES_OK)
		return res;
	*n = changed;
	db_query(&q, db, SQL_CHARGE_PURGE);
	db_int(&q, charge_day);
	return db_write(&q, NULL);
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
