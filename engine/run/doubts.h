/* doubts.h - what can be sent and was perhaps not meant: warnings of the preflight, row by row. */
#ifndef ENGINE_RUN_DOUBTS_H
#define ENGINE_RUN_DOUBTS_H

#include <stdint.h>

#include "engine/base/arena.h"
#include "engine/model/finding.h"
#include "templates/liquid/liquid.h"

struct campaign;
struct err;
struct mail;
struct row;

enum { DOUBTS_EMPTY_MAX = 8 };

struct doubts_empty { /* a value that was printed and was empty */
	struct span name;
	const char *path;
	uint64_t line, at;
};

struct doubts { /* one thread's */
	struct liquid_empty watch; /* first member; for letter_desk_watch() */
	const struct campaign *campaign;
	struct finding_sink *to;
	struct doubts_empty empty[DOUBTS_EMPTY_MAX]; /* of the row under way */
	uint32_t n_empty;
};

void doubts_init(struct doubts *d, const struct campaign *c, struct finding_sink *to);
/* Before a row is written. */
void doubts_begin(struct doubts *d);
/* After it became a mail that will be sent, or as much of one as could be made of it. */
void doubts_tell(struct doubts *d, const struct row *row, const struct mail *mail);
/* What is empty at the place of that mistake is the mistake itself. */
void doubts_forget(struct doubts *d, const struct err *why);
/* A better hint for a row that is no mail, when there is one: what its address was probably meant to be. */
void doubts_propose(const struct doubts *d, const struct row *row, struct err *e);

#endif
