/* Messages that repeat: each at its reading of the clock, once, whatever happens in between. */
#include "world.h"

#define NURSE "nurse@example.net"

/* What romeo heard, in order, is just this. */
static void
expect_heard(struct world *w, const char *to, const char *const *clocks)
{
	size_t n = 0;

	for (size_t i = 0; i < w->nheard; i++) {
		if (strcmp(w->heard[i].to, to) != 0)
			continue;
		if (clocks[n] == NULL)
			fail_msg("%s is sent one too many, at %s", to, w->heard[i].clock);
		assert_string_equal(w->heard[i].clock, world_clock_text(w, world_utc(clocks[n++])));
		assert_string_equal(w->heard[i].delay, "");
		assert_string_equal(world_state(w, w->heard[i].id), "sent");
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(w->heard[j].id, w->heard[i].id);
	}
	if (clocks[n] != NULL)
		fail_msg("%s is sent nothing at %s", to, clocks[n]);
}

static void
expect_over(struct world *w)
{
	assert_string_equal(world_waiting(w, ROMEO), "");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM series"), 0);
}

/* -- The clock --------------------------------------------------------------------------------------------------------------- */

static void
test_week_of_nine_o_clock_across_summer_and_winter_time(void **state)
{
	static const struct {
		const char *begins, *when, *clocks[8];
	} weeks[] = {
		{ "2027-03-25T20:00:00Z", "2027-03-26 09:00",
		    { "2027-03-26T08:00:00Z", "2027-03-27T08:00:00Z", "2027-03-28T07:00:00Z", "2027-03-29T07:00:00Z",
			"2027-03-30T07:00:00Z", "2027-03-31T07:00:00Z", "2027-04-01T07:00:00Z" } },
		{ "2026-10-21T20:00:00Z", "2026-10-22 09:00 Europe/Berlin",
		    { "2026-10-22T07:00:00Z", "2026-10-23T07:00:00Z", "2026-10-24T07:00:00Z", "2026-10-25T08:00:00Z",
			"2026-10-26T08:00:00Z", "2026-10-27T08:00:00Z", "2026-10-28T08:00:00Z" } },
		{ "2027-10-28T20:00:00Z", "2027-10-29 09:00",
		    { "2027-10-29T07:00:00Z", "2027-10-30T07:00:00Z", "2027-10-31T08:00:00Z", "2027-11-01T08:00:00Z",
			"2027-11-02T08:00:00Z", "2027-11-03T08:00:00Z", "2027-11-04T08:00:00Z" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(weeks) / sizeof(weeks[0]); i++) {
		struct world *w;

		world_setup((void **)&w);
		w->wall = world_utc(weeks[i].begins);
		world_start(w);
		world_schedule(w, .when = weeks[i].when, .repeat = "daily");
		world_advance(w, 7 * DAY_MS);
		expect_heard(w, ROMEO, weeks[i].clocks);
		assert_int_equal(world_count(w, JULIET), 0);
		world_teardown((void **)&w);
	}
}

static void
test_series_keeps_the_zone_in_which_it_was_written(void **state)
{
	static const char *const clocks[] = { "2027-03-13T14:00:00Z", "2027-03-14T13:00:00Z", "2027-03-15T13:00:00Z", NULL };
	struct world *w = *state;

	w->wall = world_utc("2027-03-12T20:00:00Z");
	world_start(w);
	world_command(w, .node = "settings", .fields = { "zone", "America/New_York" });
	world_schedule(w, .when = "2027-03-13 09:00", .repeat = "daily");
	world_command(w, .node = "settings", .fields = { "zone", "Asia/Tokyo" });
	world_advance(w, 3 * DAY_MS);
	expect_heard(w, ROMEO, clocks);
}

static void
test_reading_that_is_skipped_or_comes_twice_is_sent_once(void **state)
{
	static const struct {
		const char *begins, *when, *clocks[4];
	} nights[] = {
		{ "2027-03-26T20:00:00Z", "2027-03-27 02:30",
		    { "2027-03-27T01:30:00Z", "2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z" } },
		{ "2026-10-23T20:00:00Z", "2026-10-24 02:30",
		    { "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(nights) / sizeof(nights[0]); i++) {
		struct world *w;

		world_setup((void **)&w);
		w->wall = world_utc(nights[i].begins);
		world_start(w);
		world_schedule(w, .when = nights[i].when, .repeat = "daily");
		world_advance(w, 3 * DAY_MS);
		expect_heard(w, ROMEO, nights[i].clocks);
		world_teardown((void **)&w);
	}
}

/* -- Rules ------------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *when, *repeat, *rrule;
	int64_t days;
	const char *clocks[8];
	bool ends;
} rules[] = {
	{ "2026-11-27 09:00", "weekdays", NULL, 10,
	    { "2026-11-27T08:00:00Z", "2026-11-30T08:00:00Z", "2026-12-01T08:00:00Z", "2026-12-02T08:00:00Z" }, false },
	{ "2026-11-24 09:00", "weekly", NULL, 20,
	    { "2026-11-24T08:00:00Z", "2026-12-01T08:00:00Z", "2026-12-08T08:00:00Z" }, false },
	{ "2026-12-31 09:00", "monthly", NULL, 161,
	    { "2026-12-31T08:00:00Z", "2027-01-31T08:00:00Z", "2027-02-28T08:00:00Z", "2027-03-31T07:00:00Z",
		"2027-04-30T07:00:00Z" }, false },
	{ "2026-11-23 09:00", "yearly", NULL, 400,
	    { "2026-11-23T08:00:00Z", "2027-11-23T08:00:00Z" }, false },
	{ "2026-11-23 09:00", NULL, "FREQ=DAILY;COUNT=3", 10,
	    { "2026-11-23T08:00:00Z", "2026-11-24T08:00:00Z", "2026-11-25T08:00:00Z" }, true },
	{ "2026-11-23 09:00", NULL, "FREQ=DAILY;COUNT=1", 3, { "2026-11-23T08:00:00Z" }, true },
	{ "2026-11-23 09:00", NULL, "rrule:freq=daily;until=20261124", 10,
	    { "2026-11-23T08:00:00Z", "2026-11-24T08:00:00Z" }, true },
	{ "2026-11-23 09:00", NULL, "FREQ=DAILY;UNTIL=20261124T075959Z", 10, { "2026-11-23T08:00:00Z" }, true },
	{ "2026-11-23 09:00", NULL, "FREQ=HOURLY;INTERVAL=6;COUNT=4", 10,
	    { "2026-11-23T08:00:00Z", "2026-11-23T14:00:00Z", "2026-11-23T20:00:00Z", "2026-11-24T02:00:00Z" }, true },
	{ "2026-11-23 09:00", "no", "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=3", 12,
	    { "2026-11-23T08:00:00Z", "2026-11-25T08:00:00Z", "2026-11-30T08:00:00Z" }, true },
};

static void
test_rules_are_kept_and_end_where_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct world *w;

		world_setup((void **)&w);
		w->config.schedule.tick_ms = HOUR_MS;
		w->config.store.keep_ms = 1000 * DAY_MS;
		world_start(w);
		world_schedule(w, .when = rules[i].when, .repeat = rules[i].repeat, .rrule = rules[i].rrule);
		world_advance(w, rules[i].days * DAY_MS);
		expect_heard(w, ROMEO, rules[i].clocks);
		assert_int_equal(world_waiting(w, ROMEO)[0] == '\0', rules[i].ends);
		if (rules[i].ends)
			expect_over(w);
		assert_int_equal(world_count(w, JULIET), 0);
		world_teardown((void **)&w);
	}
}

static void
test_beginning_that_is_no_occurrence_is_moved_to_the_first(void **state)
{
	static const char *const clocks[] = { "2026-11-30T08:00:00Z", "2026-12-01T08:00:00Z", NULL };
	struct world *w = *state;
	struct answer a;

	world_start(w);
	a = world_ask(w, world_im(.when = "2026-11-28 09:00", .repeat = "weekdays"));
	assert_string_equal(a.status, "completed");
	assert_string_equal(world_field(w, &a, "due"), "2026-11-30T08:00:00Z");
	world_advance_to(w, "2026-12-01T12:00:00Z");
	expect_heard(w, ROMEO, clocks);
}

static void
test_confirmation_shows_the_next_three(void **state)
{
	struct world *w = *state;
	struct ask ask = world_im(.when = "2026-11-23 09:00", .repeat = "daily");
	struct answer a;

	world_start(w);
	ask.action = "next";
	a = world_ask(w, ask);
	world_says(world_field(w, &a, "when"), "Mon 2026-11-23 09:00 (Europe/Berlin, +01:00), in 21 hours 59 minutes");
	world_says(world_field(w, &a, "repeat"), "daily");
	world_says(world_field(w, &a, "next-1"), "Tue 2026-11-24 09:00");
	world_says(world_field(w, &a, "next-2"), "Wed 2026-11-25 09:00");
	world_says(world_field(w, &a, "next-3"), "Thu 2026-11-26 09:00");
	assert_false(world_has_field(&a, "next-4"));
	ask = world_im(.when = "2026-11-23 09:00", .rrule = "FREQ=WEEKLY;BYDAY=MO,FR;COUNT=3");
	ask.action = "next";
	a = world_ask(w, ask);
	world_says(world_field(w, &a, "repeat"), "FREQ=WEEKLY");
	world_says(world_field(w, &a, "next-1"), "Fri 2026-11-27 09:00");
	world_says(world_field(w, &a, "next-2"), "Mon 2026-11-30 09:00");
	assert_string_equal(world_field(w, &a, "next-3"), "");
	ask = world_im(.when = "2026-11-23 09:00");
	ask.action = "next";
	a = world_ask(w, ask);
	assert_false(world_has_field(&a, "next-1"));
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 0);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM series"), 0);
}

static const struct {
	const char *repeat, *rrule, *words;
} wrong[] = {
	{ "daily", "FREQ=DAILY", "" },
	{ "hourly", NULL, "" },
	{ NULL, "every day", "" },
	{ NULL, "FREQ=SOMETIMES", "" },
	{ NULL, "FREQ=SECONDLY", "" },
	{ NULL, "FREQ=MINUTELY", "15 minutes" },
	{ NULL, "FREQ=MINUTELY;INTERVAL=14", "15 minutes" },
	{ NULL, "FREQ=DAILY;BYHOUR=9;BYMINUTE=0,5", "15 minutes" },
	{ NULL, "FREQ=DAILY;COUNT=2;UNTIL=20271124", "" },
	{ NULL, "FREQ=DAILY;UNTIL=20261101", "" },
	{ NULL, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "" },
	{ NULL, "FREQ=DAILY;COUNT=0", "" },
	{ NULL, "FREQ=DAILY;BYHOUR=25", "" },
};

static void
test_wrong_rule_brings_the_same_form_back_with_the_reason(void **state)
{
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct answer a = world_ask(w,
		    world_im(.when = "2026-11-23 09:00", .repeat = wrong[i].repeat, .rrule = wrong[i].rrule));

		if (strcmp(a.status, "executing") != 0)
			fail_msg("case %zu is %s: %s%s", i, a.status, a.note, a.text);
		assert_string_equal(a.note_type, "error");
		assert_true(a.note[0] != '\0');
		assert_string_equal(world_field(w, &a, "error"), a.note);
		world_says(a.note, wrong[i].words);
		if (wrong[i].rrule != NULL)
			assert_string_equal(world_field(w, &a, "rrule"), wrong[i].rrule);
	}
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 0);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM series"), 0);
}

/* Clients make a link of a value that is a URI, and do not submit it. */
static void
test_rule_comes_back_without_what_would_make_a_link_of_it(void **state)
{
	struct world *w = *state;

	world_start(w);
	struct answer a = world_ask(w, world_im(.when = "soon", .rrule = " rrule:FREQ=DAILY;COUNT=2"));
	assert_string_equal(a.status, "executing");
	assert_string_equal(world_field(w, &a, "rrule"), "FREQ=DAILY;COUNT=2");
}

static void
test_quarter_of_an_hour_is_far_enough_apart(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-23 09:00", .rrule = "FREQ=MINUTELY;INTERVAL=15;COUNT=4");
	world_advance(w, DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 4);
	expect_over(w);
}

/* -- What it says ------------------------------------------------------------------------------------------------------------ */

static void
test_body_has_date_and_time_of_each_occurrence(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-23 09:00", .repeat = "daily", .body = "{date} {time} <{other}> {}\n{date}");
	world_schedule(w, .to = NURSE, .when = "2026-11-23 09:00", .body = "{date} {time}");
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_int_equal(world_count(w, ROMEO), 2);
	assert_string_equal(world_only(w, NURSE)->body, "{date} {time}");
	for (size_t i = 0, n = 0; i < w->nheard; i++)
		if (strcmp(w->heard[i].to, ROMEO) == 0)
			assert_string_equal(w->heard[i].body, n++ == 0 ? "2026-11-23 09:00 <{other}> {}\n2026-11-23"
			    : "2026-11-24 09:00 <{other}> {}\n2026-11-24");
}

static void
test_list_and_show_say_that_it_repeats(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *daily = world_schedule(w, .when = "2026-11-23 09:00", .repeat = "daily");
	const char *rule = world_schedule(w, .to = NURSE, .when = "2026-11-23 09:00", .rrule = "FREQ=HOURLY;INTERVAL=5");
	const char *once = world_schedule(w, .to = "tybalt@example.net", .when = "2026-11-23 09:00");
	a = world_command(w, .node = "list");
	world_says(world_field(w, &a, daily), "daily");
	world_says(world_field(w, &a, rule), "FREQ=HOURLY;INTERVAL=5");
	assert_null(strstr(world_field(w, &a, once), "daily"));
	a = world_order(w, "show", daily);
	world_says(world_text(w, &a), "daily");
	a = world_order(w, "show", rule);
	world_says(world_text(w, &a), "FREQ=HOURLY;INTERVAL=5");
}

static void
test_each_recipient_has_a_recurrence_of_their_own(void **state)
{
	static const char *const clocks[] = { "2026-11-23T08:00:00Z", "2026-11-24T08:00:00Z", "2026-11-25T08:00:00Z", NULL };
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .to = ROMEO ", " NURSE, .when = "2026-11-23 09:00", .repeat = "daily");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM series"), 2);
	world_advance_to(w, "2026-11-25T08:00:30Z");
	expect_heard(w, ROMEO, clocks);
	expect_heard(w, NURSE, clocks);
	const char *id = world_waiting(w, NURSE);
	world_command(w, .node = "cancel", .fields = { "ids", id });
	world_advance(w, DAY_MS);
	assert_int_equal(world_count(w, NURSE), 3);
	assert_int_equal(world_count(w, ROMEO), 4);
}

static void
test_receipts_and_bounces_are_of_their_own_occurrence(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-23 09:00", .repeat = "daily");
	world_advance_to(w, "2026-11-24T08:00:30Z");
	assert_int_equal(world_count(w, ROMEO), 2);
	world_receipt(w, &w->heard[0]);
	assert_string_equal(world_state(w, w->heard[0].id), "delivered");
	assert_string_equal(world_state(w, w->heard[1].id), "sent");
	world_bounce(w, &w->heard[1], "not-acceptable", "modify");
	assert_string_equal(world_state(w, w->heard[1].id), "failed");
	assert_string_not_equal(world_waiting(w, ROMEO), "");
	world_advance_to(w, "2026-11-25T08:00:30Z");
	assert_int_equal(world_count(w, ROMEO), 3);
}

/* What a client acknowledges has arrived, also where the server has not answered yet. */
static void
test_receipt_before_the_pong_brings_the_next_occurrence_once(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "2026-11-23 09:00", .repeat = "daily");
	w->pong = false;
	world_advance_to(w, "2026-11-23T08:00:00Z");
	world_receipt(w, &w->heard[0]);
	assert_string_equal(world_state(w, w->heard[0].id), "delivered");
	world_pong(w);
	assert_int_equal(world_due(w, world_waiting(w, ROMEO)), world_utc("2026-11-24T08:00:00Z"));
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_int_equal(world_count(w, ROMEO), 2);
}

/* -- SMS --------------------------------------------------------------------------------------------------------------------- */

static int64_t
charged(struct world *w, int day)
{
	return world_sql(w, "SELECT coalesce(sum(count), 0) FROM charge WHERE sender <> 'service' AND kind = 2 AND day = %d", day);
}

static void
test_sms_is_charged_by_its_segments_on_the_day_of_each_occurrence(void **state)
{
	struct world *w = *state;
	char body[201];

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	w->config.count_segments = true;
	world_gateway(w, .info.name = "office");
	world_start(w);
	world_schedule_sms(w, .when = "2026-11-23 09:00", .body = body, .repeat = "daily");
	assert_int_equal(world_sql(w, "SELECT coalesce(sum(count), 0) FROM charge WHERE sender <> 'service'"), 0);
	world_advance_to(w, "2026-11-25T12:00:00Z");
	assert_int_equal(world_sms(w, PHONE), 3);
	assert_int_equal(charged(w, 20261122), 0);
	for (int day = 20261123; day <= 20261125; day++)
		assert_int_equal(charged(w, day), 2);
	assert_int_equal(world_sql(w, "SELECT sum(count) FROM charge WHERE sender <> 'service'"), 6);
	for (size_t i = 0; i < w->phones.n; i++)
		assert_int_equal(w->phones.v[i].at, world_utc("2026-11-23T08:00:00Z") + (int64_t)i * DAY_MS);
}

static void
test_sms_says_its_date_and_weighs_what_it_says(void **state)
{
	struct world *w = *state;
	char body[200];

	/* 160 characters as it is written, and four more with the date in it. */
	memset(body, 'x', 154);
	memcpy(body + 154, "{date}", 7);
	w->config.count_segments = true;
	world_gateway(w, .info.name = "office");
	world_start(w);
	world_schedule_sms(w, .when = "2026-11-23 09:00", .body = body, .repeat = "daily");
	world_advance_to(w, "2026-11-23T12:00:00Z");
	assert_int_equal(world_sms(w, PHONE), 1);
	assert_non_null(strstr(w->phones.v[0].body.p, "xx2026-11-23"));
	assert_int_equal(charged(w, 20261123), 2);
}

/* -- Accidents --------------------------------------------------------------------------------------------------------------- */

/* Three days of one recurrence, with an accident at this instant. */
static void
tell(const char *instant, bool pong, void (*accident)(struct world *w))
{
	struct world *w;
	const char *last = "";
	size_t n = 0;

	world_setup((void **)&w);
	world_start(w);
	world_schedule(w, .when = "2026-11-23 09:00", .repeat = "daily");
	world_advance(w, pong ? 0 : world_utc(instant) - SECOND_MS - w->wall);
	w->pong = pong;
	world_advance_to(w, instant);
	w->pong = true;
	accident(w);
	world_advance_to(w, "2026-11-25T12:00:00Z");
	for (size_t i = 0; i < w->nheard; i++) {
		const struct heard *m = &w->heard[i];

		if (strcmp(m->to, ROMEO) != 0)
			fail_msg("after an accident at %s, %s is told: %s", instant, m->to, m->body);
		/* What was in flight may come again, as the same message. */
		if (strcmp(m->id, last) == 0)
			continue;
		last = m->id;
		if (m->at - (world_utc("2026-11-23T08:00:00Z") + (int64_t)n * DAY_MS) > MINUTE_MS)
			fail_msg("after an accident at %s: one leaves at %s", instant, m->clock);
		n++;
	}
	if (n != 3)
		fail_msg("after an accident at %s: %zu occurrences", instant, n);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM series"), 1);
	assert_string_not_equal(world_waiting(w, ROMEO), "");
	world_teardown((void **)&w);
}

static const struct {
	const char *instant;
	bool pong;
} instants[] = {
	{ WORLD_BEGINS, true },            /* scheduled */
	{ "2026-11-23T07:59:30Z", true },  /* queued */
	{ "2026-11-23T08:00:00Z", false }, /* in flight */
	{ "2026-11-23T08:00:00Z", true },  /* sent, and the next one scheduled */
	{ "2026-11-24T07:59:30Z", true },
	{ "2026-11-24T08:00:00Z", false },
	{ "2026-11-24T08:00:00Z", true },
};

#define NINSTANTS (sizeof(instants) / sizeof(instants[0]))

static void
disk_is_full_for_a_while(struct world *w)
{
	world_disk_has(w, 0);
	world_advance_in_silence(w, 5 * SECOND_MS);
	world_disk_is_freed();
}

static void
test_crash_loses_and_doubles_no_occurrence(void **state)
{
	(void)state;
	for (size_t i = 0; i < NINSTANTS; i++)
		tell(instants[i].instant, instants[i].pong, world_restart);
}

static void
test_broken_stream_loses_and_doubles_no_occurrence(void **state)
{
	(void)state;
	for (size_t i = 0; i < NINSTANTS; i++)
		tell(instants[i].instant, instants[i].pong, world_cut);
}

static void
test_full_disk_loses_and_doubles_no_occurrence(void **state)
{
	static const char *const before[] = {
		WORLD_BEGINS, "2026-11-23T07:59:58Z", "2026-11-23T08:00:00Z", "2026-11-24T07:59:58Z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		tell(before[i], true, disk_is_full_for_a_while);
}

/* The turn in which the pong comes settles this one and makes the next: both or neither. */
static void
test_next_occurrence_comes_with_the_end_of_this_one_or_not_at_all(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-23 09:00", .repeat = "daily");
	w->pong = false;
	world_advance_to(w, "2026-11-23T08:00:00Z");
	assert_string_equal(world_state(w, id), "in flight");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 1);
	world_disk_has(w, 0);
	w->pong = true;
	world_advance_in_silence(w, 0);
	world_send(w, "<iq type='result' id='%s' from='example.org' to='" COMPONENT "'/>", w->unanswered);
	assert_string_equal(world_state(w, id), "in flight");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 1);
	world_disk_is_freed();
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 2);
	assert_int_equal(world_due(w, world_waiting(w, ROMEO)), world_utc("2026-11-24T08:00:00Z"));
}

static int
disk_is_freed(void **state)
{
	world_disk_is_freed();
	return state == NULL || *state == NULL ? 0 : world_teardown(state);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, disk_is_freed)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_week_of_nine_o_clock_across_summer_and_winter_time),
		WORLD_TEST(test_series_keeps_the_zone_in_which_it_was_written),
		cmocka_unit_test(test_reading_that_is_skipped_or_comes_twice_is_sent_once),
		cmocka_unit_test(test_rules_are_kept_and_end_where_they_say),
		WORLD_TEST(test_beginning_that_is_no_occurrence_is_moved_to_the_first),
		WORLD_TEST(test_confirmation_shows_the_next_three),
		WORLD_TEST(test_wrong_rule_brings_the_same_form_back_with_the_reason),
		WORLD_TEST(test_rule_comes_back_without_what_would_make_a_link_of_it),
		WORLD_TEST(test_quarter_of_an_hour_is_far_enough_apart),
		WORLD_TEST(test_body_has_date_and_time_of_each_occurrence),
		WORLD_TEST(test_list_and_show_say_that_it_repeats),
		WORLD_TEST(test_each_recipient_has_a_recurrence_of_their_own),
		WORLD_TEST(test_receipts_and_bounces_are_of_their_own_occurrence),
		WORLD_TEST(test_receipt_before_the_pong_brings_the_next_occurrence_once),
		WORLD_TEST(test_sms_is_charged_by_its_segments_on_the_day_of_each_occurrence),
		WORLD_TEST(test_sms_says_its_date_and_weighs_what_it_says),
		cmocka_unit_test(test_crash_loses_and_doubles_no_occurrence),
		cmocka_unit_test(test_broken_stream_loses_and_doubles_no_occurrence),
		cmocka_unit_test_setup_teardown(test_full_disk_loses_and_doubles_no_occurrence, NULL, disk_is_freed),
		DISK_TEST(test_next_occurrence_comes_with_the_end_of_this_one_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
