/* letter_mould.c - the HTML is rendered with marks in the place of values, and its text form is cut where they come out.
 *
 *  1. Each mark comes out once in the text, or stands in an attribute that the text form leaves out, or lists as the
 *     end of a link (letter_marks.h); else there is no mould.
 *  2. Values that could change more than themselves are for the long way: empty ones, those with blanks that do not
 *     stay as they are, controls.
 * Held by tests/unit/test_letter_mould.c, against the long way. */
#include "templates/letter/letter_mould.h"

#include "engine/base/err.h"
#include "engine/base/utf8.h"
#include "templates/letter/letter_marks.h"
#include "templates/letter/letter_parts.h"
#include "templates/letter/letter_plain.h"

enum { STEPS_MOST = 2 * LETTER_MARKS_MAX, VALUE_MOST = 4096, HTML_MOST = 1 << 20, WORK_CHUNK = 1 << 16 };

/* ---- made once ---- */

struct making {
	struct arena work;
	struct liquid_step *steps;
	uint32_t n_steps;
	uint32_t *columns; /* of each mark */
	struct letter_marks marks;
};

static bool is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Could what follows html be taken for a part of "&amp;" or "&#39;"? */
static bool ends_in_entity(struct span html)
{
	while (html.n > 0 && (is_letter_or_digit(html.p[html.n - 1]) || html.p[html.n - 1] == '#'))
		html.n--;
	return html.n > 0 && html.p[html.n - 1] == '&';
}

/* 1 with the steps; 0 the program is another, or too long; -1 no memory. */
static int take_steps(struct making *k, const struct liquid_program *p, size_t *html_n)
{
	uint32_t unused, n = 0;

	k->steps = arena_array(&k->work, STEPS_MOST, sizeof *k->steps);
	k->columns = arena_array(&k->work, LETTER_MARKS_MAX, sizeof *k->columns);
	if (!k->steps || !k->columns)
		return -1;
	k->n_steps = liquid_steps(p, k->steps, STEPS_MOST);
	for (uint32_t i = 0; i < k->n_steps; i++) {
		struct span piece = SPAN("");

		if (k->steps[i].is_piece)
			piece = liquid_piece(p, k->steps[i].number);
		else if (n < LETTER_MARKS_MAX)
			k->columns[n++] = k->steps[i].number;
		else
			return 0;
		*html_n += piece.n + LETTER_MARK_SIZE;
		if (letter_mark_find(piece, &unused) < piece.n || span_search(piece, SPAN("<![CDATA[")) < piece.n)
			return 0;
	}
	k->marks.n = n;
	return n > 0 && *html_n <= HTML_MOST;
}

/* The HTML with marks. As take_steps(). */
static int write_html(struct making *k, const struct liquid_program *p, size_t most, struct span *html)
{
	char *at = arena_take(&k->work, most), *begin = at;
	uint32_t mark = 0;

	if (!at)
		return -1;
	for (uint32_t i = 0; i < k->n_steps; i++) {
		struct span piece = k->steps[i].is_piece ? liquid_piece(p, k->steps[i].number) : SPAN("");

		if (!k->steps[i].is_piece) {
			if (ends_in_entity(span_of(begin, (size_t)(at - begin))))
				return 0;
			letter_mark_put(mark++, at);
			at += LETTER_MARK_SIZE;
		}
		memcpy(at, piece.p, piece.n);
		at += piece.n;
	}
	*html = span_of(begin, (size_t)(at - begin));
	return 1;
}

static int prepare_marks(struct making *k)
{
	struct letter_marks *m = &k->marks;
	uint32_t *first = arena_array(&k->work, m->n, sizeof *first);

	m->is_known = arena_array(&k->work, m->n, sizeof *m->is_known);
	m->in_link = arena_array(&k->work, m->n, sizeof *m->in_link);
	if (!first || !m->is_known || !m->in_link)
		return -1;
	for (uint32_t i = 0; i < m->n; i++) {
		while (k->columns[first[i]] != k->columns[i])
			first[i]++;
	}
	m->first = first;
	return 1;
}

/* Is each mark where it has to be (1)? */
static bool all_are_known(struct letter_marks *m, struct span text)
{
	struct span shown = span_sub(text, 0, m->links_from);
	uint32_t number;
	size_t at;

	for (; (at = letter_mark_find(shown, &number)) < shown.n; shown = span_skip(shown, at + LETTER_MARK_SIZE)) {
		if (number >= m->n || m->is_known[number])
			return false;
		m->is_known[number] = true;
	}
	for (uint32_t i = 0; i < m->n; i++)
		if (!m->is_known[i])
			return false;
	return true;
}

static size_t count_marks(struct span text)
{
	uint32_t unused;
	size_t at, n = 0;

	for (; (at = letter_mark_find(text, &unused)) < text.n; n++)
		text = span_skip(text, at + LETTER_MARK_SIZE);
	return n;
}

static int cut(const struct making *k, struct span text, struct arena *a, struct letter_mould *m)
{
	struct letter_mould_step *steps = arena_array(a, 2 * count_marks(text) + 1, sizeof *steps);
	bool *in_link = arena_array(a, k->marks.n, sizeof *in_link);
	uint32_t number, n = 0;
	size_t at;

	m->columns = arena_array(a, k->marks.n, sizeof *m->columns);
	if (!steps || !in_link || !m->columns)
		return -1;
	for (uint32_t i = 0; i < k->marks.n; i++) {
		uint32_t first = 0;

		while (first < m->n_columns && m->columns[first] != k->columns[i])
			first++;
		m->columns[first] = k->columns[i];
		m->n_columns += first == m->n_columns;
		in_link[first] |= k->marks.in_link[i];
	}
	m->in_link = in_link;
	for (; (at = letter_mark_find(text, &number)) < text.n; text = span_skip(text, at + LETTER_MARK_SIZE)) {
		steps[n++] = (struct letter_mould_step){ .fixed = span_sub(text, 0, at) };
		steps[n++] = (struct letter_mould_step){ .is_value = true, .column = k->columns[number] };
	}
	steps[n++] = (struct letter_mould_step){ .fixed = text };
	m->steps = steps;
	m->n = n;
	return 0;
}

static int make(struct making *k, struct letter_mould *m, const struct liquid_program *program, struct arena *a, struct err *e)
{
	struct span html, text;
	struct arena tree;
	size_t html_n = 0;
	int rc = take_steps(k, program, &html_n);

	if (rc > 0)
		rc = write_html(k, program, html_n, &html);
	if (rc > 0)
		rc = prepare_marks(k);
	if (rc <= 0)
		return rc;
	arena_init(&tree, WORK_CHUNK, SIZE_MAX / 2);
	rc = letter_plain_marked(html, &k->marks, &tree, a, &text, e);
	arena_release(&tree);
	if (rc < 0)
		return -1;
	return !k->marks.unfit && all_are_known(&k->marks, text) ? cut(k, text, a, m) : 0;
}

int letter_mould_make(struct letter_mould *m, const struct liquid_program *program, struct arena *a, struct err *e)
{
	struct making k = { .n_steps = 0 };
	int rc;

	*m = (struct letter_mould){ .n = 0 };
	arena_init(&k.work, WORK_CHUNK, SIZE_MAX / 2);
	rc = make(&k, m, program, a, e);
	arena_release(&k.work);
	return rc < 0 ? err_nomem(e, "the letter") : 0;
}

/* ---- for each mail ---- */

/* Does the character stand for itself in HTML, and in its text form? */
static bool stays(int32_t c)
{
	if (c < 0x10000)
		return c > 0xa0 && c != 0x200b && c != 0x200c && c < 0xfdd0; /* not a no-break space or a zero-width one */
	return (c & 0xfffe) != 0xfffe;
}

static bool is_fit(struct span v, bool in_link)
{
	if (v.n == 0 || v.n > VALUE_MOST || v.p[0] == ' ' || v.p[v.n - 1] == ' ' || span_search(v, SPAN("  ")) < v.n)
		return false;
	if (in_link && (span_find(v, ':') < v.n || span_find(v, '@') < v.n))
		return false;
	while ((v = span_skip(v, utf8_printable_run(v))).n > 0)
		if (!stays(utf8_take(&v)))
			return false;
	return true;
}

int letter_mould_fill(const struct letter_mould *m, const struct row *row, struct arena *a, struct span *out)
{
	size_t n = 0;
	char *at;

	if (row->object.kind == VALUE_OBJECT)
		return 0;
	for (uint32_t i = 0; i < m->n_columns; i++)
		if (m->columns[i] >= row->n_cells || !is_fit(row->cells[m->columns[i]], m->in_link[i]))
			return 0;
	for (uint32_t i = 0; i < m->n; i++)
		n += m->steps[i].is_value ? row->cells[m->steps[i].column].n : m->steps[i].fixed.n;
	at = arena_take(a, n);
	if (!at)
		return -1;
	*out = span_of(at, n);
	for (uint32_t i = 0; i < m->n; i++) {
		struct span s = m->steps[i].is_value ? row->cells[m->steps[i].column] : m->steps[i].fixed;

		memcpy(at, s.p, s.n);
		at += s.n;
	}
	return 1;
}
