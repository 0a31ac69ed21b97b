/* crc32c.h - CRC-32C (Castagnoli), for journal records. */
#ifndef ENGINE_BASE_CRC32C_H
#define ENGINE_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Begin with crc = 0; feeding pieces one after the other equals feeding them at once.
 * crc32c(0, "123456789", 9) is 0xE3069283. Uses the processor's instruction where it has one. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* The same without the instruction, whatever the processor: for tests. */
uint32_t crc32c_by_table(uint32_t crc, const void *p, size_t n);

#endif
