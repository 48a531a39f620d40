#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define BUF_FIRST   64
#define ARENA_BLOCK ((size_t)4096)
#define GROW_FIRST  8

struct arena_block {
	struct arena_block *next;
	size_t used, cap;
	alignas(max_align_t) char mem[];
};

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span
span_of(const char *text)
{
	return (struct span){ text, text == NULL ? 0 : strlen(text) };
}

bool
span_eq(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool
span_caseeq(struct span a, struct span b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

struct span
span_trim(struct span s)
{
	while (s.len > 0 && is_space(s.p[0]))
		s = (struct span){ s.p + 1, s.len - 1 };
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

static size_t
bound_of(const struct buf *b)
{
	return b->max != 0 ? b->max : BUF_MAX_DEFAULT;
}

/*
 * Memory for `more` bytes and a NUL.  *old is the memory they were in before, if it changed: the
 * caller still may copy from it, and then has to drop it.
 */
static bool
make_room(struct buf *b, size_t more, struct span *old)
{
	*old = (struct span){ NULL, 0 };
	if (b->failed || b->len > bound_of(b) || more > bound_of(b) - b->len ||
	    more > SIZE_MAX / 4 - b->len) {
		b->failed = true;
		return false;
	}
	size_t need = b->len + more + 1;
	if (b->p != NULL && need <= b->cap)
		return true;
	size_t cap = b->cap < BUF_FIRST ? BUF_FIRST : 2 * b->cap;
	if (cap > bound_of(b) + 1)
		cap = bound_of(b) + 1;
	if (cap < need)
		cap = need;
	/* realloc would leave a copy of a secret behind. */
	char *p = malloc(cap);
	if (p == NULL) {
		b->failed = true;
		return false;
	}
	if (b->len > 0)
		memcpy(p, b->p, b->len);
	p[b->len] = '\0';
	*old = (struct span){ b->p, b->cap };
	b->p = p;
	b->cap = cap;
	return true;
}

static void
drop(char *p, size_t cap)
{
	if (p == NULL)
		return;
	explicit_bzero(p, cap);
	free(p);
}

enum res
buf_append(struct buf *b, const void *p, size_t len)
{
	struct span old;

	if (!make_room(b, len, &old))
		return RES_NOMEM;
	if (len > 0)
		memmove(b->p + b->len, p, len);
	b->len += len;
	b->p[b->len] = '\0';
	drop((char *)old.p, old.len);
	return RES_OK;
}

enum res
buf_span(struct buf *b, struct span s)
{
	return buf_append(b, s.p, s.len);
}

enum res
buf_text(struct buf *b, const char *text)
{
	return buf_span(b, span_of(text));
}

enum res
buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	enum res res = buf_vprintf(b, format, args);
	va_end(args);
	return res;
}

enum res
buf_vprintf(struct buf *b, const char *format, va_list args)
{
	struct span old;
	va_list again;

	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (len < 0) {
		b->failed = true;
		return RES_NOMEM;
	}
	if (!make_room(b, (size_t)len, &old))
		return RES_NOMEM;
	vsnprintf(b->p + b->len, (size_t)len + 1, format, args);
	b->len += (size_t)len;
	drop((char *)old.p, old.len);
	return RES_OK;
}

char *
buf_extend(struct buf *b, size_t len)
{
	struct span old;

	if (!make_room(b, len, &old))
		return NULL;
	drop((char *)old.p, old.len);
	char *at = b->p + b->len;
	memset(at, 0, len + 1);
	b->len += len;
	return at;
}

void
buf_cut(struct buf *b, size_t len)
{
	if (len >= b->len)
		return;
	explicit_bzero(b->p + len, b->len - len);
	b->len = len;
}

const char *
buf_str(const struct buf *b)
{
	return b->p != NULL ? b->p : "";
}

struct span
buf_as_span(const struct buf *b)
{
	return (struct span){ buf_str(b), b->len };
}

void
buf_reset(struct buf *b)
{
	buf_cut(b, 0);
	b->failed = false;
}

void
buf_free(struct buf *b)
{
	drop(b->p, b->cap);
	*b = (struct buf){ .max = b->max };
}

static struct arena_block *
block_new(struct arena *a, size_t len)
{
	size_t cap = len > ARENA_BLOCK / 4 ? len : ARENA_BLOCK;
	struct arena_block *block = calloc(1, sizeof(*block) + cap);

	if (block == NULL)
		return NULL;
	block->cap = cap;
	/* A block made for one large piece goes behind the one that still has room. */
	if (a->blocks != NULL && cap == len) {
		block->next = a->blocks->next;
		a->blocks->next = block;
	} else {
		block->next = a->blocks;
		a->blocks = block;
	}
	return block;
}

void *
arena_alloc(struct arena *a, size_t len)
{
	const size_t align = alignof(max_align_t);
	size_t max = a->max != 0 ? a->max : ARENA_MAX_DEFAULT;
	size_t room = len <= SIZE_MAX / 2 ? (len + align - 1) / align * align : SIZE_MAX;
	struct arena_block *block = a->blocks;

	if (room == 0)
		room = align;
	if (a->used > max || room > max - a->used) {
		a->failed = true;
		return NULL;
	}
	if (block == NULL || room > block->cap - block->used)
		block = block_new(a, room);
	if (block == NULL) {
		a->failed = true;
		return NULL;
	}
	void *p = block->mem + block->used;
	block->used += room;
	a->used += room;
	return p;
}

char *
arena_span(struct arena *a, struct span s)
{
	if (s.p == NULL)
		return NULL;
	if (s.len == SIZE_MAX) {
		a->failed = true;
		return NULL;
	}
	char *copy = arena_alloc(a, s.len + 1);
	if (copy != NULL && s.len > 0)
		memcpy(copy, s.p, s.len);
	return copy;
}

char *
arena_text(struct arena *a, const char *text)
{
	return arena_span(a, span_of(text));
}

char *
arena_printf(struct arena *a, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0) {
		a->failed = true;
		return NULL;
	}
	char *text = arena_alloc(a, (size_t)len + 1);
	if (text == NULL)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}

void *
arena_grow(struct arena *a, void *array, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return array;
	size_t more = *cap == 0 ? GROW_FIRST : *cap;
	if (*cap > SIZE_MAX / 2 || (size > 0 && *cap + more > SIZE_MAX / size)) {
		a->failed = true;
		return NULL;
	}
	void *larger = arena_alloc(a, (*cap + more) * size);
	if (larger == NULL)
		return NULL;
	if (n > 0)
		memcpy(larger, array, n * size);
	*cap += more;
	return larger;
}

void
arena_free(struct arena *a)
{
	while (a->blocks != NULL) {
		struct arena_block *block = a->blocks;
		a->blocks = block->next;
		explicit_bzero(block->mem, block->used);
		free(block);
	}
	*a = (struct arena){ .max = a->max };
}
