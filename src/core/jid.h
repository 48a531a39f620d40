/*
 * XMPP addresses (RFC 7622), and the form in which recipients see a user through us:
 * juliet%example.org@later.example.org.
 */
#ifndef LATERD_CORE_JID_H
#define LATERD_CORE_JID_H

#include "base/buf.h"

#define JID_PART_MAX 1023
#define JID_BARE_MAX (2 * JID_PART_MAX + 1)
#define JID_FULL_MAX (3 * JID_PART_MAX + 2)

/* Canonical parts; an absent local part or resource is "". */
struct jid {
	char local[JID_PART_MAX + 1];
	char domain[JID_PART_MAX + 1];
	char resource[JID_PART_MAX + 1];
	char bare[JID_BARE_MAX + 1]; /* [local@]domain */
};

/*
 * Parse and prepare an address: the local part by Nodeprep, the domain by Nameprep (a trailing dot
 * is dropped), the resource by Resourceprep (libidn, as Prosody and ejabberd do), each at most 1023
 * bytes before and after, and not empty where its separator stands.  Of ASCII a domain has letters,
 * digits, '-', '_' and '.' only (so no '%'), no empty label, and no label above 63 bytes where it
 * is all ASCII; or it is a bracketed IPv6 literal.  RES_INVALID otherwise, with every part of out
 * empty; RES_NOMEM.
 */
enum res jid_parse(struct jid *out, struct span text);
/* The same, from a string; NULL is RES_INVALID. */
enum res jid_parse_text(struct jid *out, const char *text);

/*
 * Unicode 3.2 has every character of this prepared bare address, as stringprep wants it of those
 * that are stored: ejabberd refuses others.
 */
bool jid_is_assigned(const char *bare);

/* local@domain[/resource] or domain[/resource]. */
enum res jid_print(struct buf *out, const struct jid *jid);

/*
 * "user%domain@component" for the bare address user@domain.  RES_INVALID when it has no user, or
 * when the local part would pass 1023 bytes or is none by Nodeprep (an IPv6 literal, or letters of
 * both directions).
 */
enum res jid_alias(struct buf *out, const char *user_bare, const char *component);
/*
 * The inverse: the user behind the local part "user%domain", split at the last '%'.  RES_INVALID
 * when that is not, byte for byte, the local part of the alias that jid_alias makes of the user:
 * so each user has one alias, and an alias leads to one user.  On anything but RES_OK every part of
 * out is empty.
 */
enum res jid_of_alias(struct jid *out, const char *local);

#endif
