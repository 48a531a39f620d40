/* The log.  Never a body, a secret or a whole phone number: the callers see to it. */
#ifndef LATERD_BASE_LOG_H
#define LATERD_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_NOTE, LOG_DETAIL };
enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_JOURNAL };

/*
 * Until log_open, lines go to stderr at LOG_NOTE.  LOG_TO_JOURNAL writes stderr lines with the <N>
 * priority prefix that sd-daemon(3) defines and no time of their own.  May be called again, to
 * change either.
 */
void log_open(enum log_target target, enum log_level level);
void log_close(void);

/*
 * One line; control characters in it are replaced by '?', and it is cut at 1 KiB, so that no peer
 * can forge or flood lines.
 */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
