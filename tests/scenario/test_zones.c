/* Whose clock a time is read by: the one that is written, else the user's setting, the client's, the server's. */
#include "world.h"

#define BALCONY JULIET "/balcony"
#define GARDEN  JULIET "/garden"

static struct answer
confirm(struct world *w, const char *when)
{
	struct ask ask = world_im(.when = when);

	ask.action = "next";
	return world_ask(w, ask);
}

static void
set_zone(struct world *w, const char *zone)
{
	struct answer a = world_command(w, .node = "settings", .fields = { "zone", zone });

	assert_string_equal(a.status, "completed");
	assert_string_equal(a.note_type, "info");
}

static void
expect_due(struct world *w, const char *when, const char *due)
{
	const char *id = world_schedule(w, .when = when);

	assert_string_equal(world_clock_text(w, world_due(w, id)), due);
}

static void
test_zone_that_is_written_goes_before_all(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_person(w, JULIET)->tzo = "+09:00";
	world_start(w);
	set_zone(w, "America/New_York");
	a = confirm(w, "2026-11-23 09:00 Europe/London");
	world_says(world_field(w, &a, "when"), "Mon 2026-11-23 09:00 (Europe/London");
	world_says(world_field(w, &a, "when"), "the one you wrote");
	expect_due(w, "2026-11-23 09:00 Europe/London", "2026-11-23T09:00:00.000Z");
	expect_due(w, "2026-11-23 09:00 +02:00", "2026-11-23T07:00:00.000Z");
	expect_due(w, "2026-11-23T09:00:00Z", "2026-11-23T09:00:00.000Z");
}

static void
test_setting_goes_before_the_client(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_person(w, JULIET)->tzo = "+09:00";
	world_start(w);
	set_zone(w, "America/New_York");
	a = confirm(w, "2026-11-23 09:00");
	world_says(world_field(w, &a, "when"), "Mon 2026-11-23 09:00 (America/New_York, -05:00)");
	world_says(world_field(w, &a, "when"), "of your settings");
	expect_due(w, "2026-11-23 09:00", "2026-11-23T14:00:00.000Z");
	/* And it keeps to summer time. */
	expect_due(w, "2027-07-01 09:00", "2027-07-01T13:00:00.000Z");
}

static void
test_clock_of_the_client_goes_before_the_server(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_person(w, JULIET)->tzo = "+09:00";
	world_start(w);
	a = confirm(w, "2026-11-23 09:00");
	world_says(world_field(w, &a, "when"), "Mon 2026-11-23 09:00 (+09:00)");
	world_says(world_field(w, &a, "when"), "your client's");
	expect_due(w, "2026-11-23 09:00", "2026-11-23T00:00:00.000Z");
	expect_due(w, "tomorrow 9:00", "2026-11-23T00:00:00.000Z");
}

static void
test_day_is_the_one_that_the_client_has(void **state)
{
	struct world *w = *state;

	/* It is Monday already in Auckland, and still Sunday in Berlin. */
	w->wall = world_utc("2026-11-22T22:30:00Z");
	world_person(w, JULIET)->tzo = "+13:00";
	world_start(w);
	expect_due(w, "tomorrow 9:00", "2026-11-23T20:00:00.000Z");
	expect_due(w, "12:00", "2026-11-22T23:00:00.000Z");
}

static void
test_client_whose_clock_agrees_with_the_servers_zone_keeps_summer_time(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_person(w, JULIET)->tzo = "+01:00";
	world_start(w);
	a = confirm(w, "2026-11-23 09:00");
	world_says(world_field(w, &a, "when"), "Mon 2026-11-23 09:00 (Europe/Berlin, +01:00)");
	world_says(world_field(w, &a, "when"), "client's");
	expect_due(w, "2027-07-01 09:00", "2027-07-01T07:00:00.000Z");
}

static void
test_client_that_has_no_clock_gets_the_servers_zone(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	a = confirm(w, "2026-11-23 09:00");
	world_says(world_field(w, &a, "when"), "Mon 2026-11-23 09:00 (Europe/Berlin, +01:00)");
	world_says(world_field(w, &a, "when"), "the server's");
	expect_due(w, "2026-11-23 09:00", "2026-11-23T08:00:00.000Z");
}

static void
test_clock_that_is_none_is_as_if_there_were_none(void **state)
{
	static const char *const wrong[] = {
		"banana", "+99:00", "+9", "09:00", "+09:00:00", "-24:00", "+09:60", " ", "+0９:00", "Europe/Berlin",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct world *w;

		world_setup((void **)&w);
		world_person(w, JULIET)->tzo = wrong[i];
		world_start(w);
		expect_due(w, "2026-11-23 09:00", "2026-11-23T08:00:00.000Z");
		world_teardown((void **)&w);
	}
}

static void
test_clock_may_say_z_and_half_hours(void **state)
{
	static const struct {
		const char *tzo, *due;
	} clocks[] = {
		{ "Z", "2026-11-23T09:00:00.000Z" },
		{ "+00:00", "2026-11-23T09:00:00.000Z" },
		{ "+05:45", "2026-11-23T03:15:00.000Z" },
		{ "-03:30", "2026-11-23T12:30:00.000Z" },
		{ "+14:00", "2026-11-22T19:00:00.000Z" },
		{ "-12:00", "2026-11-23T21:00:00.000Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		struct world *w;

		world_setup((void **)&w);
		world_person(w, JULIET)->tzo = clocks[i].tzo;
		world_start(w);
		expect_due(w, "2026-11-23 09:00", clocks[i].due);
		world_teardown((void **)&w);
	}
}

/* -- While it is being asked ------------------------------------------------------------------------------------------------- */

static void
test_silent_client_is_not_waited_for_long(void **state)
{
	struct world *w = *state;
	struct ask ask = world_im(.when = "2026-11-23 09:00");
	struct answer a;

	world_person(w, JULIET)->tzo = TZO_SILENCE;
	world_start(w);
	world_send(w, "%s", world_ask_xml(w, &ask));
	world_advance(w, 5 * SECOND_MS);
	a = world_answer(w, ask.id);
	assert_string_equal(a.status, "completed");
	assert_string_equal(world_field(w, &a, "due"), "2026-11-23T08:00:00Z");
	/* And not again soon. */
	assert_string_equal(world_ask(w, world_im(.when = "2026-11-24 09:00")).status, "completed");
	assert_int_equal(w->clocks, 1);
}

static void
test_others_are_served_while_a_client_is_asked(void **state)
{
	struct world *w = *state;
	struct ask ask = world_im(.when = "2026-11-23 09:00");

	world_person(w, JULIET)->tzo = TZO_SILENCE;
	world_start(w);
	world_send(w, "%s", world_ask_xml(w, &ask));
	assert_int_equal(w->nanswers, 0);
	assert_string_equal(world_command(w, .from = "nurse@example.org/kitchen", .node = "list").status, "completed");
	world_schedule(w, .from = "nurse@example.org/kitchen");
	assert_string_equal(world_command(w, .node = "list").status, "completed");
}

static void
test_no_time_passes_while_a_client_is_asked(void **state)
{
	struct world *w = *state;
	struct ask ask = world_im(.when = "in 5 minutes");
	int64_t asked_at;

	world_person(w, JULIET)->tzo = TZO_SILENCE;
	world_start(w);
	asked_at = w->wall;
	world_send(w, "%s", world_ask_xml(w, &ask));
	world_advance(w, 5 * SECOND_MS);
	struct answer a = world_answer(w, ask.id);
	assert_int_equal(world_due(w, world_field(w, &a, "id")), asked_at + 5 * MINUTE_MS);
}

static void
test_setting_spares_the_question(void **state)
{
	struct world *w = *state;

	world_person(w, JULIET)->tzo = TZO_SILENCE;
	world_start(w);
	world_sql(w, "INSERT INTO account (jid, blocked, zone) VALUES ('" JULIET "', 0, 'Europe/London')");
	expect_due(w, "2026-11-23 09:00", "2026-11-23T09:00:00.000Z");
}

static void
test_clock_is_asked_for_once_a_client(void **state)
{
	struct world *w = *state;

	world_person(w, JULIET)->tzo = "+09:00";
	world_start(w);
	for (int i = 0; i < 3; i++) {
		confirm(w, "2026-11-23 09:00");
		world_schedule(w, .from = BALCONY);
	}
	assert_int_equal(w->clocks, 1);
	world_schedule(w, .from = GARDEN);
	assert_int_equal(w->clocks, 2);
	/* A journey is noticed in time. */
	world_person(w, JULIET)->tzo = "-05:00";
	world_advance(w, DAY_MS);
	expect_due(w, "2026-11-25 09:00", "2026-11-25T14:00:00.000Z");
}

static void
test_form_asks_the_client_before_it_is_filled_in(void **state)
{
	struct world *w = *state;
	struct ask filled = world_im(.when = "2026-11-23 09:00");
	struct answer a;

	world_person(w, JULIET)->tzo = TZO_SILENCE;
	world_start(w);
	a = world_command(w, .node = "im");
	assert_string_equal(a.status, "executing");
	assert_int_equal(w->clocks, 1);
	world_advance(w, 20 * SECOND_MS);
	filled.session = a.session;
	a = world_ask(w, filled);
	assert_string_equal(a.status, "completed");
	assert_int_equal(w->clocks, 1);
}

static void
test_stream_that_breaks_while_a_client_is_asked_ends_the_command(void **state)
{
	struct world *w = *state;
	struct ask ask = world_im(.when = "2026-11-23 09:00");

	world_person(w, JULIET)->tzo = TZO_SILENCE;
	world_start(w);
	world_send(w, "%s", world_ask_xml(w, &ask));
	world_cut(w);
	world_advance(w, MINUTE_MS);
	assert_int_equal(w->nanswers, 0);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 0);
	world_person(w, JULIET)->tzo = "+09:00";
	world_advance(w, DAY_MS);
	expect_due(w, "2026-11-25 09:00", "2026-11-25T00:00:00.000Z");
}

/* Only the client that was asked can answer, and its answer is one only once. */
static void
test_clock_that_nobody_asked_for_is_not_believed(void **state)
{
	struct world *w = *state;

	world_start(w);
	for (int i = 0; i < 4; i++)
		world_send(w, "<iq type='result' id='clock-%d' from='" BALCONY "' to='" COMPONENT "'><time xmlns='urn:xmpp:time'>"
		    "<tzo>+09:00</tzo><utc>2026-11-22T10:00:30Z</utc></time></iq>", i);
	expect_due(w, "2026-11-23 09:00", "2026-11-23T08:00:00.000Z");
}

static void
test_confirmed_instant_stays_when_the_zone_changes(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	a = confirm(w, "2026-11-23 09:00");
	set_zone(w, "America/New_York");
	a = world_command(w, .node = "im", .session = a.session, .action = "complete");
	assert_string_equal(world_field(w, &a, "due"), "2026-11-23T08:00:00Z");
}

static void
test_confirmed_instant_stays_when_the_client_does_not_tell_its_clock_any_more(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_person(w, JULIET)->tzo = "+09:00";
	world_start(w);
	a = confirm(w, "2026-11-23 09:00");
	world_says(world_field(w, &a, "when"), "Mon 2026-11-23 09:00 (+09:00)");
	world_person(w, JULIET)->tzo = NULL;
	world_cut(w);
	world_advance(w, MINUTE_MS);
	a = world_command(w, .node = "im", .session = a.session, .action = "complete");
	assert_string_equal(world_field(w, &a, "due"), "2026-11-23T00:00:00Z");
}

/* Only so many commands of one user may wait at a time; what names its zone is none of them. */
static void
test_nobody_waits_for_a_clock_that_is_not_needed(void **state)
{
	struct world *w = *state;
	struct ask asks[8];

	world_person(w, JULIET)->tzo = TZO_SILENCE;
	world_start(w);
	for (size_t i = 0; i < 8; i++) {
		asks[i] = world_im(.when = i % 2 == 0 ? "2026-11-23T09:00:00Z" : "tomorrow 9:00 Europe/London");
		asks[i].action = "complete";
		world_send(w, "%s", world_ask_xml(w, &asks[i]));
	}
	world_settle(w);
	for (size_t i = 0; i < 8; i++) {
		struct answer a = world_answer(w, asks[i].id);

		assert_string_equal(a.status, "completed");
		assert_string_equal(world_field(w, &a, "due"), "2026-11-23T09:00:00Z");
	}
	assert_int_equal(w->clocks, 1);
}

/* -- Settings ---------------------------------------------------------------------------------------------------------------- */

static void
test_zone_that_does_not_exist_is_refused(void **state)
{
	static const char *const wrong[] = { "Mars/Olympus", "../../etc/passwd", "Europe/", "09:00", "Berlin" };
	struct world *w = *state;

	world_start(w);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct answer a = world_command(w, .node = "settings", .fields = { "zone", wrong[i] });

		assert_string_equal(a.status, "executing");
		assert_string_equal(a.note_type, "error");
		assert_string_equal(world_field(w, &a, "error"), a.note);
		assert_string_equal(world_field(w, &a, "zone"), wrong[i]);
	}
	expect_due(w, "2026-11-23 09:00", "2026-11-23T08:00:00.000Z");
}

static void
test_zone_that_is_taken_back_leaves_it_to_the_client_again(void **state)
{
	struct world *w = *state;

	world_person(w, JULIET)->tzo = "+09:00";
	world_start(w);
	set_zone(w, "America/New_York");
	expect_due(w, "2026-11-23 09:00", "2026-11-23T14:00:00.000Z");
	set_zone(w, "");
	expect_due(w, "2026-11-24 09:00", "2026-11-24T00:00:00.000Z");
}

static void
test_twelve_hours_are_what_is_read(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	a = world_command(w, .node = "settings", .fields = { "hours", "12" });
	assert_string_equal(a.status, "completed");
	a = confirm(w, "2026-12-24 18:00");
	world_says(world_field(w, &a, "when"), "Thu 2026-12-24 6:00 pm (Europe/Berlin, +01:00)");
	const char *id = world_schedule(w, .when = "2026-12-24 18:00");
	a = world_command(w, .node = "list");
	world_says(world_field(w, &a, id), "6:00 pm");
	a = world_order(w, "show", id);
	world_says(world_field(w, &a, "due"), "6:00 pm");
}

static void
test_setting_of_one_user_is_not_that_of_another(void **state)
{
	struct world *w = *state;

	world_start(w);
	set_zone(w, "America/New_York");
	const char *id = world_schedule(w, .from = "nurse@example.org/kitchen", .when = "2026-11-23 09:00");
	assert_string_equal(world_clock_text(w, world_due(w, id)), "2026-11-23T08:00:00.000Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_zone_that_is_written_goes_before_all),
		WORLD_TEST(test_setting_goes_before_the_client),
		WORLD_TEST(test_clock_of_the_client_goes_before_the_server),
		WORLD_TEST(test_day_is_the_one_that_the_client_has),
		WORLD_TEST(test_client_whose_clock_agrees_with_the_servers_zone_keeps_summer_time),
		WORLD_TEST(test_client_that_has_no_clock_gets_the_servers_zone),
		cmocka_unit_test(test_clock_that_is_none_is_as_if_there_were_none),
		cmocka_unit_test(test_clock_may_say_z_and_half_hours),
		WORLD_TEST(test_silent_client_is_not_waited_for_long),
		WORLD_TEST(test_others_are_served_while_a_client_is_asked),
		WORLD_TEST(test_no_time_passes_while_a_client_is_asked),
		WORLD_TEST(test_setting_spares_the_question),
		WORLD_TEST(test_clock_is_asked_for_once_a_client),
		WORLD_TEST(test_form_asks_the_client_before_it_is_filled_in),
		WORLD_TEST(test_stream_that_breaks_while_a_client_is_asked_ends_the_command),
		WORLD_TEST(test_clock_that_nobody_asked_for_is_not_believed),
		WORLD_TEST(test_confirmed_instant_stays_when_the_zone_changes),
		WORLD_TEST(test_confirmed_instant_stays_when_the_client_does_not_tell_its_clock_any_more),
		WORLD_TEST(test_nobody_waits_for_a_clock_that_is_not_needed),
		WORLD_TEST(test_zone_that_does_not_exist_is_refused),
		WORLD_TEST(test_zone_that_is_taken_back_leaves_it_to_the_client_again),
		WORLD_TEST(test_twelve_hours_are_what_is_read),
		WORLD_TEST(test_setting_of_one_user_is_not_that_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
