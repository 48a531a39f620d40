/*
 * What upload services may answer: whatever is made of it keeps within its bounds and has no
 * character that must not get into a request or a message.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "xmpp/parser.h"
#include "xmpp/stanza.h"
#include "xmpp/upload_read.h"

#define HEADER "<stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAM "' id='1'>"
#define SERVICE "upload.example.org"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_text(const char *text, size_t max, char first)
{
	size_t len = strlen(text), i;

	if (len == 0 || len > max)
		abort();
	for (i = 0; i < len; i++)
		if ((text[i] < first && text[i] != '\t') || text[i] > '~')
			abort();
}

static void
check_slot(xmpp_stanza_t *st)
{
	struct arena a = { 0 };
	struct slot slot;
	size_t i;

	if (upload_read_slot(st, &a, &slot) == RES_OK) {
		check_text(slot.put, UPLOAD_URL_MAX, '!');
		check_text(slot.get, UPLOAD_URL_MAX, '!');
		if (slot.nheaders > SLOT_HEADERS_MAX)
			abort();
		for (i = 0; i < slot.nheaders; i++) {
			check_text(slot.headers[i].name, 13, 'A');
			check_text(slot.headers[i].value, UPLOAD_HEADER_MAX, ' ');
		}
	}
	arena_free(&a);
}

static void
check_words(xmpp_stanza_t *st)
{
	struct buf words = { 0 };
	enum res res = upload_read_error(st, SERVICE, 1000, 0, &words);
	size_t i;

	if ((res != RES_INVALID && res != RES_TEMPFAIL) || words.failed || words.len > 2000 ||
	    words.len == 0 || words.p[words.len - 1] != '.' ||
	    strstr(buf_str(&words), SERVICE) == NULL || !xml_text_valid(buf_as_span(&words)))
		abort();
	for (i = 0; i < words.len; i++)
		if ((unsigned char)words.p[i] < ' ')
			abort();
	buf_free(&words);
}

static void
on_stanza(void *arg, xmpp_stanza_t *st)
{
	xmpp_stanza_t *item = NULL;
	struct jid jid;
	int64_t max_size = -1;
	int n;

	(void)arg;
	check_slot(st);
	check_words(st);
	(void)upload_is_wait(st);
	if (upload_read_service(st, &max_size) ? max_size < 0 : max_size != -1)
		abort();
	for (n = 0; n < 100 && upload_read_item(st, &item, &jid); n++)
		if (*jid.domain == '\0')
			abort();
}

static void
on_opened(void *arg, const char *id)
{
	(void)arg, (void)id;
}

static void
on_dropped(void *arg, const struct parser_dropped *d)
{
	(void)arg, (void)d;
}

static void
on_closed(void *arg)
{
	(void)arg;
}

static const struct parser_events events = { on_opened, on_stanza, on_dropped, on_closed };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	struct parser *p = ctx == NULL ? NULL
	    : parser_new(ctx, &parser_bounds_default, &events, NULL);

	if (p == NULL || parser_feed(p, SPAN(HEADER)) != RES_OK)
		abort();
	(void)parser_feed(p, (struct span){ (const char *)data, len });
	parser_free(&p);
	xmpp_ctx_free(ctx);
	return 0;
}
