#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "store/lock.h"

/* Says who holds the lock, as far as the file tells. */
static void
name_holder(int fd, const char *path, struct buf *why)
{
	char text[24];
	struct span line;
	ssize_t len;
	int64_t pid;

	len = pread(fd, text, sizeof(text), 0);
	line = span_trim((struct span){ text, len > 0 ? (size_t)len : 0 });
	if (parse_int(line, 1, INT32_MAX, &pid) == RES_OK)
		(void)buf_printf(why, "another laterd (pid %lld) holds it: %s is locked",
		    (long long)pid, path);
	else
		(void)buf_printf(why, "another laterd holds it: %s is locked", path);
}

static bool
write_pid(int fd)
{
	char text[24];
	int len;

	len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len;
}

enum res
lock_take(const char *path, int *out, struct buf *why)
{
	struct stat st;
	int fd;

	*out = -1;
	if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600)) == -1) {
		(void)buf_printf(why, "cannot open %s: %s", path, strerror(errno));
		return RES_PERMFAIL;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
		(void)buf_printf(why, "%s is not a regular file", path);
		goto err;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno == EWOULDBLOCK) {
			name_holder(fd, path, why);
			close(fd);
			return RES_TEMPFAIL;
		}
		(void)buf_printf(why, "cannot lock %s: %s", path, strerror(errno));
		goto err;
	}
	if (!write_pid(fd)) {
		(void)buf_printf(why, "cannot write %s: %s", path, strerror(errno));
		goto err;
	}
	*out = fd;
	return RES_OK;
err:
	close(fd);
	return RES_PERMFAIL;
}

void
lock_release(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}
