/*
 * Packets that change while they wait: edits, copies that are older than the row, charges that come
 * later, pauses.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "store_fixture.h"

/* Brings it into this state as its life may, writing nothing else. */
static void
lead_to(struct fixture *f, struct packet *p, enum packet_state s)
{
	if (s == PACKET_SCHEDULED)
		return;
	assert_int_equal(f->ops->move(f->store, p, EV_DUE, NOON, NULL), RES_OK);
	if (s == PACKET_HELD)
		assert_int_equal(f->ops->move(f->store, p, EV_HOLD, NOON, NULL), RES_OK);
	assert_int_equal(p->state, s);
}

/* -- Edit -------------------------------------------------------------------------------------- */

/* Another value in everything that an edit writes, and in what it does not. */
static void
write_anew(struct packet *p)
{
	p->recipient = "nurse@example.org/balcony";
	p->offline = OFFLINE_DROP;
	p->due_at = 21;
	p->next_at = 22;
	p->expires_at = 23;
	p->attempts = 24;
	p->held = true;
	p->sent_at = 25;
	p->finished_at = 26;
	p->charge_day = 20270101;
	p->charge_units = 27;
	snprintf(p->zone, sizeof(p->zone), "Asia/Tehran");
	number_id(p->series, 28);
	p->sealed = SPAN("another\0body");
	p->gateway = p->gateway_ref = NULL;
	/* These stay what they are. */
	p->sender = "other@example.org";
	p->kind = KIND_MMS;
	p->created_at = 29;
}

static void
test_edit_writes_what_the_packet_says_and_its_history(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct events es = { 0 };
	struct packet p = sample(1), *got;

	p.state = PACKET_HELD;
	p.gateway = "office";
	p.gateway_ref = "1";
	put(f, &p);
	write_anew(&p);
	assert_int_equal(f->ops->edit(f->store, &p, NOON + 1, "edited by the sender"), RES_OK);
	assert_int_equal(p.state, PACKET_SCHEDULED);
	assert_int_equal(p.revision, 1);
	commit(f);
	store_reopen(f);
	got = row_of(f, 1, &ps);
	assert_int_equal(got->state, PACKET_SCHEDULED);
	assert_int_equal(got->revision, 1);
	assert_string_equal(got->recipient, "nurse@example.org/balcony");
	assert_int_equal(got->offline, OFFLINE_DROP);
	assert_int_equal(got->due_at, 21);
	assert_int_equal(got->next_at, 22);
	assert_int_equal(got->expires_at, 23);
	assert_int_equal(got->attempts, 24);
	assert_true(got->held);
	assert_int_equal(got->sent_at, 25);
	assert_int_equal(got->finished_at, 26);
	assert_int_equal(got->charge_day, 20270101);
	assert_int_equal(got->charge_units, 27);
	assert_string_equal(got->zone, "Asia/Tehran");
	assert_int_equal(id_number(got->series), 28);
	assert_int_equal(got->sealed.len, sizeof("another\0body") - 1);
	assert_memory_equal(got->sealed.p, "another\0body", got->sealed.len);
	assert_null(got->gateway);
	assert_null(got->gateway_ref);
	assert_string_equal(got->sender, ME);
	assert_int_equal(got->kind, KIND_IM);
	assert_int_equal(got->created_at, NOON - HOUR_MS);
	/* Charges are the caller's. */
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 1);
	assert_int_equal(used(f, ME, KIND_IM, 20270101).month, 0);
	assert_int_equal(f->ops->history(f->store, p.id, &es), RES_OK);
	assert_int_equal(es.n, 2);
	assert_int_equal(es.v[1].at, NOON + 1);
	assert_string_equal(es.v[1].what, "edited by the sender");
	events_free(&es);
	packets_free(&ps);
}

static void
test_edit_leads_back_to_the_beginning_from_what_waits_alone(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };

	for (unsigned s = PACKET_SCHEDULED; s < PACKET_NSTATES; s++) {
		struct packet p = sample(s);
		bool waits =
		    s == PACKET_SCHEDULED || s == PACKET_QUEUED || s == PACKET_HELD;

		p.state = (enum packet_state)s;
		put(f, &p);
		p.next_at = 77;
		assert_int_equal(f->ops->edit(f->store, &p, NOON, "edited"),
		    waits ? RES_OK : RES_INVALID);
		assert_int_equal(p.state, waits ? PACKET_SCHEDULED : s);
		assert_int_equal(p.revision, waits);
		assert_int_equal(state_of(f, s), p.state);
		assert_int_equal(row_of(f, s, &ps)->next_at, waits ? 77 : NOON);
		assert_int_equal(row_of(f, s, &ps)->revision, waits);
		assert_int_equal(history_len(f, s), 1 + waits);
	}
	packets_free(&ps);
}

static void
test_each_edit_raises_the_revision(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct packet p = sample(1), last = sample(2);

	put(f, &p);
	for (int32_t i = 1; i <= 3; i++) {
		assert_int_equal(f->ops->edit(f->store, &p, NOON, NULL), RES_OK);
		assert_int_equal(p.revision, i);
		assert_int_equal(row_of(f, 1, &ps)->revision, i);
	}
	assert_int_equal(history_len(f, 1), 1);
	last.revision = INT32_MAX;
	put(f, &last);
	assert_int_equal(f->ops->edit(f->store, &last, NOON, NULL), RES_OK);
	assert_int_equal(last.revision, 0);
	assert_int_equal(row_of(f, 2, &ps)->revision, 0);
	packets_free(&ps);
}

static void
test_an_edit_can_make_and_end_the_tie_to_a_series(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct packet p = sample(1);

	put(f, &p);
	assert_string_equal(row_of(f, 1, &ps)->series, "");
	number_id(p.series, 5);
	assert_int_equal(f->ops->edit(f->store, &p, NOON, NULL), RES_OK);
	assert_string_equal(row_of(f, 1, &ps)->series, p.series);
	assert_int_equal(f->ops->move(f->store, &p, EV_CANCEL, NOON, NULL), RES_OK);
	assert_string_equal(row_of(f, 1, &ps)->series, p.series);
	p = sample(2);
	number_id(p.series, 5);
	put(f, &p);
	p.series[0] = '\0';
	assert_int_equal(f->ops->edit(f->store, &p, NOON, NULL), RES_OK);
	assert_string_equal(row_of(f, 2, &ps)->series, "");
	packets_free(&ps);
}

/* -- Races ------------------------------------------------------------------------------------- */

static void
test_a_stale_copy_can_neither_move_nor_edit_nor_be_charged(void **state)
{
	static const enum packet_state states[] = { PACKET_SCHEDULED, PACKET_QUEUED, PACKET_HELD };
	struct fixture *f = *state;
	struct packets ps = { 0 };

	for (unsigned i = 0; i < 3; i++) {
		struct packet p = sample(i), stale;
		size_t lines;

		p.charge_day = p.charge_units = 0;
		put(f, &p);
		lead_to(f, &p, states[i]);
		stale = p;
		assert_int_equal(f->ops->edit(f->store, &p, NOON, "edited"), RES_OK);
		/* The row is in the state that the copy knows, and yet another. */
		lead_to(f, &p, states[i]);
		lines = history_len(f, i);
		stale.next_at = stale.due_at = 99;
		stale.charge_day = TODAY;
		stale.charge_units = 5;
		for (int ev = 0; ev < EV_NEVENTS; ev++)
			assert_int_not_equal(f->ops->move(f->store, &stale, (enum packet_event)ev,
						 NOON, "moved"),
			    RES_OK);
		assert_int_equal(f->ops->edit(f->store, &stale, NOON, "edited"), RES_NOTFOUND);
		assert_int_equal(f->ops->charge(f->store, &stale), RES_NOTFOUND);
		assert_int_equal(stale.state, states[i]);
		assert_int_equal(stale.revision, 0);
		assert_int_equal(row_of(f, i, &ps)->state, states[i]);
		assert_int_equal(ps.v[0].revision, 1);
		assert_int_equal(ps.v[0].next_at, NOON);
		assert_int_equal(ps.v[0].due_at, NOON);
		assert_int_equal(ps.v[0].charge_day, 0);
		assert_int_equal(history_len(f, i), lines);
	}
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 0);
	commit(f);
	packets_free(&ps);
}

static void
test_an_edit_before_the_tick_decides_what_is_sent(void **state)
{
	struct fixture *f = *state;
	struct packets form = { 0 }, tick = { 0 };
	struct packet p = sample(1), *mine;

	put(f, &p);
	commit(f);
	mine = row_of(f, 1, &form);
	mine->next_at = mine->due_at = NOON + HOUR_MS;
	mine->sealed = SPAN("new");
	assert_int_equal(f->ops->edit(f->store, mine, NOON - 1, "edited"), RES_OK);
	commit(f);
	/* It is not due any more; when it is, the new one is claimed. */
	assert_int_equal(f->ops->claim(f->store, false, NOON, 9, &tick), RES_OK);
	assert_int_equal(tick.n, 0);
	assert_int_equal(f->ops->claim(f->store, false, NOON + HOUR_MS, 9, &tick), RES_OK);
	assert_int_equal(tick.n, 1);
	assert_int_equal(tick.v[0].revision, 1);
	assert_memory_equal(tick.v[0].sealed.p, "new", 3);
	assert_int_equal(f->ops->move(f->store, &tick.v[0], EV_SEND, NOON, NULL), RES_OK);
	packets_free(&form);
	packets_free(&tick);
}

static void
test_an_edit_after_the_claim_takes_it_from_the_queue(void **state)
{
	struct fixture *f = *state;
	struct packets queue = { 0 }, form = { 0 }, again = { 0 };
	struct packet p = sample(1), before, *mine;

	put(f, &p);
	before = p;
	assert_int_equal(f->ops->claim(f->store, false, NOON, 9, &queue), RES_OK);
	assert_int_equal(queue.n, 1);
	commit(f);
	/* A form that was opened before the claim is read again. */
	assert_int_equal(f->ops->edit(f->store, &before, NOON, "edited"), RES_NOTFOUND);
	assert_int_equal(before.revision, 0);
	mine = row_of(f, 1, &form);
	assert_int_equal(mine->state, PACKET_QUEUED);
	assert_int_equal(f->ops->edit(f->store, mine, NOON, "edited"), RES_OK);
	commit(f);
	/* The copy in the queue is not sent, neither now nor when it is claimed once more. */
	assert_int_equal(
	    f->ops->move(f->store, &queue.v[0], EV_SEND, NOON, NULL), RES_NOTFOUND);
	assert_int_equal(f->ops->claim(f->store, false, NOON, 9, &again), RES_OK);
	assert_int_equal(again.n, 1);
	assert_int_equal(
	    f->ops->move(f->store, &queue.v[0], EV_SEND, NOON, NULL), RES_NOTFOUND);
	assert_int_equal(f->ops->move(f->store, &again.v[0], EV_SEND, NOON, NULL), RES_OK);
	assert_int_equal(state_of(f, 1), PACKET_INFLIGHT);
	packets_free(&queue);
	packets_free(&form);
	packets_free(&again);
}

static void
test_an_edit_that_comes_when_it_has_left_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct packet p = sample(1), form;

	put(f, &p);
	assert_int_equal(f->ops->move(f->store, &p, EV_DUE, NOON, NULL), RES_OK);
	form = p;
	assert_int_equal(f->ops->move(f->store, &p, EV_SEND, NOON, NULL), RES_OK);
	form.sealed = SPAN("new");
	assert_int_equal(f->ops->edit(f->store, &form, NOON, "edited"), RES_NOTFOUND);
	assert_int_equal(form.state, PACKET_QUEUED);
	assert_int_equal(row_of(f, 1, &ps)->state, PACKET_INFLIGHT);
	assert_int_equal(ps.v[0].revision, 0);
	assert_memory_equal(ps.v[0].sealed.p, "\1sealed", 7);
	assert_int_equal(history_len(f, 1), 1);
	/* And the one that knows is told by the table. */
	assert_int_equal(f->ops->edit(f->store, &p, NOON, "edited"), RES_INVALID);
	packets_free(&ps);
}

static void
test_of_an_edit_and_a_cancel_the_first_one_counts(void **state)
{
	struct fixture *f = *state;
	struct packet a = sample(1), b = sample(2), gone = sample(3), edit, cancel;

	put(f, &a);
	edit = cancel = a;
	assert_int_equal(f->ops->edit(f->store, &edit, NOON, NULL), RES_OK);
	assert_int_equal(f->ops->move(f->store, &cancel, EV_CANCEL, NOON, NULL), RES_NOTFOUND);
	assert_int_equal(state_of(f, 1), PACKET_SCHEDULED);
	put(f, &b);
	edit = cancel = b;
	assert_int_equal(f->ops->move(f->store, &cancel, EV_CANCEL, NOON, NULL), RES_OK);
	assert_int_equal(f->ops->edit(f->store, &edit, NOON, NULL), RES_NOTFOUND);
	assert_int_equal(state_of(f, 2), PACKET_CANCELLED);
	assert_int_equal(f->ops->edit(f->store, &gone, NOON, NULL), RES_NOTFOUND);
	assert_int_equal(f->ops->charge(f->store, &gone), RES_NOTFOUND);
	assert_int_equal(history_len(f, 3), 0);
}

/* -- Charges that come later ------------------------------------------------------------------- */

static void
test_a_charge_is_written_with_the_packet_and_once(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct packet p = sample(1);

	p.kind = KIND_SMS;
	p.charge_day = p.charge_units = 0;
	put(f, &p);
	assert_int_equal(used(f, ME, KIND_SMS, TODAY).day, 0);
	assert_int_equal(f->ops->move(f->store, &p, EV_DUE, NOON, NULL), RES_OK);
	p.charge_day = TODAY;
	p.charge_units = 3;
	assert_int_equal(f->ops->charge(f->store, &p), RES_OK);
	assert_int_equal(used(f, ME, KIND_SMS, TODAY).day, 3);
	/* A copy that does not know of it charges it no second time. */
	p.charge_day = TODAY + 1;
	assert_int_equal(f->ops->charge(f->store, &p), RES_NOTFOUND);
	assert_int_equal(used(f, ME, KIND_SMS, TODAY).month, 3);
	commit(f);
	store_reopen(f);
	assert_int_equal(row_of(f, 1, &ps)->charge_day, TODAY);
	assert_int_equal(ps.v[0].charge_units, 3);
	assert_int_equal(ps.v[0].state, PACKET_QUEUED);
	assert_int_equal(ps.v[0].revision, 0);
	assert_int_equal(history_len(f, 1), 1);
	/* What it says can be given back. */
	assert_int_equal(f->ops->refund(f->store, &ps.v[0]), RES_OK);
	assert_int_equal(used(f, ME, KIND_SMS, TODAY).day, 0);
	packets_free(&ps);
}

static void
test_a_charge_of_what_was_moved_meanwhile_is_none(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct packet p = sample(1), copy;

	p.charge_day = p.charge_units = 0;
	put(f, &p);
	copy = p;
	copy.charge_day = TODAY;
	copy.charge_units = 1;
	assert_int_equal(f->ops->move(f->store, &p, EV_CANCEL, NOON, NULL), RES_OK);
	assert_int_equal(f->ops->charge(f->store, &copy), RES_NOTFOUND);
	assert_int_equal(used(f, ME, KIND_IM, TODAY).day, 0);
	assert_int_equal(row_of(f, 1, &ps)->charge_day, 0);
	packets_free(&ps);
}

static void
test_an_edit_with_refund_and_charge_is_forgotten_as_one(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct packet p = sample(1), next = sample(2);
	struct series se = sample_series(1);
	struct series_list ss = { 0 };

	put(f, &p);
	assert_int_equal(f->ops->put_series(f->store, &se), RES_OK);
	commit(f);
	next.charge_day = 0;
	for (int kept = 0; kept < 2; kept++) {
		assert_int_equal(f->ops->refund(f->store, &p), RES_OK);
		p.charge_day = 0;
		assert_int_equal(f->ops->edit(f->store, &p, NOON, "edited"), RES_OK);
		p.charge_day = TODAY + 1;
		p.charge_units = 4;
		assert_int_equal(f->ops->charge(f->store, &p), RES_OK);
		put(f, &next);
		assert_int_equal(f->ops->drop_series(f->store, se.id), RES_OK);
		assert_int_equal(used(f, ME, KIND_IM, TODAY + 1).month, 4);
		if (kept)
			commit(f);
		else
			f->ops->rollback(f->store);
		store_reopen(f);
		p = *row_of(f, 1, &ps);
		assert_int_equal(p.revision, kept);
		assert_int_equal(p.charge_day, TODAY + kept);
		assert_int_equal(used(f, ME, KIND_IM, TODAY).month, kept ? 4 : 1);
		assert_int_equal(state_of(f, 2), kept ? PACKET_SCHEDULED : PACKET_ILLEGAL);
		assert_int_equal(f->ops->get_series(f->store, se.id, &ss),
		    kept ? RES_NOTFOUND : RES_OK);
	}
	packets_free(&ps);
	series_free(&ss);
}

/* -- Pauses ------------------------------------------------------------------------------------ */

static void
assert_nothing_is_due(struct fixture *f)
{
	struct packets ps = { 0 };
	struct store_next next;
	int64_t n;

	assert_int_equal(f->ops->next(f->store, &next), RES_OK);
	assert_true(next.held_expiry == NEVER_MS);
	for (int paid = 0; paid < 2; paid++) {
		assert_true(next.scheduled[paid] == NEVER_MS);
		assert_true(next.held_retry[paid] == NEVER_MS);
		assert_int_equal(f->ops->claim(f->store, paid != 0, NEVER_MS, 9, &ps), RES_OK);
		assert_int_equal(f->ops->claim(f->store, paid != 0, NEVER_MS - 1, 9, &ps), RES_OK);
	}
	assert_int_equal(((struct db *)f->store)->turn, TURN_NONE);
	assert_int_equal(f->ops->wake(f->store, YOU, OFFLINE_END, NOON, &n), RES_OK);
	assert_int_equal(n, 0);
	assert_int_equal(f->ops->wake(f->store, NULL, OFFLINE_END, NOON, &n), RES_OK);
	assert_int_equal(n, 0);
	assert_int_equal(f->ops->wake_paid(f->store, NOON, &n), RES_OK);
	assert_int_equal(n, 0);
	assert_int_equal(f->ops->recover(f->store, NOON, &n), RES_OK);
	assert_int_equal(n, 0);
	assert_int_equal(f->ops->purge(f->store, NEVER_MS, 0, 9, &n), RES_OK);
	assert_int_equal(n, 0);
	assert_int_equal(ps.n, 0);
	commit(f);
	packets_free(&ps);
}

static void
test_what_is_paused_waits_and_is_never_due(void **state)
{
	struct fixture *f = *state;
	struct packets ps = { 0 };
	struct packet p = sample(1), sms = sample(2);

	sms.kind = KIND_SMS;
	put(f, &p);
	put(f, &sms);
	assert_int_equal(f->ops->move(f->store, &sms, EV_DUE, NOON, NULL), RES_OK);
	p.next_at = sms.next_at = NEVER_MS;
	assert_int_equal(f->ops->edit(f->store, &p, NOON, "paused"), RES_OK);
	assert_int_equal(f->ops->edit(f->store, &sms, NOON, "paused"), RES_OK);
	commit(f);
	assert_nothing_is_due(f);
	store_reopen(f);
	assert_nothing_is_due(f);
	assert_true(row_of(f, 1, &ps)->next_at == NEVER_MS);
	assert_found(f, FIND_WAITING, ME, 0, 9, "1 2");
	/* Beside others that are due, too. */
	put_as(f, 3, PACKET_SCHEDULED, YOU, NOON, NOON, 0, 0);
	packets_free(&ps);
	assert_int_equal(f->ops->claim(f->store, false, NEVER_MS, 9, &ps), RES_OK);
	assert_int_equal(ps.n, 1);
	assert_int_equal(id_number(ps.v[0].id), 3);
	assert_int_equal(state_of(f, 1), PACKET_SCHEDULED);
	p.next_at = NOON + 5;
	assert_int_equal(f->ops->edit(f->store, &p, NOON, "resumed"), RES_OK);
	assert_int_equal(f->ops->claim(f->store, false, NOON + 5, 9, &ps), RES_OK);
	assert_int_equal(ps.n, 2);
	assert_int_equal(id_number(ps.v[1].id), 1);
	packets_free(&ps);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, remove_dir)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_edit_writes_what_the_packet_says_and_its_history),
		TEST(test_edit_leads_back_to_the_beginning_from_what_waits_alone),
		TEST(test_each_edit_raises_the_revision),
		TEST(test_an_edit_can_make_and_end_the_tie_to_a_series),
		TEST(test_a_stale_copy_can_neither_move_nor_edit_nor_be_charged),
		TEST(test_an_edit_before_the_tick_decides_what_is_sent),
		TEST(test_an_edit_after_the_claim_takes_it_from_the_queue),
		TEST(test_an_edit_that_comes_when_it_has_left_changes_nothing),
		TEST(test_of_an_edit_and_a_cancel_the_first_one_counts),
		TEST(test_a_charge_is_written_with_the_packet_and_once),
		TEST(test_a_charge_of_what_was_moved_meanwhile_is_none),
		TEST(test_an_edit_with_refund_and_charge_is_forgotten_as_one),
		TEST(test_what_is_paused_waits_and_is_never_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
