/* fault_place.h - a small campaign in a folder of its own, run in process, once or again.
 *
 * The list has ROWS rows: one that cannot be a mail, one with three recipients, one that the test's
 * server refuses, one that it defers the first time. Recipient k of row n is r<n>x<k>@example.com. */
#ifndef TESTS_FAULT_FAULT_PLACE_H
#define TESTS_FAULT_FAULT_PLACE_H

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/results/journal_io.h"
#include "engine/run/campaign.h"

enum { ROWS = 12, BAD_ROW = 4, MANY_ROW = 6, REFUSED_ROW = 8, GREY_ROW = 10, RECIPIENTS = 3, MAILS = ROWS - 1 };

struct place {
	char folder[64], letter[80], list[80], results[80], out[80];
	char url[192];
	struct delivery_relay relay;
	struct campaign_job job;
};

struct outcome {
	enum { AT_OPEN, AT_PREFLIGHT, AT_RUN, AT_END } reached; /* the call that failed, or AT_END */
	struct err e;
	struct campaign_result result;
	uint64_t mails, bad_rows; /* what preflight counted */
	uint64_t opened, checked, used; /* allocations up to the end of each call */
};

static inline unsigned place_recipients(unsigned row)
{
	return row == MANY_ROW ? RECIPIENTS : 1;
}

static inline int place_remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static inline void place_remove(const char *path)
{
	nftw(path, place_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void place_file(const char *folder, const char *name, const char *text)
{
	char path[192];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "we");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		fail_msg("cannot write %s", path);
}

static inline void place_list(const struct place *p)
{
	FILE *f = fopen(p->list, "we");

	assert_non_null(f);
	fputs("email,n,name,cc\n", f);
	for (unsigned n = 1; n <= ROWS; n++) {
		if (n == BAD_ROW)
			fprintf(f, "no address,%u,Nobody,\n", n);
		else if (n == MANY_ROW)
			fprintf(f, "r%ux0@example.com,%u,Zoë & co,\"r%ux1@example.com, r%ux2@example.com\"\n", n, n, n, n);
		else
			fprintf(f, "r%ux0@example.com,%u,\"Name, %u\",\n", n, n, n);
	}
	assert_int_equal(fclose(f), 0);
}

static const char place_letter[] =
	"From: Café <shop@example.com>\n"
	"To: {{ name }} <{{ email }}>\n"
	"Cc: {{ cc }}\n"
	"Subject: {% if n > 6 %}Late{% else %}Early{% endif %}: {{ name | upcase }} – {{ n | plus: 1 }}\n"
	"X-Row: {{ n }}\n"
	"Html-Body: letter.html\n"
	"Attachment: note.txt\n"
	"\n"
	"Dear {{ name }},\n"
	"{% assign words = name | split: ' ' %}{% for word in words %}{{ word | capitalize }} {% endfor %}\n";

static inline int place_no_sync(int fd)
{
	(void)fd;
	return 0;
}

static char place_doing[256]; /* what is being tried, for place_hangs() */

static inline void place_hangs(int signal_number)
{
	(void)signal_number;
	(void)!write(STDERR_FILENO, place_doing, strlen(place_doing));
	(void)!write(STDERR_FILENO, ": it hangs\n", 11);
	abort();
}

/* A run that hangs ends the program, which the caller of the tests counts as a failure. */
static inline void place_watch(const char *doing, unsigned seconds)
{
	snprintf(place_doing, sizeof place_doing, "%s", doing);
	signal(SIGALRM, place_hangs);
	alarm(seconds);
}

static inline void place_set_up(struct place *p)
{
	*p = (struct place){ .folder = "/tmp/fault-XXXXXX" };
	if (!mkdtemp(p->folder))
		fail_msg("no folder");
	log_show(LOG_ERROR);
	snprintf(p->letter, sizeof p->letter, "%s/letter.eml", p->folder);
	snprintf(p->list, sizeof p->list, "%s/list.csv", p->folder);
	snprintf(p->results, sizeof p->results, "%s/results.csv", p->folder);
	snprintf(p->out, sizeof p->out, "%s/out", p->folder);
	place_file(p->folder, "letter.eml", place_letter);
	place_file(p->folder, "letter.html", "<p>Dear {{ name }}, <b>{{ n }}</b> &amp; more</p>\n");
	place_file(p->folder, "note.txt", "A note.\n");
	place_list(p);
	journal_io_reset();
	journal_io.fdatasync = journal_io.fsync = place_no_sync;
}

static inline void place_tear_down(struct place *p)
{
	alarm(0);
	mem_fail_after(-1);
	journal_io_reset();
	place_remove(p->folder);
}

/* As before the first run. */
static inline void place_empty(const struct place *p)
{
	static const char *const names[] = { "results.csv.journal", "results.csv", "results.csv.new", "results.failed.csv",
					     "results.in-doubt.csv", "results.failed.csv.part",
					     "results.in-doubt.csv.part", "out" };
	char path[192];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", p->folder, names[i]);
		place_remove(path);
	}
}

/* scheme "null:", "maildir:" and so on; or a whole URL of a relay. */
static inline void place_job(struct place *p, const char *url)
{
	bool path = url[strlen(url) - 1] == ':' && strcmp(url, "null:") != 0;

	snprintf(p->url, sizeof p->url, "%s%s%s", url, path ? p->out : "", path ? "?sync=off" : "");
	p->relay = (struct delivery_relay){ .url = p->url };
	p->job = (struct campaign_job){
		.letter = p->letter,
		.list = p->list,
		.results = p->results,
		.bad_rows = BAD_ROWS_SKIP,
		.sync_ms = CAMPAIGN_SYNC_DEFAULT_MS,
		.retry_for_ms = 0,
		.date_ms = -1,
		.threads = 2,
		.delivery = { .relays = &p->relay, .n_relays = 1, .connections = 2, .helo = "client.example.com",
			      .timeout_ms = 5000, .trace_fd = -1 },
	};
}

static inline bool place_has_journal(const struct place *p)
{
	char journal[sizeof p->results + 16];

	snprintf(journal, sizeof journal, "%s.journal", p->results);
	return access(journal, F_OK) == 0;
}

/* open, preflight, run; everything is released again. 0 when all three went well. resume: unless nothing was begun. */
static inline int place_run(const struct place *p, bool resume, struct outcome *o)
{
	struct campaign_job job = p->job;
	struct finding_sink sink = { .report = NULL };
	struct campaign *c = NULL;
	struct report report = { .rows = 0 };
	uint64_t before = mem_count();
	int rc;

	*o = (struct outcome){ .reached = AT_OPEN };
	job.resume = resume && place_has_journal(p);
	rc = report_init(&report);
	if (rc < 0)
		err_nomem(&o->e, "the report");
	if (rc == 0)
		rc = campaign_open(&c, &job, report.sink.report ? &report.sink : &sink, &o->e);
	o->opened = o->checked = o->used = mem_count() - before;
	if (rc == 0) {
		o->reached = AT_PREFLIGHT;
		rc = campaign_preflight(c, &report, &o->e);
		o->mails = report.mails;
		o->bad_rows = report.bad_rows;
		o->checked = o->used = mem_count() - before;
	}
	if (rc == 0) {
		o->reached = AT_RUN;
		rc = campaign_run(c, &o->result, &o->e);
		o->used = mem_count() - before;
	}
	if (rc == 0)
		o->reached = AT_END;
	campaign_free(&c);
	report_release(&report);
	return rc;
}

#endif
