/* Making a campaign, going on with it, holding it; and writers that are killed. */
#include "tests/unit/results_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "engine/results/journal_parts.h"

static void made_and_gone_on_with(void **state)
{
	struct fixture *f = *state;
	struct journal_header h = fixture_header(), found;
	struct journal *j;
	struct stat st;
	char path[256];

	assert_int_equal(journal_peek(f->results, &found, &f->e), 0);
	j = fixture_open(f, true); /* --resume without a campaign starts it */
	assert_int_equal(journal_run(j), 1);
	assert_false(journal_power_was_lost(j));
	assert_int_equal(stat(f->journal, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	snprintf(path, sizeof path, "%s/campaign", f->journal);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	journal_close(&j);
	assert_int_equal(journal_peek(f->results, &found, &f->e), 1);
	assert_memory_equal(&found, &h, sizeof h);

	assert_int_equal(journal_open(&j, f->results, false, &h, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_CONFLICT);
	assert_non_null(strstr(f->e.hint, "--resume"));
	assert_non_null(strstr(f->e.hint, "--results"));
	j = fixture_open(f, true);
	assert_int_equal(journal_run(j), 2);
	journal_close(&j);
}

static void the_list_becomes_known(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_header h = fixture_header(), found;
	unsigned char list[32];

	memset(list, 3, sizeof list);
	assert_int_equal(journal_note_list(j, list, &f->e), 0);
	journal_close(&j);
	assert_int_equal(journal_peek(f->results, &found, &f->e), 1);
	assert_true(found.identity.list_known);
	assert_memory_equal(found.identity.list, list, 32);
	h.identity.list_known = true;
	memset(h.identity.list, 4, 32);
	assert_int_equal(journal_open(&j, f->results, true, &h, &f->e), -1);
	assert_non_null(strstr(f->e.text, "the list of recipients changed"));
	memset(h.identity.list, 3, 32);
	h.identity.list_mtime_ns++; /* with a hash on both sides the rest does not matter */
	assert_int_equal(journal_open(&j, f->results, true, &h, &f->e), 0);
	journal_close(&j);
}

static void other_letter(struct journal_identity *i) { i->letter[31] ^= 1; }
static void other_size(struct journal_identity *i) { i->list_size++; }
static void other_time(struct journal_identity *i) { i->list_mtime_ns++; }
static void other_way(struct journal_identity *i) { snprintf(i->destination, sizeof i->destination, "null"); }
static void other_rows(struct journal_identity *i) { snprintf(i->selection, sizeof i->selection, "rows 3-9"); }
static void other_value(struct journal_identity *i) { snprintf(i->options, sizeof i->options, "charset=gbk\nbulk=yes\n"); }
static void option_gone(struct journal_identity *i) { snprintf(i->options, sizeof i->options, "charset=utf-8\n"); }
static void option_new(struct journal_identity *i)
{
	snprintf(i->options, sizeof i->options, "charset=utf-8\nbulk=yes\nfrom=a@b\n");
}
static void two_things(struct journal_identity *i)
{
	other_letter(i);
	other_rows(i);
}
static void time_unknown(struct journal_identity *i) { i->list_mtime_ns = 0; }

static const struct change {
	const char *name, *says;
	void (*make)(struct journal_identity *i);
} changes[] = {
	{ "letter", "the letter or one of its files changed", other_letter },
	{ "size", "the list of recipients changed", other_size },
	{ "time", "the list of recipients changed", other_time },
	{ "destination", "the destination was 'relays' and is now 'null'", other_way },
	{ "rows", "the choice of rows was 'all' and is now 'rows 3-9'", other_rows },
	{ "value", "option charset was 'utf-8' and is now 'gbk'", other_value },
	{ "gone", "option bulk was 'yes' and is not given now", option_gone },
	{ "new", "option from is new: 'a@b'", option_new },
	{ "two", "files changed; the choice of rows was", two_things },
	{ "no time", NULL, time_unknown },
};

static void identity(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);

	journal_close(&j);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct journal_header h = fixture_header();
		int rc;

		changes[i].make(&h.identity);
		rc = journal_open(&j, f->results, true, &h, &f->e);
		assert_int_equal(rc, changes[i].says ? -1 : 0);
		if (rc == 0) {
			journal_close(&j);
			continue;
		}
		assert_int_equal(f->e.kind, ERR_CONFLICT);
		if (!strstr(f->e.text, changes[i].says))
			fail_msg("%s: %s", changes[i].name, f->e.text);
		assert_true(f->e.hint[0]);
	}
}

/* Another process, and another opener in this one; the kernel frees what a killed holder held. */
static void two_holders(void **state)
{
	struct fixture *f = *state;
	struct journal_header h = fixture_header();
	struct journal *j, *second;
	int ready[2];
	pid_t pid;
	char pid_text[32], byte;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		j = fixture_open(f, false);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(journal_open(&second, f->results, true, &h, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_CONFLICT);
	snprintf(pid_text, sizeof pid_text, "process %d on ", (int)pid);
	if (!strstr(f->e.text, pid_text))
		fail_msg("'%s' does not say %s", f->e.text, pid_text);
	assert_int_equal(journal_peek(f->results, &h, &f->e), 1); /* reading needs no lock */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	j = fixture_open(f, true);
	assert_int_equal(journal_open(&second, f->results, true, &h, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_CONFLICT);
	journal_close(&j);
	j = fixture_open(f, true);
	journal_close(&j);
	close(ready[0]);
	close(ready[1]);
}

/* Writes for ever, telling through the pipe what was flushed: two bytes a row. */
static void write_until_killed(struct fixture *f, int told, bool resume)
{
	struct journal *j = fixture_open(f, resume);
	struct journal_segment *s = fixture_segment(f, j, 0);

	for (uint64_t row = 1;; row++) {
		if (journal_claim(j, row, row, false, NULL) < 0)
			_exit(1);
		fixture_intent(s, row, 1, 1, 0);
		if (journal_flush(s, NULL) < 0 || write(told, "i", 1) != 1)
			_exit(1);
		fixture_result(s, row, 1, 1, 0, VERDICT_SENT);
		if (journal_flush(s, NULL) < 0 || write(told, "r", 1) != 1)
			_exit(1);
	}
}

/* Nothing that was told to be flushed is lost by SIGKILL, and at most one record more is there. */
static void killed_at_random(void **state)
{
	struct fixture *f = *state;

	for (int round = 0; round < 40; round++) {
		uint64_t told = 0, row;
		struct ledger *l;
		int pipes[2];
		char bytes[4096];
		ssize_t n;
		pid_t pid;

		fixture_empty(f);
		assert_int_equal(pipe(pipes), 0);
		pid = fork();
		if (pid == 0) {
			close(pipes[0]);
			write_until_killed(f, pipes[1], false);
		}
		close(pipes[1]);
		usleep((useconds_t)(500 + round * 337 % 9000));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while ((n = read(pipes[0], bytes, sizeof bytes)) > 0)
			told += (uint64_t)n;
		close(pipes[0]);
		if (told == 0)
			continue;
		l = fixture_ledger(f);
		for (row = 1; row <= told / 2; row++)
			assert_int_equal(ledger_row(l, row), ROW_SENT);
		if (told % 2)
			assert_true(ledger_row(l, row) == ROW_IN_DOUBT || ledger_row(l, row) == ROW_SENT);
		else
			assert_true(ledger_row(l, row) == ROW_TO_DO || ledger_row(l, row) == ROW_IN_DOUBT);
		assert_int_equal(ledger_row(l, row + 1), ROW_TO_DO);
		ledger_free(&l);
	}
}

static void segments_of_others(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0), *again;
	struct journal_header h = fixture_header();
	struct ledger *l;
	struct buf content;

	assert_int_equal(journal_segment_open(&again, j, 0, &f->e), -1); /* never two writers */
	assert_int_equal(f->e.sys_errno, EEXIST);
	journal_segment_close(&s);
	journal_close(&j);
	content = fixture_content(f, "run-0001-worker-000");
	fixture_empty(f);
	h.seed[0] ^= 1;
	assert_int_equal(journal_open(&j, f->results, false, &h, &f->e), 0);
	journal_close(&j);
	fixture_put(f, "run-0001-worker-000", buf_span(&content));
	assert_int_equal(ledger_load(&l, f->results, &f->e), -1);
	assert_non_null(strstr(f->e.text, "does not belong"));
	buf_release(&content);
}

static void too_many_recipients(void **state)
{
	struct fixture *f = *state;
	struct journal *j = fixture_open(f, false);
	struct journal_segment *s = fixture_segment(f, j, 0);
	size_t before = journal_pending(s);

	assert_int_equal(fixture_intent(s, 1, 1, JOURNAL_RECIPIENTS_MAX + 1, 0), -1);
	assert_int_equal(fixture_result(s, 1, 1, JOURNAL_RECIPIENTS_MAX + 1, 0, VERDICT_SENT), -1);
	assert_int_equal(fixture_result(s, 1, 1, 1, JOURNAL_RECIPIENTS_MAX, VERDICT_SENT), -1);
	assert_int_equal(journal_pending(s), before);
	journal_segment_close(&s);
	journal_close(&j);
}

static void unwritable_folder(void **state)
{
	struct fixture *f = *state;
	struct journal_header h = fixture_header();
	struct journal *j;

	assert_int_equal(journal_open(&j, "/proc/no/results.csv", false, &h, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_SYS);
	assert_null(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(made_and_gone_on_with),
		FIXTURE_TEST(the_list_becomes_known),
		FIXTURE_TEST(identity),
		FIXTURE_TEST(two_holders),
		FIXTURE_TEST(killed_at_random),
		FIXTURE_TEST(segments_of_others),
		FIXTURE_TEST(too_many_recipients),
		FIXTURE_TEST(unwritable_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
