/* letter_source.c - the form of a letter file: header lines, an empty line, a body.
 *
 * A line that begins with a blank continues the value before it. A line of blanks only ends the
 * header too: editors leave such lines, and no fold is ever empty (RFC 5322 3.2.2).
 * Held by tests/unit/test_letter_source.c. */
#include "templates/letter/letter_source.h"

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "engine/model/finding.h"
#include "templates/mime/mime_header.h"

enum { HEADERS_FIRST = 16 };

struct reader {
	struct span rest;
	uint64_t line; /* of the first byte of rest */
	const char *path;
	struct arena *a;
	struct finding_sink *findings;
	struct letter_source *out;
	uint32_t cap;
	uint32_t bad; /* lines that are no header */
};

struct span letter_source_clean(struct span bytes, struct arena *a)
{
	char *p;
	size_t n = 0;

	if (span_begins(bytes, SPAN("\xef\xbb\xbf")))
		bytes = span_skip(bytes, 3);
	p = arena_take(a, bytes.n);
	if (!p)
		return (struct span){ NULL, 0 };
	for (size_t i = 0; i < bytes.n; i++) {
		if (bytes.p[i] != '\r' || i + 1 == bytes.n || bytes.p[i + 1] != '\n')
			p[n++] = bytes.p[i];
	}
	return span_of(p, n);
}

void letter_source_place(struct span bytes, size_t at, uint64_t *line, uint64_t *column)
{
	size_t begin = 0;

	*line = 1;
	for (size_t i = 0; i < at && i < bytes.n; i++) {
		if (bytes.p[i] == '\n') {
			(*line)++;
			begin = i + 1;
		}
	}
	*column = utf8_length(span_sub(bytes, begin, at - begin)) + 1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span peek_line(const struct reader *r)
{
	return span_sub(r->rest, 0, span_find(r->rest, '\n'));
}

static void skip_line(struct reader *r)
{
	r->rest = span_skip(r->rest, span_find(r->rest, '\n') + 1);
	r->line++;
}

/* The lines of one field: the next one and those that continue it. */
static struct span take_field(struct reader *r)
{
	const char *from = r->rest.p;

	do {
		skip_line(r);
	} while (r->rest.n > 0 && is_blank(r->rest.p[0]) && span_trim(peek_line(r)).n > 0);
	return span_trim(span_of(from, (size_t)(r->rest.p - from)));
}

static int more_headers(struct reader *r)
{
	uint32_t cap = r->cap ? r->cap * 2 : HEADERS_FIRST;
	struct letter_header *h = arena_grow(r->a, r->out->headers, r->cap * sizeof *h, cap * sizeof *h);

	if (!h)
		return -1;
	r->out->headers = h;
	r->cap = cap;
	return 0;
}

static void not_a_header(struct reader *r, uint64_t line)
{
	if (r->out->n_headers == 0 && r->bad++ == 0) {
		finding_say(r->findings, FINDING_ERROR, "letter form", r->path, line, 1,
			    "begin with lines like 'From: me@example.com' and 'Subject: Hello', then an empty "
			    "line, then the text", "this does not look like a letter: its first line is no header");
		return;
	}
	if (r->out->n_headers > 0)
		finding_say(r->findings, FINDING_ERROR, "letter form", r->path, line, 1,
			    "an empty line ends the header; a line that continues one begins with a blank",
			    "this line is no header: it has no 'Name:'");
}

static int add_field(struct reader *r, struct span field, uint64_t line)
{
	size_t colon = span_find(field, ':');
	struct span name = span_trim(span_sub(field, 0, colon));
	struct letter_header *h;
	size_t value = colon + 1;

	if (colon == field.n || !mime_header_name_ok(name)) {
		not_a_header(r, line);
		return 0;
	}
	if (r->out->n_headers == r->cap && more_headers(r) < 0)
		return -1;
	while (value < field.n && (is_blank(field.p[value]) || field.p[value] == '\n'))
		value++;
	h = &r->out->headers[r->out->n_headers++];
	*h = (struct letter_header){ .name = name, .value = span_skip(field, value), .name_line = line };
	letter_source_place(field, value, &h->line, &h->column);
	h->line += line - 1;
	return 0;
}

int letter_source_parse(struct letter_source *out, struct span bytes, const char *path, uint64_t first_line,
			struct arena *a, struct finding_sink *findings, struct err *e)
{
	struct reader r = { .rest = bytes, .line = first_line, .path = path, .a = a, .findings = findings, .out = out };

	*out = (struct letter_source){ 0 };
	while (r.rest.n > 0 && span_trim(peek_line(&r)).n > 0) {
		uint64_t line = r.line;

		if (is_blank(r.rest.p[0])) { /* continues nothing */
			not_a_header(&r, line);
			skip_line(&r);
		} else if (add_field(&r, take_field(&r), line) < 0) {
			return err_nomem(e, "the letter");
		}
	}
	if (out->n_headers == 0 && r.bad == 0)
		not_a_header(&r, first_line);
	if (r.rest.n > 0)
		skip_line(&r);
	out->body = r.rest;
	out->body_line = r.line;
	return 0;
}
