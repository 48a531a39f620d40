/*
 * The component stream (XEP-0114): connecting, handshake, keepalive, reconnection with jittered
 * backoff.  It carries stanzas and knows nothing of their meaning.  While the server has not taken
 * about 1 MiB of what we said, nothing is read from it; when it takes nothing at all for
 * answer_timeout_ms meanwhile, the connection is given up.
 */
#ifndef LATERD_XMPP_STREAM_H
#define LATERD_XMPP_STREAM_H

#include <event2/bufferevent.h>
#include <strophe.h>

#include "base/clock.h"
#include "xmpp/parser.h"

/* Prosody takes 512 KiB from a component, and servers often only 256 KiB from each other. */
#define STREAM_STANZA_MAX ((size_t)200 << 10)

struct stream_config {
	const char *address; /* our domain */
	const char *server;  /* HOST:PORT, for the log */
	const char *secret;
	const char *ping_to; /* a domain of the server, for the keepalive */
	/*
	 * To connect; without a byte from the server before it is pinged; for its answer to that,
	 * and to our handshake.
	 */
	int64_t connect_timeout_ms, keepalive_ms, answer_timeout_ms;
	int64_t backoff_first_ms, backoff_max_ms;
};

struct stream_events {
	void (*up)(void *arg);   /* the handshake is done */
	void (*down)(void *arg); /* it was up and is gone; everything queued is forgotten */
	void (*stanza)(void *arg, xmpp_stanza_t *stanza);
	void (*dropped)(void *arg, const struct parser_dropped *dropped);
	/*
	 * After one or more of the above, once what caused them has been handled: the turn ends,
	 * commit and flush.  At least once for 16 KiB that were read.
	 */
	void (*turn)(void *arg);
};

/*
 * Opens the transport: a bufferevent that is connecting (BEV_EVENT_CONNECTED or _ERROR will come)
 * or NULL.  The stream takes it.  The daemon dials a socket; scenario tests hand over one end of a
 * pair.
 */
typedef struct bufferevent *stream_dial_fn(void *arg);

struct stream;

/*
 * config's strings, clock and timers are borrowed and must outlive it.  It may not be freed in an
 * event.  NULL without memory.
 */
struct stream *stream_new(const struct stream_config *config, xmpp_ctx_t *ctx,
    const struct clock *clock, struct timers *timers, stream_dial_fn *dial, void *dial_arg,
    const struct stream_events *events, void *arg);
void stream_free(struct stream **s);

/* Dial now; from then on the stream reconnects by itself until stream_close. */
void stream_start(struct stream *s);
/*
 * Say </stream:stream>, and do not come back.  What was flushed is still written, what was not is
 * forgotten; stream_is_closed says when that is over: the peer has closed as well, or did not
 * within answer_timeout_ms.  `down` comes then.
 */
void stream_close(struct stream *s);
bool stream_is_up(const struct stream *s);

/* Nothing is left to be written: never started, or closed and gone. */
bool stream_is_closed(const struct stream *s);
/*
 * Give this connection up, for the reason that is logged, and come back as after any failure; no-op
 * when there is none.
 */
void stream_break(struct stream *s, const char *why);

/*
 * Queue bytes that form whole stanzas.  They wait until stream_flush, so that an answer never
 * leaves before the turn it belongs to is on disk; stream_discard forgets what waits (the commit
 * failed).  RES_TEMPFAIL when the stream is not up.  White space follows what is flushed, so that
 * the server hears all of it (stream_say_owed).
 */
enum res stream_write(struct stream *s, struct span xml);
/*
 * RES_INVALID, and nothing is queued: more than STREAM_STANZA_MAX, or a character that XML forbids,
 * for which the server would end the stream.
 */
enum res stream_write_stanza(struct stream *s, xmpp_stanza_t *stanza);
/* As stream_write, but at once: for what acknowledges nothing, such as a probe. */
enum res stream_write_now(struct stream *s, struct span xml);
void stream_flush(struct stream *s);
void stream_discard(struct stream *s);
/*
 * At some moment after `since` (monotonic) nothing was read because the server did not take what
 * we said: an answer that is missing may well have been sent.
 */
bool stream_was_held(const struct stream *s, int64_t since);

#endif
