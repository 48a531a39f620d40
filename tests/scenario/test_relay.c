/* What people write to the address under which others are seen through us: it is passed on between those who know each other. */
#include "replies.h"

#define CLIENT    "jabber:client"
#define ACCEPT    "jabber:component:accept"

/* -- Who it comes from ---------------------------------------------------------------------------------------------------------- */

static void
test_answer_reaches_the_sender_from_the_alias_of_who_wrote_it(void **state)
{
	struct world *w = *state;
	const struct heard *m;

	world_acquaint(w);
	reply_of_romeo(w, .id = "purple-42", .text = "Good morrow <cousin> & more", .thread = "t1");
	m = world_only(w, JULIET);
	assert_string_equal(m->id, "purple-42");
	assert_string_equal(m->type, "chat");
	assert_string_equal(m->from, TO_ROMEO);
	assert_string_equal(m->body, "Good morrow <cousin> & more");
	assert_string_equal(m->thread, "t1");
	assert_string_equal(m->nick, "romeo");
	assert_string_equal(m->ofrom, ROMEO);
	assert_string_equal(m->delay, "");
	assert_false(m->privileged);
	assert_true(world_has_child(m, "body", ACCEPT));
	assert_int_equal(w->nheard, 1);
	/* Nothing is stored of it, and no batch was begun for it. */
	assert_int_equal(world_packets(w), 1);
	assert_int_equal(w->pings, 0);
}

static void
test_sender_may_go_on_writing_to_the_alias(void **state)
{
	struct world *w = *state;
	const struct heard *m;

	world_acquaint(w);
	answer_juliet(w);
	answer_romeo(w);
	m = world_only(w, ROMEO);
	assert_string_equal(m->from, TO_JULIET);
	assert_string_equal(m->ofrom, JULIET);
	assert_string_equal(m->nick, "juliet");
	assert_string_equal(m->body, "Art thou not Romeo?");
	assert_int_equal(w->nheard, 2);
}

static void
test_writer_appears_as_themselves_where_the_server_lets_us(void **state)
{
	static const enum server servers[] = { SERVER_PROSODY, SERVER_EJABBERD };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world *w;
		const struct heard *m;

		world_setup((void **)&w);
		w->server = servers[i];
		world_acquaint(w);
		world_line(w, .from = BALCONY, .to = TO_ROMEO, .id = "s1", .text = "Good night",
		    .extra = "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>x</p></body></html>");
		m = world_only(w, ROMEO);
		assert_true(m->privileged);
		assert_string_equal(m->from, JULIET);
		assert_string_equal(m->id, "s1");
		assert_string_equal(m->type, "chat");
		assert_string_equal(m->body, "Good night");
		assert_string_equal(m->ofrom, "");
		assert_string_equal(m->nick, "");
		assert_true(world_has_child(m, "body", CLIENT));
		assert_false(world_has_child(m, "addresses", "http://jabber.org/protocol/address"));
		/* Romeo's server grants nothing. */
		world_forget(w);
		answer_juliet(w);
		m = world_only(w, JULIET);
		assert_false(m->privileged);
		assert_string_equal(m->from, TO_ROMEO);
		world_teardown((void **)&w);
	}
}

/* What was wrapped comes back, with an id of which somebody else may have made use. */
static void
test_refused_privilege_touches_no_packet_and_is_not_tried_again(void **state)
{
	struct world *w = *state;
	const char *id;

	w->server = SERVER_PROSODY;
	id = world_acquaint(w);
	w->forbids = true;
	world_log_begin(w);
	world_line(w, .from = BALCONY, .to = TO_ROMEO, .id = id, .text = "Good night");
	world_advance(w, MINUTE_MS);
	world_log_end(w);
	assert_string_equal(world_state(w, id), "sent");
	for (size_t i = 0; i < w->nheard; i++)
		assert_string_not_equal(w->heard[i].body, "Good morning");
	/* Who wrote it learns that it did not arrive. */
	assert_string_equal(world_only(w, BALCONY)->error_type, "wait");
	assert_string_equal(world_only(w, BALCONY)->id, id);
	world_forget(w);
	answer_romeo(w);
	assert_false(world_only(w, ROMEO)->privileged);
	assert_string_equal(world_only(w, ROMEO)->from, TO_JULIET);
}

static void
test_message_may_be_normal_or_of_no_type(void **state)
{
	struct world *w = *state;

	world_acquaint(w);
	reply_of_romeo(w, .type = "normal", .text = "one");
	world_send(w, "%s", "<message from='" ORCHARD "' to='" TO_JULIET "/balcony'><body>two</body></message>");
	assert_int_equal(world_passed(w, JULIET), 2);
	assert_int_equal(w->nheard, 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(strcmp(w->heard[i].type, "") == 0 || strcmp(w->heard[i].type, "normal") == 0);
	assert_string_equal(w->heard[1].body, "two");
}

/* -- What passes ---------------------------------------------------------------------------------------------------------------- */

static const struct child {
	const char *name, *ns, *xml;
	const char *inside; /* has to arrive as well */
	bool passes, alone; /* alone: content by itself */
} children[] = {
	{ "subject", ACCEPT, "<subject>Verona</subject>", "Verona", true, false },
	{ "html", "http://jabber.org/protocol/xhtml-im",
	    "<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>Hi <em>you</em></p></body></html>",
	    "you", true, false },
	{ "request", "urn:xmpp:receipts", "<request xmlns='urn:xmpp:receipts'/>", "", true, false },
	{ "received", "urn:xmpp:receipts", "<received xmlns='urn:xmpp:receipts' id='bd-7'/>", "bd-7", true, true },
	{ "markable", "urn:xmpp:chat-markers:0", "<markable xmlns='urn:xmpp:chat-markers:0'/>", "", true, false },
	{ "displayed", "urn:xmpp:chat-markers:0", "<displayed xmlns='urn:xmpp:chat-markers:0' id='bd-8'/>", "bd-8", true, true },
	{ "active", "http://jabber.org/protocol/chatstates", "<active xmlns='http://jabber.org/protocol/chatstates'/>", "", true, false },
	{ "composing", "http://jabber.org/protocol/chatstates", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", "", true,
	    false },
	{ "replace", "urn:xmpp:message-correct:0", "<replace xmlns='urn:xmpp:message-correct:0' id='bd-6'/>", "bd-6", true, true },
	{ "x", "jabber:x:oob", "<x xmlns='jabber:x:oob'><url>https://example.net/a.png</url></x>", "https://example.net/a.png", true,
	    false },
	{ "reactions", "urn:xmpp:reactions:0", "<reactions xmlns='urn:xmpp:reactions:0' id='bd-5'><reaction>\xf0\x9f\x91\x8d</reaction></reactions>",
	    "\xf0\x9f\x91\x8d", true, true },
	{ "reply", "urn:xmpp:reply:0", "<reply xmlns='urn:xmpp:reply:0' to='" TO_JULIET "' id='bd-4'/>", "bd-4", true, false },
	{ "fallback", "urn:xmpp:fallback:0", "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='3'/></fallback>",
	    "end=", true, false },
	{ "store", "urn:xmpp:hints", "<store xmlns='urn:xmpp:hints'/>", "", true, false },
	{ "no-store", "urn:xmpp:hints", "<no-store xmlns='urn:xmpp:hints'/>", "", true, false },
	{ "delay", "urn:xmpp:delay", "<delay xmlns='urn:xmpp:delay' stamp='2026-11-22T09:00:00Z'/>", "2026-11-22T09:00:00Z", true, false },
	{ "origin-id", "urn:xmpp:sid:0", "<origin-id xmlns='urn:xmpp:sid:0' id='bd-3'/>", "bd-3", true, false },

	{ "stanza-id", "urn:xmpp:sid:0", "<stanza-id xmlns='urn:xmpp:sid:0' id='forged' by='" JULIET "'/>", NULL, false, false },
	{ "forwarded", "urn:xmpp:forward:0",
	    "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='" JULIET "' to='" ROMEO "'><body>forged</body></message></forwarded>",
	    NULL, false, false },
	{ "event", "http://jabber.org/protocol/pubsub#event", "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='forged'/></event>",
	    NULL, false, false },
	{ "x", "http://jabber.org/protocol/muc#user", "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='forged'/></x>", NULL, false,
	    false },
	{ "x", "jabber:x:data", "<x xmlns='jabber:x:data' type='form'><title>forged</title></x>", NULL, false, false },
	{ "x", "jabber:x:conference", "<x xmlns='jabber:x:conference' jid='forged@example.net'/>", NULL, false, false },
	{ "request", "urn:forged", "<request xmlns='urn:forged'/>", NULL, false, false },
	{ "body", "urn:forged", "<body xmlns='urn:forged'>forged</body>", NULL, false, false },
	{ "error", ACCEPT, "<error type='cancel'><forged xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", NULL, false, false },
	{ "made-up", ACCEPT, "<made-up>forged</made-up>", NULL, false, false },
};

#define NCHILDREN (sizeof(children) / sizeof(children[0]))

static void
test_children_pass_that_stand_in_the_table_and_no_others(void **state)
{
	struct world *w = *state;

	w->keeps_xml = true;
	world_acquaint(w);
	for (size_t i = 0; i < NCHILDREN; i++) {
		const struct child *c = &children[i];
		const struct heard *m;

		world_forget(w);
		world_advance(w, 2 * SECOND_MS);
		reply_of_romeo(w, .text = "Good morrow", .extra = c->xml);
		m = world_only(w, JULIET);
		assert_string_equal(m->body, "Good morrow");
		if (world_has_child(m, c->name, c->ns) != c->passes)
			fail_msg("<%s xmlns='%s'/>: %s", c->name, c->ns, m->xml);
		if (c->passes)
			world_says(m->xml, c->inside);
		else
			assert_null(strstr(m->xml, "forged"));
		assert_string_equal(m->from, TO_ROMEO);
	}
}

static void
test_message_without_content_of_its_own_is_dropped_silently(void **state)
{
	struct world *w = *state;

	w->keeps_xml = true;
	world_acquaint(w);
	for (size_t i = 0; i < NCHILDREN; i++) {
		const struct child *c = &children[i];

		world_forget(w);
		world_advance(w, 2 * SECOND_MS);
		reply_of_romeo(w, .extra = c->xml);
		if (w->nheard != c->alone)
			fail_msg("<%s xmlns='%s'/> alone: %zu messages, of type %s", c->name, c->ns, w->nheard, w->heard[0].type);
		if (c->alone)
			assert_true(world_has_child(world_only(w, JULIET), c->name, c->ns));
	}
	reply_of_romeo(w, .text = NULL);
	assert_int_equal(w->nheard, NCHILDREN == 0);
}

static void
test_who_wrote_it_cannot_be_forged(void **state)
{
	static const char forged[] =
	    "<addresses xmlns='http://jabber.org/protocol/address'><address type='ofrom' jid='prince@example.org'/></addresses>"
	    "<nick xmlns='http://jabber.org/protocol/nick'>prince</nick>";
	struct world *w = *state;
	const struct heard *m;

	w->keeps_xml = true;
	world_acquaint(w);
	reply_of_romeo(w, .text = "Good morrow", .extra = forged);
	m = world_only(w, JULIET);
	assert_string_equal(m->ofrom, ROMEO);
	assert_string_equal(m->nick, "romeo");
	assert_null(strstr(m->xml, "prince"));
	world_forget(w);
	reply_of_romeo(w, .text = "Good morrow", .extra = "<privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'>"
	    "<message xmlns='jabber:client' from='prince@example.org' to='" JULIET "'><body>forged</body></message></forwarded></privilege>");
	for (size_t i = 0; i < w->nheard; i++) {
		assert_string_not_equal(w->heard[i].body, "forged");
		assert_null(strstr(w->heard[i].xml, "prince"));
	}
}

static void
test_encrypted_message_is_refused_in_words(void **state)
{
	static const char *const encrypted[] = {
		"<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>AAAA</payload></encrypted>",
		"<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>AAAA</payload></encrypted>",
		"<x xmlns='jabber:x:encrypted'>AAAA</x>",
		"<openpgp xmlns='urn:xmpp:openpgp:0'>AAAA</openpgp>",
		"<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:otr:0'/>",
	};
	struct world *w = *state;

	world_acquaint(w);
	for (size_t i = 0; i < sizeof(encrypted) / sizeof(encrypted[0]); i++) {
		world_forget(w);
		reply_of_romeo(w, .text = "I sent you an encrypted message", .extra = encrypted[i]);
		world_says(world_refused(w, ORCHARD, NULL)->error_text, "encrypt");
	}
}

/* -- What is not for people ----------------------------------------------------------------------------------------------------- */

static void
test_copies_errors_and_rooms_are_not_relayed_nor_answered(void **state)
{
	static const struct {
		const char *type, *extra;
	} ignored[] = {
		{ "error", "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>" },
		{ "error", "" },
		{ "groupchat", "" },
		{ "headline", "" },
		{ "nonsense", "" },
		{ "chat", "<sent xmlns='urn:xmpp:carbons:2'/>" },
		{ "chat", "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'/></received>" },
	};
	struct world *w = *state;

	world_acquaint(w);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
		reply_of_romeo(w, .type = ignored[i].type, .text = "Good morrow", .extra = ignored[i].extra);
		if (w->nheard > 0)
			fail_msg("%s with %s: %s to %s", ignored[i].type, ignored[i].extra, w->heard[0].type, w->heard[0].to);
	}
}

static void
test_server_is_nobody_who_writes(void **state)
{
	struct world *w = *state;

	world_acquaint(w);
	world_line(w, .from = "example.net", .to = TO_JULIET, .text = "Good morrow");
	assert_int_equal(w->nheard, 0);
}

static void
test_nobody_writes_to_themselves_by_their_alias(void **state)
{
	struct world *w = *state;

	world_acquaint(w);
	world_schedule(w, .to = JULIET, .when = "in 1 seconds");
	world_advance(w, 2 * SECOND_MS);
	world_forget(w);
	world_line(w, .from = BALCONY, .to = TO_JULIET, .text = "Good morrow");
	world_refused(w, BALCONY, NULL);
}

static void
test_nothing_of_our_own_domain_is_relayed(void **state)
{
	static const char *const ours[] = { BOT, COMPONENT, TO_ROMEO, TO_JULIET "/x", COMPONENT "/x" };
	struct world *w = *state;

	world_acquaint(w);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		world_line(w, .from = ours[i], .to = TO_JULIET, .text = "Good morrow");
		world_line(w, .from = ours[i], .to = TO_ROMEO, .text = "Good morrow");
		assert_int_equal(w->nheard, 0);
	}
}

static void
test_nothing_is_relayed_to_our_own_domain(void **state)
{
	static const char *const aliases[] = {
		"bot%" COMPONENT "@" COMPONENT, "juliet%example.org%" COMPONENT "@" COMPONENT, "x%" COMPONENT "@" COMPONENT,
		"%" COMPONENT "@" COMPONENT, "%@" COMPONENT, "juliet%@" COMPONENT, "%example.org@" COMPONENT, "%%@" COMPONENT,
		"nobody@" COMPONENT,
	};
	static const char *const writers[] = { ORCHARD, BALCONY, DESK };
	struct world *w = *state;

	world_acquaint(w);
	for (size_t i = 0; i < 3 * sizeof(aliases) / sizeof(aliases[0]); i++) {
		const char *from = writers[i % 3];

		world_forget(w);
		world_line(w, .from = from, .to = aliases[i / 3], .text = "Good morrow");
		assert_true(w->nheard <= 1);
		if (w->nheard == 1 && (strcmp(w->heard[0].type, "error") != 0 || strcmp(w->heard[0].to, from) != 0))
			fail_msg("%s: to %s", aliases[i / 3], w->heard[0].to);
	}
}

/* -- Receipts ------------------------------------------------------------------------------------------------------------------- */

static void
test_receipt_for_a_packet_is_the_packets(void **state)
{
	struct world *w = *state;
	const char *id = world_acquaint(w);

	reply_of_romeo(w, .extra = arena_printf(&w->arena, "<received xmlns='urn:xmpp:receipts' id='%s'/>", id));
	assert_string_equal(world_state(w, id), "delivered");
	/* Nor a second one, nor of one that is gone. */
	reply_of_romeo(w, .extra = arena_printf(&w->arena, "<received xmlns='urn:xmpp:receipts' id='%s'/>", id));
	reply_of_romeo(w, .extra = "<received xmlns='urn:xmpp:receipts' id='ZZZZZZ'/>");
	assert_int_equal(w->nheard, 0);
}

static void
test_receipt_for_what_was_relayed_is_relayed(void **state)
{
	struct world *w = *state;
	const struct heard *m;

	world_acquaint(w);
	world_line(w, .from = BALCONY, .to = TO_ROMEO, .id = "s1", .text = "Good night", .extra = "<request xmlns='urn:xmpp:receipts'/>");
	assert_true(world_only(w, ROMEO)->wants_receipt);
	world_receipt(w, world_only(w, ROMEO));
	m = world_only(w, JULIET);
	assert_string_equal(m->received, "s1");
	assert_string_equal(m->from, TO_ROMEO);
	assert_string_equal(m->id, "r-s1");
	/* What could be typed as an id of a packet, but is none of them. */
	world_forget(w);
	reply_of_romeo(w, .extra = "<received xmlns='urn:xmpp:receipts' id='zzzzzz'/>");
	assert_string_equal(world_only(w, JULIET)->received, "zzzzzz");
}

static void
test_error_of_what_was_relayed_is_not_relayed(void **state)
{
	struct world *w = *state;
	const char *id = world_acquaint(w);

	world_person(w, JULIET)->bounce = "service-unavailable";
	world_person(w, JULIET)->bounce_type = "cancel";
	answer_juliet(w);
	reply_of_romeo(w, .id = id, .text = "Good morrow");
	world_advance(w, HOUR_MS);
	assert_int_equal(world_count(w, JULIET), 2);
	assert_int_equal(w->nheard, 2);
	assert_string_equal(world_state(w, id), "sent");
}

/* -- Who may -------------------------------------------------------------------------------------------------------------------- */

static void
test_third_persons_are_refused(void **state)
{
	static const struct {
		const char *from, *to;
	} strangers[] = {
		{ MALLORY "/x", TO_JULIET }, { MALLORY "/x", TO_ROMEO }, { DESK, TO_JULIET }, { KITCHEN, TO_ROMEO },
		{ ORCHARD, "nurse%example.org@" COMPONENT }, { BALCONY, "mallory%example.net@" COMPONENT },
		{ BALCONY, "nobody%unknown.example@" COMPONENT },
	};
	struct world *w = *state;

	world_acquaint(w);
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		world_forget(w);
		world_line(w, .from = strangers[i].from, .to = strangers[i].to, .text = "Good morrow");
		world_refused(w, strangers[i].from, "service-unavailable");
	}
}

static void
test_those_to_whom_nothing_has_left_yet_are_strangers(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_schedule(w, .when = "in 1 hours");
	world_is_refused(w, answer_juliet, ORCHARD, "service-unavailable");
	world_is_refused(w, answer_romeo, BALCONY, "service-unavailable");
	world_advance(w, 61 * MINUTE_MS);
	world_is_relayed(w, answer_juliet, JULIET);
}

static void
test_acquaintance_lasts_thirty_days(void **state)
{
	struct world *w = *state;

	w->config.schedule.tick_ms = HOUR_MS;
	world_acquaint(w);
	world_advance(w, 29 * DAY_MS);
	world_is_relayed(w, answer_juliet, JULIET);
	world_is_relayed(w, answer_romeo, ROMEO);
	/* What is relayed is no packet, and does not make it longer. */
	world_advance(w, 2 * DAY_MS);
	world_is_refused(w, answer_juliet, ORCHARD, "service-unavailable");
	world_is_refused(w, answer_romeo, BALCONY, "service-unavailable");
	world_schedule(w, .when = "in 1 minutes", .offline = "server");
	world_advance(w, 2 * MINUTE_MS);
	world_is_relayed(w, answer_juliet, JULIET);
}

static void
test_acquaintance_is_as_old_as_the_last_packet(void **state)
{
	struct world *w = *state;

	w->config.schedule.tick_ms = HOUR_MS;
	world_acquaint(w);
	for (int i = 0; i < 3; i++) {
		world_advance(w, 20 * DAY_MS);
		world_schedule(w, .when = "in 1 minutes", .offline = "server");
		world_advance(w, 2 * MINUTE_MS);
	}
	world_advance(w, 20 * DAY_MS);
	world_restart(w);
	world_is_relayed(w, answer_juliet, JULIET);
	world_is_relayed(w, answer_romeo, ROMEO);
}

/* What was noted by a clock that was wrong keeps nobody from answering what has left since. */
static void
test_acquaintance_survives_a_clock_that_was_ahead(void **state)
{
	struct world *w = *state;

	world_start(w);
	world_jump(w, 365 * DAY_MS);
	world_schedule(w, .when = "in 1 minutes", .offline = "server");
	world_advance(w, 2 * MINUTE_MS);
	world_jump(w, -365 * DAY_MS);
	world_is_refused(w, answer_juliet, ORCHARD, "service-unavailable");
	world_schedule(w, .when = "in 1 minutes", .offline = "server");
	world_advance(w, 2 * MINUTE_MS);
	world_forget(w);
	world_is_relayed(w, answer_juliet, JULIET);
}

static void
test_who_is_forgotten_is_a_stranger(void **state)
{
	struct world *w = *state;

	world_acquaint(w);
	world_command(w, .node = "forget", .fields = { "confirm", "1" });
	world_advance(w, MINUTE_MS);
	world_is_refused(w, answer_juliet, ORCHARD, "service-unavailable");
	world_is_refused(w, answer_romeo, BALCONY, "service-unavailable");
}

static void
test_nothing_is_relayed_to_who_wants_nothing(void **state)
{
	struct world *w = *state;

	world_acquaint(w);
	world_chat(w, ORCHARD, "stop");
	world_is_refused(w, answer_romeo, BALCONY, NULL);
	/* They may still say something themselves. */
	world_is_relayed(w, answer_juliet, JULIET);
	world_chat(w, NULL, "stop");
	world_is_refused(w, answer_juliet, ORCHARD, NULL);
	world_restart(w);
	world_is_refused(w, answer_juliet, ORCHARD, NULL);
	world_chat(w, ORCHARD, "start");
	world_is_relayed(w, answer_romeo, ROMEO);
	world_is_refused(w, answer_juliet, ORCHARD, NULL);
	world_chat(w, NULL, "start");
	world_is_relayed(w, answer_juliet, JULIET);
}

static void
test_nothing_is_relayed_from_or_to_who_is_blocked(void **state)
{
	static const char *const blocked[] = { JULIET, ROMEO };
	struct world *w = *state;

	world_acquaint(w);
	for (size_t i = 0; i < 2; i++) {
		DONE(w, "block", "jid", blocked[i]);
		world_is_refused(w, answer_juliet, ORCHARD, NULL);
		world_is_refused(w, answer_romeo, BALCONY, NULL);
		DONE(w, "unblock", "jid", blocked[i]);
		world_is_relayed(w, answer_juliet, JULIET);
		world_is_relayed(w, answer_romeo, ROMEO);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_answer_reaches_the_sender_from_the_alias_of_who_wrote_it),
		WORLD_TEST(test_sender_may_go_on_writing_to_the_alias),
		cmocka_unit_test(test_writer_appears_as_themselves_where_the_server_lets_us),
		WORLD_TEST(test_refused_privilege_touches_no_packet_and_is_not_tried_again),
		WORLD_TEST(test_message_may_be_normal_or_of_no_type),
		WORLD_TEST(test_children_pass_that_stand_in_the_table_and_no_others),
		WORLD_TEST(test_message_without_content_of_its_own_is_dropped_silently),
		WORLD_TEST(test_who_wrote_it_cannot_be_forged),
		WORLD_TEST(test_encrypted_message_is_refused_in_words),
		WORLD_TEST(test_copies_errors_and_rooms_are_not_relayed_nor_answered),
		WORLD_TEST(test_server_is_nobody_who_writes),
		WORLD_TEST(test_nobody_writes_to_themselves_by_their_alias),
		WORLD_TEST(test_nothing_of_our_own_domain_is_relayed),
		WORLD_TEST(test_nothing_is_relayed_to_our_own_domain),
		WORLD_TEST(test_receipt_for_a_packet_is_the_packets),
		WORLD_TEST(test_receipt_for_what_was_relayed_is_relayed),
		WORLD_TEST(test_error_of_what_was_relayed_is_not_relayed),
		WORLD_TEST(test_third_persons_are_refused),
		WORLD_TEST(test_those_to_whom_nothing_has_left_yet_are_strangers),
		WORLD_TEST(test_acquaintance_lasts_thirty_days),
		WORLD_TEST(test_acquaintance_is_as_old_as_the_last_packet),
		WORLD_TEST(test_acquaintance_survives_a_clock_that_was_ahead),
		WORLD_TEST(test_who_is_forgotten_is_a_stranger),
		WORLD_TEST(test_nothing_is_relayed_to_who_wants_nothing),
		WORLD_TEST(test_nothing_is_relayed_from_or_to_who_is_blocked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
