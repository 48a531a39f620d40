#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/parse.h"
#include "chat_commands.h"
#include "when_text.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/*
 * A line, and its fields as "var=value|var=value", a value a line; or behind a '!' what the reason
 * for its refusal must say.
 */
struct line {
	const char *line, *result;
};

static enum res
fill(struct form *f, struct span line, struct buf *why)
{
	const struct zone berlin = zone_named("Europe/Berlin");
	char word[CHAT_WORD_MAX + 1];
	struct span rest;

	assert_int_equal(chat_word(line, word, &rest), RES_OK);
	const struct command_info *cmd = chat_command(word);
	if (cmd == NULL)
		fail_msg("%s is no command", word);
	return chat_fill(f, cmd, rest, instant("2026-10-01T12:00:00Z"), &berlin, why);
}

static void
dump(struct buf *out, struct form *f)
{
	for (const struct field *fd = f->fields; fd != NULL; fd = fd->next)
		buf_printf(
		    out, "%s%s=%s", out->len > 0 ? "|" : "", fd->var, form_get_lines(f, fd->var));
}

static void
check_line(const struct line *l)
{
	struct buf why = { 0 }, got = { 0 };
	struct form f = { 0 };
	/* On the heap, so that a sanitizer sees a read beyond its end. */
	size_t len = strlen(l->line);
	char *copy = test_malloc(len);

	memcpy(copy, l->line, len);
	enum res res = fill(&f, (struct span){ copy, len }, &why);
	test_free(copy);
	dump(&got, &f);
	if (l->result[0] == '!') {
		if (res != RES_INVALID)
			fail_msg("\"%s\" becomes \"%s\"", l->line, buf_str(&got));
		if (strstr(buf_str(&why), l->result + 1) == NULL)
			fail_msg("\"%s\" is refused because: %s", l->line, buf_str(&why));
		assert_true(xml_text_valid(buf_as_span(&why)));
	} else {
		if (res != RES_OK)
			fail_msg("\"%s\" is refused: %s", l->line, buf_str(&why));
		if (strcmp(buf_str(&got), l->result) != 0)
			fail_msg("\"%s\" becomes \"%s\"", l->line, buf_str(&got));
		assert_int_equal(why.len, 0);
	}
	form_free(&f);
	buf_free(&got);
	buf_free(&why);
}

static void
check_lines(const struct line *lines, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_line(&lines[i]);
}

static void
test_an_im_has_a_time_addresses_and_a_text(void **state)
{
	static const struct line lines[] = {
		{ "im tomorrow 9:00 romeo@example.net Good morning",
		    "when=tomorrow 9:00|to=romeo@example.net|body=Good morning" },
		{ "IM Tomorrow 9:00 Romeo@Example.net Good morning",
		    "when=Tomorrow 9:00|to=Romeo@Example.net|body=Good morning" },
		{ "/im in 2h a@x hi", "when=in 2h|to=a@x|body=hi" },
		{ "!im in 2h a@x hi", "when=in 2h|to=a@x|body=hi" },
		{ "  im   in 2h   a@x   hi  ", "when=in 2h|to=a@x|body=hi" },
		{ "im 9:00 a@x b@x hello", "when=9:00|to=a@x|body=b@x hello" },
		{ "im 9:00 a@x,b@x hello", "when=9:00|to=a@x, b@x|body=hello" },
		{ "im 9:00 a@x, b@x hello", "when=9:00|to=a@x, b@x|body=hello" },
		{ "im 9:00 a@x ,b@x hello", "when=9:00|to=a@x, b@x|body=hello" },
		{ "im 9:00 a@x , b@x,c@y ,\n d@y hello",
		    "when=9:00|to=a@x, b@x, c@y, d@y|body=hello" },
		{ "im 9:00 a@x,,b@x hello", "when=9:00|to=a@x, b@x|body=hello" },
		{ "im 9:00 a@x,b@x c@x, d@x", "when=9:00|to=a@x, b@x|body=c@x, d@x" },
		{ "im 9:00 a@x\nhello\nworld\n", "when=9:00|to=a@x|body=hello\nworld" },
		{ "im 9:00 a@x\n\n  hello  \n\n\tworld", "when=9:00|to=a@x|body=hello  \n\n\tworld" },
		{ "im 9:00 a@x one  two   three", "when=9:00|to=a@x|body=one  two   three" },
		{ "im 9:00 a@x one\r\ntwo\rthree", "when=9:00|to=a@x|body=one\ntwo\nthree" },
		{ "im\ntomorrow\n9:00\na@x\nhi", "when=tomorrow\n9:00|to=a@x|body=hi" },
		{ "im tomorrow,  9:00 a@x hi", "when=tomorrow,  9:00|to=a@x|body=hi" },
		{ "im in 2 hours, 30 minutes, a@x hi", "when=in 2 hours, 30 minutes|to=a@x|body=hi" },
		{ "im 9:00,a@x hi", "when=9:00|to=a@x|body=hi" },
		{ "im 24.12. 18:00 (Europe/Berlin, +01:00) a@x hi",
		    "when=24.12. 18:00 (Europe/Berlin, +01:00)|to=a@x|body=hi" },
		{ "im not a time a@x hi", "when=not a time|to=a@x|body=hi" },
		{ "im 9:00 xmpp:romeo@example.net hi", "when=9:00|to=xmpp:romeo@example.net|body=hi" },
		{ "im 9:00 xmpp:romeo%40example.net?message hi",
		    "when=9:00|to=xmpp:romeo%40example.net?message|body=hi" },
		{ "im 9:00 a@x/phone hi", "when=9:00|to=a@x/phone|body=hi" },
		{ "im 9:00 j\xc3\xbcrgen@example.net gr\xc3\xbc\xc3\x9f dich",
		    "when=9:00|to=j\xc3\xbcrgen@example.net|body=gr\xc3\xbc\xc3\x9f dich" },
		{ "im 9:00 a@x \xe2\x98\x95", "when=9:00|to=a@x|body=\xe2\x98\x95" },
		{ "im 9:00 a@x, hello", "!“hello” behind a comma is no address" },
		{ "im 9:00 a@x,hello there", "!“hello” behind a comma is no address" },
		{ "im 9:00 a@x, , bob@", "when=9:00|to=a@x, bob@" },
		{ "im 9:00 @x a@x hi", "when=9:00 @x|to=a@x|body=hi" },
		{ "im 9:00 https://x/@y a@x hi", "when=9:00 https://x/@y|to=a@x|body=hi" },
		{ "im 9:00 a=b@x hi", "when=9:00|to=a=b@x|body=hi" },
		{ "im 9:00 a@@x hi", "when=9:00|to=a@@x|body=hi" },
		{ "im 9:00 a@x <b>&amp;</b>", "when=9:00|to=a@x|body=<b>&amp;</b>" },
	};

	(void)state;
	check_lines(lines, N(lines));
}

static void
test_what_is_not_written_is_not_made(void **state)
{
	static const struct line lines[] = {
		{ "im", "" },
		{ "im  \n", "" },
		{ "im tomorrow 9:00", "when=tomorrow 9:00" },
		{ "im tomorrow", "when=tomorrow" },
		{ "im 3/4 18:00", "when=3/4 18:00" },
		{ "im tomorrow 9:00 Europe/Berlin", "when=tomorrow 9:00 Europe/Berlin" },
		{ "im a@x", "to=a@x" },
		{ "im a@x hi", "to=a@x|body=hi" },
		{ "im tomorrow 9:00 a@x", "when=tomorrow 9:00|to=a@x" },
		{ "im tomorrow 9:00 a@x,", "when=tomorrow 9:00|to=a@x" },
		{ "im tomorrow 9:00 a@x , , ", "when=tomorrow 9:00|to=a@x" },
		{ "im a@x,b@x", "to=a@x, b@x" },
		{ "im ,", "" },
		{ "im tomorrow 9:00 romeo Good morning", "!There is no address in it" },
		{ "im romeo", "!Write: im <when> <to>[,<to>…] <text>" },
		{ "im tomorow 9:00", "!There is no address" },
		{ "im @", "!There is no address" },
		{ "im xmpp:", "!There is no address" },
		{ "sms", "" },
		{ "sms in 2h", "when=in 2h" },
		{ "sms +4917012345678", "to=+4917012345678" },
		{ "mms +4917012345678", "to=+4917012345678" },
		{ "remind", "" },
		{ "show", "" },
		{ "edit", "" },
		{ "cancel", "" },
		{ "settings", "" },
		{ "limits", "" },
		{ "limits default", "jid=default" },
		{ "gateway office", "name=office" },
		{ "backup", "" },
		{ "list", "" },
		{ "forget", "" },
	};

	(void)state;
	check_lines(lines, N(lines));
}

static void
test_an_sms_goes_to_numbers(void **state)
{
	static const struct line lines[] = {
		{ "sms in 2h +4917012345678 Late, sorry",
		    "when=in 2h|to=+4917012345678|body=Late, sorry" },
		{ "sms in 2h +49-170-123.45/678 Late", "when=in 2h|to=+49-170-123.45/678|body=Late" },
		{ "sms in 2h (+49)17012345678 Late", "when=in 2h|to=(+49)17012345678|body=Late" },
		{ "sms in 2h +49\xc2\xa0""170\xe2\x80\xaf""1234567 Late",
		    "when=in 2h|to=+49\xc2\xa0""170\xe2\x80\xaf""1234567|body=Late" },
		{ "sms in 2h \xe2\x80\xaa+4917012345678\xe2\x80\xac Late",
		    "when=in 2h|to=\xe2\x80\xaa+4917012345678\xe2\x80\xac|body=Late" },
		{ "sms in 2h 01701234567 Late", "when=in 2h|to=01701234567|body=Late" },
		{ "sms in 2h 0170-1234567 Late", "when=in 2h|to=0170-1234567|body=Late" },
		{ "sms in 2h 0170/1234567 Late", "when=in 2h|to=0170/1234567|body=Late" },
		{ "sms in 2h (030)123456 Late", "when=in 2h|to=(030)123456|body=Late" },
		{ "sms in 2h 004917012345678 Late", "when=in 2h|to=004917012345678|body=Late" },
		{ "sms in 2h tel:+49-170-1234567 Late", "when=in 2h|to=+49-170-1234567|body=Late" },
		{ "sms in 2h sms:+491701234567?body=x Late", "when=in 2h|to=+491701234567|body=Late" },
		{ "sms in 2h SMSTO:+491701234567 Late", "when=in 2h|to=+491701234567|body=Late" },
		{ "sms in 2h +491701234567,+491701234568, 01701234569 Late",
		    "when=in 2h|to=+491701234567, +491701234568, 01701234569|body=Late" },
		{ "sms in 2h +491701234567 +491701234568 Late",
		    "when=in 2h|to=+491701234567|body=+491701234568 Late" },
		/* Zones, dates and times are no numbers. */
		{ "sms 18:00 +02:00 +491701234567 hi", "when=18:00 +02:00|to=+491701234567|body=hi" },
		{ "sms 18:00 +0200 +491701234567 hi", "when=18:00 +0200|to=+491701234567|body=hi" },
		{ "sms 18:00 +02 +491701234567 hi", "when=18:00 +02|to=+491701234567|body=hi" },
		{ "sms 18:00 -0930 +491701234567 hi", "when=18:00 -0930|to=+491701234567|body=hi" },
		{ "sms 18:00+02:00 +491701234567 hi", "when=18:00+02:00|to=+491701234567|body=hi" },
		{ "sms 01.03.2027 09:00 +491701234567 hi",
		    "when=01.03.2027 09:00|to=+491701234567|body=hi" },
		{ "sms 01.03. 09:00 +491701234567 hi", "when=01.03. 09:00|to=+491701234567|body=hi" },
		{ "sms 03/04/2027 09:00 +491701234567 hi",
		    "when=03/04/2027 09:00|to=+491701234567|body=hi" },
		{ "sms 03.04.27 09:00 +491701234567 hi",
		    "when=03.04.27 09:00|to=+491701234567|body=hi" },
		{ "sms 03-04-2027 0900 01701234567 hi", "when=03-04-2027 0900|to=01701234567|body=hi" },
		{ "sms 2026-12-24T18:00:00+01:00 +491701234567 hi",
		    "when=2026-12-24T18:00:00+01:00|to=+491701234567|body=hi" },
		{ "sms 2026-12-24 18:00 (Europe/Berlin, +01:00) +491701234567 hi",
		    "when=2026-12-24 18:00 (Europe/Berlin, +01:00)|to=+491701234567|body=hi" },
		{ "sms in 20 minutes 01701234567 hi", "when=in 20 minutes|to=01701234567|body=hi" },
		/* What cannot be dialled is told by who reads the field. */
		{ "sms in 2h +49170 hi", "when=in 2h|to=+49170|body=hi" },
		{ "sms in 2h +0049170 hi", "when=in 2h|to=+0049170|body=hi" },
		{ "sms in 2h 4917012345678 hi", "!There is no number in it" },
		{ "sms in 2h +49 170 1234567 hi", "!without spaces" },
		{ "sms in 2h romeo@example.net hi", "!There is no number" },
		{ "sms in 2h tel: hi", "!There is no number" },
		{ "sms in 2h +491701234567, Late", "!“Late” behind a comma is no number" },
		{ "sms in 2h +491701234567,49170 Late", "!“49170” behind a comma" },
		{ "sms in 2h +491701234567 https://example.net/a",
		    "when=in 2h|to=+491701234567|body=https://example.net/a" },
	};

	(void)state;
	check_lines(lines, N(lines));
}

#define MMS "mms in 2h +491701234567 "
#define SENT "when=in 2h|to=+491701234567"

static void
test_links_at_the_end_of_an_mms_are_its_media(void **state)
{
	static const struct line lines[] = {
		{ MMS "Look https://example.net/a.jpg",
		    SENT "|body=Look|media=https://example.net/a.jpg" },
		{ MMS "Look at this\nhttps://x/a,b\n\nHTTPS://x/b  https://x/c ",
		    SENT "|body=Look at this|media=https://x/a,b\nHTTPS://x/b\nhttps://x/c" },
		{ MMS "https://x/a", SENT "|media=https://x/a" },
		{ MMS "https://x/a https://x/b", SENT "|media=https://x/a\nhttps://x/b" },
		{ MMS "https://x/a is it", SENT "|body=https://x/a is it" },
		{ MMS "https://x/a is it https://x/b", SENT "|body=https://x/a is it|media=https://x/b" },
		{ MMS "Look http://x/a", SENT "|body=Look http://x/a" },
		{ MMS "Look https://", SENT "|body=Look https://" },
		{ MMS "Look (https://x/a)", SENT "|body=Look (https://x/a)" },
		{ MMS "Lookhttps://x/a", SENT "|body=Lookhttps://x/a" },
		{ MMS "hi", SENT "|body=hi" },
		{ "mms subject=\"Our garden\" in 2h +491701234567 Look https://x/a",
		    "subject=Our garden|" SENT "|body=Look|media=https://x/a" },
		{ "mms media=\"https://x/a https://x/b\" in 2h +491701234567 Look https://x/c",
		    "media=https://x/a\nhttps://x/b|" SENT "|body=Look https://x/c" },
		{ "mms in 2h media=https://x/+491701234567 +491701234567 hi",
		    "media=https://x/+491701234567|" SENT "|body=hi" },
	};

	(void)state;
	check_lines(lines, N(lines));
}

static void
test_a_reminder_is_a_time_and_a_text(void **state)
{
	static const struct line lines[] = {
		{ "remind tomorrow 9:00 call mum", "when=tomorrow 9:00|body=call mum" },
		{ "remind in 20 minutes tea", "when=in 20 minutes|body=tea" },
		{ "remind in 2 hours and 30 minutes tea", "when=in 2 hours and 30 minutes|body=tea" },
		{ "remind 18:00 Europe/London tea\nfor two",
		    "when=18:00 Europe/London|body=tea\nfor two" },
		{ "remind 18:00 Japan trip", "when=18:00|body=Japan trip" },
		{ "remind me tomorrow 9:00 to call mum", "when=tomorrow 9:00|body=to call mum" },
		{ "remind Me in 2h tea", "when=in 2h|body=tea" },
		{ "remind me too", "body=me too" },
		{ "remind me", "body=me" },
		{ "remind tomorrow 9:00, call mum", "when=tomorrow 9:00|body=call mum" },
		{ "remind tomorrow 9:00: call mum", "when=tomorrow 9:00|body=call mum" },
		{ "remind tomorrow 9:00 , call mum", "when=tomorrow 9:00|body=, call mum" },
		{ "remind tomorrow 9:00", "when=tomorrow 9:00" },
		{ "remind tomorrow 9:00:", "when=tomorrow 9:00" },
		{ "remind tomorrow call mum", "when=tomorrow|body=call mum" },
		{ "remind 3/4 18:00 call mum", "when=3/4 18:00|body=call mum" },
		{ "remind today 9:00 call mum", "when=today 9:00|body=call mum" },
		{ "remind call mum", "body=call mum" },
		{ "remind call mum tomorrow 9:00", "body=call mum tomorrow 9:00" },
		{ "remind romeo@example.net", "body=romeo@example.net" },
		{ "remind repeat=daily 9:00 take the pills",
		    "repeat=daily|when=9:00|body=take the pills" },
		{ "remind 9:00 repeat=daily is a setting", "when=9:00|body=repeat=daily is a setting" },
		{ "remind every=day 9:00 pills", "!“every” cannot be set here, only repeat" },
	};

	(void)state;
	check_lines(lines, N(lines));
}

static void
test_settings_stand_in_front_of_addresses(void **state)
{
	static const struct line lines[] = {
		{ "im offline=hold 9:00 a@x hi", "offline=hold|when=9:00|to=a@x|body=hi" },
		{ "im tomorrow repeat=daily 9:00 offline=drop a@x hi",
		    "repeat=daily|offline=drop|when=tomorrow 9:00|to=a@x|body=hi" },
		{ "im OFFLINE=Hold 9:00 a@x hi", "offline=Hold|when=9:00|to=a@x|body=hi" },
		{ "im rrule=FREQ=WEEKLY;BYDAY=MO,WE 9:00 a@x hi",
		    "rrule=FREQ=WEEKLY;BYDAY=MO,WE|when=9:00|to=a@x|body=hi" },
		{ "im expires=\"fri 9:00\" 9:00 a@x hi", "expires=fri 9:00|when=9:00|to=a@x|body=hi" },
		{ "im expires=“fri 9:00” 9:00 a@x hi", "expires=fri 9:00|when=9:00|to=a@x|body=hi" },
		{ "im expires=„fri 9:00“ 9:00 a@x hi", "expires=fri 9:00|when=9:00|to=a@x|body=hi" },
		{ "im expires=”fri 9:00” 9:00 a@x hi", "expires=fri 9:00|when=9:00|to=a@x|body=hi" },
		{ "im expires=\"b@y, c@y\" 9:00 a@x hi", "expires=b@y, c@y|when=9:00|to=a@x|body=hi" },
		{ "im expires=\"\" 9:00 a@x hi", "expires=|when=9:00|to=a@x|body=hi" },
		{ "im expires= 9:00 a@x hi", "expires=|when=9:00|to=a@x|body=hi" },
		{ "im expires='fri 9:00 a@x hi", "expires='fri|when=9:00|to=a@x|body=hi" },
		{ "im 9:00 a@x offline=hold", "when=9:00|to=a@x|body=offline=hold" },
		{ "im offline=hold", "offline=hold" },
		{ "im 9:00 offline=hold", "offline=hold|when=9:00" },
		{ "im offline=hold offline=drop 9:00 a@x hi", "!“offline” is given twice" },
		{ "im offline=hold 9:00 offline=hold a@x hi", "!“offline” is given twice" },
		{ "im ofline=hold 9:00 a@x hi", "!“ofline” cannot be set here, only repeat rrule" },
		{ "im 9:00 colour=red a@x hi", "!“colour” cannot be set here" },
		{ "im text=hi 9:00 a@x", "!“text” cannot be set here" },
		{ "im expires=\"fri 9:00 a@x hi", "!“expires” has a quote that does not end" },
		{ "im expires=“fri 9:00 a@x hi", "!does not end" },
		{ "im expires=\"", "!does not end" },
		{ "im expires=\"fri\"9:00 a@x hi", "!more behind it" },
		{ "to to=a@x tomorrow 9:00 b@x hi", "to=a@x|when=tomorrow 9:00|body=b@x hi" },
		{ "to to=a@x when=9:00 10:00 hi", "to=a@x|when=9:00|body=10:00 hi" },
		{ "to when=9:00 a@x hi", "when=9:00|to=a@x|body=hi" },
		{ "to when=9:00 10:00 a@x hi", "!“when” is given twice" },
		{ "im =x 9:00 a@x hi", "when==x 9:00|to=a@x|body=hi" },
	};

	(void)state;
	check_lines(lines, N(lines));
}

static void
test_one_field_is_changed(void **state)
{
	static const struct line lines[] = {
		{ "edit 7K3Q when fri 9:00", "id=7K3Q|when=fri 9:00" },
		{ "edit 7k3q text Good\nevening,  all", "id=7k3q|body=Good\nevening,  all" },
		{ "edit 7K3Q body hi", "id=7K3Q|body=hi" },
		{ "edit 7K3Q Text: hi", "id=7K3Q|body=hi" },
		{ "edit 7K3Q text when fri", "id=7K3Q|body=when fri" },
		{ "edit 7K3Q text offline=hold", "id=7K3Q|body=offline=hold" },
		{ "edit 7K3Q to a@x, b@x", "id=7K3Q|to=a@x, b@x" },
		{ "edit 7K3Q media https://x/a\nhttps://x/b", "id=7K3Q|media=https://x/a\nhttps://x/b" },
		{ "edit 7K3Q subject \"quoted\"", "id=7K3Q|subject=\"quoted\"" },
		{ "edit 7K3Q offline=hold when=\"fri 9:00\"", "id=7K3Q|offline=hold|when=fri 9:00" },
		{ "edit 7K3Q offline=hold text=hi", "id=7K3Q|offline=hold|body=hi" },
		{ "edit 7K3Q which=all when fri 9:00", "id=7K3Q|which=all|when=fri 9:00" },
		{ "edit which=all 7K3Q when fri 9:00", "which=all|id=7K3Q|when=fri 9:00" },
		{ "edit 7K3Q expires=\"\"", "id=7K3Q|expires=" },
		{ "edit 7K3Q text=\"\"", "id=7K3Q|body=" },
		{ "edit 7K3Q", "id=7K3Q" },
		{ "edit 7K3Q when", "!“when” has no value" },
		{ "edit 7K3Q expires", "!expires=\"\" for none" },
		{ "edit 7K3Q fri 9:00", "!“fri” cannot be changed here, only to when" },
		{ "edit 7K3Q when=9:00 when fri", "!“when” is given twice" },
		{ "edit 7K3Q body=a text b", "!“body” is given twice" },
		{ "edit 7K3Q : x", "!“:” cannot be changed" },
		{ "settings zone Europe/Berlin", "zone=Europe/Berlin" },
		{ "settings Zone: Europe/Berlin", "zone=Europe/Berlin" },
		{ "settings zone=Europe/Berlin notify=sent", "zone=Europe/Berlin|notify=sent" },
		{ "settings zone=\"\"", "zone=" },
		{ "settings notify delivered", "notify=delivered" },
		{ "settings colour red", "!“colour” cannot be changed here, only zone" },
		{ "settings zone", "!“zone” has no value" },
		{ "settings text hi", "!“text” cannot be changed" },
	};

	(void)state;
	check_lines(lines, N(lines));
}

static void
test_words_fill_their_places(void **state)
{
	static const struct line lines[] = {
		{ "show 7K3Q", "id=7K3Q" },
		{ "show 7K3Q 8X2P", "!“8X2P” is one word too many. Write: show <id>" },
		{ "cancel 7K3Q", "ids=7K3Q" },
		{ "cancel 7K3Q 8X2P", "ids=7K3Q\n8X2P" },
		{ "cancel 7K3Q, 8X2P,9ABC\n1DEF", "ids=7K3Q\n8X2P\n9ABC\n1DEF" },
		{ "cancel 7K3Q which=all 8X2P", "ids=7K3Q\n8X2P|which=all" },
		{ "cancel ,", "" },
		{ "cancel whch=all", "!“whch” cannot be set" },
		{ "list now", "!“now” is one word too many: nothing stands behind this command." },
		{ "forget yes", "!“yes” is one word too many" },
		{ "limits default im day=5 month=50", "jid=default|kind=im|day=5|month=50" },
		{ "limits romeo@example.net sms day=none", "jid=romeo@example.net|kind=sms|day=none" },
		{ "limits day=5 example.org im", "day=5|jid=example.org|kind=im" },
		{ "limits service mms", "jid=service|kind=mms" },
		{ "limits default im days=5", "!“days” cannot be set here, only day month. Write: limits" },
		{ "limits default im 5", "!“5” is one word too many" },
		{ "limits default im day=5 day=6", "!“day” is given twice" },
		{ "gateway office pause", "name=office|action=pause" },
		{ "gateway office test +4917012345678",
		    "name=office|action=test|number=+4917012345678" },
		{ "gateway office test +49 170", "!“170” is one word too many" },
		{ "gateway a=b c=d", "name=a=b|action=c=d" },
		{ "backup my file=1.db", "file=my file=1.db" },
		{ "backup  a\nb ", "file=a\nb" },
		{ "odd x the rest", "a=x|body=the rest" },
		{ "odd a=x the rest", "a=x|body=the rest" },
		{ "odd x b=y text=\"no\" the rest", "!“body” is given twice." },
		{ "odd x text=no", "a=x|body=no" },
	};

	(void)state;
	check_lines(lines, N(lines));
}

static void
test_a_message_has_a_time_and_an_address(void **state)
{
	static const struct {
		const char *line;
		bool is_one;
	} lines[] = {
		{ "im tomorrow 9:00 a@x hi", true },
		{ "IM offline=hold in 2h a@x", true },
		{ "sms 18:00 +4917012345678 hi", true },
		{ "im told that a@x is ill", false },
		{ "im a@x hi", false },
		{ "im 9:00", false },
		{ "im 9:00 a@x, b", false },
		{ "sms 18:00 a@x hi", false },
		{ "remind me tomorrow 9:00 of a@x", false },
		{ "edit 7K3Q when 9:00", false },
		{ "edit 7K3Q when=9:00", false },
		{ "list", false },
	};
	const struct zone berlin = zone_named("Europe/Berlin");
	char word[CHAT_WORD_MAX + 1];
	struct span rest;

	(void)state;
	for (size_t i = 0; i < N(lines); i++) {
		assert_int_equal(chat_word(span_of(lines[i].line), word, &rest), RES_OK);
		if (chat_is_message(chat_command(word), rest, instant("2026-10-01T12:00:00Z"),
			&berlin) != lines[i].is_one)
			fail_msg("%s is %sone", lines[i].line, lines[i].is_one ? "not " : "");
	}
}

static void
test_hostile_lines_are_refused_or_harmless(void **state)
{
	static const struct line lines[] = {
		{ "im 9:00 a@x \x01", "!character that cannot be sent" },
		{ "im 9:00 a@x \xff\xfe", "!character that cannot be sent" },
		{ "im 9:00 a@x \xed\xa0\x80", "!character that cannot be sent" },
		{ "im 9:00 a@x \xef\xbf\xbf", "!character that cannot be sent" },
		{ "show \xc0\xaf", "!character that cannot be sent" },
		{ "im 9:00 a@x %s%n%s", "when=9:00|to=a@x|body=%s%n%s" },
		{ "show %s%n", "id=%s%n" },
		{ "show a %s%n", "!“%s%n” is one word" },
		{ "show ''';--", "id=''';--" },
		{ "show ../../etc", "id=../../etc" },
	};

	(void)state;
	check_lines(lines, N(lines));
}

static void
test_a_long_word_is_cut_in_the_reason(void **state)
{
	struct buf why = { 0 };
	struct form f = { 0 };
	char line[600] = "show a ";

	(void)state;
	for (size_t i = strlen(line); i + 2 < sizeof(line); i += 2)
		memcpy(line + i, "\xc3\xbc", 3);
	assert_int_equal(fill(&f, span_of(line), &why), RES_INVALID);
	assert_true(why.len < 200);
	assert_true(xml_text_valid(buf_as_span(&why)));
	assert_non_null(strstr(buf_str(&why), "\xc3\xbc…”"));
	form_free(&f);
	buf_free(&why);
}

static void
test_a_nul_byte_is_refused(void **state)
{
	static const char line[] = "im 9:00 a@x hi\0there";
	struct buf why = { 0 };
	struct form f = { 0 };

	(void)state;
	assert_int_equal(fill(&f, (struct span){ line, sizeof(line) - 1 }, &why), RES_INVALID);
	assert_null(f.fields);
	form_free(&f);
	buf_free(&why);
}

static void
test_a_line_has_its_bound(void **state)
{
	static const char start[] = "9:00 a@x ";
	const struct zone berlin = zone_named("Europe/Berlin");
	const int64_t now = instant("2026-10-01T12:00:00Z");
	struct form f = { 0 };
	struct buf why = { 0 };
	char word[CHAT_WORD_MAX + 1];
	struct span rest;
	char *line = test_malloc(CHAT_LINE_MAX + 1);

	(void)state;
	memset(line, 'x', CHAT_LINE_MAX + 1);
	memcpy(line, start, strlen(start));
	assert_int_equal(chat_fill(&f, chat_command("im"), (struct span){ line, CHAT_LINE_MAX }, now,
			     &berlin, &why), RES_OK);
	assert_int_equal(strlen(form_get(&f, "body")), CHAT_LINE_MAX - strlen(start));
	form_free(&f);
	assert_int_equal(chat_fill(&f, chat_command("im"), (struct span){ line, CHAT_LINE_MAX + 1 },
			     now, &berlin, &why), RES_INVALID);
	assert_non_null(strstr(buf_str(&why), "too long"));
	assert_null(f.fields);
	assert_int_equal(chat_word((struct span){ line, CHAT_LINE_MAX + 1 }, word, &rest), RES_INVALID);
	test_free(line);
	form_free(&f);
	buf_free(&why);
}

/* Each would take long if a word were looked at more than a few times. */
static void
test_the_longest_lines_are_read_at_once(void **state)
{
	static const char *const pieces[] = { "a,", "a=,", "offline=,", "a@x,", " a", "a@x ,", "=",
		"\"", "0,", "+4917012345678,", "https://x ", "9:00 ", " ", "\n", "me " };
	const struct zone berlin = zone_named("Europe/Berlin");
	char *line = test_malloc(CHAT_LINE_MAX);

	(void)state;
	for (size_t p = 0; p < N(pieces); p++)
		for (size_t c = 0; c < NCHAT_COMMANDS; c++) {
			struct form f = { 0 };
			struct buf why = { 0 };
			size_t len = strlen(pieces[p]);
			for (size_t i = 0; i < CHAT_LINE_MAX; i++)
				line[i] = pieces[p][i % len];
			enum res res = chat_fill(&f, &chat_commands[c],
			    (struct span){ line, CHAT_LINE_MAX }, 0, &berlin, &why);
			assert_true(res == RES_OK || (res == RES_INVALID && why.len > 0));
			form_free(&f);
			buf_free(&why);
		}
	test_free(line);
}

static void
test_an_absent_rest_is_an_empty_one(void **state)
{
	const struct zone berlin = zone_named("Europe/Berlin");

	(void)state;
	for (size_t c = 0; c < NCHAT_COMMANDS; c++) {
		struct form f = { 0 };
		struct buf why = { 0 };
		assert_int_equal(chat_fill(&f, &chat_commands[c], (struct span){ NULL, 0 }, 0, &berlin,
				     &why), RES_OK);
		assert_null(f.fields);
		form_free(&f);
		buf_free(&why);
	}
}

static void
test_a_form_without_memory_says_so(void **state)
{
	static const char *const texts[] = { "9:00 a@x hi", "offline=hold 9:00 a@x,b@x hi\nyou" };
	const struct zone berlin = zone_named("Europe/Berlin");

	(void)state;
	for (size_t i = 0; i < N(texts); i++)
		for (size_t max = 16; max < 1000; max += 16) {
			struct form f = { .arena = { .max = max } };
			struct buf why = { 0 };
			enum res res = chat_fill(&f, chat_command("im"), span_of(texts[i]), 0, &berlin,
			    &why);
			assert_int_equal(res, f.arena.failed ? RES_NOMEM : RES_OK);
			form_free(&f);
			buf_free(&why);
		}
}

static void
check_word(const char *line, enum res expected, const char *word, const char *rest)
{
	char got[CHAT_WORD_MAX + 1];
	struct span behind;
	enum res res = chat_word(span_of(line), got, &behind);

	if (res != expected)
		fail_msg("\"%s\" gives %d", line, res);
	assert_string_equal(got, res == RES_OK ? word : "");
	if (res == RES_OK)
		assert_true(span_eq(behind, span_of(rest)));
}

static void
test_the_first_word_is_the_command(void **state)
{
	(void)state;
	check_word("list", RES_OK, "list", "");
	check_word("LiSt", RES_OK, "list", "");
	check_word("  list  ", RES_OK, "list", "");
	check_word("\n\tlist\nof things ", RES_OK, "list", "of things ");
	check_word("/list", RES_OK, "list", "");
	check_word("!list x", RES_OK, "list", "x");
	check_word("//list", RES_OK, "/list", "");
	check_word("/!list", RES_OK, "!list", "");
	check_word("im=x", RES_OK, "im=x", "");
	check_word("aaaaaaaaaaaaaaaaaaaaaaaa b", RES_OK, "aaaaaaaaaaaaaaaaaaaaaaaa", "b");
	check_word("/aaaaaaaaaaaaaaaaaaaaaaaa", RES_OK, "aaaaaaaaaaaaaaaaaaaaaaaa", "");
	check_word("aaaaaaaaaaaaaaaaaaaaaaaaa", RES_INVALID, "", "");
	check_word("caf\xc3\xa9", RES_INVALID, "", "");
	check_word("a\x01", RES_INVALID, "", "");
	check_word("a\x7f", RES_INVALID, "", "");
	check_word("", RES_NOTFOUND, "", "");
	check_word(" \r\n\t", RES_NOTFOUND, "", "");
	check_word("/", RES_NOTFOUND, "", "");
	check_word("! list", RES_NOTFOUND, "", "");
	check_word(NULL, RES_NOTFOUND, "", "");
}

static void
test_words_are_as_far_apart_as_typing_goes_wrong(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} pairs[] = {
		{ "", "", 0 }, { "list", "list", 0 }, { "lsit", "list", 1 }, { "lst", "list", 1 },
		{ "listt", "list", 1 }, { "lint", "list", 1 }, { "ilts", "list", 2 },
		{ "", "list", 4 }, { "cancle", "cancel", 1 }, { "kitten", "sitting", 3 },
		{ "ca", "abc", 3 }, { "ab", "ba", 1 }, { "abcd", "badc", 2 },
		{ "setings", "settings", 1 }, { "im", "sms", 2 }, { "a", "b", 1 },
	};
	char a[100], b[100];

	(void)state;
	for (size_t i = 0; i < N(pairs); i++) {
		assert_int_equal(chat_distance(pairs[i].a, pairs[i].b), pairs[i].distance);
		assert_int_equal(chat_distance(pairs[i].b, pairs[i].a), pairs[i].distance);
	}
	for (size_t len = 60; len < 70; len++) {
		memset(a, 'a', len);
		memset(b, 'b', len);
		a[len] = b[len] = '\0';
		assert_int_equal(chat_distance(a, b), len);
		assert_int_equal(chat_distance(a, a), 0);
		assert_int_equal(chat_distance(a, ""), len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_im_has_a_time_addresses_and_a_text),
		cmocka_unit_test(test_what_is_not_written_is_not_made),
		cmocka_unit_test(test_an_sms_goes_to_numbers),
		cmocka_unit_test(test_links_at_the_end_of_an_mms_are_its_media),
		cmocka_unit_test(test_a_reminder_is_a_time_and_a_text),
		cmocka_unit_test(test_settings_stand_in_front_of_addresses),
		cmocka_unit_test(test_one_field_is_changed),
		cmocka_unit_test(test_words_fill_their_places),
		cmocka_unit_test(test_a_message_has_a_time_and_an_address),
		cmocka_unit_test(test_hostile_lines_are_refused_or_harmless),
		cmocka_unit_test(test_a_long_word_is_cut_in_the_reason),
		cmocka_unit_test(test_a_nul_byte_is_refused),
		cmocka_unit_test(test_a_line_has_its_bound),
		cmocka_unit_test(test_the_longest_lines_are_read_at_once),
		cmocka_unit_test(test_an_absent_rest_is_an_empty_one),
		cmocka_unit_test(test_a_form_without_memory_says_so),
		cmocka_unit_test(test_the_first_word_is_the_command),
		cmocka_unit_test(test_words_are_as_far_apart_as_typing_goes_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
