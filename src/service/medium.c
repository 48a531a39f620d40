/*
 * Media of messages that are being written.  They are fetched once, between the first look at a form
 * and its confirmation, and kept in memory until the message is stored or nobody asks any more.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/state.h"

/* So long after the last question about it a medium is forgotten. */
#define KEEP_MS    (10 * MINUTE_MS)
#define BYTES_MAX  ((size_t)64 << 20)
#define ENTRIES_MAX 500
/* Of one sender, so that nobody can push out what others wait for. */
#define SENDER_MAX (3 * MMS_MEDIA_MAX)
#define TOO_MANY   "Too many media are being fetched at the moment: try again in a minute."

static void
medium_free(struct service *s, struct medium **m)
{
	s->media.bytes -= (*m)->bytes.len;
	buf_free(&(*m)->bytes);
	buf_free(&(*m)->words);
	free((*m)->sender);
	free((*m)->url);
	free((*m)->type);
	free(*m);
	*m = NULL;
}

/* Removes and frees *at. */
static void
forget(struct service *s, struct medium **at)
{
	struct medium *m = *at;

	*at = m->next;
	medium_free(s, &m);
}

void
medium_clear(struct service *s)
{
	while (s->media.first != NULL)
		forget(s, &s->media.first);
}

void
medium_sweep(struct service *s)
{
	int64_t now = clock_mono(s->env.clock);

	for (struct medium **at = &s->media.first; *at != NULL;)
		if ((*at)->res != RES_UNCERTAIN && now - (*at)->at >= KEEP_MS)
			forget(s, at);
		else
			at = &(*at)->next;
}

/* The one asked for least lately that is not being fetched; of `sender` only if that is not NULL. */
static struct medium **
oldest(struct service *s, const char *sender)
{
	struct medium **found = NULL;

	for (struct medium **at = &s->media.first; *at != NULL; at = &(*at)->next)
		if ((*at)->res != RES_UNCERTAIN &&
		    (sender == NULL || strcmp((*at)->sender, sender) == 0) &&
		    (found == NULL || (*at)->at < (*found)->at))
			found = at;
	return found;
}

static size_t
count(const struct service *s, const char *sender)
{
	size_t n = 0;

	for (const struct medium *m = s->media.first; m != NULL; m = m->next)
		n += sender == NULL || strcmp(m->sender, sender) == 0;
	return n;
}

/* Room for one more; false when all that is there is being fetched. */
static bool
make_room(struct service *s, const char *sender, size_t max)
{
	struct medium **at;

	while (count(s, sender) >= SENDER_MAX) {
		if ((at = oldest(s, sender)) == NULL)
			return false;
		forget(s, at);
	}
	while (s->media.bytes + max > BYTES_MAX || count(s, NULL) >= ENTRIES_MAX) {
		if ((at = oldest(s, NULL)) == NULL)
			return false;
		forget(s, at);
	}
	return true;
}

static struct medium **
find(struct service *s, const char *sender, const char *url)
{
	struct medium **at = &s->media.first;

	while (*at != NULL &&
	    (strcmp((*at)->url, url) != 0 || strcmp((*at)->sender, sender) != 0))
		at = &(*at)->next;
	return at;
}

static enum res
begin(struct service *s, const char *sender, const char *url, size_t max, struct buf *why)
{
	struct medium *m;
	enum res res;

	if (!make_room(s, sender, max) || (m = calloc(1, sizeof(*m))) == NULL) {
		buf_text(why, TOO_MANY);
		return RES_TEMPFAIL;
	}
	m->sender = strdup(sender);
	m->url = strdup(url);
	m->bytes.max = max;
	m->ticket = ++s->media.fetches;
	m->at = clock_mono(s->env.clock);
	m->res = RES_UNCERTAIN;
	res = m->sender == NULL || m->url == NULL
	    ? RES_NOMEM
	    : s->gateways->ops->fetch(s->gateways, url, max, m->ticket, why);
	if (res == RES_OK) {
		m->next = s->media.first;
		s->media.first = m;
		return RES_UNCERTAIN;
	}
	if (res == RES_TEMPFAIL && why->len == 0)
		buf_text(why, TOO_MANY);
	medium_free(s, &m);
	return res;
}

enum res
medium_get(struct service *s, const char *sender, const char *url, size_t max,
    struct mms_medium *out, struct buf *why)
{
	struct medium **at = find(s, sender, url), *m = *at;
	enum res res;

	if (m == NULL)
		return begin(s, sender, url, max, why);
	m->at = clock_mono(s->env.clock);
	res = m->res;
	if (res == RES_OK)
		*out = (struct mms_medium){ m->url, m->type, buf_as_span(&m->bytes) };
	else if (res != RES_UNCERTAIN) {
		/* Told once; who tries again may have mended it. */
		buf_span(why, buf_as_span(&m->words));
		forget(s, at);
	}
	return res;
}

static bool
is_fetching(const struct service *s, const char *sender)
{
	for (const struct medium *m = s->media.first; m != NULL; m = m->next)
		if (m->res == RES_UNCERTAIN && strcmp(m->sender, sender) == 0)
			return true;
	return false;
}

void
medium_fetched(void *arg, uint64_t ticket, enum res res, const char *type, struct span bytes,
    const char *words)
{
	struct service *s = arg;
	struct medium *m = s->media.first;
	char sender[JID_BARE_MAX + 1];

	while (m != NULL && (m->ticket != ticket || m->res != RES_UNCERTAIN))
		m = m->next;
	if (m == NULL)
		return;
	snprintf(sender, sizeof(sender), "%s", m->sender);
	m->words.max = 1024;
	m->res = res;
	if (res == RES_OK) {
		m->type = strdup(type);
		if (m->type == NULL || buf_span(&m->bytes, bytes) != RES_OK)
			m->res = RES_TEMPFAIL;
		s->media.bytes += m->bytes.len;
	}
	if (m->res != RES_OK)
		buf_text(&m->words, words != NULL && *words != '\0' ? words
								     : "There is no memory for it.");
	if (!is_fetching(s, sender))
		later_resume(s, sender);
}
