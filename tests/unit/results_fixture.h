/* results_fixture.h - campaigns in a folder of their own, for the tests of engine/results. */
#ifndef TESTS_UNIT_RESULTS_FIXTURE_H
#define TESTS_UNIT_RESULTS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/model/row.h"
#include "engine/results/journal.h"
#include "engine/results/journal_io.h"
#include "engine/results/ledger.h"

struct fixture {
	char folder[64], results[128], journal[160];
	struct err e;
};

static inline int fixture_remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static inline void fixture_remove(const char *folder)
{
	nftw(folder, fixture_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Syncing takes most of the time of these tests and changes nothing that they can see. */
static inline int fixture_sync(int fd)
{
	(void)fd;
	return 0;
}

static inline int fixture_set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	snprintf(f->folder, sizeof f->folder, "/tmp/results-test-XXXXXX");
	if (!f || !mkdtemp(f->folder))
		return -1;
	snprintf(f->results, sizeof f->results, "%s/results.csv", f->folder);
	snprintf(f->journal, sizeof f->journal, "%s.journal", f->results);
	journal_io.fdatasync = journal_io.fsync = fixture_sync;
	*state = f;
	return 0;
}

static inline int fixture_tear_down(void **state)
{
	struct fixture *f = *state;

	journal_io_reset();
	mem_fail_after(-1);
	fixture_remove(f->folder);
	free(f);
	return 0;
}

static inline void fixture_empty(struct fixture *f)
{
	fixture_remove(f->journal);
	unlink(f->results);
}

#define FIXTURE_TEST(function) cmocka_unit_test_setup_teardown(function, fixture_set_up, fixture_tear_down)

static inline struct journal_header fixture_header(void)
{
	struct journal_header h = { .begun_ms = 1790000000000, .seed = "0123456789abcde" };

	memset(h.identity.letter, 7, sizeof h.identity.letter);
	h.identity.list_size = 1000;
	h.identity.list_mtime_ns = 5;
	snprintf(h.identity.destination, sizeof h.identity.destination, "relays");
	/* Long enough that the header spans several sectors of a disk. */
	snprintf(h.identity.options, sizeof h.identity.options, "charset=utf-8\nbulk=yes\ntext=%0900d\n", 0);
	return h;
}

/* Opens, or goes on with, the fixture's campaign; must succeed. */
static inline struct journal *fixture_open(struct fixture *f, bool resume)
{
	struct journal_header h = fixture_header();
	struct journal *j;

	if (journal_open(&j, f->results, resume, &h, &f->e) < 0)
		fail_msg("journal_open: %s", f->e.text);
	return j;
}

static inline struct journal_segment *fixture_segment(struct fixture *f, struct journal *j, unsigned worker)
{
	struct journal_segment *s;

	if (journal_segment_open(&s, j, worker, &f->e) < 0)
		fail_msg("journal_segment_open: %s", f->e.text);
	return s;
}

/* With it, each row stands with two others: all three are one mail. */
enum { FIXTURE_OTHERS = 2 };
static bool fixture_groups;

static inline const struct row_member *fixture_others(uint64_t row)
{
	static struct row_member others[FIXTURE_OTHERS];

	others[0] = (struct row_member){ row + 100, row + 150 };
	others[1] = (struct row_member){ row + 300, row + 301 };
	return others;
}

static inline int fixture_claim(struct journal *j, uint64_t row, bool sync)
{
	const struct row_member *o = fixture_others(row);
	const struct journal_range ranges[] = { { row, row }, { o[1].number, o[1].number }, { o[0].number, o[0].number } };

	return journal_claim_ranges(j, ranges, fixture_groups ? 3 : 1, sync, NULL);
}

/* One recipient of a row that has `of`. */
static inline int fixture_intent(struct journal_segment *s, uint64_t row, uint32_t attempt, uint32_t of,
				 uint32_t index)
{
	char id[64], address[64];
	struct journal_recipient to = { index, { 0 } };
	struct journal_intent i = { .row = row, .line = row + 1, .attempt = attempt, .of = of, .n_recipients = 1,
				    .time_ms = 1790000000000 + (int64_t)row, .recipients = &to,
				    .n_others = fixture_groups ? FIXTURE_OTHERS : 0, .others = fixture_others(row) };

	snprintf(id, sizeof id, "<%llu.%u@example.com>", (unsigned long long)row, index);
	snprintf(address, sizeof address, "user%llu.%u@example.com", (unsigned long long)row, index);
	i.message_id = span_str(id);
	to.address = span_str(address);
	return journal_intent(s, &i, NULL);
}

static inline int fixture_result(struct journal_segment *s, uint64_t row, uint32_t attempt, uint32_t of,
				 uint32_t index, enum verdict_kind kind)
{
	char id[64], address[64];
	struct verdict v = { .kind = kind, .scope = SCOPE_RECIPIENT, .recipient = index, .code = 250,
			     .enhanced = { 2, 0, 0 }, .stage = "end of data", .queue_id = "4FZx", .text = "ok" };
	struct journal_result r = { .row = row, .line = row + 1, .attempt = attempt, .of = of, .verdict = &v,
				    .time_ms = 1790000000000 + (int64_t)row, .relay = SPAN("smtp.example.com"),
				    .n_others = fixture_groups ? FIXTURE_OTHERS : 0, .others = fixture_others(row) };

	if (kind != VERDICT_SENT) {
		v.code = kind == VERDICT_DEFERRED ? 450 : 550;
		v.enhanced[0] = v.code / 100;
		v.queue_id[0] = '\0';
	}
	snprintf(id, sizeof id, "<%llu.%u@example.com>", (unsigned long long)row, index);
	snprintf(address, sizeof address, "user%llu.%u@example.com", (unsigned long long)row, index);
	r.message_id = span_str(id);
	r.recipient = (struct journal_recipient){ index, span_str(address) };
	return journal_result(s, &r, NULL);
}

static inline struct ledger *fixture_ledger(struct fixture *f)
{
	struct ledger *l;

	if (ledger_load_begins(&l, f->results, 64, &f->e) < 0)
		fail_msg("ledger_load: %s", f->e.text);
	return l;
}

/* Whole content of a file of the journal's folder (or, with no name, of the results). */
static inline struct buf fixture_content(struct fixture *f, const char *name)
{
	char path[256];
	struct buf b;

	snprintf(path, sizeof path, name ? "%s/%s" : "%s%s", name ? f->journal : f->results, name ? name : "");
	buf_init(&b, 64 << 20);
	if (file_read(path, &b, &f->e) < 0)
		fail_msg("cannot read %s", path);
	return b;
}

static inline void fixture_put(struct fixture *f, const char *name, struct span content)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", f->journal, name);
	file = fopen(path, "we");
	if (!file || (content.n && fwrite(content.p, 1, content.n, file) != content.n) || fclose(file) != 0)
		fail_msg("cannot write %s", path);
}

#endif
