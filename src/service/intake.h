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
/* Instants of a recurrence that are shown. */
#define REQUEST_NEXT 3

/* A message that is edited, and what its form says of it: what is unchanged there stays as it is. */
struct edited {
	const struct packet *p;
	const struct series *series; /* NULL: it does not repeat */
	bool alone;                  /* only this occurrence of it */
	const char *when, *expires, *repeat, *rrule; /* as the form has them */
	const struct mms *mms;       /* of an MMS */
};

/* Everything is checked and canonical; strings live in the form it was read from. */
struct request {
	const struct jid *sender;
	enum packet_kind kind;
	const char *to[REQUEST_TO_MAX];
	size_t nto;
	struct span body;    /* the text as it was written */
	struct span filled;  /* and as it is sent: {date} and {time} of a recurrence are filled in */
	struct span subject; /* of an MMS */
	struct mms_medium media[MMS_MEDIA_MAX]; /* borrowed until the turn ends */
	size_t nmedia;
	struct load load;    /* of the paid kinds */
	struct when when;    /* of the first occurrence */
	int64_t asked_at;    /* as it was written, where the rule moved it to that one */
	int64_t rule_at;     /* the instant that the rule has for it: of its own it may have another */
	bool kept;           /* it is as it was before the edit */
	bool alone;          /* of a recurrence, only this occurrence */
	struct user_zone zone; /* in which a time without one was read */
	enum hours hours;    /* how they are written for the sender */
	struct recur rule;   /* "": it does not repeat */
	struct civil start;  /* what the rule counts from */
	bool moved;          /* `when` was no occurrence of the rule: the first one follows it */
	int64_t next[REQUEST_NEXT];
	size_t nnext;        /* of the occurrences after the first */
	int64_t expires_at;
	int64_t expires_ms;  /* after its due time, where the sender says so; else 0 */
	bool expires_relative; /* see struct when */
	enum offline offline;
};

/* What it would cost, for the confirmation. */
struct estimate {
	struct quota_limit limit;
	struct quota_use use;
	struct quota_period period;
	int64_t units, waiting;
	struct quota_use adds; /* to what is used: less than `units` where a packet is edited */
	bool charged_later; /* a recurrence: each time it is sent */
};

/*
 * May this user use the service at all?  RES_OK with their account; RES_DENIED: not served, or
 * blocked, with the stanza condition in `condition` and the reason in `why`; RES_TEMPFAIL.
 */
enum res intake_verify(struct service *s, const struct jid *sender, struct account *account,
    const char **condition, struct buf *why);

/*
 * Read the fields of contract.md's form for `kind` from r->in.  `edited` is NULL for a new message.
 * RES_INVALID with the reason in `why`, in words for the person who filled it in.  RES_UNCERTAIN:
 * its media are being fetched, or the asker's client is asked for its clock (reply_later).
 */
enum res intake_read(struct run *r, enum packet_kind kind, const struct edited *edited,
    struct request *out, struct buf *why);

/* recipients.c: the field `to`, for the numbers of the paid kinds, or for addresses. */
enum res recipients_read(struct service *s, struct form *f, struct request *out, struct buf *why);
/*
 * What was written into the field `to`, for a form that is sent back: an address at its beginning,
 * and those after it, are not URIs any more, and mean the same.
 */
void recipients_print(struct buf *out, struct span to);

/*
 * Would it exceed a limit?  RES_OVERQUOTA with limit, use and reset in `why`; RES_TEMPFAIL.  Stores
 * nothing.  `edited` (NULL: none) counts no more.
 */
enum res intake_quota(struct service *s, const struct request *rq, const struct packet *edited,
    int64_t now, struct estimate *out, struct buf *why);

/*
 * Check the quota, seal, and store one packet for each recipient with its charge, all or none; ids
 * in the order of rq->to.  On any result but RES_OK nothing is stored and nothing charged, and
 * `why` says what the user can do.
 */
enum res intake_accept(struct service *s, const struct request *rq, int64_t now,
    char ids[][PACKET_ID_LEN + 1], struct buf *why);
/* The body in the form in which it leaves: rq->filled, or as it was written. */
enum res intake_body(const struct request *rq, bool filled, struct buf *out);
/* A new recurrence of what rq says, with an id of its own, not stored yet.  RES_TEMPFAIL. */
enum res intake_series(struct service *s, const struct request *rq, size_t recipient,
    struct series *out);
/* Write rq's rule and all that its occurrences have into `se`. */
void intake_fill_series(const struct request *rq, size_t recipient, struct series *se);

/* -- schedule.c, confirm.c: what schedule and edit show ---------------------------------------- */

/* The fields of the kind's form, filled in with r->in (may be NULL). */
void schedule_fields(struct run *r, enum packet_kind kind);
const char *schedule_title(enum packet_kind kind);
/* What happens to a recipient who is not online, as a choice. */
const char *schedule_offline_label(enum offline choice);
/* In which zone times are read. */
const char *schedule_instructions(struct run *r);
/* It is done: the note begins with `verb`, and ids are those of rq's recipients. */
void schedule_done(
    struct run *r, const struct request *rq, const char *verb, char ids[][PACKET_ID_LEN + 1]);

/*
 * REPLY_CONFIRM: what would happen.  Times in r->in that depend on the moment of reading, or on the
 * zone of the one who wrote them, become the instants that are confirmed.
 */
void confirm(struct run *r, const struct request *rq, const struct estimate *e);
/* "Thu 2026-12-24 18:00 (Europe/Berlin, +01:00), in 3 days 4 hours" and where the zone comes from. */
void confirm_when(const struct run *r, const struct request *rq, struct buf *out);

/* -- edit.c: one occurrence, or all that follow ------------------------------------------------ */

/* Add the field `scope` to the reply's form. */
void edit_scope(struct run *r, const char *chosen);
/* False when it is neither; `following` is otherwise_following where it is not given. */
bool edit_read_scope(struct form *in, bool otherwise_following, bool *following);
/* Why a packet in this state can be neither stopped nor changed; NULL where it can. */
extern const char *const cancel_too_late[PACKET_NSTATES];

#endif
