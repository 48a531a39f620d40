/*
 * Taking messages in: from what a person wrote to packets in the store, in the order of mission.md:
 * edit, verify, quota, store.
 */
#ifndef LATERD_SERVICE_INTAKE_H
#define LATERD_SERVICE_INTAKE_H

#include "core/when.h"
#include "service/state.h"

/* Recipients of one request. */
#define REQUEST_TO_MAX 50

/* Everything is checked and canonical; strings live in the form it was read from. */
struct request {
	const struct jid *sender;
	enum packet_kind kind;
	const char *to[REQUEST_TO_MAX];
	size_t nto;
	struct span body;    /* the text */
	struct span subject; /* of an MMS */
	struct mms_medium media[MMS_MEDIA_MAX]; /* borrowed until the turn ends */
	size_t nmedia;
	struct load load;    /* of the paid kinds */
	struct when when;
	int64_t expires_at;
	bool expires_relative; /* see struct when */
	enum offline offline;
};

/* What it would cost, for the confirmation. */
struct estimate {
	struct quota_limit limit;
	struct quota_use use;
	struct quota_period period;
	int64_t units, waiting;
};

/*
 * May this user use the service at all?  RES_DENIED: not served, or blocked, with the stanza
 * condition in `condition` and the reason in `why`; RES_TEMPFAIL.
 */
enum res intake_verify(
    struct service *s, const struct jid *sender, const char **condition, struct buf *why);

/*
 * Read the fields of contract.md's form for `kind` from f.  RES_INVALID with the reason in `why`,
 * in words for the person who filled it in.  RES_UNCERTAIN: its media are being fetched (medium_wait).
 */
enum res intake_read(struct service *s, const struct jid *sender, enum packet_kind kind,
    struct form *f, int64_t now, struct request *out, struct buf *why);

/*
 * What was written into the field `to`, for a form that is sent back: an address at its beginning,
 * and those after it, are not URIs any more, and mean the same.
 */
void intake_print_to(struct buf *out, struct span to);

/*
 * Would it exceed a limit?  RES_OVERQUOTA with limit, use and reset in `why`; RES_TEMPFAIL.  Stores
 * nothing.
 */
enum res intake_quota(struct service *s, const struct request *rq, int64_t now,
    struct estimate *out, struct buf *why);

/*
 * Check the quota, seal, and store one packet for each recipient with its charge, all or none; ids
 * in the order of rq->to.  On any result but RES_OK nothing is stored and nothing charged, and
 * `why` says what the user can do.
 */
enum res intake_accept(struct service *s, const struct request *rq, int64_t now,
    char ids[][PACKET_ID_LEN + 1], struct buf *why);

#endif
