#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* What stderr got between the two calls. */
static int saved_stderr, pipe_fd;
static char heard[8192];

static void
listen_to_stderr(void)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(saved_stderr >= 0);
	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	close(fds[1]);
	pipe_fd = fds[0];
}

static const char *
hear(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	ssize_t n = read(pipe_fd, heard, sizeof(heard) - 1);
	close(pipe_fd);
	assert_true(n >= 0);
	heard[n] = '\0';
	log_close();
	return heard;
}

static void
test_a_line_has_its_time_its_level_and_its_end(void **state)
{
	(void)state;
	listen_to_stderr();
	log_note("hello %d", 7);
	const char *line = hear();
	assert_int_equal(strlen(line), strlen("2026-12-24T17:00:00Z note: hello 7\n"));
	int y, mo, d, h, mi, s;
	assert_int_equal(sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2dZ", &y, &mo, &d, &h, &mi, &s), 6);
	assert_string_equal(line + 20, " note: hello 7\n");
}

static void
test_levels_below_the_threshold_are_silent(void **state)
{
	(void)state;
	listen_to_stderr();
	log_detail("x");
	assert_string_equal(hear(), "");
	listen_to_stderr();
	log_open(LOG_TO_JOURNAL, LOG_WARN);
	log_note("n");
	log_detail("d");
	log_warn("w");
	log_error("e");
	assert_string_equal(hear(), "<4>w\n<3>e\n");
}

static void
test_journal_lines_have_the_priority_of_sd_daemon(void **state)
{
	(void)state;
	listen_to_stderr();
	log_open(LOG_TO_JOURNAL, LOG_DETAIL);
	log_error("a");
	log_warn("b");
	log_note("c");
	log_detail("d");
	assert_string_equal(hear(), "<3>a\n<4>b\n<5>c\n<7>d\n");
}

static void
test_no_peer_can_forge_a_line(void **state)
{
	(void)state;
	listen_to_stderr();
	log_open(LOG_TO_JOURNAL, LOG_NOTE);
	log_note("%s", "a\nb\r\x1b[31m\x7f\t\xc2\x9b\xe2\x80\xa8\xff\xc3\xa4.\xe2\x82\xac");
	assert_string_equal(hear(),
	    "<5>a?b??[31m??"
	    "???"
	    "\xc3\xa4.\xe2\x82\xac\n");
}

static void
test_a_long_line_is_cut_at_one_kibibyte(void **state)
{
	char text[5000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	listen_to_stderr();
	log_note("%s", text);
	hear();
	assert_int_equal(strlen(heard), 1024);
	assert_int_equal(heard[1023], '\n');
	assert_int_equal(heard[1022], 'x');
}

static void
test_a_line_that_just_fits_is_whole(void **state)
{
	(void)state;
	for (int len = 1018; len <= 1022; len++) {
		listen_to_stderr();
		log_open(LOG_TO_JOURNAL, LOG_NOTE);
		log_note("%0*d", len, 1);
		hear();
		int want = 3 + len + 1 > 1024 ? 1024 : 3 + len + 1;
		assert_int_equal(strlen(heard), want);
		assert_int_equal(heard[want - 2], len <= 1020 ? '1' : '0');
	}
}

static void
test_errno_is_left_as_it_was(void **state)
{
	(void)state;
	listen_to_stderr();
	log_open(LOG_TO_JOURNAL, LOG_NOTE);
	errno = ENOENT;
	log_error("open: %m");
	assert_int_equal(errno, ENOENT);
	assert_string_equal(hear(), "<3>open: No such file or directory\n");
}

static void
test_after_close_lines_go_to_stderr_again(void **state)
{
	(void)state;
	listen_to_stderr();
	log_open(LOG_TO_SYSLOG, LOG_ERROR);
	log_close();
	log_note("back");
	assert_string_equal(hear() + 20, " note: back\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_has_its_time_its_level_and_its_end),
		cmocka_unit_test(test_levels_below_the_threshold_are_silent),
		cmocka_unit_test(test_journal_lines_have_the_priority_of_sd_daemon),
		cmocka_unit_test(test_no_peer_can_forge_a_line),
		cmocka_unit_test(test_a_long_line_is_cut_at_one_kibibyte),
		cmocka_unit_test(test_a_line_that_just_fits_is_whole),
		cmocka_unit_test(test_errno_is_left_as_it_was),
		cmocka_unit_test(test_after_close_lines_go_to_stderr_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
