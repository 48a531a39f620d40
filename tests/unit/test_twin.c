#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmpp/stanza.h"
#include "xmpp/twin.h"

#define NONCE   "0123456789abcdef0123456789abcdef"
#define IDS_MAX 512

struct world {
	int64_t now;
	struct clock clock;
	struct timers timers;
	xmpp_ctx_t *ctx;
	struct twin *twin;
	char ids[IDS_MAX][TWIN_ID_MAX];
	size_t n; /* pings since the start */
	unsigned noticed;
	bool ends_stream; /* when told */
};

static int64_t
now_of(void *arg)
{
	return ((struct world *)arg)->now;
}

static void
on_ping(void *arg, const char *id)
{
	struct world *w = arg;

	assert_true(w->n < IDS_MAX);
	snprintf(w->ids[w->n++], TWIN_ID_MAX, "%s", id);
}

static void
on_noticed(void *arg)
{
	struct world *w = arg;

	w->noticed++;
	if (w->ends_stream)
		twin_down(w->twin);
}

static struct twin *
new_one(struct world *w)
{
	const struct twin_env env = {
		.clock = &w->clock,
		.timers = &w->timers,
		.ping = on_ping,
		.noticed = on_noticed,
		.arg = w,
	};

	return twin_new(&env);
}

static int
begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return 1;
	w->now = HOUR_MS;
	w->clock = (struct clock){ .wall_ms = now_of, .mono_ms = now_of, .arg = w };
	w->ctx = xmpp_ctx_new(NULL, NULL);
	w->twin = new_one(w);
	*state = w;
	return w->twin == NULL;
}

static int
end(void **state)
{
	struct world *w = *state;

	twin_free(&w->twin);
	assert_null(w->twin);
	twin_free(&w->twin);
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
	xmpp_ctx_free(w->ctx);
	free(w);
	return 0;
}

/* Through every instant that is asked for. */
static void
passes(struct world *w, int64_t ms)
{
	int64_t until = w->now + ms, next;

	while ((next = timers_next(&w->timers)) <= until) {
		w->now = next > w->now ? next : w->now;
		timers_run(&w->timers, w->now);
	}
	w->now = until;
}

static void
hears(struct world *w, const char *type, const char *id)
{
	xmpp_stanza_t *iq = xmpp_iq_new(w->ctx, type, id);

	assert_non_null(iq);
	twin_heard(w->twin, iq);
	xmpp_stanza_release(iq);
}

static void
comes_back(struct world *w, size_t i)
{
	assert_true(i < w->n);
	hears(w, "get", w->ids[i]);
}

static void
all_come_back(struct world *w, size_t from)
{
	for (size_t i = from; i < w->n; i++)
		comes_back(w, i);
}

/* -- Pings ------------------------------------------------------------------------------------- */

static void
test_eight_pings_at_first_and_then_one_a_minute(void **state)
{
	struct world *w = *state;

	assert_int_equal(w->n, 0);
	twin_up(w->twin);
	assert_int_equal(w->n, 8);
	for (size_t n = 8; n < 20; n++) {
		all_come_back(w, n == 8 ? 0 : n - 1);
		passes(w, 59999);
		assert_int_equal(w->n, n);
		passes(w, 1);
		assert_int_equal(w->n, n + 1);
	}
	assert_int_equal(w->noticed, 0);
	assert_int_equal(twin_count(w->twin), 0);
}

static void
test_ids_have_the_nonce_of_their_process(void **state)
{
	struct world *w = *state;
	struct twin *other = new_one(w);
	size_t nonce_end = strlen("self-") + 32;

	assert_non_null(other);
	twin_up(w->twin);
	twin_up(other);
	twin_free(&other);
	for (size_t i = 0; i < 16; i++) {
		assert_true(strncmp(w->ids[i], "self-", 5) == 0);
		assert_int_equal(strspn(w->ids[i] + 5, "0123456789abcdef"), 32);
		assert_int_equal(w->ids[i][nonce_end], '-');
		assert_int_equal(
		    strncmp(w->ids[i], w->ids[i < 8 ? 0 : 8], nonce_end), 0);
	}
	assert_true(strncmp(w->ids[0], w->ids[8], nonce_end) != 0);
	assert_string_not_equal(w->ids[0], w->ids[1]);
}

static void
test_nothing_is_sent_without_a_stream(void **state)
{
	struct world *w = *state;

	twin_up(w->twin);
	comes_back(w, 1);
	twin_down(w->twin);
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
	passes(w, HOUR_MS);
	assert_int_equal(w->n, 8);
	assert_int_equal(w->noticed, 0);
	twin_down(w->twin);
}

/* -- What stays away --------------------------------------------------------------------------- */

static void
test_a_ping_that_a_later_one_overtook_is_a_twin_after_20_seconds(void **state)
{
	struct world *w = *state;

	twin_up(w->twin);
	for (size_t i = 0; i < 8; i++)
		if (i != 3)
			comes_back(w, i);
	passes(w, 19999);
	assert_int_equal(w->noticed, 0);
	passes(w, 1);
	assert_int_equal(w->noticed, 1);
	assert_int_equal(twin_count(w->twin), 1);
	/* The next round is judged by itself. */
	passes(w, 40000);
	all_come_back(w, 8);
	passes(w, 10 * MINUTE_MS);
	assert_int_equal(w->noticed, 1);
}

static void
test_a_server_that_swaps_two_pings_is_no_twin(void **state)
{
	struct world *w = *state;

	twin_up(w->twin);
	for (size_t i = 8; i-- > 0;)
		comes_back(w, i);
	passes(w, MINUTE_MS);
	assert_int_equal(w->noticed, 0);
	assert_int_equal(w->n, 9);
}

static void
test_a_server_that_gives_nothing_back_is_no_twin(void **state)
{
	struct world *w = *state;

	twin_up(w->twin);
	passes(w, HOUR_MS);
	/* Nor is it asked more than needed. */
	assert_int_equal(w->n, 8 + 60);
	assert_int_equal(w->noticed, 0);
	/* It learns to: what stayed away before says nothing. */
	passes(w, 5000);
	comes_back(w, w->n - 3);
	comes_back(w, w->n - 1);
	passes(w, 5 * MINUTE_MS);
	assert_int_equal(w->noticed, 0);
}

static void
test_a_refusal_to_route_is_no_ping_that_came_back(void **state)
{
	struct world *w = *state;

	twin_up(w->twin);
	hears(w, "error", w->ids[7]);
	hears(w, "result", w->ids[7]);
	hears(w, "set", w->ids[7]);
	passes(w, 10 * MINUTE_MS);
	assert_int_equal(w->noticed, 0);
	assert_int_equal(w->n, 8 + 10);
}

static void
test_a_server_that_stands_still_is_no_twin(void **state)
{
	struct world *w = *state;

	twin_up(w->twin);
	for (size_t i = 0; i < 5; i++)
		comes_back(w, i);
	passes(w, 5 * MINUTE_MS);
	assert_int_equal(w->noticed, 0);
	/* It goes on where it stood. */
	for (size_t i = 5; i < w->n; i++)
		comes_back(w, i);
	passes(w, 5 * MINUTE_MS);
	assert_int_equal(w->noticed, 0);
}

static void
test_one_that_stays_away_is_followed_by_eight(void **state)
{
	struct world *w = *state;

	twin_up(w->twin);
	all_come_back(w, 0);
	passes(w, MINUTE_MS);
	assert_int_equal(w->n, 9);
	passes(w, 59999);
	assert_int_equal(w->n, 9);
	passes(w, 1);
	assert_int_equal(w->n, 17);
	comes_back(w, 9);
	passes(w, 20000);
	assert_int_equal(w->noticed, 1);
}

static void
test_a_twin_is_told_of_once_a_minute_as_long_as_there_is_one(void **state)
{
	struct world *w = *state;

	twin_up(w->twin);
	for (unsigned minute = 1; minute <= 10; minute++) {
		comes_back(w, w->n - 1);
		hears(w, "get", "self-" NONCE "-1");
		passes(w, 11000);
		hears(w, "get", "self-" NONCE "-1");
		hears(w, "get", "self-" NONCE "-2");
		passes(w, 49000);
		assert_int_equal(w->noticed, minute);
		assert_int_equal(twin_count(w->twin), minute);
	}
	/* It is stopped: what it had sent away is overtaken for the last time. */
	passes(w, 2 * MINUTE_MS);
	all_come_back(w, 0);
	passes(w, MINUTE_MS);
	unsigned last = w->noticed;
	for (int i = 0; i < 10; i++) {
		all_come_back(w, 0);
		passes(w, MINUTE_MS);
	}
	assert_int_equal(w->noticed, last);
}

static void
test_every_pattern_of_eight_is_judged_by_its_gaps(void **state)
{
	struct world *w = *state;
	unsigned unseen = 0;

	for (unsigned pattern = 0; pattern < 256; pattern++) {
		/* All that came are the first ones: 0, 1, 11, 111, ... */
		bool gap = (pattern & (pattern + 1)) != 0;

		w->n = 0;
		w->noticed = 0;
		twin_up(w->twin);
		for (size_t i = 0; i < 8; i++)
			if (pattern & 1u << i)
				comes_back(w, i);
		passes(w, 20000);
		assert_int_equal(w->noticed, gap);
		unseen += !gap;
		twin_down(w->twin);
		passes(w, MINUTE_MS);
	}
	assert_int_equal(unseen, 9);
}

/* -- What is foreign --------------------------------------------------------------------------- */

static void
test_a_ping_of_another_process_is_a_twin_at_once(void **state)
{
	struct world *w = *state;

	twin_up(w->twin);
	all_come_back(w, 0);
	passes(w, 30000);
	hears(w, "get", "self-" NONCE "-1");
	assert_int_equal(w->noticed, 1);
}

static void
test_late_pings_of_our_former_process_are_no_twin(void **state)
{
	struct world *w = *state;

	twin_up(w->twin);
	all_come_back(w, 0);
	hears(w, "get", "self-" NONCE "-41");
	passes(w, 9999);
	hears(w, "get", "self-" NONCE "-42");
	assert_int_equal(w->noticed, 0);
	passes(w, 1);
	hears(w, "get", "self-" NONCE "-42");
	assert_int_equal(w->noticed, 1);
}

static void
test_pings_of_a_former_stream_of_ours_count_for_nothing(void **state)
{
	struct world *w = *state;

	twin_up(w->twin);
	passes(w, 5000);
	twin_down(w->twin);
	passes(w, 5000);
	twin_up(w->twin);
	assert_int_equal(w->n, 16);
	/* Of the first stream some come late, of this one all. */
	comes_back(w, 2);
	comes_back(w, 7);
	all_come_back(w, 8);
	passes(w, MINUTE_MS);
	assert_int_equal(w->noticed, 0);
	twin_down(w->twin);
	/* Now only old ones come: this server has not shown that it gives us our own. */
	twin_up(w->twin);
	comes_back(w, 12);
	comes_back(w, 9);
	passes(w, 10 * MINUTE_MS);
	assert_int_equal(w->noticed, 0);
	assert_int_equal(w->n, 16 + 1 + 8 + 10);
}

static void
test_what_is_no_ping_of_a_laterd_is_ignored(void **state)
{
	static const char *const ids[] = {
		"", "self", "self-", "self-" NONCE, "self-" NONCE "-", "self-" NONCE "-x",
		"self-" NONCE "-1x", "self-" NONCE "--1", "self-" NONCE " 1",
		"self-" NONCE "0-1", "self-0123456789abcdef-1",
		"self-0123456789ABCDEF0123456789ABCDEF-1",
		"self-0123456789abcdef0123456789abcdeg-1",
		"self-" NONCE "-1234567890123456", "self-" NONCE "-99999999999999999999999",
		"xself-" NONCE "-1", "settle-1", "batch-1",
	};
	struct world *w = *state;
	char long_id[4000];

	twin_up(w->twin);
	all_come_back(w, 0);
	passes(w, 30000);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		hears(w, "get", ids[i]);
	memset(long_id, '1', sizeof(long_id) - 1);
	long_id[sizeof(long_id) - 1] = '\0';
	memcpy(long_id, "self-" NONCE "-", strlen("self-" NONCE "-"));
	hears(w, "get", long_id);
	hears(w, "result", "self-" NONCE "-1");
	hears(w, "error", "self-" NONCE "-1");
	hears(w, "set", "self-" NONCE "-1");
	hears(w, "get", NULL);
	assert_int_equal(w->noticed, 0);
}

static void
test_numbers_we_have_not_sent_count_for_nothing(void **state)
{
	struct world *w = *state;
	char id[TWIN_ID_MAX];

	twin_up(w->twin);
	for (size_t i = 0; i < 2; i++) {
		snprintf(id, sizeof(id), "%.38s%s", w->ids[0], i == 0 ? "0" : "999999999999999");
		hears(w, "get", id);
	}
	snprintf(id, sizeof(id), "%.38s9", w->ids[0]);
	hears(w, "get", id);
	passes(w, 20000);
	assert_int_equal(w->noticed, 0);
	passes(w, 10 * MINUTE_MS);
	assert_int_equal(w->n, 8 + 10);
}

static void
test_the_report_may_end_the_stream(void **state)
{
	struct world *w = *state;

	w->ends_stream = true;
	twin_up(w->twin);
	comes_back(w, 5);
	passes(w, 20000);
	assert_int_equal(w->noticed, 1);
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
	passes(w, MINUTE_MS);
	assert_int_equal(w->n, 8);
}

int
main(void)
{
#define with_twin(test) cmocka_unit_test_setup_teardown(test, begin, end)
	const struct CMUnitTest tests[] = {
		with_twin(test_eight_pings_at_first_and_then_one_a_minute),
		with_twin(test_ids_have_the_nonce_of_their_process),
		with_twin(test_nothing_is_sent_without_a_stream),
		with_twin(test_a_ping_that_a_later_one_overtook_is_a_twin_after_20_seconds),
		with_twin(test_a_server_that_swaps_two_pings_is_no_twin),
		with_twin(test_a_server_that_gives_nothing_back_is_no_twin),
		with_twin(test_a_refusal_to_route_is_no_ping_that_came_back),
		with_twin(test_a_server_that_stands_still_is_no_twin),
		with_twin(test_one_that_stays_away_is_followed_by_eight),
		with_twin(test_a_twin_is_told_of_once_a_minute_as_long_as_there_is_one),
		with_twin(test_every_pattern_of_eight_is_judged_by_its_gaps),
		with_twin(test_a_ping_of_another_process_is_a_twin_at_once),
		with_twin(test_late_pings_of_our_former_process_are_no_twin),
		with_twin(test_pings_of_a_former_stream_of_ours_count_for_nothing),
		with_twin(test_what_is_no_ping_of_a_laterd_is_ignored),
		with_twin(test_numbers_we_have_not_sent_count_for_nothing),
		with_twin(test_the_report_may_end_the_stream),
	};
#undef with_twin

	return cmocka_run_group_tests(tests, NULL, NULL);
}
