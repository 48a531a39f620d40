#include "core/command.h"

void
reply_free(struct reply *r)
{
	if (r == NULL)
		return;
	buf_free(&r->note);
	form_free(&r->form);
	*r = (struct reply){ .note = r->note, .form = r->form };
}

void
reply_refuse(struct reply *r, const char *condition, const char *error_type, const char *words)
{
	struct buf note = { .max = r->note.max };

	/*
	 * Without memory the refusal goes out without words.  Copied first: they may stand in the
	 * reply itself.
	 */
	buf_text(&note, words);
	reply_free(r);
	r->kind = REPLY_REFUSED;
	r->note_type = NOTE_ERROR;
	r->condition = condition;
	r->error_type = error_type;
	r->note = note;
}
