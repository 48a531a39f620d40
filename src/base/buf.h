/* Borrowed text (span), owned bounded text (buf), and memory that is freed in one go (arena). */
#ifndef LATERD_BASE_BUF_H
#define LATERD_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/res.h"

/*
 * Borrowed bytes, perhaps without a NUL.  {NULL, 0} is "absent"; a present empty span has p !=
 * NULL.
 */
struct span {
	const char *p;
	size_t len;
};

#define SPAN(literal) ((struct span){ (literal), sizeof(literal) - 1 })

/* The bytes of a NUL-terminated string; absent for NULL. */
struct span span_of(const char *text);
bool span_eq(struct span a, struct span b);
/* ASCII letters compare without regard to case, all other bytes exactly. */
bool span_caseeq(struct span a, struct span b);
/* Without ASCII white space (space, tab, CR, LF) at both ends. */
struct span span_trim(struct span s);

/*
 * Owned text of at most max bytes.  An append that does not fit, or finds no memory, changes
 * nothing, returns RES_NOMEM and makes the buffer `failed` until buf_reset, so that a writer may
 * append many times and ask once.  p is NUL-terminated after the first append and NULL before.
 * {.max = N} is an empty buffer; max 0 means BUF_MAX_DEFAULT.
 */
struct buf {
	char *p;
	size_t len, cap, max;
	bool failed;
};

#define BUF_MAX_DEFAULT ((size_t)1 << 20)

enum res buf_append(struct buf *b, const void *p, size_t len);
enum res buf_span(struct buf *b, struct span s);
enum res buf_text(struct buf *b, const char *text);
enum res buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum res buf_vprintf(struct buf *b, const char *format, va_list args);
/*
 * Append len zero bytes for the caller to write over, and return where they begin, until the next
 * append.  NULL where an append would fail.
 */
char *buf_extend(struct buf *b, size_t len);
/* Forget all but the first len bytes, if there are more; what is forgotten is overwritten. */
void buf_cut(struct buf *b, size_t len);
/* The content as a string: "" when nothing was appended. */
const char *buf_str(const struct buf *b);
struct span buf_as_span(const struct buf *b);
/* Empty again, and no longer failed; the memory stays. */
void buf_reset(struct buf *b);
/*
 * The same, and the memory is returned.  Overwrites it first, because bodies and keys pass through
 * buffers.
 */
void buf_free(struct buf *b);

/*
 * Memory that lives until arena_free.  max bounds the sum of what is handed out, each piece rounded
 * up to the alignment of any type (0: ARENA_MAX_DEFAULT); at the bound, or without memory, a call
 * returns NULL and `failed` stays set, so that a builder may ask once at its end.  Memory comes
 * zeroed and aligned for any type, and is overwritten when it is freed.
 */
struct arena {
	struct arena_block *blocks;
	size_t used, max;
	bool failed;
};

#define ARENA_MAX_DEFAULT ((size_t)16 << 20)

void *arena_alloc(struct arena *a, size_t len);
/* A NUL-terminated copy.  NULL for an absent span, without setting `failed`. */
char *arena_span(struct arena *a, struct span s);
char *arena_text(struct arena *a, const char *text);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/*
 * A larger copy of an array of n members of `size` bytes when it is full at *cap, else the array
 * itself.  The old copy stays in the arena.  NULL on failure; *cap is then unchanged.
 */
void *arena_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t size);
/* Empty again, and no longer failed. */
void arena_free(struct arena *a);

#endif
