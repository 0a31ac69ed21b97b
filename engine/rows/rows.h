/* rows.h - a recipients file becomes rows (front door).
 *
 * One struct rows belongs to one thread; the columns are const and shared. Memory is bounded
 * whatever the size of the file. Line 1 is the first line of the file; the header is no row. */
#ifndef ENGINE_ROWS_ROWS_H
#define ENGINE_ROWS_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/model/row.h"

struct err;
struct finding_sink;
struct rows;

/* How the list is to be read where its bytes do not say it, or say it wrongly; all zero: by looking. */
struct rows_ways {
	const char *encoding;  /* a name that iconv(3) knows, or NULL */
	const char *delimiter; /* "comma", "semicolon", "tab", "pipe" or the sign itself, or NULL */
	const char *sheet;     /* of a workbook: its name, or NULL for the first one that can be seen */
	const char *names;     /* "email,name": the columns, with no_header only */
	bool no_header;        /* the first record is a row */
	bool hidden_too;       /* rows of a sheet that nobody sees are rows as well */
};

struct rows_options {
	const char *path; /* "-": standard input, copied to a temporary file first */
	struct rows_ways ways;
};

/* Reads the header. 0; -1 with e: ERR_INPUT (no header, two columns alike, not a list), ERR_SYS. */
int rows_open(struct rows **out, const struct rows_options *opt, struct err *e);
void rows_close(struct rows **r);
/* Another reader of the same list and columns, with a place of its own (for a second thread, or
 * for rows_fetch() beside rows_read()). The first must outlive it. */
int rows_share(struct rows **out, const struct rows *of, struct err *e);

/* Rows with one key become one, which stands where the first of them stands: groups in the order of
 * their first rows, the rows of each in the order of the list. All are copied to a temporary file,
 * and read from there, so that a key may return anywhere in a list of any size. */
struct rows_grouping {
	int column;         /* of the key; compared exactly, but for spaces around it */
	bool addresses;     /* they are addresses: compared as on the wire, without case */
	int address_column; /* rows of a group that hold different addresses in it have row.problem; -1: none */
	/* 1 the row takes part, 0 not, -1 with e: the others are in no group. NULL: all do. */
	int (*wants)(void *ctx, struct row *row, struct arena *memory, struct err *e);
	/* Of one that takes part, when it is read for its group: 0, and row->problem says what is wrong with it, in
	 * that memory; -1 with e. NULL: nothing is. */
	int (*judge)(void *ctx, struct row *row, struct arena *memory, struct err *e);
	void *ctx;
};
/* out has the rows of `of`, grouped, as a list of its own; `of` must outlive it. A group has row.problem when
 * one of its rows has, or has no key, or when it is larger than ROW_GROUP_MAX (then it is several, so that
 * each row has its group) or ROW_BYTES_MAX. ERR_INPUT: a column is named `rows`, which is what the letter calls a group's rows. */
int rows_group(struct rows **out, const struct rows *of, const struct rows_grouping *how, struct err *e);
/* Of a list that was grouped: rows that are in no group. */
uint64_t rows_left_out(const struct rows *r);

const struct columns *rows_columns(const struct rows *r); /* valid while r lives */
/* How the file was understood, for people: "CSV, comma, UTF-8". */
const char *rows_form(const struct rows *r);
/* What was guessed or left out when it was opened, as warnings. */
void rows_tell(const struct rows *r, struct finding_sink *to);

/* Appends up to max rows to the block, fewer when the block has taken 1 MiB of bytes. A row whose
 * cells do not fit the header is delivered with row.problem set.
 *  1 got some; 0 end of the list; -1 with e: the list cannot be read on (a quote never closed, a
 *  cell over ROW_CELL_MAX; path and line are where it began), ERR_SYS, ERR_NOMEM. */
int rows_read(struct rows *r, struct row_block *into, uint32_t max, struct err *e);
/* Back to the first row. */
int rows_rewind(struct rows *r, struct err *e);

struct row_place { /* where a row stands; all three from the row itself */
	uint64_t number, line, offset;
};
/* Appends those rows again. The place of rows_read() is not changed. */
int rows_fetch(struct rows *r, const struct row_place *places, uint32_t n, struct row_block *into, struct err *e);

/* Bytes read so far and in all, for estimates. */
uint64_t rows_bytes_done(const struct rows *r);
uint64_t rows_bytes(const struct rows *r);
/* SHA-256 of the whole file as it is: true only after rows_read() has come to its end since the last
 * rewind. The price is paid only when asked for with rows_want_digest() before reading. */
void rows_want_digest(struct rows *r);
bool rows_digest(const struct rows *r, unsigned char out[32]);
/* Size and time of change of the open file as they are now, to notice that somebody wrote into it;
 * for a spooled list those of the spool. 0; -1 with e (ERR_SYS). */
int rows_stamp(const struct rows *r, uint64_t *size_bytes, int64_t *mtime_ns, struct err *e);

/* Writes cells as one RFC 4180 record, quoted where needed, with CRLF; used for the side files. */
struct buf;
int rows_put_csv(struct buf *out, const struct span *cells, uint32_t n);

#endif
