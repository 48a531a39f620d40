#include <string.h>

#include "service/intake.h"

#define CANCEL_MAX 200

static const struct choice choice = {
	.title = "Cancel messages",
	.instructions = "Choose the messages to cancel.",
	.none = "Nothing is waiting, so there is nothing to cancel.",
	.several = true,
};

static void
ask(struct run *r, const char *error)
{
	choose_form(r, &choice, error);
	if (r->reply->kind != REPLY_FORM)
		return;
	edit_scope(r, "following");
	r->reply->wrong = error != NULL ? "ids" : NULL;
}

/* What the sender is told of a packet that can no longer be stopped. */
const char *const cancel_too_late[PACKET_NSTATES] = {
	[PACKET_INFLIGHT] = "in flight: it is leaving right now and cannot be stopped",
	[PACKET_SENT] = "already sent",
	[PACKET_DELIVERED] = "already sent, and delivered",
	[PACKET_FAILED] = "already failed",
	[PACKET_EXPIRED] = "already expired",
	[PACKET_CANCELLED] = "already cancelled",
	[PACKET_UNCERTAIN] = "uncertain: it left, and may have arrived",
};

static const char *
stop(struct run *r, struct packet *p)
{
	bool unsure = p->sent_at != 0;

	const char *what =
	    arena_printf(&r->reply->form.arena, "cancelled by %s", choose_actor(r, p));

	if (!settle_move(r->s, p, EV_CANCEL, what))
		return cancel_too_late[p->state] != NULL ? cancel_too_late[p->state] : "not cancelled";
	if (!unsure && r->s->env.store->ops->refund(r->s->env.store, p) != RES_OK)
		r->s->broken = true;
	if (strcmp(p->sender, r->who->jid.bare) != 0)
		notify_sender(r->s, p, "was cancelled by the operator of this service");
	return unsure ? "cancelled, but it had left and may have arrived" : "cancelled";
}

/* The recurrence ends, also when p is an earlier occurrence than the present one. */
static const char *
stop_all(struct run *r, struct packet *p, const struct series *se)
{
	struct store *st = r->s->env.store;
	struct packets present = { 0 };
	const char *said;

	/* Before the packet is stopped, which would make the next one. */
	if (st->ops->drop_series(st, se->id) != RES_OK)
		r->s->broken = true;
	said = stop(r, p);
	if (strcmp(se->packet, p->id) != 0 && settle_get(r->s, se->packet, &present))
		stop(r, &present.v[0]);
	packets_free(&present);
	return arena_printf(
	    &r->reply->form.arena, "%s; what would have followed is cancelled too", said);
}

static const char *
stop_this(struct run *r, struct packet *p)
{
	struct series_list ss = { 0 };
	const char *said = stop(r, p);

	if (repeat_get(r->s, p->series, &ss))
		said = arena_printf(&r->reply->form.arena, "%s; its recurrence goes on with %s", said,
		    ss.v[0].packet);
	series_free(&ss);
	return said;
}

/* What became of it; NULL: there is no such message. */
static const char *
cancel_one(struct run *r, const char *typed, bool following)
{
	struct packets ps = { 0 };
	struct series_list ss = { 0 };
	const char *said = NULL;
	enum res res = choose_own(r, typed, &ps);

	if (res == RES_OK && following && repeat_get(r->s, ps.v[0].series, &ss))
		said = stop_all(r, &ps.v[0], &ss.v[0]);
	else if (res == RES_OK)
		said = stop_this(r, &ps.v[0]);
	else if (res != RES_NOTFOUND && res != RES_INVALID)
		r->s->broken = true;
	series_free(&ss);
	packets_free(&ps);
	return said;
}

static void
cancel_all(struct run *r, const struct field *ids, bool following)
{
	struct form *f = &r->reply->form;
	char id[PACKET_ID_LEN + 1];
	bool any = false, formed = false;

	reply_done(r, NOTE_INFO, "%s", "");
	r->reply->repeats = true;
	f->title = choice.title;
	for (struct value *v = ids->values; v != NULL && !r->s->broken; v = v->next) {
		const char *said = cancel_one(r, v->text, following);
		bool known = packet_id_parse(id, span_of(v->text)) == RES_OK;
		const char *name = known ? id : "?";

		any = any || said != NULL;
		formed = formed || known;
		said = said != NULL ? said : "no such message";
		buf_printf(&r->reply->note, "%s%s: %s", v == ids->values ? "" : "; ", name, said);
		form_value(f, form_add(f, FIELD_FIXED, arena_text(&f->arena, name), NULL),
		    arena_printf(&f->arena, "%s: %s", name, said));
	}
	buf_text(&r->reply->note, ".");
	if (any || r->s->broken)
		return;
	reply_free(r->reply);
	if (formed)
		choose_refuse(r);
	else
		ask(r, "This is no id of a message: an id has six letters and digits.");
}

void
cancel(struct run *r)
{
	struct field *ids = r->in != NULL ? form_find(r->in, "ids") : NULL;
	bool following;

	if (r->stage == COMMAND_ASK)
		ask(r, NULL);
	else if (!edit_read_scope(r->in, true, &following)) {
		ask(r, "scope is following or this.");
		r->reply->wrong = "scope";
	} else if (ids == NULL || ids->values == NULL)
		ask(r, "Choose at least one message.");
	else if (form_count(ids) > CANCEL_MAX)
		ask(r, "Choose at most 200 messages at once.");
	else
		cancel_all(r, ids, following);
}
