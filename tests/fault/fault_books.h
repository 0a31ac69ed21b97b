/* fault_books.h - what journal, results file and the other side say about each recipient, and
 * whether they agree. */
#ifndef TESTS_FAULT_FAULT_BOOKS_H
#define TESTS_FAULT_FAULT_BOOKS_H

#include <dirent.h>

#include "engine/results/ledger.h"
#include "engine/rows/rows.h"
#include "tests/fault/fault_server.h"

enum { CELLS = (ROWS + 1) * RECIPIENTS };

struct books { /* by row * RECIPIENTS + recipient */
	bool campaign;              /* there is one */
	enum row_state journal[CELLS];
	unsigned lines[CELLS];      /* in the results file */
	enum verdict_kind status[CELLS];
	unsigned accepted[CELLS];   /* by the other side */
	bool knows;                 /* accepted is known (not for null:) */
	unsigned strangers;         /* lines of the results that name nobody of the list */
};

static inline const char *books_word(enum row_state s)
{
	static const char *const words[] = { "to do", "sent", "skipped", "refused", "deferred", "in doubt" };

	return words[s];
}

static inline enum row_state books_state(enum verdict_kind kind)
{
	static const enum row_state states[] = { [VERDICT_SENT] = ROW_SENT, [VERDICT_DEFERRED] = ROW_DEFERRED,
						 [VERDICT_REFUSED] = ROW_REFUSED, [VERDICT_IN_DOUBT] = ROW_IN_DOUBT,
						 [VERDICT_SKIPPED] = ROW_SKIPPED };

	return states[kind];
}

static inline void books_read_journal(const struct place *p, struct books *b)
{
	struct journal_header header;
	struct journal_result result;
	struct verdict verdict;
	struct ledger_cursor at = { 0 };
	struct ledger *l = NULL;
	struct err e = { 0 };
	int rc = journal_peek(p->results, &header, &e);

	b->campaign = rc > 0;
	if (rc == 0)
		return;
	if (rc < 0 || ledger_load(&l, p->results, &e) < 0)
		fail_msg("the journal: %s", e.text);
	for (unsigned row = 1; row <= ROWS; row++) {
		uint64_t settled[JOURNAL_RECIPIENTS_MAX / 64] = { 0 };
		uint32_t attempts;

		if (ledger_row(l, row) == ROW_TO_DO)
			continue;
		ledger_settled(l, row, true, settled, &attempts);
		for (unsigned k = 0; k < place_recipients(row); k++)
			if (settled[0] >> k & 1)
				b->journal[row * RECIPIENTS + k] = ROW_SENT; /* unless the next says otherwise */
	}
	while ((rc = ledger_next_failed(l, &at, &result, &verdict, &e)) > 0)
		if (result.row <= ROWS && result.recipient.index < RECIPIENTS)
			b->journal[result.row * RECIPIENTS + result.recipient.index] = books_state(verdict.kind);
	if (rc < 0)
		fail_msg("the journal: %s", e.text);
	ledger_free(&l);
}

/* Cells of results.csv: row, line, recipient, status, ... */
static inline void books_take_line(struct books *b, const struct row *r)
{
	unsigned row = 0, k = 0, index = 0;
	char text[160];

	snprintf(text, sizeof text, "%.*s %.*s", SPAN_ARG(r->cells[0]), SPAN_ARG(r->cells[2]));
	if (sscanf(text, "%u r%ux%u@", &row, &index, &k) == 3)
		row = row == index ? row : 0;
	else
		row = row == BAD_ROW ? row : 0;
	if (row == 0 || row > ROWS || k >= place_recipients(row)) {
		b->strangers++;
		return;
	}
	b->lines[row * RECIPIENTS + k]++;
	if (verdict_from_word(r->cells[3], &b->status[row * RECIPIENTS + k]) < 0)
		b->strangers++;
}

static inline void books_read_results(const struct place *p, struct books *b)
{
	struct rows_options opt = { .path = p->results };
	struct row_block *block = NULL;
	struct rows *rows = NULL;
	struct err e = { 0 };
	int rc;

	if (access(p->results, F_OK) < 0 || rows_open(&rows, &opt, &e) < 0)
		return;
	assert_int_equal(row_block_new(&block, 64), 0);
	while ((rc = rows_read(rows, block, 64, &e)) == 1) {
		for (uint32_t i = 0; i < block->n; i++)
			books_take_line(b, &block->rows[i]);
		row_block_reset(block);
	}
	row_block_free(&block);
	rows_close(&rows);
	if (rc < 0)
		fail_msg("the results: %s", e.text);
}

/* One file of a delivery: each X-Row in it is a mail of that row to all of its recipients. */
static inline void books_count_file(const char *path, struct books *b)
{
	char line[2048];
	FILE *f = fopen(path, "re");
	unsigned row;

	if (!f)
		return;
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "X-Row: %u", &row) == 1 && row <= ROWS)
			for (unsigned k = 0; k < place_recipients(row); k++)
				b->accepted[row * RECIPIENTS + k]++;
	fclose(f);
}

static inline void books_count_folder(const char *path, struct books *b)
{
	struct dirent *d;
	char file[512];
	DIR *dir = opendir(path);

	if (!dir) {
		books_count_file(path, b);
		return;
	}
	while ((d = readdir(dir)))
		if (d->d_name[0] != '.' && strcmp(d->d_name, "tmp") != 0 &&
		    (size_t)snprintf(file, sizeof file, "%s/%s", path, d->d_name) < sizeof file)
			books_count_folder(file, b);
	closedir(dir);
}

static inline void books_read(const struct place *p, const struct server *v, struct books *b)
{
	*b = (struct books){ .knows = strcmp(p->url, "null:") != 0 };
	books_read_journal(p, b);
	books_read_results(p, b);
	for (unsigned i = 0; v && i < CELLS; i++)
		b->accepted[i] = atomic_load(&v->accepted[i]);
	if (!v)
		books_count_folder(p->out, b);
}

/* True at any time: nobody twice, nobody called sent who was not, nobody called unsent who was. */
static inline void books_are_honest(const struct books *b, const char *when)
{
	for (unsigned i = 0; i < CELLS && b->knows; i++) {
		enum row_state is = b->journal[i];

		if (b->accepted[i] > 1 || (b->accepted[i] == 1 && is != ROW_SENT && is != ROW_IN_DOUBT) ||
		    (b->accepted[i] == 0 && is == ROW_SENT))
			fail_msg("%s: row %u, recipient %u: accepted %u times, the journal says %s", when,
				 i / RECIPIENTS, i % RECIPIENTS, b->accepted[i], books_word(is));
	}
	for (unsigned row = 1; row <= ROWS; row++)
		if (row != BAD_ROW && b->journal[row * RECIPIENTS] == ROW_SKIPPED)
			fail_msg("%s: row %u is a good one and was skipped", when, row);
}

/* True after every call of campaign_run() that gave 0: one line each, and the journal's word. */
static inline void books_agree(const struct books *b, const char *when)
{
	assert_int_equal(b->strangers, 0);
	for (unsigned i = RECIPIENTS; i < CELLS; i++) {
		enum row_state file = b->lines[i] ? books_state(b->status[i]) : ROW_TO_DO;

		if (b->lines[i] > 1 || file != b->journal[i])
			fail_msg("%s: row %u, recipient %u: %u lines of results, '%s'; the journal says %s", when,
				 i / RECIPIENTS, i % RECIPIENTS, b->lines[i], books_word(file),
				 books_word(b->journal[i]));
	}
}

/* True when all is over: everyone sent to, in doubt, or failed for the reason that was arranged. */
static inline void books_are_closed(const struct books *b, bool with_server, const char *when)
{
	for (unsigned row = 1; row <= ROWS; row++)
		for (unsigned k = 0; k < place_recipients(row); k++) {
			enum row_state is = b->journal[row * RECIPIENTS + k];
			enum row_state want = row == BAD_ROW                      ? ROW_SKIPPED
					      : with_server && row == REFUSED_ROW ? ROW_REFUSED
										  : ROW_SENT;

			if (is != want && !(is == ROW_IN_DOUBT && want == ROW_SENT))
				fail_msg("%s: row %u, recipient %u: %s", when, row, k, books_word(is));
		}
}

static inline unsigned books_in_doubt(const struct books *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CELLS; i++)
		n += b->journal[i] == ROW_IN_DOUBT;
	return n;
}

#endif
