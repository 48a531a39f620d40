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
	struct provider *provider;
	uint64_t ticket;
	size_t size;
	char *name, *type;
	char *user;
	bool refused; /* to ask as the user */
	struct job *prev, *next;
};

/* What is known of a domain. */
struct provider {
	struct upload *upload;
	char *domain;
	char *service;    /* NULL: not known */
	int64_t max_size; /* 0: none known */
	int64_t until;    /* monotonic: the service is remembered until then */
	bool looking;
	bool silent;      /* somebody who may be the service has not said whether they are */
	unsigned open;    /* questions under way, perhaps of a search that has found one already */
	struct job *waiting;
	struct provider *next;
};

struct upload {
	struct upload_env env;
	struct provider *providers;
	size_t njobs;
	struct job *asking;    /* each is the `arg` of its request */
	struct job *too_large; /* to be told by the timer */
	struct timer timer;
};

static void on_info(void *arg, const struct request_answer *a);
static enum res ask_for_slot(struct upload *u, struct job *job);

/* -- Jobs -------------------------------------------------------------------------------------- */

static void
job_free(struct upload *u, struct job *job)
{
	u->njobs--;
	free(job->name);
	free(job->type);
	free(job->user);
	free(job);
}

static struct job *
job_new(struct upload *u, struct provider *provider, const struct slot_request *rq)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	u->njobs++;
	job->provider = provider;
	job->ticket = rq->ticket;
	job->size = rq->size;
	job->name = strdup(rq->name);
	job->type = strdup(rq->type);
	job->user = strdup(rq->user);
	if (job->name == NULL || job->type == NULL || job->user == NULL) {
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
		upload_say_too_large(&words, job->provider->service != NULL ? job->provider->service
		    : job->provider->domain, job->size, job->provider->max_size);
		tell(u, job, RES_INVALID, NULL, buf_str(&words));
	}
	buf_free(&words);
}

/* -- Slots ------------------------------------------------------------------------------------- */

static void
forget_service(struct provider *provider)
{
	free(provider->service);
	provider->service = NULL;
}

/* Perhaps the service has moved: it is looked for again before the next slot. */
static void
refuse(struct job *job, enum res res, const char *words)
{
	struct upload *u = job->provider->upload;

	forget_service(job->provider);
	tell(u, job, res, NULL, words);
}

static void
on_result(struct job *job, const struct request_answer *a)
{
	struct upload *u = job->provider->upload;
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
tell_failure(struct job *job, const struct request_answer *a)
{
	struct buf words = { 0 };
	enum res res = RES_TEMPFAIL;

	if (a->end == REQUEST_ERROR)
		res = upload_read_error(
		    a->iq, a->from, job->size, job->provider->max_size, &words);
	else
		buf_printf(&words, "%s " NO_ANSWER, a->from);
	refuse(job, res, buf_str(&words));
	buf_free(&words);
}

static void
on_slot(void *arg, const struct request_answer *a)
{
	struct job *job = arg;

	DL_DELETE(job->provider->upload->asking, job);
	if (a->end == REQUEST_RESULT)
		on_result(job, a);
	else
		tell_failure(job, a);
}

static void
on_slot_as_user(void *arg, const struct request_answer *a)
{
	struct job *job = arg;
	struct upload *u = job->provider->upload;

	if (a->end == REQUEST_DENIED && a->iq != NULL)
		u->env.refused(
		    u->env.arg, job->provider->domain, stanza_child(a->iq, "error", NULL));
	if (a->end == REQUEST_RESULT || a->end == REQUEST_GONE ||
	    (a->end == REQUEST_ERROR && upload_is_final(a->iq))) {
		on_slot(job, a);
		return;
	}
	DL_DELETE(u->asking, job);
	job->refused = true;
	if (job->provider->service == NULL || ask_for_slot(u, job) != RES_OK)
		tell_failure(job, a);
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
	struct provider *provider = job->provider;
	bool as_user = !job->refused &&
	    privilege_has(u->env.privilege, provider->domain, PRIVILEGE_SLOT);
	struct request rq = {
		.type = "get",
		.from = as_user ? u->env.own : u->env.from,
		.to = provider->service,
		.as = as_user ? job->user : NULL,
		.timeout_ms = UPLOAD_WAIT_MS,
		.fn = as_user ? on_slot_as_user : on_slot,
		.arg = job,
	};
	enum res res;

	if (provider->max_size > 0 && job->size > (uint64_t)provider->max_size) {
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
found(struct provider *provider, const char *service, int64_t max_size)
{
	struct upload *u = provider->upload;
	struct job *jobs = provider->waiting, *job;

	provider->service = strdup(service);
	if (provider->service == NULL) {
		provider->silent = true;
		return;
	}
	provider->looking = false;
	provider->max_size = max_size;
	provider->until = clock_mono(u->env.clock) + UPLOAD_KEPT_MS;
	provider->waiting = NULL;
	while ((job = jobs) != NULL) {
		DL_DELETE(jobs, job);
		/* Whoever was told may have had the service forgotten. */
		if (provider->service == NULL || ask_for_slot(u, job) != RES_OK)
			tell(u, job, RES_TEMPFAIL, NULL,
			    "The upload service cannot be asked now. Please try again later.");
	}
}

/* A question of the search has its answer; was it the last? */
static void
settle(struct provider *provider)
{
	struct upload *u = provider->upload;
	struct job *jobs = provider->waiting;
	struct buf words = { 0 };

	if (!provider->looking || provider->open > 0)
		return;
	provider->looking = false;
	provider->waiting = NULL;
	if (provider->silent)
		buf_printf(&words, "The upload service of %s " NO_ANSWER, provider->domain);
	else
		buf_printf(&words, "%s has no service for uploading files.", provider->domain);
	tell_all(u, jobs, provider->silent ? RES_TEMPFAIL : RES_INVALID, buf_str(&words));
	buf_free(&words);
}

static void
take_answer(struct provider *provider, const struct request_answer *a)
{
	provider->open--;
	if (a->end != REQUEST_RESULT && (a->end != REQUEST_ERROR || upload_is_wait(a->iq)))
		provider->silent = true;
}

static void
on_info(void *arg, const struct request_answer *a)
{
	struct provider *provider = arg;
	int64_t max_size;

	take_answer(provider, a);
	if (provider->looking && a->end == REQUEST_RESULT && upload_read_service(a->iq, &max_size))
		found(provider, a->from, max_size);
	settle(provider);
}

static void
ask_disco(struct provider *provider, const char *to, const char *ns, request_fn *fn)
{
	struct upload *u = provider->upload;
	const struct request rq = {
		.type = "get",
		.from = u->env.from,
		.to = to,
		.child = stanza_new(u->env.ctx, "query", ns),
		.timeout_ms = UPLOAD_WAIT_MS,
		.fn = fn,
		.arg = provider,
	};

	if (requests_ask(u->env.requests, &rq) == RES_OK)
		provider->open++;
	else
		provider->silent = true;
}

/* The server itself is asked already, and we know what we are. */
static void
ask_item(struct provider *provider, const struct jid *jid)
{
	struct buf to = { .max = JID_FULL_MAX };

	if (strcmp(jid->bare, provider->domain) != 0 &&
	    strcmp(jid->domain, provider->upload->env.own) != 0 && jid_print(&to, jid) == RES_OK)
		ask_disco(provider, buf_str(&to), NS_DISCO_INFO, on_info);
	buf_free(&to);
}

static void
on_items(void *arg, const struct request_answer *a)
{
	struct provider *provider = arg;
	xmpp_stanza_t *item = NULL;
	struct jid jid;
	int n = 0;

	take_answer(provider, a);
	while (provider->looking && a->end == REQUEST_RESULT && n++ < UPLOAD_ITEMS_MAX &&
	    upload_read_item(a->iq, &item, &jid))
		ask_item(provider, &jid);
	settle(provider);
}

/* -- Places ------------------------------------------------------------------------------------ */

static struct provider *
find_or_add(struct upload *u, const char *domain)
{
	struct provider *provider;

	LL_FOREACH(u->providers, provider)
		if (strcmp(provider->domain, domain) == 0)
			return provider;
	provider = calloc(1, sizeof(*provider));
	if (provider == NULL)
		return NULL;
	provider->upload = u;
	provider->domain = strdup(domain);
	if (provider->domain == NULL) {
		free(provider);
		return NULL;
	}
	LL_PREPEND(u->providers, provider);
	return provider;
}

/* RES_TEMPFAIL: nobody could be asked. */
static enum res
look_for_service(struct provider *provider)
{
	unsigned before = provider->open;

	provider->silent = false;
	ask_disco(provider, provider->domain, NS_DISCO_INFO, on_info);
	ask_disco(provider, provider->domain, NS_DISCO_ITEMS, on_items);
	provider->looking = provider->open > before;
	return provider->looking ? RES_OK : RES_TEMPFAIL;
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
	struct provider *provider;

	if (u == NULL)
		return;
	timer_stop(&u->timer);
	free_jobs(u, u->asking);
	free_jobs(u, u->too_large);
	while ((provider = u->providers) != NULL) {
		u->providers = provider->next;
		free_jobs(u, provider->waiting);
		forget_service(provider);
		free(provider->domain);
		free(provider);
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
	struct provider *provider;
	struct job *job;
	enum res res = RES_OK;

	if (rq->size == 0 || !is_sendable(rq->name, UPLOAD_NAME_MAX) ||
	    !is_sendable(rq->type, UPLOAD_TYPE_MAX))
		return RES_INVALID;
	provider = u->njobs >= UPLOAD_JOBS_MAX ? NULL : find_or_add(u, domain);
	job = provider == NULL ? NULL : job_new(u, provider, rq);
	if (job == NULL)
		return RES_TEMPFAIL;
	if (provider->service != NULL && provider->until <= clock_mono(u->env.clock))
		forget_service(provider);
	if (provider->service != NULL) {
		res = ask_for_slot(u, job);
	} else {
		if (!provider->looking)
			res = look_for_service(provider);
		if (res == RES_OK)
			DL_APPEND(provider->waiting, job);
	}
	if (res == RES_OK)
		return RES_OK;
	job_free(u, job);
	return RES_TEMPFAIL;
}

void
upload_reset(struct upload *u)
{
	struct provider *provider;

	LL_FOREACH(u->providers, provider)
		forget_service(provider);
}
