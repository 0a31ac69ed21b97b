/* bench_journal.c - how fast the journal takes records and gives them back.
 *
 *     bench_journal [N [FOLDER]]     N mails, 1,000,000 without; FOLDER: /tmp
 *
 * Each mail is a begin, an intent and a result of usual size, flushed in groups of 64 as a busy
 * worker does; then the ledger reads all of it back, and the results file is written anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/results/journal.h"
#include "engine/results/ledger.h"
#include "engine/results/results_log.h"

enum { GROUP = 64, BLOCK = 512 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of this process: other work on the machine does not count. */
static double processor_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void stop(const struct err *e)
{
	fprintf(stderr, "%s\n", e->text);
	exit(1);
}

static void append(struct journal_segment *s, uint64_t row, struct err *e)
{
	char id[64], address[64];
	struct verdict v = { .kind = VERDICT_SENT, .code = 250, .enhanced = { 2, 0, 0 }, .stage = "end of data",
			     .queue_id = "4FZxKq1Yvkz2xBp", .text = "2.0.0 Ok: queued as 4FZxKq1Yvkz2xBp" };
	struct journal_recipient to = { 0 };
	struct journal_intent i = { .row = row, .line = row + 1, .attempt = 1, .of = 1, .n_recipients = 1,
				    .time_ms = 1790000000000 + (int64_t)row, .recipients = &to };
	struct journal_result r = { .row = row, .line = row + 1, .attempt = 1, .of = 1, .verdict = &v,
				    .time_ms = i.time_ms, .relay = SPAN("smtp.example.com:587") };
	int n = snprintf(id, sizeof id, "<%016llx.0123456789ab@example.com>", (unsigned long long)row);

	i.message_id = r.message_id = span_of(id, (size_t)n);
	n = snprintf(address, sizeof address, "user%llu@example.com", (unsigned long long)row);
	to.address = r.recipient.address = span_of(address, (size_t)n);
	if (journal_begin(s, i.time_ms) < 0 || journal_intent(s, &i, e) < 0 || journal_result(s, &r, e) < 0)
		stop(e);
}

static double write_all(const char *results, uint64_t n, double *append_only, struct err *e)
{
	struct journal_header h = { .begun_ms = 1790000000000 };
	struct journal *j;
	struct journal_segment *s;
	double begun, flushing = 0;

	if (journal_open(&j, results, false, &h, e) < 0 || journal_segment_open(&s, j, 0, e) < 0)
		stop(e);
	begun = now();
	for (uint64_t row = 1; row <= n; row++) {
		if (row % BLOCK == 1 && journal_claim(j, row, row + BLOCK - 1, false, e) < 0)
			stop(e);
		append(s, row, e);
		if (row % GROUP == 0 || row == n) {
			double t = now();

			if (journal_flush(s, e) < 0)
				stop(e);
			flushing += now() - t;
		}
	}
	begun = now() - begun;
	*append_only = begun - flushing;
	journal_segment_close(&s);
	journal_close(&j);
	return begun;
}

static long peak_mib(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_maxrss / 1024;
}

static void read_all(const char *results, uint64_t n, struct err *e)
{
	struct ledger_counts counts;
	struct ledger *l;
	double t = now(), worked = processor_time();

	if (ledger_load(&l, results, e) < 0)
		stop(e);
	t = now() - t;
	worked = processor_time() - worked;
	ledger_counts(l, &counts);
	printf("read back     %8.2f s     %8.2f M mails/s   processor time %.2f s   peak memory %ld MiB   %llu sent\n", t,
	       (double)n / t / 1e6, worked, peak_mib(), (unsigned long long)counts.sent);
	t = now();
	if (results_write(results, RESULTS_CSV, l, e) < 0)
		stop(e);
	t = now() - t;
	printf("results anew  %8.2f s     %8.2f M lines/s\n", t, (double)n / t / 1e6);
	ledger_free(&l);
}

static void remove_all(const char *folder)
{
	static const char *const files[] = { "r.csv", "r.csv.journal/campaign", "r.csv.journal/lock",
					     "r.csv.journal/run-0001-worker-000", "r.csv.journal", "" };
	char path[256];

	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, files[i]);
		remove(path);
	}
}

int main(int argc, char **argv)
{
	uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	char folder[128], results[160], segment[256];
	struct err e = { 0 };
	struct stat st;
	double t, append_only;

	snprintf(folder, sizeof folder, "%s/bench_journal_XXXXXX", argc > 2 ? argv[2] : "/tmp");
	if (!mkdtemp(folder))
		return 1;
	snprintf(results, sizeof results, "%s/r.csv", folder);
	t = write_all(results, n, &append_only, &e);
	snprintf(segment, sizeof segment, "%s.journal/run-0001-worker-000", results);
	if (stat(segment, &st) < 0)
		return 1;
	printf("append        %8.0f ns a mail (begin, intent, result)\n", append_only / (double)n * 1e9);
	printf("with flush    %8.2f s     %8.2f M mails/s   %.0f bytes a mail\n", t, (double)n / t / 1e6,
	       (double)st.st_size / (double)n);
	read_all(results, n, &e);
	remove_all(folder);
	return 0;
}
