#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gateway/web.h"

static void
finds(const char *form, const char *name, const char *expected)
{
	struct buf out = { 0 };

	if (web_field(span_of(form), name, &out) != RES_OK)
		fail_msg("%s: no %s", form, name);
	assert_string_equal(buf_str(&out), expected);
	buf_free(&out);
}

static void
gives(enum res expected, const char *form, const char *name)
{
	struct buf out = { 0 };

	assert_int_equal(buf_text(&out, "kept"), RES_OK);
	if (web_field(span_of(form), name, &out) != expected)
		fail_msg("%s in %s", name, form);
	assert_string_equal(buf_str(&out), "kept");
	buf_free(&out);
}

static void
test_a_field_is_found_and_decoded(void **state)
{
	(void)state;
	finds("a=1&b=2", "a", "1");
	finds("a=1&b=2", "b", "2");
	finds("a=x+y%2bz%26%3D", "a", "x y+z&=");
	finds("t=%C3%A9%F0%9F%98%80", "t", "é😀");
	finds("a=b=c", "a", "b=c");
	finds("a=%0d%0A", "a", "\r\n");
	finds("message%2Did=7", "message-id", "7");
	finds("a+b=7", "a b", "7");
}

static void
test_the_first_of_several_counts(void **state)
{
	(void)state;
	finds("a=1&a=2", "a", "1");
	finds("ab=0&a=1&aa=2", "a", "1");
}

static void
test_a_field_may_be_empty(void **state)
{
	(void)state;
	finds("a=&b=1", "a", "");
	finds("a&b=1", "a", "");
	finds("b=1&a", "a", "");
	finds("&&a=1&", "a", "1");
}

static void
test_what_is_not_there_is_not_found(void **state)
{
	(void)state;
	gives(RES_NOTFOUND, "", "a");
	gives(RES_NOTFOUND, "&", "a");
	gives(RES_NOTFOUND, "=a", "a");
	gives(RES_NOTFOUND, "A=1", "a");
	gives(RES_NOTFOUND, "ab=1", "a");
	gives(RES_NOTFOUND, "a=1", "ab");
	gives(RES_NOTFOUND, "b=a=1", "a");
	gives(RES_NOTFOUND, "%zz=1&%=2&%4=3", "a");
}

static void
test_malformed_values_are_refused(void **state)
{
	(void)state;
	gives(RES_INVALID, "a=%", "a");
	gives(RES_INVALID, "a=%4", "a");
	gives(RES_INVALID, "a=%4g", "a");
	gives(RES_INVALID, "a=%-1", "a");
	gives(RES_INVALID, "a=%41%", "a");
	gives(RES_INVALID, "a=%ff", "a");
	gives(RES_INVALID, "a=%C3", "a");
	gives(RES_INVALID, "a=%ed%a0%80", "a");
	gives(RES_INVALID, "a=%00", "a");
	gives(RES_INVALID, "a=1%002", "a");
}

static void
test_fields_of_no_interest_may_be_malformed(void **state)
{
	(void)state;
	finds("text=%ff&id=7", "id", "7");
	finds("%=1&id=7", "id", "7");
}

static void
test_nothing_beyond_the_span_is_read(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		enum res res;
	} cases[] = {
		{ "a=%41", 3, RES_INVALID },
		{ "a=%41", 4, RES_INVALID },
		{ "a=%41", 5, RES_OK },
		{ "a=", 1, RES_OK },
		{ "%61=", 2, RES_NOTFOUND },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *exact = malloc(cases[i].len);
		struct buf out = { 0 };
		memcpy(exact, cases[i].text, cases[i].len);
		assert_int_equal(
		    web_field((struct span){ exact, cases[i].len }, "a", &out), cases[i].res);
		free(exact);
		buf_free(&out);
	}
}

static void
test_a_value_beyond_the_bound_is_refused(void **state)
{
	struct buf out = { .max = 4 };

	(void)state;
	assert_int_equal(web_field(SPAN("a=12345"), "a", &out), RES_NOMEM);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_field_is_found_and_decoded),
		cmocka_unit_test(test_the_first_of_several_counts),
		cmocka_unit_test(test_a_field_may_be_empty),
		cmocka_unit_test(test_what_is_not_there_is_not_found),
		cmocka_unit_test(test_malformed_values_are_refused),
		cmocka_unit_test(test_fields_of_no_interest_may_be_malformed),
		cmocka_unit_test(test_nothing_beyond_the_span_is_read),
		cmocka_unit_test(test_a_value_beyond_the_bound_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
