#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "core/export.h"
#include "service/intake.h"

#define TITLE "Settings"

static const char *const notify_labels[NOTIFY_END] = {
	[NOTIFY_FAILURE] = "only when a message could not be sent or delivered",
	[NOTIFY_SENT] = "also when a message was sent",
	[NOTIFY_DELIVERED] = "also when a message was sent, and when it was delivered",
};

static const struct {
	const char *word, *label;
} hours_words[HOURS_END] = {
	[HOURS_24] = { "24", "18:00" },
	[HOURS_12] = { "12", "6:00 pm" },
};

#define NO_CHOICE "default"
#define LANGUAGE  "en"

/* -- The fields -------------------------------------------------------------------------------- */

static void
show_zone(struct run *r, struct field *fd)
{
	/* What was not understood comes back to be corrected. */
	const struct field *given = r->in != NULL ? form_find(r->in, fd->var) : NULL;

	form_value(&r->reply->form, fd,
	    given != NULL ? form_get(r->in, fd->var) : r->account.zone);
}

static void
show_language(struct run *r, struct field *fd)
{
	form_option(&r->reply->form, fd, LANGUAGE, "English");
	form_value(&r->reply->form, fd, LANGUAGE);
}

static void
show_notify(struct run *r, struct field *fd)
{
	for (int i = 0; i < NOTIFY_END; i++)
		form_option(&r->reply->form, fd, notify_name((enum notify)i), notify_labels[i]);
	form_value(&r->reply->form, fd, notify_name(r->account.notify));
}

static void
show_offline(struct run *r, struct field *fd)
{
	struct form *f = &r->reply->form;

	form_option(f, fd, NO_CHOICE,
	    arena_printf(&f->arena, "as the service has it: %s", offline_name(r->s->config->offline)));
	for (int i = OFFLINE_AUTO; i < OFFLINE_END; i++)
		form_option(f, fd, offline_name((enum offline)i),
		    schedule_offline_label((enum offline)i));
	form_value(
	    f, fd, r->account.offline != 0 ? offline_name(r->account.offline) : NO_CHOICE);
}

static void
show_hours(struct run *r, struct field *fd)
{
	for (int i = 0; i < HOURS_END; i++)
		form_option(&r->reply->form, fd, hours_words[i].word, hours_words[i].label);
	form_value(&r->reply->form, fd, hours_words[r->account.hours].word);
}

/* Empty: none, so that the client's is taken, or the server's. */
static bool
read_zone(struct run *r, struct span text)
{
	struct zone zone;

	if (text.len > 0 && zone_find(&zone, text) != RES_OK)
		return false;
	snprintf(r->account.zone, sizeof(r->account.zone), "%s", text.len > 0 ? zone.name : "");
	return true;
}

static bool
read_language(struct run *r, struct span text)
{
	(void)r;
	return text.len == 0 || span_caseeq(text, SPAN(LANGUAGE));
}

static bool
read_notify(struct run *r, struct span text)
{
	int i = 0;

	if (text.len == 0)
		return true;
	while (i < NOTIFY_END && !span_caseeq(text, span_of(notify_name((enum notify)i))))
		i++;
	if (i < NOTIFY_END)
		r->account.notify = (enum notify)i;
	return i < NOTIFY_END;
}

static bool
read_offline(struct run *r, struct span text)
{
	if (text.len == 0)
		return true;
	if (span_caseeq(text, SPAN(NO_CHOICE))) {
		r->account.offline = 0;
		return true;
	}
	return offline_parse(&r->account.offline, text) == RES_OK;
}

static bool
read_hours(struct run *r, struct span text)
{
	int i = 0;

	if (text.len == 0)
		return true;
	while (i < HOURS_END && !span_eq(text, span_of(hours_words[i].word)))
		i++;
	if (i < HOURS_END)
		r->account.hours = (enum hours)i;
	return i < HOURS_END;
}

static const struct {
	const char *var, *label, *desc;
	enum field_type type;
	void (*show)(struct run *r, struct field *fd);
	/* Into r->account; false, with nothing changed, when it is none of the values. */
	bool (*read)(struct run *r, struct span text);
	const char *wrong;
} fields[] = {
	{ "zone", "Time zone", "Like Europe/Berlin; empty: your client's, or the server's", FIELD_TEXT,
	    show_zone, read_zone,
	    "This time zone is not known: write one like Europe/Berlin, UTC or +02:00, or leave it empty." },
	{ "language", "Language", NULL, FIELD_LIST, show_language, read_language,
	    "There is no other language yet than English: en." },
	{ "notify", "You are told", NULL, FIELD_LIST, show_notify, read_notify,
	    "notify is one of failure, sent and delivered." },
	{ "offline", "If a recipient is not online", NULL, FIELD_LIST, show_offline, read_offline,
	    "offline is one of default, auto, hold, server and drop." },
	{ "hours", "Times are written", NULL, FIELD_LIST, show_hours, read_hours,
	    "hours is 24 or 12." },
};

#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

/* -- The command ------------------------------------------------------------------------------- */

static void
ask(struct run *r, const char *error)
{
	static const char instructions[] = "What you set here holds for all your messages.";
	struct form *f = &r->reply->form;

	r->reply->kind = REPLY_FORM;
	f->title = TITLE;
	f->instructions = instructions;
	if (error != NULL)
		reply_again(r, TITLE, instructions, error);
	for (size_t i = 0; i < NFIELDS; i++) {
		struct field *fd = form_add(f, fields[i].type, fields[i].var, fields[i].label);

		if (fd == NULL)
			return;
		fd->desc = fields[i].desc;
		fields[i].show(r, fd);
	}
}

/* What is wrong; NULL: all is read, and what is not in the form stays. */
static const char *
read_all(struct run *r)
{
	for (size_t i = 0; i < NFIELDS; i++)
		if (form_find(r->in, fields[i].var) != NULL &&
		    !fields[i].read(r, span_trim(span_of(form_get(r->in, fields[i].var))))) {
			r->reply->wrong = fields[i].var;
			return fields[i].wrong;
		}
	return NULL;
}

static void
saved(struct run *r)
{
	const struct account *a = &r->account;

	reply_done(r, NOTE_INFO,
	    "Saved: you are told %s; times are read in %s, and written like %s; a recipient who is not online: %s.",
	    notify_labels[a->notify],
	    a->zone[0] != '\0' ? a->zone : "your client's zone, or the server's",
	    hours_words[a->hours].label,
	    offline_name(a->offline != 0 ? a->offline : r->s->config->offline));
}

void
settings(struct run *r)
{
	struct store *st = r->s->env.store;
	const char *wrong;

	if (r->stage == COMMAND_ASK)
		ask(r, NULL);
	else if ((wrong = read_all(r)) != NULL)
		ask(r, wrong);
	else if (st->ops->set_account(st, r->who->jid.bare, &r->account) != RES_OK)
		reply_trouble(r);
	else
		saved(r);
}
