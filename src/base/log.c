#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/parse.h"

#define LINE_MAX_LEN 1024

static const struct {
	const char *name;
	int priority; /* syslog(3), and sd-daemon(3) */
} levels[] = {
	[LOG_ERROR] = { "error", LOG_ERR },
	[LOG_WARN] = { "warning", LOG_WARNING },
	[LOG_NOTE] = { "note", LOG_NOTICE },
	[LOG_DETAIL] = { "detail", LOG_DEBUG },
};

/* The process has one log, as it has one stderr; a handle through every call would say no more. */
static enum log_target target = LOG_TO_STDERR;
static enum log_level threshold = LOG_NOTE;

void
log_open(enum log_target to, enum log_level level)
{
	if (target == LOG_TO_SYSLOG && to != LOG_TO_SYSLOG)
		closelog();
	if (to == LOG_TO_SYSLOG && target != LOG_TO_SYSLOG)
		openlog("laterd", LOG_PID, LOG_DAEMON);
	target = to;
	threshold = level;
}

void
log_close(void)
{
	log_open(LOG_TO_STDERR, LOG_NOTE);
}

/*
 * ASCII controls, those of Latin-1, the line and paragraph separators of Unicode, and whatever is
 * not UTF-8.
 */
static bool
may_stand(const char *p, size_t n)
{
	if (n == 1)
		return (unsigned char)p[0] >= 0x20 && p[0] != 0x7f;
	if (n == 2)
		return p[0] != '\xc2' || (unsigned char)p[1] >= 0xa0;
	return n != 0 &&
	    (n != 3 || (memcmp(p, "\xe2\x80\xa8", 3) != 0 && memcmp(p, "\xe2\x80\xa9", 3) != 0));
}

static size_t
tame(char *p, size_t len)
{
	size_t in = 0, out = 0;

	while (in < len) {
		size_t n = utf8_char(p + in, len - in);
		if (may_stand(p + in, n)) {
			memmove(p + out, p + in, n);
			out += n;
		} else
			p[out++] = '?';
		in += n == 0 ? 1 : n;
	}
	return out;
}

static size_t
prefix(char *line, size_t size, enum log_level level)
{
	time_t now;
	struct tm tm;
	char stamp[32];

	if (target == LOG_TO_SYSLOG)
		return 0;
	if (target == LOG_TO_JOURNAL)
		return (size_t)snprintf(line, size, "<%d>", levels[level].priority);
	time(&now);
	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		stamp[0] = '\0';
	return (size_t)snprintf(line, size, "%s %s: ", stamp, levels[level].name);
}

static void
write_line(enum log_level level, const char *format, va_list args)
{
	char line[LINE_MAX_LEN + 1];
	int saved = errno;

	if (level > threshold)
		return;
	size_t start = prefix(line, sizeof(line), level);
	/* %m of the caller's format needs its errno. */
	errno = saved;
	int wanted = vsnprintf(line + start, sizeof(line) - start, format, args);
	size_t len = wanted < 0 ? 0 : (size_t)wanted;
	if (len > LINE_MAX_LEN - 1 - start)
		len = LINE_MAX_LEN - 1 - start;
	len = start + tame(line + start, len);
	if (target == LOG_TO_SYSLOG) {
		line[len] = '\0';
		syslog(levels[level].priority, "%s", line);
	} else {
		/* One write a line, so that those of several processes do not mix. */
		line[len++] = '\n';
		if (write(STDERR_FILENO, line, len) < 0) {
			/* Nobody is left to be told. */
		}
	}
	errno = saved;
}

#define DEFINE_LOG(name, level) \
	void name(const char *format, ...) \
	{ \
		va_list args; \
		va_start(args, format); \
		write_line(level, format, args); \
		va_end(args); \
	}

DEFINE_LOG(log_error, LOG_ERROR)
DEFINE_LOG(log_warn, LOG_WARN)
DEFINE_LOG(log_note, LOG_NOTE)
DEFINE_LOG(log_detail, LOG_DETAIL)
