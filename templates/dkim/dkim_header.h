/* dkim_header.h - header fields in their relaxed form (RFC 6376 3.4.2), and which of them are
 * signed. Inner header of the room; pure code. */
#ifndef TEMPLATES_DKIM_DKIM_HEADER_H
#define TEMPLATES_DKIM_DKIM_HEADER_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"

struct dkim_field {
	struct span name;      /* lower-case */
	struct span canonical; /* "name:value" with CRLF */
};

struct dkim_header {
	struct dkim_field *fields; /* as they stand */
	uint32_t n;
};

/* Where the body begins: index of a span and of an octet in it. */
struct dkim_place {
	uint32_t span;
	size_t octet;
};

/* Copies the header out of content, with the CRLF of its last field and without the empty line. 0;
 * -1: no memory. */
int dkim_header_cut(const struct span *content, uint32_t n, struct arena *a, struct span *header,
		    struct dkim_place *body);
/* 0; -1: no memory. */
int dkim_header_parse(struct span header, struct arena *a, struct dkim_header *out);
/* The relaxed form of one field, given with or without its CRLF; p is NULL when memory ran out. */
struct span dkim_field_relax(struct span field, struct arena *a, struct span *name);

/* One entry of h=, and the field that it stands for: none for an entry that only forbids. */
struct dkim_choice {
	const char *name;
	const struct dkim_field *field;
};
/* The entries of h= in order; they live in a. 0; -1: no memory. */
int dkim_header_choose(const struct dkim_header *h, struct arena *a, struct dkim_choice **out, uint32_t *n);

#endif
