/*
 * What the parts of a conversation share: talk.c holds it, talk_run.c runs its commands,
 * talk_help.c explains them, talk_say.c says what came of it, talk_table.c remembers whom it is
 * held with, within bounds.
 */
#ifndef LATERD_XMPP_TALK_PRIVATE_H
#define LATERD_XMPP_TALK_PRIVATE_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "xmpp/talk.h"

/* A line that is remembered; its strings lie behind it. */
struct kept_line {
	struct talk_line line; /* without `who` */
	const char *resource;  /* of who wrote it */
	struct kept_line *prev, *next;
	size_t bytes;
	char strings[];
};

/* A command that goes on later, with what is known of its form.  It never changes. */
struct step {
	unsigned refs;
	const struct command_info *cmd;
	enum command_stage stage; /* the one to be run */
	struct form in;
	struct form asked;        /* the one field that is asked for; none: yes or no */
	size_t bytes;
};

struct user {
	char *bare;
	int64_t since;         /* monotonic: something was heard of them, or said to them */
	int64_t paid_until;    /* the rate: each line moves it on by refill_ms */
	bool warned;           /* that they write too fast */
	unsigned strange;      /* lines in a row of which nothing could come */
	struct step *open;     /* the question that was asked; NULL: none */

	/* The last line: what a correction takes back. */
	struct kept_line *last; /* without its text; NULL: none */
	struct step *before;    /* the question that was open then */
	struct step *made;      /* the command that cancels what it scheduled; NULL: nothing */
	bool done;              /* something else was done */

	/* The last line again, while it waits (REPLY_LATER). */
	struct step *waiting;   /* NULL: it does not */
	uint64_t ticket;
	int64_t until;
	unsigned runs;
	struct kept_line *queue; /* what was written meanwhile */
	size_t nqueue;

	bool young;             /* heard or answered in this turn */
	struct user *prev, *next;             /* by `since`, oldest first */
	struct user *young_prev, *young_next;
	struct user *wait_prev, *wait_next;
	UT_hash_handle hh;
};

struct talks {
	struct talk_bounds bounds;
	struct talks_env env;
	struct user *by_bare;
	struct user *users, *young, *waiting;
	size_t nusers, nwaiting, bytes;
	struct timer timer; /* the first of those who wait has waited too long */
};

/* One line, while it is heard or run. */
struct hearing {
	struct talks *t;
	struct user *u;
	const struct asker *who;
	const char *via;
	struct buf out;  /* the answer */
	bool strange;    /* it is no command, and no answer that could be used */
	bool failed;     /* without memory */
};

/* -- talk_table.c ------------------------------------------------------------------------------ */

/* NULL when they are not remembered, or, of user_get, without memory. */
struct user *user_find(struct talks *t, const char *bare);
struct user *user_get(struct talks *t, const char *bare);
/* Out of all lists, and freed. */
void user_free(struct talks *t, struct user *u);
/* They are the youngest, and of this turn. */
void user_touch(struct talks *t, struct user *u);
/* Who they are when they write from that resource. */
void user_asker(const struct user *u, const char *resource, struct asker *out);
/* Nothing is asked, waits, or can be corrected any more. */
void user_reset(struct talks *t, struct user *u);

/* A copy of line, without its text where `whole` is false.  NULL without memory. */
struct kept_line *line_keep(struct talks *t, const struct talk_line *line, bool whole);
void line_free(struct talks *t, struct kept_line **line);

/*
 * A step with copies of `in` (NULL: nothing) and of the field `asked` (NULL: none), and one
 * reference to it.  NULL without memory.
 */
struct step *step_new(struct talks *t, const struct command_info *cmd, enum command_stage stage,
    const struct form *in, const struct field *asked);
/* NULL is borne. */
struct step *step_ref(struct step *s);
/* One reference less; *s is NULL then. */
void step_drop(struct talks *t, struct step **s);
/* Names and values, without what readers of the form have put into its arena. */
enum res step_copy(struct form *out, const struct form *form);

/* -- talk_say.c -------------------------------------------------------------------------------- */

/* Say the answer, and end h; without memory it is env.failed. */
void talk_finish(struct hearing *h);
/* Say this to them wherever their last line came from. */
void talk_tell(struct talks *t, const struct user *u, const char *text);

/* -- talk_run.c -------------------------------------------------------------------------------- */

/* Run a stage, and what follows from its reply.  ticket: of the REPLY_LATER it is run again for. */
void talk_run(struct hearing *h, const struct command_info *cmd, enum command_stage stage,
    struct form *in, uint64_t ticket);
/* The question that is open, once more. */
void talk_ask_again(struct hearing *h);
/* What the last line scheduled is cancelled; false when it cannot be, and the answer says so. */
bool talk_cancel_made(struct hearing *h);
/* They wait no more. */
void talk_wait_end(struct talks *t, struct user *u);

/* -- talk.c ------------------------------------------------------------------------------------ */

/* To be called when who waits, or how long, has changed. */
void talk_set_timer(struct talks *t);

/* -- talk_help.c ------------------------------------------------------------------------------- */

/* `help`, or help for the word that `topic` begins with. */
void talk_help(struct hearing *h, struct span topic);
/* There is no such command, but perhaps one that is nearly called so. */
void talk_unknown(struct hearing *h, const char *word);
/* How the command is written, and which fields may be named in it. */
void talk_usage(struct hearing *h, const struct command_info *cmd);

#endif
