#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "web_peer.h"
#include "gateway/curl.h"

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Id:  a b \r\n\r\nhi"
#define SHORT_MS 200
#define LONG_MS 10000

struct end {
	unsigned n;
	enum http_end end;
	int status;
	struct buf body, error, id;
};

struct world {
	struct event_base *base;
	struct http_client *client;
	struct http_pool *pool;
	struct web_peer peer;
	unsigned done, turns, told; /* told: `done` since the last turn */
	bool starting;
	struct end last;
	void (*at_done)(struct world *w);
};

/* The script of a peer has no argument of its own. */
static struct world *the_world;

static void
on_turn(void *arg)
{
	struct world *w = arg;

	assert_true(w->told > 0);
	w->told = 0;
	w->turns++;
}

static void
on_done(void *arg, const struct http_answer *a)
{
	struct world *w = arg;

	assert_false(w->starting);
	assert_true(a->end == HTTP_ANSWERED || a->error != NULL);
	assert_true(a->end != HTTP_ANSWERED || a->error == NULL);
	if (a->error != NULL)
		assert_null(strstr(a->error, "secret"));
	w->done++;
	w->told++;
	w->last.end = a->end;
	w->last.status = a->status;
	buf_reset(&w->last.body);
	buf_reset(&w->last.error);
	buf_reset(&w->last.id);
	buf_span(&w->last.body, a->body);
	buf_text(&w->last.error, a->error);
	buf_text(&w->last.id, http_answer_header(a, "x-id"));
	if (w->at_done != NULL)
		w->at_done(w);
}

static void
answer_ok(struct web_peer_connection *c)
{
	web_peer_says(c, OK);
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
	w->client->turn_arg = w;
	w->pool = w->client->ops->pool_new(w->client, 4);
	w->last.body.max = (size_t)16 << 20;
	web_peer_begin(&w->peer, w->base);
	w->peer.at_request = answer_ok;
	the_world = *state = w;
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
	buf_free(&w->last.body);
	buf_free(&w->last.error);
	buf_free(&w->last.id);
	free(w);
	return 0;
}

static struct http_request *
request_to(const char *method, const char *scheme, int port)
{
	struct http_request *rq = http_request_new();

	rq->method = method;
	rq->url = arena_printf(&rq->arena, "%s://127.0.0.1:%d/send?secret=1", scheme, port);
	rq->timeout_ms = LONG_MS;
	if (strcmp(method, "GET") != 0)
		buf_text(&rq->body, "a body");
	return rq;
}

static struct http_request *
request(struct world *w)
{
	return request_to("POST", "http", w->peer.port);
}

static void
start(struct world *w, struct http_request *rq)
{
	w->starting = true;
	assert_int_equal(w->client->ops->start(w->pool, rq, on_done, w), RES_OK);
	w->starting = false;
}

static void
wait_for(struct world *w, unsigned done)
{
	struct timeval limit = { 20, 0 };

	event_base_loopexit(w->base, &limit);
	while (w->done < done && !event_base_got_exit(w->base))
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_int_equal(w->done, done);
}

/* Start, and wait for the end. */
static void
perform(struct world *w, struct http_request *rq)
{
	start(w, rq);
	wait_for(w, w->done + 1);
}

static bool
heard(struct world *w, const char *text)
{
	return strcasestr(buf_str(&w->peer.last), text) != NULL;
}

/* -- Requests as they are written -------------------------------------------------------------- */

static void
test_a_request_is_written_as_it_was_given(void **state)
{
	struct world *w = *state;
	struct http_request *rq = request(w);

	http_request_header(rq, "Content-Type", "application/json");
	http_request_header(rq, "SOAPAction", "\"\"");
	http_request_header(rq, "X-Empty", "");
	perform(w, rq);
	assert_true(heard(w, "POST /send?secret=1 HTTP/1.1\r\n"));
	assert_true(heard(w, "\r\nContent-Type: application/json\r\n"));
	assert_true(heard(w, "\r\nSOAPAction: \"\"\r\n"));
	assert_true(heard(w, "\r\nX-Empty:\r\n"));
	assert_true(heard(w, "\r\nContent-Length: 6\r\n"));
	assert_true(heard(w, "\r\nUser-Agent: laterd\r\n"));
	assert_true(heard(w, "\r\n\r\na body"));
	assert_false(heard(w, "Authorization"));
	assert_false(heard(w, "Cookie"));
}

static void
test_nothing_is_made_up(void **state)
{
	struct world *w = *state;
	struct http_request *rq = request(w);

	rq->method = "PUT";
	http_request_header(rq, "user-agent", "other");
	perform(w, rq);
	assert_true(heard(w, "PUT /send"));
	assert_false(heard(w, "Content-Type"));
	assert_false(heard(w, "laterd"));
	perform(w, request_to("GET", "http", w->peer.port));
	assert_true(heard(w, "GET /send"));
	assert_false(heard(w, "Content-Length"));
	rq = request(w);
	buf_reset(&rq->body);
	perform(w, rq);
	assert_true(heard(w, "\r\nContent-Length: 0\r\n"));
}

static void
test_a_large_body_expects_no_continue(void **state)
{
	struct world *w = *state;
	struct http_request *rq = request(w);

	memset(buf_extend(&rq->body, (size_t)2 << 20), 'x', (size_t)2 << 20);
	perform(w, rq);
	assert_int_equal(w->last.end, HTTP_ANSWERED);
	assert_false(heard(w, "Expect"));
	assert_true(w->peer.last.len > (size_t)2 << 20);
}

static void
test_a_body_may_have_any_byte(void **state)
{
	struct world *w = *state;
	struct http_request *rq = request(w);

	buf_reset(&rq->body);
	buf_append(&rq->body, "a\0b", 3);
	perform(w, rq);
	assert_true(heard(w, "\r\nContent-Length: 3\r\n"));
	assert_memory_equal(w->peer.last.p + w->peer.last.len - 3, "a\0b", 3);
}

static void
test_a_proxy_of_the_environment_is_not_used(void **state)
{
	struct world *w = *state;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	perform(w, request(w));
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	assert_int_equal(w->last.end, HTTP_ANSWERED);
}

/* -- Answers ----------------------------------------------------------------------------------- */

static void
test_an_answer_has_status_fields_and_body(void **state)
{
	struct world *w = *state;

	perform(w, request(w));
	assert_int_equal(w->last.end, HTTP_ANSWERED);
	assert_int_equal(w->last.status, 200);
	assert_string_equal(buf_str(&w->last.body), "hi");
	assert_string_equal(buf_str(&w->last.id), "a b");
	assert_int_equal(w->turns, 1);
}

static void
answer_after_interim(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 103 Early Hints\r\nX-Id: early\r\n\r\n"
			 "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\nx-other: 1\r\n\r\n"
			 "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
}

static void
test_interim_answers_leave_nothing_behind(void **state)
{
	struct world *w = *state;

	w->peer.at_request = answer_after_interim;
	perform(w, request(w));
	assert_int_equal(w->last.end, HTTP_ANSWERED);
	assert_int_equal(w->last.status, 202);
	assert_string_equal(buf_str(&w->last.body), "abcde");
	assert_string_equal(buf_str(&w->last.id), "");
}

static void
answer_redirect(struct web_peer_connection *c)
{
	web_peer_says(
	    c, "HTTP/1.1 307 Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n");
}

static void
test_a_redirect_is_an_answer_and_not_followed(void **state)
{
	struct world *w = *state;

	w->peer.at_request = answer_redirect;
	perform(w, request(w));
	assert_int_equal(w->last.end, HTTP_ANSWERED);
	assert_int_equal(w->last.status, 307);
	assert_int_equal(w->peer.requests, 1);
}

static void
answer_unauthorized(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
			 "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\nContent-Length: 0\r\n\r\n");
}

static void
test_credentials_are_sent_once_and_at_once(void **state)
{
	struct world *w = *state;
	struct http_request *rq = request(w);

	rq->user = "Aladdin";
	rq->password = "open sesame";
	w->peer.at_request = answer_unauthorized;
	perform(w, rq);
	assert_true(heard(w, "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
	assert_int_equal(w->last.end, HTTP_ANSWERED);
	assert_int_equal(w->last.status, 401);
	assert_int_equal(w->peer.requests, 1);
}

static void
answer_declared_large(struct web_peer_connection *c)
{
	char piece[1025];

	web_peer_says(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
	memset(piece, 'x', 1024);
	piece[1024] = '\0';
	web_peer_says(c, piece);
}

/* More than fits in, a piece at a time, for as long as somebody listens. */
static void
pour(evutil_socket_t fd, short what, void *arg)
{
	static const char piece[] = "400\r\n%01024d\r\n";
	char text[2048];

	(void)what, (void)arg;
	snprintf(text, sizeof(text), piece, 0);
	if (send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

static void
answer_endless(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	event_free(c->ev);
	c->ev = event_new(c->peer->base, c->fd, EV_WRITE | EV_PERSIST, pour, c);
	event_add(c->ev, NULL);
}

static void
test_too_large_an_answer_ends_with_its_status(void **state)
{
	static void (*const scripts[])(struct web_peer_connection *) = { answer_declared_large,
		answer_endless };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		struct http_request *rq = request(w);

		rq->answer_max = 1000;
		w->peer.at_request = scripts[i];
		perform(w, rq);
		assert_int_equal(w->last.end, HTTP_TOO_LARGE);
		assert_int_equal(w->last.status, 200);
		assert_int_equal(w->last.body.len, 0);
	}
}

static void
answer_exactly(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
			 "5\r\n12345\r\n5\r\n12345\r\n0\r\n\r\n");
}

static void
test_the_bound_itself_is_not_too_large(void **state)
{
	struct world *w = *state;
	struct http_request *rq = request(w);

	w->peer.at_request = answer_exactly;
	rq->answer_max = 10;
	perform(w, rq);
	assert_int_equal(w->last.end, HTTP_ANSWERED);
	assert_int_equal(w->last.body.len, 10);
	rq = request(w);
	rq->answer_max = 9;
	perform(w, rq);
	assert_int_equal(w->last.end, HTTP_TOO_LARGE);
	rq = request(w);
	rq->answer_max = 0;
	perform(w, rq);
	assert_int_equal(w->last.end, HTTP_TOO_LARGE);
}

static void
pour_fields(evutil_socket_t fd, short what, void *arg)
{
	(void)what, (void)arg;
	if (send(fd, "X-Id: a\r\n", 9, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

static void
answer_endless_header(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 200 OK\r\n");
	event_free(c->ev);
	c->ev = event_new(c->peer->base, c->fd, EV_WRITE | EV_PERSIST, pour_fields, c);
	event_add(c->ev, NULL);
}

static void
test_an_endless_header_is_broken(void **state)
{
	struct world *w = *state;

	w->peer.at_request = answer_endless_header;
	perform(w, request(w));
	assert_int_equal(w->last.end, HTTP_BROKEN);
	assert_int_equal(w->last.status, 0);
	assert_string_equal(buf_str(&w->last.error), "the answer's header is too large");
}

/* -- What may have been received, and what has not --------------------------------------------- */

static void
test_a_refused_connection_has_sent_nothing(void **state)
{
	struct world *w = *state;
	int port, fd = web_peer_listen(&port);

	close(fd);
	perform(w, request_to("POST", "http", port));
	assert_int_equal(w->last.end, HTTP_NOT_SENT);
	assert_int_equal(w->last.status, 0);
}

static void
test_a_bad_url_has_sent_nothing(void **state)
{
	static const char *const urls[] = { "", "ftp://127.0.0.1/secret", "file:///etc/passwd",
		"http://", "http://127.0.0.1:99999/secret", "http://a b/secret",
		"gopher://127.0.0.1/secret" };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct http_request *rq = request(w);

		rq->url = urls[i];
		perform(w, rq);
		assert_int_equal(w->last.end, HTTP_NOT_SENT);
	}
	assert_int_equal(w->peer.accepted, 0);
}

static void
close_it(struct web_peer_connection *c)
{
	web_peer_close(c);
}

static void
reset_it(struct web_peer_connection *c)
{
	web_peer_reset(c);
}

static void
half_header(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 200 OK\r\nContent-Le");
	web_peer_close(c);
}

static void
half_body(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
	web_peer_close(c);
}

static void
half_chunks(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n");
	web_peer_reset(c);
}

static void
garbage(struct web_peer_connection *c)
{
	web_peer_says(c, "SSH-2.0-OpenSSH_9.2\r\n");
	web_peer_close(c);
}

static void
bad_chunks(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
}

static void
bad_length(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n");
	web_peer_close(c);
}

static void
test_whatever_breaks_after_the_request_is_broken(void **state)
{
	static void (*const scripts[])(struct web_peer_connection *) = { close_it, reset_it,
		half_header, half_body, half_chunks, garbage, bad_chunks };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
		w->peer.at_request = scripts[i];
		perform(w, request(w));
		if (w->last.end != HTTP_BROKEN)
			fail_msg("script %zu ended in %d", i, w->last.end);
		assert_int_equal(w->last.status, 0);
		assert_int_equal(w->last.body.len, 0);
	}
	assert_int_equal(w->peer.requests, sizeof(scripts) / sizeof(scripts[0]));
}

static void
test_an_odd_length_is_never_taken_for_an_answer_twice(void **state)
{
	struct world *w = *state;

	w->peer.at_request = bad_length;
	perform(w, request(w));
	assert_int_equal(w->peer.requests, 1);
	assert_int_not_equal(w->last.end, HTTP_NOT_SENT);
}

static void
test_a_connection_that_is_reset_before_the_request_is_read_is_no_answer(void **state)
{
	struct world *w = *state;

	w->peer.at_accept = reset_it;
	perform(w, request(w));
	/* The kernel may tell of the reset before libcurl has written anything. */
	assert_true(w->last.end == HTTP_BROKEN || w->last.end == HTTP_NOT_SENT);
	assert_int_equal(w->peer.accepted, 1);
}

static void
say_nothing(struct web_peer_connection *c)
{
	(void)c;
}

static void
half_and_wait(struct web_peer_connection *c)
{
	web_peer_says(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
}

static void
test_no_answer_in_time_is_broken(void **state)
{
	static void (*const scripts[])(struct web_peer_connection *) = { say_nothing,
		half_and_wait };
	struct world *w = *state;

	for (size_t i = 0; i < 2; i++) {
		struct http_request *rq = request(w);

		rq->timeout_ms = SHORT_MS;
		w->peer.at_request = scripts[i];
		perform(w, rq);
		assert_int_equal(w->last.end, HTTP_BROKEN);
		assert_string_equal(buf_str(&w->last.error), "no answer in time");
	}
}

static void
test_no_connection_in_time_has_sent_nothing(void **state)
{
	struct world *w = *state;
	struct http_request *rq = request_to("POST", "https", w->peer.port);

	/* The peer never answers the TLS handshake. */
	rq->timeout_ms = SHORT_MS;
	perform(w, rq);
	assert_int_equal(w->last.end, HTTP_NOT_SENT);
	assert_int_equal(w->peer.accepted, 1);
}

static void
test_a_request_that_waits_for_a_connection_too_long_has_not_been_sent(void **state)
{
	struct world *w = *state;
	struct http_request *rq = request(w);

	w->client->ops->pool_resize(w->pool, 1);
	w->peer.at_request = say_nothing;
	start(w, request(w));
	rq->timeout_ms = SHORT_MS;
	perform(w, rq);
	assert_int_equal(w->last.end, HTTP_NOT_SENT);
	assert_string_equal(buf_str(&w->last.error), "no connection in time");
	assert_int_equal(w->peer.requests, 1);
}

/* -- Connections ------------------------------------------------------------------------------- */

static void
test_a_connection_is_used_again(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 5; i++)
		perform(w, request(w));
	assert_int_equal(w->peer.requests, 5);
	assert_int_equal(w->peer.accepted, 1);
}

static void
close_at_the_second(struct web_peer_connection *c)
{
	if (c->peer->requests == 1)
		web_peer_says(c, OK);
	else
		web_peer_close(c);
}

static void
reset_at_the_second(struct web_peer_connection *c)
{
	if (c->peer->requests == 1)
		web_peer_says(c, OK);
	else
		web_peer_reset(c);
}

/* libcurl would send it again, as long as not a byte has come back. */
static void
test_a_kept_connection_that_dies_sends_nothing_twice(void **state)
{
	static void (*const scripts[])(struct web_peer_connection *) = { close_at_the_second,
		reset_at_the_second };
	static const char *const methods[] = { "POST", "GET", "PUT" };
	struct world *w = *state;

	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < 3; k++) {
			w->peer.requests = w->peer.accepted = 0;
			w->peer.at_request = scripts[i];
			perform(w, request_to(methods[k], "http", w->peer.port));
			assert_int_equal(w->last.end, HTTP_ANSWERED);
			perform(w, request_to(methods[k], "http", w->peer.port));
			assert_int_equal(w->last.end, HTTP_BROKEN);
			assert_int_equal(w->peer.requests, 2);
		}
}

static void
hang_up_after(struct web_peer_connection *c)
{
	web_peer_says(c, OK);
	web_peer_close(c);
}

static void
test_a_connection_that_was_closed_while_idle_costs_nothing(void **state)
{
	struct world *w = *state;

	w->peer.at_request = hang_up_after;
	for (int i = 0; i < 3; i++) {
		perform(w, request(w));
		assert_int_equal(w->last.end, HTTP_ANSWERED);
	}
	assert_int_equal(w->peer.accepted, 3);
}

static unsigned
answer_held(struct web_peer *p)
{
	unsigned n = 0;

	for (size_t i = 0; i < WEB_PEER_MAX; i++)
		if (p->v[i].fd >= 0) {
			web_peer_says(&p->v[i], OK);
			n++;
		}
	return n;
}

static void
test_no_more_connections_than_allowed(void **state)
{
	struct world *w = *state;
	unsigned answered = 0;

	w->client->ops->pool_resize(w->pool, 2);
	w->peer.at_request = say_nothing;
	for (int i = 0; i < 7; i++)
		start(w, request(w));
	while (answered < 7) {
		while (w->peer.requests < answered + (answered < 6 ? 2 : 1))
			event_base_loop(w->base, EVLOOP_ONCE);
		if (answered == 6) {
			w->peer.at_request = answer_ok;
			answer_held(&w->peer);
			answered++;
		} else
			answered += answer_held(&w->peer);
	}
	wait_for(w, 7);
	assert_int_equal(w->last.end, HTTP_ANSWERED);
	assert_int_equal(w->peer.most, 2);
	assert_int_equal(w->peer.accepted, 2);
}

static void
test_pools_share_no_connections(void **state)
{
	struct world *w = *state;
	struct http_pool *first = w->pool, *second = w->client->ops->pool_new(w->client, 1);

	perform(w, request(w));
	w->pool = second;
	perform(w, request(w));
	assert_int_equal(w->peer.accepted, 2);
	w->client->ops->pool_free(&second);
	assert_null(second);
	w->pool = first;
	perform(w, request(w));
	assert_int_equal(w->peer.accepted, 2);
}

/* -- Turns ------------------------------------------------------------------------------------- */

static void
answer_all_at_the_fourth(struct web_peer_connection *c)
{
	if (c->peer->requests == 4)
		answer_held(c->peer);
}

static void
test_one_turn_serves_all_that_ended_together(void **state)
{
	struct world *w = *state;

	w->peer.at_request = answer_all_at_the_fourth;
	for (int i = 0; i < 4; i++)
		start(w, request(w));
	wait_for(w, 4);
	assert_int_equal(w->turns, 1);
	assert_int_equal(w->told, 0);
}

static void
start_another(struct world *w)
{
	if (w->done < 3)
		start(w, request(w));
}

static void
test_an_end_may_begin_another_request(void **state)
{
	struct world *w = *state;

	w->at_done = start_another;
	start(w, request(w));
	wait_for(w, 3);
	assert_int_equal(w->turns, 3);
	assert_int_equal(w->peer.accepted, 1);
}

static void
free_the_pool(struct world *w)
{
	w->client->ops->pool_free(&w->pool);
}

static void
test_an_end_may_free_its_pool_and_nothing_more_is_told(void **state)
{
	struct world *w = *state;

	w->at_done = free_the_pool;
	w->peer.at_request = answer_all_at_the_fourth;
	for (int i = 0; i < 4; i++)
		start(w, request(w));
	wait_for(w, 1);
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_int_equal(w->done, 1);
	assert_null(w->pool);
}

static void
free_at_the_request(struct web_peer_connection *c)
{
	web_peer_says(c, OK);
	the_world->client->ops->pool_free(&the_world->pool);
}

static void
test_what_is_under_way_is_given_up_silently(void **state)
{
	struct world *w = *state;
	unsigned i;

	w->peer.at_request = free_at_the_request;
	start(w, request(w));
	while (w->peer.requests == 0)
		event_base_loop(w->base, EVLOOP_ONCE);
	for (i = 0; i < 20; i++)
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	assert_int_equal(w->done, 0);
	assert_int_equal(w->turns, 0);
	/* One that had not even begun to connect. */
	w->pool = w->client->ops->pool_new(w->client, 1);
	start(w, request(w));
	w->client->ops->pool_free(&w->pool);
	assert_int_equal(w->done, 0);
}

/* -- Strangers --------------------------------------------------------------------------------- */

static struct http_request *
stranger(struct world *w, const char *scheme)
{
	struct http_request *rq = request_to("GET", scheme, w->peer.port);

	rq->stranger = true;
	return rq;
}

static void
test_a_stranger_gets_no_address_that_is_not_public(void **state)
{
	struct world *w = *state;

	perform(w, stranger(w, "https"));
	assert_int_equal(w->last.end, HTTP_NOT_SENT);
	assert_string_equal(buf_str(&w->last.error), "the address is not public");
	assert_int_equal(w->peer.accepted, 0);
}

static void
test_a_name_does_not_hide_the_address(void **state)
{
	struct world *w = *state;
	struct http_request *rq = stranger(w, "https");

	rq->url = arena_printf(&rq->arena, "https://localhost:%d/", w->peer.port);
	perform(w, rq);
	assert_int_equal(w->last.end, HTTP_NOT_SENT);
	assert_string_equal(buf_str(&w->last.error), "the address is not public");
	assert_int_equal(w->peer.accepted, 0);
}

static void
test_private_addresses_may_be_allowed_but_plain_http_never(void **state)
{
	struct world *w = *state;
	struct http_request *rq = stranger(w, "https");

	curl_client_private_media(w->client, true);
	rq->timeout_ms = SHORT_MS;
	perform(w, rq);
	assert_int_equal(w->last.end, HTTP_NOT_SENT);
	assert_int_equal(w->peer.accepted, 1);
	perform(w, stranger(w, "http"));
	assert_int_equal(w->last.end, HTTP_NOT_SENT);
	assert_int_equal(w->peer.accepted, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_request_is_written_as_it_was_given),
		TEST(test_nothing_is_made_up),
		TEST(test_a_large_body_expects_no_continue),
		TEST(test_a_body_may_have_any_byte),
		TEST(test_a_proxy_of_the_environment_is_not_used),
		TEST(test_an_answer_has_status_fields_and_body),
		TEST(test_interim_answers_leave_nothing_behind),
		TEST(test_a_redirect_is_an_answer_and_not_followed),
		TEST(test_credentials_are_sent_once_and_at_once),
		TEST(test_too_large_an_answer_ends_with_its_status),
		TEST(test_the_bound_itself_is_not_too_large),
		TEST(test_an_endless_header_is_broken),
		TEST(test_a_refused_connection_has_sent_nothing),
		TEST(test_a_bad_url_has_sent_nothing),
		TEST(test_whatever_breaks_after_the_request_is_broken),
		TEST(test_an_odd_length_is_never_taken_for_an_answer_twice),
		TEST(test_a_connection_that_is_reset_before_the_request_is_read_is_no_answer),
		TEST(test_no_answer_in_time_is_broken),
		TEST(test_no_connection_in_time_has_sent_nothing),
		TEST(test_a_request_that_waits_for_a_connection_too_long_has_not_been_sent),
		TEST(test_a_connection_is_used_again),
		TEST(test_a_kept_connection_that_dies_sends_nothing_twice),
		TEST(test_a_connection_that_was_closed_while_idle_costs_nothing),
		TEST(test_no_more_connections_than_allowed),
		TEST(test_pools_share_no_connections),
		TEST(test_one_turn_serves_all_that_ended_together),
		TEST(test_an_end_may_begin_another_request),
		TEST(test_an_end_may_free_its_pool_and_nothing_more_is_told),
		TEST(test_what_is_under_way_is_given_up_silently),
		TEST(test_a_stranger_gets_no_address_that_is_not_public),
		TEST(test_a_name_does_not_hide_the_address),
		TEST(test_private_addresses_may_be_allowed_but_plain_http_never),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
