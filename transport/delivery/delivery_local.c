/* delivery_local.c - a mail with LF line ends, and quoted for an mbox (mboxrd).
 *
 * A line of any number of '>' and "From " gets one more '>', so that a reader who takes one off has
 * what was written. Since content comes in pieces cut anywhere, the first bytes of a line are held
 * back as two counts until it is clear what they are. Held by test_delivery_local.c, at every cut. */
#include "transport/delivery/delivery_local.h"

#include <errno.h>
#include <string.h>

#include "engine/base/file.h"

static const char from_word[] = "From ";
enum { FROM_LETTERS = sizeof from_word - 1 };

void local_begin(struct local_writer *w, int fd, bool quote_from, char *buffer, size_t size)
{
	*w = (struct local_writer){ .fd = fd, .quote_from = quote_from, .buffer = buffer, .size = size };
}

static void flush(struct local_writer *w)
{
	if (w->error == 0 && w->n > 0 && file_write_full(w->fd, w->buffer, w->n) < 0)
		w->error = errno ? errno : EIO;
	w->n = 0;
}

void local_put(struct local_writer *w, struct span s)
{
	if (s.n > 0)
		w->last = s.p[s.n - 1];
	while (s.n > 0) {
		struct span part = span_sub(s, 0, w->size - w->n);

		memcpy(w->buffer + w->n, part.p, part.n);
		w->n += part.n;
		s = span_skip(s, part.n);
		if (w->n == w->size)
			flush(w);
	}
}

/* The line is not, or not any more, one that must be quoted. */
static void release(struct local_writer *w, bool quote)
{
	for (unsigned i = 0; i < w->signs + quote; i++)
		local_put(w, SPAN(">"));
	local_put(w, span_of(from_word, w->letters));
	w->maybe = false;
	w->signs = w->letters = 0;
}

/* Takes the bytes at the head of a line that decide. */
static void take_head(struct local_writer *w, struct span *s)
{
	while (s->n > 0 && w->maybe) {
		if (*s->p == '>' && w->letters == 0)
			w->signs++;
		else if (*s->p == from_word[w->letters])
			w->letters++;
		else {
			release(w, false);
			return;
		}
		span_take(s);
		if (w->letters == FROM_LETTERS)
			release(w, true);
	}
}

static void take_piece(struct local_writer *w, struct span s)
{
	while (s.n > 0) {
		if (w->maybe)
			take_head(w, &s);
		size_t line = span_find(s, '\n');
		struct span body = span_sub(s, 0, line);

		if (body.n > 0 && body.p[body.n - 1] == '\r')
			body.n--; /* of a CRLF, whose LF may stand in the next piece */
		local_put(w, body);
		if (line == s.n)
			return;
		local_put(w, SPAN("\n"));
		w->maybe = w->quote_from;
		s = span_skip(s, line + 1);
	}
}

static void put_headers(struct local_writer *w, const struct mail *m)
{
	local_put(w, SPAN("Return-Path: <"));
	local_put(w, m->sender);
	local_put(w, SPAN(">\n"));
	for (uint32_t i = 0; i < m->n_recipients; i++) {
		local_put(w, SPAN("Delivered-To: "));
		local_put(w, m->recipients[i]);
		local_put(w, SPAN("\n"));
	}
}

void local_mail(struct local_writer *w, const struct mail *m)
{
	put_headers(w, m);
	w->maybe = w->quote_from;
	w->signs = w->letters = 0;
	for (uint32_t i = 0; i < m->n_content; i++)
		take_piece(w, m->content[i]);
	if (w->maybe)
		release(w, false);
	if (w->last != '\n')
		local_put(w, SPAN("\n"));
}

int local_end(struct local_writer *w)
{
	flush(w);
	errno = w->error;
	return w->error ? -1 : 0;
}
