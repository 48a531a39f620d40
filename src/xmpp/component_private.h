/*
 * What the parts of the component share: component.c speaks for the service, inbound.c hears the
 * server, component_asks.c asks it, component_expose.c measures.
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
	struct query *query;
	struct tracker *tracker;
	struct privilege *privilege;
	struct requests *requests; /* those of the next two */
	struct client_time *client_time;
	struct upload *upload;

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

	/* The iqs of this turn that have been answered, in case the answers cannot leave. */
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
/* Of struct adhoc_env; arg is the component. */
bool inbound_again(void *arg, xmpp_stanza_t *iq);
void inbound_answered(void *arg, xmpp_stanza_t *answer);
/* It is a domain whose users we serve, or the one that is pinged. */
bool component_serves(const struct component *c, const char *domain);
/* What is asked of others: requests, client_time and upload.  False without memory. */
bool component_build_asks(struct component *c);
/* The server answered the ping of that id. */
void component_pong(struct component *c, const char *id);
/*
 * Sends st, which it takes and which may be NULL.  In place of an iq that the stream refuses
 * (stream_write_stanza) goes the error internal-server-error.
 */
void component_send(struct component *c, xmpp_stanza_t *st);

#endif
