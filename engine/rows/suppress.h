/* suppress.h - addresses that get nothing, from files that may be read again while others ask.
 *
 * A file has one address or @domain a line, or is a table with a column email (or address, or
 * recipient) and perhaps a column reason: whatever rows_open() reads. Lines that begin with # are
 * comments. A line that is no address, or cannot be read, is an error: an opt-out that is not understood
 * must not pass for one that is not there; for the same reason hidden rows of a sheet count. @domain means
 * that domain alone, not those below it. */
#ifndef ENGINE_ROWS_SUPPRESS_H
#define ENGINE_ROWS_SUPPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/span.h"

struct err;
struct finding_sink;
struct suppress;

enum { SUPPRESS_REASON_MAX = 160 };

/* The paths are borrowed for its life. sink, or NULL: gets what was noted of the files, a guessed encoding say.
 * ERR_INPUT, ERR_SYS, ERR_NOMEM. */
int suppress_open(struct suppress **out, const char *const *paths, uint32_t n, struct finding_sink *sink,
		  struct err *e);
/* Whom to choose, of *path alone; when that is an address, or an @domain, and no file: of that one. Hidden rows
 * of a sheet are not chosen. */
int suppress_open_one(struct suppress **out, const char *const *path, struct err *e);
void suppress_free(struct suppress **s);
/* Reads all files again; when that fails, what was known stays. Any thread, one at a time. */
int suppress_reload(struct suppress *s, struct err *e);
/* address: as on the wire, compared without ASCII case. reason: "" when the file gives none. Any
 * thread; a NULL s has nobody. */
bool suppress_has(struct suppress *s, struct span address, char reason[SUPPRESS_REASON_MAX]);
uint64_t suppress_count(struct suppress *s);

#endif
