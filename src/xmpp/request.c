#include "xmpp/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A full table without memory leaves the new member out; exit() is not ours to call. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "xmpp/privilege.h"
#include "xmpp/stanza.h"

#define ID_MAX 32
#define NS_CLIENT "jabber:client"
#define NS_FORWARD "urn:xmpp:forward:0"

struct question {
	UT_hash_handle hh;
	char id[ID_MAX];
	char *to, *as; /* as: NULL in our own name */
	request_fn *fn;
	void *arg;
	int64_t until; /* monotonic */
	uint64_t turn; /* the one it was asked in */
	bool unsent;
	struct question *prev, *next;
};

struct requests {
	struct requests_env env;
	struct question *table;
	struct question *line; /* the same, by `until` */
	uint64_t last; /* never starts again: no late answer is to be taken for another's */
	uint64_t turn;
	bool resetting;
	struct timer timer;
};

static void lapse(void *arg);

struct requests *
requests_new(const struct requests_env *env)
{
	struct requests *rs = calloc(1, sizeof(*rs));

	if (rs != NULL)
		rs->env = *env;
	return rs;
}

static void
arm(struct requests *rs)
{
	if (rs->line == NULL)
		timer_stop(&rs->timer);
	else
		timer_set(rs->env.timers, &rs->timer, rs->line->until, lapse, rs);
}

static void
question_free(struct question *q)
{
	free(q->to);
	free(q->as);
	free(q);
}

/* q is in no table any more. */
static void
take(struct requests *rs, struct question *q)
{
	HASH_DEL(rs->table, q);
	DL_DELETE(rs->line, q);
}

void
requests_free(struct requests **rsp)
{
	struct requests *rs = *rsp;
	struct question *q;

	if (rs == NULL)
		return;
	timer_stop(&rs->timer);
	while ((q = rs->line) != NULL) {
		take(rs, q);
		question_free(q);
	}
	free(rs);
	*rsp = NULL;
}

/* There are few different timeouts, so the place is near the end. */
static void
stand_in_line(struct requests *rs, struct question *q)
{
	struct question *before = rs->line == NULL ? NULL : rs->line->prev;

	while (before != NULL && before->until > q->until)
		before = before == rs->line ? NULL : before->prev;
	DL_APPEND_ELEM(rs->line, before, q);
}

static void
end(struct requests *rs, struct question *q, enum request_end how, xmpp_stanza_t *iq)
{
	struct request_answer answer = {
		.end = how, .unsent = q->unsent && how == REQUEST_GONE, .from = q->to, .iq = iq
	};

	take(rs, q);
	arm(rs);
	q->fn(q->arg, &answer);
	question_free(q);
}

static void
lapse(void *arg)
{
	struct requests *rs = arg;
	int64_t now = clock_mono(rs->env.clock);

	while (rs->line != NULL && rs->line->until <= now)
		end(rs, rs->line, rs->line->unsent ? REQUEST_GONE : REQUEST_TIMEOUT, NULL);
	arm(rs);
}

/* -- Asking ------------------------------------------------------------------------------------ */

/* Takes child, which may be NULL. */
static bool
put_in(xmpp_stanza_t *parent, xmpp_stanza_t *child)
{
	bool ok = parent != NULL && child != NULL &&
	    xmpp_stanza_add_child_ex(parent, child, 0) == XMPP_EOK;

	if (!ok && child != NULL)
		xmpp_stanza_release(child);
	return ok;
}

/* An iq to `to` with the child, which is taken and may be NULL. */
static xmpp_stanza_t *
frame(struct requests *rs, const struct request *rq, const char *id, const char *to,
    xmpp_stanza_t *child)
{
	xmpp_stanza_t *iq = stanza_new(rs->env.ctx, "iq", NULL);

	if (put_in(iq, child) && xmpp_stanza_set_type(iq, rq->type) == XMPP_EOK &&
	    xmpp_stanza_set_id(iq, id) == XMPP_EOK && xmpp_stanza_set_to(iq, to) == XMPP_EOK)
		return iq;
	if (iq != NULL)
		xmpp_stanza_release(iq);
	return NULL;
}

/* What the user's server is to send for them; NULL is borne, and what is given taken. */
static xmpp_stanza_t *
wrap(struct requests *rs, xmpp_stanza_t *iq)
{
	xmpp_stanza_t *wrapper = stanza_new(rs->env.ctx, "privileged_iq", NS_PRIVILEGE_2);

	if (iq != NULL && xmpp_stanza_set_ns(iq, NS_CLIENT) != XMPP_EOK) {
		xmpp_stanza_release(iq);
		iq = NULL;
	}
	if (put_in(wrapper, iq))
		return wrapper;
	if (wrapper != NULL)
		xmpp_stanza_release(wrapper);
	return NULL;
}

/* The child is taken. */
static xmpp_stanza_t *
frame_whole(struct requests *rs, const struct request *rq, const char *id)
{
	xmpp_stanza_t *iq = frame(rs, rq, id, rq->to, rq->child);

	if (rq->as != NULL)
		iq = frame(rs, rq, id, rq->as, wrap(rs, iq));
	if (iq == NULL || xmpp_stanza_set_from(iq, rq->from) == XMPP_EOK)
		return iq;
	xmpp_stanza_release(iq);
	return NULL;
}

static struct question *
question_new(struct requests *rs, const struct request *rq)
{
	struct question *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->to = strdup(rq->to);
	q->as = rq->as == NULL ? NULL : strdup(rq->as);
	if (q->to == NULL || (rq->as != NULL && q->as == NULL)) {
		question_free(q);
		return NULL;
	}
	snprintf(q->id, sizeof(q->id), "request-%" PRIu64, ++rs->last);
	q->fn = rq->fn;
	q->arg = rq->arg;
	q->until = clock_mono(rs->env.clock) + rq->timeout_ms;
	q->turn = rs->turn;
	return q;
}

/* Takes q unless it fails.  It comes into the table first: what has left cannot be taken back. */
static enum res
put_out(struct requests *rs, struct question *q, xmpp_stanza_t *iq)
{
	enum res res;

	HASH_ADD_STR(rs->table, id, q);
	if (q->hh.tbl == NULL)
		return RES_NOMEM;
	stand_in_line(rs, q);
	res = rs->env.send(rs->env.arg, iq);
	if (res != RES_OK)
		take(rs, q);
	arm(rs);
	return res;
}

enum res
requests_ask(struct requests *rs, const struct request *rq)
{
	bool full = rs->resetting || HASH_COUNT(rs->table) >= REQUESTS_MAX;
	struct question *q = full ? NULL : question_new(rs, rq);
	xmpp_stanza_t *iq;
	enum res res = RES_NOMEM;

	if (q == NULL) {
		if (rq->child != NULL)
			xmpp_stanza_release(rq->child);
		return full ? RES_TEMPFAIL : RES_NOMEM;
	}
	iq = frame_whole(rs, rq, q->id);
	if (iq != NULL) {
		res = put_out(rs, q, iq);
		xmpp_stanza_release(iq);
	}
	if (res != RES_OK)
		question_free(q);
	return res;
}

/* -- Ends -------------------------------------------------------------------------------------- */

static bool
is_from(const struct jid *from, const char *want)
{
	struct buf who = { .max = JID_FULL_MAX };
	bool is = jid_print(&who, from) == RES_OK && strcmp(buf_str(&who), want) == 0;

	buf_free(&who);
	return is;
}

static bool
is_of_type(xmpp_stanza_t *iq, const char *type)
{
	return strcmp(stanza_attr(iq, "type"), type) == 0;
}

/* The answer that the user's server got for them, within the iq that it sends us; NULL: none. */
static xmpp_stanza_t *
unwrap(const struct question *q, xmpp_stanza_t *iq)
{
	xmpp_stanza_t *privilege = stanza_child(iq, "privilege", NS_PRIVILEGE_2);
	xmpp_stanza_t *inner = stanza_child(
	    stanza_child(privilege, "forwarded", NS_FORWARD), "iq", NS_CLIENT);
	struct jid from, to;

	if (inner == NULL || strcmp(stanza_attr(inner, "id"), q->id) != 0 ||
	    jid_parse_text(&from, stanza_attr(inner, "from")) != RES_OK || !is_from(&from, q->to) ||
	    jid_parse_text(&to, stanza_attr(inner, "to")) != RES_OK ||
	    strcmp(to.bare, q->as) != 0)
		return NULL;
	return is_of_type(inner, "result") || is_of_type(inner, "error") ? inner : NULL;
}

void
requests_answered(struct requests *rs, const struct jid *from, xmpp_stanza_t *iq)
{
	const char *id = stanza_attr(iq, "id");
	struct question *q;

	if (!is_of_type(iq, "result") && !is_of_type(iq, "error"))
		return;
	HASH_FIND_STR(rs->table, id, q);
	/* An answer to what has not left is none, and would come within the turn that asks. */
	if (q == NULL || q->unsent || q->turn == rs->turn ||
	    !is_from(from, q->as == NULL ? q->to : q->as))
		return;
	if (q->as != NULL && is_of_type(iq, "result"))
		iq = unwrap(q, iq);
	else if (q->as != NULL) {
		end(rs, q, REQUEST_DENIED, iq);
		return;
	}
	end(rs, q, iq == NULL ? REQUEST_DENIED
	    : is_of_type(iq, "result") ? REQUEST_RESULT : REQUEST_ERROR, iq);
}

void
requests_committed(struct requests *rs)
{
	rs->turn++;
}

void
requests_failed(struct requests *rs)
{
	struct question *q, *next;
	int64_t now = clock_mono(rs->env.clock);

	DL_FOREACH_SAFE(rs->line, q, next) {
		if (q->turn != rs->turn)
			continue;
		DL_DELETE(rs->line, q);
		q->unsent = true;
		q->until = now;
		stand_in_line(rs, q);
	}
	rs->turn++;
	arm(rs);
}

void
requests_reset(struct requests *rs)
{
	rs->resetting = true;
	while (rs->line != NULL)
		end(rs, rs->line, REQUEST_GONE, NULL);
	rs->resetting = false;
}
