#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "core/mms.h"
#include "core/segment.h"
#include "gateway/driver_http.h"
#include "gateway/path.h"

#define ANSWER_MAX ((size_t)64 << 10)
/* Media in base64, with room for what surrounds them; route.h bounds the media themselves. */
#define BODY_MAX ((size_t)64 << 20)

/* -- Parameters -------------------------------------------------------------------------------- */

static enum res
append_pair(struct buf *out, struct span name, struct span value)
{
	if (out->len > 0)
		buf_text(out, "&");
	template_escape(out, name);
	buf_text(out, "=");
	template_escape(out, value);
	return out->failed ? RES_NOMEM : RES_OK;
}

static enum res
append_param(struct buf *out, const struct http_pair *pair, const struct template_values *v)
{
	struct buf name = { .max = 1024 }, value = { .max = BODY_MAX };
	enum res res = template_fill(&name, pair->name, v, TEMPLATE_PLAIN);

	if (res == RES_OK)
		res = template_fill(&value, pair->value, v, TEMPLATE_PLAIN);
	if (res == RES_OK)
		res = append_pair(out, buf_as_span(&name), buf_as_span(&value));
	buf_free(&name);
	buf_free(&value);
	return res == RES_NOTFOUND ? RES_OK : res;
}

/* All values in one, separated by commas, which links may have as %2C as well. */
static enum res
join_media(struct buf *out, const struct template_values *v)
{
	for (size_t i = 0; i < v->nmedia; i++) {
		struct span rest = v->media[i].value;
		if (i > 0)
			buf_text(out, ",");
		while (rest.len > 0) {
			const char *comma = memchr(rest.p, ',', rest.len);
			size_t n = comma != NULL ? (size_t)(comma - rest.p) : rest.len;
			buf_append(out, rest.p, n);
			rest = (struct span){ rest.p + n, rest.len - n };
			if (rest.len > 0) {
				buf_text(out, "%2C");
				rest = (struct span){ rest.p + 1, rest.len - 1 };
			}
		}
	}
	return out->failed ? RES_NOMEM : RES_OK;
}

static enum res
append_media_param(const struct prepared *p, struct buf *out, const struct http_pair *pair,
    const struct template_values *v)
{
	struct template_values bound = template_bind(v, 0);
	enum res res = RES_OK;

	if (p->media_list == MEDIA_COMMA) {
		struct buf all = { .max = BODY_MAX };
		res = join_media(&all, v);
		bound.v[PLACE_MEDIA] = buf_as_span(&all);
		if (res == RES_OK)
			res = append_param(out, pair, &bound);
		buf_free(&all);
		return res;
	}
	for (size_t i = 0; i < v->nmedia && res == RES_OK; i++) {
		bound = template_bind(v, i);
		res = append_param(out, pair, &bound);
	}
	return res;
}

static enum res
print_params(const struct prepared *p, const struct http_message *m,
    const struct template_values *v, const char *key, struct buf *out)
{
	enum res res = RES_OK;

	for (size_t i = 0; i < m->params.n && res == RES_OK; i++) {
		const struct http_pair *pair = &m->params.v[i];
		if ((pair->places & PLACES_OF_MEDIUM) != 0)
			res = append_media_param(p, out, pair, v);
		else
			res = append_param(out, pair, v);
	}
	if (res == RES_OK && p->idempotency == IDEMPOTENCY_FIELD)
		res = append_pair(out, span_of(p->idempotency_name), span_of(key));
	return res;
}

/* -- The request ------------------------------------------------------------------------------- */

static enum res
write_url(const struct prepared *p, const struct http_message *m, const struct template_values *v,
    struct span params, struct http_request *rq)
{
	struct buf url = { .max = BODY_MAX };
	enum res res = template_fill(&url, m->url, v, TEMPLATE_ESCAPED);

	if (res == RES_OK && p->encode == ENCODE_QUERY && params.len > 0) {
		buf_text(&url, strchr(buf_str(&url), '?') != NULL ? "&" : "?");
		buf_span(&url, params);
	}
	rq->url = arena_text(&rq->arena, buf_str(&url));
	if (url.failed || rq->url == NULL)
		res = RES_NOMEM;
	buf_free(&url);
	return res;
}

static enum res
print_tree(const struct prepared *p, const struct http_message *m, const struct template_values *v,
    const char *key, struct buf *out, struct buf *why)
{
	json_t *tree = NULL;
	enum res res = tree_fill(&tree, m->tree, v);

	if (res == RES_INVALID)
		buf_printf(why, "a value for the body is no UTF-8");
	if (res == RES_NOTFOUND) {
		buf_printf(why, "nothing of the body is left");
		res = RES_INVALID;
	}
	if (res == RES_OK && p->idempotency == IDEMPOTENCY_FIELD)
		res = path_set(tree, p->idempotency_name, key);
	if (res == RES_NOTFOUND) {
		buf_printf(why, "idempotency: nothing in the body has room for “%.40s”",
		    p->idempotency_name);
		res = RES_INVALID;
	}
	if (res == RES_OK)
		res = tree_print(out, tree);
	json_decref(tree);
	return res;
}

static bool
has_header(const struct http_request *rq, const char *name)
{
	for (const struct http_header *h = rq->headers; h != NULL; h = h->next)
		if (span_caseeq(span_of(h->name), span_of(name)))
			return true;
	return false;
}

static enum res
write_header(struct http_request *rq, const char *name, const char *value, struct buf *why)
{
	enum res res = http_request_header(rq, name, value);

	if (res == RES_INVALID)
		buf_printf(
		    why, "“%.40s” cannot be the name or have the value of a header field", name);
	return res;
}

static enum res
write_pair(struct http_request *rq, const struct http_pair *pair, const struct template_values *v,
    struct buf *why)
{
	struct buf name = { .max = 1024 }, value = { .max = BODY_MAX };
	enum res res = template_fill(&value, pair->value, v, TEMPLATE_PLAIN);

	if (res == RES_OK)
		res = buf_span(&name, pair->name);
	/* A string would end there, and the rest of the value be lost. */
	if (res == RES_OK && memchr(buf_str(&value), '\0', value.len) != NULL) {
		buf_printf(why, "a header field cannot have a NUL");
		res = RES_INVALID;
	}
	if (res == RES_OK)
		res = write_header(rq, buf_str(&name), buf_str(&value), why);
	buf_free(&name);
	buf_free(&value);
	return res == RES_NOTFOUND ? RES_OK : res;
}

static enum res
write_headers(const struct gateway_config *c, const struct template_values *v, const char *key,
    struct http_request *rq, struct buf *why)
{
	const struct prepared *p = c->prepared;
	const char *type = p->encode == ENCODE_JSON   ? "application/json"
	                   : p->encode == ENCODE_FORM ? "application/x-www-form-urlencoded"
	                                              : NULL;
	enum res res = RES_OK;

	for (size_t i = 0; i < p->headers.n && res == RES_OK; i++)
		res = write_pair(rq, &p->headers.v[i], v, why);
	if (res == RES_OK && type != NULL && !has_header(rq, "Content-Type"))
		res = write_header(rq, "Content-Type", type, why);
	if (res == RES_OK && p->idempotency == IDEMPOTENCY_HEADER)
		res = write_header(rq, p->idempotency_name, key, why);
	if (p->auth == AUTH_BASIC) {
		rq->user = arena_text(&rq->arena, c->user);
		rq->password = arena_text(&rq->arena, c->secret);
	}
	return res;
}

enum res
driver_http_write(const struct gateway_config *c, enum packet_kind kind,
    const struct template_values *values, const char *key, struct http_request *rq, struct buf *why)
{
	const struct prepared *p = c->prepared;
	const struct http_message *m = kind == KIND_MMS ? &p->mms : &p->sms;
	struct template_values first = template_bind(values, 0);
	struct buf params = { .max = BODY_MAX };
	enum res res;

	rq->method = p->method;
	rq->timeout_ms = c->timeout_ms;
	rq->answer_max = ANSWER_MAX;
	rq->body.max = BODY_MAX;
	rq->ca_file = arena_text(&rq->arena, c->ca_file);
	if (p->encode == ENCODE_JSON)
		res = print_tree(p, m, values, key, &rq->body, why);
	else
		res = print_params(p, m, values, key, &params);
	if (res == RES_OK && p->encode == ENCODE_FORM)
		res = buf_span(&rq->body, buf_as_span(&params));
	if (res == RES_OK)
		res = write_url(p, m, &first, buf_as_span(&params), rq);
	if (res == RES_OK)
		res = write_headers(c, &first, key, rq, why);
	buf_free(&params);
	return res == RES_OK && rq->arena.failed ? RES_NOMEM : res;
}

/* -- Values of a submission -------------------------------------------------------------------- */

static void
append_base64(struct buf *out, struct span bytes)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = (const unsigned char *)bytes.p;
	char *to = buf_extend(out, (bytes.len + 2) / 3 * 4);

	for (size_t i = 0; to != NULL && i < bytes.len; i += 3, to += 4) {
		size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
		unsigned v = (unsigned)in[i] << 16 | (n > 1 ? (unsigned)in[i + 1] << 8 : 0) |
		             (n > 2 ? in[i + 2] : 0);
		to[0] = digits[v >> 18];
		to[1] = digits[v >> 12 & 63];
		to[2] = n > 1 ? digits[v >> 6 & 63] : '=';
		to[3] = n > 2 ? digits[v & 63] : '=';
	}
}

struct media_values {
	struct template_medium v[MMS_MEDIA_MAX];
	struct buf coded[MMS_MEDIA_MAX];
	struct arena arena;
};

static enum res
read_medium(const struct prepared *p, const struct mms_medium *medium, size_t i,
    struct media_values *out, struct buf *why)
{
	struct buf *coded = &out->coded[i];
	struct template_medium *v = &out->v[i];

	snprintf(v->number, sizeof(v->number), "%zu", i + 1);
	v->type = span_of(medium->type);
	v->value = span_of(medium->url);
	if (p->media == MEDIA_URL) {
		if (v->value.len > 0)
			return RES_OK;
		buf_printf(why, "medium %zu has no link", i + 1);
		return RES_INVALID;
	}
	coded->max = BODY_MAX;
	if (p->media == MEDIA_DATA)
		buf_printf(coded, "data:%s;base64,", medium->type);
	append_base64(coded, medium->bytes);
	v->value = buf_as_span(coded);
	return coded->failed ? RES_NOMEM : RES_OK;
}

static enum res
read_mms(const struct prepared *p, struct span entity, struct template_values *values,
    struct media_values *media, struct buf *why)
{
	struct mms mms = { .nmedia = 0 };
	enum res res;

	media->arena.max = BODY_MAX;
	if (p->media == MEDIA_URL)
		res = mms_parse_summary(&mms, entity, &media->arena);
	else
		res = mms_parse(&mms, entity, &media->arena);
	if (res == RES_PERMFAIL) {
		buf_printf(why, "the stored message is damaged");
		return RES_INVALID;
	}
	if (res == RES_OK && mms.nmedia > 1 && p->mms.one_medium) {
		buf_printf(why, "it takes one medium a message");
		return RES_INVALID;
	}
	for (size_t i = 0; i < mms.nmedia && res == RES_OK; i++)
		res = read_medium(p, &mms.media[i], i, media, why);
	values->v[PLACE_SUBJECT] = mms.subject;
	values->v[PLACE_TEXT] = mms.text;
	values->media = media->v;
	values->nmedia = mms.nmedia;
	return res;
}

static enum res
read_sms(struct span text, struct template_values *values, struct buf *why)
{
	struct segments segments;

	values->v[PLACE_TEXT] = text;
	if (segments_count(&segments, text) != RES_OK) {
		buf_printf(why, "the text is no UTF-8");
		return RES_INVALID;
	}
	values->ucs2 = segments.coding == SMS_UCS2;
	return RES_OK;
}

enum res
driver_http_render(const struct gateway_config *c, const struct submission *sub,
    const char *report_url, int64_t now, struct http_request *rq, struct buf *why)
{
	const struct prepared *p = c->prepared;
	struct template_values values = { .nmedia = 0 };
	struct media_values media = { .arena = { .max = 0 } };
	struct buf number = { .max = 64 }, key = { .max = 256 };
	enum res res = number_format_print(&number, &c->number, sub->recipient);

	(void)now;

	if (res == RES_OK)
		res = buf_printf(&key, "%s-%" PRId64, sub->id, sub->created_at);
	values.v[PLACE_TO] = buf_as_span(&number);
	values.v[PLACE_FROM] = span_of(c->sender);
	values.v[PLACE_ID] = span_of(sub->id);
	values.v[PLACE_USER] = span_of(c->user);
	values.v[PLACE_SECRET] = span_of(c->secret);
	/* Nobody would understand what comes there. */
	if (p->report != REPORTS_NONE)
		values.v[PLACE_DLR_URL] = span_of(report_url);
	if (res == RES_OK && sub->kind == KIND_MMS)
		res = read_mms(p, sub->body, &values, &media, why);
	else if (res == RES_OK)
		res = read_sms(sub->body, &values, why);
	if (res == RES_OK)
		res = driver_http_write(c, sub->kind, &values, buf_str(&key), rq, why);
	for (size_t i = 0; i < MMS_MEDIA_MAX; i++)
		buf_free(&media.coded[i]);
	arena_free(&media.arena);
	buf_free(&number);
	buf_free(&key);
	return res;
}
