/*
 * Second thoughts in a race with the clock: whatever a sender is told is true.  The same commands at every point of a message's
 * way, before and after the turn of the clock that falls into the same instant.
 */
#include "world.h"

#define OLD "Good morning"
#define NEW "Good night"
#define DUE "2026-11-22T10:03:20Z"

/* -- Points of the way ---------------------------------------------------------------------------------------------------------- */

/* Time has come to this instant, and nothing has been done about it yet. */
static void
come_to(struct world *w, const char *utc)
{
	int64_t ms = world_utc(utc) - w->wall;

	world_advance(w, ms - 1);
	w->wall++;
	w->mono++;
}

/* What waits on the stream is read before the timers fire, or after them. */
static void
let_clock_go_first(struct world *w)
{
	laterd_step(w->laterd);
	world_advance(w, 0);
}

static void
at_rest(struct world *w)
{
	world_advance_to(w, "2026-11-22T10:02:00Z");
}

static void
before_the_claim(struct world *w)
{
	come_to(w, "2026-11-22T10:03:00Z");
}

static void
after_the_claim(struct world *w)
{
	come_to(w, "2026-11-22T10:03:00Z");
	let_clock_go_first(w);
}

static void
in_the_queue(struct world *w)
{
	world_advance_to(w, "2026-11-22T10:03:10Z");
}

static void
before_it_leaves(struct world *w)
{
	come_to(w, DUE);
}

static void
after_it_left(struct world *w)
{
	w->pong = false;
	come_to(w, DUE);
	let_clock_go_first(w);
}

static void
when_it_was_sent(struct world *w)
{
	world_advance_to(w, DUE);
}

static const struct {
	const char *name;
	void (*reach)(struct world *w);
	const char *state; /* that the command meets */
	bool stoppable;
} points[] = {
	{ "at rest", at_rest, "scheduled", true },
	{ "before the claim", before_the_claim, "scheduled", true },
	{ "after the claim", after_the_claim, "queued", true },
	{ "in the queue", in_the_queue, "queued", true },
	{ "before it leaves", before_it_leaves, "queued", true },
	{ "after it left", after_it_left, "in flight", false },
	{ "when it was sent", when_it_was_sent, "sent", false },
};

#define NPOINTS (sizeof(points) / sizeof(points[0]))

/* -- Commands ------------------------------------------------------------------------------------------------------------------- */

/* What was told in answer, and what is to be heard from then on. */
struct told {
	bool edited, cancelled, now;
};

static void
edit(struct world *w, const char *id, struct told *told)
{
	struct answer a = world_edit(w, "id", id, "body", NEW);

	told->edited = strcmp(a.note_type, "info") == 0;
	if (!told->edited)
		world_says(a.note, strcmp(world_state(w, id), "in flight") == 0 ? "in flight" : "already sent");
}

static void
postpone(struct world *w, const char *id, struct told *told)
{
	struct answer a = world_edit(w, "id", id, "body", NEW, "when", "2026-11-22T10:20:00Z");

	told->edited = strcmp(a.note_type, "info") == 0;
}

static void
cancel(struct world *w, const char *id, struct told *told)
{
	struct answer a = world_command(w, .node = "cancel", .fields = { "ids", id });

	told->cancelled = strstr(a.note, ": cancelled") != NULL;
	if (!told->cancelled)
		world_says(a.note, strcmp(world_state(w, id), "in flight") == 0 ? "in flight" : "already sent");
}

static void
now(struct world *w, const char *id, struct told *told)
{
	struct answer a = world_order(w, "now", id);

	told->now = strcmp(a.note_type, "info") == 0;
	if (!told->now)
		world_says(a.note, strcmp(world_state(w, id), "in flight") == 0 ? "in flight" : "already sent");
}

static void (*const commands[])(struct world *w, const char *id, struct told *told) = { edit, postpone, cancel, now };
static const char *const names[] = { "edit", "postpone", "cancel", "now" };

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
begin(struct world **w, const char **id)
{
	world_setup((void **)w);
	world_start(*w);
	*id = world_schedule(*w, .when = "2026-11-22 11:03:20", .body = OLD);
}

/* Nothing that was told is untrue in the end. */
static void
expect_truth(struct world *w, const char *id, const struct told *told, const char *story)
{
	const char *state = world_state(w, id);
	size_t n = world_count(w, ROMEO);

	if (told->cancelled && (n != 0 || strcmp(state, "cancelled") != 0))
		fail_msg("%s: cancelled, and %zu leave; %s", story, n, state);
	if (!told->cancelled && (n != 1 || strcmp(state, "sent") != 0))
		fail_msg("%s: %zu leave; %s", story, n, state);
	for (size_t i = 0; i < w->nheard; i++) {
		assert_string_equal(w->heard[i].id, id);
		if (strcmp(w->heard[i].body, told->edited ? NEW : OLD) != 0)
			fail_msg("%s: “%s” leaves", story, w->heard[i].body);
	}
	assert_int_equal(world_sql(w, "SELECT coalesce(sum(count), 0) FROM charge WHERE sender <> 'service'"), told->cancelled ? 0 : 1);
}

static void
test_command_at_every_point_tells_the_truth(void **state)
{
	(void)state;
	for (size_t i = 0; i < NPOINTS; i++)
		for (size_t j = 0; j < NCOMMANDS; j++) {
			struct told told = { 0 };
			struct world *w;
			const char *id, *story;

			begin(&w, &id);
			story = arena_printf(&w->arena, "%s %s", names[j], points[i].name);
			points[i].reach(w);
			if (strcmp(world_state(w, id), points[i].state) != 0)
				fail_msg("%s: it is %s", story, world_state(w, id));
			commands[j](w, id, &told);
			if ((told.edited || told.cancelled || told.now) != points[i].stoppable)
				fail_msg("%s: %s", story, points[i].stoppable ? "refused" : "done");
			if (told.now)
				assert_int_equal(world_count(w, ROMEO), 1);
			world_pong(w);
			world_advance(w, HOUR_MS);
			expect_truth(w, id, &told, story);
			world_teardown((void **)&w);
		}
}

/* The process dies right after the answer: what was told is on disk. */
static void
test_crash_after_the_answer_makes_it_no_lie(void **state)
{
	(void)state;
	for (size_t i = 0; i < NPOINTS; i++)
		for (size_t j = 0; j < NCOMMANDS; j++) {
			struct told told = { 0 };
			struct world *w;
			const char *id, *story;

			if (!points[i].stoppable)
				continue;
			begin(&w, &id);
			story = arena_printf(&w->arena, "%s %s, and a crash", names[j], points[i].name);
			points[i].reach(w);
			commands[j](w, id, &told);
			assert_true(told.edited || told.cancelled || told.now);
			world_restart(w);
			world_advance(w, HOUR_MS);
			expect_truth(w, id, &told, story);
			world_teardown((void **)&w);
		}
}

static bool
done(struct world *w, const char *id)
{
	struct answer a = world_answer(w, id);

	return strcmp(a.note_type, "info") == 0 && strstr(a.note, "already") == NULL && strstr(a.note, "in flight") == NULL;
}

static struct ask
ask_for(size_t command, const char *id)
{
	switch (command) {
	case 0:
		return (struct ask){ .node = "edit", .fields = { "id", id, "body", NEW } };
	case 1:
		return (struct ask){ .node = "edit", .fields = { "id", id, "body", NEW, "when", "2026-11-22T10:20:00Z" } };
	case 2:
		return (struct ask){ .node = "cancel", .fields = { "ids", id } };
	default:
		return (struct ask){ .node = "now", .fields = { "id", id } };
	}
}

/* Two commands in one turn, in both orders: the second meets what the first has made. */
static void
test_two_commands_of_one_turn_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < NPOINTS; i++)
		for (size_t j = 0; j < NCOMMANDS * NCOMMANDS; j++) {
			size_t first = j / NCOMMANDS, second = j % NCOMMANDS;
			struct told told = { 0 };
			struct ask a, b;
			struct world *w;
			const char *id, *story, *xml;
			bool did[NCOMMANDS] = { 0 };

			if (first == second)
				continue;
			begin(&w, &id);
			story = arena_printf(&w->arena, "%s and %s %s", names[first], names[second], points[i].name);
			a = ask_for(first, id);
			b = ask_for(second, id);
			points[i].reach(w);
			xml = world_ask_xml(w, &a);
			world_send(w, "%s%s", xml, world_ask_xml(w, &b));
			did[first] = done(w, a.id);
			did[second] = done(w, b.id);
			told = (struct told){ .edited = did[0] || did[1], .cancelled = did[2], .now = did[3] };
			if ((did[first] || did[second]) != points[i].stoppable)
				fail_msg("%s: %s", story, points[i].stoppable ? "refused" : "done");
			if (first == 2 && did[first] && did[second])
				fail_msg("%s: after it was cancelled", story);
			world_pong(w);
			world_advance(w, HOUR_MS);
			expect_truth(w, id, &told, story);
			world_teardown((void **)&w);
		}
}

static void
test_turn_that_fails_has_decided_nothing(void **state)
{
	(void)state;
	for (size_t j = 0; j < NCOMMANDS; j++) {
		const struct told none = { 0 };
		struct ask ask;
		struct world *w;
		const char *id;

		begin(&w, &id);
		ask = ask_for(j, id);
		in_the_queue(w);
		world_disk_has(w, 0);
		world_send(w, "%s", world_ask_xml(w, &ask));
		world_disk_is_freed();
		assert_string_equal(world_answer(w, ask.id).condition, "internal-server-error");
		world_advance(w, HOUR_MS);
		expect_truth(w, id, &none, names[j]);
		assert_string_equal(w->heard[0].clock, "2026-11-22T10:03:20.000Z");
		world_teardown((void **)&w);
	}
}

/* -- At the gateway ------------------------------------------------------------------------------------------------------------- */

/* One that waits in memory for room at its gateway. */
static const char *
in_the_lane(struct world *w)
{
	world_gateway(w, .info.name = "office", .inflight = 1);
	world_start(w);
	world_phone(w, "", .end = PHONE_WAITS, .times = 1);
	world_schedule_sms(w, .to = "+491701000000", .when = "in 1 minutes");
	const char *id = world_schedule_sms(w, .when = "in 2 minutes", .body = OLD);
	world_advance(w, 3 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "queued");
	assert_int_equal(world_sms(w, PHONE), 0);
	return id;
}

static void
test_copy_in_the_lane_is_stale_after_an_edit(void **state)
{
	struct world *w = *state;
	const char *id = in_the_lane(w);

	assert_string_equal(world_edit(w, "id", id, "body", NEW, "when", "in 10 minutes").note_type, "info");
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, 9 * MINUTE_MS);
	assert_int_equal(world_sms(w, PHONE), 0);
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_sms(w, PHONE), 1);
	assert_string_equal(world_request(w, "")->body.p, NEW);
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_edit_in_the_lane_leaves_once(void **state)
{
	struct world *w = *state;
	const char *id = in_the_lane(w);

	assert_string_equal(world_edit(w, "id", id, "body", NEW).note_type, "info");
	assert_string_equal(world_edit(w, "id", id, "body", NEW " again").note_type, "info");
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, HOUR_MS);
	assert_int_equal(world_sms(w, PHONE), 1);
	assert_string_equal(world_request(w, "")->body.p, NEW " again");
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_sms_in_flight_is_not_edited(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office");
	world_phone(w, "", .end = PHONE_WAITS);
	world_start(w);
	const char *id = world_schedule_sms(w, .when = "in 1 minutes", .body = OLD);
	world_advance(w, MINUTE_MS);
	world_says(world_edit(w, "id", id, "body", NEW).note, "in flight");
	world_says(world_order(w, "now", id).note, "in flight");
	world_phone_end(w, 0, .end = PHONE_BREAKS);
	assert_string_equal(world_state(w, id), "uncertain");
	/* Whether it was sent is not known, so that writing it anew might make two of it. */
	assert_string_equal(world_edit(w, "id", id, "body", NEW).note_type, "error");
	assert_string_equal(world_order(w, "now", id).note_type, "error");
	world_advance(w, DAY_MS);
	assert_int_equal(w->phones.n, 1);
}

/* Nothing of it has left, so it is tried at once with its new text, or as it is. */
static void
test_sms_that_is_held_may_be_edited_or_sent_now(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world *w;
		struct answer a;

		world_setup((void **)&w);
		world_gateway(w, .info.name = "office");
		world_phone(w, "", .end = PHONE_REFUSES, .times = 1);
		world_start(w);
		const char *id = world_schedule_sms(w, .when = "in 1 minutes", .body = OLD);
		world_advance(w, MINUTE_MS);
		assert_string_equal(world_state(w, id), "held");
		a = i == 0 ? world_edit(w, "id", id, "body", NEW) : world_order(w, "now", id);
		assert_string_equal(a.note_type, "info");
		world_advance(w, SECOND_MS);
		assert_int_equal(w->phones.n, 2);
		assert_string_equal(w->phones.v[1].body.p, i == 0 ? NEW : OLD);
		assert_string_equal(world_state(w, id), "sent");
		world_advance(w, HOUR_MS);
		assert_int_equal(w->phones.n, 2);
		assert_int_equal(world_sql(w, "SELECT sum(count) FROM charge WHERE sender <> 'service'"), 1);
		world_teardown((void **)&w);
	}
}

/* -- now ------------------------------------------------------------------------------------------------------------------------ */

static void
test_now_leaves_what_is_held_to_the_server(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_sql(w, "INSERT INTO contact (jid, state, changed_at) VALUES ('" ROMEO "', 2, 1)");
	world_person(w, ROMEO)->probe = PROBE_OFFLINE;
	const char *id = world_schedule(w, .when = "in 1 minutes", .offline = "hold");
	world_advance(w, 5 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "held");
	struct answer a = world_order(w, "now", id);
	assert_string_equal(a.note_type, "info");
	world_advance(w, SECOND_MS);
	assert_string_equal(world_only(w, ROMEO)->id, id);
	assert_string_equal(world_state(w, id), "sent");
	world_online(w, ROMEO);
	world_advance(w, DAY_MS);
	assert_int_equal(world_count(w, ROMEO), 1);
}

static void
test_now_of_an_occurrence_leaves_the_next_in_its_place(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *id = world_schedule(w, .when = "2026-11-23 09:00", .repeat = "daily");
	assert_string_equal(world_order(w, "now", id).note_type, "info");
	world_advance(w, SECOND_MS);
	assert_string_equal(world_only(w, ROMEO)->id, id);
	assert_string_equal(world_only(w, ROMEO)->delay, "");
	assert_string_not_equal(world_waiting(w, ROMEO), "");
	world_advance_to(w, "2026-11-25T12:00:00Z");
	/* The occurrence of the 23rd is the one that was sent now. */
	assert_int_equal(world_count(w, ROMEO), 3);
	assert_string_equal(w->heard[1].clock, "2026-11-24T08:00:00.000Z");
	assert_string_equal(w->heard[2].clock, "2026-11-25T08:00:00.000Z");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command_at_every_point_tells_the_truth),
		cmocka_unit_test(test_crash_after_the_answer_makes_it_no_lie),
		cmocka_unit_test(test_two_commands_of_one_turn_agree),
		cmocka_unit_test(test_turn_that_fails_has_decided_nothing),
		WORLD_TEST(test_copy_in_the_lane_is_stale_after_an_edit),
		WORLD_TEST(test_edit_in_the_lane_leaves_once),
		WORLD_TEST(test_sms_in_flight_is_not_edited),
		cmocka_unit_test(test_sms_that_is_held_may_be_edited_or_sent_now),
		WORLD_TEST(test_now_leaves_what_is_held_to_the_server),
		WORLD_TEST(test_now_of_an_occurrence_leaves_the_next_in_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
