/* Chat lines: the words of a command, as they fill its form. */
#ifndef LATERD_CORE_CHAT_H
#define LATERD_CORE_CHAT_H

#include "core/command.h"
#include "core/zone.h"

/* Bytes; what is longer is refused before it is read. */
#define CHAT_LINE_MAX ((size_t)32 << 10)

/*
 * The first word of a line, without a '/' or '!' before it, in lower case, into `word`; *rest is
 * what follows it, without white space at its beginning.  RES_NOTFOUND: there is no word;
 * RES_INVALID: it is longer than CHAT_WORD_MAX, or not printable ASCII, or the line is too long.
 */
#define CHAT_WORD_MAX 24
enum res chat_word(struct span line, char word[CHAT_WORD_MAX + 1], struct span *rest);

/*
 * Fill the fields of `cmd` from what follows its name, by its places and settable fields, into
 * `out`, which is empty, and holds only what was written: missing fields are not made.  `text` is
 * another name of the field body.  name="" is an empty value.  A field that was given as name=value
 * leaves its place to the next.  body (its lines), media (one value a link) and what PLACE_WORDS
 * fills have several values, all others one.  now and zone serve to tell a time from the text
 * behind it (when_prefix).
 *
 * <to>: from the first word that is meant as an address of the kind, over those joined by commas;
 * white space around a comma does not count, and a comma at the end of the line neither.  A number
 * has a '+' and digits, or a 0 and digits, in one word; of sms: (RFC 5724) and tel: URIs it is the
 * number.  Where there is no address there may be a time, and no text.  The text is taken as it is,
 * without white space at its ends.  "remind me <when>" is "remind <when>"; a comma, colon,
 * semicolon or point right behind that time belongs to neither.
 *
 * RES_INVALID, with the reason and what to write in `why`: words that no place takes, what is
 * behind a comma but no address, a name=value whose name is not settable or given twice, a quote
 * that does not end, more than CHAT_LINE_MAX bytes, characters that XML does not allow.
 */
enum res chat_fill(struct form *out, const struct command_info *cmd, struct span rest, int64_t now,
    const struct zone *zone, struct buf *why);

/*
 * Is this, behind the name of cmd, a time and an address?  Nobody means that as the text of another
 * message.
 */
bool chat_is_message(
    const struct command_info *cmd, struct span rest, int64_t now, const struct zone *zone);

/*
 * Write one answer into the field that it was asked for, by its type: words for FIELD_LIST_MULTI,
 * yes and no for FIELD_BOOLEAN, an option's value or label, or an unambiguous beginning of them,
 * for FIELD_LIST; lines for FIELD_TEXT_MULTI.  It replaces what the field had.  RES_INVALID with the
 * reason in `why`, and nothing changed.
 */
enum res chat_answer(
    struct form *out, const struct field *asked, struct span text, struct buf *why);

/* yes, y, ok, sure; no, n; RES_INVALID: neither. */
enum res chat_yes_no(struct span text, bool *yes);

/*
 * How far apart two words are: insertions, deletions, substitutions and swaps of neighbours; words
 * of more than 64 bytes are as far as can be.
 */
unsigned chat_distance(const char *a, const char *b);

/*
 * The text of a reply, for a phone's screen: the note; the fields of a form that have a value and
 * are neither hidden nor `error`, a line each, with their label where they have one ("To: romeo@…");
 * of FIELD_LIST the option's label; a blank line between note and fields.  Where r->repeats
 * only the fields, or with at most one field only the note.
 */
enum res chat_print(struct buf *out, const struct reply *r);
/* The question for one field: its label, its hint, and its options, if it has any, a line each. */
enum res chat_ask(struct buf *out, const struct field *fd);

#endif
