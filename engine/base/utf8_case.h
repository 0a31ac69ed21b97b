/* utf8_case.h - the case of single letters of all scripts, whatever the locale.
 *
 * One code point to one, by Unicode's simple mappings: for comparing, and for texts where the few letters are
 * seen to whose other case is longer. What has no other case comes back as it is; so does -1. */
#ifndef ENGINE_BASE_UTF8_CASE_H
#define ENGINE_BASE_UTF8_CASE_H

#include <stdint.h>

int32_t utf8_lower(int32_t code_point);
int32_t utf8_upper(int32_t code_point);
int32_t utf8_title(int32_t code_point);

#endif
