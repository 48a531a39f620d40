/* Submitted forms, as a client sends them: read, written as ours, and read again. */
#include <stdint.h>
#include <stdlib.h>

#include "xmpp/form.h"
#include "xmpp/parser.h"
#include "xmpp/stanza.h"

#define INPUT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static xmpp_ctx_t *ctx;
static bool second; /* the form comes back from xform_write */
static size_t fields, reads;

static size_t
count(const struct form *f)
{
	size_t n = 0;

	for (const struct field *fd = f->fields; fd != NULL; fd = fd->next)
		n++;
	return n;
}

static void feed(const char *xml, size_t len);

/* What we wrote must be read again, field by field. */
static void
again(const struct form *f)
{
	xmpp_stanza_t *parent = stanza_new(ctx, "command", NULL);
	char *text;
	size_t len;

	if (parent == NULL || xform_write(parent, f, "submit") != RES_OK ||
	    xmpp_stanza_to_text(parent, &text, &len) != XMPP_EOK)
		abort();
	second = true;
	fields = count(f);
	reads = 0;
	feed(text, len);
	second = false;
	if (reads != 1)
		abort();
	xmpp_free(ctx, text);
	xmpp_stanza_release(parent);
}

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *x = stanza_child(stanza, "x", NS_DATA);
	struct form f = { 0 };
	enum res res;

	(void)arg;
	if (x == NULL)
		x = stanza;
	res = xform_read(x, &f);
	if (second) {
		if (res != RES_OK || count(&f) != fields)
			abort();
		reads++;
	} else if (res == RES_OK) {
		again(&f);
	}
	form_free(&f);
}

static void
on_opened(void *arg, const char *id)
{
	(void)arg;
	(void)id;
}

static void
on_dropped(void *arg, const struct parser_dropped *dropped)
{
	(void)arg;
	(void)dropped;
}

static void
on_closed(void *arg)
{
	(void)arg;
}

static void
feed(const char *xml, size_t len)
{
	static const struct parser_events events = { on_opened, on_stanza, on_dropped, on_closed };
	struct parser *p = parser_new(ctx, &parser_bounds_default, &events, NULL);
	enum res res;

	if (p == NULL)
		abort();
	res = parser_feed(p, SPAN("<stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='"
	    NS_STREAM "'>"));
	if (res == RES_OK)
		res = parser_feed(p, (struct span){ xml, len });
	if (second && res != RES_OK)
		abort();
	parser_free(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (ctx == NULL && (ctx = xmpp_ctx_new(NULL, NULL)) == NULL)
		abort();
	if (len <= INPUT_MAX)
		feed((const char *)data, len);
	return 0;
}
