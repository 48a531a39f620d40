#include "gateway/soap.h"

#include <expat.h>
#include <string.h>

#include "base/parse.h"

#define BOUNDARY_MAX 70 /* RFC 2046 section 5.1.1 */
#define ENVELOPE_NS  "http://schemas.xmlsoap.org/soap/envelope/"

/* -- Reading XML ------------------------------------------------------------------------------- */

struct reader {
	XML_Parser expat;
	struct soap *soap;
	struct soap_element *root, *at;
	size_t depth, elements;
	struct buf text; /* since the last tag */
	enum res result;
};

static void
stop(struct reader *r, enum res result)
{
	if (r->result == RES_OK)
		r->result = result;
	XML_StopParser(r->expat, XML_FALSE);
}

static struct span
local_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return span_of(colon != NULL ? colon + 1 : name);
}

static void
on_start(void *arg, const char *name, const char **attributes)
{
	struct reader *r = arg;
	struct span local = local_name(name);

	(void)attributes;
	if (r->result != RES_OK)
		return;
	if (r->depth >= SOAP_DEPTH || r->elements >= SOAP_ELEMENTS || local.len > SOAP_NAME_MAX) {
		stop(r, RES_INVALID);
		return;
	}
	struct soap_element *e = arena_alloc(&r->soap->arena, sizeof(*e));
	char *copy = arena_span(&r->soap->arena, local);
	if (e == NULL || copy == NULL) {
		stop(r, RES_NOMEM);
		return;
	}
	*e = (struct soap_element){ .name = copy, .text = "", .parent = r->at };
	if (r->at == NULL)
		r->root = e;
	else if (r->at->last == NULL)
		r->at->first = e;
	else
		r->at->last->next = e;
	if (r->at != NULL)
		r->at->last = e;
	r->at = e;
	r->depth++;
	r->elements++;
	buf_reset(&r->text);
}

static void
on_end(void *arg, const char *name)
{
	struct reader *r = arg;

	(void)name;
	if (r->result != RES_OK)
		return;
	struct span text = span_trim(buf_as_span(&r->text));
	if (text.len > 0)
		r->at->text = arena_span(&r->soap->arena, text);
	if (r->at->text == NULL) {
		stop(r, RES_NOMEM);
		return;
	}
	buf_reset(&r->text);
	r->at = r->at->parent;
	r->depth--;
}

static void
on_text(void *arg, const char *p, int len)
{
	struct reader *r = arg;

	if (r->result == RES_OK && buf_append(&r->text, p, (size_t)len) != RES_OK)
		stop(r, RES_NOMEM);
}

static void
on_doctype(void *arg, const char *name, const char *sysid, const char *pubid, int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	stop(arg, RES_INVALID);
}

static enum res
read_tree(struct reader *r, struct span xml)
{
	r->expat = XML_ParserCreate(NULL);
	if (r->expat == NULL)
		return RES_NOMEM;
	XML_SetUserData(r->expat, r);
	XML_SetElementHandler(r->expat, on_start, on_end);
	XML_SetCharacterDataHandler(r->expat, on_text);
	XML_SetStartDoctypeDeclHandler(r->expat, on_doctype);
	enum XML_Status status = XML_Parse(r->expat, xml.p, (int)xml.len, XML_TRUE);
	enum XML_Error error = XML_GetErrorCode(r->expat);
	XML_ParserFree(r->expat);
	buf_free(&r->text);
	if (r->result != RES_OK)
		return r->result;
	if (status != XML_STATUS_OK)
		return error == XML_ERROR_NO_MEMORY ? RES_NOMEM : RES_INVALID;
	return RES_OK;
}

/* -- The root of a multipart message ----------------------------------------------------------- */

/* The next of the parameters behind a media type (RFC 2045 section 5.1), up to its ';'. */
static bool
take_parameter(struct span *in, struct span *out)
{
	bool quoted = false;
	size_t n = 0;

	if (!take_char(in, ';'))
		return false;
	for (; n < in->len && (quoted || in->p[n] != ';'); n++)
		if (in->p[n] == '"')
			quoted = !quoted;
		else if (quoted && in->p[n] == '\\' && n + 1 < in->len)
			n++;
	*out = span_trim((struct span){ in->p, n });
	*in = (struct span){ in->p + n, in->len - n };
	return true;
}

static struct span
find_boundary(struct span type)
{
	struct span parameter, none = { NULL, 0 };
	const char *semicolon = memchr(type.p, ';', type.len);

	if (semicolon == NULL)
		return none;
	type.len -= (size_t)(semicolon - type.p);
	type.p = semicolon;
	while (take_parameter(&type, &parameter)) {
		if (!take_word(&parameter, "boundary="))
			continue;
		if (parameter.len >= 2 && parameter.p[0] == '"' &&
		    parameter.p[parameter.len - 1] == '"')
			parameter = (struct span){ parameter.p + 1, parameter.len - 2 };
		return parameter.len > 0 && parameter.len <= BOUNDARY_MAX ? parameter : none;
	}
	return none;
}

/* What stands before, and what behind, the next line that begins with "--" boundary. */
static bool
split_at_boundary(struct span in, struct span boundary, struct span *before, struct span *behind)
{
	char line[BOUNDARY_MAX + 2] = "--";
	size_t len = boundary.len + 2, from = 0;

	memcpy(line + 2, boundary.p, boundary.len);
	for (const char *at; from < in.len; from = (size_t)(at - in.p) + 1) {
		at = memmem(in.p + from, in.len - from, line, len);
		if (at == NULL)
			return false;
		if (at != in.p && at[-1] != '\n')
			continue;
		*before = (struct span){ in.p, (size_t)(at - in.p) };
		*behind = (struct span){ at + len, in.len - before->len - len };
		return true;
	}
	return false;
}

static bool
take_line(struct span *in, struct span *line)
{
	const char *end = in->len > 0 ? memchr(in->p, '\n', in->len) : NULL;

	if (end == NULL)
		return false;
	*line = span_trim((struct span){ in->p, (size_t)(end - in->p) });
	in->len -= (size_t)(end + 1 - in->p);
	in->p = end + 1;
	return true;
}

/* Absent when there is none, or when it is in a transfer encoding, which XML needs not. */
static struct span
root_part(struct span type, struct span body)
{
	struct span boundary = find_boundary(type), before, part, line, none = { NULL, 0 };

	if (boundary.p == NULL || !split_at_boundary(body, boundary, &before, &part) ||
	    !take_line(&part, &line))
		return none;
	while (take_line(&part, &line)) {
		if (line.len == 0)
			return split_at_boundary(part, boundary, &before, &part) ? before : none;
		if (take_word(&line, "content-transfer-encoding:") &&
		    (take_space(&line, 0), take_word(&line, "base64") ||
		     take_word(&line, "quoted-printable")))
			return none;
	}
	return none;
}

/* -- Envelopes --------------------------------------------------------------------------------- */

const struct soap_element *
soap_find(const struct soap_element *from, const char *path)
{
	while (from != NULL && *path != '\0') {
		size_t len = strcspn(path, "/");
		struct span name = { path, len };
		const struct soap_element *e = from->first;
		while (e != NULL && !span_eq(span_of(e->name), name))
			e = e->next;
		from = e;
		path += len;
		if (*path == '/')
			path++;
	}
	return from;
}

const char *
soap_text(const struct soap_element *from, const char *path)
{
	const struct soap_element *e = soap_find(from, path);

	return e != NULL ? e->text : NULL;
}

enum res
soap_read(struct soap *out, struct span content_type, struct span body)
{
	struct reader r = { .soap = out, .text = { .max = 4 * SOAP_MAX } };

	out->arena.max = 16 * SOAP_MAX;
	if (body.len > SOAP_MAX)
		return RES_INVALID;
	struct span type = span_trim(content_type);
	if (take_word(&type, "multipart/"))
		body = root_part(type, body);
	/* Nothing may stand before the XML declaration, and sometimes a line end does. */
	take_space(&body, 0);
	if (body.len == 0)
		return RES_INVALID;
	enum res res = read_tree(&r, body);
	if (res != RES_OK)
		return res;
	const struct soap_element *content = soap_find(r.root, "Body");
	if (strcmp(r.root->name, "Envelope") != 0 || content == NULL || content->first == NULL)
		return RES_INVALID;
	out->message = content->first;
	out->transaction_id = soap_text(r.root, "Header/TransactionID");
	return RES_OK;
}

void
soap_free(struct soap *s)
{
	arena_free(&s->arena);
	*s = (struct soap){ .message = NULL };
}

/* -- Writing ----------------------------------------------------------------------------------- */

void
soap_open(struct buf *out, const char *name)
{
	buf_printf(out, "<mm7:%s>", name);
}

void
soap_close(struct buf *out, const char *name)
{
	buf_printf(out, "</mm7:%s>", name);
}

void
soap_add(struct buf *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	soap_open(out, name);
	xml_escape(out, span_of(text));
	soap_close(out, name);
}

/* Declared in the header too: some read header and body apart. */
static void
open_with_ns(struct buf *out, const char *name, const char *ns, const char *attributes)
{
	buf_printf(out, "<mm7:%s xmlns:mm7=\"", name);
	xml_escape(out, span_of(ns));
	buf_printf(out, "\"%s>", attributes);
}

static void
begin_body(struct buf *out, const char *ns, const char *transaction_id)
{
	buf_text(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n"
	    "<env:Envelope xmlns:env=\"" ENVELOPE_NS "\">");
	if (transaction_id != NULL) {
		buf_text(out, "<env:Header>");
		open_with_ns(out, "TransactionID", ns, " env:mustUnderstand=\"1\"");
		xml_escape(out, span_of(transaction_id));
		soap_close(out, "TransactionID");
		buf_text(out, "</env:Header>");
	}
	buf_text(out, "<env:Body>");
}

static void
end_body(struct buf *out)
{
	buf_text(out, "</env:Body></env:Envelope>\r\n");
}

void
soap_begin(struct buf *out, const char *ns, const char *transaction_id, const char *message)
{
	begin_body(out, ns, transaction_id);
	open_with_ns(out, message, ns, "");
}

void
soap_end(struct buf *out, const char *message)
{
	soap_close(out, message);
	end_body(out);
}

void
soap_fault(struct buf *out, const char *ns, const char *version, const char *transaction_id,
    const char *code, const char *words)
{
	begin_body(out, ns, transaction_id);
	buf_text(out, "<env:Fault><faultcode>env:Client</faultcode><faultstring>");
	xml_escape(out, span_of(words));
	buf_text(out, "</faultstring><detail>");
	open_with_ns(out, "RSErrorRsp", ns, "");
	soap_add(out, "MM7Version", version);
	soap_open(out, "Status");
	soap_add(out, "StatusCode", code);
	soap_add(out, "StatusText", words);
	soap_close(out, "Status");
	soap_close(out, "RSErrorRsp");
	buf_text(out, "</detail></env:Fault>");
	end_body(out);
}
