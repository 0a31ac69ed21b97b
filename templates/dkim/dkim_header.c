/* dkim_header.c - the header that a signature covers.
 *
 *  1. Every instance of a chosen field is signed, the lowest first (RFC 6376 5.4.2).
 *  2. A chosen field has one entry more than instances (5.4, 8.15): another of its name, put in
 *     on the way, breaks the signature. Those a mail never has on its way are forbidden even when
 *     absent; the list headers of RFC 8058 are signed whenever they are there.
 *  3. What relays add or change of themselves (Received, Return-Path, traces) is never chosen.
 * Held by tests/unit/test_dkim_header.c. */
#include "templates/dkim/dkim_header.h"

#include <stdbool.h>

/* ---- cutting ---- */

/* Counts the octets of header in s, line_n being those of its last line so far; *ended when the
 * empty line is in it. */
static size_t header_in(struct span s, size_t *line_n, bool *ended)
{
	size_t i = 0;

	while (i < s.n) {
		size_t lf = i + span_find(span_skip(s, i), '\n');

		*line_n += lf - i;
		if (lf == s.n)
			return s.n;
		i = lf + 1;
		if (*line_n <= 1) { /* "" or CR */
			*ended = true;
			return i;
		}
		*line_n = 0;
	}
	return s.n;
}

int dkim_header_cut(const struct span *content, uint32_t n, struct arena *a, struct span *header,
		    struct dkim_place *body)
{
	size_t size = 0, line_n = 0, last = 0, at = 0;
	bool ended = false;
	uint32_t i = 0;
	char *p;

	for (; i < n && !ended; i++) {
		last = header_in(content[i], &line_n, &ended);
		size += last;
	}
	*body = ended ? (struct dkim_place){ i - 1, last } : (struct dkim_place){ n, 0 };
	p = arena_take(a, size);
	if (!p)
		return -1;
	for (uint32_t k = 0; k < i; k++) {
		size_t take = ended && k + 1 == i ? last : content[k].n;

		memcpy(p + at, content[k].p, take);
		at += take;
	}
	*header = span_of(p, ended ? size - (size > 1 && p[size - 2] == '\r' ? 2 : 1) : size);
	return 0;
}

/* ---- the relaxed form ---- */

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

struct span dkim_field_relax(struct span field, struct arena *a, struct span *name)
{
	size_t colon = span_find(field, ':'), end = colon, n = 0;
	char *p = arena_take(a, field.n + 3); /* ':' of a field without one, CRLF */
	bool blank = false;

	if (!p)
		return (struct span){ NULL, 0 };
	while (end > 0 && is_white(field.p[end - 1]))
		end--;
	for (size_t i = 0; i < end; i++)
		p[n++] = lower(field.p[i]);
	*name = span_of(p, n);
	p[n++] = ':';
	end = n;
	for (size_t i = colon + 1; i < field.n; i++) {
		if (is_white(field.p[i])) {
			blank = n > end;
			continue;
		}
		if (blank)
			p[n++] = ' ';
		blank = false;
		p[n++] = field.p[i];
	}
	p[n++] = '\r';
	p[n++] = '\n';
	return span_of(p, n);
}

/* The octets of the first field: up to a line that does not begin with a blank. */
static size_t field_length(struct span s)
{
	size_t i = 0;

	do {
		i += span_find(span_skip(s, i), '\n') + 1;
	} while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t'));
	return i < s.n ? i : s.n;
}

static uint32_t count_lines(struct span s)
{
	uint32_t n = 1;

	for (; s.n > 0; s = span_skip(s, span_find(s, '\n') + 1))
		n++;
	return n;
}

int dkim_header_parse(struct span header, struct arena *a, struct dkim_header *out)
{
	out->n = 0;
	out->fields = arena_array(a, count_lines(header), sizeof *out->fields);
	if (!out->fields)
		return -1;
	while (header.n > 0) {
		size_t n = field_length(header);
		struct dkim_field *f = &out->fields[out->n++];

		f->canonical = dkim_field_relax(span_sub(header, 0, n), a, &f->name);
		if (!f->canonical.p)
			return -1;
		header = span_skip(header, n);
	}
	return 0;
}

/* ---- choosing ---- */

#define ALWAYS(name) { (name), sizeof(name) - 1, true } /* also when the mail has none: nobody shall add one */
#define IF_THERE(name) { (name), sizeof(name) - 1, false }

static const struct {
	const char *name;
	size_t n;
	bool always;
} signed_fields[] = {
	ALWAYS("From"), IF_THERE("Sender"), ALWAYS("Reply-To"), ALWAYS("To"), ALWAYS("Cc"),
	ALWAYS("Subject"), ALWAYS("Date"), ALWAYS("Message-ID"), IF_THERE("In-Reply-To"),
	IF_THERE("References"), ALWAYS("MIME-Version"), ALWAYS("Content-Type"),
	IF_THERE("Content-Transfer-Encoding"), IF_THERE("Content-Language"), IF_THERE("List-Id"),
	IF_THERE("List-Unsubscribe"), IF_THERE("List-Unsubscribe-Post"), IF_THERE("List-Help"),
	IF_THERE("List-Subscribe"), IF_THERE("List-Post"), IF_THERE("List-Owner"), IF_THERE("List-Archive"),
	IF_THERE("Feedback-ID"), IF_THERE("Auto-Submitted"),
};
enum { SIGNED_FIELDS = sizeof signed_fields / sizeof signed_fields[0], NO_FIELD = UINT32_MAX };

/* Index into signed_fields; SIGNED_FIELDS: none of them. */
static size_t signed_field(struct span name)
{
	for (size_t i = 0; i < SIGNED_FIELDS; i++) {
		if (signed_fields[i].n == name.n && span_case_eq(span_of(signed_fields[i].name, name.n), name))
			return i;
	}
	return SIGNED_FIELDS;
}

int dkim_header_choose(const struct dkim_header *h, struct arena *a, struct dkim_choice **out, uint32_t *n)
{
	uint32_t *above = arena_array(a, h->n, sizeof *above), lowest[SIGNED_FIELDS]; /* of the same name */

	*n = 0;
	*out = arena_array(a, h->n + SIGNED_FIELDS, sizeof **out);
	if (!*out || !above)
		return -1;
	for (size_t i = 0; i < SIGNED_FIELDS; i++)
		lowest[i] = NO_FIELD;
	for (uint32_t k = 0; k < h->n; k++) {
		size_t i = signed_field(h->fields[k].name);

		if (i == SIGNED_FIELDS)
			continue;
		above[k] = lowest[i];
		lowest[i] = k;
	}
	for (size_t i = 0; i < SIGNED_FIELDS; i++) {
		for (uint32_t k = lowest[i]; k != NO_FIELD; k = above[k])
			(*out)[(*n)++] = (struct dkim_choice){ signed_fields[i].name, &h->fields[k] };
		if (lowest[i] != NO_FIELD || signed_fields[i].always)
			(*out)[(*n)++] = (struct dkim_choice){ signed_fields[i].name, NULL };
	}
	return 0;
}
