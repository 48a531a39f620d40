#include "daemon/config.h"

#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/jid.h"
#include "daemon/secret.h"

#define NO_NUMBER (-1L)
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

/* -- Words ------------------------------------------------------------------------------------- */

struct word {
	const char *text;
	int value;
};

static const struct word offline_words[] = {
	{ "auto", OFFLINE_AUTO },
	{ "hold", OFFLINE_HOLD },
	{ "server", OFFLINE_SERVER },
	{ "drop", OFFLINE_DROP },
	{ NULL, 0 },
};
static const struct word level_words[] = {
	{ "error", LOG_ERROR },
	{ "warning", LOG_WARN },
	{ "info", LOG_NOTE },
	{ "debug", LOG_DETAIL },
	{ NULL, 0 },
};
static const struct word target_words[] = {
	{ "stderr", LOG_TO_STDERR },
	{ "syslog", LOG_TO_SYSLOG },
	{ "journal", LOG_TO_JOURNAL },
	{ NULL, 0 },
};
static const struct word kind_words[] = {
	{ "im", KIND_IM }, { "sms", KIND_SMS }, { "mms", KIND_MMS }, { NULL, 0 },
};
static const struct word count_words[] = { { "message", 0 }, { "segment", 1 }, { NULL, 0 } };

static int
word_value(const struct word *words, const char *text)
{
	for (; words->text != NULL; words++)
		if (strcmp(words->text, text) == 0)
			return words->value;
	return -1;
}

/* -- What each key may be ---------------------------------------------------------------------- */

static const struct {
	const char *section, *key;
	long min, max;
} ranges[] = {
	{ "store", "keep_days", 1, 3650 },
	{ "schedule", "tick", 1, 3600 },
	{ "schedule", "horizon_days", 1, 3650 },
	{ "schedule", "late_limit", 0, 31536000 },
	{ "schedule", "pending_max", 1, 1000000 },
	{ "schedule", "hold_days", 1, 3650 },
	{ "schedule", "body_max", 1, 30000 }, /* escaped, it must fit into a stanza */
	{ "quota", "per_day", 0, 1000000000 },
	{ "quota", "per_month", 0, 1000000000 },
};

static const struct {
	const char *section, *key;
	const struct word *words;
} choices[] = {
	{ "schedule", "offline", offline_words },
	{ "quota", "count", count_words },
	{ "log", "level", level_words },
	{ "log", "target", target_words },
};

static int
check_range(cfg_t *cfg, cfg_opt_t *opt)
{
	long value = cfg_opt_getnint(opt, cfg_opt_size(opt) - 1);

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (strcmp(ranges[i].section, cfg->name) == 0 &&
		    strcmp(ranges[i].key, opt->name) == 0 &&
		    (value < ranges[i].min || value > ranges[i].max)) {
			cfg_error(cfg, "%s is %ld, and must be between %ld and %ld", opt->name,
			    value, ranges[i].min, ranges[i].max);
			return -1;
		}
	return 0;
}

static int
check_choice(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, 0);
	struct buf list = { 0 };

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		if (strcmp(choices[i].section, cfg->name) != 0 ||
		    strcmp(choices[i].key, opt->name) != 0)
			continue;
		if (word_value(choices[i].words, value) >= 0)
			return 0;
		for (const struct word *w = choices[i].words; w->text != NULL; w++)
			buf_printf(&list, "%s%s", list.len > 0 ? ", " : "", w->text);
		cfg_error(
		    cfg, "%s is “%s”, and must be one of: %s", opt->name, value, buf_str(&list));
		buf_free(&list);
		return -1;
	}
	return 0;
}

static int
check_domain(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	struct jid jid;

	if (jid_parse_text(&jid, value) == RES_OK && jid.local[0] == '\0' &&
	    jid.resource[0] == '\0')
		return 0;
	cfg_error(cfg, "%s: “%s” is not a domain name", opt->name, value);
	return -1;
}

static int
check_bare(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	struct jid jid;

	if (jid_parse_text(&jid, value) == RES_OK && jid.local[0] != '\0' &&
	    jid.resource[0] == '\0')
		return 0;
	cfg_error(cfg, "%s: “%s” is not an address like admin@example.org", opt->name, value);
	return -1;
}

static int
check_text(cfg_t *cfg, cfg_opt_t *opt)
{
	struct span value = span_of(cfg_opt_getnstr(opt, 0));

	if (span_trim(value).len > 0 && value.len <= 200 && xml_text_valid(value))
		return 0;
	cfg_error(
	    cfg, "%s must be 1 to 200 bytes of UTF-8 text without control characters", opt->name);
	return -1;
}

static int
check_path(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, 0);

	/* SQLite has other meanings for these: memory, or a URI. */
	if (value[0] != '\0' && value[0] != ':' && strncmp(value, "file:", 5) != 0)
		return 0;
	cfg_error(cfg, "%s: the name of a file is missing", opt->name);
	return -1;
}

static int
check_zone(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, 0);
	struct zone zone;

	if (zone_find(&zone, span_of(value)) == RES_OK)
		return 0;
	cfg_error(cfg, "%s: “%s” is not a time zone; write it like Europe/Berlin or UTC", opt->name,
	    value);
	return -1;
}

/* "host:port", "[::1]:port"; host and port are cut out of `value`. */
static bool
split_server(struct span value, struct span *host, int64_t *port)
{
	const char *colon = value.len > 0 ? memrchr(value.p, ':', value.len) : NULL;

	if (colon == NULL || colon == value.p)
		return false;
	*host = (struct span){ value.p, (size_t)(colon - value.p) };
	if (host->len > 2 && host->p[0] == '[' && host->p[host->len - 1] == ']')
		*host = (struct span){ host->p + 1, host->len - 2 };
	struct span digits = { colon + 1, value.len - (size_t)(colon + 1 - value.p) };
	return parse_int(digits, 1, 65535, port) == RES_OK;
}

static int
check_server(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = cfg_opt_getnstr(opt, 0);
	struct span host;
	int64_t port;

	if (split_server(span_of(value), &host, &port))
		return 0;
	cfg_error(cfg, "%s: “%s” is not HOST:PORT, like 127.0.0.1:5347", opt->name, value);
	return -1;
}

static int
check_secret(cfg_t *cfg, cfg_opt_t *opt)
{
	struct buf secret = { .max = SECRET_MAX }, why = { 0 };
	enum res res = secret_read(cfg_opt_getnstr(opt, 0), &secret, &why);

	if (res != RES_OK)
		cfg_error(cfg, "%s: %s", opt->name, buf_str(&why));
	buf_free(&secret);
	buf_free(&why);
	return res == RES_OK ? 0 : -1;
}

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

	if (word_value(kind_words, cfg_title(section)) > 0)
		return 0;
	cfg_error(cfg, "quota “%s”: the kinds are im, sms and mms", cfg_title(section));
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
	CFG_END()
};
static cfg_opt_t quota_opts[] = {
	CFG_INT("per_day", NO_NUMBER, CFGF_NODEFAULT),
	CFG_INT("per_month", NO_NUMBER, CFGF_NODEFAULT),
	CFG_STR("count", "message", CFGF_NONE),
	CFG_END()
};
static cfg_opt_t log_opts[] = {
	CFG_STR("level", "info", CFGF_NONE),
	CFG_STR("target", "stderr", CFGF_NONE),
	CFG_END()
};
static cfg_opt_t gateway_opts[] = {
	CFG_STR("driver", NULL, CFGF_NONE),
	CFG_STR_LIST("kinds", NULL, CFGF_NONE),
	CFG_STR("url", NULL, CFGF_NONE),
	CFG_STR("user", NULL, CFGF_NONE),
	CFG_STR("secret_file", NULL, CFGF_NONE),
	CFG_STR("sender", NULL, CFGF_NONE),
	CFG_END()
};
static cfg_opt_t route_opts[] = {
	CFG_STR_LIST("sms", NULL, CFGF_NONE),
	CFG_STR_LIST("mms", NULL, CFGF_NONE),
	CFG_END()
};
static cfg_opt_t http_opts[] = {
	CFG_STR("listen", NULL, CFGF_NONE),
	CFG_STR("public_url", NULL, CFGF_NONE),
	CFG_END()
};
static cfg_opt_t top_opts[] = {
	CFG_SEC("component", component_opts, CFGF_NODEFAULT),
	CFG_SEC("users", users_opts, CFGF_NODEFAULT),
	CFG_SEC("store", store_opts, CFGF_NONE),
	CFG_SEC("schedule", schedule_opts, CFGF_NONE),
	CFG_SEC("quota", quota_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("gateway", gateway_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("route", route_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("http", http_opts, CFGF_NODEFAULT),
	CFG_SEC("log", log_opts, CFGF_NONE),
	CFG_INT(END_KEY, 0, CFGF_NONE),
	CFG_END()
};

static const struct {
	const char *path;
	cfg_validate_callback_t check;
} checks[] = {
	{ "component|address", check_domain },
	{ "component|name", check_text },
	{ "component|server", check_server },
	{ "component|secret_file", check_secret },
	{ "users|domains", check_domain },
	{ "users|admins", check_bare },
	{ "store|database", check_path },
	{ "store|seal_key_file", check_path },
	{ "store|keep_days", check_range },
	{ "schedule|tick", check_range },
	{ "schedule|zone", check_zone },
	{ "schedule|horizon_days", check_range },
	{ "schedule|late_limit", check_range },
	{ "schedule|pending_max", check_range },
	{ "schedule|offline", check_choice },
	{ "schedule|hold_days", check_range },
	{ "schedule|body_max", check_range },
	{ "component", check_once },
	{ "users", check_once },
	{ "store", check_once },
	{ "schedule", check_once },
	{ "http", check_once },
	{ "log", check_once },
	{ "quota", check_kind_title },
	{ "quota|per_day", check_range },
	{ "quota|per_month", check_range },
	{ "quota|count", check_choice },
	{ "log|level", check_choice },
	{ "log|target", check_choice },
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
	split_server(span_of(cfg_getstr(sec, "server")), &host, &port);
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
	c->schedule.pending_max = cfg_getint(sec, "pending_max");
	c->schedule.body_max = (size_t)cfg_getint(sec, "body_max");
	c->schedule.offline = (enum offline)word_value(offline_words, cfg_getstr(sec, "offline"));
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
		c->quota[kind] = (struct quota_limit){ QUOTA_NO_LIMIT, QUOTA_NO_LIMIT };
	for (unsigned i = 0; i < cfg_size(cfg, "quota"); i++) {
		cfg_t *sec = cfg_getnsec(cfg, "quota", i);
		int kind = word_value(kind_words, cfg_title(sec));

		c->quota[kind].per_day = number_or_none(sec, "per_day");
		c->quota[kind].per_month = number_or_none(sec, "per_month");
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
	take_schedule(c, cfg_getsec(cfg, "schedule"));
	take_quota(c, cfg);
	c->log.level = (enum log_level)word_value(level_words, cfg_getstr(log, "level"));
	c->log.target = (enum log_target)word_value(target_words, cfg_getstr(log, "target"));
	c->unused_sections =
	    cfg_size(cfg, "gateway") + cfg_size(cfg, "route") + cfg_size(cfg, "http") > 0;
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
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		cfg_set_validate_func(cfg, checks[i].path, checks[i].check);
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
	if (res == RES_OK)
		take_values(c, cfg);
	if (res == RES_OK && c->arena.failed)
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
	arena_free(&(*c)->arena);
	free(*c);
	*c = NULL;
}
