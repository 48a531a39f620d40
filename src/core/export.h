/*
 * All that is stored about a user as one JSON document (RFC 8259), written piece by piece:
 *
 *   { "service": "later.example.org", "user": "juliet@example.org", "exported": "2026-11-22T10:00:00Z",
 *     "settings": { "zone": "Europe/Berlin", "notify": "failure", "offline": "auto", "hours": 24,
 *       "stopped": false },
 *     "charges": [ { "day": "2026-11-22", "kind": "sms", "count": 3 }, … ],
 *     "recurrences": [ { "id": …, "to": …, "kind": …, "rule": …, "zone": …, "start": …, "paused": …,
 *       "offline": …, "body": …, "subject": …, "media": [ … ] }, … ],
 *     "messages": [ { "id": …, "kind": …, "to": …, "state": …, "created": …, "due": …, "expires": …,
 *       "sent": …, "finished": …, "zone": …, "offline": …, "attempts": …, "recurrence": …, "gateway": …,
 *       "gateway_id": …, "body": …, "subject": …, "media": [ { "url": …, "type": … } ],
 *       "history": [ { "at": …, "what": … } ] }, … ] }
 *
 * What a message does not have is left out.  Instants are XEP-0082 UTC.
 */
#ifndef LATERD_CORE_EXPORT_H
#define LATERD_CORE_EXPORT_H

#include "core/mms.h"
#include "core/ports.h"

struct export {
	struct buf *out;
	int list; /* which of the lists is open */
	bool any; /* and whether something stands in it */
};

/*
 * Begin, then in this order: the charges (store_ops.charges) once, any number of series, any number
 * of packets, the end.  Every one returns RES_NOMEM when out is full or there is no memory; out is
 * then of no use.  Bytes that are no UTF-8 are written as U+FFFD.
 */
enum res export_begin(struct export *x, struct buf *out, const char *service, const char *user,
    int64_t now, const struct account *account, bool stopped);
enum res export_charges(struct export *x, const struct events *charges);
/* text: the body as it was written.  mms: of an MMS, its summary (mms_parse_summary), else NULL. */
enum res export_series(
    struct export *x, const struct series *se, struct span text, const struct mms *mms);
/* history may be empty. */
enum res export_packet(struct export *x, const struct packet *p, struct span text,
    const struct mms *mms, const struct events *history);
enum res export_end(struct export *x);

/* "failure", "sent", "delivered". */
const char *notify_name(enum notify n);

#endif
