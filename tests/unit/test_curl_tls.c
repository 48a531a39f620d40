#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <curl/curl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "web_peer.h"
#include "gateway/curl.h"

struct world {
	struct event_base *base;
	struct http_client *client;
	struct http_pool *pool;
	EVP_PKEY *key;
	char ca_file[40];
	int fd, port, pipe[2];
	pid_t server;
	bool http2, done;
	enum http_end end;
	int status;
};

/* -- A server with a certificate of its own, in a process of its own ---------------------------- */

/* Self-signed, for that address, and good until `days` from now. */
static X509 *
make_certificate(EVP_PKEY *key, const char *address, long days)
{
	char names[64];
	X509 *cert = X509_new();
	X509_EXTENSION *ext;

	snprintf(names, sizeof(names), "IP:%s", address);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -90 * 86400L);
	X509_gmtime_adj(X509_getm_notAfter(cert), days * 86400L);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
	    (const unsigned char *)"gateway", -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(cert));
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
	if (X509_sign(cert, key, EVP_sha256()) == 0)
		abort();
	return cert;
}

/* -- HTTP/2 (RFC 9113), as far as it takes to see how many requests a connection has ----------- */

enum { FRAME_HEADERS = 1, FRAME_RST_STREAM = 3, FRAME_SETTINGS = 4 };

static int
choose_h2(SSL *ssl, const unsigned char **out, unsigned char *len, const unsigned char *in,
    unsigned in_len, void *arg)
{
	static const unsigned char h2[] = "\2h2";

	(void)ssl, (void)arg;
	return SSL_select_next_proto((unsigned char **)(uintptr_t)out, len, h2, 3, in, in_len) ==
	    OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool
read_whole(SSL *ssl, unsigned char *p, size_t len)
{
	for (int n; len > 0; p += n, len -= (size_t)n)
		if ((n = SSL_read(ssl, p, (int)len)) <= 0)
			return false;
	return true;
}

/* A byte goes into the pipe for each request that comes while another has no answer. */
static void
serve_http2(struct world *w, SSL *ssl)
{
	static const unsigned char settings[] = { 0, 0, 0, FRAME_SETTINGS, 0, 0, 0, 0, 0 };
	static const unsigned char ack[] = { 0, 0, 0, FRAME_SETTINGS, 1, 0, 0, 0, 0 };
	static unsigned served; /* the first is not answered */
	unsigned char head[9], payload[16384], ok[] = { 0, 0, 1, FRAME_HEADERS, 5, 0, 0, 0, 0, 0x88 };
	bool open = false;

	if (!read_whole(ssl, payload, 24) || SSL_write(ssl, settings, sizeof(settings)) <= 0)
		return;
	while (read_whole(ssl, head, sizeof(head))) {
		size_t len = (size_t)head[1] << 8 | head[2];

		if (len > sizeof(payload) || !read_whole(ssl, payload, len))
			return;
		if (head[3] == FRAME_SETTINGS && head[4] == 0)
			SSL_write(ssl, ack, sizeof(ack));
		if (head[3] == FRAME_RST_STREAM)
			open = false;
		if (head[3] != FRAME_HEADERS)
			continue;
		if (open && write(w->pipe[1], "2", 1) < 0)
			return;
		memcpy(ok + 5, head + 5, 4);
		open = served++ == 0;
		if (!open)
			SSL_write(ssl, ok, sizeof(ok));
	}
}

/* -- HTTP/1.1: a byte goes into the pipe for each request that was read ------------------------ */

static void
serve_http1(struct world *w, SSL *ssl)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
	char piece[4096];

	while (SSL_read(ssl, piece, sizeof(piece)) > 0)
		if (write(w->pipe[1], "r", 1) < 0 ||
		    SSL_write(ssl, answer, sizeof(answer) - 1) <= 0)
			break;
}

static void
serve(struct world *w, X509 *cert, int version_max)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	SSL_CTX_set_max_proto_version(ctx, version_max);
	SSL_CTX_set_security_level(ctx, 0);
	if (SSL_CTX_use_certificate(ctx, cert) != 1 || SSL_CTX_use_PrivateKey(ctx, w->key) != 1)
		_exit(1);
	if (w->http2)
		SSL_CTX_set_alpn_select_cb(ctx, choose_h2, NULL);
	for (;;) {
		int fd = accept(w->fd, NULL, NULL);
		SSL *ssl = SSL_new(ctx);

		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1)
			(w->http2 ? serve_http2 : serve_http1)(w, ssl);
		SSL_free(ssl);
		close(fd);
	}
}

static void
start_server(struct world *w, const char *address, long days, int version_max)
{
	X509 *cert = make_certificate(w->key, address, days);
	FILE *f = fopen(w->ca_file, "w");

	if (f == NULL || PEM_write_X509(f, cert) != 1 || fclose(f) != 0)
		abort();
	w->server = fork();
	if (w->server == 0)
		serve(w, cert, version_max);
	X509_free(cert);
	assert_true(w->server > 0);
}

static unsigned
requests(struct world *w)
{
	char piece[16];
	ssize_t n = read(w->pipe[0], piece, sizeof(piece));

	return n > 0 ? (unsigned)n : 0;
}

/* -- The world --------------------------------------------------------------------------------- */

static void
on_turn(void *arg)
{
	event_base_loopbreak(((struct world *)arg)->base);
}

static void
on_done(void *arg, const struct http_answer *a)
{
	struct world *w = arg;

	w->done = true;
	w->end = a->end;
	w->status = a->status;
}

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int fd;

	if (w == NULL)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	strcpy(w->ca_file, "/tmp/laterd-test-XXXXXX");
	fd = mkstemp(w->ca_file);
	close(fd);
	w->key = EVP_EC_gen("P-256");
	w->fd = web_peer_listen(&w->port);
	if (pipe2(w->pipe, O_NONBLOCK) != 0)
		return 1;
	w->base = event_base_new();
	w->client = curl_client_new(w->base);
	w->client->turn = on_turn;
	w->client->turn_arg = w;
	w->pool = w->client->ops->pool_new(w->client, 2);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	kill(w->server, SIGKILL);
	waitpid(w->server, NULL, 0);
	w->client->ops->pool_free(&w->pool);
	curl_client_free(&w->client);
	event_base_free(w->base);
	EVP_PKEY_free(w->key);
	unlink(w->ca_file);
	close(w->fd);
	close(w->pipe[0]);
	close(w->pipe[1]);
	free(w);
	return 0;
}

static void
start(struct world *w, bool with_ca, bool stranger, int64_t timeout_ms)
{
	struct http_request *rq = http_request_new();

	rq->method = "POST";
	rq->url = arena_printf(&rq->arena, "https://127.0.0.1:%d/", w->port);
	rq->ca_file = with_ca ? arena_text(&rq->arena, w->ca_file) : NULL;
	rq->timeout_ms = timeout_ms;
	rq->stranger = stranger;
	assert_int_equal(w->client->ops->start(w->pool, rq, on_done, w), RES_OK);
}

static void
wait_for_one(struct world *w)
{
	w->done = false;
	event_base_dispatch(w->base);
	assert_true(w->done);
}

static void
perform(struct world *w, bool with_ca, bool stranger)
{
	start(w, with_ca, stranger, 10000);
	wait_for_one(w);
}

/* -- Tests ------------------------------------------------------------------------------------- */

static void
test_a_certificate_of_the_given_file_is_trusted(void **state)
{
	struct world *w = *state;

	start_server(w, "127.0.0.1", 1, TLS1_3_VERSION);
	perform(w, true, false);
	assert_int_equal(w->end, HTTP_ANSWERED);
	assert_int_equal(w->status, 200);
	perform(w, true, false);
	assert_int_equal(w->end, HTTP_ANSWERED);
	assert_int_equal(requests(w), 2);
}

static void
test_an_unknown_certificate_gets_no_request(void **state)
{
	struct world *w = *state;

	start_server(w, "127.0.0.1", 1, TLS1_3_VERSION);
	perform(w, false, false);
	assert_int_equal(w->end, HTTP_NOT_SENT);
	assert_int_equal(requests(w), 0);
}

static void
test_a_certificate_of_another_host_gets_no_request(void **state)
{
	struct world *w = *state;

	start_server(w, "127.0.0.2", 1, TLS1_3_VERSION);
	perform(w, true, false);
	assert_int_equal(w->end, HTTP_NOT_SENT);
	assert_int_equal(requests(w), 0);
}

static void
test_an_expired_certificate_gets_no_request(void **state)
{
	struct world *w = *state;

	start_server(w, "127.0.0.1", -1, TLS1_3_VERSION);
	perform(w, true, false);
	assert_int_equal(w->end, HTTP_NOT_SENT);
	assert_int_equal(requests(w), 0);
}

static void
test_tls_before_1_2_gets_no_request(void **state)
{
	struct world *w = *state;

	start_server(w, "127.0.0.1", 1, TLS1_1_VERSION);
	perform(w, true, false);
	assert_int_equal(w->end, HTTP_NOT_SENT);
	assert_int_equal(requests(w), 0);
}

/* A connection made for a gateway would not have been looked at. */
static void
test_a_stranger_never_uses_a_kept_connection(void **state)
{
	struct world *w = *state;

	start_server(w, "127.0.0.1", 1, TLS1_3_VERSION);
	perform(w, true, false);
	assert_int_equal(w->end, HTTP_ANSWERED);
	perform(w, true, true);
	assert_int_equal(w->end, HTTP_NOT_SENT);
	assert_int_equal(requests(w), 1);
}

/* What is behind another one on its connection is lost when the server gives the connection up. */
static void
test_a_connection_of_http2_has_one_request_at_a_time(void **state)
{
	struct world *w = *state;

	w->http2 = true;
	start_server(w, "127.0.0.1", 1, TLS1_3_VERSION);
	if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2) == 0)
		skip();
	w->client->ops->pool_resize(w->pool, 1);
	start(w, true, false, 300);
	start(w, true, false, 10000);
	wait_for_one(w);
	assert_int_equal(w->end, HTTP_BROKEN);
	wait_for_one(w);
	assert_int_equal(w->end, HTTP_ANSWERED);
	assert_int_equal(w->status, 200);
	assert_int_equal(requests(w), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_certificate_of_the_given_file_is_trusted),
		TEST(test_an_unknown_certificate_gets_no_request),
		TEST(test_a_certificate_of_another_host_gets_no_request),
		TEST(test_an_expired_certificate_gets_no_request),
		TEST(test_tls_before_1_2_gets_no_request),
		TEST(test_a_stranger_never_uses_a_kept_connection),
		TEST(test_a_connection_of_http2_has_one_request_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
