/* smtp_caps.c - ehlo-line = ehlo-keyword *( SP ehlo-param ), RFC 5321 4.1.1.1.
 *
 * Keywords are compared as whole words without case: "XPIPELINING" and "NOT-PIPELINING" are not
 * PIPELINING. "AUTH=PLAIN LOGIN", from a draft that old servers follow, is read like AUTH.
 * Held by tests/unit/test_smtp_caps.c. */
#include "transport/smtp/smtp_caps.h"

typedef void keyword_fn(struct smtp_ehlo *out, struct span params);

#define FLAG(name) \
	static void has_##name(struct smtp_ehlo *out, struct span params) \
	{ \
		(void)params; \
		out->caps.name = true; \
	}
FLAG(pipelining)
FLAG(chunking)
FLAG(eightbitmime)
FLAG(smtputf8)
FLAG(dsn)
FLAG(starttls)
FLAG(enhanced)
FLAG(requiretls)
#undef FLAG

static struct span next_word(struct span *rest)
{
	while (rest->n > 0 && (*rest->p == ' ' || *rest->p == '\t'))
		*rest = span_skip(*rest, 1);
	return span_cut(rest, ' ');
}

/* RFC 1870: absent or 0 is no fixed limit. */
static void has_size(struct smtp_ehlo *out, struct span params)
{
	unsigned long long size;

	out->size = true;
	if (span_number(next_word(&params), UINT64_MAX, &size) == 0)
		out->caps.size_max = size;
}

static void has_auth(struct smtp_ehlo *out, struct span params)
{
	out->auth = true;
	while (params.n > 0) {
		struct span name = next_word(&params);
		size_t need = name.n + (out->mechanisms_n > 0);

		if (name.n == 0 || need > sizeof out->mechanisms - out->mechanisms_n)
			continue;
		if (out->mechanisms_n > 0)
			out->mechanisms[out->mechanisms_n++] = ' ';
		for (size_t i = 0; i < name.n; i++) {
			char c = name.p[i];

			out->mechanisms[out->mechanisms_n++] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
		}
	}
}

/* RFC 9422 4: digits, no leading zero, at most six. A limit that is malformed does not count. */
static void one_limit(struct smtp_ehlo *out, struct span word)
{
	struct span name = span_cut(&word, '=');
	unsigned long long v;

	if (word.n == 0 || word.n > 6 || *word.p == '0' || span_number(word, 999999, &v) < 0)
		return;
	if (span_case_eq(name, SPAN("MAILMAX")))
		out->caps.mail_max = (unsigned)v;
	else if (span_case_eq(name, SPAN("RCPTMAX")))
		out->caps.rcpt_max = (unsigned)v;
	else if (span_case_eq(name, SPAN("RCPTDOMAINMAX")))
		out->caps.rcpt_domain_max = (unsigned)v;
}

static void has_limits(struct smtp_ehlo *out, struct span params)
{
	while (params.n > 0)
		one_limit(out, next_word(&params));
}

static const struct {
	const char *keyword;
	keyword_fn *read;
} keywords[] = {
	{ "PIPELINING", has_pipelining }, /* RFC 2920 */
	{ "CHUNKING", has_chunking },     /* RFC 3030 */
	{ "8BITMIME", has_eightbitmime }, /* RFC 6152 */
	{ "SMTPUTF8", has_smtputf8 },     /* RFC 6531 */
	{ "DSN", has_dsn },               /* RFC 3461 */
	{ "STARTTLS", has_starttls },     /* RFC 3207 */
	{ "ENHANCEDSTATUSCODES", has_enhanced },
	{ "REQUIRETLS", has_requiretls }, /* RFC 8689 */
	{ "SIZE", has_size },
	{ "AUTH", has_auth },
	{ "LIMITS", has_limits },
};

static void read_line(struct smtp_ehlo *out, struct span line)
{
	struct span keyword = next_word(&line);

	if (span_case_begins(keyword, SPAN("AUTH="))) {
		has_auth(out, span_skip(keyword, 5));
		has_auth(out, line);
		return;
	}
	for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
		if (span_case_eq(keyword, span_str(keywords[i].keyword))) {
			keywords[i].read(out, line);
			return;
		}
}

/* As many whole lines as there is room for. */
static void keep_text(struct smtp_ehlo *out, struct span text)
{
	while (text.n > 0) {
		struct span line = span_cut(&text, '\n');

		if (out->text_n + line.n + 1 > sizeof out->text)
			return;
		if (out->text_n > 0)
			out->text[out->text_n++] = '\n';
		memcpy(out->text + out->text_n, line.p, line.n);
		out->text_n += line.n;
	}
}

bool smtp_caps_find(const struct smtp_ehlo *ehlo, struct span keyword, struct span *params)
{
	struct span text = span_of(ehlo->text, ehlo->text_n);

	span_cut(&text, '\n');
	while (text.n > 0) {
		struct span line = span_cut(&text, '\n');

		if (!span_case_eq(next_word(&line), keyword))
			continue;
		if (params)
			*params = span_trim(line);
		return true;
	}
	return false;
}

void smtp_caps_read(struct smtp_ehlo *out, struct span text)
{
	memset(out, 0, sizeof *out);
	keep_text(out, text);
	span_cut(&text, '\n');
	while (text.n > 0)
		read_line(out, span_cut(&text, '\n'));
}
