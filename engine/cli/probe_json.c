/* probe_json.c - the report for programs: one object; members are added, never renamed. */
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/utf8.h"
#include "engine/cli/probe.h"

enum { TEXT_MAX = 4096, DAY_MS = 24 * 60 * 60 * 1000 };

static void put_text(struct span s)
{
	char text[TEXT_MAX];
	size_t n = utf8_printable(s, text, sizeof text);

	putchar('"');
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '"' || text[i] == '\\')
			putchar('\\');
		putchar(text[i]);
	}
	putchar('"');
}

static void put_member(const char *name, struct span value)
{
	printf(", \"%s\": ", name);
	put_text(value);
}

static void put_time(const char *name, int64_t ms)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(ms, text);
	put_member(name, span_str(text));
}

/* As texts in an array. */
static void put_list(const char *name, struct span text, char separator)
{
	printf(", \"%s\": [", name);
	for (bool first = true; text.n > 0; first = false) {
		printf("%s", first ? "" : ", ");
		put_text(span_cut(&text, separator));
	}
	putchar(']');
}

static void put_certificate(const struct relay_talk *t)
{
	struct net_cert_facts c;

	if (relay_talk_cert(t, &c) < 0)
		return;
	printf(", \"certificate\": {\"days_left\": %lld", (long long)((c.until_ms - clock_wall_ms()) / DAY_MS));
	put_member("names", span_str(c.names));
	put_member("issuer", span_str(c.issuer));
	put_time("from", c.from_ms);
	put_time("until", c.until_ms);
	printf(", \"sha256\": \"");
	for (size_t i = 0; i < sizeof c.sha256; i++)
		printf("%02x", c.sha256[i]);
	printf("\"}");
}

static bool is_there(struct span lines, struct span keyword)
{
	while (lines.n > 0) {
		struct span line = span_cut(&lines, '\n');

		if (span_case_eq(span_cut(&line, ' '), keyword))
			return true;
	}
	return false;
}

/* What stands behind a keyword, in all of its lines: some relays announce one twice, and a member is there once. */
static void put_joined(struct span lines, struct span keyword)
{
	char text[TEXT_MAX];
	size_t n = 0;

	while (lines.n > 0) {
		struct span line = span_cut(&lines, '\n');

		if (!span_case_eq(span_cut(&line, ' '), keyword))
			continue;
		line = span_trim(line);
		if (line.n == 0 || n + line.n + 1 > sizeof text)
			continue;
		if (n > 0)
			text[n++] = ' ';
		memcpy(text + n, line.p, line.n);
		n += line.n;
	}
	put_text(span_of(text, n));
}

static void put_capabilities(struct span text)
{
	struct span name = span_cut(&text, '\n'), all = text;
	const char *between = "";

	put_member("name", name);
	printf(", \"capabilities\": {");
	while (text.n > 0) {
		size_t before = all.n - text.n;
		struct span line = span_cut(&text, '\n'), keyword = span_cut(&line, ' ');

		if (keyword.n == 0 || is_there(span_sub(all, 0, before), keyword))
			continue;
		printf("%s", between);
		between = ", ";
		put_text(keyword);
		printf(": ");
		put_joined(all, keyword);
	}
	putchar('}');
}

static void put_limits(const struct smtp_caps *caps)
{
	printf(", \"size_max\": %llu, \"mail_max\": %u, \"rcpt_max\": %u, \"rcpt_domain_max\": %u",
	       (unsigned long long)caps->size_max, caps->mail_max, caps->rcpt_max, caps->rcpt_domain_max);
}

static void put_steps(const struct relay_talk *t)
{
	const struct relay_step *steps;
	unsigned n = relay_talk_steps(t, &steps);

	printf(", \"steps\": [");
	for (unsigned i = 0; i < n; i++)
		printf("%s{\"what\": \"%s\", \"ms\": %.3f}", i ? ", " : "", steps[i].what,
		       (double)steps[i].took_us / 1000);
	putchar(']');
}

static void put_talk(const struct relay_talk *t)
{
	const struct net_address *peer = relay_talk_peer(t);
	char words[NET_ADDRESS_WORDS];

	if (peer) {
		net_address_words(peer, words);
		put_member("address", span_str(words));
	}
	relay_talk_tls(t, words, sizeof words);
	put_member("tls", span_str(words));
	put_certificate(t);
	put_list("greeting", relay_talk_greeting(t), '\n');
	if (relay_talk_ehlo(t).n > 0) {
		put_capabilities(relay_talk_ehlo(t));
		put_list("mechanisms", relay_talk_mechanisms(t), ' ');
		put_limits(relay_talk_caps(t));
	}
	put_steps(t);
}

void probe_print_json(const struct probe *p)
{
	printf("{\"relay\": ");
	put_text(span_str(p->place));
	if (p->talk)
		put_talk(p->talk);
	if (p->logged_in)
		put_member("login", span_str(relay_talk_mechanism(p->talk)));
	printf(", \"asked\": [");
	for (unsigned i = 0; i < p->n_asked; i++) {
		printf("%s{\"code\": %d", i ? ", " : "", p->asked[i].answer.code);
		put_member("line", span_str(p->asked[i].line));
		put_list("answer", span_str(p->asked[i].answer.text), '\n');
		putchar('}');
	}
	putchar(']');
	if (p->failed)
		put_member("error", span_str(p->why.text));
	printf("}\n");
}
