/*
 * XEP-0004 data forms, by the rules of real clients (doc/protocol.md): one value a fixed field, a
 * var for each, a type for each.
 */
#ifndef LATERD_XMPP_FORM_H
#define LATERD_XMPP_FORM_H

#include <strophe.h>

#include "core/form.h"

#define NS_DATA "jabber:x:data"

/*
 * Adds <x type='form'|'result'> with the form's content to parent.  Fixed fields without a var get
 * one of their own.
 */
enum res xform_write(xmpp_stanza_t *parent, const struct form *f, const char *type);
/*
 * Reads <x type='submit'>: every field with a var, its values in order; fixed fields are left out,
 * because clients send ours back.  At most 64 fields and 2000 values in all; characters that XML
 * forbids cannot be there.  RES_INVALID: not a submitted form, or beyond these bounds.  RES_NOMEM.
 */
enum res xform_read(xmpp_stanza_t *x, struct form *out);

#endif
