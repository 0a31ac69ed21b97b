/* fuzz_journal.c - any records as the journal of a campaign: read, counted, written as results, gone on with.
 *
 * The input is pieces: an octet that says for which file and how, a type, a length, a body. A piece becomes a sound
 * record, with its checksums and sequence, so that what is fuzzed is behind them; or its body is put in as it is.
 * What must hold besides not crashing: a journal is refused with a sentence, or each recipient has one last word. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "engine/base/crc32c.h"
#include "engine/base/err.h"
#include "engine/base/log.h"
#include "engine/base/must.h"
#include "engine/results/journal_io.h"
#include "engine/results/journal_record.h"
#include "engine/results/ledger_attempt.h"
#include "engine/results/results_log.h"
#include "engine/results/tally.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES = 8, FILE_MAX = 1 << 18, ROWS = 1 << 16, SHOWN = 300, NO_RECORD = 0x40, RESUMED = 0x20 };

static const char *const names[FILES] = { "campaign", "run-0001-worker-000", "run-0001-worker-001", "run-0002-worker-000",
					  "run-0002-worker-999", "run-0003-worker-001", "run-0000-worker-000", "lock" };
static char folder[40], results[64], journal[80];
static struct file {
	struct buf bytes;
	uint32_t sequence;
} files[FILES];

static int no_sync(int fd)
{
	(void)fd;
	return 0;
}

static const char *path_of(const char *name)
{
	static char path[160];

	snprintf(path, sizeof path, "%s/%s", journal, name);
	return path;
}

static void empty(void)
{
	for (int i = 0; i < FILES; i++)
		unlink(path_of(names[i]));
	unlink(results);
}

static void remove_all(void)
{
	empty();
	rmdir(journal);
	rmdir(folder);
}

static void begin(void)
{
	snprintf(folder, sizeof folder, "%s/fuzz-journal-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	MUST(mkdtemp(folder));
	snprintf(results, sizeof results, "%s/r.csv", folder);
	snprintf(journal, sizeof journal, "%s.journal", results);
	MUST(mkdir(journal, 0700) == 0);
	journal_io.fdatasync = journal_io.fsync = no_sync;
	journal_io.boot = "now";
	log_show(LOG_ERROR);
	for (int i = 0; i < FILES; i++)
		buf_init(&files[i].bytes, FILE_MAX);
	atexit(remove_all);
}

/* Rows beyond are only a matter of memory. */
static bool is_far(const struct record *r)
{
	struct record_claim claim;
	struct record_mark mark;

	return (record_get_claim(r, &claim) == 0 && claim.highest > ROWS) || (record_get_mark(r, &mark) == 0 && mark.row > ROWS);
}

static void put_record(struct file *f, enum record_type type, struct span body)
{
	struct record r = { .type = type, .body = body };
	unsigned char head[RECORD_HEAD] = { 0 };
	char kind = (char)type;
	uint32_t crc;

	if (is_far(&r))
		return;
	put_le32(head + 4, f->sequence++);
	head[8] = (unsigned char)(body.n + 1);
	head[9] = (unsigned char)((body.n + 1) >> 8);
	crc = crc32c(0, head + 4, 6);
	crc ^= crc >> 16;
	head[10] = (unsigned char)crc;
	head[11] = (unsigned char)(crc >> 8);
	crc = crc32c(0, head + 4, RECORD_HEAD - 4);
	crc = crc32c(crc, &kind, 1);
	put_le32(head, crc32c(crc, body.p, body.n));
	buf_add(&f->bytes, span_of(head, RECORD_HEAD));
	buf_add_char(&f->bytes, kind);
	buf_add(&f->bytes, body);
}

/* What a campaign begins with, and the fronts of its segments. */
static void put_fronts(unsigned runs, bool other_boot)
{
	static const struct journal_header header = { .begun_ms = 1790000000000 };
	struct record_segment front = { .run = 0 };

	for (int i = 0; i < FILES; i++) {
		buf_reset(&files[i].bytes);
		files[i].sequence = 0;
		if (i < FILES - 1)
			buf_add_str(&files[i].bytes, JOURNAL_MAGIC);
	}
	record_put_campaign(&files[0].bytes, files[0].sequence++, &header);
	for (unsigned i = 1; i <= runs; i++) {
		struct record_run run = { .run = i, .boot = "now", .host = "h", .pid = 1, .time_ms = 1790000000000 };

		if (other_boot)
			snprintf(run.boot, sizeof run.boot, "then %u", i);
		record_put_run(&files[0].bytes, files[0].sequence++, &run);
	}
	for (int i = 1; i < FILES - 1; i++) {
		MUST(sscanf(names[i], "run-%u-worker-%u", &front.run, &front.worker) == 2);
		record_put_segment(&files[i].bytes, files[i].sequence++, &front);
	}
}

static void write_files(void)
{
	for (int i = 0; i < FILES; i++) {
		FILE *f = files[i].bytes.n > 0 && (i == 0 || files[i].sequence > 1) ? fopen(path_of(names[i]), "we") : NULL;

		if (f)
			MUST(fwrite(files[i].bytes.p, 1, files[i].bytes.n, f) == files[i].bytes.n && fclose(f) == 0);
	}
}

static void tried(void *ctx, struct span address, int64_t time_ms)
{
	(void)time_ms;
	*(size_t *)ctx += address.n;
}

static void check_ledger(struct ledger *l)
{
	struct ledger_cursor at = { .sent_too = true };
	struct ledger_counts c;
	struct journal_result r;
	struct verdict v;
	struct err e = { 0 };
	uint64_t n = 0, last = 0, settled[JOURNAL_RECIPIENTS_MAX / 64];
	uint32_t attempts;
	size_t octets = 0;
	int rc;

	ledger_counts(l, &c);
	while ((rc = ledger_next_failed(l, &at, &r, &v, &e)) > 0) {
		MUST(r.row >= last && r.row > 0);
		last = r.row;
		n++;
	}
	MUST(rc < 0 ? e.text[0] != '\0' : n == c.sent + c.skipped + c.refused + c.deferred + c.in_doubt);
	for (uint64_t row = 1; row < SHOWN; row++) {
		ledger_settled(l, row, true, settled, &attempts);
		MUST(!ledger_is_done(l, row, false) || ledger_is_done(l, row, true));
		MUST(ledger_row(l, row) != ROW_SENT || ledger_is_done(l, row, false));
	}
	(void)ledger_each_try(l, &(struct ledger_tries){ .tried = tried, .ctx = &octets }, &e);
	for (int format = RESULTS_CSV; format <= RESULTS_JSONL; format++)
		MUST(results_write(results, (enum results_format)format, l, &e) == 0 || e.text[0]);
}

static void resume(void)
{
	static const struct journal_header header = { .begun_ms = 1 };
	struct journal_segment *s = NULL;
	struct journal *j = NULL;
	struct err e = { 0 };

	if (journal_open(&j, results, true, &header, &e) == 0 && journal_segment_open(&s, j, 1, &e) == 0)
		MUST(journal_begin(s, 1790000000000) == 0 && journal_flush(s, &e) == 0);
	MUST(s || e.text[0]);
	if (s) {
		struct ledger *l;

		MUST(ledger_load(&l, results, &e) == 0 || e.text[0]);
		ledger_free(&l);
	}
	journal_segment_close(&s);
	if (j) {
		char name[64];

		snprintf(name, sizeof name, "run-%04u-worker-001", journal_run(j));
		unlink(path_of(name));
	}
	journal_close(&j);
}

static void use(void)
{
	struct ledger_attempt attempt;
	struct ledger *l = NULL;
	struct tally t;
	struct err e = { 0 };

	if (ledger_load_begins(&l, results, 8, &e) == 0)
		check_ledger(l);
	else
		MUST(!l && e.text[0]);
	ledger_free(&l);
	if (tally_read(&t, results, 1790000000000, &e) == 0)
		tally_release(&t);
	(void)ledger_find_attempt(results, 1, &attempt, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of(data, size);
	int how;

	if (size < 4)
		return 0;
	if (!journal[0])
		begin();
	how = (unsigned char)span_take(&in);
	put_fronts((unsigned)how & 3, how & 4);
	while (in.n > 2) {
		int where = (unsigned char)span_take(&in), type = (unsigned char)span_take(&in), n = (unsigned char)span_take(&in);
		struct span body = span_sub(in, 0, (size_t)n);

		in = span_skip(in, body.n);
		if (where & NO_RECORD)
			buf_add(&files[where % FILES].bytes, body);
		else
			put_record(&files[where % FILES], (enum record_type)type, body);
	}
	write_files();
	use();
	if (how & RESUMED)
		resume();
	empty();
	return 0;
}
