/* letter_bulk.c - what a letter to many must have: "Bulk: yes", "Bulk: News <news.example.com>" or
 * the option.
 *
 * Fields that follow from the letter are added (RFC 2919, 8058, 3834; Feedback-ID in the form of
 * four fields that feedback loops read); where to unsubscribe only the author knows. What large
 * receivers hold against bulk mail is a warning. Held by tests/unit/test_letter_bulk.c. */
#include "templates/letter/letter_compile.h"

#include <stdio.h>

#include "templates/mime/mime_out.h"

enum { SENDER_ID_MIN = 5, SENDER_ID_MAX = 15, CAMPAIGN_ID = 10 };

/* ---- looking into the letter ---- */

static const struct letter_field *find(const struct letter_compile *c, const char *name)
{
	for (uint32_t i = 0; i < c->l->n_fields; i++) {
		if (span_case_eq(c->l->fields[i]->name, span_str(name)))
			return c->l->fields[i];
	}
	return NULL;
}

static size_t search_without_case(struct span s, struct span what)
{
	for (size_t i = 0; i + what.n <= s.n; i++) {
		if (span_case_begins(span_skip(s, i), what))
			return i;
	}
	return s.n;
}

/* Does the letter's own text of t have what? */
static bool says(const struct letter_text *t, struct span what)
{
	for (uint32_t i = 0; t->program && i < liquid_n_pieces(t->program); i++) {
		struct span piece = t->pieces ? t->pieces[i] : liquid_piece(t->program, i);

		if (search_without_case(piece, what) < piece.n)
			return true;
	}
	return false;
}

/* A column alone may bring what it likes. */
static bool may_say(const struct letter_field *f, const char *what)
{
	const struct letter_text *t = &f->texts[0];
	struct span first = t->pieces && liquid_n_pieces(t->program) > 0 ? span_trim(t->pieces[0]) : SPAN("");

	return says(t, span_str(what)) || (!t->fixed && (first.n == 0 || span_eq(first, SPAN("<"))));
}

static void warn_at(struct letter_compile *c, const struct letter_field *f, const char *hint, const char *text)
{
	const struct letter_text *t = &f->texts[0];

	letter_warning(c, "bulk mail", t->path, t->line, t->column, hint, "%s", text);
}

/* ---- fields ---- */

static int add_made(struct letter_compile *c, const char *name, struct mime_out *o)
{
	struct span source = mime_out_flat(o, &c->l->memory);

	if (!source.p)
		return err_nomem(c->e, "the letter");
	return letter_add_header(c, name, source);
}

/* List-Id: the author's, or one beneath the sender's domain (RFC 2919 2). */
static int add_list_id(struct letter_compile *c, struct span given)
{
	struct mime_out o;

	mime_out_init(&o, &c->l->memory);
	if (find(c, "List-Id"))
		return 0;
	if (given.n > 0) {
		if (span_find(given, '<') < given.n)
			return letter_add_header(c, "List-Id", given);
		if (mime_out_copy(&o, SPAN("<")) < 0 || mime_out_copy(&o, given) < 0 || mime_out_copy(&o, SPAN(">")) < 0)
			return err_nomem(c->e, "the letter");
		return add_made(c, "List-Id", &o);
	}
	if (c->l->from_domain.n == 0 || c->l->from_domain.p[0] == '[') {
		letter_mistake(c, "bulk mail", 0, 0, "add a line like 'List-Id: Our news <news.example.com>'",
			       "the letter has no 'List-Id:', and its 'From:' does not tell a domain for one");
		return 0;
	}
	if (mime_out_copy(&o, SPAN("<bulk.")) < 0 || mime_out_copy(&o, c->l->from_domain) < 0 ||
	    mime_out_copy(&o, SPAN(">")) < 0)
		return err_nomem(c->e, "the letter");
	return add_made(c, "List-Id", &o);
}

static int add_unsubscribe(struct letter_compile *c)
{
	const struct letter_field *u = find(c, "List-Unsubscribe"), *post = find(c, "List-Unsubscribe-Post");

	if (!u) {
		letter_mistake(c, "bulk mail", 0, 0,
			       "add: List-Unsubscribe: <https://example.com/leave?{{ code }}>, <mailto:leave@example.com>",
			       "a letter to many wants a 'List-Unsubscribe:'");
		return 0;
	}
	if (!may_say(u, "mailto:"))
		warn_at(c, u, "add one: <https://...>, <mailto:...>", "'List-Unsubscribe:' has no mailto: address");
	if (may_say(u, "https:"))
		return post ? 0 : letter_add_header(c, "List-Unsubscribe-Post", SPAN("List-Unsubscribe=One-Click"));
	if (post)
		letter_mistake(c, "bulk mail", post->texts[0].line, post->texts[0].column,
			       "add <https://...> to 'List-Unsubscribe:'",
			       "'List-Unsubscribe-Post:' wants an https: address in 'List-Unsubscribe:' (RFC 8058)");
	else
		warn_at(c, u, "large receivers want one, for a single click (RFC 8058)",
			"'List-Unsubscribe:' has no https: address");
	return 0;
}

/* "campaign:list:type:sender": the last names the sender, 5 to 15 characters. */
static int add_feedback_id(struct letter_compile *c)
{
	const struct letter_field *f = find(c, "Feedback-ID");
	char id[MIME_ID_SIZE], sender[SENDER_ID_MAX + 1], text[128];
	struct span domain = c->l->from_domain;
	unsigned colons = 0;
	size_t n = 0;

	if (f) {
		struct span v = f->texts[0].value;

		for (size_t i = 0; i < v.n; i++)
			colons += v.p[i] == ':';
		if (f->texts[0].fixed && colons != 3)
			warn_at(c, f, "campaign:customer:type:sender", "'Feedback-ID:' has not the form of four fields");
		return 0;
	}
	for (; n < domain.n && n < SENDER_ID_MAX; n++)
		sender[n] = domain.p[n] == '.' ? '-' : domain.p[n];
	while (n > 0 && n < SENDER_ID_MIN)
		sender[n++] = '0';
	if (n == 0)
		return 0;
	mime_id(&c->l->seed, SPAN("campaign"), 0, id);
	snprintf(text, sizeof text, "%.*s::bulk:%.*s", CAMPAIGN_ID, id, (int)n, sender);
	domain = span_of(arena_str(&c->l->memory, span_str(text)), strlen(text));
	return domain.p ? letter_add_header(c, "Feedback-ID", domain) : err_nomem(c->e, "the letter");
}

static int add_rest(struct letter_compile *c)
{
	const struct letter_field *path = c->l->role[ROLE_RETURN_PATH];

	if (!find(c, "Precedence") && letter_add_header(c, "Precedence", SPAN("bulk")) < 0)
		return -1;
	/* Where nobody hears of failures, nobody wrote: RFC 3834 5. */
	if (path && path->null_path && !find(c, "Auto-Submitted"))
		return letter_add_header(c, "Auto-Submitted", SPAN("auto-generated"));
	return 0;
}

/* ---- what receivers dislike ---- */

static void check_subject(struct letter_compile *c)
{
	static const char *const replies[] = { "Re:", "Fwd:", "Fw:", "Aw:", "Wg:", "Antw:", "Tr:", "Sv:" };
	const struct letter_field *f = find(c, "Subject");
	struct span begin = SPAN("");

	if (!f) {
		letter_warning(c, "bulk mail", c->l->path, 0, 0, NULL, "the letter has no 'Subject:'");
		return;
	}
	if (f->texts[0].fixed)
		begin = f->texts[0].value;
	else if (f->texts[0].program && liquid_n_pieces(f->texts[0].program) > 0)
		begin = f->texts[0].pieces[0];
	for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
		if (span_case_begins(begin, span_str(replies[i])))
			warn_at(c, f, "receivers take it for a forged answer", "the 'Subject:' begins like a reply");
	}
}

void letter_check_bulk(struct letter_compile *c)
{
	static const char *const words[] = { "unsubscribe", "opt-out", "opt out", "preferences", "abmelden", "abbestellen",
					     "austragen", "sabonner", "darse de baja", "cancelar", "disiscri",
					     "afmelden", "descadastrar", "отпис", "退订", "配信停止", "수신거부" };
	const struct letter *l = c->l;

	if (!l->bulk)
		return;
	for (uint32_t i = 0; i < l->n_bodies; i++) {
		for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
			if (says(&l->bodies[i]->text, span_str(words[k])))
				return;
		}
	}
	letter_warning(c, "bulk mail", l->path, c->source.body_line, 1, "large receivers want one that can be seen",
		       "no link to unsubscribe was recognised in the text");
}

/* ---- is it bulk? ---- */

/* 0; -1. *given gets the List-Id that the header tells. */
static int read_control(struct letter_compile *c, struct span *given)
{
	struct span value;

	*given = SPAN("");
	if (!c->bulk)
		return 0;
	if (letter_fixed_value(c, c->bulk, &value) < 0)
		return -1;
	if (span_case_eq(value, SPAN("no"))) {
		c->l->bulk = false;
		return 0;
	}
	c->l->bulk = true;
	if (!span_case_eq(value, SPAN("yes")))
		*given = value;
	return 0;
}

int letter_add_bulk(struct letter_compile *c)
{
	const struct letter_field *from = c->l->role[ROLE_FROM];
	struct span given;

	c->l->bulk = c->l->opt.ways.bulk;
	if (read_control(c, &given) < 0)
		return -1;
	if (!c->l->bulk)
		return 0;
	if (add_list_id(c, given) < 0 || add_unsubscribe(c) < 0 || add_feedback_id(c) < 0 || add_rest(c) < 0)
		return -1;
	if (from && from->fixed && from->list.n > 1)
		warn_at(c, from, NULL, "receivers refuse bulk mail with more than one 'From:' address");
	check_subject(c);
	return 0;
}
