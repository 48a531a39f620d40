/* People who want nothing sent to them: `stop` and `start`, which anybody may write to the bot. */
#include <string.h>

#include "base/log.h"
#include "service/intake.h"
#include "service/state.h"

#define STOPPED \
	"Nothing more is sent to you through this service: no messages that others have " \
	"scheduled, and no answers to what you wrote through it. Write start when you want " \
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
 * of a group of domains may stop us at once, and one in ten seconds.  So the others still can, and
 * nobody knows who else is in a group.
 */
#define STRANGERS_MAX 100
#define STRANGER_MS   (10 * SECOND_MS)

static int64_t *
strangers_until(struct service *s, const char *domain)
{
	uint32_t hash;

	if (s->strangers_seed == 0)
		s->env.random(&s->strangers_seed, sizeof(s->strangers_seed));
	hash = s->strangers_seed;
	for (; *domain != '\0'; domain++)
		hash = (hash ^ (unsigned char)*domain) * UINT32_C(16777619); /* FNV-1a */
	return &s->strangers_until[hash / (UINT32_MAX / STRANGERS_GROUPS + 1)];
}

static bool
is_one_too_many(struct run *r)
{
	struct service *s = r->s;
	struct buf why = { 0 };
	struct account account;
	const char *condition;
	int64_t now = clock_mono(s->env.clock), *until;
	bool served = intake_verify(s, &r->who->jid, &account, &condition, &why) == RES_OK;

	buf_free(&why);
	if (served)
		return false;
	until = strangers_until(s, r->who->jid.domain);
	if (*until < now)
		*until = now;
	if (*until - now >= STRANGERS_MAX * STRANGER_MS)
		return true;
	*until += STRANGER_MS;
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
