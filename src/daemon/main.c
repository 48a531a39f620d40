#include <getopt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config.h"
#include "daemon/loop.h"
#include "daemon/secret.h"
#include "gateway/driver.h"
#include "gateway/gateways.h"

static const char usage[] =
    "usage: laterd [-c FILE]                run in the foreground\n"
    "       laterd --check [-c FILE]        check the configuration\n"
    "       laterd --report-urls [-c FILE]  print where gateways are to report to\n"
    "       laterd --version\n"
    "       laterd --help\n";

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "check", no_argument, NULL, 'C' },
	{ "report-urls", no_argument, NULL, 'R' },
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

static enum res
print_url(const struct config *config, const struct gateway_config *g, const struct seal *seal)
{
	struct buf url = { 0 };
	enum res res =
	    gateways_report_url(&url, seal, config->http.public_url, g->info.name, NULL);

	if (res == RES_OK)
		printf("%s\t%s\n", g->info.name, buf_str(&url));
	buf_free(&url);
	return res;
}

/* Of the gateways that report to one URL, which has to be told to them once. */
static enum res
print_urls(const struct config *config, const struct seal *seal)
{
	size_t n = 0;

	for (size_t i = 0; i < config->routing.ngateways; i++) {
		const struct gateway_config *g = &config->gateways[i];

		if (!g->prepared_driver->reports_by_ref(g))
			continue;
		if (print_url(config, g, seal) != RES_OK)
			return RES_NOMEM;
		n++;
	}
	if (n == 0)
		fputs("no gateway reports to an address that has to be told to it\n", stderr);
	return RES_OK;
}

static enum res
open_seal(const struct config *config, struct seal **out, struct buf *why)
{
	const char *path = config->store.seal_key_file;
	uint8_t key[SEAL_KEY_LEN];
	enum res res = seal_key_read(path, key, why);

	if (res == RES_OK)
		*out = seal_new(key);
	else if (res == RES_NOTFOUND)
		buf_text(
		    why, ": laterd makes it at its first start, and the addresses depend on it");
	OPENSSL_cleanse(key, sizeof(key));
	return res == RES_OK && *out == NULL ? RES_NOMEM : res;
}

static int
report_urls(const char *path)
{
	struct config *config = NULL;
	struct seal *seal = NULL;
	struct buf why = { 0 };
	enum res res = config_load(path, &config, &why);

	if (res == RES_OK && config->http.public_url == NULL) {
		buf_printf(&why,
		    "%s: the section http has no public_url, below which gateways report", path);
		res = RES_INVALID;
	}
	if (res == RES_OK)
		res = open_seal(config, &seal, &why);
	if (res == RES_OK)
		res = print_urls(config, seal);
	if (res != RES_OK)
		fprintf(stderr, "%s\n", why.len > 0 ? buf_str(&why) : "out of memory");
	seal_free(&seal);
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
	int (*action)(const char *path) = run;
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case 'C':
			action = check;
			break;
		case 'R':
			action = report_urls;
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
	return action(path);
}
