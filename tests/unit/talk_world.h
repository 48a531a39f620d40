/* What is said to lines against the scripted service: for the tests of xmpp/talk.c. */
#ifndef LATERD_TESTS_TALK_WORLD_H
#define LATERD_TESTS_TALK_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/parse.h"
#include "talk_script.h"

#define IM "im noon " ROMEO " "

struct world {
	struct commands service;
	int64_t now;
	struct clock clock;
	struct timers timers;
	struct zone utc;
	struct talks *talks;
	struct buf said;       /* since the last line */
	size_t answers;        /* of them */
	char to[JID_FULL_MAX + 1], via[100]; /* of the last */
	size_t longest;
	unsigned failed;
	struct reply refusal;
	unsigned nlines;
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
	struct buf jid = { 0 };

	assert_true(text[0] != '\0' && utf8_valid(span_of(text)));
	buf_printf(&w->said, "%s%s", w->said.len > 0 ? "|" : "", text);
	w->answers++;
	if (strlen(text) > w->longest)
		w->longest = strlen(text);
	jid_print(&jid, &to->jid);
	snprintf(w->to, sizeof(w->to), "%s", buf_str(&jid));
	snprintf(w->via, sizeof(w->via), "%s", via == NULL ? "(none)" : via);
	buf_free(&jid);
}

static void
on_failed(void *arg)
{
	((struct world *)arg)->failed++;
}

static struct world *
start(const struct talk_bounds *bounds)
{
	struct world *w = calloc(1, sizeof(*w));
	struct talks_env env = { .ops = &talk_ops, .say = on_say, .failed = on_failed };

	assert_non_null(w);
	w->now = 5 * MINUTE_MS;
	w->clock = (struct clock){ now, now, w };
	w->utc = (struct zone){ .name = "UTC" };
	w->said.max = 4 << 20;
	env.clock = &w->clock;
	env.timers = &w->timers;
	env.zone = &w->utc;
	env.commands = &w->service;
	env.arg = w;
	w->talks = talks_new(bounds, &env);
	assert_non_null(w->talks);
	return w;
}

static void
stop(struct world *w)
{
	talks_free(&w->talks);
	assert_null(w->talks);
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
	buf_free(&w->said);
	buf_free(&w->service.calls);
	buf_free(&w->service.last);
	reply_free(&w->refusal);
	free(w);
}

static int
setup(void **state)
{
	*state = start(&talk_bounds_default);
	return 0;
}

static int
teardown(void **state)
{
	stop(*state);
	return 0;
}

static void
forget_said(struct world *w)
{
	buf_reset(&w->said);
	w->answers = 0;
	w->to[0] = w->via[0] = '\0';
	w->longest = 0;
}

static enum talk_verdict
write_line(struct world *w, const char *from, struct talk_line line)
{
	struct asker who;

	forget_said(w);
	reply_free(&w->refusal);
	assert_int_equal(jid_parse_text(&who.jid, from), RES_OK);
	line.who = &who;
	line.id = line.id == NULL ? "" : line.id;
	line.replaces = line.replaces == NULL ? "" : line.replaces;
	return talks_hear(w->talks, &line, &w->refusal);
}

/* What is said to a line of Juliet's. */
static const char *
says_to(struct world *w, const char *text)
{
	struct talk_line line = { .text = span_of(text), .via = "t" };

	assert_int_equal(write_line(w, BALCONY, line), TALK_HEARD);
	talks_committed(w->talks);
	return buf_str(&w->said);
}

static inline const char *
says_to_id(struct world *w, const char *id, const char *replaces, const char *text)
{
	struct talk_line line = { .id = id, .replaces = replaces, .text = span_of(text) };

	assert_int_equal(write_line(w, BALCONY, line), TALK_HEARD);
	talks_committed(w->talks);
	return buf_str(&w->said);
}

static void
assert_part(const char *said, const char *part)
{
	if (strstr(said, part) == NULL)
		fail_msg("no \"%s\" in \"%s\"", part, said);
}

static inline void
assert_no_part(const char *said, const char *part)
{
	if (strstr(said, part) != NULL)
		fail_msg("\"%s\" in \"%s\"", part, said);
}

static void
assert_calls(struct world *w, const char *calls)
{
	assert_string_equal(buf_str(&w->service.calls), calls);
	buf_reset(&w->service.calls);
}

static inline void
pass(struct world *w, int64_t ms)
{
	w->now += ms;
	forget_said(w);
	timers_run(&w->timers, w->now);
}

static inline void
resume(struct world *w, uint64_t ticket)
{
	forget_said(w);
	talks_resume(w->talks, ticket);
	talks_committed(w->talks);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
