/* row.c - blocks of rows, and columns by name. Held by tests/unit/test_model_row.c. */
#include "engine/model/row.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/mem.h"
#include "engine/base/utf8.h"
#include "engine/base/utf8_case.h"

enum {
	BLOCK_CHUNK_BYTES = 32 << 10,
	/* The readers stop a block by bytes long before this; it has to hold one row of the largest
	 * size, also when that is JSON of many small values. */
	BLOCK_BYTES_MAX = 16 * ROW_BYTES_MAX,
	NAME_ENDS = -1,
	NEAR_MAX = 3, /* more typing errors than that are another word */
	NAME_SHOWN = 40, DESCRIBE_SPARE = 40, FORM_SHOWN = 60, SHEETS_SHOWN = 70
};

int row_block_new(struct row_block **out, uint32_t capacity)
{
	struct row_block *b = mem_new(sizeof *b);

	*out = NULL;
	if (!b)
		return -1;
	b->rows = mem_array(capacity, sizeof *b->rows);
	if (!b->rows) {
		mem_free(b);
		return -1;
	}
	b->capacity = capacity;
	arena_init(&b->memory, BLOCK_CHUNK_BYTES, BLOCK_BYTES_MAX);
	*out = b;
	return 0;
}

void row_block_reset(struct row_block *b)
{
	arena_reset(&b->memory);
	b->n = 0;
	b->first = b->last = 0;
}

void row_block_free(struct row_block **b)
{
	if (!*b)
		return;
	arena_release(&(*b)->memory);
	mem_free((*b)->rows);
	mem_free(*b);
	*b = NULL;
}

/* The one that does not break, and that of Chinese and Japanese text, stand in headers too. */
static bool is_space(int32_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == 0xa0 || c == 0x3000;
}

/* The next letter that is no space, lower; NAME_ENDS. A byte that is no character is told from every letter. */
static int32_t next_letter(struct span *s)
{
	while (s->n > 0) {
		unsigned char byte = (unsigned char)*s->p;
		int32_t c = utf8_take(s);

		if (c < 0)
			return -2 - byte;
		if (!is_space(c))
			return utf8_lower(c);
	}
	return NAME_ENDS;
}

/* Equal without case and spaces; a name over two lines, as in the header of a sheet, has one there. */
static bool alike(struct span a, struct span b)
{
	int32_t letter;

	do {
		letter = next_letter(&a);
		if (letter != next_letter(&b))
			return false;
	} while (letter != NAME_ENDS);
	return true;
}

int columns_find(const struct columns *c, struct span name)
{
	int found = -1;

	for (uint32_t i = 0; i < c->n; i++)
		if (name.n > 0 && span_eq(c->names[i], name))
			return (int)i;
	for (uint32_t i = 0; i < c->n; i++) {
		if (c->names[i].n == 0 || !alike(c->names[i], name))
			continue;
		if (found >= 0)
			return -1; /* two fit: no guess */
		found = (int)i;
	}
	return found;
}

struct span columns_nearest(const struct columns *c, struct span name)
{
	size_t length = utf8_length(name);
	unsigned most = length < 3 ? 1 : length < 3 * NEAR_MAX ? (unsigned)(length + 1) / 3 : NEAR_MAX;
	struct span best = { NULL, 0 };

	for (uint32_t i = 0; i < c->n; i++) {
		unsigned d = alike(c->names[i], name) ? 0 : utf8_distance(c->names[i], name, most);

		if (d > most || c->names[i].n == 0)
			continue;
		best = c->names[i];
		if (d == 0)
			break;
		most = d - 1; /* only a nearer one is better */
	}
	return best;
}

/* Behind the n bytes that are there; what does not fit is left out. How many there are then. */
__attribute__((format(printf, 4, 5)))
static size_t add(char *out, size_t size, size_t n, const char *fmt, ...)
{
	va_list ap;
	int more;

	va_start(ap, fmt);
	more = vsnprintf(out + n, size - n, fmt, ap);
	va_end(ap);
	n += more > 0 ? (size_t)more : 0;
	return n < size ? n : size - 1;
}

/* A wrong sheet, delimiter or encoding is the likely cause when a list has none of the letter's columns. */
void columns_describe(const struct columns *c, char *out, size_t size)
{
	char sheets[SHEETS_SHOWN + sizeof "; --sheet NAME takes another: "] = "";
	struct span form = utf8_cut(span_str(c->form), FORM_SHOWN);
	size_t n, left;
	uint32_t i, shown = 0;

	for (i = 0; i < c->n; i++)
		if (span_find(c->names[i], '@') < c->names[i].n) {
			snprintf(out, size, "is the list's first line a recipient already? Then say --no-header --columns "
				 "email,name,... in its order");
			return;
		}
	if (c->sheets)
		snprintf(sheets, sizeof sheets, "; --sheet NAME takes another: %.*s",
			 SPAN_ARG(utf8_cut(span_str(c->sheets), SHEETS_SHOWN)));
	left = strlen(sheets) + NAME_SHOWN + DESCRIBE_SPARE;
	n = add(out, size, 0, "the list%s%.*s%s has ", form.n ? " (" : "", SPAN_ARG(form), form.n ? ")" : "");
	for (i = 0; i < c->n && (shown == 0 || n + left < size); i++)
		if (c->names[i].n > 0)
			n = add(out, size, n, "%s'%.*s'", shown++ ? ", " : "",
				SPAN_ARG(utf8_cut(c->names[i], NAME_SHOWN)));
	if (i < c->n)
		n = add(out, size, n, " and %u more", c->n - i);
	add(out, size, n, "%s", sheets);
}
