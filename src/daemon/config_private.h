/*
 * What the files of the configuration share.  config.c parses the file and has most sections,
 * config_gateway.c has gateway, route, http and media, config_checks.c the checks of single values.
 */
#ifndef LATERD_DAEMON_CONFIG_PRIVATE_H
#define LATERD_DAEMON_CONFIG_PRIVATE_H

#include <confuse.h>

#include "daemon/config.h"

struct config_word {
	const char *text;
	int value;
};

extern const struct config_word config_kinds[], config_offline[], config_levels[], config_targets[];
extern const struct config_word config_counts[], config_unknowns[];

/* -1 when it is none of them. */
int config_word(const struct config_word *words, const char *text);
/* "host:port", "[::1]:port"; host is cut out of `value`. */
bool config_split_server(struct span value, struct span *host, int64_t *port);

/*
 * Checks of the value that was read last (cfg_validate_callback_t): 0, or -1 with the reason
 * reported by cfg_error.
 */
int config_check_range(cfg_t *cfg, cfg_opt_t *opt);  /* numbers, by their table */
int config_check_choice(cfg_t *cfg, cfg_opt_t *opt); /* words, by their table */
int config_check_rate(cfg_t *cfg, cfg_opt_t *opt);
int config_check_domain(cfg_t *cfg, cfg_opt_t *opt);
int config_check_host(cfg_t *cfg, cfg_opt_t *opt);   /* of media: "*.example.org" as well */
int config_check_bare(cfg_t *cfg, cfg_opt_t *opt);
int config_check_text(cfg_t *cfg, cfg_opt_t *opt);   /* one short line */
int config_check_template(cfg_t *cfg, cfg_opt_t *opt);
int config_check_path(cfg_t *cfg, cfg_opt_t *opt);
int config_check_readable(cfg_t *cfg, cfg_opt_t *opt);
int config_check_zone(cfg_t *cfg, cfg_opt_t *opt);
int config_check_server(cfg_t *cfg, cfg_opt_t *opt);
int config_check_secret(cfg_t *cfg, cfg_opt_t *opt);
int config_check_url(cfg_t *cfg, cfg_opt_t *opt);    /* of a gateway: it may have placeholders */
int config_check_public_url(cfg_t *cfg, cfg_opt_t *opt);
int config_check_prefix(cfg_t *cfg, cfg_opt_t *opt);
int config_check_number(cfg_t *cfg, cfg_opt_t *opt);
int config_check_status(cfg_t *cfg, cfg_opt_t *opt);
int config_check_country(cfg_t *cfg, cfg_opt_t *opt);

/* '+' and at most 15 digits. */
bool config_is_prefix(const char *text);

/* A table of them ends with {0}. */
struct config_check {
	const char *path;
	cfg_validate_callback_t check;
};

/* libconfuse copies its tables, but wants to be able to write to them. */
extern cfg_opt_t config_gateway_opts[], config_route_opts[];
extern cfg_opt_t config_http_opts[], config_media_opts[];
extern const struct config_check config_gateway_checks[];

/*
 * The four sections of a file whose single values are right.  False with the reasons reported by
 * cfg_error; for want of memory also with c->arena failed.
 */
bool config_take_gateways(struct config *c, cfg_t *cfg);

#endif
