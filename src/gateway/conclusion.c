#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "gateway/gateways_private.h"

#define HALT_MS (30 * MINUTE_MS)
#define TOO_MANY_MS SECOND_MS
/* As many digits together may be a phone number. */
#define NUMBER_DIGITS_MIN 7

static const struct {
	const char *name;
	const char *words; /* where the answer said nothing */
} outcomes[] = {
	[OUTCOME_ACCEPTED] = { "accepted", "accepted" },
	[OUTCOME_PERMANENT] = { "refused", "refused by the gateway" },
	[OUTCOME_NOT_PROCESSED] = { "not processed", "not processed by the gateway" },
	[OUTCOME_UNKNOWN] = { "unknown", "the gateway gave no clear answer" },
};

static const char *
words_of_end(enum http_end end)
{
	if (end == HTTP_NOT_SENT)
		return "the gateway could not be reached";
	if (end == HTTP_TOO_LARGE)
		return "the gateway's answer was too large to be read";
	return "the gateway did not answer";
}

static void
read_broken(struct conclusion *c, const struct http_answer *a)
{
	c->pace = PACE_BAD;
	c->error = a->error != NULL ? a->error : "no answer";
	c->verdict.outcome = a->end == HTTP_NOT_SENT ? OUTCOME_NOT_PROCESSED : OUTCOME_UNKNOWN;
	buf_text(&c->verdict.words, words_of_end(a->end));
}

static void
read_answer(struct conclusion *c, const struct attempt *at, const struct http_answer *a)
{
	const struct dispatcher *d = at->gateway->dispatcher;
	enum outcome outcome;

	if (at->config->prepared_driver->judge(
		at->config, a, clock_wall(d->env.clock), &c->verdict) != RES_OK) {
		verdict_free(&c->verdict);
		c->verdict = (struct verdict){ .outcome = OUTCOME_UNKNOWN };
	}
	outcome = c->verdict.outcome;
	c->pace = PACE_GOOD;
	/* RFC 6585 section 4: too many, and it does not say for how long. */
	if (a->status == 429 && c->verdict.retry_after_ms == 0)
		c->verdict.retry_after_ms = TOO_MANY_MS;
	if (a->status >= 500 && (outcome == OUTCOME_UNKNOWN || outcome == OUTCOME_NOT_PROCESSED)) {
		c->pace = PACE_BAD;
		c->error = "it answers with server errors";
	}
}

static void
log_attempt(const struct conclusion *c, const struct attempt *at)
{
	const char *gap = c->error != NULL ? ": " : "", *error = c->error != NULL ? c->error : "";

	if (c->status != 0)
		log_detail("packet %s: gateway %s: %s, HTTP status %d%s%s", at->id,
		    at->gateway->name, outcomes[c->verdict.outcome].name, c->status, gap, error);
	else
		log_detail("packet %s: gateway %s: %s%s%s", at->id, at->gateway->name,
		    outcomes[c->verdict.outcome].name, gap, error);
}

void
conclusion_init(struct conclusion *c, const struct attempt *at, const struct http_answer *a)
{
	*c = (struct conclusion){ .status = a->status };
	if (a->end == HTTP_ANSWERED)
		read_answer(c, at, a);
	else
		read_broken(c, a);
	if (c->verdict.words.len == 0)
		buf_text(&c->verdict.words, outcomes[c->verdict.outcome].words);
	log_attempt(c, at);
}

void
conclusion_fini(struct conclusion *c)
{
	verdict_free(&c->verdict);
}

/* -- The gateway ------------------------------------------------------------------------------- */

static bool
is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

/*
 * How long the number is that text begins with: a run of digits, and behind a '+' with what people
 * put between them; 0 when it is too short to be one of a phone.
 */
static size_t
phone_number(const char *text)
{
	const char *between = *text == '+' ? " -/()" : "";
	size_t digits = 0, len = 0;

	for (size_t i = *text == '+'; text[i] != '\0'; i++) {
		if (is_digit(text[i])) {
			digits++;
			len = i + 1;
		} else if (strchr(between, text[i]) == NULL)
			break;
	}
	return digits >= NUMBER_DIGITS_MIN ? len : 0;
}

/* What a gateway says may have the recipient in it. */
static void
without_numbers(struct buf *out, const char *words)
{
	while (*words != '\0') {
		size_t len = phone_number(words);

		if (len > 0)
			buf_text(out, "(a number)");
		else
			do
				buf_append(out, words + len++, 1);
			while (is_digit(words[len - 1]) && is_digit(words[len]));
		words += len;
	}
}

static void
note_trouble(const struct conclusion *c, struct gateway *gw)
{
	buf_reset(&gw->trouble);
	if (c->verdict.halt)
		without_numbers(&gw->trouble, buf_str(&c->verdict.words));
	else if (c->tripped)
		without_numbers(&gw->trouble, c->error);
	else {
		buf_text(&gw->trouble, "it asks to be left alone: ");
		without_numbers(&gw->trouble, buf_str(&c->verdict.words));
	}
}

bool
conclusion_pace(struct conclusion *c, const struct attempt *at)
{
	struct gateway *gw = at->gateway;
	const struct dispatcher *d = gw->dispatcher;
	int64_t now = clock_mono(d->env.clock);
	uint32_t random;
	bool changed, closed;

	/* A new configuration may have mended it. */
	if (at->config != gw->config)
		c->verdict.halt = false;
	d->env.random(&random, sizeof(random));
	c->was_closed = gw->pace.closed_until > now;
	changed = pace_end(&gw->pace, now, at->begun, c->pace, random);
	c->opened = changed && c->pace == PACE_GOOD;
	c->tripped = changed && c->pace == PACE_BAD;
	closed = c->verdict.halt || c->verdict.retry_after_ms > 0;
	if (gw->pace.closed_until == 0)
		buf_reset(&gw->trouble);
	if (closed || c->tripped)
		note_trouble(c, gw);
	if (c->verdict.halt)
		pace_close(&gw->pace, now, HALT_MS);
	if (c->verdict.retry_after_ms > 0)
		pace_close(&gw->pace, now, c->verdict.retry_after_ms);
	if (closed)
		c->opened = false;
	return changed || closed;
}

static void
tell(struct gateway *gw, enum told what)
{
	const struct dispatcher *d = gw->dispatcher;

	gw->told = what;
	if (gw->config != NULL)
		d->env.events->trouble(d->env.events_arg, gw->name, what == TOLD_HALTED,
		    buf_str(&gw->trouble));
}

/* People hear of an incident once: a probe that fails again is no news. */
void
conclusion_tell(const struct conclusion *c, struct gateway *gw)
{
	int64_t left_ms = gw->pace.closed_until - clock_mono(gw->dispatcher->env.clock);
	int64_t left_s = (left_ms + SECOND_MS - 1) / SECOND_MS;

	if (c->opened) {
		if (!gw->paused)
			log_note("gateway %s: open again", gw->name);
		gw->told = TOLD_NOTHING;
	} else if (c->verdict.halt && gw->told < TOLD_HALTED) {
		log_error("gateway %s: closed, somebody has to look at it: %s", gw->name,
		    buf_str(&gw->trouble));
		tell(gw, TOLD_HALTED);
	} else if (c->tripped && gw->told < TOLD_FAILING) {
		log_warn("gateway %s: closed for %" PRId64 " s, it failed again and again: %s",
		    gw->name, left_s, buf_str(&gw->trouble));
		tell(gw, TOLD_FAILING);
	} else if (c->verdict.halt || c->tripped || c->was_closed)
		log_detail("gateway %s: closed for another %" PRId64 " s", gw->name, left_s);
	else
		log_note("gateway %s: closed for %" PRId64 " s, as it asked", gw->name, left_s);
}
