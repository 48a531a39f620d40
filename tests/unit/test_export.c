#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/export.h"

/* 2026-11-22T10:00:00Z */
#define NOW INT64_C(1795341600000)

static const struct account plain = { .notify = NOTIFY_FAILURE };
static const struct events none = { 0 };

/* -- Reading it back --------------------------------------------------------------------------- */

static json_t *
parse(const struct buf *out)
{
	json_error_t error;
	json_t *root = json_loadb(
	    out->p, out->len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

	if (root == NULL)
		fail_msg("%s at %d in %s", error.text, error.position, out->p);
	return root;
}

static const char *
text_at(json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	if (text == NULL)
		fail_msg("no string \"%s\"", key);
	return text;
}

static json_t *
list_at(json_t *o, const char *key, size_t n)
{
	json_t *list = json_object_get(o, key);

	assert_true(json_is_array(list));
	assert_int_equal(json_array_size(list), n);
	return list;
}

/* A document with this packet alone; the packet's object is borrowed from it. */
static json_t *
packet_alone(const struct packet *p, struct span text, const struct mms *mms,
    const struct events *history, json_t **root)
{
	struct buf out = { 0 };
	struct export x;

	assert_int_equal(export_begin(&x, &out, "later.example.org", "j@example.org", NOW, &plain, false),
	    RES_OK);
	assert_int_equal(export_packet(&x, p, text, mms, history), RES_OK);
	assert_int_equal(export_end(&x), RES_OK);
	*root = parse(&out);
	buf_free(&out);
	return json_array_get(list_at(*root, "messages", 1), 0);
}

static void
add_event(struct events *es, int64_t at, const char *what)
{
	struct event *e = events_add(es);

	assert_non_null(e);
	e->at = at;
	e->what = arena_text(&es->arena, what);
}

static struct packet
some_packet(void)
{
	return (struct packet){
		.id = "7K3QXY", .sender = "juliet@example.org", .recipient = "romeo@example.net",
		.kind = KIND_IM, .state = PACKET_SCHEDULED,
	};
}

/* -- The whole --------------------------------------------------------------------------------- */

static void
test_document_without_anything_has_settings_and_empty_lists(void **state)
{
	struct buf out = { 0 };
	struct export x;
	json_t *root, *settings;

	(void)state;
	assert_int_equal(export_begin(&x, &out, "later.example.org", "juliet@example.org", NOW,
	    &plain, false), RES_OK);
	assert_int_equal(export_end(&x), RES_OK);
	root = parse(&out);
	assert_int_equal(json_object_size(root), 7);
	assert_string_equal(text_at(root, "service"), "later.example.org");
	assert_string_equal(text_at(root, "user"), "juliet@example.org");
	assert_string_equal(text_at(root, "exported"), "2026-11-22T10:00:00Z");
	settings = json_object_get(root, "settings");
	assert_int_equal(json_object_size(settings), 3);
	assert_true(json_is_false(json_object_get(settings, "stopped")));
	assert_string_equal(text_at(settings, "notify"), "failure");
	assert_int_equal(json_integer_value(json_object_get(settings, "hours")), 24);
	list_at(root, "charges", 0);
	list_at(root, "recurrences", 0);
	list_at(root, "messages", 0);
	json_decref(root);
	buf_free(&out);
}

static void
test_settings_are_written_with_their_words(void **state)
{
	const struct account account = { .notify = NOTIFY_DELIVERED, .offline = OFFLINE_HOLD,
		.hours = HOURS_12, .zone = "Europe/Berlin" };
	struct buf out = { 0 };
	struct export x;
	json_t *root, *settings;

	(void)state;
	assert_int_equal(export_begin(&x, &out, "s", "u", NOW, &account, true), RES_OK);
	assert_int_equal(export_end(&x), RES_OK);
	root = parse(&out);
	settings = json_object_get(root, "settings");
	assert_int_equal(json_object_size(settings), 5);
	assert_true(json_is_true(json_object_get(settings, "stopped")));
	assert_string_equal(text_at(settings, "zone"), "Europe/Berlin");
	assert_string_equal(text_at(settings, "notify"), "delivered");
	assert_string_equal(text_at(settings, "offline"), "hold");
	assert_int_equal(json_integer_value(json_object_get(settings, "hours")), 12);
	json_decref(root);
	buf_free(&out);
}

static void
test_lists_keep_their_order_and_all_they_were_given(void **state)
{
	struct buf out = { 0 };
	struct events charges = { 0 };
	struct series se = { .id = "000001", .recipient = "r@example.net", .kind = KIND_IM };
	struct packet p = some_packet();
	struct export x;
	json_t *root, *list;
	char id[8];

	(void)state;
	add_event(&charges, 20261121, "im 2");
	add_event(&charges, 20261122, "sms 3");
	assert_int_equal(export_begin(&x, &out, "s", "u", NOW, &plain, false), RES_OK);
	assert_int_equal(export_charges(&x, &charges), RES_OK);
	for (int i = 0; i < 3; i++)
		assert_int_equal(export_series(&x, &se, SPAN("text"), NULL), RES_OK);
	for (unsigned char i = 0; i < 100; i++) {
		snprintf(p.id, sizeof(p.id), "A%03uBC", i);
		assert_int_equal(export_packet(&x, &p, SPAN("text"), NULL, &none), RES_OK);
	}
	assert_int_equal(export_end(&x), RES_OK);
	root = parse(&out);
	list = list_at(root, "charges", 2);
	assert_string_equal(text_at(json_array_get(list, 0), "day"), "2026-11-21");
	assert_string_equal(text_at(json_array_get(list, 1), "day"), "2026-11-22");
	assert_string_equal(text_at(json_array_get(list, 1), "kind"), "sms");
	assert_int_equal(
	    json_integer_value(json_object_get(json_array_get(list, 1), "count")), 3);
	list_at(root, "recurrences", 3);
	list = list_at(root, "messages", 100);
	for (unsigned char i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "A%03uBC", i);
		assert_string_equal(text_at(json_array_get(list, i), "id"), id);
	}
	json_decref(root);
	events_free(&charges);
	buf_free(&out);
}

static void
test_a_list_may_be_left_out(void **state)
{
	struct series se = { .id = "000001", .recipient = "r@example.net", .kind = KIND_IM };
	struct events charges = { 0 };
	struct buf out = { 0 };
	struct export x;
	json_t *root;

	(void)state;
	assert_int_equal(export_begin(&x, &out, "s", "u", NOW, &plain, false), RES_OK);
	assert_int_equal(export_series(&x, &se, SPAN(""), NULL), RES_OK);
	assert_int_equal(export_end(&x), RES_OK);
	root = parse(&out);
	list_at(root, "charges", 0);
	list_at(root, "recurrences", 1);
	list_at(root, "messages", 0);
	json_decref(root);

	buf_reset(&out);
	add_event(&charges, 20261121, "im 2");
	assert_int_equal(export_begin(&x, &out, "s", "u", NOW, &plain, false), RES_OK);
	assert_int_equal(export_charges(&x, &charges), RES_OK);
	assert_int_equal(export_end(&x), RES_OK);
	root = parse(&out);
	list_at(root, "charges", 1);
	list_at(root, "recurrences", 0);
	json_decref(root);
	events_free(&charges);
	buf_free(&out);
}

/* -- Messages and recurrences ------------------------------------------------------------------ */

static void
test_message_has_all_that_is_known_of_it(void **state)
{
	const struct packet p = {
		.id = "7K3QXY", .sender = "juliet@example.org", .recipient = "+4917012345678",
		.kind = KIND_SMS, .state = PACKET_SENT, .offline = OFFLINE_AUTO,
		.created_at = NOW, .due_at = NOW + HOUR_MS, .next_at = NOW,
		.expires_at = NOW + DAY_MS, .sent_at = NOW + HOUR_MS + SECOND_MS,
		.finished_at = NOW + HOUR_MS + 2 * SECOND_MS,
		.attempts = 2, .zone = "Europe/Berlin", .series = "AAAAAA", .gateway = "office",
		.gateway_ref = "ref-1",
	};
	struct events history = { 0 };
	json_t *root, *o, *list;

	(void)state;
	add_event(&history, NOW, "accepted");
	add_event(&history, NOW + HOUR_MS, "sent by office");
	o = packet_alone(&p, SPAN("Late, sorry"), NULL, &history, &root);
	assert_int_equal(json_object_size(o), 17);
	assert_string_equal(text_at(o, "id"), "7K3QXY");
	assert_string_equal(text_at(o, "kind"), "sms");
	assert_string_equal(text_at(o, "to"), "+4917012345678");
	assert_string_equal(text_at(o, "state"), "sent");
	assert_string_equal(text_at(o, "created"), "2026-11-22T10:00:00Z");
	assert_string_equal(text_at(o, "due"), "2026-11-22T11:00:00Z");
	assert_string_equal(text_at(o, "expires"), "2026-11-23T10:00:00Z");
	assert_string_equal(text_at(o, "sent"), "2026-11-22T11:00:01Z");
	assert_string_equal(text_at(o, "finished"), "2026-11-22T11:00:02Z");
	assert_string_equal(text_at(o, "zone"), "Europe/Berlin");
	assert_string_equal(text_at(o, "offline"), "auto");
	assert_int_equal(json_integer_value(json_object_get(o, "attempts")), 2);
	assert_string_equal(text_at(o, "recurrence"), "AAAAAA");
	assert_string_equal(text_at(o, "gateway"), "office");
	assert_string_equal(text_at(o, "gateway_id"), "ref-1");
	assert_string_equal(text_at(o, "body"), "Late, sorry");
	list = list_at(o, "history", 2);
	assert_string_equal(text_at(json_array_get(list, 0), "at"), "2026-11-22T10:00:00Z");
	assert_string_equal(text_at(json_array_get(list, 0), "what"), "accepted");
	assert_string_equal(text_at(json_array_get(list, 1), "what"), "sent by office");
	json_decref(root);
	events_free(&history);
}

static void
test_what_a_message_does_not_have_is_left_out(void **state)
{
	struct packet p = some_packet();
	json_t *root, *o;

	(void)state;
	o = packet_alone(&p, (struct span){ NULL, 0 }, NULL, &none, &root);
	assert_int_equal(json_object_size(o), 6);
	assert_string_equal(text_at(o, "state"), "scheduled");
	assert_int_equal(json_integer_value(json_object_get(o, "attempts")), 0);
	list_at(o, "history", 0);
	json_decref(root);
}

static void
test_empty_body_is_a_body(void **state)
{
	struct packet p = some_packet();
	json_t *root, *o;

	(void)state;
	o = packet_alone(&p, SPAN(""), NULL, &none, &root);
	assert_string_equal(text_at(o, "body"), "");
	json_decref(root);
}

static void
test_instants_that_are_none_are_left_out(void **state)
{
	static const int64_t ats[] = { 0, -1, INT64_MIN, NEVER_MS, INT64_C(253402300800000) };
	json_t *root, *o;

	(void)state;
	for (size_t i = 0; i < sizeof(ats) / sizeof(ats[0]); i++) {
		struct packet p = some_packet();

		p.due_at = p.expires_at = ats[i];
		o = packet_alone(&p, SPAN(""), NULL, &none, &root);
		assert_null(json_object_get(o, "due"));
		assert_null(json_object_get(o, "expires"));
		json_decref(root);
	}
	struct packet last = some_packet();
	last.due_at = INT64_C(253402300799999);
	o = packet_alone(&last, SPAN(""), NULL, &none, &root);
	assert_string_equal(text_at(o, "due"), "9999-12-31T23:59:59Z");
	json_decref(root);
}

static void
test_mms_has_subject_text_and_media(void **state)
{
	const struct mms mms = {
		.subject = SPAN("Verona"), .text = SPAN("Look!"),
		.media = { { .url = "https://up.example.org/a.jpg", .type = "image/jpeg" },
		    { .type = "text/vcard" } },
		.nmedia = 2,
	};
	struct packet p = some_packet();
	json_t *root, *o, *media;

	(void)state;
	p.kind = KIND_MMS;
	o = packet_alone(&p, (struct span){ NULL, 0 }, &mms, &none, &root);
	assert_string_equal(text_at(o, "kind"), "mms");
	assert_string_equal(text_at(o, "subject"), "Verona");
	assert_string_equal(text_at(o, "body"), "Look!");
	media = list_at(o, "media", 2);
	assert_string_equal(
	    text_at(json_array_get(media, 0), "url"), "https://up.example.org/a.jpg");
	assert_string_equal(text_at(json_array_get(media, 0), "type"), "image/jpeg");
	assert_null(json_object_get(json_array_get(media, 1), "url"));
	assert_string_equal(text_at(json_array_get(media, 1), "type"), "text/vcard");
	json_decref(root);
	o = packet_alone(&p, SPAN("told"), &(struct mms){ .text = SPAN("other") }, &none, &root);
	assert_string_equal(text_at(o, "body"), "told");
	assert_null(json_object_get(o, "subject"));
	assert_null(json_object_get(o, "media"));
	json_decref(root);
}

static void
test_recurrence_has_its_rule_and_its_text(void **state)
{
	struct series se = { .id = "AAAAAA", .sender = "juliet@example.org",
		.recipient = "romeo@example.net", .kind = KIND_IM, .rule = { "FREQ=DAILY;COUNT=5" },
		.zone = "Europe/Berlin", .start = "2026-11-23T09:00:00", .paused = true };
	struct buf out = { 0 };
	struct export x;
	json_t *root, *o;

	(void)state;
	assert_int_equal(export_begin(&x, &out, "s", "u", NOW, &plain, false), RES_OK);
	assert_int_equal(export_series(&x, &se, SPAN("It is {date}"), NULL), RES_OK);
	se.paused = false;
	assert_int_equal(export_series(&x, &se, SPAN(""), NULL), RES_OK);
	assert_int_equal(export_end(&x), RES_OK);
	root = parse(&out);
	o = json_array_get(list_at(root, "recurrences", 2), 0);
	assert_int_equal(json_object_size(o), 8);
	assert_string_equal(text_at(o, "id"), "AAAAAA");
	assert_string_equal(text_at(o, "to"), "romeo@example.net");
	assert_string_equal(text_at(o, "kind"), "im");
	assert_string_equal(text_at(o, "rule"), "FREQ=DAILY;COUNT=5");
	assert_string_equal(text_at(o, "zone"), "Europe/Berlin");
	assert_string_equal(text_at(o, "start"), "2026-11-23T09:00:00");
	assert_true(json_is_true(json_object_get(o, "paused")));
	assert_string_equal(text_at(o, "body"), "It is {date}");
	o = json_array_get(json_object_get(root, "recurrences"), 1);
	assert_true(json_is_false(json_object_get(o, "paused")));
	json_decref(root);
	buf_free(&out);
}

static void
test_recurrence_of_an_mms_has_subject_and_media(void **state)
{
	const struct mms mms = { .subject = SPAN("Hello"), .text = SPAN("Look!"), .nmedia = 1,
		.media = { { "https://upload.example.org/a.png", "image/png", { NULL, 0 } } } };
	struct series se = { .id = "AAAAAA", .recipient = "+4917012345678", .kind = KIND_MMS,
		.offline = OFFLINE_HOLD };
	struct buf out = { 0 };
	struct export x;
	json_t *root, *o;

	(void)state;
	assert_int_equal(export_begin(&x, &out, "s", "u", NOW, &plain, false), RES_OK);
	assert_int_equal(export_series(&x, &se, SPAN("Look!"), &mms), RES_OK);
	assert_int_equal(export_end(&x), RES_OK);
	root = parse(&out);
	o = json_array_get(list_at(root, "recurrences", 1), 0);
	assert_string_equal(text_at(o, "offline"), "hold");
	assert_string_equal(text_at(o, "subject"), "Hello");
	assert_string_equal(text_at(o, "body"), "Look!");
	o = json_array_get(list_at(o, "media", 1), 0);
	assert_string_equal(text_at(o, "url"), "https://upload.example.org/a.png");
	json_decref(root);
	buf_free(&out);
}

static void
test_charge_that_nobody_can_read_breaks_nothing(void **state)
{
	static const struct {
		int64_t day;
		const char *what;
		size_t members;
	} charges[] = {
		{ 20261122, "sms 3", 3 },
		{ 20261122, "sms", 2 },
		{ 20261122, "sms three", 2 },
		{ 20261122, "sms -1", 2 },
		{ 20261122, "sms 99999999999999999999", 2 },
		{ 20261122, "", 1 },
		{ 20261122, " 3", 1 },
		{ 0, "sms 3", 2 },
		{ 1, "sms 3", 2 },
		{ INT64_MAX, "\xff 3", 2 },
	};
	const size_t n = sizeof(charges) / sizeof(charges[0]);
	struct events es = { 0 };
	struct buf out = { 0 };
	struct export x;
	json_t *root, *list;

	(void)state;
	for (size_t i = 0; i < n; i++)
		add_event(&es, charges[i].day, charges[i].what);
	assert_int_equal(export_begin(&x, &out, "s", "u", NOW, &plain, false), RES_OK);
	assert_int_equal(export_charges(&x, &es), RES_OK);
	assert_int_equal(export_end(&x), RES_OK);
	root = parse(&out);
	list = list_at(root, "charges", n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    json_object_size(json_array_get(list, i)), charges[i].members);
	json_decref(root);
	events_free(&es);
	buf_free(&out);
}

/* -- Hostile bytes ----------------------------------------------------------------------------- */

#define BAD "\xef\xbf\xbd"

static void
test_bytes_that_are_no_utf8_become_replacement_characters(void **state)
{
	static const struct {
		struct span text;
		const char *read;
	} texts[] = {
		{ SPAN("\"\\/\b\f\n\r\t\x01\x1f\x7f"), "\"\\/\b\f\n\r\t\x01\x1f\x7f" },
		{ SPAN("\xc3\xa4 \xf0\x9f\x98\x80"), "\xc3\xa4 \xf0\x9f\x98\x80" },
		{ SPAN("\xff"), BAD },
		{ SPAN("a\xff\xfe" "b"), "a" BAD BAD "b" },
		{ SPAN("\xc3"), BAD },
		{ SPAN("\xc3\xa4\xc3"), "\xc3\xa4" BAD },
		{ SPAN("\xc0\x80"), BAD BAD },
		{ SPAN("\xed\xa0\x80"), BAD BAD BAD },
		{ SPAN("\xf4\x90\x80\x80"), BAD BAD BAD BAD },
		{ SPAN("\x80\xf0\x9f\x98\x80"), BAD "\xf0\x9f\x98\x80" },
		{ SPAN("</script><!--"), "</script><!--" },
	};
	json_t *root, *o;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct packet p = some_packet();

		o = packet_alone(&p, texts[i].text, NULL, &none, &root);
		assert_string_equal(text_at(o, "body"), texts[i].read);
		json_decref(root);
	}
}

static void
test_nul_does_not_end_a_body(void **state)
{
	struct packet p = some_packet();
	json_t *root, *o, *body;

	(void)state;
	o = packet_alone(&p, (struct span){ "a\0b\xff", 4 }, NULL, &none, &root);
	body = json_object_get(o, "body");
	assert_int_equal(json_string_length(body), 6);
	assert_memory_equal(json_string_value(body), "a\0b" BAD, 6);
	json_decref(root);
}

static void
test_every_string_may_be_hostile(void **state)
{
	static const char evil[] = "\"},{\xff\\";
	const struct account account = { .zone = "\"},{\xff\\" };
	const struct mms mms = { .subject = SPAN("\xff\""), .text = SPAN("\xff\""),
		.media = { { .url = evil, .type = evil } }, .nmedia = 1 };
	struct series se = { .id = "\"\xff", .recipient = evil, .rule = { "\"},{\xff\\" },
		.zone = "\xff\"", .start = "\xff\"" };
	struct packet p = { .id = "\"\xff", .sender = evil, .recipient = evil, .zone = "\xff\"",
		.series = "\"\xff", .gateway = evil, .gateway_ref = evil };
	struct events es = { 0 };
	struct buf out = { 0 };
	struct export x;
	json_t *root;

	(void)state;
	p.kind = (enum packet_kind)99;
	p.state = (enum packet_state)99;
	p.offline = (enum offline)99;
	add_event(&es, NOW, evil);
	assert_int_equal(export_begin(&x, &out, evil, evil, NOW, &account, false), RES_OK);
	assert_int_equal(export_charges(&x, &es), RES_OK);
	assert_int_equal(export_series(&x, &se, SPAN("\"},{\xff\\"), NULL), RES_OK);
	assert_int_equal(export_packet(&x, &p, SPAN("\"},{\xff\\"), &mms, &es), RES_OK);
	assert_int_equal(export_end(&x), RES_OK);
	root = parse(&out);
	assert_int_equal(json_object_size(root), 7);
	assert_string_equal(text_at(root, "user"), "\"},{" BAD "\\");
	list_at(root, "recurrences", 1);
	assert_string_equal(text_at(json_array_get(list_at(root, "messages", 1), 0), "gateway"),
	    "\"},{" BAD "\\");
	json_decref(root);
	events_free(&es);
	buf_free(&out);
}

static void
test_largest_body_of_wrong_bytes_is_written_whole(void **state)
{
	struct packet p = some_packet();
	size_t len = 30000;
	char *bytes = malloc(len);
	json_t *root, *o;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 0x80, len);
	o = packet_alone(&p, (struct span){ bytes, len }, NULL, &none, &root);
	assert_int_equal(json_string_length(json_object_get(o, "body")), 3 * len);
	json_decref(root);
	free(bytes);
}

/* -- Bounds ------------------------------------------------------------------------------------ */

/* What the steps come to: RES_OK, or the first result that is not. */
static enum res
write_all(struct buf *out)
{
	const struct mms mms = { .subject = SPAN("s"), .text = SPAN("t"),
		.media = { { .url = "https://x.example/", .type = "image/png" } }, .nmedia = 1 };
	struct series se = { .id = "AAAAAA", .recipient = "r@example.net", .kind = KIND_IM };
	struct packet p = some_packet();
	struct events es = { 0 };
	struct export x;
	enum res res;

	for (int i = 0; i < 20; i++)
		add_event(&es, 20261122, "im 1");
	res = export_begin(&x, out, "later.example.org", "j@example.org", NOW, &plain, false);
	if (res == RES_OK)
		res = export_charges(&x, &es);
	if (res == RES_OK)
		res = export_series(&x, &se, SPAN("text"), NULL);
	if (res == RES_OK)
		res = export_packet(&x, &p, SPAN("text"), &mms, &es);
	if (res == RES_OK)
		res = export_end(&x);
	events_free(&es);
	return res;
}

static void
test_full_buffer_is_told_whatever_its_size(void **state)
{
	struct buf whole = { 0 };

	(void)state;
	assert_int_equal(write_all(&whole), RES_OK);
	for (size_t max = 1; max < whole.len; max++) {
		struct buf out = { .max = max };

		assert_int_equal(write_all(&out), RES_NOMEM);
		buf_free(&out);
	}
	struct buf exact = { .max = whole.len };
	assert_int_equal(write_all(&exact), RES_OK);
	assert_string_equal(exact.p, whole.p);
	buf_free(&exact);
	buf_free(&whole);
}

static void
test_buffer_that_failed_stays_failed(void **state)
{
	struct packet p = some_packet();
	struct buf out = { .max = 200 };
	char body[200];
	struct export x;

	(void)state;
	memset(body, 'x', sizeof(body));
	assert_int_equal(export_begin(&x, &out, "s", "u", NOW, &plain, false), RES_OK);
	assert_int_equal(
	    export_packet(&x, &p, (struct span){ body, sizeof(body) }, NULL, &none), RES_NOMEM);
	assert_int_equal(export_end(&x), RES_NOMEM);
	buf_free(&out);
}

/* The n-th allocation of jansson fails. */
static unsigned allocations, failing;

static void *
failing_malloc(size_t len)
{
	return ++allocations == failing ? NULL : malloc(len);
}

static void
test_every_allocation_may_fail(void **state)
{
	struct buf whole = { 0 };
	unsigned n;

	(void)state;
	json_set_alloc_funcs(failing_malloc, free);
	allocations = failing = 0;
	assert_int_equal(write_all(&whole), RES_OK);
	n = allocations;
	assert_true(n > 50);
	for (unsigned i = 1; i <= n; i++) {
		struct buf out = { 0 };

		allocations = 0;
		failing = i;
		/* Some serve comfort only. */
		if (write_all(&out) == RES_OK)
			assert_string_equal(out.p, whole.p);
		buf_free(&out);
	}
	json_set_alloc_funcs(malloc, free);
	buf_free(&whole);
}

static void
test_notify_has_a_name_for_every_value(void **state)
{
	(void)state;
	assert_string_equal(notify_name(NOTIFY_FAILURE), "failure");
	assert_string_equal(notify_name(NOTIFY_SENT), "sent");
	assert_string_equal(notify_name(NOTIFY_DELIVERED), "delivered");
	assert_string_equal(notify_name((enum notify)99), "failure");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_document_without_anything_has_settings_and_empty_lists),
		cmocka_unit_test(test_settings_are_written_with_their_words),
		cmocka_unit_test(test_lists_keep_their_order_and_all_they_were_given),
		cmocka_unit_test(test_a_list_may_be_left_out),
		cmocka_unit_test(test_message_has_all_that_is_known_of_it),
		cmocka_unit_test(test_what_a_message_does_not_have_is_left_out),
		cmocka_unit_test(test_empty_body_is_a_body),
		cmocka_unit_test(test_instants_that_are_none_are_left_out),
		cmocka_unit_test(test_mms_has_subject_text_and_media),
		cmocka_unit_test(test_recurrence_has_its_rule_and_its_text),
		cmocka_unit_test(test_recurrence_of_an_mms_has_subject_and_media),
		cmocka_unit_test(test_charge_that_nobody_can_read_breaks_nothing),
		cmocka_unit_test(test_bytes_that_are_no_utf8_become_replacement_characters),
		cmocka_unit_test(test_nul_does_not_end_a_body),
		cmocka_unit_test(test_every_string_may_be_hostile),
		cmocka_unit_test(test_largest_body_of_wrong_bytes_is_written_whole),
		cmocka_unit_test(test_full_buffer_is_told_whatever_its_size),
		cmocka_unit_test(test_buffer_that_failed_stays_failed),
		cmocka_unit_test(test_every_allocation_may_fail),
		cmocka_unit_test(test_notify_has_a_name_for_every_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
