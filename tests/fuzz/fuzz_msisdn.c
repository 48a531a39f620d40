/*
 * Phone numbers as strangers write them, the formats of gateways, and texts as they are cut into
 * segments.
 */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "core/msisdn.h"
#include "core/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
try_format(const char *text, const char *number)
{
	struct number_format format;
	struct buf out = { .max = 100 };

	if (number_format_parse(&format, text) == RES_OK) {
		must(number_format_print(&out, &format, number) == RES_OK && out.len > 0);
		must(strspn(out.p + (out.p[0] == '+'), "0123456789") ==
		    out.len - (out.p[0] == '+'));
		/* The end of the number is never changed. */
		must(strcmp(number + strlen(number) - 1, out.p + out.len - 1) == 0);
	}
	buf_free(&out);
}

static void
try_number(struct span text, const char *country)
{
	char number[MSISDN_MAX + 1], again[MSISDN_MAX + 1];
	struct buf why = { .max = 4096 }, masked = { .max = 100 };
	enum res res = msisdn_parse(number, text, country, &why);
	char *as_text = strndup(text.p, text.len);

	must(as_text != NULL && (res == RES_OK || res == RES_INVALID));
	must((res == RES_OK) == (why.len == 0) && xml_text_valid(buf_as_span(&why)));
	must(msisdn_is(number) == (res == RES_OK));
	if (res == RES_OK) {
		must(msisdn_parse(again, span_of(number), country, &why) == RES_OK);
		must(strcmp(number, again) == 0);
		must(msisdn_mask(&masked, number) == RES_OK && masked.len <= 7 + 3);
		try_format("e164", number);
		try_format("digits", number);
		try_format("00", number);
		try_format("strip:+1", number);
		/* A number as its own prefix. */
		char strip[6 + MSISDN_MAX + 1] = "strip:";
		strcat(strip, number);
		try_format(strip, number);
	}
	try_format(as_text, "+4917012345678");
	free(as_text);
	buf_free(&why);
	buf_free(&masked);
}

static void
try_text(struct span text)
{
	struct segments s, part;

	must((segments_count(&s, text) == RES_OK) == utf8_valid(text));
	size_t single = s.coding == SMS_GSM7 ? 160 : 70, several = s.coding == SMS_GSM7 ? 153 : 67;
	if (!utf8_valid(text)) {
		must(s.units == 0 && s.segments == 0 && s.left == 0);
		return;
	}
	must((s.segments == 0) == (text.len == 0) && s.units <= 2 * text.len);
	if (s.units <= single) {
		must(s.segments <= 1 && s.left == single - s.units);
		return;
	}
	/* At most one unit of each part but the last is lost. */
	must(s.left < several && s.segments * several >= s.units + s.left);
	must(s.segments * several - s.units - s.left <= s.segments - 1);
	/* Less text is never more segments of the same coding. */
	must(segments_count(&part, utf8_prefix(text, text.len / 4)) == RES_OK);
	must(part.coding != s.coding || part.segments <= s.segments);
}

/* The first byte chooses the country. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char *const countries[] = { NULL, "49", "1", "999" };

	if (len < 1)
		return 0;
	struct span text = { (const char *)bytes + 1, len - 1 };
	try_number(text, countries[bytes[0] % 4]);
	try_text(text);
	return 0;
}
