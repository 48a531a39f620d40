#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/supervisor.h"

/* The supervisor's end: a datagram socket, and what has come to it. */
struct peer {
	char dir[64], path[96];
	int fd;
	char heard[4096];
	struct supervisor s;
};

static int
setup(void **state)
{
	struct peer *p = calloc(1, sizeof(*p));
	const char *tmp = getenv("TMPDIR");

	snprintf(p->dir, sizeof(p->dir), "%.40s/laterd-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	snprintf(p->path, sizeof(p->path), "%s/notify", p->dir);
	p->fd = -1;
	p->s.fd = -1;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	log_open(LOG_TO_STDERR, LOG_ERROR);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct peer *p = *state;

	supervisor_fini(&p->s);
	if (p->fd >= 0)
		close(p->fd);
	unlink(p->path);
	rmdir(p->dir);
	free(p);
	log_close();
	return 0;
}

/* name: as in NOTIFY_SOCKET. */
static void
listen_at(struct peer *p, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(name);

	assert_true(len <= sizeof(address.sun_path));
	memcpy(address.sun_path, name, len);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	p->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(p->fd >= 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '@' ? 0 : 1))), 0);
}

static void
start(struct peer *p)
{
	listen_at(p, p->path);
	setenv("NOTIFY_SOCKET", p->path, 1);
	supervisor_init(&p->s);
	assert_true(p->s.fd >= 0);
}

/* The next message; "" when there is none. */
static const char *
hear(struct peer *p)
{
	ssize_t n = recv(p->fd, p->heard, sizeof(p->heard) - 1, 0);

	p->heard[n < 0 ? 0 : n] = '\0';
	return p->heard;
}

/* -- Where it is ---------------------------------------------------------------------------------------------------------------- */

static void
test_without_a_supervisor_nothing_is_told(void **state)
{
	struct peer *p = *state;

	setenv("WATCHDOG_USEC", "30000000", 1);
	supervisor_init(&p->s);
	assert_int_equal(p->s.fd, -1);
	/* There would be nobody to tell it to. */
	assert_int_equal(p->s.watchdog_ms, 0);
	supervisor_ready(&p->s);
	supervisor_reloading(&p->s);
	supervisor_status(&p->s, "idle");
	supervisor_alive(&p->s);
	supervisor_stopping(&p->s);
	assert_null(p->s.status);
	setenv("NOTIFY_SOCKET", "", 1);
	supervisor_init(&p->s);
	assert_int_equal(p->s.fd, -1);
}

static void
test_each_state_is_a_message_to_the_socket_of_a_path(void **state)
{
	struct peer *p = *state;

	start(p);
	supervisor_ready(&p->s);
	assert_string_equal(hear(p), "READY=1");
	supervisor_status(&p->s, "connected; 3 waiting");
	assert_string_equal(hear(p), "STATUS=connected; 3 waiting");
	supervisor_alive(&p->s);
	assert_string_equal(hear(p), "WATCHDOG=1");
	supervisor_stopping(&p->s);
	assert_string_equal(hear(p), "STOPPING=1");
	assert_string_equal(hear(p), "");
}

static void
test_abstract_name_begins_with_an_at(void **state)
{
	struct peer *p = *state;
	char name[64];

	snprintf(name, sizeof(name), "@laterd-test-%ld", (long)getpid());
	listen_at(p, name);
	setenv("NOTIFY_SOCKET", name, 1);
	supervisor_init(&p->s);
	supervisor_ready(&p->s);
	assert_string_equal(hear(p), "READY=1");
}

static void
test_longest_names_fit_and_longer_ones_are_refused(void **state)
{
	struct peer *p = *state;
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 2];
	size_t max = sizeof(name) - 2;

	memset(name, 'x', sizeof(name));
	snprintf(name, sizeof(name), "@laterd-test-%ld-", (long)getpid());
	name[strlen(name)] = 'x';
	name[max] = '\0';
	listen_at(p, name);
	setenv("NOTIFY_SOCKET", name, 1);
	supervisor_init(&p->s);
	supervisor_ready(&p->s);
	assert_string_equal(hear(p), "READY=1");
	supervisor_fini(&p->s);
	name[max] = 'x';
	name[max + 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	supervisor_init(&p->s);
	assert_int_equal(p->s.fd, -1);
	/* A path needs room for its NUL. */
	name[0] = '/';
	for (size_t len = max - 1; len <= max; len++) {
		name[len] = '\0';
		setenv("NOTIFY_SOCKET", name, 1);
		supervisor_init(&p->s);
		assert_int_equal(p->s.fd, -1);
	}
}

static void
test_name_that_cannot_be_used_is_as_if_it_was_not_there(void **state)
{
	static const char *const names[] = { "/", "@", "notify", "./notify", "vsock:2:1234", "/nonexistent/notify", " /run", "\n" };
	struct peer *p = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		setenv("WATCHDOG_USEC", "3000000", 1);
		supervisor_init(&p->s);
		assert_int_equal(p->s.fd, -1);
		assert_int_equal(p->s.watchdog_ms, 0);
		supervisor_ready(&p->s);
	}
	/* There, but no datagram socket. */
	FILE *f = fopen(p->path, "w");
	assert_non_null(f);
	fclose(f);
	setenv("NOTIFY_SOCKET", p->path, 1);
	supervisor_init(&p->s);
	assert_int_equal(p->s.fd, -1);
}

static void
test_children_do_not_find_it(void **state)
{
	struct peer *p = *state;

	setenv("WATCHDOG_USEC", "3000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	start(p);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
	setenv("WATCHDOG_USEC", "nonsense", 1);
	setenv("NOTIFY_SOCKET", "nonsense", 1);
	supervisor_fini(&p->s);
	supervisor_init(&p->s);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
}

/* -- The watchdog --------------------------------------------------------------------------------------------------------------- */

static void
test_watchdog_is_for_us_only(void **state)
{
	char ours[32], theirs[32];
	const struct {
		const char *usec, *pid;
		int64_t ms;
	} v[] = {
		{ NULL, NULL, 0 },
		{ NULL, ours, 0 },
		{ "30000000", NULL, 30000 },
		{ "30000000", ours, 30000 },
		{ "30000000", theirs, 0 },
		{ "1000", NULL, 1 },
		{ "1999", NULL, 1 },
		{ "9223372036854775807", NULL, 9223372036854775 },
		/* Nothing that can be understood. */
		{ "", NULL, 0 },
		{ "0", NULL, 0 },
		{ "999", NULL, 0 },
		{ "-30000000", NULL, 0 },
		{ "30s", NULL, 0 },
		{ " 30000000", NULL, 0 },
		{ "3e7", NULL, 0 },
		{ "0x1000000", NULL, 0 },
		{ "infinity", NULL, 0 },
		{ "9223372036854775808", NULL, 0 },
		{ "18446744073709551615", NULL, 0 },
		{ "99999999999999999999999999999999", NULL, 0 },
		{ "30000000", "", 0 },
		{ "30000000", "0", 0 },
		{ "30000000", "-1", 0 },
		{ "30000000", "self", 0 },
		{ "30000000", "4294967297", 0 },
	};
	struct peer *p = *state;

	snprintf(ours, sizeof(ours), "%ld", (long)getpid());
	snprintf(theirs, sizeof(theirs), "%ld", (long)getppid());
	listen_at(p, p->path);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		setenv("NOTIFY_SOCKET", p->path, 1);
		if (v[i].usec != NULL)
			setenv("WATCHDOG_USEC", v[i].usec, 1);
		if (v[i].pid != NULL)
			setenv("WATCHDOG_PID", v[i].pid, 1);
		supervisor_init(&p->s);
		if (p->s.watchdog_ms != v[i].ms)
			fail_msg("“%s” for “%s”: %" PRId64 " ms", v[i].usec, v[i].pid, p->s.watchdog_ms);
		supervisor_ready(&p->s);
		assert_string_equal(hear(p), "READY=1");
		supervisor_fini(&p->s);
	}
}

/* -- What it is told ------------------------------------------------------------------------------------------------------------ */

static void
test_reload_has_the_monotonic_time_of_now(void **state)
{
	struct peer *p = *state;
	struct timespec before, after;
	int64_t usec;
	int end = 0;

	start(p);
	clock_gettime(CLOCK_MONOTONIC, &before);
	supervisor_reloading(&p->s);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_int_equal(sscanf(hear(p), "RELOADING=1\nMONOTONIC_USEC=%" SCNd64 "%n", &usec, &end), 1);
	assert_int_equal(end, strlen(p->heard));
	assert_true(usec >= (int64_t)before.tv_sec * 1000000 + before.tv_nsec / 1000);
	assert_true(usec <= (int64_t)after.tv_sec * 1000000 + after.tv_nsec / 1000);
	supervisor_ready(&p->s);
	assert_string_equal(hear(p), "READY=1");
}

static void
test_status_is_told_when_it_has_changed(void **state)
{
	struct peer *p = *state;

	start(p);
	supervisor_status(&p->s, "one");
	supervisor_status(&p->s, "one");
	supervisor_status(&p->s, "two");
	supervisor_status(&p->s, "one");
	assert_string_equal(hear(p), "STATUS=one");
	assert_string_equal(hear(p), "STATUS=two");
	assert_string_equal(hear(p), "STATUS=one");
	assert_string_equal(hear(p), "");
	supervisor_status(&p->s, "");
	assert_string_equal(hear(p), "STATUS=");
}

static void
test_status_cannot_be_another_message(void **state)
{
	struct peer *p = *state;
	char text[4096];

	start(p);
	supervisor_status(&p->s, "a\nSTOPPING=1\r\x7f\x1b[31m ü");
	assert_string_equal(hear(p), "STATUS=a STOPPING=1   [31m ü");
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	supervisor_status(&p->s, text);
	assert_string_equal(hear(p), "");
	text[1000] = '\0';
	supervisor_status(&p->s, text);
	assert_int_equal(strlen(hear(p)), strlen("STATUS=") + 1000);
}

static void
fill(struct peer *p)
{
	int i = 0;

	while (send(p->s.fd, "FILLED=1", 8, MSG_DONTWAIT) >= 0)
		assert_true(++i < 100000);
	assert_int_equal(errno, EAGAIN);
}

static void
test_supervisor_that_hangs_is_not_waited_for(void **state)
{
	struct peer *p = *state;
	struct timespec before, after;

	start(p);
	fill(p);
	clock_gettime(CLOCK_MONOTONIC, &before);
	for (int i = 0; i < 100; i++) {
		supervisor_alive(&p->s);
		supervisor_status(&p->s, "lost");
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(after.tv_sec - before.tv_sec <= 1);
	assert_true(p->s.deaf);
	while (strcmp(hear(p), "FILLED=1") == 0)
		continue;
	assert_string_equal(p->heard, "");
	/* It was not told, so it is told again. */
	supervisor_status(&p->s, "lost");
	assert_string_equal(hear(p), "STATUS=lost");
	assert_false(p->s.deaf);
}

static void
test_supervisor_that_went_away_is_borne(void **state)
{
	struct peer *p = *state;

	start(p);
	close(p->fd);
	p->fd = -1;
	supervisor_ready(&p->s);
	supervisor_status(&p->s, "lonely");
	supervisor_alive(&p->s);
	assert_true(p->s.deaf);
	assert_null(p->s.status);
}

static void
test_end_may_come_twice(void **state)
{
	struct peer *p = *state;

	start(p);
	supervisor_status(&p->s, "one");
	supervisor_fini(&p->s);
	supervisor_fini(&p->s);
	supervisor_alive(&p->s);
	assert_string_equal(hear(p), "STATUS=one");
	assert_string_equal(hear(p), "");
}

#define SUPERVISOR_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SUPERVISOR_TEST(test_without_a_supervisor_nothing_is_told),
		SUPERVISOR_TEST(test_each_state_is_a_message_to_the_socket_of_a_path),
		SUPERVISOR_TEST(test_abstract_name_begins_with_an_at),
		SUPERVISOR_TEST(test_longest_names_fit_and_longer_ones_are_refused),
		SUPERVISOR_TEST(test_name_that_cannot_be_used_is_as_if_it_was_not_there),
		SUPERVISOR_TEST(test_children_do_not_find_it),
		SUPERVISOR_TEST(test_watchdog_is_for_us_only),
		SUPERVISOR_TEST(test_reload_has_the_monotonic_time_of_now),
		SUPERVISOR_TEST(test_status_is_told_when_it_has_changed),
		SUPERVISOR_TEST(test_status_cannot_be_another_message),
		SUPERVISOR_TEST(test_supervisor_that_hangs_is_not_waited_for),
		SUPERVISOR_TEST(test_supervisor_that_went_away_is_borne),
		SUPERVISOR_TEST(test_end_may_come_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
