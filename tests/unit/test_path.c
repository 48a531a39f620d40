#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gateway/path.h"
#include "gateway/statuses.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* -- Statuses and paths ------------------------------------------------------------------------ */

static void
test_statuses_are_single_or_ranges(void **state)
{
	struct statuses s;
	struct buf why = { 0 };

	(void)state;
	assert_int_equal(statuses_parse(&s, LIST("200", "500-504", "100-100"), &why), RES_OK);
	assert_true(statuses_has(&s, 200) && statuses_has(&s, 500) && statuses_has(&s, 504));
	assert_true(statuses_has(&s, 100));
	assert_false(statuses_has(&s, 201) || statuses_has(&s, 499) || statuses_has(&s, 505));
	assert_false(statuses_has(&s, 0) || statuses_has(&s, -1) || statuses_has(&s, 600) ||
	             statuses_has(&s, 99999));
	static const char *const wrong[] = { "", "20", "2000", "99", "600", "abc", "200-", "-200",
		"300-200", "200-600", "200 ", "200,201", "200-300-400" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (statuses_parse(&s, LIST(wrong[i]), &why) != RES_INVALID)
			fail_msg("accepted: %s", wrong[i]);
	buf_free(&why);
}

static void
test_paths_lead_into_objects_and_arrays(void **state)
{
	json_t *root = json_loads(
	    "{\"a\": [{\"b\": \"x\"}, {\"0\": 7}], \"t\": true, \"f\": false, \"n\": null,"
	    " \"r\": 1.5, \"i\": -12, \"message-id\": \"m\", \"\": 1}",
	    0, NULL);
	static const struct {
		const char *path, *text;
	} cases[] = {
		{ "a.0.b", "x" },
		{ "a.1.0", "7" },
		{ "t", "true" },
		{ "f", "false" },
		{ "i", "-12" },
		{ "message-id", "m" },
		{ "n", NULL },
		{ "r", NULL },
		{ "a", NULL },
		{ "a.0", NULL },
		{ "a.2", NULL },
		{ "a.-1", NULL },
		{ "a.00", NULL },
		{ "a.x", NULL },
		{ "a.0.b.c", NULL },
		{ "a.99999999999999999999", NULL },
		{ "x", NULL },
		{ "t.x", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = { 0 };
		enum res res = path_text(root, cases[i].path, &out);
		if (res != (cases[i].text != NULL ? RES_OK : RES_NOTFOUND))
			fail_msg("%s", cases[i].path);
		if (cases[i].text != NULL)
			assert_string_equal(buf_str(&out), cases[i].text);
		buf_free(&out);
	}
	assert_null(path_find(NULL, "a"));
	json_decref(root);
}

static void
test_what_is_no_path_is_known(void **state)
{
	char deep[200];

	(void)state;
	assert_true(path_is("a") && path_is("a.0.b") && path_is("message-id"));
	assert_false(
	    path_is("") || path_is(".") || path_is("a.") || path_is(".a") || path_is("a..b"));
	memset(deep, 0, sizeof(deep));
	for (size_t i = 0; i < PATH_DEPTH_MAX; i++)
		memcpy(deep + 2 * i, "a.", 2);
	deep[2 * PATH_DEPTH_MAX - 1] = '\0';
	assert_true(path_is(deep));
	memcpy(deep + 2 * PATH_DEPTH_MAX - 1, ".a", 3);
	assert_false(path_is(deep));
}

static void
test_a_path_can_be_set_where_there_is_room(void **state)
{
	json_t *root = json_loads("{\"a\": {\"b\": [1, {}]}}", 0, NULL);

	(void)state;
	assert_int_equal(path_set(root, "id", "x"), RES_OK);
	assert_int_equal(path_set(root, "a.id", "y"), RES_OK);
	assert_int_equal(path_set(root, "a.b.0", "z"), RES_OK);
	assert_int_equal(path_set(root, "a.b.1.id", "w"), RES_OK);
	assert_int_equal(path_set(root, "a.b.2", "z"), RES_NOTFOUND);
	assert_int_equal(path_set(root, "a.c.id", "z"), RES_NOTFOUND);
	assert_int_equal(path_set(root, "id.id", "z"), RES_NOTFOUND);
	char *text = json_dumps(root, JSON_COMPACT);
	assert_string_equal(
	    text, "{\"a\":{\"b\":[\"z\",{\"id\":\"w\"}],\"id\":\"y\"},\"id\":\"x\"}");
	free(text);
	json_decref(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses_are_single_or_ranges),
		cmocka_unit_test(test_paths_lead_into_objects_and_arrays),
		cmocka_unit_test(test_what_is_no_path_is_known),
		cmocka_unit_test(test_a_path_can_be_set_where_there_is_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
