/*
 * laterd.conf(5): libconfuse parses it, every value is checked, and the rest of the program sees
 * finished values only.
 */
#ifndef LATERD_DAEMON_CONFIG_H
#define LATERD_DAEMON_CONFIG_H

#include "base/log.h"
#include "core/offline.h"
#include "core/packet.h"
#include "core/quota.h"
#include "gateway/config.h"
#include "gateway/media.h"

#define CONFIG_LIST_MAX 64

struct config {
	struct arena arena; /* owns every string below */
	struct {
		const char *address, *name, *secret;
		const char *server, *host; /* HOST:PORT as written, and its host */
		int port;
	} component;
	struct {
		const char *domains[CONFIG_LIST_MAX + 1]; /* canonical, NULL-terminated */
		const char *admins[CONFIG_LIST_MAX + 1];
	} users;
	struct {
		const char *database, *seal_key_file;
		int64_t keep_ms;
		int64_t free_min; /* bytes; 0: admins are never told */
	} store;
	struct {
		struct zone zone;
		int64_t tick_ms, horizon_ms, late_limit_ms, hold_ms, repeat_min_ms;
		int64_t pending_max;
		size_t body_max;
		enum offline offline;
		const char *country; /* NULL: none */
	} schedule;
	struct quota_limit quota[KIND_END]; /* of a user */
	struct quota_limit total[KIND_END]; /* of all users together */
	bool count_segments; /* quota sms { count = segment } */
	struct gateway_config gateways[GATEWAYS_MAX]; /* prepared */
	struct gateway_info infos[GATEWAYS_MAX];      /* of them, for routing */
	struct route routes[CONFIG_LIST_MAX];
	struct routing routing; /* of the arrays above */
	struct {
		const char *host; /* NULL: no listener */
		int port;
		const char *public_url; /* NULL: no delivery reports */
	} http;
	struct media_config media;
	struct {
		enum log_level level;
		enum log_target target;
	} log;
};

/*
 * Read and check the file and the secrets it names.  RES_INVALID with "FILE:LINE: reason" (or
 * "FILE: reason") in `why`, a line each when there are several; RES_NOMEM.  The configuration is
 * the caller's.
 */
enum res config_load(const char *path, struct config **out, struct buf *why);
void config_free(struct config **c);

#endif
