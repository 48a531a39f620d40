#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gateway/media.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

struct sample {
	struct span bytes;
	const char *type; /* NULL: nothing */
};

#define OGG "OggS\0\x02\0\0\0\0\0\0\0\0abcd\0\0\0\0crc4\x01\x1e"

static const struct sample samples[] = {
	{ SPAN("\xff\xd8\xff\xe0\0\x10JFIF"), "image/jpeg" },
	{ SPAN("\xff\xd8\xff"), "image/jpeg" },
	{ SPAN("\x89PNG\r\n\x1a\n"), "image/png" },
	{ SPAN("GIF89a\1\0\1\0"), "image/gif" },
	{ SPAN("GIF87a"), "image/gif" },
	{ SPAN("RIFF\x24\0\0\0WEBPVP8L"), "image/webp" },
	{ SPAN("RIFF\x24\0\0\0WEBPVP8 "), "image/webp" },
	{ SPAN("RIFF\x24\0\0\0WAVEfmt "), "audio/wav" },
	{ SPAN("\0\0\0\x18" "ftypheic\0\0\0\0mif1heic"), "image/heic" },
	{ SPAN("\0\0\0\x1c" "ftypmif1\0\0\0\0mif1miafheic"), "image/heic" },
	{ SPAN("\0\0\0\x14" "ftypM4A \0\0\2\0mp42"), "audio/mp4" },
	{ SPAN("\0\0\0\x10" "ftypisom\0\0\2\0"), "video/mp4" },
	{ SPAN("\0\0\0\x10" "ftypiso5\0\0\2\0"), "video/mp4" },
	{ SPAN("\0\0\0\x10" "ftypmp42\0\0\2\0"), "video/mp4" },
	{ SPAN("\0\0\0\x10" "ftypM4VH\0\0\2\0"), "video/mp4" },
	{ SPAN("\0\0\0\x10" "ftyp3gp4\0\0\2\0"), "video/3gpp" },
	{ SPAN("\0\0\0\x10" "ftyp3gp5\0\0\2\0mdat"), "video/3gpp" },
	{ SPAN("\0\0\0\x14" "ftypqt  \0\0\2\0qt  "), "video/quicktime" },
	{ SPAN("\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x86\x81\x01\x42\x82\x84webm"),
	    "video/webm" },
	{ SPAN("ID3\3\0\0\0\0\0\x0atag"), "audio/mpeg" },
	{ SPAN("#!AMR\n<"), "audio/amr" },
	{ SPAN(OGG "OpusHead\1\2"), "audio/ogg" },
	{ SPAN(OGG "\x01vorbis\0"), "audio/ogg" },
	{ SPAN("BEGIN:VCARD\r\nVERSION:3.0\r\n"), "text/vcard" },
	{ SPAN("begin:vcard\nversion:2.1\n"), "text/vcard" },
	{ SPAN("\xef\xbb\xbf" "BEGIN:VCARD\r\n"), "text/vcard" },
	{ SPAN("BEGIN:VCALENDAR\r\n"), "text/calendar" },
	/* What is none of these. */
	{ SPAN(""), NULL },
	{ SPAN("<html>"), NULL },
	{ SPAN("MZ\x90\0"), NULL },
	{ SPAN("\x7f" "ELF"), NULL },
	{ SPAN("PK\3\4"), NULL },
	{ SPAN("%PDF-1.7"), NULL },
	{ SPAN("<svg xmlns='http://www.w3.org/2000/svg'>"), NULL },
	{ SPAN("\xff\xfe" "h\0t\0m\0l\0"), NULL },
	{ SPAN("\xff\xd8"), NULL },
	{ SPAN("GIF88a"), NULL },
	{ SPAN("#!AMR-WB\n"), NULL },
	{ SPAN("#!/bin/sh\n"), NULL },
	{ SPAN("RIFF\x24\0\0\0AVI LIST"), NULL },
	{ SPAN("\0\0\0\x1c" "ftypmif1\0\0\0\0mif1miafavif"), NULL },
	{ SPAN("\0\0\0\x1c" "ftypavif\0\0\0\0mif1miafheic"), NULL },
	/* The compatible brands end where the box does. */
	{ SPAN("\0\0\0\x14" "ftypmif1\0\0\0\0mif1heic"), NULL },
	{ SPAN("\0\0\0\x10" "ftyp3g2a\0\0\2\0"), NULL },
	{ SPAN("\0\0\0\x10" "ftypxxxx\0\0\2\0"), NULL },
	{ SPAN("\0\0\0\x08" "ftypisom\0\0\2\0"), NULL },
	{ SPAN("\0\0\0\x40" "ftypisom\0\0\2\0"), NULL },
	{ SPAN("\xff\xff\xff\xff" "ftypisom\0\0\2\0"), NULL },
	{ SPAN("\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x86\x81\x01\x42\x82\x88matroska"), NULL },
	{ SPAN("ID3\3\0\0\0\0\0\x80tag"), NULL },
	{ SPAN("ID3\x01\0\0\0\0\0\0"), NULL },
	{ SPAN("ID3 is a tag"), NULL },
	{ SPAN(OGG "\x80theora\3"), NULL },
	{ SPAN("OggS"), NULL },
	{ SPAN("BEGIN:VCARDS\r\n"), NULL },
	{ SPAN("BEGIN:VCARD"), NULL },
	{ SPAN(" BEGIN:VCARD\r\n"), NULL },
	{ SPAN("BEGIN:VEVENT\r\n"), NULL },
};

static void
assert_sniffed(struct span bytes, const char *type)
{
	/* Exactly as large, so that a sanitizer sees a read beyond the end. */
	char *copy = malloc(bytes.len + 1);
	const char *sniffed;

	assert_non_null(copy);
	if (bytes.len > 0)
		memcpy(copy + 1, bytes.p, bytes.len);
	sniffed = media_sniff((struct span){ copy + 1, bytes.len });
	if (type == NULL)
		assert_null(sniffed);
	else {
		assert_non_null(sniffed);
		assert_string_equal(sniffed, type);
	}
	free(copy);
}

static void
test_the_first_bytes_say_what_it_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(samples); i++)
		assert_sniffed(samples[i].bytes, samples[i].type);
	assert_null(media_sniff((struct span){ 0 }));
}

static void
test_no_beginning_is_read_beyond_its_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < N(samples); i++)
		for (size_t len = 0; len < samples[i].bytes.len; len++) {
			char *copy = malloc(len + 1);
			const char *type;

			assert_non_null(copy);
			memcpy(copy + 1, samples[i].bytes.p, len);
			type = media_sniff((struct span){ copy + 1, len });
			/* A prefix is what the whole is, or nothing. */
			if (type != NULL)
				assert_string_equal(type, samples[i].type);
			free(copy);
		}
}

static void
test_mpeg_audio_is_two_frames(void **state)
{
	/* 128 kbit/s at 44.1 kHz: 417 bytes, 418 with padding. */
	char v1[420] = "\xff\xfb\x90\x64", v2[240] = "\xff\xf3\x48\xc4";

	(void)state;
	assert_sniffed((struct span){ v1, sizeof(v1) }, NULL);
	assert_sniffed((struct span){ v1, 4 }, NULL);
	memcpy(v1 + 416, "\xff\xfb\x90\x64", 4);
	assert_sniffed((struct span){ v1, sizeof(v1) }, NULL);
	memcpy(v1 + 416, "\0\xff\xfb\x90", 4);
	assert_sniffed((struct span){ v1, sizeof(v1) }, NULL);
	{
		char whole[421];

		memset(whole, 0, sizeof(whole));
		memcpy(whole, "\xff\xfb\x90\x64", 4);
		memcpy(whole + 417, "\xff\xfb\x90\x64", 4);
		assert_sniffed((struct span){ whole, 421 }, "audio/mpeg");
		assert_sniffed((struct span){ whole, 420 }, NULL);
		whole[2] = '\x92';
		assert_sniffed((struct span){ whole, 421 }, NULL);
		/* No such bit rate, no such sampling rate, another layer, no such version. */
		whole[2] = '\xf0';
		assert_sniffed((struct span){ whole, 421 }, NULL);
		whole[2] = '\x9c';
		assert_sniffed((struct span){ whole, 421 }, NULL);
		whole[2] = '\x90';
		whole[1] = '\xfd';
		assert_sniffed((struct span){ whole, 421 }, NULL);
		whole[1] = '\xeb';
		assert_sniffed((struct span){ whole, 421 }, NULL);
	}
	/* MPEG-2, 32 kbit/s at 24 kHz: 96 bytes. */
	v2[2] = '\x44';
	memcpy(v2 + 96, "\xff\xf3\x44\xc4", 4);
	assert_sniffed((struct span){ v2, sizeof(v2) }, "audio/mpeg");
}

static void
test_other_names_of_a_type_agree_with_it(void **state)
{
	static const struct {
		const char *declared, *sniffed;
		bool agrees;
	} cases[] = {
		{ "image/jpeg", "image/jpeg", true },
		{ "Image/JPEG", "image/jpeg", true },
		{ " image/jpeg ; charset=binary", "image/jpeg", true },
		{ "image/jpg", "image/jpeg", true },
		{ "image/pjpeg;x", "image/jpeg", true },
		{ "audio/mp3", "audio/mpeg", true },
		{ "text/x-vcard; charset=utf-8", "text/vcard", true },
		{ "text/directory; profile=vCard", "text/vcard", true },
		{ "audio/opus", "audio/ogg", true },
		{ "audio/webm;codecs=opus", "video/webm", true },
		{ "audio/mp4", "video/mp4", true },
		{ "application/octet-stream", "image/png", true },
		{ "binary/octet-stream", "text/vcard", true },
		{ NULL, "image/png", true },
		{ "", "image/png", true },
		{ "  ", "image/png", true },
		{ "; charset=utf-8", "image/png", true },
		{ "image/png", "image/jpeg", false },
		{ "image/jpg", "image/png", false },
		{ "image", "image/jpeg", false },
		{ "image/", "image/jpeg", false },
		{ "image/jpegx", "image/jpeg", false },
		{ "image/jpeg, image/png", "image/jpeg", false },
		{ "image/*", "image/jpeg", false },
		{ "text/html", "image/jpeg", false },
		{ "text/plain", "image/jpeg", false },
		{ "audio/mp4", "audio/mpeg", false },
		{ "video/mp4", "audio/mp4", false },
		{ "application/octet-streams", "image/png", false },
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++)
		if (media_type_agrees(cases[i].declared, cases[i].sniffed) != cases[i].agrees)
			fail_msg("%s and %s", cases[i].declared, cases[i].sniffed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_first_bytes_say_what_it_is),
		cmocka_unit_test(test_no_beginning_is_read_beyond_its_end),
		cmocka_unit_test(test_mpeg_audio_is_two_frames),
		cmocka_unit_test(test_other_names_of_a_type_agree_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
