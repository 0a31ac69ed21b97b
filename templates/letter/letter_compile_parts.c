/* letter_compile_parts.c - bodies of a letter.
 *
 * What the letter's own body is says Content-Type (text/plain when it says nothing); Html-Body and
 * Text-Body bring the other form from a file, or both when the letter's own body is blank. Markdown
 * becomes HTML beside its own text; HTML alone gets a text made from it, unless Text-Body is none. */
#include "templates/letter/letter_body.h"
#include "templates/letter/letter_calendar.h"
#include "templates/letter/letter_compile.h"
#include "templates/letter/letter_file.h"
#include "templates/letter/letter_images.h"
#include "templates/letter/letter_mould.h"
#include "templates/letter/letter_params.h"
#include "templates/mime/mime_header.h"
#include "templates/mime/mime_out.h"
#include "templates/mime/mime_type.h"

/* ---- Content-Type ---- */

static void check_charset(struct letter_compile *c, struct span name, uint64_t line, uint64_t column)
{
	const struct mime_charset *charset = mime_charset_find(name);

	if (charset && charset != c->l->charset)
		letter_mistake(c, "charset", line, column, "say it in the letter's header: Charset: NAME",
			       "a letter has one charset beside UTF-8, and '%.*s' is another", SPAN_ARG(name));
	else if (!charset && !mime_charset_is_utf8(name))
		letter_mistake(c, "charset", line, column, "leave charset out: mails are UTF-8",
			       "charset '%.*s' is not one that can be written", SPAN_ARG(name));
}

static int read_params(struct letter_compile *c, struct letter_params *p, uint64_t line, uint64_t column,
		       struct letter_body_source *out, struct span *boundary)
{
	struct mime_out o;
	struct mime_field f = { .out = &o, .column = 60 };
	struct span key, value;
	struct err e = { 0 };
	int got;

	mime_out_init(&o, &c->l->memory);
	while ((got = letter_params_next(p, &key, &value, &e)) > 0) {
		if (span_case_eq(key, SPAN("boundary")) && boundary) {
			*boundary = value;
		} else if (!span_case_eq(key, SPAN("charset"))) {
			if (mime_field_param(&f, key, value) < 0)
				return err_nomem(c->e, "the letter");
		} else {
			check_charset(c, value, line, column);
		}
	}
	if (e.kind == ERR_NOMEM)
		return err_nomem(c->e, "the letter");
	if (got < 0)
		letter_mistake(c, "content type", line, column, NULL, "%s", e.text);
	out->params = mime_out_flat(&o, &c->l->memory);
	return out->params.p ? 0 : err_nomem(c->e, "the letter");
}

int letter_read_type(struct letter_compile *c, struct span value, uint64_t line, uint64_t column,
		     struct letter_body_source *out, struct span *boundary)
{
	struct letter_params p = { .text = value, .a = &c->l->memory };
	struct err e = { 0 };

	out->type = SPAN("");
	if (letter_params_first(&p, &out->type, &e) < 0 || !mime_type_ok(out->type)) {
		if (e.kind == ERR_NOMEM)
			return err_nomem(c->e, "the letter");
		letter_mistake(c, "content type", line, column, "for instance text/plain or text/html",
			       "Content-Type '%.*s' is not of the form type/subtype", SPAN_ARG(value));
		out->type = SPAN("");
		return 0;
	}
	return read_params(c, &p, line, column, out, boundary);
}

/* ---- bodies ---- */

static int type_field(struct letter_compile *c, struct letter_body *b, struct span charset, struct span *out)
{
	struct mime_out o;
	struct mime_field f = { .out = &o };

	mime_out_init(&o, &c->l->memory);
	if (mime_field_begin(&f, SPAN("Content-Type"), b->type) < 0 ||
	    mime_field_param(&f, SPAN("charset"), charset) < 0 || mime_out_copy(&o, b->params) < 0 ||
	    mime_field_end(&f) < 0)
		return err_nomem(c->e, "the letter");
	*out = mime_out_flat(&o, &c->l->memory);
	return out->p ? 0 : err_nomem(c->e, "the letter");
}

static int set_type(struct letter_compile *c, struct letter_body *b, const struct letter_body_source *src)
{
	b->type = src->type;
	b->params = src->params;
	if (type_field(c, b, SPAN("utf-8"), &b->utf8.type_field) < 0)
		return -1;
	return c->l->charset ? type_field(c, b, span_str(c->l->charset->name), &b->other.type_field) : 0;
}

static struct letter_body *new_body(struct letter_compile *c)
{
	struct letter *l = c->l;
	struct letter_body *b = arena_zero(&l->memory, sizeof *b);
	struct letter_body **all = arena_grow(&l->memory, l->bodies, l->n_bodies * sizeof(struct letter_body *),
					      (l->n_bodies + 1) * sizeof(struct letter_body *));

	if (!b || !all) {
		err_nomem(c->e, "the letter");
		return NULL;
	}
	l->bodies = all;
	return all[l->n_bodies++] = b;
}

static bool is_markdown(struct span type)
{
	return span_case_eq(type, SPAN("text/markdown"));
}

static struct letter_body *compile_as(struct letter_compile *c, const struct letter_body_source *src,
				      enum letter_escape escape)
{
	static const struct span plain = { "text/plain", 10 }, html = { "text/html", 9 };
	struct letter_body_source as = *src;
	struct letter_body *b = new_body(c);

	if (!b)
		return NULL;
	if (is_markdown(src->type)) {
		as.type = escape == ESCAPE_MARKDOWN ? html : plain;
		as.params = SPAN(""); /* of Markdown: RFC 7763 */
	}
	b->html = escape != ESCAPE_NONE;
	b->form = escape == ESCAPE_MARKDOWN ? FORM_MARKDOWN
		  : span_case_eq(src->type, SPAN("text/calendar")) ? FORM_CALENDAR : FORM_OWN;
	b->text = (struct letter_text){ .path = src->path, .line = src->line, .column = 1 };
	if (set_type(c, b, &as) < 0 || letter_compile_program(c, &b->text, src->text, escape) < 0)
		return NULL;
	return b;
}

struct letter_body *letter_compile_body(struct letter_compile *c, const struct letter_body_source *src)
{
	if (is_markdown(src->type))
		return compile_as(c, src, ESCAPE_MARKDOWN);
	return compile_as(c, src, span_case_eq(src->type, SPAN("text/html")) ? ESCAPE_HTML : ESCAPE_NONE);
}

struct letter_body *letter_compile_twin(struct letter_compile *c, const struct letter_body_source *src)
{
	return compile_as(c, src, ESCAPE_NONE);
}

/* The text of the HTML that is the only body: the same template, read as a person would. */
static int add_plain_twin(struct letter_compile *c)
{
	static const struct letter_body_source plain = { .type = { "text/plain", 10 }, .params = { "", 0 } };
	struct letter *l = c->l;
	struct letter_body *b;

	if (l->n_bodies != 1 || !l->bodies[0]->html || c->no_text)
		return 0;
	b = new_body(c);
	if (!b || set_type(c, b, &plain) < 0)
		return -1;
	b->form = FORM_PLAIN;
	b->text = l->bodies[0]->text;
	l->bodies[1] = l->bodies[0];
	l->bodies[0] = b;
	return 0;
}

int letter_fixed_value(struct letter_compile *c, const struct letter_header *h, struct span *out)
{
	struct letter_text t;

	*out = SPAN("");
	if (letter_compile_text(c, &t, h->value, c->l->path, h->line, h->column, h->name) < 0)
		return -1;
	if (t.program && !t.fixed)
		letter_mistake(c, "control header", h->line, h->column, "write the name itself",
			       "header '%.*s' takes no values from the list", SPAN_ARG(h->name));
	else if (t.program)
		*out = t.value;
	return 0;
}

static int body_of_file(struct letter_compile *c, const struct letter_header *h, struct span type)
{
	struct letter_body_source src = { .line = 1, .type = type, .params = SPAN("") };
	struct span name;
	int rc;

	if (letter_fixed_value(c, h, &name) < 0)
		return -1;
	if (name.n == 0)
		return 0;
	rc = letter_read_text(c, name, h, &src.text, &src.path);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return letter_compile_body(c, &src) ? 0 : -1;
}

static void body_unused(struct letter_compile *c, const char *why)
{
	letter_mistake(c, "two bodies", c->source.body_line, 1, "leave one of them out",
		       "the letter's own body would not be used: %s", why);
}

/* Text first, HTML last (RFC 2046 5.1.4): the better form comes later. */
static int compile_bodies(struct letter_compile *c, const struct letter_body_source *own)
{
	bool markdown = is_markdown(own->type), html = markdown || span_case_eq(own->type, SPAN("text/html"));
	bool blank = span_trim(own->text).n == 0;
	unsigned long errors; /* those of a twin are not told twice */

	if (c->text && c->html && !blank)
		body_unused(c, "both Text-Body and Html-Body are given");
	else if (!blank && c->text && !html)
		body_unused(c, "Text-Body is given, and Content-Type is neither text/html nor text/markdown");
	else if (!blank && c->html && html)
		body_unused(c, "Html-Body is given, and Content-Type says that this is HTML too");
	if (c->text && body_of_file(c, c->text, SPAN("text/plain")) < 0)
		return -1;
	errors = c->watch.sink.errors;
	if (markdown && !c->text && !c->html && !c->no_text && !letter_compile_twin(c, own))
		return -1;
	if ((!blank || (!c->text && !c->html)) && c->watch.sink.errors == errors && !letter_compile_body(c, own))
		return -1;
	if (c->html && body_of_file(c, c->html, SPAN("text/html")) < 0)
		return -1;
	return add_plain_twin(c);
}

static bool is_bare(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '=' ||
		      c == '.'))
			return false;
	}
	return true;
}

/* ---- Calendar: FILE; method=REQUEST ---- */

static int calendar_params(struct letter_compile *c, struct span value, struct letter_body_source *src, struct span *name)
{
	struct letter_params p = { .text = value, .a = &c->l->memory };
	const struct letter_header *h = c->calendar;
	struct span key, word, method = SPAN("");
	struct err e = { 0 };
	struct mime_out o;
	struct mime_field f = { .out = &o, .column = 40 };
	int got = letter_params_first(&p, name, &e);

	while (got >= 0 && (got = letter_params_next(&p, &key, &word, &e)) > 0) {
		if (span_case_eq(key, SPAN("method")))
			method = word;
		else
			letter_mistake(c, "calendar", h->line, h->column, "method=REQUEST is",
				       "'%.*s' is no parameter of 'Calendar:'", SPAN_ARG(key));
	}
	if (got < 0) {
		if (e.kind == ERR_NOMEM)
			return err_nomem(c->e, "the letter");
		letter_mistake(c, "calendar", h->line, h->column, NULL, "%s", e.text);
		return 1;
	}
	got = letter_read_text(c, *name, h, &src->text, &src->path);
	if (got != 0)
		return got;
	if (method.n == 0)
		method = letter_calendar_method(src->text);
	mime_out_init(&o, &c->l->memory);
	if (method.n > 0 && mime_field_param(&f, SPAN("method"), method) < 0)
		return err_nomem(c->e, "the letter");
	src->params = mime_out_flat(&o, &c->l->memory);
	return src->params.p ? 0 : err_nomem(c->e, "the letter");
}

/* An invitation: one more alternative, the last (RFC 6047 2.4). */
static int compile_calendar(struct letter_compile *c)
{
	struct letter_body_source src = { .line = 1, .type = SPAN("text/calendar") };
	struct span value, name;
	int rc;

	if (!c->calendar)
		return 0;
	if (c->root) {
		letter_mistake(c, "calendar", c->calendar->line, c->calendar->column, "write it as one of the parts",
			       "'Calendar:' does not go with a letter written in parts");
		return 0;
	}
	if (letter_fixed_value(c, c->calendar, &value) < 0)
		return -1;
	if (value.n == 0)
		return 0;
	rc = calendar_params(c, value, &src, &name);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	c->l->has_calendar = true;
	return letter_compile_body(c, &src) ? 0 : -1;
}

/* ---- Multipart: mixed; boundary=... ---- */

static int read_multipart(struct letter_compile *c)
{
	struct letter_body_source src = { .type = SPAN("") };
	const struct letter_header *h = c->multipart;
	struct span value, type, boundary = SPAN("");
	struct mime_out o;

	if (!h)
		return 0;
	if (letter_fixed_value(c, h, &value) < 0)
		return -1;
	mime_out_init(&o, &c->l->memory);
	if (mime_out_copy(&o, SPAN("multipart/")) < 0 || mime_out_copy(&o, value) < 0)
		return err_nomem(c->e, "the letter");
	type = mime_out_flat(&o, &c->l->memory);
	if (!type.p || letter_read_type(c, type, h->line, h->column, &src, &boundary) < 0)
		return err_nomem(c->e, "the letter");
	if (src.type.n == 0)
		return 0;
	c->subtype = span_skip(src.type, 10);
	c->boundary = boundary;
	if (boundary.n > 0 && (boundary.n > 70 || !span_begins(boundary, SPAN("=_")) || !is_bare(boundary)))
		letter_mistake(c, "parts", h->line, h->column, "for instance boundary=\"=_part-1\"",
			       "a boundary begins with '=_', which no encoded text has, and is of at most 70 letters and digits");
	return 0;
}

static int compile_own(struct letter_compile *c)
{
	struct letter_body_source own = {
		.text = c->source.body, .path = c->l->path, .line = c->source.body_line,
		.type = SPAN("text/plain"), .params = SPAN(""),
	};
	struct span value, boundary = { NULL, 0 };
	const struct letter_header *h = c->type;

	if (h) {
		if (letter_fixed_value(c, h, &value) < 0)
			return -1;
		/* an empty one says nothing: it is text */
		if (value.n > 0 && letter_read_type(c, value, h->line, h->column, &own, &boundary) < 0)
			return -1;
		if (own.type.n == 0)
			return 0;
	}
	if (span_case_begins(own.type, SPAN("multipart/"))) {
		if (c->text || c->html)
			body_unused(c, "it is written in parts, and Text-Body or Html-Body is given too");
		return letter_compile_multipart(c, span_skip(own.type, 10), boundary, own.text, own.line);
	}
	if (!span_case_eq(own.type, SPAN("text/plain")) && !span_case_eq(own.type, SPAN("text/html")) &&
	    !is_markdown(own.type)) {
		letter_mistake(c, "content type", h ? h->line : 1, h ? h->column : 1,
			       "text/plain, text/html, text/markdown or multipart/...", "a letter of type '%.*s' is not one this version can write", SPAN_ARG(own.type));
		return 0;
	}
	return compile_bodies(c, &own);
}

int letter_compile_parts(struct letter_compile *c)
{
	struct letter *l = c->l;

	if (compile_own(c) < 0 || compile_calendar(c) < 0 || read_multipart(c) < 0 || letter_find_images(c) < 0 ||
	    letter_compile_files(c) < 0)
		return -1;
	for (uint32_t i = 0; i < l->n_bodies; i++) {
		struct letter_body *b = l->bodies[i];

		if (b->text.program && letter_body_prepare(b, (struct letter_files){ l->files, l->n_files }, c->converter,
							    &l->memory, &c->misfit, c->e) < 0)
			return -1;
		if (b->form == FORM_PLAIN && b->text.program && !b->text.fixed && !l->opt.ways.max_output &&
		    !l->opt.ways.max_steps && letter_mould_make(&b->mould, b->text.program, &l->memory, c->e) < 0)
			return -1;
	}
	return 0;
}
