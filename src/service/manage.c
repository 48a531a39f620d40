#include <string.h>

#include "core/body.h"
#include "core/when.h"
#include "service/intake.h"

/*
 * Lines of a list; a user has at most pending_max waiting, and an answer has to fit into a stanza.
 */
#define LIST_MAX    100
#define OPTIONS_MAX 50
#define CANCEL_MAX  200
#define EXCERPT     40
#define ADDRESS     100
/* Of a long history, the beginning and the end. */
#define HISTORY_HEAD 10
#define HISTORY_TAIL 40

static bool
find_packets(struct run *r, enum store_find kind, size_t max, struct packets *out)
{
	struct store *st = r->s->env.store;

	if (st->ops->find(st, kind, r->who->jid.bare, 0, max, out) == RES_OK)
		return true;
	reply_trouble(r);
	return false;
}

/* The zone a packet's time was read in; the server's if it cannot be found any more. */
static struct zone
zone_of(const struct run *r, const struct packet *p)
{
	struct zone zone;

	return zone_find(&zone, span_of(p->zone)) == RES_OK ? zone : r->s->config->zone;
}

/* "subject: text [2 media]" */
static enum res
mms_text(struct buf *text, struct span entity)
{
	struct arena arena = { 0 };
	struct mms mms;
	enum res res = mms_parse_summary(&mms, entity, &arena);

	if (res == RES_OK) {
		buf_span(text, mms.subject);
		buf_text(text, mms.subject.len > 0 && mms.text.len > 0 ? ": " : "");
		buf_span(text, mms.text);
		if (mms.nmedia > 0)
			buf_printf(text, "%s[%zu medi%s]", text->len > 0 ? " " : "", mms.nmedia,
			    mms.nmedia == 1 ? "um" : "a");
	}
	arena_free(&arena);
	return res;
}

enum res
manage_text(struct service *s, const struct packet *p, struct buf *text)
{
	struct buf aad = { 0 }, body = { .max = p->sealed.len + 1 };
	enum res res = packet_aad(&aad, p);

	if (res == RES_OK)
		res = seal_open(s->env.seal, buf_as_span(&aad), p->sealed, &body);
	if (res == RES_OK && p->kind == KIND_IM)
		res = body_im_text(text, buf_as_span(&body));
	else if (res == RES_OK && p->kind == KIND_MMS)
		res = mms_text(text, buf_as_span(&body));
	else if (res == RES_OK)
		res = buf_span(text, buf_as_span(&body));
	buf_free(&aad);
	buf_free(&body);
	return res;
}

/* "Thu 2026-12-24 18:00 (Europe/Berlin, +01:00) im to romeo@example.net “Good mor…”, scheduled" */
static void
print_line(struct run *r, const struct packet *p, struct buf *out)
{
	struct zone zone = zone_of(r, p);
	struct buf text = { 0 };

	when_print(out, p->due_at, &zone);
	buf_printf(out, " %s to ", packet_kind_name(p->kind));
	body_excerpt(out, span_of(p->recipient), ADDRESS);
	buf_text(out, " “");
	if (manage_text(r->s, p, &text) == RES_OK)
		body_excerpt(out, buf_as_span(&text), EXCERPT);
	else
		buf_text(out, "(damaged)");
	buf_printf(out, "”, %s", packet_state_name(p->state));
	buf_free(&text);
}

static void
add_line(struct run *r, const struct packet *p)
{
	struct form *f = &r->reply->form;
	struct buf line = { .max = 8192 };

	buf_printf(&line, "%s: ", p->id);
	print_line(r, p, &line);
	form_value(f, form_add(f, FIELD_FIXED, p->id, NULL), buf_str(&line));
	buf_free(&line);
}

void
manage_list(struct run *r)
{
	struct form *f = &r->reply->form;
	struct packets ps = { 0 };
	int64_t waiting = 0;
	struct store *st = r->s->env.store;

	if (!find_packets(r, FIND_WAITING, LIST_MAX, &ps))
		goto done;
	if (st->ops->waiting(st, r->who->jid.bare, &waiting) != RES_OK) {
		reply_trouble(r);
		goto done;
	}
	if (ps.n == 0) {
		reply_done(r, NOTE_INFO, "Nothing is waiting.");
		goto done;
	}
	f->title = "What is waiting";
	for (size_t i = 0; i < ps.n; i++)
		add_line(r, &ps.v[i]);
	reply_done(r, NOTE_INFO, "%lld waiting", (long long)waiting);
	if (waiting > (int64_t)ps.n)
		buf_printf(&r->reply->note, "; these are the %zu soonest", ps.n);
	buf_text(&r->reply->note, ".");
done:
	packets_free(&ps);
}

/* -- show -------------------------------------------------------------------------------------- */

static void
add_options(struct run *r, struct field *fd, const struct packets *ps)
{
	struct buf label = { .max = 8192 };

	for (size_t i = 0; i < ps->n; i++) {
		buf_reset(&label);
		buf_printf(&label, "%s: ", ps->v[i].id);
		print_line(r, &ps->v[i], &label);
		form_option(&r->reply->form, fd, ps->v[i].id, buf_str(&label));
	}
	buf_free(&label);
}

/* The asker's own packet, appended to ps.  Somebody else's does not exist for them. */
static enum res
own_packet(struct run *r, const char *typed, struct packets *ps)
{
	char id[PACKET_ID_LEN + 1];
	size_t before = ps->n;
	enum res res;

	if (packet_id_parse(id, span_trim(span_of(typed))) != RES_OK)
		return RES_NOTFOUND;
	res = r->s->env.store->ops->get(r->s->env.store, id, ps);
	if (res == RES_OK && strcmp(ps->v[before].sender, r->who->jid.bare) != 0)
		return RES_NOTFOUND;
	return res;
}

static void
show_ask(struct run *r, const char *error)
{
	struct form *f = &r->reply->form;
	struct packets waiting = { 0 }, finished = { 0 };

	if (!find_packets(r, FIND_WAITING, OPTIONS_MAX, &waiting) ||
	    !find_packets(r, FIND_FINISHED, OPTIONS_MAX, &finished))
		goto done;
	if (waiting.n + finished.n == 0) {
		reply_done(r, NOTE_INFO, "You have no messages here.");
		goto done;
	}
	r->reply->kind = REPLY_FORM;
	f->title = "Show one message";
	f->instructions = "Choose the message to show.";
	if (error != NULL)
		reply_again(r, f->title, f->instructions, error);
	struct field *fd = form_add(f, FIELD_LIST, "id", "Message");
	if (fd != NULL)
		fd->required = true;
	add_options(r, fd, &waiting);
	add_options(r, fd, &finished);
	form_value(f, fd, waiting.n > 0 ? waiting.v[0].id : finished.v[0].id);
done:
	packets_free(&waiting);
	packets_free(&finished);
}

static void
show_row(struct run *r, const char *var, const char *label, const char *text)
{
	struct form *f = &r->reply->form;

	form_value(f, form_add(f, FIELD_FIXED, var, label), text);
}

static void
show_time(struct run *r, const struct zone *zone, const char *var, const char *label, int64_t at)
{
	struct buf text = { .max = 256 };

	if (at == 0 || at == NEVER_MS)
		return;
	when_print(&text, at, zone);
	show_row(r, var, label, buf_str(&text));
	buf_free(&text);
}

static void
show_history(struct run *r, const struct zone *zone, const struct packet *p)
{
	struct events es = { 0 };
	struct buf text = { .max = 4096 };

	if (r->s->env.store->ops->history(r->s->env.store, p->id, &es) != RES_OK)
		r->s->broken = true;
	for (size_t i = 0; i < es.n; i++) {
		if (i == HISTORY_HEAD && es.n > HISTORY_HEAD + HISTORY_TAIL) {
			show_row(r, "history-left-out", NULL, "…");
			i = es.n - HISTORY_TAIL;
		}
		buf_reset(&text);
		when_print(&text, es.v[i].at, zone);
		buf_printf(&text, ": %s", es.v[i].what);
		show_row(r, arena_printf(&r->reply->form.arena, "history-%zu", i + 1),
		    i == 0 ? "History" : NULL, buf_str(&text));
	}
	buf_free(&text);
	events_free(&es);
}

static void
show_packet(struct run *r, const struct packet *p)
{
	struct form *f = &r->reply->form;
	struct zone zone = zone_of(r, p);
	struct buf text = { 0 };

	f->title = arena_printf(&f->arena, "Message %s", p->id);
	show_row(r, "id", "Id", p->id);
	show_row(r, "kind", "Kind", packet_kind_name(p->kind));
	show_row(r, "to", "To", p->recipient);
	show_row(r, "state", "State", packet_state_name(p->state));
	show_time(r, &zone, "due", "Due", p->due_at);
	show_row(r, "body", "Message",
	    manage_text(r->s, p, &text) == RES_OK ? buf_str(&text) : "(damaged)");
	buf_free(&text);
	if (p->kind == KIND_IM)
		show_row(r, "offline", "If the recipient is not online", offline_name(p->offline));
	if (p->gateway != NULL)
		show_row(r, "gateway", "Gateway", p->gateway);
	if (p->gateway_ref != NULL)
		show_row(r, "gateway-id", "Its id there", p->gateway_ref);
	show_time(r, &zone, "expires", "Given up at", p->expires_at);
	show_row(r, "attempts", "Attempts", arena_printf(&f->arena, "%d", (int)p->attempts));
	if (p->state == PACKET_HELD)
		show_time(r, &zone, "next", "Tried again", p->next_at);
	show_time(r, &zone, "sent", "Last sent", p->sent_at);
	show_history(r, &zone, p);
	reply_done(r, NOTE_INFO, "%s to %s: %s.", p->id, p->recipient, packet_state_name(p->state));
}

void
manage_show(struct run *r)
{
	struct packets ps = { 0 };

	if (r->stage == COMMAND_ASK)
		show_ask(r, NULL);
	else
		switch (own_packet(r, form_get(r->in, "id"), &ps)) {
		case RES_OK:
			show_packet(r, &ps.v[0]);
			break;
		case RES_NOTFOUND:
			show_ask(
			    r, "You have no message with this id; `list` shows those that wait.");
			break;
		default:
			reply_trouble(r);
		}
	packets_free(&ps);
}

/* -- cancel ------------------------------------------------------------------------------------ */

static void
cancel_ask(struct run *r, const char *error)
{
	struct form *f = &r->reply->form;
	struct packets ps = { 0 };

	if (!find_packets(r, FIND_WAITING, OPTIONS_MAX, &ps))
		goto done;
	if (ps.n == 0) {
		reply_done(r, NOTE_INFO, "Nothing is waiting, so there is nothing to cancel.");
		goto done;
	}
	r->reply->kind = REPLY_FORM;
	f->title = "Cancel messages";
	f->instructions = "Choose the messages to cancel.";
	if (error != NULL)
		reply_again(r, f->title, f->instructions, error);
	struct field *fd = form_add(f, FIELD_LIST_MULTI, "ids", "Messages");
	if (fd != NULL)
		fd->required = true;
	add_options(r, fd, &ps);
done:
	packets_free(&ps);
}

/* What the sender is told of a packet that can no longer be stopped. */
static const char *const too_late[PACKET_NSTATES] = {
	[PACKET_INFLIGHT] = "in flight: it is leaving right now and cannot be stopped",
	[PACKET_SENT] = "already sent",
	[PACKET_DELIVERED] = "already sent, and delivered",
	[PACKET_FAILED] = "already failed",
	[PACKET_EXPIRED] = "already expired",
	[PACKET_CANCELLED] = "already cancelled",
};

static const char *
cancel_one(struct run *r, const char *typed)
{
	struct packets ps = { 0 };
	const char *said = "no such message";

	switch (own_packet(r, typed, &ps)) {
	case RES_OK: {
		struct packet *p = &ps.v[0];

		bool unsure = p->sent_at != 0;

		if (settle_move(r->s, p, EV_CANCEL, "cancelled by the sender")) {
			if (!unsure && r->s->env.store->ops->refund(r->s->env.store, p) != RES_OK)
				r->s->broken = true;
			said = unsure
			    ? "cancelled, but it had left and may have arrived"
			    : "cancelled";
		} else
			said = too_late[p->state] != NULL ? too_late[p->state] : "not cancelled";
		break;
	}
	case RES_NOTFOUND:
		break;
	default:
		r->s->broken = true;
	}
	packets_free(&ps);
	return said;
}

void
manage_cancel(struct run *r)
{
	struct form *f = &r->reply->form;
	struct field *ids = r->in != NULL ? form_find(r->in, "ids") : NULL;

	if (r->stage == COMMAND_ASK) {
		cancel_ask(r, NULL);
		return;
	}
	if (ids == NULL || ids->values == NULL) {
		cancel_ask(r, "Choose at least one message.");
		return;
	}
	if (form_count(ids) > CANCEL_MAX) {
		cancel_ask(r, "Choose at most 200 messages at once.");
		return;
	}
	reply_done(r, NOTE_INFO, "%s", "");
	f->title = "Cancel messages";
	for (struct value *v = ids->values; v != NULL && !r->s->broken; v = v->next) {
		char id[PACKET_ID_LEN + 1];
		const char *said = cancel_one(r, v->text);
		bool known = packet_id_parse(id, span_trim(span_of(v->text))) == RES_OK;
		const char *name = known ? id : "?";

		buf_printf(&r->reply->note, "%s%s: %s", v == ids->values ? "" : "; ", name, said);
		form_value(f, form_add(f, FIELD_FIXED, arena_text(&f->arena, name), NULL),
		    arena_printf(&f->arena, "%s: %s", name, said));
	}
	buf_text(&r->reply->note, ".");
}

/* -- quota ------------------------------------------------------------------------------------- */

static void
print_use(struct buf *out, const char *period, int64_t used, int64_t limit)
{
	if (limit == QUOTA_NO_LIMIT)
		buf_printf(out, "%lld %s (no limit)", (long long)used, period);
	else
		buf_printf(out, "%lld of %lld %s", (long long)used, (long long)limit, period);
}

static const char *const kind_labels[KIND_END] = {
	[KIND_IM] = "Instant messages",
	[KIND_SMS] = "SMS",
	[KIND_MMS] = "MMS",
};

/* A row of the form and a part of the note; false when the store cannot be read. */
static bool
show_quota(struct run *r, enum packet_kind kind, const struct quota_period *period)
{
	struct service *s = r->s;
	struct quota_limit limit;
	struct quota_use use;
	struct buf text = { .max = 1024 };

	if (packet_kind_is_paid(kind) && !route_serves(&s->config->routing, kind))
		return true;
	if (quota_limit_of(s, &r->who->jid, kind, &limit) != RES_OK ||
	    s->env.store->ops->use(
		s->env.store, r->who->jid.bare, kind, period->day, &use) != RES_OK)
		return false;
	print_use(&text, "today", use.day, limit.per_day);
	buf_text(&text, ", ");
	print_use(&text, "this month", use.month, limit.per_month);
	if (kind == KIND_SMS && s->config->count_segments)
		buf_text(&text, ", counted in segments");
	show_row(r, packet_kind_name(kind), kind_labels[kind], buf_str(&text));
	buf_printf(&r->reply->note, "%s%s: %s", r->reply->note.len > 0 ? "; " : "",
	    packet_kind_name(kind), buf_str(&text));
	buf_free(&text);
	return true;
}

void
manage_quota(struct run *r)
{
	struct service *s = r->s;
	struct quota_period period;
	int64_t waiting;
	struct buf text = { .max = 1024 };

	quota_period_at(&period, r->now, &s->config->zone);
	reply_done(r, NOTE_INFO, "%s", "");
	r->reply->form.title = "How much you may schedule";
	for (int kind = KIND_IM; kind < KIND_END; kind++)
		if (!show_quota(r, (enum packet_kind)kind, &period)) {
			reply_trouble(r);
			return;
		}
	if (s->env.store->ops->waiting(s->env.store, r->who->jid.bare, &waiting) != RES_OK) {
		reply_trouble(r);
		return;
	}
	buf_printf(&text, "%lld of %lld", (long long)waiting, (long long)s->config->pending_max);
	show_row(r, "waiting", "Waiting", buf_str(&text));
	show_time(r, &s->config->zone, "day-resets", "Today ends", period.day_ends_at);
	show_time(r, &s->config->zone, "month-resets", "This month ends", period.month_ends_at);
	buf_text(&r->reply->note, ".");
	buf_free(&text);
}
