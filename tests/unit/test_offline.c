#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "core/offline.h"

static void
check(enum offline choice, enum offline_action unknown, enum offline_action asked,
    enum offline_action online, enum offline_action offline)
{
	assert_int_equal(offline_action(choice, PRESENCE_UNKNOWN), unknown);
	assert_int_equal(offline_action(choice, PRESENCE_ASKED), asked);
	assert_int_equal(offline_action(choice, PRESENCE_ONLINE), online);
	assert_int_equal(offline_action(choice, PRESENCE_OFFLINE), offline);
}

static void
test_auto_holds_for_those_known_or_soon_known_to_be_offline(void **state)
{
	(void)state;
	check(OFFLINE_AUTO, ACTION_SEND, ACTION_HOLD, ACTION_SEND, ACTION_HOLD);
}

static void
test_hold_lets_go_only_when_online_and_asks_when_unknown(void **state)
{
	(void)state;
	check(OFFLINE_HOLD, ACTION_ASK, ACTION_HOLD, ACTION_SEND, ACTION_HOLD);
}

static void
test_server_sends_in_any_case(void **state)
{
	(void)state;
	check(OFFLINE_SERVER, ACTION_SEND, ACTION_SEND, ACTION_SEND, ACTION_SEND);
}

static void
test_drop_sends_only_to_those_online(void **state)
{
	(void)state;
	check(OFFLINE_DROP, ACTION_DROP, ACTION_HOLD, ACTION_SEND, ACTION_DROP);
}

static void
test_a_damaged_choice_keeps_the_message(void **state)
{
	static const int bad[] = { -1, 0, OFFLINE_END, 77 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(
		    offline_action((enum offline)bad[i], PRESENCE_ONLINE), ACTION_HOLD);
		assert_string_equal(offline_name((enum offline)bad[i]), "unknown");
	}
	assert_int_equal(offline_action(OFFLINE_SERVER, PRESENCE_END), ACTION_HOLD);
	assert_int_equal(offline_action(OFFLINE_SERVER, (enum presence) - 1), ACTION_HOLD);
}

static void
test_names_are_read_back(void **state)
{
	static const char *const names[] = { "auto", "hold", "server", "drop" };
	static const char *const bad[] = { "", "aut", "autos", " auto", "none", "unknown" };
	enum offline o = OFFLINE_DROP;

	(void)state;
	for (int i = OFFLINE_AUTO; i < OFFLINE_END; i++) {
		assert_string_equal(offline_name((enum offline)i), names[i - 1]);
		assert_int_equal(offline_parse(&o, span_of(names[i - 1])), RES_OK);
		assert_int_equal(o, i);
	}
	assert_int_equal(offline_parse(&o, SPAN("HOLD")), RES_OK);
	assert_int_equal(o, OFFLINE_HOLD);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(offline_parse(&o, span_of(bad[i])), RES_INVALID);
	assert_int_equal(offline_parse(&o, (struct span){ NULL, 0 }), RES_INVALID);
	assert_int_equal(o, OFFLINE_HOLD);
}

static void
check_meanings(enum bounce want, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(bounce_meaning(span_of(names[i]), SPAN("cancel")), want);
		assert_int_equal(bounce_meaning(span_of(names[i]), SPAN("wait")), want);
		assert_string_not_equal(
		    bounce_words(span_of(names[i])), bounce_words(SPAN("no-such-condition")));
	}
}

static void
test_conditions_mean_away_later_or_never(void **state)
{
	static const char *const away[] = { "service-unavailable", "recipient-unavailable" };
	static const char *const later[] = { "remote-server-timeout", "remote-server-not-found",
		"resource-constraint", "internal-server-error" };
	static const char *const never[] = { "item-not-found", "jid-malformed", "gone", "forbidden",
		"not-allowed", "not-authorized", "not-acceptable", "policy-violation",
		"bad-request", "feature-not-implemented", "redirect", "registration-required",
		"subscription-required", "conflict", "unexpected-request" };

	(void)state;
	check_meanings(BOUNCE_AWAY, away, sizeof(away) / sizeof(away[0]));
	check_meanings(BOUNCE_LATER, later, sizeof(later) / sizeof(later[0]));
	check_meanings(BOUNCE_NEVER, never, sizeof(never) / sizeof(never[0]));
}

static void
test_an_unknown_condition_counts_by_its_type(void **state)
{
	static const struct span names[] = { { "undefined-condition", 19 }, { "x", 1 }, { "", 0 },
		{ NULL, 0 }, { "gonee", 5 }, { "gon", 3 } };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(bounce_meaning(names[i], SPAN("wait")), BOUNCE_LATER);
		assert_int_equal(bounce_meaning(names[i], SPAN("cancel")), BOUNCE_NEVER);
		assert_int_equal(bounce_meaning(names[i], (struct span){ NULL, 0 }), BOUNCE_NEVER);
		assert_true(strlen(bounce_words(names[i])) > 0);
	}
}

static void
test_a_bounce_does_what_the_choice_says(void **state)
{
	static const enum bounce want[OFFLINE_END][3] = {
		[OFFLINE_AUTO] = { BOUNCE_AWAY, BOUNCE_LATER, BOUNCE_NEVER },
		[OFFLINE_HOLD] = { BOUNCE_AWAY, BOUNCE_LATER, BOUNCE_NEVER },
		[OFFLINE_SERVER] = { BOUNCE_NEVER, BOUNCE_LATER, BOUNCE_NEVER },
		[OFFLINE_DROP] = { BOUNCE_NEVER, BOUNCE_NEVER, BOUNCE_NEVER },
	};

	(void)state;
	for (int o = OFFLINE_AUTO; o < OFFLINE_END; o++)
		for (int b = BOUNCE_AWAY; b <= BOUNCE_NEVER; b++)
			assert_int_equal(bounce_for((enum offline)o, (enum bounce)b), want[o][b]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_auto_holds_for_those_known_or_soon_known_to_be_offline),
		cmocka_unit_test(test_hold_lets_go_only_when_online_and_asks_when_unknown),
		cmocka_unit_test(test_server_sends_in_any_case),
		cmocka_unit_test(test_drop_sends_only_to_those_online),
		cmocka_unit_test(test_a_damaged_choice_keeps_the_message),
		cmocka_unit_test(test_names_are_read_back),
		cmocka_unit_test(test_conditions_mean_away_later_or_never),
		cmocka_unit_test(test_an_unknown_condition_counts_by_its_type),
		cmocka_unit_test(test_a_bounce_does_what_the_choice_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
