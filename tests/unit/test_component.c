#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "peer.h"
#include "xmpp/component.h"

#define ROMEO "romeo@example.net"
#define FROM_JULIET " from='juliet@example.org/balcony' "
#define SETTLE "<iq type='result' id='settle-1' from='example.org' to='later.example.org'/>"
#define PRIVILEGE_2 \
	"<message from='example.org' to='later.example.org' id='p'>" \
	"<privilege xmlns='urn:xmpp:privilege:2'>" \
	"<perm access='roster' type='both'/><perm access='message' type='outgoing'/>" \
	"<perm access='presence' type='managed_entity'/><perm access='iq'><namespace ns='a'>" \
	"<namespace ns='b'/></namespace></perm></privilege></message>"
#define PRIVILEGE_1 \
	"<message from='example.org' to='later.example.org'>" \
	"<privilege xmlns='urn:xmpp:privilege:1'>" \
	"<perm access='roster' type='none'/><perm access='message' type='outgoing'/>" \
	"<perm access='presence' type='managed_entity'/></privilege></message>"

/* What the command says besides whom it was done for. */
struct commands {
	char *more;
	bool later; /* it takes time, with the tickets 1, 2, ... */
	uint64_t ticket;
};

struct world {
	struct peer peer;
	struct component *component;
	struct messenger *m;
	struct buf events;
	struct commands *commands;
	enum relay relay; /* what may_relay says */
	bool fail; /* the next commits */
	unsigned turns;
};

/* -- The service, as far as the component sees it ---------------------------------------------- */

static const struct command_info im = {
	.name = "im", .title = "Send a message later", .has_form = false
};

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
run_command(struct commands *c, const struct asker *who, const struct command_info *cmd,
    enum command_stage stage, struct form *in, struct reply *reply)
{
	(void)cmd, (void)stage, (void)in;
	if (c->later) {
		reply->kind = REPLY_LATER;
		reply->ticket = ++c->ticket;
		return;
	}
	reply->kind = REPLY_DONE;
	buf_printf(&reply->note, "done for %s", who->jid.bare);
	if (c->more != NULL)
		buf_text(&reply->note, c->more);
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
on_ready(void *arg)
{
	buf_text(&((struct world *)arg)->events, "ready ");
}

static void
on_broken(void *arg)
{
	buf_text(&((struct world *)arg)->events, "broken ");
}

static void
on_settled(void *arg)
{
	buf_text(&((struct world *)arg)->events, "settled ");
}

static void
on_presence(void *arg, const char *recipient, enum presence value)
{
	buf_printf(&((struct world *)arg)->events, "%s:%s ", recipient,
	    value == PRESENCE_ONLINE ? "online" : "offline");
}

static void
on_bounced(void *arg, const char *id, const char *from, struct span condition, struct span type)
{
	buf_printf(&((struct world *)arg)->events, "bounced(%s,%s,%.*s,%.*s) ", id, from,
	    (int)condition.len, condition.p, (int)type.len, type.p);
}

static void
on_not_allowed(void *arg, const char *id)
{
	buf_printf(&((struct world *)arg)->events, "not_allowed(%s) ", id);
}

static void
on_received(void *arg, const char *id, const char *from)
{
	buf_printf(&((struct world *)arg)->events, "received(%s,%s) ", id, from);
}

static enum relay
on_may_relay(void *arg, const char *from, const char *to)
{
	buf_printf(&((struct world *)arg)->events, "may_relay(%s,%s) ", from, to);
	return ((struct world *)arg)->relay;
}

static void
on_contact(void *arg, const char *recipient, enum contact answer)
{
	buf_printf(&((struct world *)arg)->events, "contact(%s,%s) ", recipient,
	    answer == CONTACT_GRANTED ? "granted" : "refused");
}

static void
on_client_clock(void *arg, const char *jid)
{
	buf_printf(&((struct world *)arg)->events, "clock(%s) ", jid);
}

static void
on_slot(void *arg, uint64_t ticket, enum res res, const struct slot *slot, const char *words)
{
	(void)slot, (void)words;
	buf_printf(&((struct world *)arg)->events, "slot(%u,%d) ", (unsigned)ticket, (int)res);
}

static void
on_twin(void *arg)
{
	buf_text(&((struct world *)arg)->events, "twin ");
}

static const struct messenger_events messenger_events = {
	.ready = on_ready,
	.broken = on_broken,
	.settled = on_settled,
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

static void
on_turn(void *arg)
{
	struct world *w = arg;

	w->turns++;
	if (w->fail)
		component_failed(w->component);
	else
		component_flush(w->component);
}

static int
begin(void **state)
{
	static const char *const admins[] = { "admin@example.org", NULL };
	static const char *const domains[] = { "example.org", "example.com", NULL };
	static struct zone utc = { .name = "UTC" };
	struct component_config config = {
		.stream = {
			.address = "later.example.org",
			.secret = "secret",
			.server = "127.0.0.1:5347",
			.ping_to = "example.org",
			.connect_timeout_ms = 10000,
			.keepalive_ms = 600000,
			.answer_timeout_ms = 30000,
			.backoff_first_ms = 1000,
			.backoff_max_ms = 60000,
		},
		.name = "Scheduled messages",
		.version = "1",
		.admins = admins,
		.domains = domains,
		.zone = &utc,
	};
	struct world *w = calloc(1, sizeof(*w));
	struct component_env env;

	if (w == NULL || (w->commands = calloc(1, sizeof(*w->commands))) == NULL)
		return 1;
	peer_begin(&w->peer);
	env = (struct component_env){
		.clock = &w->peer.clock,
		.timers = &w->peer.timers,
		.dial = peer_dialled,
		.dial_arg = &w->peer,
		.command_ops = &command_ops,
		.commands = w->commands,
		.events = &messenger_events,
		.events_arg = w,
		.turn = on_turn,
		.turn_arg = w,
	};
	w->component = component_new(&config, &env);
	*state = w;
	if (w->component == NULL)
		return 1;
	w->m = component_messenger(w->component);
	return 0;
}

static int
end(void **state)
{
	struct world *w = *state;

	component_free(&w->component);
	assert_null(w->component);
	assert_int_equal(timers_next(&w->peer.timers), NEVER_MS);
	peer_end(&w->peer);
	buf_free(&w->events);
	free(w->commands->more);
	free(w->commands);
	free(w);
	return 0;
}

static void
assert_events(struct world *w, const char *want)
{
	peer_settle(&w->peer);
	assert_string_equal(buf_str(&w->events), want);
	buf_reset(&w->events);
}

static void
shake_hands(struct world *w)
{
	if (w->peer.dials == 0)
		component_start(w->component);
	peer_connected(&w->peer);
	peer_says(&w->peer, PEER_HEADER);
	peer_says(&w->peer, "<handshake/>");
	assert_events(w, "");
}

static void
bring_up(struct world *w)
{
	shake_hands(w);
	peer_says(&w->peer, SETTLE);
	assert_events(w, "ready ");
	buf_reset(&w->peer.heard);
}

static void
assert_heard_part(struct world *w, const char *part)
{
	const char *heard = peer_heard(&w->peer);

	if (strstr(heard, part) == NULL)
		fail_msg("no \"%s\" in \"%s\"", part, heard);
}

static enum res
send_one(struct world *w, const char *id, bool as_sender)
{
	struct outgoing o = {
		.id = id,
		.sender = "juliet@example.org",
		.recipient = ROMEO,
		.inner = SPAN("<body>hi</body>"),
		.as_sender = as_sender,
	};

	return w->m->ops->send(w->m, &o);
}

static enum presence
presence_of(struct world *w, const char *who)
{
	return w->m->ops->presence(w->m, who);
}

/* -- Coming up --------------------------------------------------------------------------------- */

static void
test_ready_waits_for_what_the_server_says_by_itself(void **state)
{
	struct world *w = *state;

	shake_hands(w);
	assert_heard_part(w,
	    "<iq type='get' id='settle-1' from='later.example.org' to='example.org'>"
	    "<ping xmlns='urn:xmpp:ping'/></iq>");
	assert_false(w->m->ops->ready(w->m));
	peer_says(&w->peer, PRIVILEGE_2);
	assert_events(w, "");
	assert_false(w->m->ops->ready(w->m));
	/* Only the server's own answer to this very ping counts. */
	peer_says(&w->peer,
	    "<iq type='result' id='settle-2' from='example.org' to='later.example.org'/>");
	peer_says(&w->peer,
	    "<iq type='result' id='settle-1' from='evil@example.org' to='later.example.org'/>");
	peer_says(&w->peer,
	    "<iq type='result' id='settle-1' from='example.net' to='later.example.org'/>");
	assert_events(w, "");
	peer_says(&w->peer, SETTLE);
	assert_events(w, "ready ");
	assert_true(w->m->ops->ready(w->m));
	peer_says(&w->peer, SETTLE);
	assert_events(w, "");
}

static void
test_the_first_turn_may_fail(void **state)
{
	struct world *w = *state;

	w->fail = true;
	shake_hands(w);
	w->fail = false;
	peer_says(&w->peer, SETTLE);
	assert_events(w, "ready ");
	assert_heard_part(w, "settle-1");
}

static void
test_an_error_answers_the_ping_as_well(void **state)
{
	struct world *w = *state;

	shake_hands(w);
	peer_says(&w->peer,
	    "<iq type='error' id='settle-1' from='example.org' to='later.example.org'>"
	    "<error type='cancel'><service-unavailable "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
	assert_events(w, "ready ");
}

static void
test_a_server_that_answers_no_ping_is_left(void **state)
{
	struct world *w = *state;

	shake_hands(w);
	peer_passes(&w->peer, 59999);
	assert_true(w->peer.dials == 1);
	peer_passes(&w->peer, 1);
	/* Nobody was told of this connection, so nobody hears of its end. */
	assert_events(w, "");
	peer_passes(&w->peer, 60000);
	assert_int_equal(w->peer.dials, 2);
	shake_hands(w);
	peer_says(&w->peer,
	    "<iq type='result' id='settle-2' from='example.org' to='later.example.org'/>");
	assert_events(w, "ready ");
}

static void
test_a_broken_stream_forgets_what_it_knew(void **state)
{
	struct world *w = *state;

	shake_hands(w);
	peer_says(&w->peer, PRIVILEGE_2 SETTLE);
	peer_says(&w->peer, "<presence from='juliet@example.org/a' to='later.example.org'/>");
	assert_events(w, "ready juliet@example.org:online ");
	assert_true(w->m->ops->speaks_for(w->m, "juliet@example.org"));
	peer_hangs_up(&w->peer);
	assert_events(w, "broken ");
	assert_false(w->m->ops->ready(w->m));
	assert_false(w->m->ops->speaks_for(w->m, "juliet@example.org"));
	assert_int_equal(presence_of(w, "juliet@example.org"), PRESENCE_UNKNOWN);
	assert_int_equal(send_one(w, "A", false), RES_TEMPFAIL);
	assert_int_equal(w->m->ops->barrier(w->m), RES_TEMPFAIL);
	w->m->ops->watch(w->m, ROMEO);
	assert_int_equal(presence_of(w, ROMEO), PRESENCE_UNKNOWN);
}

/* -- Privileges -------------------------------------------------------------------------------- */

static void
test_prosodys_privileges_are_used(void **state)
{
	struct world *w = *state;

	bring_up(w);
	assert_false(w->m->ops->speaks_for(w->m, "juliet@example.org"));
	assert_int_equal(presence_of(w, "nurse@example.org"), PRESENCE_UNKNOWN);
	peer_says(&w->peer, PRIVILEGE_2);
	assert_true(w->m->ops->speaks_for(w->m, "juliet@example.org"));
	assert_false(w->m->ops->speaks_for(w->m, ROMEO));
	assert_int_equal(presence_of(w, "nurse@example.org"), PRESENCE_OFFLINE);
	assert_int_equal(send_one(w, "A", true), RES_OK);
	component_flush(w->component);
	assert_heard_part(w, "<message id='A' from='later.example.org' to='example.org'>"
	    "<privilege xmlns='urn:xmpp:privilege:2'>");
	assert_int_equal(send_one(w, "B", false), RES_OK);
	component_flush(w->component);
	assert_heard_part(
	    w, "<message type='chat' id='B' from='juliet%example.org@later.example.org'");
}

static void
test_ejabberds_privileges_are_used(void **state)
{
	struct world *w = *state;

	bring_up(w);
	peer_says(&w->peer, PRIVILEGE_1);
	assert_true(w->m->ops->speaks_for(w->m, "juliet@example.org"));
	assert_int_equal(presence_of(w, "nurse@example.org"), PRESENCE_UNKNOWN);
	assert_int_equal(send_one(w, "A", true), RES_OK);
	component_flush(w->component);
	assert_heard_part(w, "<privilege xmlns='urn:xmpp:privilege:1'>");
}

static void
test_only_served_domains_grant_privileges(void **state)
{
	static const char grant[] =
	    "<message from='%s' to='later.example.org'><privilege xmlns='urn:xmpp:privilege:2'>"
	    "<perm access='message' type='outgoing'/><perm access='presence' "
	    "type='roster'/></privilege></message>";
	static const char *const from[] = { "evil.example", "juliet@example.org", "example.org/x",
		"example.com" };
	struct world *w = *state;
	char text[512];
	size_t i;

	bring_up(w);
	for (i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), grant, from[i]);
		peer_says(&w->peer, text);
	}
	assert_false(w->m->ops->speaks_for(w->m, "a@evil.example"));
	assert_int_equal(presence_of(w, "a@evil.example"), PRESENCE_UNKNOWN);
	assert_false(w->m->ops->speaks_for(w->m, "juliet@example.org"));
	assert_true(w->m->ops->speaks_for(w->m, "a@example.com"));
	/* And nobody is told that chat is not read. */
	assert_string_equal(peer_heard(&w->peer), "");
}

static void
test_a_refused_wrapper_is_not_tried_again(void **state)
{
	static const char refusal[] =
	    "<message type='error' id='%s' from='%s' to='later.example.org'><error type='%s'>"
	    "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>";
	struct world *w = *state;
	char text[512];

	bring_up(w);
	peer_says(&w->peer, PRIVILEGE_2);
	snprintf(text, sizeof(text), refusal, "A", "example.org", "auth");
	peer_says(&w->peer, text);
	assert_events(w, "not_allowed(A) ");
	assert_false(w->m->ops->speaks_for(w->m, "juliet@example.org"));
	assert_non_null(
	    strstr(peer_logged(&w->peer), "does not let us send as its users: forbidden"));
	snprintf(text, sizeof(text), refusal, "B", "example.org", "auth");
	peer_says(&w->peer, text);
	assert_events(w, "not_allowed(B) ");
	assert_string_equal(peer_logged(&w->peer), "");
	peer_says(&w->peer, PRIVILEGE_2);
	assert_false(w->m->ops->speaks_for(w->m, "juliet@example.org"));
	/* Anybody else's error is a bounce. */
	snprintf(text, sizeof(text), refusal, "C", "evil.example", "auth");
	peer_says(&w->peer, text);
	assert_events(w, "bounced(C,evil.example,forbidden,auth) ");
	/* Without the privilege, the message goes out from our own address. */
	assert_int_equal(send_one(w, "D", true), RES_OK);
	component_flush(w->component);
	assert_heard_part(w, "from='juliet%example.org@later.example.org'");
}

/* -- Messages and batches ---------------------------------------------------------------------- */

static void
test_a_batch_is_settled_by_its_pong(void **state)
{
	struct world *w = *state;

	bring_up(w);
	assert_int_equal(w->m->ops->batched(w->m), 0);
	assert_int_equal(send_one(w, "A", false), RES_OK);
	assert_true(w->m->ops->batched(w->m) > 200);
	assert_int_equal(w->m->ops->barrier(w->m), RES_OK);
	assert_int_equal(w->m->ops->batched(w->m), 0);
	assert_int_equal(w->m->ops->barrier(w->m), RES_TEMPFAIL);
	assert_string_equal(peer_heard(&w->peer), "");
	component_flush(w->component);
	assert_heard_part(
	    w, "</message><iq type='get' id='batch-1' from='later.example.org' to='example.org'>");
	peer_says(&w->peer,
	    "<iq type='result' id='batch-1' from='juliet@example.org/x' to='later.example.org'/>");
	assert_events(w, "");
	peer_says(
	    &w->peer, "<iq type='result' id='batch-1' from='example.org' to='later.example.org'/>");
	assert_events(w, "settled ");
	assert_int_equal(w->m->ops->barrier(w->m), RES_OK);
	component_flush(w->component);
	assert_heard_part(w, "batch-2");
	peer_says(
	    &w->peer, "<iq type='result' id='batch-1' from='example.org' to='later.example.org'/>");
	assert_events(w, "");
	peer_says(
	    &w->peer, "<iq type='error' id='batch-2' from='example.org' to='later.example.org'/>");
	assert_events(w, "settled ");
	peer_passes(&w->peer, 61000);
	assert_events(w, "");
}

static void
test_a_batch_without_pong_breaks_the_stream(void **state)
{
	struct world *w = *state;

	bring_up(w);
	assert_int_equal(send_one(w, "A", false), RES_OK);
	assert_int_equal(w->m->ops->barrier(w->m), RES_OK);
	component_flush(w->component);
	peer_passes(&w->peer, 59999);
	assert_events(w, "");
	peer_passes(&w->peer, 1);
	assert_events(w, "broken ");
	assert_non_null(strstr(peer_logged(&w->peer), "did not answer a ping"));
	peer_passes(&w->peer, 1000);
	assert_int_equal(w->peer.dials, 2);
	shake_hands(w);
	peer_says(&w->peer,
	    "<iq type='result' id='settle-2' from='example.org' to='later.example.org'/>");
	assert_events(w, "ready ");
	/* The pong of a batch of the last connection. */
	peer_says(
	    &w->peer, "<iq type='result' id='batch-1' from='example.org' to='later.example.org'/>");
	assert_events(w, "");
}

static void
test_a_message_above_200_kib_is_refused(void **state)
{
	struct world *w = *state;
	struct outgoing o = { .id = "A", .sender = "juliet@example.org", .recipient = ROMEO };
	char *inner = malloc(201 << 10);

	assert_non_null(inner);
	memset(inner, 'x', 201 << 10);
	bring_up(w);
	o.inner = (struct span){ inner, 201 << 10 };
	assert_int_equal(w->m->ops->send(w->m, &o), RES_INVALID);
	o.inner.len = 199 << 10;
	assert_int_equal(w->m->ops->send(w->m, &o), RES_OK);
	o.recipient = "";
	assert_int_equal(w->m->ops->send(w->m, &o), RES_INVALID);
	free(inner);
}

static void
test_bounces_and_receipts_are_reported(void **state)
{
	struct world *w = *state;

	bring_up(w);
	peer_says(&w->peer,
	    "<message type='error' id='A' from='" ROMEO
	    "/x' to='juliet%example.org@later.example.org'>"
	    "<body>hi</body><error type='cancel'><text "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no</text>"
	    "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
	assert_events(w, "bounced(A," ROMEO ",service-unavailable,cancel) ");
	peer_says(
	    &w->peer, "<message type='error' id='B' from='" ROMEO "' to='bot@later.example.org'/>");
	assert_events(w, "bounced(B," ROMEO ",undefined-condition,) ");
	peer_says(&w->peer, "<message type='error' from='" ROMEO "' to='bot@later.example.org'/>");
	assert_events(w, "");
	peer_says(&w->peer,
	    "<message id='z' from='" ROMEO "/x' to='juliet%example.org@later.example.org'>"
	    "<received xmlns='urn:xmpp:receipts' id='7K3QAB'/></message>");
	assert_events(w, "received(7K3QAB," ROMEO ") ");
	peer_says(&w->peer,
	    "<message id='z' from='" ROMEO "/x' to='bot@later.example.org'>"
	    "<received xmlns='urn:xmpp:receipts' id='A'/>"
	    "<received xmlns='urn:xmpp:receipts' id='9ZTM2B'/></message>");
	assert_events(w, "received(9ZTM2B," ROMEO ") ");
	/* What nobody of ours can have been sent. */
	peer_says(&w->peer,
	    "<message id='z' from='" ROMEO "/x' to='bot@later.example.org'>"
	    "<received xmlns='urn:xmpp:receipts' id='7k3qab'/></message>");
	assert_events(w, "");
	peer_says(&w->peer,
	    "<message from='" ROMEO
	    "/x' to='bot@later.example.org'><received xmlns='urn:xmpp:receipts'/></message>");
	assert_events(w, "");
	assert_string_equal(peer_heard(&w->peer), "");
}

/* -- Chat -------------------------------------------------------------------------------------- */

#define ALIAS "romeo%example.net@later.example.org"

static const char *const quiet[] = {
	"<message type='error'" FROM_JULIET "to='%s'><body>x</body></message>",
	"<message type='groupchat'" FROM_JULIET "to='%s'><body>x</body></message>",
	"<message type='headline'" FROM_JULIET "to='%s'><body>x</body></message>",
	"<message type='chat'" FROM_JULIET "to='%s'><composing xmlns='c'/></message>",
	"<message type='chat'" FROM_JULIET "to='%s'><body>x</body>"
	"<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/></message>",
	"<message from='@@' to='%s'><body>x</body></message>",
	"<message type='chat' to='%s'><body>x</body></message>",
};

static const char *
says_to(struct world *w, const char *to, const char *body)
{
	char text[512];

	snprintf(text, sizeof(text),
	    "<message type='chat' id='c'" FROM_JULIET "to='%s'><body>%s</body></message>", to, body);
	peer_says(&w->peer, text);
	return peer_heard(&w->peer);
}

static void
test_what_nobody_has_written_now_is_not_answered(void **state)
{
	static const char *const to[] = { "bot@later.example.org", "later.example.org", ALIAS };
	struct world *w = *state;
	char text[512];
	size_t i, k;

	bring_up(w);
	for (i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
		for (k = 0; k < 3; k++) {
			/* Between people, what comes late is passed on as well. */
			if (k == 2 && strstr(quiet[i], "<delay") != NULL)
				continue;
			snprintf(text, sizeof(text), quiet[i], to[k]);
			peer_says(&w->peer, text);
			assert_string_equal(peer_heard(&w->peer), "");
		}
	assert_string_equal(says_to(w, "bot@other.example.org", "im"), "");
}

static void
test_strangers_are_answered_with_a_way_out(void **state)
{
	struct world *w = *state;
	const char *heard;

	bring_up(w);
	w->relay = RELAY_STRANGERS;
	heard = says_to(w, ALIAS, "im");
	assert_non_null(strstr(heard, "type=\"error\""));
	assert_non_null(strstr(heard, "to=\"juliet@example.org/balcony\""));
	assert_non_null(strstr(heard, ALIAS));
	assert_non_null(strstr(heard, "service-unavailable"));
	assert_non_null(strstr(heard, "Write to the person directly instead"));
	assert_events(w, "may_relay(juliet@example.org," ROMEO ") ");
	heard = says_to(w, "who@later.example.org", "im");
	assert_non_null(strstr(heard, "item-not-found"));
	heard = says_to(w, "bot%later.example.org@later.example.org", "im");
	assert_non_null(strstr(heard, "item-not-found"));
	assert_events(w, "");
}

static void
test_replies_are_passed_on(void **state)
{
	struct world *w = *state;

	bring_up(w);
	assert_string_equal(says_to(w, ALIAS, "Ay me!"),
	    "<message type='chat' id='c' from='juliet%example.org@later.example.org' to='" ROMEO
	    "'><body>Ay me!</body><addresses xmlns='http://jabber.org/protocol/address'>"
	    "<address type='ofrom' jid='juliet@example.org'/></addresses>"
	    "<nick xmlns='http://jabber.org/protocol/nick'>juliet</nick></message>");
	assert_events(w, "may_relay(juliet@example.org," ROMEO ") ");
	/* No part of a batch, and nothing to settle. */
	assert_int_equal(w->m->ops->batched(w->m), 0);
	peer_says(&w->peer, PRIVILEGE_2);
	assert_non_null(strstr(says_to(w, ALIAS, "Ay me!"),
	    "<message xmlns='jabber:client' type='chat' id='c' from='juliet@example.org' to='" ROMEO
	    "'><body>Ay me!</body></message></forwarded></privilege></message>"));
	/* What comes back of them ends with us. */
	assert_events(w, "may_relay(juliet@example.org," ROMEO ") ");
	peer_says(&w->peer,
	    "<message type='error' id='c' from='" ROMEO "/x' "
	    "to='juliet%example.org@later.example.org'><body>Ay me!</body><error type='cancel'>"
	    "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
	assert_events(w, "bounced(c," ROMEO ",service-unavailable,cancel) ");
	assert_string_equal(peer_heard(&w->peer), "");
}

static void
test_a_reply_and_a_receipt_part_ways(void **state)
{
	struct world *w = *state;
	const char *heard;

	bring_up(w);
	peer_says(&w->peer,
	    "<message type='chat' id='z'" FROM_JULIET "to='" ALIAS "'>"
	    "<received xmlns='urn:xmpp:receipts' id='7K3QAB'/><body>Ay</body></message>");
	assert_events(w,
	    "received(7K3QAB,juliet@example.org) may_relay(juliet@example.org," ROMEO ") ");
	heard = peer_heard(&w->peer);
	assert_non_null(strstr(heard, "<body>Ay</body>"));
	assert_null(strstr(heard, "received"));
	peer_says(&w->peer,
	    "<message type='chat' id='z'" FROM_JULIET "to='" ALIAS "'>"
	    "<received xmlns='urn:xmpp:receipts' id='c'/></message>");
	assert_events(w, "may_relay(juliet@example.org," ROMEO ") ");
	assert_heard_part(w, "<received xmlns='urn:xmpp:receipts' id='c'></received>");
}

static void
test_a_refused_wrapper_of_a_reply_is_no_packets(void **state)
{
	struct world *w = *state;
	const char *heard;

	bring_up(w);
	peer_says(&w->peer, PRIVILEGE_2);
	peer_says(&w->peer,
	    "<message type='chat' id='7K3QAB'" FROM_JULIET "to='" ALIAS "'>"
	    "<body>Ay</body></message>");
	assert_heard_part(w, "<message id='relay-0' from='later.example.org' to='example.org'>");
	assert_events(w, "may_relay(juliet@example.org," ROMEO ") ");
	peer_says(&w->peer,
	    "<message type='error' id='relay-0' from='example.org' to='later.example.org'>"
	    "<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
	    "</message>");
	assert_events(w, "not_allowed(relay-0) ");
	assert_false(w->m->ops->speaks_for(w->m, "juliet@example.org"));
	heard = peer_heard(&w->peer);
	assert_non_null(strstr(heard, "to=\"juliet@example.org/balcony\""));
	assert_non_null(strstr(heard, "id=\"7K3QAB\""));
	assert_non_null(strstr(heard, "try again later"));
	heard = says_to(w, ALIAS, "Ay");
	assert_non_null(strstr(heard, "from='juliet%example.org@later.example.org'"));
	/* Nobody else can say so. */
	peer_says(&w->peer,
	    "<message type='error' id='relay-0' from='evil.example' to='later.example.org'/>");
	assert_string_equal(peer_heard(&w->peer), "");
}

static void
test_a_reply_of_a_failed_turn_is_told_so(void **state)
{
	static const enum relay answers[] = { RELAY_YES, RELAY_STRANGERS, RELAY_TROUBLE };
	struct world *w = *state;
	const char *heard;
	size_t i;

	bring_up(w);
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		w->relay = answers[i];
		w->fail = true;
		heard = says_to(w, ALIAS, "Ay me!");
		assert_null(strstr(heard, "Ay me!"));
		assert_null(strstr(heard, "service-unavailable"));
		assert_non_null(strstr(heard, "<message"));
		assert_non_null(strstr(heard, "to=\"juliet@example.org/balcony\""));
		assert_non_null(strstr(heard, "id=\"c\""));
		assert_non_null(strstr(heard, "internal-server-error"));
		assert_non_null(strstr(heard, "type=\"wait\""));
		assert_non_null(strstr(heard, "could not be passed on"));
		assert_null(strstr(strstr(heard, "<message") + 1, "<message"));
	}
	/* What nobody would have heard of is not answered now. */
	peer_says(&w->peer,
	    "<message type='chat'" FROM_JULIET "to='" ALIAS "'>"
	    "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
	assert_string_equal(peer_heard(&w->peer), "");
	w->fail = false;
	w->relay = RELAY_YES;
	heard = says_to(w, ALIAS, "Ay me!");
	assert_non_null(strstr(heard, "Ay me!"));
	assert_null(strstr(heard, "error"));
}

static void
test_our_own_stanzas_are_never_passed_on(void **state)
{
	static const char *const from[] = { "bot@later.example.org", "later.example.org",
		"juliet%example.org@later.example.org/x" };
	struct world *w = *state;
	char text[400];
	size_t i;

	bring_up(w);
	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "<message type='chat' id='c' from='%s' to='%s'>"
		    "<body>x</body></message>", from[i], ALIAS);
		peer_says(&w->peer, text);
	}
	assert_string_equal(peer_heard(&w->peer), "");
	assert_events(w, "");
}

static void
test_chat_reaches_the_service(void **state)
{
	static const char *const to[] = { "bot@later.example.org", "later.example.org" };
	struct world *w = *state;
	char from[64];
	const char *heard;
	size_t i;

	bring_up(w);
	for (i = 0; i < 2; i++) {
		heard = says_to(w, to[i], "im");
		snprintf(from, sizeof(from), "from=\"%s\"", to[i]);
		assert_non_null(strstr(heard, from));
		assert_non_null(strstr(heard, "to=\"juliet@example.org/balcony\""));
		assert_non_null(strstr(heard, "<body>done for juliet@example.org</body>"));
	}
	peer_says(&w->peer, "<message type='chat' id='c' from='eve@evil.example/x' "
	    "to='bot@later.example.org'><body>im</body></message>");
	heard = peer_heard(&w->peer);
	assert_non_null(strstr(heard, "<forbidden"));
	assert_non_null(strstr(heard, "You are not served."));
}

static void
test_chat_of_a_failed_turn_is_told_so(void **state)
{
	struct world *w = *state;
	const char *heard;

	bring_up(w);
	w->fail = true;
	heard = says_to(w, "bot@later.example.org", "im");
	assert_null(strstr(heard, "done for"));
	assert_non_null(strstr(heard, "could not be stored"));
	assert_non_null(strstr(heard, "to=\"juliet@example.org/balcony\""));
	w->fail = false;
	heard = says_to(w, "bot@later.example.org", "im");
	assert_null(strstr(heard, "could not be stored"));
}

static void
test_chat_that_took_time_is_answered_after_its_turn(void **state)
{
	struct world *w = *state;

	bring_up(w);
	w->commands->later = true;
	assert_string_equal(says_to(w, "bot@later.example.org", "im"), "");
	w->commands->later = false;
	w->m->ops->resume(w->m, 1);
	assert_string_equal(peer_heard(&w->peer), "");
	component_flush(w->component);
	assert_heard_part(w, "done for juliet@example.org");
	/* Or never, where the stream is gone meanwhile. */
	w->commands->later = true;
	says_to(w, "bot@later.example.org", "im");
	w->commands->later = false;
	peer_hangs_up(&w->peer);
	assert_events(w, "broken ");
	w->m->ops->resume(w->m, 2);
	peer_passes(&w->peer, 61000);
	assert_null(strstr(peer_heard(&w->peer), "<body"));
}

/* -- Configured anew, and measured ------------------------------------------------------------- */

static void
test_domain_that_is_served_no_more_grants_nothing(void **state)
{
	static const char *const domains[] = { "example.com", NULL }, *const none[] = { NULL };
	struct component_config config = { .admins = none, .domains = domains };
	struct zone utc = { .name = "UTC" };
	struct world *w = *state;

	config.zone = &utc;
	bring_up(w);
	peer_says(&w->peer, PRIVILEGE_2);
	peer_says(&w->peer, "<message from='example.com' to='later.example.org'><privilege "
	    "xmlns='urn:xmpp:privilege:2'><perm access='message' type='outgoing'/><perm "
	    "access='presence' type='roster'/></privilege></message>");
	peer_says(&w->peer, "<presence from='a@example.com/x' to='later.example.org'/>");
	assert_events(w, "a@example.com:online ");
	component_configure(w->component, &config);
	assert_events(w, "");
	config.domains = none;
	component_configure(w->component, &config);
	/* The server that we are a component of stays. */
	assert_true(w->m->ops->speaks_for(w->m, "a@example.org"));
	assert_false(w->m->ops->speaks_for(w->m, "a@example.com"));
	assert_int_equal(presence_of(w, "a@example.com"), PRESENCE_UNKNOWN);
	peer_says(&w->peer, "<message from='example.com' to='later.example.org'><privilege "
	    "xmlns='urn:xmpp:privilege:2'><perm access='message' type='outgoing'/>"
	    "</privilege></message>");
	assert_false(w->m->ops->speaks_for(w->m, "a@example.com"));
}

static void
assert_exposed(struct world *w, const char *line)
{
	struct buf text = { 0 };

	component_expose(w->component, &text);
	assert_false(text.failed);
	if (strstr(buf_str(&text), line) == NULL)
		fail_msg("no \"%s\" in %s", line, buf_str(&text));
	buf_free(&text);
}

static void
test_what_is_measured_is_exposed(void **state)
{
	struct world *w = *state;

	assert_exposed(w, "\nlaterd_stream_up 0\n");
	assert_exposed(w, "\nlaterd_streams_total 0\n");
	assert_exposed(w, "\nlaterd_stream_twins_total 0\n");
	assert_exposed(w, "\nlaterd_pong_seconds_count 0\n");
	bring_up(w);
	peer_says(&w->peer, PRIVILEGE_2);
	peer_says(&w->peer, "<presence from='juliet@example.org/a' to='later.example.org'/>");
	assert_int_equal(send_one(w, "A", false), RES_OK);
	assert_int_equal(w->m->ops->barrier(w->m), RES_OK);
	component_flush(w->component);
	peer_passes(&w->peer, 2000);
	peer_says(
	    &w->peer, "<iq type='result' id='batch-1' from='example.org' to='later.example.org'/>");
	says_to(w, "bot@later.example.org", "im");
	peer_says(&w->peer, "<message from='eve@evil.example/x' "
	    "to='bot@later.example.org'><body>im</body></message>");
	says_to(w, ALIAS, "Ay me!");
	w->relay = RELAY_STRANGERS;
	says_to(w, ALIAS, "Ay me!");
	assert_exposed(w, "\nlaterd_stream_up 1\n");
	assert_exposed(w, "\nlaterd_streams_total 1\n");
	assert_exposed(w, "\nlaterd_pong_seconds_sum 2\n");
	assert_exposed(w, "\nlaterd_batch_bytes_count 1\n");
	assert_exposed(w, "\nlaterd_batch_bytes_bucket{le=\"100\"} 0\n");
	assert_exposed(w, "\nlaterd_batch_bytes_bucket{le=\"1000\"} 1\n");
	assert_exposed(w, "\nlaterd_presence{value=\"online\"} 1\n");
	assert_exposed(w, "\nlaterd_presence{value=\"offline\"} 0\n");
	assert_exposed(w, "\nlaterd_chat_lines_total{result=\"heard\"} 1\n");
	assert_exposed(w, "\nlaterd_chat_lines_total{result=\"refused\"} 1\n");
	assert_exposed(w, "\nlaterd_chat_lines_total{result=\"ignored\"} 0\n");
	assert_exposed(w, "\nlaterd_relayed_total{result=\"relayed\"} 1\n");
	assert_exposed(w, "\nlaterd_relayed_total{result=\"strangers\"} 1\n");
	assert_exposed(w, "\nlaterd_talks 1\n");
	assert_exposed(w, "\nlaterd_sessions 0\n");
}

/* -- A second connection with our address ------------------------------------------------------ */

#define FOREIGN_NONCE "0123456789abcdef0123456789abcdef"

/* What this process has pinged itself with since the stream was last asked: ids, in order. */
static size_t
self_pings(struct world *w, char ids[][64], size_t max)
{
	static const char begin_of[] = "<iq type='get' id='self-";
	const char *at = peer_heard(&w->peer);
	size_t n = 0;

	while ((at = strstr(at, begin_of)) != NULL) {
		const char *id = at + strlen("<iq type='get' id='"), *quote = strchr(id, '\'');

		assert_true(n < max);
		assert_non_null(quote);
		snprintf(ids[n++], 64, "%.*s", (int)(quote - id), id);
		assert_true(strncmp(quote, "' from='later.example.org' to='later.example.org'>"
		    "<ping xmlns='urn:xmpp:ping'/></iq>", 80) == 0);
		at = quote;
	}
	return n;
}

static void
routes_back(struct world *w, const char *id)
{
	char text[2048];

	snprintf(text, sizeof(text), "<iq type='get' id='%s' from='later.example.org' "
	    "to='later.example.org' xml:lang='en'><ping xmlns='urn:xmpp:ping'/></iq>", id);
	peer_says(&w->peer, text);
}

static void
test_pings_to_ourselves_come_back_and_are_not_answered(void **state)
{
	struct world *w = *state;
	char ids[16][64];
	size_t i;

	shake_hands(w);
	assert_int_equal(self_pings(w, ids, 16), 8);
	for (i = 0; i < 8; i++)
		routes_back(w, ids[i]);
	peer_says(&w->peer, SETTLE);
	assert_events(w, "ready ");
	for (i = 0; i < 10; i++) {
		assert_string_equal(peer_heard(&w->peer), "");
		peer_passes(&w->peer, 20000);
		assert_string_equal(peer_heard(&w->peer), "");
		peer_passes(&w->peer, 40000);
		assert_int_equal(self_pings(w, ids, 16), 1);
		routes_back(w, ids[0]);
	}
	assert_events(w, "");
	assert_exposed(w, "\nlaterd_stream_twins_total 0\n");
}

static void
test_a_ping_of_another_process_tells_of_a_twin(void **state)
{
	struct world *w = *state;

	bring_up(w);
	peer_passes(&w->peer, 11000);
	peer_heard(&w->peer);
	peer_logged(&w->peer);
	routes_back(w, "self-" FOREIGN_NONCE "-7");
	assert_events(w, "twin ");
	assert_non_null(strstr(peer_logged(&w->peer),
	    "a second connection as later.example.org and divides"));
	assert_string_equal(peer_heard(&w->peer), "");
	assert_exposed(w, "\nlaterd_stream_twins_total 1\n");
	/* And nobody but our own domain can say so. */
	peer_passes(&w->peer, 61000);
	peer_says(&w->peer,
	    "<iq type='get' id='self-" FOREIGN_NONCE "-8' from='eve@evil.example/x' "
	    "to='later.example.org'><ping xmlns='urn:xmpp:ping'/></iq>");
	assert_events(w, "");
	assert_heard_part(w, "<iq id=\"self-" FOREIGN_NONCE "-8\"");
}

/* The settle ping's answer goes to the twin: a new connection a minute, not a quick loop. */
static void
test_a_twin_that_gets_our_pongs_costs_a_connection_a_minute(void **state)
{
	struct world *w = *state;
	char ids[16][64];
	size_t i, n;

	for (i = 0; i < 5; i++) {
		int64_t begun = w->peer.now;

		shake_hands(w);
		n = self_pings(w, ids, 16);
		assert_int_equal(n, 8);
		routes_back(w, ids[0]);
		routes_back(w, ids[5]);
		peer_passes(&w->peer, 20000);
		assert_events(w, "twin ");
		while (w->peer.dials == i + 1)
			peer_passes(&w->peer, timers_next(&w->peer.timers) - w->peer.now);
		assert_in_range(w->peer.now - begun, 60000, 62000);
	}
	assert_exposed(w, "\nlaterd_stream_twins_total 5\n");
}

/* What was sent is sent again with the same id, and at most once a minute. */
static void
test_a_twin_that_gets_the_pong_of_a_batch_costs_a_minute(void **state)
{
	struct world *w = *state;
	char settle[128];
	unsigned i;

	shake_hands(w);
	for (i = 1; i < 4; i++) {
		int64_t begun = w->peer.now;

		snprintf(settle, sizeof(settle), "<iq type='result' id='settle-%u' "
		    "from='example.org' to='later.example.org'/>", i);
		peer_says(&w->peer, settle);
		assert_events(w, "ready ");
		assert_int_equal(send_one(w, "7k3qab", false), RES_OK);
		assert_int_equal(w->m->ops->barrier(w->m), RES_OK);
		component_flush(w->component);
		while (w->peer.dials == i)
			peer_passes(&w->peer, timers_next(&w->peer.timers) - w->peer.now);
		assert_in_range(w->peer.now - begun, 60000, 62000);
		assert_events(w, "broken ");
		shake_hands(w);
	}
}

/* -- Presence ---------------------------------------------------------------------------------- */

static void
test_subscriptions_to_us_are_answered(void **state)
{
	static const char *const to[] = { "bot@later.example.org", "later.example.org",
		"romeo%example.net@later.example.org" };
	struct world *w = *state;
	char text[512];
	const char *heard;
	size_t i;

	bring_up(w);
	for (i = 0; i < 3; i++) {
		snprintf(text, sizeof(text), "from=\"%s\"", to[i]);
		peer_says(&w->peer, "<presence type='subscribe' from='juliet@example.org' to='");
		peer_says(&w->peer, to[i]);
		peer_says(&w->peer, "'/>");
		heard = peer_heard(&w->peer);
		assert_non_null(strstr(heard, "type=\"subscribed\""));
		assert_non_null(strstr(heard, text));
		heard = strstr(heard, "/><presence ");
		assert_non_null(heard);
		assert_null(strstr(heard, "type="));
		assert_non_null(strstr(heard, text));
		assert_non_null(strstr(heard, "to=\"juliet@example.org\""));
	}
	peer_says(&w->peer,
	    "<presence type='subscribe' from='juliet@example.org' to='who@later.example.org'/>");
	assert_heard_part(w, "type=\"unsubscribed\"");
	peer_says(&w->peer,
	    "<presence type='unsubscribe' from='juliet@example.org' to='bot@later.example.org'/>");
	assert_heard_part(w, "type=\"unsubscribed\"");
	peer_says(&w->peer,
	    "<presence type='probe' from='juliet@example.org/x' to='bot@later.example.org'/>");
	heard = peer_heard(&w->peer);
	assert_non_null(strstr(heard, "from=\"bot@later.example.org\""));
	assert_null(strstr(heard, "type="));
	assert_events(w, "");
}

static void
test_we_ask_for_a_subscription_and_hear_the_answer(void **state)
{
	struct world *w = *state;
	const char *heard;

	bring_up(w);
	w->m->ops->subscribe(w->m, ROMEO, "juliet <3 wants to reach you");
	assert_string_equal(peer_heard(&w->peer), "");
	component_flush(w->component);
	heard = peer_heard(&w->peer);
	assert_non_null(strstr(heard, "type=\"subscribe\""));
	assert_non_null(strstr(heard, "from=\"bot@later.example.org\""));
	assert_non_null(strstr(heard, "<status>juliet &lt;3 wants to reach you</status>"));
	assert_non_null(strstr(
	    heard, "<nick xmlns=\"http://jabber.org/protocol/nick\">Scheduled messages</nick>"));
	peer_says(
	    &w->peer, "<presence type='subscribed' from='" ROMEO "' to='later.example.org'/>");
	assert_events(w, "");
	peer_says(
	    &w->peer, "<presence type='subscribed' from='" ROMEO "' to='bot@later.example.org'/>");
	assert_events(w, "contact(" ROMEO ",granted) ");
	w->m->ops->watch(w->m, ROMEO);
	assert_string_equal(peer_heard(&w->peer),
	    "<presence type='probe' from='bot@later.example.org' to='" ROMEO "'/>");
	assert_int_equal(presence_of(w, ROMEO), PRESENCE_ASKED);
	peer_says(&w->peer,
	    "<presence from='" ROMEO
	    "/x' to='bot@later.example.org'><priority> 5 </priority></presence>");
	assert_events(w, ROMEO ":online ");
	peer_says(&w->peer,
	    "<presence from='" ROMEO
	    "/x' to='bot@later.example.org'><priority>-1</priority></presence>");
	assert_events(w, ROMEO ":offline ");
	peer_says(&w->peer,
	    "<presence from='" ROMEO
	    "/x' to='bot@later.example.org'><priority>999</priority></presence>");
	assert_events(w, ROMEO ":online ");
	peer_says(&w->peer,
	    "<presence type='unsubscribed' from='" ROMEO "' to='bot@later.example.org'/>");
	assert_events(w, "contact(" ROMEO ",refused) ");
	assert_int_equal(presence_of(w, ROMEO), PRESENCE_UNKNOWN);
}

static void
test_silence_after_a_probe_is_reported(void **state)
{
	struct world *w = *state;

	bring_up(w);
	w->m->ops->watch(w->m, ROMEO);
	peer_passes(&w->peer, 10000);
	assert_events(w, ROMEO ":offline ");
}

/* -- Queries and commands ---------------------------------------------------------------------- */

static void
test_queries_are_answered_by_domain_and_bot_only(void **state)
{
	struct world *w = *state;
	const char *heard;

	bring_up(w);
	peer_says(&w->peer,
	    "<iq type='get' id='1'" FROM_JULIET
	    "to='later.example.org'><ping xmlns='urn:xmpp:ping'/></iq>");
	heard = peer_heard(&w->peer);
	assert_non_null(strstr(heard, "type=\"result\""));
	assert_non_null(strstr(heard, "id=\"1\""));
	peer_says(&w->peer,
	    "<iq type='get' id='2'" FROM_JULIET
	    "to='bot@later.example.org/x'><ping xmlns='urn:xmpp:ping'/></iq>");
	assert_heard_part(w, "type=\"result\"");
	peer_says(&w->peer,
	    "<iq type='get' id='3'" FROM_JULIET
	    "to='a%b@later.example.org'><vCard xmlns='vcard-temp'/></iq>");
	assert_heard_part(w, "service-unavailable");
	peer_says(&w->peer,
	    "<iq type='get' id='4'" FROM_JULIET
	    "to='elsewhere.example.org'><ping xmlns='urn:xmpp:ping'/></iq>");
	peer_says(&w->peer, "<iq type='result' id='5'" FROM_JULIET "to='later.example.org'/>");
	peer_says(&w->peer, "<iq type='error' id='6'" FROM_JULIET "to='later.example.org'/>");
	peer_says(&w->peer,
	    "<iq type='get' id='7' from='@' to='later.example.org'><ping "
	    "xmlns='urn:xmpp:ping'/></iq>");
	assert_string_equal(peer_heard(&w->peer), "");
	/* An answer has a sender even when the question named nobody. */
	peer_says(&w->peer,
	    "<iq type='get' id='8' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>");
	assert_heard_part(w, "from=\"later.example.org\"");
}

static void
test_commands_reach_the_service(void **state)
{
	struct world *w = *state;

	bring_up(w);
	peer_says(&w->peer, "<iq type='set' id='1'" FROM_JULIET "to='later.example.org'>"
	    "<command xmlns='http://jabber.org/protocol/commands' node='im'/></iq>");
	assert_heard_part(w, "done for juliet@example.org");
	peer_says(&w->peer,
	    "<iq type='set' id='2'" FROM_JULIET "to='bot@later.example.org'>"
	    "<command xmlns='http://jabber.org/protocol/commands' node='im' "
	    "action='execute'/></iq>");
	assert_heard_part(w, "done for juliet@example.org");
}

static void
say_too_much(struct world *w, const char *opening, const char *closing)
{
	struct buf xml = { 0 };
	int i;

	buf_text(&xml, opening);
	for (i = 0; i < 50; i++)
		buf_text(&xml, "<a>");
	for (i = 0; i < 50; i++)
		buf_text(&xml, "</a>");
	buf_text(&xml, closing);
	peer_says(&w->peer, buf_str(&xml));
	buf_free(&xml);
}

static void
test_an_iq_has_exactly_one_child(void **state)
{
	struct world *w = *state;
	const char *heard;

	bring_up(w);
	peer_says(&w->peer, "<iq type='set' id='1'" FROM_JULIET "to='later.example.org'>"
	    "<command xmlns='http://jabber.org/protocol/commands' node='im'/><a xmlns='b'/></iq>"
	    "<iq type='set' id='2'" FROM_JULIET "to='later.example.org'><a xmlns='b'/>"
	    "<command xmlns='http://jabber.org/protocol/commands' node='im'/></iq>"
	    "<iq type='set' id='3'" FROM_JULIET "to='later.example.org'/>");
	heard = peer_heard(&w->peer);
	assert_null(strstr(heard, "done for"));
	assert_non_null(strstr(heard, "bad-request"));
	assert_non_null(strstr(heard, "id=\"1\""));
	assert_non_null(strstr(heard, "id=\"2\""));
	assert_non_null(strstr(heard, "id=\"3\""));
	assert_null(strstr(heard, "type=\"result\""));
}

static void
test_answers_come_from_the_prepared_address(void **state)
{
	struct world *w = *state;

	bring_up(w);
	peer_says(&w->peer,
	    "<iq type='get' id='1'" FROM_JULIET
	    "to='LATER.example.org'><ping xmlns='urn:xmpp:ping'/></iq>");
	assert_heard_part(w, "from=\"later.example.org\"");
	peer_says(&w->peer, "<iq type='set' id='2'" FROM_JULIET "to='Bot@LATER.example.org/X'>"
	    "<command xmlns='http://jabber.org/protocol/commands' node='im'/></iq>");
	assert_heard_part(w, "from=\"bot@later.example.org/X\"");
	peer_says(&w->peer, "<message" FROM_JULIET
	    "to='BOT@Later.Example.Org'><body>x</body></message>");
	assert_heard_part(w, "from=\"bot@later.example.org\"");
	say_too_much(w, "<iq type='set' id='3'" FROM_JULIET "to='LATER.EXAMPLE.ORG'>", "</iq>");
	assert_heard_part(w, "from=\"later.example.org\"");
}

/* -- Trouble ----------------------------------------------------------------------------------- */

static void
test_a_turn_that_could_not_be_written_is_answered_with_an_error(void **state)
{
	struct world *w = *state;
	const char *heard;

	bring_up(w);
	w->fail = true;
	peer_says(&w->peer,
	    "<iq type='set' id='1'" FROM_JULIET "to='later.example.org'>"
	    "<command xmlns='http://jabber.org/protocol/commands' node='im'/></iq>"
	    "<iq type='get' id='2'" FROM_JULIET
	    "to='bot@later.example.org'><ping xmlns='urn:xmpp:ping'/></iq>"
	    "<message" FROM_JULIET "to='" ALIAS "'><body>x</body></message>");
	heard = peer_heard(&w->peer);
	assert_null(strstr(heard, "done for"));
	assert_null(strstr(heard, "type=\"result\""));
	assert_null(strstr(heard, "<body>"));
	assert_non_null(strstr(heard, "<message"));
	assert_non_null(strstr(heard, "id=\"1\""));
	assert_non_null(strstr(heard, "id=\"2\""));
	assert_non_null(strstr(heard, "internal-server-error"));
	assert_non_null(strstr(heard, "type=\"wait\""));
	w->fail = false;
	peer_says(&w->peer,
	    "<iq type='get' id='3'" FROM_JULIET
	    "to='bot@later.example.org'><ping xmlns='urn:xmpp:ping'/></iq>");
	heard = peer_heard(&w->peer);
	assert_non_null(strstr(heard, "type=\"result\""));
	assert_null(strstr(heard, "id=\"1\""));
}

static void
test_a_failed_turn_forgets_its_messages_but_not_its_barrier(void **state)
{
	struct world *w = *state;
	const char *heard;
	size_t first;

	bring_up(w);
	assert_int_equal(send_one(w, "A", false), RES_OK);
	component_flush(w->component);
	first = w->m->ops->batched(w->m);
	assert_int_equal(send_one(w, "B", false), RES_OK);
	component_failed(w->component);
	assert_int_equal(w->m->ops->batched(w->m), first);
	heard = peer_heard(&w->peer);
	assert_non_null(strstr(heard, "id='A'"));
	assert_null(strstr(heard, "id='B'"));
	assert_int_equal(send_one(w, "C", false), RES_OK);
	assert_int_equal(w->m->ops->barrier(w->m), RES_OK);
	component_failed(w->component);
	heard = peer_heard(&w->peer);
	assert_null(strstr(heard, "id='C'"));
	assert_non_null(strstr(heard, "batch-1"));
	component_failed(w->component);
	assert_string_equal(peer_heard(&w->peer), "");
	peer_says(
	    &w->peer, "<iq type='result' id='batch-1' from='example.org' to='later.example.org'/>");
	assert_events(w, "settled ");
}

static void
test_a_probe_leaves_also_when_the_turn_fails(void **state)
{
	struct world *w = *state;

	bring_up(w);
	w->m->ops->watch(w->m, ROMEO);
	component_failed(w->component);
	assert_heard_part(w, "type='probe'");
}

static void
test_hostile_stanzas_are_answered_with_an_error(void **state)
{
	struct world *w = *state;
	const char *heard;

	bring_up(w);
	say_too_much(w, "<iq type='set' id='h1'" FROM_JULIET "to='later.example.org'>", "</iq>");
	heard = peer_heard(&w->peer);
	assert_non_null(strstr(heard, "policy-violation"));
	assert_non_null(strstr(heard, "type=\"modify\""));
	assert_non_null(strstr(heard, "id=\"h1\""));
	assert_non_null(strstr(heard, "to=\"juliet@example.org/balcony\""));
	assert_non_null(strstr(peer_logged(&w->peer), "juliet@example.org/balcony"));
	say_too_much(w, "<message id='h2'" FROM_JULIET "to='bot@later.example.org'>", "</message>");
	assert_heard_part(w, "not-acceptable");
	/* One line a second. */
	assert_string_equal(peer_logged(&w->peer), "");
	peer_passes(&w->peer, 1000);
	say_too_much(w, "<presence" FROM_JULIET "to='bot@later.example.org'>", "</presence>");
	say_too_much(
	    w, "<message type='error'" FROM_JULIET "to='bot@later.example.org'>", "</message>");
	say_too_much(
	    w, "<message type='groupchat'" FROM_JULIET "to='bot@later.example.org'>", "</message>");
	say_too_much(w, "<iq type='result'" FROM_JULIET "to='bot@later.example.org'>", "</iq>");
	say_too_much(w, "<iq type='get'" FROM_JULIET "to='bot@elsewhere.example.org'>", "</iq>");
	say_too_much(w, "<iq type='get' to='bot@later.example.org'>", "</iq>");
	assert_string_equal(peer_heard(&w->peer), "");
	assert_non_null(strstr(peer_logged(&w->peer), "1 more"));
	peer_says(&w->peer,
	    "<iq type='get' id='9'" FROM_JULIET
	    "to='bot@later.example.org'><ping xmlns='urn:xmpp:ping'/></iq>");
	assert_heard_part(w, "type=\"result\"");
}

static void
run_once(struct world *w, const char *id)
{
	char text[300];

	snprintf(text, sizeof(text), "<iq type='set' id='%s'" FROM_JULIET "to='later.example.org'>"
	    "<command xmlns='http://jabber.org/protocol/commands' node='im'/></iq>", id);
	peer_says(&w->peer, text);
}

static void
test_an_answer_that_must_not_leave_becomes_an_error(void **state)
{
	struct world *w = *state;
	const char *heard;

	bring_up(w);
	w->commands->more = malloc(STREAM_STANZA_MAX);
	assert_non_null(w->commands->more);
	memset(w->commands->more, 'x', STREAM_STANZA_MAX - 1);
	w->commands->more[STREAM_STANZA_MAX - 1] = '\0';
	run_once(w, "large");
	heard = peer_heard(&w->peer);
	assert_null(strstr(heard, "done for"));
	assert_non_null(strstr(heard, "<iq"));
	assert_non_null(strstr(heard, "type=\"error\""));
	assert_non_null(strstr(heard, "id=\"large\""));
	assert_non_null(strstr(heard, "from=\"later.example.org\""));
	assert_non_null(strstr(heard, "to=\"juliet@example.org/balcony\""));
	assert_non_null(strstr(heard, "internal-server-error"));
	assert_non_null(strstr(heard, "larger than what can be sent"));
	assert_non_null(strstr(peer_logged(&w->peer), "juliet@example.org/balcony"));
	/* One line a minute. */
	memcpy(w->commands->more, "\x02", 2);
	run_once(w, "illegal");
	heard = peer_heard(&w->peer);
	assert_null(strstr(heard, "done for"));
	assert_null(strchr(heard, 2));
	assert_non_null(strstr(heard, "id=\"illegal\""));
	assert_non_null(strstr(heard, "internal-server-error"));
	assert_string_equal(peer_logged(&w->peer), "");
	memcpy(w->commands->more, "!", 2);
	run_once(w, "small");
	assert_heard_part(w, "done for juliet@example.org!");
}

/* -- Commands that take time ------------------------------------------------------------------- */

/* One that was put off and whose turn is over. */
static void
put_off(struct world *w, const char *id)
{
	w->commands->later = true;
	run_once(w, id);
	assert_string_equal(peer_heard(&w->peer), "");
	w->commands->later = false;
}

static void
assert_not_stored(struct world *w, const char *id)
{
	const char *heard = peer_heard(&w->peer);
	char attribute[40];

	snprintf(attribute, sizeof(attribute), "id=\"%s\"", id);
	assert_non_null(strstr(heard, attribute));
	assert_non_null(strstr(heard, "internal-server-error"));
	assert_non_null(strstr(heard, "type=\"wait\""));
	assert_null(strstr(heard, "done for"));
	assert_null(strstr(strstr(heard, "<iq") + 1, "<iq"));
}

static void
test_a_command_that_took_time_is_answered_after_its_turn(void **state)
{
	struct world *w = *state;
	const char *heard;

	bring_up(w);
	put_off(w, "slow");
	w->m->ops->resume(w->m, 2);
	w->m->ops->resume(w->m, 1);
	assert_string_equal(peer_heard(&w->peer), "");
	component_flush(w->component);
	heard = peer_heard(&w->peer);
	assert_non_null(strstr(heard, "id=\"slow\""));
	assert_non_null(strstr(heard, "from=\"later.example.org\""));
	assert_non_null(strstr(heard, "to=\"juliet@example.org/balcony\""));
	assert_non_null(strstr(heard, "done for juliet@example.org"));
	w->m->ops->resume(w->m, 1);
	component_flush(w->component);
	assert_string_equal(peer_heard(&w->peer), "");
}

static void
test_a_failed_turn_that_put_a_command_off_answers_it(void **state)
{
	struct world *w = *state;

	bring_up(w);
	w->fail = w->commands->later = true;
	run_once(w, "slow");
	assert_not_stored(w, "slow");
	w->fail = w->commands->later = false;
	w->m->ops->resume(w->m, 1);
	component_flush(w->component);
	assert_string_equal(peer_heard(&w->peer), "");
}

static void
test_a_failed_turn_that_resumed_a_command_answers_it(void **state)
{
	struct world *w = *state;

	bring_up(w);
	put_off(w, "one");
	put_off(w, "two");
	put_off(w, "three");
	/* One is done, and one put off again. */
	w->m->ops->resume(w->m, 1);
	component_failed(w->component);
	assert_not_stored(w, "one");
	w->commands->later = true;
	w->m->ops->resume(w->m, 2);
	component_failed(w->component);
	assert_not_stored(w, "two");
	w->commands->later = false;
	w->m->ops->resume(w->m, 1);
	w->m->ops->resume(w->m, 2);
	w->m->ops->resume(w->m, 4);
	component_flush(w->component);
	assert_string_equal(peer_heard(&w->peer), "");
	/* What the failed turns did not touch goes on. */
	w->m->ops->resume(w->m, 3);
	component_flush(w->component);
	assert_heard_part(w, "id=\"three\"");
}

static void
test_a_command_that_takes_too_long_is_told_so(void **state)
{
	struct world *w = *state;
	const char *heard;

	bring_up(w);
	put_off(w, "slow");
	put_off(w, "lost");
	peer_passes(&w->peer, 59999);
	component_flush(w->component);
	assert_string_equal(peer_heard(&w->peer), "");
	peer_passes(&w->peer, 1);
	component_flush(w->component);
	heard = peer_heard(&w->peer);
	assert_non_null(strstr(heard, "id=\"slow\""));
	assert_non_null(strstr(heard, "id=\"lost\""));
	assert_non_null(strstr(heard, "remote-server-timeout"));
	/* Should that turn fail, there is an answer all the same. */
	put_off(w, "unlucky");
	peer_passes(&w->peer, 60000);
	component_failed(w->component);
	assert_not_stored(w, "unlucky");
}

static void
test_a_broken_stream_drops_what_was_put_off(void **state)
{
	struct world *w = *state;

	bring_up(w);
	put_off(w, "slow");
	peer_hangs_up(&w->peer);
	assert_events(w, "broken ");
	peer_passes(&w->peer, 1500);
	shake_hands(w);
	peer_says(&w->peer,
	    "<iq type='result' id='settle-2' from='example.org' to='later.example.org'/>");
	assert_events(w, "ready ");
	peer_heard(&w->peer);
	w->m->ops->resume(w->m, 1);
	component_flush(w->component);
	peer_passes(&w->peer, 60000);
	component_flush(w->component);
	assert_null(strstr(peer_heard(&w->peer), "slow"));
}

/* -- Streams that take nothing ----------------------------------------------------------------- */

/* The server takes nothing, and what it says meanwhile waits. */
static void
fill_the_stream(struct world *w)
{
	int i;

	bufferevent_disable(w->peer.far, EV_READ);
	w->commands->more = calloc(1, 150000);
	assert_non_null(w->commands->more);
	memset(w->commands->more, 'x', 149999);
	for (i = 0; i < 10; i++)
		run_once(w, "fill");
}

static void
test_a_pong_that_could_not_be_heard_is_waited_for(void **state)
{
	struct world *w = *state;

	bring_up(w);
	assert_int_equal(send_one(w, "A", false), RES_OK);
	assert_int_equal(w->m->ops->barrier(w->m), RES_OK);
	component_flush(w->component);
	peer_passes(&w->peer, 40000);
	fill_the_stream(w);
	peer_says(&w->peer,
	    "<iq type='result' id='batch-1' from='example.org' to='later.example.org'/>");
	peer_passes(&w->peer, 25000);
	assert_events(w, "");
	bufferevent_enable(w->peer.far, EV_READ);
	assert_events(w, "settled ");
	assert_int_equal(w->peer.dials, 1);
}

static void
test_a_pong_that_does_not_come_after_a_pause_breaks_the_stream(void **state)
{
	struct world *w = *state;

	bring_up(w);
	assert_int_equal(send_one(w, "A", false), RES_OK);
	assert_int_equal(w->m->ops->barrier(w->m), RES_OK);
	component_flush(w->component);
	peer_passes(&w->peer, 40000);
	fill_the_stream(w);
	peer_passes(&w->peer, 20000);
	bufferevent_enable(w->peer.far, EV_READ);
	peer_settle(&w->peer);
	peer_passes(&w->peer, 59999);
	assert_events(w, "");
	peer_passes(&w->peer, 1);
	assert_events(w, "broken ");
}

static void
test_closing_is_clean(void **state)
{
	struct world *w = *state;

	assert_true(component_is_closed(w->component));
	bring_up(w);
	component_close(w->component);
	assert_string_equal(peer_heard(&w->peer), "</stream:stream>");
	assert_false(component_is_closed(w->component));
	assert_false(w->m->ops->ready(w->m));
	peer_says(&w->peer, "</stream:stream>");
	assert_true(component_is_closed(w->component));
	assert_events(w, "broken ");
}

static void
test_an_address_must_be_a_domain(void **state)
{
	struct world *w = *state;
	struct component_env env = {
		.clock = &w->peer.clock, .timers = &w->peer.timers, .command_ops = &command_ops
	};
	struct component_config config = { .name = "n", .version = "v" };

	config.stream.ping_to = "example.org";
	config.stream.address = "bot@later.example.org";
	assert_null(component_new(&config, &env));
	config.stream.address = "later.example.org/x";
	assert_null(component_new(&config, &env));
	config.stream.address = "";
	assert_null(component_new(&config, &env));
}

#define with_component(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_component(test_ready_waits_for_what_the_server_says_by_itself),
		with_component(test_the_first_turn_may_fail),
		with_component(test_an_error_answers_the_ping_as_well),
		with_component(test_a_server_that_answers_no_ping_is_left),
		with_component(test_a_broken_stream_forgets_what_it_knew),
		with_component(test_prosodys_privileges_are_used),
		with_component(test_ejabberds_privileges_are_used),
		with_component(test_only_served_domains_grant_privileges),
		with_component(test_a_refused_wrapper_is_not_tried_again),
		with_component(test_a_batch_is_settled_by_its_pong),
		with_component(test_a_batch_without_pong_breaks_the_stream),
		with_component(test_a_message_above_200_kib_is_refused),
		with_component(test_bounces_and_receipts_are_reported),
		with_component(test_what_nobody_has_written_now_is_not_answered),
		with_component(test_strangers_are_answered_with_a_way_out),
		with_component(test_replies_are_passed_on),
		with_component(test_a_reply_and_a_receipt_part_ways),
		with_component(test_a_refused_wrapper_of_a_reply_is_no_packets),
		with_component(test_a_reply_of_a_failed_turn_is_told_so),
		with_component(test_our_own_stanzas_are_never_passed_on),
		with_component(test_chat_reaches_the_service),
		with_component(test_chat_of_a_failed_turn_is_told_so),
		with_component(test_chat_that_took_time_is_answered_after_its_turn),
		with_component(test_domain_that_is_served_no_more_grants_nothing),
		with_component(test_what_is_measured_is_exposed),
		with_component(test_pings_to_ourselves_come_back_and_are_not_answered),
		with_component(test_a_ping_of_another_process_tells_of_a_twin),
		with_component(test_a_twin_that_gets_our_pongs_costs_a_connection_a_minute),
		with_component(test_a_twin_that_gets_the_pong_of_a_batch_costs_a_minute),
		with_component(test_subscriptions_to_us_are_answered),
		with_component(test_we_ask_for_a_subscription_and_hear_the_answer),
		with_component(test_silence_after_a_probe_is_reported),
		with_component(test_queries_are_answered_by_domain_and_bot_only),
		with_component(test_commands_reach_the_service),
		with_component(test_a_turn_that_could_not_be_written_is_answered_with_an_error),
		with_component(test_a_failed_turn_forgets_its_messages_but_not_its_barrier),
		with_component(test_a_probe_leaves_also_when_the_turn_fails),
		with_component(test_hostile_stanzas_are_answered_with_an_error),
		with_component(test_an_iq_has_exactly_one_child),
		with_component(test_answers_come_from_the_prepared_address),
		with_component(test_an_answer_that_must_not_leave_becomes_an_error),
		with_component(test_a_command_that_took_time_is_answered_after_its_turn),
		with_component(test_a_failed_turn_that_put_a_command_off_answers_it),
		with_component(test_a_failed_turn_that_resumed_a_command_answers_it),
		with_component(test_a_command_that_takes_too_long_is_told_so),
		with_component(test_a_broken_stream_drops_what_was_put_off),
		with_component(test_a_pong_that_could_not_be_heard_is_waited_for),
		with_component(test_a_pong_that_does_not_come_after_a_pause_breaks_the_stream),
		with_component(test_closing_is_clean),
		with_component(test_an_address_must_be_a_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
