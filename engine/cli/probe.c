/* probe.c - the report for people. What a relay said is printable already. */
#include "engine/cli/probe.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/cli/say.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

/* What each keyword of EHLO is good for; the table ends the wondering, it is no list of what is used. */
static const struct {
	const char *keyword, *meaning;
} meanings[] = {
	{ "PIPELINING", "commands need not wait for each other: one round trip a message" },
	{ "CHUNKING", "contents are sent by their size: a whole message in one flight" },
	{ "SIZE", "the largest message it takes, in octets" },
	{ "8BITMIME", "octets above 127 (for attached messages only)" },
	{ "SMTPUTF8", "addresses beyond ASCII" },
	{ "DSN", "reports of delivery on request: --dsn-notify, --dsn-ret" },
	{ "ENHANCEDSTATUSCODES", "reasons as numbers, like 5.1.1" },
	{ "REQUIRETLS", "promises TLS on the whole way, when asked to" },
	{ "LIMITS", "messages a connection, recipients a message" },
	{ "AUTH", "how one may log in" },
	{ "STARTTLS", "TLS can be turned on" },
	{ "BINARYMIME", "contents without lines (not used)" },
	{ "DELIVERBY", "a time limit for the delivery (--mail-option BY=...)" },
	{ "FUTURERELEASE", "delivery later (--mail-option HOLDFOR=...)" },
	{ "MT-PRIORITY", "priorities (--mail-option MT-PRIORITY=...)" },
	{ "VRFY", "asks about an address (--vrfy)" },
	{ "EXPN", "asks about a mailing list (not used)" },
	{ "HELP", "says what it can do (--command HELP)" },
	{ "ETRN", "for mail servers (not used)" },
	{ "BURL", "contents from an IMAP server (not used)" },
	{ "PIPECONNECT", "saves round trips at the beginning (not used)" },
	{ "PRDR", "a verdict for each recipient (not used)" },
	{ "XCLIENT", "for proxies (not used)" },
	{ "XFORWARD", "for proxies (not used)" },
};

static const char *meaning_of(struct span keyword)
{
	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
		if (span_case_eq(keyword, span_str(meanings[i].keyword)))
			return meanings[i].meaning;
	return span_case_begins(keyword, SPAN("X")) ? "an extension of its own" : "";
}

static void print_capability(struct span line)
{
	struct span whole = line, keyword = span_cut(&line, ' ');
	const char *meaning = meaning_of(keyword);

	if (whole.n == 0)
		return;
	if (whole.n <= 24)
		printf("    %-24.*s %s\n", SPAN_ARG(whole), meaning);
	else
		printf("    %.*s\n    %-24s %s\n", SPAN_ARG(whole), "", meaning);
}

static void print_capabilities(struct span text)
{
	struct span name = span_cut(&text, '\n');

	if (name.n == 0)
		return;
	printf("  name         %.*s\n", SPAN_ARG(name));
	printf("  capabilities%s\n", text.n ? "" : " none");
	while (text.n > 0)
		print_capability(span_cut(&text, '\n'));
}

/* What it says in several places, or in numbers only, in one line each. */
static void print_login_and_limits(const struct relay_talk *t)
{
	const struct smtp_caps *c = relay_talk_caps(t);
	struct span mechanisms = relay_talk_mechanisms(t);
	const char *between = "";

	if (mechanisms.n > 0)
		printf("  mechanisms   %.*s\n", SPAN_ARG(mechanisms));
	if (c->size_max == 0 && c->mail_max == 0 && c->rcpt_max == 0 && c->rcpt_domain_max == 0)
		return;
	printf("  limits       ");
	if (c->size_max > 0) {
		printf("%llu octets a message", (unsigned long long)c->size_max);
		between = ", ";
	}
	if (c->mail_max > 0) {
		printf("%s%u messages a connection", between, c->mail_max);
		between = ", ";
	}
	if (c->rcpt_max > 0) {
		printf("%s%u recipients a message", between, c->rcpt_max);
		between = ", ";
	}
	if (c->rcpt_domain_max > 0)
		printf("%s%u domains a message", between, c->rcpt_domain_max);
	printf("\n");
}

static void print_certificate(const struct relay_talk *t)
{
	struct net_cert_facts c;
	char date[CLOCK_RFC3339_SIZE];
	int64_t days, now_ms = clock_wall_ms();

	if (relay_talk_cert(t, &c) < 0)
		return;
	days = (c.until_ms - now_ms) / DAY_MS;
	clock_rfc3339(c.until_ms, date);
	date[10] = '\0';
	printf("  certificate  for %s, from '%s'\n", c.names[0] ? c.names : "no host", c.issuer);
	if (c.until_ms < now_ms)
		printf("               expired on %s, %lld day%s ago\n", date, (long long)-days, days == -1 ? "" : "s");
	else
		printf("               valid until %s: %lld day%s left\n", date, (long long)days, days == 1 ? "" : "s");
	printf("               sha256:");
	for (size_t i = 0; i < sizeof c.sha256; i++)
		printf("%02x", c.sha256[i]);
	printf("\n");
}

static void print_link(const struct relay_talk *t)
{
	const struct net_address *peer = relay_talk_peer(t);
	char words[NET_ADDRESS_WORDS], tls[160];

	if (peer) {
		net_address_words(peer, words);
		printf("  address      %s\n", words);
	}
	relay_talk_tls(t, tls, sizeof tls);
	if (peer && (tls[0] || relay_talk_ehlo(t).n > 0 || relay_talk_is_open(t)))
		printf("  TLS          %s\n", tls[0] ? tls : "none");
	print_certificate(t);
}

static void print_steps(const struct relay_talk *t)
{
	const struct relay_step *steps;
	unsigned n = relay_talk_steps(t, &steps);

	if (n > 0)
		printf("  time        ");
	for (unsigned i = 0; i < n; i++)
		printf(" %s %.1f ms%s", steps[i].what, (double)steps[i].took_us / 1000, i + 1 < n ? "," : "\n");
}

static void print_asked(const struct probe_asked *a)
{
	struct span text = span_str(a->answer.text);

	printf("  > %s\n", a->line);
	do {
		struct span line = span_cut(&text, '\n');

		printf("  < %d%c%.*s\n", a->answer.code, text.n > 0 ? '-' : ' ', SPAN_ARG(line));
	} while (text.n > 0);
}

void probe_print(const struct probe *p)
{
	const struct relay_talk *t = p->talk;
	struct span greeting;

	printf("%s\n", p->place);
	if (!t)
		return;
	print_link(t);
	greeting = relay_talk_greeting(t);
	if (greeting.n > 0)
		printf("  greeting     %.*s\n", SPAN_ARG(span_sub(greeting, 0, span_find(greeting, '\n'))));
	print_capabilities(relay_talk_ehlo(t));
	if (relay_talk_ehlo(t).n > 0)
		print_login_and_limits(t);
	else if (relay_talk_is_open(t))
		printf("  capabilities none: it knows no EHLO\n");
	if (p->logged_in)
		printf("  login        accepted, with %s\n", relay_talk_mechanism(t));
	for (unsigned i = 0; i < p->n_asked; i++)
		print_asked(&p->asked[i]);
	print_steps(t);
}
