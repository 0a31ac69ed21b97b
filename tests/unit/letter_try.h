/* letter_try.h - a letter in a folder of its own, for tests: opened, written, read back. */
#ifndef TESTS_UNIT_LETTER_TRY_H
#define TESTS_UNIT_LETTER_TRY_H

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/model/finding.h"
#include "engine/model/mail.h"
#include "engine/model/row.h"
#include "templates/letter/letter.h"

enum { TRY_COLUMNS = 16 };

struct letter_try {
	struct finding_sink sink; /* first member */
	char findings[8192];      /* "line:column: text\n", in order */
	char folder[64];
	struct letter_options opt; /* may be changed before try_open() */
	struct columns columns;
	struct span names[TRY_COLUMNS], cells[TRY_COLUMNS];
	struct letter *l;
	struct letter_desk *d;
	struct arena a;
	struct row row;
	struct mail m;
	struct err e;
};

/* Makes the folder; columns is "name,email". */
void try_begin(struct letter_try *t, const char *columns);
void try_end(struct letter_try *t);
void try_file(struct letter_try *t, const char *name, const void *bytes, size_t n);
/* As letter_open(); the letter is source. An open letter is closed first. */
int try_open(struct letter_try *t, const char *source);
/* As letter_write(), with the cells in order, at 2023-11-14T22:13:20Z. */
int try_write(struct letter_try *t, const char *const *cells);
int try_view(struct letter_try *t, const char *const *cells, struct letter_view *out);
/* The message of the last try_write() in one piece, in the arena. */
struct span try_message(struct letter_try *t);
/* Does the message, or the list of findings, have text? */
int try_has(struct letter_try *t, const char *text);
/* The same as try_open(), try_write() and try_has(), and the test fails when they do. */
void try_open_ok(struct letter_try *t, const char *source);
void try_write_ok(struct letter_try *t, const char *const *cells);
void try_must_have(struct letter_try *t, const char *text);

#endif
