/* rows_text.c - a window over the file, cut into lines.
 *
 *  1. Each byte of the window is looked at once for each sign that matters (LF, CR, quote, NUL),
 *     by memchr(3) that runs ahead: a sign that a list does not use costs one pass a window, not
 *     one a line.
 *  2. A line is handed out only when all of it was found to be UTF-8; lines before a bad one
 *     come out first.
 *  3. The window holds at most one line of ROW_BYTES_MAX: memory is bounded whatever the file is.
 *  4. LF, CRLF and a lone CR each end a line, mixed as they come, as libcsv sees them.
 * Held by tests/unit/test_rows_text.c. */
#include "engine/rows/rows_text.h"

#include <string.h>

#include "engine/base/digest.h"
#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "engine/model/row.h"

enum { WINDOW_MAX = ROW_BYTES_MAX + (1 << 20) };

static const char bom[] = { '\xef', '\xbb', '\xbf' };

int rows_text_open(struct rows_text *t, const struct rows_source *source, size_t window_bytes,
		   struct digest *digest, struct err *e)
{
	MUST(window_bytes > sizeof bom); /* the first read tells whether there is a mark */
	*t = (struct rows_text){ .source = source, .cap = window_bytes, .line = 1, .digest = digest };
	t->p = mem_grow(NULL, window_bytes + 1); /* one more, for the line end of a last line without */
	if (!t->p)
		return err_nomem(e, "reading the list");
	return 0;
}

void rows_text_close(struct rows_text *t)
{
	mem_free(t->p);
	*t = (struct rows_text){ 0 };
}

void rows_text_seek(struct rows_text *t, uint64_t offset, uint64_t line)
{
	bool inside = !t->digest && offset >= t->base && offset - t->base < t->n && offset >= t->base + t->at;

	t->line = line;
	if (inside) {
		t->at = (size_t)(offset - t->base);
		return;
	}
	t->base = offset;
	t->n = t->at = t->good = t->lf = t->cr = t->quote = t->nul = 0;
	t->ended = false;
}

static void shift(size_t *index, size_t by)
{
	*index = *index > by ? *index - by : 0;
}

/* Lines that were handed out leave the window; one that fills it makes it larger. */
static int make_room(struct rows_text *t, struct err *e)
{
	size_t gone = t->at, cap = t->cap;
	char *p;

	if (gone > 0) {
		memmove(t->p, t->p + gone, t->n - gone);
		t->base += gone;
		t->n -= gone;
		t->at = 0;
		shift(&t->good, gone);
		shift(&t->lf, gone);
		shift(&t->cr, gone);
		shift(&t->quote, gone);
		shift(&t->nul, gone);
	}
	if (t->n < t->cap / 2)
		return 0;
	if (t->n >= ROW_BYTES_MAX) {
		err_set(e, ERR_INPUT, "a line of over %d MiB begins here", ROW_BYTES_MAX >> 20);
		err_hint(e, "is this a list of recipients, one a line?");
		return err_at(e, t->source->path, t->line, 0);
	}
	cap = cap < WINDOW_MAX / 2 ? cap * 2 : WINDOW_MAX;
	p = mem_grow(t->p, cap + 1);
	if (!p)
		return err_nomem(e, "a long line of the list");
	t->p = p;
	t->cap = cap;
	return 0;
}

static void check(struct rows_text *t)
{
	t->good += utf8_bad((struct span){ t->p + t->good, t->n - t->good });
}

/* 1 more text, 0 the file has no more. */
static int fill(struct rows_text *t, struct err *e)
{
	bool start = t->base == 0 && t->n == 0;
	ssize_t got;

	if (t->ended)
		return 0;
	if (make_room(t, e) < 0)
		return -1;
	got = rows_source_read(t->source, t->p + t->n, t->cap - t->n, t->base + t->n, e);
	if (got < 0)
		return -1;
	if (t->digest)
		digest_add(t->digest, (struct span){ t->p + t->n, (size_t)got });
	t->ended = (size_t)got < t->cap - t->n;
	t->n += (size_t)got;
	if (start && span_begins((struct span){ t->p, t->n }, span_of(bom, sizeof bom)))
		t->at = sizeof bom;
	check(t);
	return got > 0;
}

/* Index of the first c from `at` on, or n. */
static inline size_t next(struct rows_text *t, size_t *mark, char c)
{
	const char *found;

	if (*mark < t->at)
		*mark = t->at;
	if (*mark == t->n || t->p[*mark] == c)
		return *mark;
	found = memchr(t->p + *mark, c, t->n - *mark);
	*mark = found ? (size_t)(found - t->p) : t->n;
	return *mark;
}

/* End of the line with its end bytes: 1, or 0 when more text is needed to tell. */
static inline int find_end(struct rows_text *t, size_t *end, size_t *end_bytes)
{
	size_t lf = next(t, &t->lf, '\n'), cr = next(t, &t->cr, '\r');

	*end_bytes = 1;
	if (cr >= lf) {
		*end = lf + 1;
		return lf < t->n;
	}
	*end = cr + 1;
	if (cr + 1 == lf && lf < t->n) {
		*end = lf + 1;
		*end_bytes = 2;
		return 1;
	}
	return cr + 1 < t->n || t->ended;
}

static int not_utf8(const struct rows_text *t, struct err *e)
{
	struct span before = { t->p + t->at, t->good - t->at };
	unsigned byte = (unsigned char)t->p[t->good];

	err_set(e, ERR_INPUT, "the list is not UTF-8: byte 0x%02X begins no character", byte);
	err_hint(e, "mend that line; or say with --encoding NAME what the whole list is");
	return err_at(e, t->source->path, t->line, utf8_length(before) + 1);
}

static int give(struct rows_text *t, size_t end, size_t end_bytes, struct rows_line *out, struct err *e)
{
	if (end > t->good)
		return not_utf8(t, e);
	out->bytes = (struct span){ t->p + t->at, end - t->at };
	out->end_bytes = end_bytes;
	out->number = t->line++;
	out->offset = t->base + t->at;
	out->quote = next(t, &t->quote, '"') < end;
	out->nul = next(t, &t->nul, '\0') < end;
	t->at = end;
	return 1;
}

/* The last line of the file, when it has no line end of its own. */
static int give_last(struct rows_text *t, struct rows_line *out, struct err *e)
{
	if (t->at == t->n)
		return 0;
	if (t->good < t->n)
		return not_utf8(t, e);
	t->p[t->n++] = '\n'; /* there is room for it by rows_text_open() and make_room() */
	t->good = t->n;
	return give(t, t->n, 1, out, e);
}

int rows_text_line(struct rows_text *t, struct rows_line *out, struct err *e)
{
	size_t end, end_bytes;

	while (!find_end(t, &end, &end_bytes)) {
		int more = fill(t, e);

		if (more < 0)
			return -1;
		if (!more)
			return find_end(t, &end, &end_bytes) ? give(t, end, end_bytes, out, e) : give_last(t, out, e);
	}
	return give(t, end, end_bytes, out, e);
}

static bool is_plain_line(const char *line, size_t n, char delimiter)
{
	return n > 0 && ((*line != ' ' && *line != '\t') || *line == delimiter);
}

uint32_t rows_text_run(struct rows_text *t, uint32_t max, size_t max_bytes, char delimiter, uint32_t *ends,
		       struct span *out)
{
	size_t begin = t->at, limit = next(t, &t->nul, '\0'), end, end_bytes = 1;
	uint32_t n = 0;
	bool only_lf;

	if (limit > t->good)
		limit = t->good;
	only_lf = next(t, &t->cr, '\r') >= limit;
	while (n < max) {
		if (only_lf) {
			const char *lf = memchr(t->p + t->at, '\n', limit - t->at);

			if (!lf)
				break;
			end = (size_t)(lf - t->p) + 1;
		} else if (!find_end(t, &end, &end_bytes) || end > limit) {
			break;
		}
		if (end - begin > max_bytes || !is_plain_line(t->p + t->at, end - t->at - end_bytes, delimiter))
			break;
		ends[n++] = (uint32_t)(end - begin);
		t->at = end;
	}
	t->line += n;
	*out = (struct span){ t->p + begin, t->at - begin };
	return n;
}

void rows_text_back(struct rows_text *t, uint64_t offset, uint64_t line)
{
	MUST(offset >= t->base && offset <= t->base + t->at);
	t->at = t->lf = t->cr = t->quote = t->nul = (size_t)(offset - t->base);
	t->line = line;
}

int rows_text_peek(struct rows_text *t, struct span *out, struct err *e)
{
	if (t->n == 0 && fill(t, e) < 0)
		return -1;
	*out = (struct span){ t->p + t->at, t->n - t->at };
	return 0;
}
