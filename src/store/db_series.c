/* Recurrences. */
#include <assert.h>

#include "base/log.h"
#include "core/jid.h"
#include "store/db.h"

/* The columns of SQL_SERIES_COLUMNS. */
enum {
	COL_ROWID, COL_ID, COL_SENDER, COL_RECIPIENT, COL_KIND, COL_OFFLINE, COL_RULE, COL_ZONE,
	COL_START, COL_AT, COL_EXPIRES_MS, COL_PAUSED, COL_PACKET, COL_SEALED
};

enum res
db_series_put(struct store *s, const struct series *se)
{
	struct query q;

	db_query(&q, (struct db *)s, SQL_SERIES_PUT);
	db_text(&q, se->id);
	db_text(&q, se->sender);
	db_text(&q, se->recipient);
	db_int(&q, se->kind);
	db_int(&q, se->offline);
	db_text(&q, se->rule.rule);
	db_text(&q, se->zone);
	db_text(&q, se->start);
	db_int(&q, se->at);
	db_int(&q, se->expires_ms);
	db_int(&q, se->paused);
	db_text(&q, se->packet);
	db_blob(&q, se->sealed);
	return db_write(&q, NULL);
}

/* The current row.  RES_PERMFAIL when it cannot be a series; RES_NOMEM. */
static enum res
read_row(struct query *q, struct arena *a, struct series *se)
{
	enum res res;
	bool ok = true;

	se->kind = (enum packet_kind)db_column_number(q, COL_KIND, KIND_IM, KIND_END - 1, &ok);
	se->offline = (enum offline)db_column_number(q, COL_OFFLINE, OFFLINE_AUTO, OFFLINE_END - 1,
	    &ok);
	se->at = sqlite3_column_int64(q->stmt, COL_AT);
	se->expires_ms = db_column_number(q, COL_EXPIRES_MS, 0, INT64_MAX, &ok);
	se->paused = db_column_number(q, COL_PAUSED, 0, 1, &ok) != 0;
	if (!ok)
		return RES_PERMFAIL;
	if ((res = db_column_id(q, COL_ID, se->id)) != RES_OK ||
	    (res = db_column_id(q, COL_PACKET, se->packet)) != RES_OK ||
	    (res = db_column_fixed(q, COL_RULE, se->rule.rule, sizeof(se->rule.rule))) != RES_OK ||
	    (res = db_column_fixed(q, COL_ZONE, se->zone, sizeof(se->zone))) != RES_OK ||
	    (res = db_column_fixed(q, COL_START, se->start, sizeof(se->start))) != RES_OK)
		return res;
	if (se->rule.rule[0] == '\0' || se->zone[0] == '\0' ||
	    se->start[RECUR_START_LEN - 1] == '\0')
		return RES_PERMFAIL;
	if ((res = db_column_copy(q, COL_SENDER, JID_BARE_MAX, a, &se->sender)) != RES_OK ||
	    (res = db_column_copy(q, COL_RECIPIENT, JID_FULL_MAX, a, &se->recipient)) != RES_OK)
		return res;
	return db_column_bytes(q, COL_SEALED, a, &se->sealed);
}

/* Appends the current row.  RES_PERMFAIL, which has been logged, and RES_NOMEM append nothing. */
static enum res
append_row(struct query *q, struct series_list *out)
{
	struct series *se = series_add(out);
	enum res res = se != NULL ? read_row(q, &out->arena, se) : RES_NOMEM;

	if (res != RES_OK && se != NULL)
		out->n--;
	if (res == RES_PERMFAIL)
		log_error("store: row %lld of series is damaged",
		    (long long)sqlite3_column_int64(q->stmt, COL_ROWID));
	return res;
}

enum res
db_series_get(struct store *s, const char *id, struct series_list *out)
{
	struct query q;
	enum res res;

	db_query(&q, (struct db *)s, SQL_SERIES_GET);
	db_text(&q, id);
	if ((res = db_row(&q)) != RES_OK)
		return res;
	res = append_row(&q, out);
	db_end(&q);
	return res;
}

enum res
db_series_drop(struct store *s, const char *id)
{
	struct query q;

	db_query(&q, (struct db *)s, SQL_SERIES_DROP);
	db_text(&q, id);
	return db_write(&q, NULL);
}

static const struct {
	enum sql which;
	bool by_who;
} finds[SERIES_NKINDS] = {
	[SERIES_OF] = { SQL_SERIES_OF, .by_who = true },
	[SERIES_STUCK] = { .which = SQL_SERIES_STUCK },
};

enum res
db_series_find(struct store *s, enum series_find kind, const char *who, size_t max,
    struct series_list *out)
{
	const size_t first = out->n;
	struct query q;
	enum res res = RES_OK;

	assert((unsigned)kind < SERIES_NKINDS && finds[kind].by_who == (who != NULL));
	db_query(&q, (struct db *)s, finds[kind].which);
	if (finds[kind].by_who)
		db_text(&q, who);
	/* Damaged rows do not count, or they would hide others for ever. */
	while (out->n - first < max && (res = db_row(&q)) == RES_OK)
		if ((res = append_row(&q, out)) == RES_NOMEM)
			break;
	if (res == RES_OK || res == RES_NOMEM)
		db_end(&q);
	/* A list at its arena's bound is still a list. */
	if (res == RES_NOMEM && out->n > first && q.db->turn != TURN_BROKEN) {
		out->arena.failed = false;
		res = RES_OK;
	}
	if (res == RES_OK || res == RES_NOTFOUND)
		return RES_OK;
	out->n = first;
	return res;
}
