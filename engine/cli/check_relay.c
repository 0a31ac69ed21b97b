/* check_relay.c - held by tests/system/test_cli_check.py. */
#include "engine/cli/check_relay.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/cli/relays.h"
#include "engine/cli/say.h"
#include "engine/run/report.h"
#include "transport/relay/relay_talk.h"

enum { PATIENCE_MS = 30 * 1000, TLS_WORDS = 128 };

static bool any_of_kind(const struct report *r, const char *kind)
{
	for (uint32_t i = 0; i < r->n_groups; i++)
		if (strcmp(r->groups[i].kind, kind) == 0)
			return true;
	return false;
}

/* What the list needs and this relay does not have. */
static void compare(const struct relay_talk *t, const char *name, struct report *r)
{
	uint64_t most = relay_talk_caps(t)->size_max;
	char largest[SAY_SIZE], allowed[SAY_SIZE];

	if (most > 0 && r->largest > most)
		finding_say(&r->sink, FINDING_ERROR, "relay", NULL, 0, 0, NULL,
			    "%s takes messages of at most %s, and the largest has %s (line %llu)", name,
			    say_bytes(most, allowed), say_bytes(r->largest, largest), (unsigned long long)r->largest_line);
	if (any_of_kind(r, "needs SMTPUTF8") && !relay_talk_offers(t, SPAN("SMTPUTF8"), NULL))
		finding_say(&r->sink, FINDING_ERROR, "relay", NULL, 0, 0, NULL,
			    "%s does not offer SMTPUTF8, which some addresses of the list need", name);
}

static void show(const struct relay_talk *t, const char *name)
{
	const char *mechanism = relay_talk_mechanism(t);
	char tls[TLS_WORDS], size[SAY_SIZE];
	uint64_t most = relay_talk_caps(t)->size_max;

	relay_talk_tls(t, tls, sizeof tls);
	printf("relay %s: %s, %s%s", name, tls[0] ? tls : "no TLS", mechanism ? "logged in by " : "no login",
	       mechanism ? mechanism : "");
	if (most)
		printf(", messages up to %s", say_bytes(most, size));
	printf("\n");
}

static void ask(const struct options *o, const struct delivery_relay *d, struct report *r, bool quiet)
{
	const struct relay_options opt = {
		.name = d->name, .url = d->url, .password_command = d->password_command,
		.password_file = d->password_file, .password_env = d->password_env, .ask_password = d->ask_password,
		.helo = o->helo, .timeout_ms = o->timeout_ms ? o->timeout_ms : PATIENCE_MS,
	};
	struct relay_talk *talk = NULL;
	struct relay *relay = NULL;
	struct err e = { 0 };

	if (relay_open(&relay, &opt, &e) < 0 || relay_talk_open(&talk, relay, NULL, &e) < 0) {
		finding_of_err(&r->sink, "relay", &e);
	} else {
		compare(talk, relay_name(relay), r);
		if (!quiet)
			show(talk, relay_name(relay));
		(void)relay_talk_quit(talk, &e);
	}
	relay_talk_free(&talk);
	relay_free(&relay);
}

int check_relays(struct options *o, struct report *r, bool quiet, struct err *e)
{
	const struct delivery_relay *relays;
	uint32_t n;

	if (o->relays.n == 0)
		return 0;
	if (relays_read(o, &relays, &n, e) < 0)
		return -1;
	for (uint32_t i = 0; i < n; i++)
		if (relay_url_is_ours(relays[i].url))
			ask(o, &relays[i], r, quiet);
	return 0;
}
