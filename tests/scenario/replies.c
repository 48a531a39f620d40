#include "replies.h"

const char *
world_acquaint(struct world *w)
{
	const char *id;

	world_start(w);
	id = world_schedule(w, .when = "in 1 minutes", .offline = "server");
	world_advance(w, 2 * MINUTE_MS);
	assert_string_equal(world_state(w, id), "sent");
	world_forget(w);
	return id;
}

void
answer_juliet(struct world *w)
{
	reply_of_romeo(w, .text = "Good morrow");
}

void
answer_romeo(struct world *w)
{
	world_line(w, .from = BALCONY, .to = TO_ROMEO, .text = "Art thou not Romeo?");
}

const struct heard *
world_refused(struct world *w, const char *to, const char *condition)
{
	const struct heard *m = world_only(w, to);

	assert_int_equal(w->nheard, 1);
	assert_string_equal(m->type, "error");
	assert_string_not_equal(m->error_text, "");
	if (condition != NULL)
		assert_string_equal(m->condition, condition);
	return m;
}

void
world_is_refused(struct world *w, void (*write)(struct world *w), const char *writer, const char *condition)
{
	world_forget(w);
	write(w);
	world_refused(w, writer, condition);
	world_forget(w);
}

void
world_is_relayed(struct world *w, void (*write)(struct world *w), const char *to)
{
	world_forget(w);
	write(w);
	assert_int_equal(w->nheard, 1);
	assert_string_not_equal(world_only(w, to)->type, "error");
	world_forget(w);
}

size_t
world_passed(const struct world *w, const char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < w->nheard; i++)
		n += strcmp(w->heard[i].to, to) == 0 && strcmp(w->heard[i].type, "error") != 0;
	return n;
}

size_t
world_errors(const struct world *w, const char *to, const char *condition)
{
	size_t n = 0;

	for (size_t i = 0; i < w->nheard; i++)
		n += strcmp(w->heard[i].to, to) == 0 && strcmp(w->heard[i].type, "error") == 0 &&
		    strcmp(w->heard[i].condition, condition) == 0;
	return n;
}
