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

/* Octets that put_text() may write of it. */
static size_t most_of(struct span s)
{
	return 2 * s.n + sizeof ",'\"\"";
}

static char *put_shown(char *at, struct span s, unsigned in)
{
	if (!(in & (SIGN_QUOTE | SIGN_CONTROL)))
		return mempcpy(at, s.p, s.n);
	for (size_t i = 0; i < s.n; i++) {
		unsigned sign = signs[(unsigned char)s.p[i]];

		*at++ = sign & SIGN_CONTROL ? '?' : s.p[i];
		if (sign & SIGN_QUOTE)
			*at++ = '"';
	}
	return at;
}

/* A comma and a cell that has nothing of all that. */
static char *put_plain(char *at, struct span s)
{
	*at++ = ',';
	return s.n ? mempcpy(at, s.p, s.n) : at;
}

/* A comma and the cell. */
static char *put_text(char *at, struct span s)
{
	bool guard = results_looks_like_formula(s);
	bool edge = s.n > 0 && (s.p[0] == ' ' || s.p[s.n - 1] == ' '); /* some readers trim */
	unsigned in = signs_in(s);
	bool quotes = edge || (in & (SIGN_QUOTE | SIGN_PARTS));

	if (!guard && !quotes && in == 0)
		return put_plain(at, s);
	*at++ = ',';
	if (quotes)
		*at++ = '"';
	if (guard)
		*at++ = '\'';
	at = put_shown(at, s, in);
	if (quotes)
		*at++ = '"';
	return at;
}

/* Digits, none for 0: it means that the number is not known. */
static char *put_digits(char *at, uint64_t n)
{
	char digits[20];
	size_t from = sizeof digits;

	for (; n > 0; n /= 10)
		digits[--from] = (char)('0' + n % 10);
	return mempcpy(at, digits + from, sizeof digits - from);
}

static char *put_number(char *at, uint64_t n)
{
	*at++ = ',';
	return put_digits(at, n);
}

static int put_header(struct buf *out)
{
	return buf_add_str(out, "row,line,recipient,status,code,enhanced,reply,queue_id,relay,attempts,time,"
			   "message_id\r\n");
}

enum { LINE_NUMBERS = 4 * 21 }; /* row, line, code, attempts */

static int put_line(struct buf *out, const struct journal_result *r)
{
	char time[CLOCK_RFC3339_SIZE] = "", enhanced[ENHANCED_SIZE];
	const struct verdict *v = r->verdict;
	struct span word = span_str(verdict_word(v->kind)), text = span_str(v->text), queue_id = span_str(v->queue_id);
	char *at = buf_room(out, LINE_NUMBERS + sizeof time + sizeof enhanced + word.n + most_of(r->recipient.address) +
					 most_of(text) + most_of(queue_id) + most_of(r->relay) +
					 most_of(r->message_id) + sizeof ",,,\r\n");
	const char *begin = at;

	if (!at)
		return -1;
	results_enhanced(v, enhanced);
	if (r->time_ms)
		clock_rfc3339(r->time_ms, time);
	at = put_digits(at, r->row);
	at = put_number(at, r->line);
	at = put_text(at, r->recipient.address);
	at = put_plain(at, word);
	at = put_number(at, v->code > 0 ? (uint64_t)v->code : 0);
	at = put_plain(at, span_str(enhanced));
	at = put_text(at, text);
	at = put_text(at, queue_id);
	at = put_text(at, r->relay);
	at = put_number(at, r->attempt);
	at = put_plain(at, span_str(time));
	at = put_text(at, r->message_id);
	*at++ = '\r';
	*at++ = '\n';
	buf_grew(out, (size_t)(at - begin));
	return 0;
}

const struct results_writer results_csv = { put_header, put_line };
