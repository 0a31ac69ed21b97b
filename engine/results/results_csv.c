/* results_csv.c - a result as a record of RFC 4180.
 *
 * A spreadsheet program takes a cell that begins with = + - @ (also in their full-width forms), a
 * tab or a line end for a formula. Addresses and what servers say are other people's words: such
 * a cell gets an apostrophe in front, which the program shows as text. A control byte, which the
 * cell of a row that could not be a message may have, is shown as '?'. JSON lines stay exact.
 * Held by tests/unit/test_results_log.c. */
#include <stdio.h>
#include <string.h>

#include "engine/base/bytes.h"
#include "engine/results/results_line.h"

struct span results_enhanced(const struct verdict *v, char out[ENHANCED_SIZE])
{
	const int *x = v->enhanced;

	if (x[0] == 0)
		return (struct span){ NULL, 0 };
	if ((unsigned)x[0] > 9 || (unsigned)x[1] > 9 || (unsigned)x[2] > 9)
		return span_of(out, (size_t)snprintf(out, ENHANCED_SIZE, "%d.%d.%d", x[0], x[1], x[2]));
	memcpy(out, (char[]){ (char)('0' + x[0]), '.', (char)('0' + x[1]), '.', (char)('0' + x[2]) }, 5);
	return span_of(out, 5); /* 2.0.0, on each line of the results */
}

struct span results_time(const struct journal_result *r, char out[CLOCK_RFC3339_SIZE])
{
	if (!r->time_ms)
		return (struct span){ NULL, 0 };
	clock_rfc3339(r->time_ms, out);
	return span_of(out, sizeof "2026-11-23T05:40:08.123Z" - 1);
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

enum { SIGN_QUOTE = 1, SIGN_PARTS = 2, SIGN_CONTROL = 4, SIGN_INSIDE = 7, SIGN_IN_FRONT = 8 };

/* In front: it may be a formula's first octet, or is a space. */
static const unsigned char signs[256] = {
	[0 ... 8] = SIGN_CONTROL, ['\t'] = SIGN_IN_FRONT, ['\n'] = SIGN_PARTS | SIGN_IN_FRONT, [11 ... 12] = SIGN_CONTROL,
	['\r'] = SIGN_CONTROL | SIGN_PARTS | SIGN_IN_FRONT, [14 ... 31] = SIGN_CONTROL,
	[' '] = SIGN_IN_FRONT, ['"'] = SIGN_QUOTE, ['+'] = SIGN_IN_FRONT, [','] = SIGN_PARTS, ['-'] = SIGN_IN_FRONT,
	['='] = SIGN_IN_FRONT, ['@'] = SIGN_IN_FRONT, [127] = SIGN_CONTROL, [0xef] = SIGN_IN_FRONT,
};

/* All that are in it, wherever. */
static unsigned signs_in(struct span s)
{
	unsigned all = 0;

	for (size_t i = 0; i < s.n; i++)
		all |= signs[(unsigned char)s.p[i]];
	return all & SIGN_INSIDE;
}

typedef unsigned char sixteen __attribute__((vector_size(16)));
typedef uint64_t two __attribute__((vector_size(16)));

static sixteen signs_of_sixteen(const char *p)
{
	sixteen v;

	memcpy(&v, p, sizeof v);
	return (sixteen)((v < 32) | (v == 127) | (v == '"') | (v == ','));
}

/* A long cell is looked at sixteen octets at a time, the last ones perhaps twice. */
static bool has_no_signs(struct span s)
{
	sixteen found;
	two halves;

	if (s.n < sizeof found)
		return signs_in(s) == 0;
	found = signs_of_sixteen(s.p + s.n - sizeof found);
	for (size_t i = 0; i + sizeof found < s.n; i += sizeof found)
		found |= signs_of_sixteen(s.p + i);
	halves = (two)found;
	return (halves[0] | halves[1]) == 0;
}

/* Octets that put_text() may write of it. */
static size_t most_of(struct span s)
{
	return 2 * s.n + sizeof ",'\"\"";
}

static char *put_shown(char *at, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned sign = signs[(unsigned char)s.p[i]];

		*at++ = sign & SIGN_CONTROL ? '?' : s.p[i];
		if (sign & SIGN_QUOTE)
			*at++ = '"';
	}
	return at;
}

static char *put_with_signs(char *at, struct span s)
{
	bool edge = s.p[0] == ' ' || s.p[s.n - 1] == ' '; /* some readers trim */
	bool quotes = edge || (signs_in(s) & (SIGN_QUOTE | SIGN_PARTS));

	if (quotes)
		*at++ = '"';
	if (results_looks_like_formula(s))
		*at++ = '\'';
	at = put_shown(at, s);
	if (quotes)
		*at++ = '"';
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
	if (s.n == 0 || (!(signs[(unsigned char)s.p[0]] & SIGN_IN_FRONT) && s.p[s.n - 1] != ' ' && has_no_signs(s)))
		return put_plain(at, s);
	*at++ = ',';
	return put_with_signs(at, s);
}

/* The eight digits of n, the first one in the lowest octet: halves, their halves, and theirs side by side. */
static uint64_t eight_digits(uint32_t n)
{
	uint64_t parts = n / 10000 | (uint64_t)(n % 10000) << 32, high;

	high = parts * 10486 >> 20 & 0x0000007f0000007f; /* / 100 */
	parts = high | (parts - 100 * high) << 16;
	high = parts * 103 >> 10 & 0x000f000f000f000f; /* / 10 */
	return high | (parts - 10 * high) << 8;
}

/* Digits, none for 0: it means that the number is not known. There is room for seven octets behind them. */
static char *put_digits(char *at, uint64_t n)
{
	enum { EIGHT = 100000000 };
	uint64_t digits = eight_digits((uint32_t)(n % EIGHT));
	unsigned zeros = 0;

	if (n == 0)
		return at;
	if (n >= EIGHT)
		at = put_digits(at, n / EIGHT);
	else
		zeros = (unsigned)__builtin_ctzll(digits) / 8;
	put_le64(at, (digits | 0x3030303030303030) >> 8 * zeros);
	return at + 8 - zeros;
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
	char time[CLOCK_RFC3339_SIZE], enhanced[ENHANCED_SIZE];
	const struct verdict *v = r->verdict;
	struct span word = span_str(verdict_word(v->kind)), text = span_str(v->text), queue_id = span_str(v->queue_id);
	char *at = buf_room(out, LINE_NUMBERS + sizeof time + sizeof enhanced + word.n + most_of(r->recipient.address) +
					 most_of(text) + most_of(queue_id) + most_of(r->relay) +
					 most_of(r->message_id) + sizeof ",,,\r\n");
	const char *begin = at;

	if (!at)
		return -1;
	at = put_digits(at, r->row);
	at = put_number(at, r->line);
	at = put_text(at, r->recipient.address);
	at = put_plain(at, word);
	at = put_number(at, v->code > 0 ? (uint64_t)v->code : 0);
	at = put_plain(at, results_enhanced(v, enhanced));
	at = put_text(at, text);
	at = put_text(at, queue_id);
	at = put_text(at, r->relay);
	at = put_number(at, r->attempt);
	at = put_plain(at, results_time(r, time));
	at = put_text(at, r->message_id);
	*at++ = '\r';
	*at++ = '\n';
	buf_grew(out, (size_t)(at - begin));
	return 0;
}

const struct results_writer results_csv = { put_header, put_line };
