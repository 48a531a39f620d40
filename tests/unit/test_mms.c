#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "core/mms.h"

#define BIG ((size_t)64 << 20)

static struct buf
build(const struct mms *mms)
{
	struct buf out = { .max = BIG };

	assert_int_equal(mms_build(&out, mms), RES_OK);
	return out;
}

static void
check_same(const struct mms *a, const struct mms *b, bool bytes)
{
	assert_true(span_eq(a->subject, b->subject));
	assert_true(span_eq(a->text, b->text));
	assert_int_equal(a->nmedia, b->nmedia);
	for (size_t i = 0; i < a->nmedia; i++) {
		assert_string_equal(a->media[i].type, b->media[i].type);
		assert_int_equal(a->media[i].url == NULL, b->media[i].url == NULL);
		if (a->media[i].url != NULL)
			assert_string_equal(a->media[i].url, b->media[i].url);
		if (bytes)
			assert_true(span_eq(a->media[i].bytes, b->media[i].bytes));
		else
			assert_null(b->media[i].bytes.p);
	}
}

static void
check_round(const struct mms *mms)
{
	struct buf entity = build(mms);
	struct arena arena = { .max = BIG };
	struct mms back;

	assert_int_equal(mms_parse(&back, buf_as_span(&entity), &arena), RES_OK);
	check_same(mms, &back, true);
	assert_int_equal(mms_parse_summary(&back, buf_as_span(&entity), &arena), RES_OK);
	check_same(mms, &back, false);
	arena_free(&arena);
	buf_free(&entity);
}

static const struct mms holiday = {
	.subject = { "Holiday", 7 },
	.text = { "Gr\xc3\xbc\xc3\x9f""e aus K\xc3\xb6ln \xe2\x82\xac\nbis bald", 30 },
	.media = {
		{ "https://up.example.org/1/a%20b.jpg?x=1", "image/jpeg", { "\xff\xd8\xff\xe0",
		    4 } },
		{ "https://up.example.org/2/song.amr", "audio/amr", { "#!AMR\n", 6 } },
	},
	.nmedia = 2,
};

/* As MMSCs get it; bodies on disk depend on it. */
static const char holiday_entity[] =
    "Content-Type: multipart/related; type=\"application/smil\"; start=\"<smil>\"; "
    "boundary=\"laterd-476e63eeed8a844f548c37420495c77f\"\r\n"
    "Subject: Holiday\r\n"
    "\r\n"
    "--laterd-476e63eeed8a844f548c37420495c77f\r\n"
    "Content-Type: application/smil; charset=utf-8\r\n"
    "Content-ID: <smil>\r\n"
    "\r\n"
    "<smil><head><layout><root-layout width=\"100%\" height=\"100%\"/>"
    "<region id=\"Image\" left=\"0%\" top=\"0%\" width=\"100%\" height=\"70%\" fit=\"meet\"/>"
    "<region id=\"Text\" left=\"0%\" top=\"70%\" width=\"100%\" height=\"30%\" fit=\"meet\"/>"
    "</layout></head><body>"
    "<par dur=\"5000ms\"><img src=\"cid:medium-1\" region=\"Image\"/>"
    "<text src=\"cid:text\" region=\"Text\"/></par>"
    "<par><audio src=\"cid:medium-2\"/></par>"
    "</body></smil>\r\n"
    "--laterd-476e63eeed8a844f548c37420495c77f\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-ID: <text>\r\n"
    "Content-Transfer-Encoding: binary\r\n"
    "\r\n"
    "Gr\xc3\xbc\xc3\x9f""e aus K\xc3\xb6ln \xe2\x82\xac\nbis bald\r\n"
    "--laterd-476e63eeed8a844f548c37420495c77f\r\n"
    "Content-Type: image/jpeg\r\n"
    "Content-ID: <medium-1>\r\n"
    "Content-Location: https://up.example.org/1/a%20b.jpg?x=1\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
    "/9j/4A==\r\n"
    "--laterd-476e63eeed8a844f548c37420495c77f\r\n"
    "Content-Type: audio/amr\r\n"
    "Content-ID: <medium-2>\r\n"
    "Content-Location: https://up.example.org/2/song.amr\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "\r\n"
    "IyFBTVIK\r\n"
    "--laterd-476e63eeed8a844f548c37420495c77f--\r\n";

static void
test_an_entity_has_presentation_text_and_media(void **state)
{
	struct buf out = { .max = 0 };

	(void)state;
	buf_text(&out, "before");
	assert_int_equal(mms_build(&out, &holiday), RES_OK);
	assert_string_equal(out.p + 6, holiday_entity);
	buf_free(&out);
	check_round(&holiday);
}

static void
test_what_is_absent_has_no_part_and_no_place(void **state)
{
	struct mms mms = { .text = SPAN("only text") };
	struct buf out = build(&mms);

	(void)state;
	assert_null(strstr(out.p, "Subject"));
	assert_null(strstr(out.p, "\"Image\""));
	assert_non_null(strstr(out.p, "<body><par dur=\"5000ms\"><text src=\"cid:text\" "
				      "region=\"Text\"/></par></body>"));
	buf_free(&out);
	check_round(&mms);
	mms = (struct mms){ .media = { { NULL, "image/png", SPAN("x") } }, .nmedia = 1 };
	out = build(&mms);
	assert_null(strstr(out.p, "text/plain"));
	assert_null(strstr(out.p, "\"Text\""));
	assert_null(strstr(out.p, "cid:text"));
	assert_null(strstr(out.p, "Content-Location"));
	buf_free(&out);
	check_round(&mms);
	check_round(&(struct mms){ .nmedia = 0 });
	check_round(&(struct mms){ .subject = SPAN("only a subject") });
}

static void
test_each_medium_has_a_slide_of_its_kind(void **state)
{
	struct mms mms = { .text = SPAN("t"), .nmedia = 5,
		.media = { { "", "Video/mp4", SPAN("") }, { "", "IMAGE/GIF", SPAN("") },
		    { "", "text/vcard", SPAN("") }, { "", "audio/mpeg", SPAN("") },
		    { "", "imagex/png", SPAN("") } } };
	struct buf out = build(&mms);

	(void)state;
	assert_non_null(strstr(out.p,
	    "<body><par><video src=\"cid:medium-1\" region=\"Image\"/>"
	    "<text src=\"cid:text\" region=\"Text\"/></par>"
	    "<par dur=\"5000ms\"><img src=\"cid:medium-2\" region=\"Image\"/></par>"
	    "<par dur=\"5000ms\"><ref src=\"cid:medium-3\"/></par>"
	    "<par><audio src=\"cid:medium-4\"/></par>"
	    "<par dur=\"5000ms\"><ref src=\"cid:medium-5\"/></par></body>"));
	buf_free(&out);
	check_round(&mms);
	/* Sound takes no place. */
	mms = (struct mms){ .text = SPAN("t"), .media = { { "", "audio/amr", SPAN("") } },
	    .nmedia = 1 };
	out = build(&mms);
	assert_null(strstr(out.p, "\"Image\""));
	assert_non_null(strstr(out.p, "top=\"0%\" width=\"100%\" height=\"100%\""));
	buf_free(&out);
}

static void
test_media_of_every_length_come_back(void **state)
{
	enum { LONGEST = 400 };
	char *bytes = malloc(LONGEST);
	struct mms mms = { .nmedia = 2 };

	(void)state;
	for (size_t i = 0; i < LONGEST; i++)
		bytes[i] = (char)(i * 7 + 250);
	for (size_t len = 0; len <= LONGEST; len++) {
		mms.media[0] = (struct mms_medium){ "https://a/b", "image/png", { bytes, len } };
		mms.media[1] = (struct mms_medium){ "", "audio/amr", { bytes, LONGEST - len } };
		check_round(&mms);
	}
	free(bytes);
}

static void
test_base64_has_lines_of_76_characters(void **state)
{
	char bytes[200];
	struct mms mms = { .media = { { NULL, "image/png", { bytes, 114 } } }, .nmedia = 1 };

	(void)state;
	memset(bytes, 0, sizeof(bytes));
	struct buf out = build(&mms);
	const char *at = strstr(out.p, "base64\r\n\r\n");
	assert_non_null(at);
	at += 10;
	assert_int_equal(strspn(at, "A"), 76);
	assert_memory_equal(at + 76, "\r\n", 2);
	assert_int_equal(strspn(at + 78, "A"), 76);
	assert_memory_equal(at + 154, "\r\n--", 4);
	buf_free(&out);
}

static void
test_ten_large_media_come_back(void **state)
{
	size_t len = 300000;
	char *bytes = malloc(len);
	struct mms mms = { .subject = SPAN("s"), .text = SPAN("t"), .nmedia = MMS_MEDIA_MAX };

	(void)state;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * i >> 3);
	for (size_t i = 0; i < MMS_MEDIA_MAX; i++)
		mms.media[i] = (struct mms_medium){ "https://a/b", "image/png", { bytes,
		    len - i } };
	check_round(&mms);
	free(bytes);
}

static void
test_texts_come_back_byte_for_byte(void **state)
{
	static const char *const texts[] = { "a", "\n", "\r\n", "\r", "a\r\nb", "a\nb\n",
		"\r\n\r\n",
		"--", "\r\n--", "\r\n--laterd-", "--laterd-e3b0c44298fc1c149afbf4c8996fb924\r\n",
		"\r\n--laterd-e3b0c44298fc1c149afbf4c8996fb924--\r\n", "Subject: x\r\n\r\n", ".",
		"Content-Type: text/plain\r\n\r\n", " ", "\t", "=?UTF-8?B?QQ==?=",
		"\xf0\x9f\x98\x80" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct mms mms = { .text = span_of(texts[i]),
			.media = { { NULL, "image/png", SPAN("x") } }, .nmedia = i % 2 };
		check_round(&mms);
	}
}

static void
check_encoding(struct span text, const char *want)
{
	struct mms mms = { .text = text };
	struct buf out = build(&mms), field = { .max = 100 };

	buf_printf(&field, "\r\nContent-Transfer-Encoding: %s\r\n\r\n", want);
	assert_non_null(strstr(out.p, buf_str(&field)));
	buf_free(&out);
	buf_free(&field);
	check_round(&mms);
}

static void
test_a_text_is_8bit_only_with_mime_lines(void **state)
{
	char text[1100];

	(void)state;
	check_encoding(SPAN("\xc3\xbc\r\nb\r\n"), "8bit");
	check_encoding(SPAN("a\nb"), "binary");
	check_encoding(SPAN("a\rb"), "binary");
	check_encoding(SPAN("a\r\n\n"), "binary");
	check_encoding(SPAN("a\r"), "binary");
	memset(text, 'x', sizeof(text));
	check_encoding((struct span){ text, 998 }, "8bit");
	check_encoding((struct span){ text, 999 }, "binary");
	memcpy(text + 500, "\r\n", 2);
	check_encoding((struct span){ text, 1100 }, "8bit");
}

static void
check_subject(const char *subject, const char *want)
{
	struct mms mms = { .subject = span_of(subject) };
	struct buf out = build(&mms);
	const char *at = strstr(out.p, "\r\nSubject: ");

	assert_non_null(at);
	const char *end = strstr(at + 2, "\r\n\r\n");
	assert_non_null(end);
	assert_int_equal(end - at - 11, strlen(want));
	assert_memory_equal(at + 11, want, strlen(want));
	buf_free(&out);
	check_round(&mms);
}

static void
test_a_subject_that_is_not_plain_is_encoded(void **state)
{
	(void)state;
	check_subject("Re: (a) \"b\" <c@d>, =x?", "Re: (a) \"b\" <c@d>, =x?");
	check_subject("Gr\xc3\xbc\xc3\x9f""e", "=?UTF-8?B?R3LDvMOfZQ==?=");
	check_subject(" a", "=?UTF-8?B?IGE=?=");
	check_subject("a ", "=?UTF-8?B?YSA=?=");
	check_subject("a\tb", "=?UTF-8?B?YQli?=");
	check_subject("=?x", "=?UTF-8?B?PT94?=");
	check_subject("\x7f", "=?UTF-8?B?fw==?=");
	/* 40 bytes, of which the last two are one character. */
	check_subject("12345678901234567890123456789012345678\xc3\xbc",
	    "=?UTF-8?B?MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg=?=\r\n "
	    "=?UTF-8?B?w7w=?=");
	/* A line of 78, and one too long. */
	check_subject("123456789012345678901234567890123456789012345678901234567890123456789",
	    "123456789012345678901234567890123456789012345678901234567890123456789");
	check_subject("1234567890123456789012345678901234567890123456789012345678901234567890",
	    "=?UTF-8?B?MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5?=\r\n "
	    "=?UTF-8?B?MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MA==?=");
}

static void
check_bad(const struct mms *mms)
{
	struct buf out = { .max = BIG };

	buf_text(&out, "before");
	assert_int_equal(mms_build(&out, mms), RES_INVALID);
	assert_string_equal(out.p, "before");
	buf_free(&out);
}

static void
test_what_would_break_the_entity_is_refused(void **state)
{
	static const char *const types[] = { "", "image", "image/", "/png", "image/png;x=y",
		"image/png\r\nX: y", "image /png", "image/p ng", "image/a/b", "im\xc3\xa4ge/png",
		"image/\"png\"", "image/<png>" };
	static const char *const urls[] = { "https://a/\r\nX: y", "\n", "a\tb", "\x7f", "a\x01" };
	static const struct span bad_text[] = { { "\xff", 1 }, { "a\0b", 3 }, { "\xed\xa0\x80", 3 },
		{ "\x1b", 1 }, { "\xef\xbf\xbf", 3 } };
	char type[300];

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		check_bad(&(struct mms){ .media = { { "", types[i], SPAN("") } }, .nmedia = 1 });
	check_bad(&(struct mms){ .media = { { "", NULL, SPAN("") } }, .nmedia = 1 });
	memset(type, 'x', sizeof(type));
	memcpy(type, "image/", 6);
	type[6 + 128] = '\0';
	check_bad(&(struct mms){ .media = { { "", type, SPAN("") } }, .nmedia = 1 });
	type[6 + 127] = '\0';
	check_round(&(struct mms){ .media = { { "", type, SPAN("") } }, .nmedia = 1 });
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		check_bad(&(struct mms){ .media = { { urls[i], "image/png", SPAN("") } },
		    .nmedia = 1 });
	for (size_t i = 0; i < sizeof(bad_text) / sizeof(bad_text[0]); i++) {
		check_bad(&(struct mms){ .text = bad_text[i] });
		check_bad(&(struct mms){ .subject = bad_text[i] });
	}
	check_bad(&(struct mms){ .subject = SPAN("a\r\nBcc: b") });
	check_bad(&(struct mms){ .subject = SPAN("a\n") });
	check_bad(&(struct mms){ .subject = SPAN("\r") });
	struct mms many = { .nmedia = MMS_MEDIA_MAX + 1 };
	for (size_t i = 0; i < MMS_MEDIA_MAX; i++)
		many.media[i] = (struct mms_medium){ "", "image/png", SPAN("") };
	check_bad(&many);
}

static void
test_an_entity_fits_whole_or_not_at_all(void **state)
{
	size_t len = sizeof(holiday_entity) - 1;

	(void)state;
	for (size_t max = 1; max <= len + 1; max++) {
		struct buf out = { .max = max };
		assert_int_equal(mms_build(&out, &holiday), max >= len ? RES_OK : RES_NOMEM);
		assert_int_equal(out.len, max >= len ? len : 0);
		buf_free(&out);
	}
}

/* In memory of its own, so that a read beyond the end is seen. */
static void
check_damaged(const char *p, size_t len)
{
	char *copy = malloc(len != 0 ? len : 1);
	struct arena arena = { .max = BIG };
	struct mms mms;

	memcpy(copy, p, len);
	memset(&mms, 1, sizeof(mms));
	assert_int_equal(mms_parse(&mms, (struct span){ copy, len }, &arena), RES_PERMFAIL);
	assert_int_equal(mms.nmedia, 0);
	assert_null(mms.text.p);
	arena_free(&arena);
	free(copy);
}

static void
test_every_changed_byte_is_noticed_or_means_another_message(void **state)
{
	size_t len = sizeof(holiday_entity) - 1, read = 0;
	char *copy = malloc(len);

	(void)state;
	for (size_t i = 0; i < len; i++)
		for (int bit = 0; bit < 8; bit++) {
			struct arena arena = { .max = BIG };
			struct mms mms;
			memcpy(copy, holiday_entity, len);
			copy[i] = (char)(copy[i] ^ 1 << bit);
			enum res res = mms_parse(&mms, (struct span){ copy, len }, &arena);
			assert_true(res == RES_OK || res == RES_PERMFAIL);
			if (res == RES_OK) {
				/* It is what mms_build makes of that other message. */
				struct buf again = build(&mms);
				assert_true(span_eq(
				    buf_as_span(&again), (struct span){ copy, len }));
				buf_free(&again);
				read++;
			}
			arena_free(&arena);
		}
	/* Some bits of the subject, the types, the URLs and the base64. */
	assert_in_range(read, 100, 1000);
	free(copy);
}

static void
test_an_entity_cut_short_or_long_is_damaged(void **state)
{
	size_t len = sizeof(holiday_entity) - 1;
	char *longer = malloc(len + 2);

	(void)state;
	for (size_t i = 0; i < len; i++)
		check_damaged(holiday_entity, i);
	memcpy(longer, holiday_entity, len);
	memcpy(longer + len, "\r\n", 2);
	check_damaged(longer, len + 1);
	check_damaged(longer, len + 2);
	free(longer);
	struct arena arena = { .max = BIG };
	struct mms mms;
	assert_int_equal(mms_parse(&mms, (struct span){ NULL, 0 }, &arena), RES_PERMFAIL);
	arena_free(&arena);
}

/* The entity with `from` once replaced by `to`. */
static void
check_replaced(const struct mms *mms, const char *from, const char *to)
{
	struct buf entity = build(mms), other = { .max = BIG };
	const char *at = strstr(entity.p, from);

	assert_non_null(at);
	buf_append(&other, entity.p, (size_t)(at - entity.p));
	buf_text(&other, to);
	buf_text(&other, at + strlen(from));
	check_damaged(other.p, other.len);
	buf_free(&entity);
	buf_free(&other);
}

static void
test_other_ways_to_write_the_same_are_not_read(void **state)
{
	static const struct {
		const char *from, *to;
	} others[] = {
		{ "Content-Type: multi", "content-type: multi" },
		{ "Content-Type: multi", "X: y\r\nContent-Type: multi" },
		{ "\r\nSubject: Holiday", "\r\nSubject: Holiday\r\nSubject: Holiday" },
		{ "\r\nSubject: Holiday", "\r\nSubject: =?UTF-8?B?SG9saWRheQ==?=" },
		{ "\r\nSubject: Holiday", "\r\nSubject: Hol\r\n iday" },
		{ "\r\nSubject: Holiday", "\r\nSubject: " },
		{ "\r\n\r\n--laterd", "\r\n\r\npreamble\r\n--laterd" },
		{ "<smil>\r\n\r\n<smil>", "<smil>\r\n\r\n<smil> " },
		{ "dur=\"5000ms\"", "dur=\"6000ms\"" },
		{ "cid:medium-2", "cid:medium-3" },
		{ "<medium-1>", "<medium-01>" },
		{ "<medium-1>", "<medium-2>" },
		{ "binary", "8bit" },
		{ "/9j/4A==", "/9j/4A=" },
		{ "/9j/4A==", "/9j/4A" },
		{ "/9j/4A==", "/9j/4B==" }, /* a bit beyond the end */
		{ "/9j/4A==", "/9j/4A==\r\n" },
		{ "/9j/4A==", " /9j/4A==" },
		{ "/9j/4A==", "/9j/\r\n4A==" },
		{ "/9j/4A==", "/9j/4A==AAAA" },
		{ "/9j/4A==", "====" },
		{ "/9j/4A==", "/9j/4A==----" },
		{ "/9j/4A==", "\r\n" },
		{ "--\r\n", "--" },
		{ "bis bald", "bis dann" }, /* the boundary is that of the text */
	};
	static const char *const lines[] = { "\r", "\n", "\r\n", "\r\nA", "\r\nAA==\r\n", "=" };
	static const char full_end[] = "AAAA\r\n--laterd-e3b0c44298fc1c149afbf4c8996fb924--";
	char bytes[57] = { 0 };
	struct mms full = { .media = { { NULL, "image/png", { bytes, 57 } } }, .nmedia = 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		check_replaced(&holiday, others[i].from, others[i].to);
	/* Behind a line that is full. */
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct buf to = { .max = 100 };
		buf_printf(&to, "AAAA%s\r\n--laterd-e3b0c44298fc1c149afbf4c8996fb924--", lines[i]);
		check_replaced(&full, full_end, buf_str(&to));
		buf_free(&to);
	}
	check_replaced(&full, full_end,
	    "AAA=\r\nAAAA\r\n--laterd-e3b0c44298fc1c149afbf4c8996fb924--");
}

static void
test_no_eleventh_medium_is_read(void **state)
{
	struct mms mms = { .nmedia = MMS_MEDIA_MAX };

	(void)state;
	for (size_t i = 0; i < MMS_MEDIA_MAX; i++)
		mms.media[i] = (struct mms_medium){ NULL, "text/vcard", SPAN("x") };
	check_replaced(&mms, "\r\n--laterd-e3b0c44298fc1c149afbf4c8996fb924--",
	    "\r\n--laterd-e3b0c44298fc1c149afbf4c8996fb924\r\n"
	    "Content-Type: text/vcard\r\nContent-ID: <medium-11>\r\n"
	    "Content-Transfer-Encoding: base64\r\n\r\neA==\r\n"
	    "--laterd-e3b0c44298fc1c149afbf4c8996fb924--");
}

static void
test_a_bounded_arena_bounds_what_is_read(void **state)
{
	char *bytes = calloc(1, 100000);
	struct mms mms = { .subject = SPAN("s"), .text = SPAN("t"),
		.media = { { "https://a/b", "image/png", { bytes, 100000 } } }, .nmedia = 1 };
	struct buf entity = build(&mms);
	struct mms back;

	(void)state;
	for (size_t max = 16; max < 200; max += 16) {
		struct arena small = { .max = max };
		enum res res = mms_parse(&back, buf_as_span(&entity), &small);
		assert_int_equal(res, RES_NOMEM);
		assert_int_equal(back.nmedia, 0);
		arena_free(&small);
	}
	/* Too little memory is never taken for damage. */
	for (size_t max = 16; max < 160; max += 16) {
		struct arena small = { .max = max };
		enum res res = mms_parse_summary(&back, buf_as_span(&entity), &small);
		assert_int_equal(res, max < 64 ? RES_NOMEM : RES_OK);
		arena_free(&small);
	}
	/* A summary needs no room for the bytes, and the whole not much more than they have. */
	struct arena little = { .max = 1000 }, enough = { .max = 101000 };
	assert_int_equal(mms_parse_summary(&back, buf_as_span(&entity), &little), RES_OK);
	check_same(&mms, &back, false);
	assert_int_equal(mms_parse(&back, buf_as_span(&entity), &enough), RES_OK);
	check_same(&mms, &back, true);
	arena_free(&little);
	arena_free(&enough);
	buf_free(&entity);
	free(bytes);
}

static void
test_the_entity_splits_without_its_subject(void **state)
{
	struct span type, parts, entity = SPAN(holiday_entity);
	static const char *const bad[] = { "", "Content-Type: text/plain\r\n\r\nx",
		"Subject: x\r\n\r\n" };

	(void)state;
	assert_int_equal(mms_split(entity, &type, &parts), RES_OK);
	assert_true(span_eq(type,
	    SPAN("multipart/related; type=\"application/smil\"; start=\"<smil>\"; "
		 "boundary=\"laterd-476e63eeed8a844f548c37420495c77f\"")));
	assert_memory_equal(parts.p, "--laterd-476e", 13);
	assert_ptr_equal(parts.p + parts.len, entity.p + entity.len);
	struct mms mms = holiday;
	mms.subject = SPAN("Gr\xc3\xbc\xc3\x9f""e aus K\xc3\xb6ln, und dann noch viel mehr");
	struct buf folded = build(&mms);
	struct span more;
	assert_int_equal(mms_split(buf_as_span(&folded), &type, &more), RES_OK);
	assert_true(span_eq(more, parts));
	buf_free(&folded);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(mms_split(span_of(bad[i]), &type, &parts), RES_PERMFAIL);
	for (size_t len = 0; len < 130; len++)
		assert_int_equal(
		    mms_split((struct span){ holiday_entity, len }, &type, &parts), RES_PERMFAIL);
	assert_int_equal(mms_split((struct span){ NULL, 0 }, &type, &parts), RES_PERMFAIL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_entity_has_presentation_text_and_media),
		cmocka_unit_test(test_what_is_absent_has_no_part_and_no_place),
		cmocka_unit_test(test_each_medium_has_a_slide_of_its_kind),
		cmocka_unit_test(test_media_of_every_length_come_back),
		cmocka_unit_test(test_base64_has_lines_of_76_characters),
		cmocka_unit_test(test_ten_large_media_come_back),
		cmocka_unit_test(test_texts_come_back_byte_for_byte),
		cmocka_unit_test(test_a_text_is_8bit_only_with_mime_lines),
		cmocka_unit_test(test_a_subject_that_is_not_plain_is_encoded),
		cmocka_unit_test(test_what_would_break_the_entity_is_refused),
		cmocka_unit_test(test_an_entity_fits_whole_or_not_at_all),
		cmocka_unit_test(test_every_changed_byte_is_noticed_or_means_another_message),
		cmocka_unit_test(test_an_entity_cut_short_or_long_is_damaged),
		cmocka_unit_test(test_other_ways_to_write_the_same_are_not_read),
		cmocka_unit_test(test_no_eleventh_medium_is_read),
		cmocka_unit_test(test_a_bounded_arena_bounds_what_is_read),
		cmocka_unit_test(test_the_entity_splits_without_its_subject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
