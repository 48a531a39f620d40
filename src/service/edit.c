/* Changing what waits: its fields, or only that it leaves now. */
#include <string.h>

#include "core/body.h"
#include "service/intake.h"

#define BODY_MAX ((size_t)32 << 20)

/* Everything about the message at hand. */
struct editing {
	struct packets ps;
	struct series_list ss;
	struct packet *p;
	struct series *series; /* NULL: it does not repeat, or goes on without this packet */
	struct buf stored;     /* its body, with {date} and {time} where they were written */
	bool apart;            /* it says something else than the recurrence, or to somebody else */
	struct arena arena;
	struct mms mms;
	struct edited edited;
	bool following;
};

static void
editing_end(struct editing *e)
{
	buf_free(&e->stored);
	arena_free(&e->arena);
	series_free(&e->ss);
	packets_free(&e->ps);
}

/* -- This one, or all that follow -------------------------------------------------------------- */

void
edit_scope(struct run *r, const char *chosen)
{
	struct form *f = &r->reply->form;
	struct field *fd = form_add(f, FIELD_LIST, "scope", "Of a message that repeats");

	form_option(f, fd, "this", "only this one");
	form_option(f, fd, "following", "this one and all that follow");
	form_value(f, fd, chosen);
}

bool
edit_read_scope(struct form *in, bool otherwise_following, bool *following)
{
	struct span scope = span_trim(span_of(form_get(in, "scope")));

	*following = scope.len == 0 ? otherwise_following : span_caseeq(scope, SPAN("following"));
	return scope.len == 0 || *following || span_caseeq(scope, SPAN("this"));
}

/* -- What it is now ---------------------------------------------------------------------------- */

/* False when it cannot be changed any more, and the reply says why. */
static bool
is_open(struct run *r, const struct packet *p)
{
	if (packet_next(p->state, EV_EDIT) != PACKET_ILLEGAL)
		return true;
	reply_done(r, NOTE_ERROR, "%s cannot be changed any more: it is %s.", p->id,
	    cancel_too_late[p->state]);
	return false;
}

static bool
find_packet(struct run *r, const struct choice *choice, struct editing *e)
{
	if (!choose_one(r, choice, &e->ps) || !is_open(r, &e->ps.v[0]))
		return false;
	e->p = &e->ps.v[0];
	if (repeat_get(r->s, e->p->series, &e->ss) && strcmp(e->ss.v[0].packet, e->p->id) == 0)
		e->series = &e->ss.v[0];
	return !r->s->broken;
}

/* Where it says what all say, that is what is edited; else its own text, which is not to be lost. */
static enum res
read_occurrence(struct run *r, struct editing *e)
{
	struct buf written = { .max = BODY_MAX }, said = { .max = BODY_MAX };
	struct zone zone = zones_of_packet(r->s, e->p);
	enum res res = repeat_open(r->s, e->series, &written);

	if (res == RES_OK)
		res = repeat_body(e->p->kind, buf_as_span(&written), e->p->due_at, &zone,
		    r->account.hours, &said);
	if (res == RES_OK && !span_eq(buf_as_span(&said), buf_as_span(&e->stored)))
		e->apart = true;
	else if (res == RES_OK) {
		buf_reset(&e->stored);
		res = buf_span(&e->stored, buf_as_span(&written));
	}
	e->apart = e->apart || strcmp(e->p->recipient, e->series->recipient) != 0 ||
	    e->p->offline != e->series->offline;
	buf_free(&written);
	buf_free(&said);
	return res;
}

static enum res
read_stored(struct run *r, struct editing *e)
{
	enum res res;

	e->stored.max = BODY_MAX;
	res = deliver_open(r->s, e->p, &e->stored);
	if (res == RES_OK && e->series != NULL)
		res = read_occurrence(r, e);
	if (res == RES_OK && e->p->kind == KIND_MMS) {
		e->arena.max = BODY_MAX;
		res = mms_parse(&e->mms, buf_as_span(&e->stored), &e->arena);
		e->edited.mms = &e->mms;
	}
	return res;
}

static bool
read_body(struct run *r, struct editing *e)
{
	enum res res = read_stored(r, e);

	if (res == RES_PERMFAIL)
		reply_done(r, NOTE_ERROR,
		    "The stored text of %s is damaged and cannot be read: cancel it, and write a new one.",
		    e->p->id);
	else if (res != RES_OK)
		r->s->broken = true;
	return res == RES_OK;
}

/* -- The form, filled in ----------------------------------------------------------------------- */

static const char *
exact(struct arena *arena, int64_t at, const struct zone *zone)
{
	struct buf text = { .max = 256 };
	const char *copy;

	when_print_exact(&text, at, zone);
	copy = arena_text(arena, buf_str(&text));
	buf_free(&text);
	return copy;
}

/* What is the default is left empty: it moves with the time. */
static bool
expires_by_itself(struct run *r, const struct editing *e)
{
	if (e->series == NULL)
		return e->p->expires_at == e->p->due_at + intake_expiry_ms(r->s, e->p->kind);
	return e->series->expires_ms == 0 &&
	    (e->following || e->p->expires_at == repeat_expiry(r->s, e->series, e->p->due_at));
}

static void
describe(struct run *r, struct editing *e)
{
	struct arena *arena = &r->in->arena;
	struct zone zone = zones_of_packet(r->s, e->p);
	struct civil start;
	const char *word = NULL;
	struct edited *ed = &e->edited;

	ed->p = e->p;
	ed->series = e->series;
	ed->alone = e->series != NULL && !e->following;
	ed->when = exact(arena, e->p->due_at, &zone);
	ed->expires = expires_by_itself(r, e) ? "" : exact(arena, e->p->expires_at, &zone);
	ed->repeat = "no";
	ed->rrule = "";
	if (e->series == NULL)
		return;
	if (recur_start_parse(&start, e->series->start) == RES_OK)
		word = recur_preset_of(&e->series->rule, &start);
	if (word != NULL)
		ed->repeat = word;
	else
		ed->rrule = e->series->rule.rule;
}

static void
fill_missing(struct form *in, const char *var, const char *text)
{
	if (form_find(in, var) == NULL)
		form_set(in, var, text != NULL ? text : "");
}

static void
fill_text(struct form *in, const struct editing *e)
{
	struct buf text = { .max = BODY_MAX };

	if (e->p->kind == KIND_MMS) {
		buf_span(&text, e->mms.text);
		fill_missing(in, "subject", arena_span(&in->arena, e->mms.subject));
	} else if (e->p->kind == KIND_IM)
		body_im_text(&text, buf_as_span(&e->stored));
	else
		buf_span(&text, buf_as_span(&e->stored));
	fill_missing(in, "body", buf_str(&text));
	buf_reset(&text);
	for (size_t i = 0; i < e->mms.nmedia; i++)
		buf_printf(&text, "%s%s", i > 0 ? "\n" : "",
		    e->mms.media[i].url != NULL ? e->mms.media[i].url : "");
	if (e->p->kind == KIND_MMS)
		fill_missing(in, "media", buf_str(&text));
	buf_free(&text);
}

/* What the submitted form leaves out stays as it is. */
static void
fill(struct run *r, const struct editing *e)
{
	struct form *in = r->in;

	fill_missing(in, "to", e->p->recipient);
	fill_missing(in, "when", e->edited.when);
	fill_missing(in, "repeat", e->edited.repeat);
	/* Either of them alone means to be the rule from now on. */
	fill_missing(in, "rrule",
	    strcmp(form_get(in, "repeat"), e->edited.repeat) == 0 ? e->edited.rrule : "");
	if (e->p->kind == KIND_IM)
		fill_missing(in, "offline", offline_name(e->p->offline));
	fill_missing(in, "expires", e->edited.expires);
	fill_text(in, e);
}

static bool
says_more(const struct form *in)
{
	static const char *const vars[] = { "to", "when", "subject", "body", "media", "repeat",
		"rrule", "offline", "expires" };

	for (size_t i = 0; i < sizeof(vars) / sizeof(vars[0]); i++)
		if (form_find(in, vars[i]) != NULL)
			return true;
	return false;
}

/* Nothing is left to be taken from this one for all that follow, or lost with it. */
static bool
says_all(const struct editing *e, const struct form *in)
{
	enum packet_kind kind = e->p->kind;

	return form_find(in, "to") != NULL && form_find(in, "body") != NULL &&
	    (kind != KIND_IM || form_find(in, "offline") != NULL) &&
	    (kind != KIND_MMS ||
		(form_find(in, "subject") != NULL && form_find(in, "media") != NULL));
}

static void
show_form(struct run *r, const struct editing *e, const char *error)
{
	struct form *f = &r->reply->form;
	const char *title = arena_printf(&f->arena, "Change message %s", e->p->id);

	fill(r, e);
	r->reply->kind = REPLY_FORM;
	f->title = title;
	f->instructions = schedule_instructions(r);
	if (error != NULL)
		reply_again(r, title, f->instructions, error);
	form_value(f, form_add(f, FIELD_HIDDEN, "id", NULL), e->p->id);
	schedule_fields(r, e->p->kind);
	if (e->series != NULL)
		edit_scope(r, e->following ? "following" : "this");
}

/* -- Writing it -------------------------------------------------------------------------------- */

/* The recurrence as it is to be from now on; its packet is p. */
static enum res
write_series(struct run *r, const struct request *rq, struct editing *e)
{
	struct store *st = r->s->env.store;
	struct series se = { 0 };
	struct buf body = { .max = BODY_MAX };
	enum res res = RES_OK;

	if (e->edited.alone)
		return RES_OK;
	if (rq->rule.rule[0] == '\0') {
		e->p->series[0] = '\0';
		return e->series != NULL ? st->ops->drop_series(st, e->series->id) : RES_OK;
	}
	if (e->series != NULL)
		se = *e->series;
	else
		res = intake_series(r->s, rq, 0, &se);
	intake_fill_series(rq, 0, &se);
	memcpy(se.packet, e->p->id, sizeof(se.packet));
	memcpy(e->p->series, se.id, sizeof(e->p->series));
	se.at = rq->rule_at;
	if (res == RES_OK)
		res = intake_body(rq, false, &body);
	if (res == RES_OK)
		res = repeat_put(r->s, &se, buf_as_span(&body));
	buf_free(&body);
	return res;
}

/* It is charged anew: what it was charged before is given back. */
static enum res
write_packet(struct run *r, const struct request *rq, const struct estimate *cost,
    const struct packet *before, struct packet *p)
{
	struct store *st = r->s->env.store;
	struct buf body = { .max = BODY_MAX }, sealed = { 0 };
	enum res res = intake_body(rq, true, &body);

	p->charge_day = p->charge_units = 0;
	if (res == RES_OK)
		res = intake_seal(r->s, p, buf_as_span(&body), &sealed);
	if (res == RES_OK)
		res = st->ops->edit(st, p, r->now, "changed by the sender");
	if (res == RES_OK && before->charge_day != 0)
		res = st->ops->refund(st, before);
	p->charge_day = cost->period.day;
	p->charge_units = (int32_t)cost->units;
	if (res == RES_OK && !cost->charged_later &&
	    (res = st->ops->charge(st, p)) == RES_OK)
		quota_total_charged(r->s, p->kind, cost->period.day, &cost->adds);
	p->sealed = (struct span){ 0 };
	buf_free(&sealed);
	buf_free(&body);
	return res;
}

/* Is it paused, and does it stay so?  What ends to repeat does not. */
static bool
stays_paused(const struct request *rq, const struct editing *e)
{
	return e->series != NULL && e->series->paused && (rq->alone || rq->rule.rule[0] != '\0');
}

static void
apply(struct run *r, const struct request *rq, const struct estimate *cost, struct editing *e)
{
	struct packet *p = e->p, before = *p;
	char ids[1][PACKET_ID_LEN + 1];
	bool paused = stays_paused(rq, e);

	p->recipient = rq->to[0];
	p->offline = rq->offline;
	p->expires_at = rq->expires_at;
	if (!rq->kept) {
		p->due_at = rq->when.at;
		p->held = false;
		memcpy(p->zone, rq->when.zone.name, sizeof(p->zone));
	}
	p->next_at = paused ? NEVER_MS : p->due_at > r->now ? p->due_at : r->now;
	p->gateway = p->gateway_ref = NULL;
	/* Whatever failed, half of it must not be there. */
	if (write_series(r, rq, e) != RES_OK || write_packet(r, rq, cost, &before, p) != RES_OK) {
		r->s->broken = true;
		return;
	}
	r->s->rearm = true;
	memcpy(ids[0], p->id, sizeof(ids[0]));
	schedule_done(r, rq, "Changed:", ids);
	if (paused)
		buf_text(&r->reply->note, " It is paused: `resume` lets it go on.");
}

static enum res
read(struct run *r, const struct editing *e, struct request *rq, struct buf *why)
{
	enum res res = intake_read(r, e->p->kind, &e->edited, rq, why);

	if (res == RES_OK && rq->nto > 1) {
		buf_text(why,
		    "A message that waits has one recipient: schedule another one for the others.");
		return RES_INVALID;
	}
	if (res == RES_OK && e->p->next_at == NEVER_MS && !stays_paused(rq, e) &&
	    rq->when.at <= r->now) {
		buf_text(why, "When: it was paused at this time; write another one.");
		return RES_INVALID;
	}
	return res;
}

static void
show_change(
    struct run *r, const struct request *rq, const struct estimate *cost, const struct editing *e)
{
	struct form *f = &r->reply->form;

	confirm(r, rq, cost);
	f->title = arena_printf(&f->arena, "Change message %s", e->p->id);
	f->instructions = "Please check, and complete to change it.";
	if (e->series != NULL)
		reply_row(r, "scope", "Changed",
		    e->following ? "this one and all that follow" : "only this one");
}

static void
check_or_do(struct run *r, struct editing *e)
{
	struct request rq;
	struct estimate cost;
	struct buf why = { .max = 4096 };
	enum res res;

	fill(r, e);
	res = read(r, e, &rq, &why);
	if (res == RES_OK)
		res = intake_quota(r->s, &rq, e->p, r->now, &cost, &why);
	if (res == RES_UNCERTAIN)
		reply_later(r);
	else if (res == RES_OK && r->stage == COMMAND_CHECK)
		show_change(r, &rq, &cost, e);
	else if (res == RES_OK)
		apply(r, &rq, &cost, e);
	else if (res == RES_INVALID)
		show_form(r, e, buf_str(&why));
	else if (res == RES_OVERQUOTA)
		reply_done(r, NOTE_ERROR, "%s", buf_str(&why));
	else
		reply_trouble(r);
	buf_free(&why);
}

/* An attempt of it may have arrived: changing it would make two messages of one. */
static bool
never_left(struct run *r, const struct packet *p)
{
	if (p->sent_at == 0)
		return true;
	reply_done(r, NOTE_ERROR,
	    "%s left once, and may have arrived: cancel it, and write a new one.", p->id);
	return false;
}

void
edit(struct run *r)
{
	static const struct choice choice = {
		.title = "Change a message",
		.instructions = "Choose the message to change.",
		.none = "Nothing is waiting, so there is nothing to change.",
	};
	struct editing e = { 0 };

	if (find_packet(r, &choice, &e) && never_left(r, e.p) && read_body(r, &e)) {
		bool scope_is_right = edit_read_scope(r->in, false, &e.following);

		describe(r, &e);
		if (!scope_is_right)
			show_form(r, &e, "scope is this or following.");
		else if (!says_more(r->in))
			show_form(r, &e, NULL);
		else if (e.following && e.apart && !says_all(&e, r->in))
			show_form(r, &e,
			    "This one was changed apart from those that follow: check that what stands here is meant for all of them.");
		else
			check_or_do(r, &e);
	}
	editing_end(&e);
}

/* -- now --------------------------------------------------------------------------------------- */

static enum res
leave_now(struct run *r, struct packet *p)
{
	struct store *st = r->s->env.store;
	struct buf body = { .max = BODY_MAX }, sealed = { 0 };
	enum res res = deliver_open(r->s, p, &body);
	bool parked = p->next_at == NEVER_MS;

	if (parked || p->due_at > r->now)
		p->due_at = r->now;
	/* Its time may have passed while it was paused. */
	if (parked && p->expires_at <= r->now)
		p->expires_at = r->now + intake_expiry_ms(r->s, p->kind);
	/* Whoever waits for presence waits no more. */
	if (p->state == PACKET_HELD && p->kind == KIND_IM)
		p->offline = OFFLINE_SERVER;
	p->next_at = r->now;
	if (res == RES_OK)
		res = intake_seal(r->s, p, buf_as_span(&body), &sealed);
	if (res == RES_OK)
		res = st->ops->edit(st, p, r->now,
		    arena_printf(&r->reply->form.arena, "to be sent at once, says %s",
			choose_actor(r, p)));
	p->sealed = (struct span){ 0 };
	r->s->rearm = true;
	buf_free(&sealed);
	buf_free(&body);
	return res;
}

static const char *
leaves_when(struct run *r, const struct packet *p)
{
	struct store *st = r->s->env.store;
	struct account account;

	if (r->s->draining)
		return "as soon as the service sends again";
	if (st->ops->account(st, p->sender, &account) == RES_OK)
		return account.blocked ? "when its sender is not blocked any more" : "now";
	r->s->broken = true;
	return "";
}

void
edit_now(struct run *r)
{
	static const struct choice choice = {
		.title = "Send a message at once",
		.instructions = "Choose the message to send.",
		.none = "Nothing is waiting, so there is nothing to send.",
	};
	struct editing e = { 0 };
	struct form *f = &r->reply->form;
	struct buf due = { .max = 64 };

	if (!find_packet(r, &choice, &e))
		goto done;
	switch (leave_now(r, e.p)) {
	case RES_OK:
		reply_done(r, NOTE_INFO, "%s to %s leaves %s.", e.p->id, e.p->recipient,
		    leaves_when(r, e.p));
		when_print_utc(&due, e.p->due_at);
		form_value(f, form_add(f, FIELD_HIDDEN, "id", NULL), e.p->id);
		form_value(f, form_add(f, FIELD_HIDDEN, "due", NULL), buf_str(&due));
		break;
	case RES_PERMFAIL:
		reply_done(r, NOTE_ERROR, "The stored text of %s is damaged and cannot be read.",
		    e.p->id);
		break;
	default:
		r->s->broken = true;
	}
done:
	buf_free(&due);
	editing_end(&e);
}
