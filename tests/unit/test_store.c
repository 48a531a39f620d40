/* The verbs of the store, one by one, on a real file. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

static void
test_what_is_put_is_got_back(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct packet p = sample(1);

	p.kind = KIND_SMS;
	p.state = PACKET_HELD;
	p.offline = OFFLINE_DROP;
	p.recipient = "+4917012345678";
	p.created_at = 1;
	p.due_at = 2;
	p.next_at = NEVER_MS;
	p.expires_at = 4;
	p.sent_at = 5;
	p.finished_at = 6;
	p.attempts = 7;
	p.held = true;
	p.charge_units = 8;
	p.gateway = "office";
	p.gateway_ref = "SM-1\xc3\xa9'; --";
	number_id(p.series, 77);
	p.revision = INT32_MAX;
	put(f, &p);
	commit(f);
	store_reopen(f);
	assert_int_equal(f->ops->get(f->store, p.id, &ps), RES_OK);
	assert_int_equal(ps.n, 1);
	assert_string_equal(ps.v[0].id, p.id);
	assert_string_equal(ps.v[0].sender, ME);
	assert_string_equal(ps.v[0].recipient, "+4917012345678");
	assert_int_equal(ps.v[0].kind, KIND_SMS);
	assert_int_equal(ps.v[0].state, PACKET_HELD);
	assert_int_equal(ps.v[0].offline, OFFLINE_DROP);
	assert_int_equal(ps.v[0].created_at, 1);
	assert_int_equal(ps.v[0].due_at, 2);
	assert_true(ps.v[0].next_at == NEVER_MS);
	assert_int_equal(ps.v[0].expires_at, 4);
	assert_int_equal(ps.v[0].sent_at, 5);
	assert_int_equal(ps.v[0].finished_at, 6);
	assert_int_equal(ps.v[0].attempts, 7);
	assert_true(ps.v[0].held);
	assert_int_equal(ps.v[0].charge_day, TODAY);
	assert_int_equal(ps.v[0].charge_units, 8);
	assert_string_equal(ps.v[0].zone, "Europe/Berlin");
	assert_int_equal(ps.v[0].sealed.len, sizeof("\1sealed\0body") - 1);
	assert_memory_equal(ps.v[0].sealed.p, "\1sealed\0body", ps.v[0].sealed.len);
	assert_string_equal(ps.v[0].gateway, "office");
	assert_string_equal(ps.v[0].gateway_ref, "SM-1\xc3\xa9'; --");
	assert_int_equal(id_number(ps.v[0].series), 77);
	assert_int_equal(ps.v[0].revision, INT32_MAX);
	packets_free(&ps);
}

static void
test_texts_and_bodies_of_any_kind_survive(void **state)
{
	static char longest[JID_BARE_MAX + 1];
	static char body[300000];
	static const char *const names[] = {
		"'; DROP TABLE packet; --",
		"\"x\"@example.org",
		"j\xc3\xbcliet@ex\xc3\xa4mple.org",
		"$1?1:a@b",
		longest,
	};
	struct fixture *f = *state;

	memset(longest, 'x', JID_BARE_MAX);
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (char)(i * 7);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct packet p = sample(i);
		struct packets ps = { 0 };
		struct quota_use use;

		p.sender = p.recipient = names[i];
		p.sealed = i == 0 ? SPAN("") : (struct span){ body, sizeof(body) };
		put(f, &p);
		assert_int_equal(f->ops->get(f->store, p.id, &ps), RES_OK);
		assert_string_equal(ps.v[0].sender, names[i]);
		assert_string_equal(ps.v[0].recipient, names[i]);
		assert_non_null(ps.v[0].sealed.p);
		assert_int_equal(ps.v[0].sealed.len, p.sealed.len);
		assert_memory_equal(ps.v[0].sealed.p, p.sealed.p, p.sealed.len);
		packets_free(&ps);
		assert_int_equal(f->ops->find(f->store, FIND_WAITING, names[i], 0, 9, &ps), RES_OK);
		assert_int_equal(ps.n, 1);
		packets_free(&ps);
		assert_int_equal(f->ops->use(f->store, names[i], KIND_IM, TODAY, &use), RES_OK);
		assert_int_equal(use.day, 1);
	}
}

static void
test_get_appends_and_says_when_there_is_none(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct packet a = sample(1), b = sample(2);

	put(f, &a);
	put(f, &b);
	assert_int_equal(f->ops->get(f->store, "ZZZZZZ", &ps), RES_NOTFOUND);
	assert_int_equal(f->ops->get(f->store, b.id, &ps), RES_OK);
	assert_int_equal(f->ops->get(f->store, a.id, &ps), RES_OK);
	assert_int_equal(f->ops->get(f->store, "", &ps), RES_NOTFOUND);
	assert_int_equal(ps.n, 2);
	assert_string_equal(ps.v[0].id, b.id);
	assert_string_equal(ps.v[1].id, a.id);
	packets_free(&ps);
}

/* -- Turns ------------------------------------------------------------------------------------- */

static void
test_a_turn_is_kept_by_commit_and_forgotten_by_rollback(void **state)
{
	struct fixture *f = *state;
	struct packet a = sample(1), b = sample(2);

	put(f, &a);
	commit(f);
	put(f, &b);
	assert_int_equal(f->ops->set_meta(f->store, "key", "1"), RES_OK);
	assert_int_equal(state_of(f, 2), PACKET_SCHEDULED);
	f->ops->rollback(f->store);
	assert_int_equal(state_of(f, 1), PACKET_SCHEDULED);
	assert_int_equal(state_of(f, 2), PACKET_ILLEGAL);
	put(f, &b);
	store_reopen(f);
	assert_int_equal(state_of(f, 1), PACKET_SCHEDULED);
	assert_int_equal(state_of(f, 2), PACKET_ILLEGAL);
}

static void
test_commit_and_rollback_without_a_write_do_nothing(void **state)
{
	struct fixture *f = *state;

	commit(f);
	f->ops->rollback(f->store);
	commit(f);
	f->ops->rollback(f->store);
	f->ops->rollback(f->store);
}

static void
test_reads_open_no_transaction(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct store_next next;
	int64_t n;

	assert_int_equal(f->ops->claim(f->store, false, NOON, 10, &ps), RES_OK);
	assert_int_equal(f->ops->claim(f->store, true, NOON, 10, &ps), RES_OK);
	assert_int_equal(f->ops->get_ref(f->store, "office", "1", &ps), RES_NOTFOUND);
	assert_int_equal(f->ops->find(f->store, FIND_ATTEMPTED, NULL, 0, 10, &ps), RES_OK);
	assert_int_equal(f->ops->next(f->store, &next), RES_OK);
	assert_int_equal(f->ops->waiting(f->store, ME, &n), RES_OK);
	by_hand(f, "BEGIN IMMEDIATE; COMMIT");
	assert_int_equal(((struct db *)f->store)->turn, TURN_NONE);
}

static void
test_a_busy_database_breaks_the_turn_until_rollback(void **state)
{
	struct fixture *f = *state;
	struct packet p = sample(1);
	struct packets ps = { 0 };
	struct account account;
	sqlite3 *other;

	sqlite3_busy_timeout(((struct db *)f->store)->handle, 0);
	assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(f->ops->put(f->store, &p, 1, "scheduled"), RES_TEMPFAIL);
	sqlite3_close(other);
	assert_int_equal(f->ops->put(f->store, &p, 1, "scheduled"), RES_TEMPFAIL);
	assert_int_equal(f->ops->get(f->store, p.id, &ps), RES_TEMPFAIL);
	assert_int_equal(f->ops->account(f->store, ME, &account), RES_TEMPFAIL);
	assert_int_equal(f->ops->commit(f->store), RES_TEMPFAIL);
	f->ops->rollback(f->store);
	put(f, &p);
	commit(f);
	packets_free(&ps);
}

static void
test_a_reader_beside_us_stops_nobody(void **state)
{
	struct fixture *f = *state;
	struct packet p = sample(1);
	sqlite3 *other;

	assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(other, "BEGIN; SELECT count(*) FROM packet", NULL, NULL, NULL), SQLITE_OK);
	put(f, &p);
	commit(f);
	sqlite3_close(other);
}

/* -- Put --------------------------------------------------------------------------------------- */

static void
test_put_is_all_or_none_when_an_id_is_taken(void **state)
{
	struct fixture *f = *state;
	struct packet v[3] = { sample(1), sample(2), sample(3) };
	struct events history = { 0 };

	put(f, &v[2]);
	assert_int_equal(f->ops->put(f->store, v, 3, "again"), RES_INVALID);
	assert_int_equal(state_of(f, 1), PACKET_ILLEGAL);
	assert_int_equal(state_of(f, 2), PACKET_ILLEGAL);
	assert_int_equal(state_of(f, 3), PACKET_SCHEDULED);
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 1);
	assert_int_equal(f->ops->history(f->store, v[2].id, &history), RES_OK);
	assert_int_equal(history.n, 1);
	events_free(&history);
	/* The turn goes on with what it had and with other ids. */
	assert_int_equal(f->ops->put(f->store, v, 2, "again"), RES_OK);
	commit(f);
	store_reopen(f);
	for (unsigned i = 1; i <= 3; i++)
		assert_int_equal(state_of(f, i), PACKET_SCHEDULED);
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 3);
}

static void
test_put_refuses_the_same_id_twice_in_one_call(void **state)
{
	struct fixture *f = *state;
	struct packet v[2] = { sample(1), sample(1) };

	assert_int_equal(f->ops->put(f->store, v, 2, "twice"), RES_INVALID);
	assert_int_equal(state_of(f, 1), PACKET_ILLEGAL);
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 0);
	commit(f);
	assert_int_equal(f->ops->put(f->store, v, 0, "nothing"), RES_OK);
	commit(f);
}

/* -- Finding ----------------------------------------------------------------------------------- */

static void
test_waiting_and_finished_divide_all_states(void **state)
{
	struct fixture *f = *state;
	struct packet p;
	int64_t n;

	/* The number of each is its state; due later with the state, finished later too. */
	for (unsigned s = 1; s < PACKET_NSTATES; s++)
		put_as(f, s, (enum packet_state)s, YOU, NOON - s, NOON, 0, NOON + s);
	p = sample(20);
	p.sender = "other@example.org";
	put(f, &p);
	assert_found(f, FIND_WAITING, ME, 0, 99, "10 4 3 2 1");
	assert_found(f, FIND_WAITING, ME, 0, 2, "10 4");
	assert_found(f, FIND_WAITING, ME, 0, 0, "");
	assert_found(f, FIND_FINISHED, ME, 0, 99, "9 8 7 6 5");
	assert_found(f, FIND_FINISHED, ME, 0, 1, "9");
	assert_found(f, FIND_WAITING, "nobody@example.org", 0, 99, "");
	assert_int_equal(f->ops->waiting(f->store, ME, &n), RES_OK);
	assert_int_equal(n, 5);
	assert_int_equal(f->ops->waiting(f->store, "nobody@example.org", &n), RES_OK);
	assert_int_equal(n, 0);
}

static void
test_of_one_instant_the_first_stored_comes_first(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 1; i <= 4; i++)
		put_as(f, 5 - i, PACKET_SCHEDULED, YOU, NOON, NOON, 0, 0);
	assert_found(f, FIND_WAITING, ME, 0, 99, "4 3 2 1");
}

static void
test_held_packets_are_found_by_recipient_expiry_and_retry(void **state)
{
	struct fixture *f = *state;
	struct store_next next;

	put_as(f, 1, PACKET_HELD, YOU, NOON + 3, NEVER_MS, NOON + 30, 0);
	put_as(f, 2, PACKET_HELD, YOU, NOON + 1, NOON + 20, 0, 0);
	put_as(f, 3, PACKET_HELD, "nurse@example.org", NOON + 2, NOON + 10, NOON + 40, 0);
	put_as(f, 4, PACKET_SCHEDULED, YOU, NOON, NOON + 5, NOON + 1, 0);
	put_as(f, 5, PACKET_SENT, YOU, NOON, NOON + 1, NOON + 1, NOON);
	assert_found(f, FIND_HELD, YOU, 0, 99, "2 1");
	assert_found(f, FIND_HELD, YOU, 0, 1, "2");
	assert_found(f, FIND_HELD, "nurse@example.org", 0, 99, "3");
	assert_found(f, FIND_HELD_EXPIRED, NULL, NOON + 29, 99, "");
	assert_found(f, FIND_HELD_EXPIRED, NULL, NOON + 30, 99, "1");
	assert_found(f, FIND_HELD_EXPIRED, NULL, NEVER_MS, 99, "1 3"); /* 2 never expires */
	assert_found(f, FIND_HELD_RETRY, NULL, NOON + 9, 99, "");
	assert_found(f, FIND_HELD_RETRY, NULL, NOON + 10, 99, "3");
	assert_found(f, FIND_HELD_RETRY, NULL, NEVER_MS - 1, 99, "3 2");
	assert_int_equal(f->ops->next(f->store, &next), RES_OK);
	assert_int_equal(next.held_expiry, NOON + 30);
	assert_int_equal(next.held_retry[false], NOON + 10);
	assert_int_equal(next.scheduled[false], NOON + 5);
	assert_true(next.held_retry[true] == NEVER_MS && next.scheduled[true] == NEVER_MS);
}

static void
test_wake_is_for_what_is_held_for_the_recipient(void **state)
{
	struct fixture *f = *state;
	int64_t n;

	put_as(f, 1, PACKET_HELD, YOU, NOON + 3, NEVER_MS, NOON + 30, 0);
	put_as(f, 2, PACKET_HELD, "nurse@example.org", NOON + 2, NEVER_MS, NOON + 40, 0);
	put_as(f, 3, PACKET_SCHEDULED, YOU, NOON, NOON + 5, NOON + 1, 0);
	assert_int_equal(f->ops->wake(f->store, YOU, OFFLINE_DROP, NOON + 7, &n), RES_OK);
	assert_int_equal(n, 0);
	assert_found(f, FIND_HELD_RETRY, NULL, NOON + 7, 99, "");
	assert_int_equal(f->ops->wake(f->store, YOU, OFFLINE_END, NOON + 7, &n), RES_OK);
	assert_int_equal(n, 1);
	assert_found(f, FIND_HELD_RETRY, NULL, NOON + 6, 99, "");
	assert_found(f, FIND_HELD_RETRY, NULL, NOON + 7, 99, "1");
	assert_int_equal(f->ops->wake(f->store, YOU, sample(1).offline, NOON + 8, &n), RES_OK);
	assert_int_equal(n, 1);
	assert_int_equal(f->ops->wake(f->store, NULL, OFFLINE_END, NOON + 9, &n), RES_OK);
	assert_int_equal(n, 1); /* the other is looked at before that */
	assert_found(f, FIND_HELD_RETRY, NULL, NOON + 9, 99, "1 2");
}

static void
test_next_is_never_when_nothing_waits(void **state)
{
	struct fixture *f = *state;
	struct store_next next = { 0 };

	put_as(f, 1, PACKET_SENT, YOU, NOON, NOON, NOON, NOON);
	put_as(f, 2, PACKET_QUEUED, YOU, NOON, NOON, NOON, NOON);
	assert_int_equal(f->ops->next(f->store, &next), RES_OK);
	assert_true(next.held_expiry == NEVER_MS);
	assert_true(next.held_retry[0] == NEVER_MS && next.held_retry[1] == NEVER_MS);
	assert_true(next.scheduled[0] == NEVER_MS && next.scheduled[1] == NEVER_MS);
}

static void
test_find_ends_early_at_the_bound_of_its_arena(void **state)
{
	static char body[3000];
	struct fixture *f = *state;
	struct packets ps = { .arena.max = 30000 }, tiny = { .arena.max = 1000 };

	for (unsigned i = 0; i < 20; i++) {
		struct packet p = sample(i);

		p.sealed = (struct span){ body, sizeof(body) };
		put(f, &p);
	}
	commit(f);
	assert_int_equal(f->ops->claim(f->store, false, NOON, 20, &ps), RES_OK);
	assert_in_range(ps.n, 1, 10);
	assert_false(ps.arena.failed);
	/* What was left out is still to be claimed. */
	assert_int_equal(state_of(f, (unsigned)ps.n - 1), PACKET_QUEUED);
	assert_int_equal(state_of(f, (unsigned)ps.n), PACKET_SCHEDULED);
	assert_int_equal(f->ops->claim(f->store, false, NOON, 20, &tiny), RES_NOMEM);
	assert_int_equal(tiny.n, 0);
	assert_int_equal(state_of(f, 19), PACKET_SCHEDULED);
	packets_free(&ps);
	packets_free(&tiny);
}

/* -- Claim and move ---------------------------------------------------------------------------- */

static void
test_claim_takes_what_is_due_soonest_first_and_once(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };

	put_as(f, 1, PACKET_SCHEDULED, YOU, NOON, NOON + 2, 0, 0);
	put_as(f, 2, PACKET_SCHEDULED, YOU, NOON, NOON, 0, 0);
	put_as(f, 3, PACKET_SCHEDULED, YOU, NOON, NOON + 1, 0, 0);
	put_as(f, 4, PACKET_SCHEDULED, YOU, NOON, NOON + 3, 0, 0);
	put_as(f, 5, PACKET_HELD, YOU, NOON, NOON, 0, 0);
	commit(f);
	assert_int_equal(f->ops->claim(f->store, false, NOON - 1, 9, &ps), RES_OK);
	assert_int_equal(ps.n, 0);
	assert_int_equal(f->ops->claim(f->store, false, NOON + 2, 2, &ps), RES_OK);
	assert_int_equal(ps.n, 2);
	assert_string_equal(ps.v[0].id, sample(2).id);
	assert_string_equal(ps.v[1].id, sample(3).id);
	assert_int_equal(ps.v[0].state, PACKET_QUEUED);
	assert_int_equal(state_of(f, 3), PACKET_QUEUED);
	assert_int_equal(f->ops->claim(f->store, false, NOON + 2, 9, &ps), RES_OK);
	assert_int_equal(ps.n, 3);
	assert_string_equal(ps.v[2].id, sample(1).id);
	assert_int_equal(f->ops->claim(f->store, false, NOON + 2, 9, &ps), RES_OK);
	assert_int_equal(ps.n, 3);
	assert_int_equal(state_of(f, 4), PACKET_SCHEDULED);
	packets_free(&ps);
}

static void
test_move_follows_the_life_of_a_packet(void **state)
{
	struct fixture *f = *state;
	unsigned i = 0;

	for (int s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++)
		for (int ev = 0; ev < EV_NEVENTS; ev++) {
			enum packet_state next =
			    packet_next((enum packet_state)s, (enum packet_event)ev);
			struct packet p = sample(++i);

			/* Edits are not moves: they change more. */
			if (ev == EV_EDIT)
				next = PACKET_ILLEGAL;
			p.state = (enum packet_state)s;
			put(f, &p);
			assert_int_equal(
			    f->ops->move(f->store, &p, (enum packet_event)ev, NOON, "moved"),
			    next != PACKET_ILLEGAL ? RES_OK : RES_INVALID);
			if (next == PACKET_ILLEGAL)
				next = (enum packet_state)s;
			assert_int_equal(p.state, next);
			assert_int_equal(state_of(f, i), next);
		}
	commit(f);
}

static void
test_move_writes_what_the_packet_says_and_its_history(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct events history = { 0 };
	struct packet p = sample(1);

	p.state = PACKET_INFLIGHT;
	put(f, &p);
	p.next_at = 11;
	p.expires_at = 12;
	p.attempts = 13;
	p.held = true;
	p.sent_at = 14;
	p.finished_at = 15;
	p.gateway = "office";
	p.gateway_ref = "16";
	assert_int_equal(f->ops->move(f->store, &p, EV_HOLD, NOON + 1, "came back"), RES_OK);
	assert_int_equal(f->ops->move(f->store, &p, EV_RELEASE, NOON + 2, NULL), RES_OK);
	assert_int_equal(f->ops->move(f->store, &p, EV_SEND, NOON + 3, ""), RES_OK);
	commit(f);
	store_reopen(f);
	assert_int_equal(f->ops->get(f->store, p.id, &ps), RES_OK);
	assert_int_equal(ps.v[0].state, PACKET_INFLIGHT);
	assert_int_equal(ps.v[0].next_at, 11);
	assert_int_equal(ps.v[0].expires_at, 12);
	assert_int_equal(ps.v[0].attempts, 13);
	assert_true(ps.v[0].held);
	assert_int_equal(ps.v[0].sent_at, 14);
	assert_int_equal(ps.v[0].finished_at, 15);
	assert_string_equal(ps.v[0].gateway, "office");
	assert_string_equal(ps.v[0].gateway_ref, "16");
	assert_int_equal(ps.v[0].due_at, NOON);
	assert_int_equal(f->ops->history(f->store, p.id, &history), RES_OK);
	assert_int_equal(history.n, 3);
	assert_string_equal(history.v[0].what, "scheduled");
	assert_int_equal(history.v[0].at, p.created_at);
	assert_string_equal(history.v[1].what, "came back");
	assert_int_equal(history.v[1].at, NOON + 1);
	assert_string_equal(history.v[2].what, "");
	events_free(&history);
	packets_free(&ps);
}

static void
test_move_loses_against_who_was_first(void **state)
{
	struct fixture *f = *state;
	struct events history = { 0 };
	struct packet p = sample(1), late = p, gone = sample(2);

	put(f, &p);
	assert_int_equal(f->ops->move(f->store, &p, EV_CANCEL, NOON, "cancelled"), RES_OK);
	assert_int_equal(p.state, PACKET_CANCELLED);
	late.next_at = 77;
	assert_int_equal(f->ops->move(f->store, &late, EV_DUE, NOON, "due"), RES_NOTFOUND);
	assert_int_equal(late.state, PACKET_SCHEDULED);
	assert_int_equal(f->ops->move(f->store, &gone, EV_DUE, NOON, "due"), RES_NOTFOUND);
	assert_int_equal(state_of(f, 1), PACKET_CANCELLED);
	assert_int_equal(f->ops->history(f->store, p.id, &history), RES_OK);
	assert_int_equal(history.n, 2);
	events_free(&history);
	assert_int_equal(f->ops->history(f->store, gone.id, &history), RES_OK);
	assert_int_equal(history.n, 0);
	events_free(&history);
}

/* -- Purge ------------------------------------------------------------------------------------- */

static void
test_purge_deletes_what_ended_before_with_its_history(void **state)
{
	struct fixture *f = *state;
	struct events history = { 0 };
	int64_t n = -1;

	/* The number of each is its state; finished_at alone makes nobody finished. */
	for (unsigned s = 1; s < PACKET_NSTATES; s++)
		put_as(f, s, (enum packet_state)s, YOU, NOON, NOON, 0, NOON - s);
	put_as(f, 20, PACKET_SENT, YOU, NOON, NOON, 0, NOON);
	commit(f);
	assert_int_equal(f->ops->purge(f->store, NOON, TODAY, 2, &n), RES_OK);
	assert_int_equal(n, 2);
	assert_int_equal(state_of(f, 10), PACKET_ILLEGAL); /* the oldest first */
	assert_int_equal(state_of(f, 9), PACKET_ILLEGAL);
	assert_int_equal(f->ops->purge(f->store, NOON, TODAY, 99, &n), RES_OK);
	assert_int_equal(n, 4);
	for (unsigned s = 1; s < PACKET_NSTATES; s++)
		assert_int_equal(state_of(f, s), s < PACKET_SENT ? s : PACKET_ILLEGAL);
	assert_int_equal(state_of(f, 20), PACKET_SENT);
	commit(f);
	assert_int_equal(f->ops->purge(f->store, NOON, TODAY, 99, &n), RES_OK);
	assert_int_equal(n, 0);
	f->ops->rollback(f->store);
	/* An id that is used again has none of the old history. */
	put_as(f, 10, PACKET_SCHEDULED, YOU, NOON, NOON, 0, 0);
	assert_int_equal(f->ops->history(f->store, sample(10).id, &history), RES_OK);
	assert_int_equal(history.n, 1);
	events_free(&history);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_put_is_got_back),
		TEST(test_texts_and_bodies_of_any_kind_survive),
		TEST(test_get_appends_and_says_when_there_is_none),
		TEST(test_a_turn_is_kept_by_commit_and_forgotten_by_rollback),
		TEST(test_commit_and_rollback_without_a_write_do_nothing),
		TEST(test_reads_open_no_transaction),
		TEST(test_a_busy_database_breaks_the_turn_until_rollback),
		TEST(test_a_reader_beside_us_stops_nobody),
		TEST(test_put_is_all_or_none_when_an_id_is_taken),
		TEST(test_put_refuses_the_same_id_twice_in_one_call),
		TEST(test_waiting_and_finished_divide_all_states),
		TEST(test_of_one_instant_the_first_stored_comes_first),
		TEST(test_held_packets_are_found_by_recipient_expiry_and_retry),
		TEST(test_wake_is_for_what_is_held_for_the_recipient),
		TEST(test_next_is_never_when_nothing_waits),
		TEST(test_find_ends_early_at_the_bound_of_its_arena),
		TEST(test_claim_takes_what_is_due_soonest_first_and_once),
		TEST(test_move_follows_the_life_of_a_packet),
		TEST(test_move_writes_what_the_packet_says_and_its_history),
		TEST(test_move_loses_against_who_was_first),
		TEST(test_purge_deletes_what_ended_before_with_its_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
