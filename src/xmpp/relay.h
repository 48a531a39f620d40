/*
 * Replies: what somebody writes to the alias of a user (jid_alias) is passed on to the user,
 * between people who have written to each other through us.  Nothing is stored.
 */
#ifndef LATERD_XMPP_RELAY_H
#define LATERD_XMPP_RELAY_H

#include <strophe.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "core/jid.h"
#include "core/ports.h"
#include "xmpp/privilege.h"

/* What one person may write to another. */
struct relay_bounds {
	unsigned burst;    /* messages at once: 30 */
	int64_t refill_ms; /* until there may be one more: 1 s */
	size_t pairs;      /* remembered; the one silent for longest gives way: 10000 */
};

extern const struct relay_bounds relay_bounds_default;

/* What it needs of its surroundings; all borrowed. */
struct relay_env {
	xmpp_ctx_t *ctx;
	const struct clock *clock;
	const char *address; /* our domain */
	const struct privilege *privilege;
	/* Bare JIDs (messenger_events.may_relay). */
	enum relay (*may)(void *arg, const char *from, const char *to);
	/*
	 * This message is answered or passed on: should the turn fail, it is to be answered with an
	 * error.  False without memory.
	 */
	bool (*again)(void *arg, xmpp_stanza_t *message);
	/* Send an answer, which the callee takes; NULL without memory. */
	void (*answered)(void *arg, xmpp_stanza_t *answer);
	/* Send one whole stanza with the turn. */
	enum res (*write)(void *arg, struct span xml);
	void *arg;
};

struct relays;

/* Bounds and env are copied.  NULL without memory. */
struct relays *relays_new(const struct relay_bounds *bounds, const struct relay_env *env);
void relays_free(struct relays **r);

/*
 * A message to `to`, an address of our domain that is neither it nor the bot, from `from`; both
 * prepared, and no error.  Types chat and normal.  It is dropped without a word where nobody can
 * have written it to us (another type, our own domain, a server, carbons), and where it has nothing
 * to say (message_copy, message_content).  It is answered with an error in words where
 *
 *   more come than the bounds allow  resource-constraint, wait; once, then none until one may come
 *   nobody is there: no alias, our   item-not-found
 *     own domain, the writer's own
 *   `may` denies                     service-unavailable (strangers, stopped), not-allowed
 *                                    (denied), internal-server-error, wait (trouble)
 *   it is encrypted, or too large    not-acceptable
 *
 * and is else passed on: from the writer where the server lets us send as the users of their
 * domain, or from their alias (message_frame_relayed).
 */
void relays_handle(
    struct relays *r, const struct jid *from, const struct jid *to, xmpp_stanza_t *message);
/*
 * The server did not take a wrapper with this id: who wrote what was in it is told to try again, if
 * it is one of the last 16 of ours.
 */
void relays_refused(struct relays *r, const char *id);

/* The turn is on disk, or could not be written: then nothing that it passed on counts. */
void relays_committed(struct relays *r);
void relays_failed(struct relays *r);

/* Append laterd_relayed_total{result}. */
void relays_expose(const struct relays *r, struct buf *out);

#endif
