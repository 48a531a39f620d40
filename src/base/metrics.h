/* What is measured, as values, and the text in which Prometheus reads it (its format 0.0.4). */
#ifndef LATERD_BASE_METRICS_H
#define LATERD_BASE_METRICS_H

#include <stdint.h>

#include "base/buf.h"

/* Upper bounds of the buckets. */
enum ladder {
	LADDER_SECONDS = 0, /* 0.001 to 300 s */
	LADDER_NUMBERS      /* 1 to 100,000 */
};

#define LADDER_MAX 16

/* Zeroed is empty, of LADDER_SECONDS. */
struct histogram {
	enum ladder ladder;
	uint64_t buckets[LADDER_MAX + 1]; /* not cumulative; the last is beyond all bounds */
	uint64_t count;
	double sum;
};

/* A value that is not finite is not counted: it would spoil the sum for good. */
void histogram_add(struct histogram *h, double value);
/* Of a length of time in ms; a negative one counts as 0. */
void histogram_add_ms(struct histogram *h, int64_t ms);

/*
 * # HELP and # TYPE of a family, before its samples.  name: [a-z_]+, with the unit and _total as
 * Prometheus wants them; type: "counter", "gauge", "histogram"; help: one line.  Failures show in
 * out->failed.
 */
void metrics_family(struct buf *out, const char *name, const char *type, const char *help);
/*
 * A sample of it.  Then pairs of label and value, const char *, up to a NULL for a label; values
 * are escaped, and NULL is "".  Whole numbers are written as such.
 */
void metrics_sample(struct buf *out, const char *name, double value, ...)
    __attribute__((sentinel));
/* _bucket, _sum and _count; none of the labels is "le". */
void metrics_histogram(struct buf *out, const char *name, const struct histogram *h, ...)
    __attribute__((sentinel));

#endif
