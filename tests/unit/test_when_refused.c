#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <assert.h>
#include <string.h>

#include "when_text.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* A text, and what the reason for its refusal must say.  The place is Berlin. */
struct text {
	const char *text, *reason;
};

static const struct text missing[] = {
	{ "", "a time is missing" }, { " ", "a time is missing" },
	{ "\t\r\n", "a time is missing" }, { "today", "a time is missing: write 2026-10-01 18:00" },
	{ "tonight", "a time is missing: write 2026-10-01 18:00" },
	{ "tomorrow", "a time is missing: write 2026-10-02 18:00" },
	{ "the day after tomorrow", "a time is missing: write 2026-10-03 18:00" },
	{ "monday", "a time is missing: write 2026-10-05 18:00" },
	{ "thu", "a time is missing: write 2026-10-01 18:00" },
	{ "next thu", "a time is missing: write 2026-10-08 18:00" },
	{ "this friday", "a time is missing: write 2026-10-02 18:00" },
	{ "2026-12-24", "a time is missing: write 2026-12-24 18:00" },
	{ "2026-12-24T", "a time is missing: write 2026-12-24 18:00" },
	{ "24.12.2026", "a time is missing: write 2026-12-24 18:00" },
	{ "24.12.", "a time is missing: write 2026-12-24 18:00" },
	{ "24 dec", "a time is missing: write 2026-12-24 18:00" },
	{ "24 dec 2026", "a time is missing: write 2026-12-24 18:00" },
	{ "December 24, 2026", "a time is missing: write 2026-12-24 18:00" },
	{ "2026-12-24 Europe/Berlin", "a time is missing: write 2026-12-24 18:00 Europe/Berlin" },
	{ "tomorrow UTC", "a time is missing: write 2026-10-02 18:00 UTC" },
	{ "2026-10-01", "write 2026-10-01 18:00" },
	{ "on friday", "a time is missing: write 2026-10-02 18:00" }, { "am", "a time is missing" },
	{ "pm tomorrow", "a time is missing" }, { "tomorrow pm", "a time is missing" },
};

static const struct text ambiguous[] = {
	{ "03/04/2027", "write 2027-04-03 18:00 or 2027-03-04 18:00" },
	{ "03/04/2027 18:00", "more than one way" }, { "03/04/2026", "more than one way" },
	{ "3/4", "write 2027-04-03 18:00 or 2027-03-04 18:00" },
	{ "3/4 18:00", "more than one way" }, { "18:00 3/4", "more than one way" },
	{ "12/24/2026", "write 2026-12-24 18:00" },
	{ "24/12/2026 18:00", "write 2026-12-24 18:00" }, { "5/5/2027", "write 2027-05-05 18:00" },
	{ "31/31/2027", "more than one way" }, { "24-12-2026 18:00", "write 2026-12-24 18:00" },
	{ "03-04-2027", "write 2027-04-03" }, { "3-4", "more than one way" },
	{ "2026/12/24 18:00", "is not how a date is written: write 2026-12-24 18:00" },
	{ "2027-1-5 18:00", "write 2027-01-05 18:00" }, { "2026-12-5", "write 2026-12-05 18:00" },
	{ "2026.12.24 18:00", "write 2026-12-24 18:00" }, { "26-12-24 18:00", "more than one way" },
	{ "03.04.27", "has no year of four digits: write 2027-04-03 18:00" },
	{ "03.04.27 18:00", "four digits" }, { "03.04.26 18:00", "four digits" },
	{ "24.12.26", "write 2026-12-24 18:00" }, { "24 dec 26 18:00", "four digits" },
	{ "dec 24 26 18:00", "four digits" }, { "24.12.18:00", "four digits" },
	{ "18.00", "write 18:00" }, { "18.00 tomorrow", "write 18:00" },
	{ "tomorrow 18.00", "write 18:00" },
	{ "10.10", "write 10:10 for a time, or 10.10. 18:00 for a day" },
	{ "24.12", "write 24.12. 18:00" }, { "24.12 18:00", "write 24.12. 18:00" },
	{ "6.30 pm", "write 6:30 pm" }, { "at 8.30", "write 08:30" }, { "3.4", "write 3.4. 18:00" },
	{ "31.11 18:00", "write 18:00" }, { "29.2", "write 29.2. 18:00" },
	{ "45.78", "write 18:00" }, { "8", "write 08:00 or 20:00" },
	{ "8 tomorrow", "write 08:00 or 20:00" }, { "tomorrow 8", "write 08:00 or 20:00" },
	{ "friday 8", "write 08:00 or 20:00" }, { "12", "write 00:00 or 12:00" },
	{ "18", "write 18:00" }, { "0", "write 00:00 or 12:00" },
	{ "2026-12-24 18", "write 18:00" }, { "24 dec 8", "write 08:00 or 20:00" },
	{ "8 o'clock", "write 08:00 or 20:00" }, { "1800", "write 18:00" },
	{ "at 1800", "write 18:00" }, { "2026-12-24 1800", "write 18:00" },
	{ "24 dec 1800", "write 18:00" }, { "tomorrow 0900", "write 09:00" },
	{ "26", "four digits" }, { "99", "four digits" },
	{ "1800 hours", "write 18:00, or in 1800 hours" },
	{ "tomorrow 0930h", "write 09:30, or in 930 hours" }, { "0000 hrs", "write 00:00" },
};

static const struct text no_such[] = {
	{ "2027-02-29 12:00", "there is no day 2027-02-29" },
	{ "2027-13-01 12:00", "there is no day 2027-13-01" },
	{ "2027-00-10 12:00", "there is no day 2027-00-10" },
	{ "2027-04-31T12:00:00Z", "there is no day 2027-04-31" },
	{ "2027-04-00 12:00", "there is no day" },
	{ "31.2.2027 18:00", "there is no day 2027-02-31" },
	{ "31.2. 18:00", "there is no day 31.2." }, { "24.13. 18:00", "there is no day 24.13." },
	{ "12.24.2026 18:00", "day and month may be exchanged: write 2026-12-24 18:00" },
	{ "12.24. 18:00", "day and month may be exchanged: write 2026-12-24 18:00" },
	{ "31 april 18:00", "there is no day 31.4." },
	{ "april 31 2027 18:00", "there is no day 2027-04-31" },
	{ "30 feb 18:00", "there is no day" }, { "0.1. 18:00", "there is no day" },
	{ "2026-02-30", "there is no day 2026-02-30" }, { "31 june", "there is no day" },
	{ "32nd of may 9:00", "there is no day 32.5." }, { "24:00", "there is no time 24:00" },
	{ "2027-04-30 24:00", "there is no time 24:00" }, { "12:60", "there is no time 12:60" },
	{ "tomorrow 25:00", "there is no time 25:00" }, { "at 24", "there is no time 24:00" },
	{ "at 30", "there is no time" }, { "2027-06-30T23:59:60Z", "there is no time 23:59:60" },
	{ "18:00:99", "there is no time 18:00:99" }, { "99:99", "there is no time" },
	{ "13 pm", "write 13:00 or 1:00 pm" }, { "18:30 pm", "write 18:30 or 6:30 pm" },
	{ "13 am", "there is no time" }, { "0 am", "write 00:00 or 12:00 am" },
	{ "0:30 pm", "there is no time" }, { "30 pm", "there is no time" },
	{ "at 13 pm", "there is no time" }, { "99:99 am", "there is no time" },
	{ "6:70 pm", "there is no time" }, { "2200-01-01 00:00", "too far away" },
	{ "9999-12-31 23:59", "too far away" }, { "31.12.9999 18:00", "too far away" },
	{ "24 dec 2200 18:00", "too far away" }, { "in 999999 days", "too far away" },
	{ "999999w", "too far away" },
	{ "fri 2026-12-24 18:00", "2026-12-24 is a Thursday and not a Friday" },
	{ "Friday, December 24, 2026 18:00", "not a Friday" },
	{ "mon 24.12. 18:00", "not a Monday" },
	{ "sunday tomorrow 9:00", "is a Friday and not a Sunday" },
	{ "Fri 2026-12-24 18:00 (Europe/Berlin, +01:00)", "not a Friday" },
	{ "tonight at 8", "write tonight 20:00" }, { "tonight 8:30", "write tonight 20:30" },
	{ "tonight midnight", "write tomorrow 00:00" }, { "tonight at 1", "write tomorrow 01:00" },
	{ "noon tonight", "write tonight 18:00" }, { "tonight 16:59", "is not tonight" },
	{ "3 am tonight", "write tomorrow 03:00" },
};

static const struct text past[] = {
	{ "2026-10-01 13:59", "2026-10-01 13:59 is in the past: it is now Thu 2026-10-01 14:00" },
	{ "2026-10-01 14:00", "is in the past" },
	{ "2026-10-01 12:00 UTC", "is in the past: it is now Thu 2026-10-01 12:00 (UTC)" },
	{ "2026-10-01T08:00:00-04:00", "it is now Thu 2026-10-01 08:00 (-04:00)" },
	{ "1969-12-31 23:59", "is in the past" }, { "0000-01-01 00:00", "is in the past" },
	{ "1.1.1970 0:00", "is in the past" }, { "24 dec 1999 18:00", "is in the past" },
	{ "today 13:00", "write for example 2026-10-02 13:00" },
	{ "today midnight", "write for example 2026-10-02 00:00" },
	{ "this thursday 13:00", "is in the past" },
	{ "2026-09-30", "2026-09-30 23:59 is in the past" }, { "30.9.2026", "in the past" },
	{ "yesterday 9:00", "in the past" }, { "last friday 9:00", "in the past" },
	{ "20 minutes ago", "in the past" }, { "2 hours ago", "in the past" },
	{ "today 9:00 Asia/Tokyo", "write for example 2026-10-02 09:00 Asia/Tokyo" },
	{ "2026-07-01 18:00 (Europe/Berlin, +01:00)", "in the past" },
};

static const struct text length[] = {
	{ "in 0 minutes", "a count is from 1 to 999999" },
	{ "in 1000000 seconds", "a count is from 1" },
	{ "in 99999999999999999999999999 days", "a count is from 1" },
	{ "0h", "a count is from 1" }, { "in 2h0m", "a count is from 1" },
	{ "in 20", "a unit is missing: write in 20 minutes" },
	{ "in 20 fortnights", "a unit is missing" },
	{ "2h30", "a unit is missing: write in 30 minutes" },
	{ "in 20 minutos", "a unit is missing" }, { "in 5 june", "a unit is missing" },
	{ "in 20 Europe/Berlin", "a unit is missing" },
	{ "in 2 months", "write for example in 30 days, or 2026-10-31 18:00" },
	{ "2 months", "in 30 days" }, { "in 1 year", "in 30 days" }, { "in a month", "in 30 days" },
	{ "in a year", "in 30 days" }, { "1y2d", "in 30 days" }, { "in 1 mo", "in 30 days" },
	{ "in 1.5 hours", "whole numbers" }, { "1.5h", "whole numbers" },
	{ "in 0.5 hours", "whole numbers" },
	{ "30 minutes 2 hours", "the larger unit comes first" }, { "1h 1h", "each once" },
	{ "in 1h 60 min 1 min", "each once" },
	{ "in 2 days at 9:00",
	    "a length of time stands alone: write for example in 2 hours, or 2026-10-03 18:00" },
	{ "in 2 days 9:00", "stands alone" }, { "in 2 days, 9 am", "stands alone" },
	{ "tomorrow in 2 hours", "stands alone" }, { "tomorrow 18h", "stands alone" },
	{ "in 2:30", "stands alone" }, { "9:00 in 2 days", "stands alone" },
	{ "at 2h", "stands alone" }, { "at now", "stands alone" }, { "now 18:00", "stands alone" },
	{ "in 1 week on friday", "stands alone" }, { "2h tomorrow", "stands alone" },
	{ "tomorrow now", "stands alone" }, { "in two hours", "written in digits" },
	{ "in a few minutes", "with in and digits" },
	{ "in a couple of hours", "with in and digits" }, { "an hour", "with in and digits" },
	{ "a week", "with in and digits" }, { "in an", "with in and digits" },
	{ "in half", "written in digits" }, { "in half a day", "written in digits" },
	{ "in", "not understood" }, { "in -5 minutes", "not understood" },
	{ "in +5 minutes", "not understood" }, { "in5 minutes", "not understood" },
	{ "-5 minutes", "not known" }, { "in the morning", "a part of the day" },
	{ "8:00 in the evening", "a part of the day" }, { "in the", "not understood" },
	{ "in december", "not understood" }, { "in tomorrow", "not understood" },
	{ "in 5 minutes in 5 minutes", "stands alone" }, { "2h and", "not understood" },
	{ "in 20 minutes x", "not understood" },
};

static const struct text words[] = {
	{ "soon", "\"soon\" is not understood" }, { "x", "not understood" },
	{ "asap", "not understood" }, { "tomorow 9:00", "\"tomorow\" is not understood" },
	{ "9:00 tomorow", "\"tomorow\" is not understood" },
	{ "heute 9:00", "\"heute\" is not understood" }, { "um 9:00", "not understood" },
	{ "half past eight", "written in digits" }, { "quarter to 9", "written in digits" },
	{ "tomorrow half 8", "written in digits" }, { "at eight", "written in digits" },
	{ "eight pm", "written in digits" }, { "at 8 oclock", "written in digits" },
	{ "tomorrow morning", "a part of the day" }, { "this evening", "a part of the day" },
	{ "friday afternoon", "a part of the day" }, { "at lunch", "a part of the day" },
	{ "at night", "a part of the day" }, { "next week", "one day is needed" },
	{ "next month", "one day is needed" }, { "this weekend", "one day is needed" },
	{ "next year", "one day is needed" }, { "next", "not understood" },
	{ "next tomorrow 9:00", "not understood" }, { "next 9:00", "write" },
	{ "this", "not understood" }, { "every day 9:00", "field repeat" },
	{ "daily 9:00", "field repeat" }, { "between 8:00 and 9:00", "one exact time" },
	{ "until 9:00", "one exact time" }, { "around 9:00", "one exact time" },
	{ "8:00 to 9:00", "written in digits" },
	{ "dec 2026 9:00", "the day of the month is missing" },
	{ "december", "the day of the month is missing" },
	{ "mar 5:00", "the day of the month is missing" },
	{ "dec 6 pm", "the day of the month is missing" },
	{ "the 24th 9:00", "a month is missing: write 24 January 18:00" },
	{ "24th", "a month is missing" }, { "monday the 5th 9:00", "a month is missing" },
	{ "18:00 19:00", "there are two times" }, { "18:00 today 19:00", "there are two times" },
	{ "noon 12:00", "there are two times" }, { "6 pm 18:00", "there are two times" },
	{ "today tomorrow 9:00", "there are two days" },
	{ "friday saturday 9:00", "there are two days" },
	{ "24.12. 25.12. 18:00", "there are two days" },
	{ "tomorrow 2026-10-02 9:00", "there are two days" },
	{ "next friday 2.10.2026 9:00", "there are two days" },
	{ "2.10.2026 next friday 9:00", "there are two days" },
	{ "next friday tomorrow 9:00", "there are two days" }, { "8:5", "two digits" },
	{ "18:0", "two digits" }, { "18:", "two digits" }, { "18:00:", "two digits" },
	{ "18:00:1", "two digits" }, { "18:000", "two digits" }, { "18:00:00.", "not understood" },
	{ "18:00:00.Z", "not understood" }, { "2026-12-24 18:00x", "not understood" },
	{ "2026-12-24 18:00Zulu", "not understood" }, { "018:00", "not understood" },
};

static const struct text shapes[] = {
	{ "18:00-19:00", "an offset from UTC comes behind a space" },
	{ "2026-12-24 thu 18:00-05:00", "an offset from UTC comes behind a space" },
	{ "18:00-05:00", "an offset from UTC comes behind a space" }, { "18:00 - 19:00", "not" },
	{ "18:00 -19:00", "the time zone -19:00 is not known" },
	{ "2026-12-24x18:00", "not understood" }, { "2026-12-24T18", "not understood" },
	{ "2026-12-24T8:00", "not understood" }, { "2026-12-2418:00", "is not how a date" },
	{ "12026-12-24 18:00", "not understood" }, { "-2026-12-24 18:00", "not" },
	{ "+2026-12-24 18:00", "not" }, { "20261224T180000Z", "not understood" },
	{ "2026-12-24 18:00 19", "write 19:00" }, { "2026-12", "more than one way" },
	{ "2026-W52-4 18:00", "not understood" }, { "tomorrow,, 9:00", "not understood" },
	{ ",tomorrow 9:00", "not understood" }, { "tomorrow 9:00,", "not understood" },
	{ "tomorrow; 9:00", "not understood" }, { "tomorrow9:00", "not understood" },
	{ "at at 8", "not understood" }, { "at", "not understood" },
	{ "tomorrow at", "not understood" }, { "at tomorrow at", "not understood" },
	{ "on 8", "write" }, { "at foo", "not understood" },
	{ "9:00 UTC tomorrow", "the time zone comes last" },
	{ "UTC 9:00", "the time zone comes last" }, { "UTC", "the time zone comes last" },
	{ "18:00 Europe/Berlin UTC", "the time zone comes last" },
	{ "18:00Z UTC", "two time zones" }, { "18:00+02:00 Europe/Berlin", "two time zones" },
	{ "18:00Z (UTC)", "two time zones" }, { "18:00+1", "not understood" },
	{ "18:00+24:00", "not understood" }, { "18:00 +1", "the time zone +1 is not known" },
	{ "18:00 +15:00", "the time zone +15:00 is not known" },
	{ "18:00 Europe/Berln", "the time zone Europe/Berln is not known" },
	{ "in 5 minutes ../../etc/passwd", "the time zone ../../etc/passwd is not known" },
	{ "18:00 CEST", "the time zone CEST is not known" },
	{ "18:00 PST", "the time zone PST is not known" },
	{ "18:00 UTC+2", "write for example 18:00 +02:00" },
	{ "18:00 GMT-5", "write for example 18:00 -02:00" },
	{ "18:00 posix/Europe/Berlin", "is not known" }, { "18:00 Europe/", "is not known" },
	{ "18:00 Mars", "\"Mars\" is not understood" }, { "18:00 (", "not understood" },
	{ "18:00 ()", "not understood" }, { "18:00 (UTC", "not understood" },
	{ "18:00 UTC)", "not understood" }, { "18:00 (UTC) x", "not understood" },
	{ "18:00 (UTC, +00:00)", "not understood" }, { "18:00 (Europe/Berlin,)", "not understood" },
	{ "18:00 (Europe/Berlin, x)", "not understood" },
	{ "18:00 (Europe/Berlin +01:00)", "not understood" },
	{ "18:00 (Europe/Berlin, +99:00)", "is not known" }, { "18:00 ((UTC))", "not understood" },
	{ "(UTC)", "not understood" }, { "(UTC) 18:00", "not understood" },
	{ "18:00 (CEST)", "is not known" },
	{ "18:00 (Europe/Berlin, +01:00)",
	    "the clock in Europe/Berlin is then at +02:00 and not at +01:00" },
	{ "2026-12-24 18:00 (Europe/Berlin, +02:00)", "is then at +01:00 and not at +02:00" },
	{ "2026-10-25 02:30 (Europe/Berlin, +03:00)", "is then at +02:00" },
	{ "2026-12-24 18:00 (Asia/Kolkata, +05:00)", "is then at +05:30" },
};

static const struct text hostile[] = {
	{ "\x01", "not understood" }, { "18:00 \x01", "not understood" },
	{ "18:00 \xff", "not understood" }, { "2026-12-24\302\24118:00", "not understood" },
	{ "\xff\xfe", "not understood" }, { "tomorrow\x0b""9:00", "not understood" },
	{ "18\xef\xbc\x9a""00", "not understood" }, { "\xd9\xa1\xd9\xa8:00", "not understood" },
	{ "18:00\xe2\x80\x8b", "not understood" }, { "18:00 \xc3\xa4", "not understood" },
	{ "\xf0\x9f\x95\xa2", "not understood" }, { "18:00\x7f", "not understood" },
	{ "%s%n%s%n", "not understood" }, { "18:00 %s%n", "not understood" },
	{ "18:00 <script>", "not understood" }, { "18:00' OR 1=1", "not understood" },
	{ "1e9 hours", "not understood" }, { "0x10:00", "not understood" },
	{ "18:00 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
	    "not understood" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	    "not understood" },
	{ "99999999999999999999999999999999999999999999999999999", "not understood" },
	{ "99999999999999999999:00", "not understood" },
	{ "1/1/1/1/1/1/1/1/1", "more than one way" }, { "1.1.1.1.1.1.1", "four digits" },
	{ "999999999999999999.9 h", "a count is from 1" }, { "....", "not understood" },
	{ "::::", "not understood" }, { "//", "not known" }, { "- - -", "not understood" },
	{ "\"", "not understood" }, { "18:00 \"", "not understood" },
	{ "in 999999w 999999d 999999h 999999m 999999s", "too far away" },
};

static const struct text jumps[] = {
	{ "2027-03-28 02:30",
	    "the clock in Europe/Berlin jumps over 02:30 on 2027-03-28; write 2027-03-28 03:30" },
	{ "2027-03-28T02:00:07", "jumps over 02:00:07 on 2027-03-28; write 2027-03-28 03:00:07" },
	{ "2:30", "write 2027-03-28 03:30" }, { "tomorrow 2:30", "write 2027-03-28 03:30" },
	{ "tomorrow 2:30 am", "jumps" }, { "sun 2:30", "jumps" }, { "28.3. 2:59", "jumps" },
	{ "28 mar 2:00", "jumps" }, { "at 2", "jumps" },
	{ "2027-03-28 02:30 Europe/Berlin", "write 2027-03-28 03:30 Europe/Berlin" },
	{ "2027-03-28 02:30 (Europe/Berlin, +01:00)", "jumps" },
	{ "2027-04-04 02:30 (Europe/Berlin, +01:00)", "is then at +02:00" },
	{ "2028-03-12 02:30 America/New_York", "write 2028-03-12 03:30 America/New_York" },
	{ "2027-10-03 02:15 Australia/Lord_Howe", "write 2027-10-03 02:45 Australia/Lord_Howe" },
};

static const struct text passes[] = {
	{ "2026-10-25 02:30",
	    "the clock shows that time once more: write 2026-10-25 02:30 +01:00" },
	{ "today 2:30", "write 2026-10-25 02:30 +01:00" },
	{ "25.10. 2:30", "write 2026-10-25 02:30 +01:00" },
	{ "this sunday 2:30", "write 2026-10-25 02:30 +01:00" },
	{ "2026-10-25 02:30 (Europe/Berlin, +02:00)", "in the past" },
	{ "2026-10-25 02:05", "in the past" }, { "today 2:05 +01:00", "in the past" },
	{ "2026-10-25 02:30 Europe/Berlin", "write 2026-10-25 02:30 +01:00" },
};

static const struct text evening[] = {
	{ "today", "in the past" }, { "tonight", "in the past" }, { "2026-10-01", "in the past" },
	{ "tonight at 8", "write tomorrow 20:00" },
	{ "today 23:59", "write for example 2026-10-02 23:59" },
};

static const struct group {
	const struct text *texts;
	size_t n;
	const char *now;
} groups[] = {
	{ missing, N(missing), "2026-10-01T12:00:00Z" },
	{ ambiguous, N(ambiguous), "2026-10-01T12:00:00Z" },
	{ no_such, N(no_such), "2026-10-01T12:00:00Z" },
	{ past, N(past), "2026-10-01T12:00:00Z" },
	{ length, N(length), "2026-10-01T12:00:00Z" },
	{ words, N(words), "2026-10-01T12:00:00Z" },
	{ shapes, N(shapes), "2026-10-01T12:00:00Z" },
	{ hostile, N(hostile), "2026-10-01T12:00:00Z" },
	{ jumps, N(jumps), "2027-03-27T22:30:00Z" },
	{ passes, N(passes), "2026-10-25T01:10:00Z" },
	{ evening, N(evening), "2026-10-01T21:59:30Z" },
};

static_assert(
    N(missing) + N(ambiguous) + N(no_such) + N(past) + N(length) + N(words) + N(shapes) +
	    N(hostile) + N(jumps) + N(passes) + N(evening) >= 150,
    "what is refused needs many examples");

static void
refuse(struct buf *why, const char *text, int64_t now)
{
	const struct zone berlin = zone_named("Europe/Berlin");
	struct when w;

	if (when_parse(&w, span_of(text), now, &berlin, why) != RES_INVALID)
		fail_msg("\"%s\" is accepted", text);
	for (size_t i = 0; i < why->len; i++)
		assert_in_range(why->p[i], ' ', '~');
}

static void
test_more_than_a_hundred_and_fifty_texts_are_refused_with_the_reason(void **state)
{
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < N(groups); i++)
		for (size_t k = 0; k < groups[i].n; k++, n++) {
			const struct text *t = &groups[i].texts[k];
			struct buf why = { .max = 1024 };
			refuse(&why, t->text, instant(groups[i].now));
			if (strstr(buf_str(&why), t->reason) == NULL)
				fail_msg("\"%s\": %s", t->text, buf_str(&why));
			buf_free(&why);
		}
	print_message("%zu texts are refused\n", n);
	assert_true(n >= 150);
}

/* The first of the texts that a reason says to write. */
static struct span
first_example(const char *reason)
{
	static const char *const ends[] = { ", ", " or ", " for ", " if ", ";" };
	const char *at = strstr(reason, "write ");

	if (at == NULL)
		fail_msg("nothing to write: %s", reason);
	at += strlen("write ");
	if (strncmp(at, "for example ", strlen("for example ")) == 0)
		at += strlen("for example ");
	size_t len = strlen(at);
	for (size_t i = 0; i < N(ends); i++) {
		const char *end = strstr(at, ends[i]);
		if (end != NULL && (size_t)(end - at) < len)
			len = (size_t)(end - at);
	}
	return (struct span){ at, len };
}

static void
test_what_a_reason_says_to_write_is_accepted(void **state)
{
	const struct zone berlin = zone_named("Europe/Berlin");

	(void)state;
	for (size_t i = 0; i < N(groups); i++)
		for (size_t k = 0; k < groups[i].n; k++) {
			const int64_t now = instant(groups[i].now);
			struct buf why = { .max = 1024 }, again = { .max = 1024 };
			struct when w;
			refuse(&why, groups[i].texts[k].text, now);
			struct span example = first_example(buf_str(&why));
			if (when_parse(&w, example, now, &berlin, &again) != RES_OK)
				fail_msg("%s: and \"%.*s\" is refused: %s", buf_str(&why),
				    (int)example.len, example.p, buf_str(&again));
			buf_free(&why);
			buf_free(&again);
		}
}

static void
test_no_bytes_are_too_many_or_too_strange(void **state)
{
	char text[4 * WHEN_TEXT_MAX];

	(void)state;
	for (int byte = 1; byte < 256; byte++)
		for (size_t len = 1; len < sizeof(text); len = len * 2 + 7) {
			struct buf why = { .max = 1024 };
			memset(text, byte, len);
			text[len] = '\0';
			refuse(&why, text, instant("2026-10-01T12:00:00Z"));
			buf_free(&why);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_more_than_a_hundred_and_fifty_texts_are_refused_with_the_reason),
		cmocka_unit_test(test_what_a_reason_says_to_write_is_accepted),
		cmocka_unit_test(test_no_bytes_are_too_many_or_too_strange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
