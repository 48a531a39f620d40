/*
 * MM7 (3GPP TS 23.140 section 8.7 and annex L): MMS by SOAP with attachments to an MMSC.
 * SubmitReq goes out; DeliveryReportReq comes in, for the whole gateway at one URL.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "core/mms.h"
#include "core/when.h"
#include "gateway/driver.h"
#include "gateway/soap.h"

#define SCHEMA "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/"
#define DEFAULT_NAMESPACE SCHEMA "REL-6-MM7-1-4"
#define DEFAULT_VERSION   "6.8.0"

#define CONTENT_ID     "mm7-content"
#define BOUNDARY_TRIES 1000
#define ENVELOPE_MAX   ((size_t)64 << 10)
#define REF_MAX        255
#define SHORT_CODE_MAX 8 /* digits; more are a number */

static const char *
namespace_of(const struct gateway_config *c)
{
	return c->mm7_namespace != NULL ? c->mm7_namespace : DEFAULT_NAMESPACE;
}

static const char *
version_of(const struct gateway_config *c)
{
	return c->mm7_version != NULL ? c->mm7_version : DEFAULT_VERSION;
}

static enum res
prepare(struct gateway_config *c, struct buf *why)
{
	const struct {
		const char *key, *text;
	} texts[] = {
		{ "vasp_id", c->vasp_id },
		{ "vas_id", c->vas_id },
		{ "service_code", c->service_code },
		{ "mm7_version", c->mm7_version },
		{ "mm7_namespace", c->mm7_namespace },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct span text = span_of(texts[i].text);
		if (texts[i].text == NULL)
			continue;
		if (text.len > 0 && text.len <= 1024 && xml_text_valid(text) &&
		    strpbrk(text.p, "\t\r\n") == NULL)
			continue;
		buf_printf(why, "%s: it must be one line of text", texts[i].key);
		return RES_INVALID;
	}
	if (c->user != NULL && strchr(c->user, ':') != NULL) {
		buf_text(why, "user: Basic authorization (RFC 7617) has no place for a ':' in it");
		return RES_INVALID;
	}
	return RES_OK;
}

/* -- SubmitReq --------------------------------------------------------------------------------- */

/* Everything that a request is made of. */
struct draft {
	const struct gateway_config *c;
	const struct submission *sub;
	bool reports;
	int64_t now;
	const char *subject;               /* NULL: none */
	struct buf entity;                 /* the content, without the links of its media */
	struct span content_type, parts;   /* of the entity */
};

static const char *
sender_element(const char *sender)
{
	size_t digits = strspn(sender + (sender[0] == '+'), "0123456789");
	bool whole = sender[digits + (sender[0] == '+')] == '\0';

	if (strchr(sender, '@') != NULL)
		return "RFC2822Address";
	if (whole && (sender[0] == '+' || digits > SHORT_CODE_MAX))
		return "Number";
	return "ShortCode";
}

static enum res
add_number(struct buf *out, const struct gateway_config *c, const char *element, const char *number)
{
	struct buf text = { 0 };
	enum res res = number_format_print(&text, &c->number, number);

	if (res == RES_OK)
		soap_add(out, element, buf_str(&text));
	buf_free(&text);
	return res;
}

static enum res
add_sender(struct buf *out, const struct gateway_config *c)
{
	enum res res = RES_OK;

	soap_open(out, "SenderIdentification");
	soap_add(out, "VASPID", c->vasp_id);
	soap_add(out, "VASID", c->vas_id);
	if (c->sender != NULL) {
		soap_open(out, "SenderAddress");
		if (msisdn_is(c->sender))
			res = add_number(out, c, "Number", c->sender);
		else
			soap_add(out, sender_element(c->sender), c->sender);
		soap_close(out, "SenderAddress");
	}
	soap_close(out, "SenderIdentification");
	return res;
}

static enum res
add_time(struct buf *out, const char *element, int64_t at)
{
	struct buf text = { 0 };
	enum res res = when_print_utc(&text, at);

	if (res == RES_OK)
		soap_add(out, element, buf_str(&text));
	buf_free(&text);
	return res;
}

/*
 * The same for each attempt at a packet, so that an MMSC that looks at it knows a repetition.
 * created_at: ids are used again when a packet has been forgotten.
 */
static void
print_transaction_id(char out[64], const struct submission *sub)
{
	snprintf(out, 64, "%.32s-%" PRIx64, sub->id, (uint64_t)sub->created_at);
}

/* The elements stand in the order of the schema's submitReqType. */
static enum res
write_envelope(struct buf *out, const struct draft *d)
{
	char transaction_id[64];

	print_transaction_id(transaction_id, d->sub);
	soap_begin(out, namespace_of(d->c), transaction_id, "SubmitReq");
	soap_add(out, "MM7Version", version_of(d->c));
	enum res res = add_sender(out, d->c);
	soap_open(out, "Recipients");
	soap_open(out, "To");
	if (res == RES_OK)
		res = add_number(out, d->c, "Number", d->sub->recipient);
	soap_close(out, "To");
	soap_close(out, "Recipients");
	soap_add(out, "ServiceCode", d->c->service_code);
	if (res == RES_OK)
		res = add_time(out, "TimeStamp", d->now);
	if (res == RES_OK && d->sub->expires_at > d->now)
		res = add_time(out, "ExpiryDate", d->sub->expires_at);
	soap_add(out, "DeliveryReport", d->reports ? "true" : "false");
	soap_add(out, "Subject", d->subject);
	buf_text(out, "<mm7:Content href=\"cid:" CONTENT_ID "\" allowAdaptations=\"true\"/>");
	soap_end(out, "SubmitReq");
	return out->failed ? RES_NOMEM : res;
}

static bool
contains(struct span in, const char *what)
{
	return in.len > 0 && memmem(in.p, in.len, what, strlen(what)) != NULL;
}

/* A boundary that stands nowhere in what it separates (RFC 2046 section 5.1.1). */
static bool
find_boundary(char out[64], const struct draft *d, struct span envelope)
{
	for (unsigned i = 0; i < BOUNDARY_TRIES; i++) {
		snprintf(out, 64, "laterd-%.32s-%u", d->sub->id, i);
		if (!contains(envelope, out) && !contains(d->content_type, out) &&
		    !contains(d->parts, out))
			return true;
	}
	return false;
}

static enum res
write_body(struct http_request *rq, const struct draft *d, struct span envelope,
    const char *boundary)
{
	char type[160];

	snprintf(type, sizeof(type), "multipart/related; type=\"text/xml\"; "
	    "start=\"<mm7-start>\"; boundary=\"%s\"", boundary);
	enum res res = http_request_header(rq, "Content-Type", type);
	if (res == RES_OK)
		res = http_request_header(rq, "SOAPAction", "\"\"");
	if (res != RES_OK)
		return res;
	buf_printf(&rq->body, "--%s\r\nContent-Type: text/xml; charset=utf-8\r\n"
	    "Content-ID: <mm7-start>\r\n\r\n", boundary);
	buf_span(&rq->body, envelope);
	buf_printf(&rq->body, "\r\n--%s\r\nContent-Type: ", boundary);
	buf_span(&rq->body, d->content_type);
	buf_text(&rq->body, "\r\nContent-ID: <" CONTENT_ID ">\r\n\r\n");
	buf_span(&rq->body, d->parts);
	buf_printf(&rq->body, "\r\n--%s--\r\n", boundary);
	return rq->body.failed ? RES_NOMEM : RES_OK;
}

static enum res
write_request(struct http_request *rq, const struct draft *d, struct buf *why)
{
	struct buf envelope = { .max = ENVELOPE_MAX };
	char boundary[64];
	enum res res = write_envelope(&envelope, d);

	if (res == RES_OK && !find_boundary(boundary, d, buf_as_span(&envelope))) {
		buf_text(why, "the message leaves no boundary between its parts");
		res = RES_INVALID;
	}
	if (res == RES_OK)
		res = write_body(rq, d, buf_as_span(&envelope), boundary);
	buf_free(&envelope);
	return res;
}

/* The links of the media stay here: whoever has one may have what it names. */
static enum res
read_entity(struct draft *d, struct arena *arena, struct buf *why)
{
	struct mms mms = { .nmedia = 0 };
	enum res res = mms_parse(&mms, d->sub->body, arena);

	if (res == RES_NOMEM)
		return res;
	if (res != RES_OK || !xml_text_valid(mms.subject)) {
		buf_text(why, "the stored message is no MMS");
		return RES_INVALID;
	}
	if (mms.subject.len > 0) {
		d->subject = arena_span(arena, mms.subject);
		if (d->subject == NULL)
			return RES_NOMEM;
	}
	for (size_t i = 0; i < mms.nmedia; i++)
		mms.media[i].url = NULL;
	d->entity.max = d->sub->body.len;
	res = mms_build(&d->entity, &mms);
	return res == RES_OK ? mms_split(buf_as_span(&d->entity), &d->content_type, &d->parts) : res;
}

static enum res
render(const struct gateway_config *c, const struct submission *sub, const char *report_url,
    int64_t now, struct http_request *rq, struct buf *why)
{
	struct draft d = { .c = c, .sub = sub, .reports = report_url != NULL, .now = now };
	struct arena arena = { 0 };

	if (sub->kind != KIND_MMS) {
		buf_text(why, "MM7 carries MMS only");
		return RES_INVALID;
	}
	enum res res = driver_post(c, c->mms_url != NULL ? c->mms_url : c->url, rq);
	if (res == RES_OK)
		res = read_entity(&d, &arena, why);
	if (res == RES_OK && c->user != NULL) {
		rq->user = arena_text(&rq->arena, c->user);
		rq->password = arena_text(&rq->arena, c->secret);
		res = rq->arena.failed ? RES_NOMEM : RES_OK;
	}
	if (res == RES_OK)
		res = write_request(rq, &d, why);
	buf_free(&d.entity);
	arena_free(&arena);
	return res;
}

/* -- SubmitRsp --------------------------------------------------------------------------------- */

/*
 * TS 23.140 section 8.4.5.2.  A code without a row counts as its x000; one that has none is of no
 * known meaning.
 */
static const struct code_row {
	int64_t code;
	enum outcome outcome;
	bool halt;
} code_rows[] = {
	{ 1000, OUTCOME_ACCEPTED, false },
	{ 2000, OUTCOME_PERMANENT, false },
	{ 3000, OUTCOME_NOT_PROCESSED, false },
	{ 3001, OUTCOME_PERMANENT, false },
	{ 3002, OUTCOME_PERMANENT, false },
	{ 3003, OUTCOME_PERMANENT, false },
	{ 4000, OUTCOME_NOT_PROCESSED, false },
	{ 4001, OUTCOME_NOT_PROCESSED, true },
	{ 4002, OUTCOME_NOT_PROCESSED, true },
	{ 4003, OUTCOME_PERMANENT, false },
	{ 4004, OUTCOME_PERMANENT, false },
	{ 4005, OUTCOME_PERMANENT, false },
	{ 4006, OUTCOME_NOT_PROCESSED, false },
	{ 4007, OUTCOME_NOT_PROCESSED, true },
};

static const struct code_row *
find_code(int64_t code)
{
	for (size_t i = 0; i < sizeof(code_rows) / sizeof(code_rows[0]); i++)
		if (code_rows[i].code == code)
			return &code_rows[i];
	return code % 1000 != 0 ? find_code(code - code % 1000) : NULL;
}

static const struct soap_element *
find_status(const struct soap_element *message)
{
	const struct soap_element *status = NULL;

	if (strcmp(message->name, "SubmitRsp") == 0)
		status = soap_find(message, "Status");
	else if (strcmp(message->name, "RSErrorRsp") == 0)
		status = soap_find(message, "Status");
	else if (strcmp(message->name, "Fault") == 0)
		status = soap_find(message, "detail/RSErrorRsp/Status");
	return status;
}

static const char *
text_or_empty(const struct soap_element *from, const char *path)
{
	const char *text = soap_text(from, path);

	return text != NULL ? text : "";
}

static enum res
say_status(const struct gateway_config *c, const struct soap_element *status, struct verdict *v)
{
	struct buf said = { 0 };
	const char *details = text_or_empty(status, "Details");

	buf_printf(&said, "%s %s%s%s", text_or_empty(status, "StatusCode"),
	    text_or_empty(status, "StatusText"), details[0] != '\0' ? ": " : "", details);
	enum res res = said.failed ? RES_NOMEM :
	    driver_answer_words(c, &v->words, buf_as_span(&said));
	buf_free(&said);
	return res;
}

static enum res
judge_status(const struct gateway_config *c, const struct soap_element *message,
    const struct soap_element *status, struct verdict *v)
{
	const struct code_row *row = NULL;
	int64_t code;

	if (parse_int(span_of(text_or_empty(status, "StatusCode")), 0, 9999, &code) == RES_OK)
		row = find_code(code);
	v->outcome = row != NULL ? row->outcome : OUTCOME_UNKNOWN;
	v->halt = row != NULL && row->halt;
	const char *ref = text_or_empty(message, "MessageID");
	if (v->outcome == OUTCOME_ACCEPTED && strlen(ref) <= REF_MAX &&
	    buf_text(&v->ref, ref) != RES_OK)
		return RES_NOMEM;
	return say_status(c, status, v);
}

/* SOAP 1.1 section 4.4.1: what is the client's fault was not processed, and never will be. */
static enum res
judge_fault(const struct gateway_config *c, const struct soap_element *fault, struct verdict *v)
{
	struct span code = span_of(text_or_empty(fault, "faultcode"));
	const char *colon = code.len > 0 ? memchr(code.p, ':', code.len) : NULL;

	if (colon != NULL)
		code = span_of(colon + 1);
	v->outcome = take_word(&code, "Client") ? OUTCOME_PERMANENT : OUTCOME_UNKNOWN;
	return driver_answer_words(c, &v->words, span_of(text_or_empty(fault, "faultstring")));
}

/* What the status says of the way to the MMSC goes before what the body may say. */
static bool
status_decides(int status)
{
	return status != 400 && status != 500 && (status < 200 || status > 299);
}

static enum res
judge(const struct gateway_config *c, const struct http_answer *a, int64_t now, struct verdict *v)
{
	struct soap soap = { .message = NULL };
	const struct soap_element *status = NULL;
	enum res res = RES_INVALID;

	driver_judge_status(a, now, v);
	if (!status_decides(a->status))
		res = soap_read(&soap, span_of(http_answer_header(a, "content-type")), a->body);
	if (res == RES_OK)
		status = find_status(soap.message);
	if (res == RES_OK && status != NULL)
		res = judge_status(c, soap.message, status, v);
	else if (res == RES_OK && strcmp(soap.message->name, "Fault") == 0)
		res = judge_fault(c, soap.message, v);
	else if (res != RES_NOMEM)
		res = a->body.len > 0 ? driver_answer_words(c, &v->words, a->body) :
		    buf_printf(&v->words, "HTTP status %d", a->status);
	soap_free(&soap);
	return res;
}

/* -- DeliveryReportReq, and what else an MMSC may send ----------------------------------------- */

/* mmDeliveryStatusType of the schema, and how one MMSC or another writes it. */
static const struct state_row {
	const char *status;
	enum report_state state;
} state_rows[] = {
	{ "Retrieved", REPORT_DELIVERED },
	{ "Expired", REPORT_FAILED },
	{ "Rejected", REPORT_FAILED },
	{ "Unrecognised", REPORT_FAILED },
	{ "Unrecognized", REPORT_FAILED },
	{ "System error", REPORT_FAILED },
	{ "SystemError", REPORT_FAILED },
	{ "Deferred", REPORT_TAKEN },
	{ "Forwarded", REPORT_TAKEN },
	{ "Indeterminate", REPORT_TAKEN },
};

static enum res
read_report(const struct gateway_config *c, const struct soap_element *message,
    struct report_read *out)
{
	struct span ref = span_of(text_or_empty(message, "MessageID"));
	struct span status = span_of(text_or_empty(message, "MMStatus"));
	const char *words = text_or_empty(message, "StatusText");
	struct buf said = { 0 };

	if (ref.len == 0 || ref.len > REF_MAX || status.len == 0)
		return RES_INVALID;
	const struct state_row *row = NULL;
	for (size_t i = 0; i < sizeof(state_rows) / sizeof(state_rows[0]) && row == NULL; i++)
		if (span_caseeq(status, span_of(state_rows[i].status)))
			row = &state_rows[i];
	if (row == NULL)
		return RES_NOTFOUND;
	out->state = row->state;
	buf_span(&out->ref, ref);
	buf_printf(&said, "%s%s%s", status.p, words[0] != '\0' ? ": " : "", words);
	enum res res = driver_answer_words(c, &out->words, buf_as_span(&said));
	if (said.failed || out->ref.failed)
		res = RES_NOMEM;
	buf_free(&said);
	return res;
}

/*
 * A message that is not for us is told so: what laterd would take and throw away, its sender would
 * believe to have arrived.
 */
static const struct request_row {
	const char *request, *reply, *code, *words;
	bool report;
} request_rows[] = {
	{ "DeliveryReportReq", "DeliveryReportRsp", "1000", "Success", true },
	{ "ReadReplyReq", "ReadReplyRsp", "1000", "Success", false },
	{ "DeliverReq", "DeliverRsp", "4003", "Operation not supported", false },
};

static enum res
finish_reply(struct web_reply *reply, int status)
{
	reply->status = status;
	reply->type = "text/xml; charset=utf-8";
	return reply->body.failed ? RES_NOMEM : RES_OK;
}

static enum res
reply_status(const struct gateway_config *c, const struct soap *soap,
    const struct request_row *row, struct web_reply *reply)
{
	struct buf *out = &reply->body;

	buf_reset(out);
	soap_begin(out, namespace_of(c), soap->transaction_id, row->reply);
	soap_add(out, "MM7Version", version_of(c));
	soap_open(out, "Status");
	soap_add(out, "StatusCode", row->code);
	soap_add(out, "StatusText", row->words);
	soap_close(out, "Status");
	soap_end(out, row->reply);
	return finish_reply(reply, 200);
}

static enum res
reply_fault(const struct gateway_config *c, const struct soap *soap, int status, const char *code,
    const char *words, struct web_reply *reply)
{
	buf_reset(&reply->body);
	soap_fault(&reply->body, namespace_of(c), version_of(c), soap->transaction_id, code, words);
	return finish_reply(reply, status);
}

static enum res
take_message(const struct gateway_config *c, const struct soap *soap, struct report_read *out,
    struct web_reply *reply)
{
	const struct request_row *row = NULL;
	enum res res = RES_NOTFOUND;

	for (size_t i = 0; i < sizeof(request_rows) / sizeof(request_rows[0]); i++)
		if (strcmp(soap->message->name, request_rows[i].request) == 0)
			row = &request_rows[i];
	if (row != NULL && row->report)
		res = read_report(c, soap->message, out);
	enum res replied;
	if (row == NULL)
		replied = reply_fault(c, soap, 200, "4003", "Operation not supported", reply);
	else if (res == RES_INVALID)
		replied = reply_fault(c, soap, 200, "4004", "Validation error", reply);
	else
		replied = reply_status(c, soap, row, reply);
	if (row == NULL)
		res = RES_INVALID;
	return replied != RES_OK ? replied : res;
}

static enum res
report(const struct gateway_config *c, const struct web_request *rq, struct report_read *out,
    struct web_reply *reply)
{
	struct soap soap = { .message = NULL };
	enum res res = soap_read(&soap, span_of(rq->content_type), rq->body);

	if (res == RES_OK)
		res = take_message(c, &soap, out, reply);
	else if (res == RES_INVALID &&
	    reply_fault(c, &soap, 400, "4004", "Validation error", reply) != RES_OK)
		res = RES_NOMEM;
	soap_free(&soap);
	return res;
}

static bool
reports_by_ref(const struct gateway_config *c)
{
	(void)c;
	return true;
}

const struct driver driver_mm7 = {
	.name = "mm7",
	.prepare = prepare,
	.render = render,
	.judge = judge,
	.report = report,
	.reports_by_ref = reports_by_ref,
};
