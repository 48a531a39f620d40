/* Packets and their history: what is written.  db_packet_find.c has what is looked for. */
#include <assert.h>
#include <string.h>

#include "store/db.h"

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
	optional_text(&q, p->series, PACKET_ID_LEN);
	db_int(&q, p->revision);
	if ((res = db_write(&q, NULL)) != RES_OK ||
	    (res = add_event(db, p->id, p->created_at, what)) != RES_OK)
		return res;
	db_tally_add(db, p->kind, p->state, 1);
	return db_account_charge(db, p->sender, p->kind, p->charge_day, p->charge_units);
}

/* What a batch adds to the charges of the service, of each kind on one day. */
struct sum {
	int32_t day;
	int64_t units;
};

static enum res
charge_service(struct db *db, enum packet_kind kind, struct sum *sum)
{
	enum res res = db_account_charge(db, QUOTA_SERVICE, kind, sum->day, sum->units);

	*sum = (struct sum){ 0 };
	return res;
}

static enum res
put_all(struct db *db, const struct packet *v, size_t n, const char *what)
{
	struct sum sums[KIND_END] = { { 0 } };
	enum res res = RES_OK;

	for (size_t i = 0; i < n && res == RES_OK; i++) {
		struct sum *sum;

		assert((unsigned)v[i].kind < KIND_END);
		sum = &sums[v[i].kind];
		if ((res = put_one(db, &v[i], what)) != RES_OK || v[i].charge_day == 0)
			continue;
		if (sum->day != v[i].charge_day)
			res = charge_service(db, v[i].kind, sum);
		sum->day = v[i].charge_day;
		sum->units += v[i].charge_units;
	}
	for (int kind = KIND_IM; kind < KIND_END && res == RES_OK; kind++)
		res = charge_service(db, (enum packet_kind)kind, &sums[kind]);
	return res;
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
	struct tally before;
	enum res res, undo;

	if ((res = db_begin(db)) != RES_OK || (res = plain(db, SQL_SAVE)) != RES_OK)
		return res;
	before = db->tally;
	if ((res = put_all(db, v, n, what)) == RES_OK)
		return plain(db, SQL_SAVE_KEEP);
	if (db->turn == TURN_BROKEN)
		return res;
	if ((undo = plain(db, SQL_SAVE_UNDO)) != RES_OK ||
	    (undo = plain(db, SQL_SAVE_KEEP)) != RES_OK)
		return undo;
	db->tally = before;
	return res;
}

/* What every step writes. */
static void
bind_step(struct query *q, const struct packet *p, enum packet_state next)
{
	db_int(q, next);
	db_int(q, p->next_at);
	db_int(q, p->expires_at);
	db_int(q, p->attempts);
	db_int(q, p->held);
	db_int(q, p->sent_at);
	db_int(q, p->finished_at);
	optional_text(q, p->gateway, GATEWAY_LEN_MAX);
	optional_text(q, p->gateway_ref, REF_LEN_MAX);
}

/*
 * Binds which row p is a copy of, and writes its state, `next`.  RES_NOTFOUND: the row has been
 * moved or edited since the copy was made.
 */
static enum res
write_as_copied(struct query *q, const struct packet *p, enum packet_state next)
{
	enum res res;
	int changed;

	db_text(q, p->id);
	db_int(q, p->state);
	db_int(q, p->revision);
	if ((res = db_write(q, &changed)) != RES_OK)
		return res;
	if (changed == 0)
		return RES_NOTFOUND;
	db_tally_move(q->db, p->kind, p->state, next);
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

	/* An edit that left the revision alone would let older copies go on. */
	if (next == PACKET_ILLEGAL || ev == EV_EDIT)
		return RES_INVALID;
	db_query(&q, db, SQL_PACKET_MOVE);
	bind_step(&q, p, next);
	if ((res = write_as_copied(&q, p, next)) == RES_OK &&
	    (res = add_event(db, p->id, at, what)) == RES_OK)
		p->state = next;
	return res;
}

enum res
db_packet_edit(struct store *s, struct packet *p, int64_t at, const char *what)
{
	struct db *db = (struct db *)s;
	enum packet_state next = packet_next(p->state, EV_EDIT);
	/* At the end it begins anew: no copy is as old as that. */
	int32_t revision = p->revision < INT32_MAX ? p->revision + 1 : 0;
	struct query q;
	enum res res;

	if (next == PACKET_ILLEGAL)
		return RES_INVALID;
	db_query(&q, db, SQL_PACKET_EDIT);
	bind_step(&q, p, next);
	db_text(&q, p->recipient);
	db_int(&q, p->offline);
	db_int(&q, p->due_at);
	db_text(&q, p->zone);
	db_blob(&q, p->sealed);
	db_int(&q, p->charge_day);
	db_int(&q, p->charge_units);
	optional_text(&q, p->series, PACKET_ID_LEN);
	db_int(&q, revision);
	if ((res = write_as_copied(&q, p, next)) == RES_OK &&
	    (res = add_event(db, p->id, at, what)) == RES_OK) {
		p->state = next;
		p->revision = revision;
	}
	return res;
}

enum res
db_packet_charge(struct store *s, const struct packet *p)
{
	struct db *db = (struct db *)s;
	struct query q;
	enum res res;

	db_query(&q, db, SQL_PACKET_CHARGE);
	db_int(&q, p->charge_day);
	db_int(&q, p->charge_units);
	if ((res = write_as_copied(&q, p, p->state)) == RES_OK &&
	    (res = db_account_charge(
		 db, p->sender, p->kind, p->charge_day, p->charge_units)) == RES_OK)
		res = db_account_charge(db, QUOTA_SERVICE, p->kind, p->charge_day, p->charge_units);
	return res;
}

/* Runs a DELETE that gives kind and state of its rows.  n: how many. */
static enum res
delete_packets(struct query *q, int64_t *n)
{
	enum res res;

	*n = 0;
	if ((res = db_begin(q->db)) != RES_OK) {
		db_end(q);
		return res;
	}
	for (; (res = db_row(q)) == RES_OK; (*n)++)
		db_tally_add(q->db, sqlite3_column_int64(q->stmt, 0),
		    sqlite3_column_int64(q->stmt, 1), -1);
	return res == RES_NOTFOUND ? RES_OK : res;
}

enum res
db_packet_erase(struct store *s, const char *id)
{
	struct query q;
	enum res res;
	int64_t n;

	db_query(&q, (struct db *)s, SQL_PACKET_ERASE);
	db_text(&q, id);
	if ((res = delete_packets(&q, &n)) != RES_OK)
		return res;
	return n > 0 ? RES_OK : RES_NOTFOUND;
}

/* By class: [1] are the paid kinds. */
static const enum sql wake_all[2] = { SQL_PACKET_WAKE_ALL_IM, SQL_PACKET_WAKE_ALL_PAID };

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
		res = wake(db, wake_all[paid], NULL, only, at, n);
	return res;
}

enum res
db_packet_wake_paid(struct store *s, int64_t at, int64_t *n)
{
	*n = 0;
	return wake((struct db *)s, wake_all[true], NULL, OFFLINE_END, at, n);
}

/* All of a state are: those that SQL_IS_TAKEN names. */
static void
tally_recovered(struct db *db, enum packet_state from, enum packet_state to)
{
	for (int kind = KIND_IM; kind < KIND_END; kind++) {
		const int64_t n = db->tally.n[kind][from];

		if (from == PACKET_INFLIGHT && packet_kind_is_paid((enum packet_kind)kind))
			continue;
		db_tally_add(db, kind, from, -n);
		db_tally_add(db, kind, to, n);
	}
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
		const enum packet_state next = packet_next(taken[i], EV_RECOVER);

		db_query(&q, (struct db *)s, SQL_PACKET_RECOVER);
		db_int(&q, next);
		db_int(&q, taken[i]);
		if ((res = db_write(&q, &changed)) != RES_OK)
			break;
		*n += changed;
		tally_recovered((struct db *)s, taken[i], next);
	}
	return res;
}

enum res
db_packet_purge(struct store *s, int64_t before, int32_t charge_day, size_t max, int64_t *n)
{
	struct db *db = (struct db *)s;
	struct query q;
	enum res res;

	db_query(&q, db, SQL_PACKET_PURGE);
	db_int(&q, before);
	db_int(&q, db_limit(max));
	if ((res = delete_packets(&q, n)) != RES_OK)
		return res;
	db_query(&q, db, SQL_CHARGE_PURGE);
	db_int(&q, charge_day);
	return db_write(&q, NULL);
}
