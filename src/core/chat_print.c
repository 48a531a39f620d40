#include <string.h>

#include "core/chat.h"

static bool
has_value(const struct field *fd)
{
	return fd->values != NULL && (fd->values->text[0] != '\0' || fd->values->next != NULL);
}

/* Of the form's `error` the note speaks already. */
static bool
is_shown(const struct field *fd)
{
	return fd->type != FIELD_HIDDEN && has_value(fd) && strcmp(fd->var, "error") != 0;
}

static size_t
count_shown(const struct form *f)
{
	size_t n = 0;

	for (const struct field *fd = f->fields; fd != NULL; fd = fd->next)
		n += is_shown(fd);
	return n;
}

static const char *
label_of(const struct field *fd, const char *value)
{
	for (const struct option *o = fd->options; o != NULL; o = o->next)
		if (o->label != NULL && strcmp(o->value, value) == 0)
			return o->label;
	return value;
}

static const char *
words_for(const struct field *fd, const char *value)
{
	if (fd->type == FIELD_LIST || fd->type == FIELD_LIST_MULTI)
		return label_of(fd, value);
	if (fd->type == FIELD_BOOLEAN)
		return strcmp(value, "1") == 0 || strcmp(value, "true") == 0 ? "yes" : "no";
	return value;
}

static void
print_field(struct buf *out, const struct field *fd)
{
	const char *between = fd->type == FIELD_LIST_MULTI ? ", " : "\n";

	if (fd->label != NULL && fd->label[0] != '\0')
		buf_printf(out, "%s: ", fd->label);
	for (const struct value *v = fd->values; v != NULL; v = v->next)
		buf_printf(out, "%s%s", v == fd->values ? "" : between, words_for(fd, v->text));
}

enum res
chat_print(struct buf *out, const struct reply *r)
{
	size_t n = count_shown(&r->form), before = out->len;
	bool first = true;

	if (!r->repeats || n <= 1)
		buf_span(out, buf_as_span(&r->note));
	if (!r->repeats || n > 1)
		for (const struct field *fd = r->form.fields; fd != NULL; fd = fd->next) {
			if (!is_shown(fd))
				continue;
			buf_text(out, !first ? "\n" : out->len > before ? "\n\n" : "");
			print_field(out, fd);
			first = false;
		}
	return out->failed ? RES_NOMEM : RES_OK;
}

static void
print_option(struct buf *out, const struct option *o)
{
	size_t len = strlen(o->value);

	/* Of a packet the label begins with the id. */
	if (o->label != NULL && strncmp(o->label, o->value, len) == 0 && o->label[len] == ':') {
		buf_printf(out, "\n%s", o->label);
		return;
	}
	buf_printf(out, "\n%s", o->value);
	if (o->label != NULL && o->label[0] != '\0' && strcmp(o->label, o->value) != 0)
		buf_printf(out, ": %s", o->label);
}

enum res
chat_ask(struct buf *out, const struct field *fd)
{
	const char *label = fd->label != NULL && fd->label[0] != '\0' ? fd->label : fd->var;
	size_t len = strlen(label);

	buf_text(out, label);
	if (len > 0 && strchr("?!.:", label[len - 1]) == NULL)
		buf_text(out, "?");
	if (fd->type == FIELD_BOOLEAN)
		buf_text(out, " (yes or no)");
	if (fd->desc != NULL && fd->desc[0] != '\0')
		buf_printf(out, "\n%s", fd->desc);
	for (const struct option *o = fd->options; o != NULL; o = o->next)
		print_option(out, o);
	return out->failed ? RES_NOMEM : RES_OK;
}
