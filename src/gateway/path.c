#include <string.h>

#include "base/parse.h"
#include "gateway/path.h"

/* The next component of the path; false at its end. */
static bool
take_component(struct span *path, struct span *component)
{
	if (path->p == NULL)
		return false;
	const char *dot = path->len > 0 ? memchr(path->p, '.', path->len) : NULL;

	if (dot == NULL) {
		*component = *path;
		*path = (struct span){ NULL, 0 };
		return true;
	}
	*component = (struct span){ path->p, (size_t)(dot - path->p) };
	*path = (struct span){ dot + 1, path->len - component->len - 1 };
	return true;
}

bool
path_is(const char *path)
{
	struct span rest = span_of(path), component;
	unsigned n = 0;

	while (take_component(&rest, &component))
		if (component.len == 0 || ++n > PATH_DEPTH_MAX)
			return false;
	return n > 0;
}

static bool
index_of(struct span component, size_t *i)
{
	int64_t value;

	if (component.len == 0 || component.p[0] == '-' ||
	    parse_int(component, 0, INT32_MAX, &value) != RES_OK)
		return false;
	*i = (size_t)value;
	return true;
}

static json_t *
step(json_t *node, struct span component)
{
	size_t i;

	if (json_is_array(node))
		return index_of(component, &i) ? json_array_get(node, i) : NULL;
	if (!json_is_object(node))
		return NULL;
	/* json_object_getn came with jansson 2.14 only. */
	char key[256];
	if (component.len >= sizeof(key))
		return NULL;
	memcpy(key, component.p, component.len);
	key[component.len] = '\0';
	return json_object_get(node, key);
}

json_t *
path_find(json_t *root, const char *path)
{
	struct span rest = span_of(path), component;

	while (root != NULL && take_component(&rest, &component))
		root = step(root, component);
	return root;
}

enum res
path_text(json_t *root, const char *path, struct buf *out)
{
	const json_t *node = path_find(root, path);

	if (json_is_string(node))
		return buf_append(out, json_string_value(node), json_string_length(node));
	if (json_is_integer(node))
		return buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(node));
	if (json_is_boolean(node))
		return buf_text(out, json_is_true(node) ? "true" : "false");
	return RES_NOTFOUND;
}

static enum res
put(json_t *node, const char *name, json_t *value)
{
	size_t i;

	if (json_is_object(node))
		return json_object_set(node, name, value) == 0 ? RES_OK : RES_NOMEM;
	if (!json_is_array(node) || !index_of(span_of(name), &i) || i >= json_array_size(node))
		return RES_NOTFOUND;
	return json_array_set(node, i, value) == 0 ? RES_OK : RES_NOMEM;
}

enum res
path_set(json_t *root, const char *path, const char *text)
{
	const char *dot = strrchr(path, '.');
	json_t *node = root;
	struct span rest = { path, dot != NULL ? (size_t)(dot - path) : 0 }, component;

	while (dot != NULL && node != NULL && take_component(&rest, &component))
		node = step(node, component);
	if (node == NULL)
		return RES_NOTFOUND;
	json_t *value = json_string(text);
	if (value == NULL)
		return RES_NOMEM;
	enum res res = put(node, dot != NULL ? dot + 1 : path, value);
	json_decref(value);
	return res;
}
