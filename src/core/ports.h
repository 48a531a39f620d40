/* The verbs that the service needs from outside, and those by which the outside reports back. */
#ifndef LATERD_CORE_PORTS_H
#define LATERD_CORE_PORTS_H

#include "core/packet.h"
#include "core/quota.h"
#include "core/recur.h"
#include "core/when.h"

/* -- The store --------------------------------------------------------------------------------- */

struct store {
	const struct store_ops *ops;
};

/* What senders are told of their messages; each includes those before it.  Stored: append only. */
enum notify { NOTIFY_FAILURE = 0, NOTIFY_SENT, NOTIFY_DELIVERED, NOTIFY_END };

/* What a user has set for themselves, and whether an operator has blocked them. */
struct account {
	bool blocked;
	enum notify notify;
	enum offline offline;  /* the default of their forms; 0: the service's */
	enum hours hours;      /* how times are written for them */
	char zone[ZONE_NAME_MAX + 1]; /* "": none set */
};

/*
 * A recurrence.  At any time one packet is its occurrence that is to come or on its way; when that
 * one is settled, the next is made of what stands here.  It ends by being deleted.
 */
struct series {
	char id[PACKET_ID_LEN + 1]; /* its own, made like a packet's */
	const char *sender, *recipient;
	enum packet_kind kind;
	enum offline offline;
	struct recur rule;
	char zone[ZONE_NAME_MAX + 1];
	char start[RECUR_START_LEN + 1]; /* the local reading that the rule counts from: recur_start_print */
	int64_t at;         /* the instant of the present occurrence, by the rule */
	int64_t expires_ms; /* an occurrence is given up so long after it was due; 0: the default */
	bool paused;
	char packet[PACKET_ID_LEN + 1]; /* the present occurrence */
	struct span sealed; /* its body as it was written, {date} and {time} included: series_aad */
};

/* A growing list whose strings live in its own arena.  {0} is empty. */
struct series_list {
	struct arena arena;
	struct series *v;
	size_t n, cap;
};

/* A zeroed one at the end, or NULL without memory. */
struct series *series_add(struct series_list *ss);
void series_free(struct series_list *ss);
/* The additional data that its body is sealed with: kind, id, sender and recipient. */
enum res series_aad(struct buf *out, const struct series *se);

enum series_find {
	SERIES_OF,    /* who = sender; in order of their ids */
	SERIES_STUCK, /* not paused, and the present occurrence has ended or is not there; for a start */
	SERIES_NKINDS
};

/* A place in a list of finished packets, latest first; zeroed is its beginning. */
struct store_place {
	int64_t at, n;
};

/* Whether the recipient lets us see their presence.  Stored as numbers: append only. */
enum contact { CONTACT_NONE = 0, CONTACT_ASKED, CONTACT_GRANTED, CONTACT_REFUSED, CONTACT_END };

/* One line of a packet's history; `what` lives in the list's arena. */
struct event {
	int64_t at;
	const char *what;
};

struct events {
	struct arena arena;
	struct event *v;
	size_t n, cap;
};

/* A zeroed line at the end, or NULL without memory. */
struct event *events_add(struct events *es);
void events_free(struct events *es);

/* What `find` can look for; each has its own index, and none reads more rows than it returns. */
enum store_find {
	FIND_WAITING,      /* who = sender: what packet_is_waiting; soonest first */
	FIND_FINISHED,     /* who = sender: what is sent or has ended; latest first */
	FIND_HELD,         /* who = recipient: held, soonest due first */
	FIND_HELD_EXPIRED, /* held, expires_at <= upto */
	FIND_HELD_RETRY,   /* held, not paid, next_at <= upto */
	FIND_HELD_RETRY_PAID, /* held, paid, next_at <= upto */
	FIND_ATTEMPTED,    /* paid and in flight: attempts without an outcome; oldest first */
	FIND_TROUBLE,      /* who = gateway: uncertain or failed there, finished_at <= upto; oldest first */
	FIND_NKINDS
};

/* The earliest instants in the store, NEVER_MS where there is none; [1] are those of paid kinds. */
struct store_next {
	int64_t held_expiry;   /* expires_at among held packets, of all kinds */
	int64_t held_retry[2]; /* next_at among held packets */
	int64_t scheduled[2];  /* next_at among scheduled packets */
};

/* How many packets there are. */
struct tally {
	int64_t n[KIND_END][PACKET_NSTATES];
};

/* How many ended in one way; gateway: "" where none had it. */
struct ending {
	enum packet_kind kind;
	enum packet_state state;
	const char *gateway;
	int64_t n;
};

/* A growing list whose strings live in its own arena.  {0} is empty. */
struct endings {
	struct arena arena;
	struct ending *v;
	size_t n, cap;
};

void endings_free(struct endings *es);

/* Bytes: the database with its log, and what its file system has left. */
struct store_space {
	int64_t used, left;
};

/* A copy of the store that is being made. */
struct backup;

/*
 * Every write belongs to the current turn: the first opens a transaction, commit makes all of them
 * durable at once, rollback forgets them.  Reads see the turn's own writes.  RES_TEMPFAIL: busy,
 * full or failing disk; the turn must then be rolled back. JIDs are bare and canonical; instants
 * are UTC ms.
 */
struct store_ops {
	enum res (*commit)(struct store *s);
	void (*rollback)(struct store *s);

	/*
	 * Store n new packets, write `what` into their history, and charge charge_units to (sender,
	 * kind, charge_day) where charge_day is not 0: all or none.  RES_INVALID when an id is
	 * taken: nothing is stored, make other ids.  Whatever is charged or given back to a sender,
	 * here and below, is so to QUOTA_SERVICE as well.
	 */
	enum res (*put)(struct store *s, const struct packet *v, size_t n, const char *what);
	/* The sum charged in the day (YYYYMMDD) and in its month. */
	enum res (*use)(struct store *s, const char *sender, enum packet_kind kind, int32_t day,
	    struct quota_use *out);
	/*
	 * Give a packet's charge back; to be called once, when it is cancelled before it was sent.
	 */
	enum res (*refund)(struct store *s, const struct packet *p);
	/*
	 * The limit set for `who` ("romeo@example.net", "example.net", "default"); RES_NOTFOUND
	 * when none is.
	 */
	enum res (*limit)(
	    struct store *s, const char *who, enum packet_kind kind, struct quota_limit *out);
	enum res (*set_limit)(struct store *s, const char *who, enum packet_kind kind,
	    const struct quota_limit *limit);
	/* What was set for `who` counts no more.  RES_OK also where nothing was. */
	enum res (*drop_limit)(struct store *s, const char *who, enum packet_kind kind);
	/* A user without a row has an account of zeroes. */
	enum res (*account)(struct store *s, const char *jid, struct account *out);
	enum res (*set_account)(struct store *s, const char *jid, const struct account *account);
	/* How many packets of the sender are waiting (packet_is_waiting). */
	enum res (*waiting)(struct store *s, const char *sender, int64_t *n);

	/* RES_NOTFOUND.  `out` is appended to. */
	enum res (*get)(struct store *s, const char *id, struct packets *out);
	/* The packet that this gateway knows by `ref`, appended; RES_NOTFOUND. */
	enum res (*get_ref)(
	    struct store *s, const char *gateway, const char *ref, struct packets *out);
	/* Up to max packets; `who` NULL and `upto` 0 where the kind has no use for them. */
	enum res (*find)(struct store *s, enum store_find kind, const char *who, int64_t upto,
	    size_t max, struct packets *out);
	/*
	 * Up to max SCHEDULED packets of the paid kinds, or of the others, with next_at <= upto,
	 * soonest first: EV_DUE happens to each, and they are appended as QUEUED.  Never those with
	 * next_at NEVER_MS, which are paused.
	 */
	enum res (*claim)(
	    struct store *s, bool paid, int64_t upto, size_t max, struct packets *out);
	/*
	 * ev happens to p at `at`.  The row is changed only if it still is in the state p has; then
	 * p->state becomes the new one, and next_at, expires_at, attempts, held, sent_at,
	 * finished_at, gateway and gateway_ref are written as they stand in p (the caller sets them
	 * before). `what` (may be
	 * NULL) becomes a line of its history.  RES_NOTFOUND: somebody else moved or edited it first,
	 * nothing changed. RES_INVALID: the life of a packet has no such step, or it is EV_EDIT.
	 */
	enum res (*move)(
	    struct store *s, struct packet *p, enum packet_event ev, int64_t at, const char *what);
	/*
	 * Held packets of the recipient (NULL: of everybody) are looked at again at `at`: their next_at.  only: those
	 * with this choice; OFFLINE_END: all. n: how many.
	 */
	enum res (*wake)(
	    struct store *s, const char *recipient, enum offline only, int64_t at, int64_t *n);
	/* Held packets of paid kinds with a later next_at are tried again at `at`.  n: how many. */
	enum res (*wake_paid)(struct store *s, int64_t at, int64_t *n);
	/*
	 * After a start: EV_RECOVER to everything QUEUED, and to what is INFLIGHT but not paid:
	 * SCHEDULED with its next_at unchanged.  Of paid attempts (FIND_ATTEMPTED) the caller
	 * decides.  n: how many rows.
	 */
	enum res (*recover)(struct store *s, int64_t now, int64_t *n);
	/*
	 * EV_EDIT happens to p at `at`: as `move`, and recipient, offline, due_at, zone, sealed,
	 * charge_day, charge_units and series are written as well as they stand in p; its revision is
	 * one more then, also in p.  Charges are the caller's (refund and charge).
	 */
	enum res (*edit)(struct store *s, struct packet *p, int64_t at, const char *what);
	/*
	 * Charge p, which was not, with charge_units on charge_day as they stand in it.  RES_NOTFOUND:
	 * it was moved, edited or charged by somebody else, nothing changed.
	 */
	enum res (*charge)(struct store *s, const struct packet *p);
	/*
	 * Up to max packets of the sender that are sent or have ended, with all their columns, from
	 * `place` on, which is moved behind them.  None are appended only when there are no more.
	 */
	enum res (*finished)(struct store *s, const char *sender, struct store_place *place,
	    size_t max, struct packets *out);
	/* Delete a packet that is sent, has ended or is uncertain, with its history.  RES_NOTFOUND. */
	enum res (*erase)(struct store *s, const char *id);
	enum res (*next)(struct store *s, struct store_next *out);
	enum res (*history)(struct store *s, const char *id, struct events *out);
	/*
	 * Delete up to max packets that finished before `before`, with their history, and charges
	 * older than `charge_day`.
	 */
	enum res (*purge)(
	    struct store *s, int64_t before, int32_t charge_day, size_t max, int64_t *n);

	/* Store it, or write it anew where there is one with its id. */
	enum res (*put_series)(struct store *s, const struct series *se);
	/* RES_NOTFOUND.  `out` is appended to. */
	enum res (*get_series)(struct store *s, const char *id, struct series_list *out);
	/* RES_OK also where there is none. */
	enum res (*drop_series)(struct store *s, const char *id);
	/* Up to max; `who` NULL where the kind has no use for it. */
	enum res (*find_series)(struct store *s, enum series_find kind, const char *who, size_t max,
	    struct series_list *out);

	/*
	 * What a user wants forgotten is deleted in steps, which go on after a crash: remember the
	 * user and the instant of the wish, or with `at` 0 that it is done.
	 */
	enum res (*set_forget)(struct store *s, const char *jid, int64_t at);
	/* Up to max of those whose wish is not done yet: instant, and address in `out`'s arena. */
	enum res (*forgets)(struct store *s, size_t max, struct events *out);
	/*
	 * Delete what is known of a user besides packets and series: their settings (but not that
	 * they are blocked, nor that they want nothing sent to them), whom they have written to, and
	 * whether they let us see their presence.  Charges stay, since quotas
	 * would begin anew, and end with their time; limits are the operator's.
	 */
	enum res (*forget_account)(struct store *s, const char *jid);
	/* The charges of a sender: the day, and "sms 3" in `out`'s arena, oldest first. */
	enum res (*charges)(struct store *s, const char *sender, size_t max, struct events *out);

	/* changed_at may be NULL; both are 0 for somebody unknown. */
	enum res (*contact)(
	    struct store *s, const char *jid, enum contact *out, int64_t *changed_at);
	enum res (*set_contact)(struct store *s, const char *jid, enum contact state, int64_t now);
	/* Whether this person wants nothing sent to them any more. */
	enum res (*stopped)(struct store *s, const char *jid, bool *out);
	/* They want so since `at`, or with 0 not any more. */
	enum res (*set_stopped)(struct store *s, const char *jid, int64_t at);
	/*
	 * The sender has written to the recipient, last at `at`.  Costs no write where that is less
	 * than an hour from what is noted already.
	 */
	enum res (*set_pair)(
	    struct store *s, const char *sender, const char *recipient, int64_t at);
	/* When one of the two has last written to the other, give or take an hour; 0: never. */
	enum res (*pair)(struct store *s, const char *one, const char *other, int64_t *at);
	/* Forget up to max pairs of before `before`. */
	enum res (*purge_pairs)(struct store *s, int64_t before, size_t max, int64_t *n);
	/*
	 * Up to max distinct recipients after `after` in order ("" first) that have a held packet
	 * and state GRANTED; in `out`'s arena.
	 */
	enum res (*contacts_waiting)(
	    struct store *s, const char *after, size_t max, struct events *out);

	/* -- For operators -- */

	/* All packets, those of the turn included.  Costs nothing that grows with them. */
	enum res (*tally)(struct store *s, struct tally *out);
	/*
	 * Scheduled packets by kind with next_at <= upto.  Costs a look at each, as do those of the
	 * next: for a person who asks, not for a timer.
	 */
	enum res (*due_by)(struct store *s, int64_t upto, int64_t n[KIND_END]);
	/* What was sent or has ended since then, by kind, state and gateway. */
	enum res (*ended_since)(struct store *s, int64_t since, struct endings *out);
	/*
	 * Up to max addresses after `after` in order ("" first) that have packets or an account, in
	 * `out`'s arena; the bot's is among them.
	 */
	enum res (*senders)(struct store *s, const char *after, size_t max, struct events *out);
	enum res (*space)(struct store *s, struct store_space *out);
	/*
	 * Begin a copy of the database into a new file (mode 0600) at `path`; what is written
	 * meanwhile is in it as well.  One at a time.  RES_INVALID with the reason in `why`: there is
	 * such a file, it cannot be made, or another copy is being made; RES_NOMEM.
	 */
	enum res (*backup_begin)(
	    struct store *s, const char *path, struct backup **out, struct buf *why);
	/*
	 * Copy some more (a few ms), between turns: nothing may be written in the present one yet.
	 * RES_UNCERTAIN: there is more, *done of *total bytes are copied; RES_OK: the copy is whole
	 * and on disk under its name; RES_TEMPFAIL, RES_PERMFAIL: it cannot be, for the reason in
	 * `why`.
	 */
	enum res (*backup_step)(
	    struct backup *b, int64_t *done, int64_t *total, struct buf *why);
	/* One that is not whole is deleted.  Bears NULL. */
	void (*backup_end)(struct backup **b);

	/* A small value by name (the seal key's id); RES_NOTFOUND. */
	enum res (*meta)(struct store *s, const char *name, struct buf *out);
	enum res (*set_meta)(struct store *s, const char *name, const char *value);
};

/* -- The messenger: the component stream, as far as messages and presence go ------------------- */

struct messenger {
	const struct messenger_ops *ops;
};

/* Strings are bare JIDs, borrowed for the call. */
struct outgoing {
	const char *id;
	const char *sender;
	const char *recipient;
	struct span inner;   /* XML: the children that the sender wrote, <body/> foremost */
	int64_t delayed_at;  /* UTC ms for <delay/>; 0: on time, none */
	bool as_sender;      /* from the sender's own address; only when speaks_for says so */
};

/* Borrowed for the call. */
struct slot_request {
	const char *user;      /* bare JID: for whom */
	const char *name;      /* of the file */
	const char *type;      /* "application/json" */
	size_t size;           /* bytes */
	uint64_t ticket;
};

#define SLOT_HEADERS_MAX 3

/* Where a file may be put, once, and had from then on.  Borrowed. */
struct slot {
	const char *put, *get; /* http or https URLs */
	/* Authorization, Cookie, Expires: to be sent with it. */
	struct {
		const char *name, *value;
	} headers[SLOT_HEADERS_MAX];
	size_t nheaders;
};

struct messenger_ops {
	/*
	 * The stream is up, and what the server says on its own after the handshake has been heard.
	 */
	bool (*ready)(struct messenger *m);
	enum presence (*presence)(struct messenger *m, const char *recipient);
	/* The server lets us send as this user. */
	bool (*speaks_for)(struct messenger *m, const char *user);
	/*
	 * The recipient is online, and what is sent to them does not come back: the end of their
	 * session would have been seen, or their server keeps messages for who is offline (XEP-0160).
	 */
	bool (*reaches)(struct messenger *m, const char *recipient);
	/* The recipient has let us see their presence: probe them, and believe silence. */
	void (*watch)(struct messenger *m, const char *recipient);
	/*
	 * What was sent to the recipient came back: if they are watched and count as online, ask
	 * again.  They count as such until they do not answer; then `presence` follows.
	 */
	void (*doubt)(struct messenger *m, const char *recipient);
	/*
	 * Be let see the recipient's presence: `contact` follows, some day.  Where their server lets
	 * us write rosters (XEP-0356) that is all; else, or when it fails, they are asked for a
	 * subscription, with a nick and `words`, from the bot's address.
	 */
	void (*subscribe)(struct messenger *m, const char *recipient, const char *words);
	/* Their presence is of no interest any more: give the subscription back.  No event follows. */
	void (*unsubscribe)(struct messenger *m, const char *recipient);
	/*
	 * Append one message to the batch.  RES_TEMPFAIL when the stream is not up, RES_INVALID
	 * when it cannot be framed.
	 */
	enum res (*send)(struct messenger *m, const struct outgoing *out);
	/*
	 * Run again the command whose reply was REPLY_LATER with this ticket; nothing when nobody
	 * waits for it any more.
	 */
	void (*resume)(struct messenger *m, uint64_t ticket);
	/*
	 * How far the clock of a client (full JID) is ahead of UTC, as it says (XEP-0202).  RES_OK;
	 * RES_UNCERTAIN: it is being asked, for a second or two, and `client_clock` follows in a later
	 * turn; RES_NOTFOUND: it does not say.  Answers, and that there is none, are remembered for a
	 * while.
	 */
	enum res (*client_offset)(struct messenger *m, const char *jid, int32_t *offset_s);
	/*
	 * Ask the upload service of this user's server for a place for a file (XEP-0363): `slot`
	 * follows with the ticket in a later turn, exactly once.  RES_TEMPFAIL: not now; RES_INVALID:
	 * no user of a domain that is served, no bytes, or a name or type that cannot be sent.
	 */
	enum res (*request_slot)(struct messenger *m, const struct slot_request *rq);
	/* Bytes in the batch since the last barrier. */
	size_t (*batched)(struct messenger *m);
	/*
	 * Close the batch with a ping; `settled` or `broken` answers it, also when the turn cannot
	 * be committed.  At most one barrier is under way.
	 */
	enum res (*barrier)(struct messenger *m);
};

/* May what somebody has written to the alias of somebody else be passed on? */
enum relay {
	RELAY_YES,
	RELAY_STRANGERS, /* neither has written to the other through us in the last 30 days */
	RELAY_STOPPED,   /* whom it is for wants nothing sent to them */
	RELAY_DENIED,    /* an operator has blocked one of the two */
	RELAY_TROUBLE    /* the store cannot say */
};

/* What the messenger reports.  `arg` comes first. */
struct messenger_events {
	void (*ready)(void *arg);
	/* The stream is gone; what was sent since the last `settled` has an unknown outcome. */
	void (*broken)(void *arg);
	void (*settled)(void *arg);
	/* The value for this recipient changed to ONLINE or OFFLINE. */
	void (*presence)(void *arg, const char *recipient, enum presence value);
	/* A message we sent came back.  from: bare. */
	void (*bounced)(
	    void *arg, const char *id, const char *from, struct span condition, struct span type);
	/* The server did not let us send message `id` as its sender. */
	void (*not_allowed)(void *arg, const char *id);
	/* XEP-0184.  from: bare. */
	void (*received)(void *arg, const char *id, const char *from);
	/* Asked for each such message, within the turn; bare JIDs, `to` the one behind the alias. */
	enum relay (*may_relay)(void *arg, const char *from, const char *to);
	/*
	 * The server has a second connection with our address and divides between both what comes
	 * for us (ejabberd does); at most once for each time it is noticed.
	 */
	void (*twin)(void *arg);
	/*
	 * An answer could not be made for want of memory: what was done for it in this turn must
	 * not count.
	 */
	void (*failed)(void *arg);
	/* The recipient answered our subscription request, or took it back: GRANTED or REFUSED. */
	void (*contact)(void *arg, const char *recipient, enum contact answer);
	/* client_offset has its answer for this client, or has given it up. */
	void (*client_clock)(void *arg, const char *jid);
	/*
	 * RES_OK with the slot; RES_INVALID: there is no upload service, or it refuses, for the reason
	 * in `words`, and would again; RES_TEMPFAIL: no answer, or not for the moment, in words as well.
	 */
	void (*slot)(void *arg, uint64_t ticket, enum res res, const struct slot *slot,
	    const char *words);
};

/* -- The gateways: HTTP requests that carry SMS and MMS to the phone ------------------------------ */

struct gateways {
	const struct gateways_ops *ops;
};

/* One attempt.  Borrowed for the call. */
struct submission {
	const char *id;
	const char *recipient; /* msisdn_is */
	enum packet_kind kind;
	struct span body;      /* SMS: UTF-8 text; MMS: the entity of core/mms.h */
	int64_t created_at, expires_at;
};

enum outcome {
	OUTCOME_ACCEPTED,
	OUTCOME_PERMANENT,     /* refused, and would be refused again */
	OUTCOME_NOT_PROCESSED, /* not taken: safe to send again, here or elsewhere */
	OUTCOME_UNKNOWN,       /* it may or may not have been taken */
	OUTCOME_END
};

struct gateway_state {
	bool open;          /* neither paused, nor waiting because it failed or asked to be left alone */
	bool paused;        /* by an operator */
	bool halted;        /* it will not work before a person has looked at it */
	size_t inflight;    /* attempts without an outcome */
	uint64_t outcomes[OUTCOME_END]; /* since the start */
	const char *trouble; /* what closed it last, in words, borrowed until the next call; NULL: nothing */
	size_t room;        /* submissions it takes now; 0: events.room follows, or `open` becomes false */
	int64_t resumes_ms; /* !open: until it is tried again, from now */
};

/* i: its place in the configuration (struct routing). */
struct gateways_ops {
	struct gateway_state (*state)(struct gateways *g, size_t i);
	/*
	 * Begin an attempt.  It leaves when the turn is committed, and is forgotten with a turn that
	 * is not.  RES_OK: exactly one `outcome` follows, in a later turn.  RES_INVALID: it cannot be
	 * written for this gateway, for the reason in `why`; RES_TEMPFAIL: not now.
	 */
	enum res (*submit)(
	    struct gateways *g, size_t i, const struct submission *sub, struct buf *why);
	/*
	 * An operator pauses it: it is closed, and resumes_ms is an hour, until they resume it, which
	 * also forgives what closed it otherwise; `room` follows.  A configuration that has it keeps
	 * it paused.
	 */
	void (*pause)(struct gateways *g, size_t i, bool paused);
	/* Attempts that have no outcome yet. */
	size_t (*inflight)(const struct gateways *g);
	/*
	 * Get a medium that somebody names by an https link, of at most max bytes: `fetched` follows
	 * with this ticket in a later turn.  RES_INVALID: no link that is allowed, for the reason in
	 * `why`; RES_TEMPFAIL: too many at once.
	 */
	enum res (*fetch)(struct gateways *g, const char *url, size_t max, uint64_t ticket,
	    struct buf *why);
	/*
	 * Put a file into a slot that the user's own server has given (XEP-0363), where public and
	 * private addresses are alike: `uploaded` follows with the ticket in a later turn.  It leaves
	 * when the turn is committed.  RES_INVALID: no such URL or header; RES_TEMPFAIL.
	 */
	enum res (*upload)(struct gateways *g, const struct slot *slot, const char *type,
	    struct span bytes, uint64_t ticket);
};

enum report_state {
	REPORT_TAKEN,     /* on its way: the gateway, or the network behind it, has it */
	REPORT_DELIVERED, /* the phone has it */
	REPORT_FAILED     /* it will not arrive */
};

/* A delivery report whose token was right.  Borrowed. */
struct delivery_report {
	const char *gateway;
	const char *id;    /* ours; NULL: only `ref` is known */
	const char *ref;   /* the gateway's; may be NULL */
	enum report_state state;
	const char *words; /* what it said, for the history; one line */
};

/* What the gateways report.  `arg` comes first; strings are borrowed. */
struct gateways_events {
	/*
	 * The attempt of packet `id` by this gateway has come to an end.  ref: the gateway's id for
	 * it, may be NULL; words: its answer in words, one line.
	 */
	void (*outcome)(void *arg, const char *id, const char *gateway, enum outcome outcome,
	    const char *ref, const char *words);
	/* There is room again at a gateway, or one was opened or closed: look at what waits. */
	void (*room)(void *arg);
	/*
	 * A gateway was closed.  halted: it will not work before a person has looked at it; else it
	 * failed again and again.
	 */
	void (*trouble)(void *arg, const char *gateway, bool halted, const char *words);
	/* RES_TEMPFAIL: nobody knows what it is about yet; it is to be told again. */
	enum res (*reported)(void *arg, const struct delivery_report *r);
	/*
	 * RES_OK with type and bytes; RES_INVALID with the reason in words for the sender: not
	 * there, too large, no medium, not what it says it is; RES_TEMPFAIL: later perhaps.
	 */
	void (*fetched)(void *arg, uint64_t ticket, enum res res, const char *type,
	    struct span bytes, const char *words);
	/* RES_OK: it is there (200 or 201); RES_TEMPFAIL with the reason in `words`. */
	void (*uploaded)(void *arg, uint64_t ticket, enum res res, const char *words);
};

/* -- The daemon around the service --------------------------------------------------------------- */

struct host {
	const struct host_ops *ops;
};

struct host_ops {
	/* Read the configuration file again, when this turn has ended: `reloaded` follows. */
	void (*reload)(struct host *h);
	/* End as on SIGTERM, when the answers of this turn have left. */
	void (*shutdown)(struct host *h);
};

/* What the daemon reports.  `arg` comes first. */
struct host_events {
	/* False: the old configuration stays in force, for the reason in `why`, a line each. */
	void (*reloaded)(void *arg, bool ok, const char *why);
};

#endif
