/* letter_charset.c - which charset a letter is written in: --charset, else Charset:, else charset= of
 * its Content-Type, else UTF-8.
 *
 * The letter's own text must fit whole; a value that does not makes its mail UTF-8.
 * Held by tests/unit/test_letter_charset.c. */
#include "templates/letter/letter_compile.h"

#include "templates/letter/letter_params.h"

static int choose(struct letter_compile *c, struct span name, const struct letter_header *h)
{
	const struct mime_charset *charset = mime_charset_find(name);
	struct err e = { 0 };

	if (mime_charset_is_utf8(name))
		return 0;
	if (!charset) {
		letter_mistake(c, "charset", h ? h->line : 0, h ? h->column : 0,
			       "for instance utf-8, iso-8859-15, windows-1251, gb18030, iso-2022-jp",
			       "charset '%.*s' is not one that can be written", SPAN_ARG(name));
		return 0;
	}
	if (mime_converter_new(&c->converter, charset, &e) == 0) {
		c->l->charset = charset;
		return 0;
	}
	if (e.kind == ERR_NOMEM)
		return err_nomem(c->e, "the letter");
	letter_mistake(c, "charset", h ? h->line : 0, h ? h->column : 0, NULL, "%s", e.text);
	return 0;
}

/* charset= of a Content-Type; mistakes in it are told when it is compiled. */
static int in_type(struct letter_compile *c, struct span *out)
{
	struct letter_params p = { .text = c->type->value, .a = &c->l->memory };
	struct span key, value;
	struct err e = { 0 };

	if (letter_params_first(&p, &value, &e) == 0) {
		while (letter_params_next(&p, &key, &value, &e) > 0) {
			if (span_case_eq(key, SPAN("charset")))
				*out = value;
		}
	}
	return e.kind == ERR_NOMEM ? err_nomem(c->e, "the letter") : 0;
}

int letter_choose_charset(struct letter_compile *c)
{
	struct span name = span_str(c->l->opt.ways.charset);

	if (name.n > 0)
		return choose(c, name, NULL);
	if (c->charset)
		return choose(c, c->charset->value, c->charset);
	name = SPAN("");
	if (c->type && in_type(c, &name) < 0)
		return -1;
	return mime_charset_find(name) ? choose(c, name, c->type) : 0;
}

void letter_drop_charset(struct letter_compile *c)
{
	if (!c->l->charset || !c->misfit)
		return;
	letter_warning(c, "charset", c->l->path, 0, 0, "choose another charset, or none",
		       "the letter's own text does not fit into charset '%s': all messages will be UTF-8",
		       c->l->charset->name);
	c->l->charset = NULL;
}
