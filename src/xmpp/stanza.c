#include "xmpp/stanza.h"

#include <string.h>

xmpp_stanza_t *
stanza_new(xmpp_ctx_t *ctx, const char *name, const char *ns)
{
	xmpp_stanza_t *st = xmpp_stanza_new(ctx);

	if (st == NULL)
		return NULL;
	if (xmpp_stanza_set_name(st, name) != XMPP_EOK ||
	    (ns != NULL && xmpp_stanza_set_ns(st, ns) != XMPP_EOK)) {
		xmpp_stanza_release(st);
		return NULL;
	}
	return st;
}

xmpp_stanza_t *
stanza_add(xmpp_stanza_t *parent, const char *name, const char *ns)
{
	xmpp_stanza_t *st;

	if (parent == NULL)
		return NULL;
	st = stanza_new(xmpp_stanza_get_context(parent), name, ns);
	if (st == NULL)
		return NULL;
	if (xmpp_stanza_add_child_ex(parent, st, 0) != XMPP_EOK) {
		xmpp_stanza_release(st);
		return NULL;
	}
	return st;
}

xmpp_stanza_t *
stanza_add_text(xmpp_stanza_t *parent, const char *name, const char *text)
{
	xmpp_stanza_t *st = stanza_add(parent, name, NULL);

	stanza_text(st, text);
	return st;
}

void
stanza_text(xmpp_stanza_t *st, const char *text)
{
	xmpp_stanza_t *node;

	if (st == NULL || text == NULL || *text == '\0')
		return;
	node = xmpp_stanza_new(xmpp_stanza_get_context(st));
	if (node == NULL)
		return;
	if (xmpp_stanza_set_text(node, text) != XMPP_EOK ||
	    xmpp_stanza_add_child_ex(st, node, 0) != XMPP_EOK)
		xmpp_stanza_release(node);
}

bool
stanza_is(xmpp_stanza_t *st, const char *name, const char *ns)
{
	const char *have;

	if (st == NULL || !xmpp_stanza_is_tag(st))
		return false;
	have = xmpp_stanza_get_name(st);
	if (have == NULL || strcmp(have, name) != 0)
		return false;
	if (ns == NULL)
		return true;
	have = xmpp_stanza_get_ns(st);
	return have != NULL && strcmp(have, ns) == 0;
}

xmpp_stanza_t *
stanza_child(xmpp_stanza_t *st, const char *name, const char *ns)
{
	xmpp_stanza_t *child;

	if (st == NULL)
		return NULL;
	for (child = xmpp_stanza_get_children(st); child != NULL;
	    child = xmpp_stanza_get_next(child))
		if (stanza_is(child, name, ns))
			return child;
	return NULL;
}

xmpp_stanza_t *
stanza_only_child(xmpp_stanza_t *st)
{
	xmpp_stanza_t *c, *found = NULL;

	for (c = st == NULL ? NULL : xmpp_stanza_get_children(st); c != NULL;
	    c = xmpp_stanza_get_next(c)) {
		if (!xmpp_stanza_is_tag(c))
			continue;
		if (found != NULL)
			return NULL;
		found = c;
	}
	return found;
}

const char *
stanza_attr(xmpp_stanza_t *st, const char *name)
{
	const char *value = st == NULL ? NULL : xmpp_stanza_get_attribute(st, name);

	return value == NULL ? "" : value;
}

enum res
stanza_get_text(xmpp_stanza_t *st, struct buf *out)
{
	xmpp_stanza_t *child;
	enum res r;

	if (st == NULL)
		return RES_OK;
	for (child = xmpp_stanza_get_children(st); child != NULL;
	    child = xmpp_stanza_get_next(child)) {
		if (!xmpp_stanza_is_text(child))
			continue;
		r = buf_text(out, xmpp_stanza_get_text_ptr(child));
		if (r != RES_OK)
			return r;
	}
	return RES_OK;
}

static bool
set_if_present(xmpp_stanza_t *st, const char *name, const char *value)
{
	return *value == '\0' || xmpp_stanza_set_attribute(st, name, value) == XMPP_EOK;
}

xmpp_stanza_t *
stanza_reply(xmpp_ctx_t *ctx, xmpp_stanza_t *to, const char *type)
{
	const char *name = xmpp_stanza_get_name(to);
	xmpp_stanza_t *st;

	if (name == NULL)
		return NULL;
	st = stanza_new(ctx, name, NULL);
	if (st == NULL)
		return NULL;
	if (!set_if_present(st, "type", type) || !set_if_present(st, "id", stanza_attr(to, "id")) ||
	    !set_if_present(st, "to", stanza_attr(to, "from")) ||
	    !set_if_present(st, "from", stanza_attr(to, "to"))) {
		xmpp_stanza_release(st);
		return NULL;
	}
	return st;
}

xmpp_stanza_t *
stanza_error(xmpp_ctx_t *ctx, xmpp_stanza_t *to, const char *error_type, const char *condition,
    const char *text, const char *app, const char *app_ns)
{
	xmpp_stanza_t *st = stanza_reply(ctx, to, "error");
	xmpp_stanza_t *error = stanza_add(st, "error", NULL);

	if (error == NULL || xmpp_stanza_set_type(error, error_type) != XMPP_EOK ||
	    stanza_add(error, condition, NS_STANZA_ERRORS) == NULL) {
		if (st != NULL)
			xmpp_stanza_release(st);
		return NULL;
	}
	if (text != NULL && *text != '\0')
		stanza_text(stanza_add(error, "text", NS_STANZA_ERRORS), text);
	if (app != NULL)
		stanza_add(error, app, app_ns);
	return st;
}

const char *
stanza_condition(xmpp_stanza_t *error)
{
	xmpp_stanza_t *child = error == NULL ? NULL : xmpp_stanza_get_children(error);

	for (; child != NULL; child = xmpp_stanza_get_next(child)) {
		const char *name = xmpp_stanza_get_name(child);

		if (name != NULL && strcmp(name, "text") != 0 &&
		    stanza_is(child, name, NS_STANZA_ERRORS))
			return name;
	}
	return "undefined-condition";
}
