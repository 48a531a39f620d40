/* Who wants nothing sent to them, and who has written to whom. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

#define HER "rosaline@example.net"

static int
count(struct fixture *f, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int n;

	assert_int_equal(
	    sqlite3_prepare_v2(((struct db *)f->store)->handle, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

static bool
is_stopped(struct fixture *f, const char *jid)
{
	bool stopped = true, again = false;

	assert_int_equal(f->ops->stopped(f->store, jid, &stopped), RES_OK);
	assert_int_equal(f->ops->stopped(f->store, jid, &again), RES_OK);
	assert_int_equal(stopped, again);
	return stopped;
}

static void
set_stopped(struct fixture *f, const char *jid, int64_t at)
{
	assert_int_equal(f->ops->set_stopped(f->store, jid, at), RES_OK);
}

static void
note(struct fixture *f, const char *sender, const char *recipient, int64_t at)
{
	assert_int_equal(f->ops->set_pair(f->store, sender, recipient, at), RES_OK);
}

/* When they have last written to each other, whichever is asked for first. */
static int64_t
pair_of(struct fixture *f, const char *one, const char *other)
{
	int64_t at = -7, back = -8;

	assert_int_equal(f->ops->pair(f->store, one, other, &at), RES_OK);
	assert_int_equal(f->ops->pair(f->store, other, one, &back), RES_OK);
	assert_int_equal(at, back);
	return at;
}

static int64_t
purge(struct fixture *f, int64_t before, size_t max)
{
	int64_t n = -1;

	assert_int_equal(f->ops->purge_pairs(f->store, before, max, &n), RES_OK);
	return n;
}

/* Runs SQL on a table that is not STRICT meanwhile, as a damaged file may have it. */
static void
by_hand_loosely(struct fixture *f, const char *sql)
{
	sqlite_store_close(&f->store);
	by_hand(f,
	    "PRAGMA writable_schema = ON;"
	    "UPDATE sqlite_master SET "
	    "sql = replace(replace(sql, 'STRICT, ', ''), ' INTEGER ', ' ') WHERE name IN ('pair', 'stopped')");
	by_hand(f, sql);
	by_hand(f,
	    "PRAGMA writable_schema = ON;"
	    "UPDATE sqlite_master SET "
	    "sql = replace(replace(sql, ') WITHOUT', ') STRICT, WITHOUT'), "
	    "' at NOT', ' at INTEGER NOT') WHERE name IN ('pair', 'stopped')");
	store_reopen(f);
	assert_int_equal(count(f,
			     "SELECT count(*) FROM pragma_table_list WHERE strict AND name IN "
			     "('pair', 'stopped')"),
	    2);
}

/* -- Who wants nothing sent to them ------------------------------------------------------------ */

static void
test_who_has_stopped_us_is_remembered_until_they_start(void **state)
{
	struct fixture *f = *state;

	assert_false(is_stopped(f, YOU));
	set_stopped(f, YOU, NOON);
	/* The turn sees it. */
	assert_true(is_stopped(f, YOU));
	f->ops->rollback(f->store);
	assert_false(is_stopped(f, YOU));
	set_stopped(f, YOU, NOON);
	set_stopped(f, YOU, NOON + 1);
	commit(f);
	store_reopen(f);
	assert_true(is_stopped(f, YOU));
	assert_int_equal(
	    count(f, "SELECT count(*) FROM stopped WHERE at = 1798200000001"), 1);
	set_stopped(f, YOU, 0);
	set_stopped(f, YOU, 0);
	set_stopped(f, "nobody@example.org", 0);
	commit(f);
	store_reopen(f);
	assert_false(is_stopped(f, YOU));
	assert_int_equal(count(f, "SELECT count(*) FROM stopped"), 0);
}

static void
test_one_who_stops_us_stops_us_for_themselves_alone(void **state)
{
	static const char *const others[] = { ME, "romeo@example.ne", "romeo@example.nett",
		"Romeo@example.net", "romeo@example.net ", "example.net", "", "%",
		"romeo@example.net' OR '1' = '1" };
	struct fixture *f = *state;

	set_stopped(f, YOU, NOON);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_false(is_stopped(f, others[i]));
		set_stopped(f, others[i], 0);
	}
	assert_true(is_stopped(f, YOU));
	/* Remote domains and the longest address may, too. */
	set_stopped(f, "example.net", NOON);
	assert_true(is_stopped(f, "example.net"));
	set_stopped(f, "romeo@example.net' OR '1' = '1", NOON);
	assert_false(is_stopped(f, HER));
}

static void
test_the_longest_addresses_are_kept_whole(void **state)
{
	struct fixture *f = *state;
	char one[JID_BARE_MAX + 1], other[JID_BARE_MAX + 1];

	memset(one, 'a', JID_BARE_MAX);
	one[JID_PART_MAX] = '@';
	one[JID_BARE_MAX] = '\0';
	memcpy(other, one, sizeof(other));
	other[JID_BARE_MAX - 1] = 'b';
	set_stopped(f, one, NOON);
	note(f, one, ME, NOON);
	note(f, one, one, NOON + 1);
	note(f, ME, other, NOON + 2);
	commit(f);
	store_reopen(f);
	assert_true(is_stopped(f, one));
	assert_false(is_stopped(f, other));
	assert_int_equal(pair_of(f, one, ME), NOON);
	assert_int_equal(pair_of(f, one, one), NOON + 1);
	assert_int_equal(pair_of(f, ME, other), NOON + 2);
	assert_int_equal(pair_of(f, one, other), 0);
	assert_int_equal(purge(f, INT64_MAX, 9), 3);
}

static void
test_a_damaged_wish_to_be_left_alone_is_still_one(void **state)
{
	struct fixture *f = *state;

	by_hand(f,
	    "INSERT INTO stopped VALUES ('a@x', 0), ('b@x', -1), "
	    "('c@x', 9223372036854775807), ('d@x', -9223372036854775808), ('', 1), "
	    "('e@x' || char(0) || 'y', 1), (printf('%09000d', 0), 1)");
	by_hand_loosely(f,
	    "INSERT INTO stopped VALUES ('f@x', 'soon'), ('g@x', x''), ('h@x', 1e300), "
	    "(x'69407800', 1), (7, 1)");
	for (const char *who = "abcdfgh"; *who != '\0'; who++) {
		const char jid[] = { *who, '@', 'x', '\0' };

		assert_true(is_stopped(f, jid));
	}
	/* Those are not theirs. */
	assert_false(is_stopped(f, "e@x"));
	assert_false(is_stopped(f, "i@x"));
	assert_false(is_stopped(f, ME));
	for (const char *who = "abcdfgh"; *who != '\0'; who++) {
		const char jid[] = { *who, '@', 'x', '\0' };

		set_stopped(f, jid, 0);
		assert_false(is_stopped(f, jid));
	}
	commit(f);
}

/* -- Who has written to whom ------------------------------------------------------------------- */

static void
test_a_pair_is_one_whoever_of_them_has_written(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pair_of(f, ME, YOU), 0);
	note(f, ME, YOU, NOON);
	assert_int_equal(pair_of(f, ME, YOU), NOON);
	/* The later of both directions, whichever it is. */
	note(f, YOU, ME, NOON - DAY_MS);
	assert_int_equal(pair_of(f, ME, YOU), NOON);
	note(f, YOU, ME, NOON + DAY_MS);
	assert_int_equal(pair_of(f, ME, YOU), NOON + DAY_MS);
	f->ops->rollback(f->store);
	assert_int_equal(pair_of(f, ME, YOU), 0);
	note(f, ME, YOU, NOON);
	note(f, ME, ME, NOON + 5);
	commit(f);
	store_reopen(f);
	assert_int_equal(pair_of(f, ME, YOU), NOON);
	assert_int_equal(pair_of(f, ME, ME), NOON + 5);
}

static void
test_no_pair_is_taken_for_another(void **state)
{
	static const struct {
		const char *one, *other;
	} others[] = {
		{ ME, HER }, { YOU, HER }, { YOU, YOU }, { ME, "" }, { "", "" },
		{ ME, "Romeo@example.net" }, { ME, YOU "/orchard" }, { ME YOU, "" },
		{ "juliet@example.org' OR '1' = '1", YOU },
	};
	struct fixture *f = *state;

	note(f, ME, YOU, NOON);
	note(f, ME, ME, NOON);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(pair_of(f, others[i].one, others[i].other), 0);
}

static void
test_a_pair_is_noted_anew_an_hour_later_or_earlier(void **state)
{
	static const struct {
		int64_t at, noted;
	} steps[] = {
		{ NOON, NOON },
		{ NOON + 1, NOON },
		{ NOON + HOUR_MS - 1, NOON },
		{ NOON + HOUR_MS, NOON + HOUR_MS },
		{ NOON + HOUR_MS - 1, NOON + HOUR_MS },
		{ NOON + 1, NOON + HOUR_MS },
		{ NOON + 2 * HOUR_MS - 1, NOON + HOUR_MS },
		{ NOON + 3 * HOUR_MS, NOON + 3 * HOUR_MS },
		/* By a clock that was ahead. */
		{ INT64_MAX, INT64_MAX },
		{ INT64_MAX - HOUR_MS + 1, INT64_MAX },
		{ NOON + 9 * HOUR_MS, NOON + 9 * HOUR_MS },
		{ NOON + 8 * HOUR_MS, NOON + 8 * HOUR_MS },
		{ 1, 1 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		note(f, ME, YOU, steps[i].at);
		assert_int_equal(pair_of(f, ME, YOU), steps[i].noted);
		if (i % 2 == 0)
			commit(f);
	}
	assert_int_equal(count(f, "SELECT count(*) FROM pair"), 1);
	/* The other direction has an hour of its own. */
	note(f, HER, ME, NOON);
	note(f, ME, HER, NOON + 1);
	assert_int_equal(pair_of(f, ME, HER), NOON + 1);
	assert_int_equal(count(f, "SELECT count(*) FROM pair"), 3);
	/* The first is noted also by a clock that has just begun. */
	note(f, YOU, HER, 1);
	assert_int_equal(pair_of(f, YOU, HER), 1);
}

static void
test_a_purge_of_pairs_takes_those_longest_ago_first(void **state)
{
	struct fixture *f = *state;
	char jid[32];

	assert_int_equal(purge(f, INT64_MAX, 9), 0);
	for (unsigned i = 0; i < 10; i++) {
		snprintf(jid, sizeof(jid), "user%u@example.net", i * 7 % 10);
		note(f, ME, jid, NOON + i);
	}
	commit(f);
	assert_int_equal(purge(f, NOON, 9), 0);
	assert_int_equal(purge(f, INT64_MIN, 9), 0);
	assert_int_equal(purge(f, NOON + 6, 0), 0);
	assert_int_equal(purge(f, NOON + 6, 4), 4);
	assert_int_equal(
	    count(f, "SELECT count(*) FROM pair WHERE at >= 1798200000004"), 6);
	assert_int_equal(count(f, "SELECT count(*) FROM pair"), 6);
	assert_int_equal(purge(f, NOON + 6, 4), 2);
	assert_int_equal(purge(f, NOON + 6, 4), 0);
	assert_int_equal(count(f, "SELECT count(*) FROM pair"), 4);
	f->ops->rollback(f->store);
	assert_int_equal(count(f, "SELECT count(*) FROM pair"), 10);
	assert_int_equal(purge(f, INT64_MAX, SIZE_MAX), 10);
	commit(f);
	store_reopen(f);
	assert_int_equal(count(f, "SELECT count(*) FROM pair"), 0);
}

static void
test_pairs_of_one_instant_are_purged_in_steps(void **state)
{
	struct fixture *f = *state;
	char jid[32];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(jid, sizeof(jid), "user%u@example.net", i);
		note(f, i % 2 ? jid : ME, i % 2 ? ME : jid, NOON);
	}
	for (int left = 100; left > 0; left -= left < 30 ? left : 30) {
		assert_int_equal(count(f, "SELECT count(*) FROM pair"), left);
		assert_int_equal(purge(f, NOON + 1, 30), left < 30 ? left : 30);
		commit(f);
	}
	assert_int_equal(purge(f, NOON + 1, 30), 0);
}

static void
test_forgetting_an_account_deletes_whom_they_have_written_to(void **state)
{
	struct fixture *f = *state;

	note(f, ME, YOU, NOON);
	note(f, ME, HER, NOON + 1);
	note(f, ME, ME, NOON + 2);
	note(f, YOU, HER, NOON + 3);
	/* This one has been written to, which is what the other knows. */
	note(f, YOU, ME, NOON + 4);
	set_stopped(f, ME, NOON);
	set_stopped(f, YOU, NOON);
	commit(f);
	assert_int_equal(f->ops->forget_account(f->store, ME), RES_OK);
	commit(f);
	store_reopen(f);
	assert_int_equal(count(f, "SELECT count(*) FROM pair"), 2);
	assert_int_equal(pair_of(f, ME, HER), 0);
	assert_int_equal(pair_of(f, ME, ME), 0);
	assert_int_equal(pair_of(f, YOU, HER), NOON + 3);
	assert_int_equal(pair_of(f, ME, YOU), NOON + 4);
	/* Else others could write to them again. */
	assert_true(is_stopped(f, ME));
	assert_true(is_stopped(f, YOU));
	assert_int_equal(f->ops->forget_account(f->store, "nobody@example.org"), RES_OK);
	assert_int_equal(f->ops->forget_account(f->store, ""), RES_OK);
	assert_int_equal(count(f, "SELECT count(*) FROM pair"), 2);
}

static void
test_a_damaged_pair_is_one_that_never_was_or_is_noted_anew(void **state)
{
	/* What is no number, or of before 1970, is none; what is one counts until the next note. */
	static const struct {
		const char *sql;
		int64_t at;
	} damage[] = {
		{ "0", 0 },
		{ "-1", 0 },
		{ "-9223372036854775808", 0 },
		{ "9223372036854775807", INT64_MAX },
		{ "'soon'", 0 },
		{ "x''", 0 },
		{ "x'ffff'", 0 },
		{ "''", 0 },
		{ "-1e300", 0 },
		{ "'-77'", 0 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		char sql[192];

		snprintf(sql, sizeof(sql), "INSERT INTO pair VALUES ('" ME "', '" YOU "', %s)",
		    damage[i].sql);
		by_hand_loosely(f, sql);
		assert_int_equal(count(f, "SELECT count(*) FROM pair"), 1);
		assert_int_equal(pair_of(f, ME, YOU), damage[i].at);
		note(f, ME, YOU, NOON);
		assert_int_equal(pair_of(f, ME, YOU), NOON);
		commit(f);
		assert_int_equal(f->ops->forget_account(f->store, ME), RES_OK);
		commit(f);
		assert_int_equal(count(f, "SELECT count(*) FROM pair"), 0);
	}
}

static void
test_damaged_addresses_are_nobodys_and_are_purged(void **state)
{
	struct fixture *f = *state;

	note(f, ME, YOU, NOON);
	commit(f);
	by_hand_loosely(f,
	    "INSERT INTO pair VALUES ('', '', 1), ('" ME "', '', -5), ('', '" ME "', 2), "
	    "('" ME "', '" HER "' || char(0) || 'x', 3), ('" HER "' || char(0), '" ME "', 4), "
	    "(printf('%09000d', 0), printf('%09000d', 1), 5), (7, 8, 9), (x'00', x'ff', 10), "
	    "('" ME "', CAST(x'ff80' AS TEXT), -9223372036854775808)");
	assert_int_equal(pair_of(f, ME, HER), 0);
	assert_int_equal(pair_of(f, ME, YOU), NOON);
	assert_int_equal(pair_of(f, ME, ME), 0);
	note(f, ME, HER, NOON + 1);
	assert_int_equal(pair_of(f, HER, ME), NOON + 1);
	assert_int_equal(purge(f, NOON, 4), 4);
	assert_int_equal(purge(f, NOON, 99), 5);
	commit(f);
	assert_int_equal(count(f, "SELECT count(*) FROM pair"), 2);
	assert_int_equal(pair_of(f, ME, YOU), NOON);
}

static void
test_nothing_is_told_or_noted_in_a_turn_that_failed(void **state)
{
	struct fixture *f = *state;
	int64_t at = 7, n = 7;
	bool stopped = true;

	note(f, ME, YOU, NOON);
	set_stopped(f, HER, NOON);
	commit(f);
	((struct db *)f->store)->turn = TURN_BROKEN;
	assert_int_equal(f->ops->pair(f->store, ME, YOU, &at), RES_TEMPFAIL);
	assert_int_equal(f->ops->set_pair(f->store, ME, YOU, NOON), RES_TEMPFAIL);
	assert_int_equal(f->ops->set_pair(f->store, ME, HER, NOON), RES_TEMPFAIL);
	assert_int_equal(f->ops->purge_pairs(f->store, INT64_MAX, 9, &n), RES_TEMPFAIL);
	assert_int_equal(n, 0);
	assert_int_equal(f->ops->stopped(f->store, HER, &stopped), RES_TEMPFAIL);
	assert_int_equal(f->ops->set_stopped(f->store, HER, 0), RES_TEMPFAIL);
	f->ops->rollback(f->store);
	assert_int_equal(pair_of(f, ME, YOU), NOON);
	assert_int_equal(pair_of(f, ME, HER), 0);
	assert_true(is_stopped(f, HER));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_has_stopped_us_is_remembered_until_they_start),
		TEST(test_one_who_stops_us_stops_us_for_themselves_alone),
		TEST(test_the_longest_addresses_are_kept_whole),
		TEST(test_a_damaged_wish_to_be_left_alone_is_still_one),
		TEST(test_a_pair_is_one_whoever_of_them_has_written),
		TEST(test_no_pair_is_taken_for_another),
		TEST(test_a_pair_is_noted_anew_an_hour_later_or_earlier),
		TEST(test_a_purge_of_pairs_takes_those_longest_ago_first),
		TEST(test_pairs_of_one_instant_are_purged_in_steps),
		TEST(test_forgetting_an_account_deletes_whom_they_have_written_to),
		TEST(test_a_damaged_pair_is_one_that_never_was_or_is_noted_anew),
		TEST(test_damaged_addresses_are_nobodys_and_are_purged),
		TEST(test_nothing_is_told_or_noted_in_a_turn_that_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
