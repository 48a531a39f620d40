/*
 * Times as strangers write them: whatever is accepted lies ahead, and can be printed and read back.

 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/when.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* The first byte chooses where we are, the second when it is. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char *const places[] = { "UTC", "Europe/Berlin", "America/New_York",
		"Pacific/Apia", "-09:30" };
	struct buf why = { .max = 4096 }, text = { .max = 4096 };
	struct zone zone, utc;
	struct when w, again;

	if (len < 2)
		return 0;
	must(zone_find(&utc, SPAN("UTC")) == RES_OK);
	if (zone_find(&zone, span_of(places[bytes[0] % 5])) != RES_OK)
		return 0;
	int64_t now = INT64_C(1767225600000) + bytes[1] * 10 * DAY_MS + bytes[0];
	enum res res =
	    when_parse(&w, (struct span){ (const char *)bytes + 2, len - 2 }, now, &zone, &why);
	must(!why.failed && xml_text_valid(buf_as_span(&why)) && (res == RES_OK) == (why.len == 0));
	if (res == RES_OK) {
		must(w.at > now && w.at % SECOND_MS == 0);
		must(when_print_exact(&text, w.at, &w.zone) == RES_OK);
		must(when_parse(&again, buf_as_span(&text), now, &utc, &why) == RES_OK &&
		    again.at == w.at);
		must(when_print(&text, w.at, &w.zone) == RES_OK);
	}
	/* The whole as the name of a zone. */
	if (zone_find(&zone, (struct span){ (const char *)bytes, len }) == RES_OK)
		must(memchr(zone.name, '.', sizeof(zone.name)) == NULL);
	buf_free(&why);
	buf_free(&text);
	return 0;
}
