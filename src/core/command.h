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
	const char *wrong;      /* of a REPLY_FORM that says what was wrong: the field; NULL: no single one */
	bool asks;              /* of a REPLY_CONFIRM: it costs money or cannot be undone, so chat asks too */
	bool repeats;           /* of a REPLY_DONE: `note` says all that the form says */
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

/* What stands at one place of a chat line behind the command's name, and the field it fills. */
enum place_kind {
	PLACE_END = 0,
	PLACE_WORD,      /* one word */
	PLACE_WORDS,     /* each word, they may be separated by commas as well, is a value of the field */
	PLACE_REST,      /* all that is left, new lines included */
	PLACE_FIELD,     /* the name of one of `settable`, then its value: all that is left */
	PLACE_ADDRESSES, /* <when> <to>[,<to>…] <text>: when, to, body; addresses are JIDs */
	PLACE_NUMBERS,   /* the same, and addresses are numbers; https links at the end are `media` if
	                    that is settable */
	PLACE_REMINDER   /* <when> <text>: when, body */
};

struct place {
	enum place_kind kind;
	const char *var; /* of the first three */
};

#define PLACES_MAX 3

struct command_info {
	const char *name;  /* XEP-0050 node and chat word */
	const char *title; /* for people */
	bool has_form;     /* false: COMMAND_ASK already does it */
	bool chat_only;    /* no node */
	/* Chat (core/chat.h): */
	struct place places[PLACES_MAX + 1];
	/*
	 * Fields, separated by spaces, that may also be written as name=value, with quotes around a
	 * value that has spaces, in front of each place, among PLACE_WORDS, and among the words of a
	 * time in front of addresses.  NULL: none.
	 */
	const char *settable;
	const char *usage; /* "im <when> <to>[,<to>…] <text>" */
	const char *help;  /* what it does, with examples, a line each */
};

struct command_ops {
	/* The i-th command this asker may execute, counting from 0; NULL past the last. */
	const struct command_info *(*visible)(
	    struct commands *c, const struct asker *who, size_t i);
	/*
	 * May they use any command at all, or the one of this name?  False with the refusal in
	 * `refusal`, which is zeroed by the caller and reply_free'd by it.
	 */
	bool (*admit)(struct commands *c, const struct asker *who, struct span name,
	    struct reply *refusal);
	/* The declaration of a node or chat word, whoever asks; NULL when there is none. */
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
