/* summary.c - counts, files, the next command.
 *
 *  1. The counts are of the whole campaign; the rate is of this run. Both are of recipients: a
 *     message to three of them counts three times, and one to a group of rows once for each.
 *  2. A command that is proposed runs as it stands, in this folder.
 * Held by tests/system/test_cli_send.py. */
#include "engine/cli/summary.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/file.h"
#include "engine/cli/quote.h"
#include "engine/cli/say.h"

enum { COMMAND_MAX_BYTES = 1 << 20, STATS_MAX_BYTES = 1024, REFUSED_MANY = 10, REFUSED_SHARE = 5 /* a fifth */ };

static void print_counts(const struct campaign_result *r)
{
	const struct ledger_counts *c = &r->counts;
	char n[SAY_SIZE];

	printf("  sent      %10s\n", say_count(c->sent, n));
	if (c->refused)
		printf("  refused   %10s   the relay will not take them\n", say_count(c->refused, n));
	if (c->deferred)
		printf("  deferred  %10s   not now: they are tried again by --resume\n", say_count(c->deferred, n));
	if (c->skipped)
		printf("  skipped   %10s   by our choice, the results say why\n", say_count(c->skipped, n));
	if (c->in_doubt)
		printf("  in doubt  %10s   may have arrived: no answer came\n", say_count(c->in_doubt, n));
}

static void print_head(const struct campaign_job *job, const struct campaign_result *r)
{
	static const char *const words[] = {
		[CAMPAIGN_COMPLETE] = "Done",
		[CAMPAIGN_INTERRUPTED] = "Stopped",
		[CAMPAIGN_RELAYS_DOWN] = "Stopped, no relay is left",
		[CAMPAIGN_BROKEN] = "Stopped by an error",
		[CAMPAIGN_REFUSED] = "Stopped, too many were refused",
		[CAMPAIGN_CANARY] = "Stopped after the first few",
	};
	char n[SAY_SIZE], time[SAY_SIZE];

	if (r->end == CAMPAIGN_COMPLETE && r->begun_this_run == 0 && r->sent_this_run == 0 && job->resume) {
		printf("Done: nothing was left to send\n");
		return;
	}
	printf("%s: sent to %s in %s", words[r->end],
	       r->grouped ? say_many(r->sent_this_run, "row", "rows", n)
			  : say_many(r->sent_this_run, "recipient", "recipients", n),
	       say_time(r->elapsed_ms, time));
	if (r->sent_this_run > 1 && r->elapsed_ms >= 100)
		printf(" (%.*f/s)", r->sent_this_run * 1000 < 10 * (uint64_t)r->elapsed_ms ? 1 : 0,
		       (double)r->sent_this_run * 1000 / (double)r->elapsed_ms);
	if (job->redirect_to)
		printf(", all to %s", job->redirect_to);
	printf("\n");
}

static void print_files(const struct campaign_job *job, const struct campaign_result *r)
{
	if (file_exists(job->results))
		printf("Results:     %s\n", job->results);
	if (r->failed_path[0])
		printf("Not sent:    %s\n", r->failed_path);
	if (job->delivery.trouble_path && file_exists(job->delivery.trouble_path))
		printf("Last words:  %s\n", job->delivery.trouble_path);
	if (r->in_doubt_path[0])
		printf("In doubt:    %s\n", r->in_doubt_path);
	if (r->suppress_added) {
		char n[SAY_SIZE];

		printf("Suppressed:  %s added to %s\n", say_many(r->suppress_added, "address", "addresses", n),
		       job->suppress_add);
	}
}

static void print_command(const struct options *o, const char *what, const char *extra)
{
	struct buf b;

	buf_init(&b, COMMAND_MAX_BYTES);
	if (quote_command(&b, o, extra) == 0)
		printf("%s\n  %s\n", what, buf_str(&b));
	buf_release(&b);
}

/* Too few for --stop-after, and yet more than an honest list has: perhaps the relay took us for somebody else. */
static bool relay_may_be_wrong(const struct ledger_counts *c)
{
	return c->refused >= REFUSED_MANY && c->refused >= (c->sent + c->refused) / REFUSED_SHARE;
}

/* What was typed is repeated; what it lacks, or what the terminal's answers changed, is added. A
 * later --in-doubt wins. */
static void print_next(const struct options *o, const struct campaign_job *job, const struct campaign_result *r)
{
	bool piped = strcmp(job->list, "-") == 0;
	bool unfinished = r->end != CAMPAIGN_COMPLETE || r->counts.deferred > 0;
	char extra[80];

	snprintf(extra, sizeof extra, "%s%s", options_given(o, "resume") ? "" : " --resume",
		 (int)job->bad_rows == o->bad_rows ? "" : " --bad-rows skip");
	if (relay_may_be_wrong(&r->counts))
		printf("So many refused? When it was the relay and not they, --resume --retry-refused CLASS tries them again;\n"
		       "lettershop status %s says why, and the class\n", job->results);
	if (unfinished)
		print_command(o, piped ? "To go on, with the same list piped in again:" : "To go on:", extra);
	if (r->counts.in_doubt && o->in_doubt == IN_DOUBT_HOLD) {
		snprintf(extra + strlen(extra), sizeof extra - strlen(extra), " --in-doubt resend");
		print_command(o, piped ? "To send those in doubt again (some may get it twice), same list piped in:"
				       : "To send those in doubt again (some may get it twice):",
			      extra);
	}
}

void summary_print(const struct options *o, const struct campaign_job *job, const struct campaign_result *r)
{
	print_head(job, r);
	print_counts(r);
	print_files(job, r);
	print_next(o, job, r);
	fflush(stdout);
}

int summary_write_stats(const struct options *o, const struct campaign_result *r, struct err *e)
{
	static const char *const ends[] = {
		[CAMPAIGN_COMPLETE] = "complete",
		[CAMPAIGN_INTERRUPTED] = "interrupted",
		[CAMPAIGN_RELAYS_DOWN] = "relays down",
		[CAMPAIGN_BROKEN] = "broken",
		[CAMPAIGN_REFUSED] = "refused",
		[CAMPAIGN_CANARY] = "canary",
	};
	const struct ledger_counts *c = &r->counts;
	char json[STATS_MAX_BYTES];
	int n;

	if (!o->stats)
		return 0;
	n = snprintf(json, sizeof json,
		     "{\"end\": \"%s\", \"sent\": %llu, \"refused\": %llu, \"deferred\": %llu, \"skipped\": %llu, "
		     "\"in_doubt\": %llu, \"sent_this_run\": %llu, \"begun\": %llu, \"elapsed_ms\": %lld, "
		     "\"steady_after\": %llu, \"allocations\": %llu}\n",
		     ends[r->end], (unsigned long long)c->sent, (unsigned long long)c->refused,
		     (unsigned long long)c->deferred, (unsigned long long)c->skipped, (unsigned long long)c->in_doubt,
		     (unsigned long long)r->sent_this_run, (unsigned long long)r->begun_this_run,
		     (long long)r->elapsed_ms, (unsigned long long)r->steady_after,
		     (unsigned long long)r->allocations);
	return file_replace(o->stats, span_of(json, (size_t)n), 0600, e);
}
