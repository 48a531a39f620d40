#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/media.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const char *const anywhere[] = { NULL };
static const char *const some[] = { "upload.example.org", "*.files.example", "[2001:db8::1]",
	"192.0.2.7", NULL };

/* What is fetched for a link, or "" with the reason in words. */
static const char *
fetched(const char *const *hosts, const char *url)
{
	static char text[3 * MEDIA_URL_MAX];
	const struct media_config c = { .hosts = hosts, .timeout_ms = 20000 };
	struct http_request *rq = http_request_new();
	struct buf why = { 0 };
	enum res res = media_request(&c, url, 1234, rq, &why);

	text[0] = '\0';
	if (res == RES_OK) {
		assert_int_equal(why.len, 0);
		assert_string_equal(rq->method, "GET");
		assert_true(rq->stranger);
		assert_int_equal(rq->timeout_ms, 20000);
		assert_int_equal(rq->answer_max, 1234);
		assert_null(rq->user);
		assert_null(rq->password);
		snprintf(text, sizeof(text), "%s", rq->url);
	} else {
		assert_int_equal(res, RES_INVALID);
		assert_true(why.len > 10);
		assert_null(rq->url);
	}
	buf_free(&why);
	http_request_free(&rq);
	return text;
}

/* -- Links ------------------------------------------------------------------------------------- */

static void
test_https_links_are_followed(void **state)
{
	static const char *const same[] = {
		"https://upload.example.org/",
		"https://upload.example.org/f/7c9e/IMG_2031.jpg",
		"https://upload.example.org/a?v=1&token=x%20y",
		"https://upload.example.org:5281/upload/a.png",
		"https://upload.example.org:1024/",
		"https://upload.example.org:65535/",
		"https://xn--bcher-kva.example/a",
		"https://under_score.example/a",
		"https://[2001:db8::1]/a",
		"https://203.0.113.9:8443/a",
		"https://1.example/a",
		"https://0x7f.example/a",
		"https://upload.example.org/%40/@a",
	};

	(void)state;
	for (size_t i = 0; i < N(same); i++)
		assert_string_equal(fetched(anywhere, same[i]), same[i]);
	assert_string_equal(fetched(NULL, same[0]), same[0]);
	assert_string_equal(fetched(anywhere, "HTTPS://upload.example.org"),
	    "https://upload.example.org/");
	assert_string_equal(fetched(anywhere, "https://upload.example.org/gr\xc3\xbc\xc3\x9f"),
	    "https://upload.example.org/gr%c3%bc%c3%9f");
	assert_string_equal(fetched(anywhere, "https://upload.example.org/a/../b"),
	    "https://upload.example.org/b");
}

static void
test_all_other_links_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "x", "https", "https:", "https:/", "https://", "https:///", "https:///a",
		"https:upload.example.org/a", "https:/upload.example.org/a",
		"//upload.example.org/a", "upload.example.org/a", "/etc/passwd",
		"http://upload.example.org/a", "ftp://upload.example.org/a", "file:///etc/passwd",
		"gopher://upload.example.org/a", "httpss://upload.example.org/a",
		"aesgcm://upload.example.org/a#00", "javascript:alert(1)",
		" https://upload.example.org/a", "\thttps://upload.example.org/a",
		"https://upload.example.org/a\n", "https://upload.example.org/a\r\nHost: x",
		"https://upload.exam\x01ple.org/a", "https://upload.example.org/\x7f",
		"https://upload .example.org/a", "https://upload.example.org\\@evil.example/a",
		"https://upload.example.org%2f.evil.example/", "https://upload%00.example.org/",
		"https://upload.example.org/a#", "https://upload.example.org/a#x",
		"https://upload.example.org#@evil.example/a",
	};

	(void)state;
	for (size_t i = 0; i < N(bad); i++)
		assert_string_equal(fetched(anywhere, bad[i]), "");
}

static void
test_links_with_a_user_are_refused(void **state)
{
	static const char *const bad[] = {
		"https://juliet@upload.example.org/a", "https://juliet:s@upload.example.org/a",
		"https://:s@upload.example.org/a", "https://@upload.example.org/a",
		"https://a@b@upload.example.org/", "https://upload.example.org@evil.example/",
		"https://upload.example.org:443@evil.example/", "https://a;o=b@upload.example.org/",
	};

	(void)state;
	for (size_t i = 0; i < N(bad); i++)
		assert_string_equal(fetched(anywhere, bad[i]), "");
}

static void
test_ports_of_other_services_are_refused(void **state)
{
	static const char *const bad[] = { "0", "1", "22", "80", "442", "444", "1023", "65536",
		"70000", "99999999999999999999", "-1", "+443", "4 43", "0x1bb", "443a", "abc",
		"443:443" };
	char url[100];

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		snprintf(url, sizeof(url), "https://upload.example.org:%s/a", bad[i]);
		assert_string_equal(fetched(anywhere, url), "");
	}
	assert_string_not_equal(fetched(anywhere, "https://upload.example.org:443/a"), "");
}

static void
test_addresses_in_disguise_are_refused(void **state)
{
	static const char *const bad[] = {
		"0x7f.1", "0x7f000001", "0X7F000001", "127.1", "127.0.1", "2130706433",
		"017700000001", "0177.0.0.1", "127.0.0.01", "127.0.0.0x1", "1.2.3.4.5",
		"256.256.256.256", "1.2.3.256",
		"4294967296", "0", "1", "127.0.0.1.", "example.1", "a.0x1", "example.0xg", "0x",
		"[::1%25lo]", "[fe80::1%eth0]", "[::1", "::1", "[]", "[::1]x", "[v1.x]",
		"[127.0.0.1]", "[::ffff:0x7f000001]", ".example.org", "example..org",
		"example.org.", ".", "..",
		"b\xc3\xbcro.example", "\xef\xbc\x91.example", "a*b.example",
		"a,b.example", "~.example",
	};
	char url[100];

	(void)state;
	for (size_t i = 0; i < N(bad); i++) {
		snprintf(url, sizeof(url), "https://%s/a", bad[i]);
		if (*fetched(anywhere, url) != '\0')
			fail_msg("%s is fetched", url);
	}
}

static void
test_a_link_has_a_length(void **state)
{
	char url[MEDIA_URL_MAX + 2];

	(void)state;
	memset(url, 'a', sizeof(url));
	memcpy(url, "https://upload.example.org/", 27);
	url[MEDIA_URL_MAX] = '\0';
	assert_int_equal(strlen(fetched(anywhere, url)), MEDIA_URL_MAX);
	url[MEDIA_URL_MAX] = 'a';
	url[MEDIA_URL_MAX + 1] = '\0';
	assert_string_equal(fetched(anywhere, url), "");
}

static void
test_a_name_has_a_length(void **state)
{
	char url[400] = "https://";
	size_t n = strlen(url);

	(void)state;
	for (int i = 0; i < 255; i++)
		url[n + (size_t)i] = i % 50 == 49 ? '.' : 'a';
	strcpy(url + n + 255, "/x");
	assert_string_not_equal(fetched(anywhere, url), "");
	strcpy(url + n + 255, "a/x");
	assert_string_equal(fetched(anywhere, url), "");
}

static void
test_only_listed_hosts_are_asked(void **state)
{
	static const char *const good[] = {
		"https://upload.example.org/a", "https://UPLOAD.example.ORG/a",
		"https://upload.example.org:5281/a", "https://a.files.example/b",
		"https://a.b.files.example/b", "https://A.Files.Example/b",
		"https://[2001:db8::1]/", "https://192.0.2.7/",
	};
	static const char *const bad[] = {
		"https://example.org/a", "https://a.upload.example.org/a",
		"https://upload.example.org.evil.example/", "https://xupload.example.org/a",
		"https://files.example/b", "https://afiles.example/b", "https://evilfiles.example/",
		"https://files.example.evil.example/", "https://*.files.example/",
		"https://[2001:db8::2]/", "https://192.0.2.8/", "https://a.192.0.2.7/",
	};

	(void)state;
	for (size_t i = 0; i < N(good); i++)
		assert_string_not_equal(fetched(some, good[i]), "");
	for (size_t i = 0; i < N(bad); i++)
		assert_string_equal(fetched(some, bad[i]), "");
}

/* -- Answers ----------------------------------------------------------------------------------- */

#define PNG "\x89PNG\r\n\x1a\n" "rest"
#define MP4 "\0\0\0\x18" "ftypmp42\0\0\0\0mp42isom" "rest"

static const char *words; /* of the last judgement */

static enum res
judge(enum http_end end, int status, const char *declared, struct span body, const char **type)
{
	static char text[500];
	const struct http_header h = { "content-type", declared, NULL };
	const struct http_answer a = { .end = end, .status = status, .body = body,
		.headers = declared == NULL ? NULL : &h,
		.error = "Connection refused by 10.0.0.1" };
	struct buf why = { 0 };
	enum res res;

	*type = NULL;
	res = media_judge(&a, 300 * 1024, type, &why);
	snprintf(text, sizeof(text), "%s", buf_str(&why));
	words = text;
	assert_true((res == RES_OK) == (*type != NULL));
	assert_true((res == RES_OK) == (why.len == 0));
	/* What is known of our own network is for the log. */
	assert_null(strstr(text, "10.0.0.1"));
	buf_free(&why);
	return res;
}

static void
test_what_it_says_it_is_is_taken(void **state)
{
	static const char *const declared[] = { "image/png", "IMAGE/PNG; q=1", "image/x-png", "",
		"application/octet-stream", NULL };
	const char *type;

	(void)state;
	for (size_t i = 0; i < N(declared); i++) {
		assert_int_equal(judge(HTTP_ANSWERED, 200, declared[i], SPAN(PNG), &type), RES_OK);
		assert_string_equal(type, "image/png");
	}
}

static void
test_what_is_none_or_calls_itself_otherwise_is_not(void **state)
{
	const char *type;

	(void)state;
	assert_int_equal(judge(HTTP_ANSWERED, 200, "image/jpeg", SPAN(PNG), &type), RES_INVALID);
	assert_non_null(strstr(words, "image/png"));
	assert_int_equal(judge(HTTP_ANSWERED, 200, "text/html", SPAN("<html>"), &type),
	    RES_INVALID);
	assert_int_equal(judge(HTTP_ANSWERED, 200, "image/png", SPAN("<html>"), &type),
	    RES_INVALID);
	assert_int_equal(judge(HTTP_ANSWERED, 200, "image/png", SPAN(""), &type), RES_INVALID);
	assert_non_null(strstr(words, "empty"));
	assert_int_equal(judge(HTTP_ANSWERED, 200, NULL, (struct span){ 0 }, &type), RES_INVALID);
}

static void
test_audio_in_a_film_container_is_audio(void **state)
{
	const char *type;

	(void)state;
	assert_int_equal(judge(HTTP_ANSWERED, 200, "audio/mp4", SPAN(MP4), &type), RES_OK);
	assert_string_equal(type, "audio/mp4");
	assert_int_equal(judge(HTTP_ANSWERED, 200, " Audio/X-M4A", SPAN(MP4), &type), RES_OK);
	assert_string_equal(type, "audio/mp4");
	assert_int_equal(judge(HTTP_ANSWERED, 200, "video/mp4", SPAN(MP4), &type), RES_OK);
	assert_string_equal(type, "video/mp4");
	assert_int_equal(judge(HTTP_ANSWERED, 200, NULL, SPAN(MP4), &type), RES_OK);
	assert_string_equal(type, "video/mp4");
}

static void
test_every_status_has_its_meaning(void **state)
{
	static const struct {
		int status;
		enum res res;
		const char *part;
	} cases[] = {
		{ 301, RES_INVALID, "redirects are not followed" },
		{ 302, RES_INVALID, "redirects are not followed" },
		{ 307, RES_INVALID, "redirects are not followed" },
		{ 308, RES_INVALID, "redirects are not followed" },
		{ 400, RES_INVALID, "400" }, { 401, RES_INVALID, "logging in" },
		{ 403, RES_INVALID, "not let" }, { 404, RES_INVALID, "nothing at this link" },
		{ 410, RES_INVALID, "no more" }, { 405, RES_INVALID, "405" },
		{ 451, RES_INVALID, "451" }, { 408, RES_TEMPFAIL, "408" },
		{ 425, RES_TEMPFAIL, "425" }, { 429, RES_TEMPFAIL, "no time now" },
		{ 500, RES_TEMPFAIL, "trouble" }, { 503, RES_TEMPFAIL, "503" },
		{ 599, RES_TEMPFAIL, "599" }, { 600, RES_INVALID, "600" }, { 0, RES_INVALID, "" },
		{ -1, RES_INVALID, "" }, { 201, RES_INVALID, "201" }, { 204, RES_INVALID, "204" },
		{ 206, RES_INVALID, "206" }, { 100, RES_INVALID, "100" },
	};
	const char *type;

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		assert_int_equal(judge(HTTP_ANSWERED, cases[i].status, "image/png", SPAN(PNG),
		    &type), cases[i].res);
		assert_non_null(strstr(words, cases[i].part));
		/* With too large a page it is the same. */
		assert_int_equal(judge(HTTP_TOO_LARGE, cases[i].status, NULL, SPAN(""), &type),
		    cases[i].res);
		assert_non_null(strstr(words, cases[i].part));
	}
}

static void
test_too_large_names_the_limit(void **state)
{
	static char big[300 * 1024 + 1] = PNG;
	const struct http_answer a = { .end = HTTP_TOO_LARGE, .status = 200 };
	struct buf why = { 0 };
	const char *type;

	(void)state;
	assert_int_equal(judge(HTTP_TOO_LARGE, 200, "image/png", SPAN(PNG), &type), RES_INVALID);
	assert_non_null(strstr(words, "300 KiB"));
	assert_int_equal(judge(HTTP_ANSWERED, 200, "image/png",
	    (struct span){ big, 300 * 1024 }, &type), RES_OK);
	assert_int_equal(judge(HTTP_ANSWERED, 200, "image/png",
	    (struct span){ big, sizeof(big) }, &type), RES_INVALID);
	assert_non_null(strstr(words, "300 KiB"));
	assert_int_equal(media_judge(&a, 100001, &type, &why), RES_INVALID);
	assert_non_null(strstr(buf_str(&why), "100001 bytes"));
	buf_free(&why);
}

static void
test_no_answer_is_a_reason_to_try_again(void **state)
{
	const char *type;

	(void)state;
	assert_int_equal(judge(HTTP_NOT_SENT, 0, NULL, (struct span){ 0 }, &type), RES_TEMPFAIL);
	assert_non_null(strstr(words, "reached"));
	assert_int_equal(judge(HTTP_BROKEN, 0, NULL, (struct span){ 0 }, &type), RES_TEMPFAIL);
	assert_int_equal(judge(HTTP_BROKEN, 200, "image/png", SPAN(PNG), &type), RES_TEMPFAIL);
}

static void
test_words_without_memory_are_no_judgement(void **state)
{
	const struct media_config c = { .hosts = anywhere };
	const struct http_answer gone = { .end = HTTP_ANSWERED, .status = 404 };
	const struct http_answer lost = { .end = HTTP_NOT_SENT };
	struct http_request *rq = http_request_new();
	struct buf why = { .max = 3 };
	const char *type;

	(void)state;
	assert_int_equal(media_request(&c, "x", 1, rq, &why), RES_NOMEM);
	buf_reset(&why);
	assert_int_equal(media_judge(&gone, 1, &type, &why), RES_NOMEM);
	buf_reset(&why);
	assert_int_equal(media_judge(&lost, 1, &type, &why), RES_NOMEM);
	buf_free(&why);
	rq->arena.max = 8;
	assert_int_equal(media_request(&c, "https://example.org/", 1, rq, &why), RES_NOMEM);
	buf_free(&why);
	http_request_free(&rq);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_https_links_are_followed),
		cmocka_unit_test(test_all_other_links_are_refused),
		cmocka_unit_test(test_links_with_a_user_are_refused),
		cmocka_unit_test(test_ports_of_other_services_are_refused),
		cmocka_unit_test(test_addresses_in_disguise_are_refused),
		cmocka_unit_test(test_a_link_has_a_length),
		cmocka_unit_test(test_a_name_has_a_length),
		cmocka_unit_test(test_only_listed_hosts_are_asked),
		cmocka_unit_test(test_what_it_says_it_is_is_taken),
		cmocka_unit_test(test_what_is_none_or_calls_itself_otherwise_is_not),
		cmocka_unit_test(test_audio_in_a_film_container_is_audio),
		cmocka_unit_test(test_every_status_has_its_meaning),
		cmocka_unit_test(test_too_large_names_the_limit),
		cmocka_unit_test(test_no_answer_is_a_reason_to_try_again),
		cmocka_unit_test(test_words_without_memory_are_no_judgement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
