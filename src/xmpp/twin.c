#include "xmpp/twin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/parse.h"
#include "xmpp/stanza.h"

#define PREFIX "self-"
#define NONCE_HEX 32 /* 128 bits */
/*
 * With a twin each comes back with one chance in two: of eight, one is missing before one that came
 * in 27 cases of 28.
 */
#define BURST 8
#define EVERY_MS MINUTE_MS
#define BACK_MS (20 * SECOND_MS)
/* Pings of our former process may still be on their way when the server accepts us. */
#define FORMER_MS (10 * SECOND_MS)
#define NOTICE_MS MINUTE_MS
#define NUMBER_DIGITS 15

struct twin {
	struct twin_env env;
	char nonce[NONCE_HEX + 1];
	/*
	 * Servers keep the order, so that what a later ping overtook for BACK_MS is lost.  What
	 * became of all up to `base` is known; behind it `back` have come back, up to `last`.
	 * Numbers never start again, so that no ping of an old stream counts.
	 */
	int64_t sent, base, last, back;
	bool comes_back; /* one has, on this stream */
	int64_t up_at, round_at, noticed_at; /* monotonic; noticed_at NEVER_MS: not yet */
	struct timer timer;
	uint64_t count;
};

static void judge(void *arg);

struct twin *
twin_new(const struct twin_env *env)
{
	uint64_t random[2];
	struct twin *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		free(t);
		return NULL;
	}
	snprintf(t->nonce, sizeof(t->nonce), "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	t->env = *env;
	t->noticed_at = NEVER_MS;
	return t;
}

void
twin_free(struct twin **tp)
{
	if (*tp == NULL)
		return;
	timer_stop(&(*tp)->timer);
	free(*tp);
	*tp = NULL;
}

static void
notice(struct twin *t)
{
	int64_t now = clock_mono(t->env.clock);

	if (t->noticed_at != NEVER_MS && now - t->noticed_at < NOTICE_MS)
		return;
	t->noticed_at = now;
	t->count++;
	t->env.noticed(t->env.arg);
}

/* -- Rounds: pings, and some time later a look at what has come back --------------------------- */

static void
send_round(struct twin *t, int n)
{
	char id[TWIN_ID_MAX];

	t->round_at = clock_mono(t->env.clock);
	timer_set(t->env.timers, &t->timer, t->round_at + BACK_MS, judge, t);
	while (n-- > 0) {
		snprintf(id, sizeof(id), PREFIX "%s-%" PRId64, t->nonce, ++t->sent);
		t->env.ping(t->env.arg, id);
	}
}

static void
next_round(void *arg)
{
	struct twin *t = arg;

	send_round(t, t->comes_back && t->base < t->sent ? BURST : 1);
}

/*
 * The last ones may be late: the next round tells.  Before any has come back, nothing tells that
 * the server ever gives us our own.
 */
static void
judge(void *arg)
{
	struct twin *t = arg;
	bool lost = t->back < t->last - t->base;

	if (!t->comes_back)
		t->last = t->sent;
	t->base = t->last;
	t->back = 0;
	timer_set(t->env.timers, &t->timer, t->round_at + EVERY_MS, next_round, t);
	if (lost)
		notice(t);
}

void
twin_up(struct twin *t)
{
	t->base = t->last = t->sent;
	t->back = 0;
	t->comes_back = false;
	t->up_at = clock_mono(t->env.clock);
	send_round(t, BURST);
}

void
twin_down(struct twin *t)
{
	timer_stop(&t->timer);
}

/* -- What comes back --------------------------------------------------------------------------- */

static bool
take_nonce(struct span *in, struct span *nonce)
{
	if (in->len < NONCE_HEX)
		return false;
	*nonce = (struct span){ in->p, NONCE_HEX };
	for (size_t i = 0; i < NONCE_HEX; i++)
		if (strchr("0123456789abcdef", nonce->p[i]) == NULL)
			return false;
	*in = (struct span){ in->p + NONCE_HEX, in->len - NONCE_HEX };
	return true;
}

void
twin_heard(struct twin *t, xmpp_stanza_t *iq)
{
	struct span in = span_of(stanza_attr(iq, "id")), nonce;
	int64_t number;

	if (strcmp(stanza_attr(iq, "type"), "get") != 0 || !take_word(&in, PREFIX) ||
	    !take_nonce(&in, &nonce) || !take_char(&in, '-') ||
	    !take_digits(&in, 1, NUMBER_DIGITS, &number) || in.len != 0)
		return;
	if (!span_eq(nonce, span_of(t->nonce))) {
		if (clock_mono(t->env.clock) - t->up_at >= FORMER_MS)
			notice(t);
	} else if (number > t->base && number <= t->sent) {
		t->last = number > t->last ? number : t->last;
		t->back++;
		t->comes_back = true;
	}
}

uint64_t
twin_count(const struct twin *t)
{
	return t->count;
}
