#include <string.h>

#include "service/intake.h"
#include "service/state.h"

/* The one table of commands: forms and chat both read it. */
static const struct command {
	struct command_info info;
	void (*run)(struct run *r);
	enum packet_kind kind; /* shown only with a gateway for it; 0: always */
} commands[] = {
	{ { "im", "Schedule an instant message", true }, schedule_im, 0 },
	{ { "sms", "Schedule an SMS", true }, schedule_sms, KIND_SMS },
	{ { "mms", "Schedule an MMS", true }, schedule_mms, KIND_MMS },
	{ { "list", "Show what is waiting", false }, list_waiting, 0 },
	{ { "show", "Show one message", true }, show, 0 },
	{ { "edit", "Change a message", true }, edit, 0 },
	{ { "now", "Send a message at once", true }, edit_now, 0 },
	{ { "cancel", "Cancel messages", true }, cancel, 0 },
	{ { "pause", "Pause a recurring message", true }, pause_begin, 0 },
	{ { "resume", "Let a paused message go on", true }, pause_end, 0 },
	{ { "history", "Show what was sent or has ended", false }, list_history, 0 },
	{ { "quota", "Show how much you may schedule", false }, quota_show, 0 },
	{ { "settings", "Settings", true }, settings, 0 },
	{ { "export", "Get a copy of all your data", false }, export_all, 0 },
	{ { "forget", "Delete all your data", true }, forget_all, 0 },
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

void
reply_done(struct run *r, enum note_type type, const char *format, ...)
{
	va_list args;

	r->reply->kind = REPLY_DONE;
	r->reply->note_type = type;
	va_start(args, format);
	buf_vprintf(&r->reply->note, format, args);
	va_end(args);
}

void
reply_trouble(struct run *r)
{
	reply_refuse(r->reply, "internal-server-error", "wait",
	    "The service cannot read or write its store at the moment; nothing was changed. Try again in a minute.");
}

void
reply_again(struct run *r, const char *title, const char *instructions, const char *reason)
{
	struct form *f = &r->reply->form;

	r->reply->kind = REPLY_FORM;
	r->reply->note_type = NOTE_ERROR;
	buf_text(&r->reply->note, reason);
	f->title = arena_text(&f->arena, title);
	f->instructions = arena_printf(&f->arena, "%s %s", reason, instructions);
}

void
reply_later(struct run *r)
{
	r->reply->kind = REPLY_LATER;
	r->reply->ticket = later_wait(r->s, r->who->jid.bare, r->now);
	if (r->reply->ticket == 0)
		reply_trouble(r);
}

void
reply_plain(struct run *r, const char *var, const char *label, const char *text)
{
	struct form *f = &r->reply->form;

	form_value(f, form_add(f, FIELD_FIXED, var, label), text);
}

void
reply_row(struct run *r, const char *var, const char *label, const char *text)
{
	reply_plain(r, var, NULL, arena_printf(&r->reply->form.arena, "%s: %s", label, text));
}

void
reply_time(
    struct run *r, const struct zone *zone, const char *var, const char *label, int64_t at)
{
	struct buf text = { .max = 256 };

	if (at == 0 || at == NEVER_MS)
		return;
	when_print(&text, at, zone, r->account.hours);
	reply_row(r, var, label, buf_str(&text));
	buf_free(&text);
}

static struct service *
service_of(struct commands *c)
{
	return (struct service *)c;
}

static bool
is_offered(const struct service *s, const struct command *c)
{
	return c->kind == 0 || route_serves(&s->config->routing, c->kind);
}

static const struct command_info *
visible(struct commands *c, const struct asker *who, size_t i)
{
	struct service *s = service_of(c);
	const char *condition;
	struct account account;
	struct buf why = { 0 };
	enum res res = intake_verify(s, &who->jid, &account, &condition, &why);

	buf_free(&why);
	for (size_t at = 0; res == RES_OK && at < NCOMMANDS; at++)
		if (is_offered(s, &commands[at]) && i-- == 0)
			return &commands[at].info;
	return NULL;
}

static const struct command_info *
find(struct commands *c, struct span name)
{
	(void)c;
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (span_eq(name, span_of(commands[i].info.name)))
			return &commands[i].info;
	return NULL;
}

/* What every reply has, whichever command it is of. */
static void
finish(struct run *r, const struct command *command)
{
	struct form *f = &r->reply->form;

	/* Last, because some clients number the fields: `reason` stands above the form as well. */
	if (r->reply->kind == REPLY_FORM && r->reply->note_type == NOTE_ERROR)
		reply_plain(r, "error", "Please correct", buf_str(&r->reply->note));
	/* Some clients make up a title where there is none. */
	if (f->fields != NULL && f->title == NULL)
		f->title = command->info.title;
}

static void
run(struct commands *c, const struct asker *who, const struct command_info *cmd,
    enum command_stage stage, struct form *in, struct reply *reply)
{
	struct service *s = service_of(c);
	struct run r = {
		.s = s, .who = who, .stage = stage, .in = in, .reply = reply,
		.now = reply->ticket != 0 ? later_asked_at(reply->ticket) : service_now(s),
	};
	const struct command *command = (const struct command *)(const void *)cmd;
	const char *condition;
	struct buf why = { 0 };

	switch (intake_verify(s, &who->jid, &r.account, &condition, &why)) {
	case RES_OK:
		command->run(&r);
		finish(&r, command);
		break;
	case RES_DENIED:
		reply_refuse(reply, condition,
		    strcmp(condition, "forbidden") == 0 ? "auth" : "cancel", buf_str(&why));
		break;
	default:
		reply_trouble(&r);
	}
	buf_free(&why);
	/* What was done must not count when the answer cannot say so. */
	if (reply->form.arena.failed || reply->note.failed)
		s->broken = true;
	if (s->broken)
		reply_trouble(&r);
}

const struct command_ops service_command_ops = {
	.visible = visible,
	.find = find,
	.run = run,
};
