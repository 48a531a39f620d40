#include "xmpp/component.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/parse.h"
#include "xmpp/component_private.h"
#include "xmpp/message.h"
#include "xmpp/stanza.h"

#define TOO_LARGE "The answer is larger than what can be sent. Please ask for less at a time."
#define NOT_STORED "What you asked for could not be stored. Please try again later."
#define NOT_PASSED "This message could not be passed on. Please try again later."
#define PONG_MS (60 * SECOND_MS)
#define SWEEP_MS (60 * SECOND_MS)

static const struct messenger_ops messenger_ops;

static void no_pong(void *arg);

static struct component *
of(struct messenger *m)
{
	return (struct component *)m;
}

/* An answer that must not leave, to be said in another one. */
static void
send_instead(struct component *c, xmpp_stanza_t *answer)
{
	xmpp_stanza_t *asked = stanza_reply(c->ctx, answer, "get"), *st = NULL;

	if (asked != NULL)
		st = stanza_error(c->ctx, asked, "cancel", "internal-server-error", TOO_LARGE, NULL,
		    NULL);
	if (st != NULL) {
		(void)stream_write_stanza(c->stream, st);
		xmpp_stanza_release(st);
	}
	if (asked != NULL)
		xmpp_stanza_release(asked);
}

void
component_send(struct component *c, xmpp_stanza_t *st)
{
	int64_t now = clock_mono(c->env.clock);

	if (st == NULL)
		return;
	/* Without a stream there is nobody to answer. */
	if (stream_write_stanza(c->stream, st) == RES_INVALID) {
		if (c->unsent_at == 0 || now - c->unsent_at >= MINUTE_MS) {
			log_warn("kept back a stanza <%s/> to %s: it is too large, or no XML",
			    xmpp_stanza_get_name(st), stanza_attr(st, "to"));
			c->unsent_at = now == 0 ? 1 : now;
		}
		if (stanza_is(st, "iq", NULL))
			send_instead(c, st);
	}
	xmpp_stanza_release(st);
}

bool
component_serves(const struct component *c, const char *domain)
{
	const char *const *served = c->config.domains;

	if (strcmp(domain, c->ping_to.domain) == 0)
		return true;
	for (; served != NULL && *served != NULL; served++)
		if (strcmp(domain, *served) == 0)
			return true;
	return false;
}

/* -- Pings: what the server says on its own after the handshake, and barriers ------------------ */

static enum res
ping(struct component *c, const char *what, unsigned number,
    enum res (*write)(struct stream *, struct span))
{
	struct buf xml = { 0 };
	enum res r;

	buf_printf(&xml,
	    "<iq type='get' id='%s-%u' from='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", what,
	    number, c->address.domain, c->ping_to.bare);
	r = xml.failed ? RES_NOMEM : write(c->stream, buf_as_span(&xml));
	buf_free(&xml);
	return r;
}

static bool
is_pong(const char *id, const char *what, unsigned number)
{
	char want[32];

	snprintf(want, sizeof(want), "%s-%u", what, number);
	return strcmp(id, want) == 0;
}

void
component_pong(struct component *c, const char *id)
{
	if (c->settling && is_pong(id, "settle", c->settles)) {
		c->settling = false;
		timer_stop(&c->settle_timer);
		c->ready = c->used = true;
		rosters_resume(c->rosters);
		c->env.events->ready(c->env.events_arg);
	} else if (c->batch_open && is_pong(id, "batch", c->batches)) {
		c->batch_open = false;
		timer_stop(&c->batch_timer);
		histogram_add_ms(&c->pong_seconds, clock_mono(c->env.clock) - c->pinged_at);
		c->env.events->settled(c->env.events_arg);
	}
}

static void
await_pong(struct component *c, struct timer *timer)
{
	timer_set(c->env.timers, timer, clock_mono(c->env.clock) + PONG_MS, no_pong, c);
}

/*
 * Nothing may wait for ever; a new connection sends the batch again.  But while the stream was held
 * a pong could not be heard.
 */
static void
no_pong(void *arg)
{
	struct component *c = arg;

	if (stream_was_held(c->stream, clock_mono(c->env.clock) - PONG_MS)) {
		await_pong(c, c->settling ? &c->settle_timer : &c->batch_timer);
		return;
	}
	stream_break(c->stream, "it did not answer a ping within a minute");
}

/* -- The messenger ----------------------------------------------------------------------------- */

static bool
m_ready(struct messenger *m)
{
	return of(m)->ready && stream_is_up(of(m)->stream);
}

static enum presence
m_presence(struct messenger *m, const char *recipient)
{
	return tracker_value(of(m)->tracker, recipient);
}

static const char *
domain_of(const char *bare)
{
	const char *at = strchr(bare, '@');

	return at == NULL ? bare : at + 1;
}

static const char *
message_ns(const struct component *c, const char *user)
{
	return privilege_message_ns(c->privilege, domain_of(user));
}

static bool
m_speaks_for(struct messenger *m, const char *user)
{
	return message_ns(of(m), user) != NULL;
}

static bool
m_reaches(struct messenger *m, const char *recipient)
{
	const struct component *c = of(m);

	return tracker_value(c->tracker, recipient) == PRESENCE_ONLINE &&
	    (tracker_is_sure(c->tracker, recipient) ||
		privilege_keeps(c->privilege, domain_of(recipient)));
}

static void
m_watch(struct messenger *m, const char *recipient)
{
	/* A probe that cannot leave would make its silence look like an answer. */
	if (stream_is_up(of(m)->stream))
		tracker_watch(of(m)->tracker, recipient);
}

static void
m_doubt(struct messenger *m, const char *recipient)
{
	if (stream_is_up(of(m)->stream))
		tracker_doubt(of(m)->tracker, recipient);
}

static void
m_subscribe(struct messenger *m, const char *recipient, const char *words)
{
	component_subscribe(of(m), recipient, words);
}

static void
m_unsubscribe(struct messenger *m, const char *recipient)
{
	component_unsubscribe(of(m), recipient);
}

static enum res
m_send(struct messenger *m, const struct outgoing *o)
{
	struct component *c = of(m);
	const char *ns = o->as_sender ? message_ns(c, o->sender) : NULL;
	enum res r;

	if (!stream_is_up(c->stream))
		return RES_TEMPFAIL;
	buf_reset(&c->frame);
	r = message_frame(&c->frame, o, c->address.domain, ns);
	if (r == RES_OK && c->frame.len > STREAM_STANZA_MAX)
		r = RES_INVALID;
	if (r == RES_OK)
		r = stream_write(c->stream, buf_as_span(&c->frame));
	if (r != RES_OK)
		return r;
	c->used = true;
	c->batched += c->frame.len;
	c->batched_turn += c->frame.len;
	return RES_OK;
}

static void
m_resume(struct messenger *m, uint64_t ticket)
{
	/* One of them knows it. */
	adhoc_resume(of(m)->adhoc, ticket);
	talks_resume(chat_talks(of(m)->chat), ticket);
}

static enum res
m_client_offset(struct messenger *m, const char *jid, int32_t *offset_s)
{
	return client_time_offset(of(m)->client_time, jid, offset_s);
}

static enum res
m_request_slot(struct messenger *m, const struct slot_request *rq)
{
	struct component *c = of(m);
	struct slot_request prepared = *rq;
	struct jid user;

	if (jid_parse_text(&user, rq->user) != RES_OK || !component_serves(c, user.domain))
		return RES_INVALID;
	prepared.user = user.bare;
	return upload_ask(c->upload, user.domain, &prepared);
}

static size_t
m_batched(struct messenger *m)
{
	return of(m)->batched;
}

static enum res
m_barrier(struct messenger *m)
{
	struct component *c = of(m);
	enum res r;

	if (c->batch_open)
		return RES_TEMPFAIL;
	r = ping(c, "batch", c->batches + 1, stream_write);
	if (r != RES_OK)
		return r;
	c->batches++;
	c->pinged_at = clock_mono(c->env.clock);
	histogram_add(&c->batch_bytes, (double)c->batched);
	c->batch_open = c->batch_held = c->used = true;
	c->batched = c->batched_turn = 0;
	await_pong(c, &c->batch_timer);
	return RES_OK;
}

static const struct messenger_ops messenger_ops = {
	.ready = m_ready,
	.presence = m_presence,
	.speaks_for = m_speaks_for,
	.reaches = m_reaches,
	.watch = m_watch,
	.doubt = m_doubt,
	.subscribe = m_subscribe,
	.unsubscribe = m_unsubscribe,
	.send = m_send,
	.resume = m_resume,
	.client_offset = m_client_offset,
	.request_slot = m_request_slot,
	.batched = m_batched,
	.barrier = m_barrier,
};

/* -- What the tracker reports ------------------------------------------------------------------ */

static void
on_changed(void *arg, const char *bare, enum presence value)
{
	struct component *c = arg;

	c->env.events->presence(c->env.events_arg, bare, value);
}

static void
on_probe(void *arg, const char *bare)
{
	struct component *c = arg;
	struct buf xml = { 0 };

	buf_printf(&xml, "<presence type='probe' from='%s' to='", buf_str(&c->bot));
	xml_escape(&xml, span_of(bare));
	buf_text(&xml, "'/>");
	if (!xml.failed)
		(void)stream_write_now(c->stream, buf_as_span(&xml));
	buf_free(&xml);
}

static const struct presence_events presence_events = { .changed = on_changed, .probe = on_probe };

/* -- What the stream reports ------------------------------------------------------------------- */

static void
forget_asked(struct component *c)
{
	while (c->nasked > 0)
		xmpp_stanza_release(c->asked[--c->nasked]);
}

/*
 * Prosody sends its privilege message and replays presence right after the handshake: the answer to
 * a ping says that it has.
 */
static void
on_up(void *arg)
{
	struct component *c = arg;

	c->streams++;
	c->settling = true;
	await_pong(c, &c->settle_timer);
	if (ping(c, "settle", ++c->settles, stream_write_now) != RES_OK)
		stream_break(c->stream, "no memory");
	else
		twin_up(c->twin);
}

static void
on_down(void *arg)
{
	struct component *c = arg;
	bool used = c->used;

	c->ready = c->used = c->settling = c->batch_open = c->batch_held = false;
	c->batched = c->batched_turn = 0;
	timer_stop(&c->settle_timer);
	timer_stop(&c->batch_timer);
	forget_asked(c);
	adhoc_forget(c->adhoc);
	talks_forget(chat_talks(c->chat));
	requests_reset(c->requests);
	client_time_reset(c->client_time);
	upload_reset(c->upload);
	twin_down(c->twin);
	tracker_reset(c->tracker);
	privilege_reset(c->privilege);
	if (used)
		c->env.events->broken(c->env.events_arg);
}

static void
on_stanza(void *arg, xmpp_stanza_t *st)
{
	inbound_stanza(arg, st);
}

static void
on_dropped(void *arg, const struct parser_dropped *dropped)
{
	inbound_dropped(arg, dropped);
}

static void
on_turn(void *arg)
{
	struct component *c = arg;

	c->env.turn(c->env.turn_arg);
}

static const struct stream_events stream_events = {
	.up = on_up,
	.down = on_down,
	.stanza = on_stanza,
	.dropped = on_dropped,
	.turn = on_turn,
};

/* -- The component ----------------------------------------------------------------------------- */

static void
send_chat(void *arg, xmpp_stanza_t *st)
{
	component_send(arg, st);
}

static void
chat_failed(void *arg)
{
	struct component *c = arg;

	c->env.events->failed(c->env.events_arg);
}

static bool
build_chat(struct component *c)
{
	const struct chat_env env = {
		.ctx = c->ctx,
		.talk = {
			.clock = c->env.clock,
			.timers = c->env.timers,
			.zone = c->config.zone,
			.ops = c->env.command_ops,
			.commands = c->env.commands,
		},
		.address = c->address.domain,
		.send = send_chat,
		.failed = chat_failed,
		.arg = c,
	};

	c->chat = chat_new(&talk_bounds_default, &env);
	return c->chat != NULL;
}

static bool
build(struct component *c)
{
	const struct component_config *config = &c->config;
	const struct component_env *env = &c->env;
	const struct query_config about = {
		.address = c->address.domain,
		.name = config->name,
		.version = config->version,
		.admins = config->admins,
		.zone = config->zone,
	};
	struct adhoc_env commands = {
		.clock = env->clock,
		.timers = env->timers,
		.ops = env->command_ops,
		.commands = env->commands,
		.again = inbound_again,
		.answered = inbound_answered,
		.arg = c,
	};

	c->config.stream.address = c->address.domain;
	c->config.stream.ping_to = c->ping_to.bare;
	c->ctx = xmpp_ctx_new(NULL, NULL);
	if (c->ctx == NULL || buf_printf(&c->bot, COMPONENT_BOT "@%s", c->address.domain) != RES_OK)
		return false;
	c->stream = stream_new(&c->config.stream, c->ctx, env->clock, env->timers, env->dial,
	    env->dial_arg, &stream_events, c);
	commands.ctx = c->ctx;
	c->adhoc = adhoc_new(&session_bounds_default, &commands);
	c->query = query_new(&about, c->ctx, env->clock, env->command_ops, env->commands);
	c->tracker = tracker_new(env->clock, env->timers, &presence_events, c);
	c->privilege = privilege_new();
	return c->stream != NULL && c->adhoc != NULL && c->query != NULL && c->tracker != NULL &&
	    c->privilege != NULL && build_chat(c) && component_build_relays(c) &&
	    component_build_asks(c);
}

struct component *
component_new(const struct component_config *config, const struct component_env *env)
{
	struct component *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->messenger.ops = &messenger_ops;
	c->config = *config;
	c->env = *env;
	c->batch_bytes.ladder = LADDER_NUMBERS;
	if (jid_parse_text(&c->address, config->stream.address) != RES_OK ||
	    *c->address.local != '\0' || *c->address.resource != '\0' ||
	    jid_parse_text(&c->ping_to, config->stream.ping_to) != RES_OK || !build(c))
		component_free(&c);
	return c;
}

void
component_free(struct component **cp)
{
	struct component *c = *cp;

	if (c == NULL)
		return;
	timer_stop(&c->settle_timer);
	timer_stop(&c->batch_timer);
	timer_stop(&c->sweep_timer);
	forget_asked(c);
	free(c->asked);
	stream_free(&c->stream);
	adhoc_free(&c->adhoc);
	chat_free(&c->chat);
	relays_free(&c->relays);
	query_free(&c->query);
	tracker_free(&c->tracker);
	privilege_free(&c->privilege);
	requests_free(&c->requests);
	client_time_free(&c->client_time);
	upload_free(&c->upload);
	rosters_free(&c->rosters);
	twin_free(&c->twin);
	buf_free(&c->frame);
	buf_free(&c->bot);
	if (c->ctx != NULL)
		xmpp_ctx_free(c->ctx);
	free(c);
	*cp = NULL;
}

static void
sweep(void *arg)
{
	struct component *c = arg;

	adhoc_sweep(c->adhoc);
	talks_sweep(chat_talks(c->chat));
	timer_set(c->env.timers, &c->sweep_timer, clock_mono(c->env.clock) + SWEEP_MS, sweep, c);
}

void
component_start(struct component *c)
{
	sweep(c);
	stream_start(c->stream);
}

void
component_close(struct component *c)
{
	stream_close(c->stream);
}

bool
component_is_closed(const struct component *c)
{
	return stream_is_closed(c->stream);
}

struct messenger *
component_messenger(struct component *c)
{
	return &c->messenger;
}

void
component_flush(struct component *c)
{
	forget_asked(c);
	adhoc_committed(c->adhoc);
	talks_committed(chat_talks(c->chat));
	relays_committed(c->relays);
	requests_committed(c->requests);
	rosters_committed(c->rosters);
	c->batch_held = false;
	c->batched_turn = 0;
	stream_flush(c->stream);
}

void
component_failed(struct component *c)
{
	size_t i;

	stream_discard(c->stream);
	c->batched -= c->batched_turn;
	c->batched_turn = 0;
	for (i = 0; i < c->nasked; i++)
		component_send(c, stanza_error(c->ctx, c->asked[i], "wait",
		    "internal-server-error",
		    stanza_is(c->asked[i], "iq", NULL) ? NOT_STORED : NOT_PASSED, NULL, NULL));
	forget_asked(c);
	adhoc_failed(c->adhoc);
	talks_failed(chat_talks(c->chat));
	relays_failed(c->relays);
	requests_failed(c->requests);
	rosters_failed(c->rosters);
	if (c->batch_held)
		(void)ping(c, "batch", c->batches, stream_write);
	c->batch_held = false;
	stream_flush(c->stream);
}
