#include "requests_wire.h"

#define JULIET "juliet@example.org/balcony"

static struct wire w;
static unsigned again; /* so many answers are followed by another question */

static void ask_again(void);

/* "name:result:from[stanza] " */
static void
on_answer(void *arg, const struct request_answer *a)
{
	static const char *const ends[] = { "result", "error", "timeout", "gone", "denied" };

	assert_true(a->end == REQUEST_GONE || !a->unsent);
	buf_printf(&w.told, "%s:%s:%s", (const char *)arg, ends[a->end], a->from);
	if (a->end == REQUEST_RESULT || a->end == REQUEST_ERROR ||
	    (a->end == REQUEST_DENIED && a->iq != NULL))
		buf_printf(&w.told, ":%s", stanza_attr(a->iq, "id"));
	else if (a->unsent)
		buf_text(&w.told, ":unsent");
	else
		assert_null(a->iq);
	buf_text(&w.told, " ");
	ask_again();
}

static enum res
ask_for(char *name, const char *to, int64_t timeout_ms)
{
	const struct request rq = {
		.type = "get",
		.from = BOT,
		.to = to,
		.child = stanza_new(w.ctx, "time", "urn:xmpp:time"),
		.timeout_ms = timeout_ms,
		.fn = on_answer,
		.arg = name,
	};

	return requests_ask(w.requests, &rq);
}

static enum res
ask(char *name)
{
	return ask_for(name, JULIET, 1000);
}

static void
ask_again(void)
{
	static char name[] = "again";

	if (again == 0)
		return;
	again--;
	buf_printf(&w.told, "(%s) ", ask(name) == RES_OK ? "asked" : "refused");
}

static int
begin(void **state)
{
	(void)state;
	again = 0;
	wire_begin(&w);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	wire_end(&w);
	return 0;
}

static void
test_a_question_leaves_with_an_id_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(ask("a"), RES_OK);
	assert_string_equal(buf_str(&w.out), "<iq from='" BOT "' id='request-1' to='" JULIET
	    "' type='get'><time xmlns='urn:xmpp:time'></></>");
	assert_int_equal(ask("b"), RES_OK);
	assert_string_equal(buf_str(&w.out), "<iq from='" BOT "' id='request-2' to='" JULIET
	    "' type='get'><time xmlns='urn:xmpp:time'></></>");
	assert_told(&w, "");
}

static void
test_each_question_gets_its_own_answer_once(void **state)
{
	(void)state;
	ask("a");
	ask("b");
	ask("c");
	requests_committed(w.requests);
	wire_answer(&w, 2, JULIET, "result", "<time xmlns='urn:xmpp:time'/>");
	assert_told(&w, "b:result:" JULIET ":request-2 ");
	wire_answer(&w, 2, JULIET, "result", "");
	assert_told(&w, "");
	wire_answer(&w, 1, JULIET, "error", "");
	assert_told(&w, "a:error:" JULIET ":request-1 ");
	wire_answer(&w, 3, JULIET, "result", "");
	assert_told(&w, "c:result:" JULIET ":request-3 ");
	wire_passes(&w, 10000);
	assert_told(&w, "");
	assert_int_equal(timers_next(&w.timers), NEVER_MS);
}

static void
test_only_who_was_asked_can_answer(void **state)
{
	static const char *const others[] = { "juliet@example.org", "juliet@example.org/orchard",
		"juliet@example.org/BALCONY", "example.org", "romeo@example.net/balcony",
		"juliet@example.org.evil.example/balcony", "example.org/balcony", BOT };
	size_t i;

	(void)state;
	ask("a");
	requests_committed(w.requests);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		wire_answer(&w, 1, others[i], "result", "");
		wire_answer(&w, 1, others[i], "error", "");
	}
	assert_told(&w, "");
	/* The same address, before it is prepared. */
	wire_answer(&w, 1, "Juliet@EXAMPLE.org/balcony", "result", "");
	assert_told(&w, "a:result:" JULIET ":request-1 ");
}

static void
test_what_is_no_answer_is_ignored(void **state)
{
	static const char *const types[] = { "", "get", "set", "Result", "unavailable" };
	static const char *const ids[] = { "", "request-", "request-0", "request-01", "request-11",
		"request-1 ", "REQUEST-1", "1", "settle-1", "request-18446744073709551617" };
	struct jid juliet;
	xmpp_stanza_t *iq;
	size_t i;

	(void)state;
	ask("a");
	requests_committed(w.requests);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		wire_answer(&w, 1, JULIET, types[i], "");
	assert_int_equal(jid_parse_text(&juliet, JULIET), RES_OK);
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		iq = stanza_new(w.ctx, "iq", NULL);
		xmpp_stanza_set_id(iq, ids[i]);
		xmpp_stanza_set_type(iq, "result");
		requests_answered(w.requests, &juliet, iq);
		xmpp_stanza_release(iq);
	}
	iq = stanza_new(w.ctx, "iq", NULL);
	requests_answered(w.requests, &juliet, iq);
	xmpp_stanza_release(iq);
	assert_told(&w, "");
}

static void
test_nobody_can_answer_what_has_not_left(void **state)
{
	(void)state;
	ask("a");
	wire_answer(&w, 1, JULIET, "result", "");
	assert_told(&w, "");
	requests_committed(w.requests);
	ask("b");
	wire_answer(&w, 2, JULIET, "result", "");
	assert_told(&w, "");
	wire_answer(&w, 1, JULIET, "result", "");
	assert_told(&w, "a:result:" JULIET ":request-1 ");
}

static void
test_timeouts_come_in_order(void **state)
{
	(void)state;
	ask_for("slow", JULIET, 5000);
	ask_for("fast", JULIET, 100);
	ask_for("slower", JULIET, 6000);
	ask_for("same", JULIET, 5000);
	ask_for("fast too", JULIET, 100);
	requests_committed(w.requests);
	assert_int_equal(timers_next(&w.timers), w.now + 100);
	wire_passes(&w, 99);
	assert_told(&w, "");
	wire_passes(&w, 1);
	assert_told(&w, "fast:timeout:" JULIET " fast too:timeout:" JULIET " ");
	wire_answer(&w, 2, JULIET, "result", "");
	assert_told(&w, "");
	wire_answer(&w, 1, JULIET, "result", "");
	assert_told(&w, "slow:result:" JULIET ":request-1 ");
	wire_passes(&w, 4900);
	assert_told(&w, "same:timeout:" JULIET " ");
	wire_passes(&w, 100000);
	assert_told(&w, "slower:timeout:" JULIET " ");
	assert_int_equal(timers_next(&w.timers), NEVER_MS);
}

static void
test_an_end_may_ask_again(void **state)
{
	(void)state;
	ask("a");
	requests_committed(w.requests);
	again = 3;
	wire_answer(&w, 1, JULIET, "result", "");
	assert_told(&w, "a:result:" JULIET ":request-1 (asked) ");
	requests_committed(w.requests);
	/* Also one that times out, which must not time out again at once. */
	wire_passes(&w, 1000);
	assert_told(&w, "again:timeout:" JULIET " (asked) ");
	requests_committed(w.requests);
	wire_passes(&w, 5000);
	assert_told(&w, "again:timeout:" JULIET " (asked) ");
	requests_committed(w.requests);
	wire_answer(&w, 4, JULIET, "result", "");
	assert_told(&w, "again:result:" JULIET ":request-4 ");
}

static void
test_a_failed_turn_ends_its_questions_with_the_timers(void **state)
{
	(void)state;
	ask("old");
	requests_committed(w.requests);
	ask_for("new", JULIET, 60000);
	ask_for("newer", JULIET, 10);
	requests_failed(w.requests);
	assert_told(&w, "");
	/* They have not left, so these answers are made up. */
	wire_answer(&w, 2, JULIET, "result", "");
	wire_answer(&w, 3, JULIET, "error", "");
	assert_told(&w, "");
	assert_int_equal(timers_next(&w.timers), w.now);
	again = 1;
	wire_passes(&w, 0);
	assert_told(&w, "newer:gone:" JULIET ":unsent (asked) new:gone:" JULIET ":unsent ");
	requests_committed(w.requests);
	wire_answer(&w, 1, JULIET, "result", "");
	assert_told(&w, "old:result:" JULIET ":request-1 ");
	wire_answer(&w, 4, JULIET, "result", "");
	assert_told(&w, "again:result:" JULIET ":request-4 ");
}

static void
test_the_end_of_the_stream_ends_all(void **state)
{
	(void)state;
	ask("a");
	requests_committed(w.requests);
	ask("b");
	again = 1;
	requests_reset(w.requests);
	assert_told(&w, "a:gone:" JULIET " (refused) b:gone:" JULIET " ");
	assert_int_equal(timers_next(&w.timers), NEVER_MS);
	/* The numbers go on: what comes late is for nobody. */
	assert_int_equal(ask("c"), RES_OK);
	requests_committed(w.requests);
	wire_answer(&w, 1, JULIET, "result", "");
	assert_told(&w, "");
	wire_answer(&w, 3, JULIET, "result", "");
	assert_told(&w, "c:result:" JULIET ":request-3 ");
}

static void
test_what_cannot_be_sent_is_not_under_way(void **state)
{
	static const enum res results[] = { RES_TEMPFAIL, RES_INVALID, RES_NOMEM };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		w.verdict = results[i];
		assert_int_equal(ask("a"), results[i]);
	}
	assert_int_equal(timers_next(&w.timers), NEVER_MS);
	requests_committed(w.requests);
	wire_answer(&w, 1, JULIET, "result", "");
	wire_passes(&w, 10000);
	requests_reset(w.requests);
	assert_told(&w, "");
}

static void
test_a_child_that_could_not_be_made_is_no_question(void **state)
{
	const struct request rq = { .type = "get", .from = BOT, .to = JULIET, .timeout_ms = 1,
		.fn = on_answer, .arg = "a" };

	(void)state;
	assert_int_equal(requests_ask(w.requests, &rq), RES_NOMEM);
	assert_int_equal(w.sent, 0);
	assert_int_equal(timers_next(&w.timers), NEVER_MS);
}

static void
test_so_many_at_once_and_no_more(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < REQUESTS_MAX; i++)
		assert_int_equal(ask("a"), RES_OK);
	assert_int_equal(ask("b"), RES_TEMPFAIL);
	assert_int_equal(w.sent, REQUESTS_MAX);
	requests_committed(w.requests);
	wire_answer(&w, 1000, JULIET, "result", "");
	assert_told(&w, "a:result:" JULIET ":request-1000 ");
	assert_int_equal(ask("b"), RES_OK);
	assert_int_equal(ask("b"), RES_TEMPFAIL);
	wire_passes(&w, 1000);
	assert_int_equal(timers_next(&w.timers), NEVER_MS);
	assert_int_equal(ask("b"), RES_OK);
}

/* -- In the name of a user --------------------------------------------------------------------- */

#define USER    "juliet@example.org"
#define SERVICE "upload.example.org"
#define WRAP(inside) "<privilege xmlns='urn:xmpp:privilege:2'>" \
	"<forwarded xmlns='urn:xmpp:forward:0'>" inside "</forwarded></privilege>"
#define INNER(attributes) "<iq xmlns='jabber:client' " attributes "><x xmlns='y'/></iq>"
#define ADDRESSES "from='" SERVICE "' to='" USER "' "

static enum res
ask_as_user(char *name)
{
	const struct request rq = {
		.type = "get",
		.from = "later.example.org",
		.to = SERVICE,
		.as = USER,
		.child = stanza_new(w.ctx, "request", "urn:xmpp:http:upload:0"),
		.timeout_ms = 1000,
		.fn = on_answer,
		.arg = name,
	};

	return requests_ask(w.requests, &rq);
}

static void
test_a_question_in_a_users_name_goes_to_their_server(void **state)
{
	(void)state;
	assert_int_equal(ask_as_user("a"), RES_OK);
	assert_string_equal(buf_str(&w.out), "<iq from='later.example.org' id='request-1' to='" USER
	    "' type='get'><privileged_iq xmlns='urn:xmpp:privilege:2'><iq id='request-1' to='"
	    SERVICE "' type='get' xmlns='jabber:client'>"
	    "<request xmlns='urn:xmpp:http:upload:0'></></></></>");
	requests_committed(w.requests);
	wire_answer(&w, 1, USER, "result", WRAP(INNER(ADDRESSES "id='request-1' type='result'")));
	assert_told(&w, "a:result:" SERVICE ":request-1 ");
	wire_answer(&w, 1, USER, "result", WRAP(INNER(ADDRESSES "id='request-1' type='result'")));
	assert_told(&w, "");
	ask_as_user("b");
	requests_committed(w.requests);
	wire_answer(&w, 2, USER, "result",
	    WRAP(INNER("from='Upload.Example.org' to='" USER "/x' id='request-2' type='error'")));
	assert_told(&w, "b:error:" SERVICE ":request-2 ");
	ask_as_user("c");
	requests_committed(w.requests);
	wire_passes(&w, 1000);
	assert_told(&w, "c:timeout:" SERVICE " ");
}

static void
test_only_the_users_server_answers_in_their_name(void **state)
{
	static const char *const others[] = { SERVICE, "example.org", USER "/balcony",
		"romeo@example.org", "later.example.org" };
	size_t i;

	(void)state;
	ask_as_user("a");
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		requests_committed(w.requests);
		wire_answer(&w, 1, others[i], "result",
		    WRAP(INNER(ADDRESSES "id='request-1' type='result'")));
		wire_answer(&w, 1, others[i], "error", "");
	}
	assert_told(&w, "");
	wire_answer(&w, 1, USER, "error", "");
	assert_told(&w, "a:denied:" SERVICE ":request-1 ");
}

/* text with n in place of its "%u" */
static void
number(char *out, size_t len, const char *text, unsigned n)
{
	const char *at = strstr(text, "%u");

	if (at == NULL)
		snprintf(out, len, "%s", text);
	else
		snprintf(out, len, "%.*s%u%s", (int)(at - text), text, n, at + 2);
}

static void
test_what_is_forwarded_must_be_the_answer(void **state)
{
	static const char *const none[] = {
		"", "<x/>", INNER(ADDRESSES "id='request-%u' type='result'"), WRAP(""),
		"<privilege xmlns='urn:xmpp:privilege:2'>"
		    INNER(ADDRESSES "id='request-%u' type='result'") "</privilege>",
		"<privilege xmlns='urn:xmpp:privilege:1'><forwarded xmlns='urn:xmpp:forward:0'>"
		    INNER(ADDRESSES "id='request-%u' type='result'") "</forwarded></privilege>",
		WRAP(INNER(ADDRESSES "id='request-1%u' type='result'")),
		WRAP(INNER(ADDRESSES "type='result'")),
		WRAP(INNER(ADDRESSES "id='request-%u'")),
		WRAP(INNER(ADDRESSES "id='request-%u' type='get'")),
		WRAP(INNER(ADDRESSES "id='request-%u' type='set'")),
		WRAP(INNER("to='" USER "' id='request-%u' type='result'")),
		WRAP(INNER("from='" SERVICE "' id='request-%u' type='result'")),
		WRAP(INNER("from='evil.example' to='" USER "' id='request-%u' type='result'")),
		WRAP(INNER("from='" SERVICE "/x' to='" USER "' id='request-%u' type='result'")),
		WRAP(INNER("from='" SERVICE "' to='romeo@example.org' id='request-%u' "
		    "type='result'")),
		WRAP(INNER("from='@' to='@' id='request-%u' type='result'")),
		WRAP("<message xmlns='jabber:client' " ADDRESSES "id='request-%u' type='result'/>"),
		WRAP("<iq xmlns='other' " ADDRESSES "id='request-%u' type='result'/>"),
	};
	char xml[1000];
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_int_equal(ask_as_user("a"), RES_OK);
		requests_committed(w.requests);
		number(xml, sizeof(xml), none[i], i + 1);
		wire_answer(&w, i + 1, USER, "result", xml);
		assert_told(&w, "a:denied:" SERVICE " ");
	}
}

static void
test_a_question_in_a_users_name_that_cannot_leave(void **state)
{
	struct request rq = { .type = "get", .from = BOT, .to = SERVICE, .as = USER,
		.timeout_ms = 1, .fn = on_answer, .arg = "a" };

	(void)state;
	assert_int_equal(requests_ask(w.requests, &rq), RES_NOMEM);
	w.verdict = RES_INVALID;
	assert_int_equal(ask_as_user("a"), RES_INVALID);
	w.verdict = RES_OK;
	ask_as_user("b");
	requests_failed(w.requests);
	wire_passes(&w, 0);
	assert_told(&w, "b:gone:" SERVICE ":unsent ");
}

#define with_wire(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_wire(test_a_question_leaves_with_an_id_of_its_own),
		with_wire(test_each_question_gets_its_own_answer_once),
		with_wire(test_only_who_was_asked_can_answer),
		with_wire(test_what_is_no_answer_is_ignored),
		with_wire(test_nobody_can_answer_what_has_not_left),
		with_wire(test_timeouts_come_in_order),
		with_wire(test_an_end_may_ask_again),
		with_wire(test_a_failed_turn_ends_its_questions_with_the_timers),
		with_wire(test_the_end_of_the_stream_ends_all),
		with_wire(test_what_cannot_be_sent_is_not_under_way),
		with_wire(test_a_child_that_could_not_be_made_is_no_question),
		with_wire(test_so_many_at_once_and_no_more),
		with_wire(test_a_question_in_a_users_name_goes_to_their_server),
		with_wire(test_only_the_users_server_answers_in_their_name),
		with_wire(test_what_is_forwarded_must_be_the_answer),
		with_wire(test_a_question_in_a_users_name_that_cannot_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
