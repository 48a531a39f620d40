/* A form as data: what commands give and take, whether it travels as XEP-0004 or as chat. */
#ifndef LATERD_CORE_FORM_H
#define LATERD_CORE_FORM_H

#include <stdbool.h>

#include "base/buf.h"

enum field_type {
	FIELD_FIXED,
	FIELD_HIDDEN,
	FIELD_TEXT,
	FIELD_TEXT_MULTI,
	FIELD_LIST,
	FIELD_LIST_MULTI,
	FIELD_BOOLEAN,
	FIELD_END
};

struct option {
	const char *value, *label;
	struct option *next;
};

struct value {
	const char *text;
	struct value *next;
};

struct field {
	enum field_type type;
	const char *var, *label; /* label may be NULL */
	const char *desc;        /* a hint; may be NULL */
	bool required;
	struct value *values, *last_value;
	struct option *options, *last_option;
	struct field *next;
};

/*
 * Everything lives in the arena; zeroed is empty.  An out-of-memory shows in arena.failed, and
 * every function bears NULL.
 */
struct form {
	struct arena arena;
	const char *title, *instructions;
	struct field *fields, *last;
};

struct field *form_add(struct form *f, enum field_type type, const char *var, const char *label);
/* Append a value, an option; text is copied.  A text-multi value is one line. */
void form_value(struct form *f, struct field *fd, const char *text);
void form_option(struct form *f, struct field *fd, const char *value, const char *label);
/*
 * text cut at its line ends (LF, CRLF or CR) into one value a line, none for an empty text: for
 * text-multi.  The last of FORM_LINES_MAX values has all that is left, line ends included, because
 * each value is an element of the answer.
 */
#define FORM_LINES_MAX 500
void form_lines(struct form *f, struct field *fd, struct span text);

/* How many values the field has. */
size_t form_count(const struct field *fd);

struct field *form_find(const struct form *f, const char *var);
/* The first value of the field, or "" when there is no such field or it has no value. */
const char *form_get(const struct form *f, const char *var);
/* All values joined by LF, in the form's arena; "" when there are none. */
const char *form_get_lines(struct form *f, const char *var);
/* The field, which is made when there is none, has this one value from now on; text is copied. */
void form_set(struct form *f, const char *var, const char *text);
void form_free(struct form *f);

#endif
