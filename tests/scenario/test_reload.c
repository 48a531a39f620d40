/* The configuration, read again while laterd works, by SIGHUP and by an operator; and its end by an operator. */
#include "world.h"

#define ADMIN "admin@example.org/desk"

static const char *
submit(struct world *w)
{
	const char *id = world_schedule_sms(w, .when = "in 10 seconds");

	world_advance(w, 10 * SECOND_MS);
	return id;
}

static bool
may_schedule(struct world *w, const char *from)
{
	int64_t before = world_sql(w, "SELECT count(*) FROM packet WHERE sender <> '" BOT "'");

	world_ask(w, world_im_ask((struct im){ .from = from }));
	return world_sql(w, "SELECT count(*) FROM packet WHERE sender <> '" BOT "'") > before;
}

/* -- What changes --------------------------------------------------------------------------------------------------------------- */

static void
test_limits_change_and_charges_stay(void **state)
{
	struct world *w = *state;

	w->config.quota[KIND_IM].per_day = 1;
	world_start(w);
	assert_true(may_schedule(w, JULIET));
	assert_false(may_schedule(w, JULIET));
	world_other(w)->quota[KIND_IM].per_day = 2;
	assert_true(world_reload(w));
	assert_true(may_schedule(w, JULIET));
	assert_false(may_schedule(w, JULIET));
	world_other(w)->total[KIND_IM].per_day = 3;
	assert_true(world_reload(w));
	assert_true(may_schedule(w, "nurse@example.org/kitchen"));
	assert_false(may_schedule(w, "nurse@example.org/kitchen"));
}

static void
test_domains_change_and_what_was_accepted_is_delivered(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 10 minutes", .offline = "server");
	struct config *c = world_other(w);
	c->users.domains[0] = "example.com";
	assert_true(world_reload(w));
	assert_false(may_schedule(w, JULIET));
	assert_true(may_schedule(w, "tybalt@example.com/square"));
	world_advance(w, HOUR_MS);
	/* Juliet's and Tybalt's. */
	assert_int_equal(world_count(w, ROMEO), 2);
}

static void
test_zone_changes_what_a_time_means(void **state)
{
	struct world *w = *state;

	world_start(w);
	const char *before = world_schedule(w, .when = "2026-12-24 18:00");
	assert_int_equal(world_due(w, before), world_utc("2026-12-24T17:00:00Z"));
	assert_int_equal(zone_find(&world_other(w)->schedule.zone, SPAN("America/New_York")), RES_OK);
	assert_true(world_reload(w));
	const char *after = world_schedule(w, .when = "2026-12-24 18:00");
	assert_int_equal(world_due(w, after), world_utc("2026-12-24T23:00:00Z"));
	assert_int_equal(world_due(w, before), world_utc("2026-12-24T17:00:00Z"));
}

static void
test_admins_change(void **state)
{
	struct world *w = *state;

	world_start(w);
	assert_string_equal(world_command(w, .from = ADMIN, .node = "stats").status, "completed");
	assert_string_equal(world_command(w, .node = "stats").condition, "forbidden");
	world_other(w)->users.admins[0] = JULIET;
	assert_true(world_reload(w));
	assert_string_equal(world_command(w, .from = ADMIN, .node = "stats").condition, "forbidden");
	assert_string_equal(world_command(w, .node = "stats").status, "completed");
}

static void
test_gateways_and_routes_change_and_what_is_under_way_ends_as_it_began(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office");
	world_start(w);
	world_phone(w, "http://office.example/", .end = PHONE_WAITS, .times = 1);
	const char *id = submit(w);
	world_gateway(w, .info.name = "frame");
	world_route(w, "+", KIND_SMS, "frame", NULL);
	world_other(w);
	/* Until then it is not known. */
	submit(w);
	assert_int_equal(world_requests(w, "http://frame.example/"), 0);
	assert_true(world_reload(w));
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	assert_string_equal(world_state(w, id), "sent");
	submit(w);
	assert_int_equal(world_requests(w, "http://office.example/"), 2);
	assert_int_equal(world_requests(w, "http://frame.example/"), 1);
}

static void
test_log_level_changes(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_log_begin(w);
	world_other(w)->log.level = LOG_ERROR;
	assert_true(world_reload(w));
	world_other(w)->log.level = LOG_NOTE;
	assert_true(world_reload(w));
	assert_true(world_reload(w));
	const char *log = world_log_end(w), *first = strstr(log, "read the configuration again");
	assert_non_null(first);
	/* The first was said too softly. */
	const char *second = strstr(first + 1, "read the configuration again");
	assert_non_null(second);
	assert_null(strstr(second + 1, "read the configuration again"));
}

static void
test_no_packet_is_lost_or_sent_twice_however_often(void **state)
{
	struct world *w = *state;
	size_t n = 0;

	world_gateway(w, .info.name = "office");
	world_start(w);
	w->pong = false;
	for (int i = 0; i < 40; i++) {
		world_schedule(w, .when = "in 30 seconds", .offline = "server");
		world_schedule_sms(w, .when = "in 30 seconds");
		n++;
		world_advance(w, 7 * SECOND_MS);
		world_other(w)->quota[KIND_IM].per_day = 1000 + i;
		assert_true(world_reload(w));
		if (i % 5 == 4) {
			world_pong(w);
			w->pong = i % 2 == 0;
		}
	}
	world_pong(w);
	world_advance(w, HOUR_MS);
	assert_int_equal(world_count(w, ROMEO), n);
	assert_int_equal(world_sms(w, PHONE), n);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE state <> 5"), 0);
	assert_string_equal(world_sql_text(w, "SELECT group_concat(DISTINCT state) FROM packet"), "5");
}

static void
test_what_waits_for_the_next_start_is_told_in_the_log(void **state)
{
	struct world *w = *state;

	world_start(w);
	size_t connections = w->connections;
	world_log_begin(w);
	struct config *c = world_other(w);
	c->component.address = "elsewhere.example.org";
	c->component.server = "127.0.0.1:1";
	c->quota[KIND_IM].per_day = 0;
	c->log.level = LOG_NOTE;
	assert_true(world_reload(w));
	world_says(world_log_end(w), "take effect at the next start");
	assert_int_equal(w->connections, connections);
	/* The rest does not wait. */
	assert_false(may_schedule(w, JULIET));
}

/* -- What is refused ------------------------------------------------------------------------------------------------------------ */

static void
test_bad_file_changes_nothing(void **state)
{
	struct world *w = *state;

	w->config.quota[KIND_IM].per_day = 1;
	world_start(w);
	w->other_is_wrong = "/etc/laterd/laterd.conf:7: no such key";
	assert_false(world_reload(w));
	assert_string_equal(buf_str(&w->why), w->other_is_wrong);
	assert_true(may_schedule(w, JULIET));
	assert_false(may_schedule(w, JULIET));
}

static void
test_want_of_memory_changes_nothing(void **state)
{
	struct world *w = *state;

	w->config.quota[KIND_IM].per_day = 1;
	world_gateway(w, .info.name = "office");
	world_start(w);
	struct config *c = world_other(w);
	c->quota[KIND_IM].per_day = 5;
	c->users.domains[0] = "example.com";
	/* More than any file can have: it is how the gateways say that they cannot. */
	c->routing.ngateways = GATEWAYS_MAX + 1;
	assert_false(world_reload(w));
	assert_true(may_schedule(w, JULIET));
	assert_false(may_schedule(w, JULIET));
	submit(w);
	assert_int_equal(world_requests(w, "http://office.example/"), 1);
}

/* -- By an operator ------------------------------------------------------------------------------------------------------------- */

/* What the bot has told the operator. */
static bool
told(const struct world *w, const char *words)
{
	for (size_t i = 0; i < w->nheard; i++)
		if (strncmp(w->heard[i].to, "admin@example.org", 17) == 0 && strstr(w->heard[i].body, words) != NULL)
			return true;
	return false;
}

static void
test_operator_reloads_and_is_told_how_it_went(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_other(w)->quota[KIND_IM].per_day = 0;
	assert_string_equal(world_command(w, .from = ADMIN, .node = "reload").condition, "");
	world_advance(w, SECOND_MS);
	assert_int_equal(w->reloads, 1);
	assert_false(may_schedule(w, JULIET));
	assert_true(w->nheard > 0);
}

static void
test_operator_is_told_what_is_wrong_with_the_file(void **state)
{
	struct world *w = *state;

	world_start(w);
	w->other_is_wrong = "/etc/laterd/laterd.conf:7: no such key";
	world_command(w, .from = ADMIN, .node = "reload");
	world_advance(w, SECOND_MS);
	assert_int_equal(w->reloads, 1);
	assert_true(told(w, w->other_is_wrong));
	assert_true(may_schedule(w, JULIET));
}

static void
test_user_cannot_reload_or_shut_down(void **state)
{
	struct world *w = *state;

	world_start(w);
	assert_string_equal(world_command(w, .node = "reload").condition, "forbidden");
	assert_string_equal(
	    world_command(w, .node = "shutdown", .action = "complete", .fields = { "confirm", "1" }).condition, "forbidden");
	world_advance(w, MINUTE_MS);
	assert_int_equal(w->reloads, 0);
	assert_false(laterd_is_stopping(w->laterd));
}

static void
test_shutdown_answers_first_and_then_ends(void **state)
{
	struct world *w = *state;

	world_start(w);
	struct answer a = world_command(w, .from = ADMIN, .node = "shutdown", .action = "complete", .fields = { "confirm", "1" });
	assert_string_equal(a.status, "completed");
	world_advance(w, MINUTE_MS);
	assert_true(laterd_is_stopping(w->laterd));
	assert_true(laterd_done(w->laterd));
}

static void
test_summary_says_how_we_are(void **state)
{
	struct world *w = *state;
	struct buf text = { 0 };

	w->server_down = true;
	world_start(w);
	laterd_summary(w->laterd, &text);
	assert_string_equal(buf_str(&text), "not connected; 0 waiting, 0 held, 0 in flight");
	w->server_down = false;
	world_advance(w, 2 * MINUTE_MS);
	world_schedule(w, .when = "in 1 hours");
	buf_reset(&text);
	laterd_summary(w->laterd, &text);
	assert_string_equal(buf_str(&text), "connected; 1 waiting, 0 held, 0 in flight");
	laterd_drain(w->laterd);
	buf_reset(&text);
	laterd_summary(w->laterd, &text);
	world_says(buf_str(&text), "stopping; ");
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_limits_change_and_charges_stay),
		WORLD_TEST(test_domains_change_and_what_was_accepted_is_delivered),
		WORLD_TEST(test_zone_changes_what_a_time_means),
		WORLD_TEST(test_admins_change),
		WORLD_TEST(test_gateways_and_routes_change_and_what_is_under_way_ends_as_it_began),
		WORLD_TEST(test_log_level_changes),
		WORLD_TEST(test_no_packet_is_lost_or_sent_twice_however_often),
		WORLD_TEST(test_what_waits_for_the_next_start_is_told_in_the_log),
		WORLD_TEST(test_bad_file_changes_nothing),
		WORLD_TEST(test_want_of_memory_changes_nothing),
		WORLD_TEST(test_operator_reloads_and_is_told_how_it_went),
		WORLD_TEST(test_operator_is_told_what_is_wrong_with_the_file),
		WORLD_TEST(test_user_cannot_reload_or_shut_down),
		WORLD_TEST(test_shutdown_answers_first_and_then_ends),
		WORLD_TEST(test_summary_says_how_we_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
