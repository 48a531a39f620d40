/* The other end of our own iqs, without a stream: what was asked, and answers to it. */
#ifndef LATERD_TESTS_REQUESTS_WIRE_H
#define LATERD_TESTS_REQUESTS_WIRE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stanza_text.h"
#include "xmpp/request.h"
#include "xmpp/stanza.h"

#define BOT    "bot@later.example.org"
#define ERRORS "urn:ietf:params:xml:ns:xmpp-stanzas"

struct wire {
	int64_t now;
	struct clock clock;
	struct timers timers;
	xmpp_ctx_t *ctx;
	struct requests *requests;
	enum res verdict;     /* on what is sent next */
	unsigned sent;        /* so many questions: request-1 and so on */
	struct buf out;       /* the last of them, as one line */
	struct buf all;       /* whom all of them went to, and what they want */
	struct buf told;      /* for the test */
};

static int64_t
wire_now(void *arg)
{
	return ((struct wire *)arg)->now;
}

static enum res
wire_send(void *arg, xmpp_stanza_t *iq)
{
	struct wire *w = arg;
	xmpp_stanza_t *child = stanza_only_child(iq);

	buf_reset(&w->out);
	write_tree(&w->out, iq);
	if (w->verdict != RES_OK)
		return w->verdict;
	w->sent++;
	assert_non_null(child);
	buf_printf(&w->all, "%s:%s ", stanza_attr(iq, "to"), stanza_attr(child, "xmlns"));
	return RES_OK;
}

static void
wire_begin(struct wire *w)
{
	struct requests_env env = { .send = wire_send };

	memset(w, 0, sizeof(*w));
	w->now = 7000;
	w->clock = (struct clock){ wire_now, wire_now, w };
	w->ctx = env.ctx = xmpp_ctx_new(NULL, NULL);
	env.clock = &w->clock;
	env.timers = &w->timers;
	env.arg = w;
	w->requests = requests_new(&env);
	assert_non_null(w->requests);
}

static void
wire_end(struct wire *w)
{
	requests_free(&w->requests);
	assert_null(w->requests);
	assert_int_equal(timers_next(&w->timers), NEVER_MS);
	xmpp_ctx_free(w->ctx);
	buf_free(&w->out);
	buf_free(&w->all);
	buf_free(&w->told);
}

/* `inside` is XML: the children of the iq. */
static void
wire_answer(struct wire *w, unsigned n, const char *from, const char *type, const char *inside)
{
	struct buf xml = { .max = (size_t)8 << 20 };
	xmpp_stanza_t *iq;
	struct jid jid;

	buf_printf(&xml, "<iq id='request-%u' type='%s' from='%s' to='" BOT "'>%s</iq>", n, type,
	    from, inside);
	assert_false(xml.failed);
	iq = xmpp_stanza_new_from_string(w->ctx, buf_str(&xml));
	assert_non_null(iq);
	assert_int_equal(jid_parse_text(&jid, from), RES_OK);
	requests_answered(w->requests, &jid, iq);
	xmpp_stanza_release(iq);
	buf_free(&xml);
}

static void
wire_passes(struct wire *w, int64_t ms)
{
	w->now += ms;
	timers_run(&w->timers, w->now);
}

static void
assert_told(struct wire *w, const char *want)
{
	assert_string_equal(buf_str(&w->told), want);
	buf_reset(&w->told);
}

#endif
