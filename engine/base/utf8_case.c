/* utf8_case.c - the one file that knows utf8proc. Held by tests/unit/test_base_utf8.c. */
#include "engine/base/utf8_case.h"

#include <utf8proc.h>

int32_t utf8_lower(int32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
	return utf8proc_tolower(c);
}

int32_t utf8_upper(int32_t c)
{
	return c < 0 ? c : utf8proc_toupper(c);
}

int32_t utf8_title(int32_t c)
{
	return c < 0 ? c : utf8proc_totitle(c);
}
