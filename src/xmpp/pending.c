#include "xmpp/pending.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "xmpp/stanza.h"

xmpp_stanza_t *
pending_outline(xmpp_ctx_t *ctx, xmpp_stanza_t *iq)
{
	xmpp_stanza_t *reply = stanza_reply(ctx, iq, "result"), *st = NULL;

	if (reply != NULL) {
		st = stanza_reply(ctx, reply, "set");
		xmpp_stanza_release(reply);
	}
	return st;
}

enum res
pending_keep(struct pendings *ps, struct pending *p)
{
	struct pending *kept, *other;
	size_t mine = 0;

	DL_FOREACH(ps->first, other)
		mine += strcmp(other->who.jid.bare, p->who.jid.bare) == 0;
	if (mine >= PENDING_PER_USER || ps->n >= PENDING_TOTAL)
		return RES_OVERQUOTA;
	kept = malloc(sizeof(*kept));
	if (kept == NULL)
		return RES_NOMEM;
	*kept = *p;
	memset(p, 0, sizeof(*p));
	DL_APPEND(ps->first, kept);
	ps->n++;
	return RES_OK;
}

struct pending *
pending_find(const struct pendings *ps, uint64_t ticket)
{
	struct pending *p;

	DL_FOREACH(ps->first, p)
		if (p->ticket == ticket)
			return p;
	return NULL;
}

bool
pending_has_session(const struct pendings *ps, const char *session)
{
	const struct pending *p;

	DL_FOREACH(ps->first, p)
		if (strcmp(p->session, session) == 0)
			return true;
	return false;
}

int64_t
pending_next(const struct pendings *ps)
{
	const struct pending *p;
	int64_t next = NEVER_MS;

	DL_FOREACH(ps->first, p)
		if (p->until < next)
			next = p->until;
	return next;
}

void
pending_settle(struct pendings *ps)
{
	struct pending *p;

	DL_FOREACH(ps->first, p)
		p->young = false;
}

void
pending_take(struct pendings *ps, struct pending *p)
{
	DL_DELETE(ps->first, p);
	ps->n--;
}

void
pending_free(struct pending **pp)
{
	struct pending *p = *pp;

	if (p == NULL)
		return;
	assert(p->begun == NULL);
	if (p->iq != NULL)
		xmpp_stanza_release(p->iq);
	form_free(&p->in);
	free(p);
	*pp = NULL;
}
