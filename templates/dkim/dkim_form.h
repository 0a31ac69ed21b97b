/* dkim_form.h - a signer's DKIM-Signature field, laid out once and filled for each mail. Inner header of
 * the room.
 *
 * Mails of a letter have the same field but for t=, bh= and b=. A form belongs to one desk. */
#ifndef TEMPLATES_DKIM_DKIM_FORM_H
#define TEMPLATES_DKIM_DKIM_FORM_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/base/span.h"
#include "templates/dkim/dkim_header.h"

/* A text under construction. */
struct dkim_text {
	char *p;
	size_t n, cap, column;
};

struct dkim_layout {     /* a text with the places of its two values */
	char *p;
	size_t n, cap, time, hash;
};

struct dkim_form {
	const char *algorithm, *canon; /* static */
	struct span domain, selector;  /* borrowed from the signer */
	struct dkim_layout field;      /* as it is written, up to "b=" */
	struct dkim_layout canonical;  /* its relaxed form */
	struct span relaxed;           /* filled: what is hashed */
	size_t column;                 /* where b= stands */
	const char **entries;          /* of h= as it was laid out */
	uint32_t n_entries;
	size_t cap_entries;
	size_t time_n;                 /* digits of t= */
};

void dkim_form_init(struct dkim_form *f, const char *algorithm, const char *canon, struct span domain,
		    struct span selector);
void dkim_form_release(struct dkim_form *f);
/* Octets that the field may have, signature and CRLF included. */
size_t dkim_form_size(const struct dkim_form *f, uint32_t n_choices);
/* Sets f->relaxed. body_hash in base64. 0; -1: no memory. */
int dkim_form_fill(struct dkim_form *f, const struct dkim_choice *choices, uint32_t n, int64_t wall_ms,
		   const char *body_hash, struct arena *a);
/* Appends the filled field with its signature to t, which has room. */
void dkim_form_put(const struct dkim_form *f, const unsigned char *signature, size_t n, struct dkim_text *t);

#endif
