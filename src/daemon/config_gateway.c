#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "core/jid.h"
#include "daemon/config_private.h"
#include "daemon/secret.h"

#define GATEWAY_NAME_MAX 32

/* -- What may stand there ---------------------------------------------------------------------- */

cfg_opt_t config_gateway_opts[] = {
	CFG_STR("driver", NULL, CFGF_NONE),
	CFG_STR_LIST("kinds", NULL, CFGF_NODEFAULT),
	CFG_STR("url", NULL, CFGF_NONE),
	CFG_STR("mms_url", NULL, CFGF_NONE),
	CFG_STR("user", NULL, CFGF_NONE),
	CFG_STR("secret_file", NULL, CFGF_NONE),
	CFG_STR("sender", NULL, CFGF_NONE),
	CFG_STR("ca_file", NULL, CFGF_NONE),
	CFG_STR("number", "e164", CFGF_NONE),
	CFG_FLOAT("rate", 0.0, CFGF_NONE),
	CFG_INT("timeout", 30, CFGF_NONE),
	CFG_INT("connections", 8, CFGF_NONE),
	CFG_INT("inflight", 16, CFGF_NONE),
	CFG_INT("max_segments", 6, CFGF_NONE),
	CFG_INT("media_max", 307200, CFGF_NONE),
	CFG_STR_LIST("media_types", "{image/, audio/, video/, text/vcard}", CFGF_NONE),
	CFG_STR_LIST("allow_prefix", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("deny_prefix", NULL, CFGF_NODEFAULT),
	CFG_STR("on_unknown", "hold", CFGF_NONE),

	CFG_STR("smsc", NULL, CFGF_NONE),

	CFG_STR("vasp_id", NULL, CFGF_NONE),
	CFG_STR("vas_id", NULL, CFGF_NONE),
	CFG_STR("service_code", NULL, CFGF_NONE),
	CFG_STR("mm7_version", "6.8.0", CFGF_NONE),
	CFG_STR("mm7_namespace",
	    "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4",
	    CFGF_NONE),

	CFG_STR("method", NULL, CFGF_NONE),
	CFG_STR_LIST("header", NULL, CFGF_NODEFAULT),
	CFG_STR("auth", NULL, CFGF_NONE),
	CFG_STR("auth_header", NULL, CFGF_NONE),
	CFG_STR("encode", NULL, CFGF_NONE),
	CFG_STR_LIST("params", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("mms_params", NULL, CFGF_NODEFAULT),
	CFG_STR("body", NULL, CFGF_NONE),
	CFG_STR("mms_body", NULL, CFGF_NONE),
	CFG_STR("media", NULL, CFGF_NONE),
	CFG_STR("media_list", NULL, CFGF_NONE),
	CFG_STR("idempotency", NULL, CFGF_NONE),

	CFG_STR_LIST("ok_http", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("dup_http", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("retry_http", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("halt_http", NULL, CFGF_NODEFAULT),
	CFG_STR("ok_path", NULL, CFGF_NONE),
	CFG_STR("ok_value", NULL, CFGF_NONE),
	CFG_STR("id_path", NULL, CFGF_NONE),
	CFG_STR("err_path", NULL, CFGF_NONE),
	CFG_STR("code_path", NULL, CFGF_NONE),
	CFG_STR_LIST("retry_code", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("permanent_code", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("halt_code", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("retry_after", NULL, CFGF_NODEFAULT),

	CFG_STR("report", NULL, CFGF_NONE),
	CFG_STR("report_id", NULL, CFGF_NONE),
	CFG_STR("report_state", NULL, CFGF_NONE),
	CFG_STR("report_words", NULL, CFGF_NONE),
	CFG_STR_LIST("report_map", NULL, CFGF_NODEFAULT),
	CFG_END()
};
cfg_opt_t config_route_opts[] = {
	CFG_STR_LIST("sms", NULL, CFGF_NODEFAULT),
	CFG_STR_LIST("mms", NULL, CFGF_NODEFAULT),
	CFG_END()
};
cfg_opt_t config_http_opts[] = {
	CFG_STR("listen", NULL, CFGF_NONE),
	CFG_STR("public_url", NULL, CFGF_NONE),
	CFG_END()
};
cfg_opt_t config_media_opts[] = {
	CFG_STR_LIST("hosts", NULL, CFGF_NODEFAULT),
	CFG_BOOL("private_addresses", cfg_false, CFGF_NONE),
	CFG_STR("ca_file", NULL, CFGF_NONE),
	CFG_INT("timeout", 15, CFGF_NONE),
	CFG_END()
};

static int
check_name(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *name = cfg_title(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1));
	size_t len = strlen(name);

	if (cfg_opt_size(opt) > GATEWAYS_MAX) {
		cfg_error(cfg, "more than %d gateways", GATEWAYS_MAX);
		return -1;
	}
	if (len >= 1 && len <= GATEWAY_NAME_MAX && strspn(name,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len)
		return 0;
	cfg_error(cfg, "gateway “%s”: a name has 1 to %d letters, digits, “_” and “-”", name,
	    GATEWAY_NAME_MAX);
	return -1;
}

static int
check_route(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *prefix = cfg_title(cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1));

	if (cfg_opt_size(opt) > CONFIG_LIST_MAX) {
		cfg_error(cfg, "more than %d routes", CONFIG_LIST_MAX);
		return -1;
	}
	if (config_is_prefix(prefix))
		return 0;
	cfg_error(cfg, "route “%s”: not the beginning of a number, like \"+49\", or \"+\" for all",
	    prefix);
	return -1;
}

const struct config_check config_gateway_checks[] = {
	{ "gateway", check_name },
	{ "gateway|driver", config_check_choice },
	{ "gateway|kinds", config_check_choice },
	{ "gateway|url", config_check_url },
	{ "gateway|mms_url", config_check_url },
	{ "gateway|user", config_check_text },
	{ "gateway|secret_file", config_check_secret },
	{ "gateway|sender", config_check_text },
	{ "gateway|ca_file", config_check_readable },
	{ "gateway|number", config_check_number },
	{ "gateway|rate", config_check_rate },
	{ "gateway|timeout", config_check_range },
	{ "gateway|connections", config_check_range },
	{ "gateway|inflight", config_check_range },
	{ "gateway|max_segments", config_check_range },
	{ "gateway|media_max", config_check_range },
	{ "gateway|media_types", config_check_text },
	{ "gateway|allow_prefix", config_check_prefix },
	{ "gateway|deny_prefix", config_check_prefix },
	{ "gateway|on_unknown", config_check_choice },
	{ "gateway|smsc", config_check_text },
	{ "gateway|vasp_id", config_check_text },
	{ "gateway|vas_id", config_check_text },
	{ "gateway|service_code", config_check_text },
	{ "gateway|mm7_version", config_check_text },
	{ "gateway|mm7_namespace", config_check_text },
	{ "gateway|method", config_check_choice },
	{ "gateway|header", config_check_template },
	{ "gateway|auth", config_check_choice },
	{ "gateway|auth_header", config_check_template },
	{ "gateway|encode", config_check_choice },
	{ "gateway|params", config_check_template },
	{ "gateway|mms_params", config_check_template },
	{ "gateway|body", config_check_template },
	{ "gateway|mms_body", config_check_template },
	{ "gateway|media", config_check_choice },
	{ "gateway|media_list", config_check_choice },
	{ "gateway|idempotency", config_check_text },
	{ "gateway|ok_http", config_check_status },
	{ "gateway|dup_http", config_check_status },
	{ "gateway|retry_http", config_check_status },
	{ "gateway|halt_http", config_check_status },
	{ "gateway|ok_path", config_check_text },
	{ "gateway|ok_value", config_check_template },
	{ "gateway|id_path", config_check_text },
	{ "gateway|err_path", config_check_text },
	{ "gateway|code_path", config_check_text },
	{ "gateway|retry_code", config_check_text },
	{ "gateway|permanent_code", config_check_text },
	{ "gateway|halt_code", config_check_text },
	{ "gateway|retry_after", config_check_text },
	{ "gateway|report", config_check_choice },
	{ "gateway|report_id", config_check_text },
	{ "gateway|report_state", config_check_text },
	{ "gateway|report_words", config_check_text },
	{ "gateway|report_map", config_check_text },
	{ "route", check_route },
	{ "http|listen", config_check_server },
	{ "http|public_url", config_check_public_url },
	{ "media|hosts", config_check_host },
	{ "media|ca_file", config_check_readable },
	{ "media|timeout", config_check_range },
	{ NULL, NULL },
};

/* -- Gateways ---------------------------------------------------------------------------------- */

#define AT(member) offsetof(struct gateway_config, member)

static const struct {
	const char *key;
	size_t at; /* of a const char * */
	const char *driver; /* the only one that reads it; NULL: all do */
} texts[] = {
	{ "driver", AT(driver), NULL },
	{ "url", AT(url), NULL },
	{ "mms_url", AT(mms_url), NULL },
	{ "user", AT(user), NULL },
	{ "sender", AT(sender), NULL },
	{ "ca_file", AT(ca_file), NULL },
	{ "smsc", AT(smsc), "kannel" },
	{ "vasp_id", AT(vasp_id), "mm7" },
	{ "vas_id", AT(vas_id), "mm7" },
	{ "service_code", AT(service_code), "mm7" },
	{ "mm7_version", AT(mm7_version), "mm7" },
	{ "mm7_namespace", AT(mm7_namespace), "mm7" },
	{ "method", AT(method), "http" },
	{ "auth", AT(auth), "http" },
	{ "auth_header", AT(auth_header), "http" },
	{ "encode", AT(encode), "http" },
	{ "body", AT(body), "http" },
	{ "mms_body", AT(mms_body), "http" },
	{ "media", AT(media), "http" },
	{ "media_list", AT(media_list), "http" },
	{ "idempotency", AT(idempotency), "http" },
	{ "ok_path", AT(ok_path), "http" },
	{ "ok_value", AT(ok_value), "http" },
	{ "id_path", AT(id_path), "http" },
	{ "err_path", AT(err_path), "http" },
	{ "code_path", AT(code_path), "http" },
	{ "report", AT(report), "http" },
	{ "report_id", AT(report_id), "http" },
	{ "report_state", AT(report_state), "http" },
	{ "report_words", AT(report_words), "http" },
};

static const struct {
	const char *key;
	size_t at; /* of a const char *const * */
	const char *driver;
} lists[] = {
	{ "media_types", AT(info.media_types), NULL },
	{ "allow_prefix", AT(info.allow), NULL },
	{ "deny_prefix", AT(info.deny), NULL },
	{ "header", AT(headers), "http" },
	{ "params", AT(params), "http" },
	{ "mms_params", AT(mms_params), "http" },
	{ "ok_http", AT(ok_http), "http" },
	{ "dup_http", AT(dup_http), "http" },
	{ "retry_http", AT(retry_http), "http" },
	{ "halt_http", AT(halt_http), "http" },
	{ "retry_code", AT(retry_code), "http" },
	{ "permanent_code", AT(permanent_code), "http" },
	{ "halt_code", AT(halt_code), "http" },
	{ "retry_after", AT(retry_after), "http" },
	{ "report_map", AT(report_map), "http" },
};

static const char *const *
take_list(struct config *c, cfg_t *sec, const char *key)
{
	unsigned n = cfg_size(sec, key);
	const char **list = arena_alloc(&c->arena, (n + 1) * sizeof(*list));

	for (unsigned i = 0; list != NULL && i < n; i++)
		list[i] = arena_text(&c->arena, cfg_getnstr(sec, key, i));
	return list;
}

static void
take_gateway_values(struct config *c, cfg_t *sec, struct gateway_config *g)
{
	char *base = (char *)g;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		*(const char **)(void *)(base + texts[i].at) =
		    arena_text(&c->arena, cfg_getstr(sec, texts[i].key));
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		*(const char *const **)(void *)(base + lists[i].at) =
		    take_list(c, sec, lists[i].key);
	/* An empty list takes the default away, no list leaves it. */
	if ((cfg_getopt(sec, "deny_prefix")->flags & CFGF_MODIFIED) == 0)
		g->info.deny = route_deny_default;
	g->info.name = arena_text(&c->arena, cfg_title(sec));
	for (unsigned i = 0; i < cfg_size(sec, "kinds"); i++)
		g->info.kinds[config_word(config_kinds, cfg_getnstr(sec, "kinds", i))] = true;
	g->info.max_segments = (size_t)cfg_getint(sec, "max_segments");
	g->info.media_max = (size_t)cfg_getint(sec, "media_max");
	number_format_parse(&g->number, arena_text(&c->arena, cfg_getstr(sec, "number")));
	g->rate = cfg_getfloat(sec, "rate");
	g->timeout_ms = cfg_getint(sec, "timeout") * SECOND_MS;
	g->connections = (unsigned)cfg_getint(sec, "connections");
	g->inflight = (unsigned)cfg_getint(sec, "inflight");
	g->retry_unknown = config_word(config_unknowns, cfg_getstr(sec, "on_unknown")) == 1;
}

static bool
take_secret(struct config *c, cfg_t *sec, struct gateway_config *g)
{
	const char *path = cfg_getstr(sec, "secret_file");
	struct buf secret = { .max = SECRET_MAX }, why = { 0 };
	bool ok = path == NULL || secret_read(path, &secret, &why) == RES_OK;

	if (!ok)
		cfg_error(sec, "secret_file: %s", buf_str(&why));
	else if (path != NULL)
		g->secret = arena_text(&c->arena, buf_str(&secret));
	buf_free(&secret);
	buf_free(&why);
	return ok;
}

static bool
has_required(cfg_t *sec)
{
	static const char *const required[] = { "driver", "kinds", "url" };
	bool ok = true;

	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
		if (cfg_size(sec, required[i]) == 0 || cfg_getnstr(sec, required[i], 0) == NULL) {
			cfg_error(sec, "gateway %s needs %s", cfg_title(sec), required[i]);
			ok = false;
		}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (cfg_size(sec, lists[i].key) > CONFIG_LIST_MAX) {
			cfg_error(sec, "%s has more than %d values", lists[i].key, CONFIG_LIST_MAX);
			ok = false;
		}
	return ok;
}

static bool
is_for(cfg_t *sec, const char *key, const char *driver)
{
	if (driver == NULL || strcmp(driver, cfg_getstr(sec, "driver")) == 0 ||
	    (cfg_getopt(sec, key)->flags & CFGF_MODIFIED) == 0)
		return true;
	cfg_error(sec, "gateway %s: %s is for the driver %s", cfg_title(sec), key, driver);
	return false;
}

/* A key that its driver does not read would be believed to do something. */
static bool
has_own_keys_only(cfg_t *sec)
{
	bool ok = true;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ok = is_for(sec, texts[i].key, texts[i].driver) && ok;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		ok = is_for(sec, lists[i].key, lists[i].driver) && ok;
	return ok;
}

static bool
take_gateway(struct config *c, cfg_t *sec)
{
	struct gateway_config *g = &c->gateways[c->routing.ngateways];
	struct buf why = { 0 };
	bool ok = has_required(sec) && has_own_keys_only(sec) && take_secret(c, sec, g);

	if (!ok)
		return false;
	take_gateway_values(c, sec, g);
	if (c->arena.failed)
		return false;
	ok = gateway_prepare(g, &why) == RES_OK;
	if (ok)
		c->infos[c->routing.ngateways++] = g->info;
	else
		cfg_error(sec, "gateway %s: %s", g->info.name,
		    why.len > 0 ? buf_str(&why) : "out of memory");
	buf_free(&why);
	return ok;
}

/* -- Routes ------------------------------------------------------------------------------------ */

static size_t
gateway_named(const struct config *c, const char *name)
{
	size_t i = 0;

	while (i < c->routing.ngateways && strcmp(c->infos[i].name, name) != 0)
		i++;
	return i;
}

static bool
take_via(struct config *c, cfg_t *sec, struct route *r, enum packet_kind kind)
{
	const char *key = packet_kind_name(kind);
	bool ok = true;

	for (unsigned i = 0; ok && i < cfg_size(sec, key); i++) {
		const char *name = cfg_getnstr(sec, key, i), *fault = NULL;
		size_t at = gateway_named(c, name);

		if (at == c->routing.ngateways)
			fault = "there is no such gateway";
		else if (!c->infos[at].kinds[kind])
			fault = "this gateway does not have that kind";
		for (size_t j = 0; fault == NULL && j < r->n[kind]; j++)
			if (r->via[kind][j] == at)
				fault = "this gateway stands there twice";
		if (fault == NULL)
			r->via[kind][r->n[kind]++] = at;
		else
			cfg_error(sec, "route %s: %s “%s”: %s", r->prefix, key, name, fault);
		ok = fault == NULL;
	}
	return ok;
}

static bool
take_route(struct config *c, cfg_t *sec)
{
	struct route *r = &c->routes[c->routing.nroutes++];
	bool ok;

	r->prefix = arena_text(&c->arena, cfg_title(sec));
	if (r->prefix == NULL)
		return false;
	ok = take_via(c, sec, r, KIND_SMS);
	ok = take_via(c, sec, r, KIND_MMS) && ok;
	if (ok && r->n[KIND_SMS] + r->n[KIND_MMS] == 0) {
		cfg_error(sec, "route %s names no gateway, with sms or mms", r->prefix);
		ok = false;
	}
	return ok;
}

/* -- All of it --------------------------------------------------------------------------------- */

static bool
take_http(struct config *c, cfg_t *sec)
{
	const char *listen = cfg_getstr(sec, "listen"), *url = cfg_getstr(sec, "public_url");
	struct span host, public_url = span_of(url);
	int64_t port;

	if (listen != NULL && config_split_server(span_of(listen), &host, &port)) {
		c->http.host = arena_span(&c->arena, host);
		c->http.port = (int)port;
	} else if (url != NULL) {
		cfg_error(sec, "http: public_url needs listen, where reports are taken");
		return false;
	}
	while (public_url.len > 0 && public_url.p[public_url.len - 1] == '/')
		public_url.len--;
	c->http.public_url = arena_span(&c->arena, public_url);
	return true;
}

static bool
take_media(struct config *c, cfg_t *sec)
{
	unsigned n = cfg_size(sec, "hosts");
	const char **hosts = arena_alloc(&c->arena, (n + 1) * sizeof(*hosts));
	struct jid jid;

	if (n > CONFIG_LIST_MAX) {
		cfg_error(sec, "hosts has more than %d values", CONFIG_LIST_MAX);
		return false;
	}
	for (unsigned i = 0; hosts != NULL && i < n; i++) {
		const char *text = cfg_getnstr(sec, "hosts", i);
		bool below = strncmp(text, "*.", 2) == 0;

		if (jid_parse_text(&jid, below ? text + 2 : text) == RES_OK)
			hosts[i] =
			    arena_printf(&c->arena, "%s%s", below ? "*." : "", jid.domain);
	}
	c->media.hosts = hosts;
	c->media.ca_file = arena_text(&c->arena, cfg_getstr(sec, "ca_file"));
	c->media.private_addresses = cfg_getbool(sec, "private_addresses") == cfg_true;
	c->media.timeout_ms = cfg_getint(sec, "timeout") * SECOND_MS;
	return hosts != NULL;
}

bool
config_take_gateways(struct config *c, cfg_t *cfg)
{
	bool ok = take_http(c, cfg_getsec(cfg, "http"));

	ok = take_media(c, cfg_getsec(cfg, "media")) && ok;
	for (unsigned i = 0; i < cfg_size(cfg, "gateway"); i++)
		ok = take_gateway(c, cfg_getnsec(cfg, "gateway", i)) && ok;
	/* Without all of the gateways, every route to one of the others would look wrong. */
	for (unsigned i = 0; ok && i < cfg_size(cfg, "route"); i++)
		ok = take_route(c, cfg_getnsec(cfg, "route", i));
	c->routing.gateways = c->infos;
	c->routing.routes = c->routes;
	return ok;
}
