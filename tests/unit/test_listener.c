#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/listener.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define CLIENTS 30

/* Both ends of each connection are in this process; nothing waits but for a deadline. */
struct world {
	struct event_base *base;
	struct listener *l;
	int fd[CLIENTS];
	struct buf heard[CLIENTS];
	bool ended[CLIENTS];
	/* What the function was asked, and what it answers. */
	struct buf asked;
	unsigned count;
	int status;
	const char *type;
	struct span body;
	size_t fill;
};

static void
answer(void *arg, const struct web_request *rq, struct web_reply *reply)
{
	struct world *w = arg;

	w->count++;
	buf_printf(&w->asked, "[%s|%s|%s|%s|%.*s]", rq->method, rq->path, rq->query,
	    rq->content_type, rq->body.len > 100 ? 3 : (int)rq->body.len, rq->body.p);
	if (rq->body.len > 100)
		buf_printf(&w->asked, "%zu", rq->body.len);
	reply->status = w->status;
	reply->type = w->type;
	buf_span(&reply->body, w->body);
	if (w->fill > 0) {
		buf_free(&reply->body);
		reply->body.max = w->fill;
		memset(buf_extend(&reply->body, w->fill), 'x', w->fill);
	}
}

static int
begin(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct buf why = { 0 };

	signal(SIGPIPE, SIG_IGN);
	*state = w;
	w->base = event_base_new();
	w->status = 200;
	w->body = SPAN("fine\n");
	for (int i = 0; i < CLIENTS; i++) {
		w->fd[i] = -1;
		w->heard[i].max = (size_t)8 << 20;
	}
	return listener_new(w->base, "127.0.0.1", 0, answer, w, &w->l, &why) == RES_OK ? 0 : 1;
}

static int
end(void **state)
{
	struct world *w = *state;

	listener_free(&w->l);
	assert_null(w->l);
	for (int i = 0; i < CLIENTS; i++) {
		if (w->fd[i] >= 0)
			close(w->fd[i]);
		buf_free(&w->heard[i]);
	}
	event_base_loop(w->base, EVLOOP_NONBLOCK);
	event_base_free(w->base);
	buf_free(&w->asked);
	free(w);
	return 0;
}

/* Everything that can happen now. */
static void
settle(struct world *w)
{
	static char piece[65536];

	for (int round = 0; round < 30; round++) {
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		for (int i = 0; i < CLIENTS; i++) {
			ssize_t n;

			if (w->fd[i] < 0 || w->ended[i])
				continue;
			while ((n = recv(w->fd[i], piece, sizeof(piece), 0)) > 0) {
				buf_append(&w->heard[i], piece, (size_t)n);
				round = 0;
			}
			if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
				w->ended[i] = true;
		}
	}
}

static void
dial(struct world *w, int i)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)listener_port(w->l)),
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };

	w->fd[i] = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(w->fd[i] >= 0);
	assert_int_equal(connect(w->fd[i], (struct sockaddr *)&to, sizeof(to)), 0);
	fcntl(w->fd[i], F_SETFL, O_NONBLOCK);
	w->ended[i] = false;
	buf_reset(&w->heard[i]);
}

/* As much as is taken; whoever ends the connection takes no more. */
static void
say(struct world *w, int i, const char *p, size_t len)
{
	while (len > 0 && !w->ended[i]) {
		ssize_t n = send(w->fd[i], p, len, 0);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno != EAGAIN)
			break;
		settle(w);
	}
	settle(w);
}

static const char *
ask(struct world *w, int i, const char *text)
{
	buf_reset(&w->heard[i]);
	say(w, i, text, strlen(text));
	return buf_str(&w->heard[i]);
}

static unsigned
count_of(const char *text, const char *part)
{
	unsigned n = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		n++;
	return n;
}

static void
assert_begins(const char *text, const char *start)
{
	if (strncmp(text, start, strlen(start)) != 0)
		fail_msg("\"%.60s\" does not begin with \"%s\"", text, start);
}

static void
assert_asked(struct world *w, const char *want)
{
	assert_string_equal(buf_str(&w->asked), want);
	buf_reset(&w->asked);
}

/* -- Requests and replies ---------------------------------------------------------------------- */

static void
test_a_request_is_answered(void **state)
{
	struct world *w = *state;
	const char *heard;

	dial(w, 0);
	heard = ask(w, 0, GET("/healthz"));
	assert_begins(heard, "HTTP/1.1 200 ");
	assert_non_null(strstr(heard, "Content-Length: 5\r\n"));
	assert_non_null(strstr(heard, "Content-Type: text/plain"));
	assert_null(strcasestr(heard, "\r\nServer:"));
	assert_non_null(strstr(heard, "\r\n\r\nfine\n"));
	assert_asked(w, "[GET|/healthz|||]");
}

static void
test_path_and_query_come_as_they_stand(void **state)
{
	struct world *w = *state;

	dial(w, 0);
	ask(w, 0, GET("/report/a%2Fb/%00/../c?x=%41+b&y=&x=2?"));
	assert_asked(w, "[GET|/report/a%2Fb/%00/../c|x=%41+b&y=&x=2?||]");
	ask(w, 0, GET("/a?"));
	assert_asked(w, "[GET|/a|||]");
	ask(w, 0, GET("http://elsewhere.example:99/b?c"));
	assert_asked(w, "[GET|/b|c||]");
	ask(w, 0, GET("//b"));
	ask(w, 0, GET("?q"));
	ask(w, 0, GET("x"));
	assert_true(w->count >= 3);
}

static void
test_a_body_comes_with_its_type(void **state)
{
	struct world *w = *state;

	dial(w, 0);
	assert_begins(ask(w, 0, "POST /report/n?a=b HTTP/1.1\r\nHost: x\r\n"
	    "Content-Type: application/json; charset=utf-8\r\nContent-Length: 7\r\n\r\n{\"a\":1}"),
	    "HTTP/1.1 200 ");
	assert_asked(w, "[POST|/report/n|a=b|application/json; charset=utf-8|{\"a\":1}]");
	assert_begins(ask(w, 0, "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), "HTTP/1.1 200 ");
	assert_asked(w, "[POST|/c|||abcde]");
	ask(w, 0, "POST /empty HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	assert_asked(w, "[POST|/empty|||]");
}

static void
test_the_reply_is_what_the_function_says(void **state)
{
	struct world *w = *state;
	const char *heard;

	dial(w, 0);
	w->status = 0;
	w->body = (struct span){ 0 };
	heard = ask(w, 0, GET("/"));
	assert_begins(heard, "HTTP/1.1 404 ");
	assert_non_null(strstr(heard, "Content-Length: 0\r\n"));
	w->status = 503;
	w->type = "text/xml";
	w->body = SPAN("<a/>");
	heard = ask(w, 0, GET("/"));
	assert_begins(heard, "HTTP/1.1 503 ");
	assert_non_null(strstr(heard, "Content-Type: text/xml\r\n"));
	assert_non_null(strstr(heard, "<a/>"));
	/* What is no reply. */
	w->type = "text/xml\r\nX: y";
	heard = ask(w, 0, GET("/"));
	assert_begins(heard, "HTTP/1.1 500 ");
	assert_null(strstr(heard, "X: y"));
	w->type = NULL;
	w->status = 99;
	assert_begins(ask(w, 0, GET("/")), "HTTP/1.1 500 ");
	w->status = 1000;
	assert_begins(ask(w, 0, GET("/")), "HTTP/1.1 500 ");
}

static void
test_other_methods_are_not_allowed(void **state)
{
	static const char *const methods[] = {
		"HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"
	};
	struct world *w = *state;
	char text[100];

	for (int i = 0; i < 6; i++) {
		const char *heard;

		dial(w, i);
		snprintf(text, sizeof(text),
		    "%s /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", methods[i]);
		heard = ask(w, i, text);
		assert_begins(heard, "HTTP/1.1 405 ");
		assert_non_null(strstr(heard, "Allow: GET, POST\r\n"));
		assert_begins(ask(w, i, GET("/")), "HTTP/1.1 200 ");
	}
	assert_int_equal(w->count, 6);
	dial(w, 6);
	assert_begins(ask(w, 6, "BREW /pot HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 501 ");
	dial(w, 7);
	assert_begins(ask(w, 7, "CONNECT a.example:80 HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 40");
	assert_int_equal(w->count, 6);
}

static void
test_garbage_is_no_request(void **state)
{
	static const char *const bad[] = { "\r\n", "GET\r\n\r\n", "GET / HTTP/9.9.9\r\n\r\n",
		"\x16\x03\x01\x02",
		"GET / HTTP/1.1\r\nno colon\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\nab",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nab",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n",
		"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nab",
	};
	struct world *w = *state;

	for (int i = 0; i < 10; i++) {
		const char *heard;

		dial(w, i);
		heard = ask(w, i, bad[i]);
		assert_null(strstr(heard, " 200 "));
	}
	assert_int_equal(w->count, 0);
}

/* -- Connections ------------------------------------------------------------------------------- */

static void
test_a_connection_serves_many_requests(void **state)
{
	struct world *w = *state;

	dial(w, 0);
	for (int i = 0; i < 50; i++)
		assert_begins(ask(w, 0, GET("/healthz")), "HTTP/1.1 200 ");
	assert_false(w->ended[0]);
	assert_int_equal(w->count, 50);
	assert_int_equal(listener_connections(w->l), 1);
	assert_begins(ask(w, 0, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
	    "HTTP/1.1 200 ");
	assert_true(w->ended[0]);
	assert_int_equal(listener_connections(w->l), 0);
	dial(w, 1);
	assert_begins(ask(w, 1, "GET / HTTP/1.0\r\n\r\n"), "HTTP/1.");
	assert_true(w->ended[1]);
}

static void
test_pipelined_requests_are_answered_in_order(void **state)
{
	struct world *w = *state;

	dial(w, 0);
	ask(w, 0, GET("/1") GET("/2")
	    "POST /3 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab" GET("/4") "GET /5 HT");
	assert_int_equal(count_of(buf_str(&w->heard[0]), "HTTP/1.1 200 "), 4);
	assert_asked(w, "[GET|/1|||][GET|/2|||][POST|/3|||ab][GET|/4|||]");
	ask(w, 0, "TP/1.1\r\nHost: x\r\n\r\n");
	assert_asked(w, "[GET|/5|||]");
}

static void
test_a_client_that_has_said_all_still_hears_the_answer(void **state)
{
	struct world *w = *state;

	dial(w, 0);
	w->fill = 10000;
	assert_int_equal(send(w->fd[0], GET("/"), strlen(GET("/")), 0), strlen(GET("/")));
	shutdown(w->fd[0], SHUT_WR);
	settle(w);
	assert_true(w->heard[0].len > 10000);
	assert_true(w->ended[0]);
	assert_int_equal(listener_connections(w->l), 0);
}

static void
test_connections_beyond_the_bound_wait(void **state)
{
	struct listener_bounds bounds = listener_bounds_default;
	struct world *w = *state;

	bounds.connections = 10;
	listener_set_bounds(w->l, &bounds);
	for (int i = 0; i < CLIENTS; i++)
		dial(w, i);
	settle(w);
	assert_int_equal(listener_connections(w->l), 10);
	for (int i = 0; i < CLIENTS; i++)
		ask(w, i, GET("/"));
	assert_int_equal(w->count, 10);
	for (int i = 0; i < CLIENTS; i++) {
		assert_true(listener_connections(w->l) <= 10);
		settle(w);
		if (w->heard[i].len == 0)
			fail_msg("%d is not answered", i);
		close(w->fd[i]);
		w->fd[i] = -1;
		settle(w);
	}
	assert_int_equal(w->count, CLIENTS);
	assert_int_equal(listener_connections(w->l), 0);
}

static void
test_a_hundred_connections_are_open_at_once(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
	struct world *w = *state;
	int fd[120];

	to.sin_port = htons((uint16_t)listener_port(w->l));
	for (int i = 0; i < 120; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(fd[i], (struct sockaddr *)&to, sizeof(to)), 0);
	}
	settle(w);
	assert_int_equal(listener_connections(w->l), 100);
	for (int i = 0; i < 120; i++)
		close(fd[i]);
	settle(w);
	settle(w);
	assert_int_equal(listener_connections(w->l), 0);
	dial(w, 0);
	assert_begins(ask(w, 0, GET("/")), "HTTP/1.1 200 ");
}

static void
test_clients_that_vanish_are_forgotten(void **state)
{
	const struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	struct world *w = *state;

	for (int i = 0; i < 20; i++) {
		dial(w, i);
		ask(w, i, i % 3 == 0 ? "" : i % 3 == 1 ? "GET / HT" : GET("/"));
		if (i % 2 == 0)
			setsockopt(w->fd[i], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(w->fd[i]);
		w->fd[i] = -1;
	}
	settle(w);
	assert_int_equal(listener_connections(w->l), 0);
}

/* -- Bounds ------------------------------------------------------------------------------------ */

static char *
repeat(const char *start, char c, size_t n, const char *rest)
{
	size_t len = strlen(start);
	char *text = malloc(len + n + strlen(rest) + 1);

	assert_non_null(text);
	memcpy(text, start, len);
	memset(text + len, c, n);
	strcpy(text + len + n, rest);
	return text;
}

static void
test_a_header_beyond_its_bound_is_refused(void **state)
{
	static const char *const starts[] = { "GET /", "GET / HTTP/1.1\r\nHost: x\r\nX: ",
		"GET / HTTP/1.1\r\nHost: x\r\n" };
	static const char *const rests[] = { " HTTP/1.1\r\n\r\n", "\r\n\r\n", "" };
	struct world *w = *state;
	char *text;

	for (int i = 0; i < 3; i++) {
		dial(w, i);
		text = repeat(starts[i], 'a', 9000, rests[i]);
		assert_begins(ask(w, i, text), "HTTP/1.1 4");
		assert_true(w->ended[i]);
		free(text);
	}
	/* Many small fields are a large header too. */
	dial(w, 3);
	say(w, 3, "GET / HTTP/1.1\r\n", 16);
	for (int i = 0; i < 3000 && !w->ended[3]; i++)
		say(w, 3, "a: b\r\n", 6);
	assert_true(w->ended[3]);
	assert_int_equal(w->count, 0);
	dial(w, 4);
	text = repeat("GET / HTTP/1.1\r\nHost: x\r\nX: ", 'a', 7000, "\r\n\r\n");
	assert_begins(ask(w, 4, text), "HTTP/1.1 200 ");
	free(text);
}

static void
test_a_body_beyond_its_bound_is_413(void **state)
{
	struct world *w = *state;
	char *text;

	dial(w, 0);
	text = repeat("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n", 'b',
	    65536, "");
	assert_begins(ask(w, 0, text), "HTTP/1.1 200 ");
	assert_asked(w, "[POST|/|||bbb]65536");
	free(text);
	dial(w, 1);
	text = repeat("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 'b',
	    65537, "");
	assert_begins(ask(w, 1, text), "HTTP/1.1 413 ");
	assert_true(w->ended[1]);
	free(text);
	dial(w, 2);
	text = repeat("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n",
	    'b', 0x20000, "\r\n0\r\n\r\n");
	ask(w, 2, text);
	assert_null(strstr(buf_str(&w->heard[2]), " 200 "));
	free(text);
	assert_int_equal(w->count, 1);
	/* What is announced and never comes costs nothing but its time. */
	dial(w, 3);
	ask(w, 3, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000000\r\n\r\n");
	assert_int_equal(w->count, 1);
}

/* Runs until nothing is connected any more; only deadlines are waited for. */
static void
wait_for_the_end(struct world *w)
{
	for (int i = 0; i < 1000 && listener_connections(w->l) > 0; i++) {
		event_base_loop(w->base, EVLOOP_ONCE);
		settle(w);
	}
	assert_int_equal(listener_connections(w->l), 0);
}

static void
test_slow_clients_are_ended(void **state)
{
	static const char *const starts[] = { "", "G", "GET / HTTP/1.1\r\nHost: x\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\nabc", GET("/") };
	struct listener_bounds bounds = listener_bounds_default;
	struct world *w = *state;

	bounds.wait_ms = 60;
	listener_set_bounds(w->l, &bounds);
	for (int i = 0; i < 6; i++) {
		dial(w, i);
		ask(w, i, starts[i]);
	}
	assert_int_equal(listener_connections(w->l), 6);
	wait_for_the_end(w);
	for (int i = 0; i < 6; i++)
		assert_true(w->ended[i]);
	assert_int_equal(w->count, 1);
}

static void
test_each_answer_gives_new_time(void **state)
{
	struct listener_bounds bounds = listener_bounds_default;
	struct world *w = *state;

	bounds.wait_ms = 250;
	listener_set_bounds(w->l, &bounds);
	dial(w, 0);
	for (int i = 0; i < 5; i++) {
		assert_begins(ask(w, 0, i % 2 == 0 ? GET("/")
		    : "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 ");
		/* Until the connections are looked at again. */
		event_base_loop(w->base, EVLOOP_ONCE);
	}
	assert_false(w->ended[0]);
	wait_for_the_end(w);
}

static void
test_a_byte_now_and_then_is_too_slow(void **state)
{
	struct listener_bounds bounds = listener_bounds_default;
	struct world *w = *state;
	unsigned said = 0;

	bounds.wait_ms = 60;
	listener_set_bounds(w->l, &bounds);
	dial(w, 0);
	ask(w, 0, "GET / HTTP/1.1\r\nX: ");
	/* Each byte would begin an idle timeout anew. */
	while (!w->ended[0] && said < 5000000) {
		(void)send(w->fd[0], "a", said % 4096 == 0, 0);
		said++;
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		if (said % 64 == 0)
			settle(w);
	}
	assert_true(w->ended[0]);
	assert_int_equal(w->count, 0);
	assert_int_equal(listener_connections(w->l), 0);
}

static void
test_a_client_that_does_not_read_is_ended(void **state)
{
	struct listener_bounds bounds = listener_bounds_default;
	struct world *w = *state;

	bounds.wait_ms = 400;
	listener_set_bounds(w->l, &bounds);
	w->fill = (size_t)16 << 20;
	dial(w, 0);
	assert_int_equal(send(w->fd[0], GET("/"), strlen(GET("/")), 0), strlen(GET("/")));
	w->ended[0] = true; /* nobody reads */
	settle(w);
	assert_int_equal(listener_connections(w->l), 1);
	wait_for_the_end(w);
	assert_int_equal(w->count, 1);
}

/* Requests without end, from somebody who reads no answer, are left where they are. */
static void
test_a_flood_is_not_read(void **state)
{
	static char flood[1 << 16];
	struct world *w = *state;
	size_t said = 0;
	int refused = 0;

	memset(flood, '\n', sizeof(flood));
	w->fill = (size_t)16 << 20;
	dial(w, 0);
	assert_int_equal(send(w->fd[0], GET("/"), strlen(GET("/")), 0), strlen(GET("/")));
	w->ended[0] = true;
	settle(w);
	while (refused < 20 && said < (size_t)100 << 20) {
		ssize_t n = send(w->fd[0], flood, sizeof(flood), 0);

		refused = n > 0 ? 0 : refused + 1;
		said += n > 0 ? (size_t)n : 0;
		event_base_loop(w->base, EVLOOP_NONBLOCK);
	}
	assert_int_equal(refused, 20);
	assert_int_equal(w->count, 1);
}

/* -- Beginning and end ------------------------------------------------------------------------- */

static void
test_an_address_in_use_is_a_reason(void **state)
{
	struct world *w = *state;
	struct listener *other;
	struct buf why = { 0 };
	char want[60];

	assert_int_equal(listener_new(w->base, "127.0.0.1", listener_port(w->l), answer, w, &other,
	    &why), RES_PERMFAIL);
	assert_null(other);
	snprintf(want, sizeof(want), "127.0.0.1:%d: Address already in use", listener_port(w->l));
	assert_string_equal(buf_str(&why), want);
	buf_reset(&why);
	assert_int_equal(listener_new(w->base, "256.0.0.1.", 0, answer, w, &other, &why),
	    RES_PERMFAIL);
	assert_true(why.len > 0);
	buf_free(&why);
}

static void
test_the_end_may_come_at_any_time(void **state)
{
	struct world *w = *state;

	dial(w, 0);
	dial(w, 1);
	dial(w, 2);
	ask(w, 0, GET("/"));
	ask(w, 1, "GET / HT");
	listener_free(&w->l);
	settle(w);
	for (int i = 0; i < 3; i++)
		assert_true(w->ended[i]);
	listener_free(&w->l);
}

#define with_listener(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_listener(test_a_request_is_answered),
		with_listener(test_path_and_query_come_as_they_stand),
		with_listener(test_a_body_comes_with_its_type),
		with_listener(test_the_reply_is_what_the_function_says),
		with_listener(test_other_methods_are_not_allowed),
		with_listener(test_garbage_is_no_request),
		with_listener(test_a_connection_serves_many_requests),
		with_listener(test_pipelined_requests_are_answered_in_order),
		with_listener(test_a_client_that_has_said_all_still_hears_the_answer),
		with_listener(test_connections_beyond_the_bound_wait),
		with_listener(test_a_hundred_connections_are_open_at_once),
		with_listener(test_clients_that_vanish_are_forgotten),
		with_listener(test_a_header_beyond_its_bound_is_refused),
		with_listener(test_a_body_beyond_its_bound_is_413),
		with_listener(test_slow_clients_are_ended),
		with_listener(test_each_answer_gives_new_time),
		with_listener(test_a_byte_now_and_then_is_too_slow),
		with_listener(test_a_client_that_does_not_read_is_ended),
		with_listener(test_a_flood_is_not_read),
		with_listener(test_an_address_in_use_is_a_reason),
		with_listener(test_the_end_may_come_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
