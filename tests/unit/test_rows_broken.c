/* The lists of tests/lists, broken: cut, changed, with NULs, with parts missing and twice. Whatever it
 * is, reading ends, in rows or in words. Nothing is lost unseen: a workbook or a packed list reads as
 * it did or not at all, and of a list of text the rows before the damage are as they were. */
#include "tests/unit/rows_fixture.h"

#include <dirent.h>

#include "engine/base/file.h"
#include "engine/base/rng.h"
#include "engine/base/utf8.h"

enum { LIST_MAX = 1 << 20, TEXT_MAX = 8 << 20, BREAKS = 6, LONG_TIMES = 120, BROKEN_LEAST = 200, ROWS_SEEN = 64 };

struct seen {
	char form[160];
	bool refused, ended; /* ended: read to its end */
	uint32_t n;          /* rows, kept up to ROWS_SEEN */
	uint64_t lines[ROWS_SEEN];
	uint32_t ends[ROWS_SEEN]; /* of each row's text in `text` */
	struct buf text;
	char said[1000];
};

static void see_row(struct seen *s, const struct row *row)
{
	assert_true(row->problem.n == 0 || utf8_valid(row->problem));
	for (uint32_t i = 0; i < row->n_cells; i++) {
		assert_true(utf8_valid(row->cells[i]));
		buf_addf(&s->text, "[%.*s]", SPAN_ARG(row->cells[i]));
	}
	buf_addf(&s->text, "%.*s|", SPAN_ARG(row->problem));
	if (s->n < ROWS_SEEN) {
		s->lines[s->n] = row->line;
		s->ends[s->n] = (uint32_t)s->text.n;
	}
	s->n++;
}

static void see(struct seen *s)
{
	struct row_block *b;
	struct err e = { 0 };
	struct rows *r;
	int rc;

	buf_reset(&s->text);
	s->n = 0;
	s->ended = s->refused = false;
	if (list_open(&r, &e) < 0) {
		assert_true(e.kind == ERR_INPUT && e.text[0]);
		snprintf(s->said, sizeof s->said, "%s", e.text);
		s->refused = true;
		return;
	}
	snprintf(s->form, sizeof s->form, "%s", rows_form(r));
	assert_int_equal(row_block_new(&b, 16), 0);
	while ((rc = rows_read(r, b, 16, &e)) == 1) {
		for (uint32_t i = 0; i < b->n; i++)
			see_row(s, &b->rows[i]);
		row_block_reset(b);
	}
	assert_true(rc == 0 || (e.kind == ERR_INPUT && e.text[0]));
	assert_false(s->text.failed);
	s->ended = rc == 0;
	row_block_free(&b);
	rows_close(&r);
}

/* One way of breaking; returns where the damage begins. */
static size_t damage(struct span whole, unsigned how, struct rng *r, struct buf *out)
{
	size_t at = (size_t)(rng_next(r) % whole.n), n = 1 + (size_t)(rng_next(r) % 40);
	struct span rest = span_skip(whole, at);

	buf_reset(out);
	buf_add(out, span_sub(whole, 0, at));
	switch (how) {
	case 0: /* cut */
		break;
	case 1: /* a byte changed */
		buf_add_char(out, (char)(rest.p[0] ^ (1 << rng_next(r) % 8)));
		buf_add(out, span_skip(rest, 1));
		break;
	case 2: /* NULs */
		for (size_t i = 0; i < n; i++)
			buf_add_char(out, '\0');
		buf_add(out, span_skip(rest, n));
		break;
	case 3: /* a part missing */
		buf_add(out, span_skip(rest, n));
		break;
	case 4: /* a part twice */
		buf_add(out, span_sub(rest, 0, n));
		buf_add(out, rest);
		break;
	default: /* chance */
		for (size_t i = 0; i < n; i++)
			buf_add_char(out, (char)rng_next(r));
		buf_add(out, span_skip(rest, n));
		break;
	}
	return at;
}

/* Bytes of the original rows that end before that offset of the file. */
static size_t before(const struct seen *whole, struct span file, size_t at)
{
	uint64_t line = 1;
	size_t bytes = 0;

	for (size_t i = 0; i < at; i++)
		line += file.p[i] == '\n' || (file.p[i] == '\r' && !(i + 1 < file.n && file.p[i + 1] == '\n'));
	for (uint32_t i = 0; i + 1 < whole->n && i + 1 < ROWS_SEEN; i++)
		if (whole->lines[i + 1] <= line)
			bytes = whole->ends[i];
	return bytes;
}

static void compare(const char *name, unsigned how, const struct seen *whole, const struct seen *broken,
		    struct span file, size_t at)
{
	bool container = span_begins(file, SPAN("PK")) || span_begins(file, SPAN("\x1f\x8b"));
	bool plain = span_search(span_str(whole->form), SPAN("CSV")) == 0 &&
		     span_search(span_str(whole->form), SPAN(", UTF-8")) < strlen(whole->form);
	bool same = span_eq(buf_span(&broken->text), buf_span(&whole->text));
	size_t n = before(whole, file, at);

	if (container && !broken->refused && !(broken->ended && same))
		fail_msg("%s, way %u at %zu: read as something else", name, how, at);
	if (!container && plain && !broken->refused && strcmp(broken->form, whole->form) == 0 &&
	    !span_eq(span_sub(buf_span(&broken->text), 0, n), span_sub(buf_span(&whole->text), 0, n)))
		fail_msg("%s, way %u at %zu: rows before the damage are not as they were", name, how, at);
}

static int by_name(const struct dirent *d)
{
	return d->d_name[0] != '.' && strchr(d->d_name, '.') != NULL;
}

static void every_list_broken(void **state)
{
	struct seen whole = { .n = 0 }, broken = { .n = 0 };
	struct buf file, other;
	struct dirent **names;
	struct rng r;
	unsigned times = getenv("LONG") ? LONG_TIMES : BREAKS;
	int n = scandir("tests/lists", &names, by_name, alphasort), done = 0;

	(void)state;
	assert_true(n > 0);
	rng_seed(&r, 6, 0);
	buf_init(&file, LIST_MAX);
	buf_init(&other, LIST_MAX * 2);
	buf_init(&whole.text, TEXT_MAX);
	buf_init(&broken.text, TEXT_MAX);
	for (int i = 0; i < n; i++) {
		char path[600];
		struct err e;

		snprintf(path, sizeof path, "tests/lists/%s", names[i]->d_name);
		buf_reset(&file);
		assert_int_equal(file_read(path, &file, &e), 0);
		list_put(buf_span(&file));
		see(&whole);
		for (unsigned how = 0; how < times && file.n > 0; how++, done++) {
			size_t at = damage(buf_span(&file), how % BREAKS, &r, &other);

			list_put(buf_span(&other));
			see(&broken);
			if (!whole.refused)
				compare(path, how, &whole, &broken, buf_span(&file), at);
		}
		free(names[i]);
	}
	free(names);
	buf_release(&file);
	buf_release(&other);
	buf_release(&whole.text);
	buf_release(&broken.text);
	assert_true(done >= BROKEN_LEAST);
}

int main(void)
{
	const struct CMUnitTest tests[] = { LIST_TEST(every_list_broken) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
