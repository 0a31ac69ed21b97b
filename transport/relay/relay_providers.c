/* relay_providers.c - a provider's name becomes a URL. Pure code. */
#include "transport/relay/relay_providers.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"

static const struct relay_provider providers[] = {
#define PROVIDER(name, place, limits, user, anonymous) { name, place, limits, user, anonymous },
#include "transport/relay/relay_providers.def"
#undef PROVIDER
};

enum { PROVIDERS = sizeof providers / sizeof *providers, FAR = 4 };

const struct relay_provider *relay_provider_at(size_t i)
{
	return i < PROVIDERS ? &providers[i] : NULL;
}

static const struct relay_provider *find(const char *name, struct err *e)
{
	const char *nearest = NULL;
	unsigned best = FAR;

	for (size_t i = 0; i < PROVIDERS; i++) {
		unsigned d = utf8_distance(span_str(name), span_str(providers[i].name), best);

		if (span_case_eq(span_str(name), span_str(providers[i].name)))
			return &providers[i];
		if (d < best) {
			best = d;
			nearest = providers[i].name;
		}
	}
	err_set(e, ERR_INPUT, "no provider '%s' is known", name);
	if (nearest)
		err_hint(e, "did you mean %s?", nearest);
	else
		err_hint(e, "any relay can be given as --relay smtp://USER@HOST:PORT; lettershop help send --all names "
			    "those that are known");
	return NULL;
}

/* A user's octets as they may stand in a URL. Returns how many, 0: no room. */
static size_t put_user(char *out, size_t room, const char *user)
{
	size_t n = 0;

	for (const char *p = user; *p; p++) {
		unsigned char c = (unsigned char)*p;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
			     c == '.' || c == '_' || c == '+' || c == '@';

		if (n + 4 > room)
			return 0;
		n += (size_t)snprintf(out + n, room - n, plain ? "%c" : "%%%02X", c);
	}
	return n;
}

int relay_provider_url(const char *name, const char *user, char out[RELAY_PROVIDER_URL], struct err *e)
{
	const struct relay_provider *p = find(name, e);
	size_t scheme, n;

	if (!p)
		return -1;
	if (!user || !user[0])
		user = p->user;
	if (!user && !p->anonymous) {
		err_set(e, ERR_INPUT, "%s wants a login: whose?", p->name);
		return err_hint(e, "add --user NAME, often the whole address");
	}
	scheme = (size_t)(strstr(p->place, "://") - p->place) + 3;
	n = (size_t)snprintf(out, RELAY_PROVIDER_URL, "%.*s", (int)scheme, p->place);
	if (user) {
		size_t m = put_user(out + n, RELAY_PROVIDER_URL / 2, user);

		if (m == 0)
			return err_set(e, ERR_INPUT, "the user is too long");
		n += m;
		out[n++] = '@';
	}
	snprintf(out + n, RELAY_PROVIDER_URL - n, "%s%s%s", p->place + scheme, p->limits[0] ? "?" : "", p->limits);
	return 0;
}
