#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/parse.h"

static void
test_take_leaves_the_cursor_alone_when_it_does_not_match(void **state)
{
	struct span in = SPAN("Abc12"), start = in;
	int64_t n = 77;

	(void)state;
	assert_false(take_char(&in, 'a'));
	assert_false(take_word(&in, "abd"));
	assert_false(take_word(&in, "abc123"));
	assert_false(take_digits(&in, 1, 3, &n));
	assert_false(take_space(&in, 1));
	assert_ptr_equal(in.p, start.p);
	assert_int_equal(in.len, start.len);
	assert_int_equal(n, 77);
	assert_true(take_char(&in, 'A'));
	assert_true(take_word(&in, "BC"));
	assert_true(take_digits(&in, 1, 3, &n));
	assert_int_equal(n, 12);
	assert_int_equal(in.len, 0);
	assert_false(take_char(&in, '\0'));
}

static void
test_take_digits_stops_at_max(void **state)
{
	struct span in = SPAN("123456789012345678901");
	int64_t n;

	(void)state;
	assert_true(take_digits(&in, 2, 4, &n));
	assert_int_equal(n, 1234);
	assert_true(take_digits(&in, 1, 18, &n));
	assert_int_equal(in.len, 0);
	assert_false(take_digits(&in, 1, 1, &n));
	assert_true(take_digits(&in, 0, 1, &n));
	assert_int_equal(n, 0);
	in = SPAN("999999999999999999");
	assert_true(take_digits(&in, 1, 18, &n));
	assert_true(n == INT64_C(999999999999999999));
	in = SPAN("1");
	assert_false(take_digits(&in, 2, 2, &n));
}

static void
test_an_absent_span_holds_nothing(void **state)
{
	struct span in = { NULL, 0 }, item;
	int64_t n;

	(void)state;
	assert_false(take_char(&in, 'a'));
	assert_false(take_word(&in, "a"));
	assert_true(take_word(&in, ""));
	assert_false(take_digits(&in, 1, 2, &n));
	assert_true(take_space(&in, 0));
	assert_false(take_space(&in, 1));
	assert_false(take_item(&in, &item));
	assert_int_equal(parse_int(in, 0, 1, &n), RES_INVALID);
	assert_true(utf8_valid(in));
	assert_true(xml_text_valid(in));
	assert_int_equal(utf8_prefix(in, 3).len, 0);
}

static void
test_items_are_cut_at_spaces_commas_and_line_ends(void **state)
{
	struct span in = SPAN(" ,a@b,\r\n c\td,,e ,"), item;
	const char *const want[] = { "a@b", "c", "d", "e" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_true(take_item(&in, &item));
		assert_true(span_eq(item, span_of(want[i])));
	}
	assert_false(take_item(&in, &item));
}

static void
test_take_space_counts_what_it_takes(void **state)
{
	struct span in = SPAN("  \t\nx");

	(void)state;
	assert_false(take_space(&in, 5));
	assert_int_equal(in.len, 5);
	assert_true(take_space(&in, 4));
	assert_int_equal(in.len, 1);
}

static void
test_parse_int_takes_every_int64_and_nothing_beyond(void **state)
{
	int64_t n = 5;

	(void)state;
	assert_int_equal(parse_int(SPAN("9223372036854775807"), INT64_MIN, INT64_MAX, &n), RES_OK);
	assert_true(n == INT64_MAX);
	assert_int_equal(parse_int(SPAN("-9223372036854775808"), INT64_MIN, INT64_MAX, &n), RES_OK);
	assert_true(n == INT64_MIN);
	n = 5;
	assert_int_equal(
	    parse_int(SPAN("9223372036854775808"), INT64_MIN, INT64_MAX, &n), RES_INVALID);
	assert_int_equal(
	    parse_int(SPAN("-9223372036854775809"), INT64_MIN, INT64_MAX, &n), RES_INVALID);
	assert_int_equal(
	    parse_int(SPAN("99999999999999999999"), INT64_MIN, INT64_MAX, &n), RES_INVALID);
	assert_true(n == 5);
}

static void
test_parse_int_refuses_what_is_not_a_number_in_its_range(void **state)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1a", "0x1", "--1", "1.0",
		"11", "-1" };
	int64_t n = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse_int(span_of(bad[i]), 0, 10, &n), RES_INVALID);
	assert_int_equal(parse_int((struct span){ "1\0", 2 }, 0, 10, &n), RES_INVALID);
	assert_int_equal(n, 5);
	assert_int_equal(parse_int(SPAN("10"), 0, 10, &n), RES_OK);
	assert_int_equal(parse_int(SPAN("0007"), 7, 7, &n), RES_OK);
	assert_int_equal(n, 7);
}

static void
put(char out[4], size_t *len, uint32_t c)
{
	*len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = *len; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[*len] | c);
}

static void
test_every_character_and_no_surrogate_is_utf8(void **state)
{
	char u[4];
	size_t len;

	(void)state;
	for (uint32_t c = 0; c < 0x120000; c++) {
		put(u, &len, c);
		bool good = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
		assert_int_equal(utf8_char(u, len), good ? len : 0);
		if (good && len > 1)
			assert_int_equal(utf8_char(u, len - 1), 0);
		bool xml = good && (c >= 0x20 || c == 9 || c == 10 || c == 13) && c != 0xfffe &&
		    c != 0xffff;
		assert_int_equal(xml_text_valid((struct span){ u, len }), xml);
	}
}

static void
test_overlong_and_broken_utf8_is_refused(void **state)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80",
		"\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "\xc3", "\xc3x", "\xe2\x82", "\xe2\x82x",
		"\xf0\x9f\x98", "ok\xed\xa0\x80" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(utf8_valid(span_of(bad[i])));
		assert_false(xml_text_valid(span_of(bad[i])));
	}
	assert_true(utf8_valid(SPAN("a\0b")));
	assert_false(xml_text_valid(SPAN("a\0b")));
}

static void
test_a_prefix_never_splits_a_character(void **state)
{
	struct span text = SPAN("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z");
	static const size_t lens[] = { 0, 1, 3, 6, 10, 11, 11 };

	(void)state;
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(utf8_prefix(text, i).len, lens[i]);
	assert_int_equal(utf8_prefix(text, SIZE_MAX).len, 11);
}

static void
test_escaping_and_back_gives_the_same_text(void **state)
{
	struct span text = SPAN("<a href='x' b=\"y\">&amp; \xe2\x82\xac]]></a>");
	struct buf out = { .max = 0 }, back = { .max = 0 };

	(void)state;
	assert_int_equal(xml_escape(&out, text), RES_OK);
	assert_string_equal(out.p,
	    "&lt;a href=&apos;x&apos; b=&quot;y&quot;&gt;&amp;amp; \xe2\x82\xac]]&gt;&lt;/a&gt;");
	assert_int_equal(xml_unescape(&back, buf_as_span(&out)), RES_OK);
	assert_true(span_eq(buf_as_span(&back), text));
	buf_free(&out);
	buf_free(&back);
}

static void
test_character_references_are_read(void **state)
{
	struct buf out = { .max = 0 };

	(void)state;
	assert_int_equal(
	    xml_unescape(&out, SPAN("&#65;&#x42;&#x0000e4;&#xE4;&#8364;&#x1F600;&#10;&#x10FFFF;")),
	    RES_OK);
	assert_string_equal(
	    out.p, "AB\xc3\xa4\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n\xf4\x8f\xbf\xbf");
	buf_free(&out);
}

static void
test_bad_references_are_refused_and_leave_no_trace(void **state)
{
	static const char *const bad[] = { "&", "x&", "&amp", "&lt", "&foo;", "&AMP;", "&#;",
		"&#x;", "&#0;", "&#1;", "&#x1f;", "&#xd800;", "&#xfffe;", "&#x110000;",
		"&#99999999999999999999;", "&#4294967361;", "&#12a;", "&#xg;", "&#65", "&#-65;",
		"& amp;", "&#X41;", "text &amp; &nbsp;" };
	struct buf out = { .max = 0 };

	(void)state;
	buf_text(&out, "before");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(xml_unescape(&out, span_of(bad[i])), RES_INVALID);
		assert_string_equal(out.p, "before");
		assert_false(out.failed);
	}
	buf_free(&out);
}

static void
test_escaped_text_fits_whole_or_not_at_all(void **state)
{
	for (size_t max = 1; max < 30; max++) {
		struct buf out = { .max = max };
		enum res want = max >= 23 ? RES_OK : RES_NOMEM;
		assert_int_equal(xml_escape(&out, SPAN("a<b>c&d\"")), want);
		assert_int_equal(out.len, want == RES_OK ? 23 : 0);
		buf_free(&out);
	}
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take_leaves_the_cursor_alone_when_it_does_not_match),
		cmocka_unit_test(test_take_digits_stops_at_max),
		cmocka_unit_test(test_an_absent_span_holds_nothing),
		cmocka_unit_test(test_items_are_cut_at_spaces_commas_and_line_ends),
		cmocka_unit_test(test_take_space_counts_what_it_takes),
		cmocka_unit_test(test_parse_int_takes_every_int64_and_nothing_beyond),
		cmocka_unit_test(test_parse_int_refuses_what_is_not_a_number_in_its_range),
		cmocka_unit_test(test_every_character_and_no_surrogate_is_utf8),
		cmocka_unit_test(test_overlong_and_broken_utf8_is_refused),
		cmocka_unit_test(test_a_prefix_never_splits_a_character),
		cmocka_unit_test(test_escaping_and_back_gives_the_same_text),
		cmocka_unit_test(test_character_references_are_read),
		cmocka_unit_test(test_bad_references_are_refused_and_leave_no_trace),
		cmocka_unit_test(test_escaped_text_fits_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
