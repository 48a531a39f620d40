/*
 * Conversations: lines, corrections, encrypted lines, what takes time, failed and lost turns, in
 * any order.  Everything said is text, to who wrote it; nothing is kept of what has ended, and bounds
 * hold.
 *
 * The input is steps: a byte that says which, and for a line its text up to a NUL.
 */
#include <stdint.h>

#include "../unit/talk_script.h"
#include "base/parse.h"

#define INPUT_MAX 16384
#define USERS     4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct world {
	struct commands service;
	int64_t now;
	struct clock clock;
	struct timers timers;
	struct talks *talks;
	size_t said;
	unsigned lines;
};

static int64_t
now(void *arg)
{
	return ((struct world *)arg)->now;
}

static void
on_say(void *arg, const struct asker *to, const char *via, const char *text)
{
	struct world *w = arg;

	w->said++;
	if (*text == '\0' || !utf8_valid(span_of(text)) || strlen(text) > 32 << 10 ||
	    strncmp(to->jid.local, "user", 4) != 0 || strcmp(to->jid.domain, "example.org") != 0 ||
	    via == NULL || strcmp(via, "way") != 0)
		abort();
}

/* Memory is not short here. */
static void
on_failed(void *arg)
{
	(void)arg;
	abort();
}

static void
begin(struct world *w)
{
	static const struct zone utc = { .name = "UTC" };
	struct talk_bounds bounds = talk_bounds_default;
	struct talks_env env = {
		.zone = &utc, .ops = &talk_ops, .say = on_say, .failed = on_failed
	};

	*w = (struct world){ .now = 1000 };
	w->clock = (struct clock){ now, now, w };
	bounds.total = USERS - 1;
	bounds.bytes = 20000;
	bounds.queue = 3;
	bounds.waiting = 2;
	bounds.burst = 10;
	env.clock = &w->clock;
	env.timers = &w->timers;
	env.commands = &w->service;
	env.arg = w;
	w->talks = talks_new(&bounds, &env);
	if (w->talks == NULL)
		abort();
}

/* flags: who; whether it corrects one of the last lines; whether it is encrypted. */
static void
hear(struct world *w, uint8_t flags, const char *text)
{
	char id[24], replaces[24] = "";
	struct reply refusal = { 0 };
	struct asker who = { 0 };
	struct talk_line line = { .who = &who, .id = id, .replaces = replaces, .via = "way",
		.text = span_of(text), .encrypted = (flags & 0x30) == 0x30 };
	size_t before = w->said;

	snprintf(who.jid.local, sizeof(who.jid.local), "user%d", flags % USERS);
	snprintf(who.jid.domain, sizeof(who.jid.domain), "%s",
	    flags == 0x7f ? "example.net" : "example.org");
	snprintf(who.jid.resource, sizeof(who.jid.resource), "r%d", flags & 1);
	snprintf(who.jid.bare, sizeof(who.jid.bare), "%s@%s", who.jid.local, who.jid.domain);
	snprintf(id, sizeof(id), "%u", ++w->lines);
	if ((flags & 0x0c) != 0)
		snprintf(replaces, sizeof(replaces), "%u", w->lines - ((flags & 0x0cU) >> 2));
	switch (talks_hear(w->talks, &line, &refusal)) {
	case TALK_HEARD:
		if (refusal.condition != NULL)
			abort();
		break;
	case TALK_REFUSED:
		if (refusal.condition == NULL || w->said > before)
			abort();
		break;
	case TALK_IGNORED:
		if (w->said > before)
			abort();
		break;
	}
	reply_free(&refusal);
}

static void
other(struct world *w, uint8_t step)
{
	switch (step & 0x0f) {
	case 0:
		w->service.later++;
		break;
	case 1:
	case 2:
		talks_resume(w->talks, w->service.ticket);
		break;
	case 3:
		talks_resume(w->talks, w->service.ticket - 1);
		break;
	case 4:
		talks_failed(w->talks);
		break;
	case 5:
		talks_forget(w->talks);
		break;
	case 6:
		w->now += 61 * SECOND_MS;
		timers_run(&w->timers, w->now);
		break;
	case 7:
		w->now += 11 * MINUTE_MS;
		talks_sweep(w->talks);
		break;
	case 8:
		w->service.left[w->service.scheduled % IDS_MAX] = true;
		break;
	case 9:
		w->service.huge = !w->service.huge;
		break;
	case 10:
		w->service.blocked = !w->service.blocked;
		break;
	default:
		w->now += 5 * SECOND_MS;
		talks_committed(w->talks);
	}
}

/* Nothing is kept of those who are silent. */
static void
end(struct world *w)
{
	w->now += 61 * SECOND_MS;
	timers_run(&w->timers, w->now);
	talks_committed(w->talks);
	w->now += 11 * MINUTE_MS;
	if (talks_sweep(w->talks) != 0)
		abort();
	talks_free(&w->talks);
	if (timers_next(&w->timers) != NEVER_MS)
		abort();
	buf_free(&w->service.calls);
	buf_free(&w->service.last);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *stop = data + (len > INPUT_MAX ? INPUT_MAX : len);
	char text[1024];
	struct world w;
	size_t n;

	begin(&w);
	while (data < stop) {
		uint8_t step = *data++;

		if (step & 0x80)
			other(&w, step);
		else {
			for (n = 0; data < stop && *data != '\0' && n < sizeof(text) - 1; n++)
				text[n] = (char)*data++;
			text[n] = '\0';
			data += data < stop;
			if (xml_text_valid(span_of(text)))
				hear(&w, step, text);
		}
		buf_reset(&w.service.calls);
		if (talks_sweep(w.talks) > USERS - 1)
			abort();
	}
	end(&w);
	return 0;
}
