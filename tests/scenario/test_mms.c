/* MMS: media are fetched while the form is filled in, and leave with the message. */
#include "core/mms.h"
#include "daemon/secret.h"
#include "gateway/gateways.h"
#include "phones.h"
#include "world.h"

#define LINK  "https://upload.example.org/a.png"
#define LINK2 "https://upload.example.org/b.gif"
#define PNG   "\x89PNG\r\n\x1a\n-picture"
#define GIF   "GIF89a-picture"
#define ACCEPTED \
	"<?xml version='1.0'?><env:Envelope xmlns:env='http://schemas.xmlsoap.org/soap/envelope/'><env:Header>" \
	"<mm7:TransactionID xmlns:mm7='urn:x'>t</mm7:TransactionID></env:Header><env:Body><mm7:SubmitRsp xmlns:mm7='urn:x'>" \
	"<mm7:MM7Version>6.8.0</mm7:MM7Version><mm7:Status><mm7:StatusCode>1000</mm7:StatusCode></mm7:Status>" \
	"<mm7:MessageID>mms-1</mm7:MessageID></mm7:SubmitRsp></env:Body></env:Envelope>"

static void
begin(struct world *w)
{
	w->config.http.public_url = "http://127.0.0.1:5580";
	world_gateway(w, .info.name = "mmsc", .driver = "mm7", .info.kinds = { [KIND_MMS] = true }, .info.media_max = 100000);
	world_phone(w, "http://mmsc", .status = 200, .type = "text/xml", .body = SPAN(ACCEPTED));
	world_phone(w, LINK, .status = 200, .type = "image/png", .body = SPAN(PNG));
	world_phone(w, LINK2, .status = 200, .type = "image/gif", .body = SPAN(GIF));
	world_start(w);
	world_online(w, JULIET);
}

static struct ask
mms(const char *media, const char *body)
{
	return (struct ask){
		.node = "mms", .action = "next",
		.fields = { "to", PHONE, "when", "in 5 minutes", "subject", "Hello", "body", body, "media", media },
	};
}

/* The answer that comes when the media have come. */
static struct answer
ask_later(struct world *w, struct ask ask)
{
	world_send(w, "%s", world_ask_xml(w, &ask));
	world_settle(w);
	return world_answer(w, ask.id);
}

static const struct requested *
submitted(struct world *w)
{
	for (size_t i = 0; i < w->phones.n; i++)
		if (strncmp(w->phones.v[i].url, "http://mmsc", 11) == 0)
			return &w->phones.v[i];
	fail_msg("nothing was submitted");
	return NULL;
}

static void
test_media_leave_with_the_message(void **state)
{
	struct world *w = *state;
	struct ask ask = mms(LINK "\n" LINK2, "Look!");
	struct answer a;

	begin(w);
	a = ask_later(w, ask);
	assert_string_equal(a.status, "executing");
	assert_non_null(strstr(world_field(w, &a, "size"), "image/png"));
	assert_non_null(strstr(world_field(w, &a, "size"), "image/gif"));
	a = world_command(w, .node = "mms", .session = a.session, .action = "complete");
	assert_string_equal(a.status, "completed");
	assert_int_equal(world_requests(w, "https://"), 2);
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(world_requests(w, "http://mmsc"), 1);
	assert_non_null(strstr(submitted(w)->body.p, "iVBORw0KGgotcGljdHVyZQ=="));
	assert_non_null(strstr(submitted(w)->body.p, "Look!"));
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet WHERE state = 5 AND gateway_ref = 'mms-1'"), 1);
}

static void
test_nothing_is_answered_before_the_media_are_there(void **state)
{
	struct world *w = *state;
	struct ask ask = mms(LINK, "Look!");

	begin(w);
	world_phone(w, LINK, .end = PHONE_WAITS);
	world_send(w, "%s", world_ask_xml(w, &ask));
	world_settle(w);
	assert_int_equal(w->nanswers, 0);
	/* Others are served meanwhile. */
	assert_string_equal(world_command(w, .node = "list").status, "completed");
	world_phone_end(w, 0, .status = 200, .type = "image/png", .body = SPAN(PNG));
	world_settle(w);
	assert_string_equal(world_answer(w, ask.id).status, "executing");
}

static void
test_no_time_passes_while_media_are_fetched(void **state)
{
	struct world *w = *state;
	struct ask ask = mms(LINK, "Look!");
	struct answer a;

	begin(w);
	world_phone(w, LINK, .end = PHONE_WAITS);
	ask.action = "complete";
	ask.fields[3] = "2026-11-22T10:00:40Z";
	world_send(w, "%s", world_ask_xml(w, &ask));
	world_advance_to(w, "2026-11-22T10:00:50Z");
	world_phone_end(w, 0, .status = 200, .type = "image/png", .body = SPAN(PNG));
	world_settle(w);
	a = world_answer(w, ask.id);
	assert_string_equal(a.status, "completed");
	assert_string_equal(world_field(w, &a, "due"), "2026-11-22T10:00:40Z");
	world_advance(w, 0);
	assert_string_equal(world_state(w, world_field(w, &a, "id")), "sent");
}

static void
expect_error(struct world *w, struct ask ask, const char *words)
{
	struct answer a = ask_later(w, ask);

	assert_string_equal(a.status, "executing");
	assert_string_equal(a.note_type, "error");
	if (strstr(a.note, words) == NULL)
		fail_msg("“%s” does not say “%s”", a.note, words);
	assert_string_equal(world_field(w, &a, "body"), "Look!");
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 0);
}

static void
test_medium_that_cannot_be_had_is_a_form_error(void **state)
{
	struct world *w = *state;

	begin(w);
	world_phone(w, LINK, .status = 404, .body = SPAN("no"));
	expect_error(w, mms(LINK, "Look!"), LINK);
	world_phone(w, LINK, .status = 200, .type = "text/html", .body = SPAN("<html>"));
	expect_error(w, mms(LINK, "Look!"), LINK);
	world_phone(w, LINK, .end = PHONE_REFUSES);
	expect_error(w, mms(LINK, "Look!"), LINK);
	expect_error(w, mms("http://upload.example.org/a.png", "Look!"), "https");
}

/* Each of 7 users names 10 links that take their time, and 64 are fetched at once. */
static void
test_more_media_than_can_be_fetched_at_once_are_a_form_error(void **state)
{
	struct world *w = *state;
	char from[64];

	begin(w);
	world_phone(w, "https://upload", .end = PHONE_WAITS);
	for (int user = 0; user < 7; user++) {
		struct buf links = { 0 };
		struct ask ask;

		snprintf(from, sizeof(from), "user%d@example.org/x", user);
		for (int i = 0; i < MMS_MEDIA_MAX; i++)
			buf_printf(&links, "https://upload.example.org/%d-%d\n", user, i);
		ask = mms(buf_str(&links), "Look!");
		ask.from = from;
		if (user < 6) {
			world_send(w, "%s", world_ask_xml(w, &ask));
			world_settle(w);
			assert_int_equal(w->nanswers, 0);
		} else
			expect_error(w, ask, "/6-4: Too many media");
		buf_free(&links);
	}
}

static void
test_stream_that_breaks_meanwhile_ends_the_command(void **state)
{
	struct world *w = *state;
	struct ask ask = mms(LINK, "Look!");

	begin(w);
	ask.action = "complete";
	world_phone(w, LINK, .end = PHONE_WAITS);
	world_send(w, "%s", world_ask_xml(w, &ask));
	world_settle(w);
	world_cut(w);
	world_advance(w, 30 * SECOND_MS);
	world_phone_end(w, 0, .status = 200, .type = "image/png", .body = SPAN(PNG));
	world_settle(w);
	/* Nobody was told of it, so it must not have been done. */
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 0);
	assert_string_equal(ask_later(w, ask).status, "completed");
	assert_int_equal(world_requests(w, LINK), 1);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM packet"), 1);
}

static void
test_refused_medium_is_fetched_again_when_asked_again(void **state)
{
	struct world *w = *state;

	begin(w);
	world_phone(w, LINK, .status = 404, .body = SPAN("no"), .times = 1);
	expect_error(w, mms(LINK, "Look!"), LINK);
	assert_non_null(strstr(ask_later(w, mms(LINK, "Look!")).status, "executing"));
	assert_int_equal(world_requests(w, LINK), 2);
}

static void
test_media_too_large_together_are_refused(void **state)
{
	static char large[60000] = GIF;
	struct world *w = *state;

	begin(w);
	world_phone(w, LINK, .status = 200, .type = "image/gif", .body = { large, sizeof(large) });
	world_phone(w, LINK2, .status = 200, .type = "image/gif", .body = { large, sizeof(large) });
	expect_error(w, mms(LINK "\n" LINK2, "Look!"), "100000");
}

static void
test_text_alone_is_an_mms_and_nothing_is_none(void **state)
{
	struct world *w = *state;
	struct answer a;

	begin(w);
	a = world_ask(w, mms("", "Look!"));
	assert_string_equal(a.status, "executing");
	a = world_ask(w, mms("", ""));
	assert_string_equal(a.note_type, "error");
}

static void
test_subject_comes_back_as_it_was_written(void **state)
{
	static const char *const subjects[] = { "Tel: 0170 1234567", "xmpp: one,two" };
	struct world *w = *state;

	begin(w);
	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		struct answer a = world_command(w, .node = "mms", .action = "next",
		    .fields = { "to", PHONE, "when", "soon", "subject", subjects[i], "body", "Look!" });
		assert_string_equal(a.status, "executing");
		assert_string_equal(world_field(w, &a, "subject"), subjects[i]);
	}
}

static void
test_list_shows_subject_and_media(void **state)
{
	struct world *w = *state;
	struct ask ask = mms(LINK, "Look!");
	struct answer a;
	const char *id;

	begin(w);
	ask.action = "complete";
	a = ask_later(w, ask);
	assert_string_equal(a.status, "completed");
	assert_string_equal(world_field(w, &a, "size"), "16");
	id = world_field(w, &a, "id");
	a = world_command(w, .node = "list");
	assert_non_null(strstr(world_field(w, &a, id), "Hello: Look! [1 medium]"));
}

/* The MMSC says that the phone has it. */
static int
retrieved(struct world *w, const char *message_id)
{
	uint8_t key[SEAL_KEY_LEN];
	struct seal *seal;
	struct buf url = { 0 }, report = { 0 };
	int status;

	assert_int_equal(seal_key_read(w->config.store.seal_key_file, key, &w->why), RES_OK);
	seal = seal_new(key);
	assert_int_equal(gateways_report_url(&url, seal, "", "mmsc", NULL), RES_OK);
	seal_free(&seal);
	buf_printf(&report,
	    "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Header><TransactionID>77</TransactionID></e:Header>"
	    "<e:Body><DeliveryReportReq><MM7Version>6.8.0</MM7Version><MessageID>%s</MessageID><MMStatus>Retrieved</MMStatus>"
	    "</DeliveryReportReq></e:Body></e:Envelope>", message_id);
	status = world_web(w, "POST", buf_str(&url), "", buf_str(&report)).status;
	buf_free(&url);
	buf_free(&report);
	return status;
}

static void
test_mm7_report_is_found_by_its_message_id(void **state)
{
	struct world *w = *state;
	struct ask ask = mms("", "Look!");
	struct answer a;

	begin(w);
	ask.action = "complete";
	a = world_ask(w, ask);
	world_advance(w, 5 * MINUTE_MS);
	world_crash(w);
	world_restart(w);
	assert_int_equal(retrieved(w, "mms-1"), 200);
	assert_string_equal(world_state(w, world_field(w, &a, "id")), "delivered");
	/* Nobody waits for this one. */
	assert_int_equal(retrieved(w, "mms-2"), 200);
}

static void
test_mm7_report_before_the_answer_comes_again(void **state)
{
	struct world *w = *state;
	struct ask ask = mms("", "Look!");
	struct answer a;

	begin(w);
	world_phone(w, "http://mmsc", .end = PHONE_WAITS);
	ask.action = "complete";
	a = world_ask(w, ask);
	world_advance(w, 5 * MINUTE_MS);
	assert_int_equal(retrieved(w, "mms-1"), 503);
	world_phone_end(w, 0, .status = 200, .type = "text/xml", .body = SPAN(ACCEPTED));
	world_settle(w);
	assert_int_equal(retrieved(w, "mms-1"), 200);
	assert_string_equal(world_state(w, world_field(w, &a, "id")), "delivered");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_media_leave_with_the_message),
		WORLD_TEST(test_nothing_is_answered_before_the_media_are_there),
		WORLD_TEST(test_no_time_passes_while_media_are_fetched),
		WORLD_TEST(test_medium_that_cannot_be_had_is_a_form_error),
		WORLD_TEST(test_more_media_than_can_be_fetched_at_once_are_a_form_error),
		WORLD_TEST(test_stream_that_breaks_meanwhile_ends_the_command),
		WORLD_TEST(test_refused_medium_is_fetched_again_when_asked_again),
		WORLD_TEST(test_media_too_large_together_are_refused),
		WORLD_TEST(test_text_alone_is_an_mms_and_nothing_is_none),
		WORLD_TEST(test_subject_comes_back_as_it_was_written),
		WORLD_TEST(test_list_shows_subject_and_media),
		WORLD_TEST(test_mm7_report_is_found_by_its_message_id),
		WORLD_TEST(test_mm7_report_before_the_answer_comes_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
