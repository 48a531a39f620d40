#include "xmpp/upload_read.h"

#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "xmpp/form.h"
#include "xmpp/query.h"
#include "xmpp/stanza.h"

#define NUMBER_MAX    24  /* characters */
#define TEXT_MAX      300
#define CONDITION_MAX 64

/* -- Service discovery ------------------------------------------------------------------------- */

static bool
has_feature(xmpp_stanza_t *query)
{
	xmpp_stanza_t *c = query == NULL ? NULL : xmpp_stanza_get_children(query);

	for (; c != NULL; c = xmpp_stanza_get_next(c))
		if (stanza_is(c, "feature", NS_DISCO_INFO) &&
		    strcmp(stanza_attr(c, "var"), NS_UPLOAD) == 0)
			return true;
	return false;
}

/* The first value of the field directly in the form; a longer one than the buffer takes is none. */
static void
field_value(xmpp_stanza_t *x, const char *var, struct buf *out)
{
	xmpp_stanza_t *c;

	buf_reset(out);
	for (c = xmpp_stanza_get_children(x); c != NULL; c = xmpp_stanza_get_next(c))
		if (stanza_is(c, "field", NS_DATA) && strcmp(stanza_attr(c, "var"), var) == 0)
			break;
	if (stanza_get_text(stanza_child(c, "value", NS_DATA), out) != RES_OK)
		buf_reset(out);
}

static bool
read_size(struct span text, int64_t *size)
{
	return parse_int(span_trim(text), 1, INT64_MAX, size) == RES_OK;
}

static int64_t
read_max_size(xmpp_stanza_t *query)
{
	struct buf text = { .max = sizeof(NS_UPLOAD) + NUMBER_MAX };
	int64_t size = 0;
	xmpp_stanza_t *c;

	for (c = xmpp_stanza_get_children(query); c != NULL; c = xmpp_stanza_get_next(c)) {
		if (!stanza_is(c, "x", NS_DATA))
			continue;
		field_value(c, "FORM_TYPE", &text);
		if (strcmp(buf_str(&text), NS_UPLOAD) != 0)
			continue;
		field_value(c, "max-file-size", &text);
		if (read_size(buf_as_span(&text), &size))
			break;
		size = 0;
	}
	buf_free(&text);
	return size;
}

bool
upload_read_service(xmpp_stanza_t *iq, int64_t *max_size)
{
	xmpp_stanza_t *query = stanza_child(iq, "query", NS_DISCO_INFO);

	if (!has_feature(query))
		return false;
	*max_size = read_max_size(query);
	return true;
}

bool
upload_read_item(xmpp_stanza_t *iq, xmpp_stanza_t **item, struct jid *jid)
{
	xmpp_stanza_t *query = stanza_child(iq, "query", NS_DISCO_ITEMS), *c;

	if (query == NULL)
		return false;
	c = *item == NULL ? xmpp_stanza_get_children(query) : xmpp_stanza_get_next(*item);
	for (; c != NULL; c = xmpp_stanza_get_next(c)) {
		*item = c;
		if (stanza_is(c, "item", NS_DISCO_ITEMS) && *stanza_attr(c, "node") == '\0' &&
		    jid_parse_text(jid, stanza_attr(c, "jid")) == RES_OK)
			return true;
	}
	return false;
}

/* -- Slots ------------------------------------------------------------------------------------- */

static bool
is_printable(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] <= ' ' || (unsigned char)text.p[i] >= 0x7f)
			return false;
	return true;
}

static bool
is_url(const char *text)
{
	struct span in = span_of(text);

	if (in.len > UPLOAD_URL_MAX || !is_printable(in))
		return false;
	if (!take_word(&in, "https://") && !take_word(&in, "http://"))
		return false;
	return in.len > 0 && strchr("/?#:@", in.p[0]) == NULL;
}

static bool
is_header_value(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (((unsigned char)text.p[i] < ' ' && text.p[i] != '\t') ||
		    (unsigned char)text.p[i] >= 0x7f)
			return false;
	return text.len > 0;
}

/* Takes out line ends, and white space around what is left. */
static struct span
one_line(struct buf *text)
{
	size_t i, n = 0;

	for (i = 0; i < text->len; i++)
		if (text->p[i] != '\r' && text->p[i] != '\n')
			text->p[n++] = text->p[i];
	buf_cut(text, n);
	return span_trim(buf_as_span(text));
}

/* The name as we write it; NULL when such a header must not be sent. */
static const char *
header_name(xmpp_stanza_t *header)
{
	static const char *const names[SLOT_HEADERS_MAX] = { "Authorization", "Cookie", "Expires" };
	struct buf text = { .max = 64 };
	const char *found = NULL;
	size_t i;

	if (buf_text(&text, stanza_attr(header, "name")) == RES_OK) {
		struct span name = one_line(&text);

		for (i = 0; i < SLOT_HEADERS_MAX; i++)
			if (span_caseeq(name, span_of(names[i])))
				found = names[i];
	}
	buf_free(&text);
	return found;
}

static enum res
read_header(xmpp_stanza_t *header, struct arena *a, struct slot *out)
{
	const char *name = header_name(header);
	struct buf text = { .max = UPLOAD_HEADER_MAX };
	enum res res = RES_INVALID;

	if (name == NULL)
		return RES_OK;
	if (out->nheaders < SLOT_HEADERS_MAX && stanza_get_text(header, &text) == RES_OK) {
		struct span value = one_line(&text);

		if (is_header_value(value)) {
			out->headers[out->nheaders].name = name;
			out->headers[out->nheaders].value = arena_span(a, value);
			res = out->headers[out->nheaders++].value == NULL ? RES_NOMEM : RES_OK;
		}
	}
	buf_free(&text);
	return res;
}

enum res
upload_read_slot(xmpp_stanza_t *iq, struct arena *a, struct slot *out)
{
	xmpp_stanza_t *slot = stanza_child(iq, "slot", NS_UPLOAD), *c;
	xmpp_stanza_t *put = stanza_child(slot, "put", NS_UPLOAD);
	enum res res = RES_OK;

	*out = (struct slot){
		.put = stanza_attr(put, "url"),
		.get = stanza_attr(stanza_child(slot, "get", NS_UPLOAD), "url"),
	};
	if (!is_url(out->put) || !is_url(out->get))
		return RES_INVALID;
	c = xmpp_stanza_get_children(put);
	for (; c != NULL && res == RES_OK; c = xmpp_stanza_get_next(c))
		if (stanza_is(c, "header", NS_UPLOAD))
			res = read_header(c, a, out);
	return res;
}

/* -- Errors ------------------------------------------------------------------------------------ */

void
upload_say_too_large(struct buf *words, const char *service, size_t size, int64_t max_size)
{
	buf_printf(words, "The file has %zu bytes, and ", size);
	if (max_size > 0)
		buf_printf(words, "%s takes no more than %" PRId64 ".", service, max_size);
	else
		buf_printf(words, "%s does not take files as large as that.", service);
}

/* What the service says in words, in one line, without the stop that ours has; or its condition. */
static void
say_reason(struct buf *words, xmpp_stanza_t *error)
{
	struct buf text = { .max = (size_t)64 << 10 };
	struct span said, condition = span_of(stanza_condition(error));
	size_t i;

	if (stanza_get_text(stanza_child(error, "text", NS_STANZA_ERRORS), &text) != RES_OK)
		buf_reset(&text);
	for (i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			text.p[i] = ' ';
	said = span_trim(utf8_prefix(span_trim(buf_as_span(&text)), TEXT_MAX));
	while (said.len > 0 && said.p[said.len - 1] == '.')
		said.len--;
	buf_span(words, said.len > 0 ? said : utf8_prefix(condition, CONDITION_MAX));
	buf_free(&text);
}

static bool
is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

static bool
is_wait(xmpp_stanza_t *error)
{
	return strcmp(stanza_attr(error, "type"), "wait") == 0;
}

bool
upload_is_wait(xmpp_stanza_t *iq)
{
	return is_wait(stanza_child(iq, "error", NULL));
}

bool
upload_is_final(xmpp_stanza_t *iq)
{
	xmpp_stanza_t *error = stanza_child(iq, "error", NULL);

	return is_wait(error) || stanza_child(error, "file-too-large", NS_UPLOAD) != NULL;
}

enum res
upload_read_error(xmpp_stanza_t *iq, const char *service, size_t size, int64_t max_size,
    struct buf *words)
{
	static const char *const may_not[] = { "forbidden", "not-authorized", "not-allowed", NULL };
	xmpp_stanza_t *error = stanza_child(iq, "error", NULL);
	xmpp_stanza_t *large = stanza_child(error, "file-too-large", NS_UPLOAD);
	struct buf number = { .max = NUMBER_MAX };

	if (large != NULL) {
		if (stanza_get_text(stanza_child(large, "max-file-size", NS_UPLOAD), &number) ==
		    RES_OK)
			(void)read_size(buf_as_span(&number), &max_size);
		upload_say_too_large(words, service, size, max_size);
		buf_free(&number);
		return RES_INVALID;
	}
	if (is_one_of(stanza_condition(error), may_not))
		buf_printf(words, "%s does not let this service upload files, which its operator "
		    "would have to allow (", service);
	else
		buf_printf(words, "%s gave no place for the file (", service);
	say_reason(words, error);
	buf_text(words, ").");
	return is_wait(error) ? RES_TEMPFAIL : RES_INVALID;
}
