/* What the component asks others of its own accord, over the stream and in turns. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "peer.h"
#include "xmpp/component.h"

#define JULIET "juliet@example.org/balcony"
#define TO_BOT "to='bot@later.example.org'"
#define RESULT(id, from) "<iq type='result' id='" id "' from='" from "' " TO_BOT ">"
#define TIME(id, tzo) \
	RESULT(id, JULIET) "<time xmlns='urn:xmpp:time'><tzo>" tzo "</tzo></time></iq>"
#define SETTLE(n) "<iq type='result' id='settle-" n "' from='example.org' to='later.example.org'/>"
#define COMMAND(id) "<iq type='set' id='" id "' from='" JULIET "' to='later.example.org'>" \
	"<command xmlns='http://jabber.org/protocol/commands' node='im'/></iq>"
#define INFO(id, from, inside) RESULT(id, from) \
	"<query xmlns='http://jabber.org/protocol/disco#info'>" inside "</query></iq>"
#define UPLOAD_FEATURE "<feature var='urn:xmpp:http:upload:0'/>"
#define ITEMS(id, inside) RESULT(id, "example.org") \
	"<query xmlns='http://jabber.org/protocol/disco#items'>" inside "</query></iq>"
#define SLOT(id) RESULT(id, "upload.example.org") "<slot xmlns='urn:xmpp:http:upload:0'>" \
	"<put url='https://u.example.org/1'><header name='Authorization'>Bearer x</header></put>" \
	"<get url='https://u.example.org/2'/></slot></iq>"

/* A service whose one command needs the clock of the client. */
struct commands {
	struct messenger *m;
	uint64_t tickets;
};

struct world {
	struct peer peer;
	struct component *component;
	struct messenger *m;
	struct buf events;
	struct commands commands;
	bool fail;   /* the next commits */
	bool resume; /* the command, when the clock is known */
};

static const struct command_info im = { .name = "im", .title = "Send a message later" };

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
	struct buf jid = { 0 };
	int32_t offset = 0;
	enum res res;

	(void)cmd, (void)stage, (void)in;
	assert_int_equal(jid_print(&jid, &who->jid), RES_OK);
	res = c->m->ops->client_offset(c->m, buf_str(&jid), &offset);
	buf_free(&jid);
	if (res == RES_UNCERTAIN) {
		reply->kind = REPLY_LATER;
		reply->ticket = ++c->tickets;
		return;
	}
	reply->kind = REPLY_DONE;
	if (res == RES_OK)
		buf_printf(&reply->note, "offset %d", (int)offset);
	else
		buf_text(&reply->note, "no offset");
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
on_client_clock(void *arg, const char *jid)
{
	struct world *w = arg;

	buf_printf(&w->events, "clock(%s) ", jid);
	if (w->resume)
		w->m->ops->resume(w->m, w->commands.tickets);
}

static void
on_slot(void *arg, uint64_t ticket, enum res res, const struct slot *slot, const char *words)
{
	struct world *w = arg;

	if (slot != NULL)
		buf_printf(&w->events, "slot(%u,%s,%s,%s=%s) ", (unsigned)ticket, slot->put,
		    slot->get, slot->headers[0].name, slot->headers[0].value);
	else
		buf_printf(&w->events, "slot(%u,%d,%s) ", (unsigned)ticket, (int)res, words);
}

static const struct messenger_events messenger_events = {
	.ready = on_ready,
	.broken = on_broken,
	.client_clock = on_client_clock,
	.slot = on_slot,
};

static void
on_turn(void *arg)
{
	struct world *w = arg;

	if (w->fail)
		component_failed(w->component);
	else
		component_flush(w->component);
}

static int
begin(void **state)
{
	static const char *const none[] = { NULL };
	static const char *const domains[] = { "example.org", "example.com", NULL };
	static struct zone utc = { .name = "UTC" };
	struct component_config config = {
		.stream = { .address = "later.example.org", .secret = "secret",
		    .server = "127.0.0.1:5347", .ping_to = "example.org",
		    .connect_timeout_ms = 10000, .keepalive_ms = 600000,
		    .answer_timeout_ms = 30000, .backoff_first_ms = 1000,
		    .backoff_max_ms = 60000 },
		.name = "Scheduled messages", .version = "1", .admins = none,
		.domains = domains, .zone = &utc,
	};
	struct world *w = calloc(1, sizeof(*w));
	struct component_env env = { .dial = peer_dialled, .command_ops = &command_ops,
		.events = &messenger_events, .turn = on_turn };

	if (w == NULL)
		return 1;
	peer_begin(&w->peer);
	env.clock = &w->peer.clock;
	env.timers = &w->peer.timers;
	env.dial_arg = &w->peer;
	env.commands = &w->commands;
	env.events_arg = env.turn_arg = w;
	w->component = component_new(&config, &env);
	*state = w;
	if (w->component == NULL)
		return 1;
	w->m = w->commands.m = component_messenger(w->component);
	return 0;
}

static int
end(void **state)
{
	struct world *w = *state;

	component_free(&w->component);
	assert_int_equal(timers_next(&w->peer.timers), NEVER_MS);
	peer_end(&w->peer);
	buf_free(&w->events);
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
bring_up(struct world *w, const char *settle)
{
	if (w->peer.dials == 0)
		component_start(w->component);
	peer_connected(&w->peer);
	peer_says(&w->peer, PEER_HEADER);
	peer_says(&w->peer, "<handshake/>");
	peer_says(&w->peer, settle);
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

/* The next that is heard is a question with these parts, in any order of its attributes. */
static void
assert_question(struct world *w, const char *id, const char *to, const char *inside)
{
	const char *heard = peer_heard(&w->peer);
	char text[200];

	assert_int_equal(strncmp(heard, "<iq ", 4), 0);
	snprintf(text, sizeof(text), " id=\"%s\"", id);
	assert_non_null(strstr(heard, text));
	snprintf(text, sizeof(text), " to=\"%s\"", to);
	assert_non_null(strstr(heard, text));
	assert_non_null(strstr(heard, " from=\"bot@later.example.org\""));
	assert_non_null(strstr(heard, " type=\"get\""));
	assert_non_null(strstr(heard, inside));
}

static enum res
clock_of(struct world *w, const char *jid, int32_t *offset)
{
	return w->m->ops->client_offset(w->m, jid, offset);
}

static enum res
ask_slot(struct world *w, const char *user, uint64_t ticket)
{
	const struct slot_request rq = { .user = user, .name = "laterd.json",
		.type = "application/json", .size = 1000, .ticket = ticket };

	return w->m->ops->request_slot(w->m, &rq);
}

/* -- Clocks ------------------------------------------------------------------------------------ */

static void
test_a_command_waits_for_the_clock_of_its_client(void **state)
{
	struct world *w = *state;

	bring_up(w, SETTLE("1"));
	w->resume = true;
	peer_says(&w->peer, COMMAND("c1"));
	assert_question(w, "request-1", JULIET, "<time xmlns=\"urn:xmpp:time\"/>");
	peer_says(&w->peer, TIME("request-1", "-03:30"));
	assert_events(w, "clock(" JULIET ") ");
	assert_heard_part(w, "offset -12600");
	/* The next one need not wait. */
	peer_says(&w->peer, COMMAND("c2"));
	assert_heard_part(w, "offset -12600");
}

static void
test_a_silent_client_is_waited_for_a_second_and_a_half(void **state)
{
	struct world *w = *state;

	bring_up(w, SETTLE("1"));
	w->resume = true;
	peer_says(&w->peer, COMMAND("c1"));
	assert_heard_part(w, "request-1");
	peer_passes(&w->peer, 1499);
	assert_events(w, "");
	peer_passes(&w->peer, 1);
	assert_events(w, "clock(" JULIET ") ");
	/* What timers began ends with whoever runs them. */
	assert_string_equal(peer_heard(&w->peer), "");
	component_flush(w->component);
	assert_heard_part(w, "no offset");
}

static void
test_forged_answers_change_nothing(void **state)
{
	static const char *const forged[] = {
		"<iq type='result' id='request-1' from='romeo@example.net/x' " TO_BOT ">"
		"<time xmlns='urn:xmpp:time'><tzo>+05:00</tzo></time></iq>",
		"<iq type='result' id='request-1' from='juliet@example.org' " TO_BOT ">"
		"<time xmlns='urn:xmpp:time'><tzo>+05:00</tzo></time></iq>",
		"<iq type='result' id='request-1' from='example.org' " TO_BOT ">"
		"<time xmlns='urn:xmpp:time'><tzo>+05:00</tzo></time></iq>",
		"<iq type='result' id='request-1' from='juliet@example.org/balcony' "
		"to='bot@other.example.org'><time xmlns='urn:xmpp:time'><tzo>+05:00</tzo></time>"
		"</iq>",
		"<iq type='result' id='request-1'><time xmlns='urn:xmpp:time'/></iq>",
		TIME("request-2", "+05:00"), TIME("batch-1", "+05:00"), TIME("", "+05:00"),
		"<message type='error' id='request-1' from='" JULIET "' to='other.example.org'/>",
	};
	struct world *w = *state;
	int32_t offset = 0;
	size_t i;

	bring_up(w, SETTLE("1"));
	assert_int_equal(clock_of(w, JULIET, &offset), RES_UNCERTAIN);
	component_flush(w->component);
	peer_logged(&w->peer);
	for (i = 0; i < sizeof(forged) / sizeof(forged[0]); i++)
		peer_says(&w->peer, forged[i]);
	assert_events(w, "");
	/* Nor do they fill the log. */
	assert_string_equal(peer_logged(&w->peer), "");
	peer_says(&w->peer, TIME("request-1", "+01:00"));
	assert_events(w, "clock(" JULIET ") ");
	assert_int_equal(clock_of(w, JULIET, &offset), RES_OK);
	assert_int_equal(offset, 3600);
}

static void
test_an_answer_that_comes_with_the_command_is_made_up(void **state)
{
	struct world *w = *state;

	bring_up(w, SETTLE("1"));
	w->resume = true;
	peer_says(&w->peer, COMMAND("c1") TIME("request-1", "+05:00"));
	assert_events(w, "");
	peer_says(&w->peer, TIME("request-1", "+01:00"));
	assert_events(w, "clock(" JULIET ") ");
	assert_heard_part(w, "offset 3600");
}

static void
test_a_question_of_a_failed_turn_has_not_left(void **state)
{
	struct world *w = *state;
	int32_t offset;

	bring_up(w, SETTLE("1"));
	w->fail = true;
	peer_says(&w->peer, COMMAND("c1"));
	w->fail = false;
	assert_null(strstr(peer_heard(&w->peer), "request-1"));
	assert_events(w, "");
	peer_passes(&w->peer, 0);
	assert_events(w, "clock(" JULIET ") ");
	/* Nothing is known of the client, so it is asked anew. */
	assert_int_equal(clock_of(w, JULIET, &offset), RES_UNCERTAIN);
	component_flush(w->component);
	assert_heard_part(w, "request-2");
}

static void
test_nobody_is_asked_without_a_stream(void **state)
{
	struct world *w = *state;
	int32_t offset;

	assert_int_equal(clock_of(w, JULIET, &offset), RES_NOTFOUND);
	assert_int_equal(ask_slot(w, "juliet@example.org", 1), RES_TEMPFAIL);
	bring_up(w, SETTLE("1"));
	assert_int_equal(clock_of(w, JULIET, &offset), RES_UNCERTAIN);
	component_flush(w->component);
	peer_says(&w->peer, TIME("request-4", "+01:00"));
	assert_int_equal(clock_of(w, JULIET, &offset), RES_OK);
	assert_events(w, "clock(" JULIET ") ");
	assert_int_equal(clock_of(w, "nurse@example.org/x", &offset), RES_UNCERTAIN);
	assert_int_equal(ask_slot(w, "juliet@example.org", 2), RES_OK);
	component_flush(w->component);
	peer_hangs_up(&w->peer);
	assert_events(w, "clock(nurse@example.org/x) slot(2,5,The upload service of example.org "
	    "did not answer. Please try again later.) broken ");
	peer_passes(&w->peer, 1500);
	bring_up(w, SETTLE("2"));
	/* What was asked on the last connection is nobody's now. */
	peer_says(&w->peer, TIME("request-5", "+05:00") TIME("request-6", "+05:00"));
	assert_events(w, "");
	assert_int_equal(clock_of(w, JULIET, &offset), RES_UNCERTAIN);
}

/* -- Slots ------------------------------------------------------------------------------------- */

static void
test_a_slot_is_found_over_the_stream(void **state)
{
	struct world *w = *state;

	bring_up(w, SETTLE("1"));
	assert_int_equal(ask_slot(w, "juliet@example.org", 7), RES_OK);
	assert_string_equal(peer_heard(&w->peer), "");
	component_flush(w->component);
	assert_question(w, "request-1", "example.org",
	    "<query xmlns=\"http://jabber.org/protocol/disco#info\"/></iq><iq ");
	peer_says(&w->peer, ITEMS("request-2", "<item jid='upload.example.org'/>"
	    "<item jid='later.example.org'/>") INFO("request-1", "example.org", ""));
	assert_question(w, "request-3", "upload.example.org", "disco#info");
	peer_says(&w->peer, INFO("request-3", "upload.example.org", UPLOAD_FEATURE));
	assert_heard_part(w, "<request ");
	peer_says(&w->peer, SLOT("request-4"));
	assert_events(w, "slot(7,https://u.example.org/1,https://u.example.org/2,"
	    "Authorization=Bearer x) ");
}

static void
test_a_refusal_is_told_and_a_silence_too(void **state)
{
	struct world *w = *state;

	bring_up(w, SETTLE("1"));
	assert_int_equal(ask_slot(w, "a@example.com", 1), RES_OK);
	component_flush(w->component);
	assert_heard_part(w, "to=\"example.com\"");
	peer_says(&w->peer, INFO("request-1", "example.com", UPLOAD_FEATURE));
	assert_heard_part(w, "request-3");
	peer_says(&w->peer, "<iq type='error' id='request-3' from='example.com' " TO_BOT ">"
	    "<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
	    "</iq>");
	assert_events(w, "slot(1,4,example.com does not let this service upload files, which its "
	    "operator would have to allow (forbidden).) ");
	assert_int_equal(ask_slot(w, "a@example.com", 2), RES_OK);
	component_flush(w->component);
	peer_passes(&w->peer, 10000);
	assert_events(w, "slot(2,5,The upload service of example.com did not answer. Please try "
	    "again later.) ");
}

static void
test_only_users_of_served_domains_get_slots(void **state)
{
	static const char *const others[] = { "a@evil.example", "evil.example", "", "@", "a@b@c",
		"a@sub.example.org" };
	struct world *w = *state;
	size_t i;

	bring_up(w, SETTLE("1"));
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(ask_slot(w, others[i], 1), RES_INVALID);
	component_flush(w->component);
	assert_string_equal(peer_heard(&w->peer), "");
	assert_int_equal(ask_slot(w, "A@Example.COM", 1), RES_OK);
	component_flush(w->component);
	assert_heard_part(w, "to=\"example.com\"");
}

static void
test_a_slot_of_a_failed_turn_is_given_up(void **state)
{
	struct world *w = *state;

	bring_up(w, SETTLE("1"));
	assert_int_equal(ask_slot(w, "juliet@example.org", 3), RES_OK);
	component_failed(w->component);
	assert_string_equal(peer_heard(&w->peer), "");
	assert_events(w, "");
	peer_passes(&w->peer, 0);
	assert_events(w, "slot(3,5,The upload service of example.org did not answer. Please try "
	    "again later.) ");
}

#define with_component(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_component(test_a_command_waits_for_the_clock_of_its_client),
		with_component(test_a_silent_client_is_waited_for_a_second_and_a_half),
		with_component(test_forged_answers_change_nothing),
		with_component(test_an_answer_that_comes_with_the_command_is_made_up),
		with_component(test_a_question_of_a_failed_turn_has_not_left),
		with_component(test_nobody_is_asked_without_a_stream),
		with_component(test_a_slot_is_found_over_the_stream),
		with_component(test_a_refusal_is_told_and_a_silence_too),
		with_component(test_only_users_of_served_domains_get_slots),
		with_component(test_a_slot_of_a_failed_turn_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
