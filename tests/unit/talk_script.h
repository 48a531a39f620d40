/* Lines of users against a scripted service: for the tests of xmpp/talk.c and its fuzz target. */
#ifndef LATERD_TESTS_TALK_SCRIPT_H
#define LATERD_TESTS_TALK_SCRIPT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmpp/talk.h"

#define ADMIN    "admin@example.org"
#define JULIET   "juliet@example.org"
#define BALCONY  JULIET "/balcony"
#define ROMEO    "romeo@example.net"
#define IDS_MAX  64

/*
 * A service with a command of every shape.  What is due at "slow" or said to be "slow" takes time;
 * "past" is a time that is wrong, "soonish" is none.
 */
struct commands {
	struct buf calls;       /* "im:ask im:check im:do " */
	struct buf last;        /* what the last DO was given: "to=… when=… body=…" */
	unsigned scheduled;     /* ids A1, A2, … */
	bool cancelled[IDS_MAX], left[IDS_MAX];
	unsigned later;         /* so many of the next runs take time */
	uint64_t ticket;        /* of the last that did */
	bool lose_memory, blocked, nothing_waits, huge;
	const char *words;      /* of "list"; NULL: its own */
	char zone[64];
};

static const struct command_info talk_commands[] = {
	{ .name = "im", .title = "Schedule an instant message", .has_form = true,
	    .places = { { PLACE_ADDRESSES, NULL } }, .settable = "offline expires",
	    .usage = "im <when> <to>[,<to>…] <text>", .help = "Like: im noon a@example.org Hi" },
	{ .name = "sms", .title = "Schedule an SMS", .has_form = true,
	    .places = { { PLACE_ADDRESSES, NULL } }, .usage = "sms <when> <to> <text>" },
	{ .name = "list", .title = "Show what waits", .usage = "list" },
	{ .name = "cancel", .title = "Cancel messages", .has_form = true,
	    .places = { { PLACE_WORDS, "ids" } }, .usage = "cancel <id>…" },
	{ .name = "show", .title = "Show one message", .has_form = true,
	    .places = { { PLACE_WORD, "id" } }, .usage = "show <id>" },
	{ .name = "edit", .title = "Change a message", .has_form = true,
	    .places = { { PLACE_WORD, "id" }, { PLACE_FIELD, NULL } }, .settable = "when text",
	    .usage = "edit <id> <field> <value>" },
	{ .name = "settings", .title = "Settings", .has_form = true,
	    .places = { { PLACE_FIELD, NULL } }, .settable = "zone notify",
	    .usage = "settings <field> <value>" },
	{ .name = "forget", .title = "Delete all your data", .has_form = true, .usage = "forget" },
	{ .name = "remind", .title = "Remind yourself", .has_form = true, .chat_only = true,
	    .places = { { PLACE_REMINDER, NULL } }, .usage = "remind <when> <text>" },
	{ .name = "users", .title = "Users", .places = { { PLACE_WORD, "after" } },
	    .usage = "users [<after>]" },
	{ .name = "bare", .title = "Without a word" },
	{ .name = "stats", .title = "Numbers", .usage = "stats" }, /* of admins; the last */
};

#define TALK_COMMANDS (sizeof(talk_commands) / sizeof(talk_commands[0]))

static bool
talk_is_admin(const struct asker *who)
{
	return strcmp(who->jid.bare, ADMIN) == 0;
}

static const struct command_info *
talk_visible(struct commands *c, const struct asker *who, size_t i)
{
	(void)c;
	return i < TALK_COMMANDS - (talk_is_admin(who) ? 0 : 1) ? &talk_commands[i] : NULL;
}

static bool
talk_admit(struct commands *c, const struct asker *who, struct span name, struct reply *refusal)
{
	(void)name;
	if (!c->blocked && strcmp(who->jid.domain, "example.org") == 0)
		return true;
	reply_refuse(refusal, c->blocked ? "not-allowed" : "forbidden",
	    c->blocked ? "cancel" : "auth", "Only users of example.org.");
	return false;
}

static const struct command_info *
talk_find(struct commands *c, struct span name)
{
	(void)c;
	for (size_t i = 0; i < TALK_COMMANDS; i++)
		if (span_eq(name, span_of(talk_commands[i].name)))
			return &talk_commands[i];
	return NULL;
}

/* -- Runs -------------------------------------------------------------------------------------- */

struct talk_run {
	struct commands *c;
	const struct asker *who;
	enum command_stage stage;
	struct form *in;
	struct reply *reply;
};

static const char *
talk_got(const struct talk_run *r, const char *var)
{
	return r->in == NULL ? "" : form_get(r->in, var);
}

static void
talk_done(struct talk_run *r, enum note_type type, const char *words)
{
	r->reply->kind = REPLY_DONE;
	r->reply->note_type = type;
	buf_text(&r->reply->note, words);
}

static struct field *
talk_field(struct talk_run *r, enum field_type type, const char *var, const char *label,
    bool required)
{
	struct field *fd = form_add(&r->reply->form, type, var, label);

	if (fd == NULL)
		abort();
	fd->required = required;
	if (*talk_got(r, var) != '\0')
		form_value(&r->reply->form, fd, talk_got(r, var));
	return fd;
}

/* The form again, with what is wrong; NULL: nothing. */
static void
talk_ask(struct talk_run *r, const char *wrong, const char *words)
{
	r->reply->kind = REPLY_FORM;
	r->reply->wrong = wrong;
	if (words == NULL)
		return;
	r->reply->note_type = NOTE_ERROR;
	buf_text(&r->reply->note, words);
}

static void
talk_message_form(struct talk_run *r, const char *wrong, const char *words)
{
	struct field *fd;

	talk_ask(r, wrong, words);
	talk_field(r, FIELD_TEXT, "to", "To", true);
	talk_field(r, FIELD_TEXT, "when", "When", true);
	talk_field(r, FIELD_TEXT_MULTI, "body", "Message", true);
	fd = talk_field(r, FIELD_LIST, "offline", "If they are away", false);
	form_option(&r->reply->form, fd, "hold", "hold it");
	form_value(&r->reply->form, fd, "hold");
}

static void
talk_schedule(struct talk_run *r)
{
	struct form *f = &r->reply->form;
	char id[16];

	snprintf(id, sizeof(id), "A%u", ++r->c->scheduled % IDS_MAX);
	r->c->cancelled[r->c->scheduled % IDS_MAX] = r->c->left[r->c->scheduled % IDS_MAX] = false;
	buf_reset(&r->c->last);
	buf_printf(&r->c->last, "to=%s when=%s body=%s", form_get(r->in, "to"),
	    form_get(r->in, "when"), form_get_lines(r->in, "body"));
	talk_done(r, NOTE_INFO, "Scheduled ");
	buf_printf(&r->reply->note, "%s to %s.", id, form_get(r->in, "to"));
	form_value(f, form_add(f, FIELD_HIDDEN, "id", NULL), id);
	r->reply->repeats = true;
}

static void
talk_message(struct talk_run *r, bool asks)
{
	const char *when = talk_got(r, "when");

	if (r->stage == COMMAND_ASK)
		talk_message_form(r, NULL, NULL);
	else if (*talk_got(r, "to") == '\0')
		talk_message_form(r, "to", "Nobody is named.");
	else if (*when == '\0' || strstr(when, "past") != NULL || strstr(when, "yesterday") != NULL)
		talk_message_form(r, "when", "This time is past.");
	else if (*talk_got(r, "body") == '\0')
		talk_message_form(r, "body", "There is no text.");
	else if (strcmp(talk_got(r, "body"), "quota") == 0)
		talk_done(r, NOTE_ERROR, "That would be too many.");
	else if (r->stage == COMMAND_DO)
		talk_schedule(r);
	else {
		r->reply->kind = REPLY_CONFIRM;
		r->reply->asks = asks;
		form_value(&r->reply->form, form_add(&r->reply->form, FIELD_FIXED, "to", "To"),
		    form_get(r->in, "to"));
		/* What is confirmed is an instant. */
		if (strncmp(when, "in ", 3) == 0)
			form_set(r->in, "when", "the instant");
	}
}

static void
talk_cancel(struct talk_run *r)
{
	struct field *fd = r->in == NULL ? NULL : form_find(r->in, "ids");
	struct form *f = &r->reply->form;

	if (r->stage == COMMAND_ASK && r->c->nothing_waits) {
		talk_done(r, NOTE_INFO, "Nothing is waiting.");
		return;
	}
	if (fd == NULL || fd->values == NULL) {
		talk_ask(r, "ids", r->stage == COMMAND_ASK ? NULL : "Choose at least one.");
		fd = talk_field(r, FIELD_LIST_MULTI, "ids", "Messages", true);
		form_option(f, fd, "A1", "A1: to romeo");
		return;
	}
	talk_done(r, NOTE_INFO, "");
	for (struct value *v = fd->values; v != NULL; v = v->next) {
		unsigned n = (unsigned)strtoul(v->text + (*v->text == 'A'), NULL, 10) % IDS_MAX;
		const char *said = r->c->left[n] ? "already sent" : "cancelled";

		r->c->cancelled[n] = !r->c->left[n];
		form_value(f, form_add(f, FIELD_FIXED, v->text, NULL),
		    arena_printf(&f->arena, "%s: %s", v->text, said));
		buf_printf(&r->reply->note, "%s: %s. ", v->text, said);
	}
	r->reply->repeats = true;
}

static void
talk_show(struct talk_run *r)
{
	struct field *fd;

	if (r->stage != COMMAND_ASK && strcmp(talk_got(r, "id"), "A1") == 0) {
		talk_done(r, NOTE_INFO, "A1 waits.");
		return;
	}
	talk_ask(r, NULL, r->stage == COMMAND_ASK ? NULL : "There is no such message.");
	fd = form_add(&r->reply->form, FIELD_LIST, "id", "Message");
	fd->required = true;
	form_option(&r->reply->form, fd, "A1", "A1: to romeo");
	form_option(&r->reply->form, fd, "A2", "A2: to nurse");
	form_value(&r->reply->form, fd, "A1");
}

static void
talk_edit(struct talk_run *r)
{
	struct form *f = &r->reply->form;

	if (r->stage == COMMAND_ASK)
		talk_show(r);
	else if (*talk_got(r, "when") != '\0') {
		talk_done(r, NOTE_INFO, "Changed.");
		form_value(f, form_add(f, FIELD_HIDDEN, "id", NULL), talk_got(r, "id"));
	} else {
		talk_ask(r, NULL, NULL);
		form_value(f, talk_field(r, FIELD_TEXT, "to", "To", true), ROMEO);
		form_value(f, talk_field(r, FIELD_TEXT, "when", "When", true), "fri 9:00");
	}
}

static void
talk_settings(struct talk_run *r)
{
	struct form *f = &r->reply->form;

	if (*talk_got(r, "zone") != '\0') {
		snprintf(r->c->zone, sizeof(r->c->zone), "%s", talk_got(r, "zone"));
		talk_done(r, NOTE_INFO, "Saved.");
		return;
	}
	talk_ask(r, NULL, NULL);
	form_value(f, form_add(f, FIELD_TEXT, "zone", "Time zone"), "Europe/Berlin");
}

static void
talk_forget(struct talk_run *r)
{
	struct form *f = &r->reply->form;
	const char *said = talk_got(r, "confirm");

	if (strcmp(said, "1") == 0) {
		talk_done(r, NOTE_INFO, "All is deleted.");
		return;
	}
	talk_ask(r, "confirm", r->stage == COMMAND_ASK ? NULL : "Nothing was deleted.");
	f->instructions = "This cannot be undone.";
	form_value(f, form_add(f, FIELD_FIXED, "waiting", NULL), "Messages that wait: 3");
	form_value(f, form_add(f, FIELD_BOOLEAN, "confirm", "Yes, delete everything"), "0");
}

static void
talk_remind(struct talk_run *r)
{
	if (r->stage == COMMAND_ASK) {
		talk_ask(r, NULL, NULL);
		talk_field(r, FIELD_TEXT, "when", "When", true);
		talk_field(r, FIELD_TEXT_MULTI, "body", "Message", true);
		return;
	}
	form_set(r->in, "to", r->who->jid.bare);
	talk_message(r, false);
}

static void
talk_plain(struct talk_run *r, const char *name)
{
	struct form *f = &r->reply->form;

	if (strcmp(name, "stats") == 0 && !talk_is_admin(r->who)) {
		reply_refuse(r->reply, "forbidden", "auth", "Only for operators.");
		return;
	}
	talk_done(r, NOTE_INFO, "");
	buf_printf(&r->reply->note, "%s of %s%s%s", name, r->who->jid.bare,
	    *talk_got(r, "after") != '\0' ? " after " : "", talk_got(r, "after"));
	if (strcmp(name, "bare") == 0 || r->c->words != NULL)
		buf_reset(&r->reply->note);
	buf_text(&r->reply->note, r->c->words != NULL ? r->c->words : "");
	for (int i = 0; r->c->huge && i < 2000; i++)
		form_value(f, form_add(f, FIELD_FIXED, "row", NULL),
		    arena_printf(&f->arena, "row %d: forty bytes of what nobody reads ü", i));
}

static void
talk_run_command(struct commands *c, const struct asker *who, const struct command_info *cmd,
    enum command_stage stage, struct form *in, struct reply *reply)
{
	static const char *const stages[] = { "ask", "check", "do" };
	struct talk_run r = { c, who, stage, in, reply };

	if ((stage == COMMAND_ASK) != (in == NULL))
		abort();
	buf_printf(&c->calls, "%s:%s ", cmd->name, stages[stage]);
	if (c->lose_memory)
		reply->form.arena.failed = true;
	if (c->later > 0) {
		c->later--;
		reply->kind = REPLY_LATER;
		reply->ticket = ++c->ticket;
		return;
	}
	if (strcmp(cmd->name, "im") == 0 || strcmp(cmd->name, "sms") == 0)
		talk_message(&r, cmd->name[0] == 's');
	else if (strcmp(cmd->name, "cancel") == 0)
		talk_cancel(&r);
	else if (strcmp(cmd->name, "show") == 0)
		talk_show(&r);
	else if (strcmp(cmd->name, "edit") == 0)
		talk_edit(&r);
	else if (strcmp(cmd->name, "settings") == 0)
		talk_settings(&r);
	else if (strcmp(cmd->name, "forget") == 0)
		talk_forget(&r);
	else if (strcmp(cmd->name, "remind") == 0)
		talk_remind(&r);
	else
		talk_plain(&r, cmd->name);
}

static const struct command_ops talk_ops = {
	.visible = talk_visible, .admit = talk_admit, .find = talk_find, .run = talk_run_command
};

#endif
