/* Commands that are run in a conversation: what follows from their replies. */
#include "xmpp/talk_private.h"

#include <string.h>

#include <utlist.h>

#include "core/chat.h"

#define RUNS_MAX 10

#define YES_OR_NO "Answer yes or no."
#define TO_STOP   "(abort ends this.)"
#define TOO_LONG  "This took too long, and nothing of it was done. Write it again in a minute."
#define TOO_MANY  "Too much is being worked on already. Write it again in a minute."
#define NO_WORDS  "This was refused, and nothing was done. help tells what you may do."
#define NOT_CORRECTED \
	"So your correction is not carried out. If it is still wanted, write it as a new line."

/* One stage and its reply. */
struct running {
	struct hearing *h;
	const struct command_info *cmd;
	enum command_stage stage;
	struct form *in;
	struct reply reply;
};

static bool
is_blank(const struct field *fd)
{
	if (fd != NULL)
		for (const struct value *v = fd->values; v != NULL; v = v->next)
			if (span_trim(span_of(v->text)).len > 0)
				return false;
	return true;
}

static const struct field *
given(const struct running *r, const char *var)
{
	const struct field *fd = form_find(r->in, var);

	return is_blank(fd) ? NULL : fd;
}

static void
open_step(struct running *r, enum command_stage stage, const struct field *asked)
{
	struct hearing *h = r->h;

	step_drop(h->t, &h->u->open);
	h->u->open = step_new(h->t, r->cmd, stage, r->in, asked);
	h->failed = h->failed || h->u->open == NULL;
}

/* -- A form comes back ------------------------------------------------------------------------- */

static bool
is_missing(const struct running *r, const struct field *fd)
{
	if (fd->type == FIELD_FIXED || fd->type == FIELD_HIDDEN || given(r, fd->var) != NULL)
		return false;
	if (fd->type == FIELD_BOOLEAN)
		return true;
	/* At first a value is a proposal, after that it is what stands there. */
	return fd->required && (r->stage == COMMAND_ASK || is_blank(fd));
}

static const struct field *
first_missing(const struct running *r)
{
	const struct field *fd = r->reply.form.fields;

	while (fd != NULL && !is_missing(r, fd))
		fd = fd->next;
	return fd;
}

static bool
is_said_no(const struct running *r, const struct field *fd)
{
	const struct field *said = given(r, fd->var);

	return fd->type == FIELD_BOOLEAN && said != NULL &&
	    (strcmp(said->values->text, "0") == 0 || strcmp(said->values->text, "false") == 0);
}

/* What somebody says yes or no to. */
static void
tell_circumstances(const struct running *r)
{
	struct buf *out = &r->h->out;

	if (r->reply.form.instructions != NULL && r->reply.note.len == 0)
		buf_printf(out, "%s\n", r->reply.form.instructions);
	for (const struct field *fd = r->reply.form.fields; fd != NULL; fd = fd->next)
		if (fd->type == FIELD_FIXED && strcmp(fd->var, "error") != 0 && !is_blank(fd))
			buf_printf(out, "%s%s%s\n", fd->label != NULL ? fd->label : "",
			    fd->label != NULL ? ": " : "", fd->values->text);
}

static void
ask(struct running *r, const struct field *fd)
{
	struct buf *out = &r->h->out;
	bool again = out->len > 0;

	if (fd->type == FIELD_BOOLEAN)
		tell_circumstances(r);
	chat_ask(out, fd);
	/* Later on they know it. */
	if (fd->type != FIELD_BOOLEAN && (r->h->u->before == NULL || again))
		buf_text(out, "\n" TO_STOP);
	open_step(r, COMMAND_CHECK, fd);
}

static void
on_form(struct running *r)
{
	struct buf *out = &r->h->out;
	const struct field *fd = first_missing(r);

	if (fd != NULL) {
		ask(r, fd);
		return;
	}
	if (r->reply.wrong == NULL && r->reply.note_type != NOTE_ERROR) {
		chat_print(out, &r->reply);
		buf_text(out, "\n\n");
		talk_usage(r->h, r->cmd);
		return;
	}
	fd = form_find(&r->reply.form, r->reply.wrong);
	buf_span(out, buf_as_span(&r->reply.note));
	if (fd == NULL || fd->type == FIELD_FIXED || fd->type == FIELD_HIDDEN) {
		buf_text(out, r->reply.note.len > 0 ? "\n\n" : "");
		talk_usage(r->h, r->cmd);
	} else if (!is_said_no(r, fd)) {
		buf_text(out, r->reply.note.len > 0 ? "\n\n" : "");
		ask(r, fd);
		r->h->strange = true;
	}
}

/* -- It is to be confirmed, over, or put off --------------------------------------------------- */

static void
on_confirm(struct running *r)
{
	chat_print(&r->h->out, &r->reply);
	buf_text(&r->h->out, "\n\n" YES_OR_NO);
	open_step(r, COMMAND_DO, NULL);
}

/* The command by which what was scheduled can be taken back. */
static struct step *
cancel_of(const struct running *r, const struct field *ids)
{
	struct talks *t = r->h->t;
	const struct command_info *cancel = t->env.ops->find(t->env.commands, SPAN("cancel"));
	struct form in = { 0 };
	struct field *fd = form_add(&in, FIELD_LIST_MULTI, "ids", NULL);
	struct step *s = NULL;

	for (const struct value *v = ids->values; v != NULL; v = v->next)
		form_value(&in, fd, v->text);
	if (cancel != NULL && !in.arena.failed)
		s = step_new(t, cancel, COMMAND_DO, &in, NULL);
	form_free(&in);
	return s;
}

static void
on_done(struct running *r)
{
	struct user *u = r->h->u;
	const struct field *ids = form_find(&r->reply.form, "id");
	size_t before = r->h->out.len;

	chat_print(&r->h->out, &r->reply);
	if (r->h->out.len == before)
		buf_text(&r->h->out, "Done.");
	if (r->stage == COMMAND_ASK || r->reply.note_type == NOTE_ERROR)
		return;
	/* What the line itself named was there before it. */
	if (ids != NULL && ids->type == FIELD_HIDDEN && !is_blank(ids) &&
	    given(r, "id") == NULL && given(r, "ids") == NULL)
		u->made = cancel_of(r, ids);
	u->done = u->made == NULL;
}

static void
on_refused(struct running *r)
{
	if (r->reply.note.len > 0)
		buf_span(&r->h->out, buf_as_span(&r->reply.note));
	else
		buf_text(&r->h->out, NO_WORDS);
}

static void
on_later(struct running *r)
{
	struct talks *t = r->h->t;
	struct user *u = r->h->u;
	int64_t now = clock_mono(t->env.clock);

	if (u->runs == 0)
		u->until = now + t->bounds.later_ms;
	if (++u->runs > RUNS_MAX || now >= u->until) {
		buf_text(&r->h->out, TOO_LONG);
		return;
	}
	if (t->nwaiting >= t->bounds.waiting) {
		buf_text(&r->h->out, TOO_MANY);
		return;
	}
	u->waiting = step_new(t, r->cmd, r->stage, r->in, NULL);
	if (u->waiting == NULL) {
		r->h->failed = true;
		return;
	}
	u->ticket = r->reply.ticket;
	DL_APPEND2(t->waiting, u, wait_prev, wait_next);
	t->nwaiting++;
	talk_set_timer(t);
}

void
talk_wait_end(struct talks *t, struct user *u)
{
	if (u->waiting == NULL)
		return;
	step_drop(t, &u->waiting);
	DL_DELETE2(t->waiting, u, wait_prev, wait_next);
	t->nwaiting--;
	talk_set_timer(t);
}

/* -- Running ----------------------------------------------------------------------------------- */

static void
run_stage(struct running *r, enum command_stage stage, uint64_t ticket)
{
	const struct talks_env *env = &r->h->t->env;

	reply_free(&r->reply);
	r->reply = (struct reply){ .ticket = ticket };
	r->stage = stage;
	env->ops->run(env->commands, r->h->who, r->cmd, stage,
	    stage == COMMAND_ASK ? NULL : r->in, &r->reply);
}

void
talk_run(struct hearing *h, const struct command_info *cmd, enum command_stage stage,
    struct form *in, uint64_t ticket)
{
	static void (*const handlers[])(struct running *r) = {
		[REPLY_FORM] = on_form,
		[REPLY_CONFIRM] = on_confirm,
		[REPLY_DONE] = on_done,
		[REPLY_REFUSED] = on_refused,
		[REPLY_LATER] = on_later,
	};
	struct running r = { .h = h, .cmd = cmd, .in = in };

	run_stage(&r, stage, ticket);
	if (stage == COMMAND_CHECK && r.reply.kind == REPLY_CONFIRM && !r.reply.asks)
		run_stage(&r, COMMAND_DO, 0);
	if (r.reply.note.failed || r.reply.form.arena.failed)
		h->failed = true;
	else
		handlers[r.reply.kind](&r);
	reply_free(&r.reply);
}

void
talk_ask_again(struct hearing *h)
{
	const struct field *asked = h->u->open->asked.fields;

	if (asked == NULL) {
		buf_text(&h->out, "I wait for your yes or no.");
		return;
	}
	chat_ask(&h->out, asked);
	buf_text(&h->out, "\n" TO_STOP);
}

/* -- Taking back ------------------------------------------------------------------------------- */

/* The result has a line for each of them, which begins with its id. */
static bool
is_cancelled(const struct reply *reply, const char *id)
{
	static const char cancelled[] = ": cancelled";
	const char *said = form_get(&reply->form, id);
	size_t len = strlen(id);

	if (strncmp(said, id, len) != 0 ||
	    strncmp(said + len, cancelled, sizeof(cancelled) - 1) != 0)
		return false;
	/* Not "cancelled, but it may have arrived". */
	said += len + sizeof(cancelled) - 1;
	return *said == '\0' || *said == ';' || *said == '.';
}

bool
talk_cancel_made(struct hearing *h)
{
	const struct step *made = h->u->made;
	const struct talks_env *env = &h->t->env;
	struct reply reply = { 0 };
	struct form in = { 0 };
	bool ok = step_copy(&in, &made->in) == RES_OK;

	h->failed = h->failed || !ok;
	if (ok) {
		env->ops->run(env->commands, h->who, made->cmd, COMMAND_DO, &in, &reply);
		ok = reply.kind == REPLY_DONE && reply.note_type == NOTE_INFO;
		for (const struct value *v = made->in.fields->values; ok && v != NULL; v = v->next)
			ok = is_cancelled(&reply, v->text);
		buf_span(&h->out, buf_as_span(&reply.note));
		buf_text(&h->out, "\n\n");
	}
	if (!ok)
		buf_text(&h->out, NOT_CORRECTED);
	form_free(&in);
	reply_free(&reply);
	return ok;
}
