/* duplicates.h - rows that would mail one address twice.
 *
 * First every address of every row that takes part is shown to it (any thread), then duplicates_find() says
 * what it found, then duplicates_of() answers in the order of the list. Memory is bounded: the search sorts
 * on disk. Hashes are keyed by chance and long enough to be taken for what they stand for. */
#ifndef ENGINE_ROWS_DUPLICATES_H
#define ENGINE_ROWS_DUPLICATES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/model/row.h"
#include "engine/rows/rows.h"

struct err;
struct duplicates;

enum { DUPLICATES_ADDRESSES_MAX = 128 }; /* of one row */

enum duplicates_rule {
	DUPLICATES_STOP,  /* identical rows: the first; rows that differ: reported */
	DUPLICATES_SKIP, /* the first row of each address; later ones go to their other addresses, if they have some */
	DUPLICATES_SEND, /* identical rows: the first; rows that differ: all */
	DUPLICATES_GROUP /* rows of one address were made one (rows_group()); what is left: as DUPLICATES_STOP */
};

struct duplicates_row { /* what is remembered of an address of a row */
	uint64_t address[2], cells; /* hashes */
	struct row_place place;
	uint32_t size;       /* of its message, for the totals */
	uint32_t which : 10; /* of the row's addresses, from 0 */
	uint32_t of : 10;    /* addresses that the row has, at most DUPLICATES_ADDRESSES_MAX */
	uint32_t shown : 10; /* of which are shown: those that are not left out for another reason */
	uint32_t begun : 1;  /* an earlier run sent to it, or may have: the others are duplicates of it */
};

struct duplicates_case { /* one address, rows that differ */
	uint64_t rows;
	uint32_t which; /* it is of the addresses of the first place */
	bool shared;    /* a row has other addresses too */
	uint32_t n_places;
	struct row_place places[5]; /* lowest first */
};

struct duplicates_found { /* of what no earlier run began */
	uint64_t skipped, skipped_bytes; /* rows without an address that is left, and their messages */
	uint64_t addresses;              /* that those have */
	uint64_t left_out;               /* addresses of rows that are sent to others */
	uint64_t cases;                  /* DUPLICATES_STOP: addresses with rows that differ */
	uint32_t n_first;
	struct duplicates_case first[5]; /* those that begin first in the list */
};

struct duplicates_answer { /* about one row */
	uint32_t n;  /* duplicates among its addresses; 0: it is none */
	uint32_t of; /* addresses that it has */
	struct duplicate {
		uint32_t which;
		uint64_t line; /* of the row that mails this address */
	} each[DUPLICATES_ADDRESSES_MAX];
};

int duplicates_new(struct duplicates **out, enum duplicates_rule rule, struct err *e);
void duplicates_free(struct duplicates **d);
/* Fills all but size and begun, as the only address of its row. address: as on the wire, compared without ASCII
 * case; empty when it is not known: then only identical rows are found. No address of a row may be shown twice. */
void duplicates_see(const struct duplicates *d, const struct row *row, struct span address,
		    struct duplicates_row *out);
/* Any thread. ERR_SYS, ERR_NOMEM. */
int duplicates_add(struct duplicates *d, const struct duplicates_row *rows, uint32_t n, struct err *e);
/* All rows were added. */
int duplicates_find(struct duplicates *d, struct duplicates_found *out, struct err *e);
/* Before the first duplicates_of(), and to ask anew from the first row. */
int duplicates_rewind(struct duplicates *d, struct err *e);
/* Rows ascending, each once. 0, or -1 with e. */
int duplicates_of(struct duplicates *d, uint64_t row, struct duplicates_answer *out, struct err *e);

#endif
