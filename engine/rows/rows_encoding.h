/* rows_encoding.h - which characters the bytes of a list are (inside engine/rows only).
 *
 * Valid UTF-8 is UTF-8, and what begins with a byte order mark is what that says. Else, and when
 * nobody told, libuchardet proposes; it sees only lines that have bytes beyond ASCII. */
#ifndef ENGINE_ROWS_ROWS_ENCODING_H
#define ENGINE_ROWS_ROWS_ENCODING_H

#include <stdbool.h>

#include "engine/base/span.h"
#include "engine/rows/rows_source.h"

struct err;
struct rows_guess;

enum { ROWS_ENCODING_NAME = 40 };

/* Leaves UTF-8 behind: what is another encoding is converted into a temporary file.
 * wanted: what the user said, or NULL. name gets the encoding's name; *guessed: it may be wrong.
 * ERR_INPUT: not a known name; bytes that the encoding does not have, with line and character. */
int rows_encoding_settle(struct rows_source *source, const char *wanted, char name[ROWS_ENCODING_NAME],
			 bool *guessed, struct err *e);

/* The detector (rows_guess.c). new: NULL when memory runs out. */
struct rows_guess *rows_guess_new(void);
void rows_guess_add(struct rows_guess *g, struct span lines);
/* The name of an encoding, "" for none; ends the detection. */
void rows_guess_end(struct rows_guess **g, char name[ROWS_ENCODING_NAME]);

#endif
