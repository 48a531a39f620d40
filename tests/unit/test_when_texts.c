#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "when_texts.h"

static void
check(const struct group *g, const char *text, const char *at)
{
	const struct zone zone = zone_named(g->zone);
	const int64_t now = instant(g->now);
	struct buf why = { .max = 0 };
	struct when w;

	if (when_parse(&w, span_of(text), now, &zone, &why) != RES_OK)
		fail_msg("\"%s\" is refused: %s", text, buf_str(&why));
	if (w.at != instant(at))
		fail_msg("\"%s\" is read %lld ms beside %s", text,
		    (long long)(w.at - instant(at)), at);
	assert_int_equal(why.len, 0);
	assert_true(w.at > now);
	buf_free(&why);
}

static void
test_more_than_three_hundred_texts_mean_their_instants(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < N(groups); i++)
		for (size_t k = 0; k < groups[i].n; k++, n++)
			check(&groups[i], groups[i].texts[k].text, groups[i].texts[k].at);
	print_message("%zu texts are accepted\n", n);
	assert_true(n >= 300);
}

static void
test_case_and_white_space_change_nothing(void **state)
{
	char text[2 * WHEN_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < N(groups); i++)
		for (size_t k = 0; k < groups[i].n; k++) {
			const struct text *t = &groups[i].texts[k];
			size_t len = 0;
			text[len++] = '\t';
			for (const char *p = t->text; *p != '\0'; p++) {
				if (*p == ' ')
					text[len++] = '\n';
				text[len++] = (char)(islower((unsigned char)*p)
					? toupper((unsigned char)*p)
					: tolower((unsigned char)*p));
			}
			memcpy(text + len, "\r\n", 3);
			check(&groups[i], text, t->at);
		}
}

static void
check_cut(const struct group *g, const char *text)
{
	const struct zone zone = zone_named(g->zone);
	const int64_t now = instant(g->now);

	for (size_t len = 0; len < strlen(text); len++) {
		struct buf why = { .max = 0 };
		struct when w;
		/* On the heap, so that a sanitizer sees a read beyond its end. */
		char *cut = test_malloc(len + 1);
		memcpy(cut, text, len);
		enum res res = when_parse(&w, (struct span){ cut, len }, now, &zone, &why);
		assert_true(res == RES_OK ? w.at > now && why.len == 0 : why.len > 0);
		test_free(cut);
		buf_free(&why);
	}
}

static void
test_a_text_cut_anywhere_is_understood_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(groups); i++)
		for (size_t k = 0; k < groups[i].n; k++)
			check_cut(&groups[i], groups[i].texts[k].text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_more_than_three_hundred_texts_mean_their_instants),
		cmocka_unit_test(test_case_and_white_space_change_nothing),
		cmocka_unit_test(test_a_text_cut_anywhere_is_understood_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
