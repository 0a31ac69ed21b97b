/* address_doubt.c - typing errors and placeholders, by tables. A guess is only ever proposed.
 *
 * A domain is a typing error of a well-known one when one key was missed, doubled, changed or swapped;
 * short names are left alone, because their neighbours belong to others. Held by
 * tests/unit/test_model_address_doubt.c. */
#include "engine/model/address_doubt.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/model/address.h"

enum { LONG_ENOUGH = 8, CHUNK = 4096 };

static const char *const known_domains[] = {
	"gmail.com", "googlemail.com", "hotmail.com", "outlook.com", "yahoo.com", "icloud.com", "protonmail.com",
	"t-online.de", "freenet.de", "wanadoo.fr", "laposte.net", "libero.it", "comcast.net", "verizon.net",
};

/* Domains of their own, however near. */
static const char *const others[] = {
	"mail.com", "ymail.com", "email.com", "rmail.com", "hotmail.co", "yahoo.co", "outlook.co", "hotmail.cm",
	"ymail.co", "fmail.com", "zmail.com", "gmail.co", "gmail.cm",
};

/* Never the last part of a domain. */
static const struct ending {
	const char *wrong, *right;
} endings[] = {
	{ "con", "com" }, { "cmo", "com" }, { "ocm", "com" }, { "comm", "com" }, { "vom", "com" }, { "xom", "com" },
	{ "cim", "com" }, { "coom", "com" }, { "cpm", "com" }, { "ccom", "com" }, { "clm", "com" }, { "nett", "net" },
	{ "ner", "net" }, { "nte", "net" }, { "rog", "org" }, { "ogr", "org" }, { "orgg", "org" },
};

static const char *const placeholder_domains[] = {
	"example.com", "example.org", "example.net", "test.com", "test", "localhost", "domain.com", "yourdomain.com",
	"invalid", "none.com", "noemail.com",
};

static const char *const roles[] = {
	"abuse", "admin", "administrator", "contact", "donotreply", "do-not-reply", "help", "hostmaster", "info",
	"mailer-daemon", "marketing", "no-reply", "noreply", "office", "postmaster", "root", "sales", "security",
	"service", "support", "webmaster",
};

#define IS_ONE_OF(text, table) is_one_of(text, table, sizeof(table) / sizeof *(table))

static bool is_one_of(struct span text, const char *const *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_case_eq(text, span_str(table[i])))
			return true;
	return false;
}

static void propose(char *out, struct span local, struct span before, const char *domain)
{
	snprintf(out, ADDRESS_PROPOSAL_MAX, "%.*s@%.*s%s", SPAN_ARG(local), SPAN_ARG(before), domain);
}

/* What stands behind the last c; *before gets the rest with it. */
static struct span last_part(struct span s, char c, struct span *before)
{
	size_t at = s.n;

	while (at > 0 && s.p[at - 1] != c)
		at--;
	*before = span_sub(s, 0, at);
	return span_skip(s, at);
}

/* One key away. What they have in common at both ends tells most others apart at once. */
static bool is_near(struct span a, struct span b)
{
	size_t least = a.n < b.n ? a.n : b.n, most = a.n < b.n ? b.n : a.n, same = 0, from;

	if (most - least > 1)
		return false;
	while (same < least && a.p[same] == b.p[same])
		same++;
	for (from = same; same < least && a.p[a.n - 1 - (same - from)] == b.p[b.n - 1 - (same - from)];)
		same++;
	return same + 2 >= most && utf8_distance(a, b, 1) == 1;
}

static bool is_misspelt(struct span local, struct span domain, char *proposal)
{
	struct span before, ending = last_part(domain, '.', &before);

	if (domain.n >= LONG_ENOUGH && !IS_ONE_OF(domain, known_domains) && !IS_ONE_OF(domain, others))
		for (size_t i = 0; i < sizeof known_domains / sizeof *known_domains; i++)
			if (is_near(domain, span_str(known_domains[i]))) {
				propose(proposal, local, SPAN(""), known_domains[i]);
				return true;
			}
	if (span_case_eq(domain, SPAN("gmail.co")) || span_case_eq(domain, SPAN("gmail.cm"))) {
		propose(proposal, local, SPAN(""), "gmail.com");
		return true;
	}
	for (size_t i = 0; i < sizeof endings / sizeof *endings && before.n > 0; i++)
		if (span_case_eq(ending, span_str(endings[i].wrong))) {
			propose(proposal, local, before, endings[i].right);
			return true;
		}
	return false;
}

/* "ann@gmail": the name of a well-known one without its ending. */
static bool is_bare_name(struct span local, struct span domain, char *proposal)
{
	if (span_find(domain, '.') < domain.n)
		return false;
	for (size_t i = 0; i < sizeof known_domains / sizeof *known_domains; i++) {
		struct span known = span_str(known_domains[i]), name = span_cut(&known, '.');

		if (!span_case_eq(domain, name))
			continue;
		propose(proposal, local, SPAN(""), known_domains[i]);
		return true;
	}
	return false;
}

enum address_doubt address_doubt(struct span path, char proposal[ADDRESS_PROPOSAL_MAX])
{
	struct span local, domain = last_part(path, '@', &local);

	proposal[0] = '\0';
	if (local.n < 2)
		return ADDRESS_PLAIN;
	local.n--;
	if (is_misspelt(local, domain, proposal))
		return ADDRESS_TYPO;
	if (IS_ONE_OF(domain, placeholder_domains) ||
	    (span_case_eq(local, SPAN("test")) && span_case_begins(domain, SPAN("test"))))
		return ADDRESS_PLACEHOLDER;
	if (is_bare_name(local, domain, proposal))
		return ADDRESS_TYPO;
	return IS_ONE_OF(local, roles) ? ADDRESS_ROLE : ADDRESS_PLAIN;
}

/* ---- texts that are no address ---- */

/* Full-width letters and signs as their plain ones, what is not seen as a blank. */
static int32_t narrow(int32_t c)
{
	if (c >= 0xff01 && c <= 0xff5e)
		return c - 0xff01 + '!';
	if (c == 0x3002 || c == 0xff61)
		return '.';
	return c == 0x3000 || c == 0xa0 || c == 0x200b || c == 0xfeff ? ' ' : c;
}

/* Without blanks, with one @ where two follow each other, commas as points behind it, no points at the end. */
static size_t mend(struct span text, char *out, size_t room)
{
	size_t n = 0;
	bool at = false;

	while (text.n > 0 && n + 8 < room) {
		int32_t c = narrow(utf8_take(&text));

		if (c < 0 || c == ' ' || c == '\t' || (c == '@' && n > 0 && out[n - 1] == '@'))
			continue;
		at |= c == '@';
		if (at && c == ',')
			c = '.';
		if (c == '.' && (n == 0 || out[n - 1] == '.' || out[n - 1] == '@'))
			continue;
		n += utf8_put((uint32_t)c, out + n);
	}
	while (n > 0 && strchr(".,;:", out[n - 1]))
		n--;
	return n;
}

/* Of an address with a dot in its domain: "a@b" is none that somebody meant. */
static bool is_likely(const struct address *a)
{
	return a->name.n == 0 && span_find(a->domain, '.') < a->domain.n && a->domain.p[0] != '[';
}

bool address_propose(struct span text, char proposal[ADDRESS_PROPOSAL_MAX])
{
	char mended[ADDRESS_PROPOSAL_MAX];
	size_t n = mend(span_trim(text), mended, sizeof mended);
	struct arena arena;
	struct address a;
	struct err unused;
	bool ok;

	proposal[0] = '\0';
	if (text.n > sizeof mended)
		return false;
	arena_init(&arena, CHUNK, (size_t)16 * CHUNK);
	ok = address_parse(span_of(mended, n), &arena, &a, &unused) == 0 && is_likely(&a);
	if (ok && address_doubt(a.path, proposal) != ADDRESS_TYPO)
		snprintf(proposal, ADDRESS_PROPOSAL_MAX, "%.*s", (int)n, mended);
	arena_release(&arena);
	return ok && !span_eq(span_str(proposal), span_trim(text));
}
