/* rows_put.c - cells become one record of RFC 4180.
 *
 * Quoted are cells with a delimiter, a quote or a line end, cells with space at an end (readers
 * trim it), and the empty cell of a record that has only this one (it would be a blank line).
 * Held by tests/unit/test_rows_csv.c: what is written is read back the same. */
#include "engine/base/buf.h"
#include "engine/rows/rows.h"

static bool space(char c)
{
	return c == ' ' || c == '\t';
}

static bool needs_quotes(struct span s, bool alone)
{
	if (s.n == 0)
		return alone;
	if (space(s.p[0]) || space(s.p[s.n - 1]))
		return true;
	for (size_t i = 0; i < s.n; i++)
		switch (s.p[i]) {
		case ',': case ';': case '\t': case '|': case '"': case '\r': case '\n':
			return true;
		default:
			break;
		}
	return false;
}

static void put_quoted(struct buf *out, struct span s)
{
	buf_add_char(out, '"');
	while (s.n > 0) {
		size_t quote = span_find(s, '"');

		buf_add(out, span_sub(s, 0, quote));
		if (quote < s.n) {
			buf_add_str(out, "\"\"");
			quote++;
		}
		s = span_skip(s, quote);
	}
	buf_add_char(out, '"');
}

int rows_put_csv(struct buf *out, const struct span *cells, uint32_t n)
{
	size_t before = out->n;

	for (uint32_t i = 0; i < n; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		if (needs_quotes(cells[i], n == 1))
			put_quoted(out, cells[i]);
		else
			buf_add(out, cells[i]);
	}
	buf_add_str(out, "\r\n");
	if (!out->failed)
		return 0;
	out->n = before; /* no half record */
	return -1;
}
