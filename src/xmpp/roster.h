/*
 * Being let see the presence of users whose server lets us write their rosters (XEP-0356 section 4;
 * RFC 6121 section 2): each is read, and our item in it is set so that we are subscribed to them.
 */
#ifndef LATERD_XMPP_ROSTER_H
#define LATERD_XMPP_ROSTER_H

#include "xmpp/privilege.h"
#include "xmpp/request.h"

#define NS_ROSTER "jabber:iq:roster"

#define ROSTERS_MAX     500 /* users under way at once */
#define ROSTERS_LEFT    100 /* subscriptions given back that are remembered */
#define ROSTERS_WAIT_MS (10 * SECOND_MS) /* for each answer */

/* -- One roster -------------------------------------------------------------------------------- */

/* Our item; it borrows from the stanza that it was read from. */
struct roster_item {
	bool from, to;    /* the subscription: "both" is both; from: we see the user's presence */
	const char *name; /* "" without */
	xmpp_stanza_t *st; /* with the groups; NULL: there is no such item */
};

/*
 * The item of `contact` (a prepared bare JID) in the answer to a roster get.  RES_INVALID: that is
 * no roster, or says of the subscription what nobody knows.
 */
enum res roster_read(xmpp_stanza_t *iq, const char *contact, struct roster_item *out);
/*
 * The query that sets it so that we see the user's presence; the rest of it stays as it is.  name:
 * for an item that does not exist yet.  The caller releases it; NULL without memory.
 */
xmpp_stanza_t *roster_query(
    xmpp_ctx_t *ctx, const char *contact, const char *name, const struct roster_item *item);

/* -- All of them ------------------------------------------------------------------------------- */

/* All borrowed.  What is called may call back, and must not free. */
struct rosters_env {
	xmpp_ctx_t *ctx;
	struct requests *requests;
	const struct privilege *privilege;
	const char *from;    /* the address that has the privileges */
	const char *contact; /* the one that stands in rosters, a prepared bare JID */
	const char *name;    /* of it, for people */
	/* The user's server has taken it, or we were subscribed to them before. */
	void (*granted)(void *arg, const char *user);
	/* It is not to be had so: ask the user. */
	void (*ask)(void *arg, const char *user, const char *words);
	/* Their server has answered with this error, which may say that we may not. */
	void (*refused)(void *arg, const char *domain, xmpp_stanza_t *error);
	void *arg;
};

struct rosters;

/* env is copied.  NULL without memory. */
struct rosters *rosters_new(const struct rosters_env *env);
/* After requests_free; nothing is called. */
void rosters_free(struct rosters **rs);

/*
 * Begin, for a prepared bare JID.  True: either `granted` or `ask` is called once, and not within
 * this call, or neither if the turn cannot be written.  What the end of the stream interrupts
 * begins again with the next one.  A user for whom it is under way already counts as begun.  False:
 * nothing was begun, and nothing is called, since their domain does not grant it, or too many are
 * under way.
 */
bool rosters_subscribe(struct rosters *rs, const char *user, const char *words);
/* The subscription is given back: what is under way for this user ends, and nothing is called. */
void rosters_leave(struct rosters *rs, const char *user);
/*
 * The user says `unsubscribed`.  True: that answers rosters_leave and is no news; only once, and
 * not after rosters_subscribe.
 */
bool rosters_left(struct rosters *rs, const char *user);

/* A stream is up, and what it grants is known. */
void rosters_resume(struct rosters *rs);
/* The turn is on disk. */
void rosters_committed(struct rosters *rs);
/*
 * It could not be written, and what it sent was discarded: the users are asked again, and who was
 * given back in it is not awaited (rosters_left).
 */
void rosters_failed(struct rosters *rs);

#endif
