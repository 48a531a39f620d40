/* Which gateways carry a message to a number, in order of preference. */
#ifndef LATERD_CORE_ROUTE_H
#define LATERD_CORE_ROUTE_H

#include <stdint.h>

#include "core/packet.h"

#define GATEWAYS_MAX 32

/* What has to be known of a gateway to choose it. */
struct gateway_info {
	const char *name;
	bool kinds[KIND_END];
	size_t max_segments;            /* of one SMS */
	size_t media_max;               /* bytes of all media of one MMS */
	const char *const *media_types; /* "image/jpeg", or "image/" for all of them; NULL-terminated */
	const char *const *allow;       /* prefixes, NULL-terminated; none at all: every number */
	const char *const *deny;        /* the same; denial wins */
	bool repeats;                   /* an attempt without an outcome may be made again */
};

struct route {
	const char *prefix; /* '+' and digits; "+" is everywhere */
	size_t via[KIND_END][GATEWAYS_MAX], n[KIND_END];
};

struct routing {
	const struct gateway_info *gateways;
	size_t ngateways;
	const struct route *routes;
	size_t nroutes;
};

/* Indexes of gateways, in order of preference. */
struct route_path {
	size_t v[GATEWAYS_MAX], n;
};

/*
 * The gateways for `kind` to `number` (msisdn_is): those of the longest prefix that has any
 * for the kind, without those that do not take the number.  Without any route in the
 * configuration every gateway of the kind serves everywhere, in the order of the
 * configuration.  RES_NOTFOUND: no gateway goes there; RES_DENIED: those that would do not
 * take this number.  `why` is for the sender.
 */
enum res route_find(const struct routing *r, enum packet_kind kind, const char *number,
    struct route_path *out, struct buf *why);
/* There is a gateway for the kind at all, and a route to it where there are routes. */
bool route_serves(const struct routing *r, enum packet_kind kind);
/* Prefixes that no gateway takes unless it says otherwise; NULL-terminated. */
extern const char *const route_deny_default[];

#endif
