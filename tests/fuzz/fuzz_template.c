/*
 * Templates from a file and values from strangers: what is accepted when the file is read can
 * always be filled in, and no value changes the structure.  Form data and paths as well.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "gateway/path.h"
#include "gateway/tree.h"
#include "gateway/web.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static struct template_values
values_of(struct span value, const struct template_medium media[2])
{
	struct template_values v = { .media = media, .nmedia = 2, .ucs2 = value.len % 2 == 1 };

	for (size_t i = 0; i < NPLACES; i++)
		if (i != PLACE_CODING)
			v.v[i] = value;
	v.v[PLACE_SUBJECT] = (struct span){ NULL, 0 };
	return template_bind(&v, 0);
}

static void
check_text(struct span template, const struct template_values *v)
{
	struct buf why = { .max = 4096 }, plain = { .max = 1 << 24 }, escaped = { .max = 1 << 24 };
	unsigned places = 0;
	enum res res = template_check(template, &places, &why);

	must((res == RES_OK) == (why.len == 0) && !why.failed);
	if (res == RES_OK) {
		enum res a = template_fill(&plain, template, v, TEMPLATE_PLAIN);
		enum res b = template_fill(&escaped, template, v, TEMPLATE_ESCAPED);
		must(a == b && (a == RES_OK || a == RES_NOTFOUND));
		must(a == RES_OK || (plain.len == 0 && escaped.len == 0));
		if (places == 0)
			must(span_eq(buf_as_span(&plain), buf_as_span(&escaped)));
	}
	buf_free(&why);
	buf_free(&plain);
	buf_free(&escaped);
}

static bool same_shape(json_t *a, json_t *b);

static bool
same_members(json_t *a, json_t *b)
{
	const char *key;
	json_t *member;
	size_t i;

	json_object_foreach (a, key, member)
		if (!same_shape(member, json_object_get(b, key)))
			return false;
	json_array_foreach (a, i, member)
		if (!same_shape(member, json_array_get(b, i)))
			return false;
	return true;
}

/* The same, but for the text of strings. */
static bool
same_shape(json_t *a, json_t *b)
{
	if (b == NULL || json_typeof(a) != json_typeof(b) ||
	    json_object_size(a) != json_object_size(b) || json_array_size(a) != json_array_size(b))
		return false;
	if (json_is_object(a) || json_is_array(a))
		return same_members(a, b);
	return json_is_string(a) || json_equal(a, b);
}

static void
check_tree(
    const char *template, const struct template_values *v, const struct template_values *harmless)
{
	struct buf why = { .max = 4096 }, text = { .max = 1 << 24 };
	json_t *tree, *filled = NULL, *other = NULL, *again;
	unsigned places = 0;
	enum res res = tree_parse(&tree, template, &places, &why);

	must((res == RES_OK) == (why.len == 0) && (res == RES_OK) == (tree != NULL));
	if (res == RES_OK) {
		enum res a = tree_fill(&filled, tree, v), b = tree_fill(&other, tree, harmless);
		must(a == RES_OK || a == RES_NOTFOUND || a == RES_INVALID);
		must((a == RES_OK) == (filled != NULL));
		if (a == RES_OK && b == RES_OK)
			must(same_shape(filled, other));
		if (a == RES_OK) {
			must(tree_print(&text, filled) == RES_OK);
			again = json_loadb(text.p, text.len, JSON_ALLOW_NUL, NULL);
			must(again != NULL && json_equal(again, filled));
			json_decref(again);
		}
		json_decref(filled);
		json_decref(other);
		json_decref(tree);
	}
	buf_free(&why);
	buf_free(&text);
}

static void
check_form(struct span form, const char *name)
{
	struct buf out = { .max = 4096 };
	enum res res = web_field(form, name, &out);

	must(res != RES_OK || (utf8_valid(buf_as_span(&out)) && strlen(buf_str(&out)) == out.len));
	must(res == RES_OK || out.len == 0);
	buf_free(&out);
}

static void
check_path(const char *path, struct span body)
{
	json_t *root = json_loadb(body.p, body.len, JSON_DECODE_ANY, NULL);
	struct buf out = { .max = 1 << 20 };

	(void)path_is(path);
	(void)path_text(root, path, &out);
	if (root != NULL && path_set(root, path, "x") == RES_OK)
		must(json_is_string(path_find(root, path)) || strlen(path) > 255 ||
		     strchr(path, '.') != NULL || json_is_array(root));
	json_decref(root);
	buf_free(&out);
}

/* The template, a NUL, and the value. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *nul = len > 0 ? memchr(bytes, '\0', len) : NULL;

	if (nul == NULL || len > 16384)
		return 0;
	struct span template = { (const char *)bytes, (size_t)(nul - (const char *)bytes) };
	struct span value = { nul + 1, len - template.len - 1 };
	const struct template_medium media[2] = {
		{ .value = value, .type = SPAN("image/png"), .number = "1" },
		{ .value = SPAN("https://a.example/"), .type = value, .number = "2" },
	};
	const struct template_medium plain_media[2] = {
		{ .value = SPAN("u"), .type = SPAN("image/png"), .number = "1" },
		{ .value = SPAN("u"), .type = SPAN("t"), .number = "2" },
	};
	struct template_values v = values_of(value, media);
	struct template_values harmless =
	    values_of((struct span){ "xy", value.len % 2 == 1 ? 1 : 2 }, plain_media);

	check_text(template, &v);
	if (value.len > 0)
		check_tree(template.p, &v, &harmless);
	check_form(value, template.p);
	check_path(template.p, value);
	return 0;
}
