#include "xmpp/upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/parse.h"
#include "xmpp/query.h"
#include "xmpp/stanza.h"
#include "xmpp/upload_read.h"

#define NO_ANSWER "did not answer. Please try again later."

/* A slot that is wanted; it stands in one list at a time. */
struct job {
	struct place *place;
	uint64_t ticket;
	size_t size;
	char *name, *type;
	struct job *prev, *next;
};

/* What is known of a domain. */
struct place {
	struct upload *upload;
	char *domain;
	char *service;    /* NULL: not known */
	int64_t max_size; /* 0: none known */
	int64_t until;    /* monotonic: the service is remembered until then */
	bool looking;
	bool silent;      /* somebody who may be the service has not said whether they are */
	unsigned open;    /* questions under way, perhaps of a search that has found one already */
	struct job *waiting;
	struct place *next;
};

struct upload {
	struct upload_env env;
	struct place *places;
	size_t njobs;
	struct job *asking;    /* each is the `arg` of its request */
	struct job *too_large; /* to be told by the timer */
	struct timer timer;
};

static void on_info(void *arg, const struct request_answer *a);

/* -- Jobs -------------------------------------------------------------------------------------- */

static void
job_free(struct upload *u, struct job *job)
{
	u->njobs--;
	free(job->name);
	free(job->type);
	free(job);
}

static struct job *
job_new(struct upload *u, struct place *place, const struct slot_request *rq)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	u->njobs++;
	job->place = place;
	job->ticket = rq->ticket;
	job->size = rq->size;
	job->name = strdup(rq->name);
	job->type = strdup(rq->type);
	if (job->name == NULL || job->type == NULL) {
		job_free(u, job);
		return NULL;
	}
	return job;
}

/* The end of a job that is in no list any more.  It may call back. */
static void
tell(struct upload *u, struct job *job, enum res res, const struct slot *slot, const char *words)
{
	uint64_t ticket = job->ticket;

	job_free(u, job);
	u->env.told(u->env.arg, ticket, res, slot, words);
}

static void
tell_all(struct upload *u, struct job *jobs, enum res res, const char *words)
{
	struct job *job;

	while ((job = jobs) != NULL) {
		DL_DELETE(jobs, job);
		tell(u, job, res, NULL, words);
	}
}

static void
tell_too_large(void *arg)
{
	struct upload *u = arg;
	struct job *jobs = u->too_large, *job;
	struct buf words = { 0 };

	u->too_large = NULL;
	while ((job = jobs) != NULL) {
		DL_DELETE(jobs, job);
		buf_reset(&words);
		/* The service may have been forgotten meanwhile, and the domain has not. */
		upload_say_too_large(&words, job->place->service != NULL ? job->place->service
		    : job->place->domain, job->size, job->place->max_size);
		tell(u, job, RES_INVALID, NULL, buf_str(&words));
	}
	buf_free(&words);
}

/* -- Slots ------------------------------------------------------------------------------------- */

static void
forget_service(struct place *place)
{
	free(place->service);
	place->service = NULL;
}

/* Perhaps the service has moved: it is looked for again before the next slot. */
static void
refuse(struct job *job, enum res res, const char *words)
{
	struct upload *u = job->place->upload;

	forget_service(job->place);
	tell(u, job, res, NULL, words);
}

static void
on_result(struct job *job, const struct request_answer *a)
{
	struct upload *u = job->place->upload;
	struct arena arena = { .max = (size_t)64 << 10 };
	struct buf words = { 0 };
	struct slot slot;
	enum res res = upload_read_slot(a->iq, &arena, &slot);

	if (res == RES_OK) {
		tell(u, job, RES_OK, &slot, "");
	} else {
		buf_printf(&words, "%s gave a place for the file that cannot be used.", a->from);
		refuse(job, res == RES_NOMEM ? RES_TEMPFAIL : RES_INVALID, buf_str(&words));
	}
	buf_free(&words);
	arena_free(&arena);
}

static void
on_slot(void *arg, const struct request_answer *a)
{
	struct job *job = arg;
	struct upload *u = job->place->upload;
	struct buf words = { 0 };
	enum res res = RES_TEMPFAIL;

	DL_DELETE(u->asking, job);
	if (a->end == REQUEST_RESULT) {
		on_result(job, a);
		return;
	}
	if (a->end == REQUEST_ERROR)
		res = upload_read_error(
		    a->iq, a->from, job->size, job->place->max_size, &words);
	else
		buf_printf(&words, "%s " NO_ANSWER, a->from);
	refuse(job, res, buf_str(&words));
	buf_free(&words);
}

static xmpp_stanza_t *
slot_question(struct upload *u, const struct job *job)
{
	xmpp_stanza_t *st = stanza_new(u->env.ctx, "request", NS_UPLOAD);
	char size[24];

	snprintf(size, sizeof(size), "%zu", job->size);
	if (st == NULL || xmpp_stanza_set_attribute(st, "filename", job->name) != XMPP_EOK ||
	    xmpp_stanza_set_attribute(st, "size", size) != XMPP_EOK ||
	    xmpp_stanza_set_attribute(st, "content-type", job->type) != XMPP_EOK) {
		if (st != NULL)
			xmpp_stanza_release(st);
		return NULL;
	}
	return st;
}

/* The job, which is in no list, at a service that is known.  With any other result it still is. */
static enum res
ask_for_slot(struct upload *u, struct job *job)
{
	struct place *place = job->place;
	struct request rq = {
		.type = "get",
		.from = u->env.from,
		.to = place->service,
		.timeout_ms = UPLOAD_WAIT_MS,
		.fn = on_slot,
		.arg = job,
	};
	enum res res;

	if (place->max_size > 0 && job->size > (uint64_t)place->max_size) {
		DL_APPEND(u->too_large, job);
		timer_set(u->env.timers, &u->timer, clock_mono(u->env.clock), tell_too_large, u);
		return RES_OK;
	}
	rq.child = slot_question(u, job);
	res = requests_ask(u->env.requests, &rq);
	if (res == RES_OK)
		DL_APPEND(u->asking, job);
	return res;
}

/* -- The search for the service ---------------------------------------------------------------- */

static void
found(struct place *place, const char *service, int64_t max_size)
{
	struct upload *u = place->upload;
	struct job *jobs = place->waiting, *job;

	place->service = strdup(service);
	if (place->service == NULL) {
		place->silent = true;
		return;
	}
	place->looking = false;
	place->max_size = max_size;
	place->until = clock_mono(u->env.clock) + UPLOAD_KEPT_MS;
	place->waiting = NULL;
	while ((job = jobs) != NULL) {
		DL_DELETE(jobs, job);
		/* Whoever was told may have had the service forgotten. */
		if (place->service == NULL || ask_for_slot(u, job) != RES_OK)
			tell(u, job, RES_TEMPFAIL, NULL,
			    "The upload service cannot be asked now. Please try again later.");
	}
}

/* A question of the search has its answer; was it the last? */
static void
settle(struct place *place)
{
	struct upload *u = place->upload;
	struct job *jobs = place->waiting;
	struct buf words = { 0 };

	if (!place->looking || place->open > 0)
		return;
	place->looking = false;
	place->waiting = NULL;
	if (place->silent)
		buf_printf(&words, "The upload service of %s " NO_ANSWER, place->domain);
	else
		buf_printf(&words, "%s has no service for uploading files.", place->domain);
	tell_all(u, jobs, place->silent ? RES_TEMPFAIL : RES_INVALID, buf_str(&words));
	buf_free(&words);
}

static void
take_answer(struct place *place, const struct request_answer *a)
{
	place->open--;
	if (a->end != REQUEST_RESULT && (a->end != REQUEST_ERROR || upload_is_wait(a->iq)))
		place->silent = true;
}

static void
on_info(void *arg, const struct request_answer *a)
{
	struct place *place = arg;
	int64_t max_size;

	take_answer(place, a);
	if (place->looking && a->end == REQUEST_RESULT && upload_read_service(a->iq, &max_size))
		found(place, a->from, max_size);
	settle(place);
}

static void
ask_disco(struct place *place, const char *to, const char *ns, request_fn *fn)
{
	struct upload *u = place->upload;
	const struct request rq = {
		.type = "get",
		.from = u->env.from,
		.to = to,
		.child = stanza_new(u->env.ctx, "query", ns),
		.timeout_ms = UPLOAD_WAIT_MS,
		.fn = fn,
		.arg = place,
	};

	if (requests_ask(u->env.requests, &rq) == RES_OK)
		place->open++;
	else
		place->silent = true;
}

/* The server itself is asked already, and we know what we are. */
static void
ask_item(struct place *place, const struct jid *jid)
{
	struct buf to = { .max = JID_FULL_MAX };

	if (strcmp(jid->bare, place->domain) != 0 &&
	    strcmp(jid->domain, place->upload->env.own) != 0 && jid_print(&to, jid) == RES_OK)
		ask_disco(place, buf_str(&to), NS_DISCO_INFO, on_info);
	buf_free(&to);
}

static void
on_items(void *arg, const struct request_answer *a)
{
	struct place *place = arg;
	xmpp_stanza_t *item = NULL;
	struct jid jid;
	int n = 0;

	take_answer(place, a);
	while (place->looking && a->end == REQUEST_RESULT && n++ < UPLOAD_ITEMS_MAX &&
	    upload_read_item(a->iq, &item, &jid))
		ask_item(place, &jid);
	settle(place);
}

/* -- Places ------------------------------------------------------------------------------------ */

static struct place *
find_or_add(struct upload *u, const char *domain)
{
	struct place *place;

	LL_FOREACH(u->places, place)
		if (strcmp(place->domain, domain) == 0)
			return place;
	place = calloc(1, sizeof(*place));
	if (place == NULL)
		return NULL;
	place->upload = u;
	place->domain = strdup(domain);
	if (place->domain == NULL) {
		free(place);
		return NULL;
	}
	LL_PREPEND(u->places, place);
	return place;
}

/* RES_TEMPFAIL: nobody could be asked. */
static enum res
look_for_service(struct place *place)
{
	unsigned before = place->open;

	place->silent = false;
	ask_disco(place, place->domain, NS_DISCO_INFO, on_info);
	ask_disco(place, place->domain, NS_DISCO_ITEMS, on_items);
	place->looking = place->open > before;
	return place->looking ? RES_OK : RES_TEMPFAIL;
}

struct upload *
upload_new(const struct upload_env *env)
{
	struct upload *u = calloc(1, sizeof(*u));

	if (u != NULL)
		u->env = *env;
	return u;
}

static void
free_jobs(struct upload *u, struct job *jobs)
{
	struct job *job, *next;

	DL_FOREACH_SAFE(jobs, job, next)
		job_free(u, job);
}

void
upload_free(struct upload **up)
{
	struct upload *u = *up;
	struct place *place;

	if (u == NULL)
		return;
	timer_stop(&u->timer);
	free_jobs(u, u->asking);
	free_jobs(u, u->too_large);
	while ((place = u->places) != NULL) {
		u->places = place->next;
		free_jobs(u, place->waiting);
		forget_service(place);
		free(place->domain);
		free(place);
	}
	free(u);
	*up = NULL;
}

static bool
is_sendable(const char *text, size_t max)
{
	return *text != '\0' && strlen(text) <= max && xml_text_valid(span_of(text));
}

enum res
upload_ask(struct upload *u, const char *domain, const struct slot_request *rq)
{
	struct place *place;
	struct job *job;
	enum res res = RES_OK;

	if (rq->size == 0 || !is_sendable(rq->name, UPLOAD_NAME_MAX) ||
	    !is_sendable(rq->type, UPLOAD_TYPE_MAX))
		return RES_INVALID;
	place = u->njobs >= UPLOAD_JOBS_MAX ? NULL : find_or_add(u, domain);
	job = place == NULL ? NULL : job_new(u, place, rq);
	if (job == NULL)
		return RES_TEMPFAIL;
	if (place->service != NULL && place->until <= clock_mono(u->env.clock))
		forget_service(place);
	if (place->service != NULL) {
		res = ask_for_slot(u, job);
	} else {
		if (!place->looking)
			res = look_for_service(place);
		if (res == RES_OK)
			DL_APPEND(place->waiting, job);
	}
	if (res == RES_OK)
		return RES_OK;
	job_free(u, job);
	return RES_TEMPFAIL;
}

void
upload_reset(struct upload *u)
{
	struct place *place;

	LL_FOREACH(u->places, place)
		forget_service(place);
}
