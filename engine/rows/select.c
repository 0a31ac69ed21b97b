/* select.c - ranges of rows, and how many at most.
 *
 * Ranges are kept sorted and merged, so that one place in them, moving forward, answers for rows
 * that are asked in order, and two ways to write one choice have one text.
 * Held by tests/unit/test_rows_select.c. */
#include "engine/rows/select.h"

#include <stdbool.h>
#include <stdlib.h>

#include "engine/base/buf.h"
#include "engine/base/digest.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"

enum {
	RANGES_MAX = 100000,
	TEXT_MAX = 900 /* what the journal's identity has room for; a longer text becomes its hash */
};

struct range_of_rows {
	uint64_t first, last;
};

struct selection {
	struct range_of_rows *ranges; /* none: all rows */
	size_t n;
	uint64_t limit;               /* 0: none */
	size_t at;                    /* ranges before this one are behind us */
	uint64_t taken;
	char *text;
};

/* "3", "3-9" or "20-" */
static int parse_range(struct span piece, struct range_of_rows *out, struct err *e)
{
	struct span rest = span_trim(piece), first;
	bool dash = span_find(rest, '-') < rest.n;
	unsigned long long lo, hi;

	first = span_trim(span_cut(&rest, '-'));
	rest = span_trim(rest);
	if (span_number(first, UINT64_MAX, &lo) < 0 || lo == 0)
		goto wrong;
	hi = dash ? UINT64_MAX : lo;
	if (rest.n > 0 && (span_number(rest, UINT64_MAX, &hi) < 0 || hi < lo))
		goto wrong;
	*out = (struct range_of_rows){ lo, hi };
	return 0;
wrong:
	err_set(e, ERR_INPUT, "'%.*s' is no range of rows", SPAN_ARG(span_sub(piece, 0, 60)));
	return err_hint(e, "rows are written as 3-9,14,20- and counted from 1");
}

static int compare(const void *a, const void *b)
{
	const struct range_of_rows *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Sorted; ranges that touch become one. */
static void merge(struct selection *s)
{
	size_t to = 0;

	qsort(s->ranges, s->n, sizeof *s->ranges, compare);
	for (size_t i = 1; i < s->n; i++) {
		struct range_of_rows *last = &s->ranges[to], *next = &s->ranges[i];

		if (last->last != UINT64_MAX && next->first > last->last + 1)
			s->ranges[++to] = *next;
		else if (next->last > last->last)
			last->last = next->last;
	}
	s->n = to + 1;
}

static int parse(struct selection *s, const char *text, struct err *e)
{
	struct span rest = span_str(text);
	size_t pieces = 1;

	for (size_t i = 0; i < rest.n; i++)
		pieces += rest.p[i] == ',';
	if (pieces > RANGES_MAX)
		return err_set(e, ERR_INPUT, "over %d ranges of rows", RANGES_MAX);
	s->ranges = mem_array(pieces, sizeof *s->ranges);
	if (!s->ranges)
		return err_nomem(e, "the choice of rows");
	while (s->n < pieces)
		if (parse_range(span_cut(&rest, ','), &s->ranges[s->n++], e) < 0)
			return -1;
	merge(s);
	return 0;
}

static void write_ranges(const struct selection *s, struct buf *out)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct range_of_rows *r = &s->ranges[i];

		buf_add_str(out, i ? "," : "rows ");
		buf_addf(out, "%llu", (unsigned long long)r->first);
		if (r->last == UINT64_MAX)
			buf_add_char(out, '-');
		else if (r->last > r->first)
			buf_addf(out, "-%llu", (unsigned long long)r->last);
	}
}

static void shorten(struct buf *text)
{
	unsigned char sum[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];

	if (text->n <= TEXT_MAX || digest_sha256(buf_span(text), sum) < 0)
		return;
	digest_hex(sum, sizeof sum, hex);
	buf_reset(text);
	buf_addf(text, "rows with SHA-256 %s", hex);
}

static int write_text(struct selection *s, struct err *e)
{
	struct buf text;

	buf_init(&text, SIZE_MAX / 2);
	if (s->n > 0 && !(s->n == 1 && s->ranges[0].first == 1 && s->ranges[0].last == UINT64_MAX))
		write_ranges(s, &text);
	shorten(&text);
	if (s->limit > 0)
		buf_addf(&text, "%sat most %llu", text.n ? ", " : "", (unsigned long long)s->limit);
	s->text = text.failed ? NULL : mem_copy(buf_span(&text));
	buf_release(&text);
	return s->text ? 0 : err_nomem(e, "the choice of rows");
}

int selection_new(struct selection **out, const char *ranges, uint64_t limit, struct err *e)
{
	struct selection *s = mem_new(sizeof *s);

	*out = NULL;
	if (!s)
		return err_nomem(e, "the choice of rows");
	s->limit = limit;
	if ((ranges && parse(s, ranges, e) < 0) || write_text(s, e) < 0) {
		selection_free(&s);
		return -1;
	}
	*out = s;
	return 0;
}

void selection_free(struct selection **s)
{
	if (!*s)
		return;
	mem_free((*s)->ranges);
	mem_free((*s)->text);
	mem_free(*s);
	*s = NULL;
}

int selection_wants(struct selection *s, uint64_t row)
{
	if (s->limit > 0 && s->taken == s->limit)
		return -1;
	while (s->at < s->n && s->ranges[s->at].last < row)
		s->at++;
	if (s->n > 0 && s->at == s->n)
		return -1;
	if (s->n > 0 && row < s->ranges[s->at].first)
		return 0;
	s->taken++;
	return 1;
}

void selection_rewind(struct selection *s)
{
	s->at = 0;
	s->taken = 0;
}

const char *selection_text(const struct selection *s)
{
	return s->text;
}
