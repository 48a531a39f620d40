#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "web_peer.h"
#include "gateway/curl.h"
#include "gateway/put.h"

#define PUT_URL "https://up.example.org:5281/upload/6f/a.json?v=secret"

/* -- The request ------------------------------------------------------------------------------- */

static enum res
write_request(const struct slot *slot, const char *type, struct http_request **rq)
{
	*rq = http_request_new();
	assert_non_null(*rq);
	return put_request(slot, type, SPAN("{\"a\":1}"), *rq);
}

static enum res
result_of(const struct slot *slot)
{
	struct http_request *rq;
	enum res res = write_request(slot, "application/json", &rq);

	http_request_free(&rq);
	return res;
}

static const char *
header(const struct http_request *rq, const char *name)
{
	for (const struct http_header *h = rq->headers; h != NULL; h = h->next)
		if (strcmp(h->name, name) == 0)
			return h->value;
	return "";
}

static void
test_request_is_a_put_with_the_fields_of_the_slot(void **state)
{
	const struct slot slot = {
		.put = PUT_URL,
		.headers = { { "Authorization", "Basic Base64String==" },
		    { "cookie", "foo=bar; a=b" }, { "Expires", "Thu, 26 Nov 2026 10:00:00 GMT" } },
		.nheaders = 3,
	};
	struct http_request *rq;
	size_t n = 0;

	(void)state;
	assert_int_equal(write_request(&slot, "application/json", &rq), RES_OK);
	assert_string_equal(rq->method, "PUT");
	assert_string_equal(rq->url, PUT_URL);
	assert_string_equal(buf_str(&rq->body), "{\"a\":1}");
	assert_string_equal(header(rq, "Content-Type"), "application/json");
	assert_string_equal(header(rq, "Authorization"), "Basic Base64String==");
	assert_string_equal(header(rq, "cookie"), "foo=bar; a=b");
	assert_string_equal(header(rq, "Expires"), "Thu, 26 Nov 2026 10:00:00 GMT");
	for (const struct http_header *h = rq->headers; h != NULL; h = h->next)
		n++;
	assert_int_equal(n, 4);
	assert_int_equal(rq->timeout_ms, 60000);
	assert_true(rq->answer_max <= 65536);
	/* It is the user's own server, wherever it is. */
	assert_false(rq->stranger);
	assert_null(rq->user);
	http_request_free(&rq);
}

static void
test_urls_of_http_and_https_are_taken(void **state)
{
	static const char *const urls[] = { "https://up.example.org/a", "http://up.example.org/a",
		"HTTPS://up.example.org", "http://127.0.0.1:5280/upload/a", "https://[::1]:5281/a",
		"https://up.example.org/a@b?c=@d", "https://up.example.org/%C3%A4/a.json" };

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		if (result_of(&(struct slot){ .put = urls[i] }) != RES_OK)
			fail_msg("%s", urls[i]);
}

static void
test_what_is_no_url_of_http_is_refused(void **state)
{
	static const char *const urls[] = { "", "up.example.org/a", "ftp://up.example.org/a",
		"file:///etc/passwd", "gopher://up.example.org/", "//up.example.org/a", "https:/a",
		"https://", "https:///a", "https://?a", "https://#a",
		"https://user@up.example.org/a", "https://user:pass@up.example.org/a",
		"https://@up.example.org/a", "https://up.example.org:0x50/a",
		"https://up.example.org:99999/a", "https://[::1/a", "https://up.example.org/a b",
		" https://up.example.org/a", "https://up.example.org/a\r\nHost: x",
		"https://up.example.org/\x7f", "https://up.example.org/\xc3\xa4",
		"https://up.ex\tample.org/", "javascript://up.example.org/" };

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		if (result_of(&(struct slot){ .put = urls[i] }) != RES_INVALID)
			fail_msg("%s", urls[i]);
}

static void
test_url_has_a_bound(void **state)
{
	static const char start[] = "https://up.example.org/";
	char url[UPLOAD_URL_MAX + 2];

	(void)state;
	memset(url, 'a', sizeof(url));
	memcpy(url, start, sizeof(start) - 1);
	url[UPLOAD_URL_MAX] = '\0';
	assert_int_equal(result_of(&(struct slot){ .put = url }), RES_OK);
	url[UPLOAD_URL_MAX] = 'a';
	url[UPLOAD_URL_MAX + 1] = '\0';
	assert_int_equal(result_of(&(struct slot){ .put = url }), RES_INVALID);
}

static void
test_other_fields_and_line_ends_are_refused(void **state)
{
	static const char *const wrong[][2] = {
		{ "Host", "other.example" },
		{ "Content-Length", "0" },
		{ "Content-Type", "text/html" },
		{ "X-Amz-Acl", "public" },
		{ "Cookies", "a" },
		{ "Cooki", "a" },
		{ "", "a" },
		{ "Cookie:", "a" },
		{ "Cookie", "a\r\nHost: other.example" },
		{ "Cookie", "a\nb" },
		{ "Authorization", "a\x01" },
		{ "Expires", "\x7f" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const struct slot slot = {
			.put = PUT_URL,
			.headers = { { "Cookie", "fine" }, { wrong[i][0], wrong[i][1] } },
			.nheaders = 2,
		};

		if (result_of(&slot) != RES_INVALID)
			fail_msg("%s: %s", wrong[i][0], wrong[i][1]);
	}
	assert_int_equal(result_of(&(struct slot){ .put = PUT_URL, .nheaders = 4 }), RES_INVALID);
}

static void
test_type_with_a_line_end_is_refused(void **state)
{
	struct http_request *rq;

	(void)state;
	assert_int_equal(write_request(&(struct slot){ .put = PUT_URL },
	    "text/plain\r\nHost: other.example", &rq), RES_INVALID);
	http_request_free(&rq);
}

static void
test_file_without_room_is_not_uploaded(void **state)
{
	struct http_request *rq = http_request_new();

	(void)state;
	rq->body.max = 3;
	assert_int_equal(put_request(&(struct slot){ .put = PUT_URL }, "text/plain",
	    SPAN("four"), rq), RES_NOMEM);
	http_request_free(&rq);
	rq = http_request_new();
	rq->arena.max = 100;
	assert_int_equal(put_request(&(struct slot){ .put = PUT_URL }, "text/plain",
	    SPAN("four"), rq), RES_NOMEM);
	http_request_free(&rq);
}

/* -- What it came to --------------------------------------------------------------------------- */

static const struct {
	enum http_end end;
	int status;
	const char *words; /* NULL: it is there */
} ends[] = {
	{ HTTP_ANSWERED, 200, NULL },
	{ HTTP_ANSWERED, 201, NULL },
	{ HTTP_TOO_LARGE, 201, NULL },
	{ HTTP_NOT_SENT, 0, "cannot be reached" },
	{ HTTP_BROKEN, 0, "did not say in time" },
	{ HTTP_ANSWERED, 202, "does not take the file (HTTP status 202)" },
	{ HTTP_ANSWERED, 204, "does not take the file (HTTP status 204)" },
	{ HTTP_ANSWERED, 307, "go elsewhere" },
	{ HTTP_ANSWERED, 400, "does not take the file (HTTP status 400)" },
	{ HTTP_ANSWERED, 401, "does not let the file be stored (HTTP status 401)" },
	{ HTTP_ANSWERED, 403, "does not let the file be stored (HTTP status 403)" },
	{ HTTP_ANSWERED, 404, "does not take the file (HTTP status 404)" },
	{ HTTP_ANSWERED, 408, "lost patience" },
	{ HTTP_ANSWERED, 413, "too large" },
	{ HTTP_TOO_LARGE, 413, "too large" },
	{ HTTP_ANSWERED, 429, "no time now" },
	{ HTTP_ANSWERED, 500, "has trouble" },
	{ HTTP_ANSWERED, 507, "no room" },
	{ HTTP_ANSWERED, 599, "has trouble" },
	{ HTTP_ANSWERED, 999, "does not take the file" },
};

static void
test_each_end_has_words_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		const struct http_answer a = { .end = ends[i].end, .status = ends[i].status,
			.body = SPAN("<html>https://up.example.org/?secret</html>"),
			.error = ends[i].end == HTTP_ANSWERED ? NULL : "secret detail" };
		struct buf why = { 0 };

		assert_int_equal(put_judge(&a, &why),
		    ends[i].words == NULL ? RES_OK : RES_TEMPFAIL);
		if (ends[i].words == NULL)
			assert_int_equal(why.len, 0);
		else if (strstr(buf_str(&why), ends[i].words) == NULL)
			fail_msg("%d: %s", ends[i].status, buf_str(&why));
		assert_null(strstr(buf_str(&why), "secret"));
		buf_free(&why);
	}
}

/* -- By libcurl -------------------------------------------------------------------------------- */

struct world {
	struct event_base *base;
	struct http_client *client;
	struct http_pool *pool;
	struct web_peer peer;
	unsigned done;
	enum res res;
	struct buf words;
};

static void
on_turn(void *arg)
{
	(void)arg;
}

static void
on_done(void *arg, const struct http_answer *a)
{
	struct world *w = arg;

	buf_reset(&w->words);
	w->res = put_judge(a, &w->words);
	w->done++;
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return 1;
	w->base = event_base_new();
	w->client = curl_client_new(w->base);
	w->client->turn = on_turn;
	w->pool = w->client->ops->pool_new(w->client, UPLOADS_MAX);
	web_peer_begin(&w->peer, w->base);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	w->client->ops->pool_free(&w->pool);
	curl_client_free(&w->client);
	web_peer_end(&w->peer);
	event_base_free(w->base);
	buf_free(&w->words);
	free(w);
	return 0;
}

static void
put_file(struct world *w, int port, struct span bytes)
{
	struct http_request *rq = http_request_new();
	struct timeval limit = { 20, 0 };
	unsigned done = w->done + 1;
	char url[80];
	const struct slot slot = { .put = url, .headers = { { "Cookie", "a=b" } }, .nheaders = 1 };

	snprintf(url, sizeof(url), "http://127.0.0.1:%d/up/a.json?v=secret", port);
	assert_int_equal(put_request(&slot, "application/json", bytes, rq), RES_OK);
	assert_int_equal(w->client->ops->start(w->pool, rq, on_done, w), RES_OK);
	event_base_loopexit(w->base, &limit);
	while (w->done < done && !event_base_got_exit(w->base))
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_int_equal(w->done, done);
	assert_null(strstr(buf_str(&w->words), "secret"));
}

static bool
heard(struct world *w, const char *text)
{
	return strcasestr(buf_str(&w->peer.last), text) != NULL;
}

static void
say_created(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
}

static void
test_file_arrives_with_its_length_and_its_fields(void **state)
{
	struct world *w = *state;

	w->peer.at_request = say_created;
	put_file(w, w->peer.port, SPAN("{\"a\":\"\xc3\xa4\0\"}"));
	assert_int_equal(w->res, RES_OK);
	assert_true(heard(w, "PUT /up/a.json?v=secret HTTP/1.1\r\n"));
	assert_true(heard(w, "\r\nContent-Type: application/json\r\n"));
	assert_true(heard(w, "\r\nContent-Length: 11\r\n"));
	assert_true(heard(w, "\r\nCookie: a=b\r\n"));
	assert_false(heard(w, "Expect"));
	assert_false(heard(w, "Transfer-Encoding"));
	assert_false(heard(w, "x-www-form-urlencoded"));
	assert_memory_equal(w->peer.last.p + w->peer.last.len - 11, "{\"a\":\"\xc3\xa4\0\"}", 11);
}

static void
test_empty_and_large_files_arrive_whole(void **state)
{
	struct world *w = *state;
	size_t len = (size_t)4 << 20;
	char *bytes = malloc(len);

	assert_non_null(bytes);
	memset(bytes, 'x', len);
	w->peer.at_request = say_created;
	put_file(w, w->peer.port, SPAN(""));
	assert_int_equal(w->res, RES_OK);
	assert_true(heard(w, "\r\nContent-Length: 0\r\n"));
	put_file(w, w->peer.port, (struct span){ bytes, len });
	assert_int_equal(w->res, RES_OK);
	assert_true(w->peer.last.len > len);
	free(bytes);
}

static void
say_too_large(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
}

static void
say_forbidden(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nno: ");
}

static void
test_dead_server_and_refusals_have_different_words(void **state)
{
	struct world *w = *state;
	char dead[128], forbidden[128];
	int port, fd = web_peer_listen(&port);

	close(fd);
	put_file(w, port, SPAN("{}"));
	assert_int_equal(w->res, RES_TEMPFAIL);
	snprintf(dead, sizeof(dead), "%s", buf_str(&w->words));
	w->peer.at_request = say_forbidden;
	put_file(w, w->peer.port, SPAN("{}"));
	assert_int_equal(w->res, RES_TEMPFAIL);
	snprintf(forbidden, sizeof(forbidden), "%s", buf_str(&w->words));
	w->peer.at_request = say_too_large;
	put_file(w, w->peer.port, SPAN("{}"));
	assert_int_equal(w->res, RES_TEMPFAIL);
	assert_string_not_equal(dead, forbidden);
	assert_string_not_equal(dead, buf_str(&w->words));
	assert_string_not_equal(forbidden, buf_str(&w->words));
}

static void
say_elsewhere(struct web_peer_connection *c)
{
	web_peer_says(
	    c, "HTTP/1.1 307 Elsewhere\r\nLocation: /secret\r\nContent-Length: 0\r\n\r\n");
}

static void
test_redirect_is_not_followed(void **state)
{
	struct world *w = *state;

	w->peer.at_request = say_elsewhere;
	put_file(w, w->peer.port, SPAN("{}"));
	assert_int_equal(w->res, RES_TEMPFAIL);
	assert_int_equal(w->peer.requests, 1);
}

static void
close_at_the_second(struct web_peer_connection *c)
{
	if (c->peer->requests == 1)
		say_created(c);
	else
		web_peer_close(c);
}

/* A slot serves once: a second PUT could be refused though the first was taken. */
static void
test_file_is_not_sent_twice_when_a_kept_connection_dies(void **state)
{
	struct world *w = *state;

	w->peer.at_request = close_at_the_second;
	put_file(w, w->peer.port, SPAN("{}"));
	assert_int_equal(w->res, RES_OK);
	put_file(w, w->peer.port, SPAN("{}"));
	assert_int_equal(w->res, RES_TEMPFAIL);
	assert_int_equal(w->peer.requests, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_is_a_put_with_the_fields_of_the_slot),
		cmocka_unit_test(test_urls_of_http_and_https_are_taken),
		cmocka_unit_test(test_what_is_no_url_of_http_is_refused),
		cmocka_unit_test(test_url_has_a_bound),
		cmocka_unit_test(test_other_fields_and_line_ends_are_refused),
		cmocka_unit_test(test_type_with_a_line_end_is_refused),
		cmocka_unit_test(test_file_without_room_is_not_uploaded),
		cmocka_unit_test(test_each_end_has_words_of_its_own),
		TEST(test_file_arrives_with_its_length_and_its_fields),
		TEST(test_empty_and_large_files_arrive_whole),
		TEST(test_dead_server_and_refusals_have_different_words),
		TEST(test_redirect_is_not_followed),
		TEST(test_file_is_not_sent_twice_when_a_kept_connection_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
