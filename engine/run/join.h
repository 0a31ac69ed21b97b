/* join.h - the user's own table with what became of each row, in its old order.
 *
 * Columns mail_status, mail_code, mail_reply, mail_time and mail_id are added, or replaced where they are
 * there already. Of a row with several recipients the worst counts. The caller's thread. */
#ifndef ENGINE_RUN_JOIN_H
#define ENGINE_RUN_JOIN_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/rows/rows.h"

struct err;
struct ledger;

enum { JOIN_TO_DO = 1 << 16 }; /* rows of which nothing is known; beside 1 << enum verdict_kind */

struct join {
	const char *list;
	struct rows_ways ways;
	const char *out;      /* "-": standard output */
	unsigned kinds;       /* rows of which statuses; ~0u: all */
	bool list_known;      /* the campaign's list has this hash; another one is an error */
	unsigned char digest[32];
};
/* 0 and *rows were written, whole or not at all (but on standard output); -1 with e: ERR_CONFLICT when it
 * is not the campaign's list. */
int join_write(const struct join *j, struct ledger *ledger, uint64_t *rows, struct err *e);

#endif
