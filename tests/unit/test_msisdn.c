#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/parse.h"
#include "core/msisdn.h"

static void
check_read(const char *text, const char *country, const char *want)
{
	char out[MSISDN_MAX + 1];
	struct buf why = { .max = 1000 };

	assert_int_equal(msisdn_parse(out, span_of(text), country, &why), RES_OK);
	assert_string_equal(out, want);
	assert_int_equal(why.len, 0);
	assert_true(msisdn_is(out));
	buf_free(&why);
}

static void
check_refused(struct span text, const char *country, const char *words)
{
	char out[MSISDN_MAX + 1] = "before";
	struct buf why = { .max = 1000 };

	assert_int_equal(msisdn_parse(out, text, country, &why), RES_INVALID);
	assert_string_equal(out, "");
	assert_non_null(strstr(buf_str(&why), words));
	assert_true(xml_text_valid(buf_as_span(&why)));
	buf_free(&why);
}

static void
test_a_number_is_read_as_people_write_it(void **state)
{
	static const char *const same[] = { "+4917012345678", "+49 170 12345678",
		" +49 (170) 1234-5678\n", "+49.170.1234.5678", "+49/170/12345678",
		"tel:+49-170-12345678",
		"TEL: +4917012345678", "004917012345678", "00 49 170 12345678",
		"(+49) 170 12345678",
		"0 0 49 170 12345678", "(0049)17012345678",
		"(0)0 49 170 12345678",
		/* From address books and web pages. */
		"\xe2\x80\xaa+49 170 12345678\xe2\x80\xac",
		"+49\xc2\xa0" "170\xe2\x80\xaf" "12345678",
		"+49\xe2\x80\x91" "170\xe2\x80\x93" "123\xe2\x88\x92" "45678",
		"\xef\xbb\xbf+49\xc2\xad" "170\xe2\x80\x8b" "12345678\xe2\x81\xa9" };

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		check_read(same[i], NULL, "+4917012345678");
		check_read(same[i], "43", "+4917012345678");
	}
	check_read("+1234567", NULL, "+1234567");
	check_read("+123456789012345", NULL, "+123456789012345");
	check_read("00123456789012345", NULL, "+123456789012345");
}

static void
test_a_trunk_0_needs_a_country(void **state)
{
	(void)state;
	check_read("0170 12345678", "49", "+4917012345678");
	check_read("(0)170 12345678", "49", "+4917012345678");
	check_read("(0170) 12345678", "49", "+4917012345678");
	check_read("tel:0170-12345678", "49", "+4917012345678");
	check_refused(SPAN("0170 12345678"), NULL, "country code is missing");
}

static void
test_bare_digits_are_not_guessed(void **state)
{
	static const char *const bare[] = { "4917012345678", "17012345678", "170 12345678", "112" };

	(void)state;
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
		check_refused(span_of(bare[i]), NULL, "country code is missing");
		check_refused(span_of(bare[i]), "49", "country code is missing");
	}
}

static void
test_a_trunk_0_in_brackets_is_not_guessed(void **state)
{
	static const char *const both[] = { "+49 (0) 170 12345678", "+49(0)17012345678",
		"0049 (0)170 12345678", "+49 ( 0 ) 170 12345678" };

	(void)state;
	for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
		check_refused(span_of(both[i]), NULL, "Leave out the (0)");
		check_refused(span_of(both[i]), "49", "Leave out the (0)");
	}
	check_read("+49 (30) 1234567", NULL, "+49301234567");
}

static void
test_numbers_too_short_or_too_long_are_refused(void **state)
{
	char text[2000];

	(void)state;
	check_refused(SPAN("+123456"), NULL, "7 to 15 digits");
	check_refused(SPAN("+1234567890123456"), NULL, "7 to 15 digits");
	check_refused(SPAN("001234567890123456"), NULL, "7 to 15 digits");
	check_refused(SPAN("0123"), "49", "7 to 15 digits");
	check_refused(SPAN("012345678901234"), "49", "7 to 15 digits");
	memset(text, '1', sizeof(text));
	text[0] = '+';
	for (size_t len = 17; len < sizeof(text); len++)
		check_refused((struct span){ text, len }, NULL, "7 to 15 digits");
	memset(text, ' ', sizeof(text));
	check_refused((struct span){ text, sizeof(text) }, NULL, "no phone number");
}

static void
test_what_is_no_number_is_refused(void **state)
{
	static const struct span bad[] = { { "+49 170 CALLME", 14 }, { "+4917012345678;ext=5", 20 },
		{ "+4917012345678\0", 15 }, { "+49\xc2""17012345678", 15 }, { "*100#", 5 },
		{ "+49,17012345678", 15 }, { "juliet@example.org", 18 }, { "+49\t17012345678", 15 },
		{ "sms:+4917012345678", 18 }, { "+49\n17012345678", 15 },
		{ "\xd9\xa0\xd9\xa1", 4 }, { "\xef\xbc\x8b" "4917012345678", 16 },
		/* As masked in the log, and what ends a line. */
		{ "+4917\xe2\x80\xa6" "12345678", 16 }, { "+49\xe2\x80\xa8" "17012345678", 17 } };
	static const char *const several[] = { "+49+17012345678", "49+17012345678",
		"++4917012345678", "+49 170 1234567 +49 170 7654321" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_refused(bad[i], "49", "digits only");
	for (size_t i = 0; i < sizeof(several) / sizeof(several[0]); i++)
		check_refused(span_of(several[i]), "49", "commas between several");
	check_refused(SPAN(""), "49", "no phone number");
	check_refused((struct span){ NULL, 0 }, "49", "no phone number");
	check_refused(SPAN("tel:"), "49", "no phone number");
	check_refused(SPAN(" () - "), "49", "no phone number");
	check_refused(SPAN("+0170123456"), "49", "country code");
	check_refused(SPAN("+"), "49", "country code");
	check_refused(SPAN("0000170123456"), "49", "country code");
	check_refused(SPAN("0"), "49", "7 to 15 digits");
}

static void
test_only_the_stored_form_is_one(void **state)
{
	static const char *const bad[] = { "", "+", "4917012345678", "+0123456789", "+123456",
		"+1234567890123456", "+49 17012345678", "+4917012345678 ", " +4917012345678",
		"004917012345678", "+491701234567a", "++4917012345" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(msisdn_is(bad[i]));
	assert_false(msisdn_is(NULL));
	assert_true(msisdn_is("+1234567"));
	assert_true(msisdn_is("+123456789012345"));
}

static void
check_masked(const char *number, const char *want)
{
	struct buf out = { .max = 100 };

	assert_int_equal(msisdn_mask(&out, number), RES_OK);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

static void
test_a_masked_number_hides_at_least_five_digits(void **state)
{
	(void)state;
	check_masked("+4917012345678", "+4917…78");
	check_masked("+123456789012345", "+1234…45");
	check_masked("+12345678901", "+1234…01");
	check_masked("+1234567890", "+1234…0");
	check_masked("+123456789", "+123…9");
	check_masked("+12345678", "+12…8");
	check_masked("+1234567", "+12…");
	check_masked("romeo@example.net", "…");
	check_masked("", "…");
	check_masked(NULL, "…");
}

static void
test_number_formats_are_read_strictly(void **state)
{
	static const char *const bad[] = { "", "E164", "e164 ", "0", "000", "strip", "strip:",
		"strip:+",
		"strip:1", "strip:+0", "strip:+1x", "strip:+1234567890123456", "strip: +1",
		"digit" };
	struct number_format f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(number_format_parse(&f, bad[i]), RES_INVALID);
	assert_int_equal(number_format_parse(&f, NULL), RES_INVALID);
	assert_int_equal(number_format_parse(&f, "strip:+1"), RES_OK);
	assert_int_equal(f.style, NUMBER_STRIP);
	assert_string_equal(f.prefix, "+1");
}

static void
check_format(const char *format, const char *number, const char *want)
{
	struct number_format f;
	struct buf out = { .max = 100 };

	assert_int_equal(number_format_parse(&f, format), RES_OK);
	buf_text(&out, "to=");
	assert_int_equal(number_format_print(&out, &f, number), RES_OK);
	assert_string_equal(buf_str(&out) + 3, want);
	buf_free(&out);
}

static void
test_a_gateway_gets_numbers_as_it_wants_them(void **state)
{
	(void)state;
	check_format("e164", "+4917012345678", "+4917012345678");
	check_format("digits", "+4917012345678", "4917012345678");
	check_format("00", "+4917012345678", "004917012345678");
	check_format("strip:+1", "+15551234567", "5551234567");
	check_format("strip:+1", "+4917012345678", "4917012345678");
	check_format("strip:+49", "+4917012345678", "17012345678");
	check_format("strip:+49", "+4817012345678", "4817012345678");
	/* Never nothing at all. */
	check_format("strip:+1234567", "+1234567", "1234567");
	check_format("strip:+12345678", "+1234567", "1234567");
}

static void
test_what_is_no_number_is_not_printed(void **state)
{
	static const char *const formats[] = { "e164", "digits", "00", "strip:+1" };
	static const char *const bad[] = { "", "+", "4917012345678", "+1&to=2",
		"romeo@example.net" };
	struct number_format f;
	struct buf out = { .max = 100 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(number_format_parse(&f, formats[i]), RES_OK);
		for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
			assert_int_equal(number_format_print(&out, &f, bad[k]), RES_INVALID);
		assert_int_equal(number_format_print(&out, &f, NULL), RES_INVALID);
	}
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_number_is_read_as_people_write_it),
		cmocka_unit_test(test_a_trunk_0_needs_a_country),
		cmocka_unit_test(test_bare_digits_are_not_guessed),
		cmocka_unit_test(test_a_trunk_0_in_brackets_is_not_guessed),
		cmocka_unit_test(test_numbers_too_short_or_too_long_are_refused),
		cmocka_unit_test(test_what_is_no_number_is_refused),
		cmocka_unit_test(test_only_the_stored_form_is_one),
		cmocka_unit_test(test_a_masked_number_hides_at_least_five_digits),
		cmocka_unit_test(test_number_formats_are_read_strictly),
		cmocka_unit_test(test_a_gateway_gets_numbers_as_it_wants_them),
		cmocka_unit_test(test_what_is_no_number_is_not_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
