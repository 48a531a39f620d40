/*
 * Runs a fuzz target over stored inputs, without a fuzzer: files, or directories of files, as
 * arguments.  Speaks TAP.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static unsigned count, failures;

static void
report(bool ok, const char *path, const char *problem)
{
	failures += !ok;
	printf("%sok %u - %s%s%s\n", ok ? "" : "not ", ++count, path,
	    problem[0] != '\0' ? ": " : "", problem);
	fflush(stdout);
}

static void
replay_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	/* Exactly as large as the input, so that a sanitizer sees a read beyond its end. */
	uint8_t *bytes = malloc(size != 0 ? size : 1);

	if (file == NULL || bytes == NULL || fread(bytes, 1, size, file) != size)
		report(false, path, "cannot be read");
	else {
		LLVMFuzzerTestOneInput(bytes, size);
		report(true, path, "");
	}
	free(bytes);
	if (file != NULL)
		fclose(file);
}

static void replay(const char *path);

static void
replay_directory(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		char *inner = NULL;
		if (entries[i]->d_name[0] != '.' &&
		    asprintf(&inner, "%s/%s", path, entries[i]->d_name) >= 0) {
			replay(inner);
			free(inner);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static void
replay(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		report(false, path, "is not there");
	else if (S_ISDIR(st.st_mode))
		replay_directory(path);
	else
		replay_file(path, (size_t)st.st_size);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (count == 0)
		report(false, "corpus", "no file was found");
	printf("1..%u\n", count);
	return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
