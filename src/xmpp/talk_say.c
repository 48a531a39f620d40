/* How answers leave a conversation. */
#include <string.h>

#include "xmpp/talk_private.h"

/* Of one message: it has to fit into a stanza, and escaped it may be six times as long. */
#define SAID_MAX ((size_t)32 << 10)

/* How much of it is one message: up to a line's end, or at least to a character's. */
static size_t
piece(const char *text, size_t len)
{
	const char *end;

	if (len <= SAID_MAX)
		return len;
	end = memrchr(text, '\n', SAID_MAX);
	if (end != NULL && end > text)
		return (size_t)(end - text);
	len = SAID_MAX;
	while (len > 1 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

void
talk_finish(struct hearing *h)
{
	const struct talks_env *env = &h->t->env;
	size_t len, left = h->out.len;
	char *text = h->out.p, kept;

	if (h->failed || h->out.failed)
		env->failed(env->arg);
	else
		for (; left > 0; text += len, left -= len) {
			len = piece(text, left);
			kept = text[len];
			text[len] = '\0';
			env->say(env->arg, h->who, h->via, text);
			text[len] = kept;
			if (kept == '\n')
				len++;
		}
	buf_free(&h->out);
}

void
talk_tell(struct talks *t, const struct user *u, const char *text)
{
	/* The head of the list has its tail before it. */
	const struct kept_line *line = u->queue != NULL ? u->queue->prev : u->last;
	struct asker who;

	if (line == NULL)
		return;
	user_asker(u, line->resource, &who);
	t->env.say(t->env.arg, &who, line->line.via, text);
}
