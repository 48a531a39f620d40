#include <string.h>

#include "core/packet.h"

/* Omitted cells are PACKET_ILLEGAL. */
static const enum packet_state next_state[PACKET_NSTATES][EV_NEVENTS] = {
	[PACKET_SCHEDULED] = {
		[EV_EDIT] = PACKET_SCHEDULED,
		[EV_DUE] = PACKET_QUEUED,
		[EV_CANCEL] = PACKET_CANCELLED,
		[EV_EXPIRE] = PACKET_EXPIRED,
		[EV_FAIL] = PACKET_FAILED,
		/*
		 * A report may come for an attempt that had no outcome, whatever has become of the
		 * packet since: taken up again after a start, queued or held to be repeated, or
		 * uncertain.
		 */
		[EV_ACCEPTED] = PACKET_SENT,
		[EV_RECEIPT] = PACKET_DELIVERED,
	},
	[PACKET_QUEUED] = {
		[EV_EDIT] = PACKET_SCHEDULED,
		[EV_HOLD] = PACKET_HELD,
		[EV_SEND] = PACKET_INFLIGHT,
		[EV_FAIL] = PACKET_FAILED,
		[EV_EXPIRE] = PACKET_EXPIRED,
		[EV_CANCEL] = PACKET_CANCELLED,
		[EV_RECOVER] = PACKET_SCHEDULED,
		[EV_UNKNOWN] = PACKET_UNCERTAIN,
		[EV_ACCEPTED] = PACKET_SENT,
		[EV_RECEIPT] = PACKET_DELIVERED,
	},
	[PACKET_HELD] = {
		[EV_EDIT] = PACKET_SCHEDULED,
		[EV_RELEASE] = PACKET_QUEUED,
		[EV_EXPIRE] = PACKET_EXPIRED,
		[EV_CANCEL] = PACKET_CANCELLED,
		[EV_UNKNOWN] = PACKET_UNCERTAIN,
		[EV_FAIL] = PACKET_FAILED,
		[EV_ACCEPTED] = PACKET_SENT,
		[EV_RECEIPT] = PACKET_DELIVERED,
	},
	[PACKET_INFLIGHT] = {
		[EV_ACCEPTED] = PACKET_SENT,
		[EV_RECEIPT] = PACKET_DELIVERED,
		[EV_HOLD] = PACKET_HELD,
		[EV_BROKEN] = PACKET_QUEUED,
		[EV_RECOVER] = PACKET_SCHEDULED,
		[EV_UNKNOWN] = PACKET_UNCERTAIN,
		[EV_UNTAKEN] = PACKET_QUEUED,
		[EV_FAIL] = PACKET_FAILED,
	},
	[PACKET_SENT] = {
		[EV_RECEIPT] = PACKET_DELIVERED,
		[EV_HOLD] = PACKET_HELD,
		[EV_FAIL] = PACKET_FAILED,
	},
	[PACKET_FAILED] = {
		[EV_RETRY] = PACKET_SCHEDULED,
	},
	[PACKET_UNCERTAIN] = {
		[EV_RETRY] = PACKET_SCHEDULED,
		[EV_ACCEPTED] = PACKET_SENT,
		[EV_RECEIPT] = PACKET_DELIVERED,
		[EV_FAIL] = PACKET_FAILED,
		/* A person may write it off. */
		[EV_CANCEL] = PACKET_CANCELLED,
	},
};

static const struct {
	const char *name;
	bool waiting;
} states[PACKET_NSTATES] = {
	[PACKET_ILLEGAL] = { "unknown", false },
	[PACKET_SCHEDULED] = { "scheduled", true },
	[PACKET_QUEUED] = { "queued", true },
	[PACKET_HELD] = { "held", true },
	[PACKET_INFLIGHT] = { "in flight", true },
	[PACKET_SENT] = { "sent", false },
	[PACKET_DELIVERED] = { "delivered", false },
	[PACKET_FAILED] = { "failed", false },
	[PACKET_EXPIRED] = { "expired", false },
	[PACKET_CANCELLED] = { "cancelled", false },
	[PACKET_UNCERTAIN] = { "uncertain", true },
};

/* States come from the disk as numbers. */
static enum packet_state
known(enum packet_state s)
{
	return (unsigned)s < PACKET_NSTATES ? s : PACKET_ILLEGAL;
}

enum packet_state
packet_next(enum packet_state s, enum packet_event ev)
{
	return (unsigned)ev < EV_NEVENTS ? next_state[known(s)][ev] : PACKET_ILLEGAL;
}

bool
packet_is_final(enum packet_state s)
{
	for (size_t ev = 0; ev < EV_NEVENTS; ev++)
		if (ev != EV_RETRY && next_state[known(s)][ev] != PACKET_ILLEGAL)
			return false;
	return true;
}

bool
packet_is_waiting(enum packet_state s)
{
	return states[known(s)].waiting;
}

const char *
packet_state_name(enum packet_state s)
{
	return states[known(s)].name;
}

const char *
packet_kind_name(enum packet_kind k)
{
	static const char *const names[KIND_END] = { "unknown", "im", "sms", "mms" };

	return names[(unsigned)k < KIND_END ? k : 0];
}

static const char id_alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

void
packet_id_make(char id[PACKET_ID_LEN + 1], const uint8_t random[PACKET_ID_LEN])
{
	for (size_t i = 0; i < PACKET_ID_LEN; i++)
		id[i] = id_alphabet[random[i] % 32];
	id[PACKET_ID_LEN] = '\0';
}

static char
id_char(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		return '0';
	if (c == 'I' || c == 'L')
		return '1';
	return c != '\0' && strchr(id_alphabet, c) != NULL ? c : '\0';
}

enum res
packet_id_parse(char id[PACKET_ID_LEN + 1], struct span text)
{
	char read[PACKET_ID_LEN + 1] = { 0 };

	text = span_trim(text);
	if (text.len != PACKET_ID_LEN)
		return RES_INVALID;
	for (size_t i = 0; i < PACKET_ID_LEN; i++) {
		read[i] = id_char(text.p[i]);
		if (read[i] == '\0')
			return RES_INVALID;
	}
	memcpy(id, read, sizeof(read));
	return RES_OK;
}

struct packet *
packets_add(struct packets *ps)
{
	struct packet *v = arena_grow(&ps->arena, ps->v, ps->n, &ps->cap, sizeof(*v));

	if (v == NULL)
		return NULL;
	ps->v = v;
	v[ps->n] = (struct packet){ 0 };
	return &v[ps->n++];
}

void
packets_free(struct packets *ps)
{
	arena_free(&ps->arena);
	*ps = (struct packets){ .arena = ps->arena };
}

enum res
packet_aad(struct buf *out, const struct packet *p)
{
	const char *sender = p->sender != NULL ? p->sender : "";
	const char *recipient = p->recipient != NULL ? p->recipient : "";

	/* Lengths keep (ab, c) apart from (a, bc).  Bodies on disk depend on this text. */
	return buf_printf(out, "%d %s %lld %zu:%s %zu:%s", (int)p->kind, p->id,
	    (long long)p->due_at, strlen(sender), sender, strlen(recipient), recipient);
}
