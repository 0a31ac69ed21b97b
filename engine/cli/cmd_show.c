/* cmd_show.c - the message of one row, as it was sent.
 *
 * The journal has the campaign's seed and each mail's recorded time; letter and list have the rest, and
 * the letter's digest tells whether it is still the same. The message goes to standard output. */
#include <stdio.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/log.h"
#include "engine/cli/commands.h"
#include "engine/cli/job.h"
#include "engine/cli/say.h"
#include "engine/results/journal.h"
#include "engine/results/ledger_attempt.h"
#include "engine/rows/rows.h"
#include "engine/run/campaign.h"
#include "engine/run/choice.h"
#include "templates/letter/letter.h"

enum { BLOCK_ROWS = 256, MEMORY_CHUNK = 1 << 16 };

static const char help[] =
	"Usage: lettershop show RESULTS --row N LETTER RECIPIENTS [options]\n"
	"Prints the message of one row exactly as it was sent: with the Message-ID, the\n"
	"date and the boundaries of then, from the journal beside RESULTS. Letter, list\n"
	"and the options that change messages must be those of the campaign. Of a row\n"
	"that was sent before the list was edited it takes the cells of now.\n"
	"\n"
	"  --row N                which row (the first below the header is 1)\n"
	"  --var NAME=VALUE       a value for the letter; NAME=@FILE reads a file\n"
	"  --address-column NAME  --envelope-from ADDR  --charset NAME  --bulk\n"
	"  --dkim-key FILE --dkim-selector S --dkim-domain D --dkim-canon C\n"
	"  --smime-cert FILE --smime-key FILE\n"
	"  --encoding NAME --delimiter SIGN --sheet NAME --no-header --columns NAMES\n"
	"  --settings FILE        options from a file, as name = value\n"
	"\n"
	"Examples:\n"
	"  lettershop show results.csv --row 17 letter.eml recipients.csv >17.eml\n"
	"  lettershop show dry-run.csv --row 1 letter.eml recipients.csv | less\n";

struct showing {
	struct campaign_job job;
	struct journal_header header;
	struct ledger_attempt attempt;
	struct rows *rows;
	struct choice *choice; /* NULL: the campaign has not grouped its rows */
	struct row_block *block;
	struct letter *letter;
	struct letter_desk *desk;
	struct arena memory;
};

static int find_attempt(struct showing *s, const char *results, uint64_t row, struct err *e)
{
	int rc = ledger_find_attempt(results, row, &s->attempt, e);

	if (rc == 0)
		return err_set(e, ERR_INPUT, "no message of row %llu was sent in the campaign of '%s'",
			       (unsigned long long)row, results);
	if (rc < 0)
		return -1;
	rc = journal_peek(results, &s->header, e);
	s->header.epoch = s->attempt.epoch; /* the Message-ID of then */
	return rc == 0 ? err_set(e, ERR_INPUT, "there is no campaign of '%s'", results) : rc < 0 ? -1 : 0;
}

static struct rows *messages_of(struct showing *s)
{
	return s->choice ? choice_list(s->choice) : s->rows;
}

static bool has_row(const struct row *row, uint64_t number)
{
	for (uint32_t i = 0; row->group && i < row->group->n_others; i++)
		if (row->group->others[i].number == number)
			return true;
	return row->number == number;
}

static int find_row(struct showing *s, uint64_t number, const struct row **out, struct err *e)
{
	int rc;

	while ((rc = rows_read(messages_of(s), s->block, BLOCK_ROWS, e)) > 0) {
		for (uint32_t i = 0; i < s->block->n; i++) {
			if (has_row(&s->block->rows[i], number)) {
				*out = &s->block->rows[i];
				return 0;
			}
		}
		row_block_reset(s->block);
	}
	if (rc == 0)
		err_set(e, ERR_INPUT, "the list has no row %llu", (unsigned long long)number);
	return rc == 0 ? err_at(e, s->job.list, 0, 0) : -1;
}

static int open_letter(struct showing *s, struct finding_sink *sink, struct err *e)
{
	struct rows_options rows = { .path = s->job.list, .ways = s->job.list_ways };
	struct letter_options opt = { .path = s->job.letter,
				      .vars = s->job.vars,
				      .n_vars = s->job.n_vars,
				      .address_column = s->job.address_column,
				      .envelope_from = s->job.envelope_from,
				      .ways = s->job.ways };
	unsigned char digest[32];
	int column;

	if (rows_open(&s->rows, &rows, e) < 0)
		return -1;
	column = columns_find(rows_columns(s->rows), span_str(s->job.address_column ? s->job.address_column : "email"));
	if (choice_groups(&s->job, s->header.identity.selection) &&
	    choice_open(&s->choice, &s->job, s->rows, column, s->header.identity.selection, sink, e) < 0)
		return -1;
	opt.columns = rows_columns(messages_of(s));
	journal_letter_seed(&s->header, opt.seed);
	if (letter_open(&s->letter, &opt, sink, e) < 0)
		return -1;
	letter_digest(s->letter, digest);
	if (memcmp(digest, s->attempt.letter, sizeof digest) == 0)
		return 0;
	err_set(e, ERR_CONFLICT, "the letter (or a file of it, or an option that changes messages) is not the campaign's");
	err_at(e, s->job.letter, 0, 0);
	return err_hint(e, "give the letter as it was, and the same options as then");
}

static int write_message(struct showing *s, const struct row *of, struct err *e)
{
	struct row row = *of;
	struct mail mail;

	if (s->attempt.renumbered) {
		row.number = s->attempt.row;
		log_line(LOG_NOTE, "lettershop: row %llu was sent as row %llu, before the list was edited: the message has what "
			 "stands in its cells now", (unsigned long long)of->number, (unsigned long long)s->attempt.row);
	}
	if (letter_desk_new(&s->desk, s->letter, e) < 0 ||
	    letter_write(s->letter, s->desk, &s->memory, &row, s->attempt.time_ms, &mail, e) < 0)
		return -1;
	for (uint32_t i = 0; i < mail.n_content; i++)
		fwrite(mail.content[i].p, 1, mail.content[i].n, stdout);
	return 0;
}

static int show(struct showing *s, const struct options *o, struct say_sink *sink, struct err *e)
{
	const struct row *row = NULL;

	if (find_attempt(s, o->operands[0], o->row, e) < 0 || open_letter(s, &sink->sink, e) < 0)
		return -1;
	if (row_block_new(&s->block, BLOCK_ROWS) < 0)
		return err_nomem(e, "rows");
	return find_row(s, o->row, &row, e) < 0 || !row ? -1 : write_message(s, row, e);
}

static int run(struct options *o)
{
	struct showing s = { .rows = NULL };
	struct say_sink sink;
	struct err e = { 0 };
	int status = EXIT_SENT;

	if (o->row == 0) {
		say_wrong("lettershop show RESULTS --row N LETTER RECIPIENTS", "show wants --row N");
		return EXIT_WRONG;
	}
	say_sink_init(&sink, stderr);
	arena_init(&s.memory, MEMORY_CHUNK, SIZE_MAX / 2);
	if (job_of_letter(o, &s.job, &e) < 0) {
		status = command_failed(&e);
	} else {
		s.job.letter = o->operands[1];
		s.job.list = o->operands[2];
		if (show(&s, o, &sink, &e) < 0)
			status = sink.sink.errors ? EXIT_WRONG : command_failed(&e);
	}
	letter_desk_free(&s.desk);
	letter_free(&s.letter);
	row_block_free(&s.block);
	choice_free(&s.choice);
	rows_close(&s.rows);
	arena_release(&s.memory);
	return status;
}

const struct command command_show = {
	.name = "show",
	.operands = "RESULTS LETTER RECIPIENTS",
	.summary = "prints one message as it was sent",
	.help = help,
	.bit = FOR_SHOW,
	.n_operands = 3,
	.run = run,
};
