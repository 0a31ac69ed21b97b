/* verdict_queue_id.c - the relay's name for an accepted mail, out of its own words.
 *
 * No RFC says how a server names its queue file, so this is a table of habits, most telling first:
 *
 *     marker, id behind it     Postfix, SendGrid  "2.0.0 Ok: queued as 4FZx1T2lWzz9sXX"
 *                              Exim, GMX          "OK id=1rK2mL-0003Xy-0q"
 *                              Exchange           "2.6.0 <m@id> [InternalId=2718, Hostname=h] Queued ..."
 *                              Haraka             "Message Queued (5A2E3A5C-1.1)"
 *                              qmail              "ok 1700000000 qp 12345"
 *     marker, id before it     OpenSMTPD,Sendmail "2.0.0 3c2a1b0f Message accepted for delivery"
 *                              Dovecot            "2.0.0 <a@b> 8JHHAmi8ZWXyAQAA Saved"
 *                              Gmail              "2.0.0 OK  1700000000 d9443c01a7336-1cf - gsmtp"
 *     the word behind Ok       Amazon SES         "Ok 0100018c9b1e-1234-000000"
 *
 * What looks like no id (no digit, strange characters) is none: "" is better than a wrong name. */
#include "engine/base/span.h"
#include "engine/model/verdict.h"

/* Words that follow "queued as" and the like are ids without further proof. */
static const struct marker {
	const char *words;
	bool proven; /* an id without a digit is believed */
} behind[] = {
	{ "queued as ", true },      { "InternalId=", true }, { "queued with id ", true },
	{ "queue-id: ", true },      { "queue id ", true },   { " id=", true },
	{ "Message Queued (", false }, { " qp ", false },
}, before[] = {
	{ " Message accepted for delivery", false },
	{ " Saved", false },
	{ " - gsmtp", false },
};

enum { LONG_ID = 20 }; /* no word of a sentence: of Dovecot's ids one in forty has no digit */

#define COUNT(table) (sizeof(table) / sizeof *(table))

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool in_id(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("-_.+/=:@~$!*", c) != NULL);
}

/* Writes s, a word of in_id(), as an id when it can be one. */
static bool settle(struct span s, bool proven, char out[VERDICT_QUEUE_ID_MAX])
{
	bool digit = proven || s.n >= LONG_ID;

	while (s.n > 0 && (s.p[s.n - 1] == '.' || s.p[s.n - 1] == ':')) /* the end of the sentence */
		s.n--;
	for (size_t i = 0; i < s.n && !digit; i++)
		digit = is_digit(s.p[i]);
	if (s.n < 2 || !digit)
		return false;
	s = span_sub(s, 0, VERDICT_QUEUE_ID_MAX - 1);
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

/* The word at the beginning of s, out of its brackets. */
static struct span word_at(struct span s)
{
	size_t n = 0;

	if (s.n > 0 && strchr("<([{\"'", s.p[0]) && s.p[0])
		s = span_skip(s, 1);
	while (n < s.n && in_id(s.p[n]))
		n++;
	return span_sub(s, 0, n);
}

/* The word that ends where s ends; none when it has signs of another kind. */
static struct span word_before(struct span s)
{
	size_t from;

	s = span_trim(s);
	from = s.n;
	while (from > 0 && in_id(s.p[from - 1]))
		from--;
	return from > 0 && s.p[from - 1] != ' ' ? SPAN("") : span_skip(s, from);
}

/* Without case; of printable text no other octets than letters are taken for each other. */
static bool stand_at(const char *p, struct span words)
{
	size_t i = 0;

	while (i < words.n && (p[i] | 0x20) == (words.p[i] | 0x20))
		i++;
	return i == words.n;
}

/* Where words (without case) stand last in s; s.n when they do not: of a chain of filters that
 * quote each other's replies, the last is the one that holds the mail. */
static size_t find_last(struct span s, struct span words)
{
	char first = words.p[0] | 0x20;

	for (size_t at = s.n < words.n ? 0 : s.n - words.n + 1; at-- > 0;)
		if ((s.p[at] | 0x20) == first && stand_at(s.p + at, words))
			return at;
	return s.n;
}

/* "2.0.0", "250" or "250-2.6.0" at the beginning do not count as words. */
static struct span skip_codes(struct span s)
{
	for (;;) {
		size_t n = 0;

		s = span_trim(s);
		while (n < s.n && (is_digit(s.p[n]) || s.p[n] == '.'))
			n++;
		/* An id may begin with digits too; a code is followed by its separator and is short. */
		if (n == 0 || n > 9 || (n < s.n && s.p[n] != ' ' && s.p[n] != '-'))
			return s;
		if (n < 3 || (n > 3 && !memchr(s.p, '.', n)))
			return s;
		s = span_skip(s, n < s.n && s.p[n] == '-' && n == 3 ? n + 1 : n);
	}
}

/* "Ok <id>" and nothing else. */
static bool after_ok(struct span s, char out[VERDICT_QUEUE_ID_MAX])
{
	struct span rest = skip_codes(s);

	if (!span_case_begins(rest, SPAN("ok")))
		return false;
	rest = span_skip(rest, 2);
	if (rest.n > 0 && rest.p[0] == ':')
		rest = span_skip(rest, 1);
	if (rest.n == 0 || rest.p[0] != ' ')
		return false;
	rest = span_trim(rest);
	return span_find(rest, ' ') == rest.n && settle(word_at(rest), false, out);
}

void verdict_find_queue_id(struct span text, char out[VERDICT_QUEUE_ID_MAX])
{
	out[0] = '\0';
	for (size_t i = 0; i < COUNT(behind); i++) {
		struct span words = span_str(behind[i].words);
		size_t at = find_last(text, words);

		if (at < text.n && settle(word_at(span_skip(text, at + words.n)), behind[i].proven, out))
			return;
	}
	for (size_t i = 0; i < COUNT(before); i++) {
		size_t at = find_last(text, span_str(before[i].words));

		if (at < text.n && settle(word_before(skip_codes(span_sub(text, 0, at))), before[i].proven, out))
			return;
	}
	after_ok(text, out);
}
