#include <stdbool.h>
#include <string.h>

#include "core/route.h"

/*
 * International premium rate (+979), personal numbers (+878), satellite (+881), networks without a
 * country (+882, +883), and the premium numbers of North America.
 */
const char *const route_deny_default[] = { "+979", "+878", "+881", "+882", "+883", "+1900", NULL };

static const char *const kinds[KIND_END] = { [KIND_SMS] = "SMS", [KIND_MMS] = "MMS" };

static bool
begins_with(const char *number, const char *prefix)
{
	return strncmp(number, prefix, strlen(prefix)) == 0;
}

static bool
matches(const char *const *prefixes, const char *number)
{
	for (size_t i = 0; prefixes != NULL && prefixes[i] != NULL; i++)
		if (begins_with(number, prefixes[i]))
			return true;
	return false;
}

static bool
takes(const struct gateway_info *g, const char *number)
{
	bool everything = g->allow == NULL || g->allow[0] == NULL;

	return !matches(g->deny, number) && (everything || matches(g->allow, number));
}

/* The i-th gateway that the route has for the kind, if it carries the kind. */
static const struct gateway_info *
via(const struct routing *r, const struct route *route, enum packet_kind kind, size_t i)
{
	size_t index = route->via[kind][i];

	return index < r->ngateways && r->gateways[index].kinds[kind] ? &r->gateways[index] : NULL;
}

static bool
route_has(const struct routing *r, const struct route *route, enum packet_kind kind)
{
	for (size_t i = 0; i < route->n[kind]; i++)
		if (via(r, route, kind, i) != NULL)
			return true;
	return false;
}

static const struct route *
longest(const struct routing *r, enum packet_kind kind, const char *number)
{
	const struct route *best = NULL;

	for (size_t i = 0; i < r->nroutes; i++) {
		const struct route *route = &r->routes[i];
		if (begins_with(number, route->prefix) && route_has(r, route, kind) &&
		    (best == NULL || strlen(route->prefix) > strlen(best->prefix)))
			best = route;
	}
	return best;
}

static void
add(struct route_path *out, const struct routing *r, const struct gateway_info *g)
{
	if (out->n < GATEWAYS_MAX)
		out->v[out->n++] = (size_t)(g - r->gateways);
}

/* False when there is none at all, whatever the number. */
static bool
collect(const struct routing *r, enum packet_kind kind, const char *number, struct route_path *out)
{
	const struct route *route = longest(r, kind, number);
	bool any = false;

	if (r->nroutes > 0 && route == NULL)
		return false;
	for (size_t i = 0; i < (route != NULL ? route->n[kind] : r->ngateways); i++) {
		const struct gateway_info *g = &r->gateways[i];
		if (route != NULL)
			g = via(r, route, kind, i);
		else if (!g->kinds[kind])
			g = NULL;
		any = any || g != NULL;
		if (g != NULL && takes(g, number))
			add(out, r, g);
	}
	return any;
}

enum res
route_find(const struct routing *r, enum packet_kind kind, const char *number,
    struct route_path *out, struct buf *why)
{
	*out = (struct route_path){ .n = 0 };
	if ((unsigned)kind >= KIND_END || kinds[kind] == NULL)
		return RES_NOTFOUND;
	if (!collect(r, kind, number, out)) {
		buf_printf(why, "No gateway carries %s to this number.", kinds[kind]);
		return RES_NOTFOUND;
	}
	if (out->n == 0) {
		buf_printf(why, "%s to this number are not allowed here.", kinds[kind]);
		return RES_DENIED;
	}
	return RES_OK;
}

bool
route_serves(const struct routing *r, enum packet_kind kind)
{
	if ((unsigned)kind >= KIND_END || kinds[kind] == NULL)
		return false;
	for (size_t i = 0; i < r->nroutes; i++)
		if (route_has(r, &r->routes[i], kind))
			return true;
	for (size_t i = 0; r->nroutes == 0 && i < r->ngateways; i++)
		if (r->gateways[i].kinds[kind])
			return true;
	return false;
}
