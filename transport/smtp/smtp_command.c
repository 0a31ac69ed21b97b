/* smtp_command.c - invariants, held by tests/unit/test_smtp_command.c:
 *
 *  1. A line has exactly one CR and one LF, at its end.
 *  2. A path is found whole between the first '<' and the last '>' of its line.
 *  3. No line is longer than SMTP_COMMAND_MAX, but for login text. */
#include "transport/smtp/smtp_command.h"

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "transport/smtp/smtp_session.h"

bool smtp_helo_fits(struct span name)
{
	if (name.n == 0 || name.n > SMTP_HELO_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] >= 0x7f || name.p[i] == '<' || name.p[i] == '>')
			return false;
	return true;
}

/* Nothing to quote, nothing quoted: an address as nearly all are. */
static bool is_plain_path(struct span path)
{
#define PLAIN(c) ((c) > ' ' && (c) < 0x7f && (c) != '"' && (c) != '<' && (c) != '>' && (c) != '\\')
#define FOUR(c) PLAIN(c), PLAIN((c) + 1), PLAIN((c) + 2), PLAIN((c) + 3)
#define ROW(c) FOUR(c), FOUR((c) + 4), FOUR((c) + 8), FOUR((c) + 12)
	static const bool plain[256] = { ROW(0x00), ROW(0x10), ROW(0x20), ROW(0x30), ROW(0x40), ROW(0x50), ROW(0x60), ROW(0x70) };
	const unsigned char *p = (const unsigned char *)path.p, *end = p + path.n;
	bool all = *p != '@';

	while (p < end)
		all &= plain[*p++];
	return all;
}

/* Only the local part may be quoted; in quotes a space and < > are text, \ takes the next octet. */
bool smtp_path_fits(struct span path, bool may_be_empty, bool utf8)
{
	bool quoted = false;

	if (path.n == 0)
		return may_be_empty;
	if (path.n <= SMTP_PATH_MAX && is_plain_path(path))
		return true;
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

static inline void put(struct smtp_command *c, struct span s)
{
	MUST(s.n <= c->max - c->n);
	if (s.n)
		memcpy(c->p + c->n, s.p, s.n);
	c->n += s.n;
}

enum { DIGITS_MAX = 20 };

/* The digits of v, at the end of `digits`. */
static struct span number(uint64_t v, char digits[DIGITS_MAX])
{
	size_t at = DIGITS_MAX;

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return span_of(digits + at, DIGITS_MAX - at);
}

static void put_number(struct smtp_command *c, uint64_t v)
{
	char digits[DIGITS_MAX];

	put(c, number(v, digits));
}

static size_t end_line(struct smtp_command *c)
{
	put(c, SPAN("\r\n"));
	return c->n;
}

/* --- parameters of DSN, RFC 3461 and 6533 */

static void put_param(struct smtp_command *c, struct span name, struct span value)
{
	if (value.n == 0)
		return;
	put(c, SPAN(" "));
	put(c, name);
	put(c, SPAN("="));
	put(c, value);
}

static void put_hex(struct smtp_command *c, uint32_t v, int digits)
{
	while (digits-- > 0)
		put(c, span_of(&"0123456789ABCDEF"[v >> (4 * digits) & 15], 1));
}

static bool is_xchar(unsigned char b)
{
	return b > ' ' && b < 0x7f && b != '+' && b != '=';
}

/* RFC 3461 4: everything but xchar as + and two digits. */
static void put_xtext(struct smtp_command *c, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (is_xchar((unsigned char)s.p[i])) {
			put(c, span_of(s.p + i, 1));
		} else {
			put(c, SPAN("+"));
			put_hex(c, (unsigned char)s.p[i], 2);
		}
	}
}

/* RFC 6533 3, utf-8-addr-xtext: ASCII only, other characters as \x{20AC}. */
static void put_utf8_xtext(struct smtp_command *c, struct span s)
{
	while (s.n > 0) {
		uint32_t v = (uint32_t)utf8_take(&s); /* a path is valid UTF-8 */

		if (v < 0x80 && is_xchar((unsigned char)v) && v != '\\') {
			char ch = (char)v;

			put(c, span_of(&ch, 1));
		} else {
			put(c, SPAN("\\x{"));
			put_hex(c, v, v > 0xffff ? 6 : v > 0xff ? 4 : 2);
			put(c, SPAN("}"));
		}
	}
}

/* Takes back what came after `from` when it is longer than a relay has to take. */
static void not_over(struct smtp_command *c, size_t from, size_t value, size_t most)
{
	if (c->n - value > most)
		c->n = from;
}

static void put_envid(struct smtp_command *c, struct span id)
{
	size_t from = c->n, value;

	if (id.n == 0 || id.n > SMTP_ENVID_MAX)
		return;
	put(c, SPAN(" ENVID="));
	value = c->n;
	put_xtext(c, id);
	not_over(c, from, value, SMTP_ENVID_MAX);
}

static void put_orcpt(struct smtp_command *c, struct span path)
{
	size_t from = c->n, value;

	if (path.n > SMTP_ORCPT_MAX / 3 && (path.n > SMTP_PATH_MAX || !utf8_ascii(path)))
		return; /* each octet may become three, each character ten */
	put(c, SPAN(" ORCPT="));
	value = c->n;
	if (utf8_ascii(path)) {
		put(c, SPAN("rfc822;"));
		put_xtext(c, path);
	} else {
		put(c, SPAN("utf-8;"));
		put_utf8_xtext(c, path);
	}
	not_over(c, from, value, SMTP_ORCPT_MAX);
}

static void put_more(struct smtp_command *c, struct span params)
{
	if (params.n == 0)
		return;
	MUST(smtp_params_fit(params));
	put(c, SPAN(" "));
	put(c, params);
}

/* --- additional parameters */

static bool is_keyword(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char b = s.p[i];
		bool alnum = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9');

		if (!alnum && (b != '-' || i == 0))
			return false;
	}
	return s.n > 0;
}

/* esmtp-param = esmtp-keyword ["=" esmtp-value] */
static bool is_param(struct span s)
{
	struct span value = s, keyword = span_cut(&value, '=');

	if (!is_keyword(keyword) || (value.p && value.n == 0))
		return false;
	if (!value.p)
		return true;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] <= ' ' || value.p[i] >= 0x7f || value.p[i] == '=')
			return false;
	return true;
}

bool smtp_params_fit(struct span params)
{
	if (params.n > SMTP_WISHES_MAX || (params.n > 0 && params.p[params.n - 1] == ' '))
		return false;
	while (params.n > 0)
		if (!is_param(span_cut(&params, ' ')))
			return false;
	return true;
}

/* Those that are written here by themselves. */
static int check_more(struct span params, const char *verb, const char *const *ours, struct err *e)
{
	struct span rest = params;

	if (params.n > SMTP_WISHES_MAX)
		return err_set(e, ERR_INPUT, "the parameters of %s are more than %d octets", verb, SMTP_WISHES_MAX);
	while (rest.n > 0) {
		struct span one = span_cut(&rest, ' '), keyword = span_sub(one, 0, span_find(one, '='));

		if (!is_param(one)) {
			err_set(e, ERR_INPUT, "'%.*s' is no parameter of %s", SPAN_ARG(one), verb);
			return err_hint(e, "it is written NAME or NAME=VALUE, in ASCII without spaces");
		}
		for (int i = 0; ours[i]; i++)
			if (span_case_eq(keyword, span_str(ours[i])))
				return err_set(e, ERR_INPUT, "%s of %s is set by itself", ours[i], verb);
	}
	return smtp_params_fit(params) ? 0 : err_set(e, ERR_INPUT, "the parameters of %s end with a space", verb);
}

static int check_notify(struct span notify, struct err *e)
{
	static const char *const words[] = { "SUCCESS", "FAILURE", "DELAY" };
	bool alone = span_eq(notify, SPAN("NEVER"));
	struct span rest = notify;
	unsigned seen = 0, now;

	while (rest.p && notify.n > 0 && !alone) { /* rest.p: also an empty word behind the last comma */
		struct span word = span_cut(&rest, ',');

		now = 0;
		for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
			now |= (unsigned)span_eq(word, span_str(words[i])) << i;
		if (now == 0) {
			err_set(e, ERR_INPUT, "a report of delivery cannot be asked for with '%.*s'", SPAN_ARG(notify));
			return err_hint(e, "it may be NEVER, or SUCCESS, FAILURE and DELAY joined by commas");
		}
		if (seen & now)
			return err_set(e, ERR_INPUT, "a word is repeated in '%.*s'", SPAN_ARG(span_sub(notify, 0, 100)));
		seen |= now;
	}
	return 0;
}

int smtp_wishes_check(const struct smtp_wishes *w, struct err *e)
{
	static const char *const of_mail[] = { "SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "REQUIRETLS", NULL };
	static const char *const of_rcpt[] = { "NOTIFY", "ORCPT", NULL };

	if (check_notify(w->notify, e) < 0)
		return -1;
	if (w->ret.n > 0 && !span_eq(w->ret, SPAN("FULL")) && !span_eq(w->ret, SPAN("HDRS")))
		return err_set(e, ERR_INPUT, "a report of delivery holds FULL or HDRS of the message, not '%.*s'",
			       SPAN_ARG(w->ret));
	if (check_more(w->mail, "MAIL", of_mail, e) < 0)
		return -1;
	return check_more(w->rcpt, "RCPT", of_rcpt, e);
}

/* --- what is put */

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
	if (params->requiretls)
		put(c, SPAN(" REQUIRETLS"));
	put_param(c, SPAN("RET"), params->ret);
	put_envid(c, params->envid);
	put_more(c, params->more);
	return end_line(c);
}

size_t smtp_put_rcpt(struct smtp_command *c, struct span recipient, const struct smtp_rcpt_params *params)
{
	put(c, SPAN("RCPT TO:<"));
	put(c, recipient);
	put(c, SPAN(">"));
	put_param(c, SPAN("NOTIFY"), params->notify);
	if (params->orcpt)
		put_orcpt(c, recipient);
	put_more(c, params->more);
	return end_line(c);
}

size_t smtp_put_bdat(struct smtp_command *c, uint64_t size)
{
	put(c, SPAN("BDAT "));
	put_number(c, size);
	put(c, SPAN(" LAST"));
	return end_line(c);
}

static inline char *add(char *at, struct span s)
{
	if (s.n)
		memcpy(at, s.p, s.n);
	return at + s.n;
}

void smtp_put_envelope(struct smtp_command *c, const struct smtp_envelope *e, size_t ends[SMTP_ENVELOPE_LINES])
{
	char digits[DIGITS_MAX], *at = c->p + c->n;
	struct span size = number(e->size, digits);

	MUST(e->sender.n <= SMTP_PATH_MAX && e->recipient.n <= SMTP_PATH_MAX && c->max - c->n >= SMTP_ENVELOPE_MAX);
	if (e->rset)
		at = add(at, SPAN("RSET\r\n"));
	ends[0] = (size_t)(at - c->p);
	at = add(add(at, SPAN("MAIL FROM:<")), e->sender);
	at = e->tell_size ? add(add(at, SPAN("> SIZE=")), size) : add(at, SPAN(">"));
	at = add(at, SPAN("\r\n"));
	ends[1] = (size_t)(at - c->p);
	at = add(add(add(at, SPAN("RCPT TO:<")), e->recipient), SPAN(">\r\n"));
	ends[2] = (size_t)(at - c->p);
	at = e->bdat ? add(add(add(at, SPAN("BDAT ")), size), SPAN(" LAST\r\n")) : add(at, SPAN("DATA\r\n"));
	c->n = ends[3] = (size_t)(at - c->p);
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
