/* book_strings.c - shared texts: in memory while they fit, then in files.
 *
 * Which half a text is in is told by its number alone, so that finding one costs two reads at most.
 * Held by tests/unit/test_rows_lists.c. */
#include "engine/rows/book_strings.h"

#include <unistd.h>

#include "engine/base/bytes.h"
#include "engine/base/err.h"
#include "engine/base/file.h"

enum { STRINGS_HELD = 16 << 20, END = 8 };

void book_strings_init(struct book_strings *s)
{
	*s = (struct book_strings){ .spilt = { .fd = -1 }, .spilt_ends = { .fd = -1 } };
	buf_init(&s->texts, STRINGS_HELD);
	buf_init(&s->ends, STRINGS_HELD);
}

void book_strings_release(struct book_strings *s)
{
	buf_release(&s->texts);
	buf_release(&s->ends);
	rows_spool_close(&s->spilt);
	rows_spool_close(&s->spilt_ends);
}

static int spill(struct book_strings *s, struct span text, struct err *e)
{
	unsigned char end[END];

	if (!s->spilt.p && (rows_spool_open(&s->spilt, e) < 0 || rows_spool_open(&s->spilt_ends, e) < 0))
		return -1;
	put_le64(end, s->spilt.size + text.n);
	s->n++;
	return rows_spool_add(&s->spilt, text, e) < 0 ? -1 : rows_spool_add(&s->spilt_ends, span_of(end, END), e);
}

int book_strings_add(struct book_strings *s, struct span text, struct err *e)
{
	unsigned char end[END];

	if (s->spilt.p || s->texts.n + text.n > STRINGS_HELD || s->ends.n + END > STRINGS_HELD)
		return spill(s, text, e);
	put_le64(end, s->texts.n + text.n);
	buf_add(&s->texts, text);
	buf_add(&s->ends, span_of(end, END));
	s->n++;
	s->n_held++;
	return s->texts.failed || s->ends.failed ? err_nomem(e, "reading a workbook") : 0;
}

int book_strings_end(struct book_strings *s, struct err *e)
{
	if (!s->spilt.p)
		return 0;
	return rows_spool_flush(&s->spilt, e) < 0 ? -1 : rows_spool_flush(&s->spilt_ends, e);
}

static int read_at(int fd, void *to, size_t n, uint64_t at, struct err *e)
{
	ssize_t got = file_pread_full(fd, to, n, (off_t)at);

	if (got >= 0 && (size_t)got == n)
		return 0;
	return err_sys(e, "cannot read a temporary file of the list");
}

static int get_spilt(const struct book_strings *s, uint64_t i, struct buf *out, struct err *e)
{
	unsigned char ends[2 * END] = { 0 };
	uint64_t from, n;
	char *to;

	if (read_at(s->spilt_ends.fd, i ? ends : ends + END, i ? 2 * END : END, i ? (i - 1) * END : 0, e) < 0)
		return -1;
	from = get_le64(ends);
	n = get_le64(ends + END) - from;
	to = buf_room(out, n);
	if (!to)
		return 0; /* out->failed */
	if (read_at(s->spilt.fd, to, n, from, e) < 0)
		return -1;
	buf_grew(out, n);
	return 0;
}

int book_strings_get(const struct book_strings *s, uint64_t i, struct buf *out, struct err *e)
{
	uint64_t from, to;

	if (i >= s->n_held)
		return get_spilt(s, i - s->n_held, out, e);
	from = i ? get_le64(s->ends.p + (i - 1) * END) : 0;
	to = get_le64(s->ends.p + i * END);
	buf_add(out, span_of(s->texts.p ? s->texts.p + from : NULL, to - from));
	return 0;
}
