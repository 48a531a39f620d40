#include "server.h"

#include <event2/buffer.h>

#include "base/parse.h"
#include "xmpp/parser.h"
#include "xmpp/stanza.h"

#define NS_CLIENT "jabber:client"
#define NS_UPLOAD "urn:xmpp:http:upload:0"
#define NS_ITEMS  "http://jabber.org/protocol/disco#items"
#define NS_INFO   "http://jabber.org/protocol/disco#info"

static const struct {
	const char *ns, *extra;
} grants[] = {
	[SERVER_PLAIN] = { NULL, NULL },
	/* Prosody nests further namespaces, ejabberd adds a permission of type none. */
	[SERVER_PROSODY] = { "urn:xmpp:privilege:2", "<perm access='iq'><namespace ns='jabber:iq:version' type='get'/></perm>" },
	[SERVER_EJABBERD] = { "urn:xmpp:privilege:1", "<perm access='iq' type='none'/>" },
};

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

/* -- After the handshake -------------------------------------------------------------------------------------------------------- */

static const char *
domain_of(const char *jid)
{
	const char *at = strchr(jid, '@');

	return at == NULL ? jid : at + 1;
}

static const struct person *
known(const struct world *w, const char *jid)
{
	for (const struct person *p = w->people; p->jid != NULL; p++)
		if (strcmp(p->jid, jid) == 0)
			return p;
	return NULL;
}

static const struct person *
owner(struct world *w, const char *full)
{
	return known(w, arena_printf(&w->arena, "%.*s", (int)strcspn(full, "/"), full));
}

static void
grant(struct world *w)
{
	if (grants[w->server].ns == NULL)
		return;
	server_say(w, "<message from='example.org' to='" COMPONENT "'><privilege xmlns='%s'>"
	    "<perm access='roster' type='both'/><perm access='message' type='outgoing'/>"
	    "<perm access='presence' type='managed_entity'/>%s</privilege></message>",
	    grants[w->server].ns, grants[w->server].extra);
	for (struct person *p = w->people; w->server == SERVER_PROSODY && p->jid != NULL; p++)
		if (p->probe == PROBE_ONLINE && strcmp(domain_of(p->jid), "example.org") == 0)
			server_say(w, "<presence from='%s/home' to='" COMPONENT "'/>", p->jid);
}

/* -- What laterd says ----------------------------------------------------------------------------------------------------------- */

static const char *
attr(struct world *w, xmpp_stanza_t *st, const char *name)
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
bounce(struct world *w, const struct heard *m, const char *condition, const char *type)
{
	server_say(w, "<message type='error' id='%s' from='%s' to='%s'><error type='%s'>"
	    "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
	    m->id, server_escape(w, m->to), server_escape(w, m->from), type, condition);
}

void
world_bounce(struct world *w, const struct heard *m, const char *condition, const char *type)
{
	bounce(w, m, condition, type);
	world_settle(w);
}

static void
echo(struct world *w, const struct heard *m)
{
	server_say(w, "<message type='chat' id='echo-%lu' from='%s' to='%s'><body>%s</body></message>", ++w->next_id,
	    server_escape(w, m->to), server_escape(w, m->from), server_escape(w, m->body));
}

static const char *
condition_of(struct world *w, xmpp_stanza_t *st)
{
	xmpp_stanza_t *error = stanza_child(st, "error", NULL), *child;

	child = error == NULL ? NULL : xmpp_stanza_get_children(error);
	while (child != NULL && (!xmpp_stanza_is_tag(child) || stanza_is(child, "text", NULL)))
		child = xmpp_stanza_get_next(child);
	return child == NULL ? "" : arena_text(&w->arena, xmpp_stanza_get_name(child));
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
		.id = attr(w, st, "id"), .type = attr(w, st, "type"), .from = attr(w, st, "from"), .to = attr(w, st, "to"),
		.body = text(w, stanza_child(st, "body", NULL)),
		.origin_id = attr(w, stanza_child(st, "origin-id", "urn:xmpp:sid:0"), "id"),
		.delay = attr(w, stanza_child(st, "delay", "urn:xmpp:delay"), "stamp"),
		.nick = text(w, stanza_child(st, "nick", "http://jabber.org/protocol/nick")),
		.ofrom = addresses == NULL ? "" : attr(w, stanza_child(addresses, "address", NULL), "jid"),
		.thread = text(w, stanza_child(st, "thread", NULL)),
		.received = attr(w, stanza_child(st, "received", "urn:xmpp:receipts"), "id"),
		.displayed = attr(w, stanza_child(st, "displayed", "urn:xmpp:chat-markers:0"), "id"),
		.condition = condition_of(w, st),
		.stored = stanza_child(st, "store", "urn:xmpp:hints") != NULL,
		.wants_receipt = stanza_child(st, "request", "urn:xmpp:receipts") != NULL,
	};
	m->clock = world_clock_text(w, m->at);
	const struct person *to = known(w, m->to);
	if (inner != NULL && w->forbids)
		server_say(w, "<message type='error' id='%s' from='example.org' to='" COMPONENT "'><error type='auth'>"
		    "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", attr(w, outer, "id"));
	else if (inner == NULL && to != NULL && to->bounce != NULL)
		bounce(w, m, to->bounce, to->bounce_type);
	to = owner(w, m->to);
	if (inner == NULL && to != NULL && to->echoes && m->body[0] != '\0')
		echo(w, m);
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
		.type = attr(w, st, "type"), .from = attr(w, st, "from"), .to = attr(w, st, "to"),
		.nick = text(w, stanza_child(st, "nick", "http://jabber.org/protocol/nick")),
		.status = text(w, stanza_child(st, "status", NULL)),
	};
	const struct person *p = known(w, s->to);
	if (p == NULL)
		return;
	if (strcmp(s->type, "probe") == 0)
		answer_probe(w, p);
	else if (strcmp(s->type, "subscribe") == 0 && p->request != REQUEST_IGNORED) {
		bool granted = p->request == REQUEST_GRANTED;

		server_say(w, "<presence type='%s' from='%s' to='" BOT "'/>", granted ? "subscribed" : "unsubscribed", p->jid);
		if (granted && p->probe == PROBE_ONLINE)
			server_say(w, "<presence from='%s/orchard' to='" BOT "'/>", p->jid);
	}
}

/* -- What laterd asks ----------------------------------------------------------------------------------------------------------- */

static void
reply(struct world *w, xmpp_stanza_t *iq, const char *inner)
{
	server_say(w, "<iq type='result' id='%s' from='%s' to='%s'>%s</iq>", stanza_attr(iq, "id"),
	    server_escape(w, stanza_attr(iq, "to")), stanza_attr(iq, "from"), inner);
}

static void
refuse(struct world *w, xmpp_stanza_t *iq, const char *type, const char *condition, const char *words)
{
	server_say(w, "<iq type='error' id='%s' from='%s' to='%s'><error type='%s'>"
	    "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
	    "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>%s</text></error></iq>",
	    stanza_attr(iq, "id"), server_escape(w, stanza_attr(iq, "to")), stanza_attr(iq, "from"), type, condition, words);
}

/* XEP-0202, to a client. */
static void
on_time(struct world *w, xmpp_stanza_t *iq)
{
	const char *to = attr(w, iq, "to"), *slash = strchr(to, '/');
	const struct person *p;

	assert_non_null(slash);
	w->clocks++;
	p = known(w, arena_printf(&w->arena, "%.*s", (int)(slash - to), to));
	if (p == NULL || p->tzo == NULL)
		refuse(w, iq, "cancel", "service-unavailable", "");
	else if (p->tzo[0] != '\0')
		reply(w, iq, arena_printf(&w->arena, "<time xmlns='urn:xmpp:time'><tzo>%s</tzo><utc>%s</utc></time>", p->tzo,
		    world_clock_text(w, w->wall)));
}

static void
on_items(struct world *w, xmpp_stanza_t *iq)
{
	if (strcmp(stanza_attr(iq, "to"), "example.org") == 0)
		reply(w, iq, w->uploads ? "<query xmlns='" NS_ITEMS "'><item jid='rooms.example.org'/><item jid='" UPLOADS "'/></query>"
		    : "<query xmlns='" NS_ITEMS "'><item jid='rooms.example.org'/></query>");
	else
		refuse(w, iq, "cancel", "service-unavailable", "");
}

static void
on_info(struct world *w, xmpp_stanza_t *iq)
{
	const char *to = stanza_attr(iq, "to");

	if (strcmp(to, "example.org") == 0)
		reply(w, iq, "<query xmlns='" NS_INFO "'><identity category='server' type='im'/><feature var='" NS_ITEMS "'/></query>");
	else if (strcmp(to, "rooms.example.org") == 0)
		reply(w, iq, "<query xmlns='" NS_INFO "'><identity category='conference' type='text'/>"
		    "<feature var='http://jabber.org/protocol/muc'/></query>");
	else if (w->uploads && strcmp(to, UPLOADS) == 0)
		reply(w, iq, arena_printf(&w->arena,
		    "<query xmlns='" NS_INFO "'><identity category='store' type='file'/><feature var='" NS_UPLOAD "'/>"
		    "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>" NS_UPLOAD "</value></field>"
		    "<field var='max-file-size'><value>%zu</value></field></x></query>", w->upload_max));
	else
		refuse(w, iq, "cancel", "service-unavailable", "");
}

static void
on_slot(struct world *w, xmpp_stanza_t *iq, xmpp_stanza_t *request)
{
	const char *name = server_escape(w, stanza_attr(request, "filename"));

	assert_true(w->uploads);
	assert_string_equal(stanza_attr(iq, "to"), UPLOADS);
	assert_string_not_equal(name, "");
	w->slots++;
	w->slot_size = (size_t)strtoull(stanza_attr(request, "size"), NULL, 10);
	if (w->slot_size > w->upload_max)
		refuse(w, iq, "modify", "not-acceptable", "File too large");
	else if (w->slot == SLOT_REFUSED)
		refuse(w, iq, "cancel", "not-allowed", "Only users of this server may upload");
	else if (w->slot == SLOT_GIVEN)
		reply(w, iq, arena_printf(&w->arena, "<slot xmlns='" NS_UPLOAD "'><put url='" UPLOADS_PUT "%s'>"
		    "<header name='Authorization'>Basic c2xvdA==</header></put><get url='" UPLOADS_GET "%s'/></slot>", name, name));
}

static void
on_ping(struct world *w, xmpp_stanza_t *iq)
{
	bool batch = strncmp(stanza_attr(iq, "id"), "batch-", 6) == 0;

	assert_non_null(stanza_child(iq, "ping", "urn:xmpp:ping"));
	if (batch) {
		w->pings++;
		w->batch_max = w->batch > w->batch_max ? w->batch : w->batch_max;
		w->batch = 0;
		w->unanswered = w->pong ? "" : attr(w, iq, "id");
	}
	if (batch ? w->pong : !w->slow_start)
		server_say(w, "<iq type='result' id='%s' from='%s' to='%s'/>", stanza_attr(iq, "id"), stanza_attr(iq, "to"),
		    stanza_attr(iq, "from"));
}

static void
on_iq(struct world *w, xmpp_stanza_t *st)
{
	const char *type = stanza_attr(st, "type");
	xmpp_stanza_t *child;

	if (strcmp(type, "get") != 0 && strcmp(type, "set") != 0) {
		w->answers = arena_grow(&w->arena, w->answers, w->nanswers, &w->answers_cap, sizeof(*w->answers));
		w->answers[w->nanswers++] = xmpp_stanza_clone(st);
	} else if (stanza_child(st, "time", "urn:xmpp:time") != NULL)
		on_time(w, st);
	else if (stanza_child(st, "query", NS_ITEMS) != NULL)
		on_items(w, st);
	else if (stanza_child(st, "query", NS_INFO) != NULL)
		on_info(w, st);
	else if ((child = stanza_child(st, "request", NS_UPLOAD)) != NULL)
		on_slot(w, st, child);
	else
		on_ping(w, st);
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
		on_iq(w, st);
	else
		fail_msg("laterd says <%s/>", xmpp_stanza_get_name(st));
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
