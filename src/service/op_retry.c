/* Sending again what failed or is uncertain: one packet, or all of a gateway. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "service/intake.h"
#include "service/operators.h"

#define TITLE "Send again what failed or is uncertain"
/* Written in one turn. */
#define PAGE 200
/* Of many, their operator is told how far it is so often. */
#define SAY_EVERY 5000
#define STEP_MS   1

static void step(void *arg);

/* As if it never had been: a person says that it is not there. */
static bool
again(struct service *s, struct packet *p)
{
	int64_t now = service_now(s);

	p->next_at = now;
	p->sent_at = p->finished_at = 0;
	p->attempts = 0;
	p->gateway = p->gateway_ref = NULL;
	/* It is not too late because of what happened meanwhile. */
	p->held = true;
	if (p->expires_at <= now)
		p->expires_at = now + intake_expiry_ms(s, p->kind);
	s->rearm = true;
	return settle_move(s, p, EV_RETRY, "to be sent again, says an operator");
}

/* The instructions, for chat, which does not show those of a confirmation. */
static void
warn(struct run *r)
{
	r->reply->note_type = NOTE_WARN;
	buf_text(&r->reply->note, r->reply->form.instructions);
}

/* -- One packet -------------------------------------------------------------------------------- */

static void
retry_one(struct run *r, struct packet *p)
{
	struct form *f = &r->reply->form;

	if (packet_next(p->state, EV_RETRY) == PACKET_ILLEGAL) {
		reply_done(r, NOTE_ERROR, "%s is %s: only what failed or is uncertain is sent again.",
		    p->id, packet_state_name(p->state));
		return;
	}
	if (r->stage == COMMAND_CHECK) {
		r->reply->kind = REPLY_CONFIRM;
		r->reply->asks = true;
		f->title = TITLE;
		f->instructions = p->state == PACKET_UNCERTAIN
		    ? "It may have been sent already: then it is sent twice."
		    : "It is sent once more.";
		warn(r);
		reply_plain(r, "id", NULL,
		    arena_printf(&f->arena, "%s: %s of %s to %s, %s", p->id,
			packet_kind_name(p->kind), p->sender, p->recipient,
			packet_state_name(p->state)));
	} else if (again(r->s, p))
		reply_done(r, NOTE_INFO, "%s to %s is sent again.", p->id, p->recipient);
	else
		reply_done(r, NOTE_ERROR, "%s has changed meanwhile: look at it again.", p->id);
}

/* -- All of a gateway -------------------------------------------------------------------------- */

/* Up to PAGE of those that came into trouble before; how many. */
static size_t
retry_page(struct service *s)
{
	struct retrying *t = &s->retrying;
	struct store *st = s->env.store;
	struct packets ps = { 0 };
	size_t n = 0;

	/* After a clock was set back, what fails once more must not look like what failed before. */
	if (t->upto > service_now(s))
		t->upto = service_now(s);
	if (st->ops->find(st, FIND_TROUBLE, t->gateway, t->upto, PAGE, &ps) != RES_OK)
		s->broken = true;
	for (size_t i = 0; i < ps.n && !s->broken; i++)
		n += again(s, &ps.v[i]);
	packets_free(&ps);
	t->n += (int64_t)n;
	t->taken += (int64_t)n;
	return n;
}

static void
go_on(struct service *s)
{
	/* A store that is out of order is not waited for by the millisecond. */
	int64_t wait_ms = service_halted(s) ? SECOND_MS : STEP_MS;

	timer_set(s->env.timers, &s->retrying.timer, clock_mono(s->env.clock) + wait_ms, step, s);
}

static void
say(struct service *s, bool over)
{
	struct retrying *t = &s->retrying;
	struct buf text = { .max = 1024 };

	buf_printf(&text, "retry %s: %lld are sent again%s.", t->gateway, (long long)t->n,
	    over ? "; that was the last of them" : " so far");
	notify_user(s, t->operator, buf_as_span(&text));
	t->said = t->n;
	buf_free(&text);
}

static void
step(void *arg)
{
	struct service *s = arg;
	struct retrying *t = &s->retrying;

	if (!service_halted(s) && retry_page(s) == 0 && !s->broken) {
		say(s, true);
		t->over = true;
		return;
	}
	if (t->n - t->said >= SAY_EVERY && !service_halted(s))
		say(s, false);
	go_on(s);
}

void
op_retry_end_turn(struct service *s, bool on_disk)
{
	struct retrying *t = &s->retrying;

	if (!on_disk)
		t->n -= t->taken;
	if (on_disk ? t->over : t->fresh) {
		timer_stop(&t->timer);
		t->gateway[0] = '\0';
	} else if (t->over)
		go_on(s);
	t->taken = 0;
	t->fresh = t->over = false;
}

static void
ask_all(struct run *r, const char *gateway)
{
	struct store *st = r->s->env.store;
	struct packets ps = { 0 };
	struct form *f = &r->reply->form;

	if (st->ops->find(st, FIND_TROUBLE, gateway, r->now, PAGE, &ps) != RES_OK)
		reply_trouble(r);
	else if (ps.n == 0)
		reply_done(r, NOTE_INFO, "Nothing failed at %s, and nothing is uncertain.", gateway);
	else {
		r->reply->kind = REPLY_CONFIRM;
		r->reply->asks = true;
		f->title = TITLE;
		f->instructions = "What is uncertain may have been sent already: then it is sent twice.";
		warn(r);
		reply_row(r, "id", "Gateway", gateway);
		reply_row(r, "packets", "Packets",
		    arena_printf(&f->arena, "%s%zu", ps.n == PAGE ? "at least " : "", ps.n));
	}
	packets_free(&ps);
}

static void
retry_all(struct run *r, const char *gateway)
{
	struct service *s = r->s;
	struct retrying *t = &s->retrying;
	size_t n;

	if (t->gateway[0] != '\0') {
		reply_done(r, NOTE_ERROR, "What failed at %s is still being sent again: wait for its end.",
		    t->gateway);
		return;
	}
	timer_stop(&t->timer);
	*t = (struct retrying){ .upto = r->now, .fresh = true };
	snprintf(t->operator, sizeof(t->operator), "%s", r->who->jid.bare);
	snprintf(t->gateway, sizeof(t->gateway), "%s", gateway);
	n = retry_page(s);
	reply_done(r, NOTE_INFO, "%lld are sent again", (long long)t->n);
	if (n < PAGE) {
		t->gateway[0] = '\0';
		buf_text(&r->reply->note, ".");
	} else {
		buf_text(&r->reply->note, "; there are more, and you are told when that is done.");
		go_on(s);
	}
}

/* -- The command ------------------------------------------------------------------------------- */

static void
ask(struct run *r, const char *error)
{
	static const char instructions[] = "The id of a packet, or the name of a gateway.";
	struct form *f = &r->reply->form;
	struct field *fd;

	r->reply->kind = REPLY_FORM;
	f->title = TITLE;
	f->instructions = instructions;
	if (error != NULL)
		reply_again(r, TITLE, instructions, error);
	r->reply->wrong = error != NULL ? "id" : NULL;
	if ((fd = form_add(f, FIELD_TEXT, "id", "Packet or gateway")) != NULL)
		fd->required = true;
}

static bool
is_gateway(const struct service *s, const char *name)
{
	const struct routing *routing = &s->config->routing;

	for (size_t i = 0; i < routing->ngateways; i++)
		if (strcmp(routing->gateways[i].name, name) == 0)
			return true;
	return false;
}

void
op_retry(struct run *r)
{
	const char *what;
	struct packets ps = { 0 };

	if (r->stage == COMMAND_ASK) {
		ask(r, NULL);
		return;
	}
	what = arena_span(&r->in->arena, span_trim(span_of(form_get(r->in, "id"))));
	if (what == NULL)
		reply_trouble(r);
	else if (r->s->draining)
		reply_done(r, NOTE_ERROR, "Nothing is sent while the service is drained.");
	else if (is_gateway(r->s, what) && r->stage == COMMAND_CHECK)
		ask_all(r, what);
	else if (is_gateway(r->s, what))
		retry_all(r, what);
	else {
		r->any = true;
		switch (choose_own(r, what, &ps)) {
		case RES_OK:
			retry_one(r, &ps.v[0]);
			break;
		case RES_NOTFOUND:
			choose_refuse(r);
			break;
		case RES_INVALID:
			ask(r, "This is neither the id of a packet nor the name of a gateway.");
			break;
		default:
			reply_trouble(r);
		}
	}
	packets_free(&ps);
}
