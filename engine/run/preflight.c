/* preflight.c - every row that takes part is rendered once, on all cores, before the first byte
 * leaves.
 *
 * The calling thread reads; checkers render. They share two queues of blocks and nothing else:
 * each checker has a report of its own, merged at the end. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/mem.h"
#include "engine/base/queue.h"
#include "engine/rows/rows.h"
#include "engine/rows/select.h"
#include "engine/run/campaign_private.h"
#include "templates/letter/letter.h"

enum { CHECK_BLOCK_ROWS = 512, BLOCKS_PER_CHECKER = 3, CHECK_CHUNK = 64 << 10 };

struct checker {
	struct campaign *campaign;
	struct queue *full, *empty; /* struct row_block */
	struct report report;
	struct letter_desk *desk;
	struct arena memory;
	struct err trouble; /* kind ERR_NONE: none */
	pthread_t thread;
	bool started;
};

static void bad_row(struct checker *k, const struct row *row, const struct err *why)
{
	struct err e;

	campaign_row_error(k->campaign->job, row, why, &e);
	finding_of_err(&k->report.sink, "row that cannot be a message", &e);
	k->report.bad_rows++;
}

/* 0, or -1 when checking cannot go on. */
static int check_row(struct checker *k, const struct row *row, int64_t wall_ms)
{
	struct mail mail;
	struct err e = { 0 };

	if (row->problem.n) {
		err_set(&e, ERR_INPUT, "%.*s", SPAN_ARG(row->problem));
		bad_row(k, row, &e);
		return 0;
	}
	arena_reset(&k->memory);
	if (letter_write(k->campaign->letter, k->desk, &k->memory, row, wall_ms, &mail, &e) < 0) {
		if (e.kind != ERR_INPUT) {
			k->trouble = e;
			return -1;
		}
		bad_row(k, row, &e);
		return 0;
	}
	if (campaign_too_many(&mail, &e)) {
		bad_row(k, row, &e);
		return 0;
	}
	if (mail.utf8_instead)
		finding_say(&k->report.sink, FINDING_WARNING, "charset", k->campaign->job->list, row->line, 0, NULL,
			    "a value does not fit into the letter's charset: this message is in UTF-8");
	k->report.mails++;
	k->report.recipients += k->campaign->job->redirect_to ? 1 : mail.n_recipients;
	k->report.bytes += mail.size;
	if (mail.size > k->report.largest) {
		k->report.largest = mail.size;
		k->report.largest_line = row->line;
	}
	return 0;
}

static void *checker_main(void *arg)
{
	struct checker *k = arg;
	int64_t wall_ms = k->campaign->job->date_ms >= 0 ? k->campaign->job->date_ms : clock_wall_ms();
	void *item;

	while (queue_pop(k->full, &item, -1) == 1) {
		struct row_block *block = item;

		for (uint32_t i = 0; i < block->n && k->trouble.kind == ERR_NONE; i++)
			if (check_row(k, &block->rows[i], wall_ms) < 0)
				break;
		row_block_reset(block);
		queue_try_push(k->empty, block); /* it has room for every block there is */
	}
	return NULL;
}

/* Leaves the rows that are to be checked; counts the others. False: none after these takes part. */
static bool sift(struct campaign *c, struct row_block *b, struct report *r)
{
	uint32_t kept = 0;
	bool more = true;

	for (uint32_t i = 0; i < b->n && more; i++) {
		int wants = selection_wants(c->selection, b->rows[i].number);

		more = wants >= 0;
		r->rows++;
		if (wants <= 0)
			continue;
		r->selected++;
		if (campaign_is_done(c, b->rows[i].number))
			r->done++;
		else
			b->rows[kept++] = b->rows[i];
	}
	b->n = kept;
	return more;
}

static int read_all(struct campaign *c, struct queue *full, struct queue *empty, struct report *r, struct err *e)
{
	void *item;
	bool more = true;

	while (atomic_load(&c->stop) == RUN_GO && queue_pop(empty, &item, -1) == 1) {
		struct row_block *block = item;
		int rc = rows_read(c->list, block, CHECK_BLOCK_ROWS, e);

		if (rc == 1 && more)
			more = sift(c, block, r);
		else if (rc == 1)
			block->n = 0; /* still read to the end: the hash covers the whole list */
		if (rc == 1 && block->n > 0) {
			queue_push(full, block, -1);
			continue;
		}
		row_block_reset(block);
		queue_try_push(empty, block);
		if (rc <= 0)
			return rc;
	}
	if (atomic_load(&c->stop) != RUN_GO)
		return err_set(e, ERR_CONFLICT, "stopped while the list was being checked; nothing was sent");
	return 0;
}

static int start(struct checker *k, struct campaign *c, struct queue *full, struct queue *empty, struct err *e)
{
	k->campaign = c;
	k->full = full;
	k->empty = empty;
	arena_init(&k->memory, CHECK_CHUNK, SIZE_MAX / 2);
	if (report_init(&k->report) < 0)
		return err_nomem(e, "the check");
	if (letter_desk_new(&k->desk, c->letter, e) < 0)
		return -1;
	if (pthread_create(&k->thread, NULL, checker_main, k) != 0)
		return err_set(e, ERR_NOMEM, "no thread for the check");
	k->started = true;
	return 0;
}

static int fill_queue(struct queue *empty, unsigned n, struct err *e)
{
	struct row_block *block;

	for (unsigned i = 0; i < n; i++) {
		if (row_block_new(&block, CHECK_BLOCK_ROWS) < 0)
			return err_nomem(e, "the check");
		queue_try_push(empty, block);
	}
	return 0;
}

static void empty_queue(struct queue **q)
{
	void *item;

	while (*q && queue_pop(*q, &item, 0) == 1) {
		struct row_block *block = item;

		row_block_free(&block);
	}
	queue_free(q);
}

/* Joins, merges, releases. */
static int finish(struct checker *checkers, unsigned n, struct report *report, int rc, struct err *e)
{
	for (unsigned i = 0; i < n; i++) {
		struct checker *k = &checkers[i];

		if (k->started)
			pthread_join(k->thread, NULL);
		if (k->trouble.kind != ERR_NONE && rc == 0) {
			*e = k->trouble;
			rc = -1;
		}
		if (k->report.groups)
			report_merge(report, &k->report);
		report_release(&k->report);
		letter_desk_free(&k->desk);
		arena_release(&k->memory);
	}
	return rc;
}

unsigned campaign_threads(const struct campaign_job *job)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = job->threads ? job->threads : cores > 0 ? (unsigned)cores : 1;

	return n > RUN_THREADS_MAX ? RUN_THREADS_MAX : n;
}

static int check_all(struct campaign *c, struct report *report, struct err *e)
{
	unsigned n = campaign_threads(c->job), blocks = n * BLOCKS_PER_CHECKER;
	struct queue *full = NULL, *empty = NULL;
	struct checker *checkers = mem_array(n, sizeof *checkers);
	int rc = -1;

	if (!checkers)
		return err_nomem(e, "the check");
	if (queue_new(&full, blocks, e) == 0 && queue_new(&empty, blocks, e) == 0 && fill_queue(empty, blocks, e) == 0) {
		rc = 0;
		for (unsigned i = 0; i < n && rc == 0; i++)
			rc = start(&checkers[i], c, full, empty, e);
		if (rc == 0)
			rc = read_all(c, full, empty, report, e);
		queue_close(full);
	}
	rc = finish(checkers, n, report, rc, e);
	empty_queue(&full);
	empty_queue(&empty);
	mem_free(checkers);
	return rc;
}

int campaign_preflight(struct campaign *c, struct report *report, struct err *e)
{
	int64_t begun_ms = clock_mono_ms();

	selection_rewind(c->selection);
	rows_want_digest(c->list);
	if (rows_rewind(c->list, e) < 0 || check_all(c, report, e) < 0)
		return -1;
	c->list_known = rows_digest(c->list, c->list_digest);
	if (campaign_list_changed(c, c->list, e))
		return -1;
	c->selected = report->selected;
	report->elapsed_ms = clock_mono_ms() - begun_ms;
	selection_rewind(c->selection);
	return 0;
}
