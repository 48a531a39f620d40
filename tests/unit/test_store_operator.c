/* What operators ask of the store. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

/* -- Limits ------------------------------------------------------------------------------------ */

static void
test_a_limit_that_is_dropped_counts_no_more(void **state)
{
	struct fixture *f = *state;
	struct quota_limit limit = { 5, 6 }, got;

	assert_int_equal(f->ops->drop_limit(f->store, ME, KIND_IM), RES_OK);
	assert_int_equal(f->ops->set_limit(f->store, ME, KIND_IM, &limit), RES_OK);
	assert_int_equal(f->ops->set_limit(f->store, ME, KIND_SMS, &limit), RES_OK);
	assert_int_equal(f->ops->set_limit(f->store, "default", KIND_IM, &limit), RES_OK);
	commit(f);
	assert_int_equal(f->ops->drop_limit(f->store, ME, KIND_IM), RES_OK);
	assert_int_equal(f->ops->limit(f->store, ME, KIND_IM, &got), RES_NOTFOUND);
	f->ops->rollback(f->store);
	assert_int_equal(f->ops->limit(f->store, ME, KIND_IM, &got), RES_OK);
	assert_int_equal(f->ops->drop_limit(f->store, ME, KIND_IM), RES_OK);
	commit(f);
	store_reopen(f);
	assert_int_equal(f->ops->limit(f->store, ME, KIND_IM, &got), RES_NOTFOUND);
	assert_int_equal(f->ops->limit(f->store, ME, KIND_SMS, &got), RES_OK);
	assert_int_equal(f->ops->limit(f->store, "default", KIND_IM, &got), RES_OK);
}

/* -- What is due ------------------------------------------------------------------------------- */

static void
assert_due(struct fixture *f, int64_t upto, int64_t im, int64_t sms, int64_t mms)
{
	int64_t n[KIND_END];

	memset(n, 0xff, sizeof(n));
	assert_int_equal(f->ops->due_by(f->store, upto, n), RES_OK);
	assert_int_equal(n[0], 0);
	assert_int_equal(n[KIND_IM], im);
	assert_int_equal(n[KIND_SMS], sms);
	assert_int_equal(n[KIND_MMS], mms);
}

static void
test_what_is_due_is_counted_by_kind(void **state)
{
	struct fixture *f = *state;
	unsigned i = 0;

	assert_due(f, NEVER_MS, 0, 0, 0);
	for (unsigned k = KIND_IM; k < KIND_END; k++)
		for (unsigned s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++)
			for (unsigned late = 0; late < 3 * k; late++) {
				struct packet p = sample(i++);

				p.kind = (enum packet_kind)k;
				p.state = (enum packet_state)s;
				p.next_at = NOON + late / k;
				put(f, &p);
			}
	assert_due(f, NOON - 1, 0, 0, 0);
	assert_due(f, NOON, 1, 2, 3);
	assert_due(f, NOON + 1, 2, 4, 6);
	assert_due(f, NEVER_MS, 3, 6, 9);
	assert_due(f, INT64_MIN, 0, 0, 0);
	f->ops->rollback(f->store);
	assert_due(f, NEVER_MS, 0, 0, 0);
}

/* -- How they ended ---------------------------------------------------------------------------- */

/* As "im sent office 3, …". */
static void
assert_ended(struct fixture *f, int64_t since, const char *expected)
{
	struct endings es = { 0 };
	struct buf got = { 0 };

	assert_int_equal(f->ops->ended_since(f->store, since, &es), RES_OK);
	for (size_t i = 0; i < es.n; i++)
		buf_printf(&got, "%s%s %s [%s] %" PRId64, i > 0 ? ", " : "",
		    packet_kind_name(es.v[i].kind), packet_state_name(es.v[i].state),
		    es.v[i].gateway, es.v[i].n);
	assert_string_equal(buf_str(&got), expected);
	buf_free(&got);
	endings_free(&es);
	assert_null(es.v);
}

static void
put_ended(struct fixture *f, unsigned i, enum packet_kind kind, enum packet_state s,
    const char *gateway, int64_t at)
{
	struct packet p = sample(i);

	p.kind = kind;
	p.state = s;
	p.gateway = gateway;
	p.finished_at = at;
	put(f, &p);
}

static void
test_endings_are_counted_by_kind_state_and_gateway(void **state)
{
	struct fixture *f = *state;

	assert_ended(f, INT64_MIN, "");
	put_ended(f, 1, KIND_SMS, PACKET_SENT, "office", NOON);
	put_ended(f, 2, KIND_SMS, PACKET_SENT, "home", NOON + 2);
	put_ended(f, 3, KIND_SMS, PACKET_SENT, "office", NOON + 1);
	put_ended(f, 4, KIND_IM, PACKET_DELIVERED, NULL, NOON);
	put_ended(f, 5, KIND_MMS, PACKET_UNCERTAIN, "office", NOON + 2);
	put_ended(f, 6, KIND_IM, PACKET_FAILED, NULL, NOON - 1);
	put_ended(f, 7, KIND_SMS, PACKET_SCHEDULED, "office", NOON);
	put_ended(f, 8, KIND_SMS, PACKET_CANCELLED, NULL, NOON);
	assert_ended(f, NOON,
	    "im delivered [] 1, sms sent [home] 1, sms sent [office] 2, sms cancelled [] 1, "
	    "mms uncertain [office] 1");
	assert_ended(f, NOON + 1,
	    "sms sent [home] 1, sms sent [office] 1, mms uncertain [office] 1");
	assert_ended(f, NOON + 2, "sms sent [home] 1, mms uncertain [office] 1");
	assert_ended(f, NOON + 3, "");
	f->ops->rollback(f->store);
	assert_ended(f, INT64_MIN, "");
}

static void
test_a_list_of_endings_is_added_to(void **state)
{
	struct fixture *f = *state;
	struct endings es = { 0 };

	put_ended(f, 1, KIND_SMS, PACKET_SENT, "office", NOON);
	for (size_t i = 1; i <= 2; i++) {
		assert_int_equal(f->ops->ended_since(f->store, NOON, &es), RES_OK);
		assert_int_equal(es.n, i);
		assert_int_equal(es.v[i - 1].n, 1);
	}
	endings_free(&es);
	es.arena.max = 8;
	assert_int_equal(f->ops->ended_since(f->store, NOON, &es), RES_NOMEM);
	assert_int_equal(es.n, 0);
	endings_free(&es);
	assert_ended(f, NOON, "sms sent [office] 1");
}

static void
test_damaged_rows_are_no_endings(void **state)
{
	static const char *const damage[] = { "kind = 9", "kind = 1 << 32 | 1",
		"gateway = printf('%065d', 0)", "gateway = 'a' || char(0)", "state = 11" };
	struct fixture *f = *state;

	put_ended(f, 1, KIND_SMS, PACKET_SENT, "office", NOON);
	for (unsigned i = 0; i < sizeof(damage) / sizeof(damage[0]); i++) {
		char sql[128];

		put_ended(f, 10 + i, KIND_SMS, PACKET_SENT, "office", NOON);
		commit(f);
		snprintf(sql, sizeof(sql), "UPDATE packet SET %s WHERE id = '%s'", damage[i],
		    sample(10 + i).id);
		by_hand(f, sql);
	}
	assert_ended(f, NOON, "sms sent [office] 1");
}

/* -- Who has any ------------------------------------------------------------------------------- */

static void
assert_senders(struct fixture *f, const char *after, size_t max, const char *expected)
{
	struct events es = { 0 };
	struct buf got = { 0 };

	assert_int_equal(f->ops->senders(f->store, after, max, &es), RES_OK);
	for (size_t i = 0; i < es.n; i++) {
		assert_int_equal(es.v[i].at, 0);
		buf_printf(&got, "%s%s", i > 0 ? " " : "", es.v[i].what);
	}
	assert_string_equal(buf_str(&got), expected);
	buf_free(&got);
	events_free(&es);
}

static void
put_of(struct fixture *f, unsigned i, const char *sender, enum packet_state s)
{
	struct packet p = sample(i);

	p.sender = sender;
	p.state = s;
	put(f, &p);
}

static void
test_senders_come_in_order_and_pages_and_once_each(void **state)
{
	struct fixture *f = *state;
	struct account account = { .blocked = true };
	unsigned i = 0;

	assert_senders(f, "", 9, "");
	for (unsigned s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++)
		for (unsigned k = 0; k < 3; k++)
			put_of(f, i++, "everything@x", (enum packet_state)s);
	put_of(f, i++, "waits@x", PACKET_HELD);
	put_of(f, i++, "ended@x", PACKET_SENT);
	put_of(f, i++, "Zoe@x", PACKET_UNCERTAIN);
	put_of(f, i++, "\xc3\xa9@x", PACKET_CANCELLED);
	assert_int_equal(f->ops->set_account(f->store, "a@x", &account), RES_OK);
	assert_int_equal(f->ops->set_account(f->store, "waits@x", &account), RES_OK);
	assert_int_equal(f->ops->set_account(f->store, "z@x", &account), RES_OK);
	/* Charges, contacts and wishes alone make no user. */
	assert_int_equal(f->ops->set_contact(f->store, "c@x", CONTACT_GRANTED, 1), RES_OK);
	assert_int_equal(f->ops->set_forget(f->store, "d@x", 1), RES_OK);
	assert_senders(f, "", 99, "Zoe@x a@x ended@x everything@x waits@x z@x \xc3\xa9@x");
	commit(f);
	assert_senders(f, "", 3, "Zoe@x a@x ended@x");
	assert_senders(f, "ended@x", 3, "everything@x waits@x z@x");
	assert_senders(f, "z@x", 3, "\xc3\xa9@x");
	assert_senders(f, "\xc3\xa9@x", 3, "");
	assert_senders(f, "f", 1, "waits@x");
	assert_senders(f, "", 0, "");
	assert_senders(f, "'; DROP TABLE packet; --", 1, "Zoe@x");
}

static void
test_a_damaged_address_hides_no_sender_behind_it(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 9; i++)
		put_of(f, i, ME, i % 2 ? PACKET_SENT : PACKET_HELD);
	put_of(f, 9, YOU, PACKET_SENT);
	commit(f);
	by_hand(f,
	    "UPDATE packet SET sender = '' WHERE n IN (1, 2);"
	    "UPDATE packet SET sender = 'a' || char(0) || 'b' WHERE n IN (3, 4);"
	    "UPDATE packet SET sender = printf('%04000d', 0) WHERE n IN (5, 6);"
	    "INSERT INTO account (jid, blocked) VALUES ('', 1), ('a' || char(0), 1), "
	    "(printf('%09000d', 0), 1);");
	assert_senders(f, "", 2, ME " " YOU);
	assert_senders(f, "", 1, ME);
	assert_senders(f, "a", 1, ME);
}

static void
test_a_sender_costs_three_seeks_however_many_packets_they_have(void **state)
{
	struct fixture *f = *state;
	sqlite3_stmt *stmt = ((struct db *)f->store)->stmt[SQL_SENDERS];
	struct events es = { 0 };
	int few = 0;

	for (unsigned many = 0; many < 2; many++) {
		fill(f, many ? 20000 : 30);
		(void)sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
		assert_int_equal(f->ops->senders(f->store, "", 9, &es), RES_OK);
		assert_int_equal(es.n, 9 * (many + 1));
		if (many == 0)
			few = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
		else
			assert_in_range(sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1),
			    few / 2, few + 50);
		assert_int_equal(sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_SORT, 1), 0);
		by_hand(f, "DELETE FROM packet");
	}
	events_free(&es);
}

/* -- Trouble ----------------------------------------------------------------------------------- */

static void
test_trouble_is_found_by_gateway_oldest_first(void **state)
{
	struct fixture *f = *state;
	unsigned i = 100;

	for (unsigned s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++)
		if (s != PACKET_FAILED && s != PACKET_UNCERTAIN)
			put_ended(f, i++, KIND_SMS, (enum packet_state)s, "office", NOON);
	put_ended(f, 1, KIND_SMS, PACKET_FAILED, "office", NOON + 2);
	put_ended(f, 2, KIND_MMS, PACKET_UNCERTAIN, "office", NOON);
	put_ended(f, 3, KIND_SMS, PACKET_UNCERTAIN, "office", NOON + 1);
	put_ended(f, 4, KIND_SMS, PACKET_FAILED, "home", NOON);
	put_ended(f, 5, KIND_IM, PACKET_FAILED, NULL, NOON);
	put_ended(f, 6, KIND_SMS, PACKET_FAILED, "office", NOON);
	commit(f);
	assert_found(f, FIND_TROUBLE, "office", NEVER_MS, 9, "2 6 3 1");
	assert_found(f, FIND_TROUBLE, "office", NOON + 1, 9, "2 6 3");
	assert_found(f, FIND_TROUBLE, "office", NOON - 1, 9, "");
	assert_found(f, FIND_TROUBLE, "office", NEVER_MS, 2, "2 6");
	assert_found(f, FIND_TROUBLE, "office", NEVER_MS, 0, "");
	assert_found(f, FIND_TROUBLE, "home", NEVER_MS, SIZE_MAX, "4");
	assert_found(f, FIND_TROUBLE, "", NEVER_MS, 9, "");
	assert_found(f, FIND_TROUBLE, "nowhere", NEVER_MS, 9, "");
}

static void
test_a_retry_begins_anew_and_is_no_trouble_any_more(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };

	put_ended(f, 1, KIND_SMS, PACKET_FAILED, "office", NOON);
	put_ended(f, 2, KIND_SMS, PACKET_UNCERTAIN, "office", NOON);
	assert_int_equal(f->ops->find(f->store, FIND_TROUBLE, "office", NOON, 9, &ps), RES_OK);
	for (size_t i = 0; i < ps.n; i++) {
		struct packet *p = &ps.v[i];

		p->gateway = p->gateway_ref = NULL;
		p->attempts = 0;
		p->finished_at = p->sent_at = 0;
		p->next_at = NOON + 7;
		assert_int_equal(
		    f->ops->move(f->store, p, EV_RETRY, NOON, "tried again"), RES_OK);
		assert_int_equal(p->state, PACKET_SCHEDULED);
		assert_int_equal(f->ops->move(f->store, p, EV_RETRY, NOON, NULL), RES_INVALID);
	}
	commit(f);
	assert_found(f, FIND_TROUBLE, "office", NEVER_MS, 9, "");
	assert_found(f, FIND_FINISHED, ME, 0, 9, "");
	assert_found(f, FIND_WAITING, ME, 0, 9, "1 2");
	assert_int_equal(history_len(f, 1), 2);
	packets_free(&ps);
	assert_int_equal(f->ops->claim(f->store, true, NOON + 7, 9, &ps), RES_OK);
	assert_int_equal(ps.n, 2);
	assert_null(ps.v[0].gateway);
	packets_free(&ps);
}

static void
test_damaged_rows_hide_no_trouble(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 40; i++)
		put_ended(f, i, KIND_SMS, i % 2 ? PACKET_FAILED : PACKET_UNCERTAIN, "office",
		    NOON);
	commit(f);
	by_hand(f, "UPDATE packet SET offline = 9 WHERE n < 39");
	assert_found(f, FIND_TROUBLE, "office", NOON, 2, "38 39");
	assert_found(f, FIND_TROUBLE, "office", NOON, 1, "38");
	/* They stay as they are. */
	assert_int_equal(((struct db *)f->store)->turn, TURN_NONE);
	assert_tally(f);
}

/* -- Room -------------------------------------------------------------------------------------- */

static int64_t
size_of(const char *path, const char *tail)
{
	char name[128];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, tail);
	return stat(name, &st) == 0 ? st.st_size : 0;
}

static void
test_space_is_the_database_with_its_log(void **state)
{
	static char body[200000];
	struct fixture *f = *state;
	struct store_space before, after;
	struct packet p = sample(1);

	assert_int_equal(f->ops->space(f->store, &before), RES_OK);
	assert_int_equal(before.used, size_of(f->path, "") + size_of(f->path, "-wal"));
	assert_true(before.left > 0 && before.left < INT64_MAX);
	p.sealed = (struct span){ body, sizeof(body) };
	put(f, &p);
	commit(f);
	assert_int_equal(f->ops->space(f->store, &after), RES_OK);
	assert_true(size_of(f->path, "-wal") >= (int64_t)sizeof(body));
	assert_int_equal(after.used, size_of(f->path, "") + size_of(f->path, "-wal"));
	assert_true(after.used >= before.used + (int64_t)sizeof(body));
}

static void
test_space_in_memory_is_what_its_pages_take(void **state)
{
	static char body[200000];
	struct store *s = NULL;
	struct store_space before, after;
	struct packet p = sample(1);
	struct buf why = { 0 };

	(void)state;
	assert_int_equal(sqlite_store_open(":memory:", &s, &why), RES_OK);
	assert_int_equal(s->ops->space(s, &before), RES_OK);
	assert_true(before.used > 0 && before.used % 4096 == 0);
	assert_true(before.left == INT64_MAX);
	p.sealed = (struct span){ body, sizeof(body) };
	assert_int_equal(s->ops->put(s, &p, 1, "scheduled"), RES_OK);
	assert_int_equal(s->ops->space(s, &after), RES_OK);
	/* Pages that were free are used first. */
	assert_true(after.used >= before.used + (int64_t)sizeof(body) / 2);
	sqlite_store_close(&s);
}

/* -- Metrics ----------------------------------------------------------------------------------- */

static void
assert_line(const struct buf *page, const char *line)
{
	const char *at = strstr(buf_str(page), line);

	if (at == NULL || (at != page->p && at[-1] != '\n') || at[strlen(line)] != '\n')
		fail_msg("no line \"%s\" in:\n%s", line, buf_str(page));
}

static void
test_what_is_measured_is_exposed(void **state)
{
	struct fixture *f = *state;
	struct buf page = { 0 };
	struct store_space space;
	struct packet p = sample(1);
	char line[128];

	sqlite_store_expose(f->store, &page);
	assert_false(page.failed);
	assert_line(&page, "# TYPE laterd_commit_seconds histogram");
	assert_line(&page, "laterd_commit_seconds_count 0");
	assert_line(&page, "laterd_packets{kind=\"im\",state=\"scheduled\"} 0");
	for (unsigned i = 1; i <= 3; i++) {
		p = sample(i);
		p.kind = i == 3 ? KIND_SMS : KIND_IM;
		p.state = i == 3 ? PACKET_INFLIGHT : PACKET_SCHEDULED;
		put(f, &p);
		commit(f);
		/* Turns that wrote nothing took no time. */
		commit(f);
	}
	put_ended(f, 4, KIND_IM, PACKET_SENT, NULL, NOON);
	f->ops->rollback(f->store);
	buf_reset(&page);
	sqlite_store_expose(f->store, &page);
	assert_line(&page, "laterd_commit_seconds_count 3");
	assert_line(&page, "laterd_commit_seconds_bucket{le=\"+Inf\"} 3");
	assert_line(&page, "laterd_packets{kind=\"im\",state=\"scheduled\"} 2");
	assert_line(&page, "laterd_packets{kind=\"sms\",state=\"in flight\"} 1");
	assert_line(&page, "laterd_packets{kind=\"mms\",state=\"uncertain\"} 0");
	assert_line(&page, "laterd_packets{kind=\"im\",state=\"sent\"} 0");
	assert_line(&page, "# TYPE laterd_database_free_bytes gauge");
	assert_int_equal(f->ops->space(f->store, &space), RES_OK);
	snprintf(line, sizeof(line), "laterd_database_bytes %" PRId64, space.used);
	assert_line(&page, line);
	buf_free(&page);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_limit_that_is_dropped_counts_no_more),
		TEST(test_what_is_due_is_counted_by_kind),
		TEST(test_endings_are_counted_by_kind_state_and_gateway),
		TEST(test_a_list_of_endings_is_added_to),
		TEST(test_damaged_rows_are_no_endings),
		TEST(test_senders_come_in_order_and_pages_and_once_each),
		TEST(test_a_damaged_address_hides_no_sender_behind_it),
		TEST(test_a_sender_costs_three_seeks_however_many_packets_they_have),
		TEST(test_trouble_is_found_by_gateway_oldest_first),
		TEST(test_a_retry_begins_anew_and_is_no_trouble_any_more),
		TEST(test_damaged_rows_hide_no_trouble),
		TEST(test_space_is_the_database_with_its_log),
		TEST(test_space_in_memory_is_what_its_pages_take),
		TEST(test_what_is_measured_is_exposed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
