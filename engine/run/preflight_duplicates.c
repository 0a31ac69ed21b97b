/* preflight_duplicates.c - what the search for duplicates found, for the report. */
#include <stdio.h>
#include <string.h>

#include "engine/model/address.h"
#include "engine/rows/duplicates.h"
#include "engine/rows/rows.h"
#include "engine/run/campaign_private.h"
#include "templates/letter/letter.h"

enum { CELL_CHUNK = 16 << 10 };

/* Of the addresses of a cell one, as letters tell them: each once. */
static struct span address_in(struct span cell, uint32_t which, struct arena *a)
{
	struct address_list list;
	struct err e;

	if (address_parse_list(cell, a, &list, &e) < 0)
		return cell;
	for (uint32_t i = 0; i < list.n && list.n > 1; i++) {
		uint32_t before = 0;

		while (before < i && !address_same(&list.items[before], &list.items[i]))
			before++;
		if (before == i && which-- == 0)
			return list.items[i].path;
	}
	return cell;
}

/* The row's address as people know it, for a message; "this address" when it cannot be had. */
static void address_of(struct campaign *c, const struct row_place *place, uint32_t which, char *out, size_t size)
{
	struct row_block *block = NULL;
	int column = letter_to_column(c->letter) >= 0 ? letter_to_column(c->letter) : c->address_column;
	struct arena memory;
	struct err e;

	snprintf(out, size, "this address");
	if (column < 0 || row_block_new(&block, 1) < 0)
		return;
	arena_init(&memory, CELL_CHUNK, SIZE_MAX / 2);
	if (rows_fetch(c->list, place, 1, block, &e) == 0 && (uint32_t)column < block->rows[0].n_cells) {
		struct span shown = address_in(span_trim(block->rows[0].cells[column]), which, &memory);

		snprintf(out, size, "%.*s", SPAN_ARG(span_sub(shown, 0, 120)));
	}
	arena_release(&memory);
	row_block_free(&block);
}

static void report_case(struct campaign *c, struct report *r, const struct duplicates_case *x)
{
	char address[128], lines[128] = "";

	address_of(c, &x->places[0], x->which, address, sizeof address);
	for (uint32_t i = 0; i < x->n_places; i++)
		snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%s%llu", i ? ", " : "",
			 (unsigned long long)x->places[i].line);
	finding_say(&r->sink, FINDING_ERROR, "same address in different rows", c->job->list, x->places[0].line, 0,
		    x->shared
			    ? "--duplicates skip mails an address in its first row, and later rows without it; send mails each row to all"
		    : rows_columns(c->list)->grouped
			    ? "--duplicates skip mails the first group of an address, send mails each"
			    : "--duplicates skip mails the first row of an address, send mails each, group makes one message of them",
		    "%s has %llu different rows: lines %s%s", address, (unsigned long long)x->rows, lines,
		    x->rows > x->n_places ? " and more" : "");
}

int campaign_report_duplicates(struct campaign *c, struct report *r, struct err *e)
{
	struct duplicates_found found;
	uint64_t left_out;

	if (duplicates_find(c->duplicates, &found, e) < 0)
		return -1;
	bool redirected = c->job->redirect_to != NULL; /* a row is one message, whoever of it is left out */

	r->duplicates = found.skipped + (redirected ? 0 : found.left_out);
	r->undecided = found.cases;
	r->mails -= found.skipped;
	r->bytes -= found.skipped_bytes;
	left_out = redirected ? found.skipped : found.addresses + found.left_out;
	r->recipients -= left_out < r->recipients ? left_out : r->recipients;
	for (uint32_t i = 0; i < found.n_first; i++)
		report_case(c, r, &found.first[i]);
	if (found.cases > found.n_first)
		report_more(r, "same address in different rows", FINDING_ERROR, found.cases - found.n_first);
	return 0;
}
