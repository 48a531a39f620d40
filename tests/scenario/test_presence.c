/* What becomes of a due message: the sender's choice against what is known of the recipient's presence. */
#include "core/ports.h"
#include "world.h"

#define LOCAL "nurse@example.org"

enum seen { SEEN_UNKNOWN, SEEN_ASKED, SEEN_ONLINE, SEEN_OFFLINE };

/* They have let us see their presence, in an earlier life. */
static void
make_contact(struct world *w, const char *jid)
{
	world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('%s', %d, 1)", jid, (int)CONTACT_GRANTED);
}

static void
set_presence(struct world *w, enum seen seen)
{
	static const enum answers_probe probes[] = {
		[SEEN_ASKED] = PROBE_SILENCE, [SEEN_ONLINE] = PROBE_ONLINE, [SEEN_OFFLINE] = PROBE_OFFLINE,
	};

	if (seen == SEEN_UNKNOWN)
		return;
	make_contact(w, ROMEO);
	world_person(w, ROMEO)->probe = probes[seen];
}

static const struct {
	const char *offline;
	enum seen seen;
	const char *when_due, *a_minute_later;
	size_t requests; /* for a subscription */
	const char *notice;
} choices[] = {
	{ "auto", SEEN_UNKNOWN, "sent", "sent", 0, NULL },
	{ "auto", SEEN_ASKED, "held", "held", 0, NULL },
	{ "auto", SEEN_ONLINE, "sent", "sent", 0, NULL },
	{ "auto", SEEN_OFFLINE, "held", "held", 0, NULL },
	{ "hold", SEEN_UNKNOWN, "held", "held", 1, "was asked" },
	{ "hold", SEEN_ASKED, "held", "held", 0, NULL },
	{ "hold", SEEN_ONLINE, "sent", "sent", 0, NULL },
	{ "hold", SEEN_OFFLINE, "held", "held", 0, NULL },
	{ "server", SEEN_UNKNOWN, "sent", "sent", 0, NULL },
	{ "server", SEEN_ASKED, "sent", "sent", 0, NULL },
	{ "server", SEEN_ONLINE, "sent", "sent", 0, NULL },
	{ "server", SEEN_OFFLINE, "sent", "sent", 0, NULL },
	{ "drop", SEEN_UNKNOWN, "expired", "expired", 0, "cannot be seen" },
	{ "drop", SEEN_ASKED, "held", "expired", 0, "not online" },
	{ "drop", SEEN_ONLINE, "sent", "sent", 0, NULL },
	{ "drop", SEEN_OFFLINE, "expired", "expired", 0, "not online" },
};

#define NCHOICES (sizeof(choices) / sizeof(choices[0]))

static void
expect_state(struct world *w, size_t choice, const char *id, const char *state)
{
	if (strcmp(world_state(w, id), state) != 0)
		fail_msg("%s with presence %d: is %s", choices[choice].offline, (int)choices[choice].seen, world_state(w, id));
}

static void
test_each_choice_meets_each_presence(void **state)
{
	(void)state;
	for (size_t i = 0; i < NCHOICES; i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		set_presence(w, choices[i].seen);
		const char *id = world_schedule(w, .when = "in 2 seconds", .offline = choices[i].offline);
		world_advance(w, 2 * SECOND_MS);
		expect_state(w, i, id, choices[i].when_due);
		world_advance(w, MINUTE_MS);
		expect_state(w, i, id, choices[i].a_minute_later);
		assert_int_equal(world_count(w, ROMEO), strcmp(choices[i].a_minute_later, "sent") == 0);
		assert_int_equal(world_signals(w, "subscribe", ROMEO), choices[i].requests);
		assert_int_equal(world_count(w, JULIET), choices[i].notice != NULL);
		if (choices[i].notice != NULL)
			assert_int_equal(world_told(w, choices[i].notice), 1);
		world_teardown((void **)&w);
	}
}

static void
test_held_message_leaves_when_presence_shows_the_recipient(void **state)
{
	struct world *w = *state;
	const struct heard *m;

	world_start(w);
	set_presence(w, SEEN_OFFLINE);
	const char *id = world_schedule(w, .when = "2026-11-22 11:02:00");
	world_advance_to(w, "2026-11-22T12:00:00Z");
	assert_int_equal(world_count(w, ROMEO), 0);
	world_online(w, ROMEO);
	m = world_only(w, ROMEO);
	assert_string_equal(m->id, id);
	assert_string_equal(m->clock, "2026-11-22T12:00:00.000Z");
	assert_string_equal(m->delay, "2026-11-22T10:02:00Z");
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_count(w, JULIET), 0);
}

/* The late limit is about outages, not about people. */
static void
test_message_may_be_held_for_longer_than_the_late_limit(void **state)
{
	struct world *w = *state;

	w->config.schedule.late_limit_ms = HOUR_MS;
	w->config.schedule.tick_ms = HOUR_MS;
	world_start(w);
	set_presence(w, SEEN_OFFLINE);
	world_schedule(w, .when = "in 1 minutes");
	world_advance(w, 3 * DAY_MS);
	world_online(w, ROMEO);
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_int_equal(world_count(w, JULIET), 0);
}

static void
test_message_held_for_a_moment_says_so(void **state)
{
	struct world *w = *state;

	world_start(w);
	set_presence(w, SEEN_OFFLINE);
	world_schedule(w, .when = "2026-11-22 11:02:00", .offline = "hold");
	world_advance_to(w, "2026-11-22T10:02:01Z");
	world_online(w, ROMEO);
	assert_string_equal(world_only(w, ROMEO)->delay, "2026-11-22T10:02:00Z");
}

static void
test_all_messages_held_for_one_leave_in_the_order_of_their_times(void **state)
{
	struct world *w = *state;
	const char *ids[3];

	world_start(w);
	set_presence(w, SEEN_OFFLINE);
	ids[2] = world_schedule(w, .when = "in 4 minutes");
	ids[0] = world_schedule(w, .when = "in 2 minutes");
	ids[1] = world_schedule(w, .when = "in 3 minutes");
	world_advance(w, HOUR_MS);
	world_online(w, ROMEO);
	assert_int_equal(w->nheard, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(w->heard[i].id, ids[i]);
}

static void
test_resource_of_negative_priority_is_not_online(void **state)
{
	struct world *w = *state;

	world_start(w);
	set_presence(w, SEEN_OFFLINE);
	world_schedule(w, .when = "in 2 minutes", .offline = "hold");
	world_advance(w, 3 * MINUTE_MS);
	world_send(w, "<presence from='" ROMEO "/bot' to='" BOT "'><priority>-1</priority></presence>");
	assert_int_equal(world_count(w, ROMEO), 0);
	world_send(w, "<presence from='" ROMEO "/bot' to='" BOT "'><priority>0</priority></presence>");
	assert_int_equal(world_count(w, ROMEO), 1);
}

static void
test_held_message_expires_at_its_instant_with_a_notice(void **state)
{
	struct world *w = *state;

	world_start(w);
	set_presence(w, SEEN_OFFLINE);
	const char *id = world_schedule(w, .when = "2026-11-22 11:02:00", .expires = "2026-11-22 11:10:30");
	world_advance_to(w, "2026-11-22T10:10:29Z");
	assert_string_equal(world_state(w, id), "held");
	world_advance(w, SECOND_MS);
	assert_string_equal(world_state(w, id), "expired");
	assert_int_equal(world_told(w, id), 1);
	assert_int_equal(world_told(w, "expired"), 1);
	world_online(w, ROMEO);
	assert_int_equal(world_count(w, ROMEO), 0);
}

static void
test_held_message_expires_after_hold_days_by_default(void **state)
{
	struct world *w = *state;

	w->config.schedule.hold_ms = DAY_MS;
	w->config.schedule.tick_ms = HOUR_MS;
	world_start(w);
	set_presence(w, SEEN_OFFLINE);
	const char *id = world_schedule(w, .when = "2026-11-22 11:02:00");
	world_advance_to(w, "2026-11-23T10:01:59Z");
	assert_string_equal(world_state(w, id), "held");
	world_advance(w, SECOND_MS);
	assert_string_equal(world_state(w, id), "expired");
	assert_int_equal(world_told(w, "expired"), 1);
}

static void
test_hold_asks_once_with_a_name_and_a_reason(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 2 minutes", .offline = "hold");
	world_schedule(w, .when = "in 3 minutes", .offline = "hold");
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(w->nsignals, 1);
	assert_string_equal(w->signals[0].type, "subscribe");
	assert_string_equal(w->signals[0].from, BOT);
	assert_string_equal(w->signals[0].to, ROMEO);
	assert_string_equal(w->signals[0].nick, "Scheduled messages");
	assert_non_null(strstr(w->signals[0].status, JULIET));
	assert_int_equal(world_told(w, "was asked"), 2);
	world_restart(w);
	world_schedule(w, .when = "in 2 minutes", .offline = "hold");
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 1);
}

static void
test_request_without_an_answer_is_repeated_once_a_day(void **state)
{
	struct world *w = *state;

	w->config.schedule.tick_ms = HOUR_MS;
	world_start(w);
	world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 1);
	/* However many messages wait for them, and whatever befalls the stream and us. */
	world_schedule(w, .when = "in 6 hours", .offline = "hold");
	world_schedule(w, .from = "nurse@example.org/kitchen", .when = "in 12 hours",
	    .offline = "hold");
	world_cut(w);
	world_advance(w, 13 * HOUR_MS);
	world_restart(w);
	world_advance(w, 10 * HOUR_MS);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 1);
	world_advance(w, 2 * HOUR_MS);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 2);
	world_advance(w, 9 * DAY_MS);
	assert_in_range(world_signals(w, "subscribe", ROMEO), 10, 11);
	/* The sender is told once of each. */
	assert_int_equal(world_told(w, "was asked"), 2);
	assert_int_equal(world_count(w, JULIET), 2);
}

static void
test_answer_to_a_repeated_request_lets_the_message_go(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, 2 * MINUTE_MS);
	world_person(w, ROMEO)->request = REQUEST_GRANTED;
	world_person(w, ROMEO)->probe = PROBE_ONLINE;
	world_advance(w, DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 2);
}

static void
test_granted_subscription_lets_the_held_message_go(void **state)
{
	struct world *w = *state;

	world_person(w, ROMEO)->request = REQUEST_GRANTED;
	world_person(w, ROMEO)->probe = PROBE_ONLINE;
	world_start(w);
	world_schedule(w, .when = "2026-11-22 11:05:00", .offline = "hold");
	world_advance_to(w, "2026-11-22T10:05:00Z");
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-22T10:05:00.000Z");
	world_schedule(w, .when = "2026-11-22 11:10:00", .offline = "hold");
	world_advance_to(w, "2026-11-22T10:10:00Z");
	assert_int_equal(world_count(w, ROMEO), 2);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 1);
}

static void
test_granted_while_offline_is_delivered_at_their_login(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 2 minutes", .offline = "hold");
	world_advance(w, HOUR_MS);
	world_send(w, "<presence type='subscribed' from='" ROMEO "' to='" BOT "'/>");
	world_advance(w, HOUR_MS);
	assert_int_equal(world_count(w, ROMEO), 0);
	world_online(w, ROMEO);
	assert_int_equal(world_count(w, ROMEO), 1);
}

static void
test_refused_subscription_is_told_to_the_sender(void **state)
{
	struct world *w = *state;

	world_person(w, ROMEO)->request = REQUEST_REFUSED;
	world_start(w);
	const char *id = world_schedule(w, .when = "in 2 minutes", .offline = "hold");
	world_advance(w, 5 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
	assert_int_equal(world_told(w, "has refused"), 1);
	world_forget(w);
	world_schedule(w, .when = "in 2 minutes", .offline = "hold");
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(world_told(w, "has refused"), 1);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 0);
}

static void
test_subscription_taken_back_is_told_to_the_sender(void **state)
{
	struct world *w = *state;

	world_start(w);
	set_presence(w, SEEN_OFFLINE);
	const char *id = world_schedule(w, .when = "in 2 minutes", .offline = "hold");
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(world_count(w, JULIET), 0);
	world_send(w, "<presence type='unsubscribed' from='" ROMEO "' to='" BOT "'/>");
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_told(w, id), 1);
	assert_string_equal(world_state(w, id), "held");
}

static void
test_subscription_taken_back_lets_auto_go_at_once(void **state)
{
	struct world *w = *state;

	world_start(w);
	set_presence(w, SEEN_OFFLINE);
	const char *first = world_schedule(w, .when = "in 1 minutes");
	const char *later = world_schedule(w, .when = "in 50 minutes");
	world_advance(w, 3 * MINUTE_MS);
	assert_string_equal(world_state(w, first), "held");
	world_send(w, "<presence type='unsubscribed' from='" ROMEO "' to='" BOT "'/>");
	assert_string_equal(world_only(w, ROMEO)->id, first);
	assert_string_equal(world_state(w, first), "sent");
	world_advance(w, HOUR_MS);
	assert_string_equal(world_state(w, later), "sent");
	assert_int_equal(world_count(w, ROMEO), 2);
	assert_int_equal(world_count(w, JULIET), 0);
}

static void
test_subscription_taken_back_after_a_restart_lets_auto_go(void **state)
{
	struct world *w = *state;

	world_start(w);
	set_presence(w, SEEN_OFFLINE);
	const char *id = world_schedule(w, .when = "in 1 minutes");
	world_advance(w, 3 * MINUTE_MS);
	world_restart(w);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
	world_send(w, "<presence type='unsubscribed' from='" ROMEO "' to='" BOT "'/>");
	assert_string_equal(world_only(w, ROMEO)->id, id);
}

/* Senders are told once of each message, however often the recipient changes their mind. */
static void
test_flipping_a_subscription_costs_one_notice_a_message(void **state)
{
	struct world *w = *state;

	world_start(w);
	set_presence(w, SEEN_OFFLINE);
	const char *ids[3];
	for (size_t i = 0; i < 3; i++)
		ids[i] = world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, 2 * MINUTE_MS);
	for (int i = 0; i < 50; i++) {
		world_send(w, "<presence type='unsubscribed' from='" ROMEO "' to='" BOT "'/>"
		    "<presence type='subscribed' from='" ROMEO "' to='" BOT "'/>");
		world_send(w, "<presence type='subscribed' from='" ROMEO "' to='" BOT "'/>"
		    "<presence type='unsubscribed' from='" ROMEO "' to='" BOT "'/>");
		world_advance(w, SECOND_MS);
	}
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(world_count(w, JULIET), 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(world_told(w, ids[i]), 1);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 0);
}

/* Nor does an answer to our own request begin it anew. */
static void
test_flipping_after_a_request_costs_one_notice_more(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(world_told(w, "was asked"), 1);
	for (int i = 0; i < 50; i++) {
		world_send(w, "<presence type='subscribed' from='" ROMEO "' to='" BOT "'/>");
		world_send(w, "<presence type='unsubscribed' from='" ROMEO "' to='" BOT "'/>");
		world_advance(w, HOUR_MS);
	}
	assert_int_equal(world_told(w, "has refused"), 1);
	assert_int_equal(world_count(w, JULIET), 2);
	assert_int_equal(world_signals(w, "subscribe", ROMEO), 1);
}

static void
test_presence_nobody_asked_for_changes_nothing(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_send(w, "<presence type='subscribed' from='tybalt@example.net' to='" BOT "'/>"
	    "<presence from='tybalt@example.net/x' to='" BOT "'/>");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM contact"), 0);
	const char *id = world_schedule(w, .to = "tybalt@example.net", .when = "in 1 minutes", .offline = "drop");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "expired");
}

static void
test_contact_of_a_held_message_is_probed_after_every_connection(void **state)
{
	struct world *w = *state;

	world_start(w);
	set_presence(w, SEEN_OFFLINE);
	world_schedule(w, .when = "in 2 minutes");
	world_advance(w, 5 * MINUTE_MS);
	size_t before = world_signals(w, "probe", ROMEO);
	world_cut(w);
	/* Nobody tells us of a login while we are away. */
	world_person(w, ROMEO)->probe = PROBE_ONLINE;
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_signals(w, "probe", ROMEO), before + 1);
	assert_int_equal(world_count(w, ROMEO), 1);
}

static void
test_contact_of_a_held_message_is_probed_after_a_restart(void **state)
{
	struct world *w = *state;

	world_start(w);
	set_presence(w, SEEN_OFFLINE);
	const char *id = world_schedule(w, .when = "in 2 minutes", .offline = "hold");
	world_advance(w, 5 * MINUTE_MS);
	world_crash(w);
	world_person(w, ROMEO)->probe = PROBE_ONLINE;
	world_start(w);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_only(w, ROMEO)->id, id);
}

static void
test_logout_is_believed(void **state)
{
	struct world *w = *state;

	world_start(w);
	set_presence(w, SEEN_ONLINE);
	world_schedule(w, .when = "in 2 minutes");
	world_advance(w, 3 * MINUTE_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
	world_offline(w, ROMEO);
	const char *id = world_schedule(w, .when = "in 2 minutes");
	world_advance(w, 3 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
}

static void
test_prosody_shows_local_users_without_being_asked(void **state)
{
	struct world *w = *state;

	w->server = SERVER_PROSODY;
	world_person(w, "nurse@example.org")->probe = PROBE_ONLINE;
	world_start(w);
	const char *online = world_schedule(w, .to = "nurse@example.org", .offline = "hold");
	const char *away = world_schedule(w, .to = "tybalt@example.org");
	world_advance(w, 10 * MINUTE_MS);
	assert_string_equal(world_state(w, online), "sent");
	assert_string_equal(world_state(w, away), "held");
	assert_int_equal(w->nsignals, 0);
	world_send(w, "<presence from='tybalt@example.org/square' to='" COMPONENT "'/>");
	assert_string_equal(world_state(w, away), "sent");
}

static void
test_message_held_by_a_view_that_was_lost_is_looked_at_within_a_day(void **state)
{
	struct world *w = *state;

	w->server = SERVER_PROSODY;
	world_start(w);
	const char *left = world_schedule(w, .to = LOCAL, .when = "in 1 minutes");
	const char *kept =
	    world_schedule(w, .to = LOCAL, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, left), "held");
	w->server = SERVER_PLAIN;
	world_cut(w);
	world_advance(w, DAY_MS);
	assert_string_equal(world_state(w, left), "sent");
	assert_string_equal(world_only(w, LOCAL)->delay, "2026-11-22T10:01:30Z");
	/* What was to be held still is, and now their presence has to be asked for. */
	assert_string_equal(world_state(w, kept), "held");
	assert_int_equal(world_signals(w, "subscribe", LOCAL), 1);
	assert_int_equal(world_count(w, JULIET), 1);
	assert_int_equal(world_told(w, "was asked"), 1);
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(world_told(w, "was asked"), 1);
}

static void
test_ejabberd_shows_who_came_but_not_who_left(void **state)
{
	struct world *w = *state;

	w->server = SERVER_EJABBERD;
	world_start(w);
	const char *unknown = world_schedule(w, .to = "tybalt@example.org");
	const char *dropped = world_schedule(w, .to = "tybalt@example.org", .offline = "drop");
	world_advance(w, 10 * MINUTE_MS);
	assert_string_equal(world_state(w, unknown), "sent");
	assert_string_equal(world_state(w, dropped), "expired");
	/* Who came may have left a minute later. */
	const char *soon = world_schedule(w, .to = "tybalt@example.org", .offline = "drop");
	world_advance(w, 5 * MINUTE_MS - 30 * SECOND_MS);
	world_send(w, "<presence from='tybalt@example.org/square' to='" COMPONENT "'/>");
	dropped = world_schedule(w, .to = "tybalt@example.org", .offline = "drop");
	world_advance(w, 30 * SECOND_MS);
	assert_string_equal(world_state(w, soon), "sent");
	world_advance(w, 10 * MINUTE_MS);
	assert_string_equal(world_state(w, dropped), "expired");
}

/* -- What waits for the answer to a probe --------------------------------------------------------- */

/* It is as if it had been sent when the answer is there: nothing says that it was held. */
static void
test_message_that_waits_for_an_answer_is_not_delayed(void **state)
{
	static const char *const waiting[] = { "auto", "hold", "drop" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		set_presence(w, SEEN_ASKED);
		const char *id = world_schedule(w, .when = "in 1 seconds", .offline = waiting[i]);
		world_advance(w, 2 * SECOND_MS);
		assert_string_equal(world_state(w, id), "held");
		world_online(w, ROMEO);
		assert_string_equal(world_only(w, ROMEO)->delay, "");
		world_teardown((void **)&w);
	}
}

/* And one that comes back after that is told of as any other. */
static void
test_bounce_of_what_has_waited_for_an_answer_is_told(void **state)
{
	struct world *w = *state;

	world_start(w);
	set_presence(w, SEEN_ASKED);
	const char *id = world_schedule(w, .when = "in 1 seconds");
	world_advance(w, 2 * SECOND_MS);
	world_person(w, ROMEO)->bounce = "service-unavailable";
	world_person(w, ROMEO)->bounce_type = "cancel";
	world_online(w, ROMEO);
	assert_string_equal(world_state(w, id), "held");
	assert_int_equal(world_told(w, "could not be delivered yet"), 1);
}

/* Their server answers a probe of somebody they have removed with `unsubscribed`. */
static void
test_refusal_that_answers_a_probe_is_told_once(void **state)
{
	struct world *w = *state;

	world_start(w);
	set_presence(w, SEEN_ASKED);
	const char *id = world_schedule(w, .when = "in 1 seconds", .offline = "hold");
	world_advance(w, 2 * SECOND_MS);
	world_send(w, "<presence type='unsubscribed' from='" ROMEO "' to='" BOT "'/>");
	assert_string_equal(world_state(w, id), "held");
	assert_int_equal(world_told(w, "refused"), 1);
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(world_told(w, "refused"), 1);
}

/* What the outage, and nobody's absence, made late. */
static void
test_outage_while_an_answer_is_awaited_makes_it_too_late(void **state)
{
	static const struct {
		const char *offline;
		int64_t before; /* the outage, after it was due */
		const char *state;
	} cases[] = {
		{ "auto", 2 * SECOND_MS, "expired" }, { "drop", 2 * SECOND_MS, "expired" },
		{ "auto", 20 * SECOND_MS, "sent" }, { "hold", 20 * SECOND_MS, "sent" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world *w;

		world_setup((void **)&w);
		w->config.schedule.late_limit_ms = HOUR_MS;
		w->config.schedule.tick_ms = HOUR_MS;
		world_start(w);
		set_presence(w, SEEN_ASKED);
		const char *id = world_schedule(w, .when = "in 1 seconds", .offline = cases[i].offline);
		world_advance(w, SECOND_MS + cases[i].before);
		assert_string_equal(world_state(w, id), "held");
		w->server_down = true;
		world_cut(w);
		world_advance(w, DAY_MS);
		world_person(w, ROMEO)->probe = PROBE_ONLINE;
		w->server_down = false;
		world_advance(w, 2 * MINUTE_MS);
		assert_string_equal(world_state(w, id), cases[i].state);
		world_teardown((void **)&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_choice_meets_each_presence),
		WORLD_TEST(test_held_message_leaves_when_presence_shows_the_recipient),
		WORLD_TEST(test_message_may_be_held_for_longer_than_the_late_limit),
		WORLD_TEST(test_message_held_for_a_moment_says_so),
		WORLD_TEST(test_all_messages_held_for_one_leave_in_the_order_of_their_times),
		WORLD_TEST(test_resource_of_negative_priority_is_not_online),
		WORLD_TEST(test_held_message_expires_at_its_instant_with_a_notice),
		WORLD_TEST(test_held_message_expires_after_hold_days_by_default),
		WORLD_TEST(test_hold_asks_once_with_a_name_and_a_reason),
		WORLD_TEST(test_request_without_an_answer_is_repeated_once_a_day),
		WORLD_TEST(test_answer_to_a_repeated_request_lets_the_message_go),
		WORLD_TEST(test_granted_subscription_lets_the_held_message_go),
		WORLD_TEST(test_granted_while_offline_is_delivered_at_their_login),
		WORLD_TEST(test_refused_subscription_is_told_to_the_sender),
		WORLD_TEST(test_subscription_taken_back_is_told_to_the_sender),
		WORLD_TEST(test_subscription_taken_back_lets_auto_go_at_once),
		WORLD_TEST(test_subscription_taken_back_after_a_restart_lets_auto_go),
		WORLD_TEST(test_flipping_a_subscription_costs_one_notice_a_message),
		WORLD_TEST(test_flipping_after_a_request_costs_one_notice_more),
		WORLD_TEST(test_presence_nobody_asked_for_changes_nothing),
		WORLD_TEST(test_contact_of_a_held_message_is_probed_after_every_connection),
		WORLD_TEST(test_contact_of_a_held_message_is_probed_after_a_restart),
		WORLD_TEST(test_logout_is_believed),
		WORLD_TEST(test_prosody_shows_local_users_without_being_asked),
		WORLD_TEST(test_message_held_by_a_view_that_was_lost_is_looked_at_within_a_day),
		WORLD_TEST(test_ejabberd_shows_who_came_but_not_who_left),
		cmocka_unit_test(test_message_that_waits_for_an_answer_is_not_delayed),
		WORLD_TEST(test_bounce_of_what_has_waited_for_an_answer_is_told),
		WORLD_TEST(test_refusal_that_answers_a_probe_is_told_once),
		cmocka_unit_test(test_outage_while_an_answer_is_awaited_makes_it_too_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
