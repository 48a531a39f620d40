#include <string.h>

#include "base/log.h"
#include "base/parse.h"
#include "core/msisdn.h"
#include "service/intake.h"
#include "service/operators.h"

/* Characters of a value that are written into the log. */
#define LOGGED_MAX 100

/* Who may run a command. */
enum whose {
	FOR_ANYBODY,   /* also who may not schedule anything: what is sent to them is theirs to stop */
	FOR_USERS,     /* of the domains that are served */
	FOR_BOTH,      /* and admins, for the packets of everybody */
	FOR_OPERATORS  /* the configured admins only */
};

#define MESSAGE_FIELDS "repeat rrule expires"
#define EDIT_FIELDS    "to when text body subject media repeat rrule offline expires scope"

/* The one table of commands: forms and chat both read it. */
static const struct command {
	struct command_info info;
	void (*run)(struct run *r);
	enum packet_kind kind; /* shown only with a gateway for it; 0: always */
	enum whose whose;
} commands[] = {
	{ { "im", "Schedule an instant message", true, .places = { { PLACE_ADDRESSES, NULL } },
	      .settable = MESSAGE_FIELDS " offline", .usage = "im <when> <to>[,<to>…] <text>",
	      .help = "im tomorrow 9:00 romeo@example.net Good morning\n"
		      "im fri 17:30 repeat=weekly romeo@example.net See you at the tavern\n"
		      "im in 2h offline=hold expires=\"in 3 days\" romeo@example.net Call me" },
	    schedule_im, 0, FOR_USERS },
	{ { "sms", "Schedule an SMS", true, .places = { { PLACE_NUMBERS, NULL } },
	      .settable = MESSAGE_FIELDS, .usage = "sms <when> <to>[,<to>…] <text>",
	      .help = "sms in 2h +4917012345678 Late, sorry" },
	    schedule_sms, KIND_SMS, FOR_USERS },
	{ { "mms", "Schedule an MMS", true, .places = { { PLACE_NUMBERS, NULL } },
	      .settable = MESSAGE_FIELDS " subject media", .usage = "mms <when> <to>[,<to>…] <text> <link>…",
	      .help = "mms 18:00 subject=Verona +4917012345678 Look https://example.net/balcony.jpg\n"
		      "The https links at the end are what is sent with the text." },
	    schedule_mms, KIND_MMS, FOR_USERS },
	{ { "remind", "Remind yourself", true, .chat_only = true, .places = { { PLACE_REMINDER, NULL } },
	      .settable = MESSAGE_FIELDS " offline", .usage = "remind <when> <text>",
	      .help = "remind in 20 minutes The cake is in the oven" },
	    schedule_reminder, 0, FOR_USERS },
	{ { "list", "Show what is waiting", false, .usage = "list" }, list_waiting, 0, FOR_USERS },
	{ { "show", "Show one message", true, .places = { { PLACE_WORD, "id" } }, .usage = "show <id>",
	      .help = "Its text, its history, and what became of it." },
	    show, 0, FOR_USERS },
	{ { "edit", "Change a message", true,
	      .places = { { PLACE_WORD, "id" }, { PLACE_FIELD, NULL } }, .settable = EDIT_FIELDS,
	      .usage = "edit <id> <field> <value>",
	      .help = "edit 7K3Q2M when fri 9:00\n"
		      "edit 7K3Q2M text Good morning, Romeo\n"
		      "edit 7K3Q2M scope=following when 8:00\n"
		      "scope=following changes all that follow of a message that repeats." },
	    edit, 0, FOR_USERS },
	{ { "now", "Send a message at once", true, .places = { { PLACE_WORD, "id" } },
	      .usage = "now <id>" },
	    edit_now, 0, FOR_BOTH },
	{ { "cancel", "Cancel messages", true, .places = { { PLACE_WORDS, "ids" } },
	      .settable = "scope", .usage = "cancel <id>…",
	      .help = "cancel 7K3Q2M\n"
		      "cancel 7K3Q2M scope=this\n"
		      "scope=this cancels only the next one of a message that repeats." },
	    cancel, 0, FOR_BOTH },
	{ { "pause", "Pause a recurring message", true, .places = { { PLACE_WORD, "id" } },
	      .usage = "pause <id>" },
	    pause_begin, 0, FOR_USERS },
	{ { "resume", "Let a paused message go on", true, .places = { { PLACE_WORD, "id" } },
	      .usage = "resume <id>" },
	    pause_end, 0, FOR_USERS },
	{ { "history", "Show what was sent or has ended", false, .usage = "history" }, list_history,
	    0, FOR_USERS },
	{ { "quota", "Show how much you may schedule", false, .usage = "quota" }, quota_show, 0,
	    FOR_USERS },
	{ { "settings", "Settings", true, .places = { { PLACE_FIELD, NULL } },
	      .settable = "zone language notify offline hours", .usage = "settings <name> <value>",
	      .help = "settings zone Europe/Berlin\n"
		      "settings notify delivered\n"
		      "settings hours 12" },
	    settings, 0, FOR_USERS },
	{ { "stop", "Let nobody send you anything", false, .chat_only = true, .usage = "stop",
	      .help = "Nothing more is sent to you through this service, until you write start." },
	    optout_stop, 0, FOR_ANYBODY },
	{ { "start", "Let others send you messages again", false, .chat_only = true,
	      .usage = "start" },
	    optout_start, 0, FOR_ANYBODY },
	{ { "export", "Get a copy of all your data", false, .usage = "export" }, export_all, 0,
	    FOR_USERS },
	{ { "forget", "Delete all your data", true, .usage = "forget" }, forget_all, 0, FOR_USERS },

	{ { "stats", "Operator: show what there is to do, and what was done", false,
	      .usage = "stats" },
	    op_stats, 0, FOR_OPERATORS },
	{ { "users", "Operator: list the users", false, .places = { { PLACE_WORD, "after" } },
	      .usage = "users [<jid>]", .help = "users romeo@example.net: those that follow it" },
	    op_users_list, 0, FOR_OPERATORS },
	{ { "user", "Operator: show one user", true, .places = { { PLACE_WORD, "jid" } },
	      .usage = "user <jid>" },
	    op_users_show, 0, FOR_OPERATORS },
	{ { "packets", "Operator: show the packets of one user", true,
	      .places = { { PLACE_WORD, "jid" } }, .usage = "packets <jid>",
	      .help = "Recipients, times and states; what is written in them is not shown." },
	    op_users_packets, 0, FOR_OPERATORS },
	{ { "block", "Operator: block a user", true, .places = { { PLACE_WORD, "jid" } },
	      .usage = "block <jid>",
	      .help = "Nothing more of theirs is taken, and what is due is held until `unblock`." },
	    op_users_block, 0, FOR_OPERATORS },
	{ { "unblock", "Operator: unblock a user", true, .places = { { PLACE_WORD, "jid" } },
	      .usage = "unblock <jid>" },
	    op_users_unblock, 0, FOR_OPERATORS },
	{ { "limits", "Operator: show or set how much users may schedule", true,
	      .places = { { PLACE_WORD, "jid" }, { PLACE_WORD, "kind" } }, .settable = "day month",
	      .usage = "limits <jid|domain|default|service> <kind> [day=N] [month=N]",
	      .help = "limits romeo@example.net sms day=5 month=50\n"
		      "limits example.net im day=none\n"
		      "limits romeo@example.net sms day=default month=default\n"
		      "A user's own limits come first, then their domain's, then default.\n"
		      "service: of all users together." },
	    op_limits, 0, FOR_OPERATORS },
	{ { "gateways", "Operator: show the gateways", false, .usage = "gateways" }, op_gateways_list, 0,
	    FOR_OPERATORS },
	{ { "gateway", "Operator: pause, resume or test a gateway", true,
	      .places = { { PLACE_WORD, "name" }, { PLACE_WORD, "action" }, { PLACE_WORD, "number" } },
	      .usage = "gateway <name> pause|resume|test [<number>]",
	      .help = "gateway office pause\n"
		      "gateway office test +4917012345678" },
	    op_gateways_control, 0, FOR_OPERATORS },
	{ { "retry", "Operator: send again what failed or is uncertain", true,
	      .places = { { PLACE_WORD, "id" } }, .usage = "retry <id|gateway>",
	      .help = "retry 7K3Q2M\n"
		      "retry office: all that failed at this gateway, or may have" },
	    op_retry, 0, FOR_OPERATORS },
	{ { "reload", "Operator: read the configuration again", false, .usage = "reload" }, op_reload, 0,
	    FOR_OPERATORS },
	{ { "backup", "Operator: copy the database", true, .places = { { PLACE_REST, "file" } },
	      .usage = "backup <file>",
	      .help = "backup 2026-12-24.db: beside the database\n"
		      "Keep it together with the seal key, without which it cannot be read." },
	    op_backup, 0, FOR_OPERATORS },
	{ { "drain", "Operator: accept and send nothing more", false,
	      .places = { { PLACE_WORD, "state" } }, .usage = "drain [off]",
	      .help = "What is in flight is finished.  drain off: go on." },
	    op_drain, 0, FOR_OPERATORS },
	{ { "shutdown", "Operator: stop the service", true, .usage = "shutdown" }, op_shutdown, 0,
	    FOR_OPERATORS },
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

bool
reply_is_confirmed(struct form *in)
{
	struct span said = span_trim(span_of(form_get(in, "confirm")));

	return span_eq(said, SPAN("1")) || span_caseeq(said, SPAN("true")) ||
	    span_caseeq(said, SPAN("yes"));
}

static struct service *
service_of(struct commands *c)
{
	return (struct service *)c;
}

/* -- Who may ----------------------------------------------------------------------------------- */

static bool
is_admin(const struct service *s, const struct jid *who)
{
	const char *const *admin = s->config->admins;

	while (*admin != NULL && strcmp(*admin, who->bare) != 0)
		admin++;
	return *admin != NULL;
}

/* RES_DENIED with the condition and the reason; RES_TEMPFAIL. */
static enum res
may_run(struct service *s, const struct jid *who, enum whose whose, struct account *account,
    const char **condition, struct buf *why)
{
	enum res res;

	if (whose == FOR_ANYBODY || (whose != FOR_USERS && is_admin(s, who)))
		return s->env.store->ops->account(s->env.store, who->bare, account) == RES_OK
		    ? RES_OK
		    : RES_TEMPFAIL;
	res = intake_verify(s, who, account, condition, why);
	if (res == RES_OK && whose == FOR_OPERATORS) {
		*condition = "forbidden";
		buf_text(why, "This command is for the operators of this service.");
		res = RES_DENIED;
	}
	return res;
}

static void
deny(struct service *s, struct reply *reply, const char *condition, const char *why)
{
	s->counts.refused[REFUSED_DENIED]++;
	reply_refuse(
	    reply, condition, strcmp(condition, "forbidden") == 0 ? "auth" : "cancel", why);
}

static const struct command *
find_command(struct span name)
{
	for (size_t i = 0; i < NCOMMANDS; i++)
		if (span_eq(name, span_of(commands[i].info.name)))
			return &commands[i];
	return NULL;
}

static bool
admit(struct commands *c, const struct asker *who, struct span name, struct reply *refusal)
{
	struct service *s = service_of(c);
	const struct command *command = find_command(name);
	struct run r = { .s = s, .reply = refusal };
	struct buf why = { 0 };
	const char *condition;
	struct account account;
	enum res res = may_run(s, &who->jid,
	    command != NULL && command->whose == FOR_ANYBODY ? FOR_ANYBODY : FOR_BOTH, &account,
	    &condition, &why);

	if (res == RES_DENIED)
		deny(s, refusal, condition, buf_str(&why));
	else if (res != RES_OK)
		reply_trouble(&r);
	buf_free(&why);
	return res == RES_OK;
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
	bool served = intake_verify(s, &who->jid, &account, &condition, &why) == RES_OK;
	bool admin = is_admin(s, &who->jid);
	const bool may[] = {
		[FOR_ANYBODY] = true,
		[FOR_USERS] = served,
		[FOR_BOTH] = served || admin,
		[FOR_OPERATORS] = admin,
	};

	buf_free(&why);
	for (size_t at = 0; at < NCOMMANDS; at++)
		if (may[commands[at].whose] && is_offered(s, &commands[at]) && i-- == 0)
			return &commands[at].info;
	return NULL;
}

static const struct command_info *
find(struct commands *c, struct span name)
{
	const struct command *command = find_command(name);

	(void)c;
	return command != NULL ? &command->info : NULL;
}

/* -- Running one ------------------------------------------------------------------------------- */

/* Values as they may stand in a log: of a number only its ends. */
static void
print_values(struct buf *out, const struct field *fd)
{
	for (const struct value *v = fd->values; v != NULL; v = v->next) {
		buf_printf(out, " %s=", fd->var);
		if (strcmp(fd->var, "number") == 0)
			(void)msisdn_mask(out, v->text);
		else
			buf_span(out, utf8_prefix(span_of(v->text), LOGGED_MAX));
	}
}

/* Who did what, of the commands that reach beyond one's own. */
static void
log_operator(const struct run *r, const struct command *command)
{
	struct buf what = { .max = 2048 };

	if (r->reply->kind != REPLY_DONE || (command->whose != FOR_OPERATORS && !r->any))
		return;
	for (const struct field *fd = r->in != NULL ? r->in->fields : NULL; fd != NULL; fd = fd->next)
		if (fd->type != FIELD_FIXED && fd->var != NULL)
			print_values(&what, fd);
	log_note("operator %s: %s%s: %s", r->who->jid.bare, command->info.name, buf_str(&what),
	    r->reply->note_type == NOTE_ERROR ? "refused" : "done");
	buf_free(&what);
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
	log_operator(r, command);
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

	r.any = command->whose == FOR_BOTH && is_admin(s, &who->jid);
	switch (may_run(s, &who->jid, command->whose, &r.account, &condition, &why)) {
	case RES_OK:
		command->run(&r);
		finish(&r, command);
		break;
	case RES_DENIED:
		deny(s, reply, condition, buf_str(&why));
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
	.admit = admit,
	.find = find,
	.run = run,
};
