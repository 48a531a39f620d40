#include "daemon/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum res
wrong(struct buf *why, const char *path, const char *reason)
{
	buf_printf(why, "%s: %s", path, reason);
	return RES_INVALID;
}

/* The content of a private file, at most max bytes, with its trailing line end. */
static enum res
read_private(const char *path, char *out, size_t max, size_t *len, struct buf *why)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum res res = RES_OK;

	if (fd < 0) {
		int error = errno;

		wrong(why, path, strerror(error));
		return error == ENOENT ? RES_NOTFOUND : RES_INVALID;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		res = wrong(why, path, "not a regular file");
	else if (st.st_mode & S_IROTH)
		res = wrong(why, path,
		    "everybody may read it: chmod o-r it, and choose another secret if others were about");
	else {
		ssize_t n = read(fd, out, max);

		if (n < 0)
			res = wrong(why, path, strerror(errno));
		else
			*len = (size_t)n;
	}
	close(fd);
	return res;
}

enum res
secret_read(const char *path, struct buf *out, struct buf *why)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char text[SECRET_MAX + 2], *full = NULL;
	size_t len = 0;

	if (path[0] != '/' && credentials != NULL &&
	    asprintf(&full, "%s/%s", credentials, path) < 0)
		return RES_NOMEM;
	enum res res = read_private(full != NULL ? full : path, text, sizeof(text), &len, why);
	if (res == RES_OK) {
		const char *end = memchr(text, '\n', len);
		size_t line = end == NULL ? len : (size_t)(end - text);

		if (line == 0 || line > SECRET_MAX || memchr(text, '\0', line) != NULL)
			res = wrong(
			    why, path, "its first line must be the secret, of at most 1024 bytes");
		else
			res = buf_append(out, text, line);
	}
	OPENSSL_cleanse(text, sizeof(text));
	free(full);
	return res == RES_NOTFOUND ? RES_INVALID : res;
}

enum res
seal_key_read(const char *path, uint8_t key[SEAL_KEY_LEN], struct buf *why)
{
	char text[2 * SEAL_KEY_LEN + 2];
	size_t len = 0, n = 0;
	enum res res = read_private(path, text, sizeof(text), &len, why);

	if (res != RES_OK)
		return res;
	if (len == 2 * SEAL_KEY_LEN + 1 && text[2 * SEAL_KEY_LEN] == '\n')
		len--;
	if (len != 2 * SEAL_KEY_LEN)
		res = RES_INVALID;
	else {
		char hex[2 * SEAL_KEY_LEN + 1];

		memcpy(hex, text, 2 * SEAL_KEY_LEN);
		hex[2 * SEAL_KEY_LEN] = '\0';
		if (OPENSSL_hexstr2buf_ex(key, SEAL_KEY_LEN, &n, hex, '\0') != 1 ||
		    n != SEAL_KEY_LEN)
			res = RES_INVALID;
		OPENSSL_cleanse(hex, sizeof(hex));
	}
	OPENSSL_cleanse(text, sizeof(text));
	return res == RES_OK
	    ? RES_OK
	    : wrong(
		  why, path, "not a seal key (64 hexadecimal digits): restore it from your backup");
}

static bool
sync_directory_of(const char *path)
{
	char *copy = strdup(path);
	int fd = copy == NULL ? -1 : open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return ok;
}

enum res
seal_key_make(const char *path, uint8_t key[SEAL_KEY_LEN], struct buf *why)
{
	char text[2 * SEAL_KEY_LEN + 2];
	size_t n = 0;
	int fd;

	if (RAND_bytes(key, SEAL_KEY_LEN) != 1 ||
	    OPENSSL_buf2hexstr_ex(text, sizeof(text) - 1, &n, key, SEAL_KEY_LEN, '\0') != 1)
		return wrong(why, path, "no random numbers for a new key");
	text[2 * SEAL_KEY_LEN] = '\n';
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return wrong(why, path, strerror(errno));
	bool ok = write(fd, text, 2 * SEAL_KEY_LEN + 1) == 2 * SEAL_KEY_LEN + 1 && fsync(fd) == 0;
	int error = errno;
	OPENSSL_cleanse(text, sizeof(text));
	if (close(fd) != 0 || !ok || !sync_directory_of(path)) {
		unlink(path);
		return wrong(why, path, strerror(error));
	}
	return RES_OK;
}
