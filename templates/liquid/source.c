/* source.c - a column counts characters, also on the first line, where the text may begin in the
 * middle (the value of a header). */
#include "templates/liquid/source.h"

#include "engine/base/utf8.h"

void source_position(struct place at, uint64_t *line, uint64_t *column)
{
	struct span before = span_sub(at.source->text, 0, at.offset);
	size_t from = 0;

	*line = at.source->first_line;
	for (size_t i; (i = span_find(span_skip(before, from), '\n')) < before.n - from;) {
		from += i + 1;
		++*line;
	}
	*column = utf8_length(span_skip(before, from)) + (from ? 1 : at.source->first_column);
}
