/* letter_calendar.c - held by tests/unit/test_letter_calendar.c. */
#include "templates/letter/letter_calendar.h"

#include "engine/base/utf8.h"
#include "templates/mime/mime_out.h"

enum { LINE_OCTETS = 75 };

int letter_calendar_value(struct mime_out *o, struct span value)
{
	size_t from = 0;

	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];
		const char *as = c == '\\' ? "\\\\" : c == ';' ? "\\;" : c == ',' ? "\\," : c == '\n' ? "\\n" : c == '\r' ? "" : NULL;

		if (!as)
			continue;
		if (c == '\r' && (i + 1 == value.n || value.p[i + 1] != '\n'))
			as = "\\n";
		if (mime_out_copy(o, span_sub(value, from, i - from)) < 0 || mime_out_copy(o, span_str(as)) < 0)
			return -1;
		from = i + 1;
	}
	return mime_out_copy(o, span_skip(value, from));
}

static int add_folded(struct mime_out *o, struct span line)
{
	size_t room = LINE_OCTETS;

	while (line.n > room) {
		struct span part = utf8_cut(line, room);

		if (part.n == 0)
			break; /* no UTF-8: as it is */
		if (mime_out_copy(o, part) < 0 || mime_out_copy(o, SPAN("\n ")) < 0)
			return -1;
		line = span_skip(line, part.n);
		room = LINE_OCTETS - 1;
	}
	return mime_out_copy(o, line) < 0 ? -1 : mime_out_copy(o, SPAN("\n"));
}

struct span letter_calendar_fold(struct span text, struct arena *a)
{
	struct mime_out o;

	mime_out_init(&o, a);
	while (text.n > 0) {
		struct span line = span_cut(&text, '\n');

		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (span_trim(line).n > 0 && add_folded(&o, line) < 0)
			return (struct span){ NULL, 0 };
	}
	return mime_out_flat(&o, a);
}

struct span letter_calendar_method(struct span text)
{
	while (text.n > 0) {
		struct span line = span_cut(&text, '\n');

		if (span_case_begins(line, SPAN("METHOD:")))
			return span_trim(span_skip(line, 7));
	}
	return SPAN("");
}
