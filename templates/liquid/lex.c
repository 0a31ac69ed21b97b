/* lex.c - the words of the language. */
#include "templates/liquid/lex.h"

#include <stdio.h>

#include "engine/base/utf8.h"
#include "templates/liquid/scan.h"

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 128;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static void take(struct lex *l, struct word *w, enum word_kind kind, uint32_t n)
{
	w->kind = kind;
	w->text = span_sub(l->source->text, l->at, n);
	l->at += n;
}

static void take_string(struct lex *l, struct word *w)
{
	struct span rest = span_sub(l->source->text, l->at + 1, l->end - l->at - 1);
	size_t n = span_find(rest, l->source->text.p[l->at]);

	w->kind = n < rest.n ? WORD_STRING : WORD_BAD_STRING;
	w->text = span_sub(rest, 0, n);
	l->at = n < rest.n ? l->at + (uint32_t)n + 2 : l->end;
}

static void take_number(struct lex *l, struct word *w)
{
	const char *p = l->source->text.p;
	uint32_t i = l->at + 1;

	while (i < l->end && digit(p[i]))
		i++;
	if (i + 1 < l->end && p[i] == '.' && digit(p[i + 1]))
		for (i++; i < l->end && digit(p[i]); i++)
			;
	take(l, w, WORD_NUMBER, i - l->at);
}

static void take_name(struct lex *l, struct word *w)
{
	const char *p = l->source->text.p;
	uint32_t i = l->at;

	while (i < l->end && (letter(p[i]) || digit(p[i]) || p[i] == '-'))
		i++;
	if (i < l->end && p[i] == '?')
		i++;
	take(l, w, WORD_NAME, i - l->at);
	if (!l->after_dot && span_eq(w->text, SPAN("contains")))
		w->kind = WORD_COMPARE;
}

static bool take_compare(struct lex *l, struct word *w)
{
	static const struct span signs[] = { { "==", 2 }, { "!=", 2 }, { "<>", 2 }, { "<=", 2 },
					     { ">=", 2 }, { "<", 1 },  { ">", 1 } };
	struct span rest = span_sub(l->source->text, l->at, l->end - l->at);

	for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
		if (span_begins(rest, signs[i])) {
			take(l, w, WORD_COMPARE, (uint32_t)signs[i].n);
			return true;
		}
	return false;
}

static void scan_word(struct lex *l, struct word *w)
{
	const char *p = l->source->text.p;

	while (l->at < l->end && scan_white(p[l->at]))
		l->at++;
	*w = (struct word){ .kind = WORD_END, .at = l->at };
	if (l->at >= l->end)
		return;
	char c = p[l->at], next = l->at + 1 < l->end ? p[l->at + 1] : '\0';

	if (c == '"' || c == '\'')
		take_string(l, w);
	else if (digit(c) || (c == '-' && digit(next)))
		take_number(l, w);
	else if (letter(c))
		take_name(l, w);
	else if (c == '.' && next == '.')
		take(l, w, WORD_DOTDOT, 2);
	else if (take_compare(l, w))
		;
	else if (span_find(SPAN("|.:,[]()?-="), c) < sizeof "|.:,[]()?-=" - 1)
		take(l, w, WORD_SIGN, 1);
	else
		take(l, w, WORD_BAD, 1);
	l->after_dot = w->kind == WORD_SIGN && c == '.';
}

void lex_begin(struct lex *l, const struct source *source, uint32_t at, struct span markup)
{
	*l = (struct lex){ .source = source, .at = at, .end = at + (uint32_t)markup.n };
	scan_word(l, &l->now);
	scan_word(l, &l->next);
}

void lex_step(struct lex *l)
{
	l->now = l->next;
	if (l->now.kind != WORD_END)
		scan_word(l, &l->next);
}

const char *lex_describe(const struct word *w, char out[80])
{
	char shown[48];

	utf8_printable(utf8_cut(w->text, 40), shown, sizeof shown);
	if (w->kind == WORD_END)
		snprintf(out, 80, "the end");
	else if (w->kind == WORD_STRING)
		snprintf(out, 80, "the text \"%s\"", shown);
	else
		snprintf(out, 80, "'%s'", shown);
	return out;
}
