#include "requests_wire.h"
#include "xmpp/client_time.h"

#define JULIET "juliet@example.org/balcony"
#define TZO(text) \
	"<time xmlns='urn:xmpp:time'><tzo>" text "</tzo><utc>2026-11-22T10:00:00Z</utc></time>"

static struct wire w;
static struct client_time *ct;
static const char *ask_at_end; /* this one's clock, when the next is told */

static void
on_told(void *arg, const char *jid)
{
	int32_t offset = 0;
	enum res res;

	assert_ptr_equal(arg, &w);
	buf_printf(&w.told, "%s ", jid);
	if (ask_at_end == NULL)
		return;
	res = client_time_offset(ct, ask_at_end, &offset);
	buf_printf(&w.told, "(%d %d) ", (int)res, (int)offset);
}

static int
begin(void **state)
{
	struct client_time_env env = { .from = BOT, .told = on_told, .arg = &w };

	(void)state;
	wire_begin(&w);
	ask_at_end = NULL;
	env.ctx = w.ctx;
	env.clock = &w.clock;
	env.requests = w.requests;
	ct = client_time_new(&env);
	assert_non_null(ct);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	wire_end(&w);
	client_time_free(&ct);
	assert_null(ct);
	return 0;
}

#define assert_offset(jid, want_res, want) assert_offset_(jid, want_res, want, __LINE__)

static void
assert_offset_(const char *jid, enum res want_res, int32_t want, int line)
{
	int32_t offset = -1;
	enum res res = client_time_offset(ct, jid, &offset);

	if (res != want_res || (res == RES_OK && offset != want))
		fail_msg("line %d: %s: result %d, offset %d", line, jid, (int)res, (int)offset);
}

static void
answer(unsigned n, const char *inside)
{
	requests_committed(w.requests);
	wire_answer(&w, n, JULIET, "result", inside);
}

static void
test_a_client_is_asked_once_and_believed_for_an_hour(void **state)
{
	(void)state;
	assert_offset(JULIET, RES_UNCERTAIN, 0);
	assert_string_equal(buf_str(&w.out), "<iq from='" BOT "' id='request-1' to='" JULIET
	    "' type='get'><time xmlns='urn:xmpp:time'></></>");
	assert_offset(JULIET, RES_UNCERTAIN, 0);
	assert_int_equal(w.sent, 1);
	assert_told(&w, "");
	answer(1, TZO("+01:00"));
	assert_told(&w, JULIET " ");
	assert_offset(JULIET, RES_OK, 3600);
	wire_passes(&w, HOUR_MS - 1);
	assert_offset(JULIET, RES_OK, 3600);
	assert_int_equal(w.sent, 1);
	wire_passes(&w, 1);
	assert_offset(JULIET, RES_UNCERTAIN, 0);
	answer(2, TZO("+02:00"));
	assert_offset(JULIET, RES_OK, 7200);
}

static void
test_offsets_are_read_strictly(void **state)
{
	static const struct {
		const char *tzo;
		int32_t offset;
	} good[] = {
		{ "Z", 0 }, { "+00:00", 0 }, { "-00:00", 0 }, { "+01:00", 3600 },
		{ "-03:30", -12600 }, { "+05:45", 20700 }, { "+14:00", 50400 },
		{ "-14:00", -50400 }, { "+13:59", 50340 }, { "-00:01", -60 },
	};
	static const char *const bad[] = { "", " ", "z ", " Z", "+1:00", "+01", "+0100", "01:00",
		"+01:0", "+01:000", "+01:60", "+14:01", "-14:01", "+15:00", "+99:99", "+99:00",
		"++1:00", "+-1:00", "+0a:00", "+01:0x", "+01;00", "\342\210\22201:00", "UTC",
		"GMT", "CET", "Europe/Berlin", "Israel", "Mexico", "+01:00 ", " +01:00", "+01:00\n",
		"+01:00+01:00", "2026-11-22T10:00:00Z", "+01:00:00", "3600", "+", "-", ":",
		"&#x2b;1:00", "+\xd9\xa0\xd9\xa1:00" };
	char inside[200];
	unsigned n = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		client_time_reset(ct);
		assert_offset(JULIET, RES_UNCERTAIN, 0);
		snprintf(inside, sizeof(inside), TZO("%s"), good[i].tzo);
		answer(++n, inside);
		assert_offset(JULIET, RES_OK, good[i].offset);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		client_time_reset(ct);
		assert_offset(JULIET, RES_UNCERTAIN, 0);
		snprintf(inside, sizeof(inside), TZO("%s"), bad[i]);
		answer(++n, inside);
		assert_offset(JULIET, RES_NOTFOUND, 0);
	}
}

static void
test_what_is_no_time_says_nothing(void **state)
{
	static const char *const inside[] = {
		"", "text", "<time xmlns='urn:xmpp:time'/>",
		"<time xmlns='jabber:iq:time'><tzo>+01:00</tzo></time>",
		"<time><tzo>+01:00</tzo></time>",
		"<time xmlns='urn:xmpp:time'><tzo xmlns='other'>+01:00</tzo></time>",
		"<time xmlns='urn:xmpp:time'><x><tzo>+01:00</tzo></x></time>",
		"<x><time xmlns='urn:xmpp:time'><tzo>+01:00</tzo></time></x>",
		"<time xmlns='urn:xmpp:time'><tzo><b>+01:00</b></tzo></time>",
		"<time xmlns='urn:xmpp:time'><TZO>+01:00</TZO></time>",
		"<time xmlns='urn:xmpp:time' tzo='+01:00'><utc>2026-11-22T10:00:00Z</utc></time>",
	};
	char *huge = malloc(100001);
	struct buf long_one = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(inside) / sizeof(inside[0]); i++) {
		client_time_reset(ct);
		assert_offset(JULIET, RES_UNCERTAIN, 0);
		answer((unsigned)i + 1, inside[i]);
		assert_told(&w, JULIET " ");
		assert_offset(JULIET, RES_NOTFOUND, 0);
	}
	client_time_reset(ct);
	assert_offset(JULIET, RES_UNCERTAIN, 0);
	assert_non_null(huge);
	memset(huge, '1', 100000);
	huge[100000] = '\0';
	buf_printf(&long_one, TZO("+%s"), huge);
	answer((unsigned)i + 1, buf_str(&long_one));
	assert_offset(JULIET, RES_NOTFOUND, 0);
	buf_free(&long_one);
	free(huge);
}

static void
test_an_error_or_silence_is_remembered_for_ten_minutes(void **state)
{
	(void)state;
	assert_offset(JULIET, RES_UNCERTAIN, 0);
	requests_committed(w.requests);
	/* Not even an error that has the answer in it. */
	wire_answer(&w, 1, JULIET, "error", TZO("+01:00")
	    "<error type='cancel'><service-unavailable xmlns='" ERRORS "'/></error>");
	assert_told(&w, JULIET " ");
	assert_offset(JULIET, RES_NOTFOUND, 0);
	wire_passes(&w, 10 * MINUTE_MS - 1);
	assert_offset(JULIET, RES_NOTFOUND, 0);
	assert_int_equal(w.sent, 1);
	wire_passes(&w, 1);
	assert_offset(JULIET, RES_UNCERTAIN, 0);
	requests_committed(w.requests);
	wire_passes(&w, 1499);
	assert_told(&w, "");
	wire_passes(&w, 1);
	assert_told(&w, JULIET " ");
	assert_offset(JULIET, RES_NOTFOUND, 0);
	/* Too late. */
	wire_answer(&w, 2, JULIET, "result", TZO("+01:00"));
	assert_told(&w, "");
	assert_offset(JULIET, RES_NOTFOUND, 0);
	wire_passes(&w, 10 * MINUTE_MS);
	assert_offset(JULIET, RES_UNCERTAIN, 0);
}

static void
test_only_clients_are_asked(void **state)
{
	static const char *const none[] = { "juliet@example.org", "example.org", "", "@",
		"juliet@/x", "juliet@example.org/", NULL };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_offset(none[i], RES_NOTFOUND, 0);
	assert_int_equal(w.sent, 0);
	/* Whatever way it is written, it is one client. */
	assert_offset("JULIET@Example.ORG/balcony", RES_UNCERTAIN, 0);
	assert_offset(JULIET, RES_UNCERTAIN, 0);
	assert_int_equal(w.sent, 1);
	assert_offset("juliet@example.org/Balcony", RES_UNCERTAIN, 0);
	assert_int_equal(w.sent, 2);
}

static void
test_another_client_cannot_answer(void **state)
{
	(void)state;
	assert_offset(JULIET, RES_UNCERTAIN, 0);
	requests_committed(w.requests);
	wire_answer(&w, 1, "juliet@example.org/orchard", "result", TZO("+05:00"));
	wire_answer(&w, 1, "juliet@example.org", "result", TZO("+05:00"));
	assert_told(&w, "");
	assert_offset(JULIET, RES_UNCERTAIN, 0);
	answer(1, TZO("+01:00"));
	assert_offset(JULIET, RES_OK, 3600);
}

static void
test_what_could_not_leave_is_not_remembered(void **state)
{
	(void)state;
	w.verdict = RES_TEMPFAIL;
	assert_offset(JULIET, RES_NOTFOUND, 0);
	w.verdict = RES_OK;
	assert_offset(JULIET, RES_UNCERTAIN, 0);
	requests_failed(w.requests);
	assert_told(&w, "");
	ask_at_end = JULIET;
	wire_passes(&w, 0);
	assert_told(&w, JULIET " (7 0) ");
	ask_at_end = NULL;
	answer(3, TZO("-05:00"));
	assert_told(&w, JULIET " ");
	assert_offset(JULIET, RES_OK, -18000);
}

static void
test_the_end_of_the_stream_forgets_all(void **state)
{
	(void)state;
	assert_offset(JULIET, RES_UNCERTAIN, 0);
	answer(1, TZO("+01:00"));
	assert_told(&w, JULIET " ");
	assert_offset("romeo@example.net/x", RES_UNCERTAIN, 0);
	ask_at_end = "nurse@example.org/y";
	requests_reset(w.requests);
	client_time_reset(ct);
	/* Who was being asked is told, and nobody can be asked. */
	assert_told(&w, "romeo@example.net/x (1 0) ");
	ask_at_end = NULL;
	assert_offset(JULIET, RES_UNCERTAIN, 0);
	assert_offset("romeo@example.net/x", RES_UNCERTAIN, 0);
	assert_int_equal(w.sent, 4);
}

static void
test_whoever_is_told_has_the_answer(void **state)
{
	(void)state;
	ask_at_end = JULIET;
	assert_offset(JULIET, RES_UNCERTAIN, 0);
	answer(1, TZO("-09:30"));
	assert_told(&w, JULIET " (0 -34200) ");
}

static void
test_the_oldest_of_five_thousand_gives_way(void **state)
{
	char jid[64];
	unsigned i;

	(void)state;
	for (i = 1; i <= CLIENT_TIME_MAX + 1; i++) {
		snprintf(jid, sizeof(jid), "juliet@example.org/%u", i);
		assert_offset(jid, RES_UNCERTAIN, 0);
		requests_committed(w.requests);
		wire_answer(&w, i, jid, "result", TZO("+01:00"));
		assert_offset(jid, RES_OK, 3600);
	}
	assert_int_equal(w.sent, CLIENT_TIME_MAX + 1);
	assert_offset("juliet@example.org/2", RES_OK, 3600);
	assert_offset("juliet@example.org/1", RES_UNCERTAIN, 0);
	assert_int_equal(w.sent, CLIENT_TIME_MAX + 2);
	assert_offset("juliet@example.org/2", RES_OK, 3600);
}

static void
test_when_too_many_are_asked_the_next_is_not(void **state)
{
	char jid[64];
	unsigned i;

	(void)state;
	for (i = 0; i < REQUESTS_MAX; i++) {
		snprintf(jid, sizeof(jid), "juliet@example.org/%u", i);
		assert_offset(jid, RES_UNCERTAIN, 0);
	}
	assert_offset(JULIET, RES_NOTFOUND, 0);
	requests_committed(w.requests);
	wire_passes(&w, 1500);
	assert_offset(JULIET, RES_UNCERTAIN, 0);
}

#define with_wire(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_wire(test_a_client_is_asked_once_and_believed_for_an_hour),
		with_wire(test_offsets_are_read_strictly),
		with_wire(test_what_is_no_time_says_nothing),
		with_wire(test_an_error_or_silence_is_remembered_for_ten_minutes),
		with_wire(test_only_clients_are_asked),
		with_wire(test_another_client_cannot_answer),
		with_wire(test_what_could_not_leave_is_not_remembered),
		with_wire(test_the_end_of_the_stream_forgets_all),
		with_wire(test_whoever_is_told_has_the_answer),
		with_wire(test_the_oldest_of_five_thousand_gives_way),
		with_wire(test_when_too_many_are_asked_the_next_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
