/* What chat_address.c knows for chat.c: addresses and links among the words of a line. */
#ifndef LATERD_CORE_CHAT_PRIVATE_H
#define LATERD_CORE_CHAT_PRIVATE_H

#include "core/chat.h"

struct chat_medium {
	bool (*is_address)(struct span word);
	/* Without what does not belong to it. */
	void (*print)(struct buf *to, struct span word);
	const char *missing, *not_one; /* what is wrong with a line, a word */
};

extern const struct chat_medium chat_jids, chat_numbers;

/* Cut the https links from the end of the text, which has no white space at its ends. */
struct span chat_cut_links(struct span *text);

#endif
