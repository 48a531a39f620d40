/* People who want nothing sent to them: `stop` and `start`, which anybody may write to the bot. */
#include <string.h>

#include "base/log.h"
#include "service/intake.h"
#include "service/state.h"

#define STOPPED \
	"Nothing more is sent to you through this service: no messages that others have " \
	"scheduled, and no answers to what you wrote through it.  Write start when you want " \
	"them again."

enum res
optout_check(struct service *s, const char *sender, const char *recipient)
{
	bool stopped;

	if (strcmp(sender, s->bot) == 0 || strcmp(sender, recipient) == 0)
		return RES_OK;
	if (s->env.store->ops->stopped(s->env.store, recipient, &stopped) != RES_OK)
		return RES_TEMPFAIL;
	return stopped ? RES_DENIED : RES_OK;
}

/* Their presence need not be seen any more; who has refused it stays so. */
static enum res
look_away(struct service *s, const char *jid)
{
	struct store *st = s->env.store;
	enum contact contact;
	enum res res = st->ops->contact(st, jid, &contact, NULL);

	if (res != RES_OK || contact == CONTACT_NONE || contact == CONTACT_REFUSED)
		return res;
	s->messenger->ops->unsubscribe(s->messenger, jid);
	return st->ops->set_contact(st, jid, CONTACT_NONE, service_now(s));
}

/*
 * Somebody's server may make up as many people as it likes: of those who are not served, a hundred
 * at once may stop us, and one in ten seconds.
 */
#define STRANGERS_MAX 100
#define STRANGER_MS   (10 * SECOND_MS)

static bool
is_one_too_many(struct run *r)
{
	struct service *s = r->s;
	struct buf why = { 0 };
	struct account account;
	const char *condition;
	int64_t now = clock_mono(s->env.clock);
	bool served = intake_verify(s, &r->who->jid, &account, &condition, &why) == RES_OK;

	buf_free(&why);
	if (served)
		return false;
	if (s->strangers_until < now)
		s->strangers_until = now;
	if (s->strangers_until - now >= STRANGERS_MAX * STRANGER_MS)
		return true;
	s->strangers_until += STRANGER_MS;
	return false;
}

void
optout_stop(struct run *r)
{
	struct service *s = r->s;
	struct store *st = s->env.store;
	const char *jid = r->who->jid.bare;
	bool stopped;

	if (st->ops->stopped(st, jid, &stopped) != RES_OK) {
		reply_trouble(r);
		return;
	}
	if (stopped) {
		reply_done(r, NOTE_INFO, "%s", STOPPED);
		return;
	}
	if (is_one_too_many(r)) {
		reply_done(r, NOTE_ERROR,
		    "Too many people have written that in the last minutes. Write stop again in a quarter of an hour.");
		return;
	}
	if (st->ops->set_stopped(st, jid, r->now) != RES_OK ||
	    look_away(s, jid) != RES_OK) {
		s->broken = true;
		return;
	}
	log_note("%s wants nothing sent to them", jid);
	/* What is held for them fails, and its senders are told. */
	tick_wake(s, jid, true);
	reply_done(r, NOTE_INFO, "%s", STOPPED);
}

void
optout_start(struct run *r)
{
	struct service *s = r->s;

	if (s->env.store->ops->set_stopped(s->env.store, r->who->jid.bare, 0) != RES_OK) {
		s->broken = true;
		return;
	}
	log_note("%s takes messages again", r->who->jid.bare);
	reply_done(r, NOTE_INFO,
	    "You get what others send to you through this service. Write stop when you want nothing more.");
}
