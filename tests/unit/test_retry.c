#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/retry.h"

static void
test_the_wait_doubles_up_to_its_maximum(void **state)
{
	const struct retry_policy p = { .first_ms = 1000, .max_ms = 60000 };
	static const int64_t whole[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };

	(void)state;
	for (int32_t i = 0; i < 8; i++) {
		assert_int_equal(retry_wait_ms(&p, i, UINT32_MAX), whole[i]);
		assert_int_equal(retry_wait_ms(&p, i, 0), whole[i] / 2);
		int64_t middle = retry_wait_ms(&p, i, UINT32_MAX / 2);
		assert_true(middle >= whole[i] * 3 / 4 - 1 && middle <= whole[i] * 3 / 4 + 1);
	}
}

static void
test_any_random_number_stays_between_half_and_whole(void **state)
{
	const struct retry_policy p = { .first_ms = 777, .max_ms = INT64_MAX };
	uint32_t random = 1;

	(void)state;
	for (int32_t i = 0; i < 200; i++)
		for (int k = 0; k < 50; k++) {
			random = random * 1664525 + 1013904223;
			int64_t whole = retry_wait_ms(&p, i, UINT32_MAX);
			int64_t wait = retry_wait_ms(&p, i, random);
			assert_true(wait >= whole / 2 && wait <= whole);
		}
}

static void
test_many_attempts_do_not_overflow(void **state)
{
	const struct retry_policy p = { .first_ms = 1, .max_ms = INT64_MAX };
	const struct retry_policy q = { .first_ms = INT64_MAX, .max_ms = INT64_MAX };

	(void)state;
	assert_true(retry_wait_ms(&p, 62, UINT32_MAX) == INT64_C(1) << 62);
	assert_true(retry_wait_ms(&p, 63, UINT32_MAX) == INT64_MAX);
	assert_true(retry_wait_ms(&p, INT32_MAX, UINT32_MAX) == INT64_MAX);
	assert_true(retry_wait_ms(&q, INT32_MAX, 0) > INT64_MAX / 2);
	assert_int_equal(retry_wait_ms(&p, INT32_MIN, UINT32_MAX), 1);
}

static void
test_odd_policies_wait_no_time_or_the_maximum(void **state)
{
	const struct retry_policy none = { .first_ms = 0, .max_ms = 1000 },
				  less = { .first_ms = -5, .max_ms = -7 };
	const struct retry_policy high = { .first_ms = 5000, .max_ms = 1000 };

	(void)state;
	assert_int_equal(retry_wait_ms(&none, INT32_MAX, UINT32_MAX), 0);
	assert_int_equal(retry_wait_ms(&less, 3, UINT32_MAX), 0);
	assert_int_equal(retry_wait_ms(&high, 0, UINT32_MAX), 1000);
	assert_int_equal(retry_wait_ms(&high, 9, 0), 500);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_wait_doubles_up_to_its_maximum),
		cmocka_unit_test(test_any_random_number_stays_between_half_and_whole),
		cmocka_unit_test(test_many_attempts_do_not_overflow),
		cmocka_unit_test(test_odd_policies_wait_no_time_or_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
