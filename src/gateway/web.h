/* What comes to our own listener, as values. */
#ifndef LATERD_GATEWAY_WEB_H
#define LATERD_GATEWAY_WEB_H

#include "base/buf.h"

/* Borrowed. */
struct web_request {
	const char *method;       /* "GET", "POST" */
	const char *path;         /* decoded by nobody: as it stands before '?' */
	const char *query;        /* what follows '?'; "" */
	const char *content_type; /* "" */
	struct span body;
};

struct web_reply {
	int status;
	const char *type;
	struct buf body;
};

/*
 * The value of a field in application/x-www-form-urlencoded text, decoded, appended to out.
 * RES_NOTFOUND; RES_INVALID when it is malformed or no UTF-8.
 */
enum res web_field(struct span form, const char *name, struct buf *out);

#endif
