/* letter_multipart.c - a letter whose body is written in parts by hand.
 *
 * Each part keeps its own header lines. text/plain and text/html without an encoding of their own
 * are templates; every other part travels as it stands, so it must be 7-bit already. Boundaries
 * are made anew, for a boundary that somebody wrote may occur in a value. What stands before the
 * first and behind the last boundary is left out: it is for readers without MIME. */
#include "templates/letter/letter_structure.h"

#include "engine/base/utf8.h"
#include "templates/letter/letter_compile.h"
#include "templates/mime/mime_out.h"
#include "templates/mime/mime_text.h"

enum { DEPTH_MOST = 10 };

struct cutter {
	struct span rest;
	uint64_t line;       /* of the first byte of rest */
	struct span boundary;
};

enum line_kind { LINE_TEXT, LINE_DELIMITER, LINE_CLOSE };

static enum line_kind kind_of(struct span line, struct span boundary)
{
	struct span rest;

	if (!span_begins(line, SPAN("--")) || !span_begins(span_skip(line, 2), boundary))
		return LINE_TEXT;
	rest = span_trim(span_skip(line, 2 + boundary.n));
	if (rest.n == 0)
		return LINE_DELIMITER;
	return span_eq(rest, SPAN("--")) ? LINE_CLOSE : LINE_TEXT;
}

/* What stands before the next delimiter, without the line break that belongs to it. */
static enum line_kind cut_part(struct cutter *k, struct span *part, uint64_t *line)
{
	const char *from = k->rest.p;
	enum line_kind kind = LINE_TEXT;

	*line = k->line;
	*part = k->rest;
	while (k->rest.n > 0 && kind == LINE_TEXT) {
		kind = kind_of(span_sub(k->rest, 0, span_find(k->rest, '\n')), k->boundary);
		*part = span_of(from, (size_t)(k->rest.p - from));
		k->rest = span_skip(k->rest, span_find(k->rest, '\n') + 1);
		k->line++;
	}
	if (part->n > 0 && part->p[part->n - 1] == '\n')
		part->n--;
	return kind;
}

static struct letter_node *read_part(struct letter_compile *c, struct span text, uint64_t line, unsigned depth);

static struct letter_node *read_parts(struct letter_compile *c, struct span subtype, struct span boundary,
				      struct span body, uint64_t line, unsigned depth)
{
	struct cutter k = { body, line, boundary };
	struct letter_node *n = letter_node_new(c, NODE_MULTI);
	struct span part;
	enum line_kind kind;

	if (!n)
		return NULL;
	n->subtype = subtype;
	n->fields = SPAN("");
	if (boundary.n == 0 || depth > DEPTH_MOST) {
		letter_mistake(c, "parts", line, 1, NULL, depth > DEPTH_MOST ? "parts are nested too deep"
			       : "a multipart type needs boundary=...");
		return n;
	}
	kind = cut_part(&k, &part, &line); /* what stands before the first */
	while (kind == LINE_DELIMITER) {
		struct letter_node *child;

		kind = cut_part(&k, &part, &line);
		child = read_part(c, part, line, depth + 1);
		if (!child)
			return NULL;
		letter_node_append(n, child);
	}
	if (!n->first || kind != LINE_CLOSE)
		letter_mistake(c, "parts", k.line > 1 ? k.line - 1 : 1, 1,
			       "the last line of the parts is --BOUNDARY--", "the parts of boundary '%.*s' %s", SPAN_ARG(boundary),
			       n->first ? "are not closed" : "do not begin");
	return n;
}

/* The part's own header lines but those that the composer writes, as they stand. */
static int keep_fields(struct letter_compile *c, const struct letter_source *s, bool all, struct span *out)
{
	struct mime_out o;

	mime_out_init(&o, &c->l->memory);
	for (uint32_t i = 0; i < s->n_headers; i++) {
		const struct letter_header *h = &s->headers[i];
		struct span rest = h->value;

		if (!all && (span_case_eq(h->name, SPAN("Content-Type")) ||
			     span_case_eq(h->name, SPAN("Content-Transfer-Encoding"))))
			continue;
		if (!utf8_ascii(h->value) || span_search(h->value, SPAN("{{")) < h->value.n ||
		    span_search(h->value, SPAN("{%")) < h->value.n)
			letter_mistake(c, "parts", h->line, h->column, NULL,
				       "the header lines of a part are ASCII and take no values");
		if (mime_out_copy(&o, h->name) < 0 || mime_out_copy(&o, SPAN(": ")) < 0)
			return -1;
		while (rest.n > 0) {
			if (mime_out_copy(&o, span_cut(&rest, '\n')) < 0 || mime_out_copy(&o, SPAN("\r\n")) < 0)
				return -1;
		}
	}
	*out = mime_out_flat(&o, &c->l->memory);
	return out->p ? 0 : -1;
}

static struct span field_of(const struct letter_source *s, struct span name)
{
	for (uint32_t i = 0; i < s->n_headers; i++) {
		if (span_case_eq(s->headers[i].name, name))
			return s->headers[i].value;
	}
	return SPAN("");
}

/* Lines with CRLF; what is not 7-bit or too long is a mistake. */
static int raw_data(struct letter_compile *c, const struct letter_source *s, struct span *out)
{
	struct mime_out o;
	struct span rest = s->body;
	uint64_t line = s->body_line;

	mime_out_init(&o, &c->l->memory);
	for (; rest.n > 0; line++) {
		struct span text = span_cut(&rest, '\n');

		if (!utf8_ascii(text) || text.n > MIME_LINE_MUST || memchr(text.p ? text.p : "", '\r', text.n) ||
		    memchr(text.p ? text.p : "", '\0', text.n) || span_begins(text, SPAN(".")) ||
		    span_begins(text, SPAN("--=_")))
			letter_mistake(c, "parts", line, 1, "encode the part as base64",
				       "a line of an encoded part that cannot travel as it stands");
		if (mime_out_copy(&o, text) < 0 || mime_out_copy(&o, SPAN("\r\n")) < 0)
			return -1;
	}
	*out = mime_out_flat(&o, &c->l->memory);
	return out->p ? 0 : -1;
}

static struct letter_node *raw_part(struct letter_compile *c, const struct letter_source *s)
{
	struct letter_node *n = letter_node_new(c, NODE_RAW);

	if (n && (keep_fields(c, s, true, &n->fields) < 0 || raw_data(c, s, &n->data) < 0)) {
		err_nomem(c->e, "the letter");
		return NULL;
	}
	return n;
}

static struct letter_node *text_part(struct letter_compile *c, const struct letter_source *s,
				     struct letter_body_source *src)
{
	struct letter_node *n = letter_node_new(c, NODE_BODY);

	if (!n)
		return NULL;
	src->text = s->body;
	src->path = c->l->path;
	src->line = s->body_line;
	if (keep_fields(c, s, false, &n->fields) < 0) {
		err_nomem(c->e, "the letter");
		return NULL;
	}
	n->body = letter_compile_body(c, src);
	return n->body ? n : NULL;
}

/* Markdown: its text and its HTML. */
static struct letter_node *markdown_part(struct letter_compile *c, const struct letter_source *s,
					 struct letter_body_source *src)
{
	struct letter_node *n = letter_node_new(c, NODE_MULTI), *text = letter_node_new(c, NODE_BODY), *html;
	unsigned long errors = c->watch.sink.errors;

	if (!n || !text)
		return NULL;
	html = text_part(c, s, src);
	if (!html)
		return NULL;
	n->subtype = SPAN("alternative");
	n->fields = SPAN("");
	text->fields = SPAN("");
	text->body = c->watch.sink.errors > errors ? html->body : letter_compile_twin(c, src);
	if (!text->body)
		return NULL;
	letter_node_append(n, text);
	letter_node_append(n, html);
	return n;
}

static bool is_template(const struct letter_source *s, struct span type)
{
	struct span encoding = field_of(s, SPAN("Content-Transfer-Encoding"));

	if (!span_case_eq(type, SPAN("text/plain")) && !span_case_eq(type, SPAN("text/html")) &&
	    !span_case_eq(type, SPAN("text/markdown")))
		return false;
	return encoding.n == 0 || span_case_eq(encoding, SPAN("7bit")) || span_case_eq(encoding, SPAN("8bit"));
}

static struct letter_node *read_part(struct letter_compile *c, struct span text, uint64_t line, unsigned depth)
{
	struct letter_body_source src = { .type = SPAN("text/plain"), .params = SPAN("") };
	struct letter_source s = { .body = text, .body_line = line };
	struct span type, boundary = { NULL, 0 };
	struct letter *l = c->l;

	if (text.n > 0 && text.p[0] == '\n') { /* no header: RFC 2046 5.1 */
		s.body = span_skip(text, 1);
		s.body_line++;
	} else if (text.n > 0 &&
		   letter_source_parse(&s, text, l->path, line, &l->memory, &c->watch.sink, c->e) < 0) {
		return NULL;
	}
	type = field_of(&s, SPAN("Content-Type"));
	if (type.n > 0 && letter_read_type(c, type, line, 1, &src, &boundary) < 0)
		return NULL;
	if (span_case_begins(src.type, SPAN("multipart/")))
		return read_parts(c, span_skip(src.type, 10), boundary, s.body, s.body_line, depth);
	if (!is_template(&s, src.type))
		return raw_part(c, &s);
	return span_case_eq(src.type, SPAN("text/markdown")) ? markdown_part(c, &s, &src) : text_part(c, &s, &src);
}

int letter_compile_multipart(struct letter_compile *c, struct span subtype, struct span boundary, struct span body,
			     uint64_t line)
{
	c->root = read_parts(c, subtype, boundary, body, line, 0);
	return c->root ? 0 : -1;
}
