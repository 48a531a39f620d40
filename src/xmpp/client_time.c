#include "xmpp/client_time.h"

#include <stdlib.h>
#include <string.h>

/* A full table without memory leaves the new member out; exit() is not ours to call. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "core/zone.h"
#include "xmpp/query.h"
#include "xmpp/stanza.h"

/* "-03:30" */
#define TZO_LEN 6

struct client {
	UT_hash_handle hh;
	struct client_time *owner;
	char *jid;
	bool says;
	int32_t offset_s;
	int64_t until; /* monotonic: remembered until then */
};

struct client_time {
	struct client_time_env env;
	struct client *asked; /* each is the `arg` of its request */
	struct client *known; /* oldest first */
};

struct client_time *
client_time_new(const struct client_time_env *env)
{
	struct client_time *ct = calloc(1, sizeof(*ct));

	if (ct != NULL)
		ct->env = *env;
	return ct;
}

static void
client_free(struct client *cl)
{
	free(cl->jid);
	free(cl);
}

static struct client *
client_new(struct client_time *ct, const char *jid)
{
	struct client *cl = calloc(1, sizeof(*cl));

	if (cl == NULL)
		return NULL;
	cl->owner = ct;
	cl->jid = strdup(jid);
	if (cl->jid == NULL) {
		free(cl);
		return NULL;
	}
	return cl;
}

static bool
add(struct client **table, struct client *cl)
{
	HASH_ADD_KEYPTR(hh, *table, cl->jid, strlen(cl->jid), cl);
	return cl->hh.tbl != NULL;
}

static void
forget_all(struct client **table)
{
	struct client *cl, *next;

	HASH_ITER(hh, *table, cl, next) {
		HASH_DEL(*table, cl);
		client_free(cl);
	}
}

void
client_time_free(struct client_time **ctp)
{
	if (*ctp == NULL)
		return;
	forget_all(&(*ctp)->asked);
	forget_all(&(*ctp)->known);
	free(*ctp);
	*ctp = NULL;
}

void
client_time_reset(struct client_time *ct)
{
	forget_all(&ct->known);
}

/* -- Answers ----------------------------------------------------------------------------------- */

/* XEP-0082 section 3.2: "Z", or sign, hours, colon and minutes; names and short forms are none. */
static bool
read_tzo(struct span text, int32_t *offset_s)
{
	struct zone zone;

	if (!span_eq(text, SPAN("Z")) && (text.len != TZO_LEN || text.p[3] != ':'))
		return false;
	if (zone_find(&zone, text) != RES_OK)
		return false;
	*offset_s = zone.offset_s;
	return true;
}

static bool
read_answer(xmpp_stanza_t *iq, int32_t *offset_s)
{
	xmpp_stanza_t *tzo = stanza_child(stanza_child(iq, "time", NS_TIME), "tzo", NS_TIME);
	struct buf text = { .max = TZO_LEN + 1 };
	bool ok;

	ok = tzo != NULL && stanza_get_text(tzo, &text) == RES_OK &&
	    read_tzo(buf_as_span(&text), offset_s);
	buf_free(&text);
	return ok;
}

static void
remember(struct client_time *ct, struct client *cl)
{
	struct client *oldest = ct->known;

	cl->until = clock_mono(ct->env.clock) +
	    (cl->says ? CLIENT_TIME_KEPT_MS : CLIENT_TIME_SILENT_MS);
	if (HASH_COUNT(ct->known) >= CLIENT_TIME_MAX) {
		HASH_DEL(ct->known, oldest);
		client_free(oldest);
	}
	if (!add(&ct->known, cl))
		client_free(cl);
}

static void
on_answer(void *arg, const struct request_answer *a)
{
	struct client *cl = arg;
	struct client_time *ct = cl->owner;

	HASH_DEL(ct->asked, cl);
	cl->says = a->end == REQUEST_RESULT && read_answer(a->iq, &cl->offset_s);
	if (a->end == REQUEST_GONE)
		client_free(cl);
	else
		remember(ct, cl);
	/* Last, since it may call back. */
	ct->env.told(ct->env.arg, a->from);
}

/* -- Questions --------------------------------------------------------------------------------- */

static enum res
ask(struct client_time *ct, const char *jid)
{
	struct client *cl = client_new(ct, jid);
	struct request rq = {
		.type = "get",
		.from = ct->env.from,
		.to = jid,
		.timeout_ms = CLIENT_TIME_WAIT_MS,
		.fn = on_answer,
		.arg = cl,
	};

	if (cl == NULL)
		return RES_NOMEM;
	if (add(&ct->asked, cl)) {
		rq.child = stanza_new(ct->env.ctx, "time", NS_TIME);
		if (requests_ask(ct->env.requests, &rq) == RES_OK)
			return RES_UNCERTAIN;
		HASH_DEL(ct->asked, cl);
	}
	client_free(cl);
	return RES_TEMPFAIL;
}

static enum res
look_up(struct client_time *ct, const char *jid, int32_t *offset_s)
{
	struct client *cl;

	HASH_FIND_STR(ct->asked, jid, cl);
	if (cl != NULL)
		return RES_UNCERTAIN;
	HASH_FIND_STR(ct->known, jid, cl);
	if (cl != NULL && cl->until > clock_mono(ct->env.clock)) {
		if (!cl->says)
			return RES_NOTFOUND;
		*offset_s = cl->offset_s;
		return RES_OK;
	}
	if (cl != NULL) {
		HASH_DEL(ct->known, cl);
		client_free(cl);
	}
	return ask(ct, jid) == RES_UNCERTAIN ? RES_UNCERTAIN : RES_NOTFOUND;
}

enum res
client_time_offset(struct client_time *ct, const char *jid, int32_t *offset_s)
{
	struct buf full = { .max = JID_FULL_MAX };
	struct jid parsed;
	enum res res = RES_NOTFOUND;

	if (jid_parse_text(&parsed, jid) == RES_OK && *parsed.resource != '\0' &&
	    jid_print(&full, &parsed) == RES_OK)
		res = look_up(ct, buf_str(&full), offset_s);
	buf_free(&full);
	return res;
}
