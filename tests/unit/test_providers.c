/*
 * The examples of contrib/gateways: each is loaded as laterd would, writes messages as they stand
 * in tests/gateways/NAME.expected, and judges what tests/gateways/NAME.answers has.
 *
 * NAME.expected was made with LATERD_RECORD=1 in the environment, and compared with the provider's
 * documentation by hand.  NAME.answers has paragraphs:
 *
 *	< 200                     an answer with this status; or
 *	< report QUERY            a report, QUERY may be missing
 *	< Retry-After: 3          a header field
 *	| {"id":                  a line of the body
 *	> accepted                accepted, permanent, untaken, halt, unknown; or
 *	                          taken, delivered, failed, ignored, invalid
 *	> ref 7                   the id
 *	> wait 3000               ms to be left alone
 *	> words HTTP 400: no      what it says
 */
#include "config_place.h"

#include <dirent.h>

#include "core/mms.h"
#include "gateway/driver.h"

#define NOW INT64_C(1766592000000)
#define REPORT_URL "https://later.example.org/report/gw/7K3QP2/0123456789abcdef"

static const char *const names[] = { "twilio", "vonage", "vonage-legacy", "telnyx", "plivo",
	"46elks", "messagebird", "sinch", "clickatell", "infobip", "bandwidth", "voipms", "smsapi",
	"sms-gate", "httpsms" };

#define NNAMES (sizeof(names) / sizeof(names[0]))

static char *
path_of(const char *directory, const char *name, const char *suffix)
{
	const char *srcdir = getenv("srcdir");
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s/%s%s", srcdir != NULL ? srcdir : ".", directory, name,
	                suffix) > 0);
	return path;
}

static char *
read_text(const char *directory, const char *name, const char *suffix)
{
	char *path = path_of(directory, name, suffix), *text = calloc(1, 65536);
	FILE *f = fopen(path, "r");

	if (f == NULL)
		fail_msg("%s: not there", path);
	assert_true(fread(text, 1, 65535, f) < 65535);
	fclose(f);
	free(path);
	return text;
}

/* The example as the only gateway of a configuration, its secret in a file of the test's. */
static const struct gateway_config *
load_example(struct place *p, const char *name)
{
	char *example = read_text("contrib/gateways", name, ".conf"), path[96];
	struct buf text = { 0 };

	snprintf(path, sizeof(path), "/etc/laterd/%s.secret", name);
	char *at = strstr(example, path);
	if (at == NULL)
		fail_msg("%s.conf does not name %s", name, path);
	*at = '\0';
	buf_printf(&text, "%s%s$S%s", MINIMAL, example, at + strlen(path));
	const struct config *config = accepts(p, buf_str(&text));
	assert_int_equal(config->routing.ngateways, 1);
	assert_string_equal(config->gateways[0].info.name, name);
	buf_free(&text);
	free(example);
	return &config->gateways[0];
}

/* -- Requests ---------------------------------------------------------------------------------- */

static void
print_request(struct buf *out, const struct http_request *rq)
{
	buf_printf(out, "%s %s\n", rq->method, rq->url);
	if (rq->user != NULL)
		buf_printf(out, "(basic) %s %s\n", rq->user, rq->password);
	for (const struct http_header *h = rq->headers; h != NULL; h = h->next)
		buf_printf(out, "%s: %s\n", h->name, h->value);
	buf_printf(out, "\n%s\n\n", buf_str(&rq->body));
}

static void
print_written(struct buf *out, const struct gateway_config *c, const char *title,
    const struct submission *sub, const char *report_url)
{
	struct http_request *rq = http_request_new();
	struct buf why = { 0 };
	enum res res = c->prepared_driver->render(c, sub, report_url, NOW, rq, &why);

	buf_printf(out, "# %s\n", title);
	if (res == RES_OK)
		print_request(out, rq);
	else
		buf_printf(out, "! %s\n\n", buf_str(&why));
	http_request_free(&rq);
	buf_free(&why);
}

static void
print_mms(struct buf *out, const struct gateway_config *c, const char *title, size_t nmedia)
{
	const struct mms mms = {
		.subject = SPAN("Grüße"),
		.text = SPAN("Siehe „Bild“ & \"Ton\" 😀"),
		.media = {
			{ .url = "https://upload.example.org/a%20b,c.jpg?x=1&y=2",
			    .type = "image/jpeg",
			    .bytes = SPAN("\xff\xd8\xff") },
			{ .url = "https://upload.example.org/d.png",
			    .type = "image/png",
			    .bytes = SPAN("PNG") },
		},
		.nmedia = nmedia,
	};
	struct buf entity = { 0 };
	struct submission sub = { .id = "7K3QP2",
		.recipient = "+15145550199",
		.kind = KIND_MMS,
		.created_at = NOW - 5000,
		.expires_at = NOW + 5000 };

	assert_int_equal(mms_build(&entity, &mms), RES_OK);
	sub.body = buf_as_span(&entity);
	print_written(out, c, title, &sub, REPORT_URL);
	buf_free(&entity);
}

static void
print_all(struct buf *out, const struct gateway_config *c)
{
	struct submission sub = { .id = "7K3QP2",
		.recipient = "+15145550199",
		.kind = KIND_SMS,
		.body = SPAN("Grüße & \"hållo\" {to} 5 €\nЗавтра 😀"),
		.created_at = NOW - 5000,
		.expires_at = NOW + 5000 };

	print_written(out, c, "an SMS of UCS-2, with reports", &sub, REPORT_URL);
	sub.body = SPAN("Hello 100%");
	print_written(out, c, "an SMS of GSM 7 bit, without reports", &sub, NULL);
	if (!c->info.kinds[KIND_MMS])
		return;
	print_mms(out, c, "an MMS with two media", 2);
	print_mms(out, c, "an MMS with one medium", 1);
}

static void
test_it_writes_what_was_recorded(void **state)
{
	const char *name = *state;
	void *place = NULL;
	struct buf out = { 0 };

	assert_int_equal(setup(&place), 0);
	print_all(&out, load_example(place, name));
	assert_false(out.failed);
	if (getenv("LATERD_RECORD") != NULL) {
		char *path = path_of("tests/gateways", name, ".expected");
		write_file(path, buf_str(&out));
		free(path);
	}
	char *expected = read_text("tests/gateways", name, ".expected");
	if (strcmp(buf_str(&out), expected) != 0)
		fail_msg("%s writes:\n%s", name, buf_str(&out));
	free(expected);
	buf_free(&out);
	teardown(&place);
}

/* -- Answers ----------------------------------------------------------------------------------- */

/* One paragraph, and what came of it. */
struct sample {
	int line, status; /* status 0: a report */
	struct buf query, body;
	struct http_header headers[4];
	size_t nheaders;
	struct buf expected, got;
};

static void
expect_words(struct buf *out, const char *what, const struct buf *value)
{
	if (value->len > 0)
		buf_printf(out, "> %s %s\n", what, buf_str(value));
}

static void
judge(const struct gateway_config *c, struct sample *s)
{
	static const char *const words[] = { "accepted", "permanent", "untaken", "unknown" };
	struct http_answer a = { .end = HTTP_ANSWERED,
		.status = s->status,
		.body = buf_as_span(&s->body),
		.headers = s->nheaders > 0 ? s->headers : NULL };
	struct verdict v = { .outcome = OUTCOME_ACCEPTED };

	assert_int_equal(c->prepared_driver->judge(c, &a, NOW, &v), RES_OK);
	assert_true(!v.halt || v.outcome == OUTCOME_NOT_PROCESSED);
	buf_printf(&s->got, "> %s\n", v.halt ? "halt" : words[v.outcome]);
	expect_words(&s->got, "ref", &v.ref);
	if (v.retry_after_ms > 0)
		buf_printf(&s->got, "> wait %d\n", (int)v.retry_after_ms);
	expect_words(&s->got, "words", &v.words);
	verdict_free(&v);
}

static void
read_report(const struct gateway_config *c, struct sample *s)
{
	static const char *const words[] = { "taken", "delivered", "failed" };
	struct web_request rq = { .method = "POST",
		.path = "/",
		.query = buf_str(&s->query),
		.content_type = "",
		.body = buf_as_span(&s->body) };
	struct web_reply reply = { .status = 200 };
	struct report_read read = { .state = REPORT_TAKEN };
	enum res res = c->prepared_driver->report(c, &rq, &read, &reply);

	if (res == RES_OK) {
		buf_printf(&s->got, "> %s\n", words[read.state]);
		expect_words(&s->got, "ref", &read.ref);
		expect_words(&s->got, "words", &read.words);
	} else
		buf_printf(&s->got, "> %s\n", res == RES_NOTFOUND ? "ignored" : "invalid");
	buf_free(&read.ref);
	buf_free(&read.words);
	buf_free(&reply.body);
}

static void
finish(const struct gateway_config *c, struct sample *s, const char *name)
{
	if (s->line == 0)
		return;
	if (s->status != 0)
		judge(c, s);
	else
		read_report(c, s);
	if (strcmp(buf_str(&s->got), buf_str(&s->expected)) != 0)
		fail_msg("tests/gateways/%s.answers:%d: expected\n%sgot\n%s", name, s->line,
		    buf_str(&s->expected), buf_str(&s->got));
	for (size_t i = 0; i < s->nheaders; i++)
		free((void *)(uintptr_t)s->headers[i].name);
	buf_free(&s->query);
	buf_free(&s->body);
	buf_free(&s->expected);
	buf_free(&s->got);
	*s = (struct sample){ .line = 0 };
}

static void
take_header(struct sample *s, const char *text)
{
	char *name = strdup(text), *colon = strstr(name, ": ");

	assert_non_null(colon);
	assert_true(s->nheaders < 4);
	*colon = '\0';
	for (char *p = name; *p != '\0'; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
	s->headers[s->nheaders] = (struct http_header){ name, colon + 2, NULL };
	if (s->nheaders > 0)
		s->headers[s->nheaders - 1].next = &s->headers[s->nheaders];
	s->nheaders++;
}

static void
take_line(struct sample *s, const char *text, int line)
{
	if (text[0] == '<' && s->line == 0) {
		s->line = line;
		s->status = atoi(text + 2);
		if (strncmp(text, "< report ", 9) == 0)
			buf_text(&s->query, text + 9);
		assert_true(s->status != 0 || strncmp(text, "< report", 8) == 0);
	} else if (text[0] == '<')
		take_header(s, text + 2);
	else if (text[0] == '|')
		buf_printf(
		    &s->body, "%s%s", s->body.len > 0 ? "\n" : "", text[1] == ' ' ? text + 2 : "");
	else if (text[0] == '>')
		buf_printf(&s->expected, "%s\n", text);
	else if (text[0] != '#')
		fail_msg("line %d: %s", line, text);
}

static void
test_it_judges_what_was_recorded(void **state)
{
	const char *name = *state;
	void *place = NULL;
	struct sample sample = { .line = 0 };
	char *text = read_text("tests/gateways", name, ".answers"), *rest = text, *line;
	int n = 0, samples = 0;

	assert_int_equal(setup(&place), 0);
	const struct gateway_config *c = load_example(place, name);
	while ((line = strsep(&rest, "\n")) != NULL) {
		n++;
		if (line[0] != '\0') {
			take_line(&sample, line, n);
			continue;
		}
		samples += sample.line > 0;
		finish(c, &sample, name);
	}
	finish(c, &sample, name);
	assert_true(samples >= 3);
	free(text);
	teardown(&place);
}

static void
test_every_example_is_tested(void **state)
{
	char *path = path_of("contrib/gateways", "", "");
	DIR *directory = opendir(path);
	size_t found = 0;

	(void)state;
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		size_t len = strlen(entry->d_name), i = 0;
		if (len < 5 || strcmp(entry->d_name + len - 5, ".conf") != 0)
			continue;
		while (i < NNAMES && (strlen(names[i]) != len - 5 ||
		                         strncmp(names[i], entry->d_name, len - 5) != 0))
			i++;
		if (i == NNAMES)
			fail_msg("%s is not tested", entry->d_name);
		found++;
	}
	closedir(directory);
	free(path);
	assert_int_equal(found, NNAMES);
}

int
main(void)
{
	struct CMUnitTest tests[2 * NNAMES + 1] = { cmocka_unit_test(
	    test_every_example_is_tested) };
	char titles[2 * NNAMES][64];

	for (size_t i = 0; i < NNAMES; i++) {
		void *name = (void *)(uintptr_t)names[i];
		snprintf(titles[2 * i], 64, "test_%s_writes_what_was_recorded", names[i]);
		snprintf(titles[2 * i + 1], 64, "test_%s_judges_what_was_recorded", names[i]);
		tests[2 * i + 1] = (struct CMUnitTest){ .name = titles[2 * i],
			.test_func = test_it_writes_what_was_recorded,
			.initial_state = name };
		tests[2 * i + 2] = (struct CMUnitTest){ .name = titles[2 * i + 1],
			.test_func = test_it_judges_what_was_recorded,
			.initial_state = name };
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
