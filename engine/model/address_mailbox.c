/* address_mailbox.c - one mailbox (RFC 5322 3.4), as strict as safety wants and as mild as people
 * expect.
 *
 *     mailbox = [ words ] "<" local "@" domain ">" / local "@" domain
 *     words   = 1*( atom / quoted string )        white space and comments between them
 *     local   = the same, but touching            domain = atom / literal, touching
 *
 *  1. The path is written anew from (local, domain); no byte of the text reaches it unlooked at.
 *  2. White space and comments part words; they never glue two halves of a local part or domain.
 *  3. One mailbox has one '@' outside of quotes. The one exception people write daily,
 *     "a@b.c <a@b.c>", has to say the same address twice.
 *  4. No recursion, each byte looked at a fixed number of times, nothing copied but results.
 * Held by tests/unit/test_model_address*.c. */
#include "engine/model/address_mailbox.h"

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/model/address_parts.h"

enum {
	SHOWN_CHARS_MAX = 60 /* of an address, in a sentence about it */
};

/* ---- sentences ---- */

/* "'ann@@example.com' has two @ signs (character 5)" */
int mailbox_fail(struct mailbox_parser *p, size_t at, const char *words)
{
	struct span item = span_skip(p->text, p->item), shown;
	size_t column = utf8_length(span_sub(p->text, 0, at)) + 1;

	if (p->list) /* up to the next comma that is not before the mistake */
		item.n = at > p->item ? at - p->item + span_find(span_skip(item, at - p->item), ',')
				      : span_find(item, ',');
	item = span_trim(item);
	shown = span_sub(item, 0, utf8_index(item, SHOWN_CHARS_MAX));
	err_set(p->e, ERR_INPUT, "'%.*s%s' %s (character %zu)", SPAN_ARG(shown), shown.n < item.n ? "..." : "",
		words, column);
	if (p->e)
		p->e->column = column;
	return -1;
}

static int no_memory(struct mailbox_parser *p)
{
	return err_nomem(p->e, "an address");
}

/* ---- the door ---- */

/* What no address may have anywhere, as words; NULL when c is fine. */
static const char *forbidden(int32_t c)
{
	if (c < 0)
		return "has a byte that is not UTF-8";
	if (c == '\r' || c == '\n' || c == 0x2028 || c == 0x2029 || c == 0x85)
		return "has a line break";
	if ((c < 0x20 && c != '\t') || (c >= 0x7f && c < 0xa0))
		return "has a control character";
	return NULL;
}

static int check_text(struct mailbox_parser *p)
{
	struct span text = p->text;

	for (size_t i = 0; i < text.n;) {
		struct span rest = { text.p + i, text.n - i };
		const char *words;

		if (text.p[i] >= ' ' && text.p[i] < 0x7f) {
			i++;
			continue;
		}
		words = forbidden(utf8_take(&rest));
		if (words)
			return mailbox_fail(p, i, words);
		i = text.n - rest.n;
	}
	return 0;
}

int mailbox_open(struct mailbox_parser *p, struct span text, size_t from, bool list, struct arena *a,
		 struct err *e)
{
	*p = (struct mailbox_parser){ .text = text, .item = from, .list = list, .a = a, .e = e };
	address_lex_open(&p->lx, text);
	p->lx.at = from;
	return check_text(p) < 0 ? -1 : mailbox_next(p);
}

int mailbox_next(struct mailbox_parser *p)
{
	p->t = address_lex_next(&p->lx);
	return p->t.kind == ADDRESS_WRONG ? mailbox_fail(p, p->lx.wrong_at, p->lx.wrong) : 0;
}

/* ---- words ---- */

int mailbox_take_words(struct mailbox_parser *p, struct mailbox_words *w)
{
	*w = (struct mailbox_words){ .from = p->t.from, .to = p->t.from, .first = p->t.kind };
	while (p->t.kind == ADDRESS_ATOM || p->t.kind == ADDRESS_QUOTED || p->t.kind == ADDRESS_LITERAL) {
		if (w->n > 0 && p->t.apart && !w->gap)
			w->gap = p->t.from;
		if (p->t.kind == ADDRESS_LITERAL && !w->literal)
			w->literal = p->t.from + 1;
		w->to = p->t.to;
		w->n++;
		if (mailbox_next(p) < 0)
			return -1;
	}
	return 0;
}

/* Appends s to out[n..] without its backslashes; returns the new n. A tab is a space. */
static size_t unescape(struct span s, char *out, size_t n)
{
	while (s.n > 0) {
		char c = span_take(&s);

		if (c == '\\' && s.n > 0)
			c = span_take(&s);
		out[n++] = c == '\t' ? ' ' : c;
	}
	return n;
}

/* The words' text without quotes, comments and backslashes, one space where there was a gap. */
static int join_words(struct mailbox_parser *p, const struct mailbox_words *w, struct span *out)
{
	struct span from = span_sub(p->text, w->from, w->to - w->from);
	struct address_lexer lx;
	struct address_token t;
	size_t n = 0;
	char *s;

	if (w->n == 1 && w->first == ADDRESS_ATOM) { /* nothing to take away */
		int ok;

		*out = arena_copy(p->a, from, &ok);
		return ok ? 0 : no_memory(p);
	}
	s = arena_take(p->a, from.n);
	if (!s)
		return no_memory(p);
	address_lex_open(&lx, from);
	for (t = address_lex_next(&lx); t.kind != ADDRESS_END; t = address_lex_next(&lx)) {
		struct span word = span_sub(from, t.from, t.to - t.from);

		if (t.apart && t.from > 0)
			s[n++] = ' ';
		if (t.kind == ADDRESS_QUOTED)
			word = span_sub(word, 1, word.n - 2);
		n = unescape(word, s, n);
	}
	*out = span_of(s, n);
	return 0;
}

int mailbox_name(struct mailbox_parser *p, const struct mailbox_words *w, struct span *out)
{
	if (join_words(p, w, out) < 0)
		return -1;
	*out = span_trim(*out); /* a quoted name may have spaces at its ends */
	return 0;
}

/* ---- local@domain ---- */

static int missing_at(struct mailbox_parser *p, const struct mailbox_words *w)
{
	struct span s = span_sub(p->text, w->from, w->to - w->from);
	size_t wide = span_search(s, SPAN("\xef\xbc\xa0"));

	if (wide < s.n)
		return mailbox_fail(p, w->from + wide, "has a full-width @ (U+FF20); write a plain one");
	mailbox_fail(p, w->from, "has no @ sign");
	if (p->list && mailbox_on(p, ','))
		err_hint(p->e, "a name with a comma in it stands in quotes: \"Lee, Ann\" <ann@example.com>");
	return -1;
}

static int fail_fault(struct mailbox_parser *p, size_t at, int rc, const struct address_fault *fault)
{
	return rc == -2 ? no_memory(p) : mailbox_fail(p, at + fault->at, fault->words);
}

static int parse_local(struct mailbox_parser *p, const struct mailbox_words *w, struct address *out)
{
	struct span text = span_sub(p->text, w->from, w->to - w->from);
	struct address_fault fault;

	if (w->n == 0)
		return mailbox_fail(p, p->t.from, "has nothing before the @");
	if (w->gap) {
		mailbox_fail(p, w->gap, "has a space or a comment inside of the part before the @");
		return err_hint(p->e, "an address behind a name stands in angle brackets: Ann Lee <ann@example.com>");
	}
	if (w->literal)
		return mailbox_fail(p, w->literal - 1, "has brackets before the @");
	if (address_local_check(text, &out->utf8, &fault) < 0)
		return fail_fault(p, w->from, -1, &fault);
	if (join_words(p, w, &out->local) < 0)
		return -1;
	return out->local.n == 0 ? mailbox_fail(p, w->from, "has nothing before the @") : 0;
}

static int parse_domain(struct mailbox_parser *p, struct span *out)
{
	struct span text = span_sub(p->text, p->t.from, p->t.to - p->t.from);
	struct address_fault fault = { NULL, 0 };
	int rc;

	if (mailbox_on(p, '@'))
		return mailbox_fail(p, p->t.from, "has two @ signs");
	if (p->t.kind == ADDRESS_ATOM)
		rc = address_domain(text, p->a, out, &fault);
	else if (p->t.kind == ADDRESS_LITERAL)
		rc = address_literal(text, p->a, out, &fault);
	else
		return mailbox_fail(p, p->t.from, p->t.kind == ADDRESS_QUOTED ? "has a quote in the domain"
									      : "has nothing after the @");
	return rc < 0 ? fail_fault(p, p->t.from, rc, &fault) : 0;
}

/* The words before the '@' that p->t stands on are the local part; ends on the token behind the
 * domain. */
static int parse_addr_spec(struct mailbox_parser *p, const struct mailbox_words *w, struct address *out)
{
	struct address_fault fault;
	int rc;

	if (parse_local(p, w, out) < 0 || mailbox_next(p) < 0 || parse_domain(p, &out->domain) < 0)
		return -1;
	p->lx.comment.n = 0; /* only a comment behind the address can be a name */
	if (mailbox_next(p) < 0)
		return -1;
	if (mailbox_on(p, '@'))
		return mailbox_fail(p, p->t.from, "has two @ signs");
	if (p->t.kind == ADDRESS_ATOM || p->t.kind == ADDRESS_QUOTED || p->t.kind == ADDRESS_LITERAL)
		return mailbox_fail(p, p->t.from, "goes on behind the domain");
	rc = address_path(out->local, out->domain, p->a, &out->path, &fault);
	return rc < 0 ? fail_fault(p, w->from, rc, &fault) : 0;
}

/* p->t stands on '<'; ends on the token behind '>'. */
static int parse_angle(struct mailbox_parser *p, struct address *out)
{
	struct mailbox_words w;

	if (mailbox_next(p) < 0)
		return -1;
	if (mailbox_on(p, '>'))
		return mailbox_fail(p, p->t.from, "has nothing between < and >");
	if (mailbox_on(p, '@'))
		return mailbox_fail(p, p->t.from, "has a route or nothing before the @");
	if (mailbox_take_words(p, &w) < 0)
		return -1;
	if (mailbox_on(p, ':') && span_case_eq(span_sub(p->text, w.from, w.to - w.from), SPAN("mailto")) &&
	    (mailbox_next(p) < 0 || mailbox_take_words(p, &w) < 0))
		return -1;
	if (!mailbox_on(p, '@'))
		return p->t.kind == ADDRESS_END || mailbox_on(p, '>')
			       ? missing_at(p, &w)
			       : mailbox_fail(p, p->t.from, "has a character that has no place between < and >");
	if (parse_addr_spec(p, &w, out) < 0)
		return -1;
	if (!mailbox_on(p, '>'))
		return mailbox_fail(p, p->t.from, p->t.kind == ADDRESS_END ? "has a '<' without a '>'"
								      : "goes on behind the domain");
	p->lx.comment.n = 0;
	if (mailbox_next(p) < 0)
		return -1;
	if (p->t.kind == ADDRESS_END || mailbox_on(p, ',') || mailbox_on(p, ';'))
		return 0;
	return mailbox_fail(p, p->t.from, "goes on behind the '>'");
}

/* An old way to write the name: ann@example.com (Ann Lee). */
static int name_from_comment(struct mailbox_parser *p, struct address *out)
{
	struct span c = p->lx.comment;
	char *s;

	if (c.n == 0)
		return 0;
	s = arena_take(p->a, c.n);
	if (!s)
		return no_memory(p);
	out->name = span_trim(span_of(s, unescape(c, s, 0)));
	return 0;
}

/* "a@b.c <a@b.c>": p->t stands on '<', words and out hold the first one (3). */
static int parse_twice(struct mailbox_parser *p, const struct mailbox_words *w, struct address *out)
{
	struct address again = { .group = out->group };
	size_t at = w->from;

	if (parse_angle(p, &again) < 0)
		return -1;
	if (!address_same(out, &again)) {
		mailbox_fail(p, at, "has an @ in the name and another address in < >");
		return err_hint(p->e, "a name with an @ in it stands in quotes");
	}
	again.name = out->path;
	*out = again;
	return 0;
}

/* Words were taken and p->t is no ':'; ends on END, ',' or ';'. */
int mailbox_parse(struct mailbox_parser *p, const struct mailbox_words *w, struct address *out)
{
	if (mailbox_on(p, '<')) {
		if ((w->n > 0 && mailbox_name(p, w, &out->name) < 0) || parse_angle(p, out) < 0)
			return -1;
	} else if (mailbox_on(p, '@')) {
		if (parse_addr_spec(p, w, out) < 0)
			return -1;
		if (mailbox_on(p, '<'))
			return parse_twice(p, w, out);
	} else if (mailbox_on(p, '>')) {
		return mailbox_fail(p, p->t.from, "has a '>' without a '<'");
	} else {
		return missing_at(p, w);
	}
	if (mailbox_on(p, '>'))
		return mailbox_fail(p, p->t.from, "has a '>' without a '<'");
	if (mailbox_on(p, ':'))
		return mailbox_fail(p, p->t.from, "has a ':' behind the domain");
	return out->name.n == 0 ? name_from_comment(p, out) : 0;
}

