/* What waits for gateways, in memory and on disk: it gets on whatever the others do, and time that is set does not confuse it. */
#include "phones.h"
#include "world.h"

#define OTHER "+447700900123"

static const char *const prefix_49[] = { "+49", NULL };

/* A gateway for +49 that takes its time, one for the rest. */
static void
begin_stuck(struct world *w)
{
	world_gateway(w, .info.name = "stuck", .inflight = 1, .info.allow = prefix_49);
	world_gateway(w, .info.name = "fine");
	world_route(w, "+49", KIND_SMS, "stuck", NULL);
	world_route(w, "+", KIND_SMS, "fine", NULL);
	w->config.schedule.tick_ms = HOUR_MS;
	world_start(w);
	world_online(w, JULIET);
	world_phone(w, "http://stuck", .end = PHONE_WAITS);
}

static void
schedule_many(struct world *w, int n, const char *ids[], const char *when)
{
	for (int i = 0; i < n; i++) {
		const char *id = world_schedule_sms(w, .to = arena_printf(&w->arena, "+491701000%03d", i), .when = when);

		if (ids != NULL)
			ids[i] = id;
	}
}

static void
test_slow_gateway_keeps_nobody_in_the_hold(void **state)
{
	struct world *w = *state;
	const char *other;

	begin_stuck(w);
	schedule_many(w, 600, NULL, "in 1 minutes");
	other = world_schedule_sms(w, .to = OTHER, .when = "in 1 minutes");
	world_phone(w, "http://fine", .end = PHONE_REFUSES, .times = 1);
	world_advance(w, MINUTE_MS + SECOND_MS);
	assert_string_equal(world_state(w, other), "held");
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, other), "sent");
	assert_int_equal(world_requests(w, "http://stuck"), 1);
}

static void
test_what_was_cancelled_does_not_stop_its_lane(void **state)
{
	struct world *w = *state;
	const char *ids[40];

	begin_stuck(w);
	schedule_many(w, 40, ids, "in 1 minutes");
	world_advance(w, MINUTE_MS + SECOND_MS);
	for (int i = 0; i < 39; i++)
		world_command(w, .node = "cancel", .fields = { "ids", ids[i] });
	world_phone(w, "http://stuck", .end = PHONE_ANSWERS);
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, SECOND_MS);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE state = 2"), 0);
	assert_int_equal(world_requests(w, "http://stuck"), 2);
}

static void
test_what_cannot_be_written_for_its_gateway_stops_nobody(void **state)
{
	struct world *w = *state;
	char url[5000];
	const char *id, *im;

	memset(url, 'a', sizeof(url));
	memcpy(url, "http://", 7);
	url[sizeof(url) - 1] = '\0';
	w->config.http.public_url = url;
	world_gateway(w, .info.name = "office");
	world_start(w);
	world_online(w, ROMEO);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, 2 * MINUTE_MS);
	im = world_schedule(w, .when = "in 1 minutes");
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, im), "sent");
	assert_string_equal(world_state(w, id), "held");
	assert_int_equal(w->phones.n, 0);
}

/* -- Repetitions ---------------------------------------------------------------------------------------------------------------- */

static const char *const params[] = { "to={to}", "text={text}", NULL };
static const char *const ok[] = { "202", NULL };

static void
begin_repeating(struct world *w)
{
	world_gateway(w, .info.name = "sure", .driver = "http", .url = "http://sure.example/", .method = "POST", .auth = "none",
	    .encode = "form", .params = params, .idempotency = "header:Idempotency-Key", .ok_http = ok);
	world_gateway(w, .info.name = "backup");
	world_route(w, "+", KIND_SMS, "sure", "backup", NULL);
	world_start(w);
	world_online(w, JULIET);
}

/* One SMS that left through `sure`, and was not heard of. */
static const char *
repeat_one(struct world *w)
{
	const char *id;

	begin_repeating(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "http://sure", .end = PHONE_BREAKS, .times = 1);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
	return id;
}

static void
test_repetition_stays_there_when_the_clock_is_set_back(void **state)
{
	struct world *w = *state;
	const char *id = repeat_one(w);

	world_phone(w, "http://sure", .end = PHONE_REFUSES);
	world_jump(w, -2 * HOUR_MS);
	laterd_reload(w->laterd, &w->config);
	world_advance(w, 10 * MINUTE_MS);
	assert_true(world_requests(w, "http://sure") > 1);
	assert_int_equal(world_requests(w, "http://backup"), 0);
	assert_string_equal(world_state(w, id), "held");
}

static void
test_repetition_after_a_crash_stays_there_when_the_clock_is_set_back(void **state)
{
	struct world *w = *state;
	const char *id;

	begin_repeating(w);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "http://sure", .end = PHONE_WAITS);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "in flight");
	world_crash(w);
	w->wall -= 2 * HOUR_MS;
	world_phone(w, "http://sure", .end = PHONE_REFUSES);
	world_restart(w);
	world_advance(w, 10 * MINUTE_MS);
	assert_true(world_requests(w, "http://sure") > 1);
	assert_int_equal(world_requests(w, "http://backup"), 0);
	assert_string_equal(world_state(w, id), "held");
}

static void
test_first_attempt_is_none_when_the_clock_is_set_back(void **state)
{
	struct world *w = *state;
	const char *id;

	world_gateway(w, .info.name = "office", .inflight = 1);
	world_start(w);
	world_online(w, JULIET);
	world_phone(w, "", .end = PHONE_WAITS);
	world_schedule_sms(w, .when = "in 1 minutes", .to = OTHER);
	id = world_schedule_sms(w, .when = "in 61 seconds");
	world_advance(w, 2 * MINUTE_MS);
	w->wall -= SECOND_MS * 3 / 2 + MINUTE_MS; /* slowly, or unnoticed */
	world_phone(w, "", .end = PHONE_ANSWERS);
	world_phone(w, "", .end = PHONE_REFUSES, .times = 1);
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, 10 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_repetition_that_its_gateway_takes_no_more_is_uncertain(void **state)
{
	struct world *w = *state;
	const char *id = repeat_one(w);
	size_t before = w->turns;

	w->config.gateways[0].info.allow = w->config.infos[0].allow = (const char *const[]){ "+44", NULL };
	laterd_reload(w->laterd, &w->config);
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(w->phones.n, 1);
	assert_string_equal(world_state(w, id), "uncertain");
	assert_true(w->turns - before < 100);
}

static void
test_repetition_that_no_gateway_takes_any_more_is_uncertain(void **state)
{
	struct world *w = *state;
	const char *id = repeat_one(w);

	w->config.gateways[0].info.allow = w->config.infos[0].allow = (const char *const[]){ "+44", NULL };
	w->config.gateways[1].info.allow = w->config.infos[1].allow = (const char *const[]){ "+44", NULL };
	laterd_reload(w->laterd, &w->config);
	world_advance(w, 10 * MINUTE_MS);
	assert_int_equal(w->phones.n, 1);
	assert_string_equal(world_state(w, id), "uncertain");
}

static void
test_refused_repetition_says_nothing_of_the_first(void **state)
{
	struct world *w = *state;
	const char *id;

	world_gateway(w, .info.name = "eager", .driver = "http", .url = "http://eager.example/", .method = "POST", .auth = "none",
	    .encode = "form", .params = params, .retry_unknown = true, .ok_http = ok);
	world_start(w);
	world_online(w, JULIET);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .end = PHONE_BREAKS, .times = 1);
	world_advance(w, MINUTE_MS);
	world_phone(w, "", .status = 400, .body = SPAN("no"));
	world_advance(w, MINUTE_MS);
	assert_int_equal(w->phones.n, 2);
	assert_string_equal(world_state(w, id), "uncertain");
}

/* -- The clock ------------------------------------------------------------------------------------------------------------------ */

static void
test_held_does_not_wait_for_time_that_comes_again(void **state)
{
	struct world *w = *state;
	const char *id;

	world_gateway(w, .info.name = "office");
	world_start(w);
	world_online(w, JULIET);
	id = world_schedule_sms(w, .when = "in 1 minutes");
	world_phone(w, "", .end = PHONE_REFUSES, .times = 1);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
	world_jump(w, -2 * HOUR_MS);
	world_advance(w, 5 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_edited_one_that_waited_in_a_lane_does_not_leave_before_its_new_time(void **state)
{
	struct world *w = *state;
	struct answer a;
	char body[1201];

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	w->config.schedule.tick_ms = HOUR_MS;
	world_gateway(w, .info.name = "office", .inflight = 1, .info.max_segments = 20);
	world_phone(w, "", .end = PHONE_WAITS, .times = 1);
	world_start(w);
	world_schedule_sms(w, .to = "+491701000000", .when = "in 1 minutes");
	const char *id = world_schedule_sms(w, .when = "in 2 minutes", .body = body);
	world_advance(w, 3 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "queued");
	a = world_edit(w, "id", id, "when", "2026-11-22 11:40");
	assert_string_equal(a.note_type, "info");
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_sms(w, PHONE), 0);
	world_advance_to(w, "2026-11-22T10:41:00Z");
	assert_int_equal(world_sms(w, PHONE), 1);
	assert_int_equal(w->phones.v[1].at, world_utc("2026-11-22T10:40:00Z"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_slow_gateway_keeps_nobody_in_the_hold),
		WORLD_TEST(test_what_was_cancelled_does_not_stop_its_lane),
		WORLD_TEST(test_what_cannot_be_written_for_its_gateway_stops_nobody),
		WORLD_TEST(test_repetition_stays_there_when_the_clock_is_set_back),
		WORLD_TEST(test_repetition_after_a_crash_stays_there_when_the_clock_is_set_back),
		WORLD_TEST(test_first_attempt_is_none_when_the_clock_is_set_back),
		WORLD_TEST(test_repetition_that_its_gateway_takes_no_more_is_uncertain),
		WORLD_TEST(test_repetition_that_no_gateway_takes_any_more_is_uncertain),
		WORLD_TEST(test_refused_repetition_says_nothing_of_the_first),
		WORLD_TEST(test_held_does_not_wait_for_time_that_comes_again),
		WORLD_TEST(test_edited_one_that_waited_in_a_lane_does_not_leave_before_its_new_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
