/* Phone numbers: E.164 with a leading '+', and the forms in which gateways want them. */
#ifndef LATERD_CORE_MSISDN_H
#define LATERD_CORE_MSISDN_H

#include <stdbool.h>

#include "base/buf.h"

/* '+' and up to 15 digits (ITU-T E.164 section 6.2.1). */
#define MSISDN_MAX 16

/*
 * Read a number as people write it: "tel:" (RFC 3966), spaces, '-', '.', '(', ')' and '/' are
 * dropped, and so are the spaces, dashes and invisible marks of Unicode that come with a number
 * that is copied from somewhere; "00" at the beginning becomes '+', and where `country` ("49") is not NULL a single
 * trunk 0 becomes '+' and country.  What is left must be '+', a digit from 1 to 9, and 7 to 15
 * digits in all; bare digits are not guessed, nor is what "(0)" behind a country code means.
 * RES_INVALID, out empty, with the reason in `why`, worded for the person who wrote it;
 * RES_NOMEM.
 */
enum res msisdn_parse(
    char out[MSISDN_MAX + 1], struct span text, const char *country, struct buf *why);
/* It is already in that form. */
bool msisdn_is(const char *text);
/*
 * For logs: "+4917…78", never more than the first five and the last two characters, and less of a
 * short one: at least five digits stay hidden.  All of it where it is no number.
 */
enum res msisdn_mask(struct buf *out, const char *number);

/* How a gateway writes numbers. */
enum number_style {
	NUMBER_E164,   /* +4917012345678 */
	NUMBER_DIGITS, /* 4917012345678 */
	NUMBER_00,     /* 004917012345678 */
	NUMBER_STRIP   /* without `prefix` where it begins with it, else as NUMBER_DIGITS */
};

struct number_format {
	enum number_style style;
	const char *prefix; /* of NUMBER_STRIP, e.g. "+1" */
};

/* "e164", "digits", "00", "strip:+N…"; prefix is borrowed from text.  RES_INVALID. */
enum res number_format_parse(struct number_format *out, const char *text);
/* RES_INVALID unless msisdn_is(number); RES_NOMEM. */
enum res number_format_print(
    struct buf *out, const struct number_format *format, const char *number);

#endif
