#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/metrics.h"

/* The value of a sample without labels; the test fails when there is none. */
static double
value(const char *name)
{
	struct buf page = { 0 };
	char line[128];
	double v = 0;

	metrics_process(&page);
	assert_false(page.failed);
	snprintf(line, sizeof(line), "\n%s ", name);
	const char *at = strstr(buf_str(&page), line);
	if (at == NULL)
		fail_msg("%s is not there", name);
	else
		v = strtod(at + strlen(line), NULL);
	buf_free(&page);
	return v;
}

static void
test_version_is_a_label(void **state)
{
	struct buf page = { 0 };

	(void)state;
	metrics_process(&page);
	assert_non_null(strstr(buf_str(&page), "\nlaterd_build_info{version=\"" LATERD_VERSION "\"} 1\n"));
	buf_free(&page);
}

static void
test_memory_is_in_bytes(void **state)
{
	(void)state;
	double resident = value("process_resident_memory_bytes");

	assert_true(resident >= 64 * 1024);
	assert_true(value("process_virtual_memory_bytes") >= resident);
	/* What is touched is resident. */
	size_t len = (size_t)64 << 20;
	char *much = malloc(len);
	assert_non_null(much);
	memset(much, 1, len);
	assert_true(value("process_resident_memory_bytes") >= resident + (double)len * 0.9);
	free(much);
}

static void
test_files_are_counted_without_those_of_the_counting(void **state)
{
	int fds[7];

	(void)state;
	double before = value("process_open_fds");
	assert_true(before == value("process_open_fds"));
	for (size_t i = 0; i < 7; i++)
		assert_true((fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
	assert_true(value("process_open_fds") == before + 7);
	for (size_t i = 0; i < 7; i++)
		close(fds[i]);
	assert_true(value("process_open_fds") == before);
}

static void
test_bound_of_files_is_the_one_in_force(void **state)
{
	struct rlimit limit, kept;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &kept), 0);
	limit = kept;
	limit.rlim_cur = 77;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	double max = value("process_max_fds");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &kept), 0);
	assert_true(max == 77);
}

static void
test_cpu_time_is_that_of_the_process(void **state)
{
	struct rusage used;

	(void)state;
	double seconds = value("process_cpu_seconds_total");
	assert_int_equal(getrusage(RUSAGE_SELF, &used), 0);
	double all = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
	assert_true(seconds >= 0);
	/* The kernel counts both in ticks, and rounds each. */
	assert_true(seconds <= all + 0.1);
	assert_true(seconds >= all - 1);
}

static void
test_start_is_the_same_each_time(void **state)
{
	(void)state;
	double at = value("process_start_time_seconds");

	assert_true(at > 0);
	assert_true(at == value("process_start_time_seconds"));
}

static void
test_name_of_the_process_cannot_disturb(void **state)
{
	static const char *const names[] = { "a b c", ") R 1 2 3", "((()))", ")\n7 7", "" };
	char kept[16];

	(void)state;
	assert_int_equal(prctl(PR_GET_NAME, kept), 0);
	double at = value("process_start_time_seconds");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(prctl(PR_SET_NAME, names[i]), 0);
		assert_true(value("process_start_time_seconds") == at);
	}
	prctl(PR_SET_NAME, kept);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version_is_a_label),
		cmocka_unit_test(test_memory_is_in_bytes),
		cmocka_unit_test(test_files_are_counted_without_those_of_the_counting),
		cmocka_unit_test(test_bound_of_files_is_the_one_in_force),
		cmocka_unit_test(test_cpu_time_is_that_of_the_process),
		cmocka_unit_test(test_start_is_the_same_each_time),
		cmocka_unit_test(test_name_of_the_process_cannot_disturb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
