/* An upload service behind a scripted wire: for the tests of xmpp/upload.c. */
#ifndef LATERD_TESTS_UPLOAD_SCRIPT_H
#define LATERD_TESTS_UPLOAD_SCRIPT_H

#include "requests_wire.h"
#include "xmpp/query.h"
#include "xmpp/upload.h"
#include "xmpp/upload_read.h"

#define DOMAIN  "example.org"
#define UPLOAD  "upload.example.org"
#define QUERY(ns, inside) "<query xmlns='" ns "'>" inside "</query>"
#define INFO(inside) QUERY(NS_DISCO_INFO, inside)
#define ITEMS(inside) QUERY(NS_DISCO_ITEMS, inside)
#define FEATURE "<feature var='" NS_UPLOAD "'/>"
#define FIELD(var, value) "<field var='" var "'><value>" value "</value></field>"
#define LIMIT(bytes) "<x xmlns='jabber:x:data' type='result'>" FIELD("FORM_TYPE", NS_UPLOAD) \
	FIELD("max-file-size", bytes) "</x>"
#define PUT  "https://upload.example.org/put/laterd.json"
#define GET  "https://upload.example.org/get/laterd.json"
#define SLOT(inside) "<slot xmlns='" NS_UPLOAD "'><put url='" PUT "'>" inside "</put>" \
	"<get url='" GET "'/></slot>"
#define ERROR(type, inside) "<error type='" type "'>" inside "</error>"
#define CONDITION(name) "<" name " xmlns='" ERRORS "'/>"
#define TEXT(text) "<text xmlns='" ERRORS "'>" text "</text>"
#define GOOD(headers) "1:ok: [" PUT " " GET headers "] "
#define NOT_HERE ERROR("cancel", CONDITION("service-unavailable"))

static struct wire w;
static struct upload *u;
static struct privilege *privilege;
static bool ask_at_end; /* for another slot, when the next is told */

static enum res
ask_sized(uint64_t ticket, size_t size)
{
	const struct slot_request rq = { .user = "juliet@example.org", .name = "laterd.json",
		.type = "application/json", .size = size, .ticket = ticket };

	return upload_ask(u, DOMAIN, &rq);
}

static enum res
ask(uint64_t ticket)
{
	return ask_sized(ticket, 1000);
}

static void
on_told(void *arg, uint64_t ticket, enum res res, const struct slot *slot, const char *words)
{
	static const char *const names[] = { [RES_OK] = "ok", [RES_INVALID] = "no",
		[RES_TEMPFAIL] = "later" };
	size_t i;

	assert_ptr_equal(arg, &w);
	assert_non_null(words);
	buf_printf(&w.told, "%u:%s:%s ", (unsigned)ticket, names[res], words);
	assert_int_equal(slot != NULL, res == RES_OK);
	if (slot != NULL) {
		buf_printf(&w.told, "[%s %s", slot->put, slot->get);
		for (i = 0; i < slot->nheaders; i++)
			buf_printf(
			    &w.told, "|%s=%s", slot->headers[i].name, slot->headers[i].value);
		buf_text(&w.told, "] ");
	}
	if (ask_at_end) {
		ask_at_end = false;
		buf_printf(&w.told, "(%s) ", ask(99) == RES_OK ? "asked" : "refused");
	}
}

static void
on_refused(void *arg, const char *domain, xmpp_stanza_t *error)
{
	assert_ptr_equal(arg, &w);
	buf_printf(&w.told, "refused:%s:%s ", domain, stanza_condition(error));
	privilege_revoke(privilege, domain, PRIVILEGE_SLOT);
}

static int
begin(void **state)
{
	struct upload_env env = { .from = BOT, .own = "later.example.org", .told = on_told,
		.refused = on_refused, .arg = &w };

	(void)state;
	wire_begin(&w);
	ask_at_end = false;
	env.ctx = w.ctx;
	env.privilege = privilege = privilege_new();
	assert_non_null(privilege);
	env.clock = &w.clock;
	env.timers = &w.timers;
	env.requests = w.requests;
	u = upload_new(&env);
	assert_non_null(u);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	/* As the component does: requests first, and a timer of ours may still wait. */
	requests_free(&w.requests);
	upload_free(&u);
	assert_null(u);
	privilege_free(&privilege);
	wire_end(&w);
	return 0;
}

static void
answer(unsigned n, const char *from, const char *type, const char *inside)
{
	requests_committed(w.requests);
	wire_answer(&w, n, from, type, inside);
}

static void
assert_asked(const char *want)
{
	assert_string_equal(buf_str(&w.all), want);
	buf_reset(&w.all);
}

#define ASKED_DOMAIN DOMAIN ":" NS_DISCO_INFO " " DOMAIN ":" NS_DISCO_ITEMS " "

/* The service is known, by the questions 1 to 3; the 4th is that for the slot of ticket 1. */
static void
find_service(const char *limit)
{
	char info[1000];

	assert_int_equal(ask(1), RES_OK);
	assert_asked(ASKED_DOMAIN);
	answer(1, DOMAIN, "result", INFO("<feature var='urn:xmpp:ping'/>"));
	answer(2, DOMAIN, "result", ITEMS("<item jid='" UPLOAD "'/>"));
	assert_asked(UPLOAD ":" NS_DISCO_INFO " ");
	snprintf(info, sizeof(info), INFO(FEATURE "%s"), limit);
	answer(3, UPLOAD, "result", info);
	assert_asked(UPLOAD ":" NS_UPLOAD " ");
	requests_committed(w.requests);
}

#define with_wire(test) cmocka_unit_test_setup_teardown(test, begin, end)

#endif
