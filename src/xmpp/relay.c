#include "xmpp/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without memory an insertion fails instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "xmpp/message.h"
#include "xmpp/stanza.h"
#include "xmpp/stream.h"

#define NS_CARBONS "urn:xmpp:carbons:2"

/* Of 256 KiB on the wire, every byte as an entity, and as much again for tags. */
#define COPY_MAX ((size_t)4 << 20)

#define WRAPPERS 16

enum verdict {
	PASSED_ON,
	NOBODY,
	STRANGERS,
	STOPPED,
	DENIED,
	ENCRYPTED,
	TOO_LARGE,
	TOO_FAST,
	TROUBLE,
	SILENCED, /* too fast, and told so */
	NVERDICTS
};

static const char *const verdict_names[NVERDICTS] = { "relayed", "nobody", "strangers", "stopped",
	"denied", "encrypted", "large", "rate", "trouble", "silenced" };

/* What is answered.  Those without a condition are not. */
static const struct refusal {
	const char *type, *condition, *words;
} refusals[NVERDICTS] = {
	[NOBODY] = { "cancel", "item-not-found",
	    "Nobody can be reached at this address. Please write to the person directly." },
	[STRANGERS] = { "cancel", "service-unavailable",
	    "Only replies are passed on from here, and neither of you has written to the other "
	    "through this service within the last 30 days. Write to the person directly instead: "
	    "their address is the part before the @ here, with an @ in place of its last %." },
	[STOPPED] = { "cancel", "service-unavailable",
	    "This person wants no messages through this service. Write to them directly instead: "
	    "their address is the part before the @ here, with an @ in place of its last %." },
	[DENIED] = { "cancel", "not-allowed",
	    "Messages between the two of you are not passed on: an operator of this service has "
	    "blocked it." },
	[ENCRYPTED] = { "modify", "not-acceptable",
	    "Encrypted messages cannot be passed on. Switch encryption off for this conversation, "
	    "or write to the person directly: their address is the part before the @ here, with an "
	    "@ in place of its last %." },
	[TOO_LARGE] = { "modify", "not-acceptable",
	    "This message, or the address it comes from, is larger than what can be passed on." },
	[TOO_FAST] = { "wait", "resource-constraint",
	    "These are too many messages at once. This one, and those that follow too soon, are "
	    "not passed on; please wait a little." },
	[TROUBLE] = { "wait", "internal-server-error",
	    "This message could not be passed on. Please try again later." },
};

/* Who writes to whom. */
struct pair {
	UT_hash_handle hh;
	int64_t paid_until; /* monotonic */
	bool told;          /* that it is too fast */
	char key[];
};

struct relays {
	struct relay_bounds bounds;
	struct relay_env env;
	struct pair *pairs; /* the one silent for longest first */
	uint64_t counts[NVERDICTS];
	uint64_t turn[NVERDICTS]; /* of them, not on disk yet */
	/*
	 * The answers to the last ones that left in a wrapper, should it come back; those of the
	 * wrappers n are at n % WRAPPERS.  May be NULL.
	 */
	xmpp_stanza_t *wrappers[WRAPPERS];
	unsigned long nwrappers;
};

const struct relay_bounds relay_bounds_default = {
	.burst = 30,
	.refill_ms = SECOND_MS,
	.pairs = 10000,
};

/* -- Who writes how much ----------------------------------------------------------------------- */

/* Again the last to have been heard of, or for the first time.  NULL without memory. */
static struct pair *
touch(struct relays *r, const char *key)
{
	struct pair *p;

	HASH_FIND_STR(r->pairs, key, p);
	if (p != NULL) {
		HASH_DEL(r->pairs, p);
	} else {
		p = calloc(1, sizeof(*p) + strlen(key) + 1);
		if (p == NULL)
			return NULL;
		strcpy(p->key, key);
	}
	HASH_ADD_STR(r->pairs, key, p);
	if (p->hh.tbl != NULL)
		return p;
	free(p);
	return NULL;
}

static void
forget_oldest(struct relays *r)
{
	struct pair *oldest = r->pairs;

	HASH_DEL(r->pairs, oldest);
	free(oldest);
}

/* PASSED_ON: this one may be. */
static enum verdict
pay(struct relays *r, const char *from, const char *to)
{
	int64_t now = clock_mono(r->env.clock);
	char key[2 * JID_BARE_MAX + 2];
	struct pair *p;
	bool told;

	/* Neither has a '/'. */
	snprintf(key, sizeof(key), "%s/%s", from, to);
	p = touch(r, key);
	if (p == NULL)
		return TROUBLE;
	if (HASH_COUNT(r->pairs) > r->bounds.pairs)
		forget_oldest(r);
	if (p->paid_until < now)
		p->paid_until = now;
	if (p->paid_until - now <= ((int64_t)r->bounds.burst - 1) * r->bounds.refill_ms) {
		p->paid_until += r->bounds.refill_ms;
		p->told = false;
		return PASSED_ON;
	}
	told = p->told;
	p->told = true;
	return told ? SILENCED : TOO_FAST;
}

/* -- Messages ---------------------------------------------------------------------------------- */

static enum verdict
permission(struct relays *r, const char *from, const char *to)
{
	static const enum verdict verdicts[] = {
		[RELAY_YES] = PASSED_ON,
		[RELAY_STRANGERS] = STRANGERS,
		[RELAY_STOPPED] = STOPPED,
		[RELAY_DENIED] = DENIED,
		[RELAY_TROUBLE] = TROUBLE,
	};

	return verdicts[r->env.may(r->env.arg, from, to)];
}

/* What is to be answered should the wrapper come back; without memory nothing is. */
static void
keep(struct relays *r, xmpp_stanza_t *message)
{
	xmpp_stanza_t **kept = &r->wrappers[r->nwrappers++ % WRAPPERS];
	const struct refusal *refusal = &refusals[TROUBLE];

	if (*kept != NULL)
		xmpp_stanza_release(*kept);
	*kept = stanza_error(r->env.ctx, message, refusal->type, refusal->condition, refusal->words,
	    NULL, NULL);
}

static enum verdict
pass_on(struct relays *r, const struct jid *from, const struct jid *person, xmpp_stanza_t *message,
    struct span inner)
{
	const char *ns = privilege_message_ns(r->env.privilege, from->domain);
	struct buf frame = { .max = COPY_MAX };
	struct relayed m = {
		.type = strcmp(stanza_attr(message, "type"), "chat") == 0 ? "chat" : "normal",
		.id = stanza_attr(message, "id"),
		.lang = stanza_attr(message, "xml:lang"),
		.sender = from->bare,
		.recipient = person->bare,
		.inner = inner,
	};
	char wrapper_id[32];
	enum res res;

	snprintf(wrapper_id, sizeof(wrapper_id), "relay-%lu", r->nwrappers);
	m.wrapper_id = wrapper_id;
	res = message_frame_relayed(&frame, &m, r->env.address, ns);
	if (res == RES_OK && frame.len > STREAM_STANZA_MAX)
		res = RES_INVALID;
	if (res == RES_OK)
		res = r->env.write(r->env.arg, buf_as_span(&frame));
	if (res == RES_OK && ns != NULL)
		keep(r, message);
	buf_free(&frame);
	return res == RES_OK ? PASSED_ON : res == RES_INVALID ? TOO_LARGE : TROUBLE;
}

static enum verdict
judge(struct relays *r, const struct jid *from, const struct jid *to, xmpp_stanza_t *message,
    struct span inner)
{
	enum verdict verdict = pay(r, from->bare, to->local);
	struct jid person;
	enum res res;

	if (verdict != PASSED_ON)
		return verdict;
	res = jid_of_alias(&person, to->local);
	if (res == RES_NOMEM)
		return TROUBLE;
	/* Who writes to themselves by an alias would go on for ever, were it a machine. */
	if (res != RES_OK || strcmp(person.domain, r->env.address) == 0 ||
	    strcmp(person.bare, from->bare) == 0)
		return NOBODY;
	verdict = permission(r, from->bare, person.bare);
	if (verdict != PASSED_ON)
		return verdict;
	if (message_content(message) == MESSAGE_ENCRYPTED)
		return ENCRYPTED;
	if (inner.len > STREAM_STANZA_MAX)
		return TOO_LARGE;
	return pass_on(r, from, &person, message, inner);
}

static void
settle(struct relays *r, xmpp_stanza_t *message, enum verdict verdict)
{
	const struct refusal *refusal = &refusals[verdict];

	r->counts[verdict]++;
	r->turn[verdict]++;
	if (refusal->condition != NULL)
		r->env.answered(r->env.arg, stanza_error(r->env.ctx, message, refusal->type,
		    refusal->condition, refusal->words, NULL, NULL));
	if (verdict != SILENCED && !r->env.again(r->env.arg, message))
		r->env.answered(r->env.arg, NULL);
}

/* Nobody has written this to us now, or a machine has. */
static bool
is_machines(const struct relays *r, const struct jid *from, xmpp_stanza_t *message)
{
	const char *type = stanza_attr(message, "type");

	/* OMEMO's keys come beside words that say nothing, or none. */
	if (stanza_child(message, "encrypted", NULL) != NULL &&
	    message_content(message) != MESSAGE_ENCRYPTED)
		return true;
	return (*type != '\0' && strcmp(type, "normal") != 0 && strcmp(type, "chat") != 0) ||
	    *from->local == '\0' || strcmp(from->domain, r->env.address) == 0 ||
	    stanza_child(message, "sent", NS_CARBONS) != NULL ||
	    stanza_child(message, "received", NS_CARBONS) != NULL;
}

void
relays_handle(
    struct relays *r, const struct jid *from, const struct jid *to, xmpp_stanza_t *message)
{
	struct buf inner = { .max = COPY_MAX };
	bool content;

	if (is_machines(r, from, message))
		return;
	if (message_copy(&inner, message, &content) != RES_OK)
		r->env.answered(r->env.arg, NULL);
	else if (content || message_content(message) == MESSAGE_ENCRYPTED)
		settle(r, message, judge(r, from, to, message, buf_as_span(&inner)));
	buf_free(&inner);
}

void
relays_refused(struct relays *r, const char *id)
{
	unsigned long i = r->nwrappers < WRAPPERS ? 0 : r->nwrappers - WRAPPERS;
	char name[32];

	for (; i < r->nwrappers; i++) {
		snprintf(name, sizeof(name), "relay-%lu", i);
		if (strcmp(name, id) != 0 || r->wrappers[i % WRAPPERS] == NULL)
			continue;
		r->env.answered(r->env.arg, r->wrappers[i % WRAPPERS]);
		r->wrappers[i % WRAPPERS] = NULL;
	}
}

/* -- Turns, and what is measured --------------------------------------------------------------- */

void
relays_committed(struct relays *r)
{
	memset(r->turn, 0, sizeof(r->turn));
}

void
relays_failed(struct relays *r)
{
	for (size_t i = 0; i < NVERDICTS; i++)
		r->counts[i] -= r->turn[i];
	relays_committed(r);
}

void
relays_expose(const struct relays *r, struct buf *out)
{
	static const char name[] = "laterd_relayed_total";

	metrics_family(out, name, "counter", "Messages to the addresses that stand for users.");
	for (size_t i = 0; i < NVERDICTS; i++)
		metrics_sample(out, name, (double)r->counts[i], "result", verdict_names[i], NULL);
}

struct relays *
relays_new(const struct relay_bounds *bounds, const struct relay_env *env)
{
	struct relays *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->bounds = *bounds;
	r->env = *env;
	return r;
}

void
relays_free(struct relays **rp)
{
	struct relays *r = *rp;

	if (r == NULL)
		return;
	while (r->pairs != NULL)
		forget_oldest(r);
	for (size_t i = 0; i < WRAPPERS; i++)
		if (r->wrappers[i] != NULL)
			xmpp_stanza_release(r->wrappers[i]);
	free(r);
	*rp = NULL;
}
