#include "daemon/config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/jid.h"
#include "daemon/config_private.h"
#include "daemon/secret.h"

#define NO_NUMBER (-1L)
#define MEGABYTE  (INT64_C(1) << 20)
#define END_KEY "end-of-the-file-7d1f"

/*
 * libconfuse gives its callbacks no argument, and sections no file name: the parse under way, for
 * its error function.
 */
static struct {
	const char *path;
	struct buf *why;
	const char *seen[8]; /* the sections that may stand there once */
	size_t nseen;
} parse;

static void
collect_error(cfg_t *cfg, const char *format, va_list args)
{
	if (parse.why->len > 0)
		buf_text(parse.why, "\n");
	buf_text(parse.why, parse.path);
	if (cfg != NULL && cfg->line > 0)
		buf_printf(parse.why, ":%d", cfg->line);
	buf_text(parse.why, ": ");
	buf_vprintf(parse.why, format, args);
}

/* -- What each key may be ---------------------------------------------------------------------- */

/* libconfuse would let the second one replace the first. */
static int
check_once(cfg_t *cfg, cfg_opt_t *opt)
{
	for (size_t i = 0; i < parse.nseen; i++)
		if (strcmp(parse.seen[i], opt->name) == 0) {
			cfg_error(cfg, "a second section %s: put its keys into the first", opt->name);
			return -1;
		}
	assert(parse.nseen < sizeof(parse.seen) / sizeof(parse.seen[0]));
	parse.seen[parse.nseen++] = opt->name;
	return 0;
}

static int
check_kind_title(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

	if (config_word(config_kinds, cfg_title(section)) < 0)
		cfg_error(cfg, "quota “%s”: the kinds are im, sms and mms", cfg_title(section));
	else if (strcmp(cfg_title(section), "sms") != 0 &&
	    config_word(config_counts, cfg_getstr(section, "count")) == 1)
		cfg_error(cfg, "quota %s: only an SMS has segments to count", cfg_title(section));
	else
		return 0;
	return -1;
}

/* -- Parsing ----------------------------------------------------------------------------------- */

static cfg_opt_t component_opts[] = {
	CFG_STR("address", NULL, CFGF_NONE),
	CFG_STR("name", "Scheduled messages", CFGF_NONE),
	CFG_STR("server", "127.0.0.1:5347", CFGF_NONE),
	CFG_STR("secret_file", NULL, CFGF_NONE),
	CFG_END()
};
static cfg_opt_t users_opts[] = {
	CFG_STR_LIST("domains", NULL, CFGF_NONE),
	CFG_STR_LIST("admins", NULL, CFGF_NONE),
	CFG_END()
};
static cfg_opt_t store_opts[] = {
	CFG_STR("database", "/var/lib/laterd/laterd.db", CFGF_NONE),
	CFG_STR("seal_key_file", "/var/lib/laterd/seal.key", CFGF_NONE),
	CFG_INT("keep_days", 30, CFGF_NONE),
	CFG_INT("free_min", 100, CFGF_NONE),
	CFG_END()
};
static cfg_opt_t schedule_opts[] = {
	CFG_INT("tick", 60, CFGF_NONE),
	CFG_STR("zone", "UTC", CFGF_NONE),
	CFG_INT("horizon_days", 400, CFGF_NONE),
	CFG_INT("late_limit", 86400, CFGF_NONE),
	CFG_INT("pending_max", 1000, CFGF_NONE),
	CFG_STR("offline", "auto", CFGF_NONE),
	CFG_INT("hold_days", 30, CFGF_NONE),
	CFG_INT("body_max", 10000, CFGF_NONE),
	CFG_STR("country", NULL, CFGF_NONE),
	CFG_INT("repeat_min", 900, CFGF_NONE),
	CFG_END()
};
static cfg_opt_t quota_opts[] = {
	CFG_INT("per_day", NO_NUMBER, CFGF_NODEFAULT),
	CFG_INT("per_month", NO_NUMBER, CFGF_NODEFAULT),
	CFG_INT("total_per_day", NO_NUMBER, CFGF_NODEFAULT),
	CFG_INT("total_per_month", NO_NUMBER, CFGF_NODEFAULT),
	CFG_STR("count", "message", CFGF_NONE),
	CFG_END()
};
static cfg_opt_t log_opts[] = {
	CFG_STR("level", "info", CFGF_NONE),
	CFG_STR("target", "stderr", CFGF_NONE),
	CFG_END()
};
static cfg_opt_t top_opts[] = {
	CFG_SEC("component", component_opts, CFGF_NODEFAULT),
	CFG_SEC("users", users_opts, CFGF_NODEFAULT),
	CFG_SEC("store", store_opts, CFGF_NONE),
	CFG_SEC("schedule", schedule_opts, CFGF_NONE),
	CFG_SEC("quota", quota_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("gateway", config_gateway_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("route", config_route_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("http", config_http_opts, CFGF_NONE),
	CFG_SEC("media", config_media_opts, CFGF_NONE),
	CFG_SEC("log", log_opts, CFGF_NONE),
	CFG_INT(END_KEY, 0, CFGF_NONE),
	CFG_END()
};

static const struct config_check checks[] = {
	{ "component|address", config_check_domain },
	{ "component|name", config_check_text },
	{ "component|server", config_check_server },
	{ "component|secret_file", config_check_secret },
	{ "users|domains", config_check_domain },
	{ "users|admins", config_check_bare },
	{ "store|database", config_check_path },
	{ "store|seal_key_file", config_check_path },
	{ "store|keep_days", config_check_range },
	{ "store|free_min", config_check_range },
	{ "schedule|tick", config_check_range },
	{ "schedule|zone", config_check_zone },
	{ "schedule|horizon_days", config_check_range },
	{ "schedule|late_limit", config_check_range },
	{ "schedule|pending_max", config_check_range },
	{ "schedule|offline", config_check_choice },
	{ "schedule|hold_days", config_check_range },
	{ "schedule|body_max", config_check_range },
	{ "schedule|country", config_check_country },
	{ "schedule|repeat_min", config_check_range },
	{ "component", check_once },
	{ "users", check_once },
	{ "store", check_once },
	{ "schedule", check_once },
	{ "http", check_once },
	{ "media", check_once },
	{ "log", check_once },
	{ "quota", check_kind_title },
	{ "quota|per_day", config_check_range },
	{ "quota|per_month", config_check_range },
	{ "quota|total_per_day", config_check_range },
	{ "quota|total_per_month", config_check_range },
	{ "quota|count", config_check_choice },
	{ "log|level", config_check_choice },
	{ "log|target", config_check_choice },
	{ NULL, NULL },
};

/* -- From libconfuse's values to ours ---------------------------------------------------------- */

static void
take_component(struct config *c, cfg_t *sec)
{
	struct buf secret = { .max = SECRET_MAX }, why = { 0 };
	struct span host = { 0 };
	int64_t port = 0;
	struct jid jid;

	if (jid_parse_text(&jid, cfg_getstr(sec, "address")) == RES_OK)
		c->component.address = arena_text(&c->arena, jid.bare);
	c->component.name = arena_text(&c->arena, cfg_getstr(sec, "name"));
	config_split_server(span_of(cfg_getstr(sec, "server")), &host, &port);
	c->component.server = arena_text(&c->arena, cfg_getstr(sec, "server"));
	c->component.host = arena_span(&c->arena, host);
	c->component.port = (int)port;
	if (secret_read(cfg_getstr(sec, "secret_file"), &secret, &why) == RES_OK)
		c->component.secret = arena_text(&c->arena, buf_str(&secret));
	buf_free(&secret);
	buf_free(&why);
}

static void
take_list(struct config *c, cfg_t *sec, const char *key, const char *out[CONFIG_LIST_MAX + 1])
{
	struct jid jid;

	for (unsigned i = 0; i < cfg_size(sec, key); i++)
		if (jid_parse_text(&jid, cfg_getnstr(sec, key, i)) == RES_OK)
			out[i] = arena_text(&c->arena, jid.bare);
}

static void
take_schedule(struct config *c, cfg_t *sec)
{
	zone_find(&c->schedule.zone, span_of(cfg_getstr(sec, "zone")));
	c->schedule.tick_ms = cfg_getint(sec, "tick") * SECOND_MS;
	c->schedule.horizon_ms = cfg_getint(sec, "horizon_days") * DAY_MS;
	c->schedule.late_limit_ms = cfg_getint(sec, "late_limit") * SECOND_MS;
	c->schedule.hold_ms = cfg_getint(sec, "hold_days") * DAY_MS;
	c->schedule.repeat_min_ms = cfg_getint(sec, "repeat_min") * SECOND_MS;
	c->schedule.pending_max = cfg_getint(sec, "pending_max");
	c->schedule.body_max = (size_t)cfg_getint(sec, "body_max");
	c->schedule.offline = (enum offline)config_word(config_offline, cfg_getstr(sec, "offline"));
	c->schedule.country = arena_text(&c->arena, cfg_getstr(sec, "country"));
}

static int64_t
number_or_none(cfg_t *sec, const char *key)
{
	return cfg_size(sec, key) == 0 ? QUOTA_NO_LIMIT : cfg_getint(sec, key);
}

static void
take_quota(struct config *c, cfg_t *cfg)
{
	for (int kind = 0; kind < KIND_END; kind++)
		c->quota[kind] = c->total[kind] =
		    (struct quota_limit){ QUOTA_NO_LIMIT, QUOTA_NO_LIMIT };
	for (unsigned i = 0; i < cfg_size(cfg, "quota"); i++) {
		cfg_t *sec = cfg_getnsec(cfg, "quota", i);
		int kind = config_word(config_kinds, cfg_title(sec));

		c->quota[kind].per_day = number_or_none(sec, "per_day");
		c->quota[kind].per_month = number_or_none(sec, "per_month");
		c->total[kind].per_day = number_or_none(sec, "total_per_day");
		c->total[kind].per_month = number_or_none(sec, "total_per_month");
		if (config_word(config_counts, cfg_getstr(sec, "count")) == 1)
			c->count_segments = true;
	}
}

static void
take_values(struct config *c, cfg_t *cfg)
{
	cfg_t *store = cfg_getsec(cfg, "store"), *log = cfg_getsec(cfg, "log");

	take_component(c, cfg_getsec(cfg, "component"));
	take_list(c, cfg_getsec(cfg, "users"), "domains", c->users.domains);
	take_list(c, cfg_getsec(cfg, "users"), "admins", c->users.admins);
	c->store.database = arena_text(&c->arena, cfg_getstr(store, "database"));
	c->store.seal_key_file = arena_text(&c->arena, cfg_getstr(store, "seal_key_file"));
	c->store.keep_ms = cfg_getint(store, "keep_days") * DAY_MS;
	c->store.free_min = cfg_getint(store, "free_min") * MEGABYTE;
	take_schedule(c, cfg_getsec(cfg, "schedule"));
	take_quota(c, cfg);
	c->log.level = (enum log_level)config_word(config_levels, cfg_getstr(log, "level"));
	c->log.target = (enum log_target)config_word(config_targets, cfg_getstr(log, "target"));
}

/* -- The whole file ---------------------------------------------------------------------------- */

static const struct {
	const char *section, *key;
} required[] = {
	{ "component", "address" },
	{ "component", "secret_file" },
	{ "users", "domains" },
};

static bool
check_whole(cfg_t *cfg, const char *path, struct buf *why)
{
	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		cfg_t *sec = cfg_size(cfg, required[i].section) > 0
		    ? cfg_getsec(cfg, required[i].section)
		    : NULL;

		if (sec == NULL)
			buf_printf(why, "%s%s: the section %s is missing", why->len ? "\n" : "",
			    path, required[i].section);
		else if (cfg_size(sec, required[i].key) == 0 ||
		    cfg_getnstr(sec, required[i].key, 0) == NULL)
			buf_printf(why, "%s%s:%d: %s needs %s", why->len ? "\n" : "", path,
			    sec->line, required[i].section, required[i].key);
		else if (cfg_size(sec, required[i].key) > CONFIG_LIST_MAX)
			buf_printf(why, "%s%s:%d: %s has more than %d values", why->len ? "\n" : "",
			    path, sec->line, required[i].key, CONFIG_LIST_MAX);
		if (sec == NULL)
			break;
	}
	cfg_t *users = cfg_size(cfg, "users") > 0 ? cfg_getsec(cfg, "users") : NULL;
	if (users != NULL && cfg_size(users, "admins") > CONFIG_LIST_MAX)
		buf_printf(why, "%s%s:%d: admins has more than %d values", why->len ? "\n" : "",
		    path, users->line, CONFIG_LIST_MAX);
	return why->len == 0;
}

/* Read here and not by libconfuse, whose scanner exits when a read fails. */
static enum res
read_text(const char *path, struct buf *text, struct buf *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char piece[4096];
	ssize_t n = -1;

	while (fd >= 0 && (n = read(fd, piece, sizeof(piece))) > 0 &&
	    buf_append(text, piece, (size_t)n) == RES_OK)
		continue;
	if (n < 0)
		buf_printf(why, "%s: %s", path, strerror(errno));
	else if (text->failed || (text->len > 0 && memchr(text->p, '\0', text->len) != NULL))
		buf_printf(why, "%s: not a configuration file", path);
	if (fd >= 0)
		close(fd);
	return why->len == 0 ? RES_OK : RES_INVALID;
}

static void
set_checks(cfg_t *cfg, const struct config_check *v)
{
	for (; v->path != NULL; v++)
		cfg_set_validate_func(cfg, v->path, v->check);
}

/*
 * libconfuse takes the end of the file for the end of the section: only a key of the top level that
 * is reached says otherwise.
 */
static enum res
parse_file(cfg_t *cfg, const char *path, struct buf *why)
{
	struct buf text = { 0 };
	enum res res = read_text(path, &text, why);

	cfg_set_error_function(cfg, collect_error);
	set_checks(cfg, checks);
	set_checks(cfg, config_gateway_checks);
	parse.path = path;
	parse.why = why;
	parse.nseen = 0;
	buf_text(&text, "\n" END_KEY " = 1\n");
	if (res == RES_OK && cfg_parse_buf(cfg, buf_str(&text)) != CFG_SUCCESS)
		res = RES_INVALID;
	buf_free(&text);
	bool ended = res != RES_OK ? strstr(buf_str(why), END_KEY) == NULL &&
		strstr(buf_str(why), "premature end of file") == NULL
				   : cfg_getint(cfg, END_KEY) == 1;
	if (!ended) {
		res = RES_INVALID;
		buf_reset(why);
		buf_printf(why,
		    "%s: the file ends within a section or a value: a } or a quote is missing",
		    path);
	}
	return res == RES_OK && check_whole(cfg, path, why) ? RES_OK : RES_INVALID;
}

enum res
config_load(const char *path, struct config **out, struct buf *why)
{
	struct config *c = calloc(1, sizeof(*c));
	cfg_t *cfg = cfg_init(top_opts, CFGF_NONE);
	enum res res = RES_NOMEM;

	*out = NULL;
	if (c != NULL && cfg != NULL)
		res = parse_file(cfg, path, why);
	if (res == RES_OK) {
		take_values(c, cfg);
		res = config_take_gateways(c, cfg) ? RES_OK : RES_INVALID;
	}
	if (c != NULL && c->arena.failed)
		res = RES_NOMEM;
	if (cfg != NULL)
		cfg_free(cfg);
	if (res == RES_OK)
		*out = c;
	else
		config_free(&c);
	return res;
}

void
config_free(struct config **c)
{
	if (*c == NULL)
		return;
	for (size_t i = 0; i < GATEWAYS_MAX; i++)
		gateway_unprepare(&(*c)->gateways[i]);
	arena_free(&(*c)->arena);
	free(*c);
	*c = NULL;
}
