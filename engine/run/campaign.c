/* campaign.c - opening: everything that can be wrong before a row is read; and the outlook. */
#include "engine/run/campaign_private.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/utf8.h"
#include "engine/rows/rows.h"
#include "engine/rows/seen.h"
#include "engine/rows/select.h"
#include "engine/rows/suppress.h"
#include "engine/results/rekey.h"
#include "engine/run/breaker.h"
#include "engine/run/keyed.h"
#include "engine/run/choice.h"
#include "engine/run/domain_rate.h"
#include "engine/base/throttle.h"
#include "templates/letter/letter.h"

enum { FIRST_ROWS = 16, CELL_SHOWN_MAX = 80, FOLDER_SHOWN_MAX = 512, CAMPAIGN_ARENA_MAX = 64 << 20 };

static int open_list(struct campaign *c, struct finding_sink *sink, struct err *e)
{
	struct rows_options opt = { .path = c->job->list, .ways = c->job->list_ways };

	if (rows_open(&c->rows, &opt, e) < 0)
		return -1;
	c->list = c->rows;
	rows_tell(c->list, sink);
	if (rows_stamp(c->list, &c->list_size, &c->list_mtime_ns, e) < 0)
		return -1;
	c->address_column = columns_find(rows_columns(c->list),
					 span_str(c->job->address_column ? c->job->address_column : "email"));
	if (c->job->address_column && c->address_column < 0) {
		struct span near = columns_nearest(rows_columns(c->list), span_str(c->job->address_column));
		char others[FINDING_HINT_MAX];

		err_set(e, ERR_INPUT, "the list has no column '%s'", c->job->address_column);
		err_at(e, c->job->list, 1, 0);
		if (near.n)
			return err_hint(e, "did you mean '%.*s'?", SPAN_ARG(near));
		columns_describe(rows_columns(c->list), others, sizeof others);
		return err_hint(e, "%s", others);
	}
	return 0;
}

static int exists_already(struct campaign *c, struct err *e)
{
	err_set(e, ERR_CONFLICT, "'%s' belongs to a campaign that was begun already", c->job->results);
	return err_hint(e, "go on with it: add --resume; or begin another one: add --results NEW.csv");
}

void campaign_seed(uint64_t seed, unsigned char out[16])
{
	struct rng r;

	rng_seed(&r, seed, 0);
	for (size_t i = 0; i < 16; i += sizeof(uint64_t)) {
		uint64_t word = rng_next(&r);

		memcpy(out + i, &word, sizeof word);
	}
}

/* Names of campaigns beside results that are not there, for somebody who has mistaken the name. */
static void name_others(const char *results, char *out, size_t size)
{
	static const struct span ending = { ".journal", 8 };
	const char *slash = strrchr(results, '/');
	char folder[FOLDER_SHOWN_MAX] = ".";
	struct dirent *entry;
	size_t n = 0;
	DIR *d;

	if (slash && snprintf(folder, sizeof folder, "%.*s", (int)(slash - results) + 1, results) >= (int)sizeof folder)
		return;
	d = opendir(folder);
	while (d && (entry = readdir(d))) {
		struct span name = span_str(entry->d_name);
		int more;

		if (!span_ends(name, ending))
			continue;
		name.n -= ending.n;
		more = snprintf(out + n, size - n, "%s'%s%.*s'", n ? ", " : "", slash ? folder : "", SPAN_ARG(name));
		if (more < 0 || (size_t)more >= size - n) { /* whole names only */
			out[n] = '\0';
			break;
		}
		n += (size_t)more;
	}
	if (d)
		closedir(d);
}

/* Nothing to resume: to begin would mail all whom a run under another name has mailed. A journal without a word in it
 * is of a run that was killed before it did anything. */
static int nothing_to_resume(const struct campaign *c, struct err *e)
{
	char journal[FOLDER_SHOWN_MAX], others[FINDING_HINT_MAX / 2] = "";

	if (snprintf(journal, sizeof journal, "%s.journal", c->job->results) >= (int)sizeof journal || file_exists(journal))
		return 0;
	err_set(e, ERR_INPUT, "there is no campaign of '%s' to resume: no folder '%s'", c->job->results, journal);
	name_others(c->job->results, others, sizeof others);
	if (others[0])
		return err_hint(e, "name the one you mean with --results (there are %s), or leave out --resume to begin another one",
				others);
	return err_hint(e, "leave out --resume to begin one, or name its results: --results FILE");
}

/* What earlier runs left. A fresh campaign gets its seed here. */
static int look_back(struct campaign *c, struct err *e)
{
	int exists = 0;

	if (c->job->results) {
		exists = journal_peek(c->job->results, &c->header, e);
		if (exists < 0)
			return -1;
	}
	if (exists && !c->job->resume)
		return exists_already(c, e);
	if (c->job->results && c->job->resume && !exists && nothing_to_resume(c, e) < 0)
		return -1;
	if (exists)
		return ledger_load_pardoned(&c->ledger, c->job->results, c->throttle ? throttle_memory(c->throttle) : 0,
					    c->job->retry_refused, e);
	if (c->job->retry_refused) {
		err_set(e, ERR_INPUT, "--retry-refused wants a campaign that was begun, and '%s' belongs to none", c->job->results);
		return err_hint(e, "it tries again whom an earlier run recorded as refused");
	}
	if (c->job->results && file_exists(c->job->results)) {
		err_set(e, ERR_CONFLICT, "'%s' is there already and belongs to no campaign", c->job->results);
		return err_hint(e, "nothing was overwritten; choose another name with --results, or move the file away");
	}
	c->header.begun_ms = clock_wall_ms();
	if (!c->job->seed_given)
		return rng_secret(c->header.seed, sizeof c->header.seed, e);
	campaign_seed(c->job->seed, c->header.seed);
	return 0;
}

static int open_letter(struct campaign *c, struct finding_sink *sink, struct err *e)
{
	struct letter_options opt = {
		.path = c->job->letter,
		.columns = rows_columns(c->list),
		.vars = c->job->vars,
		.n_vars = c->job->n_vars,
		.address_column = c->job->address_column,
		.envelope_from = c->job->envelope_from,
		.max_message_bytes = c->job->max_message_bytes,
		.ways = c->job->ways,
	};

	journal_letter_seed(&c->header, opt.seed);
	return letter_open(&c->letter, &opt, sink, e);
}

static int parse_redirect(struct campaign *c, struct err *e)
{
	struct address a;

	if (!c->job->redirect_to)
		return 0;
	if (address_parse(span_str(c->job->redirect_to), &c->memory, &a, e) < 0)
		return err_hint(e, "give --redirect-to one address, like me@example.com");
	c->redirect = a.path;
	return 0;
}

/* The letter of a campaign may not change halfway: told before anything is rendered. */
static int same_letter(struct campaign *c, struct err *e)
{
	unsigned char now[32];

	letter_digest(c->letter, now);
	if (!c->ledger || c->job->accept_changes || memcmp(now, c->header.identity.letter, sizeof now) == 0)
		return 0;
	err_set(e, ERR_CONFLICT, "the letter is not the one this campaign was begun with: it changed, or a file of it, or an option "
				 "that shapes it (--var, --charset, --envelope-from, --address-column)");
	err_at(e, c->job->letter, 0, 0);
	return err_hint(e, "go on with the old ones; or send the rest as it is now, with --accept-changes; or begin another "
			   "campaign with --results NEW.csv");
}

static int open_plan(struct campaign *c, struct err *e)
{
	struct delivery_options opt = c->job->delivery;

	if (opt.n_relays == 0)
		return 0;
	opt.paced = c->throttle || c->domains;
	return delivery_plan_open(&c->plan, &opt, e);
}

static int open_suppressed(struct campaign *c, struct finding_sink *sink, struct err *e)
{
	return c->job->n_suppress ? suppress_open(&c->suppress, c->job->suppress, c->job->n_suppress, sink, e) : 0;
}

static int open_breaker(struct campaign *c, struct err *e)
{
	struct breaker_limit limit = { 0 };

	if (c->job->stop_after && breaker_parse(c->job->stop_after, &limit, e) < 0)
		return -1;
	if (c->job->retry_refused && refusal_check(span_str(c->job->retry_refused), e) < 0)
		return -1;
	return breaker_new(&c->breaker, limit, e);
}

/* A campaign that is gone on with remembers its choice. */
static int choose_rows(struct campaign *c, struct finding_sink *sink, struct err *e)
{
	const char *recorded = c->ledger ? c->header.identity.selection : NULL;

	if (choice_open(&c->choice, c->job, c->list, c->address_column, recorded, sink, e) < 0)
		return -1;
	c->selection = choice_selection(c->choice);
	c->list = choice_list(c->choice);
	return 0;
}

int campaign_open(struct campaign **out, const struct campaign_job *job, struct finding_sink *sink, struct err *e)
{
	struct campaign *c = mem_new(sizeof *c);

	if (!c)
		return err_nomem(e, "the campaign");
	c->job = job;
	arena_init(&c->memory, 4096, CAMPAIGN_ARENA_MAX);
	if ((job->rate && throttle_new(&c->throttle, job->rate, e) < 0) ||
	    (job->n_domain_rates && domain_rates_new(&c->domains, job->domain_rates, job->n_domain_rates, e) < 0) ||
	    open_breaker(c, e) < 0 ||
	    open_list(c, sink, e) < 0 || open_suppressed(c, sink, e) < 0 || look_back(c, e) < 0 || campaign_recognise_rows(c, e) < 0 ||
	    choose_rows(c, sink, e) < 0 ||
	    open_letter(c, sink, e) < 0 || same_letter(c, e) < 0 || parse_redirect(c, e) < 0 ||
	    open_plan(c, e) < 0) {
		campaign_free(&c);
		return -1;
	}
	*out = c;
	return 0;
}

void campaign_free(struct campaign **out)
{
	struct campaign *c = *out;

	if (!c)
		return;
	delivery_plan_free(&c->plan);
	letter_free(&c->letter);
	ledger_free(&c->ledger);
	throttle_free(&c->throttle);
	domain_rates_free(&c->domains);
	throttle_free(&c->throttles);
	breaker_free(&c->breaker);
	keyed_free(&c->keyed);
	choice_free(&c->choice);
	suppress_free(&c->suppress);
	duplicates_free(&c->duplicates);
	seen_free(&c->seen);
	rows_close(&c->rows);
	arena_release(&c->memory);
	mem_free(c);
	*out = NULL;
}

bool campaign_list_changed(const struct campaign *c, const struct rows *list, struct err *e)
{
	uint64_t size;
	int64_t mtime_ns;

	if (rows_stamp(list, &size, &mtime_ns, e) < 0)
		return true;
	if (size == c->list_size && mtime_ns == c->list_mtime_ns)
		return false;
	err_set(e, ERR_CONFLICT, "somebody wrote into the list since it was opened");
	err_at(e, c->job->list, 0, 0);
	err_hint(e, "nothing more was begun; put the old list back and go on with --resume");
	return true;
}

bool campaign_group_differs(const struct campaign *c, const struct row *row, struct err *e)
{
	enum row_state first;

	if (!row->group || !c->ledger)
		return false;
	first = ledger_row(c->ledger, row->number);
	for (uint32_t i = 0; i < row->group->n_others; i++) {
		const struct row_member *other = &row->group->others[i];

		if (ledger_row(c->ledger, other->number) == first)
			continue;
		err_set(e, ERR_CONFLICT, "this row was not of the group of line %llu when that, or this, was sent to",
			(unsigned long long)row->line);
		err_at(e, c->job->list, other->line, 0);
		err_hint(e, "nothing was begun for it: choose the rows as before, or begin another campaign with --results FILE");
		return true;
	}
	return false;
}

int campaign_row_problem(const struct row *row, struct err *e)
{
	bool untold = span_search(row->problem, SPAN(CHOICE_UNTOLD)) < row->problem.n;

	err_set(e, ERR_INPUT, "%.*s", SPAN_ARG(row->problem));
	return err_topic(e, untold ? "condition that cannot be told" : "row that cannot be read");
}

void campaign_row_error(const struct campaign_job *job, const struct row *row, const struct err *why, struct err *out)
{
	if (why->path[0] && why->line && strcmp(why->path, job->list) != 0)
		err_set(out, ERR_INPUT, "%s (%s:%llu)", why->text, why->path, (unsigned long long)why->line);
	else
		err_set(out, ERR_INPUT, "%s", why->text);
	out->topic = why->topic;
	err_at(out, job->list, row->problem.n && row->group ? row->group->problem_line : row->line, 0);
	err_hint(out, "%s", why->hint[0] ? why->hint : "mend the row, or go on without such rows with --bad-rows skip");
}

int campaign_reload_suppressed(struct campaign *c, struct err *e)
{
	return c->suppress ? suppress_reload(c->suppress, e) : 0;
}

bool campaign_suppressed(const struct campaign *c, struct span recipient, struct verdict *out)
{
	char reason[SUPPRESS_REASON_MAX];

	if (!suppress_has(c->suppress, recipient, reason))
		return false;
	*out = (struct verdict){ .kind = VERDICT_SKIPPED, .scope = SCOPE_RECIPIENT, .stage = "suppressed" };
	verdict_say(out, "suppressed%s%s", reason[0] ? ": " : "", reason);
	return true;
}

bool campaign_too_many(const struct mail *m, struct err *e)
{
	if (m->n_recipients <= JOURNAL_RECIPIENTS_MAX)
		return false;
	err_set(e, ERR_INPUT, "the message has %u recipients, at most %d can be sent at once", m->n_recipients,
		JOURNAL_RECIPIENTS_MAX);
	err_topic(e, "too many recipients");
	return true;
}

void campaign_stop(struct campaign *c)
{
	int stop = atomic_load(&c->stop);

	/* No lock: safe in a signal handler, and in one that interrupts another. */
	while (stop < RUN_NOW && !atomic_compare_exchange_weak(&c->stop, &stop, stop + 1))
		;
}

void campaign_reload(struct campaign *c)
{
	atomic_store(&c->reload, true);
}

void campaign_tell(struct campaign *c)
{
	atomic_store(&c->tell, true);
}

/* ---- the outlook ---- */

static void show(char *out, size_t size, struct span value)
{
	utf8_printable(utf8_cut(value, size - 1), out, size);
}

static void show_headers(const struct letter_view *v, struct campaign_outlook *out)
{
	for (uint32_t i = 0; i < v->n_headers; i++) {
		if (span_case_eq(v->headers[i].name, SPAN("From")))
			show(out->from, sizeof out->from, v->headers[i].value);
		else if (span_case_eq(v->headers[i].name, SPAN("To")))
			show(out->first_to, sizeof out->first_to, v->headers[i].value);
		else if (span_case_eq(v->headers[i].name, SPAN("Subject")))
			show(out->subject, sizeof out->subject, v->headers[i].value);
	}
}

bool campaign_is_done(const struct campaign *c, uint64_t row)
{
	return c->ledger && ledger_is_done(c->ledger, row, c->job->in_doubt == IN_DOUBT_HOLD);
}

/* Shows the first row that can be a mail and is still to do; -1 when there is none near the start. */
static int show_first(struct campaign *c, struct row_block *block, struct campaign_outlook *out)
{
	struct letter_desk *desk = NULL;
	struct letter_view view;
	struct err e;
	int rc = -1;

	if (letter_desk_new(&desk, c->letter, &e) < 0) {
		out->none_chosen = false; /* nobody knows */
		return -1;
	}
	for (uint32_t i = 0; i < block->n && rc < 0; i++) {
		enum select_answer wants = selection_wants(c->selection, &block->rows[i], &block->memory, &e);

		out->none_chosen &= wants == SELECT_NO || wants == SELECT_END;
		if (wants >= SELECT_END)
			break;
		if (wants == SELECT_NO || campaign_is_done(c, block->rows[i].number) || block->rows[i].problem.n)
			continue;
		rc = letter_view(c->letter, desk, &c->memory, &block->rows[i], clock_wall_ms(), &view, &e);
		if (rc == 0)
			show_headers(&view, out);
	}
	letter_desk_free(&desk);
	return rc;
}

/* Mostly it is among the first few rows. */
static void find_first(struct campaign *c, struct campaign_outlook *out)
{
	uint32_t rows = FIRST_ROWS;
	struct row_block *block = NULL;
	struct err e;
	int rc;

	if (row_block_new(&block, RUN_BLOCK_ROWS) < 0 || rows_rewind(c->list, &e) < 0)
		goto done;
	selection_rewind(c->selection);
	out->no_rows = out->none_chosen = true;
	while ((rc = rows_read(c->list, block, rows, &e)) == 1) {
		out->no_rows = false;
		if (show_first(c, block, out) == 0)
			break;
		row_block_reset(block);
		rows = 4 * rows < RUN_BLOCK_ROWS ? 4 * rows : RUN_BLOCK_ROWS;
	}
	if (rc < 0) /* the run finds that too, and says it */
		out->no_rows = out->none_chosen = false;
	selection_rewind(c->selection);
	rows_rewind(c->list, &e);
done:
	row_block_free(&block);
}

void campaign_outlook(struct campaign *c, const struct report *preflight, struct campaign_outlook *out)
{
	struct ledger_counts counts = { 0 };

	*out = (struct campaign_outlook){ .expected_ms = -1 };
	if (c->ledger)
		ledger_counts(c->ledger, &counts);
	out->already_done = counts.sent + counts.skipped + counts.refused;
	out->in_doubt = counts.in_doubt;
	out->messages = preflight ? preflight->mails : 0;
	if (c->throttle && preflight)
		out->expected_ms = (int64_t)((double)out->messages * 1000.0 / throttle_per_second(c->throttle));
	snprintf(out->list_form, sizeof out->list_form, "%s", rows_form(c->list));
	out->grouped = rows_columns(c->list)->grouped;
	if (c->plan) {
		delivery_plan_describe(c->plan, out->through, sizeof out->through);
		out->rehearsal = delivery_plan_is_rehearsal(c->plan);
	}
	find_first(c, out);
}
