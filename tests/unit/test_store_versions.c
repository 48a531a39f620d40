/* Databases of each version that was published, with rows in all tables, become ours. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"
#include "store/schema.h"

static int
query_int(sqlite3 *handle, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int value;

	assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	value = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}

/* Our steps as far as this version. */
static void
bring_to(struct fixture *f, int version)
{
	struct buf why = { 0 };
	sqlite3 *h = NULL;

	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	if (schema_migrate(h, schema_steps, version, &why) != RES_OK)
		fail_msg("%s", buf_str(&why));
	assert_int_equal(query_int(h, "PRAGMA user_version"), version);
	assert_int_equal(sqlite3_exec(h, "PRAGMA journal_mode = WAL", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(h);
}

/* Version 1 with a packet in every state of every kind: 20 * kind + state. */
static void
make_version_1(struct fixture *f)
{
	bring_to(f, 1);
	for (unsigned k = KIND_IM; k < KIND_END; k++)
		for (unsigned s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++) {
			char sql[512];

			snprintf(sql, sizeof(sql),
			    "INSERT INTO packet VALUES (NULL, '%s', '" ME "', '" YOU
			    "', %u, %u, 2, "
			    "1, %" PRId64 ", %" PRId64 " + %u, 4, %u, 6, 7, 1, %d, 9, "
			    "'Europe/Berlin', x'0100ff');"
			    "INSERT INTO event SELECT NULL, n, 11, 'of ' || id FROM packet "
			    "WHERE n = last_insert_rowid();",
			    sample(20 * k + s).id, k, s, NOON, NOON, s, 100 - k, TODAY);
			by_hand(f, sql);
		}
	by_hand(f,
	    "INSERT INTO charge SELECT DISTINCT sender, kind, charge_day, 90 FROM packet;"
	    "INSERT INTO quota_limit VALUES ('default', 2, 5, -1);"
	    "INSERT INTO account VALUES ('" ME "', 1), ('" YOU "', 0);"
	    "INSERT INTO contact VALUES ('" YOU "', 2, 12);"
	    "INSERT INTO meta VALUES ('seal_key', 'cafe');");
}

/* The same in version 2, with gateways and choices of notices. */
static void
make_version_2(struct fixture *f)
{
	make_version_1(f);
	bring_to(f, 2);
	by_hand(f,
	    "UPDATE packet SET gateway = 'office', gateway_ref = id WHERE kind > 1 AND state > 3;"
	    "UPDATE account SET notify = 1 + blocked;");
}

/* The same in version 3, with recurrences, edits, settings and a wish to be forgotten. */
static void
make_version_3(struct fixture *f)
{
	make_version_2(f);
	bring_to(f, 3);
	by_hand(f,
	    "UPDATE packet SET series = id, revision = kind WHERE state = 1;"
	    "UPDATE account SET zone = 'Asia/Tehran', offline = 4, hours = 1 WHERE jid = '" ME "';"
	    "INSERT INTO series SELECT id, sender, recipient, kind, 1, 'FREQ=DAILY', 'UTC', "
	    "'2026-12-25T09:00:00', 1, 0, 0, id, x'0100ff' FROM packet WHERE state = 1;"
	    "INSERT INTO forget VALUES ('" YOU "', 9);");
}

/* The same in version 4, where the service has been charged what everybody was. */
static void
make_version_4(struct fixture *f)
{
	make_version_3(f);
	bring_to(f, 4);
	by_hand(f,
	    "INSERT INTO charge VALUES ('" YOU "', 2, 20261224, 7), "
	    "('" QUOTA_SERVICE "', 2, 20261224, 7)");
}

static const struct {
	int number;
	void (*make)(struct fixture *f);
} versions[] = {
	{ 1, make_version_1 },
	{ 2, make_version_2 },
	{ 3, make_version_3 },
	{ 4, make_version_4 },
};

#define NVERSIONS (sizeof(versions) / sizeof(versions[0]))

static void
start_anew(struct fixture *f)
{
	char path[128];

	sqlite_store_close(&f->store);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s%s", f->path,
		    i == 0 ? "" : i == 1 ? "-wal" : "-shm");
		(void)unlink(path);
	}
}

/* All that a version had, as text. */
static void
dump(struct fixture *f, int version, struct buf *out)
{
	static const struct {
		int since;
		const char *select;
	} selects[] = {
		{ 1,
		    "SELECT n, id, sender, recipient, kind, state, offline, created_at, due_at, "
		    "next_at, expires_at, sent_at, finished_at, attempts, held, charge_day, "
		    "charge_units, zone, hex(sealed) FROM packet ORDER BY n" },
		{ 1, "SELECT n, packet, at, what FROM event ORDER BY n" },
		{ 1,
		    "SELECT sender, kind, day, count FROM charge WHERE sender <> '" QUOTA_SERVICE
		    "' ORDER BY sender, kind, day" },
		{ 1, "SELECT who, kind, per_day, per_month FROM quota_limit" },
		{ 1, "SELECT jid, blocked FROM account ORDER BY jid" },
		{ 1, "SELECT jid, state, changed_at FROM contact" },
		{ 1, "SELECT name, value FROM meta" },
		{ 2, "SELECT n, gateway, gateway_ref FROM packet ORDER BY n" },
		{ 2, "SELECT jid, notify FROM account ORDER BY jid" },
		{ 3, "SELECT n, series, revision FROM packet ORDER BY n" },
		{ 3, "SELECT jid, zone, offline, hours FROM account ORDER BY jid" },
		{ 3, "SELECT * FROM series ORDER BY id" },
		{ 3, "SELECT * FROM forget" },
		{ 4, "SELECT * FROM charge ORDER BY sender, kind, day" },
	};
	sqlite3 *h = NULL;

	buf_reset(out);
	assert_int_equal(sqlite3_open(f->path, &h), SQLITE_OK);
	for (size_t i = 0; i < sizeof(selects) / sizeof(selects[0]); i++) {
		sqlite3_stmt *stmt = NULL;
		unsigned rows = 0;

		if (selects[i].since > version)
			continue;
		assert_int_equal(
		    sqlite3_prepare_v2(h, selects[i].select, -1, &stmt, NULL), SQLITE_OK);
		for (; sqlite3_step(stmt) == SQLITE_ROW; rows++)
			for (int c = 0; c < sqlite3_column_count(stmt); c++)
				buf_printf(out, "%s|",
				    sqlite3_column_type(stmt, c) == SQLITE_NULL ?
					"NULL" :
					(const char *)sqlite3_column_text(stmt, c));
		assert_true(rows > 0);
		buf_text(out, "\n");
		sqlite3_finalize(stmt);
	}
	sqlite3_close(h);
	assert_false(out->failed);
}

static void
test_older_versions_open_and_nothing_is_lost(void **state)
{
	struct fixture *f = *state;
	struct buf before = { 0 }, after = { 0 };
	sqlite3 *h;

	for (size_t i = 0; i < NVERSIONS; i++) {
		versions[i].make(f);
		dump(f, versions[i].number, &before);
		store_reopen(f);
		sqlite_store_close(&f->store);
		dump(f, versions[i].number, &after);
		assert_string_equal(buf_str(&after), buf_str(&before));
		store_reopen(f);
		h = ((struct db *)f->store)->handle;
		assert_int_equal(query_int(h, "PRAGMA user_version"), schema_version);
		assert_int_equal(query_int(h,
				     "SELECT count(*) FROM pragma_integrity_check WHERE "
				     "integrity_check <> 'ok'"),
		    0);
		start_anew(f);
	}
	buf_free(&before);
	buf_free(&after);
}

/* Every version ends as the same schema, whatever way it came. */
static void
test_a_database_brought_forward_is_one_that_is_new(void **state)
{
	static const char text[] =
	    "SELECT group_concat("
	    "type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, ''), x'0a') FROM (SELECT * FROM sqlite_master ORDER BY type, name)";
	struct fixture *f = *state;
	struct buf schemas[NVERSIONS + 1];

	memset(schemas, 0, sizeof(schemas));
	for (size_t i = 0; i <= NVERSIONS; i++) {
		sqlite3_stmt *stmt = NULL;

		if (i < NVERSIONS)
			versions[i].make(f);
		store_reopen(f);
		assert_int_equal(sqlite3_prepare_v2(((struct db *)f->store)->handle, text, -1,
				     &stmt, NULL),
		    SQLITE_OK);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		buf_text(&schemas[i], (const char *)sqlite3_column_text(stmt, 0));
		sqlite3_finalize(stmt);
		assert_non_null(strstr(buf_str(&schemas[i]), "series_of"));
		assert_non_null(strstr(buf_str(&schemas[i]), "packet_trouble"));
		assert_non_null(strstr(buf_str(&schemas[i]), "pair_at"));
		start_anew(f);
	}
	for (size_t i = 0; i < NVERSIONS; i++)
		assert_string_equal(buf_str(&schemas[i]), buf_str(&schemas[NVERSIONS]));
	for (size_t i = 0; i <= NVERSIONS; i++)
		buf_free(&schemas[i]);
}

/* -- Packets ----------------------------------------------------------------------------------- */

static void
check_packets(struct fixture *f, int version)
{
	struct packets ps = { 0 };

	for (unsigned k = KIND_IM; k < KIND_END; k++)
		for (unsigned s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++) {
			const bool left = version >= 2 && k > KIND_IM && s > PACKET_HELD;
			const struct packet *p = row_of(f, 20 * k + s, &ps);

			assert_int_equal(p->kind, k);
			assert_int_equal(p->state, s);
			assert_int_equal(p->next_at, NOON + s);
			assert_string_equal(p->zone, "Europe/Berlin");
			assert_int_equal(p->sealed.len, 3);
			if (version >= 3 && s == PACKET_SCHEDULED) {
				assert_string_equal(p->series, p->id);
				assert_int_equal(p->revision, k);
			} else {
				assert_string_equal(p->series, "");
				assert_int_equal(p->revision, 0);
			}
			assert_int_equal(p->gateway != NULL, left);
			assert_int_equal(p->gateway_ref != NULL, left);
			if (left)
				assert_string_equal(p->gateway_ref, p->id);
		}
	packets_free(&ps);
}

static void
live_on(struct fixture *f, int version)
{
	struct packets ps = { 0 };
	struct store_next next;
	int32_t revision;
	int64_t n;

	assert_int_equal(f->ops->next(f->store, &next), RES_OK);
	for (int paid = 0; paid < 2; paid++) {
		assert_int_equal(next.scheduled[paid], NOON + PACKET_SCHEDULED);
		assert_int_equal(next.held_retry[paid], NOON + PACKET_HELD);
	}
	assert_found(f, FIND_ATTEMPTED, NULL, 0, 99, "64 44");
	assert_found(f, FIND_HELD_RETRY, NULL, NOON + 9, 99, "23");
	assert_found(f, FIND_HELD_RETRY_PAID, NULL, NOON + 9, 99, "43 63");
	assert_found(f, FIND_TROUBLE, "office", NOON, 99, version >= 2 ? "47 50 67 70" : "");
	assert_int_equal(f->ops->recover(f->store, NOON, &n), RES_OK);
	assert_int_equal(n, 4);
	assert_int_equal(f->ops->claim(f->store, false, NOON + 9, 99, &ps), RES_OK);
	assert_int_equal(ps.n, 3);
	assert_int_equal(f->ops->claim(f->store, true, NOON + 9, 99, &ps), RES_OK);
	assert_int_equal(ps.n, 7);
	ps.v[6].gateway = "office";
	ps.v[6].gateway_ref = "1";
	assert_int_equal(f->ops->move(f->store, &ps.v[6], EV_SEND, NOON, "sent"), RES_OK);
	assert_int_equal(f->ops->get_ref(f->store, "office", "1", &ps), RES_OK);
	number_id(ps.v[5].series, 7);
	revision = ps.v[5].revision;
	assert_int_equal(f->ops->edit(f->store, &ps.v[5], NOON, "edited"), RES_OK);
	assert_int_equal(ps.v[5].revision, revision + 1);
	assert_int_equal(f->ops->erase(f->store, sample(25).id), RES_OK);
	commit(f);
	packets_free(&ps);
}

static void
test_packets_of_older_versions_go_on_with_their_lives(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < NVERSIONS; i++) {
		versions[i].make(f);
		store_reopen(f);
		check_packets(f, versions[i].number);
		live_on(f, versions[i].number);
		start_anew(f);
	}
}

/* -- People ------------------------------------------------------------------------------------ */

static void
test_accounts_of_older_versions_keep_what_they_were(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < NVERSIONS; i++) {
		const bool told = versions[i].number >= 2, set = versions[i].number >= 3;
		struct account a;

		versions[i].make(f);
		store_reopen(f);
		assert_int_equal(f->ops->account(f->store, YOU, &a), RES_OK);
		assert_false(a.blocked);
		assert_int_equal(a.notify, told ? NOTIFY_SENT : NOTIFY_FAILURE);
		assert_int_equal(f->ops->account(f->store, ME, &a), RES_OK);
		assert_true(a.blocked);
		assert_int_equal(a.notify, told ? NOTIFY_DELIVERED : NOTIFY_FAILURE);
		assert_int_equal(a.offline, set ? OFFLINE_DROP : 0);
		assert_int_equal(a.hours, set ? HOURS_12 : HOURS_24);
		assert_string_equal(a.zone, set ? "Asia/Tehran" : "");
		a.notify = NOTIFY_SENT;
		a.hours = HOURS_12;
		snprintf(a.zone, sizeof(a.zone), "Asia/Tehran");
		assert_int_equal(f->ops->set_account(f->store, ME, &a), RES_OK);
		commit(f);
		store_reopen(f);
		assert_int_equal(f->ops->account(f->store, ME, &a), RES_OK);
		assert_true(a.blocked);
		assert_int_equal(a.notify, NOTIFY_SENT);
		assert_int_equal(a.hours, HOURS_12);
		assert_string_equal(a.zone, "Asia/Tehran");
		assert_int_equal(used(f, ME, KIND_SMS, TODAY).day, 90);
		start_anew(f);
	}
}

/* As if they had been charged to it when they were charged to the senders. */
static void
test_charges_of_older_versions_are_those_of_the_service_as_well(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < NVERSIONS && versions[i].number < 4; i++) {
		versions[i].make(f);
		by_hand(f,
		    "INSERT INTO charge VALUES ('" YOU "', 2, 20261225, 7), "
		    "('" YOU "', 2, 20261201, 5), ('" YOU "', 2, 20261130, 100), "
		    "('" YOU "', 3, 20261224, 9223372036854775807), "
		    "('" ME "', 3, 20261224, 9223372036854775807)");
		store_reopen(f);
		assert_int_equal(used(f, QUOTA_SERVICE, KIND_IM, TODAY).day, 90);
		assert_int_equal(used(f, QUOTA_SERVICE, KIND_SMS, TODAY).day, 97);
		assert_int_equal(used(f, QUOTA_SERVICE, KIND_SMS, TODAY).month, 102);
		assert_int_equal(used(f, QUOTA_SERVICE, KIND_SMS, 20261130).month, 100);
		/* Nobody can have run that up; it is much, and the sum of it is a number. */
		assert_true(used(f, QUOTA_SERVICE, KIND_MMS, 20261224).day > 1000000);
		assert_int_equal(used(f, YOU, KIND_SMS, TODAY).month, 12);
		start_anew(f);
	}
}

static void
test_older_versions_begin_with_no_recurrence_and_no_wish(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < NVERSIONS && versions[i].number < 3; i++) {
		struct series_list ss = { 0 };
		struct series se = sample_series(1);
		struct events es = { 0 };

		versions[i].make(f);
		store_reopen(f);
		assert_int_equal(
		    f->ops->find_series(f->store, SERIES_STUCK, NULL, 9, &ss), RES_OK);
		assert_int_equal(f->ops->find_series(f->store, SERIES_OF, ME, 9, &ss), RES_OK);
		assert_int_equal(f->ops->forgets(f->store, 9, &es), RES_OK);
		assert_int_equal(ss.n + es.n, 0);
		assert_int_equal(f->ops->put_series(f->store, &se), RES_OK);
		assert_int_equal(f->ops->set_forget(f->store, ME, NOON), RES_OK);
		commit(f);
		store_reopen(f);
		assert_int_equal(f->ops->get_series(f->store, se.id, &ss), RES_OK);
		assert_int_equal(f->ops->forgets(f->store, 9, &es), RES_OK);
		assert_int_equal(es.n, 1);
		series_free(&ss);
		events_free(&es);
		start_anew(f);
	}
}

static void
assert_pair(struct fixture *f, const char *one, const char *other, int64_t expected)
{
	int64_t at = -1;

	assert_int_equal(f->ops->pair(f->store, one, other, &at), RES_OK);
	assert_int_equal(at, expected);
	at = -1;
	assert_int_equal(f->ops->pair(f->store, other, one, &at), RES_OK);
	assert_int_equal(at, expected);
}

/* As if they had been noted when they were sent; whoever has only been sent SMS has no alias. */
static void
test_pairs_are_those_of_the_im_that_were_sent(void **state)
{
	static const struct {
		const char *sender, *recipient;
		int kind;
		int64_t sent_at;
	} rows[] = {
		{ "a@x", "b@y", KIND_IM, 300 },
		{ "a@x", "b@y", KIND_IM, NOON },
		{ "a@x", "b@y", KIND_IM, 500 },
		{ "a@x", "b@y", KIND_MMS, NOON + 1 },
		{ "b@y", "a@x", KIND_IM, 700 },
		{ "a@x", "c@y", KIND_IM, 0 },
		{ "a@x", "d@y", KIND_IM, -5 },
		{ "a@x", "+4917012345678", KIND_SMS, 800 },
		{ "e@x", "e@x", KIND_IM, 900 },
		{ "", "", KIND_IM, 1000 },
		{ "f@x", "g@y", KIND_IM, INT64_MAX },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < NVERSIONS; i++) {
		versions[i].make(f);
		for (unsigned k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
			char sql[256];

			snprintf(sql, sizeof(sql),
			    "UPDATE packet SET sender = '%s', recipient = '%s', kind = %d, "
			    "sent_at = %" PRId64 " WHERE n = %u",
			    rows[k].sender, rows[k].recipient, rows[k].kind, rows[k].sent_at,
			    k + 2);
			by_hand(f, sql);
		}
		by_hand(f, "UPDATE packet SET recipient = recipient || char(0) WHERE n = 1");
		store_reopen(f);
		assert_pair(f, "a@x", "b@y", NOON);
		assert_pair(f, "a@x", "c@y", 0);
		assert_pair(f, "a@x", "d@y", 0);
		assert_pair(f, "a@x", "+4917012345678", 0);
		assert_pair(f, "e@x", "e@x", 900);
		assert_pair(f, "f@x", "g@y", INT64_MAX);
		assert_pair(f, ME, YOU, 0);
		assert_int_equal(query_int(((struct db *)f->store)->handle,
				     "SELECT count(*) FROM pair"),
		    6);
		start_anew(f);
	}
}

static void
test_in_older_versions_nobody_has_stopped_us(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < NVERSIONS; i++) {
		bool stopped = true;

		versions[i].make(f);
		store_reopen(f);
		assert_int_equal(f->ops->stopped(f->store, YOU, &stopped), RES_OK);
		assert_false(stopped);
		assert_int_equal(f->ops->set_stopped(f->store, YOU, NOON), RES_OK);
		commit(f);
		store_reopen(f);
		assert_int_equal(f->ops->stopped(f->store, YOU, &stopped), RES_OK);
		assert_true(stopped);
		start_anew(f);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_older_versions_open_and_nothing_is_lost),
		TEST(test_a_database_brought_forward_is_one_that_is_new),
		TEST(test_packets_of_older_versions_go_on_with_their_lives),
		TEST(test_accounts_of_older_versions_keep_what_they_were),
		TEST(test_charges_of_older_versions_are_those_of_the_service_as_well),
		TEST(test_older_versions_begin_with_no_recurrence_and_no_wish),
		TEST(test_pairs_are_those_of_the_im_that_were_sent),
		TEST(test_in_older_versions_nobody_has_stopped_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
