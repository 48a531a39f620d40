#include <string.h>

#include "base/log.h"
#include "gateway/driver.h"
#include "gateway/gateways_private.h"

#define PLAIN "text/plain; charset=utf-8"
#define SEGMENTS_MAX 3

/* RFC 3986 section 2.3: a segment that no proxy has a reason to write otherwise. */
static enum res
write_segment(struct buf *out, const char *text)
{
	for (const char *p = text; *p != '\0'; p++) {
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		    (*p >= '0' && *p <= '9') || strchr("-._~", *p) != NULL)
			buf_append(out, p, 1);
		else
			buf_printf(out, "%%%02X", (unsigned char)*p);
	}
	return out->failed ? RES_NOMEM : RES_OK;
}

static enum res
make_token(const struct seal *seal, const char *gateway, const char *id,
    char token[SEAL_TOKEN_LEN + 1])
{
	struct buf text = { 0 };
	enum res res = RES_NOMEM;

	buf_printf(&text, "report\n%s", gateway);
	if (id != NULL)
		buf_printf(&text, "\n%s", id);
	if (!text.failed)
		res = seal_token(seal, buf_as_span(&text), token);
	buf_free(&text);
	return res;
}

enum res
gateways_report_url(struct buf *out, const struct seal *seal, const char *public_url,
    const char *gateway, const char *id)
{
	char token[SEAL_TOKEN_LEN + 1];
	struct span base = span_of(public_url);
	size_t before = out->len;

	if (make_token(seal, gateway, id, token) != RES_OK)
		return RES_NOMEM;
	while (base.len > 0 && base.p[base.len - 1] == '/')
		base.len--;
	buf_span(out, base);
	buf_text(out, "/report/");
	write_segment(out, gateway);
	if (id != NULL)
		buf_printf(out, "/%s", id);
	if (buf_printf(out, "/%s", token) == RES_OK)
		return RES_OK;
	buf_cut(out, before);
	return RES_NOMEM;
}

/* NAME/ID/TOKEN or NAME/TOKEN; 0 for anything else. */
static size_t
read_path(const char *path, struct span segments[SEGMENTS_MAX])
{
	static const char prefix[] = "/report/";
	size_t n = 0;

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
		return 0;
	for (path += sizeof(prefix) - 1;; path++) {
		size_t len = strcspn(path, "/");

		if (len == 0 || n == SEGMENTS_MAX)
			return 0;
		segments[n++] = (struct span){ path, len };
		path += len;
		if (*path == '\0')
			return n;
	}
}

static struct gateway *
find_gateway(struct dispatcher *d, struct span segment)
{
	for (size_t i = 0; i < d->n; i++) {
		struct buf written = { 0 };
		bool found = write_segment(&written, d->v[i]->name) == RES_OK &&
		    span_eq(buf_as_span(&written), segment);

		buf_free(&written);
		if (found)
			return d->v[i];
	}
	return NULL;
}

/*
 * The gateway that may report at this path, and the packet's id, which stays "" where reports come
 * to one URL.  NULL when there is none, or the token is wrong.
 */
static struct gateway *
find_reporter(struct dispatcher *d, const char *path, char id[PACKET_ID_LEN + 1])
{
	struct span segments[SEGMENTS_MAX];
	size_t n = read_path(path, segments);
	struct gateway *gw = n >= 2 ? find_gateway(d, segments[0]) : NULL;
	char token[SEAL_TOKEN_LEN + 1];
	bool by_ref;

	id[0] = '\0';
	if (gw == NULL || gw->config->prepared_driver->report == NULL)
		return NULL;
	by_ref = gw->config->prepared_driver->reports_by_ref(gw->config);
	if (by_ref != (n == 2))
		return NULL;
	/* Exactly as it was written, not as a person may type it. */
	if (!by_ref && (packet_id_parse(id, segments[1]) != RES_OK ||
	    !span_eq(span_of(id), segments[1])))
		return NULL;
	if (make_token(d->env.seal, gw->name, by_ref ? NULL : id, token) != RES_OK ||
	    !seal_token_eq(token, segments[n - 1]))
		return NULL;
	return gw;
}

static enum res
tell(struct dispatcher *d, const struct gateway *gw, const char *id, const struct report_read *read)
{
	struct delivery_report r = {
		.gateway = gw->name,
		.id = id[0] != '\0' ? id : NULL,
		.ref = read->ref.len > 0 ? buf_str(&read->ref) : NULL,
		.state = read->state,
		.words = buf_str(&read->words),
	};

	if (r.id == NULL && r.ref == NULL)
		return RES_OK;
	return d->env.events->reported(d->env.events_arg, &r);
}

void
gateways_report(struct gateways *g, const struct web_request *rq, struct web_reply *reply)
{
	struct dispatcher *d = (struct dispatcher *)g;
	char id[PACKET_ID_LEN + 1];
	struct report_read read = { 0 };
	struct gateway *gw = find_reporter(d, rq->path, id);
	enum res res;

	reply->type = PLAIN;
	if (gw == NULL) {
		reply->status = 404;
		return;
	}
	reply->status = 200;
	res = gw->config->prepared_driver->report(gw->config, rq, &read, reply);
	if (res == RES_OK) {
		if (tell(d, gw, id, &read) != RES_OK) {
			buf_reset(&reply->body);
			reply->status = 503;
			reply->type = PLAIN;
		}
	} else if (res != RES_NOTFOUND) {
		log_detail("gateway %s: a report cannot be read", gw->name);
		/* The driver may have said so in its protocol's words. */
		if (reply->status == 200 && reply->body.len == 0)
			reply->status = res == RES_INVALID ? 400 : 503;
	}
	buf_free(&read.ref);
	buf_free(&read.words);
}
