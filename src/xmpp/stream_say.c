#include "xmpp/stream_say.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/parse.h"
#include "xmpp/parser.h"
#include "xmpp/stanza.h"

#define PING_ID "keepalive-"

/* Shorter ones come in two pieces at most, of which expat looks at the second. */
#define LONG_TAG 1024

void
stream_say_header(struct buf *out, const char *address)
{
	buf_text(out, "<?xml version='1.0'?><stream:stream xmlns='" NS_COMPONENT
	    "' xmlns:stream='" NS_STREAM "' to='");
	xml_escape(out, span_of(address));
	buf_text(out, "'>");
}

/* The SHA-1 of stream id and secret, in lower-case hexadecimal digits. */
enum res
stream_say_handshake(struct buf *out, const char *stream_id, const char *secret)
{
	struct buf text = { 0 };
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0, i;
	enum res r = RES_OK;

	buf_text(&text, stream_id);
	buf_text(&text, secret);
	if (text.failed)
		r = RES_NOMEM;
	else if (EVP_Digest(buf_str(&text), text.len, digest, &len, EVP_sha1(), NULL) != 1)
		r = RES_PERMFAIL;
	buf_free(&text);
	if (r != RES_OK)
		return r;
	buf_text(out, "<handshake>");
	for (i = 0; i < len; i++)
		buf_printf(out, "%02x", digest[i]);
	buf_text(out, "</handshake>");
	return out->failed ? RES_NOMEM : RES_OK;
}

void
stream_say_ping(struct buf *out, unsigned number, const char *from, const char *to)
{
	buf_printf(out, "<iq type='get' id='" PING_ID "%u' from='", number);
	xml_escape(out, span_of(from));
	buf_text(out, "' to='");
	xml_escape(out, span_of(to));
	buf_text(out, "'><ping xmlns='urn:xmpp:ping'/></iq>");
}

bool
stream_say_is_pong(xmpp_stanza_t *st)
{
	const char *type = stanza_attr(st, "type");

	return stanza_is(st, "iq", NULL) &&
	    strncmp(stanza_attr(st, "id"), PING_ID, sizeof(PING_ID) - 1) == 0 &&
	    (strcmp(type, "result") == 0 || strcmp(type, "error") == 0);
}

static size_t
paid(size_t owed, size_t bytes)
{
	return owed > bytes ? owed - bytes : 0;
}

/* In texts and attributes of ours both brackets are escaped. */
size_t
stream_say_owed(size_t owed, struct span xml)
{
	const char *tag, *end, *p = xml.p, *all = xml.p + xml.len;
	size_t len;

	while ((tag = memchr(p, '<', (size_t)(all - p))) != NULL &&
	    (end = memchr(tag, '>', (size_t)(all - tag))) != NULL) {
		len = (size_t)(++end - tag);
		owed = paid(owed, (size_t)(end - p));
		if (len > LONG_TAG && len > owed)
			owed = len;
		p = end;
	}
	return paid(owed, (size_t)(all - p));
}

void
stream_say_space(struct evbuffer *out, size_t owed)
{
	static const char space[] = "                                ";
	size_t n;

	for (; owed > 0; owed -= n) {
		n = owed < sizeof(space) - 1 ? owed : sizeof(space) - 1;
		if (evbuffer_add(out, space, n) != 0)
			return;
	}
}
