/* letter_style.c - held by tests/unit/test_letter_plain.c. */
#include "templates/letter/letter_style.h"

#include <stddef.h>

static bool has_without_blanks(struct span style, const char *what)
{
	for (size_t i = 0; i < style.n; i++) {
		size_t k = i, w = 0;

		for (; k < style.n && what[w]; k++) {
			if (style.p[k] == ' ')
				continue;
			if ((style.p[k] | 0x20) != (what[w] | 0x20))
				break;
			w++;
		}
		if (!what[w])
			return true;
	}
	return false;
}

bool letter_style_hides(struct span style)
{
	return has_without_blanks(style, "display:none") || has_without_blanks(style, "visibility:hidden") ||
	       has_without_blanks(style, "mso-hide:all") || has_without_blanks(style, "max-height:0");
}
