/*
 * Paths of delivery reports: without the key nobody writes one that is taken.  Of an input that ends in
 * '!' the token is filled in: then only the path that we would write ourselves is taken.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/driver.h"
#include "gateway/gateways.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct http_pool {
	int unused;
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static struct http_pool *
pool_new(struct http_client *c, unsigned connections)
{
	(void)c, (void)connections;
	return calloc(1, sizeof(struct http_pool));
}

static void
pool_resize(struct http_pool *p, unsigned connections)
{
	(void)p, (void)connections;
}

static void
pool_free(struct http_pool **p)
{
	free(*p);
	*p = NULL;
}

static const struct http_client_ops client_ops = {
	.pool_new = pool_new,
	.pool_resize = pool_resize,
	.pool_free = pool_free,
};

static enum res
read_report(const struct gateway_config *c, const struct web_request *rq, struct report_read *out,
    struct web_reply *reply)
{
	(void)c, (void)rq, (void)reply;
	return buf_text(&out->ref, "ref");
}

static bool
by_ref(const struct gateway_config *c)
{
	return c->smsc != NULL;
}

static const struct driver driver = { .report = read_report, .reports_by_ref = by_ref };

struct told {
	struct seal *seal;
	const char *path;
	bool is_told;
};

static enum res
on_reported(void *arg, const struct delivery_report *r)
{
	struct told *t = arg;
	struct buf url = { 0 };

	must(gateways_report_url(&url, t->seal, "", r->gateway, r->id) == RES_OK);
	must(strcmp(buf_str(&url), t->path) == 0);
	buf_free(&url);
	t->is_told = true;
	return RES_OK;
}

static const struct gateways_events events = { .reported = on_reported };

static int64_t
no_time(void *arg)
{
	(void)arg;
	return 0;
}

/* The token that would stand at the end of the path, if it were one of ours. */
static void
fill_in(struct buf *path, const struct seal *seal)
{
	struct buf text = { 0 };
	char token[SEAL_TOKEN_LEN + 1], *name, *id;

	buf_cut(path, path->len - 1);
	path->p[path->len] = '\0';
	buf_text(&text, buf_str(path));
	name = text.len > 8 ? text.p + 8 : NULL;
	id = name != NULL ? strchr(name, '/') : NULL;
	if (id != NULL) {
		*id++ = '\n';
		id[strcspn(id, "/")] = '\0';
		if (id[0] == '\0')
			id[-1] = '\0';
		buf_free(path);
		buf_printf(path, "/report/%s", name);
		for (char *p = path->p; *p != '\0'; p++)
			if (*p == '\n')
				*p = '/';
		struct buf signed_text = { 0 };
		buf_printf(&signed_text, "report\n%s", name);
		must(seal_token(seal, buf_as_span(&signed_text), token) == RES_OK);
		buf_printf(path, "/%s", token);
		buf_free(&signed_text);
	}
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const uint8_t key[SEAL_KEY_LEN] = { 7 };
	const struct clock clock = { no_time, no_time, NULL };
	const struct gateway_config configs[] = {
		{ .info.name = "office", .prepared_driver = &driver },
		{ .info.name = "other", .prepared_driver = &driver, .smsc = "by ref" },
	};
	const struct gateways_config config = { .v = configs, .n = 2 };
	struct http_client client = { .ops = &client_ops };
	struct timers timers = { NULL };
	struct told told = { .seal = seal_new(key) };
	struct buf path = { 0 };
	struct web_reply reply = { 0 };
	bool signed_path = len > 0 && bytes[len - 1] == '!';
	const struct gateways_env env = { .clock = &clock, .timers = &timers, .seal = told.seal,
		.http = &client, .events = &events, .events_arg = &told };
	struct gateways *g = gateways_new(&config, &env);

	buf_append(&path, bytes, len);
	buf_cut(&path, strlen(buf_str(&path)));
	if (signed_path && path.len == len)
		fill_in(&path, told.seal);
	told.path = buf_str(&path);
	const struct web_request rq = {
		.method = "GET", .path = told.path, .query = "", .content_type = "", .body = SPAN("") };

	gateways_report(g, &rq, &reply);
	must(reply.status == (told.is_told ? 200 : 404));
	must(signed_path || !told.is_told);
	buf_free(&reply.body);
	gateways_free(&g);
	seal_free(&told.seal);
	buf_free(&path);
	return 0;
}
