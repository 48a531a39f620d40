#include <string.h>

#include "base/parse.h"
#include "service/state.h"

#define TITLE "Settings"

static const struct {
	enum notify value;
	const char *name, *label;
} notify_names[NOTIFY_END] = {
	{ NOTIFY_FAILURE, "failure", "only when a message could not be sent or delivered" },
	{ NOTIFY_SENT, "sent", "also when a message was sent" },
	{ NOTIFY_DELIVERED, "delivered", "also when a message was sent, and when it was delivered" },
};

static void
ask(struct run *r, const struct account *account, const char *error)
{
	static const char instructions[] = "What you set here holds for all your messages.";
	struct form *f = &r->reply->form;
	struct field *fd;

	r->reply->kind = REPLY_FORM;
	f->title = TITLE;
	f->instructions = instructions;
	if (error != NULL)
		reply_again(r, TITLE, instructions, error);
	fd = form_add(f, FIELD_LIST, "notify", "You are told");
	for (size_t i = 0; i < NOTIFY_END; i++)
		form_option(f, fd, notify_names[i].name, notify_names[i].label);
	form_value(f, fd, notify_names[account->notify].name);
}

/* False when it is none of the values; what is not in the form stays. */
static bool
read_notify(struct form *in, struct account *account)
{
	struct span text = span_trim(span_of(form_get(in, "notify")));

	if (text.len == 0)
		return true;
	for (size_t i = 0; i < NOTIFY_END; i++)
		if (span_caseeq(text, span_of(notify_names[i].name))) {
			account->notify = notify_names[i].value;
			return true;
		}
	return false;
}

void
settings(struct run *r)
{
	struct store *st = r->s->env.store;
	const char *who = r->who->jid.bare;
	struct account account;

	if (st->ops->account(st, who, &account) != RES_OK) {
		reply_trouble(r);
		return;
	}
	if (r->stage == COMMAND_ASK) {
		ask(r, &account, NULL);
		return;
	}
	if (!read_notify(r->in, &account)) {
		ask(r, &account, "notify is one of failure, sent and delivered.");
		return;
	}
	if (st->ops->set_account(st, who, &account) != RES_OK)
		reply_trouble(r);
	else
		reply_done(r, NOTE_INFO, "Saved: you are told %s.",
		    notify_names[account.notify].label);
}
