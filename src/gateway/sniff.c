#include <string.h>

#include "base/parse.h"
#include "gateway/media.h"

/* -- By the first bytes alone ------------------------------------------------------------------ */

struct signature {
	const char *bytes;
	size_t len;
	const char *type;
};

#define SIGNATURE(bytes, type) { (bytes), sizeof(bytes) - 1, (type) }

static const struct signature signatures[] = {
	SIGNATURE("\xff\xd8\xff", "image/jpeg"),
	SIGNATURE("\x89PNG\r\n\x1a\n", "image/png"),
	SIGNATURE("GIF87a", "image/gif"),
	SIGNATURE("GIF89a", "image/gif"),
	SIGNATURE("#!AMR\n", "audio/amr"), /* RFC 4867 section 5.1 */
};

/* A RIFF file is what its form type says. */
static const struct signature riff_forms[] = {
	SIGNATURE("WEBPVP8", "image/webp"),
	SIGNATURE("WAVE", "audio/wav"),
};

/* The first packet of an Ogg file names its codec; one with video begins with another. */
static const struct signature ogg_codecs[] = {
	SIGNATURE("OpusHead", "audio/ogg"),
	SIGNATURE("\x01vorbis", "audio/ogg"),
	SIGNATURE("Speex   ", "audio/ogg"),
	SIGNATURE("\x7f"
		  "FLAC",
	    "audio/ogg"),
};

static bool
begins(struct span s, size_t at, const char *bytes, size_t len)
{
	return s.len >= at && s.len - at >= len && memcmp(s.p + at, bytes, len) == 0;
}

static const char *
by_signature(struct span s, size_t at, const struct signature *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (begins(s, at, v[i].bytes, v[i].len))
			return v[i].type;
	return NULL;
}

#define BY_SIGNATURE(s, at, v) by_signature(s, at, v, sizeof(v) / sizeof((v)[0]))

static const char *
sniff_start(struct span s)
{
	return BY_SIGNATURE(s, 0, signatures);
}

static const char *
sniff_riff(struct span s)
{
	return begins(s, 0, "RIFF", 4) ? BY_SIGNATURE(s, 8, riff_forms) : NULL;
}

static const char *
sniff_ogg(struct span s)
{
	/* RFC 3533 section 6: the first page has one segment in its table. */
	if (!begins(s, 0, "OggS\0\x02", 6) || s.len < 28 || s.p[26] != 1)
		return NULL;
	return BY_SIGNATURE(s, 28, ogg_codecs);
}

/* -- ISO base media files (ISO/IEC 14496-12 section 4.3) --------------------------------------- */

static const struct signature brands[] = {
	SIGNATURE("heic", "image/heic"),
	SIGNATURE("heix", "image/heic"),
	SIGNATURE("heim", "image/heic"),
	SIGNATURE("heis", "image/heic"),
	SIGNATURE("M4A ", "audio/mp4"),
	SIGNATURE("M4B ", "audio/mp4"),
	SIGNATURE("M4V", "video/mp4"),
	SIGNATURE("mp41", "video/mp4"),
	SIGNATURE("mp42", "video/mp4"),
	SIGNATURE("mmp4", "video/mp4"),
	SIGNATURE("iso", "video/mp4"),
	SIGNATURE("avc1", "video/mp4"),
	SIGNATURE("MSNV", "video/mp4"),
	SIGNATURE("dash", "video/mp4"),
	SIGNATURE("3gp", "video/3gpp"), /* 3GPP TS 26.244 section 5.4 */
	SIGNATURE("3gr", "video/3gpp"),
	SIGNATURE("3gs", "video/3gpp"),
	SIGNATURE("3ge", "video/3gpp"),
	SIGNATURE("3gg", "video/3gpp"),
	SIGNATURE("qt  ", "video/quicktime"),
};

static const struct signature heif_brands[] = {
	SIGNATURE("heic", "image/heic"),
	SIGNATURE("heix", "image/heic"),
};

static size_t
number_at(struct span s, size_t at, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n = n << 8 | (unsigned char)s.p[at + i];
	return n;
}

static const char *
sniff_iso(struct span s)
{
	size_t size;

	if (!begins(s, 4, "ftyp", 4) || s.len < 16)
		return NULL;
	size = number_at(s, 0, 4);
	if (size < 16 || size > s.len)
		return NULL;
	/* "An image": of which coding say the compatible brands. */
	if (begins(s, 8, "mif1", 4)) {
		const char *type = NULL;

		for (size_t at = 16; type == NULL && at + 4 <= size; at += 4)
			type = BY_SIGNATURE(s, at, heif_brands);
		return type;
	}
	return BY_SIGNATURE(s, 8, brands);
}

/* -- WebM, which is Matroska whose DocType says so (RFC 8794 section 11.2) --------------------- */

static const char *
sniff_webm(struct span s)
{
	static const char doctype[] = "\x42\x82\x84webm";
	size_t len = sizeof(doctype) - 1;

	if (!begins(s, 0, "\x1a\x45\xdf\xa3", 4))
		return NULL;
	/* The header is short; its size says less than its end, so a bound of ours does. */
	for (size_t at = 4; at < 64; at++)
		if (begins(s, at, doctype, len))
			return "video/webm";
	return NULL;
}

/* -- MPEG audio, layer III (ISO/IEC 11172-3 section 2.4.1.3) ----------------------------------- */

/* The bytes of the frame that begins at `at`; 0 when there is none. */
static size_t
mpeg_frame(struct span s, size_t at)
{
	static const unsigned kbits[2][16] = {
		{ 0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0 },
		{ 0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0 },
	};
	static const unsigned hertz[4][4] = {
		{ 11025, 12000, 8000, 0 }, { 0 }, { 22050, 24000, 16000, 0 },
		{ 44100, 48000, 32000, 0 },
	};
	size_t head, version, rate, bits;

	if (s.len < at || s.len - at < 4)
		return 0;
	head = number_at(s, at, 4);
	if ((head & 0xffe60000) != 0xffe20000)
		return 0;
	version = head >> 19 & 3;
	rate = hertz[version][head >> 10 & 3];
	bits = 1000 * kbits[version != 3][head >> 12 & 15];
	if (rate == 0 || bits == 0)
		return 0;
	return (version == 3 ? 144 : 72) * bits / rate + (head >> 9 & 1);
}

static const char *
sniff_mpeg(struct span s)
{
	size_t first;

	/* ID3v2.4 section 3.1; MPEG audio is what bears such a tag. */
	if (begins(s, 0, "ID3", 3) && s.len >= 10 && s.p[3] >= 2 && s.p[3] <= 4 &&
	    (number_at(s, 6, 4) & 0x80808080) == 0)
		return "audio/mpeg";
	/* Eleven bits are no evidence; a second frame where the first ends is. */
	first = mpeg_frame(s, 0);
	return first != 0 && mpeg_frame(s, first) != 0 ? "audio/mpeg" : NULL;
}

/* -- vCard and iCalendar (RFC 6350 section 6.1.1, RFC 5545 section 3.4) ------------------------ */

static const char *
sniff_text(struct span s)
{
	static const struct {
		const char *line, *type;
	} lines[] = { { "BEGIN:VCARD", "text/vcard" }, { "BEGIN:VCALENDAR", "text/calendar" } };

	if (begins(s, 0, "\xef\xbb\xbf", 3))
		s = (struct span){ s.p + 3, s.len - 3 };
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct span rest = s;

		if (take_word(&rest, lines[i].line) &&
		    (take_char(&rest, '\r') || take_char(&rest, '\n')))
			return lines[i].type;
	}
	return NULL;
}

const char *
media_sniff(struct span bytes)
{
	static const char *(*const sniffers[])(struct span) = {
		sniff_start, sniff_riff, sniff_ogg, sniff_iso, sniff_webm, sniff_mpeg, sniff_text
	};
	const char *type = NULL;

	if (bytes.p == NULL)
		return NULL;
	for (size_t i = 0; type == NULL && i < sizeof(sniffers) / sizeof(sniffers[0]); i++)
		type = sniffers[i](bytes);
	return type;
}

/* -- Declared types ---------------------------------------------------------------------------- */

/* What servers call the same thing.  sniffed NULL: anything. */
static const struct {
	const char *declared, *sniffed;
} aliases[] = {
	{ "application/octet-stream", NULL },
	{ "binary/octet-stream", NULL },
	{ "image/jpg", "image/jpeg" },
	{ "image/pjpeg", "image/jpeg" },
	{ "image/x-png", "image/png" },
	{ "image/heif", "image/heic" },
	{ "audio/mp3", "audio/mpeg" },
	{ "audio/x-mp3", "audio/mpeg" },
	{ "audio/mpg", "audio/mpeg" },
	{ "audio/x-mpeg", "audio/mpeg" },
	{ "audio/mpeg3", "audio/mpeg" },
	{ "audio/x-mpeg-3", "audio/mpeg" },
	{ "audio/m4a", "audio/mp4" },
	{ "audio/x-m4a", "audio/mp4" },
	{ "audio/aac", "audio/mp4" },
	{ "audio/amr-nb", "audio/amr" },
	{ "audio/x-amr", "audio/amr" },
	{ "audio/3gpp", "audio/amr" },
	{ "application/ogg", "audio/ogg" },
	{ "audio/x-ogg", "audio/ogg" },
	{ "audio/opus", "audio/ogg" },
	{ "audio/vorbis", "audio/ogg" },
	{ "audio/speex", "audio/ogg" },
	{ "audio/x-speex", "audio/ogg" },
	{ "audio/flac", "audio/ogg" },
	{ "audio/wave", "audio/wav" },
	{ "audio/x-wav", "audio/wav" },
	{ "audio/vnd.wave", "audio/wav" },
	/* A container of either; which one it holds cannot be seen at its beginning. */
	{ "audio/mp4", "video/mp4" },
	{ "audio/m4a", "video/mp4" },
	{ "audio/x-m4a", "video/mp4" },
	{ "video/x-m4v", "video/mp4" },
	{ "application/mp4", "video/mp4" },
	{ "video/3gpp", "video/mp4" },
	{ "video/mp4", "video/3gpp" },
	{ "audio/3gpp", "video/3gpp" },
	{ "video/mp4", "video/quicktime" },
	{ "audio/webm", "video/webm" },
	{ "text/x-vcard", "text/vcard" },
	{ "text/directory", "text/vcard" },
	{ "text/plain", "text/vcard" },
	{ "text/x-vcalendar", "text/calendar" },
	{ "text/plain", "text/calendar" },
};

bool
media_type_agrees(const char *declared, const char *sniffed)
{
	struct span d = span_of(declared == NULL ? "" : declared);
	const char *end = memchr(d.p, ';', d.len);

	if (end != NULL)
		d.len = (size_t)(end - d.p);
	d = span_trim(d);
	if (d.len == 0 || span_caseeq(d, span_of(sniffed)))
		return true;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (span_caseeq(d, span_of(aliases[i].declared)) &&
		    (aliases[i].sniffed == NULL || strcmp(aliases[i].sniffed, sniffed) == 0))
			return true;
	return false;
}
