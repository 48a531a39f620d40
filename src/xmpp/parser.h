/*
 * The incoming half of the component stream (XEP-0114): expat, with bounds that hold while parsing.
 * libstrophe's own parser is quadratic in siblings and in text chunks, which a remote user could
 * use to stall us.
 */
#ifndef LATERD_XMPP_PARSER_H
#define LATERD_XMPP_PARSER_H

#include <strophe.h>

#include "base/buf.h"

#define NS_STREAM    "http://etherx.jabber.org/streams"
#define NS_COMPONENT "jabber:component:accept"

struct parser_bounds {
	size_t bytes;      /* of one stanza as it stands on the wire */
	size_t elements;   /* of one stanza, itself included */
	/* Of one element, runs of text included: libstrophe walks them all to add one. */
	size_t children;
	size_t depth;      /* of one stanza, itself being 1 */
	size_t attributes; /* of one element */
	/* Of one incomplete tag, which expat must keep; beyond it the stream ends. */
	size_t token;
};

/* 256 KiB, 3000, 2048, 32, 64, 4 MiB. */
extern const struct parser_bounds parser_bounds_default;

/* What is known of a stanza that was dropped; absent attributes are "". */
struct parser_dropped {
	char name[32], type[16], id[256];
	char from[3072], to[3072];
	/* "bytes", "elements", "children", "depth", "attributes", "namespace" (none, too long) */
	const char *why;
};

struct parser_events {
	/* The peer's stream header; id may be NULL. */
	void (*opened)(void *arg, const char *stream_id);
	/*
	 * A whole top-level element, namespaces set on every element, names without prefixes;
	 * borrowed for the call.  Of attributes with a prefix only those of xml: are kept.  Text is
	 * one node per run.  The parser may not be freed inside, but parser_stop may be called.
	 */
	void (*stanza)(void *arg, xmpp_stanza_t *stanza);
	/*
	 * A stanza passed a bound; the rest of it is skipped at expat's speed and the stream goes
	 * on.  One that goes on for 64 times the bound on bytes ends the stream.
	 */
	void (*dropped)(void *arg, const struct parser_dropped *dropped);
	/* </stream:stream>. */
	void (*closed)(void *arg);
};

struct parser;

/* ctx must outlive the parser.  NULL without memory. */
struct parser *parser_new(xmpp_ctx_t *ctx, const struct parser_bounds *bounds,
    const struct parser_events *events, void *arg);
void parser_free(struct parser **p);
/*
 * Feed bytes in pieces of any size.  RES_PERMFAIL: not well-formed, a DTD, comment or processing
 * instruction (RFC 6120 section 11.1), not a stream at all, or beyond what may be skipped;
 * parser_error then says which.  RES_NOMEM.  After either the parser takes no more.
 */
enum res parser_feed(struct parser *p, struct span bytes);
const char *parser_error(const struct parser *p);
/* From inside an event: nothing more is reported. */
void parser_stop(struct parser *p);

#endif
