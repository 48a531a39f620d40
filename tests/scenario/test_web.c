/* What comes to the listener, and the gateways through a reload and through the end of the daemon. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "world.h"

/* Every write beyond what the write-ahead log has now fails. */
static void
disk_is_full(struct world *w)
{
	struct rlimit limit;
	struct stat st;
	char wal[128];

	snprintf(wal, sizeof(wal), "%s-wal", w->config.store.database);
	assert_int_equal(stat(wal, &st), 0);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = (rlim_t)st.st_size;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int
disk_is_freed(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_FSIZE, &limit);
}

static int
teardown_with_room(void **state)
{
	return disk_is_freed() == 0 ? world_teardown(state) : -1;
}

/* One SMS at Kannel, that it accepts unless told otherwise. */
static const char *
submit(struct world *w)
{
	const char *id = world_schedule_sms(w, .when = "in 10 seconds");

	world_advance(w, 10 * SECOND_MS);
	return id;
}

/* -- The listener --------------------------------------------------------------------------------------------------------------- */

static void
test_health_is_ok_and_says_whether_the_stream_is_there(void **state)
{
	struct world *w = *state;
	struct web_answer a;

	world_start(w);
	a = world_web(w, "GET", "/healthz", "", "");
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "ok\nthe XMPP stream is connected\n");
	assert_string_equal(a.type, "text/plain; charset=utf-8");
	w->server_down = true;
	world_cut(w);
	a = world_web(w, "GET", "/healthz", "", "");
	assert_int_equal(a.status, 200);
	assert_string_equal(a.body, "ok\nthe XMPP stream is not connected\n");
	assert_int_equal(world_web(w, "HEAD", "/healthz", "", "").status, 200);
	assert_int_equal(world_web(w, "POST", "/healthz", "", "a=b").status, 405);
}

static void
test_health_says_when_the_store_is_not_well_and_when_it_is_again(void **state)
{
	struct world *w = *state;
	struct web_answer a;

	world_start(w);
	world_schedule(w, .when = "in 1 hours");
	disk_is_full(w);
	world_ask(w, world_im(.when = "in 1 hours"));
	a = world_web(w, "GET", "/healthz", "", "");
	assert_int_equal(a.status, 503);
	assert_non_null(strstr(a.body, "the database cannot be written"));
	assert_int_equal(disk_is_freed(), 0);
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_web(w, "GET", "/healthz", "", "").status, 200);
}

static void
test_nothing_else_is_served(void **state)
{
	static const char *const paths[] = { "/", "", "/healthz/", "/healthz2", "/report", "/report/", "/report/office", "/reports/x", "*" };
	struct world *w = *state;

	world_gateway(w, .info.name = "office");
	world_start(w);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_int_equal(world_web(w, "GET", paths[i], "", "").status, 404);
}

static void
test_report_moves_the_packet_and_is_answered_after_the_commit(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office");
	world_start(w);
	const char *id = submit(w);
	assert_string_equal(world_state(w, id), "sent");
	assert_int_equal(world_report(w, &w->phones.v[0], "1"), 200);
	assert_string_equal(world_state(w, id), "delivered");
}

static void
test_report_that_cannot_be_written_is_asked_for_again(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office");
	world_start(w);
	const char *id = submit(w);
	disk_is_full(w);
	assert_int_equal(world_report(w, &w->phones.v[0], "1"), 503);
	assert_int_equal(disk_is_freed(), 0);
	assert_string_equal(world_state(w, id), "sent");
	world_advance(w, MINUTE_MS);
	assert_int_equal(world_report(w, &w->phones.v[0], "1"), 200);
	assert_string_equal(world_state(w, id), "delivered");
}

static void
test_without_a_listener_no_reports_are_asked_for(void **state)
{
	struct world *w = *state;

	w->config.http.host = NULL;
	world_gateway(w, .info.name = "office");
	world_start(w);
	submit(w);
	assert_int_equal(w->phones.n, 1);
	assert_string_equal(phone_header(&w->phones.v[0], "X-Kannel-DLR-URL"), "");
}

/* -- Turns ---------------------------------------------------------------------------------------------------------------------- */

static void
test_request_does_not_leave_before_it_is_written_down(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office");
	world_start(w);
	const char *id = world_schedule_sms(w, .when = "in 10 seconds");
	disk_is_full(w);
	world_advance(w, 30 * SECOND_MS);
	assert_int_equal(w->phones.n, 0);
	assert_int_equal(disk_is_freed(), 0);
	world_advance(w, 2 * MINUTE_MS);
	assert_int_equal(w->phones.n, 1);
	assert_string_equal(world_state(w, id), "sent");
}

/* -- Reload --------------------------------------------------------------------------------------------------------------------- */

static void
test_reload_adds_gateways_and_keeps_what_is_under_way(void **state)
{
	struct world *w = *state;
	struct config other;

	world_gateway(w, .info.name = "office");
	world_start(w);
	world_phone(w, "http://office.example/", .end = PHONE_WAITS, .times = 1);
	const char *id = submit(w);
	other = w->config;
	world_gateway(w, .info.name = "frame");
	world_route(w, "+", KIND_SMS, "frame", NULL);
	laterd_reload(w->laterd, &w->config);
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	assert_string_equal(world_state(w, id), "sent");
	submit(w);
	assert_int_equal(world_requests(w, "http://office.example/"), 1);
	assert_int_equal(world_requests(w, "http://frame.example/"), 1);
	laterd_reload(w->laterd, &other);
	world_crash(w);
}

static void
test_reload_does_not_believe_in_a_listener_that_is_not_there(void **state)
{
	struct world *w = *state;
	struct config other;

	w->config.http.host = NULL;
	world_gateway(w, .info.name = "office");
	world_start(w);
	other = w->config;
	other.http.host = "127.0.0.1";
	laterd_reload(w->laterd, &other);
	submit(w);
	assert_string_equal(phone_header(&w->phones.v[0], "X-Kannel-DLR-URL"), "");
	world_crash(w);
}

/* -- The end -------------------------------------------------------------------------------------------------------------------- */

static void
test_drain_waits_for_requests_and_then_ends(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office", .timeout_ms = MINUTE_MS);
	world_start(w);
	world_phone(w, "", .end = PHONE_WAITS);
	const char *id = submit(w);
	laterd_drain(w->laterd);
	/* Longer than an IM is waited for. */
	world_advance(w, 50 * SECOND_MS);
	assert_false(laterd_done(w->laterd));
	world_phone_end(w, 0, .end = PHONE_ANSWERS);
	world_advance(w, SECOND_MS);
	assert_true(laterd_done(w->laterd));
	assert_string_equal(world_state(w, id), "sent");
}

static void
test_drain_does_not_wait_longer_than_a_request_may_take(void **state)
{
	struct world *w = *state;

	world_gateway(w, .info.name = "office", .timeout_ms = 20 * SECOND_MS);
	world_start(w);
	world_phone(w, "", .end = PHONE_WAITS);
	const char *id = submit(w);
	laterd_drain(w->laterd);
	world_advance(w, 24 * SECOND_MS);
	assert_false(laterd_done(w->laterd));
	world_advance(w, 4 * SECOND_MS);
	assert_true(laterd_done(w->laterd));
	world_restart(w);
	world_advance(w, MINUTE_MS);
	assert_string_equal(world_state(w, id), "uncertain");
	assert_int_equal(w->phones.n, 1);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, teardown_with_room)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_health_is_ok_and_says_whether_the_stream_is_there),
		DISK_TEST(test_health_says_when_the_store_is_not_well_and_when_it_is_again),
		WORLD_TEST(test_nothing_else_is_served),
		WORLD_TEST(test_report_moves_the_packet_and_is_answered_after_the_commit),
		DISK_TEST(test_report_that_cannot_be_written_is_asked_for_again),
		WORLD_TEST(test_without_a_listener_no_reports_are_asked_for),
		DISK_TEST(test_request_does_not_leave_before_it_is_written_down),
		WORLD_TEST(test_reload_adds_gateways_and_keeps_what_is_under_way),
		WORLD_TEST(test_reload_does_not_believe_in_a_listener_that_is_not_there),
		WORLD_TEST(test_drain_waits_for_requests_and_then_ends),
		WORLD_TEST(test_drain_does_not_wait_longer_than_a_request_may_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
