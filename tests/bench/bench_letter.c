/* bench_letter.c - what one mail of a letter costs, and what of it is copied.
 *
 *     bench/letter SECONDS LETTER COLUMN...
 *
 * The letter is compiled once; mails are written for rows made up on the spot, in one thread, to nowhere. Prints
 * mails a second of processor time, and of one mail: octets, octets made for it (the others are referenced where
 * they lie), pieces, bytes of the arena. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/err.h"
#include "engine/model/finding.h"
#include "engine/model/mail.h"
#include "engine/model/row.h"
#include "templates/letter/letter.h"

enum { COLUMNS_MAX = 32, CELL = 48, ROUND = 256 };

struct bench {
	struct finding_sink sink; /* first member */
	struct span names[COLUMNS_MAX], cells[COLUMNS_MAX];
	char text[COLUMNS_MAX][CELL];
	struct columns columns;
	struct letter *l;
	struct letter_desk *d;
	struct arena one, two;
	struct row row;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void stop(const struct err *e)
{
	char text[2048];

	fprintf(stderr, "%s\n", err_format(e, text, sizeof text));
	exit(1);
}

static void ignore(struct finding_sink *self, const struct finding *f)
{
	(void)self;
	(void)f;
}

static void make_row(struct bench *b, uint64_t number)
{
	b->row = (struct row){ .number = number, .line = number + 1, .n_cells = b->columns.n, .cells = b->cells };
	for (uint32_t i = 0; i < b->columns.n; i++) {
		const char *form = span_eq(b->names[i], SPAN("email")) ? "user%llu@list.example" : "Value %llu";

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		b->cells[i] = span_of(b->text[i], (size_t)snprintf(b->text[i], CELL, form, (unsigned long long)number % 1000));
#pragma GCC diagnostic pop
	}
}

static void write_mail(struct bench *b, struct arena *a, struct mail *m)
{
	struct err e = { 0 };

	*m = (struct mail){ 0 };
	if (letter_write(b->l, b->d, a, &b->row, 1700000000000, m, &e) < 0)
		stop(&e);
}

/* Octets of a mail that are not at the same place when it is written again into other memory. */
static uint64_t made_octets(struct bench *b, struct mail *m)
{
	struct mail again;
	uint64_t n = 0;

	write_mail(b, &b->one, m);
	write_mail(b, &b->two, &again);
	for (uint32_t i = 0; i < m->n_content && i < again.n_content; i++)
		n += m->content[i].p == again.content[i].p ? 0 : m->content[i].n;
	return n;
}

static double rate(struct bench *b, double seconds)
{
	uint64_t n = 0;
	double begun = now(), spent = 0;
	struct mail m;

	while (spent < seconds) {
		for (int i = 0; i < ROUND; i++) {
			b->row.number = ++n;
			write_mail(b, &b->one, &m);
			arena_reset(&b->one);
		}
		spent = now() - begun;
	}
	return (double)n / spent;
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct letter_options opt = { .columns = &b.columns };
	struct err e = { 0 };
	struct mail m;
	uint64_t made;
	size_t used;

	if (argc < 4 || argc > 3 + COLUMNS_MAX) {
		fputs("usage: letter SECONDS LETTER COLUMN...\n", stderr);
		return 2;
	}
	b.sink.report = ignore;
	b.columns.names = b.names;
	for (int i = 3; i < argc; i++)
		b.names[b.columns.n++] = span_str(argv[i]);
	opt.path = argv[2];
	arena_init(&b.one, 1 << 16, 1 << 28);
	arena_init(&b.two, 1 << 16, 1 << 28);
	if (letter_open(&b.l, &opt, &b.sink, &e) < 0 || letter_desk_new(&b.d, b.l, &e) < 0)
		stop(&e);
	make_row(&b, 1);
	made = made_octets(&b, &m);
	used = b.one.used_bytes;
	printf("%llu octets, %llu made for the mail, %u pieces, %zu bytes of memory", (unsigned long long)m.size,
	       (unsigned long long)made, (unsigned)m.n_content, used);
	arena_reset(&b.one);
	printf(", %.0f mails a second\n", rate(&b, strtod(argv[1], NULL)));
	letter_desk_free(&b.d);
	letter_free(&b.l);
	arena_release(&b.one);
	arena_release(&b.two);
	return 0;
}
