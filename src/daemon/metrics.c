#include "daemon/metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/metrics.h"
#include "base/parse.h"

#ifndef LATERD_VERSION
#error "the build defines LATERD_VERSION"
#endif

/* Fields of /proc/self/stat (proc(5)), counted from the one behind the name, which is the third. */
enum {
	STAT_UTIME = 11,
	STAT_STIME = 12,
	STAT_START = 19,
	STAT_VSIZE = 20,
	STAT_RSS = 21,
	STAT_NFIELDS
};

struct stat_fields {
	int64_t v[STAT_NFIELDS];
};

static bool
parse_stat(struct span text, struct stat_fields *out)
{
	/* The name is in parentheses, and may have spaces and parentheses in it. */
	const char *end = text.len > 0 ? memrchr(text.p, ')', text.len) : NULL;
	struct span item;

	if (end == NULL)
		return false;
	text = (struct span){ end + 1, text.len - (size_t)(end + 1 - text.p) };
	for (size_t i = 0; i < STAT_NFIELDS; i++) {
		if (!take_item(&text, &item))
			return false;
		/* The state is a letter, and some that we do not need exceed our numbers. */
		if (parse_int(item, INT64_MIN, INT64_MAX, &out->v[i]) != RES_OK)
			out->v[i] = -1;
	}
	return true;
}

static bool
read_stat(struct stat_fields *out)
{
	char text[2048];
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	return n > 0 && parse_stat((struct span){ text, (size_t)n }, out);
}

/* When the machine was started, in seconds since 1970; 0 when that cannot be read. */
static int64_t
boot_time(void)
{
	FILE *f = fopen("/proc/stat", "re");
	char *line = NULL;
	size_t size = 0;
	int64_t at = 0;

	while (f != NULL && at == 0 && getline(&line, &size, f) > 0) {
		struct span rest = span_of(line);

		if (take_word(&rest, "btime ") &&
		    parse_int(span_trim(rest), 1, INT32_MAX * INT64_C(4), &at) != RES_OK)
			break;
	}
	free(line);
	if (f != NULL)
		fclose(f);
	return at;
}

static void
gauge(struct buf *out, const char *name, const char *help, double value)
{
	metrics_family(out, name, "gauge", help);
	metrics_sample(out, name, value, NULL);
}

static void
append_stat(struct buf *out)
{
	const double hertz = (double)sysconf(_SC_CLK_TCK), page = (double)sysconf(_SC_PAGESIZE);
	struct stat_fields stat;
	int64_t booted;

	if (!read_stat(&stat) || hertz <= 0)
		return;
	if (stat.v[STAT_UTIME] >= 0 && stat.v[STAT_STIME] >= 0) {
		const char *name = "process_cpu_seconds_total";

		metrics_family(out, name, "counter", "Total user and system CPU time spent in seconds.");
		metrics_sample(
		    out, name, (double)(stat.v[STAT_UTIME] + stat.v[STAT_STIME]) / hertz, NULL);
	}
	if (stat.v[STAT_RSS] >= 0)
		gauge(out, "process_resident_memory_bytes", "Resident memory size in bytes.",
		    (double)stat.v[STAT_RSS] * page);
	if (stat.v[STAT_VSIZE] >= 0)
		gauge(out, "process_virtual_memory_bytes", "Virtual memory size in bytes.",
		    (double)stat.v[STAT_VSIZE]);
	booted = boot_time();
	if (stat.v[STAT_START] >= 0 && booted > 0)
		gauge(out, "process_start_time_seconds",
		    "Start time of the process since unix epoch in seconds.",
		    (double)booted + (double)stat.v[STAT_START] / hertz);
}

static void
append_files(struct buf *out)
{
	DIR *dir = opendir("/proc/self/fd");
	struct rlimit limit;
	int64_t n = -1; /* the directory itself is one */

	if (dir != NULL) {
		for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
			n += e->d_name[0] != '.';
		closedir(dir);
		gauge(out, "process_open_fds", "Number of open file descriptors.", (double)n);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		gauge(out, "process_max_fds", "Maximum number of open file descriptors.",
		    (double)limit.rlim_cur);
}

void
metrics_process(struct buf *out)
{
	metrics_family(out, "laterd_build_info", "gauge", "The version that runs; always 1.");
	metrics_sample(out, "laterd_build_info", 1, "version", LATERD_VERSION, NULL);
	append_stat(out);
	append_files(out);
}
