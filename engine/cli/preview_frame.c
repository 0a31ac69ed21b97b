/* preview_frame.c - the letter's HTML is a guest: three walls stand around it, each enough alone.
 *
 *  1. The frame has sandbox="": no script, no form, no plug-in, no way to the page around it.
 *  2. A content security policy, in the page and again first in the frame, allows inline style and
 *     data: images and nothing else; the page's policy also keeps the frame from being led away.
 *  3. Elements that make a browser act outside these policies (link: prefetch and preconnect;
 *     meta: refresh; base) get a name that no browser knows.
 * Every byte is escaped for the attribute, so the letter cannot end it.
 * Held by tests/system/test_cli_preview.py. */
#include "engine/cli/preview_frame.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/span.h"
#include "engine/cli/html.h"
#include "templates/letter/letter.h"

static const char head[] = "<!DOCTYPE html><meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
			   "img-src data:; style-src 'unsafe-inline'\"><meta http-equiv=\"x-dns-prefetch-control\" "
			   "content=\"off\"><meta name=\"referrer\" content=\"no-referrer\">";

enum { CID_MAX = 256 };

static void put(struct buf *out, struct span s)
{
	while (s.n > 0)
		html_attribute_byte(out, span_take(&s));
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The name after "cid:", %XX decoded; returns how many bytes of s it took. */
static size_t read_cid(struct span s, char out[CID_MAX], size_t *out_n)
{
	size_t i = 0, n = 0;

	while (i < s.n && n < CID_MAX && !strchr("\"'<> \t\r\n)&;,", s.p[i])) { /* NUL ends it too */
		int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
		int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;

		out[n++] = low >= 0 ? (char)(high * 16 + low) : s.p[i];
		i += low >= 0 ? 3 : 1;
	}
	*out_n = n;
	return i;
}

static const struct letter_view_part *find_part(const struct letter_view *v, struct span name)
{
	for (uint32_t i = 0; i < v->n_parts; i++)
		if (name.n && (span_eq(v->parts[i].cid, name) ||
			       (v->parts[i].cid.n && span_eq(v->parts[i].name, name))))
			return &v->parts[i];
	return NULL;
}

static bool is_type(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && (!s.p[i] || !strchr("/+-.", s.p[i])))
			return false;
	return s.n > 0;
}

/* A "cid:" at the start of s: returns the bytes it replaced, 0 when it names no part. */
static size_t put_cid(struct buf *out, const struct letter_view *v, struct span s)
{
	char name[CID_MAX];
	size_t n, took = read_cid(span_skip(s, 4), name, &n);
	const struct letter_view_part *part = find_part(v, span_of(name, n));

	if (!part)
		return 0;
	buf_add_str(out, "data:");
	buf_add(out, is_type(part->type) ? part->type : SPAN("application/octet-stream"));
	buf_add_str(out, ";base64,");
	html_base64(out, part->data);
	return 4 + took;
}

static bool acts_by_itself(struct span s)
{
	static const char *const names[] = { "<link", "<meta", "<base" };

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (span_case_begins(s, span_str(names[i])))
			return true;
	return false;
}

void preview_frame(struct buf *out, const struct letter_view *v)
{
	struct span s = v->html;

	put(out, span_str(head));
	while (s.n > 0) {
		size_t took = 0;

		if (*s.p == '<' && acts_by_itself(s)) {
			put(out, SPAN("<x-"));
			took = 1;
		} else if ((*s.p == 'c' || *s.p == 'C') && span_case_begins(s, SPAN("cid:"))) {
			took = put_cid(out, v, s);
		}
		if (took == 0) {
			if (*s.p)
				html_attribute_byte(out, *s.p);
			took = 1;
		}
		s = span_skip(s, took);
	}
}
