/* dkim_gather.h - short pieces go into a digest together. Inner header of the room; one thread.
 *
 * A message lies in many short pieces, and a call to the digest costs as much as some hundred octets. */
#ifndef TEMPLATES_DKIM_DKIM_GATHER_H
#define TEMPLATES_DKIM_DKIM_GATHER_H

#include "engine/base/digest.h"
#include "engine/base/span.h"

enum { GATHER_SIZE = 4096, GATHER_LONG = 1024 }; /* octets; from so many on a piece goes by itself */

struct dkim_gather {
	struct digest *digest;
	size_t n;
	char octets[GATHER_SIZE];
};

static inline void dkim_gather_begin(struct dkim_gather *g, struct digest *d)
{
	g->digest = d;
	g->n = 0;
}

static inline void dkim_gather_flush(struct dkim_gather *g)
{
	digest_add(g->digest, span_of(g->octets, g->n));
	g->n = 0;
}

static inline void dkim_gather_add(struct dkim_gather *g, struct span s)
{
	if (s.n > GATHER_SIZE - g->n || s.n >= GATHER_LONG)
		dkim_gather_flush(g);
	if (s.n >= GATHER_LONG) {
		digest_add(g->digest, s);
		return;
	}
	memcpy(g->octets + g->n, s.p, s.n);
	g->n += s.n;
}

static inline size_t dkim_gather_end(struct dkim_gather *g, unsigned char out[DIGEST_MAX])
{
	dkim_gather_flush(g);
	return digest_end(g->digest, out);
}

#endif
