/* smtp_command.c - invariants, held by tests/unit/test_smtp_command.c:
 *
 *  1. A line has exactly one CR and one LF, at its end.
 *  2. A path is found whole between the first '<' and the last '>' of its line.
 *  3. No line is longer than SMTP_COMMAND_MAX, but for login text. */
#include "transport/smtp/smtp_command.h"

#include "engine/base/must.h"
#include "engine/base/utf8.h"

bool smtp_helo_fits(struct span name)
{
	if (name.n == 0 || name.n > SMTP_HELO_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == '<' || name.p[i] == '>')
			return false;
	return true;
}

/* Only the local part may be quoted; in quotes a space and < > are text, \ takes the next octet. */
bool smtp_path_fits(struct span path, bool may_be_empty, bool utf8)
{
	bool quoted = false;

	if (path.n == 0)
		return may_be_empty;
	if (path.n > SMTP_PATH_MAX || *path.p == '@' || (!utf8 && !utf8_ascii(path)) || !utf8_valid(path))
		return false;
	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];

		if (c < ' ' || c == 0x7f)
			return false;
		if (quoted && c == '\\') {
			if (++i == path.n || (unsigned char)path.p[i] < ' ' || path.p[i] == 0x7f)
				return false;
		} else if (c == '"') {
			if (!quoted && i > 0) /* a quote opens a path or nothing */
				return false;
			if (quoted && (i + 1 == path.n || path.p[i + 1] != '@'))
				return false;
			quoted = !quoted;
		} else if (!quoted && (c == ' ' || c == '<' || c == '>' || c == '\\')) {
			return false;
		}
	}
	return !quoted;
}

static void put(struct smtp_command *c, struct span s)
{
	MUST(s.n <= c->max - c->n);
	if (s.n)
		memcpy(c->p + c->n, s.p, s.n);
	c->n += s.n;
}

static void put_number(struct smtp_command *c, uint64_t v)
{
	char digits[20];
	size_t at = sizeof digits;

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	put(c, span_of(digits + at, sizeof digits - at));
}

static size_t end_line(struct smtp_command *c)
{
	put(c, SPAN("\r\n"));
	return c->n;
}

size_t smtp_put_helo(struct smtp_command *c, const char *verb, struct span name)
{
	MUST(smtp_helo_fits(name));
	put(c, span_str(verb));
	put(c, SPAN(" "));
	put(c, name);
	return end_line(c);
}

size_t smtp_put_mail(struct smtp_command *c, struct span sender, const struct smtp_mail_params *params)
{
	MUST(smtp_path_fits(sender, true, params->smtputf8));
	put(c, SPAN("MAIL FROM:<"));
	put(c, sender);
	put(c, SPAN(">"));
	if (params->size > 0) {
		put(c, SPAN(" SIZE="));
		put_number(c, params->size);
	}
	if (params->body_8bit)
		put(c, SPAN(" BODY=8BITMIME"));
	if (params->smtputf8)
		put(c, SPAN(" SMTPUTF8"));
	return end_line(c);
}

size_t smtp_put_rcpt(struct smtp_command *c, struct span recipient)
{
	put(c, SPAN("RCPT TO:<"));
	put(c, recipient);
	put(c, SPAN(">"));
	return end_line(c);
}

size_t smtp_put_bdat(struct smtp_command *c, uint64_t size)
{
	put(c, SPAN("BDAT "));
	put_number(c, size);
	put(c, SPAN(" LAST"));
	return end_line(c);
}

size_t smtp_put_auth(struct smtp_command *c, const char *mechanism, const struct span *response)
{
	put(c, SPAN("AUTH "));
	put(c, span_str(mechanism));
	if (response) {
		put(c, SPAN(" "));
		put(c, response->n ? *response : SPAN("="));
	}
	return end_line(c);
}

size_t smtp_put_line(struct smtp_command *c, struct span text)
{
	for (size_t i = 0; i < text.n; i++)
		MUST(text.p[i] >= ' ' && text.p[i] < 0x7f);
	put(c, text);
	return end_line(c);
}
