#include "phones.h"

#include "daemon/secret.h"
#include "gateway/gateways.h"
#include "world.h"

struct http_pool {
	struct phones *phones;
};

/* -- struct http_client --------------------------------------------------------------------------------------------------------- */

static struct http_pool *
pool_new(struct http_client *c, unsigned connections)
{
	struct http_pool *p = calloc(1, sizeof(*p));

	assert_true(connections > 0);
	assert_non_null(p);
	p->phones = (struct phones *)c;
	return p;
}

static void
pool_resize(struct http_pool *p, unsigned connections)
{
	assert_non_null(p);
	assert_true(connections > 0);
}

static void
pool_free(struct http_pool **p)
{
	if (*p == NULL)
		return;
	for (size_t i = 0; i < (*p)->phones->n; i++) {
		struct requested *r = &(*p)->phones->v[i];

		if (r->pool == *p) {
			r->pool = NULL;
			r->done = NULL;
			r->waits = false;
			r->ended = true;
		}
	}
	free(*p);
	*p = NULL;
}

static const char *
copy(struct world *w, const char *text)
{
	return text == NULL ? "" : arena_text(&w->arena, text);
}

static struct http_header *
copy_headers(struct world *w, const struct http_header *h)
{
	struct http_header *first = NULL, **last = &first;

	for (; h != NULL; h = h->next) {
		*last = arena_alloc(&w->arena, sizeof(**last));
		(*last)->name = arena_text(&w->arena, h->name);
		(*last)->value = arena_text(&w->arena, h->value);
		last = &(*last)->next;
	}
	return first;
}

static struct phone_says
what_is_said(struct phones *p, const char *url)
{
	for (size_t i = p->nrules; i-- > 0;) {
		struct phone_says *says = &p->rules[i].says;

		if (p->rules[i].used_up || strncmp(url, p->rules[i].url, strlen(p->rules[i].url)) != 0)
			continue;
		if (says->times > 0)
			p->rules[i].used_up = --says->times == 0;
		return *says;
	}
	return (struct phone_says){ .end = PHONE_ANSWERS };
}

static enum res
start(struct http_pool *pool, struct http_request *rq, http_done_fn *done, void *arg)
{
	struct phones *p = pool->phones;
	struct world *w = p->world;
	struct requested *r;

	if (p->full) {
		http_request_free(&rq);
		return RES_TEMPFAIL;
	}
	p->v = arena_grow(&w->arena, p->v, p->n, &p->cap, sizeof(*p->v));
	assert_non_null(p->v);
	r = &p->v[p->n++];
	*r = (struct requested){
		.at = w->wall,
		.method = copy(w, rq->method), .url = copy(w, rq->url),
		.user = copy(w, rq->user), .password = copy(w, rq->password),
		.headers = copy_headers(w, rq->headers),
		.body = { copy(w, ""), 0 },
		.timeout_ms = rq->timeout_ms, .stranger = rq->stranger, .answer_max = rq->answer_max,
		.pool = pool, .done = done, .arg = arg,
	};
	if (rq->body.len > 0)
		r->body = (struct span){ arena_span(&w->arena, buf_as_span(&rq->body)), rq->body.len };
	r->says = what_is_said(p, r->url);
	r->waits = r->says.end == PHONE_WAITS;
	http_request_free(&rq);
	return RES_OK;
}

static const struct http_client_ops client_ops = {
	.pool_new = pool_new,
	.pool_resize = pool_resize,
	.pool_free = pool_free,
	.start = start,
};

void
phones_init(struct phones *p, struct world *w)
{
	*p = (struct phones){ .client.ops = &client_ops, .world = w };
}

static void
end(struct requested *r)
{
	const struct phone_says *says = &r->says;
	struct http_header retry = { "retry-after", says->retry_after, NULL };
	struct http_header type = {
		"content-type", says->type != NULL ? says->type : "text/html", says->retry_after != NULL ? &retry : NULL,
	};
	struct http_answer a = { .end = HTTP_ANSWERED };
	http_done_fn *done = r->done;
	void *arg = r->arg;

	if (says->end == PHONE_REFUSES)
		a = (struct http_answer){ .end = HTTP_NOT_SENT, .error = "Connection refused" };
	else if (says->end == PHONE_BREAKS)
		a = (struct http_answer){ .end = HTTP_BROKEN, .error = "Connection reset by peer" };
	else {
		bool put = strcmp(r->method, "PUT") == 0;

		a.status = says->status != 0 ? says->status : put ? 201 : 202;
		a.body = says->body.p == NULL && says->status == 0 && !put ? SPAN("0: Accepted for delivery") : says->body;
		a.headers = &type;
		if (a.body.len > r->answer_max) {
			a.end = HTTP_TOO_LARGE;
			a.error = "the answer is too large";
			a.body.len = 0;
		}
	}
	r->ended = true;
	r->done = NULL;
	r->pool = NULL;
	/* It may start others, and so move r. */
	done(arg, &a);
}

bool
phones_move(struct phones *p)
{
	size_t n = p->n;
	bool moved = false;

	for (size_t i = 0; i < n; i++)
		if (!p->v[i].ended && !p->v[i].waits) {
			end(&p->v[i]);
			moved = true;
		}
	if (moved)
		p->client.turn(p->client.turn_arg);
	return moved;
}

/* -- For tests ------------------------------------------------------------------------------------------------------------------ */

void
world_phone_rule(struct world *w, const char *url, struct phone_says says)
{
	struct phones *p = &w->phones;

	assert_true(p->nrules < PHONE_RULES_MAX);
	p->rules[p->nrules].url = url;
	p->rules[p->nrules++].says = says;
}

void
world_phone_ends(struct world *w, size_t i, struct phone_says says)
{
	assert_true(i < w->phones.n && w->phones.v[i].waits && says.end != PHONE_WAITS);
	w->phones.v[i].says = says;
	w->phones.v[i].waits = false;
	world_advance(w, 0);
}

const char *
phone_header(const struct requested *r, const char *name)
{
	for (const struct http_header *h = r->headers; h != NULL; h = h->next)
		if (span_caseeq(span_of(h->name), span_of(name)))
			return h->value;
	return "";
}

size_t
world_requests(const struct world *w, const char *url)
{
	size_t n = 0;

	for (size_t i = 0; i < w->phones.n; i++)
		n += strncmp(w->phones.v[i].url, url, strlen(url)) == 0;
	return n;
}

const struct requested *
world_request(const struct world *w, const char *url)
{
	for (size_t i = w->phones.n; i-- > 0;)
		if (strncmp(w->phones.v[i].url, url, strlen(url)) == 0)
			return &w->phones.v[i];
	return NULL;
}

size_t
world_sms(const struct world *w, const char *number)
{
	size_t n = 0;

	for (size_t i = 0; i < w->phones.n; i++)
		n += strcmp(phone_header(&w->phones.v[i], "X-Kannel-To"), number) == 0;
	return n;
}

/* -- The configuration ---------------------------------------------------------------------------------------------------------- */

static void
fill_in(struct world *w, struct gateway_config *g)
{
	static const char *const none[] = { NULL }, *const every_medium[] = { "image/", "audio/", "video/", "text/vcard", NULL };
	const char *const **lists[] = {
		&g->info.allow, &g->info.deny, &g->headers, &g->params, &g->mms_params, &g->ok_http, &g->dup_http,
		&g->retry_http, &g->halt_http, &g->retry_code, &g->permanent_code, &g->halt_code, &g->retry_after, &g->report_map,
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (*lists[i] == NULL)
			*lists[i] = none;
	if (g->info.media_types == NULL)
		g->info.media_types = every_medium;
	if (!g->info.kinds[KIND_SMS] && !g->info.kinds[KIND_MMS])
		g->info.kinds[KIND_SMS] = true;
	if (g->info.max_segments == 0)
		g->info.max_segments = 6;
	if (g->info.media_max == 0)
		g->info.media_max = 307200;
	if (g->driver == NULL)
		g->driver = "kannel";
	if (g->url == NULL)
		g->url = arena_printf(&w->arena, "http://%s.example/cgi-bin/sendsms", g->info.name);
	if (g->user == NULL && strcmp(g->driver, "http") != 0) {
		g->user = "tester";
		g->secret = "secret";
	}
	if (g->sender == NULL)
		g->sender = "1234";
	g->timeout_ms = g->timeout_ms != 0 ? g->timeout_ms : 30 * SECOND_MS;
	g->connections = g->connections != 0 ? g->connections : 8;
	g->inflight = g->inflight != 0 ? g->inflight : 16;
	g->mm7_version = g->mm7_version != NULL ? g->mm7_version : "6.8.0";
	if (g->mm7_namespace == NULL)
		g->mm7_namespace = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";
}

struct gateway_config *
world_add_gateway(struct world *w, struct gateway_config g)
{
	struct config *c = &w->config;
	size_t i = c->routing.ngateways++;

	assert_true(i < GATEWAYS_MAX);
	assert_non_null(g.info.name);
	fill_in(w, &g);
	c->gateways[i] = g;
	buf_reset(&w->why);
	if (gateway_prepare(&c->gateways[i], &w->why) != RES_OK)
		fail_msg("gateway %s: %s", g.info.name, buf_str(&w->why));
	c->infos[i] = c->gateways[i].info;
	return &c->gateways[i];
}

void
world_route(struct world *w, const char *prefix, enum packet_kind kind, ...)
{
	struct config *c = &w->config;
	struct route *r = &c->routes[c->routing.nroutes++];
	const char *name;
	va_list args;

	assert_true(c->routing.nroutes <= CONFIG_LIST_MAX);
	r->prefix = prefix;
	va_start(args, kind);
	while ((name = va_arg(args, const char *)) != NULL) {
		size_t i = 0;

		while (i < c->routing.ngateways && strcmp(c->infos[i].name, name) != 0)
			i++;
		assert_true(i < c->routing.ngateways);
		r->via[kind][r->n[kind]++] = i;
	}
	va_end(args);
}

/* -- The listener --------------------------------------------------------------------------------------------------------------- */

static const char *
content_type(const char *body)
{
	return body[0] == '\0' ? "" : body[0] == '{' ? "application/json" : body[0] == '<' ? "text/xml"
	    : "application/x-www-form-urlencoded";
}

struct web_answer
world_web(struct world *w, const char *method, const char *path, const char *query, const char *body)
{
	const struct web_request rq = {
		.method = method, .path = path, .query = query, .content_type = content_type(body), .body = span_of(body),
	};
	struct web_reply reply = { 0 };
	struct web_answer a;

	laterd_web(w->laterd, &rq, &reply);
	a = (struct web_answer){
		.status = reply.status != 0 ? reply.status : 404,
		.type = copy(w, reply.type), .body = copy(w, buf_str(&reply.body)),
	};
	buf_free(&reply.body);
	world_advance(w, 0);
	return a;
}

const char *
world_report_path(struct world *w, const char *gateway)
{
	uint8_t key[SEAL_KEY_LEN];
	struct seal *seal;
	struct buf path = { 0 };
	const char *text;

	buf_reset(&w->why);
	assert_int_equal(seal_key_read(w->config.store.seal_key_file, key, &w->why), RES_OK);
	seal = seal_new(key);
	assert_int_equal(gateways_report_url(&path, seal, "", gateway, NULL), RES_OK);
	text = arena_text(&w->arena, buf_str(&path));
	buf_free(&path);
	seal_free(&seal);
	return text;
}

int
world_report(struct world *w, const struct requested *r, const char *type)
{
	const char *url = phone_header(r, "X-Kannel-DLR-URL"), *prefix = w->config.http.public_url;
	char *path, *query;

	assert_non_null(prefix);
	assert_int_equal(strncmp(url, prefix, strlen(prefix)), 0);
	path = arena_text(&w->arena, url + strlen(prefix));
	query = strstr(path, "?type=%d&");
	assert_non_null(query);
	*query = '\0';
	return world_web(w, "GET", path, arena_printf(&w->arena, "type=%s&answer=", type), "").status;
}
