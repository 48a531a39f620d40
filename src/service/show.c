#include <string.h>

#include "core/when.h"
#include "service/intake.h"

/* Of a long history, the beginning and the end. */
#define HISTORY_HEAD 10
#define HISTORY_TAIL 40

static void
show_history(struct run *r, const struct zone *zone, const struct packet *p)
{
	struct events es = { 0 };
	struct buf text = { .max = 4096 };

	if (r->s->env.store->ops->history(r->s->env.store, p->id, &es) != RES_OK)
		r->s->broken = true;
	for (size_t i = 0; i < es.n; i++) {
		if (i == HISTORY_HEAD && es.n > HISTORY_HEAD + HISTORY_TAIL) {
			reply_plain(r, "history-left-out", NULL, "…");
			i = es.n - HISTORY_TAIL;
		}
		buf_reset(&text);
		when_print(&text, es.v[i].at, zone, r->account.hours);
		buf_printf(&text, ": %s", es.v[i].what);
		reply_plain(r, arena_printf(&r->reply->form.arena, "history-%zu", i + 1),
		    i == 0 ? "History" : NULL, buf_str(&text));
	}
	buf_free(&text);
	events_free(&es);
}

static void
show_series(struct run *r, const struct zone *zone, const struct packet *p)
{
	struct series_list ss = { 0 };
	struct buf text = { .max = 1024 };

	if (repeat_get(r->s, p->series, &ss)) {
		repeat_print(&text, &ss.v[0]);
		reply_row(r, "repeat", "Repeats", buf_str(&text));
		if (ss.v[0].paused)
			reply_row(r, "paused", "Paused", "yes: `resume` lets it go on");
		if (strcmp(ss.v[0].packet, p->id) != 0) {
			reply_row(r, "present", "Its present occurrence", ss.v[0].packet);
			reply_time(r, zone, "present-due", "Due", ss.v[0].at);
		}
	} else if (p->series[0] != '\0' && !r->s->broken)
		reply_row(r, "repeat", "Repeats", "no more");
	buf_free(&text);
	series_free(&ss);
}

static void
show_packet(struct run *r, const struct packet *p)
{
	struct form *f = &r->reply->form;
	struct zone zone = zones_of_packet(r->s, p);
	struct buf text = { 0 };

	f->title = arena_printf(&f->arena, "Message %s", p->id);
	reply_plain(r, "id", "Id", p->id);
	reply_plain(r, "kind", "Kind", packet_kind_name(p->kind));
	reply_plain(r, "to", "To", p->recipient);
	reply_plain(r, "state", "State", packet_state_name(p->state));
	reply_time(r, &zone, "due", "Due", p->due_at);
	show_series(r, &zone, p);
	reply_plain(r, "body", "Message",
	    choose_text(r->s, p, &text) == RES_OK ? buf_str(&text) : "(damaged)");
	buf_free(&text);
	if (p->kind == KIND_IM)
		reply_row(r, "offline", "If the recipient is not online", offline_name(p->offline));
	if (p->gateway != NULL)
		reply_row(r, "gateway", "Gateway", p->gateway);
	if (p->gateway_ref != NULL)
		reply_row(r, "gateway-id", "Its id there", p->gateway_ref);
	reply_time(r, &zone, "expires", "Given up at", p->expires_at);
	reply_row(r, "attempts", "Attempts", arena_printf(&f->arena, "%d", (int)p->attempts));
	if (p->state == PACKET_HELD)
		reply_time(r, &zone, "next", "Tried again", p->next_at);
	reply_time(r, &zone, "sent", "Last sent", p->sent_at);
	show_history(r, &zone, p);
	reply_done(r, NOTE_INFO, "%s to %s: %s.", p->id, p->recipient, packet_state_name(p->state));
}

void
show(struct run *r)
{
	static const struct choice choice = {
		.title = "Show one message",
		.instructions = "Choose the message to show.",
		.none = "You have no messages here.",
		.finished = true,
	};
	struct packets ps = { 0 };

	if (choose_one(r, &choice, &ps))
		show_packet(r, &ps.v[0]);
	packets_free(&ps);
}
