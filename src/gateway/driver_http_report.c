#include <string.h>

#include "gateway/driver_http.h"
#include "gateway/path.h"

#define REF_MAX 255
#define VALUE_MAX 4096

/* What a report came as. */
struct source {
	struct span form; /* of REPORTS_QUERY and REPORTS_FORM */
	json_t *root;     /* of REPORTS_JSON */
};

/* RES_NOTFOUND, RES_INVALID, RES_NOMEM. */
static enum res
value_of(const struct source *s, const char *name, struct buf *out)
{
	enum res res;

	if (name == NULL)
		return RES_NOTFOUND;
	if (s->root != NULL)
		res = path_text(s->root, name, out);
	else
		res = web_field(s->form, name, out);
	/* out is bounded: no id, state or reason is as long as that. */
	return res == RES_NOMEM ? RES_INVALID : res;
}

static const struct http_mapping *
mapping_of(const struct prepared *p, struct span value)
{
	for (size_t i = 0; i < p->nmap; i++)
		if (span_eq(p->map[i].value, value))
			return &p->map[i];
	return NULL;
}

static enum res
read_ref(const struct gateway_config *c, const struct source *s, struct report_read *out)
{
	struct buf ref = { .max = VALUE_MAX };
	enum res res = value_of(s, c->report_id, &ref);

	if (res == RES_OK && ref.len > 0 && ref.len <= REF_MAX)
		res = buf_span(&out->ref, buf_as_span(&ref));
	else if (res == RES_OK)
		res = RES_NOTFOUND;
	buf_free(&ref);
	if (res != RES_NOTFOUND)
		return res;
	/* Without it the URL has to name the packet. */
	return c->prepared->names_report_url ? RES_OK : RES_INVALID;
}

/* "failed: 30008" */
static enum res
read_words(const struct gateway_config *c, const struct source *s, struct span state,
    struct report_read *out)
{
	struct buf reason = { .max = VALUE_MAX }, line = { .max = 3 * VALUE_MAX };
	enum res res = value_of(s, c->report_words, &reason);

	buf_span(&line, state);
	if (res == RES_OK && reason.len > 0) {
		buf_text(&line, ": ");
		buf_span(&line, buf_as_span(&reason));
	}
	driver_words(&out->words, buf_as_span(&line));
	buf_free(&reason);
	buf_free(&line);
	return out->words.failed ? RES_NOMEM : RES_OK;
}

static enum res
read_report(const struct gateway_config *c, const struct source *s, struct report_read *out)
{
	struct buf state = { .max = VALUE_MAX };
	const struct http_mapping *mapping = NULL;
	enum res res = value_of(s, c->report_state, &state);

	if (res == RES_OK && (mapping = mapping_of(c->prepared, buf_as_span(&state))) == NULL)
		res = RES_NOTFOUND;
	if (res == RES_OK)
		res = read_ref(c, s, out);
	if (res == RES_OK)
		res = read_words(c, s, buf_as_span(&state), out);
	if (res == RES_OK)
		out->state = mapping->state;
	buf_free(&state);
	return res;
}

enum res
driver_http_report(const struct gateway_config *c, const struct web_request *rq,
    struct report_read *out, struct web_reply *reply)
{
	struct source s = { .root = NULL };

	switch (c->prepared->report) {
	case REPORTS_NONE:
		return RES_INVALID;
	case REPORTS_QUERY:
		s.form = span_of(rq->query);
		break;
	case REPORTS_FORM:
		s.form = rq->body;
		break;
	case REPORTS_JSON:
		if (rq->body.len > 0)
			s.root = json_loadb(rq->body.p, rq->body.len, 0, NULL);
		if (s.root == NULL)
			return RES_INVALID;
		break;
	}
	enum res res = read_report(c, &s, out);
	json_decref(s.root);
	/* Some repeat a report until they are answered with this word. */
	if ((res == RES_OK || res == RES_NOTFOUND) && buf_text(&reply->body, "OK") != RES_OK)
		res = RES_NOMEM;
	return res;
}
