/* smtp_reply.c - the reply parser. Reply-line = 3DIGIT [ ("-" / SP) text ] CRLF
 *
 *  1. The result does not depend on how the network cut the bytes into pieces.
 *  2. No input makes the parser hold more than its own fixed size, nor read on without end: lines
 *     and their number are bounded.
 *  3. text has no control bytes except our own '\n', and a line that does not fit is left out
 *     whole unless it is the first: no word is ever cut in the middle of an EHLO reply.
 *  4. What is no reply line is never skipped: with commands in flight, going on behind garbage
 *     would give one command the reply of another.
 * Held by tests/unit/test_smtp_reply.c. */
#include "transport/smtp/smtp_reply.h"

#include "engine/base/utf8.h"

static int garbage(struct err *e)
{
	return err_set(e, ERR_PROTO, "relay sent something that is no SMTP reply");
}

/* The text of one line, or a piece of it: controls become '?'. */
static void keep(struct smtp_reply_parser *ps, struct span piece)
{
	struct smtp_reply *r = &ps->reply;

	for (size_t i = 0; i < piece.n && !ps->cut; i++) {
		unsigned char c = (unsigned char)piece.p[i];

		if (r->text_n == sizeof r->text) {
			ps->cut = true;
			while (ps->lines > 0 && r->text_n > 0 && r->text[--r->text_n] != '\n')
				;
			return;
		}
		r->text[r->text_n++] = c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
}

static void begin_text(struct smtp_reply_parser *ps)
{
	if (ps->lines == 0 || ps->cut)
		return;
	if (ps->reply.text_n == sizeof ps->reply.text)
		ps->cut = true;
	else
		ps->reply.text[ps->reply.text_n++] = '\n';
}

/* One of the first four octets of a line. */
static int take_head(struct smtp_reply_parser *ps, char c, struct err *e)
{
	if (ps->line_n == 0) {
		if (ps->lines == 0) {
			ps->reply.text_n = 0;
			ps->reply.plain = false;
			ps->cut = false;
		}
		ps->code = 0;
		ps->more = false;
	}
	if (ps->line_n < 3) {
		if (c < '0' || c > '9' || (ps->line_n == 0 && (c < '2' || c > '5')))
			return garbage(e);
		ps->code = ps->code * 10 + (c - '0');
	} else {
		if (c != ' ' && c != '-')
			return garbage(e);
		ps->more = c == '-';
	}
	if (++ps->line_n == 4)
		begin_text(ps);
	return 0;
}

/* At a line's end: 1 the reply is complete, 0 more lines follow, -1. */
static int take_end(struct smtp_reply_parser *ps, struct err *e)
{
	ps->cr = false;
	if (ps->line_n < 3)
		return garbage(e);
	if (ps->line_n == 3)
		begin_text(ps);
	if (ps->lines > 0 && ps->code != ps->reply.code)
		return err_set(e, ERR_PROTO, "relay changed its mind within one reply, from %d to %d",
			       ps->reply.code, ps->code);
	ps->reply.code = ps->code;
	ps->line_n = 0;
	if (!ps->more) {
		ps->lines = 0;
		return 1;
	}
	if (++ps->lines == SMTP_REPLY_LINES_MAX)
		return err_set(e, ERR_PROTO, "relay's reply has more than %d lines", SMTP_REPLY_LINES_MAX);
	return 0;
}

static int take_text(struct smtp_reply_parser *ps, struct span piece, struct err *e)
{
	if (piece.n > SMTP_LINE_MAX - ps->line_n)
		return err_set(e, ERR_PROTO, "relay's reply has a line over %d octets", SMTP_LINE_MAX);
	ps->line_n += piece.n;
	keep(ps, piece);
	return 0;
}

/* A piece without LF. Its last CR is kept back: it may belong to the line's end. */
static int take_piece(struct smtp_reply_parser *ps, struct span piece, struct err *e)
{
	while (piece.n > 0) {
		if (ps->cr) { /* not followed by LF: an octet like any other, no digit */
			ps->cr = false;
			if (ps->line_n < 4)
				return garbage(e);
			if (take_text(ps, SPAN("\r"), e) < 0)
				return -1;
		}
		if (piece.n == 1 && *piece.p == '\r') {
			ps->cr = true;
			return 0;
		}
		if (ps->line_n < 4) {
			if (take_head(ps, span_take(&piece), e) < 0)
				return -1;
			continue;
		}
		struct span text = piece;

		if (text.p[text.n - 1] == '\r')
			text.n--;
		if (take_text(ps, text, e) < 0)
			return -1;
		piece = span_skip(piece, text.n);
	}
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One line, in one piece, that needs no second look: what nearly all replies are. It is taken as
 * take_piece() and take_end() would; false: they are to look at it. */
static bool take_whole(struct smtp_reply_parser *ps, struct span line)
{
	struct smtp_reply *r = &ps->reply;

	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (line.n < 5 || line.n > SMTP_LINE_MAX || line.p[0] < '2' || line.p[0] > '5' || !is_digit(line.p[1]) ||
	    !is_digit(line.p[2]) || line.p[3] != ' ' || utf8_printable_run(line) < line.n)
		return false;
	r->code = (line.p[0] - '0') * 100 + (line.p[1] - '0') * 10 + (line.p[2] - '0');
	r->plain = true;
	r->text_n = line.n - 4;
	memcpy(r->text, line.p + 4, r->text_n);
	ps->cut = false;
	return true;
}

int smtp_reply_feed(struct smtp_reply_parser *ps, struct span *in, const struct smtp_reply **out, struct err *e)
{
	while (in->n > 0) {
		size_t end = span_find(*in, '\n');
		bool whole = end < in->n;
		int last;

		if (whole && !smtp_reply_begun(ps) && take_whole(ps, span_sub(*in, 0, end))) {
			*in = span_skip(*in, end + 1);
			*out = &ps->reply;
			return 1;
		}
		if (take_piece(ps, span_sub(*in, 0, end), e) < 0)
			return -1;
		*in = span_skip(*in, whole ? end + 1 : end);
		if (!whole)
			return 0;
		last = take_end(ps, e);
		if (last < 0)
			return -1;
		if (last) {
			*out = &ps->reply;
			return 1;
		}
	}
	return 0;
}

bool smtp_reply_begun(const struct smtp_reply_parser *ps)
{
	return ps->lines > 0 || ps->line_n > 0 || ps->cr;
}

void smtp_reply_words(const struct smtp_reply *r, char *out, size_t out_size)
{
	struct span rest = smtp_reply_text(r);
	size_t n = 0;

	if (r->plain) {
		rest = span_sub(rest, 0, out_size - 1);
		memcpy(out, rest.p, rest.n);
		out[rest.n] = '\0';
		return;
	}
	*out = '\0';
	while (rest.n > 0 && n + 1 < out_size) {
		if (n > 0)
			out[n++] = ' ';
		n += utf8_printable(span_cut(&rest, '\n'), out + n, out_size - n);
	}
}
