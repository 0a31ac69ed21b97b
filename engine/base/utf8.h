/* utf8.h - UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef ENGINE_BASE_UTF8_H
#define ENGINE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/span.h"

/* Takes one character off *s (not empty). Returns its code point, or -1 for a byte that begins
 * no character; that one byte is taken. */
int32_t utf8_take(struct span *s);
/* Writes 1..4 bytes, returns how many. */
size_t utf8_put(uint32_t code_point, char out[4]);
bool utf8_valid(struct span s);
/* Index of the first byte that is not part of a character, or s.n. */
size_t utf8_bad(struct span s);
bool utf8_ascii(struct span s); /* all bytes below 128 */
/* Index of the first byte that is no printable ASCII, from space to tilde, or s.n. */
size_t utf8_printable_run(struct span s);
/* Characters; a byte that begins none counts as one. */
size_t utf8_length(struct span s);
/* Bytes of the first n characters. */
size_t utf8_index(struct span s, size_t n);
/* Cuts s to at most max bytes without cutting a character. */
struct span utf8_cut(struct span s, size_t max);

/* Copies s for people: control bytes and what is no UTF-8 become '?'. Always NUL-terminated,
 * cut at a character when out_size is short. Returns bytes written without the NUL. */
size_t utf8_printable(struct span s, char *out, size_t out_size);

/* Edit distance (insert, delete, change, swap of neighbours) without ASCII case, at most `most`;
 * most + 1 when it is more. For "did you mean". */
unsigned utf8_distance(struct span a, struct span b, unsigned most);

#endif
