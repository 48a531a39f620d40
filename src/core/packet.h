/* The packet: header, sealed body, and its life as one table. */
#ifndef LATERD_CORE_PACKET_H
#define LATERD_CORE_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "core/offline.h"
#include "core/zone.h"

/* Stored as numbers: append only. */
enum packet_kind { KIND_IM = 1, KIND_SMS = 2, KIND_MMS = 3, KIND_END };

/* It leaves through a gateway and costs money: at most once. */
static inline bool
packet_kind_is_paid(enum packet_kind k)
{
	return k == KIND_SMS || k == KIND_MMS;
}

/* Stored as numbers: append only.  0 is no state. */
enum packet_state {
	PACKET_ILLEGAL = 0,
	PACKET_SCHEDULED, /* on disk, waiting for next_at */
	PACKET_QUEUED,    /* claimed by a tick, leaves in its own second */
	PACKET_HELD,      /* waits for presence, or for another try */
	PACKET_INFLIGHT,  /* on its way; the outcome is not known yet */
	PACKET_SENT,      /* taken by the server or the gateway */
	PACKET_DELIVERED, /* a receipt or a delivery report says so */
	PACKET_FAILED,
	PACKET_EXPIRED,
	PACKET_CANCELLED,
	PACKET_UNCERTAIN, /* may or may not have been taken; a person decides */
	PACKET_NSTATES
};

enum packet_event {
	EV_DUE,       /* the tick claimed it */
	EV_HOLD,      /* not now: nobody is online, a bounce said so, or no gateway takes it */
	EV_RELEASE,   /* presence shows them online, or it is time to try again */
	EV_SEND,      /* written down before it is sent */
	EV_ACCEPTED,  /* the pong, or the gateway's answer */
	EV_RECEIPT,   /* the recipient's client, or a delivery report */
	EV_BROKEN,    /* the stream broke before the outcome was known */
	EV_RECOVER,   /* we start again and find it in our hands */
	EV_UNKNOWN,   /* a request that may have cost money has no outcome */
	EV_UNTAKEN,   /* the gateway did not process it: the next one may */
	EV_RETRY,     /* an operator wants an uncertain or failed one sent again: as if it never was */
	EV_EDIT,      /* its sender wrote it anew: it waits from the beginning */
	EV_FAIL,
	EV_EXPIRE,
	EV_CANCEL,
	EV_NEVENTS
};

/*
 * What ev makes of a packet in state s; PACKET_ILLEGAL when it cannot happen there.  The only place
 * where states change.
 */
enum packet_state packet_next(enum packet_state s, enum packet_event ev);
/* Nothing leads out of it by itself: only an operator may want it once more (EV_RETRY). */
bool packet_is_final(enum packet_state s);
/*
 * Not sent yet and not ended: what `list` shows, what pending_max counts and what cancel may stop
 * or must explain.
 */
bool packet_is_waiting(enum packet_state s);
/* Lower-case words for people and logs: "scheduled", "in flight". */
const char *packet_state_name(enum packet_state s);
/* "im", "sms", "mms". */
const char *packet_kind_name(enum packet_kind k);

/*
 * Ids are six letters and digits of Crockford's base 32 (no I, L, O, U), upper case, random.  They
 * are unique in the store, short enough to type, and they are the stanza's id and origin-id on the
 * wire.
 */
#define PACKET_ID_LEN 6
void packet_id_make(char id[PACKET_ID_LEN + 1], const uint8_t random[PACKET_ID_LEN]);
/*
 * What a person typed, in either case, with o for 0 and i or l for 1; RES_INVALID when it cannot be
 * an id.
 */
enum res packet_id_parse(char id[PACKET_ID_LEN + 1], struct span text);

/*
 * Times are UTC, ms; 0 is "not yet" or "none".  Strings and bytes are borrowed from whoever made
 * the packet (often an arena).
 */
struct packet {
	char id[PACKET_ID_LEN + 1];
	const char *sender;    /* bare JID */
	const char *recipient; /* JID, or E.164 with '+' */
	enum packet_kind kind;
	enum packet_state state;
	enum offline offline;
	int64_t created_at;
	int64_t due_at;        /* what the sender asked for; never moved by a retry */
	int64_t next_at;       /* when it is looked at next */
	int64_t expires_at;
	int64_t sent_at;       /* last time it left and did not come back */
	int64_t finished_at;   /* entered a final state, SENT or UNCERTAIN */
	int32_t attempts;
	bool held;             /* has been held, not just until a probe was answered */
	int32_t charge_day;    /* YYYYMMDD of the charge in the server's zone; 0: not charged */
	int32_t charge_units;
	char zone[ZONE_NAME_MAX + 1]; /* the zone its time was read in */
	char series[PACKET_ID_LEN + 1]; /* the recurrence that it is an occurrence of; "": none */
	int32_t revision;      /* how often it was edited: older copies of it move no more */
	const char *gateway;     /* the one that has or had it; NULL: none */
	const char *gateway_ref; /* the gateway's own id of it; NULL: none */
	struct span sealed;
};

/* A growing list whose strings live in its own arena.  {0} is empty. */
struct packets {
	struct arena arena;
	struct packet *v;
	size_t n, cap;
};

/* A zeroed packet at the end, or NULL without memory. */
struct packet *packets_add(struct packets *ps);
void packets_free(struct packets *ps);

/*
 * The additional data a body is sealed with: kind, id, sender, recipient and due_at, so that
 * neither bodies nor headers can be swapped between rows.
 */
enum res packet_aad(struct buf *out, const struct packet *p);

#endif
