/*
 * Whatever the server says after the handshake: what the component answers is XML, from an address
 * of ours and to somebody.  Two bytes in the input are none of the stream: at 0xff commands that
 * take time are run again, a subscription is given back, and eleven seconds pass; at 0xfe a slot, a
 * clock and that subscription are asked for, and the turn ends, so that what follows can answer
 * questions of ours.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "base/log.h"
#include "xmpp/component.h"
#include "xmpp/stanza.h"

#define INPUT_MAX 8192
#define HEADER "<stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAM "' id='1'>"
#define ADDRESS "later.example.org"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct world {
	int64_t now;
	struct clock clock;
	struct timers timers;
	struct event_base *base;
	struct bufferevent *near, *far;
	struct component *component;
	struct messenger *m;
	xmpp_ctx_t *ctx;
	struct parser *parser; /* reads what is answered */
	bool bad;              /* how the next turn ends */
	int64_t twin_at;       /* when one was last told of */
	uint64_t tickets, resumed; /* of commands that take time */
	uint64_t wanted;       /* slots asked for */
	uint8_t told[256];     /* and which of them have ended: this often */
};

static int64_t
now(void *arg)
{
	return ((struct world *)arg)->now;
}

/* -- The service ----------------------------------------------------------------------------------
 */

static const struct command_info im = { .name = "im", .title = "Later", .has_form = true,
	.places = { { PLACE_WORD, "to" }, { PLACE_REST, "body" } }, .usage = "im <to> <text>" };

static const struct command_info *
visible(struct commands *c, const struct asker *who, size_t i)
{
	(void)c, (void)who;
	return i == 0 ? &im : NULL;
}

static const struct command_info *
find_command(struct commands *c, struct span name)
{
	(void)c;
	return span_eq(name, SPAN("im")) ? &im : NULL;
}

static void
want_clock(struct world *w, const char *jid)
{
	int32_t offset = INT32_MAX;
	enum res res = w->m->ops->client_offset(w->m, jid, &offset);

	if (res == RES_OK ? offset < -14 * 3600 || offset > 14 * 3600
	    : res != RES_UNCERTAIN && res != RES_NOTFOUND)
		abort();
}

static void
run_command(struct commands *c, const struct asker *who, const struct command_info *cmd,
    enum command_stage stage, struct form *in, struct reply *reply)
{
	struct world *w = (struct world *)c;
	struct buf jid = { 0 };

	(void)cmd;
	if (jid_print(&jid, &who->jid) == RES_OK)
		want_clock(w, buf_str(&jid));
	buf_free(&jid);
	/* Every third runs at once. */
	if (in != NULL && *form_get(in, "to") == 'l' && ++w->tickets % 3 != 0) {
		reply->kind = REPLY_LATER;
		reply->ticket = w->tickets;
		return;
	}
	reply->asks = in != NULL && *form_get(in, "to") == 'a';
	reply->kind = stage == COMMAND_ASK ? REPLY_FORM
	    : stage == COMMAND_CHECK       ? REPLY_CONFIRM
	                                   : REPLY_DONE;
	form_value(&reply->form, form_add(&reply->form, FIELD_TEXT, "to", "To"),
	    in == NULL ? "" : form_get(in, "to"));
	buf_text(&reply->note, in == NULL ? "" : form_get(in, "body"));
}

static bool
admit(struct commands *c, const struct asker *who, struct span name, struct reply *refusal)
{
	(void)c;
	(void)name;
	if (strcmp(who->jid.domain, "example.org") == 0)
		return true;
	reply_refuse(refusal, "forbidden", "auth", "You are not served.");
	return false;
}

static const struct command_ops command_ops = {
	.visible = visible, .admit = admit, .find = find_command, .run = run_command
};

static void
on_plain(void *arg)
{
	struct world *w = arg;
	struct outgoing o = { .id = "A", .sender = "a@example.org", .recipient = "b@example.net",
		.inner = SPAN("<body>x</body>"), .as_sender = true };

	w->m->ops->watch(w->m, "b@example.net");
	w->m->ops->subscribe(w->m, "b@example.net", "please");
	w->m->ops->send(w->m, &o);
	w->m->ops->barrier(w->m);
}

static void
on_presence(void *arg, const char *recipient, enum presence value)
{
	(void)arg;
	if (strlen(recipient) > JID_BARE_MAX ||
	    (value != PRESENCE_ONLINE && value != PRESENCE_OFFLINE))
		abort();
}

static void
on_bounced(void *arg, const char *id, const char *from, struct span condition, struct span type)
{
	(void)arg, (void)type;
	if (*id == '\0' || *from == '\0' || condition.len == 0)
		abort();
}

static void
on_not_allowed(void *arg, const char *id)
{
	struct world *w = arg;

	if (*id == '\0' || w->m->ops->speaks_for(w->m, "a@example.org"))
		abort();
}

static void
on_received(void *arg, const char *id, const char *from)
{
	(void)arg;
	if (*id == '\0' || *from == '\0')
		abort();
}

static enum relay
on_may_relay(void *arg, const char *from, const char *to)
{
	(void)arg;
	if (strchr(from, '@') == NULL || strchr(to, '@') == NULL)
		abort();
	return *from == 'r' ? RELAY_STRANGERS : RELAY_YES;
}

static void
on_contact(void *arg, const char *recipient, enum contact answer)
{
	struct world *w = arg;

	if (answer == CONTACT_GRANTED)
		w->m->ops->watch(w->m, recipient);
}

static void
on_client_clock(void *arg, const char *jid)
{
	struct world *w = arg;

	if (strchr(jid, '/') == NULL)
		abort();
	want_clock(w, jid);
	if (w->resumed < w->tickets)
		w->m->ops->resume(w->m, ++w->resumed);
}

static void
want_slot(struct world *w)
{
	const struct slot_request rq = { .user = "juliet@example.org", .name = "laterd.json",
		.type = "application/json", .size = 1000, .ticket = w->wanted };

	if (w->wanted < sizeof(w->told) && w->m->ops->request_slot(w->m, &rq) == RES_OK)
		w->wanted++;
}

static void
check_printable(const char *text)
{
	if (*text == '\0')
		abort();
	for (; *text != '\0'; text++)
		if ((*text < ' ' && *text != '\t') || *text > '~')
			abort();
}

static void
on_slot(void *arg, uint64_t ticket, enum res res, const struct slot *slot, const char *words)
{
	struct world *w = arg;
	size_t i;

	if (ticket >= w->wanted || w->told[ticket]++ > 0 || (slot != NULL) != (res == RES_OK) ||
	    (slot == NULL && *words == '\0'))
		abort();
	if (slot == NULL)
		return;
	check_printable(slot->put);
	check_printable(slot->get);
	if (slot->nheaders > SLOT_HEADERS_MAX)
		abort();
	for (i = 0; i < slot->nheaders; i++)
		check_printable(slot->headers[i].value);
}

static void
on_twin(void *arg)
{
	struct world *w = arg;

	/* Not before pings of a former process can be told from it, and at most once a minute. */
	if (w->now - w->twin_at < (w->twin_at == 0 ? 10 * SECOND_MS : MINUTE_MS))
		abort();
	w->twin_at = w->now;
}

static const struct messenger_events messenger_events = {
	.ready = on_plain,
	.broken = on_plain,
	.settled = on_plain,
	.presence = on_presence,
	.bounced = on_bounced,
	.not_allowed = on_not_allowed,
	.received = on_received,
	.may_relay = on_may_relay,
	.contact = on_contact,
	.client_clock = on_client_clock,
	.slot = on_slot,
	.twin = on_twin,
};

/* Every other turn fails. */
static void
on_turn(void *arg)
{
	struct world *w = arg;

	w->bad = !w->bad;
	if (w->bad)
		component_failed(w->component);
	else
		component_flush(w->component);
}

/* -- The server -----------------------------------------------------------------------------------
 */

static void
on_opened(void *arg, const char *id)
{
	(void)arg, (void)id;
}

static void
on_answer(void *arg, xmpp_stanza_t *st)
{
	struct jid from;

	(void)arg;
	if (stanza_is(st, "handshake", NULL))
		return;
	if (*stanza_attr(st, "to") == '\0' ||
	    jid_parse_text(&from, stanza_attr(st, "from")) != RES_OK ||
	    strcmp(from.domain, ADDRESS) != 0)
		abort();
}

static void
on_dropped(void *arg, const struct parser_dropped *d)
{
	(void)arg, (void)d;
}

static void
on_closed(void *arg)
{
	(void)arg;
}

static const struct parser_events parser_events = { on_opened, on_answer, on_dropped, on_closed };

static struct bufferevent *
dial(void *arg)
{
	struct world *w = arg;
	struct bufferevent *pair[2];

	/* Once; what comes after the end is the unit test's. */
	if (w->far != NULL || bufferevent_pair_new(w->base, 0, pair) != 0)
		return NULL;
	w->near = pair[0];
	w->far = pair[1];
	bufferevent_enable(w->far, EV_READ | EV_WRITE);
	return w->near;
}

static void
settle(struct world *w)
{
	char piece[4096];
	int i, n;

	for (i = 0; i < 6; i++) {
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		while (
		    (n = evbuffer_remove(bufferevent_get_input(w->far), piece, sizeof(piece))) > 0)
			if (parser_feed(w->parser, (struct span){ piece, (size_t)n }) != RES_OK)
				abort();
	}
}

static void
begin(struct world *w)
{
	static const char *const none[] = { NULL };
	static const struct zone utc = { .name = "UTC" };
	const struct component_config config = {
		.stream = { .address = ADDRESS, .secret = "s", .server = "127.0.0.1:5347",
		    .ping_to = "example.org",
		    .connect_timeout_ms = 10000, .keepalive_ms = 60000, .answer_timeout_ms = 30000,
		    .backoff_first_ms = 1000, .backoff_max_ms = 60000 },
		.name = "n", .version = "v", .admins = none, .zone = &utc,
	};
	struct component_env env = {
		.clock = &w->clock, .timers = &w->timers, .dial = dial, .dial_arg = w,
		.command_ops = &command_ops, .commands = (struct commands *)w,
		.events = &messenger_events, .events_arg = w,
		.turn = on_turn, .turn_arg = w,
	};

	*w = (struct world){
		.now = 1000, .base = event_base_new(), .ctx = xmpp_ctx_new(NULL, NULL)
	};
	w->clock = (struct clock){ now, now, w };
	w->parser = parser_new(w->ctx, &parser_bounds_default, &parser_events, w);
	w->component = component_new(&config, &env);
	if (w->parser == NULL || w->component == NULL)
		abort();
	w->m = component_messenger(w->component);
	component_start(w->component);
	bufferevent_trigger_event(w->near, BEV_EVENT_CONNECTED, 0);
	settle(w);
	bufferevent_write(w->far, HEADER "<handshake/>", sizeof(HEADER "<handshake/>") - 1);
	settle(w);
}

static void
pass_time(struct world *w)
{
	while (w->resumed < w->tickets)
		w->m->ops->resume(w->m, ++w->resumed);
	w->m->ops->unsubscribe(w->m, "juliet@example.org");
	w->now += 11 * SECOND_MS;
	timers_run(&w->timers, w->now);
}

static void
end_turn(struct world *w)
{
	want_slot(w);
	want_clock(w, "juliet@example.org/balcony");
	w->m->ops->subscribe(w->m, "juliet@example.org", "please");
	timers_run(&w->timers, w->now);
}

static void
end(struct world *w)
{
	component_free(&w->component);
	parser_free(&w->parser);
	xmpp_ctx_free(w->ctx);
	bufferevent_free(w->far);
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	event_base_free(w->base);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *stop = data + (len > INPUT_MAX ? INPUT_MAX : len), *mark;
	struct world w;

	log_open(LOG_TO_STDERR, LOG_ERROR);
	begin(&w);
	while (data < stop) {
		for (mark = data; mark < stop && *mark < 0xfe; mark++)
			;
		bufferevent_write(w.far, data, (size_t)(mark - data));
		settle(&w);
		if (mark == stop)
			break;
		if (*mark == 0xff)
			pass_time(&w);
		else
			end_turn(&w);
		component_flush(w.component);
		settle(&w);
		data = mark + 1;
	}
	end(&w);
	return 0;
}
