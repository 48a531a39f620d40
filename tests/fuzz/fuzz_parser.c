/* The component stream's bytes in one piece, byte by byte and in pieces of any size: the same
 * events and the same end. */
#include <stdint.h>
#include <stdlib.h>

#include "../unit/stanza_text.h"
#include "xmpp/parser.h"

/* Short of what a long tag is held back for, which may put the discovery of an error off. */
#define INPUT_MAX 4000
#define HEADER \
	"<s:stream xmlns='jabber:component:accept' xmlns:s='http://etherx.jabber.org/streams' " \
	"id='1'>"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
on_opened(void *arg, const char *id)
{
	buf_printf(arg, "opened %s\n", id == NULL ? "" : id);
}

static void
on_stanza(void *arg, xmpp_stanza_t *st)
{
	write_tree(arg, st);
	buf_text(arg, "\n");
}

static void
on_dropped(void *arg, const struct parser_dropped *d)
{
	buf_printf(
	    arg, "dropped %s|%s|%s|%s|%s: %s\n", d->name, d->type, d->id, d->from, d->to, d->why);
}

static void
on_closed(void *arg)
{
	buf_text(arg, "closed\n");
}

static const struct parser_events events = {
	.opened = on_opened,
	.stanza = on_stanza,
	.dropped = on_dropped,
	.closed = on_closed,
};

/* Small, so that inputs reach them. */
static const struct parser_bounds bounds = {
	.bytes = 200, .elements = 8, .children = 4, .depth = 4, .attributes = 3, .token = 1 << 20,
};

/* step 0: everything at once; 1: byte by byte; any other: pieces of changing size. */
static enum res
run(xmpp_ctx_t *ctx, struct span input, uint32_t step, struct buf *story)
{
	struct parser *p = parser_new(ctx, &bounds, &events, story);
	enum res r = RES_OK;
	uint32_t state = step;

	if (p == NULL)
		abort();
	while (input.len > 0) {
		size_t n = input.len;

		if (step == 1)
			n = 1;
		else if (step != 0)
			n = (state = state * 1664525 + 1013904223) >> 26;
		if (n > input.len)
			n = input.len;
		r = parser_feed(p, (struct span){ input.p, n });
		input.p += n;
		input.len -= n;
	}
	parser_free(&p);
	return r;
}

/* Before an error, smaller pieces may show more: expat looks at a run of text as a whole first. */
static bool
same(enum res r, const struct buf *whole, const struct buf *pieces)
{
	struct span a = buf_as_span(whole), b = buf_as_span(pieces);

	if (r != RES_OK && b.len > a.len)
		b.len = a.len;
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	struct buf input = { 0 },
	           story[3] = { { .max = 1 << 24 }, { .max = 1 << 24 }, { .max = 1 << 24 } };
	uint32_t seed = len > 1 ? (uint32_t)data[1] + 2 : 2;
	enum res r;

	/* An even first byte stands for the header. */
	if (len > 0 && data[0] % 2 == 0) {
		buf_text(&input, HEADER);
		data++;
		len--;
	}
	if (len <= INPUT_MAX) {
		buf_append(&input, data, len);
		r = run(ctx, buf_as_span(&input), 0, &story[0]);
		if (run(ctx, buf_as_span(&input), 1, &story[1]) != r ||
		    run(ctx, buf_as_span(&input), seed, &story[2]) != r ||
		    !same(r, &story[0], &story[1]) || !same(r, &story[0], &story[2]))
			abort();
	}
	buf_free(&input);
	for (size_t i = 0; i < 3; i++)
		buf_free(&story[i]);
	xmpp_ctx_free(ctx);
	return 0;
}
