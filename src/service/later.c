/*
 * Commands that are put off (REPLY_LATER) until something is there for their asker: media, or the
 * answer of their client.
 */
#include <stdlib.h>
#include <string.h>

#include "service/state.h"

/* A ticket: the instant of asking, and these bits to tell those of one millisecond apart. */
#define RUN_BITS 16

uint64_t
later_wait(struct service *s, const char *sender, int64_t asked_at)
{
	struct later *w = calloc(1, sizeof(*w));

	if (w == NULL || (w->sender = strdup(sender)) == NULL) {
		free(w);
		return 0;
	}
	w->ticket = (uint64_t)asked_at << RUN_BITS | ++s->waits % (1 << RUN_BITS);
	w->next = s->later;
	s->later = w;
	return w->ticket;
}

int64_t
later_asked_at(uint64_t ticket)
{
	return (int64_t)(ticket >> RUN_BITS);
}

static void
later_free(struct later **w)
{
	free((*w)->sender);
	free(*w);
	*w = NULL;
}

void
later_resume(struct service *s, const char *sender)
{
	struct later *ready = NULL, *w;

	/* Those that begin to wait meanwhile are not looked at. */
	for (struct later **at = &s->later; (w = *at) != NULL;)
		if (strcmp(w->sender, sender) == 0) {
			*at = w->next;
			w->next = ready;
			ready = w;
		} else
			at = &w->next;
	while ((w = ready) != NULL) {
		ready = w->next;
		s->messenger->ops->resume(s->messenger, w->ticket);
		later_free(&w);
	}
}

void
later_clear(struct service *s)
{
	struct later *w;

	while ((w = s->later) != NULL) {
		s->later = w->next;
		later_free(&w);
	}
}
