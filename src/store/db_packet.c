/* Packets and their history: what is written.  db_packet_find.c has what is looked for. */
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
 * Binds which row p is a copy of, and writes.  RES_NOTFOUND: the row has been moved or edited since
 * the copy was made.
 */
static enum res
write_as_copied(struct query *q, const struct packet *p)
{
	enum res res;
	int changed;

	db_text(q, p->id);
	db_int(q, p->state);
	db_int(q, p->revision);
	if ((res = db_write(q, &changed)) != RES_OK)
		return res;
	return changed > 0 ? RES_OK : RES_NOTFOUND;
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
	if ((res = write_as_copied(&q, p)) == RES_OK &&
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
	if ((res = write_as_copied(&q, p)) == RES_OK &&
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
	if ((res = write_as_copied(&q, p)) == RES_OK)
		res = db_account_charge(db, p);
	return res;
}

enum res
db_packet_erase(struct store *s, const char *id)
{
	struct query q;
	enum res res;
	int changed;

	db_query(&q, (struct db *)s, SQL_PACKET_ERASE);
	db_text(&q, id);
	if ((res = db_write(&q, &changed)) != RES_OK)
		return res;
	return changed > 0 ? RES_OK : RES_NOTFOUND;
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
db_packet_purge(struct store *s, int64_t before, int32_t charge_day, size_t max, int64_t *n)
{
	struct db *db = (struct db *)s;
	struct query q;
	enum res res;
	int changed = 0;

	*n = 0;
	db_query(&q, db, SQL_PACKET_PURGE);
	db_int(&q, before);
	db_int(&q, db_limit(max));
	if ((res = db_write(&q, &changed)) != RES_OK)
		return res;
	*n = changed;
	db_query(&q, db, SQL_CHARGE_PURGE);
	db_int(&q, charge_day);
	return db_write(&q, NULL);
}
