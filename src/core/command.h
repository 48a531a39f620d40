/*
 * Commands as the outside sees them.  They are declared once, in service/commands.c; XEP-0050 and
 * chat both read the declaration and run the one handler.
 */
#ifndef LATERD_CORE_COMMAND_H
#define LATERD_CORE_COMMAND_H

#include <stdint.h>

#include "core/form.h"
#include "core/jid.h"

enum command_stage {
	COMMAND_ASK,   /* nothing filled in yet: give the form, or do what needs none */
	COMMAND_CHECK, /* the form is filled in: show what would happen */
	COMMAND_DO     /* do it */
};

enum reply_kind {
	REPLY_FORM,    /* a form to fill in, perhaps again: `note` says what was wrong */
	REPLY_CONFIRM, /* what would happen, in fixed fields; COMMAND_DO follows */
	REPLY_DONE,    /* over: `note`, perhaps a result form */
	REPLY_REFUSED, /* a stanza error: `condition`, `error_type`, and `note` as its text */
	/*
	 * It takes time: the same stage is to be run again, with the same asker and form, when
	 * messenger_ops.resume names `ticket`.  Nothing is answered until then.
	 */
	REPLY_LATER
};

enum note_type { NOTE_INFO, NOTE_WARN, NOTE_ERROR };

struct reply {
	enum reply_kind kind;
	enum note_type note_type;
	struct buf note;        /* plain text; empty: no note */
	struct form form;       /* no fields: no form */
	const char *condition;  /* RFC 6120 section 8.3.3, e.g. "forbidden" */
	const char *error_type; /* "auth", "cancel", "modify", "wait" */
	uint64_t ticket;        /* of REPLY_LATER; when a stage is run again, the one it is run for */
};

void reply_free(struct reply *r);
/* Makes r a refusal; words go to the note, replacing it. */
void reply_refuse(
    struct reply *r, const char *condition, const char *error_type, const char *words);

/* Who asks: the server vouches for the address (it stamps `from`). */
struct asker {
	struct jid jid;
};

struct commands; /* the service behind the verbs */

struct command_info {
	const char *name;  /* XEP-0050 node and chat word */
	const char *title; /* for people */
	bool has_form;     /* false: COMMAND_ASK already does it */
};

struct command_ops {
	/* The i-th command this asker may execute, counting from 0; NULL past the last. */
	const struct command_info *(*visible)(
	    struct commands *c, const struct asker *who, size_t i);
	/* The declaration of a node, whoever asks; NULL when there is none. */
	const struct command_info *(*find)(struct commands *c, struct span name);
	/*
	 * Run one stage.  `in` is what was submitted (any fields, hostile; NULL at COMMAND_ASK).
	 * At COMMAND_CHECK values in it may be replaced by what they mean ("in 5 minutes" by the
	 * instant), so that COMMAND_DO does what was confirmed. reply is zeroed by the caller, but
	 * for the ticket it is run again for, and reply_free'd by it.  Whatever the reply says has been done only counts once the turn is
	 * committed (ports.h); the caller holds the answer back until then.
	 */
	void (*run)(struct commands *c, const struct asker *who, const struct command_info *cmd,
	    enum command_stage stage, struct form *in, struct reply *reply);
};

#endif
