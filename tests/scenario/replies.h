/* Who knows whom through us, what they write to each other's alias, and what becomes of it. */
#ifndef LATERD_TESTS_SCENARIO_REPLIES_H
#define LATERD_TESTS_SCENARIO_REPLIES_H

#include "chat.h"

#define ORCHARD   ROMEO "/orchard"
#define MALLORY   "mallory@example.net"
#define TO_JULIET "juliet%example.org@" COMPONENT
#define TO_ROMEO  "romeo%example.net@" COMPONENT

/* Starts; Juliet has written to Romeo a minute ago, and nothing of it is in w->heard any more.  The id of that packet. */
const char *world_acquaint(struct world *w);
/* Romeo writes to Juliet's alias; each of them says something there. */
#define reply_of_romeo(w, ...) world_line((w), .from = ORCHARD, .to = TO_JULIET, __VA_ARGS__)
void answer_juliet(struct world *w);
void answer_romeo(struct world *w);

/* The only message that was heard is an error for them, with words, and of this condition unless that is NULL. */
const struct heard *world_refused(struct world *w, const char *to, const char *condition);
/* What is written is refused like that; it reaches somebody, and nothing else is said.  Nothing heard is kept. */
void world_is_refused(struct world *w, void (*write)(struct world *w), const char *writer, const char *condition);
void world_is_relayed(struct world *w, void (*write)(struct world *w), const char *to);
/* How many messages to them are no errors, and how many are errors of this condition. */
size_t world_passed(const struct world *w, const char *to);
size_t world_errors(const struct world *w, const char *to, const char *condition);

#endif
