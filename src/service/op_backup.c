/* A copy of the database, made between other work. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "service/operators.h"

#define TITLE "Copy the database"
/* Of larger ones, their operator is told how far they are, at each quarter. */
#define LARGE ((int64_t)32 << 20)
#define STEP_MS 2

static void
end(struct service *s)
{
	s->env.store->ops->backup_end(&s->backing.copy);
	timer_stop(&s->backing.timer);
	buf_free(&s->backing.words);
	s->backing = (struct backing){ 0 };
}

/* -- Its progress ------------------------------------------------------------------------------ */

static void
say(struct service *s)
{
	struct backing *b = &s->backing;
	int64_t percent = b->total > 0 ? b->done * 100 / b->total : 0;
	struct buf text = { .max = 8192 };

	if (b->failed)
		buf_printf(&text, "The copy %s could not be made: %s", b->file, buf_str(&b->words));
	else if (b->over)
		buf_printf(&text,
		    "The copy %s is complete: %lld KiB. Keep it together with the seal key, without which it cannot be read.",
		    b->file, (long long)(b->total / 1024));
	else
		buf_printf(&text, "The copy %s: %lld percent are done.", b->file, (long long)percent);
	notify_user(s, b->operator, buf_as_span(&text));
	buf_free(&text);
}

/* What is told is written, so it has a turn of its own. */
static void
on_time(void *arg)
{
	struct service *s = arg;
	struct backing *b = &s->backing;
	int64_t quarter = b->total > LARGE ? b->done * 4 / b->total : 0;

	timer_set(s->env.timers, &b->timer, clock_mono(s->env.clock) + (b->over ? SECOND_MS : STEP_MS),
	    on_time, s);
	b->due = true;
	if (service_halted(s) || (!b->over && quarter == b->said))
		return;
	say(s);
	b->said = quarter;
	b->told = b->over;
}

void
op_backup_go_on(struct service *s)
{
	struct backing *b = &s->backing;

	if (b->told) {
		end(s);
		return;
	}
	if (b->copy == NULL || b->over || !b->due)
		return;
	b->due = false;
	switch (s->env.store->ops->backup_step(b->copy, &b->done, &b->total, &b->words)) {
	case RES_UNCERTAIN:
		return;
	case RES_OK:
		log_note("the copy %s is complete", b->file);
		break;
	default:
		b->failed = true;
		log_error("the copy %s could not be made: %s", b->file, buf_str(&b->words));
	}
	/* What it had of the disk is given back before anything is written of that. */
	s->env.store->ops->backup_end(&b->copy);
	b->over = true;
}

void
op_backup_end_turn(struct service *s, bool on_disk)
{
	struct backing *b = &s->backing;

	if (!on_disk && b->fresh)
		end(s);
	else if (!on_disk)
		b->told = false;
	b->fresh = false;
}

void
op_backup_clear(struct service *s)
{
	end(s);
}

/* -- The command ------------------------------------------------------------------------------- */

static void
ask(struct run *r, const char *error)
{
	static const char instructions[] =
	    "The name of a new file; without a directory it is beside the database.  The seal key is not in it.";
	struct form *f = &r->reply->form;
	struct field *fd;

	r->reply->kind = REPLY_FORM;
	f->title = TITLE;
	f->instructions = instructions;
	if (error != NULL)
		reply_again(r, TITLE, instructions, error);
	r->reply->wrong = error != NULL ? "file" : NULL;
	if ((fd = form_add(f, FIELD_TEXT, "file", "File")) == NULL)
		return;
	fd->required = true;
	if (r->in != NULL)
		form_value(f, fd, form_get(r->in, "file"));
}

static void
begin(struct run *r, struct span file)
{
	struct service *s = r->s;
	struct backing *b = &s->backing;
	struct buf why = { .max = 1024 };

	snprintf(b->file, sizeof(b->file), "%.*s", (int)file.len, file.p);
	switch (s->env.store->ops->backup_begin(s->env.store, b->file, &b->copy, &why)) {
	case RES_OK:
		b->fresh = true;
		snprintf(b->operator, sizeof(b->operator), "%s", r->who->jid.bare);
		timer_set(s->env.timers, &b->timer, clock_mono(s->env.clock) + STEP_MS, on_time, s);
		reply_done(r, NOTE_INFO, "The copy %s is begun; you are told when it is complete%s.",
		    b->file, op_control_when_told(s));
		break;
	case RES_INVALID:
		ask(r, buf_str(&why));
		break;
	default:
		reply_trouble(r);
	}
	buf_free(&why);
}

void
op_backup(struct run *r)
{
	struct span file = span_trim(span_of(r->in != NULL ? form_get(r->in, "file") : ""));

	if (r->stage == COMMAND_ASK)
		ask(r, NULL);
	else if (file.len == 0 || file.len >= sizeof(r->s->backing.file))
		ask(r, "Into which file?");
	else if (r->s->backing.copy != NULL || r->s->backing.over)
		reply_done(r, NOTE_ERROR, "Another copy is being made: wait until it is complete.");
	else
		begin(r, file);
}
