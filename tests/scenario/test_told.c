/* What admins are told without asking: each cause at most once an hour. */
#include "chat.h"

#define DEPUTY "deputy@ops.example"
#define LONDON "+447700900123"

static size_t
told(const struct world *w, const char *admin, const char *words)
{
	size_t n = 0;

	for (size_t i = 0; i < w->nheard; i++)
		n += strcmp(w->heard[i].to, admin) == 0 && strcmp(w->heard[i].from, BOT) == 0 && strstr(w->heard[i].body, words) != NULL;
	return n;
}

static void
begin(struct world *w)
{
	w->config.users.admins[0] = ADMIN;
	w->config.users.admins[1] = DEPUTY;
	w->config.http.public_url = "http://127.0.0.1:5580";
	world_gateway(w, .info.name = "office");
	world_start(w);
	world_online(w, JULIET);
	world_online(w, ROMEO);
	world_online(w, ADMIN);
}

/* -- The causes, and how they come to be ---------------------------------------------------------------------------------------- */

static void
halts(struct world *w)
{
	world_phone(w, "http://office", .status = 403, .body = SPAN("Authorization failed for sendsms"));
	world_schedule_sms(w, .when = "in 1 seconds");
	world_advance(w, 5 * SECOND_MS);
}

static void
is_away(struct world *w)
{
	world_phone(w, "http://office", .end = PHONE_REFUSES);
	for (int i = 0; i < 6; i++)
		world_schedule_sms(w, .when = "in 1 seconds");
	world_advance(w, 5 * SECOND_MS);
}

static void
is_paused(struct world *w)
{
	world_command(w, .from = DESK, .node = "gateway", .fields = { "name", "office", "action", "resume" });
	world_command(w, .from = DESK, .node = "gateway", .fields = { "name", "office", "action", "pause" });
	world_advance(w, 5 * SECOND_MS);
}

static void
is_uncertain(struct world *w)
{
	world_phone(w, "http://office", .end = PHONE_BREAKS);
	world_schedule_sms(w, .when = "in 1 seconds");
	world_advance(w, 5 * SECOND_MS);
}

static void
quota_of_ten(struct world *w)
{
	w->config.total[KIND_IM] = (struct quota_limit){ 10, QUOTA_NO_LIMIT };
}

static void
nine_are_used(struct world *w)
{
	while (world_sql(w, "SELECT coalesce(sum(count), 0) FROM charge WHERE sender = 'service'") < 9)
		world_schedule(w, .when = "in 20 hours");
	const char *id = world_schedule(w, .when = "in 20 hours");
	world_command(w, .node = "cancel", .fields = { "ids", id });
	world_advance(w, 5 * SECOND_MS);
}

static void
eleven_are_wanted(struct world *w)
{
	for (int i = 0; i < 11; i++)
		world_ask(w, world_im(.when = "in 20 hours"));
	world_advance(w, 5 * SECOND_MS);
}

static void
disk_of_nothing(struct world *w)
{
	w->config.store.free_min = INT64_MAX;
}

static void
two_minutes_pass(struct world *w)
{
	world_advance(w, 2 * MINUTE_MS);
}

static const struct cause {
	const char *name;
	void (*configure)(struct world *w);
	void (*happens)(struct world *w);
	const char *words;
} causes[] = {
	{ "a gateway needs somebody", NULL, halts, "Authorization failed" },
	{ "a gateway is away", NULL, is_away, "office" },
	{ "a gateway is paused", NULL, is_paused, "paused" },
	{ "it is not known whether an SMS was sent", NULL, is_uncertain, "may or may not" },
	{ "nine tenths of the service's quota are used", quota_of_ten, nine_are_used, "90" },
	{ "the service's quota is used up", quota_of_ten, eleven_are_wanted, "used up" },
	{ "the disk is nearly full", disk_of_nothing, two_minutes_pass, "disk" },
};

#define NCAUSES (sizeof(causes) / sizeof(causes[0]))

static void
test_admins_are_told_at_once_and_then_once_an_hour(void **state)
{
	const struct cause *c = *state;
	struct world *w;

	world_setup((void **)&w);
	if (c->configure != NULL)
		c->configure(w);
	begin(w);
	c->happens(w);
	world_advance(w, 30 * SECOND_MS);
	if (told(w, ADMIN, c->words) != 1)
		fail_msg("%s: told %zu times", c->name, told(w, ADMIN, c->words));
	assert_int_equal(told(w, DEPUTY, c->words), 1);
	for (int hour = 0; hour < 3; hour++) {
		size_t before = world_count(w, ADMIN);

		for (int i = 0; i < 9; i++) {
			world_advance(w, 6 * MINUTE_MS);
			c->happens(w);
		}
		/* Two causes of one trouble may each tell. */
		if (world_count(w, ADMIN) > before + 2)
			fail_msg("%s: told %zu times in hour %d", c->name, world_count(w, ADMIN) - before, hour);
		if (told(w, ADMIN, c->words) > (size_t)hour + 2)
			fail_msg("%s: told %zu times in %d hours", c->name, told(w, ADMIN, c->words), hour + 1);
	}
	/* It is no secret of one's own messages. */
	for (size_t i = 0; i < w->nheard; i++)
		if (strcmp(w->heard[i].to, ADMIN) == 0 && strstr(w->heard[i].body, "Good morning") != NULL)
			fail_msg("%s: “%s”", c->name, w->heard[i].body);
	world_teardown((void **)&w);
}

/* -- Where they differ ---------------------------------------------------------------------------------------------------------- */

static void
test_causes_do_not_hide_each_other(void **state)
{
	struct world *w = *state;

	quota_of_ten(w);
	disk_of_nothing(w);
	begin(w);
	is_uncertain(w);
	nine_are_used(w);
	eleven_are_wanted(w);
	world_phone(w, "http://office", .end = PHONE_ANSWERS);
	is_paused(w);
	two_minutes_pass(w);
	for (size_t i = 0; i < NCAUSES; i++)
		if (causes[i].happens != halts && causes[i].happens != is_away && told(w, ADMIN, causes[i].words) == 0)
			fail_msg("%s: not told", causes[i].name);
}

static void
test_nobody_is_told_while_all_is_well(void **state)
{
	struct world *w = *state;

	w->config.store.free_min = 1;
	w->config.total[KIND_IM] = (struct quota_limit){ 10, 100 };
	begin(w);
	for (int i = 0; i < 8; i++)
		world_schedule(w, .when = "in 1 hours");
	world_schedule_sms(w, .when = "in 1 hours");
	world_advance(w, 5 * HOUR_MS);
	assert_int_equal(world_count(w, ADMIN), 0);
	assert_int_equal(world_count(w, DEPUTY), 0);
}

static void
test_disk_is_not_watched_where_that_is_not_wanted(void **state)
{
	struct world *w = *state;

	w->config.store.free_min = 0;
	begin(w);
	world_advance(w, 5 * HOUR_MS);
	assert_int_equal(world_count(w, ADMIN), 0);
}

/* Of a user's own limit only they hear. */
static void
test_limit_of_a_user_is_no_matter_for_admins(void **state)
{
	struct world *w = *state;

	w->config.quota[KIND_IM] = (struct quota_limit){ 5, 5 };
	w->config.total[KIND_IM] = (struct quota_limit){ 100, 100 };
	begin(w);
	eleven_are_wanted(w);
	world_advance(w, HOUR_MS);
	assert_int_equal(world_count(w, ADMIN), 0);
}

/* Nothing is used by a look at what it would be. */
static void
test_confirmation_that_is_not_completed_is_told_to_nobody(void **state)
{
	struct world *w = *state;
	struct ask ask = world_im(.when = "in 20 hours");
	struct answer a;

	quota_of_ten(w);
	begin(w);
	for (int i = 0; i < 8; i++)
		world_schedule(w, .when = "in 20 hours");
	ask.action = "next";
	a = world_ask(w, ask);
	assert_string_equal(a.execute, "complete");
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, ADMIN), 0);
	assert_string_equal(world_command(w, .node = "im", .session = a.session, .action = "complete").note_type, "info");
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_count(w, ADMIN), 1);
}

/* Each kind has its limit, and the month its own. */
static void
test_service_quota_is_told_of_each_kind(void **state)
{
	struct world *w = *state;

	w->config.total[KIND_IM] = (struct quota_limit){ QUOTA_NO_LIMIT, 2 };
	w->config.total[KIND_SMS] = (struct quota_limit){ 2, QUOTA_NO_LIMIT };
	begin(w);
	for (int i = 0; i < 4; i++)
		world_ask(w, world_im(.when = "in 20 hours"));
	world_advance(w, MINUTE_MS);
	size_t before = world_count(w, ADMIN);
	assert_true(before >= 1);
	for (int i = 0; i < 4; i++)
		world_command(w, .node = "sms", .fields = { "to", PHONE, "when", "in 20 hours", "body", "Late" });
	world_advance(w, MINUTE_MS);
	assert_true(world_count(w, ADMIN) > before);
}

/* Of a turn that has not happened nobody is told, and of the one that has they are. */
static void
test_admins_are_told_again_after_a_restart_at_most_once(void **state)
{
	struct world *w = *state;

	begin(w);
	is_uncertain(w);
	assert_int_equal(told(w, ADMIN, "may or may not"), 1);
	for (int i = 0; i < 5; i++) {
		world_restart(w);
		world_advance(w, MINUTE_MS);
	}
	assert_int_equal(told(w, ADMIN, "may or may not"), 1);
}

int
main(void)
{
	static char names[NCAUSES][128];
	struct CMUnitTest tests[NCAUSES + 7];
	const struct CMUnitTest others[] = {
		WORLD_TEST(test_causes_do_not_hide_each_other),
		WORLD_TEST(test_nobody_is_told_while_all_is_well),
		WORLD_TEST(test_disk_is_not_watched_where_that_is_not_wanted),
		WORLD_TEST(test_limit_of_a_user_is_no_matter_for_admins),
		WORLD_TEST(test_confirmation_that_is_not_completed_is_told_to_nobody),
		WORLD_TEST(test_service_quota_is_told_of_each_kind),
		WORLD_TEST(test_admins_are_told_again_after_a_restart_at_most_once),
	};

	for (size_t i = 0; i < NCAUSES; i++) {
		snprintf(names[i], sizeof(names[i]), "test_admins_are_told_at_once_and_then_once_an_hour: %s", causes[i].name);
		tests[i] = (struct CMUnitTest){ names[i], test_admins_are_told_at_once_and_then_once_an_hour, NULL, NULL,
			(void *)(uintptr_t)&causes[i] };
	}
	memcpy(tests + NCAUSES, others, sizeof(others));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
