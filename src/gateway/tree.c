#include <string.h>

#include "base/parse.h"
#include "gateway/tree.h"

static struct span
string_span(const json_t *node)
{
	return (struct span){ json_string_value(node), json_string_length(node) };
}

/* -- When the configuration is read ------------------------------------------------------------ */

static enum res
check_node(json_t *node, unsigned depth, unsigned *places, struct buf *why)
{
	const char *key;
	json_t *member;
	size_t i;
	enum res res = RES_OK;

	if (depth > TREE_DEPTH_MAX) {
		buf_printf(why, "it is nested more than %d levels deep", TREE_DEPTH_MAX);
		return RES_INVALID;
	}
	if (json_is_string(node))
		return template_check(string_span(node), places, why);
	if (json_is_array(node))
		json_array_foreach (node, i, member) {
			if ((res = check_node(member, depth + 1, places, why)) != RES_OK)
				return res;
		}
	if (json_is_object(node))
		json_object_foreach (node, key, member) {
			if ((res = check_node(member, depth + 1, places, why)) != RES_OK)
				return res;
		}
	return RES_OK;
}

enum res
tree_parse(json_t **out, const char *text, unsigned *places, struct buf *why)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	*out = NULL;
	if (root == NULL) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return RES_NOMEM;
		/* Its words may quote a secret that somebody has written into the body. */
		buf_printf(why, "it is no JSON object or array: line %d, column %d", error.line,
		    error.column);
		return RES_INVALID;
	}
	enum res res = check_node(root, 0, places, why);
	if (res != RES_OK)
		json_decref(root);
	else
		*out = root;
	return res;
}

/* -- Media ------------------------------------------------------------------------------------- */

static bool
string_has_medium(const json_t *node)
{
	unsigned places = 0;
	struct buf why = { .max = 1024 };

	(void)template_check(string_span(node), &places, &why);
	buf_free(&why);
	return (places & PLACES_OF_MEDIUM) != 0;
}

/* An array that gets one member a medium. */
static bool
array_expands(const json_t *array)
{
	const json_t *only = json_array_get(array, 0);

	return json_array_size(array) == 1 && json_is_string(only) && string_has_medium(only);
}

/* It has a placeholder of a medium that no array within it takes care of. */
static bool
wants_medium(json_t *node)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(node))
		return string_has_medium(node);
	if (json_is_object(node))
		json_object_foreach (node, key, member) {
			if (wants_medium(member))
				return true;
		}
	if (json_is_array(node) && !array_expands(node))
		json_array_foreach (node, i, member) {
			if (json_is_string(member) && string_has_medium(member))
				return true;
		}
	return false;
}

static bool
member_repeats(json_t *member)
{
	return (json_is_object(member) || json_is_array(member)) && wants_medium(member);
}

bool
tree_repeats(json_t *tree)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_array(tree) && array_expands(tree))
		return true;
	if (json_is_array(tree))
		json_array_foreach (tree, i, member) {
			if (member_repeats(member) || tree_repeats(member))
				return true;
		}
	if (json_is_object(tree))
		json_object_foreach (tree, key, member) {
			if (tree_repeats(member))
				return true;
		}
	return false;
}

/* -- For each submission ----------------------------------------------------------------------- */

static enum res fill_node(json_t **out, json_t *node, const struct template_values *v);

static enum res
fill_string(json_t **out, const json_t *node, const struct template_values *v)
{
	struct buf text = { .max = SIZE_MAX / 8 };
	enum res res = template_fill(&text, string_span(node), v, TEMPLATE_PLAIN);

	if (res == RES_OK && !utf8_valid(buf_as_span(&text)))
		res = RES_INVALID;
	if (res == RES_OK && (*out = json_stringn_nocheck(buf_str(&text), text.len)) == NULL)
		res = RES_NOMEM;
	buf_free(&text);
	return res;
}

static enum res
append_filled(json_t *array, json_t *member, const struct template_values *v)
{
	json_t *filled;
	enum res res = fill_node(&filled, member, v);

	if (res == RES_NOTFOUND)
		return RES_OK;
	if (res == RES_OK && json_array_append_new(array, filled) != 0)
		res = RES_NOMEM;
	return res;
}

static enum res
fill_array(json_t *array, json_t *node, const struct template_values *v)
{
	bool expands = array_expands(node);
	json_t *member;
	size_t i;

	json_array_foreach (node, i, member) {
		bool repeats = expands || member_repeats(member);
		enum res res = RES_OK;
		if (!repeats)
			res = append_filled(array, member, v);
		for (size_t k = 0; repeats && res == RES_OK && k < v->nmedia; k++) {
			struct template_values bound = template_bind(v, k);
			res = append_filled(array, member, &bound);
		}
		if (res != RES_OK)
			return res;
	}
	return RES_OK;
}

static enum res
fill_object(json_t *object, json_t *node, const struct template_values *v)
{
	const char *key;
	json_t *member, *filled;

	json_object_foreach (node, key, member) {
		enum res res = fill_node(&filled, member, v);
		if (res == RES_NOTFOUND)
			continue;
		if (res == RES_OK && json_object_set_new_nocheck(object, key, filled) != 0)
			res = RES_NOMEM;
		if (res != RES_OK)
			return res;
	}
	return RES_OK;
}

static size_t
size_of(const json_t *node)
{
	return json_is_object(node) ? json_object_size(node) : json_array_size(node);
}

/* RES_NOTFOUND: it is to be left out. */
static enum res
fill_node(json_t **out, json_t *node, const struct template_values *v)
{
	enum res res;

	*out = NULL;
	if (json_is_string(node))
		return fill_string(out, node, v);
	if (!json_is_object(node) && !json_is_array(node))
		return (*out = json_copy(node)) != NULL ? RES_OK : RES_NOMEM;
	json_t *copy = json_is_object(node) ? json_object() : json_array();
	if (copy == NULL)
		return RES_NOMEM;
	if (json_is_object(node))
		res = fill_object(copy, node, v);
	else
		res = fill_array(copy, node, v);
	if (res == RES_OK && size_of(copy) == 0 && size_of(node) > 0)
		res = RES_NOTFOUND;
	if (res != RES_OK)
		json_decref(copy);
	else
		*out = copy;
	return res;
}

enum res
tree_fill(json_t **out, const json_t *tree, const struct template_values *v)
{
	struct template_values first = template_bind(v, 0);

	/* jansson's walks take no const, though they change nothing. */
	return fill_node(out, (json_t *)(uintptr_t)tree, &first);
}

static int
append_chunk(const char *text, size_t len, void *out)
{
	return buf_append(out, text, len) == RES_OK ? 0 : -1;
}

enum res
tree_print(struct buf *out, const json_t *tree)
{
	size_t start = out->len;

	if (json_dump_callback(tree, append_chunk, out, JSON_COMPACT) == 0)
		return RES_OK;
	buf_cut(out, start);
	return RES_NOMEM;
}
