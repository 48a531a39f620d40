#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/segment.h"

#define EURO  "\xe2\x82\xac"
#define EMOJI "\xf0\x9f\x98\x80"
#define CYR   "\xd0\x96"

static struct segments
count(const char *text)
{
	struct segments s;

	assert_int_equal(segments_count(&s, span_of(text)), RES_OK);
	return s;
}

static void
add(struct buf *out, const char *piece, size_t times)
{
	while (times-- > 0)
		assert_int_equal(buf_text(out, piece), RES_OK);
}

/* `n` times a, then b, then `m` times c. */
static void
check(size_t n, const char *a, const char *b, size_t m, const char *c, struct segments want)
{
	struct buf text = { .max = 0 };

	add(&text, a, n);
	add(&text, b, 1);
	add(&text, c, m);
	struct segments got = count(buf_str(&text));
	assert_int_equal(got.coding, want.coding);
	assert_int_equal(got.units, want.units);
	assert_int_equal(got.segments, want.segments);
	assert_int_equal(got.left, want.left);
	buf_free(&text);
}

static void
test_gsm_text_has_160_septets_or_parts_of_153(void **state)
{
	static const struct segments want[] = {
		{ SMS_GSM7, 1, 1, 159 }, { SMS_GSM7, 159, 1, 1 }, { SMS_GSM7, 160, 1, 0 },
		{ SMS_GSM7, 161, 2, 145 }, { SMS_GSM7, 306, 2, 0 }, { SMS_GSM7, 307, 3, 152 },
		{ SMS_GSM7, 400, 3, 59 }, { SMS_GSM7, 459, 3, 0 }, { SMS_GSM7, 460, 4, 152 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		check(want[i].units, "a", "", 0, "", want[i]);
}

static void
test_other_text_has_70_units_or_parts_of_67(void **state)
{
	static const struct segments want[] = {
		{ SMS_UCS2, 1, 1, 69 }, { SMS_UCS2, 70, 1, 0 }, { SMS_UCS2, 71, 2, 63 },
		{ SMS_UCS2, 134, 2, 0 }, { SMS_UCS2, 135, 3, 66 }, { SMS_UCS2, 201, 3, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		check(want[i].units, CYR, "", 0, "", want[i]);
	/* One such letter is enough. */
	check(69, "a", CYR, 0, "", (struct segments){ SMS_UCS2, 70, 1, 0 });
	check(70, "a", CYR, 0, "", (struct segments){ SMS_UCS2, 71, 2, 63 });
}

static void
test_an_escape_pair_stays_in_one_part(void **state)
{
	(void)state;
	/* It would begin at the last septet of the first part. */
	check(152, "a", EURO, 152, "a", (struct segments){ SMS_GSM7, 306, 3, 152 });
	check(151, "a", EURO, 153, "a", (struct segments){ SMS_GSM7, 306, 2, 0 });
	/* In a text of one part nothing is cut. */
	check(158, "a", EURO, 0, "", (struct segments){ SMS_GSM7, 160, 1, 0 });
	check(152, "a", EURO, 6, "a", (struct segments){ SMS_GSM7, 160, 1, 0 });
	/* 76 pairs a part, one septet of each is lost. */
	check(229, EURO, "", 0, "", (struct segments){ SMS_GSM7, 458, 4, 151 });
	check(228, EURO, "", 0, "", (struct segments){ SMS_GSM7, 456, 3, 1 });
}

static void
test_a_surrogate_pair_stays_in_one_part(void **state)
{
	(void)state;
	check(66, "a", EMOJI, 66, "a", (struct segments){ SMS_UCS2, 134, 3, 66 });
	check(65, "a", EMOJI, 67, "a", (struct segments){ SMS_UCS2, 134, 2, 0 });
	check(35, EMOJI, "", 0, "", (struct segments){ SMS_UCS2, 70, 1, 0 });
	check(36, EMOJI, "", 0, "", (struct segments){ SMS_UCS2, 72, 2, 61 });
	check(66, EMOJI, "", 0, "", (struct segments){ SMS_UCS2, 132, 2, 1 });
	check(67, EMOJI, "", 0, "", (struct segments){ SMS_UCS2, 134, 3, 65 });
}

static void
test_the_default_alphabet_is_whole(void **state)
{
	/* TS 23.038 section 6.2.1 in its order, without the escape. */
	static const char alphabet[] =
	    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
	    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

	(void)state;
	assert_int_equal(count(alphabet).coding, SMS_GSM7);
	assert_int_equal(count(alphabet).units, 127);
	assert_int_equal(count("\f^{}\\[~]|" EURO).coding, SMS_GSM7);
	assert_int_equal(count("\f^{}\\[~]|" EURO).units, 20);
}

static void
test_letters_that_only_look_as_if_they_were_in_it_are_not(void **state)
{
	static const char *const others[] = { "`", "\t", "\x1b", "\v", "\x7f", "\x01", "ç", "á",
		"í",
		"ó", "ú", "ê", "À", "È", "“", "”", "’", "–", "—", "…", "\xc2\xa0", "Α", "Ώ", "Ж",
		"õ",
		"₤", "Ł", "ẞ", "\xef\xbb\xbf", EMOJI };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(count(others[i]).coding, SMS_UCS2);
	assert_true(span_eq(segments_foreign(span_of("It’s “" EMOJI "”")), span_of("’")));
	assert_true(span_eq(segments_foreign(span_of("€" EMOJI)), span_of(EMOJI)));
	assert_int_equal(segments_foreign(span_of("plain €")).len, 0);
	assert_int_equal(segments_foreign((struct span){ NULL, 0 }).len, 0);
	struct segments s;
	assert_int_equal(segments_count(&s, (struct span){ "a\0b", 3 }), RES_OK);
	assert_int_equal(s.coding, SMS_UCS2);
	assert_int_equal(s.units, 3);
}

static void
test_an_empty_text_has_no_part(void **state)
{
	struct segments s;

	(void)state;
	assert_int_equal(count("").segments, 0);
	assert_int_equal(count("").units, 0);
	assert_int_equal(count("").coding, SMS_GSM7);
	assert_int_equal(count("").left, 160);
	assert_int_equal(segments_count(&s, (struct span){ NULL, 0 }), RES_OK);
	assert_int_equal(s.segments, 0);
}

static void
test_what_is_no_utf8_is_not_counted(void **state)
{
	static const char *const bad[] = { "\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80",
		"\xf4\x90\x80\x80", "\xe2\x82" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct segments s = { SMS_UCS2, 1, 2, 3 };
		/* A copy of its own, so that a read beyond the end is seen. */
		size_t len = strlen(bad[i]);
		char *copy = malloc(len);
		memcpy(copy, bad[i], len);
		assert_int_equal(segments_count(&s, (struct span){ copy, len }), RES_INVALID);
		assert_int_equal(s.coding, 0);
		assert_int_equal(s.units + s.segments + s.left, 0);
		free(copy);
	}
}

static void
test_codings_have_names(void **state)
{
	(void)state;
	assert_string_equal(sms_coding_name(SMS_GSM7), "GSM");
	assert_string_equal(sms_coding_name(SMS_UCS2), "UCS-2");
	assert_string_equal(sms_coding_name((enum sms_coding)7), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gsm_text_has_160_septets_or_parts_of_153),
		cmocka_unit_test(test_other_text_has_70_units_or_parts_of_67),
		cmocka_unit_test(test_an_escape_pair_stays_in_one_part),
		cmocka_unit_test(test_a_surrogate_pair_stays_in_one_part),
		cmocka_unit_test(test_the_default_alphabet_is_whole),
		cmocka_unit_test(test_letters_that_only_look_as_if_they_were_in_it_are_not),
		cmocka_unit_test(test_an_empty_text_has_no_part),
		cmocka_unit_test(test_what_is_no_utf8_is_not_counted),
		cmocka_unit_test(test_codings_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
