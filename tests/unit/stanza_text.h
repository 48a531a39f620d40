/* A stanza as one line of text in which equal trees look equal. */
#ifndef LATERD_TESTS_STANZA_TEXT_H
#define LATERD_TESTS_STANZA_TEXT_H

#include <stdlib.h>
#include <string.h>
#include <strophe.h>

#include "base/buf.h"

static int
compare_attributes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
write_attributes(struct buf *out, xmpp_stanza_t *st)
{
	int i, n = xmpp_stanza_get_attribute_count(st);
	const char **pairs = calloc((size_t)n * 2 + 1, sizeof(*pairs));

	if (pairs == NULL)
		abort();
	xmpp_stanza_get_attributes(st, pairs, 2 * n);
	qsort(pairs, (size_t)n, 2 * sizeof(*pairs), compare_attributes);
	for (i = 0; i < 2 * n; i += 2)
		buf_printf(out, " %s='%s'", pairs[i], pairs[i + 1]);
	free(pairs);
}

static void
write_tree(struct buf *out, xmpp_stanza_t *st)
{
	xmpp_stanza_t *child;

	if (xmpp_stanza_is_text(st)) {
		buf_text(out, "[");
		buf_text(out, xmpp_stanza_get_text_ptr(st));
		buf_text(out, "]");
		return;
	}
	buf_text(out, "<");
	buf_text(out, xmpp_stanza_get_name(st));
	write_attributes(out, st);
	buf_text(out, ">");
	for (child = xmpp_stanza_get_children(st); child != NULL;
	     child = xmpp_stanza_get_next(child))
		write_tree(out, child);
	buf_text(out, "</>");
}

#endif
