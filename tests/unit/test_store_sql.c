/* Every statement by itself: it prepares, it uses an index, and its numbers are core's. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

static const struct {
	const char *name, *text;
} statements[] = {
#define STATEMENT(name, text) { #name, text },
	SQL_STATEMENTS(STATEMENT)
#undef STATEMENT
};

#define NSTATEMENTS (sizeof(statements) / sizeof(statements[0]))

static sqlite3 *
handle_of(struct fixture *f)
{
	return ((struct db *)f->store)->handle;
}

static void
test_each_statement_prepares_as_one_statement(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < NSTATEMENTS; i++) {
		sqlite3_stmt *stmt = NULL;
		const char *rest = NULL;

		if (sqlite3_prepare_v2(handle_of(f), statements[i].text, -1, &stmt, &rest) !=
		    SQLITE_OK)
			fail_msg("%s: %s", statements[i].name, sqlite3_errmsg(handle_of(f)));
		assert_non_null(stmt);
		assert_string_equal(rest, "");
		sqlite3_finalize(stmt);
	}
}

static void
test_placeholders_are_numbered_in_order(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < NSTATEMENTS; i++) {
		sqlite3_stmt *stmt = NULL;

		sqlite3_prepare_v2(handle_of(f), statements[i].text, -1, &stmt, NULL);
		for (int k = 1; k <= sqlite3_bind_parameter_count(stmt); k++) {
			char name[16];

			snprintf(name, sizeof(name), "$%d", k);
			assert_string_equal(sqlite3_bind_parameter_name(stmt, k), name);
		}
		sqlite3_finalize(stmt);
	}
}

/* -- Numbers of states and kinds --------------------------------------------------------------- */

/* Is a packet of this state and kind in the set that an SQL term describes? */
static bool
within_both(struct fixture *f, const char *term, int s, int kind)
{
	char sql[256];
	sqlite3_stmt *stmt = NULL;
	bool answer;

	snprintf(sql, sizeof(sql), "SELECT %s FROM (SELECT %d AS state, %d AS kind)", term, s, kind);
	assert_int_equal(sqlite3_prepare_v2(handle_of(f), sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	answer = sqlite3_column_int(stmt, 0) != 0;
	sqlite3_finalize(stmt);
	return answer;
}

static bool
within(struct fixture *f, const char *term, int s)
{
	return within_both(f, term, s, KIND_IM);
}

static void
test_sets_of_states_are_those_of_core(void **state)
{
	struct fixture *f = *state;

	for (int k = 0; k <= PACKET_NSTATES; k++) {
		enum packet_state s = k < PACKET_NSTATES ? (enum packet_state)k : PACKET_ILLEGAL;
		bool waits = packet_is_waiting(s), real = s != PACKET_ILLEGAL;

		assert_int_equal(within(f, SQL_IS_WAITING, k), waits);
		assert_int_equal(within(f, SQL_IS_FINISHED, k), real && !waits);
		assert_int_equal(
		    within(f, SQL_IS_ENDED, k), real && (!waits || s == PACKET_UNCERTAIN));
		assert_int_equal(
		    within(f, SQL_IS_SCHEDULED, k), packet_next(s, EV_DUE) != PACKET_ILLEGAL);
		assert_int_equal(
		    within(f, SQL_IS_TAKEN, k), packet_next(s, EV_RECOVER) != PACKET_ILLEGAL);
		assert_int_equal(within(f, SQL_IS_HELD, k), s == PACKET_HELD);
		assert_int_equal(
		    within(f, SQL_IS_TROUBLE, k), packet_next(s, EV_RETRY) != PACKET_ILLEGAL);
	}
}

static void
test_every_kind_is_in_one_of_two_classes(void **state)
{
	struct fixture *f = *state;

	for (int k = KIND_IM; k < KIND_END; k++) {
		bool paid = packet_kind_is_paid((enum packet_kind)k);

		assert_int_equal(within_both(f, SQL_IS_PAID, PACKET_SCHEDULED, k), paid);
		assert_int_equal(within_both(f, SQL_IS_IM, PACKET_SCHEDULED, k), !paid);
		for (int s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++) {
			bool attempted = s == PACKET_INFLIGHT && paid;
			bool ours = packet_next((enum packet_state)s, EV_RECOVER) != PACKET_ILLEGAL;

			assert_int_equal(within_both(f, SQL_IS_ATTEMPTED, s, k), attempted);
			assert_int_equal(
			    within_both(f, SQL_IS_TAKEN, s, k), ours && !attempted);
		}
	}
}

static void
test_partial_indexes_have_the_terms_of_the_statements(void **state)
{
	static const struct {
		const char *index, *term;
	} indexes[] = {
		{ "packet_due_im", SQL_IS_SCHEDULED " AND " SQL_IS_IM },
		{ "packet_due_paid", SQL_IS_SCHEDULED " AND " SQL_IS_PAID },
		{ "packet_taken", SQL_IS_TAKEN },
		{ "packet_attempted", SQL_IS_ATTEMPTED },
		{ "packet_held_for", SQL_IS_HELD },
		{ "packet_held_expiry", SQL_IS_HELD },
		{ "packet_held_retry_im", SQL_IS_HELD " AND " SQL_IS_IM },
		{ "packet_held_retry_paid", SQL_IS_HELD " AND " SQL_IS_PAID },
		{ "packet_ref", "gateway_ref IS NOT NULL" },
		{ "packet_waiting", SQL_IS_WAITING },
		{ "packet_finished", SQL_IS_FINISHED },
		{ "packet_ended", SQL_IS_ENDED },
		{ "packet_trouble", SQL_IS_TROUBLE " AND gateway IS NOT NULL" },
	};
	static const char sql[] =
	    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'";
	struct fixture *f = *state;
	sqlite3_stmt *stmt = NULL;
	unsigned n = 0;

	assert_int_equal(sqlite3_prepare_v2(handle_of(f), sql, -1, &stmt, NULL), SQLITE_OK);
	for (; sqlite3_step(stmt) == SQLITE_ROW; n++) {
		const char *name = (const char *)sqlite3_column_text(stmt, 0);
		const char *where =
		    strstr((const char *)sqlite3_column_text(stmt, 1), " WHERE ") + 7;
		size_t i = 0;

		while (
		    i < sizeof(indexes) / sizeof(indexes[0]) && strcmp(indexes[i].index, name) != 0)
			i++;
		assert_true(i < sizeof(indexes) / sizeof(indexes[0]));
		assert_string_equal(where, indexes[i].term);
	}
	assert_int_equal(n, sizeof(indexes) / sizeof(indexes[0]));
	sqlite3_finalize(stmt);
}

/* -- Plans ------------------------------------------------------------------------------------- */

/* The index (or key) through which each statement has to find its rows. */
static const struct {
	const char *name, *index;
} plans[] = {
	{ "PACKET_GET", "sqlite_autoindex_packet_1 (id=?)" },
	{ "PACKET_GET_REF", "packet_ref (gateway=? AND gateway_ref=?)" },
	{ "PACKET_MOVE", "sqlite_autoindex_packet_1 (id=?)" },
	{ "PACKET_EDIT", "sqlite_autoindex_packet_1 (id=?)" },
	{ "PACKET_CHARGE", "sqlite_autoindex_packet_1 (id=?)" },
	{ "PACKET_ERASE", "sqlite_autoindex_packet_1 (id=?)" },
	{ "PACKET_CLAIM_IM", "packet_due_im (next_at<?)" },
	{ "PACKET_CLAIM_PAID", "packet_due_paid (next_at<?)" },
	{ "PACKET_WAKE", "packet_held_for (recipient=?)" },
	{ "PACKET_WAKE_ALL_IM", "packet_held_retry_im (next_at>?)" },
	{ "PACKET_WAKE_ALL_PAID", "packet_held_retry_paid (next_at>?)" },
	{ "PACKET_SET_ASIDE", "INTEGER PRIMARY KEY (rowid=?)" },
	{ "PACKET_RECOVER", "packet_taken (state=?)" },
	{ "PACKET_PURGE", "packet_ended (finished_at<?)" },
	{ "PACKET_COUNT", "packet_waiting (sender=?)" },
	{ "FIND_DUE_IM", "packet_due_im (next_at<?)" },
	{ "FIND_DUE_PAID", "packet_due_paid (next_at<?)" },
	{ "FIND_WAITING", "packet_waiting (sender=?)" },
	{ "FIND_FINISHED", "packet_finished (sender=?)" },
	{ "FINISHED_SAME", "packet_finished (sender=? AND finished_at=? AND rowid<?)" },
	{ "FINISHED_OLDER", "packet_finished (sender=? AND finished_at<?)" },
	{ "FIND_HELD", "packet_held_for (recipient=?)" },
	{ "FIND_HELD_EXPIRED", "packet_held_expiry (expires_at>? AND expires_at<?)" },
	{ "FIND_HELD_RETRY_IM", "packet_held_retry_im (next_at<?)" },
	{ "FIND_HELD_RETRY_PAID", "packet_held_retry_paid (next_at<?)" },
	{ "FIND_ATTEMPTED", "packet_attempted (state=?)" },
	{ "FIND_TROUBLE", "packet_trouble (gateway=? AND finished_at<?)" },
	{ "NEXT_EXPIRY", "packet_held_expiry (expires_at>?)" },
	{ "NEXT_RETRY_IM", "packet_held_retry_im (next_at<?)" },
	{ "NEXT_RETRY_PAID", "packet_held_retry_paid (next_at<?)" },
	{ "NEXT_DUE_IM", "packet_due_im (next_at<?)" },
	{ "NEXT_DUE_PAID", "packet_due_paid (next_at<?)" },
	{ "EVENT_ADD", "sqlite_autoindex_packet_1 (id=?)" },
	{ "EVENT_LIST", "event_packet (packet=?)" },
	{ "CHARGE_GET", "PRIMARY KEY (sender=? AND kind=? AND day=?)" },
	{ "CHARGE_TAKE", "PRIMARY KEY (sender=? AND kind=? AND day=?)" },
	{ "CHARGE_SUM", "PRIMARY KEY (sender=? AND kind=? AND day>? AND day<?)" },
	{ "CHARGE_PURGE", "charge_day (day<?)" },
	{ "CHARGE_LIST", "PRIMARY KEY (sender=? AND kind=?)" },
	{ "SERIES_GET", "sqlite_autoindex_series_1 (id=?)" },
	{ "SERIES_DROP", "sqlite_autoindex_series_1 (id=?)" },
	{ "SERIES_OF", "series_of (sender=?)" },
	{ "SERIES_STUCK", "sqlite_autoindex_packet_1 (id=?)" },
	{ "LIMIT_GET", "PRIMARY KEY (who=? AND kind=?)" },
	{ "LIMIT_DROP", "PRIMARY KEY (who=? AND kind=?)" },
	{ "ACCOUNT_GET", "PRIMARY KEY (jid=?)" },
	{ "ACCOUNT_EMPTY", "PRIMARY KEY (jid=?)" },
	{ "ACCOUNT_DROP", "PRIMARY KEY (jid=?)" },
	{ "FORGET_DONE", "PRIMARY KEY (jid=?)" },
	{ "FORGET_LIST", "PRIMARY KEY (jid>?)" },
	{ "STOPPED_GET", "PRIMARY KEY (jid=?)" },
	{ "STOPPED_DROP", "PRIMARY KEY (jid=?)" },
	{ "PAIR_GET", "PRIMARY KEY (sender=? AND recipient=?)" },
	{ "PAIR_FORGET", "PRIMARY KEY (sender=?)" },
	{ "PAIR_PURGE", "COVERING INDEX pair_at (at<?)" },
	{ "CONTACT_GET", "PRIMARY KEY (jid=?)" },
	{ "CONTACT_DROP", "PRIMARY KEY (jid=?)" },
	{ "CONTACT_WAITING", "packet_held_for (recipient>?)" },
	{ "TALLY_WAITING", "packet_waiting (sender>?)" },
	{ "ENDED_SINCE", "COVERING INDEX packet_ended (finished_at>?)" },
	{ "DUE_COUNT_IM", "packet_due_im (next_at<?)" },
	{ "DUE_COUNT_PAID", "packet_due_paid (next_at<?)" },
	{ "SENDERS", "packet_waiting (sender>?)" },
	{ "META_GET", "PRIMARY KEY (name=?)" },
};

static const char *
index_wanted(const char *name)
{
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		if (strcmp(plans[i].name, name) == 0)
			return plans[i].index;
	return NULL;
}

static bool
may_scan(const char *name, const char *step)
{
	/* Not tables but the rows of a WITH, made as they are read. */
	if (strcmp(step, "SCAN waiting") == 0 || strcmp(step, "SCAN senders") == 0 ||
	    strcmp(step, "SCAN CONSTANT ROW") == 0)
		return true;
	/* Asked once, at a start. */
	return strcmp(name, "SERIES_STUCK") == 0 && strcmp(step, "SCAN series") == 0;
}

static void
check_plan(sqlite3 *handle, const char *name, const char *text)
{
	const char *wanted = index_wanted(name);
	bool found = wanted == NULL, touches = false;
	struct buf sql = { 0 };
	sqlite3_stmt *stmt = NULL;

	buf_printf(&sql, "EXPLAIN QUERY PLAN %s", text);
	assert_int_equal(sqlite3_prepare_v2(handle, buf_str(&sql), -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(stmt, 3);

		if (strncmp(step, "SCAN ", 5) == 0 && !may_scan(name, step))
			fail_msg("%s: %s", name, step);
		if (strstr(step, "TEMP B-TREE") != NULL || strstr(step, "AUTOMATIC") != NULL)
			fail_msg("%s: %s", name, step);
		touches = touches || strncmp(step, "SEARCH ", 7) == 0;
		if (wanted != NULL && strstr(step, wanted) != NULL)
			found = true;
	}
	if (!found)
		fail_msg("%s does not use %s", name, wanted);
	if (touches && wanted == NULL)
		fail_msg("%s: no plan is written down for it", name);
	sqlite3_finalize(stmt);
	buf_free(&sql);
}

static void
check_plans(struct fixture *f)
{
	for (size_t i = 0; i < NSTATEMENTS; i++)
		check_plan(handle_of(f), statements[i].name, statements[i].text);
}

static void
test_no_statement_scans_a_table(void **state)
{
	check_plans(*state);
}

static void
test_no_statement_scans_a_table_when_statistics_mislead(void **state)
{
	struct fixture *f = *state;

	/* ANALYZE of a database that grew since. */
	fill(f, 3);
	by_hand(f,
	    "INSERT INTO contact VALUES ('recipient1', 2, 0);"
	    "INSERT INTO forget VALUES ('recipient1', 7);"
	    "INSERT INTO account (jid, blocked) VALUES ('recipient1', 1);"
	    "INSERT INTO charge VALUES ('sender1', 1, 20260101, 1); ANALYZE;");
	store_reopen(f);
	check_plans(f);
	by_hand(f, "DELETE FROM packet");
	fill(f, 20000);
	by_hand(f,
	    "INSERT INTO charge VALUES ('a', 1, 20260101, 1); INSERT INTO meta VALUES ('a', 'b');"
	    "INSERT OR IGNORE INTO contact SELECT DISTINCT recipient, 2, 0 FROM packet;"
	    "INSERT OR IGNORE INTO account (jid, blocked) SELECT jid, 0 FROM contact;"
	    "INSERT OR IGNORE INTO forget SELECT jid, 7 FROM contact;"
	    "INSERT OR IGNORE INTO charge SELECT sender, kind, 20260101 + n % 60, 1 FROM packet;"
	    "INSERT INTO event SELECT NULL, n, 0, 'x' FROM packet; ANALYZE;");
	store_reopen(f);
	check_plans(f);
}

static void
test_no_statement_scans_a_table_after_statistics_of_a_few_alike(void **state)
{
	struct fixture *f = *state;

	/* Most indexes were empty then: SQLite knows nothing of those, and much of the others. */
	fill(f, 3);
	for (int s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++)
		for (int k = KIND_IM; k < KIND_END; k++) {
			char sql[96];

			snprintf(sql, sizeof(sql),
			    "UPDATE packet SET state = %d, kind = %d; ANALYZE;", s, k);
			by_hand(f, sql);
			store_reopen(f);
			check_plans(f);
		}
}

static void
test_events_of_a_packet_are_deleted_by_an_index(void **state)
{
	struct fixture *f = *state;

	check_plan(handle_of(f), "EVENT_LIST", "DELETE FROM event WHERE packet = 1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_statement_prepares_as_one_statement),
		TEST(test_placeholders_are_numbered_in_order),
		TEST(test_sets_of_states_are_those_of_core),
		TEST(test_every_kind_is_in_one_of_two_classes),
		TEST(test_partial_indexes_have_the_terms_of_the_statements),
		TEST(test_no_statement_scans_a_table),
		TEST(test_no_statement_scans_a_table_when_statistics_mislead),
		TEST(test_no_statement_scans_a_table_after_statistics_of_a_few_alike),
		TEST(test_events_of_a_packet_are_deleted_by_an_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
