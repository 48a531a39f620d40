/* Recurrences whose rows are damaged, whose day turns, and whose occurrence is on its way. */
#include "world.h"

#define NURSE "nurse@example.net"
#define FIRST "2026-11-23 09:00"

static const char *
daily(struct world *w)
{
	return world_schedule(w, .when = FIRST, .body = "Good morning", .repeat = "daily");
}

static void
test_damage_ends_a_recurrence_and_is_told(void **state)
{
	static const char *const damages[] = { "zone = 'Mars/Olympus'", "rule = 'FREQ=DAYLY'", "paused = 7",
		"sealed = zeroblob(length(sealed))", "start = '2026-13-41T99:00:00'" };

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct world *w;

		world_setup((void **)&w);
		world_start(w);
		world_online(w, JULIET);
		daily(w);
		world_sql(w, "UPDATE series SET %s", damages[i]);
		world_advance_in_silence(w, 2 * DAY_MS);
		assert_int_equal(world_count(w, ROMEO), 1);
		if (world_told(w, "ends here") != 1)
			fail_msg("nobody is told of %s", damages[i]);
		assert_int_equal(world_sql(w, "SELECT count(*) FROM series"), 0);
		world_teardown((void **)&w);
	}
}

static void
test_damaged_occurrence_stops_nobody_else(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_start(w);
	const char *id = daily(w);
	world_advance_to(w, "2026-11-23T12:00:00Z");
	const char *second = world_waiting(w, ROMEO);
	world_schedule(w, .to = NURSE, .when = "2026-11-24 10:00");
	world_sql(w, "UPDATE packet SET attempts = -1 WHERE id = '%s'", second);
	a = world_order(w, "pause", id);
	assert_string_equal(a.note_type, "error");
	world_says(a.note, "damaged");
	world_sql(w, "UPDATE packet SET attempts = 0, sender = '@' WHERE id = '%s'", second);
	world_advance_in_silence(w, DAY_MS);
	assert_int_equal(world_count(w, NURSE), 1);
	assert_string_equal(world_state(w, second), "failed");
	assert_int_equal(world_due(w, world_waiting(w, ROMEO)), world_utc("2026-11-25T08:00:00Z"));
}

static void
test_occurrence_counts_on_its_own_day(void **state)
{
	struct world *w = *state;

	w->config.quota[KIND_IM] = (struct quota_limit){ 1, 100 };
	world_start(w);
	world_schedule(w, .to = NURSE, .when = "in 1 hours");
	const char *id = world_schedule(w, .when = "2026-11-23 00:00", .repeat = "daily");
	world_advance_to(w, "2026-11-23T00:00:00Z");
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_sql(w, "SELECT count FROM charge WHERE sender <> 'service' AND day = 20261123"), 1);
}

static void
test_pause_leaves_what_may_have_arrived_alone(void **state)
{
	struct world *w = *state;
	struct answer a;

	world_gateway(w, .info.name = "office", .retry_unknown = true);
	world_phone(w, "", .end = PHONE_BREAKS, .times = 1);
	world_start(w);
	const char *id = world_schedule_sms(w, .when = FIRST, .repeat = "daily");
	world_advance_to(w, "2026-11-23T08:00:01Z");
	assert_string_equal(world_state(w, id), "held");
	a = world_order(w, "pause", id);
	assert_string_equal(a.note_type, "warn");
	world_says(a.note, "may have arrived");
	assert_int_equal(world_sql(w, "SELECT sum(count) FROM charge WHERE sender <> 'service'"), 1);
	world_advance_to(w, "2026-11-24T12:00:00Z");
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_sms(w, PHONE), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damage_ends_a_recurrence_and_is_told),
		WORLD_TEST(test_damaged_occurrence_stops_nobody_else),
		WORLD_TEST(test_occurrence_counts_on_its_own_day),
		WORLD_TEST(test_pause_leaves_what_may_have_arrived_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
