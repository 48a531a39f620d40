#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/metrics.h"

/* The text of a sample without labels, after its name. */
static void
assert_number(double value, const char *expected)
{
	struct buf out = { 0 };

	metrics_sample(&out, "x", value, NULL);
	assert_true(out.len > 3);
	assert_string_equal(out.p + out.len - 1, "\n");
	buf_cut(&out, out.len - 1);
	assert_string_equal(out.p + strlen("x "), expected);
	buf_free(&out);
}

/* The value of the sample whose line begins with `begins`. */
static double
sample_of(const struct buf *page, const char *begins)
{
	const char *p = strstr(buf_str(page), begins);

	if (p == NULL)
		fail_msg("no %s in\n%s", begins, buf_str(page));
	return strtod(p + strlen(begins), NULL);
}

/* -- Families ---------------------------------------------------------------------------------- */

static void
test_a_family_is_announced_by_help_and_type(void **state)
{
	struct buf out = { 0 };

	(void)state;
	metrics_family(&out, "laterd_packets", "gauge", "Packets by state.");
	assert_string_equal(buf_str(&out),
	    "# HELP laterd_packets Packets by state.\n# TYPE laterd_packets gauge\n");
	buf_free(&out);
}

static void
test_help_stays_on_its_line_and_keeps_its_quotes(void **state)
{
	struct buf out = { 0 };

	(void)state;
	metrics_family(&out, "x", "gauge", "a\\b \"c\"\nd");
	assert_string_equal(buf_str(&out), "# HELP x a\\\\b \"c\"\\nd\n# TYPE x gauge\n");
	buf_free(&out);
}

/* -- Labels ------------------------------------------------------------------------------------ */

static void
test_labels_stand_in_their_order(void **state)
{
	struct buf out = { 0 };

	(void)state;
	metrics_sample(&out, "x", 1, "kind", "im", "state", "held", NULL);
	metrics_sample(&out, "x", 2, "kind", "", NULL);
	metrics_sample(&out, "x", 3, NULL);
	assert_string_equal(buf_str(&out), "x{kind=\"im\",state=\"held\"} 1\nx{kind=\"\"} 2\nx 3\n");
	buf_free(&out);
}

static void
test_a_label_without_a_value_is_empty_and_ends_nothing(void **state)
{
	struct buf out = { 0 };

	(void)state;
	metrics_sample(&out, "x", 1, "kind", (const char *)NULL, "state", "held", NULL);
	assert_string_equal(buf_str(&out), "x{kind=\"\",state=\"held\"} 1\n");
	buf_free(&out);
}

static void
test_a_label_value_cannot_leave_its_quotes(void **state)
{
	struct buf out = { 0 };

	(void)state;
	metrics_sample(&out, "x", 1, "a", "\"} 9\ny{b=\"\\", NULL);
	assert_string_equal(buf_str(&out), "x{a=\"\\\"} 9\\ny{b=\\\"\\\\\"} 1\n");
	buf_free(&out);
}

static void
test_utf8_passes_and_other_bytes_do_not(void **state)
{
	struct buf out = { 0 };

	(void)state;
	metrics_sample(&out, "x", 1, "a", "B\xc3\xbcro \xf0\x9f\x95\x92", NULL);
	metrics_sample(&out, "x", 1, "a", "\xfc|\xc3\"|\xed\xa0\x80|\xf0\x9f", NULL);
	assert_string_equal(buf_str(&out),
	    "x{a=\"B\xc3\xbcro \xf0\x9f\x95\x92\"} 1\nx{a=\"?|?\\\"|\?\?\?|?\?\"} 1\n");
	buf_free(&out);
}

static void
test_every_byte_as_a_label_value_leaves_one_line(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		char value[] = { (char)c, '\0' };
		struct buf out = { 0 };

		metrics_sample(&out, "x", 1, "a", value, NULL);
		assert_ptr_equal(strchr(out.p, '\n'), out.p + out.len - 1);
		assert_true(out.len >= strlen("x{a=\"c\"} 1\n"));
		assert_string_equal(out.p + out.len - strlen("\"} 1\n"), "\"} 1\n");
		assert_false(out.failed);
		buf_free(&out);
	}
}

/* -- Numbers ----------------------------------------------------------------------------------- */

static void
test_whole_numbers_are_written_whole(void **state)
{
	(void)state;
	assert_number(0, "0");
	assert_number(-0.0, "0");
	assert_number(1, "1");
	assert_number(-17, "-17");
	assert_number(1e6, "1000000");
	assert_number(1791234567, "1791234567");
	assert_number(9007199254740992.0, "9007199254740992");
	assert_number(-9007199254740992.0, "-9007199254740992");
}

static void
test_other_numbers_are_short_and_come_back_the_same(void **state)
{
	static const double v[] = { 0.1, 1.0 / 3, 1e-9, 0.1 + 0.2, 123456.789, 1e300, -2.5e-300,
	    1e19, 4.9e-324, 1.7976931348623157e308 };

	(void)state;
	assert_number(0.1, "0.1");
	assert_number(-0.25, "-0.25");
	assert_number(0.0025, "0.0025");
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct buf out = { 0 };

		metrics_sample(&out, "x", v[i], NULL);
		assert_true(sample_of(&out, "x ") == v[i]);
		buf_free(&out);
	}
}

static void
test_what_is_no_number_has_its_name(void **state)
{
	(void)state;
	assert_number((double)NAN, "NaN");
	assert_number(-(double)NAN, "NaN");
	assert_number((double)INFINITY, "+Inf");
	assert_number(-(double)INFINITY, "-Inf");
}

/* -- Histograms -------------------------------------------------------------------------------- */

static void
test_an_empty_histogram_has_all_its_buckets(void **state)
{
	struct histogram h = { .ladder = LADDER_NUMBERS };
	struct buf out = { 0 };
	size_t lines = 0;

	(void)state;
	metrics_histogram(&out, "laterd_batch", &h, NULL);
	for (const char *p = buf_str(&out); *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, LADDER_MAX + 1 + 2);
	assert_int_equal(strncmp(out.p, "laterd_batch_bucket{le=\"1\"} 0\n", 30), 0);
	assert_non_null(strstr(out.p, "\nlaterd_batch_bucket{le=\"100000\"} 0\n"));
	assert_non_null(strstr(out.p, "\nlaterd_batch_bucket{le=\"+Inf\"} 0\n"
	    "laterd_batch_sum 0\nlaterd_batch_count 0\n"));
	buf_free(&out);
}

static void
test_buckets_are_cumulative_and_their_bounds_belong_to_them(void **state)
{
	struct histogram h = { .ladder = LADDER_SECONDS };
	struct buf out = { 0 };

	(void)state;
	histogram_add(&h, 0.001);
	histogram_add(&h, 0.0011);
	histogram_add(&h, 300);
	histogram_add(&h, 300.5);
	histogram_add(&h, 1e12);
	histogram_add(&h, -1);
	metrics_histogram(&out, "s", &h, NULL);
	assert_true(sample_of(&out, "s_bucket{le=\"0.001\"} ") == 2);
	assert_true(sample_of(&out, "s_bucket{le=\"0.0025\"} ") == 3);
	assert_true(sample_of(&out, "s_bucket{le=\"60\"} ") == 3);
	assert_true(sample_of(&out, "s_bucket{le=\"300\"} ") == 4);
	assert_true(sample_of(&out, "s_bucket{le=\"+Inf\"} ") == 6);
	assert_true(sample_of(&out, "s_count ") == 6);
	buf_free(&out);
}

static void
test_each_bound_counts_once_and_bounds_rise(void **state)
{
	for (enum ladder ladder = LADDER_SECONDS; ladder <= LADDER_NUMBERS; ladder++) {
		struct histogram h = { .ladder = ladder };
		struct buf out = { 0 };
		double last = 0;
		size_t n = 0;

		metrics_histogram(&out, "s", &h, NULL);
		for (const char *p = out.p; (p = strstr(p, "le=\"")) != NULL; n++) {
			double bound = strtod(p + 4, NULL);

			assert_true(bound > last);
			last = bound;
			if (isfinite(bound))
				histogram_add(&h, bound);
			p += 4;
		}
		assert_int_equal(n, LADDER_MAX + 1);
		for (size_t i = 0; i < LADDER_MAX; i++)
			assert_int_equal(h.buckets[i], 1);
		assert_int_equal(h.buckets[LADDER_MAX], 0);
		buf_free(&out);
	}
	(void)state;
}

static void
test_labels_of_a_histogram_stand_before_the_bound_and_are_escaped(void **state)
{
	struct histogram h = { .ladder = LADDER_SECONDS };
	struct buf out = { 0 };

	(void)state;
	histogram_add(&h, 0.25);
	metrics_histogram(&out, "s", &h, "gateway", "a\"b", "kind", "sms", NULL);
	assert_non_null(strstr(out.p, "s_bucket{gateway=\"a\\\"b\",kind=\"sms\",le=\"0.1\"} 0\n"));
	assert_non_null(strstr(out.p, "s_bucket{gateway=\"a\\\"b\",kind=\"sms\",le=\"0.25\"} 1\n"));
	assert_non_null(strstr(out.p, "s_sum{gateway=\"a\\\"b\",kind=\"sms\"} 0.25\n"));
	assert_non_null(strstr(out.p, "s_count{gateway=\"a\\\"b\",kind=\"sms\"} 1\n"));
	buf_free(&out);
}

static void
test_what_is_not_finite_does_not_spoil_a_sum(void **state)
{
	struct histogram h = { .ladder = LADDER_SECONDS };

	(void)state;
	histogram_add(&h, 2);
	histogram_add(&h, (double)NAN);
	histogram_add(&h, (double)INFINITY);
	histogram_add(&h, -(double)INFINITY);
	assert_int_equal(h.count, 1);
	assert_true(h.sum == 2);
}

static void
test_milliseconds_are_seconds_and_a_clock_set_back_is_no_time(void **state)
{
	struct histogram h = { .ladder = LADDER_SECONDS };

	(void)state;
	histogram_add_ms(&h, 1500);
	assert_true(h.sum == 1.5);
	histogram_add_ms(&h, -5000);
	histogram_add_ms(&h, INT64_MIN);
	assert_true(h.sum == 1.5);
	assert_int_equal(h.buckets[0], 2);
	histogram_add_ms(&h, INT64_MAX);
	assert_int_equal(h.buckets[LADDER_MAX], 1);
	assert_int_equal(h.count, 4);
}

/* -- Bounds ------------------------------------------------------------------------------------ */

static void
test_a_full_page_is_a_failure_and_never_silently_short(void **state)
{
	static const struct histogram h = { .ladder = LADDER_SECONDS };
	struct buf whole = { 0 };

	(void)state;
	metrics_family(&whole, "s", "histogram", "Seconds.");
	metrics_histogram(&whole, "s", &h, "a", "b", NULL);
	metrics_sample(&whole, "x", 1, "a", "\\", NULL);
	assert_false(whole.failed);
	for (size_t max = 1; max <= whole.len; max++) {
		struct buf out = { .max = max };

		metrics_family(&out, "s", "histogram", "Seconds.");
		metrics_histogram(&out, "s", &h, "a", "b", NULL);
		metrics_sample(&out, "x", 1, "a", "\\", NULL);
		assert_int_equal(out.failed, max < whole.len);
		buf_free(&out);
	}
	buf_free(&whole);
}

static void
test_labels_that_are_too_long_fail_the_page(void **state)
{
	char *big = malloc(BUF_MAX_DEFAULT + 1);
	struct buf out = { .max = 4 * BUF_MAX_DEFAULT };

	(void)state;
	memset(big, 'a', BUF_MAX_DEFAULT);
	big[BUF_MAX_DEFAULT] = '\0';
	metrics_sample(&out, "x", 1, "a", big, NULL);
	assert_true(out.failed);
	buf_free(&out);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_family_is_announced_by_help_and_type),
		cmocka_unit_test(test_help_stays_on_its_line_and_keeps_its_quotes),
		cmocka_unit_test(test_labels_stand_in_their_order),
		cmocka_unit_test(test_a_label_without_a_value_is_empty_and_ends_nothing),
		cmocka_unit_test(test_a_label_value_cannot_leave_its_quotes),
		cmocka_unit_test(test_utf8_passes_and_other_bytes_do_not),
		cmocka_unit_test(test_every_byte_as_a_label_value_leaves_one_line),
		cmocka_unit_test(test_whole_numbers_are_written_whole),
		cmocka_unit_test(test_other_numbers_are_short_and_come_back_the_same),
		cmocka_unit_test(test_what_is_no_number_has_its_name),
		cmocka_unit_test(test_an_empty_histogram_has_all_its_buckets),
		cmocka_unit_test(test_buckets_are_cumulative_and_their_bounds_belong_to_them),
		cmocka_unit_test(test_each_bound_counts_once_and_bounds_rise),
		cmocka_unit_test(test_labels_of_a_histogram_stand_before_the_bound_and_are_escaped),
		cmocka_unit_test(test_what_is_not_finite_does_not_spoil_a_sum),
		cmocka_unit_test(test_milliseconds_are_seconds_and_a_clock_set_back_is_no_time),
		cmocka_unit_test(test_a_full_page_is_a_failure_and_never_silently_short),
		cmocka_unit_test(test_labels_that_are_too_long_fail_the_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
