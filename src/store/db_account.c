/*
 * What the store knows of people: quota, settings, blocking, contacts, who has written to whom, and
 * wishes to be left alone or forgotten; and the small values by name.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/jid.h"
#include "store/db.h"

enum res
db_account_charge(
    struct db *db, const char *who, enum packet_kind kind, int32_t day, int64_t units)
{
	struct query q;

	if (day == 0)
		return RES_OK;
	db_query(&q, db, SQL_CHARGE_ADD);
	db_text(&q, who);
	db_int(&q, kind);
	db_int(&q, day);
	db_int(&q, units);
	return db_write(&q, NULL);
}

enum res
db_account_use(struct store *s, const char *sender, enum packet_kind kind, int32_t day,
    struct quota_use *out)
{
	struct query q;
	enum res res;

	db_query(&q, (struct db *)s, SQL_CHARGE_SUM);
	db_int(&q, day);
	db_text(&q, sender);
	db_int(&q, kind);
	db_int(&q, day / 100 * 100);
	db_int(&q, day / 100 * 100 + 99);
	if ((res = db_row(&q)) != RES_OK)
		return res;
	out->day = sqlite3_column_int64(q.stmt, 0);
	out->month = sqlite3_column_int64(q.stmt, 1);
	db_end(&q);
	return RES_OK;
}

/* What of p's charge can be given back to its sender. */
static enum res
refundable(struct db *db, const struct packet *p, int64_t *units)
{
	struct query q;
	enum res res;

	*units = 0;
	db_query(&q, db, SQL_CHARGE_GET);
	db_text(&q, p->sender);
	db_int(&q, p->kind);
	db_int(&q, p->charge_day);
	if ((res = db_row(&q)) != RES_OK)
		return res == RES_NOTFOUND ? RES_OK : res;
	*units = sqlite3_column_int64(q.stmt, 0);
	if (*units > p->charge_units)
		*units = p->charge_units;
	db_end(&q);
	return RES_OK;
}

enum res
db_account_refund(struct store *s, const struct packet *p)
{
	/* The service gets back what the sender gets: the rest was charged by others. */
	const char *const payers[] = { p->sender, QUOTA_SERVICE };
	struct db *db = (struct db *)s;
	struct query q;
	enum res res = RES_OK;
	int64_t units = 0;

	if (p->charge_day != 0)
		res = refundable(db, p, &units);
	for (size_t i = 0; i < 2 && res == RES_OK && units > 0; i++) {
		db_query(&q, db, SQL_CHARGE_TAKE);
		db_int(&q, units);
		db_text(&q, payers[i]);
		db_int(&q, p->kind);
		db_int(&q, p->charge_day);
		res = db_write(&q, NULL);
	}
	return res;
}

enum res
db_account_charges(struct store *s, const char *sender, size_t max, struct events *out)
{
	char words[40];
	struct query q;
	enum res res;

	db_query(&q, (struct db *)s, SQL_CHARGE_LIST);
	db_text(&q, sender);
	db_int(&q, db_limit(max));
	while ((res = db_row(&q)) == RES_OK) {
		const enum packet_kind kind = (enum packet_kind)sqlite3_column_int(q.stmt, 1);

		(void)snprintf(words, sizeof(words), "%s %lld", packet_kind_name(kind),
		    (long long)sqlite3_column_int64(q.stmt, 2));
		if ((res = db_event(out, sqlite3_column_int64(q.stmt, 0), span_of(words))) !=
		    RES_OK) {
			db_end(&q);
			return res;
		}
	}
	return res == RES_NOTFOUND ? RES_OK : res;
}

enum res
db_account_limit(struct store *s, const char *who, enum packet_kind kind, struct quota_limit *out)
{
	struct query q;
	enum res res;

	db_query(&q, (struct db *)s, SQL_LIMIT_GET);
	db_text(&q, who);
	db_int(&q, kind);
	if ((res = db_row(&q)) != RES_OK)
		return res;
	out->per_day = sqlite3_column_int64(q.stmt, 0);
	out->per_month = sqlite3_column_int64(q.stmt, 1);
	db_end(&q);
	return RES_OK;
}

enum res
db_account_set_limit(struct store *s, const char *who, enum packet_kind kind,
    const struct quota_limit *limit)
{
	struct query q;

	db_query(&q, (struct db *)s, SQL_LIMIT_SET);
	db_text(&q, who);
	db_int(&q, kind);
	db_int(&q, limit->per_day);
	db_int(&q, limit->per_month);
	return db_write(&q, NULL);
}

enum res
db_account_drop_limit(struct store *s, const char *who, enum packet_kind kind)
{
	struct query q;

	db_query(&q, (struct db *)s, SQL_LIMIT_DROP);
	db_text(&q, who);
	db_int(&q, kind);
	return db_write(&q, NULL);
}

/* A number that is no choice counts as none made. */
static int
choice(struct query *q, int column, int none, int end)
{
	int64_t value = sqlite3_column_int64(q->stmt, column);

	return value > none && value < end ? (int)value : none;
}

enum res
db_account_get(struct store *s, const char *jid, struct account *out)
{
	struct query q;
	enum res res;

	*out = (struct account){ 0 };
	db_query(&q, (struct db *)s, SQL_ACCOUNT_GET);
	db_text(&q, jid);
	if ((res = db_row(&q)) != RES_OK)
		return res == RES_NOTFOUND ? RES_OK : res;
	out->blocked = sqlite3_column_int64(q.stmt, 0) != 0;
	out->notify = (enum notify)choice(&q, 1, NOTIFY_FAILURE, NOTIFY_END);
	out->offline = (enum offline)choice(&q, 2, 0, OFFLINE_END);
	out->hours = (enum hours)choice(&q, 3, HOURS_24, HOURS_END);
	if ((res = db_column_fixed(&q, 4, out->zone, sizeof(out->zone))) == RES_PERMFAIL)
		res = RES_OK;
	db_end(&q);
	return res;
}

enum res
db_account_set(struct store *s, const char *jid, const struct account *account)
{
	struct query q;

	db_query(&q, (struct db *)s, SQL_ACCOUNT_SET);
	db_text(&q, jid);
	db_int(&q, account->blocked);
	db_int(&q, account->notify);
	db_int(&q, account->offline);
	db_int(&q, account->hours);
	db_text(&q, account->zone);
	return db_write(&q, NULL);
}

enum res
db_account_set_forget(struct store *s, const char *jid, int64_t at)
{
	struct query q;

	db_query(&q, (struct db *)s, at != 0 ? SQL_FORGET_SET : SQL_FORGET_DONE);
	db_text(&q, jid);
	if (at != 0)
		db_int(&q, at);
	return db_write(&q, NULL);
}

enum res
db_account_forgets(struct store *s, size_t max, struct events *out)
{
	const size_t first = out->n;
	struct query q;
	struct span jid;
	enum res res = RES_OK;

	db_query(&q, (struct db *)s, SQL_FORGET_LIST);
	while (out->n - first < max && (res = db_row(&q)) == RES_OK) {
		res = db_column_text(&q, 1, &jid);
		if (res == RES_PERMFAIL || (res == RES_OK && jid.len > JID_BARE_MAX)) {
			/* It must not keep others from being forgotten. */
			log_error("store: a row of forget is damaged and is left out");
			continue;
		}
		if (res != RES_OK ||
		    (res = db_event(out, sqlite3_column_int64(q.stmt, 0), jid)) != RES_OK)
			break;
	}
	if (res == RES_OK || res == RES_NOMEM)
		db_end(&q);
	return res == RES_NOTFOUND ? RES_OK : res;
}

enum res
db_account_forget(struct store *s, const char *jid)
{
	static const enum sql steps[] = { SQL_ACCOUNT_DROP, SQL_ACCOUNT_EMPTY, SQL_CONTACT_DROP,
		SQL_PAIR_FORGET };
	struct query q;
	enum res res = RES_OK;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && res == RES_OK; i++) {
		db_query(&q, (struct db *)s, steps[i]);
		db_text(&q, jid);
		res = db_write(&q, NULL);
	}
	return res;
}

enum res
db_account_contact(struct store *s, const char *jid, enum contact *out, int64_t *changed_at)
{
	struct query q;
	enum res res;
	int64_t state;

	*out = CONTACT_NONE;
	if (changed_at != NULL)
		*changed_at = 0;
	db_query(&q, (struct db *)s, SQL_CONTACT_GET);
	db_text(&q, jid);
	if ((res = db_row(&q)) != RES_OK)
		return res == RES_NOTFOUND ? RES_OK : res;
	state = sqlite3_column_int64(q.stmt, 0);
	/* A number that is no answer counts as none, and is overwritten by the next answer. */
	if (state > CONTACT_NONE && state < CONTACT_END)
		*out = (enum contact)state;
	if (changed_at != NULL)
		*changed_at = sqlite3_column_int64(q.stmt, 1);
	db_end(&q);
	return RES_OK;
}

enum res
db_account_set_contact(struct store *s, const char *jid, enum contact state, int64_t now)
{
	struct query q;

	db_query(&q, (struct db *)s, SQL_CONTACT_SET);
	db_text(&q, jid);
	db_int(&q, state);
	db_int(&q, now);
	return db_write(&q, NULL);
}

enum res
db_account_stopped(struct store *s, const char *jid, bool *out)
{
	struct query q;
	enum res res;

	*out = false;
	db_query(&q, (struct db *)s, SQL_STOPPED_GET);
	db_text(&q, jid);
	if ((res = db_row(&q)) != RES_OK)
		return res == RES_NOTFOUND ? RES_OK : res;
	*out = true;
	db_end(&q);
	return RES_OK;
}

enum res
db_account_set_stopped(struct store *s, const char *jid, int64_t at)
{
	struct query q;

	db_query(&q, (struct db *)s, at != 0 ? SQL_STOPPED_SET : SQL_STOPPED_DROP);
	db_text(&q, jid);
	if (at != 0)
		db_int(&q, at);
	return db_write(&q, NULL);
}

/* When the sender has last written to the recipient; RES_NOTFOUND, and then 0. */
static enum res
last_written(struct db *db, const char *sender, const char *recipient, int64_t *at)
{
	struct query q;
	enum res res;

	*at = 0;
	db_query(&q, db, SQL_PAIR_GET);
	db_text(&q, sender);
	db_text(&q, recipient);
	if ((res = db_row(&q)) != RES_OK)
		return res;
	/* Nobody has written before 1970. */
	if ((*at = sqlite3_column_int64(q.stmt, 0)) < 0)
		*at = 0;
	db_end(&q);
	return RES_OK;
}

enum res
db_account_set_pair(struct store *s, const char *sender, const char *recipient, int64_t at)
{
	struct db *db = (struct db *)s;
	struct query q;
	enum res res;
	int64_t noted;

	res = last_written(db, sender, recipient, &noted);
	/* What is ahead of us was noted by a clock that has been set back since. */
	if (res == RES_OK && (at < noted ? at > noted - HOUR_MS : at - noted < HOUR_MS))
		return RES_OK;
	if (res != RES_OK && res != RES_NOTFOUND)
		return res;
	db_query(&q, db, SQL_PAIR_SET);
	db_text(&q, sender);
	db_text(&q, recipient);
	db_int(&q, at);
	return db_write(&q, NULL);
}

enum res
db_account_pair(struct store *s, const char *one, const char *other, int64_t *at)
{
	struct db *db = (struct db *)s;
	enum res res;
	int64_t back;

	res = last_written(db, one, other, at);
	if (res == RES_OK || res == RES_NOTFOUND)
		res = last_written(db, other, one, &back);
	if (res != RES_OK && res != RES_NOTFOUND)
		return res;
	if (back > *at)
		*at = back;
	return RES_OK;
}

enum res
db_account_purge_pairs(struct store *s, int64_t before, size_t max, int64_t *n)
{
	struct query q;
	enum res res;
	int changed = 0;

	db_query(&q, (struct db *)s, SQL_PAIR_PURGE);
	db_int(&q, before);
	db_int(&q, db_limit(max));
	res = db_write(&q, &changed);
	*n = changed;
	return res;
}

enum res
db_account_contacts_waiting(struct store *s, const char *after, size_t max, struct events *out)
{
	struct query q;
	struct span jid;
	enum res res;

	db_query(&q, (struct db *)s, SQL_CONTACT_WAITING);
	db_text(&q, after);
	db_int(&q, db_limit(max));
	while ((res = db_row(&q)) == RES_OK)
		if ((res = db_column_text(&q, 0, &jid)) != RES_OK ||
		    (res = db_event(out, 0, jid)) != RES_OK) {
			db_end(&q);
			return res;
		}
	return res == RES_NOTFOUND ? RES_OK : res;
}

enum res
db_account_meta(struct store *s, const char *name, struct buf *out)
{
	struct query q;
	struct span value;
	enum res res;

	db_query(&q, (struct db *)s, SQL_META_GET);
	db_text(&q, name);
	if ((res = db_row(&q)) != RES_OK)
		return res;
	if ((res = db_column_text(&q, 0, &value)) == RES_OK)
		res = buf_span(out, value);
	db_end(&q);
	return res;
}

enum res
db_account_set_meta(struct store *s, const char *name, const char *value)
{
	struct query q;

	db_query(&q, (struct db *)s, SQL_META_SET);
	db_text(&q, name);
	db_text(&q, value);
	return db_write(&q, NULL);
}
