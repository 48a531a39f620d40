/*
 * What a server may say of privileges, of a roster, and in the name of a user (XEP-0356): every
 * question ends once, what is written into a roster is our own item only, and what is forwarded
 * counts only as the answer to what was asked.  Answers carry the ids request-1 and request-3 (a
 * roster) and request-2 (in a user's name).
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "xmpp/parser.h"
#include "xmpp/roster.h"
#include "xmpp/stanza.h"

#define HEADER "<stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAM "' id='1'>"
#define BOT "bot@later.example.org"
#define JULIET "juliet@example.org"
#define SERVICE "upload.example.org"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct world {
	struct clock clock;
	struct timers timers;
	xmpp_ctx_t *ctx;
	struct requests *requests;
	struct rosters *rosters;
	struct privilege *privilege;
	unsigned ends, answers; /* of the roster, and in the user's name */
};

static int64_t
now(void *arg)
{
	(void)arg;
	return 1000;
}

/* -- Privileges -------------------------------------------------------------------------------- */

static void
check_privileges(xmpp_stanza_t *st)
{
	struct privilege *p = privilege_new();
	struct buf words = { .max = 200 };
	bool any = false;
	int i;

	if (p == NULL)
		abort();
	(void)privilege_learn(p, "example.org", st);
	privilege_print(p, "example.org", &words);
	if (words.failed || privilege_has(p, "example.com", PRIVILEGE_SEND) ||
	    privilege_has(p, "example.org", PRIVILEGE_SEND) !=
	        (privilege_message_ns(p, "example.org") != NULL))
		abort();
	for (i = 0; i < PRIVILEGE_NTO; i++) {
		bool had = privilege_has(p, "example.org", (enum privilege_to)i);

		any |= had;
		if (privilege_revoke(p, "example.org", (enum privilege_to)i) != had ||
		    privilege_has(p, "example.org", (enum privilege_to)i))
			abort();
	}
	if ((words.len > 0) !=
	    (any || privilege_scope(p, "example.org") != SCOPE_NONE))
		abort();
	buf_free(&words);
	privilege_free(&p);
}

/* -- Rosters ----------------------------------------------------------------------------------- */

static void
check_item(xmpp_stanza_t *query, bool to)
{
	xmpp_stanza_t *item = stanza_only_child(query), *group;

	if (!stanza_is(query, "query", NS_ROSTER) || !stanza_is(item, "item", NULL) ||
	    strcmp(stanza_attr(item, "jid"), BOT) != 0 ||
	    strcmp(stanza_attr(item, "subscription"), to ? "both" : "from") != 0)
		abort();
	for (group = xmpp_stanza_get_children(item); group != NULL;
	    group = xmpp_stanza_get_next(group))
		if (!stanza_is(group, "group", NULL) || xmpp_stanza_get_children(group) == NULL)
			abort();
}

static void
check_roster(struct world *w, xmpp_stanza_t *st)
{
	struct roster_item item;
	xmpp_stanza_t *query;

	if (roster_read(st, BOT, &item) != RES_OK)
		return;
	query = roster_query(w->ctx, BOT, "Later", &item);
	if (query == NULL)
		abort();
	check_item(query, item.to);
	xmpp_stanza_release(query);
}

static void
on_granted(void *arg, const char *user)
{
	struct world *w = arg;

	if (strcmp(user, JULIET) != 0 || w->ends++ > 0)
		abort();
}

static void
on_ask(void *arg, const char *user, const char *words)
{
	if (strcmp(words, "please") != 0)
		abort();
	on_granted(arg, user);
}

static void
on_refused(void *arg, const char *domain, xmpp_stanza_t *error)
{
	(void)arg;
	if (strcmp(domain, "example.org") != 0 || *stanza_condition(error) == '\0')
		abort();
}

/* -- In the user's name ------------------------------------------------------------------------ */

static void
on_answer(void *arg, const struct request_answer *a)
{
	struct world *w = arg;
	struct jid from;

	if (w->answers++ > 0 || strcmp(a->from, SERVICE) != 0 || a->end == REQUEST_TIMEOUT)
		abort();
	if (a->end != REQUEST_RESULT && a->end != REQUEST_ERROR)
		return;
	if (jid_parse_text(&from, stanza_attr(a->iq, "from")) != RES_OK ||
	    strcmp(from.bare, SERVICE) != 0 || *from.resource != '\0' ||
	    strcmp(stanza_attr(a->iq, "id"), "request-2") != 0 ||
	    strcmp(stanza_attr(a->iq, "type"), a->end == REQUEST_RESULT ? "result" : "error") != 0)
		abort();
}

static enum res
send_iq(void *arg, xmpp_stanza_t *iq)
{
	xmpp_stanza_t *query = stanza_child(iq, "query", NS_ROSTER);

	(void)arg;
	if (strcmp(stanza_attr(iq, "to"), JULIET) != 0)
		abort();
	if (strcmp(stanza_attr(iq, "type"), "set") == 0)
		check_item(query, strcmp(stanza_attr(stanza_only_child(query), "subscription"),
		                      "both") == 0);
	return RES_OK;
}

/* -- The world --------------------------------------------------------------------------------- */

static void
on_stanza(void *arg, xmpp_stanza_t *st)
{
	struct world *w = arg;
	struct jid from;

	check_privileges(st);
	check_roster(w, st);
	if (jid_parse_text(&from, stanza_attr(st, "from")) == RES_OK)
		requests_answered(w->requests, &from, st);
	requests_committed(w->requests);
	rosters_committed(w->rosters);
}

static void
on_opened(void *arg, const char *id)
{
	(void)arg, (void)id;
}

static void
on_dropped(void *arg, const struct parser_dropped *d)
{
	(void)arg, (void)d;
}

static void
on_closed(void *arg)
{
	(void)arg;
}

static const struct parser_events events = { on_opened, on_stanza, on_dropped, on_closed };

static void
grant(struct world *w)
{
	xmpp_stanza_t *st = xmpp_stanza_new_from_string(w->ctx, "<message><privilege xmlns='"
	    NS_PRIVILEGE_2 "'><perm access='roster' type='both'/></privilege></message>");

	if (st == NULL || !privilege_learn(w->privilege, "example.org", st))
		abort();
	xmpp_stanza_release(st);
}

static void
begin(struct world *w)
{
	const struct requests_env requests = { .ctx = w->ctx, .clock = &w->clock,
		.timers = &w->timers, .send = send_iq, .arg = w };
	struct rosters_env rosters = { .ctx = w->ctx, .from = "later.example.org", .contact = BOT,
		.name = "Later", .granted = on_granted, .ask = on_ask, .refused = on_refused,
		.arg = w };
	struct request rq = { .type = "get", .from = "later.example.org", .to = SERVICE,
		.as = JULIET, .timeout_ms = 1000, .fn = on_answer, .arg = w };

	rosters.privilege = w->privilege = privilege_new();
	rosters.requests = w->requests = requests_new(&requests);
	w->rosters = rosters_new(&rosters);
	grant(w);
	rq.child = stanza_new(w->ctx, "request", "urn:xmpp:http:upload:0");
	if (!rosters_subscribe(w->rosters, JULIET, "please") ||
	    requests_ask(w->requests, &rq) != RES_OK)
		abort();
	requests_committed(w->requests);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct world w = { .clock = { now, now, NULL }, .ctx = xmpp_ctx_new(NULL, NULL) };
	struct parser *p = w.ctx == NULL ? NULL
	    : parser_new(w.ctx, &parser_bounds_default, &events, &w);

	if (p == NULL || parser_feed(p, SPAN(HEADER)) != RES_OK)
		abort();
	begin(&w);
	(void)parser_feed(p, (struct span){ (const char *)data, len });
	requests_reset(w.requests);
	privilege_reset(w.privilege);
	rosters_resume(w.rosters);
	if (w.ends != 1 || w.answers != 1)
		abort();
	parser_free(&p);
	requests_free(&w.requests);
	rosters_free(&w.rosters);
	privilege_free(&w.privilege);
	xmpp_ctx_free(w.ctx);
	return 0;
}
