#include "requests_wire.h"
#include "xmpp/roster.h"

#define JULIET "juliet@example.org"
#define ROSTER(inside) "<query xmlns='jabber:iq:roster'>" inside "</query>"
#define ERROR(type, condition) "<error type='" type "'><" condition " xmlns='" ERRORS "'/></error>"
#define ASKED(user) user ":jabber:iq:roster "
#define SET(n, item) "<iq from='later.example.org' id='request-" n "' to='" JULIET "' type='set'>" \
	"<query xmlns='jabber:iq:roster'>" item "</></>"

static struct wire w;
static struct rosters *rs;
static struct privilege *privilege;

static void
on_granted(void *arg, const char *user)
{
	assert_ptr_equal(arg, &w);
	buf_printf(&w.told, "granted:%s ", user);
}

static void
on_ask(void *arg, const char *user, const char *words)
{
	assert_ptr_equal(arg, &w);
	buf_printf(&w.told, "ask:%s:%s ", user, words);
}

static void
on_refused(void *arg, const char *domain, xmpp_stanza_t *error)
{
	assert_ptr_equal(arg, &w);
	buf_printf(&w.told, "refused:%s:%s ", domain, stanza_condition(error));
	if (strcmp(stanza_condition(error), "forbidden") == 0)
		privilege_revoke(privilege, domain, PRIVILEGE_ROSTER);
}

static void
grant(const char *domain, const char *type)
{
	struct buf xml = { 0 };
	xmpp_stanza_t *st;

	buf_printf(&xml, "<message><privilege xmlns='urn:xmpp:privilege:1'>"
	    "<perm access='roster' type='%s'/></privilege></message>", type);
	st = xmpp_stanza_new_from_string(w.ctx, buf_str(&xml));
	assert_true(privilege_learn(privilege, domain, st));
	xmpp_stanza_release(st);
	buf_free(&xml);
}

static int
begin(void **state)
{
	struct rosters_env env = { .from = "later.example.org", .contact = BOT, .name = "Later",
		.granted = on_granted, .ask = on_ask, .refused = on_refused, .arg = &w };

	(void)state;
	wire_begin(&w);
	env.ctx = w.ctx;
	env.requests = w.requests;
	env.privilege = privilege = privilege_new();
	rs = rosters_new(&env);
	assert_non_null(rs);
	grant("example.org", "both");
	return 0;
}

static int
end(void **state)
{
	(void)state;
	requests_free(&w.requests);
	rosters_free(&rs);
	assert_null(rs);
	privilege_free(&privilege);
	wire_end(&w);
	return 0;
}

static void
commit(void)
{
	requests_committed(w.requests);
	rosters_committed(rs);
}

static void
fail_turn(void)
{
	requests_failed(w.requests);
	rosters_failed(rs);
}

/* As the component does. */
static void
stream_ends(void)
{
	requests_reset(w.requests);
	privilege_reset(privilege);
}

static void
answer(unsigned n, const char *from, const char *type, const char *inside)
{
	commit();
	wire_answer(&w, n, from, type, inside);
}

static void
assert_asked(const char *want)
{
	assert_string_equal(buf_str(&w.all), want);
	buf_reset(&w.all);
}

/* -- One roster -------------------------------------------------------------------------------- */

/* The roster `xml` as it is written; "" when that is refused. */
static void
assert_written(const char *xml, const char *want)
{
	struct buf iq = { .max = (size_t)1 << 20 }, out = { .max = (size_t)1 << 20 };
	struct roster_item item;
	xmpp_stanza_t *st, *query;

	buf_printf(&iq, "<iq>%s</iq>", xml);
	st = xmpp_stanza_new_from_string(w.ctx, buf_str(&iq));
	assert_non_null(st);
	if (roster_read(st, BOT, &item) == RES_OK) {
		query = roster_query(w.ctx, BOT, "Later", &item);
		assert_non_null(query);
		buf_printf(&out, "%s", item.from ? "seen " : "");
		write_tree(&out, query);
		xmpp_stanza_release(query);
	}
	assert_string_equal(buf_str(&out), want);
	xmpp_stanza_release(st);
	buf_free(&iq);
	buf_free(&out);
}

#define WRITTEN(item) "<query xmlns='jabber:iq:roster'>" item "</>"
#define FRESH WRITTEN("<item jid='" BOT "' name='Later' subscription='from'></>")

static void
test_an_item_that_is_not_there_gets_our_name(void **state)
{
	(void)state;
	assert_written(ROSTER(""), FRESH);
	assert_written("<query xmlns='jabber:iq:roster' ver='x'>text</query>", FRESH);
	assert_written(ROSTER("<item jid='romeo@example.net' subscription='both'/>"
	    "<item jid='later.example.org' subscription='both'/><item/><item jid=''/>"
	    "<item jid='@'/><item jid='" BOT "/x' subscription='both'/>"
	    "<item xmlns='other' jid='" BOT "' subscription='both'/>"
	    "<x><item jid='" BOT "' subscription='both'/></x>"), FRESH);
}

static void
test_name_and_groups_of_an_item_are_kept(void **state)
{
	(void)state;
	assert_written(ROSTER("<item jid='" BOT "' subscription='none'/>"),
	    WRITTEN("<item jid='" BOT "' subscription='from'></>"));
	assert_written(ROSTER("<item jid='BOT@Later.Example.org' "
	    "name='My &lt;bot&gt; &apos;x&apos;' subscription='to' ask='subscribe'><group>A &amp; B</group>text<group/><other/>"
	    "<group xmlns='other'>no</group><group>C<b/></group></item>"),
	    WRITTEN("<item jid='" BOT "' name='My <bot> 'x'' subscription='both'>"
	    "<group>[A & B]</><group>[C]</></>"));
}

static void
test_subscriptions_become_ours(void **state)
{
	(void)state;
	assert_written(ROSTER("<item jid='" BOT "' name='n'/>"),
	    WRITTEN("<item jid='" BOT "' name='n' subscription='from'></>"));
	assert_written(ROSTER("<item jid='" BOT "' subscription='from'/>"),
	    "seen " WRITTEN("<item jid='" BOT "' subscription='from'></>"));
	assert_written(ROSTER("<item jid='" BOT "' subscription='both'/>"),
	    "seen " WRITTEN("<item jid='" BOT "' subscription='both'></>"));
	/* The first counts. */
	assert_written(ROSTER("<item jid='" BOT "' subscription='to'/>"
	    "<item jid='" BOT "' subscription='both'/>"),
	    WRITTEN("<item jid='" BOT "' subscription='both'></>"));
}

static void
test_what_is_no_roster_is_refused(void **state)
{
	(void)state;
	assert_written("", "");
	assert_written("<query xmlns='other'/>", "");
	assert_written("<x>" ROSTER("") "</x>", "");
	assert_written(ROSTER("<item jid='" BOT "' subscription='remove'/>"), "");
	assert_written(ROSTER("<item jid='" BOT "' subscription='Both'/>"), "");
}

/* -- Subscribing ------------------------------------------------------------------------------- */

static void
test_a_roster_is_read_and_written(void **state)
{
	(void)state;
	assert_true(rosters_subscribe(rs, JULIET, "please"));
	assert_string_equal(buf_str(&w.out), "<iq from='later.example.org' id='request-1' to='"
	    JULIET "' type='get'><query xmlns='jabber:iq:roster'></></>");
	answer(1, JULIET, "result", ROSTER("<item jid='romeo@example.net'/>"));
	assert_string_equal(buf_str(&w.out),
	    SET("2", "<item jid='" BOT "' name='Later' subscription='from'></>"));
	assert_told(&w, "");
	answer(2, JULIET, "result", "");
	assert_told(&w, "granted:" JULIET " ");
	assert_asked(ASKED(JULIET) ASKED(JULIET));
	/* And that was all. */
	answer(2, JULIET, "result", "");
	commit();
	wire_passes(&w, 10 * ROSTERS_WAIT_MS);
	rosters_resume(rs);
	assert_told(&w, "");
	assert_asked("");
}

static void
test_who_is_seen_already_is_not_written(void **state)
{
	(void)state;
	rosters_subscribe(rs, JULIET, "please");
	answer(1, JULIET, "result", ROSTER("<item jid='" BOT "' subscription='both'/>"));
	assert_told(&w, "granted:" JULIET " ");
	assert_asked(ASKED(JULIET));
}

static void
test_without_the_grant_nothing_begins(void **state)
{
	(void)state;
	grant("example.com", "get");
	grant("example.net", "set");
	assert_false(rosters_subscribe(rs, "romeo@example.com", "x"));
	assert_false(rosters_subscribe(rs, "romeo@example.net", "x"));
	assert_false(rosters_subscribe(rs, "romeo@elsewhere.example", "x"));
	assert_false(rosters_subscribe(rs, "romeo@sub.example.org", "x"));
	assert_false(rosters_subscribe(rs, "example.org", "x"));
	w.verdict = RES_TEMPFAIL;
	assert_false(rosters_subscribe(rs, JULIET, "x"));
	w.verdict = RES_OK;
	privilege_revoke(privilege, "example.org", PRIVILEGE_ROSTER);
	assert_false(rosters_subscribe(rs, JULIET, "x"));
	assert_asked("");
	commit();
	rosters_resume(rs);
	assert_told(&w, "");
}

static void
test_whatever_fails_the_user_is_asked_once(void **state)
{
	static const struct {
		const char *type, *inside, *told;
	} failures[] = {
		{ "error", ERROR("auth", "forbidden"), "refused:example.org:forbidden " },
		{ "error", ERROR("wait", "internal-server-error"),
		    "refused:example.org:internal-server-error " },
		{ "error", "", "refused:example.org:undefined-condition " },
		{ "result", "", "" },
		{ "result", ROSTER("<item jid='" BOT "' subscription='odd'/>"), "" },
	};
	char want[200];
	size_t i, set;

	for (set = 0; set < 2; set++) {
		for (i = 0; i < (set == 1 ? 3 : 5); i++) {
			rosters_subscribe(rs, JULIET, "please");
			if (set == 1)
				answer(1, JULIET, "result", ROSTER(""));
			answer(1 + (unsigned)set, JULIET, failures[i].type, failures[i].inside);
			snprintf(want, sizeof(want), "%sask:" JULIET ":please ", failures[i].told);
			assert_told(&w, want);
			commit();
			wire_passes(&w, 10 * ROSTERS_WAIT_MS);
			rosters_resume(rs);
			commit();
			assert_told(&w, "");
			assert_int_equal(w.sent, 1 + set);
			end(state);
			begin(state);
		}
	}
}

static void
test_silence_ends_in_a_question_to_the_user(void **state)
{
	(void)state;
	rosters_subscribe(rs, JULIET, "please");
	commit();
	wire_passes(&w, ROSTERS_WAIT_MS - 1);
	assert_told(&w, "");
	wire_passes(&w, 1);
	assert_told(&w, "ask:" JULIET ":please ");
	commit();
	/* Late. */
	answer(1, JULIET, "result", ROSTER(""));
	assert_told(&w, "");
	rosters_subscribe(rs, JULIET, "please");
	answer(2, JULIET, "result", ROSTER(""));
	commit();
	wire_passes(&w, ROSTERS_WAIT_MS);
	assert_told(&w, "ask:" JULIET ":please ");
}

static void
test_a_write_that_cannot_be_asked_for_ends_in_a_question(void **state)
{
	(void)state;
	rosters_subscribe(rs, JULIET, "please");
	commit();
	w.verdict = RES_INVALID;
	wire_answer(&w, 1, JULIET, "result", ROSTER(""));
	assert_told(&w, "ask:" JULIET ":please ");
}

static void
test_only_the_users_server_answers(void **state)
{
	static const char *const others[] = { "example.org", JULIET "/x", "romeo@example.org" };
	size_t i;

	(void)state;
	rosters_subscribe(rs, JULIET, "please");
	for (i = 0; i < 3; i++) {
		answer(1, others[i], "result", ROSTER("<item jid='" BOT "' subscription='from'/>"));
		answer(1, others[i], "error", "");
	}
	assert_told(&w, "");
}

static void
test_a_user_is_under_way_once(void **state)
{
	(void)state;
	assert_true(rosters_subscribe(rs, JULIET, "please"));
	assert_true(rosters_subscribe(rs, JULIET, "pretty please"));
	answer(1, JULIET, "result", ROSTER(""));
	assert_true(rosters_subscribe(rs, JULIET, "again"));
	answer(2, JULIET, "error", "");
	assert_true(rosters_subscribe(rs, JULIET, "in the same turn"));
	assert_told(&w, "refused:example.org:undefined-condition ask:" JULIET ":please ");
	commit();
	assert_int_equal(w.sent, 2);
	assert_true(rosters_subscribe(rs, JULIET, "later"));
	assert_int_equal(w.sent, 3);
}

static void
test_so_many_at_once_and_no_more(void **state)
{
	char user[40];
	unsigned i;

	(void)state;
	for (i = 0; i < ROSTERS_MAX; i++) {
		snprintf(user, sizeof(user), "u%u@example.org", i);
		assert_true(rosters_subscribe(rs, user, "x"));
	}
	assert_false(rosters_subscribe(rs, JULIET, "x"));
	answer(1, "u0@example.org", "result", ROSTER("<item jid='" BOT "' subscription='from'/>"));
	assert_told(&w, "granted:u0@example.org ");
	assert_true(rosters_subscribe(rs, JULIET, "x"));
	assert_false(rosters_subscribe(rs, "nurse@example.org", "x"));
}

/* -- Turns and streams ------------------------------------------------------------------------- */

static void
test_what_began_in_a_failed_turn_has_not_begun(void **state)
{
	(void)state;
	rosters_subscribe(rs, JULIET, "please");
	fail_turn();
	wire_passes(&w, 0);
	commit();
	assert_told(&w, "");
	assert_true(rosters_subscribe(rs, JULIET, "please"));
	assert_int_equal(w.sent, 2);
}

static void
test_a_write_of_a_failed_turn_ends_in_a_question(void **state)
{
	(void)state;
	rosters_subscribe(rs, JULIET, "please");
	answer(1, JULIET, "result", ROSTER(""));
	fail_turn();
	wire_passes(&w, 0);
	assert_told(&w, "ask:" JULIET ":please ");
}

static void
test_a_question_of_a_failed_turn_is_put_again(void **state)
{
	(void)state;
	rosters_subscribe(rs, JULIET, "please");
	answer(1, JULIET, "error", ERROR("auth", "forbidden"));
	assert_told(&w, "refused:example.org:forbidden ask:" JULIET ":please ");
	fail_turn();
	assert_told(&w, "ask:" JULIET ":please ");
	fail_turn();
	commit();
	assert_told(&w, "");
}

static void
test_what_the_end_of_the_stream_interrupts_begins_again(void **state)
{
	(void)state;
	rosters_subscribe(rs, JULIET, "please");
	rosters_subscribe(rs, "nurse@example.org", "please");
	answer(1, JULIET, "result", ROSTER(""));
	commit();
	buf_reset(&w.all);
	stream_ends();
	/* Meanwhile it is still under way. */
	assert_true(rosters_subscribe(rs, JULIET, "x"));
	commit();
	assert_asked("");
	assert_told(&w, "");
	grant("example.org", "both");
	rosters_resume(rs);
	assert_asked(ASKED(JULIET) ASKED("nurse@example.org"));
	/* A turn that fails now does not undo what was wanted long ago. */
	fail_turn();
	wire_passes(&w, 0);
	assert_told(&w, "ask:" JULIET ":please ask:nurse@example.org:please ");
}

static void
test_where_the_next_stream_grants_nothing_the_user_is_asked(void **state)
{
	(void)state;
	rosters_subscribe(rs, JULIET, "please");
	commit();
	stream_ends();
	rosters_resume(rs);
	assert_told(&w, "ask:" JULIET ":please ");
	commit();
	rosters_resume(rs);
	assert_told(&w, "");
}

/* -- Giving it back ---------------------------------------------------------------------------- */

static void
test_what_is_given_back_ends_without_a_word(void **state)
{
	(void)state;
	rosters_subscribe(rs, JULIET, "please");
	commit();
	rosters_leave(rs, JULIET);
	answer(1, JULIET, "result", ROSTER(""));
	assert_told(&w, "");
	assert_asked(ASKED(JULIET));
	/* And may begin again at any time. */
	rosters_subscribe(rs, JULIET, "please");
	answer(2, JULIET, "result", ROSTER(""));
	rosters_leave(rs, JULIET);
	rosters_subscribe(rs, JULIET, "new");
	answer(3, JULIET, "result", "");
	assert_told(&w, "");
	answer(4, JULIET, "error", "");
	assert_told(&w, "refused:example.org:undefined-condition ask:" JULIET ":new ");
	rosters_leave(rs, JULIET);
	fail_turn();
	assert_told(&w, "");
	rosters_subscribe(rs, JULIET, "please");
	commit();
	stream_ends();
	rosters_leave(rs, JULIET);
	rosters_resume(rs);
	assert_told(&w, "");
}

static void
test_the_answer_to_giving_back_is_no_news_once(void **state)
{
	(void)state;
	assert_false(rosters_left(rs, JULIET));
	rosters_leave(rs, JULIET);
	rosters_leave(rs, JULIET);
	assert_false(rosters_left(rs, "romeo@example.org"));
	assert_true(rosters_left(rs, JULIET));
	assert_false(rosters_left(rs, JULIET));
	rosters_leave(rs, JULIET);
	rosters_subscribe(rs, JULIET, "please");
	assert_false(rosters_left(rs, JULIET));
	rosters_leave(rs, "romeo@elsewhere.example");
	assert_false(rosters_subscribe(rs, "romeo@elsewhere.example", "please"));
	assert_false(rosters_left(rs, "romeo@elsewhere.example"));
	rosters_leave(rs, JULIET);
	rosters_resume(rs);
	assert_false(rosters_left(rs, JULIET));
}

static void
test_what_a_failed_turn_gave_back_is_not_awaited(void **state)
{
	(void)state;
	rosters_leave(rs, "romeo@example.org");
	commit();
	rosters_leave(rs, JULIET);
	rosters_leave(rs, "nurse@example.org");
	fail_turn();
	assert_false(rosters_left(rs, JULIET));
	assert_false(rosters_left(rs, "nurse@example.org"));
	assert_true(rosters_left(rs, "romeo@example.org"));
	rosters_leave(rs, JULIET);
	commit();
	fail_turn();
	assert_true(rosters_left(rs, JULIET));
}

static void
test_the_latest_hundred_are_remembered(void **state)
{
	char user[40];
	unsigned i;

	(void)state;
	for (i = 0; i <= ROSTERS_LEFT; i++) {
		snprintf(user, sizeof(user), "u%u@example.org", i);
		rosters_leave(rs, user);
	}
	assert_false(rosters_left(rs, "u0@example.org"));
	assert_true(rosters_left(rs, "u1@example.org"));
	assert_true(rosters_left(rs, "u100@example.org"));
}

#define with_rosters(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_rosters(test_an_item_that_is_not_there_gets_our_name),
		with_rosters(test_name_and_groups_of_an_item_are_kept),
		with_rosters(test_subscriptions_become_ours),
		with_rosters(test_what_is_no_roster_is_refused),
		with_rosters(test_a_roster_is_read_and_written),
		with_rosters(test_who_is_seen_already_is_not_written),
		with_rosters(test_without_the_grant_nothing_begins),
		with_rosters(test_whatever_fails_the_user_is_asked_once),
		with_rosters(test_silence_ends_in_a_question_to_the_user),
		with_rosters(test_a_write_that_cannot_be_asked_for_ends_in_a_question),
		with_rosters(test_only_the_users_server_answers),
		with_rosters(test_a_user_is_under_way_once),
		with_rosters(test_so_many_at_once_and_no_more),
		with_rosters(test_what_began_in_a_failed_turn_has_not_begun),
		with_rosters(test_a_write_of_a_failed_turn_ends_in_a_question),
		with_rosters(test_a_question_of_a_failed_turn_is_put_again),
		with_rosters(test_what_the_end_of_the_stream_interrupts_begins_again),
		with_rosters(test_where_the_next_stream_grants_nothing_the_user_is_asked),
		with_rosters(test_what_is_given_back_ends_without_a_word),
		with_rosters(test_the_answer_to_giving_back_is_no_news_once),
		with_rosters(test_what_a_failed_turn_gave_back_is_not_awaited),
		with_rosters(test_the_latest_hundred_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
