/*
 * A copy of all that is stored about a user: collected in steps between other work, and sent as a
 * message, or put where the user's own server keeps files (XEP-0363).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/parse.h"
#include "core/body.h"
#include "core/export.h"
#include "service/state.h"

#define COPIES_MAX  4
#define COPY_MAX    ((size_t)32 << 20)
#define CHAT_MAX    ((size_t)16 << 10)
#define PAGE        100
/* All that waits is looked up at once, and then read in pages. */
#define WAITING_MAX 100000
#define ARENA_MAX   ((size_t)256 << 20)
#define BODY_MAX    ((size_t)32 << 20)
/* A slot, and the upload, take no longer. */
#define ANSWER_MS   (3 * MINUTE_MS)
#define TYPE        "application/json"

struct copy {
	char user[JID_BARE_MAX + 1];
	struct buf out;
	struct export x;
	/* COPY_TOLD: in this turn, which may not come to be. */
	enum {
		COPY_BEGIN, COPY_WAITING, COPY_FINISHED, COPY_ASKED, COPY_UPLOADED, COPY_TOLD
	} stage;
	char (*ids)[PACKET_ID_LEN + 1]; /* of recurrences, and behind them of what waits */
	size_t nids, nseries, reached;  /* how many, and how far it has come */
	struct store_place place;
	uint64_t ticket;
	int64_t until;    /* monotonic: an answer is there by then */
	struct buf words; /* what the user is told when it is ready */
	struct copy *next;
};

static void step(void *arg);

static void
go_on(struct service *s, int64_t wait_ms)
{
	timer_set(s->env.timers, &s->copy_timer, clock_mono(s->env.clock) + wait_ms, step, s);
}

static void
copy_free(struct copy **c)
{
	buf_free(&(*c)->out);
	buf_free(&(*c)->words);
	free((*c)->ids);
	free(*c);
	*c = NULL;
}

void
export_clear(struct service *s)
{
	struct copy *c;

	while ((c = s->copies) != NULL) {
		s->copies = c->next;
		copy_free(&c);
	}
	timer_stop(&s->copy_timer);
}

void
export_end_turn(struct service *s, bool on_disk)
{
	struct copy *c;

	for (struct copy **at = &s->copies; (c = *at) != NULL;) {
		if (c->stage == COPY_TOLD && on_disk) {
			*at = c->next;
			copy_free(&c);
			continue;
		}
		if (c->stage == COPY_TOLD)
			c->stage = COPY_UPLOADED;
		at = &c->next;
	}
	if (s->copies != NULL && !timer_waits(&s->copy_timer))
		go_on(s, SECOND_MS);
}

void
export_drop(struct service *s, const char *user)
{
	struct copy *c;

	for (struct copy **at = &s->copies; (c = *at) != NULL;)
		if (strcmp(c->user, user) == 0) {
			*at = c->next;
			copy_free(&c);
		} else
			at = &c->next;
}

/* -- Collecting -------------------------------------------------------------------------------- */

/* The text of a body as it is stored, and of an MMS its parts in *mms, else NULL. */
static const struct mms *
read_body(enum packet_kind kind, struct span body, struct buf *text, struct arena *arena,
    struct mms *mms)
{
	if (kind == KIND_IM)
		(void)body_im_text(text, body);
	else if (kind == KIND_SMS)
		buf_span(text, body);
	else if (mms_parse_summary(mms, body, arena) == RES_OK) {
		buf_span(text, mms->text);
		return mms;
	}
	return NULL;
}

static enum res
add_packet(struct service *s, struct copy *c, const struct packet *p)
{
	struct buf body = { .max = BODY_MAX }, text = { .max = BODY_MAX };
	struct arena arena = { .max = BODY_MAX };
	struct events history = { 0 };
	struct mms mms;
	const struct mms *parts = NULL;
	enum res res = deliver_open(s, p, &body);

	if (res == RES_OK)
		parts = read_body(p->kind, buf_as_span(&body), &text, &arena, &mms);
	/* What is damaged is told of without its text. */
	if (res == RES_OK || res == RES_PERMFAIL)
		res = s->env.store->ops->history(s->env.store, p->id, &history);
	if (res == RES_OK)
		res = export_packet(&c->x, p, buf_as_span(&text), parts, &history);
	events_free(&history);
	arena_free(&arena);
	buf_free(&text);
	buf_free(&body);
	return res;
}

static enum res
add_packets(struct service *s, struct copy *c, const struct packets *ps)
{
	enum res res = RES_OK;

	for (size_t i = 0; i < ps->n && res == RES_OK; i++)
		res = add_packet(s, c, &ps->v[i]);
	return res;
}

static enum res
add_series(struct service *s, struct copy *c, const struct series *se)
{
	struct buf body = { .max = BODY_MAX }, text = { .max = BODY_MAX };
	struct arena arena = { .max = BODY_MAX };
	struct mms mms;
	const struct mms *parts = NULL;
	enum res res = repeat_open(s, se, &body);

	if (res == RES_OK)
		parts = read_body(se->kind, buf_as_span(&body), &text, &arena, &mms);
	if (res == RES_OK || res == RES_PERMFAIL)
		res = export_series(&c->x, se, buf_as_span(&text), parts);
	arena_free(&arena);
	buf_free(&text);
	buf_free(&body);
	return res;
}

/* A list that has met its bound looks like any other. */
static bool
is_whole(const struct arena *a)
{
	return a->used < ARENA_MAX / 2;
}

static enum res
find_ids(struct service *s, struct copy *c)
{
	struct store *st = s->env.store;
	struct series_list ss = { .arena = { .max = ARENA_MAX } };
	struct packets ps = { .arena = { .max = ARENA_MAX } };
	enum res res = st->ops->find_series(st, SERIES_OF, c->user, WAITING_MAX, &ss);

	if (res == RES_OK)
		res = st->ops->find(st, FIND_WAITING, c->user, 0, WAITING_MAX, &ps);
	if (res == RES_OK &&
	    (!is_whole(&ss.arena) || !is_whole(&ps.arena) ||
		(c->ids = calloc(ss.n + ps.n + 1, sizeof(*c->ids))) == NULL))
		res = RES_NOMEM;
	if (res == RES_OK) {
		for (size_t i = 0; i < ss.n; i++)
			memcpy(c->ids[c->nids++], ss.v[i].id, sizeof(ss.v[i].id));
		c->nseries = c->nids;
		for (size_t i = 0; i < ps.n; i++)
			memcpy(c->ids[c->nids++], ps.v[i].id, sizeof(ps.v[i].id));
	}
	series_free(&ss);
	packets_free(&ps);
	return res;
}

static enum res
begin(struct service *s, struct copy *c)
{
	struct store *st = s->env.store;
	struct events charges = { 0 };
	struct account account;
	bool stopped = false;
	enum res res = st->ops->account(st, c->user, &account);

	c->out.max = COPY_MAX;
	if (res == RES_OK)
		res = st->ops->stopped(st, c->user, &stopped);
	if (res == RES_OK)
		res = export_begin(&c->x, &c->out, s->config->address, c->user, service_now(s),
		    &account, stopped);
	if (res == RES_OK)
		res = st->ops->charges(st, c->user, WAITING_MAX, &charges);
	if (res == RES_OK)
		res = export_charges(&c->x, &charges);
	if (res == RES_OK)
		res = find_ids(s, c);
	c->stage = COPY_WAITING;
	events_free(&charges);
	return res;
}

/* What is not there any more is left out; what does not wait any more comes with the finished. */
static enum res
add_next(struct service *s, struct copy *c)
{
	struct store *st = s->env.store;
	struct series_list ss = { 0 };
	struct packets ps = { 0 };
	bool is_series = c->reached < c->nseries;
	const char *id = c->ids[c->reached++];
	enum res res = is_series ? st->ops->get_series(st, id, &ss) : st->ops->get(st, id, &ps);

	if (res == RES_OK && is_series)
		res = add_series(s, c, &ss.v[0]);
	else if (res == RES_OK && packet_is_waiting(ps.v[0].state))
		res = add_packet(s, c, &ps.v[0]);
	series_free(&ss);
	packets_free(&ps);
	return res == RES_NOTFOUND || res == RES_PERMFAIL ? RES_OK : res;
}

static enum res
waiting(struct service *s, struct copy *c)
{
	enum res res = RES_OK;

	for (int i = 0; i < PAGE && c->reached < c->nids && res == RES_OK; i++)
		res = add_next(s, c);
	if (c->reached == c->nids)
		c->stage = COPY_FINISHED;
	return res;
}

/* -- Handing it over --------------------------------------------------------------------------- */

static void
say(struct copy *c, const char *words)
{
	c->stage = COPY_UPLOADED;
	buf_reset(&c->words);
	c->words.max = 4096;
	buf_printf(&c->words, "The copy of your data could not be handed over: %s", words);
}

static void
hand_over(struct service *s, struct copy *c)
{
	struct slot_request rq = {
		.user = c->user, .name = "laterd.json", .type = TYPE, .size = c->out.len,
		.ticket = ++s->uploads,
	};

	/* What a chat cannot say would be tried in vain for ever. */
	if (c->out.len <= CHAT_MAX && xml_text_valid(buf_as_span(&c->out))) {
		c->words.max = CHAT_MAX;
		c->stage = COPY_UPLOADED;
		buf_span(&c->words, buf_as_span(&c->out));
		return;
	}
	c->ticket = rq.ticket;
	c->until = clock_mono(s->env.clock) + ANSWER_MS;
	c->stage = COPY_ASKED;
	if (s->messenger->ops->request_slot(s->messenger, &rq) != RES_OK)
		say(c, "your server cannot be asked for a place for it at the moment. Try again later.");
}

static enum res
finished(struct service *s, struct copy *c)
{
	struct packets ps = { 0 };
	enum res res = s->env.store->ops->finished(s->env.store, c->user, &c->place, PAGE, &ps);
	bool last = ps.n == 0;

	if (res == RES_OK)
		res = last ? export_end(&c->x) : add_packets(s, c, &ps);
	if (res == RES_OK && last)
		hand_over(s, c);
	packets_free(&ps);
	return res;
}

static void
one_step(struct service *s, struct copy *c)
{
	enum res res = RES_OK;

	switch (c->stage) {
	case COPY_BEGIN:
		res = begin(s, c);
		break;
	case COPY_WAITING:
		res = waiting(s, c);
		break;
	case COPY_FINISHED:
		res = finished(s, c);
		break;
	case COPY_ASKED:
		if (clock_mono(s->env.clock) >= c->until)
			say(c, "the upload service of your server does not answer. Try again later.");
		break;
	case COPY_UPLOADED:
		(void)notify_user(s, c->user, buf_as_span(&c->words));
		c->stage = COPY_TOLD;
		break;
	case COPY_TOLD:
		break;
	}
	if (res == RES_NOMEM)
		say(c, "there is more than this service can send at once. Ask its operator for it.");
	else if (res != RES_OK)
		say(c, "the store cannot be read at the moment. Try again later.");
}

/* Each of them a step; other events have their turns in between. */
static void
step(void *arg)
{
	struct service *s = arg;
	bool waits = true;

	for (struct copy *c = s->copies; c != NULL && !service_halted(s); c = c->next) {
		one_step(s, c);
		waits = waits && c->stage == COPY_ASKED;
	}
	if (s->copies != NULL)
		go_on(s, waits || service_halted(s) ? SECOND_MS : 1);
}

/* -- What the others report -------------------------------------------------------------------- */

static struct copy *
of_ticket(struct service *s, uint64_t ticket)
{
	struct copy *c = s->copies;

	while (c != NULL && (c->stage != COPY_ASKED || c->ticket != ticket))
		c = c->next;
	return c;
}

void
export_slot(void *arg, uint64_t ticket, enum res res, const struct slot *slot, const char *words)
{
	struct service *s = arg;
	struct copy *c = of_ticket(s, ticket);

	if (c == NULL)
		return;
	if (res == RES_OK &&
	    s->gateways->ops->upload(s->gateways, slot, TYPE, buf_as_span(&c->out), ticket) ==
		RES_OK) {
		buf_reset(&c->words);
		c->words.max = 4096;
		buf_printf(&c->words, "The copy of your data is there: %s", slot->get);
	} else
		say(c, res != RES_OK && words != NULL ? words : "it cannot be uploaded at the moment. Try again later.");
}

void
export_uploaded(void *arg, uint64_t ticket, enum res res, const char *words)
{
	struct service *s = arg;
	struct copy *c = of_ticket(s, ticket);

	if (c == NULL)
		return;
	if (res != RES_OK)
		say(c, words != NULL ? words : "it could not be uploaded.");
	c->stage = COPY_UPLOADED;
}

/* -- The command ------------------------------------------------------------------------------- */

static struct copy *
copy_new(const char *user)
{
	struct copy *c = calloc(1, sizeof(*c));

	if (c != NULL)
		snprintf(c->user, sizeof(c->user), "%s", user);
	return c;
}

void
export_all(struct run *r)
{
	struct service *s = r->s;
	const char *user = r->who->jid.bare;
	size_t n = 0;
	struct copy *c;

	for (c = s->copies; c != NULL; c = c->next, n++)
		if (strcmp(c->user, user) == 0) {
			reply_done(r, NOTE_INFO,
			    "Your data are being collected already; you get a message when they are there.");
			return;
		}
	if (n >= COPIES_MAX || (c = copy_new(user)) == NULL) {
		reply_refuse(r->reply, "resource-constraint", "wait",
		    "Others get copies of their data at the moment: try again in a minute.");
		return;
	}
	c->next = s->copies;
	s->copies = c;
	log_detail("%s gets a copy of their data", user);
	go_on(s, 1);
	reply_done(r, NOTE_INFO,
	    "Your data are being collected; you get them in a message, or a link to them.");
}
