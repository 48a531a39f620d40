/* Media that users name by a link: which links are followed, and what may come back. */
#ifndef LATERD_GATEWAY_MEDIA_H
#define LATERD_GATEWAY_MEDIA_H

#include "gateway/http.h"

#define MEDIA_URL_MAX 2048

struct media_config {
	const char *const *hosts; /* "example.org", "*.example.org"; NULL-terminated, empty: any */
	bool private_addresses;   /* curl.h: curl_client_private_media */
	const char *ca_file;      /* NULL: the system's */
	int64_t timeout_ms;
};

/*
 * Write the request for a link into rq, which is new.  RES_INVALID with the reason in `why` for
 * anything but an https URL of at most MEDIA_URL_MAX bytes without user and fragment, on port 443
 * or above 1023, with a host that is allowed and is a name, or an address in its usual form;
 * RES_NOMEM.
 */
enum res media_request(const struct media_config *c, const char *url, size_t max,
    struct http_request *rq, struct buf *why);
/*
 * Judge what came back.  RES_OK with the type (static); RES_INVALID: never, RES_TEMPFAIL: not now,
 * both with words for the sender; RES_NOMEM.
 */
enum res media_judge(const struct http_answer *a, size_t max, const char **type, struct buf *why);
/*
 * What the bytes are, by their first ones: "image/jpeg", "image/png", "image/gif", "image/webp",
 * "image/heic", "audio/mpeg", "audio/mp4", "audio/amr", "audio/ogg", "audio/wav", "video/mp4",
 * "video/3gpp", "video/quicktime", "video/webm", "text/vcard", "text/calendar"; NULL for all else.
 */
const char *media_sniff(struct span bytes);
/*
 * A declared Content-Type (with parameters, in any case) agrees with what was sniffed.  None at
 * all, NULL or empty, and application/octet-stream agree with everything.
 */
bool media_type_agrees(const char *declared, const char *sniffed);

#endif
