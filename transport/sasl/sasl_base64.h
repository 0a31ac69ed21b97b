/* sasl_base64.h - the base64 of a login (RFC 4648 4), strict: no white space, padding only where
 * it belongs, no bits left over. Pure code. */
#ifndef TRANSPORT_SASL_SASL_BASE64_H
#define TRANSPORT_SASL_SASL_BASE64_H

#include <stddef.h>

#include "engine/base/span.h"

static inline size_t sasl_base64_size(size_t n) /* characters for n octets */
{
	return (n + 2) / 3 * 4;
}

/* out has room for sasl_base64_size(raw.n). Returns how many characters it wrote. */
size_t sasl_base64_put(struct span raw, char *out);
/* out has room for text.n / 4 * 3. 0 and *out_n; -1: text is no base64. */
int sasl_base64_take(struct span text, char *out, size_t *out_n);

#endif
