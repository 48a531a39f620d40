/*
 * Conversations in chat: lines that run the service's commands, and the questions in between.  It
 * knows neither stanzas nor the stream.
 */
#ifndef LATERD_XMPP_TALK_H
#define LATERD_XMPP_TALK_H

#include "base/clock.h"
#include "core/command.h"
#include "core/zone.h"

struct talk_bounds {
	int64_t idle_ms;   /* a question is forgotten after so long: 10 minutes */
	size_t total;      /* users remembered; the one silent for longest gives way: 10000 */
	size_t bytes;      /* of what is remembered of all of them: 64 MiB */
	size_t queue;      /* lines of one user that wait for an earlier one (REPLY_LATER): 20 */
	size_t waiting;    /* users who have one that waits: 200 */
	int64_t later_ms;  /* so long a line may wait, however often it is put off: 60 s */
	unsigned burst;    /* lines a user may send at once: 30 */
	int64_t refill_ms; /* until there may be one more: 1 s */
};

extern const struct talk_bounds talk_bounds_default;

struct talks;

/* What it needs of its surroundings; all borrowed. */
struct talks_env {
	const struct clock *clock;
	struct timers *timers;
	const struct zone *zone; /* the server's */
	const struct command_ops *ops;
	struct commands *commands;
	/* Say this to them, in answer to a line that came by `via`. */
	void (*say)(void *arg, const struct asker *to, const char *via, const char *text);
	/* An answer could not be made for want of memory. */
	void (*failed)(void *arg);
	void *arg;
};

/* Borrowed for the call. */
struct talk_line {
	const struct asker *who;
	const char *id;       /* of its stanza; "" */
	const char *replaces; /* XEP-0308: the id of the line that this one corrects; "" */
	const char *via;      /* what `say` needs to know of it; not read here */
	struct span text;     /* hostile */
	bool encrypted;       /* `text` cannot be read, and they are told so */
};

/* Bounds and env are copied.  NULL without memory. */
struct talks *talks_new(const struct talk_bounds *bounds, const struct talks_env *env);
void talks_free(struct talks **t);
/* Another zone from now on; borrowed. */
void talks_configure(struct talks *t, const struct zone *zone);

enum talk_verdict {
	TALK_HEARD,   /* it is, or will be, answered by `say` */
	TALK_REFUSED, /* they may not use the service: `refusal` says why, as for a stanza error */
	TALK_IGNORED  /* too fast, or one more that is of no use, and they have been told so */
};

/*
 * One line of a user (of their bare JID: a conversation goes on from another client; answers go to
 * the full JID that wrote the line).
 *
 * A line is a command (core/chat.h), `help`, `help <command>`, or the answer to the question that
 * is open; `abort` ends that.  A command without anything behind it is run at COMMAND_ASK, with
 * something at COMMAND_CHECK.  Fields that the form it replies with requires, and that were not
 * given, are asked for one at a time, in the order of the form, and boolean ones as well; a field
 * that was wrong (reply.wrong) is asked again, unless it is a boolean one that was answered no.
 * After each answer comes COMMAND_CHECK; a REPLY_CONFIRM that `asks` is shown and asked yes or no,
 * any other is done at once.  While yes or no is awaited, another command takes the place of the
 * one that waits, and they are told so; `help` does not.  While a field is asked for, only a
 * command with a time and an address behind it does (chat_is_message): it must not be sent as a
 * text.  A form with nothing missing that comes back without an error (settings, edit ID) is shown
 * with the command's usage.
 *
 * A word that is no command: the nearest one they may use is suggested.  A correction of the last
 * line takes its place, as if that had not been written: what it scheduled (hidden fields `id` of
 * the result, unless the line itself named a message) is cancelled first, and when that is too late
 * they are told so and the new line is not run; where it was an answer, the question is answered
 * anew, unless what came of it cannot be taken back; what a command did otherwise stays done, and
 * they are told so.  Any other correction is refused with the reason.
 *
 * A line while an earlier one waits (REPLY_LATER) is queued.  More lines than the rate allows are
 * refused once, with when to go on, and then ignored until it is allowed again.  After ten lines in
 * a row that are neither a command nor an answer that can be used, what was asked is dropped, and
 * more of them are ignored: a machine that answers answers would go on for ever.  What is too long
 * for one message is said in several.
 */
enum talk_verdict talks_hear(struct talks *t, const struct talk_line *line, struct reply *refusal);
/* Go on with the line whose REPLY_LATER had this ticket; nothing when there is none. */
void talks_resume(struct talks *t, uint64_t ticket);
/* The turn is on disk. */
void talks_committed(struct talks *t);
/*
 * It could not be written: whoever wrote or was answered in it is told that nothing of it happened
 * (`say`, within this call), and the questions that were open in it are closed.
 */
void talks_failed(struct talks *t);
/*
 * The stream is gone: who was answered in this turn does not know of it, and their questions are
 * closed.  Who waits is answered on the next stream.
 */
void talks_forget(struct talks *t);
/* Forgets who has been silent; to be called now and then.  How many are remembered. */
size_t talks_sweep(struct talks *t);

#endif
