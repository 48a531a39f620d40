#include <string.h>

#include "core/form.h"

struct field *
form_add(struct form *f, enum field_type type, const char *var, const char *label)
{
	if (f == NULL)
		return NULL;
	struct field *fd = arena_alloc(&f->arena, sizeof(*fd));
	if (fd == NULL)
		return NULL;
	fd->type = type;
	fd->var = arena_text(&f->arena, var != NULL ? var : "");
	fd->label = arena_text(&f->arena, label);
	if (fd->var == NULL)
		return NULL;
	if (f->last != NULL)
		f->last->next = fd;
	else
		f->fields = fd;
	f->last = fd;
	return fd;
}

static void
add_value(struct form *f, struct field *fd, struct span text)
{
	struct value *v = arena_alloc(&f->arena, sizeof(*v));

	if (v == NULL || (v->text = arena_span(&f->arena, text)) == NULL)
		return;
	if (fd->last_value != NULL)
		fd->last_value->next = v;
	else
		fd->values = v;
	fd->last_value = v;
}

void
form_value(struct form *f, struct field *fd, const char *text)
{
	if (f != NULL && fd != NULL && text != NULL)
		add_value(f, fd, span_of(text));
}

void
form_option(struct form *f, struct field *fd, const char *value, const char *label)
{
	if (f == NULL || fd == NULL || value == NULL)
		return;
	struct option *o = arena_alloc(&f->arena, sizeof(*o));
	if (o == NULL || (o->value = arena_text(&f->arena, value)) == NULL)
		return;
	o->label = arena_text(&f->arena, label);
	if (fd->last_option != NULL)
		fd->last_option->next = o;
	else
		fd->options = o;
	fd->last_option = o;
}

void
form_lines(struct form *f, struct field *fd, struct span text)
{
	size_t start = 0, lines = 1;

	if (f == NULL || fd == NULL || text.len == 0)
		return;
	for (size_t i = 0; i < text.len && lines < FORM_LINES_MAX; i++) {
		if (text.p[i] != '\n' && text.p[i] != '\r')
			continue;
		add_value(f, fd, (struct span){ text.p + start, i - start });
		if (text.p[i] == '\r' && i + 1 < text.len && text.p[i + 1] == '\n')
			i++;
		start = i + 1;
		lines++;
	}
	add_value(f, fd, (struct span){ text.p + start, text.len - start });
}

size_t
form_count(const struct field *fd)
{
	size_t n = 0;

	for (const struct value *v = fd->values; v != NULL; v = v->next)
		n++;
	return n;
}

struct field *
form_find(const struct form *f, const char *var)
{
	if (f == NULL || var == NULL)
		return NULL;
	for (struct field *fd = f->fields; fd != NULL; fd = fd->next)
		if (fd->var != NULL && strcmp(fd->var, var) == 0)
			return fd;
	return NULL;
}

const char *
form_get(const struct form *f, const char *var)
{
	const struct field *fd = form_find(f, var);

	return fd != NULL && fd->values != NULL && fd->values->text != NULL ? fd->values->text : "";
}

const char *
form_get_lines(struct form *f, const char *var)
{
	const struct field *fd = form_find(f, var);
	size_t len = 0;

	if (fd == NULL || fd->values == NULL)
		return "";
	for (const struct value *v = fd->values; v != NULL; v = v->next)
		len += strlen(v->text) + 1;
	char *text = arena_alloc(&f->arena, len);
	if (text == NULL)
		return "";
	char *end = text;
	for (const struct value *v = fd->values; v != NULL; v = v->next) {
		end = stpcpy(end, v->text);
		if (v->next != NULL)
			*end++ = '\n';
	}
	return text;
}

void
form_set(struct form *f, const char *var, const char *text)
{
	struct field *fd = form_find(f, var);

	if (fd == NULL)
		fd = form_add(f, FIELD_TEXT, var, NULL);
	if (fd == NULL)
		return;
	fd->values = fd->last_value = NULL;
	form_value(f, fd, text);
}

void
form_free(struct form *f)
{
	if (f == NULL)
		return;
	arena_free(&f->arena);
	*f = (struct form){ .arena = f->arena };
}
