#include "server.h"

#include <event2/buffer.h>

#include "base/parse.h"
#include "xmpp/parser.h"
#include "xmpp/stanza.h"

#define NS_CLIENT "jabber:client"

static const struct {
	const char *ns, *extra;
} grants[] = {
	[SERVER_PLAIN] = { NULL, NULL },
	/* Prosody nests further namespaces, ejabberd adds a permission of type none. */
	[SERVER_PROSODY] = { "urn:xmpp:privilege:2", "<perm access='iq'><namespace ns='jabber:iq:version' type='get'/></perm>" },
	[SERVER_EJABBERD] = { "urn:xmpp:privilege:1", "<perm access='iq' type='none'/>" },
};

#define MEASURED \
	"<perm access='roster' type='both'/><perm access='message' type='outgoing'/>" \
	"<perm access='presence' type='managed_entity'/>"

const char *
server_escape(struct world *w, const char *text)
{
	struct buf out = { 0 };
	const char *copy;

	assert_int_equal(xml_escape(&out, span_of(text)), RES_OK);
	copy = arena_text(&w->arena, buf_str(&out));
	buf_free(&out);
	return copy;
}

static void __attribute__((format(printf, 2, 0)))
vsay(struct world *w, const char *format, va_list args)
{
	struct buf xml = { .max = (size_t)8 << 20 };

	assert_int_equal(buf_vprintf(&xml, format, args), RES_OK);
	if (w->peer != NULL)
		assert_int_equal(bufferevent_write(w->peer, buf_str(&xml), xml.len), 0);
	buf_free(&xml);
}

void
server_say(struct world *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(w, format, args);
	va_end(args);
}

/* -- What it says of its own accord, some time later ----------------------------------------------------------------------------- */

static void __attribute__((format(printf, 3, 4)))
say_later(struct world *w, int64_t ms, const char *format, ...)
{
	struct buf xml = { .max = (size_t)8 << 20 };
	va_list args;

	va_start(args, format);
	assert_int_equal(buf_vprintf(&xml, format, args), RES_OK);
	va_end(args);
	if (ms == 0)
		server_say(w, "%s", buf_str(&xml));
	else {
		w->promises = arena_grow(&w->arena, w->promises, w->npromises, &w->promises_cap, sizeof(*w->promises));
		w->promises[w->npromises++] = (struct promise){ w->mono + ms, arena_text(&w->arena, buf_str(&xml)) };
	}
	buf_free(&xml);
}

int64_t
server_next(const struct world *w)
{
	int64_t at = NEVER_MS;

	for (size_t i = 0; i < w->npromises; i++)
		at = w->promises[i].at < at ? w->promises[i].at : at;
	return at;
}

void
server_step(struct world *w)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->npromises; i++)
		if (w->promises[i].at > w->mono)
			w->promises[kept++] = w->promises[i];
		else
			server_say(w, "%s", w->promises[i].xml);
	w->npromises = kept;
}

/* -- After the handshake -------------------------------------------------------------------------------------------------------- */

const char *
server_domain_of(const char *jid)
{
	const char *at = strchr(jid, '@');

	return at == NULL ? jid : at + 1;
}

struct person *
server_person(struct world *w, const char *jid)
{
	for (struct person *p = w->people; p->jid != NULL; p++)
		if (strcmp(p->jid, jid) == 0)
			return p;
	return NULL;
}

static const struct person *
owner(struct world *w, const char *full)
{
	return server_person(w, arena_printf(&w->arena, "%.*s", (int)strcspn(full, "/"), full));
}

static void
grant(struct world *w)
{
	if (grants[w->server].ns == NULL)
		return;
	server_say(w, "<message from='example.org' to='" COMPONENT "'><privilege xmlns='%s'>%s%s</privilege></message>",
	    grants[w->server].ns, w->perms != NULL ? w->perms : MEASURED, w->perms != NULL ? "" : grants[w->server].extra);
	if (w->perms != NULL && strstr(w->perms, "'managed_entity'") == NULL)
		return;
	for (struct person *p = w->people; w->server == SERVER_PROSODY && p->jid != NULL; p++)
		if (p->probe == PROBE_ONLINE && strcmp(server_domain_of(p->jid), "example.org") == 0)
			server_say(w, "<presence from='%s/home' to='" COMPONENT "'/>", p->jid);
}

/* -- What laterd says ----------------------------------------------------------------------------------------------------------- */

const char *
server_attr(struct world *w, xmpp_stanza_t *st, const char *name)
{
	return st == NULL ? "" : arena_text(&w->arena, stanza_attr(st, name));
}

static const char *
text(struct world *w, xmpp_stanza_t *st)
{
	struct buf out = { 0 };
	const char *copy = "";

	if (st != NULL && stanza_get_text(st, &out) == RES_OK)
		copy = arena_text(&w->arena, buf_str(&out));
	buf_free(&out);
	return copy;
}

static xmpp_stanza_t *
wrapped_message(xmpp_stanza_t *message)
{
	xmpp_stanza_t *privilege = stanza_child(message, "privilege", NULL);
	xmpp_stanza_t *forwarded = privilege == NULL ? NULL : stanza_child(privilege, "forwarded", "urn:xmpp:forward:0");

	return forwarded == NULL ? NULL : stanza_child(forwarded, "message", NS_CLIENT);
}

static void
bounce(struct world *w, const struct heard *m, const char *condition, const char *type, int64_t ms)
{
	say_later(w, ms, "<message type='error' id='%s' from='%s' to='%s'><error type='%s'>"
	    "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
	    server_escape(w, m->id), server_escape(w, m->to), server_escape(w, m->from), type, condition);
}

void
world_bounce(struct world *w, const struct heard *m, const char *condition, const char *type)
{
	bounce(w, m, condition, type, 0);
	world_settle(w);
}

static void
echo(struct world *w, const struct heard *m, int64_t ms)
{
	say_later(w, ms, "<message type='chat' id='echo-%lu' from='%s' to='%s'><body>%s</body></message>", ++w->next_id,
	    server_escape(w, m->to), server_escape(w, m->from), server_escape(w, m->body));
}

static void
hear_error(struct world *w, struct heard *m, xmpp_stanza_t *st)
{
	xmpp_stanza_t *error = stanza_child(st, "error", NULL), *child;

	child = error == NULL ? NULL : xmpp_stanza_get_children(error);
	while (child != NULL && (!xmpp_stanza_is_tag(child) || stanza_is(child, "text", NULL)))
		child = xmpp_stanza_get_next(child);
	m->condition = child == NULL ? "" : arena_text(&w->arena, xmpp_stanza_get_name(child));
	m->error_type = server_attr(w, error, "type");
	m->error_text = error == NULL ? "" : text(w, stanza_child(error, "text", NULL));
}

static const char *
as_xml(struct world *w, xmpp_stanza_t *st)
{
	const char *copy;
	char *xml;
	size_t len;

	assert_int_equal(xmpp_stanza_to_text(st, &xml, &len), XMPP_EOK);
	copy = arena_text(&w->arena, xml);
	xmpp_free(w->ctx, xml);
	return copy;
}

static const char *
children_of(struct world *w, xmpp_stanza_t *st)
{
	struct buf out = { 0 };
	const char *copy;

	for (xmpp_stanza_t *child = xmpp_stanza_get_children(st); child != NULL; child = xmpp_stanza_get_next(child))
		if (xmpp_stanza_is_tag(child))
			buf_printf(&out, " {%s}%s", xmpp_stanza_get_ns(child), xmpp_stanza_get_name(child));
	copy = arena_text(&w->arena, buf_str(&out));
	buf_free(&out);
	return copy;
}

bool
world_has_child(const struct heard *m, const char *name, const char *ns)
{
	char want[256];
	size_t len = (size_t)snprintf(want, sizeof(want), " {%s}%s", ns, name);

	for (const char *p = strstr(m->children, want); p != NULL; p = strstr(p + 1, want))
		if (p[len] == ' ' || p[len] == '\0')
			return true;
	return false;
}

static void
on_message(struct world *w, xmpp_stanza_t *outer)
{
	xmpp_stanza_t *inner = wrapped_message(outer), *st = inner != NULL ? inner : outer, *addresses;
	struct heard *m;

	w->heard = arena_grow(&w->arena, w->heard, w->nheard, &w->heard_cap, sizeof(*w->heard));
	m = &w->heard[w->nheard++];
	addresses = stanza_child(st, "addresses", "http://jabber.org/protocol/address");
	*m = (struct heard){
		.at = w->wall, .connection = w->connections, .privileged = inner != NULL,
		.id = server_attr(w, st, "id"), .type = server_attr(w, st, "type"), .from = server_attr(w, st, "from"), .to = server_attr(w, st, "to"),
		.body = text(w, stanza_child(st, "body", NULL)),
		.origin_id = server_attr(w, stanza_child(st, "origin-id", "urn:xmpp:sid:0"), "id"),
		.delay = server_attr(w, stanza_child(st, "delay", "urn:xmpp:delay"), "stamp"),
		.nick = text(w, stanza_child(st, "nick", "http://jabber.org/protocol/nick")),
		.ofrom = addresses == NULL ? "" : server_attr(w, stanza_child(addresses, "address", NULL), "jid"),
		.thread = text(w, stanza_child(st, "thread", NULL)),
		.received = server_attr(w, stanza_child(st, "received", "urn:xmpp:receipts"), "id"),
		.displayed = server_attr(w, stanza_child(st, "displayed", "urn:xmpp:chat-markers:0"), "id"),
		.stored = stanza_child(st, "store", "urn:xmpp:hints") != NULL,
		.wants_receipt = stanza_child(st, "request", "urn:xmpp:receipts") != NULL,
		.children = children_of(w, st), .outer_id = inner != NULL ? server_attr(w, outer, "id") : "",
		.xml = w->keeps_xml ? as_xml(w, st) : "",
	};
	hear_error(w, m, st);
	m->clock = world_clock_text(w, m->at);
	const struct person *to = server_person(w, m->to);
	if (inner != NULL && w->forbids)
		server_say(w, "<message type='error' id='%s' from='example.org' to='" COMPONENT "'><error type='auth'>"
		    "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", server_attr(w, outer, "id"));
	else if (inner == NULL && to != NULL && to->bounce != NULL)
		bounce(w, m, to->bounce, to->bounce_type, to->bounce_ms);
	to = owner(w, m->to);
	if (inner == NULL && to != NULL && to->echoes && m->body[0] != '\0' && strcmp(m->type, "error") != 0)
		echo(w, m, to->echo_ms);
}

static void
answer_probe(struct world *w, const struct person *p)
{
	if (p->probe == PROBE_ONLINE)
		server_say(w, "<presence from='%s/orchard' to='" BOT "'><delay xmlns='urn:xmpp:delay' "
		    "stamp='2026-11-22T09:00:00Z'/></presence>", p->jid);
	else if (p->probe == PROBE_OFFLINE)
		server_say(w, "<presence type='unavailable' from='%s' to='" BOT "'/>", p->jid);
}

static void
on_presence(struct world *w, xmpp_stanza_t *st)
{
	struct signal *s;

	w->signals = arena_grow(&w->arena, w->signals, w->nsignals, &w->signals_cap, sizeof(*w->signals));
	s = &w->signals[w->nsignals++];
	*s = (struct signal){
		.type = server_attr(w, st, "type"), .from = server_attr(w, st, "from"), .to = server_attr(w, st, "to"),
		.nick = text(w, stanza_child(st, "nick", "http://jabber.org/protocol/nick")),
		.status = text(w, stanza_child(st, "status", NULL)),
	};
	struct person *p = server_person(w, s->to);
	if (p == NULL)
		return;
	if (strcmp(s->type, "unsubscribe") == 0)
		p->shows_bot = NULL;
	if (strcmp(s->type, "probe") == 0)
		answer_probe(w, p);
	else if (strcmp(s->type, "subscribe") == 0 && p->request != REQUEST_IGNORED) {
		bool granted = p->request == REQUEST_GRANTED;

		server_say(w, "<presence type='%s' from='%s' to='" BOT "'/>", granted ? "subscribed" : "unsubscribed", p->jid);
		if (granted && p->probe == PROBE_ONLINE)
			server_say(w, "<presence from='%s/orchard' to='" BOT "'/>", p->jid);
	}
}

/* -- The stream ---------------------------------------------------------------------------------------------------------------- */

bool
server_is_for_us(const char *to)
{
	const char *domain = server_domain_of(to);

	return strncmp(domain, COMPONENT, strlen(COMPONENT)) == 0 && strchr("/", domain[strlen(COMPONENT)]) != NULL;
}

/* What laterd sends to itself comes back to it, or to the other one that the server takes for it. */
static void
route_back(struct world *w, xmpp_stanza_t *st)
{
	w->own_last = as_xml(w, st);
	w->own++;
	if (w->twin == 0 || w->own % w->twin != 0)
		server_say(w, "%s", w->own_last);
}

static void
on_opened(void *arg, const char *id)
{
	(void)id;
	server_say(arg, "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' "
	    "xmlns:stream='http://etherx.jabber.org/streams' id='s1' from='" COMPONENT "'>");
}

static void
on_stanza(void *arg, xmpp_stanza_t *st)
{
	struct world *w = arg;

	if (stanza_is(st, "handshake", NULL)) {
		server_say(w, "<handshake/>");
		grant(w);
	} else if (stanza_is(st, "message", NULL))
		on_message(w, st);
	else if (stanza_is(st, "presence", NULL))
		on_presence(w, st);
	else if (stanza_is(st, "iq", NULL))
		server_iq(w, st);
	else
		fail_msg("laterd says <%s/>", xmpp_stanza_get_name(st));
	if (server_is_for_us(stanza_attr(st, "to")))
		route_back(w, st);
}

static void
on_dropped(void *arg, const struct parser_dropped *dropped)
{
	(void)arg;
	fail_msg("laterd says more than a server takes: %s", dropped->why);
}

static void
on_closed(void *arg)
{
	server_say(arg, "</stream:stream>");
}

static const struct parser_events parser_events = {
	.opened = on_opened,
	.stanza = on_stanza,
	.dropped = on_dropped,
	.closed = on_closed,
};

/* -- The transport -------------------------------------------------------------------------------------------------------------- */

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct world *w = arg;
	struct evbuffer *input = bufferevent_get_input(bev);
	struct evbuffer_iovec piece;

	while (evbuffer_peek(input, -1, NULL, &piece, 1) > 0 && piece.iov_len > 0) {
		w->batch += piece.iov_len;
		if (parser_feed(w->parser, (struct span){ piece.iov_base, piece.iov_len }) != RES_OK)
			fail_msg("laterd says what is no stream: %s", parser_error(w->parser));
		evbuffer_drain(input, piece.iov_len);
	}
}

void
server_forget(struct world *w)
{
	event_del(w->connected);
	if (w->peer != NULL)
		bufferevent_free(w->peer);
	parser_free(&w->parser);
	w->ours = w->peer = NULL;
	w->batch = 0;
}

struct bufferevent *
server_dial(void *arg)
{
	struct world *w = arg;
	struct bufferevent *pair[2];

	server_forget(w);
	if (w->server_down)
		return NULL;
	assert_int_equal(bufferevent_pair_new(w->base, BEV_OPT_DEFER_CALLBACKS, pair), 0);
	w->ours = pair[0];
	w->peer = pair[1];
	w->parser = parser_new(w->ctx, &parser_bounds_default, &parser_events, w);
	bufferevent_setcb(w->peer, on_read, NULL, NULL, w);
	bufferevent_enable(w->peer, EV_READ | EV_WRITE);
	/* Once laterd has set its callbacks. */
	event_active(w->connected, 0, 0);
	w->connections++;
	return w->ours;
}
