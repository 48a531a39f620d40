/* Recurrences when something is in the way: outages, quotas, nobody there, and their senders' second thoughts. */
#include "world.h"

#define FIRST "2026-11-23 09:00"

static const char *
daily(struct world *w)
{
	return world_schedule(w, .when = FIRST, .repeat = "daily");
}

static int64_t
series(struct world *w)
{
	return world_sql(w, "SELECT count(*) FROM series");
}

static int64_t
charged(struct world *w)
{
	return world_sql(w, "SELECT coalesce(sum(count), 0) FROM charge WHERE sender <> 'service'");
}

/* The next one is due then, and leaves then, as the n-th of all that are heard. */
static void
expect_next(struct world *w, const char *utc)
{
	const char *id = world_waiting(w, ROMEO);
	size_t n = world_count(w, ROMEO);

	assert_string_equal(world_clock_text(w, world_due(w, id)), world_clock_text(w, world_utc(utc)));
	world_advance_to(w, utc);
	assert_int_equal(world_count(w, ROMEO), n + 1);
	assert_string_equal(world_state(w, id), "sent");
	for (size_t i = 0; i < w->nheard; i++)
		if (strcmp(w->heard[i].id, id) == 0)
			assert_string_equal(w->heard[i].delay, "");
}

/* -- Outages ----------------------------------------------------------------------------------------------------------------- */

static void
away(struct world *w, const char *from, const char *to)
{
	world_advance_to(w, from);
	world_crash(w);
	world_advance_to(w, to);
	world_start(w);
	world_advance(w, MINUTE_MS);
}

static void
disconnected(struct world *w, const char *from, const char *to)
{
	world_advance_to(w, from);
	w->server_down = true;
	world_cut(w);
	world_advance_to(w, to);
	w->server_down = false;
	world_advance(w, 5 * MINUTE_MS);
}

static void (*const outages[])(struct world *w, const char *from, const char *to) = { away, disconnected };

#define NOUTAGES (sizeof(outages) / sizeof(outages[0]))
#define FOR_EACH_OUTAGE(w, outage) \
	for (size_t i_ = 0; i_ < NOUTAGES && (world_setup((void **)&(w)), outage = outages[i_], true); \
	    world_teardown((void **)&(w)), i_++)

static void
test_days_that_were_missed_become_one_late_message(void **state)
{
	void (*outage)(struct world *w, const char *from, const char *to);
	struct world *w;

	(void)state;
	FOR_EACH_OUTAGE(w, outage) {
		world_start(w);
		const char *first = daily(w);
		outage(w, "2026-11-22T20:00:00Z", "2026-11-26T12:00:00Z");
		assert_string_equal(world_only(w, ROMEO)->delay, "2026-11-26T08:00:00Z");
		assert_string_not_equal(world_only(w, ROMEO)->id, first);
		assert_string_equal(world_state(w, first), "expired");
		expect_next(w, "2026-11-27T08:00:00Z");
	}
}

static void
test_nothing_is_sent_that_would_be_too_late(void **state)
{
	void (*outage)(struct world *w, const char *from, const char *to);
	struct world *w;

	(void)state;
	FOR_EACH_OUTAGE(w, outage) {
		w->config.schedule.late_limit_ms = HOUR_MS;
		world_start(w);
		daily(w);
		outage(w, "2026-11-22T20:00:00Z", "2026-11-26T12:00:00Z");
		assert_int_equal(world_count(w, ROMEO), 0);
		expect_next(w, "2026-11-27T08:00:00Z");
	}
}

static void
test_message_at_hand_that_is_still_good_is_sent_late(void **state)
{
	void (*outage)(struct world *w, const char *from, const char *to);
	struct world *w;

	(void)state;
	FOR_EACH_OUTAGE(w, outage) {
		world_start(w);
		const char *first = daily(w);
		outage(w, "2026-11-22T20:00:00Z", "2026-11-23T13:00:00Z");
		assert_string_equal(world_only(w, ROMEO)->id, first);
		assert_string_equal(world_only(w, ROMEO)->delay, "2026-11-23T08:00:00Z");
		expect_next(w, "2026-11-24T08:00:00Z");
	}
}

static void
test_hours_that_were_missed_are_skipped_for_the_one_at_hand(void **state)
{
	void (*outage)(struct world *w, const char *from, const char *to);
	struct world *w;

	(void)state;
	FOR_EACH_OUTAGE(w, outage) {
		world_start(w);
		world_schedule(w, .when = FIRST, .rrule = "FREQ=HOURLY", .expires = "2026-11-23 21:00");
		outage(w, "2026-11-22T20:00:00Z", "2026-11-23T13:20:00Z");
		assert_string_equal(world_only(w, ROMEO)->delay, "2026-11-23T08:00:00Z");
		expect_next(w, "2026-11-23T14:00:00Z");
	}
}

static void
test_hours_that_were_missed_become_the_latest_of_them(void **state)
{
	void (*outage)(struct world *w, const char *from, const char *to);
	struct world *w;

	(void)state;
	FOR_EACH_OUTAGE(w, outage) {
		world_start(w);
		world_schedule(w, .when = FIRST, .rrule = "FREQ=HOURLY");
		outage(w, "2026-11-22T20:00:00Z", "2026-11-23T13:20:00Z");
		assert_string_equal(world_only(w, ROMEO)->delay, "2026-11-23T13:00:00Z");
		expect_next(w, "2026-11-23T14:00:00Z");
	}
}

static void
test_outage_over_the_last_occurrence_ends_the_recurrence(void **state)
{
	void (*outage)(struct world *w, const char *from, const char *to);
	struct world *w;

	(void)state;
	FOR_EACH_OUTAGE(w, outage) {
		world_start(w);
		world_schedule(w, .when = FIRST, .rrule = "FREQ=DAILY;COUNT=3");
		outage(w, "2026-11-22T20:00:00Z", "2026-12-01T12:00:00Z");
		assert_int_equal(world_count(w, ROMEO), 0);
		assert_string_equal(world_waiting(w, ROMEO), "");
		assert_int_equal(series(w), 0);
	}
}

static void
test_clock_set_far_forward_sends_at_most_one(void **state)
{
	struct world *w = *state;

	world_start(w);
	daily(w);
	world_jump(w, 10 * DAY_MS + 2 * HOUR_MS);
	world_advance(w, MINUTE_MS);
	assert_in_range(world_count(w, ROMEO), 0, 1);
	expect_next(w, "2026-12-03T08:00:00Z");
}

static void
test_length_of_expiry_counts_for_each_occurrence(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = FIRST, .repeat = "daily", .offline = "hold", .expires = "2026-11-23 11:00");
	world_advance_to(w, "2026-11-23T12:00:00Z");
	for (int day = 0; day < 3; day++) {
		const char *id = world_waiting(w, ROMEO);

		assert_int_equal(world_sql(w, "SELECT expires_at - due_at FROM packet WHERE id = '%s'", id), 2 * HOUR_MS);
		world_advance(w, DAY_MS);
		assert_string_equal(world_state(w, id), "expired");
	}
}

/* -- Quota ------------------------------------------------------------------------------------------------------------------- */

static void
test_occurrence_over_quota_is_skipped_and_told(void **state)
{
	struct world *w = *state;

	w->config.quota[KIND_IM] = (struct quota_limit){ 1, 100 };
	world_start(w);
	world_online(w, JULIET);
	/* Today is used up, which says nothing of tomorrow. */
	world_schedule(w, .to = "nurse@example.net", .when = "in 1 hours");
	const char *first = daily(w);
	assert_int_equal(charged(w), 1);
	world_advance_to(w, "2026-11-23T07:00:00Z");
	world_schedule(w, .to = "nurse@example.net", .when = "in 3 hours");
	world_advance_to(w, "2026-11-23T08:01:00Z");
	assert_int_equal(world_count(w, ROMEO), 0);
	assert_string_equal(world_state(w, first), "failed");
	assert_int_equal(world_told(w, "skipped"), 1);
	assert_int_equal(world_told(w, first), 1);
	assert_int_equal(charged(w), 2);
	expect_next(w, "2026-11-24T08:00:00Z");
	assert_int_equal(charged(w), 3);
}

static void
test_recurrence_that_no_quota_allows_is_refused(void **state)
{
	struct world *w = *state;
	struct answer a;
	char body[201];

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	w->config.quota[KIND_IM] = (struct quota_limit){ 0, 0 };
	w->config.quota[KIND_SMS] = (struct quota_limit){ 1, 100 };
	w->config.count_segments = true;
	world_gateway(w, .info.name = "office");
	world_start(w);
	a = world_ask(w, world_im(.when = FIRST, .repeat = "daily"));
	assert_string_equal(a.note_type, "error");
	a = world_command(w, .node = "sms", .fields = { "to", PHONE, "when", FIRST, "body", body, "repeat", "daily" });
	assert_string_equal(a.note_type, "error");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 0);
	assert_int_equal(series(w), 0);
	world_schedule_sms(w, .when = FIRST, .repeat = "daily");
}

static void
test_occurrence_is_charged_once_however_often_it_is_taken_up(void **state)
{
	struct world *w = *state;

	world_start(w);
	daily(w);
	world_advance_to(w, "2026-11-23T07:59:30Z");
	assert_string_equal(world_state(w, world_waiting(w, ROMEO)), "queued");
	assert_int_equal(charged(w), 1);
	world_restart(w);
	world_restart(w);
	w->pong = false;
	world_advance_to(w, "2026-11-23T08:00:00Z");
	w->pong = true;
	world_restart(w);
	world_advance_to(w, "2026-11-23T12:00:00Z");
	assert_int_equal(charged(w), 1);
	expect_next(w, "2026-11-24T08:00:00Z");
	assert_int_equal(charged(w), 2);
}

/* -- Nobody there ------------------------------------------------------------------------------------------------------------ */

static void
test_held_occurrence_is_given_up_for_the_next(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('" ROMEO "', 2, 1)");
	world_person(w, ROMEO)->probe = PROBE_OFFLINE;
	const char *first = world_schedule(w, .when = FIRST, .repeat = "daily", .offline = "hold");
	world_advance_to(w, "2026-11-24T07:00:00Z");
	assert_string_equal(world_state(w, first), "held");
	world_advance_to(w, "2026-11-24T10:00:00Z");
	assert_string_equal(world_state(w, first), "expired");
	const char *second = world_waiting(w, ROMEO);
	world_advance(w, DAY_MS);
	assert_string_equal(world_state(w, second), "expired");
	const char *third = world_waiting(w, ROMEO);
	assert_string_equal(world_state(w, third), "held");
	assert_int_equal(world_due(w, third), world_utc("2026-11-25T08:00:00Z"));
	assert_int_equal(world_count(w, ROMEO), 0);
	world_online(w, ROMEO);
	assert_string_equal(world_only(w, ROMEO)->id, third);
	assert_string_equal(world_only(w, ROMEO)->delay, "2026-11-25T08:00:00Z");
	expect_next(w, "2026-11-26T08:00:00Z");
}

static void
test_dropped_and_bounced_occurrences_are_followed_by_the_next(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_person(w, "nurse@example.net")->bounce = "item-not-found";
	world_person(w, "nurse@example.net")->bounce_type = "cancel";
	const char *dropped = world_schedule(w, .when = FIRST, .repeat = "daily", .offline = "drop");
	world_schedule(w, .to = "nurse@example.net", .when = FIRST, .repeat = "daily", .offline = "server");
	world_advance_to(w, "2026-11-23T09:00:00Z");
	assert_string_equal(world_state(w, dropped), "expired");
	assert_int_equal(world_due(w, world_waiting(w, ROMEO)), world_utc("2026-11-24T08:00:00Z"));
	assert_int_equal(world_due(w, world_waiting(w, "nurse@example.net")), world_utc("2026-11-24T08:00:00Z"));
}

/* -- SMS --------------------------------------------------------------------------------------------------------------------- */

static void
test_uncertain_sms_is_followed_by_the_next_and_never_sent_again(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office");
	world_phone(w, "", .end = PHONE_BREAKS, .times = 1);
	world_start(w);
	world_online(w, JULIET);
	const char *first = world_schedule_sms(w, .when = FIRST, .repeat = "daily");
	world_advance_to(w, "2026-11-23T09:00:00Z");
	assert_string_equal(world_state(w, first), "uncertain");
	assert_int_equal(world_told(w, "may or may not have been sent"), 1);
	assert_int_equal(world_due(w, world_waiting(w, PHONE)), world_utc("2026-11-24T08:00:00Z"));
	/* A report that comes late makes no other. */
	assert_int_equal(world_report(w, &w->phones.v[0], "1"), 200);
	assert_string_equal(world_state(w, first), "delivered");
	world_advance_to(w, "2026-11-24T09:00:00Z");
	assert_int_equal(world_sms(w, PHONE), 2);
	assert_int_equal(series(w), 1);
}

static void
test_crash_with_an_sms_in_flight_goes_on_with_the_next(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office");
	world_start(w);
	const char *first = world_schedule_sms(w, .when = FIRST, .repeat = "daily");
	world_phone(w, "", .end = PHONE_WAITS);
	world_advance_to(w, "2026-11-23T08:00:00Z");
	assert_string_equal(world_state(w, first), "in flight");
	world_crash(w);
	world_phone(w, "", .end = PHONE_ANSWERS);
	world_start(w);
	assert_string_equal(world_state(w, first), "uncertain");
	world_advance_to(w, "2026-11-24T09:00:00Z");
	assert_int_equal(world_sms(w, PHONE), 2);
	assert_string_equal(world_state(w, first), "uncertain");
}

static void
test_refused_sms_is_followed_by_the_next(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office");
	world_phone(w, "", .status = 403, .body = SPAN("Not routable. Do not try again."), .times = 1);
	world_start(w);
	const char *first = world_schedule_sms(w, .when = FIRST, .repeat = "daily");
	world_advance_to(w, "2026-11-24T09:00:00Z");
	assert_string_equal(world_state(w, first), "failed");
	assert_int_equal(world_sms(w, PHONE), 2);
}

/* -- Second thoughts --------------------------------------------------------------------------------------------------------- */

static void
test_paused_recurrence_is_silent_until_resumed(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *first = daily(w);
	a = world_order(w, "pause", first);
	assert_string_equal(a.status, "completed");
	assert_string_equal(a.note_type, "info");
	a = world_command(w, .node = "list");
	world_says(world_field(w, &a, first), "paused");
	a = world_order(w, "show", first);
	world_says(world_text(w, &a), "paused");
	world_advance_to(w, "2026-11-24T12:00:00Z");
	world_restart(w);
	world_advance_to(w, "2026-11-25T12:00:00Z");
	assert_int_equal(world_count(w, ROMEO), 0);
	assert_string_equal(world_waiting(w, ROMEO), first);
	a = world_order(w, "resume", first);
	assert_string_equal(a.status, "completed");
	assert_string_equal(a.note_type, "info");
	const char *next = world_waiting(w, ROMEO);
	assert_string_not_equal(next, first);
	assert_string_equal(world_field(w, &a, "id"), next);
	world_says(a.note, next);
	assert_string_equal(world_state(w, first), "cancelled");
	assert_int_equal(charged(w), 0);
	expect_next(w, "2026-11-26T08:00:00Z");
}

static void
test_pause_that_ends_in_time_changes_nothing(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *first = daily(w);
	world_order(w, "pause", first);
	world_advance_to(w, "2026-11-23T07:59:30Z");
	a = world_order(w, "resume", first);
	assert_string_equal(a.note_type, "info");
	assert_string_equal(world_field(w, &a, "id"), first);
	expect_next(w, "2026-11-23T08:00:00Z");
	assert_string_equal(world_only(w, ROMEO)->id, first);
}

static void
test_pause_stops_what_is_queued_or_held(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *queued = daily(w);
	const char *held = world_schedule(w, .to = "nurse@example.net", .when = "2026-11-23 08:59:00", .repeat = "daily",
	    .offline = "hold");
	world_advance_to(w, "2026-11-23T07:59:30Z");
	assert_string_equal(world_state(w, queued), "queued");
	assert_string_equal(world_state(w, held), "held");
	assert_string_equal(world_order(w, "pause", queued).note_type, "info");
	assert_string_equal(world_order(w, "pause", held).note_type, "info");
	world_send(w, "<presence type='subscribed' from='nurse@example.net' to='" BOT "'/>");
	world_online(w, "nurse@example.net");
	world_advance(w, 2 * DAY_MS + HOUR_MS);
	assert_int_equal(world_count(w, ROMEO) + world_count(w, "nurse@example.net"), 0);
	world_order(w, "resume", queued);
	world_order(w, "resume", held);
	assert_int_equal(charged(w), 0);
	expect_next(w, "2026-11-26T08:00:00Z");
}

static void
test_pause_and_resume_are_for_recurrences_of_ones_own(void **state)
{
	static const char *const orders[] = { "pause", "resume" };
	struct world *w = *state;
	struct answer a, none;

	world_start(w);
	const char *single = world_schedule(w, .when = FIRST), *mine = daily(w);
	world_schedule(w, .from = "nurse@example.org/kitchen", .to = "nurse@example.net", .when = FIRST, .repeat = "daily");
	for (size_t i = 0; i < 2; i++) {
		a = world_order(w, orders[i], single);
		assert_string_equal(a.note_type, "error");
		a = world_command(w, .from = "nurse@example.org/kitchen", .node = orders[i], .fields = { "id", mine });
		assert_string_equal(a.condition, "item-not-found");
		none = world_command(w, .from = "nurse@example.org/kitchen", .node = orders[i], .fields = { "id", "ZZZZZZ" });
		assert_string_equal(none.text, a.text);
	}
	world_advance_to(w, "2026-11-23T12:00:00Z");
	assert_int_equal(world_count(w, ROMEO), 2);
}

static void
test_resume_after_the_last_occurrence_says_that_it_is_over(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = world_schedule(w, .when = FIRST, .rrule = "FREQ=DAILY;COUNT=2");
	world_order(w, "pause", id);
	world_advance(w, 5 * DAY_MS);
	a = world_order(w, "resume", id);
	assert_string_equal(a.status, "completed");
	assert_true(a.note[0] != '\0');
	assert_string_equal(world_waiting(w, ROMEO), "");
	assert_int_equal(series(w), 0);
	world_advance(w, DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 0);
}

static void
test_cancel_ends_what_follows(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *first = daily(w);
	a = world_command(w, .node = "cancel", .fields = { "ids", first });
	world_says(a.note, "cancelled");
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(w->nheard, 0);
	assert_string_equal(world_state(w, first), "cancelled");
	assert_int_equal(series(w), 0);
}

static void
test_cancel_of_one_that_was_sent_ends_what_follows_it(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *first = daily(w);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	const char *third = world_waiting(w, ROMEO);
	a = world_command(w, .node = "cancel", .fields = { "ids", first });
	world_says(a.note, "already sent");
	world_says(a.note, "cancelled");
	assert_string_equal(world_state(w, first), "sent");
	assert_string_equal(world_state(w, third), "cancelled");
	world_advance(w, 3 * DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 2);
	assert_int_equal(series(w), 0);
}

static void
test_cancel_of_this_one_skips_it(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *first = daily(w);
	a = world_command(w, .node = "cancel", .fields = { "ids", first, "scope", "this" });
	world_says(a.note, "cancelled");
	assert_string_equal(world_state(w, first), "cancelled");
	world_advance_to(w, "2026-11-24T07:59:59Z");
	assert_int_equal(world_count(w, ROMEO), 0);
	expect_next(w, "2026-11-24T08:00:00Z");
	a = world_command(w, .node = "cancel", .fields = { "ids", first, "scope", "someday" });
	assert_string_equal(a.note_type, "error");
}

static void
test_cancel_in_flight_tells_the_truth_and_ends_what_follows(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *first = daily(w);
	w->pong = false;
	world_advance_to(w, "2026-11-23T08:00:00Z");
	a = world_command(w, .node = "cancel", .fields = { "ids", first });
	world_says(a.note, "in flight");
	world_pong(w);
	world_advance(w, 3 * DAY_MS);
	assert_string_equal(world_state(w, first), "sent");
	assert_int_equal(world_count(w, ROMEO), 1);
	assert_int_equal(series(w), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days_that_were_missed_become_one_late_message),
		cmocka_unit_test(test_nothing_is_sent_that_would_be_too_late),
		cmocka_unit_test(test_message_at_hand_that_is_still_good_is_sent_late),
		cmocka_unit_test(test_hours_that_were_missed_are_skipped_for_the_one_at_hand),
		cmocka_unit_test(test_hours_that_were_missed_become_the_latest_of_them),
		cmocka_unit_test(test_outage_over_the_last_occurrence_ends_the_recurrence),
		WORLD_TEST(test_clock_set_far_forward_sends_at_most_one),
		WORLD_TEST(test_length_of_expiry_counts_for_each_occurrence),
		WORLD_TEST(test_occurrence_over_quota_is_skipped_and_told),
		WORLD_TEST(test_recurrence_that_no_quota_allows_is_refused),
		WORLD_TEST(test_occurrence_is_charged_once_however_often_it_is_taken_up),
		WORLD_TEST(test_held_occurrence_is_given_up_for_the_next),
		WORLD_TEST(test_dropped_and_bounced_occurrences_are_followed_by_the_next),
		WORLD_TEST(test_uncertain_sms_is_followed_by_the_next_and_never_sent_again),
		WORLD_TEST(test_crash_with_an_sms_in_flight_goes_on_with_the_next),
		WORLD_TEST(test_refused_sms_is_followed_by_the_next),
		WORLD_TEST(test_paused_recurrence_is_silent_until_resumed),
		WORLD_TEST(test_pause_that_ends_in_time_changes_nothing),
		WORLD_TEST(test_pause_stops_what_is_queued_or_held),
		WORLD_TEST(test_pause_and_resume_are_for_recurrences_of_ones_own),
		WORLD_TEST(test_resume_after_the_last_occurrence_says_that_it_is_over),
		WORLD_TEST(test_cancel_ends_what_follows),
		WORLD_TEST(test_cancel_of_one_that_was_sent_ends_what_follows_it),
		WORLD_TEST(test_cancel_of_this_one_skips_it),
		WORLD_TEST(test_cancel_in_flight_tells_the_truth_and_ends_what_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
