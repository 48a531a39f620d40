/*
 * Commands that take time (REPLY_LATER): what is kept of each until it is run again, in a table
 * that is bounded in all and for each user.
 */
#ifndef LATERD_XMPP_PENDING_H
#define LATERD_XMPP_PENDING_H

#include <strophe.h>

#include "core/command.h"
#include "xmpp/session.h"

#define PENDING_PER_USER 3 /* of one bare JID */
#define PENDING_TOTAL    200

struct pending {
	uint64_t ticket;
	struct asker who;
	xmpp_stanza_t *iq;                /* owned; what an answer needs of it */
	char session[SESSION_ID_LEN + 1];
	struct session *begun;            /* the session itself, until it is live; else NULL */
	enum command_stage stage;
	struct form in;                   /* owned; what was submitted */
	int64_t until;                    /* monotonic: to be answered by then */
	unsigned runs;
	bool young;                       /* it was put here in a turn that has not ended */
	struct pending *prev, *next;
};

/* Zeroed is empty. */
struct pendings {
	struct pending *first;
	size_t n;
};

/* Of an iq, only what an answer needs: 200 whole ones would be a lot.  NULL without memory. */
xmpp_stanza_t *pending_outline(xmpp_ctx_t *ctx, xmpp_stanza_t *iq);
/*
 * Keep what p holds; what it owns is taken, and p is zeroed.  RES_OVERQUOTA: a bound is reached;
 * RES_NOMEM: with either, p stays the caller's.
 */
enum res pending_keep(struct pendings *ps, struct pending *p);
/* The first with that ticket; NULL when there is none. */
struct pending *pending_find(const struct pendings *ps, uint64_t ticket);
bool pending_has_session(const struct pendings *ps, const char *session);
/* The earliest `until`; NEVER_MS when none waits. */
int64_t pending_next(const struct pendings *ps);
/* The turn has ended well: nothing is young. */
void pending_settle(struct pendings *ps);
/* p leaves the table and is the caller's. */
void pending_take(struct pendings *ps, struct pending *p);
/* p is in no table; `begun` must have been seen to. */
void pending_free(struct pending **p);

#endif
