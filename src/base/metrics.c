#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/parse.h"

/* All whole numbers up to here are doubles. */
#define WHOLE_MAX 9007199254740992.0
#define NUMBER_SIZE 40

static const double bounds[][LADDER_MAX] = {
	[LADDER_SECONDS] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
	    30, 60, 300 },
	[LADDER_NUMBERS] = { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000,
	    50000, 100000 },
};

/* -- Histograms -------------------------------------------------------------------------------- */

void
histogram_add(struct histogram *h, double value)
{
	size_t i = 0;

	if (!isfinite(value))
		return;
	while (i < LADDER_MAX && value > bounds[h->ladder][i])
		i++;
	h->buckets[i]++;
	h->count++;
	h->sum += value;
}

void
histogram_add_ms(struct histogram *h, int64_t ms)
{
	histogram_add(h, ms > 0 ? (double)ms / SECOND_MS : 0);
}

/* -- Text -------------------------------------------------------------------------------------- */

/* As strtod(3) reads it, in as few digits as bring the same value back. */
static void
number(char *out, double v)
{
	if (isnan(v))
		snprintf(out, NUMBER_SIZE, "NaN");
	else if (isinf(v))
		snprintf(out, NUMBER_SIZE, v > 0 ? "+Inf" : "-Inf");
	else if (v >= -WHOLE_MAX && v <= WHOLE_MAX && (double)(int64_t)v == v)
		snprintf(out, NUMBER_SIZE, "%" PRId64, (int64_t)v);
	else {
		snprintf(out, NUMBER_SIZE, "%.15g", v);
		if (strtod(out, NULL) != v)
			snprintf(out, NUMBER_SIZE, "%.17g", v);
	}
}

/* What is not UTF-8 would make the whole page unreadable, and so becomes '?'. */
static void
escape(struct buf *out, const char *text, bool quotes)
{
	size_t len = strlen(text);

	while (len > 0) {
		size_t n = utf8_char(text, len);

		if (*text == '\\')
			buf_text(out, "\\\\");
		else if (*text == '\n')
			buf_text(out, "\\n");
		else if (*text == '"' && quotes)
			buf_text(out, "\\\"");
		else if (n > 0)
			buf_append(out, text, n);
		else
			buf_text(out, "?");
		n = n > 0 ? n : 1;
		text += n;
		len -= n;
	}
}

void
metrics_family(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s ", name);
	escape(out, help, false);
	buf_printf(out, "\n# TYPE %s %s\n", name, type);
}

/* a="b",c="d" */
static void
append_labels(struct buf *out, va_list pairs)
{
	const char *label, *between = "";

	while ((label = va_arg(pairs, const char *)) != NULL) {
		const char *value = va_arg(pairs, const char *);

		buf_printf(out, "%s%s=\"", between, label);
		escape(out, value != NULL ? value : "", true);
		buf_text(out, "\"");
		between = ",";
	}
}

static void
append_sample(struct buf *out, const char *name, const char *suffix, const struct buf *labels,
    const char *value)
{
	if (labels->len > 0)
		buf_printf(out, "%s%s{%s} %s\n", name, suffix, buf_str(labels), value);
	else
		buf_printf(out, "%s%s %s\n", name, suffix, value);
}

void
metrics_sample(struct buf *out, const char *name, double value, ...)
{
	struct buf labels = { 0 };
	char text[NUMBER_SIZE];
	va_list pairs;

	va_start(pairs, value);
	append_labels(&labels, pairs);
	va_end(pairs);
	number(text, value);
	append_sample(out, name, "", &labels, text);
	out->failed |= labels.failed;
	buf_free(&labels);
}

static void
append_buckets(struct buf *out, const char *name, const struct histogram *h,
    const struct buf *labels)
{
	uint64_t below = 0;
	char text[NUMBER_SIZE];

	for (size_t i = 0; i <= LADDER_MAX; i++) {
		below += h->buckets[i];
		number(text, i < LADDER_MAX ? bounds[h->ladder][i] : INFINITY);
		buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", name, buf_str(labels),
		    labels->len > 0 ? "," : "", text, below);
	}
}

void
metrics_histogram(struct buf *out, const char *name, const struct histogram *h, ...)
{
	struct buf labels = { 0 };
	char text[NUMBER_SIZE];
	va_list pairs;

	va_start(pairs, h);
	append_labels(&labels, pairs);
	va_end(pairs);
	append_buckets(out, name, h, &labels);
	number(text, h->sum);
	append_sample(out, name, "_sum", &labels, text);
	snprintf(text, sizeof(text), "%" PRIu64, h->count);
	append_sample(out, name, "_count", &labels, text);
	out->failed |= labels.failed;
	buf_free(&labels);
}
