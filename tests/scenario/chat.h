/* Lines to the bot and its answers, and deeds that can be done in chat or by a form. */
#ifndef LATERD_TESTS_SCENARIO_CHAT_H
#define LATERD_TESTS_SCENARIO_CHAT_H

#include "world.h"

#define BALCONY JULIET "/balcony"
#define ADMIN   "admin@example.org"
#define DESK    ADMIN "/desk"
#define NURSE   "nurse@example.org"
#define KITCHEN NURSE "/kitchen"

/* A message.  From the balcony to the bot, of type chat, with an id of its own, unless said otherwise. */
struct line {
	const char *from, *to, *type, *id, *thread;
	const char *replaces; /* the id of the one it corrects */
	const char *extra;    /* XML beside the body */
	const char *text;     /* NULL: no body */
};

/* world_line(w, .text = "list", .thread = "t1") gives its id. */
#define world_line(w, ...) world_write((w), (struct line){ __VA_ARGS__ })
const char *world_write(struct world *w, struct line line);

/* A line of somebody (NULL: the balcony), and all that the bot says to it, a blank line between; "" when it is silent. */
const char *world_chat(struct world *w, const char *from, const char *line);
/* What the bot said to a full JID in the messages from w->heard[since] on, and how many of them had a text. */
const char *world_said(struct world *w, const char *to, size_t since);
size_t world_answers(const struct world *w, const char *to, size_t since);
/* It says these words in one message to a bare or full JID, at least once since then. */
bool world_heard(const struct world *w, const char *to, const char *words, size_t since);

/* A medium behind an https link. */
#define LINK "https://upload.example.org/a.png"
#define PNG  "\x89PNG\r\n\x1a\n-picture"
/* Starts with a gateway for MMS, and the medium behind LINK. */
void world_start_with_mms(struct world *w);
/* How many packets there are, but for the bot's. */
int64_t world_packets(struct world *w);
/* The line is answered with these words, and not stored. */
const char *world_asks(struct world *w, const char *line, const char *words);
/* By the admin, in one round trip, and it is done. */
struct answer world_operate(struct world *w, struct ask ask);
#define DONE(w, command, ...) world_operate((w), (struct ask){ .node = (command), .fields = { __VA_ARGS__ } })
/* What the bot has told the admin: how many of its messages say this. */
size_t world_told_admin(const struct world *w, const char *words);

/* "#1" is the id of the first packet of somebody else than the bot, as far as there is one. */
const char *world_with_ids(struct world *w, const char *text);
/* All ids are "#": what two worlds say can be compared. */
const char *world_without_ids(struct world *w, const char *text);

/* The rows that two ways of doing the same may not leave different, the words of the log of each packet included. */
const char *world_snapshot(struct world *w);

/* What can be done by a form, and in chat.  Strings may have "#1". */
struct deed {
	const char *name;
	void (*before)(struct world *w); /* sets up and starts; NULL: world_start */
	const char *from;                /* NULL: the balcony */
	const char *node;
	const char *fields[16];
	const char *lines[8];            /* up to NULL; the last answer is the result */
	const char *says;                /* the result; NULL: anything */
	void (*after)(struct world *w);  /* what has to be so; NULL: nothing special */
	bool in_rows;                    /* the fields say all that the note does, and chat says it once */
	bool by_itself;                  /* the result tells what the two worlds differ in */
};

/* Do it in a world by the form, in another one in chat: the results, the stores, and what leaves in the next hour are alike. */
void world_both_ways(const struct deed *d);
/* Refuse it as a form and in chat: the condition, and nothing has happened. */
void world_refused_both_ways(struct world *w, const struct deed *d, const char *condition);

/* The nodes that disco#items gives to somebody, each with a space before and after. */
const char *world_nodes(struct world *w, const char *from);

#endif
