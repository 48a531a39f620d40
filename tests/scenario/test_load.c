/* Much at once, strangers who mean harm, and what is left after a long time. */
#include "core/ports.h"
#include "world.h"

#define CROWD 3000
/* What design.md says of a batch; one message may pass it, and the ping follows. */
#define BATCH_BYTES (64 * 1024)
#define BATCH_SLACK (2 * 1024)

/* im to n recipients. */
static void
schedule_to_many(struct world *w, int n, struct im im)
{
	char to[50 * 24];

	for (int i = 0; i < n; i += 50) {
		size_t len = 0;

		for (int j = i; j < i + 50; j++)
			len += (size_t)snprintf(to + len, sizeof(to) - len, "r%d@example.net ", j);
		im.to = to;
		world_schedule_im(w, im);
	}
}

/* n messages for 11:05:00, of about a kilobyte. */
static void
schedule_crowd(struct world *w, int n, const char *offline)
{
	char body[801];

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	w->config.schedule.pending_max = n;
	world_start(w);
	schedule_to_many(w, n,
	    (struct im){ .when = "2026-11-22 11:05:00", .body = body, .offline = offline });
}

/* Romeo lets us see his presence, and is away. */
static void
make_contact(struct world *w)
{
	world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('" ROMEO "', %d, 1)",
	    (int)CONTACT_GRANTED);
	world_person(w, ROMEO)->probe = PROBE_OFFLINE;
}

static int64_t
in_state(struct world *w, enum packet_state state)
{
	return world_sql(w, "SELECT count(*) FROM packet WHERE state = %d", (int)state);
}

static void
test_crowd_of_one_second_leaves_in_batches(void **state)
{
	struct world *w = *state;

	schedule_crowd(w, CROWD, "server");
	assert_int_equal(in_state(w, PACKET_SCHEDULED), CROWD);
	world_advance_to(w, "2026-11-22T10:04:59Z");
	assert_int_equal(w->nheard, 0);
	world_forget(w);
	world_advance_to(w, "2026-11-22T10:05:00Z");
	assert_int_equal(w->nheard, CROWD);
	assert_int_equal(in_state(w, PACKET_SENT), CROWD);
	assert_string_equal(w->heard[CROWD - 1].clock, "2026-11-22T10:05:00.000Z");
	assert_in_range(w->batch_max, BATCH_BYTES / 2, BATCH_BYTES + BATCH_SLACK);
	assert_in_range(w->pings, CROWD * 1024 / (BATCH_BYTES + BATCH_SLACK), CROWD / 10);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE attempts <> 1"), 0);
}

/* The next batch leaves, and waits for its pong. */
static void
pong_once(struct world *w)
{
	world_send(w, "<iq type='result' id='%s' from='example.org' to='" COMPONENT "'/>",
	    w->unanswered);
}

/* Only so many are taken from the disk, and only one batch is on its way, however slow the server is. */
static void
test_queue_stays_bounded_while_the_server_is_slow(void **state)
{
	struct world *w = *state;

	schedule_crowd(w, 3000, "server");
	w->pong = false;
	world_advance_to(w, "2026-11-22T10:05:10Z");
	for (int rounds = 0; w->nheard < 3000; rounds++) {
		assert_true(rounds < 1000);
		assert_in_range(in_state(w, PACKET_QUEUED), 0, 2000);
		assert_in_range(in_state(w, PACKET_INFLIGHT), 1, 1000);
		pong_once(w);
		world_advance(w, SECOND_MS);
	}
	world_pong(w);
	assert_int_equal(w->nheard, 3000);
	assert_int_equal(in_state(w, PACKET_SENT), 3000);
}

static void
test_large_crowd_of_large_messages_leaves_at_its_instant(void **state)
{
	struct world *w = *state;
	char body[10001];

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	w->config.schedule.pending_max = 3000;
	world_start(w);
	schedule_to_many(w, 3000,
	    (struct im){ .when = "2026-11-22 11:05:10", .body = body, .offline = "server" });
	world_advance_to(w, "2026-11-22T10:05:09Z");
	assert_int_equal(w->nheard, 0);
	world_advance(w, SECOND_MS);
	assert_int_equal(w->nheard, 3000);
	assert_int_equal(in_state(w, PACKET_SENT), 3000);
}

/* A server that takes its time is no outage. */
static void
test_crowd_that_takes_long_to_leave_does_not_become_late(void **state)
{
	struct world *w = *state;

	w->config.schedule.late_limit_ms = 0;
	schedule_crowd(w, 2000, "server");
	w->pong = false;
	world_advance_to(w, "2026-11-22T10:05:00Z");
	for (int rounds = 0; w->nheard < 2000 && rounds < 1000; rounds++) {
		world_advance(w, SECOND_MS);
		pong_once(w);
	}
	world_pong(w);
	assert_true(w->wall > world_utc("2026-11-22T10:05:20Z"));
	assert_int_equal(in_state(w, PACKET_SENT), 2000);
	assert_int_equal(world_count(w, JULIET), 0);
}

/* -- A queue full of what leaves late in the window ------------------------------------------- */

#define LATE "2026-11-22 11:59:30"

static void
fill_the_window(struct world *w)
{
	w->config.schedule.pending_max = 5000;
	w->config.schedule.tick_ms = HOUR_MS;
	if (w->laterd == NULL)
		world_start(w);
	schedule_to_many(w, 2200, (struct im){ .when = LATE, .offline = "server" });
	/* Now all of it is to be claimed at once. */
	world_restart(w);
	assert_int_equal(in_state(w, PACKET_QUEUED), 2000);
}

static void
assert_window_leaves_in_its_second(struct world *w)
{
	world_forget(w);
	world_advance_to(w, "2026-11-22T10:59:29Z");
	assert_int_equal(w->nheard, 0);
	world_advance(w, SECOND_MS);
	assert_int_equal(w->nheard, 2200);
}

static void
test_full_queue_does_not_keep_back_what_is_due_earlier(void **state)
{
	struct world *w = *state;

	fill_the_window(w);
	world_schedule(w, .when = "in 10 seconds");
	world_schedule(w, .to = "nurse@example.net", .when = "in 10 minutes");
	world_advance(w, 30 * MINUTE_MS);
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-22T10:00:40.000Z");
	assert_string_equal(world_only(w, "nurse@example.net")->clock, "2026-11-22T10:10:30.000Z");
	assert_window_leaves_in_its_second(w);
}

static void
test_full_queue_does_not_keep_back_a_whole_crowd_that_is_due_earlier(void **state)
{
	struct world *w = *state;

	fill_the_window(w);
	schedule_to_many(w, 1000,
	    (struct im){ .when = "2026-11-22 11:30:00", .offline = "server" });
	world_advance_to(w, "2026-11-22T10:30:00Z");
	assert_int_equal(w->nheard, 1000);
	assert_window_leaves_in_its_second(w);
}

static void
test_full_queue_does_not_keep_back_what_leaves_the_hold(void **state)
{
	struct world *w = *state;
	struct person *nurse = world_person(w, "nurse@example.net");

	w->config.schedule.pending_max = 5000;
	w->config.schedule.tick_ms = HOUR_MS;
	world_start(w);
	make_contact(w);
	nurse->bounce = "remote-server-timeout";
	nurse->bounce_type = "wait";
	const char *held = world_schedule(w, .when = "2026-11-22 11:01:00", .offline = "hold");
	const char *tried = world_schedule(w, .to = nurse->jid, .when = "2026-11-22 11:01:00");
	world_advance_to(w, "2026-11-22T10:01:01Z");
	nurse->bounce = NULL;
	fill_the_window(w);
	assert_string_equal(world_state(w, held), "held");
	assert_string_equal(world_state(w, tried), "held");
	world_forget(w);
	world_online(w, ROMEO);
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-22T10:01:01.000Z");
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(world_count(w, nurse->jid), 1);
	assert_string_equal(world_state(w, tried), "sent");
	assert_window_leaves_in_its_second(w);
}

static void
test_full_queue_and_a_clock_set_back_keep_nothing_back(void **state)
{
	struct world *w = *state;

	fill_the_window(w);
	world_jump(w, -2 * HOUR_MS);
	world_schedule(w, .when = "in 1 minutes");
	world_schedule(w, .to = "nurse@example.net", .when = "in 90 minutes");
	world_advance(w, 100 * MINUTE_MS);
	assert_string_equal(world_only(w, ROMEO)->clock, "2026-11-22T08:01:30.000Z");
	assert_string_equal(world_only(w, "nurse@example.net")->clock, "2026-11-22T09:30:30.000Z");
	assert_window_leaves_in_its_second(w);
}

/* -- Slow and broken -------------------------------------------------------------------------- */

static void
test_reload_amid_a_crowd_is_no_interruption(void **state)
{
	struct world *w = *state;

	w->config.schedule.late_limit_ms = 0;
	schedule_crowd(w, 1500, "server");
	w->pong = false;
	world_advance_to(w, "2026-11-22T10:05:01Z");
	laterd_reload(w->laterd, &w->config);
	w->pong = true;
	world_pong(w);
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE state = %d", (int)PACKET_SENT), 1500);
}

static void
test_commands_are_answered_while_a_crowd_leaves(void **state)
{
	struct world *w = *state;
	struct answer a;

	schedule_crowd(w, 1000, "server");
	w->pong = false;
	world_advance_to(w, "2026-11-22T10:05:00Z");
	a = world_command(w, .node = "list");
	assert_string_equal(a.status, "completed");
	assert_non_null(strstr(a.note, "1000 waiting; these are the 100 soonest"));
	world_schedule(w, .from = "nurse@example.org/kitchen", .when = "in 1 hours");
}

static void
test_crowd_survives_a_crash_in_its_middle(void **state)
{
	struct world *w = *state;
	size_t in_flight;

	schedule_crowd(w, 1000, "server");
	w->pong = false;
	world_advance_to(w, "2026-11-22T10:05:00Z");
	in_flight = (size_t)in_state(w, PACKET_INFLIGHT);
	assert_in_range(in_flight, 1, 999);
	w->pong = true;
	world_restart(w);
	world_advance(w, MINUTE_MS);
	assert_int_equal(in_state(w, PACKET_SENT), 1000);
	assert_int_equal(w->nheard, 1000 + in_flight);
}

static void
test_crowd_that_is_too_late_is_told_of_each(void **state)
{
	struct world *w = *state;

	schedule_crowd(w, 1500, "server");
	world_crash(w);
	world_advance(w, 2 * DAY_MS);
	world_start(w);
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(in_state(w, PACKET_EXPIRED), 1500);
	assert_int_equal(world_told(w, "expired"), 1500);
	assert_int_equal(w->nheard, 1500);
}

static void
test_held_crowd_expires_at_one_instant_and_is_told_of_each(void **state)
{
	struct world *w = *state;

	w->config.schedule.hold_ms = HOUR_MS;
	schedule_crowd(w, 1500, "hold");
	world_advance(w, 30 * MINUTE_MS);
	assert_int_equal(in_state(w, PACKET_HELD), 1500);
	world_forget(w);
	world_advance_to(w, "2026-11-22T11:05:00Z");
	assert_int_equal(in_state(w, PACKET_EXPIRED), 1500);
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_told(w, "expired"), 1500);
}

static void
test_crowd_held_for_one_recipient_leaves_at_their_login(void **state)
{
	struct world *w = *state;

	w->config.schedule.pending_max = 1500;
	world_start(w);
	make_contact(w);
	for (int i = 0; i < 1500; i++)
		world_schedule(w, .when = "in 1 minutes");
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(in_state(w, PACKET_HELD), 1500);
	world_online(w, ROMEO);
	world_advance(w, SECOND_MS);
	assert_int_equal(world_count(w, ROMEO), 1500);
	assert_int_equal(in_state(w, PACKET_SENT), 1500);
}

/* -- Strangers ------------------------------------------------------------------------------------------------------------------ */

static const char *const nuisances[] = {
	"<iq type='get' id='1'/>",
	"<iq type='get' id='1' from='x@y.z/a' to='" COMPONENT "'/>",
	"<iq type='get' id='1' from='x@y.z/a' to='" COMPONENT "'><a/><b/></iq>",
	"<iq type='nonsense' id='1' from='x@y.z/a' to='" COMPONENT "'><a/></iq>",
	"<iq type='result' id='batch-1' from='x@y.z/a' to='" COMPONENT "'/>",
	"<iq type='set' id='1' from='@' to='" COMPONENT "'><command xmlns='http://jabber.org/protocol/commands' node='im'/></iq>",
	"<iq type='set' id='1' from='" JULIET "/a' to='elsewhere.example.com'><command "
	    "xmlns='http://jabber.org/protocol/commands' node='im'/></iq>",
	"<iq type='set' id='1' from='" JULIET "/a' to='" COMPONENT "'><command "
	    "xmlns='http://jabber.org/protocol/commands' node='im'><x xmlns='jabber:x:data' type='submit'>"
	    "<field/><field var=''/><field var='to'/><field var='when'><value/><value/></field></x></command></iq>",
	"<message/>",
	"<message from='x@y.z' to='" BOT "' type='error'/>",
	"<message from='x@y.z' to='" BOT "' type='error' id='0'><error/></message>",
	"<message from='x@y.z' to='" BOT "' id='\xf0\x9f\x98\x80'><received xmlns='urn:xmpp:receipts' id='&#x10FFFF;'/></message>",
	"<message from='x@y.z' to='" BOT "'><privilege xmlns='urn:xmpp:privilege:2'><perm/></privilege></message>",
	"<presence/>",
	"<presence from='x@y.z/&#10;&#13;&#9;' to='" BOT "'><priority>99999999999999999999</priority></presence>",
	"<presence from='x@y.z' to='" BOT "' type='subscribe'/>",
	"<presence from='x@y.z' to='" BOT "' type='unsubscribed'/>",
	"<presence from='x@y.z' to='" BOT "' type='probe'/>",
	"<presence from='x@y.z' to='" BOT "' type='unheard-of'/>",
	"<unheard-of xmlns='urn:example:1'/>",
	"<stream:features/>",
	"<handshake/>",
};

static void
append_many(struct buf *out, const char *what, int n)
{
	while (n-- > 0)
		buf_text(out, what);
}

/* 512 KiB of siblings, 10,000 levels, a text of 300 KiB. */
static void
send_giants(struct world *w)
{
	struct buf siblings = { 0 }, levels = { 0 }, text = { 0 };

	append_many(&siblings, "<a/>", 128 * 1024);
	append_many(&levels, "<a>", 10000);
	append_many(&levels, "</a>", 10000);
	append_many(&text, "0123456789", 30 * 1024);
	world_send(w, "<message from='x@y.z/a' to='" BOT "' id='g1'>%s</message>", buf_str(&siblings));
	world_send(w, "<iq from='x@y.z/a' to='" BOT "' type='set' id='g2'>%s</iq>", buf_str(&levels));
	world_send(w, "<iq from='x@y.z/a' to='" BOT "' type='get' id='g3'><body>%s</body></iq>", buf_str(&text));
	buf_free(&siblings);
	buf_free(&levels);
	buf_free(&text);
}

static void
test_hostile_stanzas_disturb_nobody(void **state)
{
	struct world *w = *state;

	world_start(w);
	for (int i = 1; i <= 30; i++) {
		char when[32];

		snprintf(when, sizeof(when), "in %d seconds", i);
		world_schedule(w, .when = when);
	}
	for (int i = 0; i < 30; i++) {
		for (size_t j = 0; j < sizeof(nuisances) / sizeof(nuisances[0]); j++)
			world_send(w, "%s", nuisances[j]);
		if (i % 10 == 0)
			send_giants(w);
		world_advance(w, SECOND_MS);
	}
	assert_int_equal(world_count(w, ROMEO), 30);
	for (int i = 0, n = 0; i < (int)w->nheard; i++)
		if (strcmp(w->heard[i].to, ROMEO) == 0)
			assert_int_equal(w->heard[i].at, world_utc(WORLD_BEGINS) + ++n * 1000);
	assert_int_equal(w->connections, 1);
	assert_int_equal(world_count(w, JULIET), 0);
	assert_int_equal(in_state(w, PACKET_SENT), 30);
}

static void
test_giant_request_is_answered_and_dropped(void **state)
{
	struct world *w = *state;

	world_start(w);
	send_giants(w);
	assert_string_equal(world_answer(w, "g2").condition, "policy-violation");
	assert_string_equal(world_answer(w, "g3").condition, "policy-violation");
	assert_int_equal(world_count(w, "x@y.z/a"), 1);
	assert_string_equal(world_only(w, "x@y.z/a")->id, "g1");
	assert_string_equal(world_only(w, "x@y.z/a")->type, "error");
}

/* -- After a long time ---------------------------------------------------------------------------------------------------------- */

static void
test_finished_messages_are_purged_after_keep_days(void **state)
{
	struct world *w = *state;

	w->config.store.keep_ms = 2 * DAY_MS;
	w->config.schedule.tick_ms = HOUR_MS;
	world_start(w);
	const char *sent = world_schedule(w, .when = "2026-11-22 12:00");
	const char *waiting = world_schedule(w, .when = "2026-12-22 12:00");
	world_advance_to(w, "2026-11-24T10:59:00Z");
	struct answer a = world_command(w, .node = "show", .fields = { "id", sent });
	assert_string_equal(world_field(w, &a, "state"), "sent");
	world_advance_to(w, "2026-11-24T12:01:00Z");
	a = world_command(w, .node = "show", .fields = { "id", sent });
	assert_string_equal(a.condition, "item-not-found");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE id = '%s'", sent), 0);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM event WHERE packet NOT IN (SELECT n FROM packet)"), 0);
	assert_string_equal(world_state(w, waiting), "scheduled");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM charge WHERE sender <> 'service'"), 1);
}

/* Ticks may be an hour apart. */
static void
test_crowd_is_purged_soon_after_it_may_be(void **state)
{
	struct world *w = *state;

	w->config.store.keep_ms = DAY_MS;
	w->config.schedule.tick_ms = HOUR_MS;
	schedule_crowd(w, 2000, "server");
	world_advance_to(w, "2026-11-23T10:05:00Z");
	assert_int_equal(in_state(w, PACKET_SENT), 2000);
	world_advance_to(w, "2026-11-23T11:01:00Z");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 0);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM event"), 0);
}

static void
test_idle_daemon_sleeps_between_ticks(void **state)
{
	struct world *w = *state;
	int steps = 0;

	world_start(w);
	world_schedule(w, .when = "in 2 days");
	int64_t end = w->mono + HOUR_MS;
	while (laterd_next(w->laterd) <= end) {
		world_advance(w, laterd_next(w->laterd) - w->mono);
		steps++;
	}
	/* A tick, a sweep and a keepalive a minute. */
	assert_in_range(steps, 60, 200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_crowd_of_one_second_leaves_in_batches),
		WORLD_TEST(test_queue_stays_bounded_while_the_server_is_slow),
		WORLD_TEST(test_large_crowd_of_large_messages_leaves_at_its_instant),
		WORLD_TEST(test_crowd_that_takes_long_to_leave_does_not_become_late),
		WORLD_TEST(test_full_queue_does_not_keep_back_what_is_due_earlier),
		WORLD_TEST(test_full_queue_does_not_keep_back_a_whole_crowd_that_is_due_earlier),
		WORLD_TEST(test_full_queue_does_not_keep_back_what_leaves_the_hold),
		WORLD_TEST(test_full_queue_and_a_clock_set_back_keep_nothing_back),
		WORLD_TEST(test_reload_amid_a_crowd_is_no_interruption),
		WORLD_TEST(test_commands_are_answered_while_a_crowd_leaves),
		WORLD_TEST(test_crowd_survives_a_crash_in_its_middle),
		WORLD_TEST(test_crowd_that_is_too_late_is_told_of_each),
		WORLD_TEST(test_held_crowd_expires_at_one_instant_and_is_told_of_each),
		WORLD_TEST(test_crowd_held_for_one_recipient_leaves_at_their_login),
		WORLD_TEST(test_hostile_stanzas_disturb_nobody),
		WORLD_TEST(test_giant_request_is_answered_and_dropped),
		WORLD_TEST(test_finished_messages_are_purged_after_keep_days),
		WORLD_TEST(test_crowd_is_purged_soon_after_it_may_be),
		WORLD_TEST(test_idle_daemon_sleeps_between_ticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
