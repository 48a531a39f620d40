/* Files that are put into a slot of the user's own server (XEP-0363), and how that ends. */
#ifndef LATERD_GATEWAY_PUT_H
#define LATERD_GATEWAY_PUT_H

#include "core/ports.h"
#include "gateway/http.h"

#define UPLOAD_URL_MAX 8192
#define UPLOADS_MAX    8 /* at once */

/*
 * Write the request into rq, which is new.  RES_INVALID for anything but an http or https URL of at
 * most UPLOAD_URL_MAX bytes with a host and without a user, for header fields other than
 * Authorization, Cookie and Expires, and for values with control characters; RES_NOMEM.
 */
enum res put_request(const struct slot *slot, const char *type, struct span bytes,
    struct http_request *rq);
/* RES_OK: 200 or 201; else RES_TEMPFAIL with words for the user in `why`. */
enum res put_judge(const struct http_answer *a, struct buf *why);

struct dispatcher;

/* gateways_ops.upload: at most UPLOADS_MAX, RES_TEMPFAIL beyond. */
enum res put_begin(struct gateways *g, const struct slot *slot, const char *type,
    struct span bytes, uint64_t ticket);
/* The turn is on disk: what was begun in it leaves. */
void put_flush(struct dispatcher *d);
/* The turn could not be written: what was begun in it is forgotten, without `uploaded`. */
void put_failed(struct dispatcher *d);
/* Forget all; their pool is gone. */
void put_fini(struct dispatcher *d);

#endif
