/* Who has written to whom: only they may answer each other through an alias. */
#include <string.h>

#include "service/state.h"

#define PAIR_MS (30 * DAY_MS)

void
pair_note(struct service *s, const struct packet *p, int64_t now)
{
	struct store *st = s->env.store;

	if (strcmp(p->sender, s->bot) != 0 && strcmp(p->sender, p->recipient) != 0 &&
	    st->ops->set_pair(st, p->sender, p->recipient, now) != RES_OK)
		s->broken = true;
}

int64_t
pair_horizon(int64_t now)
{
	return now - PAIR_MS;
}

enum relay
pair_may_relay(void *arg, const char *from, const char *to)
{
	struct service *s = arg;
	struct store *st = s->env.store;
	struct account one, other;
	int64_t at, now = service_now(s);
	enum res res;

	if (service_halted(s) || st->ops->pair(st, from, to, &at) != RES_OK)
		return RELAY_TROUBLE;
	/* One from the future was noted by a clock that has been set back since. */
	if (at == 0 || at < pair_horizon(now) || at > now + DAY_MS)
		return RELAY_STRANGERS;
	if ((res = optout_check(s, from, to)) != RES_OK)
		return res == RES_DENIED ? RELAY_STOPPED : RELAY_TROUBLE;
	if (st->ops->account(st, from, &one) != RES_OK ||
	    st->ops->account(st, to, &other) != RES_OK)
		return RELAY_TROUBLE;
	return one.blocked || other.blocked ? RELAY_DENIED : RELAY_YES;
}
