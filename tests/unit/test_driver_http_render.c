#include "http_gateway.h"

#include "core/mms.h"

/* -- Requests ---------------------------------------------------------------------------------- */

static struct submission
sms(const char *text)
{
	return (struct submission){ .id = "7K3QP2",
		.recipient = "+15145550199",
		.kind = KIND_SMS,
		.body = span_of(text),
		.created_at = NOW - 5000,
		.expires_at = NOW + 5000 };
}

static struct http_request *
render(struct gateway_config *c, struct submission sub, const char *report_url)
{
	struct http_request *rq = http_request_new();
	struct buf why = { 0 };

	prepares(c);
	if (c->prepared_driver->render(c, &sub, report_url, NOW, rq, &why) != RES_OK)
		fail_msg("%s", buf_str(&why));
	gateway_unprepare(c);
	buf_free(&why);
	return rq;
}

static const char *
header(const struct http_request *rq, const char *name)
{
	for (const struct http_header *h = rq->headers; h != NULL; h = h->next)
		if (strcmp(h->name, name) == 0)
			return h->value;
	return NULL;
}

static void
test_a_form_is_url_encoded(void **state)
{
	struct gateway_config c = form();
	struct http_request *rq = render(&c, sms("a b&c=d+é\n"), NULL);

	(void)state;
	assert_string_equal(rq->method, "POST");
	assert_string_equal(rq->url, "https://sms.example/send");
	assert_string_equal(buf_str(&rq->body), "to=%2B15145550199&text=a%20b%26c%3Dd%2B%C3%A9%0A");
	assert_string_equal(header(rq, "Content-Type"), "application/x-www-form-urlencoded");
	assert_int_equal(rq->timeout_ms, 7000);
	assert_true(rq->answer_max > 0);
	assert_false(rq->stranger);
	assert_null(rq->user);
	http_request_free(&rq);
}

static void
test_a_query_joins_the_url(void **state)
{
	struct gateway_config c = form();
	struct http_request *rq;

	(void)state;
	c.encode = "query";
	rq = render(&c, sms("x y"), NULL);
	assert_string_equal(rq->method, "GET");
	assert_string_equal(rq->url, "https://sms.example/send?to=%2B15145550199&text=x%20y");
	assert_int_equal(rq->body.len, 0);
	assert_null(header(rq, "Content-Type"));
	http_request_free(&rq);
	c.url = "https://sms.example/send?v=1";
	c.method = "POST";
	rq = render(&c, sms("x"), NULL);
	assert_string_equal(rq->method, "POST");
	assert_string_equal(rq->url, "https://sms.example/send?v=1&to=%2B15145550199&text=x");
	http_request_free(&rq);
}

static void
test_values_in_the_url_stay_within_their_segment(void **state)
{
	struct gateway_config c = form();
	struct http_request *rq;

	(void)state;
	c.url = "https://sms.example/{user}/{id}";
	c.user = "../admin?x#";
	rq = render(&c, sms("x"), NULL);
	assert_string_equal(rq->url, "https://sms.example/..%2Fadmin%3Fx%23/7K3QP2");
	http_request_free(&rq);
}

static void
test_every_authorization_is_where_it_belongs(void **state)
{
	struct gateway_config c = form();
	struct http_request *rq;

	(void)state;
	c.user = "me";
	c.secret = "se same";
	c.auth = "basic";
	rq = render(&c, sms("x"), NULL);
	assert_string_equal(rq->user, "me");
	assert_string_equal(rq->password, "se same");
	assert_null(header(rq, "Authorization"));
	http_request_free(&rq);
	c.auth = "bearer";
	rq = render(&c, sms("x"), NULL);
	assert_null(rq->user);
	assert_string_equal(header(rq, "Authorization"), "Bearer se same");
	http_request_free(&rq);
	c.auth = "header";
	c.auth_header = "X-Key:  k={secret} ";
	rq = render(&c, sms("x"), NULL);
	assert_null(rq->user);
	assert_string_equal(header(rq, "X-Key"), "k=se same");
	http_request_free(&rq);
	c.auth = "params";
	c.params = LIST("u={user}", "p={secret}");
	rq = render(&c, sms("x"), NULL);
	assert_null(rq->user);
	assert_string_equal(buf_str(&rq->body), "u=me&p=se%20same");
	http_request_free(&rq);
}

static void
test_headers_are_templates(void **state)
{
	struct gateway_config c = form();
	struct http_request *rq;

	(void)state;
	c.headers = LIST("X-Id: {id}/{{x}}", "X-Report: {dlr_url}", "content-type: text/x");
	rq = render(&c, sms("x"), NULL);
	assert_string_equal(header(rq, "X-Id"), "7K3QP2/{x}");
	assert_null(header(rq, "X-Report"));
	assert_null(header(rq, "Content-Type"));
	assert_string_equal(header(rq, "content-type"), "text/x");
	http_request_free(&rq);
}

/* What cannot be written for want of memory stops the daemon: no message may be too long for it. */
static void
test_a_header_has_room_for_any_text(void **state)
{
	struct gateway_config c = form();
	char text[30001] = "";
	struct http_request *rq;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	c.headers = LIST("X-Text: {text}");
	rq = render(&c, sms(text), NULL);
	assert_string_equal(header(rq, "X-Text"), text);
	http_request_free(&rq);
}

static void
test_what_cannot_stand_in_a_header_is_refused(void **state)
{
	struct gateway_config c = form();
	struct submission bad[] = { sms("a\r\nX-Evil: 1"), sms("nul") };
	struct buf why = { 0 };

	(void)state;
	bad[1].body = (struct span){ "a\0b", 3 };
	c.headers = LIST("X-Text: {text}");
	prepares(&c);
	for (size_t i = 0; i < 2; i++) {
		struct http_request *rq = http_request_new();
		assert_int_equal(
		    c.prepared_driver->render(&c, &bad[i], NULL, NOW, rq, &why), RES_INVALID);
		assert_null(header(rq, "X-Evil"));
		http_request_free(&rq);
	}
	gateway_unprepare(&c);
	buf_free(&why);
}

static void
test_text_that_is_no_utf8_is_refused(void **state)
{
	struct gateway_config configs[] = { form(), json("{\"t\": \"{text}\"}") };
	struct submission sub = sms("a\xff");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct http_request *rq = http_request_new();
		struct buf why = { 0 };
		prepares(&configs[i]);
		assert_int_equal(
		    configs[i].prepared_driver->render(&configs[i], &sub, NULL, NOW, rq, &why),
		    RES_INVALID);
		assert_non_null(strstr(buf_str(&why), "UTF-8"));
		gateway_unprepare(&configs[i]);
		http_request_free(&rq);
		buf_free(&why);
	}
}

static void
test_the_report_url_is_told_only_where_reports_are_read(void **state)
{
	struct gateway_config c = form();
	struct http_request *rq;

	(void)state;
	c.params = LIST("cb={dlr_url}", "id={id}");
	rq = render(&c, sms("x"), "https://later.example/r/1");
	assert_string_equal(buf_str(&rq->body), "id=7K3QP2");
	http_request_free(&rq);
	c.report = "form";
	c.report_state = "s";
	c.report_map = LIST("d=delivered");
	rq = render(&c, sms("x"), "https://later.example/r/1");
	assert_string_equal(buf_str(&rq->body), "cb=https%3A%2F%2Flater.example%2Fr%2F1&id=7K3QP2");
	http_request_free(&rq);
	rq = render(&c, sms("x"), NULL);
	assert_string_equal(buf_str(&rq->body), "id=7K3QP2");
	http_request_free(&rq);
}

static void
test_coding_follows_the_text(void **state)
{
	struct gateway_config c = form();
	static const struct {
		const char *text, *body;
	} cases[] = {
		{ "hall\xc3\xb6 \xe2\x82\xac", "type=text&u=" },
		{ "\xc3\xa7", "type=unicode&unicode=1&u=2" },
	};

	(void)state;
	c.params = LIST("type={coding:text|unicode}", "unicode={coding:|1}", "u={coding:|2}x");
	for (size_t i = 0; i < 2; i++) {
		struct http_request *rq = render(&c, sms(cases[i].text), NULL);
		if (strncmp(buf_str(&rq->body), cases[i].body, strlen(cases[i].body)) != 0)
			fail_msg("%s", buf_str(&rq->body));
		http_request_free(&rq);
	}
}

static void
test_numbers_have_the_gateways_form(void **state)
{
	struct gateway_config c = form();
	struct http_request *rq;

	(void)state;
	c.params = LIST("to={to}");
	c.number = (struct number_format){ NUMBER_STRIP, "+1" };
	rq = render(&c, sms("x"), NULL);
	assert_string_equal(buf_str(&rq->body), "to=5145550199");
	http_request_free(&rq);
	c.number.style = NUMBER_DIGITS;
	rq = render(&c, sms("x"), NULL);
	assert_string_equal(buf_str(&rq->body), "to=15145550199");
	http_request_free(&rq);
}

static void
test_the_idempotency_key_is_the_same_at_every_try(void **state)
{
	struct gateway_config c = form();
	struct http_request *rq;

	(void)state;
	c.idempotency = "header:Idempotency-Key";
	for (int i = 0; i < 2; i++) {
		rq = render(&c, sms(i == 0 ? "x" : "y"), NULL);
		assert_string_equal(header(rq, "Idempotency-Key"), "7K3QP2-1766591995000");
		http_request_free(&rq);
	}
	c.idempotency = "field:key";
	rq = render(&c, sms("x"), NULL);
	assert_string_equal(
	    buf_str(&rq->body), "to=%2B15145550199&text=x&key=7K3QP2-1766591995000");
	http_request_free(&rq);
	c = json("{\"messages\": [{\"to\": \"{to}\", \"id\": null}]}");
	c.idempotency = "field:messages.0.id";
	rq = render(&c, sms("x"), NULL);
	assert_string_equal(buf_str(&rq->body),
	    "{\"messages\":[{\"to\":\"+15145550199\",\"id\":\"7K3QP2-1766591995000\"}]}");
	assert_string_equal(header(rq, "Content-Type"), "application/json");
	http_request_free(&rq);
}

/* -- MMS --------------------------------------------------------------------------------------- */

static struct submission
mms(struct buf *entity, size_t nmedia)
{
	struct mms m = { .subject = SPAN("Sub"), .text = SPAN("Text"), .nmedia = nmedia };
	static const struct mms_medium media[] = {
		{ .url = "https://u.example/a,b.jpg?x=1&y=2",
		    .type = "image/jpeg",
		    .bytes = { "\xff\xd8\xff", 3 } },
		{ .url = "https://u.example/c.mp4", .type = "video/mp4", .bytes = { "ABCDE", 5 } },
	};
	struct submission sub = sms("");

	memcpy(m.media, media, nmedia * sizeof(media[0]));
	assert_int_equal(mms_build(entity, &m), RES_OK);
	sub.kind = KIND_MMS;
	sub.body = buf_as_span(entity);
	return sub;
}

static void
mms_gives(struct gateway_config c, size_t nmedia, const char *expected)
{
	struct buf entity = { 0 };
	struct http_request *rq;

	c.info.kinds[KIND_SMS] = false;
	c.info.kinds[KIND_MMS] = true;
	rq = render(&c, mms(&entity, nmedia), NULL);
	assert_string_equal(buf_str(&rq->body), expected);
	http_request_free(&rq);
	buf_free(&entity);
}

#define LINK1 "https%3A%2F%2Fu.example%2Fa%2Cb.jpg%3Fx%3D1%26y%3D2"
#define LINK2 "https%3A%2F%2Fu.example%2Fc.mp4"

static void
test_media_lists_of_params(void **state)
{
	struct gateway_config c = form();

	(void)state;
	c.mms_params = LIST("s={subject}", "m={media}", "t={text}");
	mms_gives(c, 2, "s=Sub&m=" LINK1 "&m=" LINK2 "&t=Text");
	c.media_list = "repeat";
	mms_gives(c, 1, "s=Sub&m=" LINK1 "&t=Text");
	c.media_list = "comma";
	/* Its own comma is not one of the list's. */
	mms_gives(c, 2,
	    "s=Sub&m=https%3A%2F%2Fu.example%2Fa%252Cb.jpg%3Fx%3D1%26y%3D2%2C" LINK2 "&t=Text");
	c.media_list = "numbered";
	c.mms_params = LIST("media{n}={media}", "type{n}={type}");
	mms_gives(c, 2, "media1=" LINK1 "&media2=" LINK2 "&type1=image%2Fjpeg&type2=video%2Fmp4");
}

static void
test_media_as_base64_and_data_urls(void **state)
{
	struct gateway_config c = json("{\"m\": [{\"t\": \"{type}\", \"d\": \"{media}\"}]}");

	(void)state;
	c.media = "base64";
	mms_gives(c, 2,
	    "{\"m\":[{\"t\":\"image/jpeg\",\"d\":\"/9j/\"},{\"t\":\"video/"
	    "mp4\",\"d\":\"QUJDREU=\"}]}");
	c.media = "data";
	c.body = "[\"{media}\"]";
	mms_gives(c, 2, "[\"data:image/jpeg;base64,/9j/\",\"data:video/mp4;base64,QUJDREU=\"]");
}

static void
test_more_media_than_there_is_room_for_are_refused(void **state)
{
	struct gateway_config configs[] = { json("{\"m\": \"{media}\"}"), form() };

	(void)state;
	configs[1].params = LIST("m={media}");
	configs[1].media_list = "numbered";
	for (size_t i = 0; i < 2; i++) {
		struct gateway_config *c = &configs[i];
		struct buf entity = { 0 }, why = { 0 };
		struct http_request *rq = http_request_new();
		mms_gives(
		    *c, 1, i == 0 ? "{\"m\":\"https://u.example/a,b.jpg?x=1&y=2\"}" : "m=" LINK1);
		c->info.kinds[KIND_SMS] = false;
		c->info.kinds[KIND_MMS] = true;
		struct submission sub = mms(&entity, 2);
		prepares(c);
		assert_int_equal(
		    c->prepared_driver->render(c, &sub, NULL, NOW, rq, &why), RES_INVALID);
		assert_non_null(strstr(buf_str(&why), "one medium"));
		gateway_unprepare(c);
		http_request_free(&rq);
		buf_free(&entity);
		buf_free(&why);
	}
}

static void
test_mms_have_a_url_and_a_body_of_their_own(void **state)
{
	struct gateway_config c = json("{\"sms\": \"{text}\"}");
	struct buf entity = { 0 };
	struct http_request *rq;

	(void)state;
	c.info.kinds[KIND_MMS] = true;
	c.mms_url = "https://mms.example/";
	c.mms_body = "{\"mms\": [\"{media}\"]}";
	rq = render(&c, mms(&entity, 1), NULL);
	assert_string_equal(rq->url, "https://mms.example/");
	assert_string_equal(
	    buf_str(&rq->body), "{\"mms\":[\"https://u.example/a,b.jpg?x=1&y=2\"]}");
	http_request_free(&rq);
	rq = render(&c, sms("x"), NULL);
	assert_string_equal(rq->url, "https://sms.example/send");
	assert_string_equal(buf_str(&rq->body), "{\"sms\":\"x\"}");
	http_request_free(&rq);
	buf_free(&entity);
}

static void
test_a_damaged_or_linkless_mms_is_refused(void **state)
{
	struct gateway_config c = form();
	struct mms m = { .nmedia = 1, .media = { { .type = "image/png", .bytes = { "x", 1 } } } };
	struct buf entity = { 0 }, why = { 0 };
	struct submission sub = sms("no MIME entity");

	(void)state;
	c.info.kinds[KIND_MMS] = true;
	c.params = LIST("m={media}");
	prepares(&c);
	sub.kind = KIND_MMS;
	struct http_request *rq = http_request_new();
	assert_int_equal(c.prepared_driver->render(&c, &sub, NULL, NOW, rq, &why), RES_INVALID);
	assert_int_equal(mms_build(&entity, &m), RES_OK);
	sub.body = buf_as_span(&entity);
	buf_reset(&why);
	assert_int_equal(c.prepared_driver->render(&c, &sub, NULL, NOW, rq, &why), RES_INVALID);
	assert_non_null(strstr(buf_str(&why), "medium 1 has no link"));
	http_request_free(&rq);
	gateway_unprepare(&c);
	buf_free(&entity);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_form_is_url_encoded),
		cmocka_unit_test(test_a_query_joins_the_url),
		cmocka_unit_test(test_values_in_the_url_stay_within_their_segment),
		cmocka_unit_test(test_every_authorization_is_where_it_belongs),
		cmocka_unit_test(test_headers_are_templates),
		cmocka_unit_test(test_a_header_has_room_for_any_text),
		cmocka_unit_test(test_what_cannot_stand_in_a_header_is_refused),
		cmocka_unit_test(test_text_that_is_no_utf8_is_refused),
		cmocka_unit_test(test_the_report_url_is_told_only_where_reports_are_read),
		cmocka_unit_test(test_coding_follows_the_text),
		cmocka_unit_test(test_numbers_have_the_gateways_form),
		cmocka_unit_test(test_the_idempotency_key_is_the_same_at_every_try),
		cmocka_unit_test(test_media_lists_of_params),
		cmocka_unit_test(test_media_as_base64_and_data_urls),
		cmocka_unit_test(test_more_media_than_there_is_room_for_are_refused),
		cmocka_unit_test(test_mms_have_a_url_and_a_body_of_their_own),
		cmocka_unit_test(test_a_damaged_or_linkless_mms_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
