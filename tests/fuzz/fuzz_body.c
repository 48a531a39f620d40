/*
 * Bodies: as a person's text, which must survive its way through XML, and as inner XML from a
 * damaged disk.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "core/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_round_trip(struct span text)
{
	struct buf inner = { .max = 0 }, back = { .max = 0 };
	enum res res = body_im(&inner, text);

	must((res == RES_OK) == xml_text_valid(text));
	if (res == RES_OK) {
		must(body_im_text(&back, buf_as_span(&inner)) == RES_OK);
		must(span_eq(buf_as_span(&back), text));
	}
	buf_free(&inner);
	buf_free(&back);
}

static void
check_excerpt(struct span text, size_t chars)
{
	struct buf out = { .max = 0 };
	size_t n = 0;

	must(body_excerpt(&out, text, chars) == RES_OK && xml_text_valid(buf_as_span(&out)));
	for (size_t i = 0; i < out.len; i++)
		n += (out.p[i] & 0xc0) != 0x80;
	must(n <= chars && memchr(buf_str(&out), '\n', out.len) == NULL);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct span text = { (const char *)bytes, len };
	struct buf out = { .max = 0 };

	if (len > 65536)
		return 0;
	check_round_trip(text);
	check_excerpt(text, len > 0 ? bytes[0] % 64 : 0);
	if (body_im_text(&out, text) == RES_OK)
		must(xml_text_valid(buf_as_span(&out)));
	else
		must(out.len == 0);
	buf_free(&out);
	return 0;
}
