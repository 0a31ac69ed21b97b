/* cmd_check.c - renders every row, sends nothing, reports all it finds.
 *
 * The report is the product: it goes to standard output. Exit status 2 when there are errors. */
#include <stdio.h>

#include "engine/base/err.h"
#include "engine/cli/check_relay.h"
#include "engine/cli/commands.h"
#include "engine/cli/findings.h"
#include "engine/cli/job.h"
#include "engine/cli/say.h"
#include "engine/cli/signals.h"
#include "engine/run/campaign.h"

static const char help[] =
	"Usage: lettershop check LETTER RECIPIENTS [options]\n"
	"Writes every message in memory, sends nothing, and reports what is wrong with\n"
	"letter and list as FILE:LINE:COLUMN, the first five places of each kind.\n"
	"List     --encoding NAME --delimiter SIGN --sheet NAME  (all by looking)\n"
	"         --no-header --columns email,name  the first line is a recipient already\n"
	"Who      --rows 3-9,14 --skip N --limit N --sample N --where 'age > 30'\n"
	"         --only ADDRESS|FILE --shard I/N --suppress FILE --group-by COLUMN\n"
	"         --duplicates skip|send|group\n"
	"Letter   --var NAME=VALUE|@FILE --address-column NAME --envelope-from ADDR\n"
	"         --bulk                with the headers that mail to many must have\n"
	"         --charset NAME (UTF-8) --seed N --date TIME  for the same bytes again\n"
	"         --dkim-key FILE --dkim-selector S --dkim-domain D --dkim-canon C\n"
	"         --smime-cert FILE --smime-key FILE\n"
	"         --max-steps N --max-output BYTES --max-nesting N  bounds of a row\n"
	"         --max-message-size BYTES --rate 100/s  (how long sending would take)\n"
	"Relay    --relay URL: EHLO, TLS, login and no mail  --helo NAME --timeout TIME\n"
	"         --password-command CMD --password-file FILE --password-env NAME\n"
	"Run      --threads N --settings FILE --json  (as many as cores; name = value)\n"
	"Exit status: 0 nothing is wrong (there may be warnings), 2 there are errors.\n"
	"Examples:\n"
	"  lettershop check invoice.eml customers.csv --address-column Mail --rows 1-100\n"
	"  generate-list | lettershop check letter.eml -\n";

static void print_totals(const struct report *r, const char *form, int64_t expected_ms)
{
	char dup[SAY_SIZE];
	char rows[SAY_SIZE], mails[SAY_SIZE], bad[SAY_SIZE], bytes[SAY_SIZE], largest[SAY_SIZE], time[SAY_SIZE];

	/* Reading stops with the last chosen row: how many there are in all is not known then. */
	printf("%s%s", say_many(r->selected, "row", "rows", rows), r->selected == r->rows ? "" : " chosen");
	if (form[0])
		printf(" (%s)", form);
	printf(": %s", say_many(r->mails, "message", "messages", mails));
	if (r->bad_rows)
		printf(", %s that cannot be sent", say_many(r->bad_rows, "row", "rows", bad));
	if (r->suppressed)
		printf(", %s suppressed", say_many(r->suppressed, "recipient", "recipients", dup));
	if (r->duplicates)
		printf(", %s left out", say_many(r->duplicates, "duplicate", "duplicates", dup));
	if (r->mails) {
		printf(", %s in all, the largest %s", say_bytes(r->bytes, bytes), say_bytes(r->largest, largest));
		if (r->largest_line)
			printf(" (line %llu)", (unsigned long long)r->largest_line);
	}
	printf(", checked in %s\n", say_time(r->elapsed_ms, time));
	if (expected_ms >= 0)
		printf("sending them takes %s at the given rate\n", say_time(expected_ms, time));
}

static int finish(const struct options *o, const struct report *r, const struct campaign_outlook *w)
{
	char errors[SAY_SIZE], warnings[SAY_SIZE];

	if (o->json) {
		findings_print_json(stdout, r, w->list_form, w->expected_ms);
		return r->sink.errors ? EXIT_WRONG : EXIT_SENT;
	}
	findings_print(stdout, r);
	if (r->selected)
		print_totals(r, w->list_form, w->expected_ms);
	if (r->sink.errors)
		printf("%s, %s\n", say_many(r->sink.errors, "error", "errors", errors),
		       say_many(r->sink.warnings, "warning", "warnings", warnings));
	else if (r->sink.warnings)
		printf("no error, %s\n", say_many(r->sink.warnings, "warning", "warnings", warnings));
	else
		printf("nothing is wrong\n");
	return r->sink.errors ? EXIT_WRONG : EXIT_SENT;
}

static int check(struct options *o, const struct campaign_job *job, struct report *r)
{
	struct campaign *c = NULL;
	struct campaign_outlook outlook = { .list_form = "", .expected_ms = -1 };
	struct err e = { 0 };

	if (campaign_open(&c, job, &r->sink, &e) < 0) {
		if (r->sink.errors == 0)
			return command_failed(&e);
		return finish(o, r, &outlook);
	}
	if (campaign_preflight(c, r, &e) < 0) {
		campaign_free(&c);
		finding_of_err(&r->sink, "list", &e);
		return finish(o, r, &outlook);
	}
	campaign_outlook(c, r, &outlook);
	campaign_free(&c);
	if (r->rows == 0)
		finding_say(&r->sink, FINDING_ERROR, "no recipients", job->list, 0, 0,
			    "below its header the list has no row", "the list has no recipients");
	else if (r->selected == 0)
		finding_say(&r->sink, FINDING_ERROR, "no recipients", NULL, 0, 0, NULL,
			    "the options choose none of the list's rows");
	if (check_relays(o, r, o->json, &e) < 0)
		return command_failed(&e);
	return finish(o, r, &outlook);
}

static int run(struct options *o)
{
	struct campaign_job job;
	struct report r;
	struct err e = { 0 };
	int status;

	signals_end("lettershop: stopped before every row was checked\n", 0);
	if (job_of_letter(o, &job, &e) < 0)
		return command_failed(&e);
	if (report_init(&r) < 0) {
		err_nomem(&e, "the report");
		return command_failed(&e);
	}
	status = check(o, &job, &r);
	report_release(&r);
	return status;
}

const struct command command_check = {
	.name = "check",
	.operands = "LETTER RECIPIENTS",
	.summary = "finds every mistake before anything is sent",
	.help = help,
	.bit = FOR_CHECK,
	.n_operands = 2,
	.run = run,
};
