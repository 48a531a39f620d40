#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmpp/presence.h"

#define ROMEO "romeo@example.net"
#define JULIET "juliet@example.org"

/* The tracker in a world of its own clock; what it reports is a text. */
struct world {
	int64_t now;
	struct clock clock;
	struct timers timers;
	struct tracker *t;
	struct buf text;
	bool unwatch; /* in the report */
};

static int64_t
world_now(void *arg)
{
	return ((struct world *)arg)->now;
}

static void
on_changed(void *arg, const char *bare, enum presence value)
{
	struct world *w = arg;

	buf_printf(&w->text, "%s %s\n", bare, value == PRESENCE_ONLINE ? "online" : "offline");
	if (w->unwatch)
		tracker_unwatch(w->t, bare);
}

static void
on_probe(void *arg, const char *bare)
{
	buf_printf(&((struct world *)arg)->text, "probe %s\n", bare);
}

static const struct presence_events events = { .changed = on_changed, .probe = on_probe };

static int
begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return 1;
	w->now = 1000;
	w->clock = (struct clock){ .wall_ms = world_now, .mono_ms = world_now, .arg = w };
	w->t = tracker_new(&w->clock, &w->timers, &events, w);
	*state = w;
	return w->t == NULL;
}

static int
end(void **state)
{
	struct world *w = *state;

	tracker_free(&w->t);
	assert_null(w->t);
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
	buf_free(&w->text);
	free(w);
	return 0;
}

static void
pass(struct world *w, int64_t ms)
{
	w->now += ms;
	timers_run(&w->timers, w->now);
}

/* Wants what was reported since the last call. */
static void
assert_told(struct world *w, const char *want)
{
	assert_string_equal(buf_str(&w->text), want);
	buf_reset(&w->text);
}

static void
available(struct world *w, const char *from, int priority)
{
	struct jid jid;

	assert_int_equal(jid_parse_text(&jid, from), RES_OK);
	tracker_available(w->t, &jid, priority);
}

static void
unavailable(struct world *w, const char *from)
{
	struct jid jid;

	assert_int_equal(jid_parse_text(&jid, from), RES_OK);
	tracker_unavailable(w->t, &jid);
}

static void
test_strangers_are_unknown_and_forgotten(void **state)
{
	struct world *w = *state;

	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_UNKNOWN);
	available(w, ROMEO "/orchard", 0);
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_UNKNOWN);
	unavailable(w, ROMEO "/orchard");
	unavailable(w, ROMEO);
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_UNKNOWN);
	assert_told(w, "");
}

static void
test_a_watched_one_is_probed_once(void **state)
{
	struct world *w = *state;

	tracker_watch(w->t, ROMEO);
	tracker_watch(w->t, ROMEO);
	assert_told(w, "probe " ROMEO "\n");
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_ASKED);
	available(w, ROMEO "/orchard", 5);
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_ONLINE);
	available(w, ROMEO "/orchard", 5);
	assert_told(w, ROMEO " online\n");
	pass(w, HOUR_MS);
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_ONLINE);
	assert_told(w, "");
}

static void
test_silence_means_offline_after_ten_seconds(void **state)
{
	struct world *w = *state;

	tracker_watch(w->t, ROMEO);
	pass(w, 4000);
	tracker_watch(w->t, JULIET);
	buf_reset(&w->text);
	assert_int_equal(timers_next(&w->timers), 11000);
	pass(w, 5999);
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_ASKED);
	pass(w, 1);
	assert_told(w, ROMEO " offline\n");
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_OFFLINE);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_ASKED);
	pass(w, 4000);
	assert_told(w, JULIET " offline\n");
	/* They can still come online. */
	available(w, ROMEO "/x", 0);
	assert_told(w, ROMEO " online\n");
}

static void
test_unavailable_from_the_bare_address_answers_the_probe(void **state)
{
	struct world *w = *state;

	tracker_watch(w->t, ROMEO);
	buf_reset(&w->text);
	unavailable(w, ROMEO);
	assert_told(w, ROMEO " offline\n");
	pass(w, MINUTE_MS);
	assert_told(w, "");
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
}

static void
test_the_last_resource_counts(void **state)
{
	struct world *w = *state;

	tracker_watch(w->t, ROMEO);
	available(w, ROMEO "/a", 0);
	available(w, ROMEO "/b", 127);
	buf_reset(&w->text);
	unavailable(w, ROMEO "/a");
	unavailable(w, ROMEO "/c");
	assert_told(w, "");
	unavailable(w, ROMEO "/b");
	assert_told(w, ROMEO " offline\n");
}

static void
test_a_negative_priority_is_not_online(void **state)
{
	struct world *w = *state;

	tracker_watch(w->t, ROMEO);
	buf_reset(&w->text);
	available(w, ROMEO "/a", -1);
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_ASKED);
	pass(w, 10000);
	assert_told(w, ROMEO " offline\n");
	available(w, ROMEO "/a", 0);
	assert_told(w, ROMEO " online\n");
	available(w, ROMEO "/a", -1);
	assert_told(w, ROMEO " offline\n");
}

static void
test_unavailable_from_the_bare_address_ends_all_resources(void **state)
{
	struct world *w = *state;

	tracker_watch(w->t, ROMEO);
	available(w, ROMEO "/a", 0);
	available(w, ROMEO "/b", 0);
	buf_reset(&w->text);
	unavailable(w, ROMEO);
	assert_told(w, ROMEO " offline\n");
	unavailable(w, ROMEO "/a");
	assert_told(w, "");
}

static void
test_a_domain_that_shows_all_has_no_unknown(void **state)
{
	struct world *w = *state;

	tracker_scope(w->t, "example.org", SCOPE_ALL);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_OFFLINE);
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_UNKNOWN);
	available(w, JULIET "/balcony", 0);
	assert_told(w, JULIET " online\n");
	/* Prosody says this as a side effect of a subscription request. */
	unavailable(w, JULIET);
	assert_told(w, "");
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_ONLINE);
	unavailable(w, JULIET "/balcony");
	assert_told(w, JULIET " offline\n");
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_OFFLINE);
	/* Silence disproves nothing here: the server shows every end. */
	available(w, "nurse@example.org/a", 0);
	tracker_watch(w->t, "nurse@example.org");
	pass(w, 10000);
	assert_told(w, "nurse@example.org online\nprobe nurse@example.org\n");
	assert_int_equal(tracker_value(w->t, "nurse@example.org"), PRESENCE_ONLINE);
	/* Nobody waits for the probe of one of whom all is known. */
	tracker_watch(w->t, JULIET);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_OFFLINE);
	available(w, JULIET "/balcony", 0);
	pass(w, MINUTE_MS);
	assert_told(w, "probe " JULIET "\n" JULIET " online\n");
}

static void
test_a_domain_that_shows_some_never_says_offline(void **state)
{
	struct world *w = *state;

	tracker_scope(w->t, "example.org", SCOPE_SOME);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_UNKNOWN);
	available(w, JULIET "/balcony", 0);
	assert_told(w, JULIET " online\n");
	unavailable(w, JULIET "/balcony");
	assert_told(w, "");
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_UNKNOWN);
}

static void
test_what_a_domain_that_shows_some_said_is_forgotten_after_a_minute(void **state)
{
	struct world *w = *state;

	tracker_scope(w->t, "example.org", SCOPE_SOME);
	available(w, JULIET "/balcony", 0);
	assert_told(w, JULIET " online\n");
	pass(w, 30000);
	available(w, "nurse@example.org/a", 0);
	pass(w, 29999);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_ONLINE);
	/* The value does not wait for the timer. */
	w->now += 1;
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_UNKNOWN);
	pass(w, 0);
	assert_int_equal(tracker_value(w->t, "nurse@example.org"), PRESENCE_ONLINE);
	pass(w, 30000);
	assert_int_equal(tracker_value(w->t, "nurse@example.org"), PRESENCE_UNKNOWN);
	assert_told(w, "nurse@example.org online\n");
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
	/* And it releases again what is held by then. */
	available(w, JULIET "/balcony", 0);
	assert_told(w, JULIET " online\n");
	/* A presence renews it, without another report. */
	pass(w, 59000);
	available(w, JULIET "/balcony", 5);
	pass(w, 59999);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_ONLINE);
	pass(w, 1);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_UNKNOWN);
	assert_told(w, "");
}

static void
test_each_resource_grows_old_by_itself(void **state)
{
	struct world *w = *state;
	int i;

	tracker_scope(w->t, "example.org", SCOPE_SOME);
	available(w, JULIET "/a", 0);
	pass(w, 50000);
	available(w, JULIET "/b", -1);
	assert_told(w, JULIET " online\n");
	pass(w, 10000);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_UNKNOWN);
	available(w, JULIET "/c", 0);
	assert_told(w, JULIET " online\n");
	/* What has grown old does not count again when the probe begins, and takes no room. */
	pass(w, 59000);
	available(w, JULIET "/b", -1);
	pass(w, 1000);
	tracker_watch(w->t, JULIET);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_ASKED);
	tracker_unwatch(w->t, JULIET);
	buf_reset(&w->text);
	for (i = 0; i < 100; i++) {
		char from[64];

		snprintf(from, sizeof(from), JULIET "/%d", i);
		pass(w, 30000);
		available(w, from, 0);
	}
	assert_told(w, JULIET " online\n");
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_ONLINE);
}

static void
test_only_what_is_not_watched_and_shown_in_part_grows_old(void **state)
{
	struct world *w = *state;

	tracker_scope(w->t, "example.org", SCOPE_SOME);
	tracker_scope(w->t, "example.com", SCOPE_ALL);
	available(w, "a@example.com/x", 0);
	tracker_watch(w->t, JULIET);
	available(w, JULIET "/balcony", 0);
	pass(w, HOUR_MS);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_ONLINE);
	assert_int_equal(tracker_value(w->t, "a@example.com"), PRESENCE_ONLINE);
	buf_reset(&w->text);
	/* The end of the subscription, and of the rest of the sight. */
	tracker_unwatch(w->t, JULIET);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_UNKNOWN);
	available(w, "a@example.com/x", 0);
	tracker_scope(w->t, "example.com", SCOPE_SOME);
	assert_int_equal(tracker_value(w->t, "a@example.com"), PRESENCE_ONLINE);
	pass(w, 60000);
	assert_int_equal(tracker_value(w->t, "a@example.com"), PRESENCE_UNKNOWN);
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
	assert_told(w, "");
	/* One who is watched in time is not forgotten. */
	available(w, JULIET "/balcony", 0);
	tracker_watch(w->t, JULIET);
	available(w, JULIET "/balcony", 0);
	pass(w, HOUR_MS);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_ONLINE);
	available(w, "nurse@example.org/x", 0);
	tracker_scope(w->t, "example.org", SCOPE_ALL);
	pass(w, HOUR_MS);
	assert_int_equal(tracker_value(w->t, "nurse@example.org"), PRESENCE_ONLINE);
}

static void
test_silence_disproves_what_a_domain_that_shows_some_said(void **state)
{
	struct world *w = *state;

	tracker_scope(w->t, "example.org", SCOPE_SOME);
	available(w, JULIET "/gone", 0);
	buf_reset(&w->text);
	tracker_watch(w->t, JULIET);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_ONLINE);
	pass(w, 10000);
	assert_told(w, "probe " JULIET "\n" JULIET " offline\n");
	/* With an answer, only what was confirmed stays. */
	tracker_unwatch(w->t, JULIET);
	available(w, JULIET "/gone", 0);
	tracker_watch(w->t, JULIET);
	available(w, JULIET "/there", 0);
	pass(w, 10000);
	buf_reset(&w->text);
	unavailable(w, JULIET "/there");
	assert_told(w, JULIET " offline\n");
}

static void
test_the_end_of_a_subscription_leaves_the_scope(void **state)
{
	struct world *w = *state;

	tracker_scope(w->t, "example.org", SCOPE_ALL);
	tracker_watch(w->t, ROMEO);
	tracker_watch(w->t, JULIET);
	available(w, ROMEO "/a", 0);
	available(w, JULIET "/a", 0);
	tracker_unwatch(w->t, ROMEO);
	tracker_unwatch(w->t, JULIET);
	buf_reset(&w->text);
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_UNKNOWN);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_ONLINE);
	pass(w, MINUTE_MS);
	assert_told(w, "");
}

static void
test_a_scope_learnt_late_settles_who_waits(void **state)
{
	struct world *w = *state;

	tracker_watch(w->t, JULIET);
	tracker_watch(w->t, "nurse@example.org");
	tracker_watch(w->t, ROMEO);
	buf_reset(&w->text);
	w->unwatch = true;
	tracker_scope(w->t, "example.org", SCOPE_ALL);
	assert_non_null(strstr(buf_str(&w->text), JULIET " offline\n"));
	assert_non_null(strstr(buf_str(&w->text), "nurse@example.org offline\n"));
	assert_null(strstr(buf_str(&w->text), ROMEO));
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_ASKED);
}

static void
test_a_scope_taken_back_forgets(void **state)
{
	struct world *w = *state;

	tracker_scope(w->t, "example.org", SCOPE_ALL);
	available(w, JULIET "/a", 0);
	tracker_scope(w->t, "example.org", SCOPE_NONE);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_UNKNOWN);
	available(w, JULIET "/a", 0);
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_UNKNOWN);
}

static void
test_reset_forgets_everything_silently(void **state)
{
	struct world *w = *state;

	tracker_scope(w->t, "example.org", SCOPE_ALL);
	tracker_watch(w->t, ROMEO);
	available(w, JULIET "/a", 0);
	available(w, ROMEO "/a", 0);
	buf_reset(&w->text);
	tracker_reset(w->t);
	assert_told(w, "");
	assert_int_equal(tracker_value(w->t, JULIET), PRESENCE_UNKNOWN);
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_UNKNOWN);
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
	tracker_watch(w->t, ROMEO);
	assert_told(w, "probe " ROMEO "\n");
}

static void
test_resources_are_bounded(void **state)
{
	struct world *w = *state;
	char from[64];
	int i;

	tracker_watch(w->t, ROMEO);
	for (i = 0; i < 32; i++) {
		snprintf(from, sizeof(from), ROMEO "/%d", i);
		available(w, from, -1);
	}
	buf_reset(&w->text);
	available(w, ROMEO "/one-too-many", 0);
	assert_told(w, "");
	unavailable(w, ROMEO "/7");
	available(w, ROMEO "/now-there-is-room", 0);
	assert_told(w, ROMEO " online\n");
}

static void
test_who_is_doubted_counts_as_online_until_they_do_not_answer(void **state)
{
	struct world *w = *state;

	tracker_doubt(w->t, ROMEO);
	assert_told(w, "");
	tracker_watch(w->t, ROMEO);
	tracker_doubt(w->t, ROMEO);
	available(w, ROMEO "/home", 0);
	assert_told(w, "probe " ROMEO "\n" ROMEO " online\n");
	pass(w, 11 * SECOND_MS);
	assert_true(tracker_is_sure(w->t, ROMEO));
	tracker_doubt(w->t, ROMEO);
	tracker_doubt(w->t, ROMEO);
	assert_told(w, "probe " ROMEO "\n");
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_ONLINE);
	assert_false(tracker_is_sure(w->t, ROMEO));
	/* An answer is no news, or what they return could go back and forth for ever. */
	available(w, ROMEO "/home", 0);
	pass(w, 11 * SECOND_MS);
	assert_told(w, "");
	assert_true(tracker_is_sure(w->t, ROMEO));
	tracker_doubt(w->t, ROMEO);
	pass(w, 11 * SECOND_MS);
	assert_told(w, "probe " ROMEO "\n" ROMEO " offline\n");
	available(w, ROMEO "/home", 0);
	assert_told(w, ROMEO " online\n");
}

static void
test_who_is_shown_in_part_is_sure_for_a_moment(void **state)
{
	struct world *w = *state;

	tracker_scope(w->t, "example.net", SCOPE_SOME);
	available(w, ROMEO "/home", -1);
	assert_false(tracker_is_sure(w->t, ROMEO));
	available(w, ROMEO "/home", 0);
	pass(w, 14 * SECOND_MS);
	assert_true(tracker_is_sure(w->t, ROMEO));
	pass(w, SECOND_MS);
	assert_false(tracker_is_sure(w->t, ROMEO));
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_ONLINE);
	tracker_watch(w->t, ROMEO);
	assert_false(tracker_is_sure(w->t, ROMEO));
	available(w, ROMEO "/home", 0);
	pass(w, HOUR_MS);
	assert_true(tracker_is_sure(w->t, ROMEO));
}

static void
test_who_is_shown_whole_is_not_doubted(void **state)
{
	struct world *w = *state;

	tracker_scope(w->t, "example.net", SCOPE_ALL);
	tracker_watch(w->t, ROMEO);
	available(w, ROMEO "/home", 0);
	buf_reset(&w->text);
	tracker_doubt(w->t, ROMEO);
	assert_told(w, "");
	assert_int_equal(tracker_value(w->t, ROMEO), PRESENCE_ONLINE);
}

static void
test_a_report_may_end_the_subscription(void **state)
{
	struct world *w = *state;
	char bare[64];
	int i;

	w->unwatch = true;
	for (i = 0; i < 1000; i++) {
		snprintf(bare, sizeof(bare), "user%d@example.net", i);
		tracker_watch(w->t, bare);
	}
	buf_reset(&w->text);
	pass(w, 10000);
	assert_non_null(strstr(buf_str(&w->text), "user999@example.net offline\n"));
	assert_int_equal(tracker_value(w->t, "user999@example.net"), PRESENCE_UNKNOWN);
}

#define with_world(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_world(test_strangers_are_unknown_and_forgotten),
		with_world(test_a_watched_one_is_probed_once),
		with_world(test_silence_means_offline_after_ten_seconds),
		with_world(test_unavailable_from_the_bare_address_answers_the_probe),
		with_world(test_the_last_resource_counts),
		with_world(test_a_negative_priority_is_not_online),
		with_world(test_unavailable_from_the_bare_address_ends_all_resources),
		with_world(test_a_domain_that_shows_all_has_no_unknown),
		with_world(test_a_domain_that_shows_some_never_says_offline),
		with_world(test_what_a_domain_that_shows_some_said_is_forgotten_after_a_minute),
		with_world(test_each_resource_grows_old_by_itself),
		with_world(test_only_what_is_not_watched_and_shown_in_part_grows_old),
		with_world(test_silence_disproves_what_a_domain_that_shows_some_said),
		with_world(test_the_end_of_a_subscription_leaves_the_scope),
		with_world(test_a_scope_learnt_late_settles_who_waits),
		with_world(test_a_scope_taken_back_forgets),
		with_world(test_reset_forgets_everything_silently),
		with_world(test_resources_are_bounded),
		with_world(test_who_is_doubted_counts_as_online_until_they_do_not_answer),
		with_world(test_who_is_shown_in_part_is_sure_for_a_moment),
		with_world(test_who_is_shown_whole_is_not_doubted),
		with_world(test_a_report_may_end_the_subscription),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
