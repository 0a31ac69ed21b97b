/* letter_mailbox.c - two cells become an address without a text in between.
 *
 *  1. Only what the long way takes with the same result is taken: a cell that is an address of the simplest kind,
 *     and a name without controls. All else, and every mistake, is for the long way.
 * Held by tests/unit/test_letter_mailbox.c. */
#include "templates/letter/letter_mailbox.h"

#include "engine/base/utf8.h"
#include "templates/letter/letter_parts.h"
#include "templates/mime/mime_header.h"

/* Is the piece blanks around that sign? */
static bool is_sign(const struct letter_text *t, const struct liquid_step *step, char sign)
{
	struct span piece;

	if (!step->is_piece)
		return false;
	piece = span_trim(t->pieces[step->number]);
	return piece.n == 1 && piece.p[0] == sign;
}

void letter_mailbox_find(struct letter_text *t)
{
	const struct liquid_step *s = t->steps;
	uint32_t n = t->n_steps;

	t->mailbox = (struct letter_mailbox){ 0, 0 };
	if (n == 4 && !s->is_piece) {
		t->mailbox.name = 1 + s->number;
		s++;
		n--;
	} else if (n == 1 && !s->is_piece) {
		t->mailbox.address = 1 + s->number;
	}
	if (n == 3 && is_sign(t, &s[0], '<') && !s[1].is_piece && is_sign(t, &s[2], '>'))
		t->mailbox.address = 1 + s[1].number;
}

/* Is it trimmed, and would a header's text leave it as it is? */
static bool is_name(struct span s)
{
	size_t at;

	if (s.n == 0 || s.p[0] == ' ' || s.p[s.n - 1] == ' ')
		return false;
	return utf8_printable_run(s) == s.n || (!mime_header_bad(s, &at) && span_find(s, '\t') == s.n);
}

int letter_mailbox_read(const struct letter_text *t, const struct row *row, struct arena *a, struct address_list *out)
{
	const struct letter_mailbox *m = &t->mailbox;
	struct address x = { .of_row = true };
	int rc;

	if (m->address == 0 || m->address > row->n_cells || m->name > row->n_cells || out->n > 0 ||
	    row->object.kind == VALUE_OBJECT)
		return 0;
	if (m->name > 0) {
		x.name = row->cells[m->name - 1];
		if (!is_name(x.name))
			return 0;
	}
	rc = address_plain(row->cells[m->address - 1], a, &x);
	if (rc <= 0)
		return rc;
	out->items = arena_take(a, sizeof x);
	if (!out->items)
		return -1;
	out->items[out->n++] = x;
	return 1;
}
