/* results_csv.c - a result as a record of RFC 4180.
 *
 * A spreadsheet program takes a cell that begins with = + - @ (also in their full-width forms), a
 * tab or a line end for a formula. Addresses and what servers say are other people's words: such
 * a cell gets an apostrophe in front, which the program shows as text. A control byte, which the
 * cell of a row that could not be a message may have, is shown as '?'. JSON lines stay exact.
 * Held by tests/unit/test_results_log.c. */
#include <stdio.h>

#include "engine/base/clock.h"
#include "engine/results/results_line.h"

void results_enhanced(const struct verdict *v, char out[ENHANCED_SIZE])
{
	out[0] = '\0';
	if (v->enhanced[0] != 0)
		snprintf(out, ENHANCED_SIZE, "%d.%d.%d", v->enhanced[0], v->enhanced[1], v->enhanced[2]);
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

static bool needs_quotes(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == ',' || s.p[i] == '"' || s.p[i] == '\r' || s.p[i] == '\n')
			return true;
	return s.n > 0 && (s.p[0] == ' ' || s.p[s.n - 1] == ' '); /* some readers trim */
}

static bool is_control(char c)
{
	return ((unsigned char)c < ' ' && c != '\n' && c != '\t') || c == '\x7f';
}

static bool is_plain(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '"' || is_control(s.p[i]))
			return false;
	return true;
}

static void put_shown(struct buf *out, struct span s)
{
	if (is_plain(s)) {
		buf_add(out, s);
		return;
	}
	for (size_t i = 0; i < s.n; i++) {
		buf_add_char(out, is_control(s.p[i]) ? '?' : s.p[i]);
		if (s.p[i] == '"')
			buf_add_char(out, '"');
	}
}

/* A comma and the cell. */
static void put_text(struct buf *out, struct span s)
{
	bool guard = results_looks_like_formula(s), quotes = needs_quotes(s);

	buf_add_str(out, quotes ? ",\"" : ",");
	if (guard)
		buf_add_char(out, '\'');
	put_shown(out, s);
	if (quotes)
		buf_add_char(out, '"');
}

static int put_header(struct buf *out)
{
	return buf_add_str(out, "row,line,recipient,status,code,enhanced,reply,queue_id,relay,attempts,time,"
			   "message_id\r\n");
}

/* Digits, none for 0: it means that the number is not known. */
static void put_digits(struct buf *out, uint64_t n)
{
	char digits[20];
	size_t at = sizeof digits;

	for (; n > 0; n /= 10)
		digits[--at] = (char)('0' + n % 10);
	buf_add(out, (struct span){ digits + at, sizeof digits - at });
}

static void put_number(struct buf *out, uint64_t n)
{
	buf_add_char(out, ',');
	put_digits(out, n);
}

static int put_line(struct buf *out, const struct journal_result *r)
{
	char time[CLOCK_RFC3339_SIZE] = "", enhanced[ENHANCED_SIZE] = "";
	const struct verdict *v = r->verdict;
	size_t before = out->n;

	results_enhanced(v, enhanced);
	if (r->time_ms)
		clock_rfc3339(r->time_ms, time);
	put_digits(out, r->row);
	put_number(out, r->line);
	put_text(out, r->recipient.address);
	put_text(out, span_str(verdict_word(v->kind)));
	put_number(out, v->code > 0 ? (uint64_t)v->code : 0);
	put_text(out, span_str(enhanced));
	put_text(out, span_str(v->text));
	put_text(out, span_str(v->queue_id));
	put_text(out, r->relay);
	put_number(out, r->attempt);
	put_text(out, span_str(time));
	put_text(out, r->message_id);
	buf_add_str(out, "\r\n");
	if (!out->failed)
		return 0;
	out->n = before;
	return -1;
}

const struct results_writer results_csv = { put_header, put_line };
