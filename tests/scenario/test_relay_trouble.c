/* Replies in numbers, out of measure, made by machines, and when something is out of order. */
#include "replies.h"

/* -- How much ------------------------------------------------------------------------------------------------------------------- */

/* So many in one piece. */
static void
burst(struct world *w, const char *from, const char *to, int n)
{
	struct buf xml = { .max = (size_t)1 << 20 };

	for (int i = 0; i < n; i++)
		buf_printf(&xml, "<message type='chat' id='b-%d' from='%s' to='%s'><body>%d</body></message>", i, from, to, i);
	world_send(w, "%s", buf_str(&xml));
	buf_free(&xml);
}

static void
test_flood_is_cut_off_with_one_error_and_passes_again_later(void **state)
{
	struct world *w = *state;

	world_acquaint(w);
	world_schedule(w, .to = MALLORY, .when = "in 1 seconds", .offline = "server");
	world_advance(w, 2 * SECOND_MS);
	world_forget(w);
	burst(w, ORCHARD, TO_JULIET, 100);
	assert_int_equal(world_passed(w, JULIET), 30);
	assert_int_equal(world_errors(w, ORCHARD, "resource-constraint"), 1);
	assert_int_equal(w->nheard, 31);
	for (int i = 0; i < 30; i++)
		assert_int_equal(atoi(w->heard[i].body), i);
	assert_string_equal(w->heard[30].error_type, "wait");
	assert_string_not_equal(w->heard[30].error_text, "");
	/* Others are not concerned. */
	world_forget(w);
	burst(w, MALLORY "/x", TO_JULIET, 1);
	assert_int_equal(world_passed(w, JULIET), 1);
	world_forget(w);
	world_advance(w, 10 * SECOND_MS);
	burst(w, ORCHARD, TO_JULIET, 50);
	assert_in_range(world_passed(w, JULIET), 9, 11);
	assert_in_range(world_errors(w, ORCHARD, "resource-constraint"), 0, 1);
	world_forget(w);
	world_advance(w, HOUR_MS);
	burst(w, ORCHARD, TO_JULIET, 100);
	assert_int_equal(world_passed(w, JULIET), 30);
	assert_int_equal(world_errors(w, ORCHARD, "resource-constraint"), 1);
	assert_int_equal(w->nheard, 31);
}

static void
test_flood_of_a_stranger_passes_nothing(void **state)
{
	struct world *w = *state;

	world_acquaint(w);
	burst(w, MALLORY "/x", TO_JULIET, 1000);
	assert_int_equal(world_passed(w, JULIET), 0);
	assert_int_equal(world_count(w, MALLORY "/x"), w->nheard);
	assert_true(w->nheard <= 1000);
	/* It takes nothing away from who may. */
	world_forget(w);
	answer_juliet(w);
	assert_int_equal(world_passed(w, JULIET), 1);
}

static void
test_two_answering_machines_do_not_go_on_for_ever(void **state)
{
	static const int64_t pauses[] = { 0, 300 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world *w;

		world_setup((void **)&w);
		world_acquaint(w);
		world_person(w, JULIET)->echoes = world_person(w, ROMEO)->echoes = true;
		world_person(w, JULIET)->echo_ms = world_person(w, ROMEO)->echo_ms = pauses[i];
		answer_juliet(w);
		world_advance(w, 5 * MINUTE_MS);
		assert_in_range(w->nheard, 30, 300);
		world_forget(w);
		world_advance(w, HOUR_MS);
		assert_int_equal(w->nheard, 0);
		world_teardown((void **)&w);
	}
}

/* -- Trouble -------------------------------------------------------------------------------------------------------------------- */

static int
teardown_with_room(void **state)
{
	world_disk_is_freed();
	return world_teardown(state);
}

static void
test_turn_that_cannot_be_stored_relays_nothing_and_says_so(void **state)
{
	struct world *w = *state;
	struct ask ask = world_im(.when = "in 1 hours");
	const struct heard *m;

	world_acquaint(w);
	world_log_begin(w);
	world_disk_has(w, 0);
	world_send(w, "%s%s", "<message type='chat' id='r1' from='" ORCHARD "' to='" TO_JULIET "'><body>Good morrow</body></message>",
	    world_ask_xml(w, &ask));
	world_disk_is_freed();
	world_log_end(w);
	assert_int_equal(world_count(w, JULIET), 0);
	m = world_only(w, ORCHARD);
	assert_string_equal(m->type, "error");
	assert_string_equal(m->id, "r1");
	assert_string_equal(m->error_type, "wait");
	assert_string_equal(world_answer(w, ask.id).error_type, "wait");
	world_advance(w, 2 * MINUTE_MS);
	world_is_relayed(w, answer_juliet, JULIET);
}

static void
test_store_that_is_out_of_order_makes_the_writer_wait(void **state)
{
	struct world *w = *state;

	world_acquaint(w);
	world_log_begin(w);
	world_disk_has(w, 0);
	world_ask(w, world_im(.when = "in 1 hours"));
	world_forget(w);
	answer_juliet(w);
	world_disk_is_freed();
	world_log_end(w);
	assert_int_equal(world_count(w, JULIET), 0);
	assert_string_equal(world_only(w, ORCHARD)->error_type, "wait");
	world_advance(w, 2 * MINUTE_MS);
	world_is_relayed(w, answer_juliet, JULIET);
}

/* Texts of this many bytes; every one of them may take six in what we write. */
static const char *
text_of(struct world *w, char c, size_t len)
{
	char *text = arena_alloc(&w->arena, len + 1);

	assert_non_null(text);
	memset(text, c, len);
	text[len] = '\0';
	return text;
}

static void
test_large_messages_end_no_stream(void **state)
{
	static const char fillings[] = { 'a', '"', '\'', '>' };
	static const size_t sizes[] = { 1000, 60000, 250000, 300000 };
	static const enum server servers[] = { SERVER_PLAIN, SERVER_PROSODY };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(fillings) * 4; i++) {
		const char *text;
		size_t connections, n;
		struct world *w;

		world_setup((void **)&w);
		w->server = servers[i % 2];
		world_acquaint(w);
		connections = w->connections;
		text = text_of(w, fillings[i / 8], sizes[i / 2 % 4]);
		world_log_begin(w);
		world_send(w, "<message type='chat' id='large' from='" BALCONY "' to='%s'><body>%s</body></message>", TO_ROMEO, text);
		world_log_end(w);
		n = world_passed(w, ROMEO);
		/* It arrives whole, or who wrote it is told. */
		assert_int_equal(n + world_count(w, BALCONY), 1);
		if (n == 1)
			assert_string_equal(world_only(w, ROMEO)->body, text);
		else
			assert_string_equal(world_only(w, BALCONY)->type, "error");
		if (sizes[i / 2 % 4] == 1000)
			assert_int_equal(n, 1);
		world_is_relayed(w, answer_juliet, JULIET);
		assert_int_equal(w->connections, connections);
		world_teardown((void **)&w);
	}
}

static const char *const hostile[] = {
	"<message from='" ORCHARD "' to='" TO_JULIET "' id='&#x9;&apos;&quot;&lt;&amp;'><body>&lt;/body&gt;&lt;/message&gt;</body></message>",
	"<message from='" ORCHARD "' to='" TO_JULIET "'><body/></message>",
	"<message from='" ORCHARD "' to='" TO_JULIET "' type='chat' id=''><body>x</body><body xml:lang='de'>y</body></message>",
	"<message from='" ORCHARD "' to='" TO_JULIET "' type='nonsense'><body>x</body></message>",
	"<message from='" ORCHARD "' to='" TO_JULIET "' xml:lang='&apos;&gt;'><body a='&apos;' b='&quot;'>x<b>y</b></body></message>",
	"<x:message xmlns:x='jabber:component:accept' from='" ORCHARD "' to='" TO_JULIET "'><x:body>x</x:body></x:message>",
	"<message from='" ORCHARD "' to='" TO_JULIET "'><x:body xmlns:x='urn:forged'>forged</x:body></message>",
	"<message from='" ORCHARD "' to='" TO_JULIET "'><body>x</body><x:x xmlns:x='jabber:x:oob' x:y='z'><x:url>u</x:url></x:x></message>",
	"<message from='" ORCHARD "' to='" TO_JULIET "'><body>x</body><thread parent='&lt;&apos;'>&lt;&apos;</thread></message>",
	"<message from='" ORCHARD "' to='" TO_JULIET "'><body>x</body><replace xmlns='urn:xmpp:message-correct:0' id='&apos;/&gt;&lt;x'/></message>",
	"<message from='" ORCHARD "' to='" TO_JULIET "'><received xmlns='urn:xmpp:receipts'/></message>",
	"<message from='" ORCHARD "' to='" TO_JULIET "'><received xmlns='urn:xmpp:receipts' id=''/></message>",
	"<message from='' to='" TO_JULIET "'><body>x</body></message>",
	"<message from='@' to='" TO_JULIET "'><body>x</body></message>",
	"<message to='" TO_JULIET "'><body>x</body></message>",
	"<message from='" ORCHARD "' to='" TO_JULIET "/&#x7f;&lt;'><body>x</body></message>",
};

static void
test_hostile_stanzas_end_no_stream(void **state)
{
	static const enum server servers[] = { SERVER_PLAIN, SERVER_PROSODY };

	(void)state;
	for (size_t s = 0; s < 2; s++) {
		struct world *w;
		size_t connections;

		world_setup((void **)&w);
		w->server = servers[s];
		w->keeps_xml = true;
		world_acquaint(w);
		connections = w->connections;
		for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
			world_forget(w);
			world_send(w, "%s", hostile[i]);
			assert_true(w->nheard <= 1);
			for (size_t j = 0; j < w->nheard; j++)
				assert_null(strstr(w->heard[j].xml, "forged"));
			world_advance(w, 2 * SECOND_MS);
		}
		world_is_relayed(w, answer_juliet, JULIET);
		assert_int_equal(w->connections, connections);
		world_teardown((void **)&w);
	}
}

static void
test_deep_and_broad_messages_end_no_stream(void **state)
{
	static const struct {
		int times;
		const char *open, *close;
	} shapes[] = { { 20, "<span>", "</span>" }, { 27, "<span>", "</span>" }, { 200, "<span>", "</span>" }, { 2900, "<br/>", "" },
		{ 5000, "<br/>", "" } };
	struct world *w = *state;
	size_t connections;

	world_acquaint(w);
	connections = w->connections;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct buf xml = { .max = (size_t)1 << 20 };

		buf_text(&xml, "<message from='" ORCHARD "' to='" TO_JULIET "' type='chat'><body>x</body>"
		    "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'>");
		for (int j = 0; j < shapes[i].times; j++)
			buf_text(&xml, shapes[i].open);
		for (int j = 0; j < shapes[i].times; j++)
			buf_text(&xml, shapes[i].close);
		buf_text(&xml, "</body></html></message>");
		world_forget(w);
		world_log_begin(w);
		world_send(w, "%s", buf_str(&xml));
		world_log_end(w);
		assert_int_equal(w->nheard, 1);
		buf_free(&xml);
	}
	world_is_relayed(w, answer_juliet, JULIET);
	assert_int_equal(w->connections, connections);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_flood_is_cut_off_with_one_error_and_passes_again_later),
		WORLD_TEST(test_flood_of_a_stranger_passes_nothing),
		cmocka_unit_test(test_two_answering_machines_do_not_go_on_for_ever),
		cmocka_unit_test_setup_teardown(test_turn_that_cannot_be_stored_relays_nothing_and_says_so, world_setup, teardown_with_room),
		cmocka_unit_test_setup_teardown(test_store_that_is_out_of_order_makes_the_writer_wait, world_setup, teardown_with_room),
		cmocka_unit_test(test_large_messages_end_no_stream),
		cmocka_unit_test(test_hostile_stanzas_end_no_stream),
		WORLD_TEST(test_deep_and_broad_messages_end_no_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
