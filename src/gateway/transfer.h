/* One request in libcurl's terms: how it is set up, what it collects, and how it ended. */
#ifndef LATERD_GATEWAY_TRANSFER_H
#define LATERD_GATEWAY_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "gateway/http.h"

struct transfer {
	/* Of whoever runs it. */
	TAILQ_ENTRY(transfer) next;
	struct http_pool *pool;
	http_done_fn *done;
	void *arg;
	struct event *overdue;
	bool is_overdue; /* given up because of that */

	struct http_request *rq;
	CURL *easy; /* its private pointer is the transfer; NULL when it has ended */
	struct curl_slist *fields;
	const bool *private_media;

	unsigned sendings; /* how often libcurl was about to write the request */
	bool refused, too_large;
	char detail[CURL_ERROR_SIZE];

	struct arena arena; /* the header fields of the answer */
	struct http_header *headers, **last;
	size_t headers_len;
	bool headers_ended; /* by an empty line: libcurl does not miss it */
	struct buf body;
	struct http_answer answer;
};

/*
 * Takes rq in any case.  private_media is looked at whenever a stranger's connection is made.  NULL
 * without memory.
 */
struct transfer *transfer_new(struct http_request *rq, const bool *private_media);
/* It ended so, and is in no multi handle any more: makes `answer`, whose strings are its own. */
void transfer_end(struct transfer *t, CURLcode code);
void transfer_free(struct transfer **t);

#endif
