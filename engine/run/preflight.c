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
#include "engine/run/doubts.h"
#include "engine/run/work.h"
#include "templates/letter/letter.h"

enum { CHECK_BLOCK_ROWS = 512, BLOCKS_PER_CHECKER = 3, CHECK_CHUNK = 64 << 10 };

struct checker {
	struct campaign *campaign;
	struct queue *full, *empty; /* struct row_block */
	struct report report;
	struct letter_desk *desk;
	struct doubts doubts;
	struct arena memory;
	struct duplicates_row *seen; /* on its way into the search */
	uint32_t n_seen;
	uint64_t suppressed[WORK_SETTLED_WORDS]; /* recipients of the mail that is looked at */
	bool survey;                 /* the search for duplicates alone */
	struct err trouble; /* kind ERR_NONE: none */
	pthread_t thread;
	bool started;
};

/* Rows below the table that were emptied, and stay so in what office programs save as CSV. */
static bool is_empty(const struct row *row)
{
	for (uint32_t i = 0; i < row->n_cells; i++)
		if (span_trim(row->cells[i]).n > 0)
			return false;
	return row->object.kind != VALUE_OBJECT && row->problem.n == 0;
}

static void say_mistake(struct checker *k, const struct row *row, const struct err *why)
{
	struct err e;

	campaign_row_error(k->campaign->job, row, why, &e);
	if (is_empty(row)) {
		err_set(&e, ERR_INPUT, "all cells of this row are empty");
		err_topic(&e, "empty row");
		err_at(&e, k->campaign->job->list, row->line, 0);
		err_hint(&e, "delete such rows in the list, or go on without them with --bad-rows skip");
	}
	doubts_propose(&k->doubts, row, &e);
	finding_of_err(&k->report.sink, e.topic ? e.topic : "row that cannot be a message", &e);
}

static void bad_row(struct checker *k, const struct row *row, const struct err *why)
{
	say_mistake(k, row, why);
	k->report.bad_rows += row_count(row);
}

struct mistakes { /* of one row */
	struct letter_teller teller; /* first member */
	struct checker *k;
	const struct row *row;
	bool any;
};

static void each_mistake(struct letter_teller *self, const struct err *why)
{
	struct mistakes *m = (struct mistakes *)(void *)self;

	doubts_forget(&m->k->doubts, why);
	say_mistake(m->k, m->row, why);
	m->any = true;
}

/* The row was refused for its first mistake: the others are told with it, and what is doubtful besides. 0, or -1
 * when checking cannot go on. */
static int bad_mail(struct checker *k, const struct row *row, int64_t wall_ms, const struct err *first)
{
	struct mistakes m = { .teller = { each_mistake }, .k = k, .row = row };
	struct mail mail;

	if (is_empty(row)) {
		bad_row(k, row, first);
		return 0;
	}
	arena_reset(&k->memory);
	doubts_begin(&k->doubts);
	if (letter_mistakes(k->campaign->letter, k->desk, &k->memory, row, wall_ms, &m.teller, &mail, &k->trouble) < 0)
		return -1;
	if (!m.any)
		say_mistake(k, row, first);
	k->report.bad_rows += row_count(row);
	doubts_tell(&k->doubts, row, &mail);
	return 0;
}

/* ---- what the search for duplicates is shown ---- */

static void pass_on(struct checker *k)
{
	if (k->trouble.kind == ERR_NONE)
		duplicates_add(k->campaign->duplicates, k->seen, k->n_seen, &k->trouble);
	k->n_seen = 0;
}

/* Gets nothing of this mail, now or in an earlier run: another row may well send to it. */
static bool is_left_out(const struct checker *k, const struct row *row, uint32_t recipient)
{
	const struct ledger *l = k->campaign->ledger;

	return (k->suppressed[recipient / 64] >> recipient % 64 & 1) ||
	       (l && ledger_recipient_skipped(l, row->number, recipient));
}

/* m: its recipients, and size. */
static void see(struct checker *k, const struct row *row, const struct mail *m)
{
	const struct ledger *l = k->campaign->ledger;
	struct duplicates_row *first = &k->seen[k->n_seen];
	uint32_t of = m->n_own ? m->n_own : 1, shown = 0;

	for (uint32_t i = 0; i < of; i++) {
		uint32_t at = m->n_own ? m->own + i : UINT32_MAX; /* nobody: the row as a whole */
		struct duplicates_row *seen = &first[shown];

		if (of > 1 && is_left_out(k, row, at))
			continue;
		duplicates_see(k->campaign->duplicates, row, m->n_own ? m->recipients[at] : (struct span){ NULL, 0 }, seen);
		seen->size = m->size > UINT32_MAX ? UINT32_MAX : (uint32_t)m->size;
		seen->which = i & (DUPLICATES_ADDRESSES_MAX - 1);
		seen->begun = l && ledger_recipient_begun(l, row->number, at);
		shown++;
	}
	for (uint32_t i = 0; i < shown; i++) {
		first[i].of = of & (2 * DUPLICATES_ADDRESSES_MAX - 1);
		first[i].shown = shown & (2 * DUPLICATES_ADDRESSES_MAX - 1);
	}
	k->n_seen += shown;
	if (k->n_seen >= CHECK_BLOCK_ROWS)
		pass_on(k);
}

/* The address that the row's mail goes to, when it can be told without writing it: the cell is the To. */
static bool cell_address(struct checker *k, const struct row *row, struct span *out)
{
	int column = letter_to_column(k->campaign->letter);
	struct address a;
	struct err e;

	if (column < 0 || (uint32_t)column >= row->n_cells || address_parse(row->cells[column], &k->memory, &a, &e) < 0)
		return false;
	*out = a.path;
	return true;
}

/* A row that is not checked, now or any more: its address counts all the same. 0, or -1. */
static int survey_row(struct checker *k, const struct row *row, int64_t wall_ms)
{
	const struct campaign *c = k->campaign;
	bool identical_only = k->survey && c->job->duplicates != DUPLICATES_SKIP; /* nobody asks for addresses */
	struct span address = { NULL, 0 };
	struct mail mail = { .recipients = &address };
	struct err e = { 0 };

	if (row->problem.n)
		return 0;
	arena_reset(&k->memory);
	memset(k->suppressed, 0, sizeof k->suppressed);
	if (identical_only || cell_address(k, row, &address)) {
		mail.n_own = !identical_only;
		see(k, row, &mail);
		return k->trouble.kind == ERR_NONE ? 0 : -1;
	}
	if (letter_write(c->letter, k->desk, &k->memory, row, wall_ms, &mail, &e) < 0)
		k->trouble = e.kind == ERR_INPUT ? k->trouble : e;
	else if (!campaign_too_many(&mail, &e))
		see(k, row, &mail);
	return k->trouble.kind == ERR_NONE ? 0 : -1;
}

/* ---- one row ---- */

/* Leaves out those who are to get nothing, and says so. False: that is everybody. */
static bool any_wanted(struct checker *k, const struct row *row, struct mail *mail)
{
	const struct campaign *c = k->campaign;
	uint32_t kept = 0;
	struct verdict v;

	memset(k->suppressed, 0, sizeof k->suppressed);
	if (!c->suppress)
		return true;
	for (uint32_t i = 0; i < mail->n_recipients; i++) {
		if (!campaign_suppressed(c, mail->recipients[i], &v)) {
			kept++;
			continue;
		}
		finding_say(&k->report.sink, FINDING_WARNING, "suppressed", c->job->list, row->line, 0, NULL, "%.*s is %s",
			    SPAN_ARG(mail->recipients[i]), v.text);
		k->suppressed[i / 64] |= UINT64_C(1) << i % 64;
		k->report.suppressed++;
	}
	mail->n_recipients = kept; /* how many there are is all that is asked from here on */
	return kept > 0;
}

/* 0, or -1 when checking cannot go on. */
static int check_row(struct checker *k, const struct row *row, int64_t wall_ms)
{
	struct mail mail;
	struct err e = { 0 };

	if (row->problem.n) {
		campaign_row_problem(row, &e);
		bad_row(k, row, &e);
		return 0;
	}
	arena_reset(&k->memory);
	doubts_begin(&k->doubts);
	if (letter_write(k->campaign->letter, k->desk, &k->memory, row, wall_ms, &mail, &e) < 0) {
		if (e.kind != ERR_INPUT) {
			k->trouble = e;
			return -1;
		}
		return bad_mail(k, row, wall_ms, &e);
	}
	if (campaign_too_many(&mail, &e)) {
		bad_row(k, row, &e);
		doubts_tell(&k->doubts, row, &mail);
		return 0;
	}
	if (!any_wanted(k, row, &mail))
		return 0;
	see(k, row, &mail);
	doubts_tell(&k->doubts, row, &mail);
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

		for (uint32_t i = 0; i < block->n && k->trouble.kind == ERR_NONE; i++) {
			const struct row *row = &block->rows[i];
			bool only_seen = k->survey || campaign_is_done(k->campaign, row->number);

			if ((only_seen ? survey_row : check_row)(k, row, wall_ms) < 0)
				break;
		}
		pass_on(k);
		row_block_reset(block);
		queue_try_push(k->empty, block); /* it has room for every block there is */
	}
	return NULL;
}

/* Leaves the rows that are to be checked, and those that an earlier run began: duplicates of them are
 * not sent. Counts the others. The answer of the last row that was asked about. */
static enum select_answer sift(struct campaign *c, struct row_block *b, struct report *r, struct err *e)
{
	uint32_t kept = 0;
	enum select_answer wants = SELECT_NO;

	for (uint32_t i = 0; i < b->n && wants < SELECT_END; i++) {
		wants = selection_wants(c->selection, &b->rows[i], &b->memory, e);
		r->rows += row_count(&b->rows[i]);
		if (wants != SELECT_YES)
			continue;
		if (campaign_group_differs(c, &b->rows[i], e))
			return SELECT_BROKEN;
		r->selected += row_count(&b->rows[i]);
		if (campaign_is_done(c, b->rows[i].number)) {
			r->done += row_count(&b->rows[i]);
			c->groups_sent += b->rows[i].group && ledger_row(c->ledger, b->rows[i].number) == ROW_SENT;
			if (!ledger_recipient_begun(c->ledger, b->rows[i].number, UINT32_MAX))
				continue; /* it was left out as a whole */
		}
		b->rows[kept++] = b->rows[i];
	}
	b->n = kept;
	return wants;
}

static int read_all(struct campaign *c, struct queue *full, struct queue *empty, struct report *r, bool survey,
		    struct err *e)
{
	void *item;
	enum select_answer last = SELECT_NO;

	while (atomic_load(&c->stop) == RUN_GO && queue_pop(empty, &item, -1) == 1) {
		struct row_block *block = item;
		int rc = survey && last == SELECT_END ? 0 : rows_read(c->list, block, CHECK_BLOCK_ROWS, e);

		if (rc == 1 && last < SELECT_END)
			last = sift(c, block, r, e);
		else if (rc == 1)
			block->n = 0; /* still read to the end: the hash covers the whole list */
		if (last == SELECT_BROKEN)
			rc = -1;
		if (rc == 1 && block->n > 0) {
			queue_push(full, block, -1);
			continue;
		}
		row_block_reset(block);
		queue_try_push(empty, block);
		if (rc <= 0)
			return rc;
	}
	return 0;
}

static int start(struct checker *k, struct campaign *c, struct queue *full, struct queue *empty, bool survey,
		 struct err *e)
{
	k->campaign = c;
	k->survey = survey;
	k->seen = mem_array(CHECK_BLOCK_ROWS + DUPLICATES_ADDRESSES_MAX, sizeof *k->seen);
	k->full = full;
	k->empty = empty;
	arena_init(&k->memory, CHECK_CHUNK, SIZE_MAX / 2);
	if (!k->seen || report_init(&k->report) < 0)
		return err_nomem(e, "the check");
	if (letter_desk_new(&k->desk, c->letter, e) < 0)
		return -1;
	doubts_init(&k->doubts, c, &k->report.sink);
	letter_desk_watch(k->desk, &k->doubts.watch);
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
		mem_free(k->seen);
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

static int check_all(struct campaign *c, struct report *report, bool survey, struct err *e)
{
	unsigned n = campaign_threads(c->job), blocks = n * BLOCKS_PER_CHECKER;
	struct queue *full = NULL, *empty = NULL;
	struct checker *checkers = mem_array(n, sizeof *checkers);
	int rc = -1;

	if (!checkers)
		return err_nomem(e, "the check");
	c->groups_sent = 0;
	if (queue_new(&full, blocks, e) == 0 && queue_new(&empty, blocks, e) == 0 && fill_queue(empty, blocks, e) == 0) {
		rc = 0;
		for (unsigned i = 0; i < n && rc == 0; i++)
			rc = start(&checkers[i], c, full, empty, survey, e);
		if (rc == 0)
			rc = read_all(c, full, empty, report, survey, e);
		queue_close(full);
	}
	if (rc == 0 && !survey && atomic_load(&c->stop) != RUN_GO) /* a run that was only surveyed stops by itself */
		rc = err_set(e, ERR_CONFLICT, "stopped while the list was being checked; nothing was sent");
	rc = finish(checkers, n, report, rc, e);
	empty_queue(&full);
	empty_queue(&empty);
	mem_free(checkers);
	return rc;
}

int campaign_survey(struct campaign *c, struct err *e)
{
	struct duplicates_found unused;
	struct report report;
	int rc = -1;

	selection_rewind(c->selection);
	if (report_init(&report) < 0)
		return err_nomem(e, "the search for duplicates");
	if (duplicates_new(&c->duplicates, c->job->duplicates, e) == 0 && rows_rewind(c->list, e) == 0 &&
	    check_all(c, &report, true, e) == 0)
		rc = duplicates_find(c->duplicates, &unused, e);
	report_release(&report);
	selection_rewind(c->selection);
	return rc;
}

int campaign_preflight(struct campaign *c, struct report *report, struct err *e)
{
	int64_t begun_ms = clock_mono_ms();

	selection_rewind(c->selection);
	rows_want_digest(c->list);
	duplicates_free(&c->duplicates);
	if (duplicates_new(&c->duplicates, c->job->duplicates, e) < 0 || rows_rewind(c->list, e) < 0 ||
	    check_all(c, report, false, e) < 0 || campaign_report_duplicates(c, report, e) < 0)
		return -1;
	c->list_known = rows_digest(c->list, c->list_digest);
	if (campaign_list_changed(c, c->list, e))
		return -1;
	c->selected = report->selected;
	report->rows += rows_left_out(c->list);
	report->elapsed_ms = clock_mono_ms() - begun_ms;
	selection_rewind(c->selection);
	return 0;
}
