#include "core/when.h"
#include "service/intake.h"

/*
 * Lines of a list; a user has at most pending_max waiting, and an answer has to fit into a stanza.
 */
#define LIST_MAX 100
#define HISTORY_MAX 50

static void
add_line(struct run *r, const struct packet *p, int64_t ended_at)
{
	struct form *f = &r->reply->form;
	struct zone zone = zones_of_packet(r->s, p);
	struct buf line = { .max = 8192 };

	buf_printf(&line, "%s: ", p->id);
	choose_line(r, p, &line);
	if (ended_at != 0) {
		buf_text(&line, " ");
		when_print(&line, ended_at, &zone, r->account.hours);
	}
	form_value(f, form_add(f, FIELD_FIXED, p->id, NULL), buf_str(&line));
	buf_free(&line);
}

void
list_waiting(struct run *r)
{
	struct form *f = &r->reply->form;
	struct packets ps = { 0 };
	int64_t waiting = 0;
	struct store *st = r->s->env.store;

	if (!choose_find(r, FIND_WAITING, LIST_MAX, &ps))
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
		add_line(r, &ps.v[i], 0);
	reply_done(r, NOTE_INFO, "%lld waiting", (long long)waiting);
	if (waiting > (int64_t)ps.n)
		buf_printf(&r->reply->note, "; these are the %zu soonest", ps.n);
	buf_text(&r->reply->note, ".");
done:
	packets_free(&ps);
}

void
list_history(struct run *r)
{
	struct packets ps = { 0 };

	if (!choose_find(r, FIND_FINISHED, HISTORY_MAX, &ps))
		goto done;
	if (ps.n == 0) {
		reply_done(r, NOTE_INFO, "Nothing has been sent yet, and nothing has ended otherwise.");
		goto done;
	}
	r->reply->form.title = "What was sent, or has ended otherwise";
	for (size_t i = 0; i < ps.n; i++)
		add_line(r, &ps.v[i], ps.v[i].finished_at);
	reply_done(r, NOTE_INFO, "The last %zu, the latest first; `show` tells more of each.", ps.n);
done:
	packets_free(&ps);
}
