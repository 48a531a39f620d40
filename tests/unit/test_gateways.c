#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateways_world.h"

/* -- Attempts ---------------------------------------------------------------------------------- */

static void
test_an_attempt_leaves_only_when_the_turn_is_on_disk(void **state)
{
	struct world *w = *state;

	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	assert_int_equal(w->g->ops->inflight(w->g), 1);
	assert_int_equal(w->http.n, 0);
	gateways_flush(w->g);
	assert_int_equal(w->http.n, 1);
	gateways_flush(w->g);
	assert_int_equal(w->http.n, 1);
	answer(w, "AAAAAA", 200, "ref-1");
	assert_events(w, "AAAAAA@office:accepted:ref-1 ");
	assert_int_equal(w->g->ops->inflight(w->g), 0);
}

static void
test_the_attempts_of_a_failed_turn_are_forgotten(void **state)
{
	struct world *w = *state;

	w->configs[0].rate = 2;
	gateways_configure(w->g, &w->config);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
		gateways_failed(w->g);
	}
	gateways_flush(w->g);
	assert_int_equal(w->http.n, 0);
	assert_int_equal(w->g->ops->inflight(w->g), 0);
	assert_int_equal(state_of(w, 0).room, 2);
	assert_events(w, "");
}

static void
test_what_cannot_be_written_is_refused_with_its_reason(void **state)
{
	struct world *w = *state;
	struct buf why = { 0 };

	assert_int_equal(submit_text(w, 0, "AAAAAA", "bad", &why), RES_INVALID);
	assert_string_equal(buf_str(&why), "it is bad");
	assert_int_equal(submit_text(w, 0, "AAAAAA", "full", &why), RES_TEMPFAIL);
	assert_int_equal(submit_text(w, 2, "AAAAAA", "x", &why), RES_TEMPFAIL);
	assert_int_equal(submit_text(w, SIZE_MAX, "AAAAAA", "x", &why), RES_TEMPFAIL);
	buf_free(&why);
	assert_int_equal(w->g->ops->inflight(w->g), 0);
	assert_int_equal(state_of(w, 0).room, 10);
}

static void
test_each_end_has_its_outcome(void **state)
{
	static const struct {
		enum http_end end;
		int status;
		const char *outcome;
	} rows[] = {
		{ HTTP_ANSWERED, 200, "accepted" },
		{ HTTP_ANSWERED, 204, "unknown" },
		{ HTTP_ANSWERED, 400, "permanent" },
		{ HTTP_ANSWERED, 429, "not-processed" },
		{ HTTP_ANSWERED, 503, "not-processed" },
		{ HTTP_ANSWERED, 500, "unknown" },
		{ HTTP_NOT_SENT, 0, "not-processed" },
		{ HTTP_BROKEN, 0, "unknown" },
		{ HTTP_TOO_LARGE, 200, "unknown" },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct http_answer a = { .end = rows[i].end, .status = rows[i].status,
			.error = rows[i].end == HTTP_ANSWERED ? NULL : "why" };
		char want[80];

		assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
		gateways_flush(w->g);
		end(find(w, "AAAAAA"), &a);
		snprintf(want, sizeof(want), "AAAAAA@office:%s:- ", rows[i].outcome);
		assert_memory_equal(buf_str(&w->events), want, strlen(want));
		buf_reset(&w->events);
		gateways_configure(w->g, &w->config);
	}
}

static void
test_what_cannot_be_started_has_an_outcome_in_a_later_turn(void **state)
{
	struct world *w = *state;

	w->http.refuse = true;
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	assert_int_equal(submit(w, 1, "BBBBBB"), RES_OK);
	gateways_flush(w->g);
	assert_events(w, "");
	assert_int_equal(w->g->ops->inflight(w->g), 2);
	assert_int_equal(timers_next(&w->timers), w->now);
	pass(w, 0);
	assert_events(w, "AAAAAA@office:not-processed:- BBBBBB@other:not-processed:- ");
	assert_int_equal(w->g->ops->inflight(w->g), 0);
	pass(w, 1000);
	assert_events(w, "");
}

static void
test_an_outcome_may_submit_another(void **state)
{
	struct world *w = *state;

	w->configs[0].inflight = 1;
	gateways_configure(w->g, &w->config);
	w->again = "BBBBBB";
	attempt(w, "AAAAAA", 200);
	/* It took the room at once, so there is none to tell of. */
	assert_events(w, "AAAAAA@office:accepted:- ");
	gateways_flush(w->g);
	answer(w, "BBBBBB", 200, "");
	assert_events(w, "BBBBBB@office:accepted:- room ");
}

static void
test_nothing_is_told_after_the_end(void **state)
{
	struct world *w = *state;
	struct buf why = { 0 };

	w->http.refuse = true;
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	gateways_flush(w->g);
	w->http.refuse = false;
	assert_int_equal(submit(w, 0, "BBBBBB"), RES_OK);
	gateways_flush(w->g);
	assert_int_equal(submit(w, 0, "CCCCCC"), RES_OK);
	assert_int_equal(
	    w->g->ops->fetch(w->g, "https://example.org/a.png", 1000, 1, &why), RES_OK);
	gateways_free(&w->g);
	timers_run(&w->timers, w->now + HOUR_MS);
	assert_events(w, "");
	buf_free(&why);
}

/* -- Pace -------------------------------------------------------------------------------------- */

static void
test_room_is_told_when_a_full_gateway_has_some_again(void **state)
{
	struct world *w = *state;

	w->configs[0].inflight = 2;
	gateways_configure(w->g, &w->config);
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	assert_int_equal(state_of(w, 0).room, 1);
	assert_int_equal(submit(w, 0, "BBBBBB"), RES_OK);
	assert_int_equal(state_of(w, 0).room, 0);
	assert_true(state_of(w, 0).open);
	assert_int_equal(submit(w, 0, "CCCCCC"), RES_TEMPFAIL);
	assert_int_equal(submit(w, 1, "DDDDDD"), RES_OK);
	gateways_flush(w->g);
	answer(w, "AAAAAA", 200, "");
	assert_events(w, "AAAAAA@office:accepted:- room ");
	answer(w, "BBBBBB", 200, "");
	assert_events(w, "BBBBBB@office:accepted:- ");
	answer(w, "DDDDDD", 200, "");
	assert_events(w, "DDDDDD@other:accepted:- ");
}

static void
test_room_is_told_when_the_rate_allows(void **state)
{
	struct world *w = *state;

	w->configs[0].rate = 1;
	gateways_configure(w->g, &w->config);
	attempt(w, "AAAAAA", 200);
	assert_events(w, "AAAAAA@office:accepted:- ");
	assert_int_equal(state_of(w, 0).room, 0);
	assert_true(state_of(w, 0).open);
	pass(w, 990);
	assert_events(w, "");
	pass(w, 11);
	assert_events(w, "room ");
	assert_int_equal(state_of(w, 0).room, 1);
	pass(w, HOUR_MS);
	assert_events(w, "");
}

static void
fail_many(struct world *w, int n)
{
	for (int i = 0; i < n; i++) {
		assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
		gateways_flush(w->g);
		break_off(w, "AAAAAA", HTTP_NOT_SENT);
	}
}

static void
trip(struct world *w)
{
	fail_many(w, 4);
	buf_reset(&w->events);
	fail_many(w, 1);
	assert_events(w, "AAAAAA@office:not-processed:- trouble@office:refused room ");
	assert_false(state_of(w, 0).open);
}

static void
test_the_breaker_opens_probes_and_closes(void **state)
{
	struct world *w = *state;

	trip(w);
	assert_int_equal(state_of(w, 0).room, 0);
	assert_int_equal(state_of(w, 0).resumes_ms, 5000);
	assert_true(state_of(w, 1).open);
	assert_int_equal(submit(w, 0, "BBBBBB"), RES_TEMPFAIL);
	pass(w, 4999);
	assert_events(w, "");
	assert_int_equal(state_of(w, 0).resumes_ms, 1);
	pass(w, 1);
	assert_events(w, "room ");
	assert_true(state_of(w, 0).open);
	assert_int_equal(state_of(w, 0).room, 1);
	assert_int_equal(submit(w, 0, "BBBBBB"), RES_OK);
	assert_false(state_of(w, 0).open);
	assert_true(state_of(w, 0).resumes_ms > 0);
	assert_int_equal(submit(w, 0, "CCCCCC"), RES_TEMPFAIL);
	gateways_flush(w->g);
	answer(w, "BBBBBB", 200, "");
	assert_events(w, "BBBBBB@office:accepted:- room ");
	assert_int_equal(state_of(w, 0).room, 10);
}

static void
test_people_hear_of_an_incident_once(void **state)
{
	struct world *w = *state;

	trip(w);
	for (int i = 0; i < 5; i++) {
		pass(w, 10 * MINUTE_MS);
		assert_events(w, "room ");
		fail_many(w, 1);
		assert_events(w, "AAAAAA@office:not-processed:- room ");
	}
	pass(w, 10 * MINUTE_MS);
	attempt(w, "AAAAAA", 200);
	buf_reset(&w->events);
	trip(w);
}

static void
test_server_errors_count_as_failures_unless_they_are_clear(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 4; i++)
		attempt(w, "AAAAAA", i % 2 ? 500 : 503);
	assert_true(state_of(w, 0).open);
	attempt(w, "AAAAAA", 503);
	assert_false(state_of(w, 0).open);
	gateways_configure(w->g, &w->config);
	for (int i = 0; i < 20; i++)
		attempt(w, "AAAAAA", i % 2 ? 404 : 400);
	assert_true(state_of(w, 0).open);
}

static void
test_too_many_requests_is_left_alone_for_a_second(void **state)
{
	struct world *w = *state;

	attempt(w, "AAAAAA", 429);
	assert_int_equal(state_of(w, 0).resumes_ms, SECOND_MS);
	pass(w, SECOND_MS);
	assert_true(state_of(w, 0).open);
	attempt(w, "BBBBBB", 200);
	assert_true(state_of(w, 0).open);
}

static void
test_a_gateway_that_needs_a_person_is_paused_for_half_an_hour(void **state)
{
	struct world *w = *state;

	attempt(w, "AAAAAA", 402);
	assert_events(w, "AAAAAA@office:not-processed:- "
			 "halted@office:no funds for (a number) room ");
	assert_false(state_of(w, 0).open);
	assert_int_equal(state_of(w, 0).resumes_ms, 30 * MINUTE_MS);
	pass(w, 30 * MINUTE_MS);
	assert_events(w, "room ");
	attempt(w, "AAAAAA", 402);
	assert_events(w, "AAAAAA@office:not-processed:- room ");
	assert_int_equal(state_of(w, 0).resumes_ms, 30 * MINUTE_MS);
}

static void
answer_retry_after(struct world *w, const char *id, int status, const char *value)
{
	const struct http_header h = { "retry-after", value, NULL };
	const struct http_answer a = { .status = status, .headers = &h };

	end(find(w, id), &a);
}

static void
test_retry_after_is_obeyed_without_alarm(void **state)
{
	struct world *w = *state;

	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	assert_int_equal(submit(w, 0, "BBBBBB"), RES_OK);
	assert_int_equal(submit(w, 0, "CCCCCC"), RES_OK);
	gateways_flush(w->g);
	answer_retry_after(w, "AAAAAA", 429, "60");
	assert_events(w, "AAAAAA@office:not-processed:- room ");
	assert_int_equal(state_of(w, 0).resumes_ms, 60000);
	/* It was asked already; nothing opens or closes. */
	answer_retry_after(w, "BBBBBB", 429, "30");
	answer(w, "CCCCCC", 200, "");
	assert_events(w, "BBBBBB@office:not-processed:- CCCCCC@office:accepted:- ");
	assert_int_equal(state_of(w, 0).resumes_ms, 60000);
	pass(w, 60000);
	assert_events(w, "room ");
	attempt(w, "DDDDDD", 200);
	assert_events(w, "DDDDDD@office:accepted:- room ");
}

/* -- Reloads ----------------------------------------------------------------------------------- */

static void
test_a_reload_keeps_attempts_and_ends_a_pause(void **state)
{
	struct world *w = *state;

	assert_int_equal(submit(w, 0, "BBBBBB"), RES_OK);
	attempt(w, "AAAAAA", 402);
	buf_reset(&w->events);
	w->configs[0].inflight = 1;
	w->configs[0].connections = 9;
	assert_int_equal(gateways_configure(w->g, &w->config), RES_OK);
	assert_events(w, "");
	assert_true(state_of(w, 0).open);
	assert_int_equal(state_of(w, 0).room, 0);
	assert_int_equal(find(w, "BBBBBB")->pool->connections, 9);
	answer(w, "BBBBBB", 200, "r");
	assert_events(w, "BBBBBB@office:accepted:r room ");
}

/* The secret that was refused may be the one that was exchanged. */
static void
test_an_attempt_from_before_a_reload_pauses_nothing(void **state)
{
	struct world *w = *state;
	struct gateway_config v[2];
	struct gateways_config config = w->config;

	memcpy(v, w->configs, sizeof(v));
	config.v = v;
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	gateways_flush(w->g);
	assert_int_equal(gateways_configure(w->g, &config), RES_OK);
	answer(w, "AAAAAA", 402, "");
	assert_events(w, "AAAAAA@office:not-processed:- ");
	assert_true(state_of(w, 0).open);
	attempt(w, "BBBBBB", 402);
	assert_false(state_of(w, 0).open);
	assert_int_equal(gateways_configure(w->g, &w->config), RES_OK);
}

static void
test_the_attempts_of_a_removed_gateway_still_end(void **state)
{
	struct world *w = *state;
	struct gateway_config other;
	struct gateways_config config = w->config;

	set_gateway(&other, "other");
	config.v = &other;
	config.n = 1;
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	assert_int_equal(submit(w, 1, "BBBBBB"), RES_OK);
	gateways_flush(w->g);
	assert_int_equal(submit(w, 0, "CCCCCC"), RES_OK);
	assert_int_equal(gateways_configure(w->g, &config), RES_OK);
	gateways_flush(w->g);
	assert_int_equal(w->http.pools, 4);
	assert_int_equal(w->g->ops->inflight(w->g), 3);
	/* The indexes are those of the new configuration. */
	assert_int_equal(state_of(w, 0).room, 9);
	assert_false(state_of(w, 1).open);
	answer(w, "AAAAAA", 402, "");
	answer(w, "BBBBBB", 200, "");
	assert_events(w, "AAAAAA@office:not-processed:- BBBBBB@other:accepted:- ");
	break_off(w, "CCCCCC", HTTP_BROKEN);
	assert_events(w, "CCCCCC@office:unknown:- ");
	gateways_flush(w->g);
	assert_int_equal(w->http.pools, 3);
	pass(w, HOUR_MS);
	assert_events(w, "");
}

static void
test_a_gateway_may_come_back(void **state)
{
	struct world *w = *state;
	struct gateways_config none = w->config;

	none.n = 0;
	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	gateways_flush(w->g);
	assert_int_equal(gateways_configure(w->g, &none), RES_OK);
	assert_int_equal(gateways_configure(w->g, &w->config), RES_OK);
	assert_int_equal(state_of(w, 0).room, 9);
	answer(w, "AAAAAA", 200, "");
	assert_events(w, "AAAAAA@office:accepted:- ");
	assert_int_equal(state_of(w, 0).room, 10);
	gateways_flush(w->g);
	assert_int_equal(w->http.pools, 4);
}

static void
test_a_reload_without_memory_changes_nothing(void **state)
{
	struct world *w = *state;
	struct gateway_config v[3];
	struct gateways_config config = w->config;

	set_gateway(&v[0], "new");
	set_gateway(&v[1], "office");
	set_gateway(&v[2], "newer");
	config.v = v;
	config.n = 3;
	w->http.no_pools = true;
	assert_int_equal(gateways_configure(w->g, &config), RES_NOMEM);
	assert_int_equal(w->http.pools, 4);
	attempt(w, "AAAAAA", 200);
	assert_events(w, "AAAAAA@office:accepted:- ");
	w->http.no_pools = false;
	assert_int_equal(gateways_configure(w->g, &config), RES_OK);
	assert_int_equal(w->http.pools, 5);
	attempt(w, "AAAAAA", 200);
	assert_events(w, "AAAAAA@new:accepted:- ");
}

/* -- Reports ----------------------------------------------------------------------------------- */

static int
report(struct world *w, const char *path, const char *query)
{
	const struct web_request rq = {
		.method = "GET", .path = path, .query = query, .content_type = "", .body = SPAN("") };
	struct web_reply reply = { 0 };

	gateways_report(w->g, &rq, &reply);
	assert_true(reply.status == 500 || reply.body.len == 0);
	buf_free(&reply.body);
	return reply.status;
}

/* The path of a report's URL, as a proxy hands it on. */
static const char *
path_of(struct world *w, const char *gateway, const char *id)
{
	static char path[512];
	struct buf url = { 0 };

	assert_int_equal(gateways_report_url(&url, w->seal, "http://x", gateway, id), RES_OK);
	snprintf(path, sizeof(path), "%s", buf_str(&url) + strlen("http://x"));
	buf_free(&url);
	return path;
}

static void
test_the_url_of_a_report_is_given_to_the_driver(void **state)
{
	struct world *w = *state;
	struct buf want = { 0 };

	assert_int_equal(submit(w, 0, "AAAAAA"), RES_OK);
	w->configs[1].smsc = "by ref";
	assert_int_equal(submit(w, 1, "BBBBBB"), RES_OK);
	gateways_flush(w->g);
	buf_printf(&want, "AAAAAA +4917012345678 https://later.example.org/hook%s",
	    path_of(w, "office", "AAAAAA"));
	assert_string_equal(buf_str(&find(w, "AAAAAA")->rq->body), buf_str(&want));
	buf_reset(&want);
	buf_printf(&want, "BBBBBB +4917012345678 https://later.example.org/hook%s",
	    path_of(w, "other", NULL));
	assert_string_equal(buf_str(&find(w, "BBBBBB")->rq->body), buf_str(&want));
	w->config.public_url = NULL;
	gateways_configure(w->g, &w->config);
	assert_int_equal(submit(w, 0, "CCCCCC"), RES_OK);
	gateways_flush(w->g);
	assert_string_equal(buf_str(&find(w, "CCCCCC")->rq->body), "CCCCCC +4917012345678 -");
	buf_free(&want);
}

static void
test_a_report_with_its_token_is_told(void **state)
{
	struct world *w = *state;

	assert_int_equal(report(w, path_of(w, "office", "7K3QXZ"), "yes"), 200);
	assert_events(w, "report@office:7K3QXZ:-:1:arrived ");
	assert_int_equal(report(w, path_of(w, "office", "7K3QXZ"), "ref=r1"), 200);
	assert_events(w, "report@office:7K3QXZ:r1:1:arrived ");
	w->configs[1].smsc = "by ref";
	assert_int_equal(report(w, path_of(w, "other", NULL), "ref=r2"), 200);
	assert_events(w, "report@other:-:r2:1:arrived ");
	/* It names nothing. */
	assert_int_equal(report(w, path_of(w, "other", NULL), "yes"), 200);
	assert_events(w, "");
}

static void
test_a_report_that_nobody_can_place_yet_is_to_come_again(void **state)
{
	struct world *w = *state;

	w->too_early = true;
	w->configs[1].smsc = "by ref";
	assert_int_equal(report(w, path_of(w, "other", NULL), "ref=r2"), 503);
	w->too_early = false;
	assert_int_equal(report(w, path_of(w, "other", NULL), "ref=r2"), 200);
}

static void
test_each_url_is_taken_only_where_the_driver_uses_it(void **state)
{
	struct world *w = *state;
	char path[600];

	w->configs[1].smsc = "by ref";
	assert_int_equal(report(w, path_of(w, "office", NULL), "ref=r"), 404);
	assert_int_equal(report(w, path_of(w, "other", "7K3QXZ"), "ref=r"), 404);
	/* The token of the one URL, at the other. */
	snprintf(path, sizeof(path), "/report/other/7K3QXZ%s",
	    strrchr(path_of(w, "other", NULL), '/'));
	assert_int_equal(report(w, path, "ref=r"), 404);
	assert_events(w, "");
}

static void
test_any_other_path_is_not_found(void **state)
{
	static const char *const paths[] = { "", "/", "/report", "/report/", "/report//", "/report///",
		"/report/office", "/report/office/", "/report/office/7K3QXZ", "/report/office/7K3QXZ/",
		"/report/office/7K3QXZ/00000000000000000000000000000000", "/healthz",
		"report/office/7K3QXZ/x", "/report/office/7K3QXZ/x/y/z/a/b/c" };
	struct world *w = *state;
	char path[600];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_int_equal(report(w, paths[i], "yes"), 404);
	snprintf(path, sizeof(path), "%s/", path_of(w, "office", "7K3QXZ"));
	assert_int_equal(report(w, path, "yes"), 404);
	snprintf(path, sizeof(path), "/%s", path_of(w, "office", "7K3QXZ"));
	assert_int_equal(report(w, path, "yes"), 404);
	assert_int_equal(report(w, path_of(w, "nobody", "7K3QXZ"), "yes"), 404);
	assert_events(w, "");
}

/* Every change of one character of a good path. */
static void
test_a_token_fits_one_packet_of_one_gateway(void **state)
{
	struct world *w = *state;
	char path[512];
	size_t len;

	snprintf(path, sizeof(path), "%s", path_of(w, "office", "7K3QXZ"));
	len = strlen(path);
	for (size_t i = 0; i < len; i++) {
		char was = path[i];

		path[i] = was == '0' ? '1' : '0';
		assert_int_equal(report(w, path, "yes"), 404);
		if (was >= 'A' && was <= 'Z') {
			path[i] = (char)(was - 'A' + 'a');
			assert_int_equal(report(w, path, "yes"), 404);
		}
		path[i] = was;
	}
	path[len - 1] = '\0';
	assert_int_equal(report(w, path, "yes"), 404);
	assert_events(w, "");
}

static void
test_a_token_of_another_key_is_wrong(void **state)
{
	static const uint8_t key[SEAL_KEY_LEN] = { 9 };
	struct world *w = *state;
	struct seal *own = w->seal, *other = seal_new(key);
	char path[512];

	w->seal = other;
	snprintf(path, sizeof(path), "%s", path_of(w, "office", "7K3QXZ"));
	w->seal = own;
	seal_free(&other);
	assert_int_equal(report(w, path, "yes"), 404);
}

static void
test_replies_say_what_became_of_the_report(void **state)
{
	struct world *w = *state;

	assert_int_equal(report(w, path_of(w, "office", "7K3QXZ"), "noise"), 200);
	assert_int_equal(report(w, path_of(w, "office", "7K3QXZ"), "?"), 400);
	assert_int_equal(report(w, path_of(w, "office", "7K3QXZ"), "full"), 503);
	assert_int_equal(report(w, path_of(w, "office", "7K3QXZ"), "own"), 500);
	assert_events(w, "");
}

static void
test_any_name_of_a_gateway_makes_a_path(void **state)
{
	struct world *w = *state;

	set_gateway(&w->configs[0], "b\xc3\xbcro 1/x?");
	gateways_configure(w->g, &w->config);
	assert_non_null(
	    strstr(path_of(w, "b\xc3\xbcro 1/x?", "7K3QXZ"), "/report/b%C3%BCro%201%2Fx%3F/7K3QXZ/"));
	assert_int_equal(report(w, path_of(w, "b\xc3\xbcro 1/x?", "7K3QXZ"), "yes"), 200);
	assert_events(w, "report@b\xc3\xbcro 1/x?:7K3QXZ:-:1:arrived ");
}

static void
test_a_url_without_room_is_not_begun(void **state)
{
	struct world *w = *state;
	struct buf url = { .max = 40 };

	buf_text(&url, "before ");
	assert_int_equal(
	    gateways_report_url(&url, w->seal, "http://x", "office", "7K3QXZ"), RES_NOMEM);
	assert_string_equal(buf_str(&url), "before ");
	buf_free(&url);
}

static void
test_the_longest_public_url_has_room(void **state)
{
	struct world *w = *state;
	struct buf url = { 0 }, why = { 0 };
	char *path = buf_extend(&url, 2000);

	memset(path, 'x', 2000);
	memcpy(path, "https://x/", 10);
	w->config.public_url = buf_str(&url);
	assert_int_equal(gateways_configure(w->g, &w->config), RES_OK);
	assert_int_equal(submit_text(w, 0, "AAAAAA", "text", &why), RES_OK);
	gateways_flush(w->g);
	assert_non_null(strstr(buf_str(&find(w, "AAAAAA")->rq->body), "xxx/report/office/AAAAAA/"));
	w->config.public_url = NULL;
	assert_int_equal(gateways_configure(w->g, &w->config), RES_OK);
	buf_free(&url);
	buf_free(&why);
}

/* -- Media ------------------------------------------------------------------------------------- */

static void
test_a_medium_is_fetched_at_once_and_told(void **state)
{
	static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\2\0\0\0";
	const struct http_header type = { "content-type", "image/png", NULL };
	const struct http_answer a = { .status = 200, .headers = &type, .body = { png, sizeof(png) } };
	struct world *w = *state;
	struct buf why = { 0 };
	char want[80];

	assert_int_equal(
	    w->g->ops->fetch(w->g, "https://example.org/a.png", 1000, 77, &why), RES_OK);
	assert_int_equal(w->http.n, 1);
	assert_true(w->http.v[0].rq->stranger);
	assert_int_equal(w->g->ops->inflight(w->g), 0);
	end(&w->http.v[0], &a);
	snprintf(want, sizeof(want), "fetched:77:0:image/png:%zu: ", sizeof(png));
	assert_events(w, want);
	buf_free(&why);
}

static void
test_what_cannot_be_fetched_is_told_with_words(void **state)
{
	const struct http_answer missing = { .status = 404 };
	const struct http_answer broken = { .end = HTTP_BROKEN, .error = "x" };
	struct world *w = *state;
	struct buf why = { 0 };

	for (uint64_t i = 0; i < 2; i++)
		assert_int_equal(
		    w->g->ops->fetch(w->g, "https://example.org/a.png", 1000, i, &why), RES_OK);
	end(&w->http.v[0], &missing);
	assert_events(w, "fetched:0:4:-:0:words ");
	end(&w->http.v[1], &broken);
	assert_events(w, "fetched:1:5:-:0:words ");
	buf_free(&why);
}

static void
test_links_that_are_not_allowed_and_too_many_are_refused(void **state)
{
	struct world *w = *state;
	struct buf why = { 0 };

	assert_int_equal(
	    w->g->ops->fetch(w->g, "http://example.org/a.png", 1000, 1, &why), RES_INVALID);
	assert_true(why.len > 0);
	w->http.refuse = true;
	for (int i = 0; i < 100; i++)
		assert_int_equal(w->g->ops->fetch(w->g, "https://example.org/a", 9, 1, &why),
		    RES_TEMPFAIL);
	w->http.refuse = false;
	for (int i = 0; i < 64; i++)
		assert_int_equal(
		    w->g->ops->fetch(w->g, "https://example.org/a", 9, 1, &why), RES_OK);
	assert_int_equal(
	    w->g->ops->fetch(w->g, "https://example.org/a", 9, 1, &why), RES_TEMPFAIL);
	buf_free(&why);
}

/* -- Uploads ----------------------------------------------------------------------------------- */

static const struct http_answer created = { .status = 201 };

static void
test_an_upload_leaves_only_when_the_turn_is_on_disk(void **state)
{
	struct world *w = *state;
	const struct http_request *rq;

	assert_int_equal(upload(w, 7), RES_OK);
	assert_int_equal(w->http.n, 0);
	gateways_flush(w->g);
	assert_int_equal(w->http.n, 1);
	rq = w->http.v[0].rq;
	assert_string_equal(rq->method, "PUT");
	assert_string_equal(rq->url, "https://up.example.org/secret");
	assert_string_equal(buf_str(&rq->body), "{}");
	assert_int_equal(rq->timeout_ms, MINUTE_MS);
	assert_false(rq->stranger);
	assert_null(rq->ca_file);
	assert_int_equal(w->http.v[0].pool->connections, 8);
	/* It is nobody's SMS, and keeps nothing from ending. */
	assert_int_equal(w->g->ops->inflight(w->g), 0);
	gateways_flush(w->g);
	assert_int_equal(w->http.n, 1);
	end(&w->http.v[0], &created);
	assert_events(w, "uploaded:7:0 ");
}

static void
test_the_uploads_of_a_failed_turn_are_forgotten(void **state)
{
	struct world *w = *state;

	assert_int_equal(upload(w, 1), RES_OK);
	gateways_flush(w->g);
	for (uint64_t i = 2; i < 5; i++)
		assert_int_equal(upload(w, i), RES_OK);
	gateways_failed(w->g);
	gateways_flush(w->g);
	assert_int_equal(w->http.n, 1);
	/* What left in an earlier turn goes on. */
	end(&w->http.v[0], &created);
	assert_events(w, "uploaded:1:0 ");
	for (uint64_t i = 0; i < 8; i++)
		assert_int_equal(upload(w, i), RES_OK);
	gateways_failed(w->g);
}

static void
test_only_so_many_uploads_are_under_way(void **state)
{
	struct world *w = *state;

	for (uint64_t i = 0; i < 8; i++)
		assert_int_equal(upload(w, i), RES_OK);
	assert_int_equal(upload(w, 8), RES_TEMPFAIL);
	gateways_flush(w->g);
	assert_int_equal(w->http.n, 8);
	assert_int_equal(upload(w, 8), RES_TEMPFAIL);
	end(&w->http.v[3], &created);
	assert_int_equal(upload(w, 8), RES_OK);
	assert_int_equal(upload(w, 9), RES_TEMPFAIL);
	gateways_flush(w->g);
	end(&w->http.v[8], &created);
	assert_events(w, "uploaded:3:0 uploaded:8:0 ");
}

static void
test_what_was_not_uploaded_is_told_with_words(void **state)
{
	const struct http_answer refused = { .status = 403 };
	const struct http_answer broken = { .end = HTTP_BROKEN, .error = "x" };
	const struct http_answer unsent = { .end = HTTP_NOT_SENT, .error = "x" };
	const struct http_answer long_one = {
		.end = HTTP_TOO_LARGE, .status = 201, .error = "the answer is too large" };
	struct world *w = *state;

	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(upload(w, i), RES_OK);
	gateways_flush(w->g);
	end(&w->http.v[0], &refused);
	end(&w->http.v[1], &broken);
	end(&w->http.v[2], &unsent);
	end(&w->http.v[3], &long_one);
	assert_events(w, "uploaded:0:5 uploaded:1:5 uploaded:2:5 uploaded:3:0 ");
}

static void
test_an_upload_that_cannot_be_started_is_told_in_a_later_turn(void **state)
{
	struct world *w = *state;

	w->http.refuse = true;
	assert_int_equal(upload(w, 1), RES_OK);
	assert_int_equal(upload(w, 2), RES_OK);
	gateways_flush(w->g);
	assert_events(w, "");
	w->http.refuse = false;
	w->upload_again = true;
	timers_run(&w->timers, w->now);
	assert_events(w, "uploaded:1:5 uploaded:2:5 ");
	assert_int_equal(w->http.n, 0);
	gateways_flush(w->g);
	assert_int_equal(w->http.n, 1);
	end(&w->http.v[0], &created);
	assert_events(w, "uploaded:101:0 ");
}

static void
test_slots_that_are_none_are_refused(void **state)
{
	static const struct slot wrong[] = {
		{ .put = "ftp://up.example.org/a" },
		{ .put = "https://up.example.org/a", .headers = { { "Host", "x" } }, .nheaders = 1 },
	};
	struct world *w = *state;

	for (size_t i = 0; i < 20; i++)
		assert_int_equal(w->g->ops->upload(w->g, &wrong[i % 2], "text/plain", SPAN("x"), 1),
		    RES_INVALID);
	assert_int_equal(upload(w, 1), RES_OK);
	gateways_flush(w->g);
	assert_int_equal(w->http.n, 1);
}

static void
test_uploads_trust_those_whom_media_trust(void **state)
{
	struct world *w = *state;

	w->config.media.ca_file = "/etc/ssl/own.pem";
	assert_int_equal(gateways_configure(w->g, &w->config), RES_OK);
	assert_int_equal(upload(w, 1), RES_OK);
	gateways_flush(w->g);
	assert_string_equal(w->http.v[0].rq->ca_file, "/etc/ssl/own.pem");
}

static void
test_the_end_forgets_uploads_wherever_they_are(void **state)
{
	struct world *w = *state;

	assert_int_equal(upload(w, 1), RES_OK);
	gateways_flush(w->g);
	w->http.refuse = true;
	assert_int_equal(upload(w, 2), RES_OK);
	gateways_flush(w->g);
	assert_int_equal(upload(w, 3), RES_OK);
	gateways_free(&w->g);
	timers_run(&w->timers, w->now);
	assert_events(w, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_attempt_leaves_only_when_the_turn_is_on_disk),
		TEST(test_the_attempts_of_a_failed_turn_are_forgotten),
		TEST(test_what_cannot_be_written_is_refused_with_its_reason),
		TEST(test_each_end_has_its_outcome),
		TEST(test_what_cannot_be_started_has_an_outcome_in_a_later_turn),
		TEST(test_an_outcome_may_submit_another),
		TEST(test_nothing_is_told_after_the_end),
		TEST(test_room_is_told_when_a_full_gateway_has_some_again),
		TEST(test_room_is_told_when_the_rate_allows),
		TEST(test_the_breaker_opens_probes_and_closes),
		TEST(test_people_hear_of_an_incident_once),
		TEST(test_server_errors_count_as_failures_unless_they_are_clear),
		TEST(test_too_many_requests_is_left_alone_for_a_second),
		TEST(test_a_gateway_that_needs_a_person_is_paused_for_half_an_hour),
		TEST(test_retry_after_is_obeyed_without_alarm),
		TEST(test_a_reload_keeps_attempts_and_ends_a_pause),
		TEST(test_an_attempt_from_before_a_reload_pauses_nothing),
		TEST(test_the_attempts_of_a_removed_gateway_still_end),
		TEST(test_a_gateway_may_come_back),
		TEST(test_a_reload_without_memory_changes_nothing),
		TEST(test_the_url_of_a_report_is_given_to_the_driver),
		TEST(test_a_report_with_its_token_is_told),
		TEST(test_a_report_that_nobody_can_place_yet_is_to_come_again),
		TEST(test_each_url_is_taken_only_where_the_driver_uses_it),
		TEST(test_any_other_path_is_not_found),
		TEST(test_a_token_fits_one_packet_of_one_gateway),
		TEST(test_a_token_of_another_key_is_wrong),
		TEST(test_replies_say_what_became_of_the_report),
		TEST(test_any_name_of_a_gateway_makes_a_path),
		TEST(test_a_url_without_room_is_not_begun),
		TEST(test_the_longest_public_url_has_room),
		TEST(test_a_medium_is_fetched_at_once_and_told),
		TEST(test_what_cannot_be_fetched_is_told_with_words),
		TEST(test_links_that_are_not_allowed_and_too_many_are_refused),
		TEST(test_an_upload_leaves_only_when_the_turn_is_on_disk),
		TEST(test_the_uploads_of_a_failed_turn_are_forgotten),
		TEST(test_only_so_many_uploads_are_under_way),
		TEST(test_what_was_not_uploaded_is_told_with_words),
		TEST(test_an_upload_that_cannot_be_started_is_told_in_a_later_turn),
		TEST(test_slots_that_are_none_are_refused),
		TEST(test_uploads_trust_those_whom_media_trust),
		TEST(test_the_end_forgets_uploads_wherever_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
