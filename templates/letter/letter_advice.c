/* letter_advice.c - what a letter says and probably did not mean: headers that are almost one of ours,
 * placeholders of other programs, nothing to say, names that hide each other. Warnings, but for what
 * would send every message to one person.
 * Held by tests/unit/test_letter_advice.c. */
#include "templates/letter/letter_compile.h"

#include <stdio.h>

#include "engine/base/utf8.h"

enum { WORD_MAX = 60, SHOWN = 60 };

/* ---- headers ---- */

static bool is_of_others(struct span name)
{
	return span_case_begins(name, SPAN("X-")) || span_case_begins(name, SPAN("List-"));
}

static void advise_names(struct letter_compile *c)
{
	for (uint32_t i = 0; i < c->source.n_headers; i++) {
		const struct letter_header *h = &c->source.headers[i];
		const char *near;
		char hint[96];

		if (letter_field_known(h->name)->name || is_of_others(h->name))
			continue;
		near = letter_field_nearest(h->name);
		if (!near)
			continue;
		snprintf(hint, sizeof hint, "did you mean '%s:'?", near);
		letter_warning(c, "unknown header", c->l->path, h->name_line, 1, hint,
			       "'%.*s:' is sent as it is: it is no header that means something here",
			       SPAN_ARG(span_sub(h->name, 0, SHOWN)));
	}
}

static const struct letter_header *find_header(const struct letter_compile *c, struct span name)
{
	for (uint32_t i = 0; i < c->source.n_headers; i++)
		if (span_case_eq(c->source.headers[i].name, name))
			return &c->source.headers[i];
	return NULL;
}

static void advise_emptiness(struct letter_compile *c)
{
	const struct letter_header *subject = find_header(c, SPAN("Subject"));

	if (!subject && !c->l->bulk) /* mail to many has a warning of its own */
		letter_warning(c, "no subject", c->l->path, 1, 1, "add a line like 'Subject: News'",
			       "the letter has no 'Subject:'");
	else if (subject && subject->value.n == 0)
		letter_warning(c, "no subject", c->l->path, subject->line, subject->column, NULL, "the 'Subject:' is empty");
	if (span_trim(c->source.body).n == 0 && !c->html && !c->text && !c->calendar && !c->multipart)
		letter_warning(c, "empty body", c->l->path, c->source.body_line, 1, NULL, "the letter has no text");
}

/* ---- names of the run beside names of the list ---- */

static void advise_vars(struct letter_compile *c)
{
	const struct letter_options *o = &c->l->opt;

	for (uint32_t i = 0; i < o->n_vars; i++) {
		int column = o->columns ? columns_find(o->columns, o->vars[i].key) : -1;

		if (column >= 0)
			letter_warning(c, "hidden variable", NULL, 0, 0, "give the variable another name",
				       "--var %.*s has no effect: the list's column '%.*s' goes first",
				       SPAN_ARG(span_sub(o->vars[i].key, 0, SHOWN)),
				       SPAN_ARG(span_sub(o->columns->names[column], 0, SHOWN)));
	}
}

/* ---- placeholders of other programs; some more the template language knows itself ---- */

static bool is_word_char(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' ||
	       ch == '-' || ch == ' ' || (unsigned char)ch >= 128;
}

/* The word at the front of s that ends before `end`; empty when there is none. */
static struct span word_before(struct span s, struct span end)
{
	size_t n = 0;

	while (n < s.n && n < WORD_MAX && is_word_char(s.p[n]))
		n++;
	if (n == 0 || !span_begins(span_skip(s, n), end) || s.p[0] == ' ')
		return (struct span){ NULL, 0 };
	return span_sub(s, 0, n);
}

static const struct form {
	struct span open, close;
} forms[] = {
	{ { "${", 2 }, { "}", 1 } },
	{ { "{$", 2 }, { "}", 1 } },
	{ { "{", 1 }, { "}", 1 } },
	{ { "[", 1 }, { "]", 1 } },
	{ { "%", 1 }, { "%", 1 } },
};

static bool is_column(const struct letter_compile *c, struct span word)
{
	return c->l->opt.columns && columns_find(c->l->opt.columns, span_trim(word)) >= 0;
}

/* The placeholder at the front of s: its length, 0 when there is none; *name gets what it names. */
static size_t placeholder(const struct letter_compile *c, struct span s, struct span *name)
{
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (!span_begins(s, forms[i].open) || span_begins(s, SPAN("%%")))
			continue;
		*name = word_before(span_skip(s, forms[i].open.n), forms[i].close);
		if (name->n > 0 && is_column(c, *name))
			return forms[i].open.n + name->n + forms[i].close.n;
	}
	return 0;
}

/* Past what belongs to the template language itself; 0: s begins with nothing of it. */
static size_t own_syntax(struct span s)
{
	struct span end = span_begins(s, SPAN("{{")) ? SPAN("}}") : SPAN("%}");
	size_t at;

	if (!span_begins(s, SPAN("{{")) && !span_begins(s, SPAN("{%")))
		return 0;
	at = span_search(s, end);
	return at < s.n ? at + end.n : s.n;
}

static void advise_text(struct letter_compile *c, struct span text, uint64_t line, uint64_t column)
{
	uint64_t at_line, at_column;

	for (size_t i = 0; i < text.n;) {
		struct span rest = span_skip(text, i), name;
		size_t n = own_syntax(rest);

		if (n == 0 && (n = placeholder(c, rest, &name)) > 0) {
			char hint[160];

			snprintf(hint, sizeof hint, "write {{ %.*s }}", SPAN_ARG(span_trim(name)));
			letter_source_place(text, i, &at_line, &at_column);
			letter_warning(c, "leftover placeholder", c->l->path, line + at_line - 1,
				       at_line == 1 ? column + at_column - 1 : at_column, hint,
				       "'%.*s' is printed as it stands", SPAN_ARG(span_sub(rest, 0, n)));
		}
		i += n ? n : 1;
	}
}

static void advise_placeholders(struct letter_compile *c)
{
	for (uint32_t i = 0; i < c->source.n_headers; i++)
		advise_text(c, c->source.headers[i].value, c->source.headers[i].line, c->source.headers[i].column);
	advise_text(c, c->source.body, c->source.body_line, 1);
}

/* ---- recipients ---- */

static bool is_fixed(const struct letter_field *f)
{
	for (uint32_t i = 0; f && i < f->n_texts; i++)
		if (!f->texts[i].fixed)
			return false;
	return true;
}

/* The letter names somebody, and nobody of the list: each row would mail the same person. */
static void check_recipients(struct letter_compile *c)
{
	const struct letter *l = c->l;
	const struct letter_field *to = l->role[ROLE_TO];
	int column;

	if (!to || to->n_texts == 0 || !is_fixed(to) || !is_fixed(l->role[ROLE_CC]) || !is_fixed(l->role[ROLE_BCC]))
		return;
	column = l->opt.columns ? columns_find(l->opt.columns, SPAN("email")) : -1;
	if (column < 0 || l->opt.address_column)
		return;
	letter_mistake(c, "same recipient", to->texts[0].line, to->texts[0].column,
		       "write 'To: {{ email }}', or take the line out", "every row would be sent to '%.*s': the letter has a "
		       "'To:' of its own, and the list has a column '%.*s'",
		       SPAN_ARG(span_sub(to->texts[0].value, 0, SHOWN)), SPAN_ARG(l->opt.columns->names[column]));
}

void letter_advise(struct letter_compile *c)
{
	check_recipients(c);
	advise_names(c);
	advise_emptiness(c);
	advise_vars(c);
	advise_placeholders(c);
}
