/* letter_params.c - held by tests/unit/test_letter_file.c. */
#include "templates/letter/letter_params.h"

#include <stdbool.h>

#include "engine/base/err.h"
#include "templates/letter/letter_text.h"

static bool is_syntax(struct letter_params *p, char c)
{
	return p->text.p[p->at] == c && (!p->line || !letter_hole_at(p->line, &p->hole, p->at));
}

/* Takes what stands before the next ';' (or '=', when asked), quotes undone, trimmed. */
static int take_word(struct letter_params *p, bool to_equals, struct span *out, struct err *e)
{
	char *word = arena_take(p->a, p->text.n - p->at);
	size_t n = 0;
	bool quoted = false;

	if (!word)
		return err_nomem(e, "a header");
	for (; p->at < p->text.n; p->at++) {
		if (is_syntax(p, '"')) {
			quoted = !quoted;
			continue;
		}
		if (!quoted && (is_syntax(p, ';') || (to_equals && is_syntax(p, '='))))
			break;
		word[n++] = p->text.p[p->at];
	}
	*out = span_trim(span_of(word, n));
	return quoted ? err_set(e, ERR_INPUT, "a quotation mark is not closed in '%.*s'", SPAN_ARG(p->text)) : 0;
}

int letter_params_first(struct letter_params *p, struct span *out, struct err *e)
{
	return take_word(p, false, out, e);
}

int letter_params_next(struct letter_params *p, struct span *key, struct span *value, struct err *e)
{
	if (p->at >= p->text.n)
		return 0;
	p->at++; /* the ';' */
	if (take_word(p, true, key, e) < 0)
		return -1;
	if (key->n == 0 && p->at >= p->text.n)
		return 0; /* a ';' at the end */
	if (p->at >= p->text.n || !is_syntax(p, '='))
		return err_set(e, ERR_INPUT, "parameter '%.*s' has no value", SPAN_ARG(*key));
	p->at++;
	return take_word(p, false, value, e) < 0 ? -1 : 1;
}
