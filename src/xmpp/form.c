#include "xmpp/form.h"

#include <string.h>

#include "xmpp/stanza.h"

#define FIELDS_MAX 64
#define VALUES_MAX 2000

static const char *const type_names[FIELD_END] = {
	[FIELD_FIXED] = "fixed",
	[FIELD_HIDDEN] = "hidden",
	[FIELD_TEXT] = "text-single",
	[FIELD_TEXT_MULTI] = "text-multi",
	[FIELD_LIST] = "list-single",
	[FIELD_LIST_MULTI] = "list-multi",
	[FIELD_BOOLEAN] = "boolean",
};

/*
 * Clients may leave the type out when they submit, and know types that we never give: any number
 * of values is then right.
 */
static enum field_type
type_parse(const char *name)
{
	for (size_t i = 0; i < FIELD_END; i++)
		if (strcmp(name, type_names[i]) == 0)
			return (enum field_type)i;
	return FIELD_TEXT_MULTI;
}

static enum res
put_text(xmpp_stanza_t *parent, const char *name, const char *text)
{
	if (text == NULL)
		return RES_OK;
	return stanza_add_text(parent, name, text) == NULL ? RES_NOMEM : RES_OK;
}

static xmpp_stanza_t *
put_field(xmpp_stanza_t *x, enum field_type type, const char *var, const char *label)
{
	xmpp_stanza_t *st = stanza_add(x, "field", NULL);

	if (st == NULL || xmpp_stanza_set_attribute(st, "type", type_names[type]) != XMPP_EOK ||
	    xmpp_stanza_set_attribute(st, "var", var) != XMPP_EOK ||
	    (label != NULL && xmpp_stanza_set_attribute(st, "label", label) != XMPP_EOK))
		return NULL;
	return st;
}

static enum res
put_details(xmpp_stanza_t *st, const struct field *fd)
{
	if (fd->desc != NULL && put_text(st, "desc", fd->desc) != RES_OK)
		return RES_NOMEM;
	if (fd->required && stanza_add(st, "required", NULL) == NULL)
		return RES_NOMEM;
	return RES_OK;
}

/* "var-N" for the first N, counting on from *n, that no field of the form bears. */
static enum res
put_var(struct buf *out, const struct form *f, const char *var, unsigned *n)
{
	do {
		buf_reset(out);
		if (buf_printf(out, "%s-%u", var, ++*n) != RES_OK)
			return RES_NOMEM;
	} while (form_find(f, buf_str(out)) != NULL);
	return RES_OK;
}

/*
 * Several clients show only the first value of a fixed field and lose one that has no var, so each
 * value is a field, and each field has a var: "text-1", "text-2", ... where the form names none or
 * one that an earlier field bears (counted in *unnamed), and "var", "var-2", ... otherwise.
 */
static enum res
write_fixed(xmpp_stanza_t *x, const struct form *f, const struct field *fd, unsigned *unnamed)
{
	struct buf name = { .max = 4096 };
	const char *label = fd->label;
	unsigned n = 1;
	enum res res = RES_OK;

	for (const struct value *v = fd->values; v != NULL && res == RES_OK; v = v->next) {
		xmpp_stanza_t *st = NULL;

		buf_reset(&name);
		if (*fd->var == '\0' || form_find(f, fd->var) != fd)
			res = put_var(&name, f, "text", unnamed);
		else if (v != fd->values)
			res = put_var(&name, f, fd->var, &n);
		else
			res = buf_text(&name, fd->var);
		if (res == RES_OK)
			st = put_field(x, FIELD_FIXED, buf_str(&name), label);
		res = st == NULL ? RES_NOMEM : put_text(st, "value", v->text);
		label = NULL;
	}
	buf_free(&name);
	return res;
}

static enum res
write_options(xmpp_stanza_t *st, const struct field *fd)
{
	for (const struct option *o = fd->options; o != NULL; o = o->next) {
		xmpp_stanza_t *option = stanza_add(st, "option", NULL);

		if (option == NULL || put_text(option, "value", o->value) != RES_OK)
			return RES_NOMEM;
		if (o->label != NULL &&
		    xmpp_stanza_set_attribute(option, "label", o->label) != XMPP_EOK)
			return RES_NOMEM;
	}
	return RES_OK;
}

/* profanity hides a list without a default, and a value that is no option is no default. */
static const char *
list_value(const struct field *fd)
{
	const char *given = fd->values != NULL ? fd->values->text : NULL;

	if (fd->options == NULL)
		return given;
	for (const struct option *o = fd->options; given != NULL && o != NULL; o = o->next)
		if (strcmp(o->value, given) == 0)
			return given;
	return fd->options->value;
}

static const char *
boolean_value(const struct field *fd)
{
	const char *given = fd->values != NULL ? fd->values->text : "";

	return strcmp(given, "1") == 0 || strcmp(given, "true") == 0 ? "1" : "0";
}

static enum res
write_values(xmpp_stanza_t *st, const struct field *fd)
{
	switch (fd->type) {
	case FIELD_LIST:
		return put_text(st, "value", list_value(fd));
	case FIELD_BOOLEAN:
		return put_text(st, "value", boolean_value(fd));
	case FIELD_TEXT:
		return put_text(st, "value", fd->values != NULL ? fd->values->text : NULL);
	default:
		break;
	}
	for (const struct value *v = fd->values; v != NULL; v = v->next)
		if (put_text(st, "value", v->text) != RES_OK)
			return RES_NOMEM;
	return RES_OK;
}

static enum res
write_field(xmpp_stanza_t *x, const struct field *fd)
{
	xmpp_stanza_t *st = put_field(x, fd->type, fd->var, fd->label);

	if (st == NULL || put_details(st, fd) != RES_OK || write_values(st, fd) != RES_OK)
		return RES_NOMEM;
	if (fd->type == FIELD_LIST || fd->type == FIELD_LIST_MULTI)
		return write_options(st, fd);
	return RES_OK;
}

enum res
xform_write(xmpp_stanza_t *parent, const struct form *f, const char *type)
{
	unsigned unnamed = 0;
	xmpp_stanza_t *x;

	if (f->arena.failed || (x = stanza_add(parent, "x", NS_DATA)) == NULL)
		return RES_NOMEM;
	if (xmpp_stanza_set_attribute(x, "type", type) != XMPP_EOK ||
	    put_text(x, "title", f->title) != RES_OK ||
	    put_text(x, "instructions", f->instructions) != RES_OK)
		return RES_NOMEM;
	for (const struct field *fd = f->fields; fd != NULL; fd = fd->next) {
		if (fd->type == FIELD_FIXED ? write_fixed(x, f, fd, &unnamed) != RES_OK
		    : write_field(x, fd) != RES_OK)
			return RES_NOMEM;
	}
	return RES_OK;
}

static enum res
read_values(xmpp_stanza_t *st, struct form *out, struct field *fd, size_t *nvalues)
{
	struct buf text = { 0 };
	enum res res = RES_OK;
	xmpp_stanza_t *c;

	for (c = xmpp_stanza_get_children(st); c != NULL && res == RES_OK;
	    c = xmpp_stanza_get_next(c)) {
		if (!stanza_is(c, "value", NS_DATA))
			continue;
		if (++*nvalues > VALUES_MAX) {
			res = RES_INVALID;
			break;
		}
		buf_reset(&text);
		res = stanza_get_text(c, &text);
		if (res == RES_OK)
			form_value(out, fd, buf_str(&text));
	}
	buf_free(&text);
	return res;
}

enum res
xform_read(xmpp_stanza_t *x, struct form *out)
{
	size_t nfields = 0, nvalues = 0;
	xmpp_stanza_t *c;
	enum res res;

	if (!stanza_is(x, "x", NS_DATA) || strcmp(stanza_attr(x, "type"), "submit") != 0)
		return RES_INVALID;
	for (c = xmpp_stanza_get_children(x); c != NULL; c = xmpp_stanza_get_next(c)) {
		if (!stanza_is(c, "field", NS_DATA))
			continue;
		const char *var = stanza_attr(c, "var");
		enum field_type type = type_parse(stanza_attr(c, "type"));

		if (*var == '\0' || type == FIELD_FIXED)
			continue;
		if (++nfields > FIELDS_MAX)
			return RES_INVALID;
		struct field *fd = form_add(out, type, var, NULL);
		if (fd == NULL)
			return RES_NOMEM;
		if ((res = read_values(c, out, fd, &nvalues)) != RES_OK)
			return res;
	}
	return out->arena.failed ? RES_NOMEM : RES_OK;
}
