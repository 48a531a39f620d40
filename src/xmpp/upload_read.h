/* What upload services and those who list them say (XEP-0363, XEP-0030), as it is read. */
#ifndef LATERD_XMPP_UPLOAD_READ_H
#define LATERD_XMPP_UPLOAD_READ_H

#include <strophe.h>

#include "core/jid.h"
#include "core/ports.h"

#define NS_UPLOAD "urn:xmpp:http:upload:0"

#define UPLOAD_URL_MAX    2000
#define UPLOAD_HEADER_MAX 4096 /* bytes of a value */

/*
 * The answer to disco#info is that of an upload service.  max_size: the bytes that it takes at
 * most, by the form of XEP-0128; 0: it does not say.
 */
bool upload_read_service(xmpp_stanza_t *iq, int64_t *max_size);
/*
 * The next address in an answer to disco#items, from *item on, which begins as NULL and is moved;
 * items that are nodes of an address, and what is no address, are left out.  False at the end.
 */
bool upload_read_item(xmpp_stanza_t *iq, xmpp_stanza_t **item, struct jid *jid);
/*
 * The answer to a request for a slot; out borrows from it and from a.  RES_INVALID: it has not both
 * URLs, one of them is not http or https, is too long or has characters that RFC 3986 does not
 * allow, or a header that has to be sent cannot be: its value is empty, too long or has characters
 * that no header has, or there are more than SLOT_HEADERS_MAX of the three names that XEP-0363
 * section 5 allows.  Others are ignored, and line ends are taken out, as it says there.
 */
enum res upload_read_slot(xmpp_stanza_t *iq, struct arena *a, struct slot *out);
/*
 * The reason why a service gives no slot for `size` bytes, in a sentence for the sender.  max_size:
 * what it said of itself, or 0.  RES_INVALID: it would say so again; RES_TEMPFAIL: not for ever.
 */
enum res upload_read_error(xmpp_stanza_t *iq, const char *service, size_t size, int64_t max_size,
    struct buf *words);
/* The error of an iq says that it might be different later. */
bool upload_is_wait(xmpp_stanza_t *iq);
/* It says so of the file, or of the room that is left, and would say the same to somebody else. */
bool upload_is_final(xmpp_stanza_t *iq);
/* max_size 0: unknown. */
void upload_say_too_large(
    struct buf *words, const char *service, size_t size, int64_t max_size);

#endif
