/* cmd_results.c - what became of everybody, from the journal: the results file written anew, some of it, or
 * the user's own table with the results beside each row.
 *
 * Held by tests/system/test_results.py. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/err.h"
#include "engine/cli/commands.h"
#include "engine/cli/say.h"
#include "engine/results/journal.h"
#include "engine/results/ledger.h"
#include "engine/results/results_log.h"
#include "engine/run/join.h"

static const char help[] =
	"Usage: lettershop results RESULTS [--join LIST] [--only-status WORDS] [--out F]\n"
	"Writes results from the journal beside RESULTS. Alone it writes RESULTS anew,\n"
	"when it was lost or a spreadsheet program changed it. With --join it writes your\n"
	"own table, in its order, with mail_status, mail_code, mail_reply, mail_time and\n"
	"mail_id added.\n"
	"\n"
	"  --join LIST            the recipients file of the campaign\n"
	"  --out FILE             where to; - is standard output (with --join)\n"
	"  --only-status WORDS    sent, refused, deferred, skipped, in_doubt, and with\n"
	"                         --join to_do: several joined by commas\n"
	"  --log-format csv|jsonl form of a results file\n"
	"  --encoding NAME --delimiter SIGN --sheet NAME --no-header --columns A,B\n"
	"\n"
	"Examples:\n"
	"  lettershop results results.csv\n"
	"  lettershop results results.csv --join list.csv --out list-with-results.csv\n"
	"  lettershop results results.csv --only-status refused,deferred --out not.csv\n";

static int parse_statuses(const char *text, bool join, unsigned *kinds, struct err *e)
{
	struct span rest = span_str(text);

	*kinds = text ? 0 : ~0u;
	while (rest.p) {
		struct span word = span_trim(span_cut(&rest, ','));
		enum verdict_kind kind;

		if (verdict_from_word(word, &kind) == 0) {
			*kinds |= 1u << kind;
		} else if (join && span_eq(word, SPAN("to_do"))) {
			*kinds |= JOIN_TO_DO;
		} else {
			err_set(e, ERR_INPUT, "'%.*s' is no status", SPAN_ARG(span_sub(word, 0, 40)));
			return err_hint(e, "they are sent, refused, deferred, skipped, in_doubt%s", join ? " and to_do" : "");
		}
	}
	return 0;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(a, b) == 0 || (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static int check(const struct options *o, struct err *e)
{
	if (o->join && !o->out) {
		err_set(e, ERR_INPUT, "--join wants --out FILE");
		return err_hint(e, "- is standard output");
	}
	if (o->only_status && !o->out) {
		err_set(e, ERR_INPUT, "--only-status wants --out FILE");
		return err_hint(e, "the results file itself has a line for everybody");
	}
	if (o->out && ((o->join && same_file(o->out, o->join)) || (o->join && same_file(o->out, o->operands[0])))) {
		err_set(e, ERR_INPUT, "'%s' would be written over", o->out);
		return err_hint(e, "choose another name with --out");
	}
	return 0;
}

/* While a run writes the file, it is the run's. */
static int not_running(const char *results, struct err *e)
{
	char holder[256];

	if (!journal_is_held(results, holder, sizeof holder))
		return 0;
	err_set(e, ERR_CONFLICT, "the campaign of '%s' is being run by %s, which writes that file", results, holder);
	return err_hint(e, "add --out FILE to write another one");
}

static int write_joined(struct options *o, struct ledger *l, unsigned kinds, struct err *e)
{
	struct journal_header header;
	struct join join = { .list = o->join, .out = o->out, .kinds = kinds };
	uint64_t rows;

	if (journal_peek(o->operands[0], &header, e) < 0)
		return -1;
	join.ways = o->ways;
	join.list_known = header.identity.list_known;
	memcpy(join.digest, header.identity.list, sizeof join.digest);
	if (join_write(&join, l, &rows, e) < 0)
		return -1;
	if (strcmp(o->out, "-") != 0) {
		char count[SAY_SIZE];

		printf("%s in %s\n", say_many(rows, "row", "rows", count), o->out);
	}
	return 0;
}

static int write_results(const struct options *o, struct ledger *l, unsigned kinds, struct err *e)
{
	const char *path = o->out ? o->out : o->operands[0];
	enum results_format format = (enum results_format)o->log_format;
	size_t n = strlen(path);

	if (!options_given(o, "log-format") && n > 6 && strcmp(path + n - 6, ".jsonl") == 0)
		format = RESULTS_JSONL;
	if (same_file(path, o->operands[0]) && not_running(o->operands[0], e) < 0)
		return -1;
	if (results_write_some(path, format, kinds, l, e) < 0)
		return -1;
	printf("written: %s\n", path);
	return 0;
}

static int run(struct options *o)
{
	struct ledger *l = NULL;
	struct err e = { 0 };
	unsigned kinds;
	int rc = -1;

	if (check(o, &e) == 0 && parse_statuses(o->only_status, o->join != NULL, &kinds, &e) == 0 &&
	    ledger_load(&l, o->operands[0], &e) == 0)
		rc = o->join ? write_joined(o, l, kinds, &e) : write_results(o, l, kinds, &e);
	ledger_free(&l);
	return rc < 0 ? command_failed(&e) : EXIT_SENT;
}

const struct command command_results = {
	.name = "results",
	.operands = "RESULTS",
	.summary = "writes results anew, or beside your list's rows",
	.help = help,
	.bit = FOR_RESULTS,
	.n_operands = 1,
	.run = run,
};
