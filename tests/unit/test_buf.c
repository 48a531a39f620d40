#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void
test_an_append_that_does_not_fit_changes_nothing_and_is_remembered(void **state)
{
	struct buf b = { .max = 5 };

	(void)state;
	assert_int_equal(buf_text(&b, "abc"), RES_OK);
	assert_int_equal(buf_text(&b, "def"), RES_NOMEM);
	assert_true(b.failed);
	assert_string_equal(buf_str(&b), "abc");
	assert_int_equal(buf_text(&b, "d"), RES_NOMEM);
	assert_string_equal(buf_str(&b), "abc");
	buf_reset(&b);
	assert_false(b.failed);
	assert_int_equal(buf_text(&b, "12345"), RES_OK);
	assert_int_equal(b.len, 5);
	buf_free(&b);
}

static void
test_a_buffer_reaches_exactly_its_bound(void **state)
{
	for (size_t max = 1; max < 300; max++) {
		struct buf b = { .max = max };
		for (size_t i = 0; i < max; i++)
			assert_int_equal(buf_append(&b, "x", 1), RES_OK);
		assert_int_equal(strlen(b.p), max);
		assert_int_equal(buf_append(&b, "x", 1), RES_NOMEM);
		buf_free(&b);
	}
	(void)state;
}

static void
test_max_zero_means_the_default(void **state)
{
	struct buf b = { .max = 0 };
	char *big = calloc(1, BUF_MAX_DEFAULT + 1);

	(void)state;
	assert_int_equal(buf_append(&b, big, BUF_MAX_DEFAULT + 1), RES_NOMEM);
	buf_reset(&b);
	assert_int_equal(buf_append(&b, big, BUF_MAX_DEFAULT), RES_OK);
	buf_free(&b);
	free(big);
}

static void
test_enormous_lengths_are_refused(void **state)
{
	struct buf b = { .max = SIZE_MAX };

	(void)state;
	assert_int_equal(buf_text(&b, "x"), RES_OK);
	assert_int_equal(buf_append(&b, "y", SIZE_MAX), RES_NOMEM);
	assert_string_equal(buf_str(&b), "x");
	buf_reset(&b);
	assert_null(buf_extend(&b, SIZE_MAX / 2));
	buf_free(&b);
}

static void
test_a_buffer_may_be_appended_to_itself(void **state)
{
	struct buf b = { .max = 0 };

	(void)state;
	buf_text(&b, "0123456789abcdef");
	for (int i = 0; i < 6; i++)
		assert_int_equal(buf_append(&b, b.p, b.len), RES_OK);
	assert_int_equal(b.len, 1024);
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(b.p[i], "0123456789abcdef"[i % 16]);
	buf_free(&b);
}

static void
test_p_is_null_before_the_first_append_and_a_string_after(void **state)
{
	struct buf b = { .max = 10 };

	(void)state;
	assert_null(b.p);
	assert_string_equal(buf_str(&b), "");
	assert_non_null(buf_as_span(&b).p);
	assert_int_equal(buf_append(&b, NULL, 0), RES_OK);
	assert_non_null(b.p);
	assert_string_equal(b.p, "");
	assert_int_equal(buf_text(&b, NULL), RES_OK);
	buf_free(&b);
	assert_null(b.p);
	assert_int_equal(b.max, 10);
}

static void
test_printf_fits_whole_or_not_at_all(void **state)
{
	struct buf b = { .max = 8 };

	(void)state;
	assert_int_equal(buf_printf(&b, "%d-%s", 12, "abc"), RES_OK);
	assert_string_equal(b.p, "12-abc");
	assert_int_equal(buf_printf(&b, "%03d", 7), RES_NOMEM);
	assert_string_equal(b.p, "12-abc");
	buf_reset(&b);
	assert_int_equal(buf_printf(&b, "%08d", 7), RES_OK);
	assert_int_equal(buf_printf(&b, "%s", ""), RES_OK);
	buf_free(&b);
}

static void
test_extend_gives_zeroed_bytes_after_what_was_there(void **state)
{
	struct buf b = { .max = 200 };

	(void)state;
	buf_text(&b, "head");
	char *at = buf_extend(&b, 150);
	assert_ptr_equal(at, b.p + 4);
	for (int i = 0; i <= 150; i++)
		assert_int_equal(at[i], 0);
	assert_int_equal(b.len, 154);
	assert_null(buf_extend(&b, 47));
	assert_true(b.failed);
	assert_int_equal(b.len, 154);
	buf_free(&b);
}

static void
test_what_is_cut_is_overwritten(void **state)
{
	struct buf b = { .max = 0 };

	(void)state;
	buf_text(&b, "keep secret");
	buf_cut(&b, 99);
	assert_int_equal(b.len, 11);
	buf_cut(&b, 4);
	assert_string_equal(b.p, "keep");
	for (size_t i = 4; i < 11; i++)
		assert_int_equal(b.p[i], 0);
	buf_reset(&b);
	assert_int_equal(b.p[0], 0);
	assert_int_equal(b.p[3], 0);
	buf_cut(&b, 0);
	buf_free(&b);
}

static void
test_spans_compare_by_bytes_or_without_case(void **state)
{
	(void)state;
	assert_true(span_eq(SPAN("abc"), span_of("abc")));
	assert_false(span_eq(SPAN("abc"), SPAN("abC")));
	assert_false(span_eq(SPAN("abc"), SPAN("ab")));
	assert_true(span_caseeq(SPAN("aBc-\xc3\x84"), SPAN("AbC-\xc3\x84")));
	assert_false(span_caseeq(SPAN("\xc3\x84"), SPAN("\xc3\xa4")));
	assert_false(span_caseeq(SPAN("@["), SPAN("`{")));
	assert_true(span_eq(span_of(NULL), SPAN("")));
	assert_null(span_of(NULL).p);
}

static void
test_trim_takes_ascii_white_space_from_both_ends(void **state)
{
	(void)state;
	assert_true(span_eq(span_trim(SPAN(" \t\r\n a b \n")), SPAN("a b")));
	assert_int_equal(span_trim(SPAN(" \n ")).len, 0);
	assert_int_equal(span_trim((struct span){ NULL, 0 }).len, 0);
	assert_int_equal(span_trim(SPAN("\v")).len, 1);
}

static void
test_arena_memory_is_zeroed_aligned_and_apart(void **state)
{
	struct arena a = { .max = 0 };
	char *pieces[400];

	(void)state;
	for (size_t i = 0; i < 400; i++) {
		size_t len = i * 7 % 3000;
		pieces[i] = arena_alloc(&a, len);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		for (size_t k = 0; k < len; k++)
			assert_int_equal(pieces[i][k], 0);
		memset(pieces[i], (int)(i % 255) + 1, len);
	}
	for (size_t i = 0; i < 400; i++)
		for (size_t k = 0; k < i * 7 % 3000; k++)
			assert_int_equal((unsigned char)pieces[i][k], i % 255 + 1);
	arena_free(&a);
	assert_null(a.blocks);
	assert_int_equal(a.used, 0);
}

static void
test_an_arena_keeps_its_bound_and_remembers_failing(void **state)
{
	struct arena a = { .max = 64 };

	(void)state;
	assert_non_null(arena_alloc(&a, 40));
	assert_null(arena_alloc(&a, 40));
	assert_true(a.failed);
	assert_non_null(arena_alloc(&a, 16));
	assert_true(a.failed);
	assert_null(arena_alloc(&a, 1));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 3));
	arena_free(&a);
	assert_false(a.failed);
	assert_int_equal(a.max, 64);
	assert_non_null(arena_alloc(&a, 64));
	arena_free(&a);
}

static void
test_many_tiny_pieces_cannot_pass_the_bound(void **state)
{
	struct arena a = { .max = 1600 };
	size_t n = 0;

	(void)state;
	while (arena_text(&a, "") != NULL)
		n++;
	assert_int_equal(n, 100);
	arena_free(&a);
}

static void
test_arena_copies_are_strings_and_absent_stays_absent(void **state)
{
	struct arena a = { .max = 0 };

	(void)state;
	assert_string_equal(arena_span(&a, (struct span){ "abcdef", 3 }), "abc");
	assert_string_equal(arena_span(&a, SPAN("")), "");
	assert_null(arena_span(&a, (struct span){ NULL, 0 }));
	assert_null(arena_text(&a, NULL));
	assert_false(a.failed);
	assert_string_equal(arena_printf(&a, "%d/%s", 5, "x"), "5/x");
	arena_free(&a);
}

static void
test_a_grown_array_keeps_its_members(void **state)
{
	struct arena a = { .max = 0 };
	int *v = NULL;
	size_t n = 0, cap = 0;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		v = arena_grow(&a, v, n, &cap, sizeof(*v));
		assert_non_null(v);
		v[n++] = i;
	}
	for (int i = 0; i < 5000; i++)
		assert_int_equal(v[i], i);
	assert_ptr_equal(arena_grow(&a, v, cap - 1, &cap, sizeof(*v)), v);
	arena_free(&a);
}

static void
test_an_array_that_cannot_grow_keeps_its_capacity(void **state)
{
	struct arena a = { .max = 100 };
	size_t cap = 8, huge = SIZE_MAX / 2;
	char v[8];

	(void)state;
	assert_null(arena_grow(&a, v, 8, &cap, 100));
	assert_int_equal(cap, 8);
	assert_true(a.failed);
	assert_null(arena_grow(&a, v, huge, &huge, 16));
	assert_int_equal(huge, SIZE_MAX / 2);
	arena_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_an_append_that_does_not_fit_changes_nothing_and_is_remembered),
		cmocka_unit_test(test_a_buffer_reaches_exactly_its_bound),
		cmocka_unit_test(test_max_zero_means_the_default),
		cmocka_unit_test(test_enormous_lengths_are_refused),
		cmocka_unit_test(test_a_buffer_may_be_appended_to_itself),
		cmocka_unit_test(test_p_is_null_before_the_first_append_and_a_string_after),
		cmocka_unit_test(test_printf_fits_whole_or_not_at_all),
		cmocka_unit_test(test_extend_gives_zeroed_bytes_after_what_was_there),
		cmocka_unit_test(test_what_is_cut_is_overwritten),
		cmocka_unit_test(test_spans_compare_by_bytes_or_without_case),
		cmocka_unit_test(test_trim_takes_ascii_white_space_from_both_ends),
		cmocka_unit_test(test_arena_memory_is_zeroed_aligned_and_apart),
		cmocka_unit_test(test_an_arena_keeps_its_bound_and_remembers_failing),
		cmocka_unit_test(test_many_tiny_pieces_cannot_pass_the_bound),
		cmocka_unit_test(test_arena_copies_are_strings_and_absent_stays_absent),
		cmocka_unit_test(test_a_grown_array_keeps_its_members),
		cmocka_unit_test(test_an_array_that_cannot_grow_keeps_its_capacity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
