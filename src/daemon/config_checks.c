#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "core/jid.h"
#include "daemon/config_private.h"
#include "daemon/secret.h"

/* A URL may be so long (see url_fault); a JSON template has its own bound. */
#define URL_MAX      2000
#define TEMPLATE_MAX 65536
#define PREFIX_DIGITS 15

/* -- Words ------------------------------------------------------------------------------------- */

const struct config_word config_offline[] = {
	{ "auto", OFFLINE_AUTO },
	{ "hold", OFFLINE_HOLD },
	{ "server", OFFLINE_SERVER },
	{ "drop", OFFLINE_DROP },
	{ NULL, 0 },
};
const struct config_word config_levels[] = {
	{ "error", LOG_ERROR },
	{ "warning", LOG_WARN },
	{ "info", LOG_NOTE },
	{ "debug", LOG_DETAIL },
	{ NULL, 0 },
};
const struct config_word config_targets[] = {
	{ "stderr", LOG_TO_STDERR },
	{ "syslog", LOG_TO_SYSLOG },
	{ "journal", LOG_TO_JOURNAL },
	{ NULL, 0 },
};
const struct config_word config_kinds[] = {
	{ "im", KIND_IM }, { "sms", KIND_SMS }, { "mms", KIND_MMS }, { NULL, 0 },
};
const struct config_word config_counts[] = { { "message", 0 }, { "segment", 1 }, { NULL, 0 } };
const struct config_word config_unknowns[] = { { "hold", 0 }, { "retry", 1 }, { NULL, 0 } };

/* What a gateway is told by a word stays a word: its driver reads it. */
static const struct config_word gateway_kinds[] = {
	{ "sms", KIND_SMS }, { "mms", KIND_MMS }, { NULL, 0 },
};
static const struct config_word drivers[] = {
	{ "kannel", 0 }, { "mm7", 0 }, { "http", 0 }, { NULL, 0 },
};
static const struct config_word methods[] = {
	{ "GET", 0 }, { "POST", 0 }, { "PUT", 0 }, { NULL, 0 },
};
static const struct config_word auths[] = {
	{ "none", 0 }, { "basic", 0 }, { "bearer", 0 }, { "header", 0 }, { "params", 0 },
	{ NULL, 0 },
};
static const struct config_word encodings[] = {
	{ "query", 0 }, { "form", 0 }, { "json", 0 }, { NULL, 0 },
};
static const struct config_word media_forms[] = {
	{ "url", 0 }, { "base64", 0 }, { "data", 0 }, { NULL, 0 },
};
static const struct config_word media_lists[] = {
	{ "repeat", 0 }, { "numbered", 0 }, { "comma", 0 }, { NULL, 0 },
};
static const struct config_word reports[] = {
	{ "none", 0 }, { "query", 0 }, { "form", 0 }, { "json", 0 }, { NULL, 0 },
};

int
config_word(const struct config_word *words, const char *text)
{
	for (; words->text != NULL; words++)
		if (strcmp(words->text, text) == 0)
			return words->value;
	return -1;
}

/* -- Numbers and words ------------------------------------------------------------------------- */

static const struct {
	const char *section, *key;
	long min, max;
} ranges[] = {
	{ "store", "keep_days", 1, 3650 },
	{ "store", "free_min", 0, 1000000000 },
	{ "schedule", "tick", 1, 3600 },
	{ "schedule", "horizon_days", 1, 3650 },
	{ "schedule", "late_limit", 0, 31536000 },
	{ "schedule", "pending_max", 1, 1000000 },
	{ "schedule", "hold_days", 1, 3650 },
	{ "schedule", "repeat_min", 60, 31622400 },
	{ "schedule", "body_max", 1, 30000 }, /* escaped, it must fit into a stanza */
	{ "quota", "per_day", 0, 1000000000 },
	{ "quota", "per_month", 0, 1000000000 },
	{ "quota", "total_per_day", 0, 1000000000 },
	{ "quota", "total_per_month", 0, 1000000000 },
	{ "gateway", "timeout", 1, 300 },
	{ "gateway", "connections", 1, 256 },
	{ "gateway", "inflight", 1, 10000 },
	{ "gateway", "max_segments", 1, 50 },
	{ "gateway", "media_max", 1, 5242880 },
	{ "media", "timeout", 1, 120 },
};

static const struct {
	const char *section, *key;
	const struct config_word *words;
} choices[] = {
	{ "schedule", "offline", config_offline },
	{ "quota", "count", config_counts },
	{ "log", "level", config_levels },
	{ "log", "target", config_targets },
	{ "gateway", "driver", drivers },
	{ "gateway", "kinds", gateway_kinds },
	{ "gateway", "method", methods },
	{ "gateway", "auth", auths },
	{ "gateway", "encode", encodings },
	{ "gateway", "media", media_forms },
	{ "gateway", "media_list", media_lists },
	{ "gateway", "on_unknown", config_unknowns },
	{ "gateway", "report", reports },
};

/* Of a list, the value that was added last. */
static const char *
last_value(cfg_opt_t *opt)
{
	return cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
}

int
config_check_range(cfg_t *cfg, cfg_opt_t *opt)
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

int
config_check_choice(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = last_value(opt);
	struct buf list = { 0 };

	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		if (strcmp(choices[i].section, cfg->name) != 0 ||
		    strcmp(choices[i].key, opt->name) != 0)
			continue;
		if (config_word(choices[i].words, value) >= 0)
			return 0;
		for (const struct config_word *w = choices[i].words; w->text != NULL; w++)
			buf_printf(&list, "%s%s", list.len > 0 ? ", " : "", w->text);
		cfg_error(
		    cfg, "%s is “%s”, and must be one of: %s", opt->name, value, buf_str(&list));
		buf_free(&list);
		return -1;
	}
	return 0;
}

int
config_check_rate(cfg_t *cfg, cfg_opt_t *opt)
{
	double value = cfg_opt_getnfloat(opt, 0);

	/* Written so that what is no number is refused, too. */
	if (value == 0 || (value >= 0.001 && value <= 10000))
		return 0;
	cfg_error(cfg, "%s is %g, and must be 0 (no limit) or between 0.001 and 10000", opt->name,
	    value);
	return -1;
}

/* -- Names and addresses ----------------------------------------------------------------------- */

int
config_check_domain(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = last_value(opt);
	struct jid jid;

	if (jid_parse_text(&jid, value) == RES_OK && jid.local[0] == '\0' &&
	    jid.resource[0] == '\0')
		return 0;
	cfg_error(cfg, "%s: “%s” is not a domain name", opt->name, value);
	return -1;
}

static bool
is_ascii(const char *text)
{
	while (*text != '\0' && (unsigned char)*text < 0x80)
		text++;
	return *text == '\0';
}

int
config_check_host(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = last_value(opt);
	const char *domain = strncmp(value, "*.", 2) == 0 ? value + 2 : value;
	struct jid jid;

	if (is_ascii(value) && jid_parse_text(&jid, domain) == RES_OK && jid.local[0] == '\0' &&
	    jid.resource[0] == '\0')
		return 0;
	cfg_error(cfg,
	    "%s: “%s” is not a host; write it like upload.example.org, or *.example.org for all below it",
	    opt->name, value);
	return -1;
}

int
config_check_bare(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = last_value(opt);
	struct jid jid;

	if (jid_parse_text(&jid, value) == RES_OK && jid.local[0] != '\0' &&
	    jid.resource[0] == '\0')
		return 0;
	cfg_error(cfg, "%s: “%s” is not an address like admin@example.org", opt->name, value);
	return -1;
}

bool
config_split_server(struct span value, struct span *host, int64_t *port)
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

int
config_check_server(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = last_value(opt);
	struct span host;
	int64_t port;

	if (config_split_server(span_of(value), &host, &port))
		return 0;
	cfg_error(cfg, "%s: “%s” is not HOST:PORT, like 127.0.0.1:5347 or [::1]:5580", opt->name,
	    value);
	return -1;
}

/* What stands between "//" and the path; absent when it is no URL of http or https. */
static struct span
authority(const char *url)
{
	struct span rest = span_of(url);

	if (!take_word(&rest, "https://") && !take_word(&rest, "http://"))
		return (struct span){ 0 };
	rest.len = strcspn(rest.p, "/?#");
	return rest;
}

/* The reason why it cannot be one; NULL when it can. */
static const char *
url_fault(const char *url)
{
	struct span host = authority(url);

	for (const char *p = url; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return "has a character that no URL has";
	if (strlen(url) > URL_MAX)
		return "is longer than 2000 characters";
	if (host.len == 0 || host.p[0] == ':')
		return "must begin with http:// or https:// and a host";
	if (memchr(host.p, '@', host.len) != NULL)
		return "must not have a user or a password in it";
	if (strchr(url, '#') != NULL)
		return "must not have a fragment (#)";
	return NULL;
}

/* The URL may be a secret, as those of some providers are: it is not repeated. */
static int
refuse_url(cfg_t *cfg, cfg_opt_t *opt, const char *fault)
{
	if (fault == NULL)
		return 0;
	cfg_error(cfg, "%s: the URL %s", opt->name, fault);
	return -1;
}

int
config_check_url(cfg_t *cfg, cfg_opt_t *opt)
{
	return refuse_url(cfg, opt, url_fault(last_value(opt)));
}

int
config_check_public_url(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *url = last_value(opt), *fault = url_fault(url);

	if (fault == NULL && strpbrk(url, "?{}\"<>\\^`|") != NULL)
		fault = "must be one to which /report/… can be appended, like https://later.example.org";
	return refuse_url(cfg, opt, fault);
}

bool
config_is_prefix(const char *text)
{
	struct span rest = span_of(text);
	int64_t digits;

	if (!take_char(&rest, '+'))
		return false;
	return rest.len == 0 ||
	    (take_digits(&rest, 1, PREFIX_DIGITS, &digits) && rest.len == 0);
}

int
config_check_prefix(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = last_value(opt);

	if (config_is_prefix(value))
		return 0;
	cfg_error(cfg, "%s: “%s” is not the beginning of a number, like \"+49\"", opt->name, value);
	return -1;
}

int
config_check_number(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = last_value(opt);
	struct number_format format;

	if (number_format_parse(&format, value) == RES_OK)
		return 0;
	cfg_error(cfg, "%s is “%s”, and must be one of: e164, digits, 00, strip:PREFIX", opt->name,
	    value);
	return -1;
}

int
config_check_country(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = last_value(opt);
	size_t len = strlen(value);

	if (len >= 1 && len <= 3 && value[0] != '0' && strspn(value, "0123456789") == len)
		return 0;
	cfg_error(cfg, "%s: “%s” is not a country's calling code, like 49", opt->name, value);
	return -1;
}

/* -- Texts and files --------------------------------------------------------------------------- */

int
config_check_text(cfg_t *cfg, cfg_opt_t *opt)
{
	struct span value = span_of(last_value(opt));

	if (span_trim(value).len > 0 && value.len <= 200 && xml_text_valid(value) &&
	    strpbrk(value.p, "\t\r\n") == NULL)
		return 0;
	cfg_error(
	    cfg, "%s must be 1 to 200 bytes of UTF-8 text without control characters", opt->name);
	return -1;
}

int
config_check_template(cfg_t *cfg, cfg_opt_t *opt)
{
	struct span value = span_of(last_value(opt));

	if (value.len <= TEMPLATE_MAX && xml_text_valid(value))
		return 0;
	cfg_error(cfg, "%s must be UTF-8 text without control characters, of at most %d bytes",
	    opt->name, TEMPLATE_MAX);
	return -1;
}

int
config_check_path(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = last_value(opt);

	/* SQLite has other meanings for these: memory, or a URI. */
	if (value[0] != '\0' && value[0] != ':' && strncmp(value, "file:", 5) != 0)
		return 0;
	cfg_error(cfg, "%s: the name of a file is missing", opt->name);
	return -1;
}

int
config_check_readable(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = last_value(opt);

	if (access(value, R_OK) == 0)
		return 0;
	cfg_error(cfg, "%s: %s: %s", opt->name, value, strerror(errno));
	return -1;
}

int
config_check_zone(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *value = last_value(opt);
	struct zone zone;

	if (zone_find(&zone, span_of(value)) == RES_OK)
		return 0;
	cfg_error(cfg, "%s: “%s” is not a time zone; write it like Europe/Berlin or UTC", opt->name,
	    value);
	return -1;
}

int
config_check_secret(cfg_t *cfg, cfg_opt_t *opt)
{
	struct buf secret = { .max = SECRET_MAX }, why = { 0 };
	enum res res = secret_read(last_value(opt), &secret, &why);

	if (res != RES_OK)
		cfg_error(cfg, "%s: %s", opt->name, buf_str(&why));
	buf_free(&secret);
	buf_free(&why);
	return res == RES_OK ? 0 : -1;
}

int
config_check_status(cfg_t *cfg, cfg_opt_t *opt)
{
	struct span rest = span_of(last_value(opt));
	int64_t low, high;
	bool ok = take_digits(&rest, 3, 3, &low);

	high = low;
	if (ok && take_char(&rest, '-'))
		ok = take_digits(&rest, 3, 3, &high);
	if (ok && rest.len == 0 && low >= 100 && high <= 599 && low <= high)
		return 0;
	cfg_error(cfg, "%s: “%s” is not an HTTP status, like 200 or 500-504", opt->name,
	    last_value(opt));
	return -1;
}
