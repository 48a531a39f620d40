#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gateway/driver_http.h"
#include "gateway/path.h"

/* -- The words of the configuration ------------------------------------------------------------ */

static const char *const methods[] = { "GET", "POST", "PUT", NULL };
static const char *const auths[] = { "none", "basic", "bearer", "header", "params", NULL };
static const char *const encodes[] = { "query", "form", "json", NULL };
static const char *const medias[] = { "url", "base64", "data", NULL };
static const char *const media_lists[] = { "repeat", "numbered", "comma", NULL };
static const char *const reports[] = { "none", "query", "form", "json", NULL };

/* An empty list of the configuration stands for these. */
static const char *const ok_default[] = { "200", "201", "202", NULL };
static const char *const retry_default[] = { "408", "425", "429", NULL };
static const char *const halt_default[] = { "401", "402", "403", "404", "405", NULL };
static const char *const retry_after_default[] = { "Retry-After", NULL };

static const struct {
	const char *word;
	enum report_state state;
} state_words[] = {
	{ "taken", REPORT_TAKEN },
	{ "delivered", REPORT_DELIVERED },
	{ "failed", REPORT_FAILED },
};

#define NSTATES (sizeof(state_words) / sizeof(state_words[0]))

static enum res
read_word(const char *key, const char *const *words, const char *word, int absent, int *out,
    struct buf *why)
{
	*out = absent;
	if (word == NULL)
		return RES_OK;
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], word) == 0) {
			*out = i;
			return RES_OK;
		}
	buf_printf(why, "%s is “%.40s”, and must be one of:", key, word);
	for (int i = 0; words[i] != NULL; i++)
		buf_printf(why, "%s %s", i > 0 ? "," : "", words[i]);
	return RES_INVALID;
}

static enum res
prepare_words(const struct gateway_config *c, struct prepared *p, struct buf *why)
{
	int method = 0, auth = 0, encode = 0, media = 0, list = 0, report = 0;
	enum res res = read_word("auth", auths, c->auth, AUTH_NONE, &auth, why);

	if (res == RES_OK)
		res = read_word("encode", encodes, c->encode, ENCODE_FORM, &encode, why);
	if (res == RES_OK)
		res = read_word(
		    "method", methods, c->method, encode == ENCODE_QUERY ? 0 : 1, &method, why);
	if (res == RES_OK)
		res = read_word("media", medias, c->media, MEDIA_URL, &media, why);
	if (res == RES_OK)
		res = read_word("media_list", media_lists, c->media_list, MEDIA_REPEAT, &list, why);
	if (res == RES_OK)
		res = read_word("report", reports, c->report, REPORTS_NONE, &report, why);
	p->method = methods[method];
	p->auth = (enum http_auth)auth;
	p->encode = (enum http_encode)encode;
	p->media = (enum http_media)media;
	p->media_list = (enum http_media_list)list;
	p->report = (enum http_report)report;
	if (res == RES_OK && method == 0 && p->encode != ENCODE_QUERY) {
		buf_printf(why, "method: GET has no body, and needs encode = query");
		res = RES_INVALID;
	}
	return res;
}

/* -- Templates --------------------------------------------------------------------------------- */

static enum res
check_template(const char *key, struct span text, unsigned *places, struct buf *why)
{
	struct buf reason = { .max = 1024 };
	enum res res = template_check(text, places, &reason);

	if (res != RES_OK)
		buf_printf(why, "%s: %s", key, buf_str(&reason));
	buf_free(&reason);
	return res;
}

/* "Name: value" or "name=value". */
static enum res
read_pair(const char *key, const char *text, char separator, struct http_pair *out, struct buf *why)
{
	const char *at = strchr(text, separator);

	if (at == NULL || at == text) {
		buf_printf(why, "%s: “%.40s” is not %s", key, text,
		    separator == ':' ? "Name: value" : "name=value");
		return RES_INVALID;
	}
	out->name = (struct span){ text, (size_t)(at - text) };
	out->value = span_of(at + 1);
	if (separator == ':')
		out->value = span_trim(out->value);
	else if (check_template(key, out->name, &out->places, why) != RES_OK)
		return RES_INVALID;
	return check_template(key, out->value, &out->places, why);
}

static size_t
list_len(const char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

static enum res
add_header(struct prepared *p, const char *key, const char *text, struct buf *why)
{
	return read_pair(key, text, ':', &p->headers.v[p->headers.n++], why);
}

static enum res
prepare_headers(const struct gateway_config *c, struct prepared *p, struct buf *why)
{
	size_t n = list_len(c->headers);
	enum res res = RES_OK;

	p->headers.v = arena_alloc(&p->arena, (n + 1) * sizeof(*p->headers.v));
	if (p->headers.v == NULL)
		return RES_NOMEM;
	for (size_t i = 0; i < n && res == RES_OK; i++)
		res = add_header(p, "header", c->headers[i], why);
	if (res != RES_OK)
		return res;
	if (p->auth == AUTH_BEARER)
		return add_header(p, "auth", "Authorization: Bearer {secret}", why);
	if (p->auth != AUTH_HEADER)
		return RES_OK;
	if (c->auth_header == NULL) {
		buf_printf(why, "auth = header needs auth_header");
		return RES_INVALID;
	}
	return add_header(p, "auth_header", c->auth_header, why);
}

/* A name with {n} tells the media apart; where names do, one without it can stand only once. */
static enum res
check_names(const struct prepared *p, const char *key, const struct http_pair *pair,
    struct http_message *m, struct buf *why)
{
	unsigned name = 0, value = 0;

	(void)template_check(pair->name, &name, why);
	(void)template_check(pair->value, &value, why);
	bool numbered = (name & PLACE_BIT(PLACE_N)) != 0;
	if ((name & ~PLACE_BIT(PLACE_N)) != 0) {
		buf_printf(why, "%s: only {n} may stand in a name", key);
		return RES_INVALID;
	}
	if (numbered && p->media_list != MEDIA_NUMBERED) {
		buf_printf(why, "%s: {n} in a name needs media_list = numbered", key);
		return RES_INVALID;
	}
	if (p->media_list == MEDIA_NUMBERED && !numbered && (value & PLACES_OF_MEDIUM) != 0)
		m->one_medium = true;
	return RES_OK;
}

static enum res
prepare_params(struct prepared *p, const char *key, const char *const *list, struct http_message *m,
    struct buf *why)
{
	size_t n = list_len(list);
	enum res res = RES_OK;

	m->params.v = arena_alloc(&p->arena, (n + 1) * sizeof(*m->params.v));
	if (m->params.v == NULL)
		return RES_NOMEM;
	for (; m->params.n < n && res == RES_OK; m->params.n++) {
		struct http_pair *pair = &m->params.v[m->params.n];
		res = read_pair(key, list[m->params.n], '=', pair, why);
		if (res == RES_OK)
			res = check_names(p, key, pair, m, why);
		m->places |= pair->places;
	}
	return res;
}

static enum res
prepare_tree(const char *key, const char *body, struct http_message *m, struct buf *why)
{
	struct buf reason = { .max = 1024 };

	if (body == NULL) {
		buf_printf(why, "encode = json needs %s", key);
		return RES_INVALID;
	}
	enum res res = tree_parse(&m->tree, body, &m->places, &reason);
	if (res == RES_INVALID)
		buf_printf(why, "%s: %s", key, buf_str(&reason));
	m->one_medium = res == RES_OK && !tree_repeats(m->tree);
	buf_free(&reason);
	return res;
}

static enum res
prepare_message(
    const struct gateway_config *c, struct prepared *p, enum packet_kind kind, struct buf *why)
{
	bool mms = kind == KIND_MMS;
	struct http_message *m = mms ? &p->mms : &p->sms;
	bool own_url = mms && c->mms_url != NULL, own_body = mms && c->mms_body != NULL;
	bool own_params = mms && list_len(c->mms_params) > 0;
	const char *url = own_url ? c->mms_url : c->url;
	const char *content = own_params ? "mms_params" : "params";
	enum res res;

	m->url = span_of(url);
	res = check_template(own_url ? "mms_url" : "url", m->url, &m->url_places, why);
	if (res == RES_OK && p->encode == ENCODE_JSON) {
		content = own_body ? "mms_body" : "body";
		res = prepare_tree(content, own_body ? c->mms_body : c->body, m, why);
	} else if (res == RES_OK)
		res = prepare_params(p, content, own_params ? c->mms_params : c->params, m, why);
	if (res == RES_OK && mms && !(m->places & PLACE_BIT(PLACE_MEDIA))) {
		buf_printf(why, "%s has no {media}, and kinds has mms", content);
		res = RES_INVALID;
	}
	return res;
}

/* -- Answers and reports ----------------------------------------------------------------------- */

static enum res
prepare_statuses(const char *key, struct statuses *out, const char *const *list,
    const char *const *absent, struct buf *why)
{
	struct buf reason = { .max = 1024 };
	enum res res = statuses_parse(out, list_len(list) > 0 ? list : absent, &reason);

	if (res != RES_OK)
		buf_printf(why, "%s: %s", key, buf_str(&reason));
	buf_free(&reason);
	return res;
}

static enum res
check_path(const char *key, const char *path, struct buf *why)
{
	if (path == NULL || path_is(path))
		return RES_OK;
	buf_printf(why, "%s: “%.40s” is no path like errors.0.code", key, path);
	return RES_INVALID;
}

static enum res
prepare_retry_after(const struct gateway_config *c, struct prepared *p)
{
	const char *const *list =
	    list_len(c->retry_after) > 0 ? c->retry_after : retry_after_default;
	size_t n = list_len(list);

	p->retry_after = arena_alloc(&p->arena, (n + 1) * sizeof(*p->retry_after));
	for (size_t i = 0; p->retry_after != NULL && i < n; i++) {
		char *name = arena_text(&p->arena, list[i]);
		p->retry_after[i] = name;
		for (; name != NULL && *name != '\0'; name++)
			if (*name >= 'A' && *name <= 'Z')
				*name = (char)(*name - 'A' + 'a');
	}
	return p->arena.failed ? RES_NOMEM : RES_OK;
}

static enum res
prepare_answers(const struct gateway_config *c, struct prepared *p, struct buf *why)
{
	static const char *const none[] = { NULL };
	enum res res = prepare_statuses("ok_http", &p->ok, c->ok_http, ok_default, why);

	if (res == RES_OK)
		res = prepare_statuses("dup_http", &p->dup, c->dup_http, none, why);
	if (res == RES_OK)
		res = prepare_statuses("retry_http", &p->retry, c->retry_http, retry_default, why);
	if (res == RES_OK)
		res = prepare_statuses("halt_http", &p->halt, c->halt_http, halt_default, why);
	if (res == RES_OK)
		res = check_path("ok_path", c->ok_path, why);
	if (res == RES_OK)
		res = check_path("id_path", c->id_path, why);
	if (res == RES_OK)
		res = check_path("err_path", c->err_path, why);
	if (res == RES_OK)
		res = check_path("code_path", c->code_path, why);
	if (res == RES_OK)
		res = prepare_retry_after(c, p);
	if (res == RES_OK && c->ok_value != NULL && c->ok_path == NULL) {
		buf_printf(why, "ok_value needs ok_path");
		return RES_INVALID;
	}
	if (res == RES_OK && c->code_path == NULL &&
	    list_len(c->retry_code) + list_len(c->permanent_code) + list_len(c->halt_code) > 0) {
		buf_printf(why, "retry_code, permanent_code and halt_code need code_path");
		return RES_INVALID;
	}
	return res;
}

static bool
read_mapping(const char *text, struct http_mapping *out)
{
	const char *at = strrchr(text, '=');

	if (at == NULL)
		return false;
	out->value = (struct span){ text, (size_t)(at - text) };
	for (size_t i = 0; i < NSTATES; i++)
		if (strcmp(at + 1, state_words[i].word) == 0) {
			out->state = state_words[i].state;
			return true;
		}
	return false;
}

static enum res
prepare_reports(const struct gateway_config *c, struct prepared *p, struct buf *why)
{
	size_t n = list_len(c->report_map);
	enum res res = RES_OK;

	p->map = arena_alloc(&p->arena, (n + 1) * sizeof(*p->map));
	if (p->map == NULL)
		return RES_NOMEM;
	for (; p->nmap < n; p->nmap++)
		if (!read_mapping(c->report_map[p->nmap], &p->map[p->nmap])) {
			buf_printf(why,
			    "report_map: “%.40s” is not VALUE=delivered, =failed or =taken",
			    c->report_map[p->nmap]);
			return RES_INVALID;
		}
	if (p->report == REPORTS_NONE)
		return RES_OK;
	if (c->report_state == NULL || n == 0) {
		buf_printf(why, "report needs report_state and report_map");
		return RES_INVALID;
	}
	if (c->report_id == NULL && !p->names_report_url) {
		buf_printf(why, "report needs report_id, or {dlr_url} in the request");
		return RES_INVALID;
	}
	if (p->report != REPORTS_JSON)
		return RES_OK;
	res = check_path("report_id", c->report_id, why);
	if (res == RES_OK)
		res = check_path("report_state", c->report_state, why);
	if (res == RES_OK)
		res = check_path("report_words", c->report_words, why);
	return res;
}

/* -- What concerns several keys ---------------------------------------------------------------- */

static enum res
prepare_idempotency(const struct gateway_config *c, struct prepared *p, struct buf *why)
{
	const char *text = c->idempotency != NULL ? c->idempotency : "none";

	if (strncmp(text, "header:", 7) == 0) {
		p->idempotency = IDEMPOTENCY_HEADER;
		p->idempotency_name = text + 7;
	} else if (strncmp(text, "field:", 6) == 0) {
		p->idempotency = IDEMPOTENCY_FIELD;
		p->idempotency_name = text + 6;
	} else if (strcmp(text, "none") == 0)
		return RES_OK;
	if (p->idempotency_name != NULL && p->idempotency_name[0] != '\0' &&
	    (p->encode != ENCODE_JSON || p->idempotency == IDEMPOTENCY_HEADER ||
	        path_is(p->idempotency_name)))
		return RES_OK;
	buf_printf(why, "idempotency: “%.40s” is not none, header:NAME or field:PATH", text);
	return RES_INVALID;
}

static unsigned
places_of(const struct prepared *p, const struct http_message *m)
{
	unsigned places = m->url_places | m->places;

	for (size_t i = 0; i < p->headers.n; i++)
		places |= p->headers.v[i].places;
	return places;
}

/* Of everything that is written. */
static unsigned
all_places(const struct prepared *p)
{
	return places_of(p, &p->sms) | places_of(p, &p->mms);
}

/* A gateway may well take what goes to nobody, or says nothing; hardly anybody wants that. */
static void
warn_of_gaps(const struct gateway_config *c, enum packet_kind kind)
{
	const struct prepared *p = c->prepared;
	unsigned places = places_of(p, kind == KIND_MMS ? &p->mms : &p->sms);

	if ((places & PLACE_BIT(PLACE_TO)) == 0)
		log_warn("gateway %s: the request for %s has no {to}, so it reaches nobody",
		    c->info.name, packet_kind_name(kind));
	if (kind == KIND_SMS && (places & PLACE_BIT(PLACE_TEXT)) == 0)
		log_warn("gateway %s: the request for %s has no {text}, so it says nothing",
		    c->info.name, packet_kind_name(kind));
}

static enum res
check_needs(const struct gateway_config *c, const struct prepared *p, struct buf *why)
{
	unsigned places = all_places(p);
	bool basic = p->auth == AUTH_BASIC;
	const struct {
		bool lacks;
		const char *words;
	} needs[] = {
		{ (places & PLACE_BIT(PLACE_FROM)) && c->sender == NULL, "{from} needs sender" },
		{ (places & PLACE_BIT(PLACE_USER)) && c->user == NULL, "{user} needs user" },
		{ (places & PLACE_BIT(PLACE_SECRET)) && c->secret == NULL,
		    p->auth == AUTH_BEARER ? "auth = bearer needs secret_file"
		                           : "{secret} needs secret_file" },
		{ basic && (c->user == NULL || c->secret == NULL),
		    "auth = basic needs user and secret_file" },
		{ (p->auth == AUTH_HEADER || p->auth == AUTH_PARAMS) &&
		        !(places & PLACE_BIT(PLACE_SECRET)),
		    p->auth == AUTH_HEADER ? "auth = header needs {secret} in auth_header"
		                           : "auth = params needs {secret} in the request" },
		{ c->secret != NULL && p->auth != AUTH_BASIC && !(places & PLACE_BIT(PLACE_SECRET)),
		    "secret_file is not used: auth says how the secret is sent" },
	};

	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (needs[i].lacks) {
			buf_text(why, needs[i].words);
			return RES_INVALID;
		}
	return RES_OK;
}

/*
 * Write a made-up message: what fails with it, a path that leads nowhere or a field that is none,
 * would fail with every message.
 */
static enum res
try_kind(const struct gateway_config *c, enum packet_kind kind, struct buf *why)
{
	const struct template_medium medium = { .value = SPAN("https://example.org/a.jpg"),
		.type = SPAN("image/jpeg"),
		.number = "1" };
	const struct template_values values = {
		.v = {
			[PLACE_TO] = SPAN("1234567"),
			[PLACE_FROM] = span_of(c->sender),
			[PLACE_TEXT] = SPAN("text"),
			[PLACE_ID] = SPAN("AAAAAA"),
			[PLACE_SUBJECT] = SPAN("subject"),
			[PLACE_DLR_URL] = SPAN("http://127.0.0.1/"),
			[PLACE_USER] = span_of(c->user),
			[PLACE_SECRET] = span_of(c->secret),
		},
		.media = &medium,
		.nmedia = kind == KIND_MMS ? 1 : 0,
	};
	struct http_request *rq = http_request_new();
	CURLU *url = curl_url();
	enum res res = RES_NOMEM;

	if (rq != NULL && url != NULL)
		res = driver_http_write(c, kind, &values, "AAAAAA-0", rq, why);
	if (res == RES_OK && curl_url_set(url, CURLUPART_URL, rq->url, 0) != CURLUE_OK) {
		buf_printf(why, "%s is no URL",
		    kind == KIND_MMS && c->mms_url != NULL ? "mms_url" : "url");
		res = RES_INVALID;
	}
	curl_url_cleanup(url);
	http_request_free(&rq);
	return res;
}

static enum res
prepare_kinds(const struct gateway_config *c, struct prepared *p, struct buf *why)
{
	static const enum packet_kind kinds[] = { KIND_SMS, KIND_MMS };
	enum res res = RES_OK;

	for (size_t i = 0; i < 2 && res == RES_OK; i++)
		if (c->info.kinds[kinds[i]])
			res = prepare_message(c, p, kinds[i], why);
	p->names_report_url = (all_places(p) & PLACE_BIT(PLACE_DLR_URL)) != 0;
	if (res == RES_OK)
		res = check_needs(c, p, why);
	if (res == RES_OK)
		res = prepare_reports(c, p, why);
	for (size_t i = 0; i < 2 && res == RES_OK; i++)
		if (c->info.kinds[kinds[i]])
			res = try_kind(c, kinds[i], why);
	for (size_t i = 0; i < 2 && res == RES_OK; i++)
		if (c->info.kinds[kinds[i]])
			warn_of_gaps(c, kinds[i]);
	return res;
}

static void
unprepare(struct gateway_config *c)
{
	struct prepared *p = c->prepared;

	c->prepared = NULL;
	if (p == NULL)
		return;
	json_decref(p->sms.tree);
	json_decref(p->mms.tree);
	arena_free(&p->arena);
	free(p);
}

static enum res
prepare(struct gateway_config *c, struct buf *why)
{
	struct prepared *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return RES_NOMEM;
	c->prepared = p;
	enum res res = prepare_words(c, p, why);
	if (res == RES_OK)
		res = prepare_headers(c, p, why);
	if (res == RES_OK)
		res = prepare_idempotency(c, p, why);
	if (res == RES_OK)
		res = prepare_answers(c, p, why);
	if (res == RES_OK)
		res = prepare_kinds(c, p, why);
	if (res != RES_OK) {
		unprepare(c);
		return res;
	}
	c->info.repeats =
	    p->idempotency != IDEMPOTENCY_NONE || list_len(c->dup_http) > 0 || c->retry_unknown;
	return RES_OK;
}

static bool
reports_by_ref(const struct gateway_config *c)
{
	return c->prepared->report != REPORTS_NONE && c->report_id != NULL &&
	       !c->prepared->names_report_url;
}

const struct driver driver_http = {
	.name = "http",
	.prepare = prepare,
	.unprepare = unprepare,
	.render = driver_http_render,
	.judge = driver_http_judge,
	.report = driver_http_report,
	.reports_by_ref = reports_by_ref,
};
