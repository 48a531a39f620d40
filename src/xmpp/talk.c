#include "xmpp/talk.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "core/chat.h"
#include "core/when.h"
#include "xmpp/talk_private.h"

#define TOO_LARGE \
	"This is longer than what I can read (32 KiB), and nothing of it was done. Write less at " \
	"a time."
#define ENCRYPTED \
	"I cannot read encrypted messages. Switch encryption off for this conversation, and " \
	"write it again."
#define NO_COMMAND "I know only commands. Write help for all that you may write."
#define NO_QUESTION \
	"I have asked you nothing, or it is too long ago. Write the command again, or help for " \
	"all that you may write."
#define NOTHING_TO_ABORT "Nothing is going on that could be ended."
#define ABORTED  "Ended: nothing of it was done."
#define NOT_DONE "Nothing was done."
#define REPLACED "%s waited for your %s, and is dropped: nothing of it was done.\n\n"
#define NOT_LAST \
	"Only your last line can be corrected, so nothing was changed. Write the correction as a " \
	"new line."
#define DONE_ALREADY \
	"What you answered is carried out and cannot be taken back, so nothing was changed. " \
	"Write a new line instead."
#define STAYS_DONE \
	"Of a corrected line only what it scheduled is taken back: what else it did stays " \
	"done.\n\n"
#define QUEUE_FULL \
	"I still work on what you wrote before, and too many lines wait already: this one is " \
	"dropped. Write it again when the others are answered."
#define TOO_FAST "You write faster than I can read: what you write is ignored. Go on in "
#define TOO_LONG \
	"This took too long, and nothing of it was done. Write it again in a minute."
#define DROPPED \
	"I have too much to remember, and drop what you wrote last: nothing of it was done. " \
	"Write it again in a minute."
#define NOT_STORED \
	"What you wrote last could not be stored: nothing of it was done. Write it again in a " \
	"minute."
#define NO_MEMORY "The service is short of memory. Write it again in a minute."
#define FALLS_SILENT \
	"\n\nI could use none of your last lines. What I may have asked is dropped, and until you " \
	"write a command, like help, I answer no more."

#define STRANGE_MAX 10

const struct talk_bounds talk_bounds_default = {
	.idle_ms = 10 * MINUTE_MS,
	.total = 10000,
	.bytes = (size_t)64 << 20,
	.queue = 20,
	.waiting = 200,
	.later_ms = 60 * SECOND_MS,
	.burst = 30,
	.refill_ms = SECOND_MS,
};

struct talks *
talks_new(const struct talk_bounds *bounds, const struct talks_env *env)
{
	struct talks *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->bounds = *bounds;
	t->env = *env;
	return t;
}

void
talks_free(struct talks **tp)
{
	struct talks *t = *tp;

	if (t == NULL)
		return;
	while (t->users != NULL)
		user_free(t, t->users);
	timer_stop(&t->timer);
	free(t);
	*tp = NULL;
}

void
talks_configure(struct talks *t, const struct zone *zone)
{
	t->env.zone = zone;
}

/* -- Bounds ------------------------------------------------------------------------------------ */

static void
evict(struct talks *t, struct user *u)
{
	if (u->waiting != NULL)
		talk_tell(t, u, DROPPED);
	user_free(t, u);
}

/* `present` stays. */
static void
keep_bounds(struct talks *t, const struct user *present)
{
	while ((t->nusers > t->bounds.total || t->bytes > t->bounds.bytes) &&
	    t->users != present)
		evict(t, t->users);
}

/* -- Commands ---------------------------------------------------------------------------------- */

static bool
is_word(struct span text, const char *want)
{
	char word[CHAT_WORD_MAX + 1];
	struct span rest;

	return chat_word(text, word, &rest) == RES_OK && strcmp(word, want) == 0 &&
	    span_trim(rest).len == 0;
}

static void
run_filled(struct hearing *h, const struct command_info *cmd, struct span rest)
{
	const struct talks_env *env = &h->t->env;
	struct form in = { 0 };
	struct buf why = { .max = 4096 };

	switch (chat_fill(&in, cmd, rest, clock_wall(env->clock), env->zone, &why)) {
	case RES_OK:
		talk_run(h, cmd, in.fields == NULL ? COMMAND_ASK : COMMAND_CHECK, &in, 0);
		break;
	case RES_INVALID:
		buf_span(&h->out, buf_as_span(&why));
		break;
	default:
		h->failed = true;
	}
	buf_free(&why);
	form_free(&in);
}

/* A line that answers no question. */
static void
hear_command(struct hearing *h, struct span text)
{
	const struct talks_env *env = &h->t->env;
	const struct command_info *cmd;
	char word[CHAT_WORD_MAX + 1];
	struct span rest;
	bool yes;

	h->strange = true;
	if (chat_word(text, word, &rest) != RES_OK)
		buf_text(&h->out, NO_COMMAND);
	else if (strcmp(word, "help") == 0) {
		talk_help(h, rest);
		h->strange = false;
	} else if (is_word(text, "abort"))
		buf_text(&h->out, NOTHING_TO_ABORT);
	else if ((cmd = env->ops->find(env->commands, span_of(word))) != NULL) {
		run_filled(h, cmd, rest);
		h->strange = false;
	} else if (chat_yes_no(text, &yes) == RES_OK)
		buf_text(&h->out, NO_QUESTION);
	else
		talk_unknown(h, word);
}

/* -- Answers ----------------------------------------------------------------------------------- */

/* The question is answered, and what is known of the form goes on with `answer`. */
static void
go_on(struct hearing *h, const struct field *asked, struct span text)
{
	struct step *s = h->u->open;
	struct form in = { 0 };
	struct buf why = { .max = 4096 };
	enum res res = step_copy(&in, &s->in);

	if (res == RES_OK && asked != NULL)
		res = chat_answer(&in, asked, text, &why);
	if (res == RES_OK) {
		h->u->open = NULL;
		talk_run(h, s->cmd, s->stage, &in, 0);
		step_drop(h->t, &s);
	} else if (res == RES_INVALID) {
		buf_printf(&h->out, "%s\n\n", buf_str(&why));
		talk_ask_again(h);
		h->strange = true;
	} else
		h->failed = true;
	buf_free(&why);
	form_free(&in);
}

/* The command takes the place of the one whose question is open. */
static void
replace(struct hearing *h, struct span text, const char *awaited)
{
	buf_printf(&h->out, REPLACED, h->u->open->cmd->name, awaited);
	step_drop(h->t, &h->u->open);
	hear_command(h, text);
}

static bool
is_message(const struct hearing *h, struct span text)
{
	const struct talks_env *env = &h->t->env;
	const struct command_info *cmd;
	char word[CHAT_WORD_MAX + 1];
	struct span rest;

	return chat_word(text, word, &rest) == RES_OK &&
	    (cmd = env->ops->find(env->commands, span_of(word))) != NULL &&
	    chat_is_message(cmd, rest, clock_wall(env->clock), env->zone);
}

/* Something else than yes or no. */
static void
hear_beside(struct hearing *h, struct span text)
{
	const struct talks_env *env = &h->t->env;
	char word[CHAT_WORD_MAX + 1];
	struct span rest;
	bool is_one = chat_word(text, word, &rest) == RES_OK;

	if (is_one && strcmp(word, "help") == 0) {
		talk_help(h, rest);
		buf_text(&h->out, "\n\n");
		talk_ask_again(h);
	} else if (is_one && env->ops->find(env->commands, span_of(word)) != NULL) {
		replace(h, text, "yes or no");
	} else {
		talk_ask_again(h);
		buf_text(&h->out, " abort, or another command, ends this.");
		h->strange = true;
	}
}

static void
hear_answer(struct hearing *h, struct span text)
{
	const struct field *asked = h->u->open->asked.fields;
	bool yes;

	if (is_word(text, "abort")) {
		step_drop(h->t, &h->u->open);
		buf_text(&h->out, ABORTED);
	} else if (asked != NULL && text.len == 0)
		talk_ask_again(h);
	else if (asked != NULL && is_word(text, "help"))
		hear_beside(h, text);
	else if (asked != NULL && is_message(h, text))
		replace(h, text, "answer");
	else if (asked != NULL)
		go_on(h, asked, text);
	else if (chat_yes_no(text, &yes) != RES_OK)
		hear_beside(h, text);
	else if (yes)
		go_on(h, NULL, text);
	else {
		step_drop(h->t, &h->u->open);
		buf_text(&h->out, NOT_DONE);
	}
}

/* -- Corrections (XEP-0308) -------------------------------------------------------------------- */

/* Clients name the first version of the line, or the one before. */
static bool
is_last(const struct user *u, const char *id)
{
	return u->last != NULL &&
	    (strcmp(id, u->last->line.id) == 0 || strcmp(id, u->last->line.replaces) == 0);
}

/*
 * As if the last line had not been written; false, and the answer says why, where that cannot be.
 */
static bool
take_back(struct hearing *h, const char *id)
{
	struct user *u = h->u;

	if (!is_last(u, id)) {
		buf_text(&h->out, NOT_LAST);
		return false;
	}
	if (u->made != NULL && !talk_cancel_made(h))
		return false;
	if (u->done && u->before != NULL) {
		buf_text(&h->out, DONE_ALREADY);
		return false;
	}
	if (u->done)
		buf_text(&h->out, STAYS_DONE);
	step_drop(h->t, &u->open);
	u->open = step_ref(u->before);
	return true;
}

/* This is the last line from now on; a correction keeps the id of the first version. */
static bool
begin_line(struct hearing *h, const struct talk_line *line)
{
	struct user *u = h->u;
	struct talk_line head = *line;
	struct kept_line *kept;

	if (*line->replaces != '\0' && *u->last->line.replaces != '\0')
		head.replaces = u->last->line.replaces;
	kept = line_keep(h->t, &head, false);
	if (kept == NULL) {
		h->failed = true;
		return false;
	}
	line_free(h->t, &u->last);
	u->last = kept;
	step_drop(h->t, &u->before);
	u->before = step_ref(u->open);
	step_drop(h->t, &u->made);
	u->done = false;
	u->runs = 0;
	return true;
}

/* -- Lines ------------------------------------------------------------------------------------- */

static void
interpret(struct hearing *h, const struct talk_line *line)
{
	struct span text = span_trim(line->text);

	if (line->encrypted)
		buf_text(&h->out, ENCRYPTED);
	else if (line->text.len > CHAT_LINE_MAX)
		buf_text(&h->out, TOO_LARGE);
	else if (h->u->open != NULL)
		hear_answer(h, text);
	else
		hear_command(h, text);
}

/* A peer that answers whatever it is told would go on for ever.  False: this is not answered. */
static bool
bear(struct hearing *h)
{
	struct user *u = h->u;

	if (!h->strange)
		u->strange = 0;
	else if (++u->strange == STRANGE_MAX) {
		step_drop(h->t, &u->open);
		buf_text(&h->out, FALLS_SILENT);
	} else if (u->strange > STRANGE_MAX) {
		u->strange = STRANGE_MAX;
		buf_reset(&h->out);
		return false;
	}
	return true;
}

static enum talk_verdict
hear(struct talks *t, struct user *u, const struct talk_line *line)
{
	struct hearing h = { .t = t, .u = u, .who = line->who, .via = line->via };
	bool borne;

	if ((*line->replaces == '\0' || take_back(&h, line->replaces)) && begin_line(&h, line))
		interpret(&h, line);
	borne = bear(&h);
	talk_finish(&h);
	return borne ? TALK_HEARD : TALK_IGNORED;
}

/* What was written while an earlier line waited. */
static void
hear_queue(struct talks *t, struct user *u)
{
	struct kept_line *kept;
	struct talk_line line;
	struct asker who;

	while (u->waiting == NULL && (kept = u->queue) != NULL) {
		DL_DELETE(u->queue, kept);
		u->nqueue--;
		user_asker(u, kept->resource, &who);
		line = kept->line;
		line.who = &who;
		hear(t, u, &line);
		line_free(t, &kept);
	}
}

static void
enqueue(struct talks *t, struct user *u, const struct talk_line *line)
{
	struct kept_line *kept;

	if (line->text.len > CHAT_LINE_MAX) {
		t->env.say(t->env.arg, line->who, line->via, TOO_LARGE);
	} else if (u->nqueue >= t->bounds.queue) {
		t->env.say(t->env.arg, line->who, line->via, QUEUE_FULL);
	} else if ((kept = line_keep(t, line, true)) == NULL) {
		t->env.failed(t->env.arg);
	} else {
		DL_APPEND(u->queue, kept);
		u->nqueue++;
	}
}

/* False when this is a line too many, which is said once. */
static bool
is_paid(struct talks *t, struct user *u, const struct talk_line *line, enum talk_verdict *verdict)
{
	int64_t now = clock_mono(t->env.clock), wait_ms;
	struct buf words = { .max = 256 };

	if (u->paid_until < now)
		u->paid_until = now;
	wait_ms = u->paid_until - now - ((int64_t)t->bounds.burst - 1) * t->bounds.refill_ms;
	if (wait_ms <= 0) {
		u->paid_until += t->bounds.refill_ms;
		u->warned = false;
		return true;
	}
	*verdict = u->warned ? TALK_IGNORED : TALK_HEARD;
	if (u->warned)
		return false;
	u->warned = true;
	user_touch(t, u);
	wait_ms = (wait_ms + SECOND_MS - 1) / SECOND_MS * SECOND_MS;
	if (buf_text(&words, TOO_FAST) == RES_OK && when_print_wait(&words, wait_ms) == RES_OK &&
	    buf_text(&words, ".") == RES_OK)
		t->env.say(t->env.arg, line->who, line->via, buf_str(&words));
	else
		t->env.failed(t->env.arg);
	buf_free(&words);
	return false;
}

enum talk_verdict
talks_hear(struct talks *t, const struct talk_line *line, struct reply *refusal)
{
	enum talk_verdict verdict = TALK_HEARD;
	char name[CHAT_WORD_MAX + 1] = "";
	struct span rest;
	struct user *u;
	bool known;

	talks_sweep(t);
	/* A flood costs the store nothing, and strangers are hardly ever remembered. */
	u = user_find(t, line->who->jid.bare);
	known = u != NULL;
	if (known && !is_paid(t, u, line, &verdict))
		return verdict;
	(void)chat_word(line->text, name, &rest);
	if (!t->env.ops->admit(t->env.commands, line->who, span_of(name), refusal))
		return TALK_REFUSED;
	if (!known && (u = user_get(t, line->who->jid.bare)) == NULL) {
		reply_refuse(refusal, "resource-constraint", "wait", NO_MEMORY);
		return TALK_REFUSED;
	}
	if (!known && !is_paid(t, u, line, &verdict))
		return verdict;
	user_touch(t, u);
	if (u->waiting != NULL)
		enqueue(t, u, line);
	else
		verdict = hear(t, u, line);
	keep_bounds(t, u);
	return verdict;
}

/* -- What was put off -------------------------------------------------------------------------- */

/* Their last line goes on with its step, or ends with these words where that is NULL. */
static void
go_on_waiting(struct talks *t, struct user *u, struct step *s, const char *words)
{
	struct asker who;
	struct hearing h = { .t = t, .u = u, .who = &who, .via = u->last->line.via };

	user_asker(u, u->last->resource, &who);
	user_touch(t, u);
	if (s != NULL)
		talk_run(&h, s->cmd, s->stage, &s->in, u->ticket);
	else
		buf_text(&h.out, words);
	talk_finish(&h);
	hear_queue(t, u);
	keep_bounds(t, u);
}

void
talks_resume(struct talks *t, uint64_t ticket)
{
	struct user *u;
	struct step *s;

	DL_FOREACH2(t->waiting, u, wait_next)
		if (u->ticket == ticket)
			break;
	if (u == NULL)
		return;
	s = step_ref(u->waiting);
	talk_wait_end(t, u);
	go_on_waiting(t, u, s, NULL);
	step_drop(t, &s);
}

static struct user *
first_waiting(const struct talks *t)
{
	struct user *u, *first = t->waiting;

	DL_FOREACH2(t->waiting, u, wait_next)
		if (u->until < first->until)
			first = u;
	return first;
}

static void
give_up(void *arg)
{
	struct talks *t = arg;
	struct user *u;

	while ((u = first_waiting(t)) != NULL && u->until <= clock_mono(t->env.clock)) {
		talk_wait_end(t, u);
		go_on_waiting(t, u, NULL, TOO_LONG);
	}
	talk_set_timer(t);
}

void
talk_set_timer(struct talks *t)
{
	const struct user *u = first_waiting(t);

	if (u == NULL)
		timer_stop(&t->timer);
	else
		timer_set(t->env.timers, &t->timer, u->until, give_up, t);
}

/* -- Turns ------------------------------------------------------------------------------------- */

static void
grow_up(struct talks *t, struct user *u)
{
	DL_DELETE2(t->young, u, young_prev, young_next);
	u->young = false;
}

void
talks_committed(struct talks *t)
{
	while (t->young != NULL)
		grow_up(t, t->young);
}

void
talks_failed(struct talks *t)
{
	struct user *u;

	while ((u = t->young) != NULL) {
		talk_tell(t, u, NOT_STORED);
		user_reset(t, u);
		grow_up(t, u);
	}
}

void
talks_forget(struct talks *t)
{
	struct user *u;

	DL_FOREACH(t->users, u)
		if (u->young && u->waiting == NULL)
			user_reset(t, u);
	talks_committed(t);
}

size_t
talks_sweep(struct talks *t)
{
	int64_t now = clock_mono(t->env.clock);

	while (t->users != NULL && now - t->users->since > t->bounds.idle_ms)
		evict(t, t->users);
	return t->nusers;
}
