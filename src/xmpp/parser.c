#include "xmpp/parser.h"

#include <expat.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmpp/bindings.h"

#define NAMESPACE_MAX 1024 /* bytes; each element gets a copy */
#define ROOT_NAME_MAX 64
#define SKIP_MAX 64 /* times bounds.bytes */

/*
 * expat keeps every element and attribute name it ever saw, so that strangers could fill the memory
 * of a long stream with names.  After so many bytes a new expat takes over between two stanzas.
 */
#define RENEW_BYTES ((XML_Index)4 << 20)

/* How much of a tag that expat could not finish yet it may read again with every piece. */
#define REREAD_MAX 4096

/*
 * Since 2.6.0, and in older ones with that fix, expat may keep a finished tag until more follows,
 * which can be long.  Only the linker knows whether it does.
 */
XML_Bool XML_SetReparseDeferralEnabled(XML_Parser, XML_Bool) __attribute__((weak));

/* An element whose end tag is awaited. */
struct open {
	xmpp_stanza_t *st;
	size_t children;
};

struct parser {
	XML_Parser expat;
	xmpp_ctx_t *ctx;
	struct parser_bounds bounds;
	const struct parser_events *events;
	void *arg;

	size_t depth;         /* open elements, the stream's own included */
	struct open *open;    /* of the stanza: open[0] is itself, and NULL while skipping */
	struct buf text;
	size_t elements;
	XML_Index stanza_at; /* expat's index of the stanza's first byte */
	struct parser_dropped dropped;

	struct bindings bindings;

	XML_Index fed;      /* to this expat */
	size_t unfinished;  /* of it, the beginning of a tag */
	struct buf held;    /* the tag goes on, not yet fed */
	XML_Index renew_at; /* this expat ends at this index; -1: it goes on */
	bool begun;
	bool priming;       /* a new expat reads the stream header that we make for it */
	char root[ROOT_NAME_MAX + 1];

	bool stopped;
	enum res result;
	char error[128];
};

const struct parser_bounds parser_bounds_default = {
	.bytes = (size_t)256 << 10,
	.elements = 3000,
	.children = 2048,
	.depth = 32,
	.attributes = 64,
	.token = (size_t)4 << 20,
};

static void
fail(struct parser *p, enum res r, const char *what)
{
	if (p->stopped)
		return;
	p->stopped = true;
	p->result = r;
	snprintf(p->error, sizeof(p->error), "%s", what);
	XML_StopParser(p->expat, XML_FALSE);
}

void
parser_stop(struct parser *p)
{
	if (p->stopped)
		return;
	p->stopped = true;
	XML_StopParser(p->expat, XML_FALSE);
}

/* -- Bounds ------------------------------------------------------------------------------------ */

static void
forget_stanza(struct parser *p)
{
	if (p->open[0].st != NULL)
		xmpp_stanza_release(p->open[0].st);
	p->open[0].st = NULL;
	buf_reset(&p->text);
	bindings_close(&p->bindings, 2);
}

static void
drop(struct parser *p, const char *why)
{
	forget_stanza(p);
	p->dropped.why = why;
	p->events->dropped(p->arg, &p->dropped);
}

static bool
passes_bytes(const struct parser *p)
{
	XML_Index end = XML_GetCurrentByteIndex(p->expat) + XML_GetCurrentByteCount(p->expat);

	return (size_t)(end - p->stanza_at) > p->bounds.bytes;
}

static const char *
bound_passed(struct parser *p)
{
	if (passes_bytes(p))
		return "bytes";
	if (p->depth - 1 > p->bounds.depth)
		return "depth";
	if (++p->elements > p->bounds.elements)
		return "elements";
	if ((size_t)XML_GetSpecifiedAttributeCount(p->expat) / 2 > p->bounds.attributes)
		return "attributes";
	return NULL;
}

/* What an error answer needs if the stanza is dropped; a value too long is as good as absent. */
static void
keep_header(struct parser *p, const char *name, const char *const *attributes)
{
	struct parser_dropped *d = &p->dropped;
	const struct {
		const char *name;
		char *to;
		size_t size;
	} kept[] = {
		{ "type", d->type, sizeof(d->type) },
		{ "id", d->id, sizeof(d->id) },
		{ "from", d->from, sizeof(d->from) },
		{ "to", d->to, sizeof(d->to) },
	};
	size_t i;

	snprintf(d->name, sizeof(d->name), "%s", name);
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		kept[i].to[0] = '\0';
	for (; attributes[0] != NULL; attributes += 2)
		for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			if (strcmp(attributes[0], kept[i].name) == 0 &&
			    strlen(attributes[1]) < kept[i].size)
				strcpy(kept[i].to, attributes[1]);
}

/* -- expat's events ---------------------------------------------------------------------------- */

static bool
set_attributes(xmpp_stanza_t *st, const char *const *attributes)
{
	for (; attributes[0] != NULL; attributes += 2) {
		if (bindings_declared(attributes[0]) != NULL)
			continue;
		if (strchr(attributes[0], ':') != NULL && strncmp(attributes[0], "xml:", 4) != 0)
			continue;
		if (xmpp_stanza_set_attribute(st, attributes[0], attributes[1]) != XMPP_EOK)
			return false;
	}
	return true;
}

/* Takes st, also when it fails. */
static bool
append(struct parser *p, struct open *parent, xmpp_stanza_t *st)
{
	if (parent->children >= p->bounds.children)
		drop(p, "children");
	else if (xmpp_stanza_add_child_ex(parent->st, st, 0) != XMPP_EOK)
		fail(p, RES_NOMEM, "no memory");
	else
		return ++parent->children > 0;
	xmpp_stanza_release(st);
	return false;
}

static void
add_element(struct parser *p, const char *local, const char *ns, const char *const *attributes)
{
	struct open *open = &p->open[p->depth - 2];
	xmpp_stanza_t *st = xmpp_stanza_new(p->ctx);

	if (st == NULL || xmpp_stanza_set_name(st, local) != XMPP_EOK ||
	    (*ns != '\0' && xmpp_stanza_set_ns(st, ns) != XMPP_EOK) ||
	    !set_attributes(st, attributes)) {
		if (st != NULL)
			xmpp_stanza_release(st);
		fail(p, RES_NOMEM, "no memory");
	} else if (p->depth == 2 || append(p, open - 1, st)) {
		*open = (struct open){ .st = st };
	}
}

/* The run of text before a tag becomes a node of the element that is open there. */
static bool
end_text(struct parser *p, struct open *parent)
{
	xmpp_stanza_t *st;

	if (p->text.len == 0)
		return true;
	st = xmpp_stanza_new(p->ctx);
	if (st == NULL || xmpp_stanza_set_text_with_size(st, p->text.p, p->text.len) != XMPP_EOK) {
		if (st != NULL)
			xmpp_stanza_release(st);
		fail(p, RES_NOMEM, "no memory");
		return false;
	}
	buf_reset(&p->text);
	return append(p, parent, st);
}

/* Inside a stanza that was dropped. */
static bool
skips(struct parser *p)
{
	if (p->open[0].st != NULL)
		return false;
	if ((size_t)(XML_GetCurrentByteIndex(p->expat) - p->stanza_at) / SKIP_MAX > p->bounds.bytes)
		fail(p, RES_PERMFAIL, "a stanza without end");
	return true;
}

static void
on_header(struct parser *p, const char *name, const char *const *attributes)
{
	const char *local, *ns, *id = NULL;
	enum res r = bindings_open(&p->bindings, p->depth, attributes);

	if (r != RES_OK) {
		fail(p, r, r == RES_NOMEM ? "no memory" : "too many namespaces");
		return;
	}
	ns = bindings_find(&p->bindings, name, &local);
	if (ns == NULL || strcmp(ns, NS_STREAM) != 0 || strcmp(local, "stream") != 0 ||
	    strlen(name) > ROOT_NAME_MAX) {
		fail(p, RES_PERMFAIL, "not an XMPP stream");
		return;
	}
	strcpy(p->root, name);
	for (; attributes[0] != NULL; attributes += 2)
		if (strcmp(attributes[0], "id") == 0)
			id = attributes[1];
	p->events->opened(p->arg, id);
}

static void
on_element(struct parser *p, const char *name, const char *const *attributes)
{
	const char *why = bound_passed(p), *local, *ns;
	enum res r;

	if (why != NULL) {
		drop(p, why);
		return;
	}
	r = bindings_open(&p->bindings, p->depth, attributes);
	if (r == RES_NOMEM) {
		fail(p, r, "no memory");
		return;
	}
	ns = bindings_find(&p->bindings, name, &local);
	if (r != RES_OK) {
		drop(p, "attributes");
	} else if (ns == NULL || strlen(ns) > NAMESPACE_MAX || *local == '\0' ||
	    strchr(local, ':') != NULL) {
		drop(p, "namespace");
	} else {
		add_element(p, local, ns, attributes);
	}
}

static void XMLCALL
on_start(void *arg, const char *name, const char **atts)
{
	struct parser *p = arg;
	const char *const *attributes = (const char *const *)atts;
	const char *colon;

	if (p->stopped || p->priming)
		return;
	p->depth++;
	if ((size_t)XML_GetCurrentByteCount(p->expat) > p->bounds.token) {
		fail(p, RES_PERMFAIL, "a tag is too long");
		return;
	}
	if (p->depth == 1) {
		on_header(p, name, attributes);
		return;
	}
	if (p->depth == 2) {
		p->stanza_at = XML_GetCurrentByteIndex(p->expat);
		p->elements = 0;
		colon = strchr(name, ':');
		keep_header(p, colon == NULL ? name : colon + 1, attributes);
	} else if (skips(p) || !end_text(p, &p->open[p->depth - 3])) {
		return;
	}
	on_element(p, name, attributes);
}

/* Past the last byte of the current token, so that the rest can go to a new expat. */
static void
renew_here(struct parser *p)
{
	XML_Index end = XML_GetCurrentByteIndex(p->expat) + XML_GetCurrentByteCount(p->expat);

	if (p->stopped || end < RENEW_BYTES)
		return;
	p->renew_at = end;
	XML_StopParser(p->expat, XML_FALSE);
}

static void
end_stanza(struct parser *p)
{
	if (p->open[0].st != NULL) {
		p->events->stanza(p->arg, p->open[0].st);
		forget_stanza(p);
	}
	renew_here(p);
}

static void XMLCALL
on_end(void *arg, const char *name)
{
	struct parser *p = arg;
	size_t depth;

	(void)name;
	if (p->stopped || p->priming)
		return;
	depth = p->depth--;
	if (depth == 1) {
		p->events->closed(p->arg);
		return;
	}
	if (!skips(p)) {
		if (passes_bytes(p))
			drop(p, "bytes");
		else if (end_text(p, &p->open[depth - 2]) && depth > 2)
			bindings_close(&p->bindings, depth);
	}
	if (depth == 2 && !p->stopped)
		end_stanza(p);
}

static void XMLCALL
on_text(void *arg, const char *text, int len)
{
	struct parser *p = arg;

	if (p->stopped || p->depth < 2 || skips(p))
		return;
	if (passes_bytes(p))
		drop(p, "bytes");
	else if (buf_append(&p->text, text, (size_t)len) != RES_OK)
		fail(p, RES_NOMEM, "no memory");
}

static void XMLCALL
on_doctype(void *arg, const char *name, const char *sysid, const char *pubid, int internal)
{
	(void)name, (void)sysid, (void)pubid, (void)internal;
	fail(arg, RES_PERMFAIL, "a document type declaration");
}

static void XMLCALL
on_instruction(void *arg, const char *target, const char *text)
{
	(void)target, (void)text;
	fail(arg, RES_PERMFAIL, "a processing instruction");
}

static void XMLCALL
on_comment(void *arg, const char *text)
{
	(void)text;
	fail(arg, RES_PERMFAIL, "a comment");
}

/* -- The parser -------------------------------------------------------------------------------- */

static XML_Parser
new_expat(struct parser *p)
{
	XML_Parser expat = XML_ParserCreate("UTF-8");

	if (expat == NULL)
		return NULL;
	XML_SetUserData(expat, p);
	XML_SetElementHandler(expat, on_start, on_end);
	XML_SetCharacterDataHandler(expat, on_text);
	XML_SetStartDoctypeDeclHandler(expat, on_doctype);
	XML_SetProcessingInstructionHandler(expat, on_instruction);
	XML_SetCommentHandler(expat, on_comment);
	if (XML_SetReparseDeferralEnabled != NULL)
		XML_SetReparseDeferralEnabled(expat, XML_FALSE);
	return expat;
}

struct parser *
parser_new(xmpp_ctx_t *ctx, const struct parser_bounds *bounds, const struct parser_events *events,
    void *arg)
{
	struct parser *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->ctx = ctx;
	p->bounds = *bounds;
	p->events = events;
	p->arg = arg;
	p->text.max = bounds->bytes;
	p->held.max = bounds->token;
	p->renew_at = -1;
	p->open = calloc(bounds->depth, sizeof(p->open[0]));
	p->expat = new_expat(p);
	if (p->open == NULL || p->expat == NULL)
		parser_free(&p);
	return p;
}

void
parser_free(struct parser **pp)
{
	struct parser *p = *pp;

	if (p == NULL)
		return;
	if (p->open != NULL)
		forget_stanza(p);
	bindings_close(&p->bindings, 0);
	buf_free(&p->text);
	buf_free(&p->held);
	free(p->open);
	if (p->expat != NULL)
		XML_ParserFree(p->expat);
	free(p);
	*pp = NULL;
}

/* Between two stanzas: a new expat that believes to have read the stream header. */
static enum res
renew(struct parser *p)
{
	XML_Parser expat = new_expat(p);
	char header[ROOT_NAME_MAX + 3];
	int len;

	if (expat == NULL)
		return RES_NOMEM;
	XML_ParserFree(p->expat);
	p->expat = expat;
	p->renew_at = -1;
	len = snprintf(header, sizeof(header), "<%s>", p->root);
	p->priming = true;
	p->fed = len;
	if (XML_Parse(expat, header, len, 0) != XML_STATUS_OK)
		return RES_NOMEM;
	p->priming = false;
	return RES_OK;
}

static enum res
ended(struct parser *p, enum res r, const char *what)
{
	if (!p->stopped) {
		p->stopped = true;
		p->result = r;
		snprintf(p->error, sizeof(p->error), "%s", what);
	}
	return p->result;
}

/* One call of expat; *bytes becomes what is left for the next. */
static enum res
feed_expat(struct parser *p, struct span *bytes)
{
	size_t len = bytes->len > INT32_MAX / 2 ? INT32_MAX / 2 : bytes->len, used = len;
	XML_Index before = p->fed;
	enum XML_Status status = XML_Parse(p->expat, bytes->p, (int)len, 0);
	enum XML_Error error;

	p->fed += (XML_Index)len;
	if (p->stopped)
		return p->result;
	if (p->renew_at >= 0) {
		used = (size_t)(p->renew_at - before);
		if (renew(p) != RES_OK)
			return ended(p, RES_NOMEM, "no memory");
	} else if (status != XML_STATUS_OK) {
		error = XML_GetErrorCode(p->expat);
		return ended(p, error == XML_ERROR_NO_MEMORY ? RES_NOMEM : RES_PERMFAIL,
		    XML_ErrorString(error));
	} else {
		p->unfinished = (size_t)(p->fed - XML_GetCurrentByteIndex(p->expat));
		if (p->unfinished > p->bounds.token)
			return ended(p, RES_PERMFAIL, "a tag is too long");
	}
	bytes->p += used;
	bytes->len -= used;
	return RES_OK;
}

static enum res
feed_all(struct parser *p, struct span bytes)
{
	enum res r = p->result;

	while (r == RES_OK && !p->stopped && bytes.len > 0)
		r = feed_expat(p, &bytes);
	return r;
}

/* A long tag waits for what can be its end, for expat reads it from its beginning each time. */
static enum res
hold(struct parser *p, struct span bytes)
{
	if (p->unfinished + p->held.len + bytes.len > p->bounds.token)
		return ended(p, RES_PERMFAIL, "a tag is too long");
	return buf_span(&p->held, bytes) == RES_OK ? RES_OK : ended(p, RES_NOMEM, "no memory");
}

static enum res
feed_text(struct parser *p, struct span bytes)
{
	enum res r;

	if (p->stopped || bytes.len == 0)
		return p->result;
	/* A NUL or another first byte could mean UTF-16 to expat (RFC 6120 section 11.6). */
	if (!p->begun && strchr("< \t\r\n", *bytes.p) == NULL)
		return ended(p, RES_PERMFAIL, "not an XMPP stream");
	p->begun = true;
	if (p->unfinished > REREAD_MAX && memchr(bytes.p, '>', bytes.len) == NULL)
		return hold(p, bytes);
	r = feed_all(p, buf_as_span(&p->held));
	buf_reset(&p->held);
	return r == RES_OK ? feed_all(p, bytes) : r;
}

enum res
parser_feed(struct parser *p, struct span bytes)
{
	const char *nul = bytes.len == 0 ? NULL : memchr(bytes.p, '\0', bytes.len);
	enum res r;

	if (nul == NULL)
		return feed_text(p, bytes);
	r = feed_text(p, (struct span){ bytes.p, (size_t)(nul - bytes.p) });
	return r != RES_OK || p->stopped ? r : ended(p, RES_PERMFAIL, "a NUL byte");
}

const char *
parser_error(const struct parser *p)
{
	return p->error;
}
