#include <string.h>

#include "core/body.h"
#include "core/when.h"
#include "service/intake.h"

#define EXCERPT 40
#define ADDRESS 100

bool
choose_find(struct run *r, enum store_find kind, size_t max, struct packets *out)
{
	struct store *st = r->s->env.store;

	if (st->ops->find(st, kind, r->who->jid.bare, 0, max, out) == RES_OK)
		return true;
	reply_trouble(r);
	return false;
}

enum res
choose_own(struct run *r, const char *typed, struct packets *ps)
{
	char id[PACKET_ID_LEN + 1];
	size_t before = ps->n;
	enum res res;

	if (packet_id_parse(id, span_of(typed)) != RES_OK)
		return RES_INVALID;
	res = r->s->env.store->ops->get(r->s->env.store, id, ps);
	if (res == RES_OK && !r->any && strcmp(ps->v[before].sender, r->who->jid.bare) != 0)
		return RES_NOTFOUND;
	return res;
}

const char *
choose_actor(const struct run *r, const struct packet *p)
{
	return strcmp(p->sender, r->who->jid.bare) == 0 ? "the sender" : "an operator";
}

void
choose_refuse(struct run *r)
{
	reply_refuse(r->reply, "item-not-found", "cancel",
	    r->any ? "There is no message with this id; `packets` shows those of a user."
		   : "You have no message with this id; `list` shows those that wait.");
}

/* -- Packets as lines -------------------------------------------------------------------------- */

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
choose_text(struct service *s, const struct packet *p, struct buf *text)
{
	struct buf body = { .max = p->sealed.len + 1 };
	enum res res = deliver_open(s, p, &body);

	if (res == RES_OK && p->kind == KIND_IM)
		res = body_im_text(text, buf_as_span(&body));
	else if (res == RES_OK && p->kind == KIND_MMS)
		res = mms_text(text, buf_as_span(&body));
	else if (res == RES_OK)
		res = buf_span(text, buf_as_span(&body));
	buf_free(&body);
	return res;
}

/* ", repeats daily", ", paused" */
static void
print_repeat(struct run *r, const struct packet *p, struct buf *out)
{
	struct series_list ss = { 0 };

	if (repeat_get(r->s, p->series, &ss)) {
		buf_text(out, ", repeats ");
		repeat_print(out, &ss.v[0]);
		if (ss.v[0].paused && strcmp(ss.v[0].packet, p->id) == 0)
			buf_text(out, ", paused");
	}
	series_free(&ss);
}

void
choose_line(struct run *r, const struct packet *p, struct buf *out)
{
	struct zone zone = zones_of_packet(r->s, p);
	struct buf text = { 0 };

	when_print(out, p->due_at, &zone, r->account.hours);
	buf_printf(out, " %s to ", packet_kind_name(p->kind));
	body_excerpt(out, span_of(p->recipient), ADDRESS);
	buf_text(out, " “");
	if (choose_text(r->s, p, &text) == RES_OK)
		body_excerpt(out, buf_as_span(&text), EXCERPT);
	else
		buf_text(out, "(damaged)");
	buf_printf(out, "”, %s", packet_state_name(p->state));
	if (packet_is_waiting(p->state))
		print_repeat(r, p, out);
	buf_free(&text);
}

static void
add_options(struct run *r, struct field *fd, const struct packets *ps)
{
	struct buf label = { .max = 8192 };

	for (size_t i = 0; i < ps->n; i++) {
		buf_reset(&label);
		buf_printf(&label, "%s: ", ps->v[i].id);
		choose_line(r, &ps->v[i], &label);
		form_option(&r->reply->form, fd, ps->v[i].id, buf_str(&label));
	}
	buf_free(&label);
}

/* An admin's may be anybody's: their own are shown, and any id can be written. */
static void
add_any(struct run *r, const struct choice *c, const struct packets *own)
{
	struct form *f = &r->reply->form;
	struct buf line = { .max = 8192 };
	struct field *fd;

	for (size_t i = 0; i < own->n; i++) {
		buf_reset(&line);
		buf_printf(&line, "%s: ", own->v[i].id);
		choose_line(r, &own->v[i], &line);
		reply_plain(r, own->v[i].id, NULL, buf_str(&line));
	}
	fd = c->several ? form_add(f, FIELD_TEXT_MULTI, "ids", "Messages, an id a line")
			: form_add(f, FIELD_TEXT, "id", "Id of the message");
	if (fd != NULL)
		fd->required = true;
	buf_free(&line);
}

/* -- The form that asks for one, or several ---------------------------------------------------- */

void
choose_form(struct run *r, const struct choice *c, const char *error)
{
	struct form *f = &r->reply->form;
	struct packets waiting = { 0 }, finished = { 0 };

	if (!choose_find(r, FIND_WAITING, CHOOSE_MAX, &waiting) ||
	    (c->finished && !choose_find(r, FIND_FINISHED, CHOOSE_MAX, &finished)))
		goto done;
	if (waiting.n + finished.n == 0 && !r->any) {
		reply_done(r, error != NULL ? NOTE_ERROR : NOTE_INFO, "%s", c->none);
		goto done;
	}
	r->reply->kind = REPLY_FORM;
	f->title = c->title;
	f->instructions = r->any
	    ? "Anybody's messages, by their ids: `packets` shows those of a user, and your own stand here."
	    : c->instructions;
	if (error != NULL)
		reply_again(r, f->title, f->instructions, error);
	if (r->any) {
		add_any(r, c, &waiting);
		goto done;
	}
	struct field *fd = c->several ? form_add(f, FIELD_LIST_MULTI, "ids", "Messages")
				      : form_add(f, FIELD_LIST, "id", "Message");
	if (fd != NULL)
		fd->required = true;
	add_options(r, fd, &waiting);
	add_options(r, fd, &finished);
	if (!c->several)
		form_value(f, fd, waiting.n > 0 ? waiting.v[0].id : finished.v[0].id);
done:
	packets_free(&waiting);
	packets_free(&finished);
}

bool
choose_one(struct run *r, const struct choice *c, struct packets *out)
{
	if (r->stage == COMMAND_ASK) {
		choose_form(r, c, NULL);
		return false;
	}
	switch (choose_own(r, form_get(r->in, "id"), out)) {
	case RES_OK:
		return true;
	case RES_NOTFOUND:
		choose_refuse(r);
		return false;
	case RES_INVALID:
		choose_form(r, c,
		    "This is no id of a message: an id has six letters and digits; `list` shows them.");
		r->reply->wrong = "id";
		return false;
	default:
		reply_trouble(r);
		return false;
	}
}
