/* doubts.c - one finding for each kind and row at most, but for empty values, which have one a name.
 * Held by tests/system/test_cli_check.py. */
#include "engine/run/doubts.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/model/address_doubt.h"
#include "engine/model/mail.h"
#include "engine/rows/rows.h"
#include "engine/run/campaign_private.h"

enum {
	SHOWN = 80,
	HEAD_MAX = 64 << 10,
	WORDS_LINES = 5 /* of encoded words: what a line of plain text holds may take so many, of the widest scripts */
};

static void note_empty(struct liquid_empty *watch, struct span name, const char *path, uint64_t line, uint64_t at)
{
	struct doubts *d = (struct doubts *)(void *)watch;

	for (uint32_t i = 0; i < d->n_empty; i++)
		if (span_eq(d->empty[i].name, name))
			return;
	if (d->n_empty < DOUBTS_EMPTY_MAX)
		d->empty[d->n_empty++] = (struct doubts_empty){ name, path, line, at };
}

void doubts_init(struct doubts *d, const struct campaign *c, struct finding_sink *to)
{
	*d = (struct doubts){ .watch.printed = note_empty, .campaign = c, .to = to };
}

void doubts_begin(struct doubts *d)
{
	d->n_empty = 0;
}

void doubts_forget(struct doubts *d, const struct err *why)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < d->n_empty; i++)
		if (d->empty[i].line != why->line || strcmp(d->empty[i].path, why->path) != 0)
			d->empty[kept++] = d->empty[i];
	d->n_empty = kept;
}

static void say(const struct doubts *d, const char *kind, const struct row *row, const char *hint, const char *text)
{
	finding_say(d->to, FINDING_WARNING, kind, d->campaign->job->list, row->line, 0, hint, "%s", text);
}

static void tell_empty(const struct doubts *d, const struct row *row)
{
	for (uint32_t i = 0; i < d->n_empty; i++) {
		const struct doubts_empty *x = &d->empty[i];
		struct span name = x->name;
		char hint[FINDING_HINT_MAX], text[FINDING_TEXT_MAX];

		snprintf(text, sizeof text, "'%.*s' is empty, and the letter prints it (%s:%llu:%llu)",
			 SPAN_ARG(span_sub(name, 0, SHOWN)), x->path, (unsigned long long)x->line,
			 (unsigned long long)x->at);
		snprintf(hint, sizeof hint, "write {{ %.*s | default: \"...\" }}, or {%% if %.*s %%}",
			 SPAN_ARG(span_sub(name, 0, SHOWN)), SPAN_ARG(span_sub(name, 0, SHOWN)));
		say(d, "empty value", row, hint, text);
	}
}

static void tell_addresses(const struct doubts *d, const struct row *row, const struct mail *mail)
{
	static const char *const kinds[] = {
		[ADDRESS_TYPO] = "doubtful address", [ADDRESS_PLACEHOLDER] = "placeholder address",
		[ADDRESS_ROLE] = "role address",
	};
	static const char *const words[] = {
		[ADDRESS_TYPO] = "looks like a typing error", [ADDRESS_PLACEHOLDER] = "is nobody's address",
		[ADDRESS_ROLE] = "is of a function, not of a person",
	};

	for (uint32_t i = 0; i < mail->n_recipients; i++) {
		char proposal[ADDRESS_PROPOSAL_MAX], hint[ADDRESS_PROPOSAL_MAX + 32] = "", text[FINDING_TEXT_MAX];
		struct span path = mail->recipients[i];
		enum address_doubt doubt = address_doubt(path, proposal);

		if (doubt == ADDRESS_PLAIN)
			continue;
		if (proposal[0])
			snprintf(hint, sizeof hint, "did you mean %s?", proposal);
		snprintf(text, sizeof text, "%.*s %s", SPAN_ARG(path), words[doubt]);
		say(d, kinds[doubt], row, hint, text);
		return;
	}
}

/* A cell with the letter's syntax, or what another program left there. */
static void tell_braces(const struct doubts *d, const struct row *row)
{
	const struct columns *columns = rows_columns(d->campaign->list);

	for (uint32_t i = 0; i < row->n_cells && i < columns->n; i++) {
		struct span cell = row->cells[i];
		char text[FINDING_TEXT_MAX];

		if (span_find(cell, '{') == cell.n ||
		    (span_search(cell, SPAN("{{")) == cell.n && span_search(cell, SPAN("{%")) == cell.n))
			continue;
		snprintf(text, sizeof text, "'%.*s' holds '%.*s', which would be printed as it stands",
			 SPAN_ARG(span_sub(columns->names[i], 0, SHOWN)), SPAN_ARG(utf8_cut(cell, SHOWN)));
		say(d, "leftover braces", row, NULL, text);
		return;
	}
}

/* Header fields stand in the first pieces. A Subject longer than a line is told, not one that only its encoding
 * made so. */
static void tell_folded(const struct doubts *d, const struct row *row, const struct mail *mail)
{
	bool subject = false, line_begins = true, words = false;
	uint64_t looked = 0;
	unsigned lines = 0;

	for (uint32_t i = 0; i < mail->n_content && looked < HEAD_MAX; i++) {
		struct span s = mail->content[i];

		looked += s.n;
		while (s.n > 0) {
			size_t end = span_find(s, '\n');

			if (line_begins && s.p[0] == '\r')
				goto over; /* the empty line */
			if (line_begins && s.p[0] != ' ' && s.p[0] != '\t')
				subject = span_case_begins(s, SPAN("Subject:"));
			else if (line_begins && subject)
				lines++;
			words |= subject && span_search(span_sub(s, 0, end), SPAN("=?")) < end;
			line_begins = end < s.n;
			s = span_skip(s, end + 1);
		}
	}
over:
	if (lines < (words ? WORDS_LINES : 1))
		return;
	char text[FINDING_TEXT_MAX];

	snprintf(text, sizeof text, "the Subject is too long for a line and is folded into %u", lines + 1);
	say(d, "folded line", row, "most readers show the beginning only", text);
}

void doubts_tell(struct doubts *d, const struct row *row, const struct mail *mail)
{
	tell_empty(d, row);
	tell_addresses(d, row, mail);
	tell_braces(d, row);
	tell_folded(d, row, mail);
	if (mail->needs & MAIL_NEEDS_SMTPUTF8)
		say(d, "needs SMTPUTF8", row, "not every relay takes such an address",
		    "an address has letters beyond ASCII before its @");
	if (mail->utf8_instead)
		say(d, "charset", row, NULL,
		    "a value does not fit into the letter's charset: this message is in UTF-8");
}

void doubts_propose(const struct doubts *d, const struct row *row, struct err *e)
{
	char proposal[ADDRESS_PROPOSAL_MAX];
	int column = d->campaign->address_column;

	if (!e->topic || strcmp(e->topic, "bad address") != 0 || column < 0 || (uint32_t)column >= row->n_cells ||
	    !address_propose(row->cells[column], proposal))
		return;
	err_hint(e, "did you mean %s?", proposal);
}
