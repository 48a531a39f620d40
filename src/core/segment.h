/*
 * How an SMS is coded and cut: GSM 7 bit default alphabet with its extension table (3GPP TS
 * 23.038 section 6.2.1), or UCS-2, which phones read as UTF-16.
 */
#ifndef LATERD_CORE_SEGMENT_H
#define LATERD_CORE_SEGMENT_H

#include <stdint.h>

#include "base/buf.h"

enum sms_coding { SMS_GSM7, SMS_UCS2 };

struct segments {
	enum sms_coding coding;
	size_t units;    /* septets (an extension character has two), or UTF-16 units */
	size_t segments; /* parts that the phone puts together; 0 for an empty text */
	size_t left;     /* units that still fit into the last part (the first of an empty text) */
};

/*
 * Cut valid UTF-8 text into the parts in which it is sent: one of 160 septets or 70 units, or
 * several of 153 or 67 (a concatenation header takes the rest: TS 23.040 section 9.2.3.24.1),
 * packed greedily so that no escape pair and no surrogate pair stands in two parts.
 * RES_INVALID when text is not UTF-8; out is then zeroed.
 */
enum res segments_count(struct segments *out, struct span text);
/* The first character of valid UTF-8 text for which it is not sent as GSM; empty: there is none. */
struct span segments_foreign(struct span text);
/* "GSM", "UCS-2": for people. */
const char *sms_coding_name(enum sms_coding coding);

#endif
