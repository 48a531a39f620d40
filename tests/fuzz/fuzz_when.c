/*
 * Times as strangers write them: whatever is accepted lies ahead, and can be printed and read back.
 * Whatever is refused is so for a reason.
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

/* Every way to print it is read back, wherever the reader is. */
static void
print_and_read(const struct when *w, int64_t now, const struct zone *reader)
{
	struct buf text = { .max = 4096 }, why = { .max = 4096 };
	struct when again;

	for (int way = 0; way < 4; way++) {
		enum res res = way < HOURS_END ? when_print(&text, w->at, &w->zone, (enum hours)way)
		    : way == HOURS_END	       ? when_print_exact(&text, w->at, &w->zone)
					       : when_print_utc(&text, w->at);
		must(res == RES_OK);
		must(when_parse(&again, buf_as_span(&text), now, reader, &why) == RES_OK);
		must(again.at == w->at && again.zone_given && !again.relative);
		buf_reset(&text);
	}
	must(when_print_time(&text, w->at, &w->zone, HOURS_12) == RES_OK);
	buf_free(&text);
	buf_free(&why);
}

/* A reason says what to write, and the first of that is accepted where the clock shows it. */
static void
check_reason(const struct buf *why, int64_t now, const struct zone *zone)
{
	static const char *const ends[] = { ", ", " or ", " for ", " if ", ";" };
	struct buf again = { .max = 4096 };
	struct when w;

	must(!why->failed && why->len > 0);
	for (size_t i = 0; i < why->len; i++)
		must(why->p[i] >= ' ' && why->p[i] <= '~');
	/* What was written may stand before it, but no white space in that. */
	const char *at = strstr(why->p, ": write ");
	if (at == NULL)
		at = strstr(why->p, "; write ");
	must(at != NULL);
	struct span example = span_of(at + strlen(": write "));
	take_word(&example, "for example ");
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const char *end = memmem(example.p, example.len, ends[i], strlen(ends[i]));
		if (end != NULL)
			example.len = (size_t)(end - example.p);
	}
	must(when_parse(&w, example, now, zone, &again) == RES_OK ||
	    strstr(buf_str(&again), "jumps over") != NULL);
	buf_free(&again);
}

/* The first byte chooses where we are, the second when it is. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char *const places[] = { "UTC", "Europe/Berlin", "America/New_York",
		"Pacific/Apia", "-09:30", "Australia/Lord_Howe", "Africa/Casablanca" };
	/* The second pass through a doubled hour, and a moment before one is skipped. */
	static const int64_t odd[] = { INT64_C(1792890600250), INT64_C(1806192000000) };
	struct buf why = { .max = 4096 };
	struct zone zone, utc;
	struct when w;

	if (len < 2)
		return 0;
	must(zone_find(&utc, SPAN("UTC")) == RES_OK);
	if (zone_find(&zone, span_of(places[bytes[0] % 7])) != RES_OK)
		return 0;
	int64_t now = bytes[1] >= 254 ? odd[bytes[1] - 254]
				      : INT64_C(1767225600000) + bytes[1] * 10 * DAY_MS + bytes[0];
	enum res res =
	    when_parse(&w, (struct span){ (const char *)bytes + 2, len - 2 }, now, &zone, &why);
	must(res == RES_OK || res == RES_INVALID);
	if (res == RES_OK) {
		must(why.len == 0 && w.at > now && w.at % SECOND_MS == 0);
		print_and_read(&w, now, &utc);
	} else
		check_reason(&why, now, &zone);
	/* The whole as the name of a zone. */
	if (zone_find(&zone, (struct span){ (const char *)bytes, len }) == RES_OK)
		must(memchr(zone.name, '.', sizeof(zone.name)) == NULL);
	buf_free(&why);
	return 0;
}
