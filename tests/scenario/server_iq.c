/* What laterd asks the server, the users' clients and the upload service. */
#include "server.h"

#include "base/parse.h"
#include "xmpp/stanza.h"

#define NS_UPLOAD "urn:xmpp:http:upload:0"
#define NS_ITEMS  "http://jabber.org/protocol/disco#items"
#define NS_INFO   "http://jabber.org/protocol/disco#info"
#define NS_ROSTER "jabber:iq:roster"
#define NS_PRIVILEGE "urn:xmpp:privilege:2"

/* A result or an error; in its wrapper, where the question came in one (XEP-0356). */
static void
answer(struct world *w, xmpp_stanza_t *iq, const char *type, const char *inner)
{
	const char *to = w->wrapper != NULL ? stanza_attr(w->wrapper, "to") : stanza_attr(iq, "from");
	const char *xml = arena_printf(&w->arena, "<iq%s type='%s' id='%s' from='%s' to='%s'>%s</iq>",
	    w->wrapper != NULL ? " xmlns='jabber:client'" : "", type, stanza_attr(iq, "id"), server_escape(w, stanza_attr(iq, "to")),
	    server_escape(w, to), inner);

	if (w->wrapper == NULL)
		server_say(w, "%s", xml);
	else
		server_say(w, "<iq type='result' id='%s' from='%s' to='" COMPONENT "'><privilege xmlns='" NS_PRIVILEGE "'>"
		    "<forwarded xmlns='urn:xmpp:forward:0'>%s</forwarded></privilege></iq>", stanza_attr(w->wrapper, "id"),
		    server_escape(w, to), xml);
}

static void
reply(struct world *w, xmpp_stanza_t *iq, const char *inner)
{
	answer(w, iq, "result", inner);
}

static void
refuse(struct world *w, xmpp_stanza_t *iq, const char *type, const char *condition, const char *words)
{
	answer(w, iq, "error", arena_printf(&w->arena, "<error type='%s'><%s xmlns='" NS_STANZA_ERRORS "'/>"
	    "<text xmlns='" NS_STANZA_ERRORS "'>%s</text></error>", type, condition, words));
}

/* XEP-0202, to a client. */
static void
on_time(struct world *w, xmpp_stanza_t *iq)
{
	const char *to = server_attr(w, iq, "to"), *slash = strchr(to, '/');
	const struct person *p;

	assert_non_null(slash);
	w->clocks++;
	p = server_person(w, arena_printf(&w->arena, "%.*s", (int)(slash - to), to));
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
		reply(w, iq, arena_printf(&w->arena,
		    "<query xmlns='" NS_INFO "'><identity category='server' type='im'/><feature var='" NS_ITEMS "'/>%s</query>",
		    w->keeps_nothing ? "" : "<feature var='msgoffline'/>"));
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

/* Somebody's roster, as far as it is about the bot. */
static void
on_roster(struct world *w, xmpp_stanza_t *iq, xmpp_stanza_t *asked)
{
	struct person *p = server_person(w, stanza_attr(iq, "to"));
	xmpp_stanza_t *item = stanza_child(asked, "item", NULL);
	bool set = strcmp(stanza_attr(iq, "type"), "set") == 0;

	w->rosters++;
	if (w->roster == ROSTER_SILENCE)
		return;
	if (p == NULL || strcmp(server_domain_of(p->jid), "example.org") != 0)
		refuse(w, iq, "auth", "forbidden", "");
	else if (w->roster == ROSTER_FAILS || (w->roster == ROSTER_MEASURED && set && w->server == SERVER_EJABBERD))
		refuse(w, iq, "wait", "internal-server-error", "");
	else if (set) {
		assert_string_equal(stanza_attr(item, "jid"), BOT);
		p->shows_bot = strcmp(stanza_attr(item, "subscription"), "remove") == 0 ? NULL : server_attr(w, item, "subscription");
		reply(w, iq, "");
	} else
		reply(w, iq, p->shows_bot == NULL ? "<query xmlns='" NS_ROSTER "' ver='1'><item jid='nurse@example.org'/></query>"
		    : arena_printf(&w->arena, "<query xmlns='" NS_ROSTER "' ver='1'><item jid='nurse@example.org'/>"
		    "<item jid='" BOT "' subscription='%s'/></query>", p->shows_bot));
}

static void
on_slot(struct world *w, xmpp_stanza_t *iq, xmpp_stanza_t *request)
{
	const char *name = server_escape(w, stanza_attr(request, "filename"));

	assert_true(w->uploads);
	assert_string_equal(stanza_attr(iq, "to"), UPLOADS);
	assert_string_not_equal(name, "");
	w->slots++;
	w->slots_as_user += w->wrapper != NULL;
	w->slot_size = (size_t)strtoull(stanza_attr(request, "size"), NULL, 10);
	if (w->slot_size > w->upload_max)
		refuse(w, iq, "modify", "not-acceptable", "File too large");
	else if (w->slot == SLOT_REFUSED || (w->slot == SLOT_OF_USERS && w->wrapper == NULL))
		refuse(w, iq, "cancel", "not-allowed", "Only users of this server may upload");
	else if (w->slot != SLOT_SILENCE)
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
		w->unanswered = w->pong ? "" : server_attr(w, iq, "id");
	}
	if (batch ? w->pong : !w->slow_start)
		server_say(w, "<iq type='result' id='%s' from='%s' to='%s'/>", stanza_attr(iq, "id"), stanza_attr(iq, "to"),
		    stanza_attr(iq, "from"));
}

/* In the name of somebody whose server has granted it. */
static void
on_wrapped(struct world *w, xmpp_stanza_t *st, xmpp_stanza_t *wrapping)
{
	xmpp_stanza_t *iq = stanza_only_child(wrapping), *request = stanza_child(iq, "request", NS_UPLOAD);

	assert_true(stanza_is(iq, "iq", "jabber:client"));
	assert_non_null(request);
	assert_non_null(w->perms);
	assert_string_equal(server_domain_of(stanza_attr(st, "to")), "example.org");
	assert_string_equal(stanza_attr(st, "from"), COMPONENT);
	if (w->forbids)
		refuse(w, st, "auth", "forbidden", "");
	else {
		w->wrapper = st;
		on_slot(w, iq, request);
		w->wrapper = NULL;
	}
}

void
server_iq(struct world *w, xmpp_stanza_t *st)
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
	else if ((child = stanza_child(st, "privileged_iq", NS_PRIVILEGE)) != NULL)
		on_wrapped(w, st, child);
	else if ((child = stanza_child(st, "query", NS_ROSTER)) != NULL)
		on_roster(w, st, child);
	else if (!server_is_for_us(stanza_attr(st, "to")))
		on_ping(w, st);
}

