/* cmd_send.c - the campaign, from the command line to the summary.
 *
 *     open -> preflight -> bad rows? -> question -> run -> summary
 *
 *  1. Until the question is answered with yes nothing has been created but the transcript, and
 *     nothing has been said to a relay.
 *  2. Exit status: 0 everyone was sent to, 1 the end was reached and some were not, 2 nothing was
 *     sent and something is wrong with what was asked, 3 stopped before the end.
 * Held by tests/system/test_cli_send.py and test_cli_wrong.py. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/cli/ask.h"
#include "engine/cli/commands.h"
#include "engine/cli/findings.h"
#include "engine/cli/job.h"
#include "engine/cli/outlook.h"
#include "engine/cli/progress.h"
#include "engine/cli/say.h"
#include "engine/cli/settings.h"
#include "engine/cli/signals.h"
#include "engine/cli/summary.h"
#include "engine/run/campaign.h"

static const char help[] =
	"Usage: lettershop send LETTER RECIPIENTS --relay URL [options]\n"
	"Relays  smtp://[user@]host[:587] (STARTTLS)  smtps://[user@]host[:465]  null:\n"
	"        lmtp://host:24 lmtp:///socket eml:DIR mbox:FILE maildir:DIR ?tls= ?auth=\n"
	"Where   --relay URL|NAME (repeatable)  --connections N (4)  --window N (1)\n"
	"        --password-command CMD | --password-file FILE | --password-env NAME\n"
	"        --messages-per-connection N --helo NAME --timeout TIME --transcript FILE\n"
	"List    --encoding NAME --delimiter SIGN --sheet NAME --no-header --columns A,B\n"
	"Who     --rows 3-9,14 --skip N --limit N --sample N --shard I/N --where 'age>30'\n"
	"        --only ADDRESS|FILE --address-column NAME --duplicates skip|send|group\n"
	"        --suppress FILE --suppress-add FILE --redirect-to ADDR --group-by COLUMN\n"
	"Letter  --var NAME=VALUE|@FILE  --envelope-from ADDR --seed N --date TIME --bulk\n"
	"        --charset NAME --smime-cert F --smime-key F --max-steps N --max-output N\n"
	"Sign    --dkim-key FILE --dkim-selector S --dkim-domain D --dkim-canon C\n"
	"Pace    --rate 100/s | 30/min,2000/day  --retry-for TIME (15min)  --threads N\n"
	"Record  --results FILE --log-format csv|jsonl --stats FILE --sync TIME|each|off\n"
	"Resume  --resume  --in-doubt hold|resend  --accept-changes  --key COLUMN\n"
	"        --retry-refused CLASS  --drain TIME (30s)  --on-log-error wait|stop\n"
	"Care    --canary N --canary-wait TIME --stop-after 50%/200 --bad-rows stop|skip\n"
	"        --no-preflight --yes --max-nesting N --progress auto|bar|plain|none\n"
	"        --settings FILE (name = value)  --max-message-size BYTES  -h, --help\n"
	"Examples:\n"
	"  lettershop send letter.eml list.csv --relay maildir:out      (a rehearsal)\n"
	"  lettershop send letter.eml list.csv --relay smtps://ann@smtp.example.com\n"
	"  lettershop help send --all                            (every option in words)\n";

struct sending {
	struct options *o;
	struct campaign_job job;
	struct report report;
	struct campaign *campaign;
	struct progress progress;
};

/* There is a journal: a resume has something to go on with. */
static bool has_begun(const struct sending *s)
{
	char journal[PATH_MAX];

	return (size_t)snprintf(journal, sizeof journal, "%s.journal", s->job.results) < sizeof journal &&
	       file_exists(journal);
}

/* 0 go on, else the exit status. A relay whose name is not found stops nothing that had begun. */
static int open_campaign(struct sending *s)
{
	struct say_sink sink;
	struct err e = { 0 };

	say_sink_init(&sink, stderr);
	if (campaign_open(&s->campaign, &s->job, &sink.sink, &e) == 0)
		return 0;
	if (sink.sink.errors == 0) {
		int status = command_failed(&e);

		return status == EXIT_STOPPED && !has_begun(s) ? EXIT_WRONG : status;
	}
	say_note("nothing was sent: %lu mistake%s to mend first", sink.sink.errors, sink.sink.errors == 1 ? "" : "s");
	return EXIT_WRONG;
}

/* Shows the findings; rows that cannot be sent stop the run or, if the user wants it, are skipped. */
static int judge_rows(struct sending *s)
{
	char bad[SAY_SIZE], good[SAY_SIZE], question[160];
	const struct report *r = &s->report;

	findings_print(stderr, r);
	if (r->undecided) {
		say_wrong("choose with --duplicates skip, send or group, or mend the list",
			  "%s in different rows; nothing was sent",
			  say_many(r->undecided, "address stands", "addresses stand", bad));
		return EXIT_WRONG;
	}
	if (r->bad_rows == 0 || s->job.bad_rows == BAD_ROWS_SKIP)
		return 0;
	say_many(r->bad_rows, "row", "rows", bad);
	if (r->mails > 0 && say_to_person() && !s->o->yes) {
		snprintf(question, sizeof question, "%s cannot be sent. Skip %s and go on with %s?", bad,
			 r->bad_rows == 1 ? "it" : "them", say_many(r->mails, "message", "messages", good));
		if (ask(question)) {
			s->job.bad_rows = BAD_ROWS_SKIP;
			return 0;
		}
	}
	say_wrong("mend the list or the letter, or leave these rows out with --bad-rows skip",
		  "%s of %s cannot be sent; nothing was sent", say_count(r->bad_rows, bad),
		  say_many(r->selected, "row", "rows", good));
	return EXIT_WRONG;
}

static int nobody(const struct sending *s, bool no_rows)
{
	if (no_rows)
		say_wrong("below its header the list has no row", "%s: the list has no recipients", s->job.list);
	else
		say_wrong(NULL, "the options choose none of the list's rows");
	return EXIT_WRONG;
}

static int preflight(struct sending *s)
{
	struct err e = { 0 };

	if (s->o->no_preflight)
		return 0;
	if (campaign_preflight(s->campaign, &s->report, &e) < 0) {
		findings_print(stderr, &s->report);
		say_err(&e);
		return EXIT_WRONG;
	}
	if (s->report.selected == 0)
		return nobody(s, s->report.rows == 0);
	return judge_rows(s);
}

/* Shows what is about to happen and asks, when there is somebody to ask. */
static int agree(struct sending *s)
{
	struct campaign_outlook w;
	char question[128];

	campaign_outlook(s->campaign, s->o->no_preflight ? NULL : &s->report, &w);
	if (s->o->no_preflight && w.none_chosen)
		return nobody(s, w.no_rows);
	/* A row that is skipped is settled too. */
	progress_init(&s->progress, (enum progress_form)s->o->progress,
		      w.grouped              ? s->report.selected - s->report.done
		      : s->report.recipients ? s->report.recipients + s->report.bad_rows + s->report.duplicates + s->report.suppressed
					     : 0);
	if (s->o->yes)
		return 0;
	if (!say_to_person()) {
		say_wrong("add --yes to send without a question",
			  "there is no terminal to ask whether to send; nothing was sent");
		return EXIT_WRONG;
	}
	if (!s->o->no_preflight && w.messages == 0)
		return 0; /* a resume with nothing left: the run writes the results anew and says so */
	outlook_print(&w, &s->job, &s->report);
	outlook_question(&w, question, sizeof question);
	if (ask(question))
		return 0;
	say_note("nothing was sent");
	return EXIT_WRONG;
}

static int status_of(const struct campaign_result *r)
{
	const struct ledger_counts *c = &r->counts;

	if (r->end != CAMPAIGN_COMPLETE)
		return EXIT_STOPPED;
	return c->skipped || c->refused || c->deferred || c->in_doubt ? EXIT_SOME : EXIT_SENT;
}

static int run_campaign(struct sending *s)
{
	struct campaign_result result = { .end = CAMPAIGN_BROKEN };
	struct err e = { 0 };
	int rc;

	signals_stop(s->campaign);
	rc = campaign_run(s->campaign, &result, &e);
	signals_usual();
	progress_end(&s->progress);
	if (rc < 0 && result.begun_this_run == 0 && (e.kind == ERR_INPUT || e.kind == ERR_CONFLICT || !has_begun(s)))
		return command_failed(&e);
	if (e.kind != ERR_NONE)
		say_err(&e);
	if (rc < 0 && result.end == CAMPAIGN_COMPLETE)
		result.end = CAMPAIGN_BROKEN;
	summary_print(s->o, &s->job, &result);
	if (summary_write_stats(s->o, &result, &e) < 0)
		say_err(&e);
	return status_of(&result);
}

/* SIGHUP: the rate as the settings file says it now; one that was typed stays. */
static int reload(void *ctx, char *rate, size_t rate_size, struct err *e)
{
	const struct options *o = ctx;
	struct options now;
	int rc = 0;

	if (!o->settings || (options_given(o, "rate") && !options_from_settings(o, "rate")))
		return 0;
	options_init(&now);
	rc = settings_read(&now, FOR_SEND, o->settings, e);
	if (rc == 0)
		snprintf(rate, rate_size, "%s", now.rate ? now.rate : "off");
	options_release(&now);
	return rc;
}

static int run(struct options *o)
{
	struct sending s = { .o = o };
	struct err e = { 0 };
	int status;

	signals_end("lettershop: stopped; nothing was sent\n", EXIT_WRONG);
	if (job_of_campaign(o, &s.job, &e) < 0)
		return command_failed(&e);
	s.job.on_progress = progress_show;
	s.job.progress_ctx = &s.progress;
	s.job.on_reload = reload;
	s.job.reload_ctx = o;
	if (report_init(&s.report) < 0) {
		err_nomem(&e, "the report");
		return command_failed(&e);
	}
	status = open_campaign(&s);
	if (status == 0)
		status = preflight(&s);
	if (status == 0)
		status = agree(&s);
	if (status == 0)
		status = run_campaign(&s);
	campaign_free(&s.campaign);
	report_release(&s.report);
	if (s.job.delivery.trace_fd >= 0)
		close(s.job.delivery.trace_fd);
	return status;
}

const struct command command_send = {
	.name = "send",
	.operands = "LETTER RECIPIENTS",
	.summary = "sends everyone a message, logs what became of it",
	.help = help,
	.bit = FOR_SEND,
	.n_operands = 2,
	.run = run,
};
