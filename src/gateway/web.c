#include <string.h>

#include "base/parse.h"
#include "gateway/web.h"

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* One byte of URL-encoded text; false when it is malformed. */
static bool
take_byte(struct span *in, char *c)
{
	size_t used = 1;

	*c = in->p[0] == '+' ? ' ' : in->p[0];
	if (in->p[0] == '%') {
		int high = in->len > 2 ? hex_value(in->p[1]) : -1;
		int low = in->len > 2 ? hex_value(in->p[2]) : -1;
		if (high < 0 || low < 0)
			return false;
		*c = (char)(high * 16 + low);
		used = 3;
	}
	*in = (struct span){ in->p + used, in->len - used };
	return *c != '\0';
}

static bool
name_is(struct span encoded, const char *name)
{
	char c;

	for (; encoded.len > 0; name++)
		if (!take_byte(&encoded, &c) || c != *name)
			return false;
	return *name == '\0';
}

static enum res
decode(struct span encoded, struct buf *out)
{
	size_t start = out->len;
	enum res res = RES_OK;
	char c;

	while (res == RES_OK && encoded.len > 0)
		res = take_byte(&encoded, &c) ? buf_append(out, &c, 1) : RES_INVALID;
	if (res == RES_OK && !utf8_valid((struct span){ buf_str(out) + start, out->len - start }))
		res = RES_INVALID;
	if (res != RES_OK)
		buf_cut(out, start);
	return res;
}

enum res
web_field(struct span form, const char *name, struct buf *out)
{
	while (form.len > 0) {
		const char *end = memchr(form.p, '&', form.len);
		struct span field = { form.p, end != NULL ? (size_t)(end - form.p) : form.len };
		size_t used = field.len + (end != NULL ? 1 : 0);
		form = (struct span){ form.p + used, form.len - used };

		const char *equals = field.len > 0 ? memchr(field.p, '=', field.len) : NULL;
		struct span key = { field.p,
			equals != NULL ? (size_t)(equals - field.p) : field.len };
		if (!name_is(key, name) || field.len == 0)
			continue;
		if (equals == NULL)
			return RES_OK;
		return decode((struct span){ equals + 1, field.len - key.len - 1 }, out);
	}
	return RES_NOTFOUND;
}
