/*
 * Dotted paths into JSON, like "errors.0.code": each component is a member of an object, or an
 * index into an array.
 */
#ifndef LATERD_GATEWAY_PATH_H
#define LATERD_GATEWAY_PATH_H

#include <jansson.h>

#include "base/buf.h"

#define PATH_DEPTH_MAX 32

/* Between 1 and PATH_DEPTH_MAX components, none of them empty. */
bool path_is(const char *path);
/* What stands there, borrowed from root; NULL when nothing does.  root may be NULL. */
json_t *path_find(json_t *root, const char *path);
/*
 * Append a string, an integer or a boolean ("true", "false") as text.  RES_NOTFOUND when there is
 * none of these, RES_NOMEM.
 */
enum res path_text(json_t *root, const char *path, struct buf *out);
/*
 * Put text there, in place of what it has.  RES_NOTFOUND when what is to contain it is not there;
 * RES_NOMEM.
 */
enum res path_set(json_t *root, const char *path, const char *text);

#endif
