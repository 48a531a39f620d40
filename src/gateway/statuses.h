/* Sets of HTTP status codes, as lists like { "200", "500-599" } say them. */
#ifndef LATERD_GATEWAY_STATUSES_H
#define LATERD_GATEWAY_STATUSES_H

#include "base/buf.h"

struct statuses {
	bool in[600];
};

/* list: NULL-terminated.  RES_INVALID with the reason in `why`. */
enum res statuses_parse(struct statuses *out, const char *const *list, struct buf *why);
bool statuses_has(const struct statuses *s, int status);

#endif
