/* The page /metrics, as Prometheus gets it, and the dashboard that reads it. */
#include <ctype.h>
#include <jansson.h>

#include "base/parse.h"
#include "daemon/metrics.h"
#include "world.h"

static const char *
page(struct world *w)
{
	struct web_answer a = world_web(w, "GET", "/metrics", "", "");

	assert_int_equal(a.status, 200);
	assert_string_equal(a.type, METRICS_TYPE);
	return a.body;
}

/* The value of a series as it stands at the beginning of a line; the test fails when there is none. */
static double
sample(const char *text, const char *series)
{
	size_t len = strlen(series);

	for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n'), line += line != NULL)
		if (strncmp(line, series, len) == 0 && line[len] == ' ')
			return strtod(line + len, NULL);
	fail_msg("there is no %s", series);
	return 0;
}

/* An IM and an SMS that were sent. */
static void
busy(struct world *w)
{
	world_gateway(w, .info.name = "office");
	world_start(w);
	world_schedule(w, .when = "in 1 minutes", .offline = "server");
	world_schedule_sms(w, .when = "in 1 minutes");
	world_advance(w, 5 * MINUTE_MS);
}

/* -- The page ------------------------------------------------------------------------------------------------------------------- */

static void
test_numbers_follow_what_happens(void **state)
{
	struct world *w = *state;

	busy(w);
	const char *text = page(w);
	assert_true(sample(text, "laterd_stream_up") == 1);
	assert_true(sample(text, "laterd_accepted_total{kind=\"im\"}") == 1);
	assert_true(sample(text, "laterd_accepted_total{kind=\"sms\"}") == 1);
	assert_true(sample(text, "laterd_ended_total{kind=\"sms\",state=\"sent\"}") == 1);
	assert_true(sample(text, "laterd_packets{kind=\"im\",state=\"sent\"}") == 1);
	assert_true(sample(text, "laterd_packets{kind=\"im\",state=\"scheduled\"}") == 0);
	assert_true(sample(text, "laterd_gateway_outcomes_total{gateway=\"office\",outcome=\"accepted\"}") == 1);
	assert_true(sample(text, "laterd_gateway_open{gateway=\"office\"}") == 1);
	assert_true(sample(text, "laterd_database_bytes") > 4096);
	assert_true(sample(text, "laterd_commit_seconds_count") > 0);
	world_schedule(w, .when = "in 1 hours");
	text = page(w);
	assert_true(sample(text, "laterd_accepted_total{kind=\"im\"}") == 2);
	assert_true(sample(text, "laterd_packets{kind=\"im\",state=\"scheduled\"}") == 1);
}

static void
test_stream_that_is_down_is_seen(void **state)
{
	struct world *w = *state;

	world_start(w);
	double streams = sample(page(w), "laterd_streams_total");
	w->server_down = true;
	world_cut(w);
	assert_true(sample(page(w), "laterd_stream_up") == 0);
	w->server_down = false;
	world_advance(w, 5 * MINUTE_MS);
	const char *text = page(w);
	assert_true(sample(text, "laterd_stream_up") == 1);
	assert_true(sample(text, "laterd_streams_total") > streams);
}

static void
test_nobody_is_named(void **state)
{
	static const char *const names[] = { "juliet", "romeo", "example.org", "4917012345678", "Good morning" };
	struct world *w = *state;

	busy(w);
	const char *text = page(w);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_null(strstr(text, names[i]));
}

static void
test_page_is_there_when_the_database_cannot_be_written(void **state)
{
	struct world *w = *state;

	busy(w);
	world_disk_has(w, 0);
	struct answer a = world_command(w, .node = "sms", .action = "complete",
	    .fields = { "to", PHONE, "when", "in 1 minutes", "body", "Good morning" });
	assert_string_equal(a.error_type, "wait");
	const char *text = page(w);
	world_disk_is_freed();
	assert_true(sample(text, "laterd_accepted_total{kind=\"sms\"}") == 1);
	/* Nor has looking at it done any harm. */
	world_advance(w, 5 * MINUTE_MS);
	world_schedule_sms(w, .when = "in 1 minutes");
	assert_true(sample(page(w), "laterd_accepted_total{kind=\"sms\"}") == 2);
}

static void
test_page_can_only_be_read(void **state)
{
	struct world *w = *state;

	world_start(w);
	assert_int_equal(world_web(w, "POST", "/metrics", "", "x=1").status, 405);
	assert_int_equal(world_web(w, "HEAD", "/metrics", "", "").status, 200);
	assert_int_equal(world_web(w, "GET", "/metrics/", "", "").status, 404);
}

/* -- The manual ----------------------------------------------------------------------------------------------------------------- */

static const char *
source_path(char path[512], const char *name)
{
	const char *srcdir = getenv("srcdir");

	snprintf(path, 512, "%s/%s", srcdir != NULL ? srcdir : ".", name);
	return path;
}

/* A line of what follows a mark, up to a space or its end; false when there is none any more. */
static bool
next_marked(const char **text, const char *mark, char name[128])
{
	const char *at = strstr(*text, mark);

	if (at == NULL)
		return false;
	at += strlen(mark);
	snprintf(name, 128, "%.*s", (int)strcspn(at, " ,\n"), at);
	*text = at;
	return true;
}

static void
test_manual_and_page_name_the_same(void **state)
{
	char path[512], name[128], line[160], *manual = NULL;
	struct world *w = *state;
	size_t size = 0, n = 0;

	busy(w);
	const char *text = page(w), *at = text;
	FILE *f = fopen(source_path(path, "doc/laterd.8"), "r");
	assert_non_null(f);
	assert_true(getdelim(&manual, &size, '\0', f) > 0);
	fclose(f);
	for (; next_marked(&at, "# TYPE ", name); n++)
		if (strstr(manual, name) == NULL)
			fail_msg("laterd(8) does not have %s", name);
	assert_true(n > 25);
	for (at = manual; next_marked(&at, "\n.It Li laterd_", name);) {
		snprintf(line, sizeof(line), "# TYPE laterd_%s ", name);
		if (strstr(text, line) == NULL)
			fail_msg("laterd(8) has laterd_%s, the page has not", name);
	}
	free(manual);
}

/* -- The dashboard -------------------------------------------------------------------------------------------------------------- */

static bool
has_type(const char *text, const char *name, size_t len, const char *type)
{
	char line[160];

	snprintf(line, sizeof(line), "\n# TYPE %.*s %s", (int)len, name, type);
	return strstr(text, line) != NULL || strncmp(text, line + 1, strlen(line) - 1) == 0;
}

static bool
exposed(const char *text, const char *name, size_t len)
{
	static const char *const parts[] = { "_bucket", "_sum", "_count" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t n = strlen(parts[i]);

		if (len > n && strncmp(name + len - n, parts[i], n) == 0 && has_type(text, name, len - n, "histogram\n"))
			return true;
	}
	return has_type(text, name, len, "counter\n") || has_type(text, name, len, "gauge\n");
}

/* Is there a sample of the name with such a label (and value, if it has one)? */
static bool
labelled(const char *text, const char *name, size_t len, const char *label, size_t label_len)
{
	for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n'), line += line != NULL) {
		size_t end = strcspn(line, "\n");

		if (strncmp(line, name, len) == 0 && line[len] == '{' && memmem(line, end, label, label_len) != NULL)
			return true;
	}
	return false;
}

/* Each label of `by (...)` belongs to the metric, but those that Prometheus adds. */
static void
check_labels(const char *text, const char *expr, const char *name, size_t len)
{
	const char *by = strstr(expr, "by (");
	struct span rest = by == NULL ? (struct span){ 0 } : (struct span){ by + 4, strcspn(by + 4, ")") }, item;

	while (take_item(&rest, &item)) {
		char label[64];

		if (span_eq(item, SPAN("instance")))
			continue;
		snprintf(label, sizeof(label), "%.*s=\"", (int)item.len, item.p);
		if (!labelled(text, name, len, label, strlen(label)))
			fail_msg("%s: no such label: %s", expr, label);
	}
}

static void
check_values(const char *text, const char *expr, const char *name, size_t len)
{
	for (const char *at = expr; (at = strstr(at, "=\"")) != NULL; at += 2) {
		const char *from = at, *end = strchr(at + 2, '"');

		while (isalpha((unsigned char)from[-1]))
			from--;
		assert_non_null(end);
		if (!labelled(text, name, len, from, (size_t)(end + 1 - from)))
			fail_msg("%s: no such value: %.*s", expr, (int)(end + 1 - from), from);
	}
}

static bool
is_name(char c)
{
	return islower((unsigned char)c) || c == '_';
}

/* How many metrics an expression names; each must be there. */
static size_t
check_expr(const char *text, const char *expr)
{
	size_t n = 0;

	for (const char *p = expr; *p != '\0'; p++) {
		size_t len = 0;

		if (is_name(*p))
			while (is_name(p[len]))
				len++;
		if (len == 0)
			continue;
		if (strncmp(p, "laterd_", 7) == 0 || strncmp(p, "process_", 8) == 0) {
			n++;
			if (!exposed(text, p, len))
				fail_msg("%s: no such metric: %.*s", expr, (int)len, p);
			check_labels(text, expr, p, len);
			check_values(text, expr, p, len);
		}
		p += len - 1;
	}
	return n;
}

/* All "expr" below a value. */
static size_t
check_below(const char *text, const json_t *value)
{
	const char *key;
	json_t *child;
	size_t i, n = 0;

	if (json_is_array(value))
		json_array_foreach (value, i, child)
			n += check_below(text, child);
	json_object_foreach ((json_t *)value, key, child) {
		if (strcmp(key, "expr") == 0) {
			assert_true(json_is_string(child));
			size_t found = check_expr(text, json_string_value(child));
			if (found == 0)
				fail_msg("%s names no metric", json_string_value(child));
			n += found;
		} else
			n += check_below(text, child);
	}
	return n;
}

static void
test_dashboard_names_only_what_is_there(void **state)
{
	struct world *w = *state;
	json_error_t error;
	char path[512];
	json_t *board = json_load_file(
	    source_path(path, "contrib/grafana/laterd.json"), JSON_REJECT_DUPLICATES, &error);

	if (board == NULL)
		fail_msg("%s:%d: %s", path, error.line, error.text);
	busy(w);
	const char *text = page(w);
	assert_true(check_below(text, board) > 30);
	json_decref(board);
}

static void
test_check_of_the_dashboard_can_fail(void **state)
{
	static const char text[] = "# TYPE laterd_a_seconds histogram\nlaterd_a_seconds_bucket{kind=\"im\",le=\"1\"} 1\n"
	    "# TYPE laterd_b gauge\nlaterd_b{state=\"sent\"} 1\n";

	(void)state;
	assert_true(exposed(text, "laterd_b", 8));
	assert_true(exposed(text, "laterd_a_seconds_bucket", 23));
	assert_false(exposed(text, "laterd_a_seconds", 16));
	assert_false(exposed(text, "laterd_b_count", 14));
	assert_false(exposed(text, "laterd_", 7));
	assert_false(exposed(text, "laterd_c", 8));
	assert_true(labelled(text, "laterd_b", 8, "state=\"", 7));
	assert_false(labelled(text, "laterd_b", 8, "kind=\"", 6));
	assert_false(labelled(text, "laterd_", 7, "state=\"", 7));
	assert_int_equal(check_expr(text, "sum by (le, kind) (rate(laterd_a_seconds_bucket{job=~\"$job\"}[5m]))"), 1);
	assert_int_equal(check_expr(text, "laterd_b / laterd_b{state=\"sent\"}"), 2);
	assert_int_equal(check_expr(text, "time() * 1.5"), 0);
}

static int
teardown_with_room(void **state)
{
	world_disk_is_freed();
	return world_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_numbers_follow_what_happens),
		WORLD_TEST(test_stream_that_is_down_is_seen),
		WORLD_TEST(test_nobody_is_named),
		cmocka_unit_test_setup_teardown(
		    test_page_is_there_when_the_database_cannot_be_written, world_setup, teardown_with_room),
		WORLD_TEST(test_page_can_only_be_read),
		WORLD_TEST(test_manual_and_page_name_the_same),
		WORLD_TEST(test_dashboard_names_only_what_is_there),
		cmocka_unit_test(test_check_of_the_dashboard_can_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
