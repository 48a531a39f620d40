/*
 * JSON bodies as templates: the text is parsed once, and every string value of the tree is a
 * template of its own, so that no value can change the structure.  Names of members are literal.
 *
 * Media: an array whose only member is a string with {media}, {type} or {n} gets one such member a
 * medium; so does a member of an array that is an object or an array and has one of them, not
 * within an array that is filled in this way itself.  Elsewhere they are those of the first medium,
 * so that a tree without such an array has room for one.
 */
#ifndef LATERD_GATEWAY_TREE_H
#define LATERD_GATEWAY_TREE_H

#include <jansson.h>

#include "gateway/template.h"

#define TREE_DEPTH_MAX 32

/*
 * Parse an object or an array; the placeholders in it are added to *places.  RES_INVALID with the
 * reason in `why`; RES_NOMEM.
 */
enum res tree_parse(json_t **out, const char *text, unsigned *places, struct buf *why);
/* It has room for any number of media. */
bool tree_repeats(json_t *tree);
/*
 * A new tree with the values, which must be UTF-8 (RES_INVALID).  A member that is one placeholder
 * whose value is absent is left out, and so is an object or an array that had nothing else.
 * RES_NOTFOUND: that would leave nothing at all; RES_NOMEM.
 */
enum res tree_fill(json_t **out, const json_t *tree, const struct template_values *v);
/* Append the tree as text.  RES_NOMEM. */
enum res tree_print(struct buf *out, const json_t *tree);

#endif
