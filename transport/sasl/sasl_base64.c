/* sasl_base64.c - base64 both ways, a group at a time.
 *
 *  1. take(put(x)) is x for every x.
 *  2. No two texts are taken as the same octets: what put() would not write is refused.
 * Held by tests/unit/test_sasl_base64.c. */
#include "transport/sasl/sasl_base64.h"

#include <stdint.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t sasl_base64_put(struct span raw, char *out)
{
	char *at = out;

	for (size_t i = 0; i < raw.n; i += 3) {
		size_t have = raw.n - i < 3 ? raw.n - i : 3;
		uint32_t group = 0;

		for (size_t k = 0; k < 3; k++)
			group = group << 8 | (k < have ? (unsigned char)raw.p[i + k] : 0U);
		for (size_t k = 0; k < 4; k++)
			*at++ = k <= have ? letters[group >> (18 - 6 * k) & 63] : '=';
	}
	return (size_t)(at - out);
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four letters, the last `pad` of them '='. */
static int take_group(const char *p, unsigned pad, char *out)
{
	uint32_t group = 0;

	for (unsigned k = 0; k < 4; k++) {
		int v = k < 4 - pad ? value_of(p[k]) : 0;

		if (v < 0)
			return -1;
		group = group << 6 | (uint32_t)v;
	}
	if (group & ((1U << 8 * pad) - 1)) /* bits that no octet has */
		return -1;
	for (unsigned k = 0; k < 3 - pad; k++)
		out[k] = (char)(group >> (16 - 8 * k) & 255);
	return 0;
}

int sasl_base64_take(struct span text, char *out, size_t *out_n)
{
	unsigned pad = 0;

	if (text.n % 4)
		return -1;
	if (text.n && text.p[text.n - 1] == '=')
		pad = text.p[text.n - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < text.n; i += 4)
		if (take_group(text.p + i, i + 4 == text.n ? pad : 0, out + i / 4 * 3) < 0)
			return -1;
	*out_n = text.n / 4 * 3 - pad;
	return 0;
}
