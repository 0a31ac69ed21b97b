/* cmd_status.c - how a campaign stands, from its journal: also while it runs, and by anybody who may
 * read the folder.
 *
 * Nothing is locked and nothing is written. Words of servers go through utf8_printable() before they
 * reach a terminal. Held by tests/system/test_status.py. */
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/cli/commands.h"
#include "engine/cli/say.h"
#include "engine/results/tally.h"
#include "engine/run/control.h"

enum { REASONS_SHOWN = 12, DOMAINS_SHOWN = 12, REPLY_COLUMNS = 100 };

static const char help[] =
	"Usage: lettershop status RESULTS [--json]\n"
	"Tells how a campaign stands, at any time, also while it runs: how many were\n"
	"sent, refused, deferred, skipped, are in doubt or still to do; the reasons, the\n"
	"domains, the pace and the time left. It reads the journal beside RESULTS and\n"
	"changes nothing.\n"
	"\n"
	"  --json   the same as one JSON object, for programs\n"
	"\n"
	"Examples:\n"
	"  lettershop status results.csv\n"
	"  watch lettershop status results.csv\n";

static const enum verdict_kind kinds[] = { VERDICT_SENT, VERDICT_REFUSED, VERDICT_DEFERRED, VERDICT_SKIPPED,
					   VERDICT_IN_DOUBT };
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static double per_second(const struct tally *t)
{
	return t->running && t->recent_ms > 0 ? (double)t->recent * 1000 / (double)t->recent_ms : 0;
}

/* Rows that a plain resume would try. */
static uint64_t left(const struct tally *t)
{
	return t->rows_to_do + t->counts.deferred;
}

static void print_head(const char *results, const struct tally *t)
{
	char when[CLOCK_RFC3339_SIZE];

	clock_rfc3339(t->begun_ms, when);
	printf("%s: begun %s, run %u, ", results, when, t->runs);
	if (t->running)
		printf("running: %s\n", t->holder[0] ? t->holder : "by a process that did not say who it is");
	else if (left(t) == 0 && t->rows > 0)
		printf("done\n");
	else
		printf("not running; send ... --resume goes on\n");
	if (!t->running && !t->finished)
		printf("The newest run did not end in order%s.\n",
		       t->power_was_lost ? ": the machine was started anew since" : ": its process was killed, or its disk was full or failed");
}

static void print_count(const char *word, uint64_t n, const char *note)
{
	char count[SAY_SIZE];

	if (n == 0)
		return;
	printf("  %-9s %10s%s%s\n", word, say_count(n, count), note[0] ? "   " : "", note);
}

/* What the run itself says, when it listens on this machine. */
static void print_state(const char *results, const struct tally *t)
{
	char state[CONTROL_LINE_MAX], shown[CONTROL_LINE_MAX];

	if (!t->running || control_ask(results, "state", state, NULL) < 0 || strcmp(state, "going on") == 0)
		return;
	utf8_printable(span_str(state), shown, sizeof shown);
	printf("It says: %s\n", shown);
}

static void print_counts(const struct tally *t)
{
	char sent[SAY_SIZE];

	printf("  %-9s %10s\n", "sent", say_count(t->counts.sent, sent));
	print_count("refused", t->counts.refused, "");
	print_count("deferred", t->counts.deferred, t->running ? "they are tried again" : "--resume tries them again");
	print_count("skipped", t->counts.skipped, "");
	print_count("in doubt", t->counts.in_doubt, "may have arrived: no answer came");
	print_count("under way", t->under_way, "offered, no answer so far");
	if (t->rows)
		print_count("to do", t->rows_to_do, t->running ? "" : "rows; --resume sends them");
	else
		printf("  %-9s %10s   the list was not read to its end so far\n", "to do", "?");
}

/* Whom an edited list does not have: "no longer in the list: 2 sent, 1 refused". */
static void print_gone(const struct tally *t)
{
	const char *between = "no longer in the list: ";
	char count[SAY_SIZE];

	for (int k = 0; k < N_KINDS; k++) {
		if (t->counts.gone[kinds[k]] == 0)
			continue;
		printf("%s%s %s", between, say_count(t->counts.gone[kinds[k]], count), verdict_word(kinds[k]));
		between = ", ";
	}
	if (between[0] == ',')
		printf("\n");
}

static void print_pace(const struct tally *t)
{
	double rate = per_second(t);
	char time[SAY_SIZE];

	if (!t->running)
		return;
	printf("Pace: %.*f/s over the last %s", rate < 9.95 ? 1 : 0, rate, say_time(t->recent_ms, time));
	if (rate > 0 && t->rows_to_do > 0)
		printf(", about %s left", say_time((int64_t)((double)t->rows_to_do / rate * 1000), time));
	printf("\n");
}

static void print_reasons(const struct tally *t)
{
	char count[SAY_SIZE], reply[4 * REPLY_COLUMNS], enhanced[40] = "", code[16];

	if (t->n_reasons)
		printf("Not sent, by reason:\n");
	for (uint32_t i = 0; i < t->n_reasons && i < REASONS_SHOWN; i++) {
		const struct tally_reason *r = &t->reasons[i];

		enhanced[0] = code[0] = '\0';
		if (r->code)
			snprintf(code, sizeof code, "%d ", r->code);
		if (r->enhanced[0])
			snprintf(enhanced, sizeof enhanced, "%d.%d.%d ", r->enhanced[0], r->enhanced[1], r->enhanced[2]);
		utf8_printable(utf8_cut(span_str(r->reply), REPLY_COLUMNS), reply, sizeof reply);
		printf("  %10s  %-8s  %s%s%s\n", say_count(r->count, count), verdict_word(r->kind), code, enhanced, reply);
	}
	if (t->n_reasons > REASONS_SHOWN)
		printf("  ... and %u more\n", t->n_reasons - REASONS_SHOWN);
}

static void print_domains(const struct tally *t)
{
	char count[SAY_SIZE], name[4 * TALLY_DOMAIN_SIZE];

	if (t->n_domains)
		printf("By domain:\n");
	for (uint32_t i = 0; i < t->n_domains && i < DOMAINS_SHOWN; i++) {
		const struct tally_domain *d = &t->domains[i];
		const char *between = "";

		utf8_printable(span_str(d->name[0] ? d->name : "(no address)"), name, sizeof name);
		printf("  %-32s ", name);
		for (int k = 0; k < N_KINDS; k++) {
			if (d->by_kind[kinds[k]] == 0)
				continue;
			printf("%s%s %s", between, say_count(d->by_kind[kinds[k]], count), verdict_word(kinds[k]));
			between = ", ";
		}
		printf("\n");
	}
	if (t->n_domains > DOMAINS_SHOWN)
		printf("  ... and %u more\n", t->n_domains - DOMAINS_SHOWN);
}

/* ---- for programs ---- */

static void print_string(const char *text)
{
	putchar('"');
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			printf("\\%c", *p);
		else if ((unsigned char)*p < 0x20)
			printf("\\u%04x", (unsigned char)*p);
		else
			putchar(*p);
	}
	putchar('"');
}

static void print_number(const char *name, uint64_t n)
{
	printf(", \"%s\": %llu", name, (unsigned long long)n);
}

static void print_json(const char *results, const struct tally *t)
{
	printf("{\"results\": ");
	print_string(results);
	printf(", \"running\": %s, \"runs\": %u, \"finished\": %s", t->running ? "true" : "false", t->runs,
	       t->finished ? "true" : "false");
	print_number("sent", t->counts.sent);
	print_number("refused", t->counts.refused);
	print_number("deferred", t->counts.deferred);
	print_number("skipped", t->counts.skipped);
	print_number("in_doubt", t->counts.in_doubt);
	print_number("under_way", t->under_way);
	if (t->rows) {
		print_number("rows", t->rows);
		print_number("to_do", t->rows_to_do);
	}
	for (int k = 0; k < N_KINDS; k++)
		printf("%s\"%s\": %llu", k ? ", " : ", \"gone\": {", verdict_word(kinds[k]),
		       (unsigned long long)t->counts.gone[kinds[k]]);
	printf("}");
	if (t->running)
		printf(", \"per_second\": %.2f", per_second(t));
	printf(", \"reasons\": [");
	for (uint32_t i = 0; i < t->n_reasons; i++) {
		const struct tally_reason *r = &t->reasons[i];

		printf("%s{\"status\": \"%s\", \"code\": %d, \"enhanced\": \"", i ? ", " : "", verdict_word(r->kind), r->code);
		if (r->enhanced[0])
			printf("%d.%d.%d", r->enhanced[0], r->enhanced[1], r->enhanced[2]);
		printf("\", \"count\": %llu, \"reply\": ", (unsigned long long)r->count);
		print_string(r->reply);
		printf("}");
	}
	printf("], \"domains\": [");
	for (uint32_t i = 0; i < t->n_domains; i++) {
		printf("%s{\"domain\": ", i ? ", " : "");
		print_string(t->domains[i].name);
		for (int k = 0; k < N_KINDS; k++)
			print_number(verdict_word(kinds[k]), t->domains[i].by_kind[kinds[k]]);
		printf("}");
	}
	printf("]}\n");
}

static int run(struct options *o)
{
	const char *results = o->operands[0];
	struct err e = { 0 };
	struct tally t;

	if (tally_read(&t, results, clock_wall_ms(), &e) < 0) {
		if (e.kind == ERR_INPUT)
			err_hint(&e, "name the results file that send was given (results.csv): the folder beside it, "
				     "RESULTS.journal, is what is read");
		return command_failed(&e);
	}
	if (o->json) {
		print_json(results, &t);
	} else {
		print_head(results, &t);
		print_state(results, &t);
		print_counts(&t);
		print_gone(&t);
		print_pace(&t);
		print_reasons(&t);
		print_domains(&t);
	}
	tally_release(&t);
	return EXIT_SENT;
}

const struct command command_status = {
	.name = "status",
	.operands = "RESULTS",
	.summary = "tells how a campaign stands, also while it runs",
	.help = help,
	.bit = FOR_STATUS,
	.n_operands = 1,
	.run = run,
};
