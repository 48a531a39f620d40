#include <arpa/inet.h>
#include <stdbool.h>
#include <stringprep.h>
#include <string.h>

#include "base/parse.h"
#include "core/jid.h"

#define LABEL_MAX 63 /* RFC 1035 section 2.3.4 */

static bool
is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Letters that no profile changes or forbids: most addresses need no more than this. */
static bool
is_plain(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_lower_or_digit(s.p[i]) && s.p[i] != '.' && s.p[i] != '-' && s.p[i] != '_')
			return false;
	return true;
}

static enum res
prepare(char out[JID_PART_MAX + 1], struct span part, const Stringprep_profile *profile)
{
	if (part.len == 0 || part.len > JID_PART_MAX || memchr(part.p, '\0', part.len) != NULL ||
	    !utf8_valid(part))
		return RES_INVALID;
	memcpy(out, part.p, part.len);
	out[part.len] = '\0';
	if (is_plain(part))
		return RES_OK;
	int rc = stringprep(out, JID_PART_MAX + 1, 0, profile);
	/* Of valid UTF-8, libidn has the latter two only when it finds no memory. */
	if (rc == STRINGPREP_MALLOC_ERROR || rc == STRINGPREP_ICONV_ERROR ||
	    rc == STRINGPREP_NFKC_FAILED)
		return RES_NOMEM;
	return rc == STRINGPREP_OK && out[0] != '\0' ? RES_OK : RES_INVALID;
}

static bool
is_ipv6_literal(const char *domain)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	size_t len = strlen(domain);

	if (len < 4 || len - 2 >= sizeof(text) || domain[0] != '[' || domain[len - 1] != ']')
		return false;
	memcpy(text, domain + 1, len - 2);
	text[len - 2] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1;
}

/*
 * RFC 7622 section 3.2, with RFC 1123's letters and the '_' that names of machines have in
 * practice.
 */
static bool
is_host_name(const char *domain)
{
	bool ascii = true, long_label = false;
	size_t label = 0;

	for (const char *p = domain; *p != '\0'; p++) {
		if (*p == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if ((unsigned char)*p >= 0x80)
			ascii = false;
		else if (!is_lower_or_digit(*p) && *p != '-' && *p != '_')
			return false;
		long_label = ++label > LABEL_MAX || long_label;
	}
	return label > 0 && !(ascii && long_label);
}

static enum res
set_domain(struct jid *out, struct span domain)
{
	enum res res = prepare(out->domain, domain, stringprep_nameprep);

	if (res != RES_OK)
		return res;
	size_t len = strlen(out->domain);
	if (out->domain[len - 1] == '.')
		out->domain[len - 1] = '\0';
	return is_ipv6_literal(out->domain) || is_host_name(out->domain) ? RES_OK : RES_INVALID;
}

static void
clear(struct jid *out)
{
	out->local[0] = out->domain[0] = out->resource[0] = out->bare[0] = '\0';
}

/* From its parts; an absent local part or resource has p NULL. */
static enum res
set_parts(struct jid *out, struct span local, struct span domain, struct span resource)
{
	clear(out);
	enum res res = set_domain(out, domain);
	if (res == RES_OK && local.p != NULL)
		res = prepare(out->local, local, stringprep_xmpp_nodeprep);
	if (res == RES_OK && resource.p != NULL)
		res = prepare(out->resource, resource, stringprep_xmpp_resourceprep);
	if (res != RES_OK) {
		clear(out);
		return res;
	}
	char *end = out->bare;
	if (out->local[0] != '\0') {
		end = stpcpy(end, out->local);
		*end++ = '@';
	}
	stpcpy(end, out->domain);
	return RES_OK;
}

/* What stands before c, which is skipped; absent, and s as it was, without one. */
static struct span
cut_at(struct span *s, char c)
{
	const char *at = s->len > 0 ? memchr(s->p, c, s->len) : NULL;

	if (at == NULL)
		return (struct span){ NULL, 0 };
	struct span before = { s->p, (size_t)(at - s->p) };
	*s = (struct span){ at + 1, s->len - before.len - 1 };
	return before;
}

enum res
jid_parse(struct jid *out, struct span text)
{
	struct span bare = text, resource = text;

	clear(out);
	if (text.len > JID_FULL_MAX)
		return RES_INVALID;
	/*
	 * RFC 7622 section 3.1: the first '/' before all else, since a resource may have both
	 * separators.
	 */
	struct span before = cut_at(&resource, '/');
	if (before.p != NULL)
		bare = before;
	else
		resource = (struct span){ NULL, 0 };
	struct span local = cut_at(&bare, '@');
	return set_parts(out, local, bare, resource);
}

enum res
jid_parse_text(struct jid *out, const char *text)
{
	return jid_parse(out, span_of(text));
}

static bool
is_assigned(struct span part, const Stringprep_profile *profile)
{
	char text[JID_PART_MAX + 1];

	if (is_plain(part))
		return true;
	if (part.len > JID_PART_MAX)
		return false;
	memcpy(text, part.p, part.len);
	text[part.len] = '\0';
	return stringprep(text, sizeof(text), STRINGPREP_NO_UNASSIGNED, profile) == STRINGPREP_OK;
}

bool
jid_is_assigned(const char *bare)
{
	struct span domain = span_of(bare), local = cut_at(&domain, '@');

	return (local.p == NULL || is_assigned(local, stringprep_xmpp_nodeprep)) &&
	    is_assigned(domain, stringprep_nameprep);
}

enum res
jid_print(struct buf *out, const struct jid *jid)
{
	return buf_printf(
	    out, "%s%s%s", jid->bare, jid->resource[0] != '\0' ? "/" : "", jid->resource);
}

/* user%domain, prepared, for user@domain. */
static enum res
alias_local(char out[JID_PART_MAX + 1], const char *user_bare)
{
	char local[JID_PART_MAX + 1];
	const char *at = strchr(user_bare, '@');
	size_t len = strlen(user_bare);

	if (at == NULL || at == user_bare || len > JID_PART_MAX)
		return RES_INVALID;
	memcpy(local, user_bare, len + 1);
	local[at - user_bare] = '%';
	return prepare(out, (struct span){ local, len }, stringprep_xmpp_nodeprep);
}

enum res
jid_alias(struct buf *out, const char *user_bare, const char *component)
{
	struct jid alias;
	char local[JID_PART_MAX + 1];
	enum res res = alias_local(local, user_bare);

	if (res == RES_OK)
		res = set_parts(
		    &alias, span_of(local), span_of(component), (struct span){ NULL, 0 });
	return res == RES_OK ? buf_text(out, alias.bare) : res;
}

enum res
jid_of_alias(struct jid *out, const char *local)
{
	const char *percent = strrchr(local, '%');
	char again[JID_PART_MAX + 1];
	enum res res;

	clear(out);
	if (percent == NULL || strlen(local) > JID_PART_MAX)
		return RES_INVALID;
	res = set_parts(out, (struct span){ local, (size_t)(percent - local) },
	    span_of(percent + 1), (struct span){ NULL, 0 });
	if (res == RES_OK)
		res = alias_local(again, out->bare);
	if (res == RES_OK && strcmp(again, local) != 0)
		res = RES_INVALID;
	if (res != RES_OK)
		clear(out);
	return res;
}
