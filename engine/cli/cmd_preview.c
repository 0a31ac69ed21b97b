/* cmd_preview.c - messages to look at. Exit status 2 when a row cannot be sent. */
#include <stdio.h>

#include "engine/base/err.h"
#include "engine/cli/commands.h"
#include "engine/cli/findings.h"
#include "engine/cli/job.h"
#include "engine/cli/preview.h"
#include "engine/cli/say.h"
#include "engine/cli/signals.h"

static const char help[] =
	"Usage: lettershop preview LETTER RECIPIENTS --out FOLDER [options]\n"
	"Writes each message to FOLDER/eml exactly as it would be sent, and for a browser\n"
	"FOLDER/index.html, which shows headers, HTML, text and attachments. No network\n"
	"is used; the pages load nothing from elsewhere and run nothing of the letter.\n"
	"\n"
	"Folder   --out FOLDER          made when it is not there; an earlier preview is\n"
	"                               replaced, a folder with other files is refused\n"
	"List     --encoding NAME --delimiter SIGN --sheet NAME  (all by looking)\n"
	"         --no-header --columns email,name  the first line is a recipient already\n"
	"Rows     --limit N|all (100) --rows 3-9,14 --skip N --sample N --shard I/N\n"
	"         --where 'plan == \"pro\"' --only ADDRESS|FILE --group-by COLUMN\n"
	"Letter   --var NAME=VALUE      a value for the letter; NAME=@FILE reads a file\n"
	"         --address-column NAME --envelope-from ADDR  (email, the From)\n"
	"         --bulk                with the headers that mail to many must have\n"
	"         --charset NAME (UTF-8) --seed N --date TIME  for the same bytes again\n"
	"         --dkim-key FILE --dkim-selector S --dkim-domain D --dkim-canon C\n"
	"         --smime-cert FILE --smime-key FILE\n"
	"         --max-steps N --max-output BYTES --max-nesting N  bounds of a row\n"
	"         --settings FILE (name = value) --max-message-size BYTES\n"
	"\n"
	"Examples:\n"
	"  lettershop preview letter.eml recipients.csv --out preview\n"
	"  lettershop preview letter.eml recipients.csv --out all --limit all\n"
	"  lettershop preview letter.eml recipients.csv --out p --rows 17,200-210\n";

static int finish(const struct options *o, const struct report *r, const struct preview_totals *t)
{
	char messages[SAY_SIZE], bytes[SAY_SIZE], bad[SAY_SIZE];

	findings_print(stderr, r);
	if (t->messages + t->problems == 0) {
		if (r->rows == 0)
			say_wrong("below its header the list has no row", "%s: the list has no recipients",
				  o->operands[1]);
		else
			say_wrong(NULL, "the options choose none of the list's rows");
		return EXIT_WRONG;
	}
	printf("%s (%s) written to %s/eml", say_many(t->messages, "message", "messages", messages),
	       say_bytes(t->bytes, bytes), o->out);
	if (t->problems)
		printf(", %s that cannot be sent", say_many(t->problems, "row", "rows", bad));
	printf("\nOpen %s/index.html in a browser.\n", o->out);
	if (!o->limit_given && t->messages + t->problems == PREVIEW_LIMIT_DEFAULT)
		printf("These are the first %d rows; --limit all shows every one.\n", PREVIEW_LIMIT_DEFAULT);
	return t->problems || r->sink.errors ? EXIT_WRONG : EXIT_SENT;
}

static int run(struct options *o)
{
	struct campaign_job job;
	struct preview_totals totals;
	struct report r;
	struct err e = { 0 };
	int status;

	if (!o->out) {
		say_wrong("add --out preview", "where should the messages be written? --out FOLDER is missing");
		return EXIT_WRONG;
	}
	signals_end("lettershop: stopped before the preview was complete\n", 0);
	if (job_of_letter(o, &job, &e) < 0)
		return command_failed(&e);
	if (!o->limit_given)
		job.limit = PREVIEW_LIMIT_DEFAULT;
	if (report_init(&r) < 0) {
		err_nomem(&e, "the report");
		return command_failed(&e);
	}
	if (preview_write(&job, o->out, &r, &totals, &e) == 0) {
		status = finish(o, &r, &totals);
	} else {
		findings_print(stderr, &r);
		status = r.sink.errors ? EXIT_WRONG : command_failed(&e);
	}
	report_release(&r);
	return status;
}

const struct command command_preview = {
	.name = "preview",
	.operands = "LETTER RECIPIENTS",
	.summary = "writes messages and pages to look at",
	.help = help,
	.bit = FOR_PREVIEW,
	.n_operands = 2,
	.run = run,
};
