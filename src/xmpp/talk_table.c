#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "xmpp/talk_private.h"

/* -- Lines ------------------------------------------------------------------------------------- */

static size_t
size_of(const char *text)
{
	return text == NULL ? 0 : strlen(text) + 1;
}

static const char *
put(char **at, const char *text)
{
	size_t size = size_of(text);
	char *copy = *at;

	if (text == NULL)
		return NULL;
	memcpy(copy, text, size);
	*at += size;
	return copy;
}

struct kept_line *
line_keep(struct talks *t, const struct talk_line *line, bool whole)
{
	const char *resource = line->who->jid.resource;
	size_t text = whole ? line->text.len : 0;
	size_t bytes = sizeof(struct kept_line) + size_of(resource) + size_of(line->id) +
	    size_of(line->replaces) + size_of(line->via) + text;
	struct kept_line *kept = malloc(bytes);
	char *at;

	if (kept == NULL)
		return NULL;
	at = kept->strings;
	*kept = (struct kept_line){ .bytes = bytes, .resource = put(&at, resource) };
	kept->line.id = put(&at, line->id);
	kept->line.replaces = put(&at, line->replaces);
	kept->line.via = put(&at, line->via);
	kept->line.encrypted = line->encrypted;
	if (text > 0)
		memcpy(at, line->text.p, text);
	kept->line.text = (struct span){ at, text };
	t->bytes += bytes;
	return kept;
}

void
line_free(struct talks *t, struct kept_line **lp)
{
	if (*lp == NULL)
		return;
	t->bytes -= (*lp)->bytes;
	explicit_bzero((*lp)->strings, (*lp)->bytes - sizeof(**lp));
	free(*lp);
	*lp = NULL;
}

/* -- Steps ------------------------------------------------------------------------------------- */

enum res
step_copy(struct form *out, const struct form *form)
{
	for (const struct field *fd = form->fields; fd != NULL; fd = fd->next) {
		struct field *copy = form_add(out, fd->type, fd->var, NULL);

		for (const struct value *v = fd->values; v != NULL; v = v->next)
			form_value(out, copy, v->text);
	}
	return out->arena.failed ? RES_NOMEM : RES_OK;
}

static enum res
copy_asked(struct form *out, const struct field *asked)
{
	struct field *copy = form_add(out, asked->type, asked->var, asked->label);

	if (copy == NULL)
		return RES_NOMEM;
	copy->desc = arena_text(&out->arena, asked->desc);
	copy->required = asked->required;
	for (const struct option *o = asked->options; o != NULL; o = o->next)
		form_option(out, copy, o->value, o->label);
	return out->arena.failed ? RES_NOMEM : RES_OK;
}

struct step *
step_new(struct talks *t, const struct command_info *cmd, enum command_stage stage,
    const struct form *in, const struct field *asked)
{
	struct step *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct step){ .refs = 1, .cmd = cmd, .stage = stage };
	if ((in != NULL && step_copy(&s->in, in) != RES_OK) ||
	    (asked != NULL && copy_asked(&s->asked, asked) != RES_OK)) {
		form_free(&s->in);
		form_free(&s->asked);
		free(s);
		return NULL;
	}
	s->bytes = sizeof(*s) + s->in.arena.used + s->asked.arena.used;
	t->bytes += s->bytes;
	return s;
}

struct step *
step_ref(struct step *s)
{
	if (s != NULL)
		s->refs++;
	return s;
}

void
step_drop(struct talks *t, struct step **sp)
{
	struct step *s = *sp;

	*sp = NULL;
	if (s == NULL || --s->refs > 0)
		return;
	t->bytes -= s->bytes;
	form_free(&s->in);
	form_free(&s->asked);
	free(s);
}

/* -- Users ------------------------------------------------------------------------------------- */

struct user *
user_find(struct talks *t, const char *bare)
{
	struct user *u;

	HASH_FIND_STR(t->by_bare, bare, u);
	return u;
}

static size_t
user_bytes(const struct user *u)
{
	return sizeof(*u) + strlen(u->bare) + 1;
}

struct user *
user_get(struct talks *t, const char *bare)
{
	struct user *u = user_find(t, bare);

	if (u != NULL)
		return u;
	u = calloc(1, sizeof(*u));
	if (u == NULL || (u->bare = strdup(bare)) == NULL) {
		free(u);
		return NULL;
	}
	HASH_ADD_KEYPTR(hh, t->by_bare, u->bare, strlen(u->bare), u);
	if (u->hh.tbl == NULL) {
		free(u->bare);
		free(u);
		return NULL;
	}
	u->since = clock_mono(t->env.clock);
	DL_APPEND(t->users, u);
	t->nusers++;
	t->bytes += user_bytes(u);
	return u;
}

void
user_touch(struct talks *t, struct user *u)
{
	DL_DELETE(t->users, u);
	u->since = clock_mono(t->env.clock);
	DL_APPEND(t->users, u);
	if (u->young)
		return;
	u->young = true;
	DL_APPEND2(t->young, u, young_prev, young_next);
}

void
user_asker(const struct user *u, const char *resource, struct asker *out)
{
	const char *at = strchr(u->bare, '@'), *domain = at == NULL ? u->bare : at + 1;

	*out = (struct asker){ 0 };
	if (at != NULL)
		memcpy(out->jid.local, u->bare, (size_t)(at - u->bare));
	memcpy(out->jid.domain, domain, strlen(domain));
	memcpy(out->jid.resource, resource, strlen(resource));
	memcpy(out->jid.bare, u->bare, strlen(u->bare));
}

void
user_reset(struct talks *t, struct user *u)
{
	struct kept_line *line, *next;

	talk_wait_end(t, u);
	DL_FOREACH_SAFE(u->queue, line, next) {
		DL_DELETE(u->queue, line);
		line_free(t, &line);
	}
	u->nqueue = 0;
	step_drop(t, &u->open);
	step_drop(t, &u->before);
	step_drop(t, &u->made);
	line_free(t, &u->last);
	u->done = false;
}

void
user_free(struct talks *t, struct user *u)
{
	user_reset(t, u);
	if (u->young)
		DL_DELETE2(t->young, u, young_prev, young_next);
	DL_DELETE(t->users, u);
	HASH_DEL(t->by_bare, u);
	t->nusers--;
	t->bytes -= user_bytes(u);
	free(u->bare);
	free(u);
}
