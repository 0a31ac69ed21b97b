/* report.h - findings of a whole list, grouped: counts and the first places of each kind.
 *
 * Bounded memory however many rows are wrong. One thread adds at a time (preflight merges the
 * reports of its workers). */
#ifndef ENGINE_RUN_REPORT_H
#define ENGINE_RUN_REPORT_H

#include <stdint.h>

#include "engine/model/finding.h"

enum { REPORT_PLACES = 5, REPORT_KINDS_MAX = 64, REPORT_PATH_MAX = 512 };

struct report_place {
	char path[REPORT_PATH_MAX];
	uint64_t line, column; /* lowest lines first */
	char text[FINDING_TEXT_MAX];
	char hint[FINDING_HINT_MAX];
};

struct report_group {
	const char *kind; /* static text */
	enum finding_level level;
	uint64_t count;
	uint32_t n_places;
	struct report_place places[REPORT_PLACES];
};

struct report {
	struct finding_sink sink; /* first member: findings reported here are grouped */
	uint32_t n_groups;
	struct report_group *groups;
	uint64_t rows;      /* rows looked at */
	uint64_t selected;  /* of them take part */
	uint64_t done;      /* of these already have their final verdict */
	uint64_t mails;     /* that can be sent */
	uint64_t recipients; /* of these mails, as they will be sent: one each with --redirect-to */
	uint64_t bad_rows;  /* rows that cannot be a mail */
	uint64_t suppressed; /* recipients who are to get nothing */
	uint64_t duplicates; /* rows left out, and addresses of others, because another row mails the same address */
	uint64_t undecided; /* addresses with rows that differ: somebody has to choose */
	uint64_t bytes, largest, largest_line; /* of the mails */
	int64_t elapsed_ms;
};

int report_init(struct report *r); /* -1: no memory */
void report_release(struct report *r);
/* n more findings of that kind, whose places are not kept. */
void report_more(struct report *r, const char *kind, enum finding_level level, uint64_t n);
/* Adds what `from` has; lowest lines survive. */
void report_merge(struct report *into, const struct report *from);

#endif
