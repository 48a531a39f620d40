/* What servers grant the component and refuse it (XEP-0356), over the stream and in turns. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "peer.h"
#include "xmpp/component.h"

#define BOT    "bot@later.example.org"
#define JULIET "juliet@example.org"
#define SETTLE(n) "<iq type='result' id='settle-" n "' from='example.org' to='later.example.org'/>"
#define GRANT(domain, perms) "<message from='" domain "' to='later.example.org'>" \
	"<privilege xmlns='urn:xmpp:privilege:2'>" perms "</privilege></message>"
#define ROSTERS "<perm access='roster' type='both'/>"
#define SLOTS "<perm access='iq'><namespace ns='urn:xmpp:http:upload:0' type='get'/></perm>"
#define FROM(type, id, from) "<iq type='" type "' id='" id "' from='" from "' " \
	"to='later.example.org'>"
#define ROSTER(id, inside) FROM("result", id, JULIET) \
	"<query xmlns='jabber:iq:roster'>" inside "</query></iq>"
#define ERROR(id, from, condition) FROM("error", id, from) "<error type='auth'><" condition \
	" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
#define SLOT "<slot xmlns='urn:xmpp:http:upload:0'><put url='https://u.example.org/1'/>" \
	"<get url='https://u.example.org/2'/></slot>"

struct world {
	struct peer peer;
	struct component *component;
	struct messenger *m;
	struct buf events;
};

static const struct command_info *
visible(struct commands *c, const struct asker *who, size_t i)
{
	(void)c, (void)who, (void)i;
	return NULL;
}

static const struct command_ops command_ops = { .visible = visible };

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
on_presence(void *arg, const char *who, enum presence value)
{
	buf_printf(&((struct world *)arg)->events, "presence(%s,%d) ", who, (int)value);
}

static void
on_contact(void *arg, const char *who, enum contact answer)
{
	buf_printf(&((struct world *)arg)->events, "contact(%s,%s) ", who,
	    answer == CONTACT_GRANTED ? "granted" : "refused");
}

static void
on_slot(void *arg, uint64_t ticket, enum res res, const struct slot *slot, const char *words)
{
	buf_printf(&((struct world *)arg)->events, "slot(%u,%d,%s) ", (unsigned)ticket, (int)res,
	    slot == NULL ? words : slot->put);
}

static const struct messenger_events messenger_events = {
	.ready = on_ready,
	.broken = on_broken,
	.presence = on_presence,
	.contact = on_contact,
	.slot = on_slot,
};

static void
on_turn(void *arg)
{
	component_flush(((struct world *)arg)->component);
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
	env.events_arg = env.turn_arg = w;
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
bring_up(struct world *w, const char *grants, const char *settle)
{
	if (w->peer.dials == 0)
		component_start(w->component);
	peer_connected(&w->peer);
	peer_says(&w->peer, PEER_HEADER);
	peer_says(&w->peer, "<handshake/>");
	peer_says(&w->peer, grants);
	buf_reset(&w->peer.heard);
	peer_says(&w->peer, settle);
	assert_events(w, "ready ");
}

/* All of these are in what was heard last, in any order. */
static void
assert_heard(struct world *w, const char *const *parts)
{
	const char *heard = peer_heard(&w->peer);

	for (; *parts != NULL; parts++)
		if (strstr(heard, *parts) == NULL)
			fail_msg("no \"%s\" in \"%s\"", *parts, heard);
}

#define heard(w, ...) assert_heard(w, (const char *const[]){ __VA_ARGS__, NULL })

static void
subscribe(struct world *w, const char *who)
{
	w->m->ops->subscribe(w->m, who, "please");
	component_flush(w->component);
}

static size_t
count(const char *text, const char *part)
{
	size_t n = 0;

	while ((text = strstr(text, part)) != NULL) {
		text += strlen(part);
		n++;
	}
	return n;
}

/* -- What is granted --------------------------------------------------------------------------- */

static void
test_what_is_granted_is_logged_once_a_connection(void **state)
{
	struct world *w = *state;
	static const char grants[] = GRANT("example.org", ROSTERS SLOTS
	    "<perm access='presence' type='managed_entity'/><perm access='message' "
	    "type='outgoing'/>") GRANT("example.com", "<perm access='message' type='outgoing'/>");
	const char *log;

	bring_up(w, grants, SETTLE("1"));
	log = peer_logged(&w->peer);
	assert_int_equal(count(log, "example.org lets us: see presence, send as its users, write "
	    "rosters, ask for upload slots as its users\n"), 1);
	assert_int_equal(count(log, "example.com lets us: send as its users\n"), 1);
	peer_says(&w->peer, grants);
	assert_string_equal(peer_logged(&w->peer), "");
	peer_says(&w->peer, GRANT("example.org", ROSTERS) GRANT("example.com", ""));
	log = peer_logged(&w->peer);
	assert_non_null(strstr(log, "example.org lets us: write rosters\n"));
	assert_non_null(strstr(log, "example.com lets us: nothing any more\n"));
	peer_hangs_up(&w->peer);
	peer_passes(&w->peer, 1500);
	assert_events(w, "broken ");
	peer_logged(&w->peer);
	bring_up(w, GRANT("example.org", ROSTERS), SETTLE("2"));
	assert_int_equal(count(peer_logged(&w->peer), "lets us: write rosters"), 1);
}

static void
test_nobody_else_can_grant(void **state)
{
	struct world *w = *state;

	bring_up(w, GRANT("evil.example", ROSTERS) GRANT("juliet@example.org", ROSTERS)
	    GRANT("example.org/x", ROSTERS SLOTS), SETTLE("1"));
	assert_null(strstr(peer_logged(&w->peer), "lets us"));
	subscribe(w, "romeo@evil.example");
	heard(w, "<presence", "type=\"subscribe\"", "to=\"romeo@evil.example\"");
	subscribe(w, JULIET);
	heard(w, "<presence", "type=\"subscribe\"", "to=\"" JULIET "\"");
}

/* -- Rosters ----------------------------------------------------------------------------------- */

static void
test_a_roster_is_written_instead_of_asking(void **state)
{
	struct world *w = *state;

	bring_up(w, GRANT("example.org", ROSTERS), SETTLE("1"));
	subscribe(w, JULIET);
	heard(w, "<iq ", "type=\"get\"", "to=\"" JULIET "\"", "from=\"later.example.org\"",
	    "<query xmlns=\"jabber:iq:roster\"/>");
	peer_says(&w->peer, ROSTER("request-1",
	    "<item jid='" BOT "' name='Later' subscription='to'><group>Bots</group></item>"));
	heard(w, "type=\"set\"", "<query xmlns=\"jabber:iq:roster\"><item ", "jid=\"" BOT "\"",
	    "name=\"Later\"", "subscription=\"both\"", "<group>Bots</group></item></query>");
	assert_events(w, "");
	peer_says(&w->peer, FROM("result", "request-2", JULIET) "</iq>");
	assert_events(w, "contact(" JULIET ",granted) ");
	/* The other domain grants nothing. */
	subscribe(w, "romeo@example.com");
	heard(w, "<presence", "type=\"subscribe\"", "to=\"romeo@example.com\"");
}

static void
test_a_server_that_refuses_is_not_asked_again(void **state)
{
	static const char *const conditions[] = { "forbidden", "internal-server-error" };
	struct world *w = *state;
	const char *log, *said;
	size_t i;

	for (i = 0; i < 2; i++) {
		bring_up(w, GRANT("example.org", ROSTERS), i == 0 ? SETTLE("1") : SETTLE("2"));
		subscribe(w, JULIET);
		subscribe(w, "nurse@example.org");
		peer_logged(&w->peer);
		buf_reset(&w->peer.heard);
		if (i == 0)
			peer_says(&w->peer, ERROR("request-1", JULIET, "forbidden")
			    ERROR("request-2", "nurse@example.org", "forbidden"));
		else
			peer_says(&w->peer, ERROR("request-3", JULIET, "internal-server-error")
			    ERROR("request-4", "nurse@example.org", "forbidden"));
		said = peer_heard(&w->peer);
		assert_int_equal(count(said, "type=\"subscribe\""), 2);
		assert_int_equal(count(said, "<status>please</status>"), 2);
		assert_int_equal(count(said, ">Scheduled messages</nick>"), 2);
		log = peer_logged(&w->peer);
		assert_int_equal(count(log, "example.org does not let us write rosters: "), 1);
		assert_non_null(strstr(log, conditions[i]));
		assert_non_null(strstr(log, "roster \"both\""));
		subscribe(w, "tybalt@example.org");
		said = peer_heard(&w->peer);
		assert_int_equal(count(said, "type=\"subscribe\""), 1);
		assert_int_equal(count(said, "<iq"), 0);
		assert_events(w, "");
		peer_hangs_up(&w->peer);
		peer_passes(&w->peer, 1500);
		assert_events(w, "broken ");
	}
}

static void
test_an_error_about_one_user_takes_nothing_away(void **state)
{
	struct world *w = *state;

	bring_up(w, GRANT("example.org", ROSTERS), SETTLE("1"));
	subscribe(w, JULIET);
	peer_logged(&w->peer);
	peer_says(&w->peer, ERROR("request-1", JULIET, "service-unavailable"));
	heard(w, "type=\"subscribe\"");
	assert_string_equal(peer_logged(&w->peer), "");
	subscribe(w, "nurse@example.org");
	heard(w, "<iq ", "to=\"nurse@example.org\"", "jabber:iq:roster");
}

static void
test_what_a_connection_interrupts_begins_again_with_the_next(void **state)
{
	struct world *w = *state;

	bring_up(w, GRANT("example.org", ROSTERS), SETTLE("1"));
	subscribe(w, JULIET);
	peer_hangs_up(&w->peer);
	assert_events(w, "broken ");
	peer_passes(&w->peer, 1500);
	bring_up(w, GRANT("example.org", ROSTERS), SETTLE("2"));
	heard(w, "<iq ", "id=\"request-2\"", "to=\"" JULIET "\"", "jabber:iq:roster");
	peer_hangs_up(&w->peer);
	assert_events(w, "broken ");
	peer_passes(&w->peer, 4000); /* the second wait is longer */
	bring_up(w, "", SETTLE("3"));
	heard(w, "<presence", "type=\"subscribe\"", "to=\"" JULIET "\"");
}

/* -- Giving back ------------------------------------------------------------------------------- */

static void
test_a_subscription_is_given_back(void **state)
{
	struct world *w = *state;
	static const char unsubscribed[] =
	    "<presence type='unsubscribed' from='" JULIET "' to='" BOT "'/>";

	bring_up(w, GRANT("example.org", ROSTERS), SETTLE("1"));
	w->m->ops->watch(w->m, JULIET);
	peer_says(&w->peer, "<presence from='" JULIET "/x' to='" BOT "'/>");
	assert_events(w, "presence(" JULIET ",2) ");
	buf_reset(&w->peer.heard);
	w->m->ops->unsubscribe(w->m, JULIET);
	component_flush(w->component);
	heard(w, "<presence", "type=\"unsubscribe\"", "from=\"" BOT "\"", "to=\"" JULIET "\"");
	assert_int_equal(w->m->ops->presence(w->m, JULIET), PRESENCE_UNKNOWN);
	/* ejabberd confirms that, and that is no news. */
	peer_says(&w->peer, unsubscribed);
	peer_says(&w->peer, "<presence type='unavailable' from='" JULIET "/x' to='" BOT "'/>");
	assert_events(w, "");
	peer_says(&w->peer, unsubscribed);
	assert_events(w, "contact(" JULIET ",refused) ");
	/* Rosters are left alone. */
	assert_string_equal(peer_heard(&w->peer), "");
}

static void
test_a_refusal_after_a_new_request_is_one(void **state)
{
	struct world *w = *state;

	bring_up(w, "", SETTLE("1"));
	w->m->ops->unsubscribe(w->m, JULIET);
	subscribe(w, JULIET);
	peer_says(&w->peer, "<presence type='unsubscribed' from='" JULIET "' to='" BOT "'/>");
	assert_events(w, "contact(" JULIET ",refused) ");
}

/* -- Slots ------------------------------------------------------------------------------------- */

static void
find_upload_service(struct world *w)
{
	const struct slot_request rq = { .user = "Juliet@Example.org/balcony",
		.name = "laterd.json", .type = "application/json", .size = 1000, .ticket = 7 };

	assert_int_equal(w->m->ops->request_slot(w->m, &rq), RES_OK);
	component_flush(w->component);
	buf_reset(&w->peer.heard);
	peer_says(&w->peer, FROM("result", "request-1", "example.org")
	    "<query xmlns='http://jabber.org/protocol/disco#info'>"
	    "<feature var='urn:xmpp:http:upload:0'/></query></iq>");
}

static void
test_a_slot_is_asked_for_as_the_user(void **state)
{
	struct world *w = *state;

	bring_up(w, GRANT("example.org", SLOTS), SETTLE("1"));
	find_upload_service(w);
	heard(w, "to=\"" JULIET "\"", "from=\"later.example.org\"",
	    "<privileged_iq xmlns=\"urn:xmpp:privilege:2\"><iq ", "xmlns=\"jabber:client\"",
	    "to=\"example.org\"", "<request ", "</iq></privileged_iq></iq>");
	peer_says(&w->peer, FROM("result", "request-3", JULIET)
	    "<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>"
	    "<iq xmlns='jabber:client' type='result' id='request-3' from='example.org' to='" JULIET
	    "'>" SLOT "</iq></forwarded></privilege></iq>");
	assert_events(w, "slot(7,0,https://u.example.org/1) ");
}

static void
test_a_refused_slot_is_asked_for_in_our_own_name(void **state)
{
	struct world *w = *state;
	const char *log;

	bring_up(w, GRANT("example.org", SLOTS), SETTLE("1"));
	find_upload_service(w);
	peer_logged(&w->peer);
	buf_reset(&w->peer.heard);
	peer_says(&w->peer, ERROR("request-3", JULIET, "forbidden"));
	heard(w, "from=\"" BOT "\"", "to=\"example.org\"", "id=\"request-4\"", "<request ");
	log = peer_logged(&w->peer);
	assert_int_equal(count(log, "example.org does not let us ask for upload slots as its "
	    "users: forbidden"), 1);
	assert_events(w, "");
	peer_says(&w->peer, "<iq type='result' id='request-4' from='example.org' to='" BOT "'>" SLOT
	    "</iq>");
	assert_events(w, "slot(7,0,https://u.example.org/1) ");
}

static void
test_a_service_that_is_away_takes_no_privilege(void **state)
{
	struct world *w = *state;

	bring_up(w, GRANT("example.org", SLOTS), SETTLE("1"));
	find_upload_service(w);
	peer_logged(&w->peer);
	buf_reset(&w->peer.heard);
	peer_says(&w->peer, ERROR("request-3", JULIET, "internal-server-error"));
	heard(w, "id=\"request-4\"", "from=\"" BOT "\"");
	assert_string_equal(peer_logged(&w->peer), "");
}

#define with_component(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_component(test_what_is_granted_is_logged_once_a_connection),
		with_component(test_nobody_else_can_grant),
		with_component(test_a_roster_is_written_instead_of_asking),
		with_component(test_a_server_that_refuses_is_not_asked_again),
		with_component(test_an_error_about_one_user_takes_nothing_away),
		with_component(test_what_a_connection_interrupts_begins_again_with_the_next),
		with_component(test_a_subscription_is_given_back),
		with_component(test_a_refusal_after_a_new_request_is_one),
		with_component(test_a_slot_is_asked_for_as_the_user),
		with_component(test_a_refused_slot_is_asked_for_in_our_own_name),
		with_component(test_a_service_that_is_away_takes_no_privilege),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
