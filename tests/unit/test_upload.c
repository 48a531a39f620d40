#include "upload_script.h"

/* -- Finding the service ----------------------------------------------------------------------- */

static void
test_a_service_among_the_items_gives_a_slot(void **state)
{
	(void)state;
	assert_int_equal(ask(1), RES_OK);
	assert_asked(ASKED_DOMAIN);
	answer(2, DOMAIN, "result", ITEMS("<item jid='rooms.example.org' name='Rooms'/>"
	    "<item jid='" UPLOAD "'/><item jid='later.example.org'/>"
	    "<item jid='example.org' node='x'/><item jid='pubsub.example.org' node='news'/>"
	    "<item jid='@@'/><item/><item jid='example.org'/>"));
	assert_asked("rooms.example.org:" NS_DISCO_INFO " " UPLOAD ":" NS_DISCO_INFO " ");
	answer(3, "rooms.example.org", "result", INFO("<feature var='urn:xmpp:http:upload'/>"));
	answer(4, UPLOAD, "result", INFO(FEATURE LIMIT("5242880")));
	assert_string_equal(buf_str(&w.out), "<iq from='" BOT "' id='request-5' to='" UPLOAD
	    "' type='get'><request content-type='application/json' filename='laterd.json' "
	    "size='1000' xmlns='" NS_UPLOAD "'></></>");
	assert_told(&w, "");
	answer(5, UPLOAD, "result", SLOT("<header name='Authorization'>Bearer abc.def</header>"));
	assert_told(&w, "1:ok: [" PUT " " GET "|Authorization=Bearer abc.def] ");
	/* And what the server itself says later is of no interest any more. */
	answer(1, DOMAIN, "result", INFO(FEATURE));
	assert_told(&w, "");
}

static void
test_the_server_itself_may_be_the_service(void **state)
{
	(void)state;
	ask(1);
	answer(1, DOMAIN, "result", INFO(FEATURE));
	assert_asked(ASKED_DOMAIN DOMAIN ":" NS_UPLOAD " ");
	/* Its items need not be asked then. */
	answer(2, DOMAIN, "result", ITEMS("<item jid='" UPLOAD "'/>"));
	assert_asked("");
	answer(3, DOMAIN, "result", SLOT(""));
	assert_told(&w, "1:ok: [" PUT " " GET "] ");
}

static void
test_the_service_is_remembered_for_an_hour(void **state)
{
	(void)state;
	find_service("");
	wire_answer(&w, 4, UPLOAD, "result", SLOT(""));
	wire_passes(&w, HOUR_MS - 1);
	assert_int_equal(ask(2), RES_OK);
	assert_asked(UPLOAD ":" NS_UPLOAD " ");
	answer(5, UPLOAD, "result", SLOT(""));
	wire_passes(&w, 1);
	assert_int_equal(ask(3), RES_OK);
	assert_asked(ASKED_DOMAIN);
}

static void
test_those_who_ask_meanwhile_wait_for_the_same_search(void **state)
{
	(void)state;
	ask(1);
	ask(2);
	assert_asked(ASKED_DOMAIN);
	answer(1, DOMAIN, "result", INFO(FEATURE));
	ask(3);
	assert_asked(DOMAIN ":" NS_UPLOAD " " DOMAIN ":" NS_UPLOAD " " DOMAIN ":" NS_UPLOAD " ");
	answer(4, DOMAIN, "result", SLOT(""));
	answer(3, DOMAIN, "result", SLOT(""));
	answer(5, DOMAIN, "result", SLOT(""));
	assert_told(&w, "2:ok: [" PUT " " GET "] 1:ok: [" PUT " " GET "] 3:ok: [" PUT " " GET "] ");
}

static void
test_without_a_service_the_reason_is_told(void **state)
{
	static const char none[] = DOMAIN " has no service for uploading files.";
	char want[200];

	(void)state;
	ask(1);
	answer(1, DOMAIN, "error", NOT_HERE);
	assert_told(&w, "");
	answer(2, DOMAIN, "result", ITEMS(""));
	snprintf(want, sizeof(want), "1:no:%s ", none);
	assert_told(&w, want);
	ask(2);
	answer(4, DOMAIN, "error", NOT_HERE);
	answer(3, DOMAIN, "error", NOT_HERE);
	snprintf(want, sizeof(want), "2:no:%s ", none);
	assert_told(&w, want);
	/* It may be there the next time. */
	buf_reset(&w.all);
	ask(3);
	ask(4);
	assert_asked(ASKED_DOMAIN);
	answer(6, DOMAIN, "result", ITEMS("<item jid='" UPLOAD "'/>"));
	answer(5, DOMAIN, "result", INFO(""));
	assert_told(&w, "");
	answer(7, UPLOAD, "error", NOT_HERE);
	snprintf(want, sizeof(want), "3:no:%s 4:no:%s ", none, none);
	assert_told(&w, want);
}

static void
test_silence_is_no_absence(void **state)
{
	static const char want[] = "1:later:The upload service of " DOMAIN
	    " did not answer. Please try again later. ";
	unsigned n;

	(void)state;
	ask(1);
	answer(1, DOMAIN, "result", INFO(""));
	wire_passes(&w, UPLOAD_WAIT_MS - 1);
	assert_told(&w, "");
	wire_passes(&w, 1);
	assert_told(&w, want);
	/* Nor is the error of a service that is away for a moment. */
	ask(1);
	answer(3, DOMAIN, "result", INFO(""));
	answer(4, DOMAIN, "result", ITEMS("<item jid='" UPLOAD "'/>"));
	answer(5, UPLOAD, "error", ERROR("wait", CONDITION("remote-server-timeout")));
	assert_told(&w, want);
	/* Who answers the next time counts for that time. */
	ask(2);
	answer(6, DOMAIN, "result", INFO(""));
	answer(7, DOMAIN, "result", ITEMS(""));
	assert_told(&w, "2:no:" DOMAIN " has no service for uploading files. ");
	/* Nor is a stream that ended. */
	ask(1);
	requests_committed(w.requests);
	requests_reset(w.requests);
	upload_reset(u);
	assert_told(&w, want);
	/* But what was found goes on without the silent. */
	n = w.sent;
	ask(1);
	answer(n + 2, DOMAIN, "result",
	    ITEMS("<item jid='dead.example.org'/><item jid='" UPLOAD "'/>"));
	answer(n + 4, UPLOAD, "result", INFO(FEATURE));
	answer(n + 5, UPLOAD, "result", SLOT(""));
	assert_told(&w, "1:ok: [" PUT " " GET "] ");
	wire_passes(&w, 10 * UPLOAD_WAIT_MS);
	assert_told(&w, "");
}

static void
test_only_what_was_asked_answers(void **state)
{
	(void)state;
	ask(1);
	answer(1, "evil.example", "result", INFO(FEATURE));
	answer(2, "evil.example", "result", ITEMS("<item jid='evil.example'/>"));
	answer(2, "juliet@example.org/x", "result", ITEMS("<item jid='evil.example'/>"));
	answer(1, "example.org/x", "result", INFO(FEATURE));
	assert_asked(ASKED_DOMAIN);
	answer(1, DOMAIN, "result", INFO(FEATURE));
	answer(3, "evil.example", "result", SLOT(""));
	assert_told(&w, "");
	answer(3, DOMAIN, "result", SLOT(""));
	assert_told(&w, "1:ok: [" PUT " " GET "] ");
}

static void
test_at_most_twenty_items_are_asked(void **state)
{
	struct buf xml = { 0 };
	int i;

	(void)state;
	ask(1);
	buf_text(&xml, "<query xmlns='" NS_DISCO_ITEMS "'>");
	for (i = 0; i < 2500; i++)
		buf_printf(&xml, "<item jid='i%d.example.org'/>", i);
	buf_text(&xml, "</query>");
	answer(1, DOMAIN, "result", INFO(""));
	answer(2, DOMAIN, "result", buf_str(&xml));
	buf_free(&xml);
	assert_int_equal(w.sent, 2 + UPLOAD_ITEMS_MAX);
	answer(2, DOMAIN, "result", ITEMS("<item jid='more.example.org'/>"));
	assert_int_equal(w.sent, 2 + UPLOAD_ITEMS_MAX);
	requests_committed(w.requests);
	wire_passes(&w, UPLOAD_WAIT_MS);
	assert_told(&w, "1:later:The upload service of " DOMAIN
	    " did not answer. Please try again later. ");
}

static void
test_what_is_no_answer_to_discovery_finds_nothing(void **state)
{
	static const char *const infos[] = {
		"", "<query xmlns='other'>" FEATURE "</query>", FEATURE,
		INFO("<feature xmlns='other' var='" NS_UPLOAD "'/>"),
		INFO("<identity category='store' type='file' var='" NS_UPLOAD "'/>"),
		INFO("<x>" FEATURE "</x>"), INFO("<feature>" NS_UPLOAD "</feature>"),
		INFO("<feature var='urn:xmpp:http:upload:1'/>"), ITEMS(FEATURE),
	};
	static const char *const items[] = {
		"", INFO("<item jid='" UPLOAD "'/>"), "<item jid='" UPLOAD "'/>",
		ITEMS("<item xmlns='other' jid='" UPLOAD "'/>"),
		ITEMS("<x><item jid='" UPLOAD "'/></x>"),
		ITEMS("<item name='" UPLOAD "'/>"), ITEMS("<item jid='" UPLOAD "' node='n'/>"),
		ITEMS("<item jid=' '/>"), ITEMS("<item jid='a@b@c'/>"), ITEMS("text"),
	};
	unsigned n = 0;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(infos) / sizeof(infos[0]) + sizeof(items) / sizeof(items[0]); i++) {
		bool info = i < sizeof(infos) / sizeof(infos[0]);

		assert_int_equal(ask(1), RES_OK);
		answer(++n, DOMAIN, "result", info ? infos[i] : "");
		answer(++n, DOMAIN, "result",
		    info ? ITEMS("") : items[i - sizeof(infos) / sizeof(infos[0])]);
		assert_int_equal(w.sent, n);
		assert_told(&w, "1:no:" DOMAIN " has no service for uploading files. ");
	}
}

static void
test_a_service_that_does_not_answer_is_told_and_looked_for_again(void **state)
{
	(void)state;
	find_service("");
	wire_passes(&w, UPLOAD_WAIT_MS);
	assert_told(&w, "1:later:" UPLOAD " did not answer. Please try again later. ");
	ask(2);
	assert_asked(ASKED_DOMAIN);
	/* Late. */
	answer(4, UPLOAD, "result", SLOT(""));
	assert_told(&w, "");
}

static void
test_what_is_too_large_is_not_even_asked_for(void **state)
{
	(void)state;
	find_service(LIMIT("1000"));
	wire_answer(&w, 4, UPLOAD, "result", SLOT(""));
	buf_reset(&w.told);
	assert_int_equal(ask_sized(2, 1001), RES_OK);
	assert_int_equal(ask_sized(3, (size_t)-1), RES_OK);
	assert_asked("");
	/* Not within the call. */
	assert_told(&w, "");
	assert_int_equal(timers_next(&w.timers), w.now);
	wire_passes(&w, 0);
	assert_told(&w, "2:no:The file has 1001 bytes, and " UPLOAD " takes no more than 1000. "
	    "3:no:The file has 18446744073709551615 bytes, and " UPLOAD
	    " takes no more than 1000. ");
	assert_int_equal(ask_sized(4, 1000), RES_OK);
	assert_asked(UPLOAD ":" NS_UPLOAD " ");
	/* Also at the end of the search. */
	upload_reset(u);
	assert_int_equal(ask_sized(5, 1001), RES_OK);
	answer(6, DOMAIN, "result", INFO(FEATURE LIMIT("10")));
	assert_told(&w, "");
	wire_passes(&w, 0);
	assert_told(
	    &w, "5:no:The file has 1001 bytes, and " DOMAIN " takes no more than 10. ");
}

/* -- Bounds and ends --------------------------------------------------------------------------- */

static void
test_what_cannot_be_asked_is_refused_at_once(void **state)
{
	struct slot_request rq = { .user = "juliet@example.org", .name = "a", .type = "b/c",
		.size = 1, .ticket = 1 };
	char name[UPLOAD_NAME_MAX + 2];

	(void)state;
	rq.size = 0;
	assert_int_equal(upload_ask(u, DOMAIN, &rq), RES_INVALID);
	rq.size = 1;
	rq.name = "";
	assert_int_equal(upload_ask(u, DOMAIN, &rq), RES_INVALID);
	rq.name = "a\x01";
	assert_int_equal(upload_ask(u, DOMAIN, &rq), RES_INVALID);
	memset(name, 'x', sizeof(name));
	name[UPLOAD_NAME_MAX + 1] = '\0';
	rq.name = name;
	assert_int_equal(upload_ask(u, DOMAIN, &rq), RES_INVALID);
	rq.type = "";
	rq.name = "a";
	assert_int_equal(upload_ask(u, DOMAIN, &rq), RES_INVALID);
	rq.type = "b/c";
	w.verdict = RES_TEMPFAIL;
	assert_int_equal(upload_ask(u, DOMAIN, &rq), RES_TEMPFAIL);
	w.verdict = RES_NOMEM;
	assert_int_equal(upload_ask(u, DOMAIN, &rq), RES_TEMPFAIL);
	assert_int_equal(timers_next(&w.timers), NEVER_MS);
	w.verdict = RES_OK;
	name[UPLOAD_NAME_MAX] = '\0';
	rq.name = name;
	assert_int_equal(upload_ask(u, DOMAIN, &rq), RES_OK);
	requests_reset(w.requests);
	assert_non_null(strstr(buf_str(&w.told), "1:later:"));
}

static void
test_a_slot_that_cannot_be_asked_for_after_the_search_is_told(void **state)
{
	(void)state;
	ask(1);
	requests_committed(w.requests);
	w.verdict = RES_TEMPFAIL;
	wire_answer(&w, 1, DOMAIN, "result", INFO(FEATURE));
	assert_told(&w,
	    "1:later:The upload service cannot be asked now. Please try again later. ");
	assert_int_equal(ask(2), RES_TEMPFAIL);
}

static void
test_a_hundred_slots_at_once(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < UPLOAD_JOBS_MAX; i++)
		assert_int_equal(ask(i), RES_OK);
	assert_int_equal(ask(i), RES_TEMPFAIL);
	assert_asked(ASKED_DOMAIN);
	answer(1, DOMAIN, "result", INFO(FEATURE));
	assert_int_equal(ask(i), RES_TEMPFAIL);
	answer(50, DOMAIN, "result", SLOT(""));
	assert_int_equal(ask(i), RES_OK);
	assert_int_equal(ask(i), RES_TEMPFAIL);
}

static void
test_domains_have_their_own_services(void **state)
{
	struct slot_request rq = { .user = "a@example.com", .name = "a", .type = "b/c", .size = 1,
		.ticket = 2 };

	(void)state;
	ask(1);
	assert_int_equal(upload_ask(u, "example.com", &rq), RES_OK);
	assert_asked(ASKED_DOMAIN "example.com:" NS_DISCO_INFO " example.com:" NS_DISCO_ITEMS " ");
	answer(1, DOMAIN, "result", INFO(FEATURE));
	answer(3, "example.com", "error", NOT_HERE);
	answer(4, "example.com", "error", NOT_HERE);
	assert_told(&w, "2:no:example.com has no service for uploading files. ");
	answer(5, DOMAIN, "result", SLOT(""));
	assert_told(&w, GOOD(""));
}

static void
test_the_end_of_the_stream_is_told_to_all(void **state)
{
	(void)state;
	find_service("");
	ask(2);
	requests_committed(w.requests);
	ask_at_end = true;
	requests_reset(w.requests);
	upload_reset(u);
	assert_told(&w, "1:later:" UPLOAD " did not answer. Please try again later. (refused) "
	    "2:later:" UPLOAD " did not answer. Please try again later. ");
	buf_reset(&w.all);
	ask(3);
	assert_asked(ASKED_DOMAIN);
}

static void
test_whoever_is_told_may_ask_again(void **state)
{
	(void)state;
	ask(1);
	ask(2);
	answer(1, DOMAIN, "result", INFO(""));
	ask_at_end = true;
	buf_reset(&w.all);
	answer(2, DOMAIN, "result", ITEMS(""));
	assert_told(&w, "1:no:" DOMAIN " has no service for uploading files. (asked) 2:no:" DOMAIN
	    " has no service for uploading files. ");
	assert_asked(ASKED_DOMAIN);
	answer(3, DOMAIN, "result", INFO(FEATURE));
	ask_at_end = true;
	answer(5, DOMAIN, "error", ERROR("cancel", CONDITION("gone")));
	assert_told(&w, "99:no:" DOMAIN " gave no place for the file (gone). (asked) ");
}

static void
test_what_is_left_at_the_end_is_freed(void **state)
{
	(void)state;
	find_service(LIMIT("1000"));
	ask_sized(2, 1001);
	ask_sized(3, 900);
	upload_reset(u);
	ask(4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_wire(test_a_service_among_the_items_gives_a_slot),
		with_wire(test_the_server_itself_may_be_the_service),
		with_wire(test_the_service_is_remembered_for_an_hour),
		with_wire(test_those_who_ask_meanwhile_wait_for_the_same_search),
		with_wire(test_without_a_service_the_reason_is_told),
		with_wire(test_silence_is_no_absence),
		with_wire(test_only_what_was_asked_answers),
		with_wire(test_at_most_twenty_items_are_asked),
		with_wire(test_what_is_no_answer_to_discovery_finds_nothing),
		with_wire(test_a_service_that_does_not_answer_is_told_and_looked_for_again),
		with_wire(test_what_is_too_large_is_not_even_asked_for),
		with_wire(test_what_cannot_be_asked_is_refused_at_once),
		with_wire(test_a_slot_that_cannot_be_asked_for_after_the_search_is_told),
		with_wire(test_a_hundred_slots_at_once),
		with_wire(test_domains_have_their_own_services),
		with_wire(test_the_end_of_the_stream_is_told_to_all),
		with_wire(test_whoever_is_told_may_ask_again),
		with_wire(test_what_is_left_at_the_end_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
