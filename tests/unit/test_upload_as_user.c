/* Slots that are asked for in the name of the user (XEP-0356). */
#include "upload_script.h"

#define USER "juliet@example.org"
#define WRAP(n, type, inside) "<privilege xmlns='" NS_PRIVILEGE_2 "'>" \
	"<forwarded xmlns='urn:xmpp:forward:0'><iq xmlns='jabber:client' id='request-" n "' " \
	"type='" type "' from='" UPLOAD "' to='" USER "'>" inside "</iq></forwarded></privilege>"
#define AS_USER USER ":" NS_PRIVILEGE_2 " "
#define AS_WE UPLOAD ":" NS_UPLOAD " "

static void
grant_slots(const char *domain)
{
	xmpp_stanza_t *st = xmpp_stanza_new_from_string(w.ctx, "<message><privilege xmlns='"
	    NS_PRIVILEGE_2 "'><perm access='iq'><namespace ns='" NS_UPLOAD "' type='get'/></perm>"
	    "</privilege></message>");

	assert_true(privilege_learn(privilege, domain, st));
	xmpp_stanza_release(st);
}

/* As find_service, but the 4th question is in the name of the user. */
static void
find_service_as_user(void)
{
	grant_slots(DOMAIN);
	assert_int_equal(ask(1), RES_OK);
	assert_asked(ASKED_DOMAIN);
	answer(1, DOMAIN, "result", INFO(""));
	answer(2, DOMAIN, "result", ITEMS("<item jid='" UPLOAD "'/>"));
	assert_asked(UPLOAD ":" NS_DISCO_INFO " ");
	answer(3, UPLOAD, "result", INFO(FEATURE));
	assert_asked(AS_USER);
	requests_committed(w.requests);
}

static void
test_only_the_slot_is_asked_for_as_the_user(void **state)
{
	(void)state;
	find_service_as_user();
	assert_string_equal(buf_str(&w.out), "<iq from='later.example.org' id='request-4' to='" USER
	    "' type='get'><privileged_iq xmlns='" NS_PRIVILEGE_2 "'><iq id='request-4' to='" UPLOAD
	    "' type='get' xmlns='jabber:client'><request content-type='application/json' "
	    "filename='laterd.json' size='1000' xmlns='" NS_UPLOAD "'></></></></>");
	wire_answer(&w, 4, USER, "result",
	    WRAP("4", "result", SLOT("<header name='Authorization'>Bearer x</header>")));
	assert_told(&w, GOOD("|Authorization=Bearer x"));
	assert_asked("");
}

static void
test_another_domain_does_not_grant_it(void **state)
{
	(void)state;
	grant_slots("example.com");
	find_service("");
	wire_answer(&w, 4, UPLOAD, "result", SLOT(""));
	assert_told(&w, GOOD(""));
}

static void
test_a_refusal_is_reported_and_we_ask_ourselves(void **state)
{
	(void)state;
	find_service_as_user();
	wire_answer(&w, 4, USER, "error", ERROR("auth", CONDITION("forbidden")));
	assert_told(&w, "refused:" DOMAIN ":forbidden ");
	assert_asked(AS_WE);
	answer(5, UPLOAD, "result", SLOT(""));
	assert_told(&w, GOOD(""));
	/* From the start the next time, since that server may not. */
	assert_int_equal(ask(2), RES_OK);
	assert_asked(AS_WE);
}

static void
test_whatever_fails_we_ask_ourselves_once(void **state)
{
	static const struct {
		const char *type, *inside, *told;
	} failures[] = {
		{ "error", ERROR("cancel", CONDITION("internal-server-error")),
		    "refused:" DOMAIN ":internal-server-error " },
		{ "error", "", "refused:" DOMAIN ":undefined-condition " },
		{ "result", "", "" },
		{ "result", SLOT(""), "" },
		{ "result", WRAP("4", "error", ERROR("auth", CONDITION("forbidden"))), "" },
		{ "result", WRAP("4", "error", NOT_HERE), "" },
		{ "result", WRAP("4", "error", ""), "" },
	};
	size_t i;

	for (i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		find_service_as_user();
		wire_answer(&w, 4, USER, failures[i].type, failures[i].inside);
		assert_told(&w, failures[i].told);
		assert_asked(AS_WE);
		answer(5, UPLOAD, "error", ERROR("auth", CONDITION("forbidden")));
		assert_told(&w, "1:no:" UPLOAD " does not let this service upload files, which its "
		    "operator would have to allow (forbidden). ");
		assert_asked("");
		end(state);
		begin(state);
	}
	find_service_as_user();
	wire_passes(&w, UPLOAD_WAIT_MS);
	assert_told(&w, "");
	assert_asked(AS_WE);
	requests_committed(w.requests);
	wire_passes(&w, UPLOAD_WAIT_MS);
	assert_told(&w, "1:later:" UPLOAD " did not answer. Please try again later. ");
	assert_asked("");
}

/* Their quota is not to be evaded, and a file does not get smaller. */
static void
test_what_the_service_says_of_the_file_or_its_room_is_final(void **state)
{
	(void)state;
	find_service_as_user();
	wire_answer(&w, 4, USER, "result", WRAP("4", "error", ERROR("modify",
	    "<file-too-large xmlns='" NS_UPLOAD "'><max-file-size>500</max-file-size>"
	    "</file-too-large>")));
	assert_told(&w,
	    "1:no:The file has 1000 bytes, and " UPLOAD " takes no more than 500. ");
	assert_asked("");
	end(state);
	begin(state);
	find_service_as_user();
	wire_answer(&w, 4, USER, "result", WRAP("4", "error",
	    ERROR("wait", CONDITION("resource-constraint") TEXT("Daily quota reached"))));
	assert_told(&w, "1:later:" UPLOAD " gave no place for the file (Daily quota reached). ");
	assert_asked("");
}

static void
test_the_end_of_the_stream_or_turn_ends_it(void **state)
{
	(void)state;
	find_service_as_user();
	requests_reset(w.requests);
	upload_reset(u);
	assert_told(&w, "1:later:" UPLOAD " did not answer. Please try again later. ");
	assert_asked("");
	end(state);
	begin(state);
	find_service_as_user();
	assert_int_equal(ask(2), RES_OK);
	assert_asked(AS_USER);
	requests_failed(w.requests);
	wire_passes(&w, 0);
	assert_told(&w, "2:later:" UPLOAD " did not answer. Please try again later. ");
	assert_asked("");
	/* Where it is not known any more when the user may not, there is nobody to ask. */
	wire_answer(&w, 4, USER, "error", ERROR("auth", CONDITION("forbidden")));
	assert_told(&w, "refused:" DOMAIN ":forbidden 1:later:" UPLOAD
	    " did not answer. Please try again later. ");
}

static void
test_when_we_cannot_ask_ourselves_it_is_told(void **state)
{
	(void)state;
	find_service_as_user();
	w.verdict = RES_TEMPFAIL;
	wire_answer(&w, 4, USER, "result", "");
	assert_told(&w, "1:later:" UPLOAD " did not answer. Please try again later. ");
	assert_int_equal(timers_next(&w.timers), NEVER_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_wire(test_only_the_slot_is_asked_for_as_the_user),
		with_wire(test_another_domain_does_not_grant_it),
		with_wire(test_a_refusal_is_reported_and_we_ask_ourselves),
		with_wire(test_whatever_fails_we_ask_ourselves_once),
		with_wire(test_what_the_service_says_of_the_file_or_its_room_is_final),
		with_wire(test_the_end_of_the_stream_or_turn_ends_it),
		with_wire(test_when_we_cannot_ask_ourselves_it_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
