/* letter_markdown.c - the door to md4c: its events become HTML.
 *
 *  1. Text is escaped; only what the letter's own Markdown or HTML says is markup.
 *  2. A character that the template language escaped for Markdown ("&#x00002A;") is itself again,
 *     also in code, where Markdown knows no entities.
 *  3. Links go to http, https, mailto, tel, cid, or within the mail; others lose their address.
 *  4. md4c 0.4.8 looks at the octet behind a text that ends within "[a](b", and takes a ')' there for its own:
 *     there is always a NUL.
 * md4c allocates for each text. Held by tests/unit/test_letter_markdown.c. */
#include "templates/letter/letter_markdown.h"

#include <md4c.h>
#include <stdbool.h>
#include <stdio.h>

#include "engine/base/err.h"
#include "templates/mime/mime_out.h"

struct maker {
	struct mime_out out;
	unsigned images; /* an image's text is its alt: markup in it is left out */
	bool failed;
};

static void add(struct maker *m, struct span s)
{
	m->failed = mime_out_copy(&m->out, s) < 0 || m->failed;
}

static void add_str(struct maker *m, const char *s)
{
	add(m, span_str(s));
}

/* ---- text ---- */

static void escape(struct maker *m, struct span s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *as = s.p[i] == '&' ? "&amp;" : s.p[i] == '<' ? "&lt;" : s.p[i] == '>' ? "&gt;"
				 : s.p[i] == '"' ? "&quot;" : NULL;

		if (!as)
			continue;
		add(m, span_sub(s, from, i - from));
		add_str(m, as);
		from = i + 1;
	}
	add(m, span_skip(s, from));
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The character that the template language wrote as "&#x0000XX;" at the begin of s, or 0. */
static char unescaped(struct span s)
{
	int high, low;

	if (s.n < 10 || !span_begins(s, SPAN("&#x0000")) || s.p[9] != ';')
		return 0;
	high = hex(s.p[7]);
	low = hex(s.p[8]);
	return high < 0 || low < 0 || high > 7 ? 0 : (char)(high * 16 + low);
}

static void add_code(struct maker *m, struct span s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i] == '&' ? unescaped(span_skip(s, i)) : 0;

		if (!c)
			continue;
		escape(m, span_sub(s, from, i - from));
		escape(m, span_of(&c, 1));
		from = i + 10;
		i = from - 1;
	}
	escape(m, span_skip(s, from));
}

static void add_entity(struct maker *m, struct span s)
{
	char c = unescaped(s);

	if (c)
		escape(m, span_of(&c, 1));
	else
		add(m, s);
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *ctx)
{
	struct maker *m = ctx;
	struct span s = span_of(text, size);

	switch (type) {
	case MD_TEXT_NULLCHAR:
		add_str(m, "\xef\xbf\xbd");
		break;
	case MD_TEXT_BR:
	case MD_TEXT_SOFTBR:
		add_str(m, m->images ? " " : "<br>\n");
		break;
	case MD_TEXT_ENTITY:
		add_entity(m, s);
		break;
	case MD_TEXT_CODE:
		add_code(m, s);
		break;
	case MD_TEXT_HTML:
		add(m, s);
		break;
	default:
		escape(m, s);
	}
	return m->failed;
}

static void add_attribute(struct maker *m, const MD_ATTRIBUTE *a)
{
	for (unsigned i = 0; a->text && a->substr_offsets[i] < a->size; i++) {
		MD_OFFSET from = a->substr_offsets[i], to = a->substr_offsets[i + 1];

		on_text(a->substr_types[i], a->text + from, to - from, m);
	}
}

/* ---- links ---- */

/* What the address of a link begins with, entities undone as far as they are ours. */
static bool is_good_link(const MD_ATTRIBUTE *a)
{
	static const char *const schemes[] = { "http:", "https:", "mailto:", "tel:", "cid:" };
	char begin[32];
	size_t n = 0;

	for (size_t i = 0; i < a->size && n < sizeof begin; i++) {
		char c = a->text[i] == '&' ? unescaped(span_of(a->text + i, a->size - i)) : 0;

		if (a->text[i] == '&' && !c)
			return false; /* an entity where a scheme may stand */
		i += c ? 9 : 0;
		c = c ? c : a->text[i];
		if (c == '/' || c == '?' || c == '#')
			return true; /* no scheme */
		begin[n++] = c;
		if (c == ':')
			break;
	}
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		if (span_case_eq(span_of(begin, n), span_str(schemes[i])))
			return true;
	}
	return n == 0 || (n < sizeof begin && begin[n - 1] != ':');
}

static void add_link(struct maker *m, const char *begin, const MD_ATTRIBUTE *to)
{
	add_str(m, begin);
	if (is_good_link(to))
		add_attribute(m, to);
	add_str(m, "\"");
}

static void add_title(struct maker *m, const MD_ATTRIBUTE *title)
{
	if (!title->text)
		return;
	add_str(m, " title=\"");
	add_attribute(m, title);
	add_str(m, "\"");
}

/* ---- spans ---- */

static const char *span_tag(MD_SPANTYPE type)
{
	switch (type) {
	case MD_SPAN_EM:
		return "em";
	case MD_SPAN_STRONG:
		return "strong";
	case MD_SPAN_CODE:
		return "code";
	case MD_SPAN_DEL:
		return "del";
	default:
		return "span";
	}
}

static void tag(struct maker *m, const char *before, const char *name, const char *after)
{
	add_str(m, before);
	add_str(m, name);
	add_str(m, after);
}

static int on_enter_span(MD_SPANTYPE type, void *detail, void *ctx)
{
	struct maker *m = ctx;

	if (type == MD_SPAN_IMG && m->images++ == 0) {
		add_link(m, "<img src=\"", &((MD_SPAN_IMG_DETAIL *)detail)->src);
		add_str(m, " alt=\"");
	} else if (m->images > 0) {
		return m->failed;
	} else if (type == MD_SPAN_A) {
		add_link(m, "<a href=\"", &((MD_SPAN_A_DETAIL *)detail)->href);
		add_title(m, &((MD_SPAN_A_DETAIL *)detail)->title);
		add_str(m, ">");
	} else {
		tag(m, "<", span_tag(type), ">");
	}
	return m->failed;
}

static int on_leave_span(MD_SPANTYPE type, void *detail, void *ctx)
{
	struct maker *m = ctx;

	if (type == MD_SPAN_IMG) {
		if (--m->images > 0)
			return m->failed;
		add_str(m, "\"");
		add_title(m, &((MD_SPAN_IMG_DETAIL *)detail)->title);
		add_str(m, ">");
	} else if (m->images == 0) {
		tag(m, "</", type == MD_SPAN_A ? "a" : span_tag(type), ">");
	}
	return m->failed;
}

/* ---- blocks ---- */

static const char *block_tag(MD_BLOCKTYPE type, const void *detail)
{
	static const char *const headings[] = { "h1", "h2", "h3", "h4", "h5", "h6" };

	switch (type) {
	case MD_BLOCK_QUOTE:
		return "blockquote";
	case MD_BLOCK_UL:
		return "ul";
	case MD_BLOCK_OL:
		return "ol";
	case MD_BLOCK_LI:
		return "li";
	case MD_BLOCK_H:
		return headings[(((const MD_BLOCK_H_DETAIL *)detail)->level - 1) % 6];
	case MD_BLOCK_CODE:
		return "pre";
	case MD_BLOCK_P:
		return "p";
	case MD_BLOCK_TABLE:
		return "table";
	case MD_BLOCK_THEAD:
		return "thead";
	case MD_BLOCK_TBODY:
		return "tbody";
	case MD_BLOCK_TR:
		return "tr";
	case MD_BLOCK_TH:
		return "th";
	case MD_BLOCK_TD:
		return "td";
	default:
		return NULL; /* the whole, a rule, HTML */
	}
}

static void add_alignment(struct maker *m, const MD_BLOCK_TD_DETAIL *d)
{
	static const char *const words[] = { NULL, "left", "center", "right" };

	if (d->align > MD_ALIGN_DEFAULT && d->align <= MD_ALIGN_RIGHT)
		tag(m, " align=\"", words[d->align], "\"");
}

static void add_inside(struct maker *m, MD_BLOCKTYPE type, const void *detail)
{
	if (type == MD_BLOCK_CODE)
		add_str(m, "<code>");
	else if (type == MD_BLOCK_LI && ((const MD_BLOCK_LI_DETAIL *)detail)->is_task)
		add_str(m, ((const MD_BLOCK_LI_DETAIL *)detail)->task_mark == ' ' ? "\xe2\x98\x90 " : "\xe2\x98\x91 ");
	else if (type == MD_BLOCK_UL || type == MD_BLOCK_OL || type == MD_BLOCK_TABLE || type == MD_BLOCK_TR ||
		 type == MD_BLOCK_QUOTE || type == MD_BLOCK_THEAD || type == MD_BLOCK_TBODY)
		add_str(m, "\n");
}

static int on_enter_block(MD_BLOCKTYPE type, void *detail, void *ctx)
{
	struct maker *m = ctx;
	const char *name = block_tag(type, detail);
	char start[32] = "";

	if (type == MD_BLOCK_HR)
		add_str(m, "<hr>\n");
	if (!name)
		return m->failed;
	tag(m, "<", name, "");
	if (type == MD_BLOCK_OL && ((MD_BLOCK_OL_DETAIL *)detail)->start != 1)
		snprintf(start, sizeof start, " start=\"%u\"", ((MD_BLOCK_OL_DETAIL *)detail)->start);
	add_str(m, start);
	if (type == MD_BLOCK_TH || type == MD_BLOCK_TD)
		add_alignment(m, detail);
	add_str(m, ">");
	add_inside(m, type, detail);
	return m->failed;
}

static int on_leave_block(MD_BLOCKTYPE type, void *detail, void *ctx)
{
	struct maker *m = ctx;
	const char *name = block_tag(type, detail);

	if (name)
		tag(m, type == MD_BLOCK_CODE ? "</code></" : "</", name, ">\n");
	return m->failed;
}

int letter_markdown(struct span text, struct arena *a, struct span *html, struct err *e)
{
	static const MD_PARSER parser = {
		.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_PERMISSIVEAUTOLINKS,
		.enter_block = on_enter_block, .leave_block = on_leave_block,
		.enter_span = on_enter_span, .leave_span = on_leave_span, .text = on_text,
	};
	struct maker m = { 0 };
	const char *ended;

	if (text.n > UINT32_MAX / 2)
		return err_set(e, ERR_INPUT, "a Markdown text of more than 2 GiB");
	mime_out_init(&m.out, a);
	ended = arena_str(a, text); /* (4) */
	if (!ended || md_parse(ended, (MD_SIZE)text.n, &parser, &m) != 0)
		return err_nomem(e, "a Markdown text");
	*html = mime_out_flat(&m.out, a);
	return html->p ? 0 : err_nomem(e, "a Markdown text");
}
