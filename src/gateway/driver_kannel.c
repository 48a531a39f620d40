/*
 * Kannel 1.4 (https://www.kannel.org): SMS by POST to smsbox's sendsms service, whose fields are
 * header fields, so that no password is in a URL.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/segment.h"
#include "gateway/driver.h"

#define REPORTS "31" /* each of report_rows[], as a mask */
#define VALIDITY_MAX (INT64_C(63) * 7 * 24 * 60) /* minutes (3GPP TS 23.040 section 9.2.3.12.1) */

static enum res
prepare(struct gateway_config *c, struct buf *why)
{
	if (c->user == NULL) {
		buf_text(why, "user and secret_file are missing");
		return RES_INVALID;
	}
	if (c->info.max_segments == 0) {
		buf_text(why, "max_segments must be 1 or more");
		return RES_INVALID;
	}
	return RES_OK;
}

/* -- The request ------------------------------------------------------------------------------- */

/*
 * Kannel takes text that is no UTF-8, text that its coding cannot carry and text that is too long,
 * and sends something else.
 */
static enum res
check_text(const struct gateway_config *c, struct span text, struct segments *out, struct buf *why)
{
	if (segments_count(out, text) != RES_OK)
		buf_text(why, "the text is no UTF-8");
	else if (out->segments == 0)
		buf_text(why, "there is no text");
	else if (out->segments > c->info.max_segments)
		buf_printf(why, "the text needs %zu SMS, and the gateway takes %zu", out->segments,
		    c->info.max_segments);
	else
		return RES_OK;
	return RES_INVALID;
}

/* The report URL with Kannel's escape codes: %d is the type, %A what the SMS centre said. */
static enum res
write_report_url(struct buf *out, const char *url)
{
	for (; *url != '\0'; url++)
		if (*url == '%')
			buf_text(out, "%%");
		else
			buf_append(out, url, 1);
	buf_text(out, "?type=%d&answer=%A");
	return out->failed ? RES_NOMEM : RES_OK;
}

static enum res
add_report_fields(const char *url, struct http_request *rq)
{
	struct buf escaped = { 0 };
	enum res res = write_report_url(&escaped, url);

	if (res == RES_OK)
		res = http_request_header(rq, "X-Kannel-DLR-Mask", REPORTS);
	if (res == RES_OK)
		res = http_request_header(rq, "X-Kannel-DLR-URL", buf_str(&escaped));
	buf_free(&escaped);
	return res;
}

/* In minutes, and never 0: Kannel answers "Not routable" to what has expired. */
static enum res
add_validity(int64_t left_ms, struct http_request *rq)
{
	int64_t minutes = left_ms / MINUTE_MS;
	char text[24];

	if (minutes < 1)
		minutes = 1;
	if (minutes > VALIDITY_MAX)
		minutes = VALIDITY_MAX;
	snprintf(text, sizeof(text), "%" PRId64, minutes);
	return http_request_header(rq, "X-Kannel-Validity", text);
}

static enum res
add_number(const struct gateway_config *c, const char *recipient, struct http_request *rq)
{
	struct buf number = { 0 };
	enum res res = number_format_print(&number, &c->number, recipient);

	if (res == RES_OK)
		res = http_request_header(rq, "X-Kannel-To", buf_str(&number));
	buf_free(&number);
	return res;
}

static enum res
add_fields(const struct gateway_config *c, const struct submission *sub, enum sms_coding coding,
    struct http_request *rq)
{
	const struct {
		const char *name, *value;
	} fields[] = {
		{ "Content-Type", "text/plain; charset=UTF-8" },
		{ "X-Kannel-Username", c->user },
		{ "X-Kannel-Password", c->secret },
		{ "X-Kannel-From", c->sender },
		{ "X-Kannel-SMSC", c->smsc },
		{ "X-Kannel-Coding", coding == SMS_GSM7 ? "0" : "2" },
	};
	enum res res = RES_OK;

	for (size_t i = 0; res == RES_OK && i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].value != NULL)
			res = http_request_header(rq, fields[i].name, fields[i].value);
	if (res == RES_OK)
		res = add_number(c, sub->recipient, rq);
	return res;
}

static enum res
render(const struct gateway_config *c, const struct submission *sub, const char *report_url,
    int64_t now, struct http_request *rq, struct buf *why)
{
	struct segments segments;

	if (sub->kind != KIND_SMS) {
		buf_text(why, "Kannel carries SMS only");
		return RES_INVALID;
	}
	enum res res = check_text(c, sub->body, &segments, why);
	if (res != RES_OK)
		return res;
	res = driver_post(c, c->url, rq);
	if (res == RES_OK)
		res = add_fields(c, sub, segments.coding, rq);
	if (res == RES_OK && sub->expires_at > 0)
		res = add_validity(sub->expires_at > now ? sub->expires_at - now : 0, rq);
	if (res == RES_OK && report_url != NULL)
		res = add_report_fields(report_url, rq);
	if (res == RES_INVALID)
		buf_text(why, "a value has control characters");
	if (res == RES_OK)
		res = buf_span(&rq->body, sub->body);
	return res;
}

/* -- The answer -------------------------------------------------------------------------------- */

/* By the beginning of the body; what is not here is judged by its status alone. */
static const struct answer_row {
	int status;
	const char *begins;
	enum outcome outcome;
	bool halt;
} answer_rows[] = {
	{ 202, "0:", OUTCOME_ACCEPTED, false },
	{ 202, "3:", OUTCOME_ACCEPTED, false },
	{ 202, "Sent.", OUTCOME_ACCEPTED, false },
	{ 403, "Not routable", OUTCOME_PERMANENT, false },
};

static enum res
judge(const struct gateway_config *c, const struct http_answer *a, int64_t now, struct verdict *v)
{
	driver_judge_status(a, now, v);
	for (size_t i = 0; i < sizeof(answer_rows) / sizeof(answer_rows[0]); i++) {
		const struct answer_row *row = &answer_rows[i];
		struct span body = span_trim(a->body);
		if (a->status != row->status || !take_word(&body, row->begins))
			continue;
		v->outcome = row->outcome;
		v->halt = row->halt;
		v->retry_after_ms = 0;
		break;
	}
	if (a->body.len == 0)
		return buf_printf(&v->words, "HTTP status %d", a->status);
	return driver_answer_words(c, &v->words, a->body);
}

/* -- Delivery reports -------------------------------------------------------------------------- */

static const struct report_row {
	int64_t type;
	enum report_state state;
	const char *words;
} report_rows[] = {
	{ 1, REPORT_DELIVERED, "delivered to the phone" },
	{ 2, REPORT_FAILED, "not delivered to the phone" },
	{ 4, REPORT_TAKEN, "queued for the SMS centre" },
	{ 8, REPORT_TAKEN, "accepted by the SMS centre" },
	{ 16, REPORT_FAILED, "rejected by the SMS centre" },
};

static const struct report_row *
find_report(const struct buf *type)
{
	int64_t number;

	if (parse_int(buf_as_span(type), 0, INT32_MAX, &number) != RES_OK)
		return NULL;
	for (size_t i = 0; i < sizeof(report_rows) / sizeof(report_rows[0]); i++)
		if (report_rows[i].type == number)
			return &report_rows[i];
	return NULL;
}

static enum res
report(const struct gateway_config *c, const struct web_request *rq, struct report_read *out,
    struct web_reply *reply)
{
	struct span query = span_of(rq->query);
	struct buf type = { 0 }, answer = { 0 }, words = { 0 };
	enum res res = web_field(query, "type", &type);
	const struct report_row *row = res == RES_OK ? find_report(&type) : NULL;

	(void)c;
	(void)reply;
	/* %A is empty with some reports, and whatever an SMS centre said with others. */
	if (row != NULL && web_field(query, "answer", &answer) == RES_NOMEM)
		res = RES_NOMEM;
	else if (row == NULL && res != RES_NOMEM)
		res = RES_INVALID;
	if (res == RES_OK) {
		out->state = row->state;
		buf_printf(&words, "%s%s%s", row->words, answer.len > 0 ? ": " : "",
		    buf_str(&answer));
		driver_words(&out->words, buf_as_span(&words));
		if (words.failed || out->words.failed)
			res = RES_NOMEM;
	}
	buf_free(&type);
	buf_free(&answer);
	buf_free(&words);
	return res;
}

static bool
reports_by_ref(const struct gateway_config *c)
{
	(void)c;
	return false;
}

const struct driver driver_kannel = {
	.name = "kannel",
	.prepare = prepare,
	.render = render,
	.judge = judge,
	.report = report,
	.reports_by_ref = reports_by_ref,
};
