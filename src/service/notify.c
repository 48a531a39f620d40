#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "core/body.h"
#include "core/when.h"
#include "service/state.h"

/* A notice that nobody fetched by then is of no use any more. */
#define NOTICE_MS  (7 * DAY_MS)
#define NOTICE_MAX ((size_t)128 << 10)

bool
notify_user(struct service *s, const char *user, struct span text)
{
	int64_t now = service_now(s);
	struct buf inner = { .max = NOTICE_MAX };
	struct packet p = {
		.sender = s->bot, .recipient = user, .kind = KIND_IM, .offline = OFFLINE_AUTO,
		.created_at = now, .due_at = now, .next_at = now, .expires_at = now + NOTICE_MS,
	};
	bool ok = body_im(&inner, text) == RES_OK &&
	    intake_store(s, &p, 1, buf_as_span(&inner), "notice") == RES_OK;

	buf_free(&inner);
	s->broken = s->broken || !ok;
	return ok;
}

static bool
ends_with_stop(const char *words)
{
	size_t len = strlen(words);

	return len > 0 && words[len - 1] == '.';
}

/* In the words of its sender: their zone, and their clock. */
static void
tell(struct service *s, const struct packet *p, const struct account *account, const char *words)
{
	struct buf text = { .max = 8192 };
	struct zone zone = zones_of_packet(s, p);

	buf_printf(&text, "Message %s to %s, due ", p->id, p->recipient);
	when_print(&text, p->due_at, &zone, account->hours);
	/* Words of a gateway, or for a form, may be a whole sentence. */
	buf_printf(&text, ", %s%s", words, ends_with_stop(words) ? "" : ".");
	if (text.failed || !notify_user(s, p->sender, buf_as_span(&text))) {
		log_error("packet %s: its sender could not be told", p->id);
		s->broken = true;
	}
	buf_free(&text);
}

void
notify_step(struct service *s, const struct packet *p, enum notify step, const char *words)
{
	struct account account;

	if (strcmp(p->sender, s->bot) == 0)
		return;
	if (s->env.store->ops->account(s->env.store, p->sender, &account) != RES_OK)
		s->broken = true;
	else if (account.notify >= step)
		tell(s, p, &account, words);
}

void
notify_sender(struct service *s, const struct packet *p, const char *words)
{
	notify_step(s, p, NOTIFY_FAILURE, words);
}

/* -- Admins ------------------------------------------------------------------------------------ */

static void
tell_admins(struct service *s, struct told *told, const char *words)
{
	struct buf text = { .max = 8192 };

	told->at = clock_mono(s->env.clock);
	told->fresh = true;
	buf_text(&text, words);
	if (told->missed > 0)
		buf_printf(&text, " (And %u more like this since the last one.)", told->missed);
	told->missed = 0;
	for (const char *const *admin = s->config->admins; *admin != NULL && !s->broken; admin++)
		notify_user(s, *admin, buf_as_span(&text));
	buf_free(&text);
}

static struct told *
told_of(struct service *s, const char *cause)
{
	struct told *oldest = &s->told[0];

	for (size_t i = 0; i < CAUSES_MAX; i++) {
		if (strcmp(s->told[i].cause, cause) == 0)
			return &s->told[i];
		if (s->told[i].at < oldest->at)
			oldest = &s->told[i];
	}
	*oldest = (struct told){ .at = -HOUR_MS };
	snprintf(oldest->cause, sizeof(oldest->cause), "%s", cause);
	return oldest;
}

void
notify_admins(struct service *s, const char *cause, const char *words)
{
	struct told *told = told_of(s, cause);

	if (clock_mono(s->env.clock) - told->at < HOUR_MS)
		told->missed++;
	else
		tell_admins(s, told, words);
}

void
notify_missed(struct service *s)
{
	int64_t now = clock_mono(s->env.clock);
	struct buf words = { .max = 256 };

	for (size_t i = 0; i < CAUSES_MAX && !s->broken; i++)
		if (s->told[i].missed > 0 && now - s->told[i].at >= HOUR_MS) {
			buf_reset(&words);
			buf_printf(&words, "About “%s”: there was more to tell than once an hour.",
			    s->told[i].cause);
			tell_admins(s, &s->told[i], buf_str(&words));
		}
	buf_free(&words);
}

void
notify_look(struct service *s)
{
	struct store_space space;
	struct buf words = { .max = 512 };

	if (s->config->free_min == 0 || s->broken)
		return;
	if (s->env.store->ops->space(s->env.store, &space) != RES_OK ||
	    space.left >= s->config->free_min)
		return;
	buf_printf(&words,
	    "The disk of the database has %lld MiB left (the database has %lld): when it is full, nothing is accepted or sent. Make room, or set another free_min.",
	    (long long)(space.left >> 20), (long long)(space.used >> 20));
	notify_admins(s, "disk", buf_str(&words));
	buf_free(&words);
}

void
notify_end_turn(struct service *s, bool on_disk)
{
	for (size_t i = 0; i < CAUSES_MAX; i++) {
		if (s->told[i].fresh && !on_disk)
			s->told[i].at -= HOUR_MS;
		s->told[i].fresh = false;
	}
}
