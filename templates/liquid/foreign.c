/* foreign.c - the tags of other mail tools, each with what it is called here.
 *
 *   *|FNAME|*  *|IF:X|*  *|ELSE:|*  *|END:IF|*      in text
 *   %%name%%  <<name>>                              in text
 *   {{#if x}}  {{/if}}  {{^x}}  {{> part}}  {{{x}}}  instead of a value
 *
 * Words in [brackets] are left alone: people write them. Text inside of {% raw %} is not looked at. With
 * lax, where a template is plain Liquid, what stands in text is only a warning.
 *
 * Invariant, held by tests/unit/test_liquid_foreign.c: each byte is looked at at most FOREIGN_MAX times. */
#include <stdio.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "engine/model/finding.h"
#include "templates/liquid/parse.h"

enum { FOREIGN_MAX = 64, FORM_MAX = 160 };

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
	       c == '-' || (unsigned char)c >= 0x80;
}

static void say(struct compile *c, struct place at, const char *form, struct span seen)
{
	char hint[FINDING_HINT_MAX];
	uint64_t line, column;

	snprintf(hint, sizeof hint, "write %s", form);
	if (!c->opt->lax || c->scan.source->text.p[at.offset] == '{') {
		compile_mistake(c, at, "foreign tag", hint, "%.*s is a tag of another tool", SPAN_ARG(seen));
	} else if (c->findings) {
		source_position(at, &line, &column);
		finding_say(c->findings, FINDING_WARNING, "foreign tag", at.source->path, line, column, hint,
			    "%.*s is a tag of another tool", SPAN_ARG(seen));
	}
}

/* {{ name }}, with the column that was probably meant. */
static void value_form(const struct compile *c, struct span name, char out[FORM_MAX])
{
	const struct columns *columns = c->opt->columns;
	int i = columns ? columns_find(columns, name) : -1;
	struct span near = i >= 0 ? columns->names[i] : columns ? columns_nearest(columns, name) : SPAN("");
	struct span shown = near.n ? near : name;

	if (span_find(shown, ' ') < shown.n)
		snprintf(out, FORM_MAX, "{{ [\"%.*s\"] }}", SPAN_ARG(utf8_cut(shown, FOREIGN_MAX)));
	else
		snprintf(out, FORM_MAX, "{{ %.*s }}", SPAN_ARG(utf8_cut(shown, FOREIGN_MAX)));
}

/* ---- in text ---- */

/* Bytes of "open name close" at the begin of s, 0 for none; the name may have what is in also. */
static size_t enclosed(struct span s, struct span open, struct span close, const char *also, struct span *name)
{
	size_t i = open.n;

	s = span_sub(s, 0, FOREIGN_MAX);
	if (!span_begins(s, open))
		return 0;
	while (i < s.n && (name_char(s.p[i]) || span_find(span_str(also), s.p[i]) < strlen(also)))
		i++;
	*name = span_sub(s, open.n, i - open.n);
	if (name->n == 0 || !span_begins(span_skip(s, i), close) || name->p[0] == ' ' || name->p[name->n - 1] == ' ')
		return 0;
	return i + close.n;
}

/* What stands between the stars of *|IF:X|*. */
static void star_form(const struct compile *c, struct span name, char out[FORM_MAX])
{
	struct span rest = name, word = span_cut(&rest, ':');

	if (span_case_eq(word, SPAN("if")) && rest.n)
		snprintf(out, FORM_MAX, "{%% if %.*s %%}", SPAN_ARG(rest));
	else if (span_case_eq(word, SPAN("ifnot")) && rest.n)
		snprintf(out, FORM_MAX, "{%% unless %.*s %%}", SPAN_ARG(rest));
	else if (span_case_eq(word, SPAN("elseif")) && rest.n)
		snprintf(out, FORM_MAX, "{%% elsif %.*s %%}", SPAN_ARG(rest));
	else if (span_case_eq(word, SPAN("else")))
		snprintf(out, FORM_MAX, "{%% else %%}");
	else if (span_case_eq(word, SPAN("end")))
		snprintf(out, FORM_MAX, "{%% endif %%}");
	else
		value_form(c, rest.n ? rest : word, out);
}

static size_t foreign_at(const struct compile *c, struct span s, char form[FORM_MAX])
{
	struct span name;
	size_t n;

	if ((n = enclosed(s, SPAN("*|"), SPAN("|*"), ": ", &name)))
		star_form(c, name, form);
	else if ((n = enclosed(s, SPAN("%%"), SPAN("%%"), "", &name)) ||
		 (n = enclosed(s, SPAN("<<"), SPAN(">>"), " ", &name)))
		value_form(c, name, form);
	return n;
}

void foreign_text(struct compile *c, struct span text)
{
	char form[FORM_MAX];

	for (size_t i = 0; i + 4 < text.n;) {
		char now = text.p[i];
		size_t n = 0;

		if (now == '*' || now == '%' || now == '<')
			n = foreign_at(c, span_skip(text, i), form);
		if (n) {
			struct place at = { c->scan.source, (uint32_t)(text.p + i - c->scan.source->text.p) };

			say(c, at, form, span_sub(text, i, n));
		}
		i += n ? n : 1;
	}
}

/* ---- instead of a value ---- */

static struct span word_of(struct span *rest)
{
	size_t n = 0;

	*rest = span_trim(*rest);
	while (n < rest->n && !scan_white(rest->p[n]))
		n++;
	struct span word = span_sub(*rest, 0, n);

	*rest = utf8_cut(span_trim(span_skip(*rest, n)), FOREIGN_MAX);
	return utf8_cut(word, FOREIGN_MAX);
}

static void opening_form(struct span rest, char out[FORM_MAX])
{
	struct span word = word_of(&rest);

	if (span_eq(word, SPAN("each")))
		snprintf(out, FORM_MAX, "{%% for item in %.*s %%}", SPAN_ARG(rest));
	else if (span_eq(word, SPAN("if")) || span_eq(word, SPAN("unless")))
		snprintf(out, FORM_MAX, "{%% %.*s %.*s %%}", SPAN_ARG(word), SPAN_ARG(rest));
	else
		snprintf(out, FORM_MAX, "{%% if %.*s %%}", SPAN_ARG(word));
}

static void closing_form(struct span rest, char out[FORM_MAX])
{
	struct span word = word_of(&rest);

	if (span_eq(word, SPAN("each")))
		snprintf(out, FORM_MAX, "{%% endfor %%}");
	else
		snprintf(out, FORM_MAX, "{%% end%.*s %%}", SPAN_ARG(span_eq(word, SPAN("unless")) ? word : SPAN("if")));
}

bool foreign_output(struct compile *c, const struct token *t)
{
	char form[FORM_MAX];
	struct span rest = t->markup, word;

	if (t->kind != TOKEN_OUTPUT || rest.n == 0)
		return false;
	char sign = span_take(&rest);

	if (span_trim(rest).n == 0)
		return false;
	switch (sign) {
	case '#':
		opening_form(rest, form);
		break;
	case '/':
		closing_form(rest, form);
		break;
	case '^':
		word = word_of(&rest);
		snprintf(form, sizeof form, "{%% unless %.*s %%}", SPAN_ARG(word));
		break;
	case '>':
		word = word_of(&rest);
		snprintf(form, sizeof form, "{%% include '%.*s' %%}", SPAN_ARG(word));
		break;
	case '!':
		snprintf(form, sizeof form, "{%% comment %%} ... {%% endcomment %%}");
		break;
	case '{':
	case '&':
		word = word_of(&rest);
		snprintf(form, sizeof form, "{{ %.*s | raw }}", SPAN_ARG(word));
		break;
	default:
		return false;
	}
	say(c, (struct place){ c->scan.source, t->from }, form,
	    utf8_cut(span_sub(c->scan.source->text, t->from, t->to - t->from), FOREIGN_MAX));
	return true;
}
