#include <string.h>

#include "base/parse.h"
#include "gateway/driver_http.h"
#include "gateway/path.h"

#define REF_MAX 255
#define VALUE_MAX 1024

struct answer {
	const struct gateway_config *c;
	const struct http_answer *http;
	json_t *root; /* NULL: the body is no JSON */
};

/* -- Values ------------------------------------------------------------------------------------ */

static bool
list_has(const char *const *list, struct span value)
{
	for (; list != NULL && *list != NULL; list++)
		if (span_eq(span_of(*list), value))
			return true;
	return false;
}

/* path may be NULL.  RES_NOTFOUND as well for what no list of the configuration can have. */
static enum res
value_at(const struct answer *a, const char *path, struct buf *out)
{
	if (path == NULL || a->root == NULL)
		return RES_NOTFOUND;
	enum res res = path_text(a->root, path, out);
	if (res != RES_NOMEM || out->len + VALUE_MAX > out->max)
		return res;
	buf_reset(out);
	return RES_NOTFOUND;
}

static bool
is_one_line(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return false;
	return true;
}

/* Its id is for our store and for reports: a damaged one is none. */
static enum res
read_ref(const struct answer *a, struct verdict *v)
{
	struct buf ref = { .max = VALUE_MAX };
	enum res res = value_at(a, a->c->id_path, &ref);

	if (res == RES_OK && ref.len > 0 && ref.len <= REF_MAX && is_one_line(buf_as_span(&ref)) &&
	    xml_text_valid(buf_as_span(&ref)))
		res = buf_span(&v->ref, buf_as_span(&ref));
	else if (res != RES_NOMEM)
		res = RES_OK;
	buf_free(&ref);
	return res;
}

/* -- Words ------------------------------------------------------------------------------------- */

/* driver_answer_words knows the secret as it stands in the file, but not as a URL has it. */
static bool
has_escaped_secret(const struct gateway_config *c, struct span text)
{
	struct buf escaped = { .max = 0 };

	if (c->secret == NULL || text.len == 0)
		return false;
	bool has = template_escape(&escaped, span_of(c->secret)) != RES_OK ||
	           (!span_eq(buf_as_span(&escaped), span_of(c->secret)) &&
	               memmem(text.p, text.len, escaped.p, escaped.len) != NULL);
	buf_free(&escaped);
	return has;
}

/* Nor as JSON may have it ("\/" for "/"), where the whole body is told. */
static bool
json_has(json_t *node, struct span secret)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(node))
		return memmem(json_string_value(node), json_string_length(node), secret.p,
			   secret.len) != NULL;
	if (json_is_object(node))
		json_object_foreach (node, key, member) {
			if (json_has(member, secret))
				return true;
		}
	if (json_is_array(node))
		json_array_foreach (node, i, member) {
			if (json_has(member, secret))
				return true;
		}
	return false;
}

/* "HTTP 400: The number is not valid" */
static enum res
say(const struct answer *a, struct verdict *v)
{
	struct buf said = { .max = a->http->body.len + VALUE_MAX };
	struct buf line = { .max = a->http->body.len + 2 * VALUE_MAX };
	enum res res = RES_NOTFOUND;

	if (a->c->err_path != NULL && a->root != NULL)
		res = path_text(a->root, a->c->err_path, &said);
	if (res == RES_NOTFOUND && a->c->secret != NULL && json_has(a->root, span_of(a->c->secret)))
		res = RES_OK;
	if (res == RES_NOTFOUND)
		res = buf_span(&said, a->http->body);
	if (res == RES_OK)
		res = buf_printf(&line, "HTTP %d", a->http->status);
	struct span text = span_trim(buf_as_span(&said));
	if (res == RES_OK && text.len > 0 && !has_escaped_secret(a->c, text)) {
		buf_text(&line, ": ");
		res = buf_span(&line, text);
	}
	if (res == RES_OK)
		res = driver_answer_words(a->c, &v->words, buf_as_span(&line));
	buf_free(&said);
	buf_free(&line);
	return res;
}

/* -- The rules --------------------------------------------------------------------------------- */

enum judgement {
	JUDGED_NOTHING, /* the next rule */
	JUDGED_ACCEPTED,
	JUDGED_RETRY,
	JUDGED_HALT,
	JUDGED_PERMANENT,
	JUDGED_UNKNOWN
};

static enum judgement
by_duplicate(const struct answer *a, struct buf *scratch)
{
	(void)scratch;
	return statuses_has(&a->c->prepared->dup, a->http->status) ? JUDGED_ACCEPTED
	                                                           : JUDGED_NOTHING;
}

static enum judgement
by_code(const struct answer *a, struct buf *scratch)
{
	struct span code;

	if (value_at(a, a->c->code_path, scratch) != RES_OK)
		return JUDGED_NOTHING;
	code = buf_as_span(scratch);
	if (list_has(a->c->halt_code, code))
		return JUDGED_HALT;
	if (list_has(a->c->retry_code, code))
		return JUDGED_RETRY;
	return list_has(a->c->permanent_code, code) ? JUDGED_PERMANENT : JUDGED_NOTHING;
}

static enum judgement
by_success(const struct answer *a, struct buf *scratch)
{
	if (!statuses_has(&a->c->prepared->ok, a->http->status))
		return JUDGED_NOTHING;
	if (a->c->ok_path == NULL)
		return JUDGED_ACCEPTED;
	if (a->root == NULL)
		return JUDGED_UNKNOWN;
	if (value_at(a, a->c->ok_path, scratch) != RES_OK)
		return JUDGED_PERMANENT;
	return a->c->ok_value == NULL || span_eq(buf_as_span(scratch), span_of(a->c->ok_value))
	           ? JUDGED_ACCEPTED
	           : JUDGED_PERMANENT;
}

static enum judgement
by_status(const struct answer *a, struct buf *scratch)
{
	const struct prepared *p = a->c->prepared;
	int status = a->http->status;

	(void)scratch;
	if (statuses_has(&p->retry, status))
		return JUDGED_RETRY;
	/* Redirects are not followed: the configured URL is wrong. */
	if (statuses_has(&p->halt, status) || status / 100 == 3)
		return JUDGED_HALT;
	return status / 100 == 4 ? JUDGED_PERMANENT : JUDGED_UNKNOWN;
}

static enum judgement
judge(const struct answer *a)
{
	static enum judgement (*const rules[])(
	    const struct answer *, struct buf *) = { by_duplicate, by_code, by_success, by_status };
	enum judgement found = JUDGED_NOTHING;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && found == JUDGED_NOTHING; i++) {
		struct buf scratch = { .max = a->http->body.len + VALUE_MAX };
		found = rules[i](a, &scratch);
		buf_free(&scratch);
	}
	return found;
}

static int64_t
retry_after(const struct answer *a, int64_t now)
{
	int64_t wait_ms = 0;

	for (const char **name = a->c->prepared->retry_after; *name != NULL && wait_ms == 0; name++)
		wait_ms = http_retry_after(a->http, *name, now);
	return wait_ms;
}

enum res
driver_http_judge(
    const struct gateway_config *c, const struct http_answer *http, int64_t now, struct verdict *v)
{
	static const enum outcome outcomes[] = {
		[JUDGED_NOTHING] = OUTCOME_UNKNOWN,
		[JUDGED_ACCEPTED] = OUTCOME_ACCEPTED,
		[JUDGED_RETRY] = OUTCOME_NOT_PROCESSED,
		[JUDGED_HALT] = OUTCOME_NOT_PROCESSED,
		[JUDGED_PERMANENT] = OUTCOME_PERMANENT,
		[JUDGED_UNKNOWN] = OUTCOME_UNKNOWN,
	};
	struct answer a = { .c = c, .http = http };
	enum res res;

	if (http->body.len > 0)
		a.root = json_loadb(http->body.p, http->body.len, JSON_DECODE_ANY, NULL);
	enum judgement found = judge(&a);
	v->outcome = outcomes[found];
	v->halt = found == JUDGED_HALT;
	if (found == JUDGED_RETRY || found == JUDGED_HALT || found == JUDGED_UNKNOWN)
		v->retry_after_ms = retry_after(&a, now);
	/* What it says of a message that it took repeats the message. */
	if (found == JUDGED_ACCEPTED)
		res = read_ref(&a, v);
	else
		res = say(&a, v);
	json_decref(a.root);
	return res;
}
