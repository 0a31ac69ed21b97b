/* letter_compile_fields.c - header lines become fields; what the letter leaves out is added.
 *
 * Fields without holes are rendered and encoded here, once, by the same code that renders the
 * others for each mail. */
#include "templates/letter/letter_compile.h"

#include <stdio.h>

#include "engine/base/utf8.h"
#include "engine/model/finding.h"
#include "templates/mime/mime_header.h"
#include "templates/mime/mime_out.h"

enum { ORDER_MIME = 100, COLUMN_SHOWN = 60 };

static const struct span no_domain = { "mail.invalid", 12 }; /* RFC 2606: when From is all data */

int letter_push_field(struct letter_compile *c, struct letter_field *f)
{
	struct letter *l = c->l;
	struct letter_field **all = l->fields;

	if (l->n_fields == c->cap_fields) {
		uint32_t cap = c->cap_fields ? c->cap_fields * 2 : 16;

		all = arena_grow(&l->memory, l->fields, c->cap_fields * sizeof(struct letter_field *), cap * sizeof(struct letter_field *));
		if (!all)
			return -1;
		l->fields = all;
		c->cap_fields = cap;
	}
	all[l->n_fields++] = f;
	return 0;
}

static struct letter_field *new_field(struct letter_compile *c, const struct letter_known *known, struct span name)
{
	struct letter *l = c->l;
	struct letter_field *f = arena_zero(&l->memory, sizeof *f);

	if (!f)
		return NULL;
	*f = (struct letter_field){
		.name = known->name ? span_str(known->name) : name, .kind = known->kind, .role = known->role,
		.order = known->order, .control = known->role == ROLE_BCC || known->role == ROLE_RETURN_PATH,
	};
	if (f->role != ROLE_NONE)
		l->role[f->role] = f;
	return f->control || letter_push_field(c, f) == 0 ? f : NULL;
}

static struct letter_text *add_text(struct letter_compile *c, struct letter_field *f)
{
	struct letter_text *texts = arena_grow(&c->l->memory, f->texts, f->n_texts * sizeof *texts,
					       (f->n_texts + 1) * sizeof *texts);

	if (!texts)
		return NULL;
	f->texts = texts;
	texts[f->n_texts] = (struct letter_text){ 0 };
	return &texts[f->n_texts++];
}

/* The column of "{{ email }}" or "{{ name }} <{{ email }}>", where nothing else can change what stands there; -1. */
static int last_hole(const struct columns *columns, struct span text)
{
	size_t open;

	text = span_trim(text);
	if (span_ends(text, SPAN(">")))
		text.n--;
	if (!columns || !span_ends(text, SPAN("}}")) || span_search(text, SPAN("{%")) < text.n)
		return -1;
	text.n -= 2;
	for (open = text.n; open >= 2 && !(text.p[open - 1] == '{' && text.p[open - 2] == '{'); open--)
		;
	return open < 2 ? -1 : columns_find(columns, span_trim(span_skip(text, open)));
}

static int add_field(struct letter_compile *c, const struct letter_known *known, const struct letter_header *h)
{
	struct letter_field *f = known->many && known->role != ROLE_NONE ? c->l->role[known->role] : NULL;
	struct letter_text *t;

	if (!f)
		f = new_field(c, known, h->name);
	t = f ? add_text(c, f) : NULL;
	if (!t)
		return err_nomem(c->e, "the letter");
	if (known->role == ROLE_TO)
		c->l->domain_column = last_hole(c->l->opt.columns, h->value);
	return letter_compile_text(c, t, h->value, c->l->path, h->line, h->column, f->name);
}

/* ---- control headers ---- */

static void note_control(struct letter_compile *c, const struct letter_known *known, const struct letter_header *h)
{
	switch (known->control) {
	case CONTROL_TYPE:
		c->type = h;
		break;
	case CONTROL_HTML:
		c->html = h;
		break;
	case CONTROL_TEXT:
		c->no_text = span_case_eq(h->value, SPAN("none"));
		c->text = c->no_text ? NULL : h;
		break;
	case CONTROL_BULK:
		c->bulk = h;
		break;
	case CONTROL_CHARSET:
		c->charset = h;
		break;
	case CONTROL_CALENDAR:
		c->calendar = h;
		break;
	case CONTROL_MULTIPART:
		c->multipart = h;
		break;
	default:
		break; /* files: letter_compile_parts(); the composer decides encodings itself */
	}
}

static void check_single(struct letter_compile *c, const struct letter_known *known, uint32_t at)
{
	const struct letter_header *h = c->source.headers;

	for (uint32_t i = 0; i < at && !known->many; i++) {
		if (!span_case_eq(h[i].name, h[at].name))
			continue;
		letter_mistake(c, "header twice", h[at].name_line, 1, NULL,
			       "header '%.*s' may stand in a letter once; the first is in line %llu",
			       SPAN_ARG(h[at].name), (unsigned long long)h[i].name_line);
		return;
	}
}

static int read_headers(struct letter_compile *c)
{
	for (uint32_t i = 0; i < c->source.n_headers; i++) {
		const struct letter_header *h = &c->source.headers[i];
		const struct letter_known *known = letter_field_known(h->name);

		check_single(c, known, i);
		if (known->control != CONTROL_NONE)
			note_control(c, known, h);
		else if (add_field(c, known, h) < 0)
			return -1;
	}
	return 0;
}

/* ---- what is added ---- */

/* Makes t the value of the column called name. 1 when the list has no such column. */
static int column_text(struct letter_compile *c, struct letter_text *t, struct span name)
{
	const struct columns *columns = c->l->opt.columns;
	int index = columns ? columns_find(columns, name) : -1;

	*t = (struct letter_text){ .path = c->l->path, .name = name };
	t->index = index < 0 ? UINT32_MAX : (uint32_t)index;
	t->mailbox.address = (uint32_t)(index + 1);
	return index < 0 && !(columns && columns->open);
}

static int unknown_column(struct letter_compile *c, struct span name)
{
	const struct columns *columns = c->l->opt.columns;
	struct span near = columns ? columns_nearest(columns, name) : (struct span){ NULL, 0 };
	char hint[FINDING_HINT_MAX] = "";

	if (near.n > 0)
		snprintf(hint, sizeof hint, "did you mean '%.*s'?", (int)(near.n < 80 ? near.n : 80), near.p);
	else if (columns)
		columns_describe(columns, hint, sizeof hint);
	letter_mistake(c, "unknown column", 0, 0, hint, "the list has no column '%.*s' for addresses",
		       SPAN_ARG(name));
	return 0;
}

static bool says_mail(struct span name)
{
	for (size_t at = 0; at < name.n; at++)
		if (span_case_begins(span_skip(name, at), SPAN("mail")))
			return true;
	return false;
}

/* No To, and no column 'email': perhaps one of another name. */
static void no_recipients(struct letter_compile *c)
{
	const struct columns *columns = c->l->opt.columns;
	char hint[FINDING_HINT_MAX] = "add a line 'To: {{ ... }}'; ";
	size_t n = strlen(hint);

	if (columns)
		columns_describe(columns, hint + n, sizeof hint - n);
	else
		snprintf(hint, sizeof hint, "add a line like 'To: {{ name }} <{{ address }}>'");
	for (uint32_t i = columns ? columns->n : 0; i > 0; i--)
		if (says_mail(columns->names[i - 1]))
			snprintf(hint, sizeof hint, "add a line 'To: {{ ... }}', or --address-column '%.*s' if that is the one",
				 SPAN_ARG(utf8_cut(columns->names[i - 1], COLUMN_SHOWN)));
	letter_mistake(c, "no recipients", 1, 1, hint, "the letter has no 'To:' and the list has no column 'email'");
}

/* A To from the address column where the letter has none; a check against it where it has. */
static int complete_to(struct letter_compile *c)
{
	struct letter *l = c->l;
	struct span name = span_str(l->opt.address_column ? l->opt.address_column : "email");
	struct letter_field *f;
	struct letter_text *t;

	if (l->role[ROLE_TO] && !l->opt.address_column)
		return 0;
	if (column_text(c, &l->address_column, name) != 0) {
		if (l->opt.address_column)
			return unknown_column(c, name);
		if (!l->role[ROLE_CC] && !l->role[ROLE_BCC])
			no_recipients(c);
		return 0;
	}
	l->check_column = l->role[ROLE_TO] != NULL;
	if (l->check_column)
		return 0;
	f = new_field(c, letter_field_known(SPAN("To")), name);
	t = f ? add_text(c, f) : NULL;
	if (!t)
		return err_nomem(c->e, "the letter");
	*t = l->address_column;
	l->domain_column = t->index == UINT32_MAX ? -1 : (int)t->index;
	return 0;
}

static int add_made(struct letter_compile *c, const char *name, enum letter_field_kind kind, const char *shown)
{
	struct letter_known known = *letter_field_known(span_str(name));
	struct letter_field *f;

	known.name = name;
	known.kind = kind;
	if (kind == FIELD_MIME)
		known.order = ORDER_MIME;
	f = new_field(c, &known, span_str(name));
	if (!f)
		return err_nomem(c->e, "the letter");
	f->shown = span_str(shown);
	return 0;
}

static bool has_field(const struct letter *l, const char *name)
{
	for (uint32_t i = 0; i < l->n_fields; i++) {
		if (span_case_eq(l->fields[i]->name, span_str(name)))
			return true;
	}
	return false;
}

static int add_missing(struct letter_compile *c)
{
	struct letter *l = c->l;

	if (!l->role[ROLE_FROM])
		letter_mistake(c, "no sender", 1, 1, "add a line like 'From: Ann Lee <ann@example.com>'",
			       "the letter has no 'From:'");
	if (complete_to(c) < 0)
		return -1;
	if (!has_field(l, "Date") && add_made(c, "Date", FIELD_DATE, "") < 0)
		return -1;
	l->own_message_id = has_field(l, "Message-ID");
	if (!l->own_message_id && add_made(c, "Message-ID", FIELD_MESSAGE_ID, "") < 0)
		return -1;
	return add_made(c, "MIME-Version", FIELD_MIME, "1.0");
}

static int add_envelope_from(struct letter_compile *c)
{
	static const struct letter_known known = {
		"--envelope-from", FIELD_ADDRESSES, ROLE_RETURN_PATH, CONTROL_NONE, false, 0
	};
	struct letter_field *f;
	struct letter_text *t;

	if (!c->l->opt.envelope_from)
		return 0;
	f = new_field(c, &known, SPAN("")); /* takes the place of a Return-Path */
	t = f ? add_text(c, f) : NULL;
	if (!t)
		return err_nomem(c->e, "the letter");
	return letter_compile_text(c, t, span_str(c->l->opt.envelope_from), "--envelope-from", 1, 1, f->name);
}

/* ---- fixed fields ---- */

static bool is_fixed(const struct letter_field *f)
{
	for (uint32_t i = 0; i < f->n_texts; i++) {
		if (!f->texts[i].fixed)
			return false;
	}
	return f->n_texts > 0;
}

/* The field once more, with words in the letter's charset. */
static int encode_other(struct letter_compile *c, struct letter_field *f, const struct letter_field_value *v)
{
	struct mime_out o;

	mime_out_init(&o, &c->l->memory);
	o.words = c->converter;
	if (letter_field_write(f, v, &o, c->e) < 0)
		return -1;
	c->misfit |= o.misfit;
	f->other_bytes = mime_out_flat(&o, &c->l->memory);
	return 0;
}

static int finish_fixed(struct letter_compile *c, struct letter_field *f)
{
	struct letter *l = c->l;
	struct letter_job job = { .l = l, .a = &l->memory };
	struct letter_field_value v;
	struct mime_out o;

	mime_out_init(&o, &l->memory);
	if (letter_field_render(f, &job, &v, c->e) < 0 || letter_field_write(f, &v, &o, c->e) < 0)
		return -1;
	f->bytes = f->other_bytes = mime_out_flat(&o, &l->memory);
	f->shown = letter_field_shown(&v, &l->memory);
	if (c->converter && f->bytes.p && encode_other(c, f, &v) < 0)
		return -1;
	if (!f->bytes.p || !f->other_bytes.p || !f->shown.p)
		return err_nomem(c->e, "the letter");
	if (v.list)
		f->list = *v.list;
	f->null_path = v.null_path;
	if (span_eq(f->name, SPAN("Message-ID")))
		l->fixed_message_id = v.text;
	l->needs |= job.needs;
	f->fixed = true;
	return 0;
}

static bool is_compiled(const struct letter_field *f)
{
	for (uint32_t i = 0; i < f->n_texts; i++) {
		if (!f->texts[i].program && !f->texts[i].name.p)
			return false;
	}
	return true;
}

static int finish_field(struct letter_compile *c, struct letter_field *f)
{
	struct err mistake = { 0 }, *outer = c->e;
	int rc;

	if (!is_compiled(f) || !is_fixed(f))
		return 0;
	c->e = &mistake;
	rc = finish_fixed(c, f);
	c->e = outer;
	if (rc == 0)
		return 0;
	if (mistake.kind != ERR_INPUT) {
		*outer = mistake;
		return -1;
	}
	finding_of_err(&c->watch.sink, f->kind == FIELD_ADDRESSES ? "bad address" : "bad header", &mistake);
	return 0;
}

int letter_add_header(struct letter_compile *c, const char *name, struct span source)
{
	struct letter_header h = { .name = span_str(name), .value = source };

	if (add_field(c, letter_field_known(h.name), &h) < 0)
		return -1;
	return finish_field(c, c->l->fields[c->l->n_fields - 1]);
}

/* By order, equal ones as they came. */
static void sort_fields(struct letter *l)
{
	for (uint32_t i = 1; i < l->n_fields; i++) {
		struct letter_field *f = l->fields[i];
		uint32_t k = i;

		for (; k > 0 && l->fields[k - 1]->order > f->order; k--)
			l->fields[k] = l->fields[k - 1];
		l->fields[k] = f;
	}
}

/* ---- the domain of Message-IDs ---- */

static bool is_domain_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
}

/* The domain behind an '@' of the letter's own text, when it ends there too. */
static struct span domain_in(struct span piece)
{
	size_t at = span_find(piece, '@'), end = at + 1;

	if (at == piece.n)
		return (struct span){ NULL, 0 };
	while (end < piece.n && is_domain_char(piece.p[end]))
		end++;
	if (end == piece.n || (piece.p[end] != '>' && piece.p[end] != ' ' && piece.p[end] != ','))
		return (struct span){ NULL, 0 };
	return span_sub(piece, at + 1, end - at - 1);
}

static struct span domain_of(const struct letter_field *f)
{
	struct span domain = { NULL, 0 };

	if (!f || !is_compiled(f))
		return domain;
	if (f->fixed)
		return f->list.n ? f->list.items[0].domain : domain;
	for (uint32_t i = 0; i < f->n_texts && domain.n == 0; i++) {
		const struct letter_text *t = &f->texts[i];

		for (uint32_t k = 0; t->program && k < liquid_n_pieces(t->program) && domain.n == 0; k++)
			domain = domain_in(t->pieces[k]);
	}
	return domain;
}

static void choose_domain(struct letter *l)
{
	static const enum letter_role from[] = { ROLE_FROM, ROLE_SENDER, ROLE_RETURN_PATH };

	l->from_domain = domain_of(l->role[ROLE_FROM]);
	for (size_t i = 0; i < sizeof from / sizeof from[0] && l->id_domain.n == 0; i++)
		l->id_domain = domain_of(l->role[from[i]]);
	if (l->id_domain.n == 0 || l->id_domain.p[0] == '[')
		l->id_domain = no_domain;
}

static void check_senders(struct letter_compile *c)
{
	const struct letter_field *from = c->l->role[ROLE_FROM];
	const struct letter_text *t;

	if (!from || !from->fixed)
		return;
	t = &from->texts[0];
	if (from->list.n == 0)
		letter_mistake(c, "no sender", t->line, t->column, NULL, "the 'From:' is empty");
	else if (from->list.n > 1 && !c->l->role[ROLE_SENDER])
		letter_mistake(c, "no sender", t->line, t->column, "add a 'Sender:' with one address",
			       "a 'From:' with several addresses wants a 'Sender:'");
}

int letter_compile_fields(struct letter_compile *c)
{
	struct letter *l = c->l;

	if (read_headers(c) < 0 || letter_choose_charset(c) < 0 || add_missing(c) < 0 || add_envelope_from(c) < 0)
		return -1;
	for (uint32_t i = 0; i < l->n_fields; i++) {
		if (finish_field(c, l->fields[i]) < 0)
			return -1;
	}
	if ((l->role[ROLE_BCC] && finish_field(c, l->role[ROLE_BCC]) < 0) ||
	    (l->role[ROLE_RETURN_PATH] && finish_field(c, l->role[ROLE_RETURN_PATH]) < 0))
		return -1;
	check_senders(c);
	choose_domain(l);
	if (letter_add_bulk(c) < 0)
		return -1;
	sort_fields(l);
	return 0;
}
