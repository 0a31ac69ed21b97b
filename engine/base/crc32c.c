/* crc32c.c - CRC-32C by the processor's instruction (SSE 4.2), else by tables, eight bytes a step.
 *
 * Both ways give the same numbers; tests/unit/test_base_hash.c compares them through
 * crc32c_by_table(). */
#include "engine/base/crc32c.h"

#include <pthread.h>
#include <string.h>

#include "engine/base/bytes.h"

enum { POLYNOMIAL_BITS = 8, STEP = 8 };
static const uint32_t POLYNOMIAL = 0x82f63b78; /* reflected */

static uint32_t tables[STEP][256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

/* tables[k][b]: what byte b does to the register when k zero bytes follow it. */
static void fill_tables(void)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t r = b;

		for (int bit = 0; bit < POLYNOMIAL_BITS; bit++)
			r = r & 1 ? r >> 1 ^ POLYNOMIAL : r >> 1;
		tables[0][b] = r;
	}
	for (int k = 1; k < STEP; k++)
		for (int b = 0; b < 256; b++)
			tables[k][b] = tables[k - 1][b] >> 8 ^ tables[0][tables[k - 1][b] & 255];
}

uint32_t crc32c_by_table(uint32_t crc, const void *p, size_t n)
{
	const unsigned char *at = p;

	pthread_once(&tables_once, fill_tables);
	crc = ~crc;
	for (; n >= STEP; n -= STEP, at += STEP) {
		uint32_t lo = crc ^ get_le32(at), hi = get_le32(at + 4);

		crc = tables[7][lo & 255] ^ tables[6][lo >> 8 & 255] ^ tables[5][lo >> 16 & 255] ^
		      tables[4][lo >> 24] ^ tables[3][hi & 255] ^ tables[2][hi >> 8 & 255] ^
		      tables[1][hi >> 16 & 255] ^ tables[0][hi >> 24];
	}
	for (; n > 0; n--, at++)
		crc = crc >> 8 ^ tables[0][(crc ^ *at) & 255];
	return ~crc;
}

#ifdef __x86_64__

__attribute__((target("sse4.2")))
static uint32_t by_instruction(uint32_t crc, const void *p, size_t n)
{
	const unsigned char *at = p, *pairs_end = at + (n & ~(size_t)15);
	uint64_t r = (uint32_t)~crc, word, next;
	uint32_t half;
	uint16_t quarter;

	for (; at < pairs_end; at += sizeof word + sizeof next) {
		memcpy(&word, at, sizeof word);
		memcpy(&next, at + sizeof word, sizeof next);
		r = __builtin_ia32_crc32di(__builtin_ia32_crc32di(r, word), next);
	}
	if (n & 8) {
		memcpy(&word, at, sizeof word);
		r = __builtin_ia32_crc32di(r, word);
		at += sizeof word;
	}
	if (n & 4) {
		memcpy(&half, at, sizeof half);
		r = __builtin_ia32_crc32si((uint32_t)r, half);
		at += sizeof half;
	}
	if (n & 2) {
		memcpy(&quarter, at, sizeof quarter);
		r = __builtin_ia32_crc32hi((uint32_t)r, quarter);
		at += sizeof quarter;
	}
	if (n & 1)
		r = __builtin_ia32_crc32qi((uint32_t)r, *at);
	return ~(uint32_t)r;
}

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
	return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, p, n) : crc32c_by_table(crc, p, n);
}

#else

uint32_t crc32c(uint32_t crc, const void *p, size_t n)
{
	return crc32c_by_table(crc, p, n);
}

#endif
