/* preview.c - row after row: the message as it would be sent, and a page that shows it.
 *
 *  1. The octets of an .eml file are those of letter_write(): what send gives to a relay.
 *  2. A page is written when it is known whether another follows; one page and one part of the
 *     list are in memory at a time.
 *  3. A row that cannot be a message has a page that says why.
 * Held by tests/system/test_cli_preview.py and samples/run. */
#include "engine/cli/preview.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/rng.h"
#include "engine/cli/preview_folder.h"
#include "engine/cli/preview_page.h"
#include "engine/rows/rows.h"
#include "engine/rows/select.h"
#include "engine/run/choice.h"
#include "engine/run/campaign.h"
#include "templates/letter/letter.h"

enum {
	BLOCK_ROWS = 256,
	ARENA_CHUNK_BYTES = 1 << 16,
	ARENA_MAX_BYTES = 256 << 20,
	FILE_MAX_BYTES = 512 << 20,
	NAME_MAX_BYTES = 128,
	ADDRESS_SHOWN_BYTES = 80
};

struct preview {
	const struct campaign_job *job;
	struct report *report;
	struct preview_totals *totals;
	struct rows *rows;
	struct choice *choice;
	struct letter *letter;
	struct letter_desk *desk;
	struct row_block *block;
	struct arena arena; /* of one message */
	int folder;

	struct buf eml, list, page;
	uint64_t pages, list_number;
	uint32_t list_items;

	/* the page that waits for its successor */
	struct buf message, subject;
	struct preview_item waiting; /* page 0: none */
	char eml_name[NAME_MAX_BYTES];
};

static int seed_letter(const struct campaign_job *job, unsigned char seed[16], struct err *e)
{
	if (!job->seed_given)
		return rng_secret(seed, 16, e);
	campaign_seed(job->seed, seed);
	return 0;
}

static int open_letter(struct preview *p, struct err *e)
{
	const struct campaign_job *job = p->job;
	struct rows_options rows = { .path = job->list, .ways = job->list_ways };
	struct letter_options opt = { .path = job->letter,
				      .vars = job->vars,
				      .n_vars = job->n_vars,
				      .address_column = job->address_column,
				      .envelope_from = job->envelope_from,
				      .max_message_bytes = job->max_message_bytes,
				      .ways = job->ways };
	int address_column;

	if (rows_open(&p->rows, &rows, e) < 0 || seed_letter(job, opt.seed, e) < 0)
		return -1;
	address_column = columns_find(rows_columns(p->rows), span_str(job->address_column ? job->address_column : "email"));
	if (choice_open(&p->choice, job, p->rows, address_column, NULL, &p->report->sink, e) < 0)
		return -1;
	rows_tell(p->rows, &p->report->sink);
	opt.columns = rows_columns(choice_list(p->choice));
	if (letter_open(&p->letter, &opt, &p->report->sink, e) < 0)
		return -1;
	if (row_block_new(&p->block, BLOCK_ROWS) < 0)
		return err_nomem(e, "rows");
	return letter_desk_new(&p->desk, p->letter, e);
}

static int flush_page(struct preview *p, bool has_next, struct err *e)
{
	char name[48];

	if (p->waiting.page == 0)
		return 0;
	buf_reset(&p->page);
	p->waiting.subject = buf_span(&p->subject);
	if (preview_page(&p->page, &p->waiting, has_next, buf_span(&p->message), e) < 0)
		return -1;
	snprintf(name, sizeof name, "m/%06llu.html", (unsigned long long)p->waiting.page);
	return preview_folder_write(p->folder, name, buf_span(&p->page), e);
}

static int flush_list(struct preview *p, struct err *e)
{
	char name[48];

	if (p->list_items == 0)
		return 0;
	preview_list_end(&p->list);
	if (p->list.failed)
		return err_nomem(e, "the preview's list");
	snprintf(name, sizeof name, "list/%06llu.js", (unsigned long long)p->list_number);
	p->list_items = 0;
	return preview_folder_write(p->folder, name, buf_span(&p->list), e);
}

static int add_item(struct preview *p, struct preview_item *item, const struct letter_view *v, struct err *e)
{
	if (flush_page(p, true, e) < 0)
		return -1;
	item->page = ++p->pages;
	if (p->list_items == PREVIEW_LIST_ITEMS && flush_list(p, e) < 0)
		return -1;
	if (p->list_items++ == 0) {
		buf_reset(&p->list);
		preview_list_begin(&p->list, ++p->list_number);
	}
	preview_list_item(&p->list, item);
	buf_reset(&p->message);
	preview_message(&p->message, item, v);
	buf_reset(&p->subject);
	buf_add(&p->subject, item->subject);
	p->waiting = *item;
	p->waiting.eml = item->eml ? p->eml_name : NULL;
	return p->list.failed || p->message.failed || p->subject.failed ? err_nomem(e, "a page of the preview") : 0;
}

/* 000017-ann_example.com.eml: letters that any file system and any URL take. */
static void name_eml(struct preview *p, uint64_t row, struct span address)
{
	char safe[ADDRESS_SHOWN_BYTES + 1];
	size_t n = 0;

	for (; n < address.n && n < ADDRESS_SHOWN_BYTES; n++) {
		char c = address.p[n];

		safe[n] = isascii((unsigned char)c) && (isalnum((unsigned char)c) || (c && strchr("@._+-", c))) ? c : '_';
	}
	safe[n] = '\0';
	snprintf(p->eml_name, sizeof p->eml_name, "%06llu-%s.eml", (unsigned long long)row, safe);
}

static int write_eml(struct preview *p, const struct mail *m, struct err *e)
{
	char path[NAME_MAX_BYTES + 8];

	buf_reset(&p->eml);
	for (uint32_t i = 0; i < m->n_content; i++)
		buf_add(&p->eml, m->content[i]);
	if (p->eml.failed)
		return err_nomem(e, "a message");
	snprintf(path, sizeof path, "eml/%s", p->eml_name);
	return preview_folder_write(p->folder, path, buf_span(&p->eml), e);
}

static struct span header(const struct letter_view *v, struct span name)
{
	for (uint32_t i = 0; i < v->n_headers; i++)
		if (span_case_eq(v->headers[i].name, name))
			return v->headers[i].value;
	return (struct span){ NULL, 0 };
}

/* why is of this row: told with the row's line, beside the place in the letter. */
static int add_problem(struct preview *p, const struct row *r, const struct err *why, struct err *e)
{
	struct preview_item item = { .row = r->number, .line = r->line, .problem = span_str(why->text) };

	finding_say(&p->report->sink, FINDING_ERROR, "row that cannot be sent", p->job->list,
		    r->problem.n && r->group ? r->group->problem_line : r->line, 0, why->hint, "%s",
		    why->text);
	p->totals->problems++;
	return add_item(p, &item, NULL, e);
}

static int add_row(struct preview *p, const struct row *r, struct err *e)
{
	int64_t now_ms = p->job->date_ms >= 0 ? p->job->date_ms : clock_wall_ms();
	struct preview_item item = { .row = r->number, .line = r->line };
	struct letter_view v = { 0 };
	struct mail m = { 0 };
	struct err why = { 0 };

	if (r->problem.n) {
		err_set(&why, ERR_INPUT, "%.*s", SPAN_ARG(r->problem));
		return add_problem(p, r, &why, e);
	}
	if (letter_write(p->letter, p->desk, &p->arena, r, now_ms, &m, &why) < 0 ||
	    letter_view(p->letter, p->desk, &p->arena, r, now_ms, &v, &why) < 0) {
		if (why.kind != ERR_INPUT && why.kind != ERR_LIMIT) {
			*e = why;
			return -1;
		}
		return add_problem(p, r, &why, e);
	}
	if (flush_page(p, true, e) < 0) /* before eml_name changes */
		return -1;
	p->waiting.page = 0;
	name_eml(p, r->number, m.recipients[0]);
	if (write_eml(p, &m, e) < 0)
		return -1;
	item.eml = p->eml_name;
	item.to = header(&v, SPAN("To"));
	if (item.to.n == 0)
		item.to = m.recipients[0];
	item.subject = header(&v, SPAN("Subject"));
	p->totals->messages++;
	p->totals->bytes += m.size;
	return add_item(p, &item, &v, e);
}

static int add_rows(struct preview *p, struct err *e)
{
	int rc;

	for (;;) {
		row_block_reset(p->block);
		rc = rows_read(choice_list(p->choice), p->block, BLOCK_ROWS, e);
		if (rc <= 0)
			return rc;
		for (uint32_t i = 0; i < p->block->n; i++) {
			struct row *r = &p->block->rows[i];
			enum select_answer wants = selection_wants(choice_selection(p->choice), r, &p->block->memory, e);

			p->report->rows++;
			if (wants == SELECT_BROKEN)
				return -1;
			if (wants == SELECT_END)
				return 0;
			if (wants == SELECT_NO)
				continue;
			if (add_row(p, r, e) < 0)
				return -1;
			arena_reset(&p->arena);
		}
	}
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int write_index(struct preview *p, struct err *e)
{
	char title[256];

	if (flush_page(p, false, e) < 0 || flush_list(p, e) < 0)
		return -1;
	snprintf(title, sizeof title, "%.100s - %.100s", base_name(p->job->letter), base_name(p->job->list));
	buf_reset(&p->page);
	if (preview_index(&p->page, span_str(title), p->pages, e) < 0)
		return -1;
	return preview_folder_write(p->folder, "index.html", buf_span(&p->page), e);
}

static void release(struct preview *p)
{
	letter_desk_free(&p->desk);
	letter_free(&p->letter);
	row_block_free(&p->block);
	choice_free(&p->choice);
	rows_close(&p->rows);
	arena_release(&p->arena);
	buf_release(&p->eml);
	buf_release(&p->list);
	buf_release(&p->page);
	buf_release(&p->message);
	buf_release(&p->subject);
	if (p->folder >= 0)
		close(p->folder);
}

int preview_write(const struct campaign_job *job, const char *folder, struct report *report,
		  struct preview_totals *out, struct err *e)
{
	struct preview p = { .job = job, .report = report, .totals = out, .folder = -1 };
	int rc;

	*out = (struct preview_totals){ 0 };
	arena_init(&p.arena, ARENA_CHUNK_BYTES, ARENA_MAX_BYTES);
	buf_init(&p.eml, FILE_MAX_BYTES);
	buf_init(&p.list, FILE_MAX_BYTES);
	buf_init(&p.page, FILE_MAX_BYTES);
	buf_init(&p.message, FILE_MAX_BYTES);
	buf_init(&p.subject, FILE_MAX_BYTES);
	rc = open_letter(&p, e);
	if (rc == 0)
		rc = preview_folder_open(folder, &p.folder, e);
	if (rc == 0)
		rc = add_rows(&p, e);
	if (rc == 0)
		rc = write_index(&p, e);
	release(&p);
	return rc;
}
