#include "xmpp/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "base/log.h"
#include "base/parse.h"
#include "core/retry.h"
#include "xmpp/flow.h"
#include "xmpp/stanza.h"
#include "xmpp/stream_error.h"
#include "xmpp/stream_say.h"

#define READ_MAX ((size_t)64 << 10)
/* A few bytes of questions can make many of answers, so a turn ends after so much of either. */
#define TURN_INPUT ((size_t)16 << 10)
#define TURN_OUTPUT ((size_t)1 << 20)
#define PIECE ((size_t)4 << 10)
#define STEADY_MS (30 * SECOND_MS)
#define LOG_AGAIN_MS (10 * MINUTE_MS)

enum phase {
	CLOSED,     /* not started, or gone for good */
	WAITING,    /* for the next try */
	CONNECTING,
	OPENING,    /* our header is out, theirs is awaited */
	HANDSHAKE,
	UP,
	CLOSING     /* our end tag is out */
};

struct stream {
	struct stream_config config;
	xmpp_ctx_t *ctx;
	const struct clock *clock;
	struct timers *timers;
	stream_dial_fn *dial;
	void *dial_arg;
	const struct stream_events *events;
	void *arg;

	enum phase phase;
	struct bufferevent *bev;
	struct parser *parser;
	struct flow flow;
	struct evbuffer *pending;
	size_t owed; /* white space behind it: stream_say_owed */
	struct timer timer; /* what ends or renews the phase */

	bool busy;   /* in a callback: nothing may be freed yet */
	bool doomed; /* to be torn down when it is over */
	bool told;   /* something was reported: the turn ends with it */
	bool was_up;

	int64_t up_at, heard_at, pinged_at; /* monotonic; pinged_at 0: no ping under way */
	unsigned pings;
	int32_t attempt;

	char failure[400]; /* the line last logged */
	int64_t failure_at;
};

static void tear_down(struct stream *s);
static void dial(void *arg);
static void keep_alive(void *arg);

static int64_t
now(const struct stream *s)
{
	return clock_mono(s->clock);
}

/* -- Ends -------------------------------------------------------------------------------------- */

/* The same failure again and again is one line, and another every ten minutes. */
static void
log_failure(struct stream *s, const char *line)
{
	if (strcmp(s->failure, line) == 0 && now(s) - s->failure_at < LOG_AGAIN_MS)
		return;
	snprintf(s->failure, sizeof(s->failure), "%s", line);
	s->failure_at = now(s);
	log_warn("%s", s->failure);
}

static void
doom(struct stream *s)
{
	if (s->parser != NULL)
		parser_stop(s->parser);
	s->doomed = true;
	if (!s->busy)
		tear_down(s);
}

static void __attribute__((format(printf, 2, 3)))
broken(struct stream *s, const char *format, ...)
{
	char line[sizeof(s->failure)];
	va_list args;

	if (s->doomed || s->bev == NULL)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (s->phase != CLOSING)
		log_failure(s, line);
	doom(s);
}

static void
wait_to_dial(struct stream *s)
{
	struct retry_policy policy = { s->config.backoff_first_ms, s->config.backoff_max_ms };
	uint32_t random = 0;
	int64_t wait;

	/* Without random bytes only the jitter is lost. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = 0;
	wait = retry_wait_ms(&policy, s->attempt, random);
	if (s->attempt < INT32_MAX)
		s->attempt++;
	s->phase = WAITING;
	timer_set(s->timers, &s->timer, now(s) + wait, dial, s);
}

static void
let_go(struct stream *s)
{
	timer_stop(&s->timer);
	parser_free(&s->parser);
	flow_end(&s->flow);
	if (s->bev != NULL)
		bufferevent_free(s->bev);
	s->bev = NULL;
	stream_discard(s);
	s->doomed = false;
	s->pinged_at = 0;
}

static void
end_turn(struct stream *s)
{
	if (!s->told)
		return;
	s->told = false;
	s->events->turn(s->arg);
}

static void
tear_down(struct stream *s)
{
	bool was_up = s->was_up, closing = s->phase == CLOSING;

	if (was_up && now(s) - s->up_at > STEADY_MS)
		s->attempt = 0;
	s->was_up = false;
	let_go(s);
	if (closing)
		s->phase = CLOSED;
	else
		wait_to_dial(s);
	if (was_up) {
		s->told = true;
		s->events->down(s->arg);
	}
	if (!s->busy)
		end_turn(s);
}

/* Ends every callback of libevent, which began with busy = true. */
static void
leave(struct stream *s)
{
	if (s->doomed)
		tear_down(s);
	end_turn(s);
	/* What the end of the turn wrote or broke. */
	if (s->doomed)
		tear_down(s);
	s->busy = false;
	end_turn(s);
}

/* -- The way up -------------------------------------------------------------------------------- */

static void
put(struct stream *s, const struct buf *xml)
{
	if (xml->failed || bufferevent_write(s->bev, xml->p, xml->len) != 0)
		broken(s, "no memory");
}

static void
too_late(void *arg)
{
	struct stream *s = arg;

	broken(s, s->phase == CONNECTING ? "connecting to %s takes too long"
	    : "the server at %s does not answer", s->config.server);
}

static void
phase_begin(struct stream *s, enum phase phase, int64_t timeout_ms)
{
	s->phase = phase;
	timer_set(s->timers, &s->timer, now(s) + timeout_ms, too_late, s);
}

static void
say_hello(struct stream *s)
{
	struct buf xml = { 0 };
	int fd = bufferevent_getfd(s->bev), on = 1;

	/* Neither is vital, and a socket of another family has no TCP_NODELAY. */
	if (fd >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	}
	stream_say_header(&xml, s->config.address);
	phase_begin(s, OPENING, s->config.answer_timeout_ms);
	put(s, &xml);
	buf_free(&xml);
}

static void
shake_hands(struct stream *s, const char *id)
{
	struct buf xml = { 0 };

	if (stream_say_handshake(&xml, id, s->config.secret) == RES_PERMFAIL) {
		broken(s, "SHA-1 is not to be had from OpenSSL, and the handshake needs it");
	} else {
		phase_begin(s, HANDSHAKE, s->config.answer_timeout_ms);
		put(s, &xml);
	}
	buf_free(&xml);
}

/* -- Keepalive --------------------------------------------------------------------------------- */

/* That the server is slow to take what we say is borne, a standstill is not. */
static void
wait_for_the_server(struct stream *s)
{
	int64_t until = s->flow.taken_at + s->config.answer_timeout_ms;

	if (now(s) >= until)
		broken(s, "the server at %s does not take what %s sends", s->config.server,
		    s->config.address);
	else
		timer_set(s->timers, &s->timer, until, keep_alive, s);
}

/* After something was handed to the transport. */
static void
hold_if_full(struct stream *s)
{
	if (flow_hold(&s->flow))
		wait_for_the_server(s);
}

static void
keep_alive(void *arg)
{
	struct stream *s = arg;
	struct buf xml = { 0 };
	int64_t at = now(s);

	if (s->flow.held) {
		wait_for_the_server(s);
		return;
	}
	if (s->pinged_at != 0 && s->heard_at < s->pinged_at) {
		broken(s, "the server at %s has fallen silent", s->config.server);
		return;
	}
	s->pinged_at = 0;
	if (at - s->heard_at < s->config.keepalive_ms) {
		timer_set(s->timers, &s->timer, s->heard_at + s->config.keepalive_ms, keep_alive,
		    s);
		return;
	}
	s->pinged_at = at;
	timer_set(s->timers, &s->timer, at + s->config.answer_timeout_ms, keep_alive, s);
	stream_say_ping(&xml, ++s->pings, s->config.address, s->config.ping_to);
	put(s, &xml);
	buf_free(&xml);
}

static void
came_up(struct stream *s)
{
	s->phase = UP;
	s->was_up = s->told = true;
	s->up_at = s->heard_at = now(s);
	s->failure[0] = '\0';
	timer_set(s->timers, &s->timer, s->heard_at + s->config.keepalive_ms, keep_alive, s);
	log_note("connected to %s as %s", s->config.server, s->config.address);
	s->events->up(s->arg);
}

/* -- What the peer says ------------------------------------------------------------------------ */

static void
on_opened(void *arg, const char *id)
{
	struct stream *s = arg;

	if (s->phase != OPENING)
		return;
	if (id == NULL)
		broken(s, "the server at %s gave the stream no id: component.server must name its "
		    "port for components", s->config.server);
	else
		shake_hands(s, id);
}

static void
on_stream_error(struct stream *s, xmpp_stanza_t *error)
{
	struct buf line = { 0 };

	stream_error_words(&line, error, s->config.address);
	broken(s, "%s", buf_str(&line));
	buf_free(&line);
}

static void
on_stanza(void *arg, xmpp_stanza_t *st)
{
	struct stream *s = arg;

	if (s->doomed)
		return;
	if (stanza_is(st, "error", NS_STREAM)) {
		on_stream_error(s, st);
	} else if (s->phase == HANDSHAKE && stanza_is(st, "handshake", NS_COMPONENT)) {
		came_up(s);
	} else if (s->phase == UP && !stream_say_is_pong(st)) {
		s->told = true;
		s->events->stanza(s->arg, st);
	}
}

static void
on_dropped(void *arg, const struct parser_dropped *dropped)
{
	struct stream *s = arg;

	if (s->phase != UP || s->doomed)
		return;
	s->told = true;
	s->events->dropped(s->arg, dropped);
}

static void
on_closed(void *arg)
{
	struct stream *s = arg;

	broken(s, "the server closed the stream of %s", s->config.address);
}

static const struct parser_events parser_events = {
	.opened = on_opened,
	.stanza = on_stanza,
	.dropped = on_dropped,
	.closed = on_closed,
};

/* -- libevent's callbacks ---------------------------------------------------------------------- */

static void
take_in(struct stream *s)
{
	struct evbuffer *input = bufferevent_get_input(s->bev);
	struct evbuffer_iovec piece;
	size_t taken = 0;

	while (!s->doomed && !s->flow.held && evbuffer_peek(input, -1, NULL, &piece, 1) > 0 &&
	    piece.iov_len > 0) {
		size_t len = piece.iov_len < PIECE ? piece.iov_len : PIECE;

		if (parser_feed(s->parser, (struct span){ piece.iov_base, len }) != RES_OK)
			broken(s, "the server at %s sent what is no XMPP stream: %s",
			    s->config.server, parser_error(s->parser));
		evbuffer_drain(input, len);
		taken += len;
		if (taken >= TURN_INPUT || evbuffer_get_length(s->pending) > TURN_OUTPUT) {
			end_turn(s);
			taken = 0;
		}
	}
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct stream *s = arg;

	(void)bev;
	s->busy = true;
	s->heard_at = now(s);
	take_in(s);
	leave(s);
}

/* The server has taken what we said; what it said before we stopped listening comes first. */
static void
on_write(struct bufferevent *bev, void *arg)
{
	struct stream *s = arg;

	(void)bev;
	if (!flow_release(&s->flow))
		return;
	s->busy = true;
	s->heard_at = now(s);
	s->pinged_at = 0;
	if (s->phase == UP)
		timer_set(s->timers, &s->timer, s->heard_at + s->config.keepalive_ms, keep_alive,
		    s);
	take_in(s);
	if (!s->doomed)
		flow_listen(&s->flow);
	leave(s);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct stream *s = arg;
	int error = EVUTIL_SOCKET_ERROR();

	s->busy = true;
	if (what & BEV_EVENT_CONNECTED) {
		if (s->phase == CONNECTING)
			say_hello(s);
	} else if (s->phase == CONNECTING) {
		broken(s, "cannot connect to %s: %s; is the server running, and is "
		    "component.server its port for components?", s->config.server,
		    stream_error_of(bev, error));
	} else if (what & BEV_EVENT_EOF) {
		broken(s, "the server at %s closed the connection", s->config.server);
	} else {
		broken(s, "lost the connection to the server at %s: %s", s->config.server,
		    stream_error_of(bev, error));
	}
	leave(s);
}

static void
dial(void *arg)
{
	struct stream *s = arg;

	s->bev = s->dial(s->dial_arg);
	s->parser = parser_new(s->ctx, &parser_bounds_default, &parser_events, s);
	if (s->bev == NULL || s->parser == NULL ||
	    flow_begin(&s->flow, s->bev, s->clock) != RES_OK) {
		log_failure(s, s->bev != NULL ? "no memory"
		    : "cannot connect: the host of component.server is unknown");
		tear_down(s);
		return;
	}
	bufferevent_setcb(s->bev, on_read, on_write, on_event, s);
	bufferevent_setwatermark(s->bev, EV_READ, 0, READ_MAX);
	bufferevent_set_max_single_read(s->bev, READ_MAX);
	bufferevent_set_max_single_write(s->bev, READ_MAX);
	phase_begin(s, CONNECTING, s->config.connect_timeout_ms);
	bufferevent_enable(s->bev, EV_READ | EV_WRITE);
}

/* -- The stream -------------------------------------------------------------------------------- */

struct stream *
stream_new(const struct stream_config *config, xmpp_ctx_t *ctx, const struct clock *clock,
    struct timers *timers, stream_dial_fn *dial_fn, void *dial_arg,
    const struct stream_events *events, void *arg)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->pending = evbuffer_new();
	if (s->pending == NULL) {
		free(s);
		return NULL;
	}
	s->config = *config;
	s->ctx = ctx;
	s->clock = clock;
	s->timers = timers;
	s->dial = dial_fn;
	s->dial_arg = dial_arg;
	s->events = events;
	s->arg = arg;
	return s;
}

void
stream_free(struct stream **sp)
{
	struct stream *s = *sp;

	if (s == NULL)
		return;
	assert(!s->busy);
	let_go(s);
	evbuffer_free(s->pending);
	free(s);
	*sp = NULL;
}

void
stream_start(struct stream *s)
{
	if (s->phase == CLOSED)
		dial(s);
}

void
stream_close(struct stream *s)
{
	static const char farewell[] = "</stream:stream>";

	if (s->phase == CLOSED || s->phase == CLOSING)
		return;
	if (s->phase == UP && !s->doomed) {
		stream_discard(s);
		bufferevent_write(s->bev, farewell, sizeof(farewell) - 1);
		phase_begin(s, CLOSING, s->config.answer_timeout_ms);
		return;
	}
	s->phase = CLOSING;
	doom(s);
}

bool
stream_is_closed(const struct stream *s)
{
	return s->phase == CLOSED;
}

bool
stream_is_up(const struct stream *s)
{
	return s->phase == UP && !s->doomed;
}

void
stream_break(struct stream *s, const char *why)
{
	broken(s, "gave the connection to the server at %s up: %s", s->config.server, why);
}

enum res
stream_write(struct stream *s, struct span xml)
{
	if (!stream_is_up(s))
		return RES_TEMPFAIL;
	if (evbuffer_add(s->pending, xml.p, xml.len) != 0)
		return RES_NOMEM;
	s->owed = stream_say_owed(s->owed, xml);
	return RES_OK;
}

enum res
stream_write_stanza(struct stream *s, xmpp_stanza_t *stanza)
{
	struct span xml;
	char *text;
	enum res r = RES_INVALID;

	if (!stream_is_up(s))
		return RES_TEMPFAIL;
	if (xmpp_stanza_to_text(stanza, &text, &xml.len) != XMPP_EOK)
		return RES_NOMEM;
	xml.p = text;
	if (xml.len <= STREAM_STANZA_MAX && xml_text_valid(xml))
		r = stream_write(s, xml);
	xmpp_free(s->ctx, text);
	return r;
}

enum res
stream_write_now(struct stream *s, struct span xml)
{
	if (!stream_is_up(s))
		return RES_TEMPFAIL;
	if (bufferevent_write(s->bev, xml.p, xml.len) != 0)
		return RES_NOMEM;
	stream_say_space(bufferevent_get_output(s->bev), stream_say_owed(0, xml));
	hold_if_full(s);
	return RES_OK;
}

void
stream_flush(struct stream *s)
{
	if (!stream_is_up(s))
		return;
	stream_say_space(s->pending, s->owed);
	s->owed = 0;
	bufferevent_write_buffer(s->bev, s->pending);
	hold_if_full(s);
}

void
stream_discard(struct stream *s)
{
	evbuffer_drain(s->pending, evbuffer_get_length(s->pending));
	s->owed = 0;
}

bool
stream_was_held(const struct stream *s, int64_t since)
{
	return s->flow.held || s->flow.released_at > since;
}
