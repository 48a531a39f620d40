/*
 * What the parts of the component share: component.c speaks for the service, inbound.c hears the
 * server, component_asks.c asks it, component_privilege.c is what it grants, component_expose.c
 * measures.
 */
#ifndef LATERD_XMPP_COMPONENT_PRIVATE_H
#define LATERD_XMPP_COMPONENT_PRIVATE_H

#include "base/metrics.h"
#include "xmpp/adhoc.h"
#include "xmpp/chat.h"
#include "xmpp/client_time.h"
#include "xmpp/component.h"
#include "xmpp/presence.h"
#include "xmpp/privilege.h"
#include "xmpp/query.h"
#include "xmpp/roster.h"
#include "xmpp/relay.h"
#include "xmpp/twin.h"
#include "xmpp/upload.h"

#define COMPONENT_BOT "bot"

struct component {
	struct messenger messenger; /* first: the service holds a pointer to it */
	struct component_config config;
	struct component_env env;
	struct jid address, ping_to; /* config's, prepared */
	struct buf bot;              /* bot@address */
	xmpp_ctx_t *ctx;
	struct stream *stream;
	struct adhoc *adhoc;
	struct chat *chat;
	struct relays *relays;
	struct query *query;
	struct tracker *tracker;
	struct privilege *privilege;
	struct requests *requests; /* those of the next three */
	struct client_time *client_time;
	struct upload *upload;
	struct rosters *rosters;
	struct twin *twin;

	bool ready, used; /* used: the service has something to lose */
	/*
	 * The pings under way; the counters never start again, so that no late answer is taken for
	 * another's.
	 */
	bool settling, batch_open, batch_held; /* batch_held: its ping is not flushed yet */
	unsigned settles, batches;
	struct timer settle_timer, batch_timer, sweep_timer;
	struct buf frame;
	size_t batched;
	size_t batched_turn; /* of them, not flushed yet */

	/*
	 * The iqs of this turn that have been answered, and the messages that have been passed on, in
	 * case that cannot leave.
	 */
	xmpp_stanza_t **asked;
	size_t nasked, asked_cap;

	/* What is measured. */
	uint64_t streams;
	int64_t pinged_at; /* monotonic: the batch under way */
	struct histogram pong_seconds, batch_bytes;

	int64_t dropped_at; /* of the last log line about one */
	unsigned dropped_more;
	int64_t unsent_at; /* of the last log line about an answer that must not leave */
};

/* A stanza of the stream, and one that the parser dropped. */
void inbound_stanza(struct component *c, xmpp_stanza_t *st);
void inbound_dropped(struct component *c, const struct parser_dropped *dropped);
/* Of struct adhoc_env and relay_env; arg is the component. */
bool inbound_again(void *arg, xmpp_stanza_t *st);
void inbound_answered(void *arg, xmpp_stanza_t *answer);
/* It is a domain whose users we serve, or the one that is pinged. */
bool component_serves(const struct component *c, const char *domain);
/* What is asked: requests, client_time, upload, rosters and twin.  False without memory. */
bool component_build_asks(struct component *c);
bool component_build_rosters(struct component *c);
/* A message of a domain that may grant us privileges: learn what it says of them, if anything. */
void component_granted(struct component *c, const char *domain, xmpp_stanza_t *message);
/* What the domain has granted it refuses now: logged, and not used again on this stream. */
void component_refused(struct component *c, const char *domain, enum privilege_to what,
    const char *condition);
/* Of struct upload_env; arg is the component. */
void component_slot_refused(void *arg, const char *domain, xmpp_stanza_t *error);
/* Those of struct messenger_ops. */
void component_subscribe(struct component *c, const char *recipient, const char *words);
void component_unsubscribe(struct component *c, const char *recipient);
/* Replies.  False without memory. */
bool component_build_relays(struct component *c);
/* The server answered the ping of that id. */
void component_pong(struct component *c, const char *id);
/*
 * Sends st, which it takes and which may be NULL.  In place of an iq that the stream refuses
 * (stream_write_stanza) goes the error internal-server-error.
 */
void component_send(struct component *c, xmpp_stanza_t *st);

#endif
