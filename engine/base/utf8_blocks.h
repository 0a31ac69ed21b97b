/* utf8_blocks.h - the fast part of utf8_bad(); nobody else includes it but its test. */
#ifndef ENGINE_BASE_UTF8_BLOCKS_H
#define ENGINE_BASE_UTF8_BLOCKS_H

#include <stddef.h>

/* So many bytes from p on are whole characters of UTF-8, of n: all but the last few when all are, and never a
 * mistake among them. The rest is for a look at each character. 0 where the processor has no such instructions. */
size_t utf8_blocks(const char *p, size_t n);

#endif
