#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/parse.h"
#include "xmpp/component_private.h"
#include "xmpp/message.h"
#include "xmpp/stanza.h"

#define NS_RECEIPTS "urn:xmpp:receipts"

/* A stanza whose sender is known to be an address. */
struct inbound {
	struct component *c;
	xmpp_stanza_t *st;
	const char *type; /* "" when absent */
	struct asker from;
	struct jid to; /* an address of ours */
};

static bool
is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static bool
to_domain(const struct inbound *in)
{
	return *in->to.local == '\0';
}

static bool
to_bot(const struct inbound *in)
{
	return is(in->to.local, COMPONENT_BOT);
}

static bool
to_alias(const struct inbound *in)
{
	return strchr(in->to.local, '%') != NULL;
}

static bool
from_domain(const struct inbound *in)
{
	return *in->from.jid.local == '\0' && *in->from.jid.resource == '\0';
}

/* The sender is the server of a domain that may grant us privileges. */
static bool
from_granting(const struct inbound *in)
{
	return from_domain(in) && component_serves(in->c, in->from.jid.domain);
}

/* -- iq ---------------------------------------------------------------------------------------- */

/* Answers wait for the turn; should it fail, each of these gets another. */
bool
inbound_again(void *arg, xmpp_stanza_t *st)
{
	struct component *c = arg;
	xmpp_stanza_t **grown;
	size_t cap;

	if (c->nasked == c->asked_cap) {
		cap = c->asked_cap == 0 ? 16 : 2 * c->asked_cap;
		grown = reallocarray(c->asked, cap, sizeof(*grown));
		if (grown == NULL)
			return false;
		c->asked = grown;
		c->asked_cap = cap;
	}
	c->asked[c->nasked++] = xmpp_stanza_clone(st);
	return true;
}

void
inbound_answered(void *arg, xmpp_stanza_t *answer)
{
	struct component *c = arg;

	if (answer == NULL)
		c->env.events->failed(c->env.events_arg);
	component_send(c, answer);
}

static xmpp_stanza_t *
plain_error(const struct inbound *in, const char *type, const char *condition)
{
	return stanza_error(in->c->ctx, in->st, type, condition, NULL, NULL, NULL);
}

static void
on_request(struct inbound *in)
{
	struct component *c = in->c;
	xmpp_stanza_t *child = stanza_only_child(in->st);

	/* A command beside another child is none, and query_handle refuses it. */
	if (!inbound_again(c, in->st))
		inbound_answered(c, plain_error(in, "wait", "resource-constraint"));
	else if (!to_domain(in) && !to_bot(in))
		inbound_answered(c, plain_error(in, "cancel", "service-unavailable"));
	else if (is(in->type, "set") && stanza_is(child, "command", NS_COMMANDS))
		adhoc_handle(c->adhoc, &in->from, in->st);
	else
		inbound_answered(c, query_handle(c->query, &in->from, to_bot(in), in->st));
}

static void
on_answer(struct inbound *in)
{
	if (from_domain(in) && is(in->from.jid.domain, in->c->ping_to.domain))
		component_pong(in->c, stanza_attr(in->st, "id"));
	requests_answered(in->c->requests, &in->from.jid, in->st);
}

static void
on_iq(struct inbound *in)
{
	/* Nobody else speaks from there, and nothing of it is answered. */
	if (is(in->from.jid.domain, in->c->address.domain))
		twin_heard(in->c->twin, in->st);
	else if (is(in->type, "get") || is(in->type, "set"))
		on_request(in);
	else
		on_answer(in);
}

/* -- message ----------------------------------------------------------------------------------- */

static void
on_bounce(struct inbound *in)
{
	const struct component *c = in->c;
	const char *id = stanza_attr(in->st, "id");
	xmpp_stanza_t *error = stanza_child(in->st, "error", NULL);
	const char *condition = stanza_condition(error), *type = stanza_attr(error, "type");

	if (*id == '\0')
		return;
	/*
	 * Only the wrapper of a privileged message leaves from our bare domain.  Whatever the
	 * server has against it, our own address is the way out.
	 */
	if (to_domain(in) && from_granting(in)) {
		component_refused(in->c, in->from.jid.domain, PRIVILEGE_SEND, condition);
		relays_refused(c->relays, id);
		c->env.events->not_allowed(c->env.events_arg, id);
		return;
	}
	c->env.events->bounced(c->env.events_arg, id, in->from.jid.bare, span_of(condition),
	    span_of(type));
}

static void
on_privilege(struct inbound *in)
{
	if (from_granting(in))
		component_granted(in->c, in->from.jid.domain, in->st);
}

static enum relay
may_relay(void *arg, const char *from, const char *to)
{
	struct component *c = arg;

	return c->env.events->may_relay(c->env.events_arg, from, to);
}

static enum res
write_relayed(void *arg, struct span xml)
{
	struct component *c = arg;

	return stream_write(c->stream, xml);
}

bool
component_build_relays(struct component *c)
{
	const struct relay_env env = {
		.ctx = c->ctx,
		.clock = c->env.clock,
		.address = c->address.domain,
		.privilege = c->privilege,
		.may = may_relay,
		.again = inbound_again,
		.answered = inbound_answered,
		.write = write_relayed,
		.arg = c,
	};

	c->relays = relays_new(&relay_bounds_default, &env);
	return c->relays != NULL;
}

static void
on_text(struct inbound *in)
{
	const struct component *c = in->c;
	const char *receipt = message_receipt(in->st);

	if (receipt != NULL)
		c->env.events->received(c->env.events_arg, receipt, in->from.jid.bare);
	if (!to_domain(in) && !to_bot(in))
		relays_handle(c->relays, &in->from.jid, &in->to, in->st);
	else if (stanza_child(in->st, "received", NS_RECEIPTS) == NULL)
		chat_handle(c->chat, &in->from, &in->to, in->st);
}

static void
on_message(struct inbound *in)
{
	if (is(in->type, "error"))
		on_bounce(in);
	else if (stanza_child(in->st, "privilege", NULL) != NULL)
		on_privilege(in);
	else
		on_text(in);
}

/* -- presence ---------------------------------------------------------------------------------- */

/* type "": available */
static void
say(struct inbound *in, const char *type, const char *to)
{
	xmpp_stanza_t *st = stanza_new(in->c->ctx, "presence", NULL);

	if (st == NULL)
		return;
	if (xmpp_stanza_set_from(st, in->to.bare) != XMPP_EOK ||
	    xmpp_stanza_set_to(st, to) != XMPP_EOK ||
	    (*type != '\0' && xmpp_stanza_set_type(st, type) != XMPP_EOK))
		xmpp_stanza_release(st);
	else
		component_send(in->c, st);
}

static void
on_available(struct inbound *in)
{
	struct buf text = { .max = 64 };
	int64_t priority = 0;

	/* What is no number from -128 to 127 counts as none given (RFC 6121 section 4.7.2.3). */
	if (stanza_get_text(stanza_child(in->st, "priority", NULL), &text) != RES_OK ||
	    parse_int(span_trim(buf_as_span(&text)), -128, 127, &priority) != RES_OK)
		priority = 0;
	buf_free(&text);
	tracker_available(in->c->tracker, &in->from.jid, (int)priority);
}

static void
on_unavailable(struct inbound *in)
{
	tracker_unavailable(in->c->tracker, &in->from.jid);
}

static void
on_subscribe(struct inbound *in)
{
	if (!to_domain(in) && !to_bot(in) && !to_alias(in)) {
		say(in, "unsubscribed", in->from.jid.bare);
		return;
	}
	say(in, "subscribed", in->from.jid.bare);
	say(in, "", in->from.jid.bare);
}

static void
on_unsubscribe(struct inbound *in)
{
	say(in, "unsubscribed", in->from.jid.bare);
}

static void
on_subscribed(struct inbound *in)
{
	const struct component *c = in->c;

	if (to_bot(in))
		c->env.events->contact(c->env.events_arg, in->from.jid.bare, CONTACT_GRANTED);
}

static void
on_unsubscribed(struct inbound *in)
{
	const struct component *c = in->c;

	/* ejabberd answers so when we give a subscription back. */
	if (!to_bot(in) || rosters_left(c->rosters, in->from.jid.bare))
		return;
	tracker_unwatch(c->tracker, in->from.jid.bare);
	c->env.events->contact(c->env.events_arg, in->from.jid.bare, CONTACT_REFUSED);
}

static void
on_probe(struct inbound *in)
{
	struct buf to = { .max = JID_FULL_MAX };

	if ((to_domain(in) || to_bot(in) || to_alias(in)) &&
	    jid_print(&to, &in->from.jid) == RES_OK)
		say(in, "", buf_str(&to));
	buf_free(&to);
}

static void
on_presence(struct inbound *in)
{
	static const struct {
		const char *type;
		void (*handle)(struct inbound *in);
	} handlers[] = {
		{ "", on_available },
		{ "unavailable", on_unavailable },
		{ "subscribe", on_subscribe },
		{ "subscribed", on_subscribed },
		{ "unsubscribe", on_unsubscribe },
		{ "unsubscribed", on_unsubscribed },
		{ "probe", on_probe },
	};
	size_t i;

	for (i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (is(in->type, handlers[i].type))
			handlers[i].handle(in);
}

/* -- All stanzas ------------------------------------------------------------------------------- */

/*
 * An answer leaves from the address that was written to, prepared, and the server ends the stream
 * for one that is not ours.
 */
static bool
addresses(struct inbound *in, const char *to)
{
	struct buf prepared = { .max = JID_FULL_MAX };
	bool ours;

	ours = jid_parse_text(&in->from.jid, stanza_attr(in->st, "from")) == RES_OK &&
	    jid_parse_text(&in->to, to) == RES_OK &&
	    is(in->to.domain, in->c->address.domain) &&
	    jid_print(&prepared, &in->to) == RES_OK &&
	    xmpp_stanza_set_to(in->st, buf_str(&prepared)) == XMPP_EOK;
	buf_free(&prepared);
	return ours;
}

void
inbound_stanza(struct component *c, xmpp_stanza_t *st)
{
	static const struct {
		const char *name;
		void (*handle)(struct inbound *in);
	} kinds[] = {
		{ "message", on_message },
		{ "presence", on_presence },
		{ "iq", on_iq },
	};
	struct inbound in = { .c = c, .st = st, .type = stanza_attr(st, "type") };
	const char *to = stanza_attr(st, "to");
	size_t i;

	if (!addresses(&in, *to == '\0' ? c->address.domain : to))
		return;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (stanza_is(st, kinds[i].name, NULL))
			kinds[i].handle(&in);
}

static void
log_dropped(struct component *c, const struct parser_dropped *d)
{
	int64_t now = clock_mono(c->env.clock);

	if (c->dropped_at != 0 && now - c->dropped_at < SECOND_MS) {
		c->dropped_more++;
		return;
	}
	log_warn("dropped a stanza <%s/> from %s for its %s (and %u more since the last such line)",
	    d->name, *d->from == '\0' ? "nobody" : d->from, d->why, c->dropped_more);
	c->dropped_at = now == 0 ? 1 : now;
	c->dropped_more = 0;
}

static bool
wants_an_answer(const struct parser_dropped *d)
{
	if (is(d->name, "iq"))
		return is(d->type, "get") || is(d->type, "set");
	return is(d->name, "message") && !is(d->type, "error") && !is(d->type, "groupchat");
}

void
inbound_dropped(struct component *c, const struct parser_dropped *d)
{
	struct inbound in = { .c = c, .type = d->type };
	const char *condition = is(d->name, "iq") ? "policy-violation" : "not-acceptable";
	xmpp_stanza_t *st;

	log_dropped(c, d);
	if (!wants_an_answer(d))
		return;
	/* What is left of it, as far as an answer needs it. */
	st = in.st = stanza_new(c->ctx, d->name, NULL);
	if (st == NULL)
		return;
	if (xmpp_stanza_set_from(st, d->from) == XMPP_EOK && addresses(&in, d->to) &&
	    (*d->id == '\0' || xmpp_stanza_set_id(st, d->id) == XMPP_EOK))
		component_send(c, stanza_error(c->ctx, st, "modify", condition,
		    "This is larger than what can be read here.", NULL, NULL));
	xmpp_stanza_release(st);
}
