/* results_csv.c - a result as a record of RFC 4180.
 *
 * A spreadsheet program takes a cell that begins with = + - @ (also in their full-width forms), a
 * tab or a line end for a formula. Addresses and what servers say are other people's words: such
 * a cell gets an apostrophe in front, which the program shows as text. A control byte, which the
 * cell of a row that could not be a message may have, is shown as '?'. JSON lines stay exact.
 * Held by tests/unit/test_results_log.c. */
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/results/results_line.h"

void results_enhanced(const struct verdict *v, char out[ENHANCED_SIZE])
{
	const int *x = v->enhanced;

	out[0] = '\0';
	if (x[0] == 0)
		return;
	if ((unsigned)x[0] < 10 && (unsigned)x[1] < 10 && (unsigned)x[2] < 10) /* 2.0.0, on each line of the results */
		memcpy(out, (char[]){ (char)('0' + x[0]), '.', (char)('0' + x[1]), '.', (char)('0' + x[2]), '\0' }, 6);
	else
		snprintf(out, ENHANCED_SIZE, "%d.%d.%d", x[0], x[1], x[2]);
}

bool results_looks_like_formula(struct span s)
{
	if (s.n == 0)
		return false;
	switch (s.p[0]) {
	case '=': case '+': case '-': case '@': case '\t': case '\r': case '\n':
		return true;
	case '\xef': /* U+FF1D, U+FF0B, U+FF0D, U+FF20 */
		return s.n >= 3 && s.p[1] == '\xbc' &&
		       (s.p[2] == '\x9d' || s.p[2] == '\x8b' || s.p[2] == '\x8d' || s.p[2] == '\xa0');
	default:
		return false;
	}
}

enum { SIGN_QUOTE = 1, SIGN_PARTS = 2, SIGN_CONTROL = 4 };

static const unsigned char signs[256] = {
	[0 ... 8] = SIGN_CONTROL, ['\n'] = SIGN_PARTS, [11 ... 12] = SIGN_CONTROL,
	['\r'] = SIGN_CONTROL | SIGN_PARTS, [14 ... 31] = SIGN_CONTROL, ['"'] = SIGN_QUOTE, [','] = SIGN_PARTS,
	[127] = SIGN_CONTROL,
};

/* All that are in it. */
static unsigned signs_in(struct span s)
{
	unsigned all = 0;

	for (size_t i = 0; i < s.n; i++)
		all |= signs[(unsigned char)s.p[i]];
	return all;
}

static void put_shown(struct buf *out, struct span s, unsigned in)
{
	if (!(in & (SIGN_QUOTE | SIGN_CONTROL))) {
		buf_add(out, s);
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		unsigned sign = signs[(unsigned char)s.p[i]];

		buf_add_char(out, sign & SIGN_CONTROL ? '?' : s.p[i]);
		if (sign & SIGN_QUOTE)
			buf_add_char(out, '"');
	}
}

/* A comma and a cell that has nothing of all that. */
static void put_plain(struct buf *out, struct span s)
{
	char *at = buf_room(out, s.n + 1);

	if (!at)
		return;
	*at = ',';
	if (s.n > 0)
		memcpy(at + 1, s.p, s.n);
	buf_grew(out, s.n + 1);
}

/* A comma and the cell. */
static void put_text(struct buf *out, struct span s)
{
	bool guard = results_looks_like_formula(s);
	bool edge = s.n > 0 && (s.p[0] == ' ' || s.p[s.n - 1] == ' '); /* some readers trim */
	unsigned in = signs_in(s);
	bool quotes = edge || (in & (SIGN_QUOTE | SIGN_PARTS));

	if (!guard && !quotes && in == 0) {
		put_plain(out, s);
		return;
	}
	buf_add_str(out, quotes ? ",\"" : ",");
	if (guard)
		buf_add_char(out, '\'');
	put_shown(out, s, in);
	if (quotes)
		buf_add_char(out, '"');
}

static int put_header(struct buf *out)
{
	return buf_add_str(out, "row,line,recipient,status,code,enhanced,reply,queue_id,relay,attempts,time,"
			   "message_id\r\n");
}

/* Digits, none for 0: it means that the number is not known. digits has room for all there can be. */
static struct span digits_of(uint64_t n, char digits[20])
{
	size_t at = 20;

	for (; n > 0; n /= 10)
		digits[--at] = (char)('0' + n % 10);
	return (struct span){ digits + at, 20 - at };
}

static void put_number(struct buf *out, uint64_t n)
{
	char digits[20];

	put_plain(out, digits_of(n, digits));
}

static int put_line(struct buf *out, const struct journal_result *r)
{
	char time[CLOCK_RFC3339_SIZE] = "", enhanced[ENHANCED_SIZE] = "", row[20];
	const struct verdict *v = r->verdict;
	size_t before = out->n;

	results_enhanced(v, enhanced);
	if (r->time_ms)
		clock_rfc3339(r->time_ms, time);
	buf_add(out, digits_of(r->row, row));
	put_number(out, r->line);
	put_text(out, r->recipient.address);
	put_plain(out, span_str(verdict_word(v->kind)));
	put_number(out, v->code > 0 ? (uint64_t)v->code : 0);
	put_plain(out, span_str(enhanced));
	put_text(out, span_str(v->text));
	put_text(out, span_str(v->queue_id));
	put_text(out, r->relay);
	put_number(out, r->attempt);
	put_plain(out, span_str(time));
	put_text(out, r->message_id);
	buf_add_str(out, "\r\n");
	if (!out->failed)
		return 0;
	out->n = before;
	return -1;
}

const struct results_writer results_csv = { put_header, put_line };
