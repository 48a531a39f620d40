/*
 * MM7 messages in SOAP 1.1 (3GPP TS 23.140 section 8.7): written in one way, and read by local
 * names, because the namespace of the other side may be another than ours.
 */
#ifndef LATERD_GATEWAY_SOAP_H
#define LATERD_GATEWAY_SOAP_H

#include "base/buf.h"

#define SOAP_MAX       ((size_t)64 << 10) /* bytes of a message that is read */
#define SOAP_DEPTH     16
#define SOAP_ELEMENTS  512
#define SOAP_NAME_MAX  64                 /* bytes of a local name */

/* -- Reading ----------------------------------------------------------------------------------- */

struct soap_element {
	const char *name; /* local */
	const char *text; /* what stands behind its last child, trimmed; "" */
	struct soap_element *parent, *first, *last, *next;
};

/* Zeroed is empty. */
struct soap {
	struct arena arena;
	const struct soap_element *message; /* the first element in the Body */
	const char *transaction_id;         /* NULL: none */
};

/*
 * Read an envelope: of a text/xml body, or the root of a multipart/related one, which is its first
 * part.  content_type may be absent.  RES_INVALID: it is no such thing, it has a DOCTYPE (so there
 * are no entities to expand), or it passes one of the bounds above; RES_NOMEM.  soap_free in any
 * case.
 */
enum res soap_read(struct soap *out, struct span content_type, struct span body);
void soap_free(struct soap *s);
/* Follow "Status/StatusCode" from an element (may be NULL), by the first of each name. */
const struct soap_element *soap_find(const struct soap_element *from, const char *path);
/* Its text, or NULL. */
const char *soap_text(const struct soap_element *from, const char *path);

/* -- Writing: errors stay in the buffer, as ever ----------------------------------------------- */

/* Up to and with the start tag of the message.  transaction_id NULL: without a header. */
void soap_begin(struct buf *out, const char *ns, const char *transaction_id, const char *message);
/* The end tag of the message, and the rest. */
void soap_end(struct buf *out, const char *message);
void soap_open(struct buf *out, const char *name);
void soap_close(struct buf *out, const char *name);
/* An element with text; nothing at all for NULL.  text: xml_text_valid. */
void soap_add(struct buf *out, const char *name, const char *text);
/* A Fault with an RSErrorRsp of this status (section 8.4.5.2). */
void soap_fault(struct buf *out, const char *ns, const char *version, const char *transaction_id,
    const char *code, const char *words);

#endif
