/* smtp_content.c - dot-stuffing over pieces (RFC 5321 4.5.2).
 *
 *  1. The octets that come out do not depend on how the content is cut into pieces.
 *  2. A receiver that takes one leading dot off every line gets the content back, and sees
 *     CRLF.CRLF once: at the end.
 *  3. Work is linear in the content when it may have dots, and in the number of pieces else.
 * Held by tests/unit/test_smtp_content.c. */
#include "transport/smtp/smtp_content.h"

/* The octet `back` places before the end of all pieces; -1 when there are not so many. */
static int octet_from_end(const struct mail *m, size_t back)
{
	for (uint32_t i = m->n_content; i-- > 0;) {
		struct span s = m->content[i];

		if (back < s.n)
			return (unsigned char)s.p[s.n - 1 - back];
		back -= s.n;
	}
	return -1;
}

static bool ends_with_crlf(const struct mail *m)
{
	return octet_from_end(m, 0) == '\n' && octet_from_end(m, 1) == '\r';
}

uint64_t smtp_content_size(const struct mail *m)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < m->n_content; i++)
		size += m->content[i].n;
	return size > 0 && !ends_with_crlf(m) ? size + 2 : size;
}

void smtp_content_begin(struct smtp_content *c, const struct mail *m, bool data)
{
	*c = (struct smtp_content){
		.pieces = m->content,
		.n = m->n_content,
		.stuff = data && m->needs & MAIL_MAY_HAVE_DOTS,
		.line_start = true,
		.open_end = octet_from_end(m, 0) >= 0 && !ends_with_crlf(m),
		.dot = data,
	};
}

/* The octets up to where a dot must be put in: after the next LF that a dot follows, or all. */
static size_t run_length(struct span rest)
{
	size_t done = 0;

	while (done < rest.n) {
		done += span_find(span_skip(rest, done), '\n') + 1;
		if (done < rest.n && rest.p[done] == '.')
			return done;
	}
	return rest.n;
}

static struct span stuffed_run(struct smtp_content *c, struct span rest)
{
	size_t n;

	if (c->line_start && *rest.p == '.') {
		c->line_start = false; /* the dot itself comes with the next piece */
		return SPAN(".");
	}
	n = run_length(rest);
	c->line_start = rest.p[n - 1] == '\n';
	c->offset += n;
	return span_sub(rest, 0, n);
}

bool smtp_content_ended(const struct smtp_content *c)
{
	return c->at == c->n && !c->open_end && !c->dot;
}

static struct span next_of_content(struct smtp_content *c)
{
	struct span rest = span_sub(c->pieces[c->at], c->offset, SMTP_CONTENT_PIECE), out = rest;

	if (c->stuff)
		out = stuffed_run(c, rest);
	else
		c->offset += rest.n;
	if (c->offset == c->pieces[c->at].n) {
		c->at++;
		c->offset = 0;
	}
	return out;
}

int smtp_content_next(struct smtp_content *c, struct span *out)
{
	if (smtp_content_ended(c))
		return 0;
	if (c->at < c->n) {
		*out = next_of_content(c);
		return 1;
	}
	*out = c->open_end && c->dot ? SPAN("\r\n.\r\n") : c->open_end ? SPAN("\r\n") : SPAN(".\r\n");
	c->open_end = c->dot = false;
	return 1;
}
