#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "gateway/http.h"

/* Sun, 06 Nov 1994 08:49:37 GMT (RFC 9110 section 5.6.7) */
#define EXAMPLE_MS (INT64_C(784111777) * 1000)

static void
test_header_fields_are_copied_and_keep_their_order(void **state)
{
	struct http_request *rq = http_request_new();
	char name[] = "X-One", value[] = "1";

	(void)state;
	assert_non_null(rq);
	assert_int_equal(http_request_header(rq, name, value), RES_OK);
	name[0] = value[0] = '?';
	assert_int_equal(http_request_header(rq, "SOAPAction", "\"\""), RES_OK);
	assert_int_equal(http_request_header(rq, "X-Empty", ""), RES_OK);
	assert_string_equal(rq->headers->name, "X-One");
	assert_string_equal(rq->headers->value, "1");
	assert_string_equal(rq->headers->next->value, "\"\"");
	assert_string_equal(rq->headers->next->next->name, "X-Empty");
	assert_null(rq->headers->next->next->next);
	http_request_free(&rq);
	assert_null(rq);
	http_request_free(&rq);
}

static void
test_no_header_field_can_carry_another(void **state)
{
	static const char *const names[] = { "", "A B", "A:", "A\r\nB", "\xc3\xa4", "A\t", "(A)", "A@" };
	static const char *const values[] = { "a\r\nB: c", "a\nb", "\r", "a\tb", "\x7f", "\x01" };
	struct http_request *rq = http_request_new();

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(http_request_header(rq, names[i], "v"), RES_INVALID);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_int_equal(http_request_header(rq, "Name", values[i]), RES_INVALID);
	assert_null(rq->headers);
	assert_int_equal(http_request_header(rq, "!#$%&'*+-.^_`|~09azAZ", "\xc3\xa4 ~"), RES_OK);
	http_request_free(&rq);
}

static void
test_a_request_without_room_says_so(void **state)
{
	struct http_request *rq = http_request_new();

	(void)state;
	rq->arena.max = 64;
	assert_int_equal(http_request_header(rq, "Name", "a value that needs more than there is"),
	    RES_NOMEM);
	assert_null(rq->headers);
	http_request_free(&rq);
}

static const char *
find(const char *name)
{
	static const struct http_header second = { "retry-after", "2", NULL };
	static const struct http_header first = { "retry-after", "1", (void *)&second };
	static const struct http_header zero = { "x", "y", (void *)&first };
	const struct http_answer a = { .headers = &zero };

	return http_answer_header(&a, name);
}

static void
test_the_first_field_of_a_name_is_found_in_any_case(void **state)
{
	const struct http_answer none = { .status = 200 };

	(void)state;
	assert_string_equal(find("retry-after"), "1");
	assert_string_equal(find("Retry-After"), "1");
	assert_string_equal(find("x"), "y");
	assert_null(find("retry"));
	assert_null(find(""));
	assert_null(http_answer_header(&none, "x"));
}

static int64_t
retry_after(const char *name, const char *value, const char *asked, int64_t now)
{
	const struct http_header h = { name, value, NULL };
	const struct http_answer a = { .headers = &h };

	return http_retry_after(&a, asked, now);
}

static void
test_retry_after_is_seconds_or_one_of_three_dates(void **state)
{
	static const char *const dates[] = {
		"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
		"  Sun, 06 Nov 1994 08:49:37 GMT\t",
	};

	(void)state;
	assert_int_equal(retry_after("retry-after", "120", NULL, 5), 120000);
	assert_int_equal(retry_after("retry-after", " 7 ", NULL, 5), 7000);
	assert_int_equal(retry_after("retry-after", "0", NULL, 5), 0);
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		assert_int_equal(
		    retry_after("retry-after", dates[i], NULL, EXAMPLE_MS - 90000), 90000);
		assert_int_equal(retry_after("retry-after", dates[i], NULL, EXAMPLE_MS - 1), 1);
		assert_int_equal(retry_after("retry-after", dates[i], NULL, EXAMPLE_MS), 0);
		assert_int_equal(retry_after("retry-after", dates[i], NULL, EXAMPLE_MS + 1), 0);
	}
}

static void
test_another_field_is_read_the_same_way_in_place_of_it(void **state)
{
	(void)state;
	assert_int_equal(retry_after("x-ratelimit-reset", "3", "X-RateLimit-Reset", 5), 3000);
	assert_int_equal(retry_after("x-ratelimit-reset", "3", NULL, 5), 0);
	assert_int_equal(retry_after("retry-after", "3", "x-ratelimit-reset", 5), 0);
}

static void
test_no_retry_after_is_longer_than_a_day(void **state)
{
	static const char *const far[] = { "86400", "86401", "99999999999999999999999999999999",
		"Sun, 06 Nov 9994 08:49:37 GMT", "0000000000000000000000000000000000000000000000099999" };

	(void)state;
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
		assert_int_equal(retry_after("retry-after", far[i], NULL, EXAMPLE_MS), DAY_MS);
}

static void
test_what_is_neither_asks_for_nothing(void **state)
{
	static const char *const odd[] = { "", " ", "-1", "+5", "1.5", "5s", "soon", "0x10",
		"Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT, 5",
		"Son, 06 Nov 1994 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT",
		"\xff\xfe", "1111111111111111111111111111111111111111111111111111111111111111" };

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_int_equal(retry_after("retry-after", odd[i], NULL, 5), 0);
	assert_int_equal(retry_after("x", "5", NULL, 5), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_fields_are_copied_and_keep_their_order),
		cmocka_unit_test(test_no_header_field_can_carry_another),
		cmocka_unit_test(test_a_request_without_room_says_so),
		cmocka_unit_test(test_the_first_field_of_a_name_is_found_in_any_case),
		cmocka_unit_test(test_retry_after_is_seconds_or_one_of_three_dates),
		cmocka_unit_test(test_another_field_is_read_the_same_way_in_place_of_it),
		cmocka_unit_test(test_no_retry_after_is_longer_than_a_day),
		cmocka_unit_test(test_what_is_neither_asks_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
