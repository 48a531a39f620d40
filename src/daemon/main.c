#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config.h"
#include "daemon/loop.h"

static const char usage[] =
    "usage: laterd [-c FILE]          run in the foreground\n"
    "       laterd --check [-c FILE]  check the configuration\n"
    "       laterd --version\n"
    "       laterd --help\n";

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, 'C' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int
check(const char *path)
{
	struct config *config;
	struct buf why = { 0 };
	enum res res = config_load(path, &config, &why);

	if (res == RES_OK)
		printf("%s: ok\n", path);
	else
		fprintf(stderr, "%s\n", buf_str(&why));
	config_free(&config);
	buf_free(&why);
	return res == RES_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int
run(const char *path)
{
	struct buf why = { 0 };
	int code = loop_run(path, &why);

	if (code != 0)
		log_error("%s", buf_str(&why));
	buf_free(&why);
	log_close();
	return code;
}

int
main(int argc, char **argv)
{
	const char *path = LATERD_SYSCONFDIR "/laterd/laterd.conf";
	bool check_only = false;
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 'C':
			check_only = true;
			break;
		case 'V':
			puts("laterd " LATERD_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return 64; /* EX_USAGE */
		}
	if (optind != argc) {
		fputs(usage, stderr);
		return 64;
	}
	return check_only ? check(path) : run(path);
}
