/* book_format_code.h - format codes cut into what they are made of (inside engine/rows only). */
#ifndef ENGINE_ROWS_BOOK_FORMAT_CODE_H
#define ENGINE_ROWS_BOOK_FORMAT_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"

struct buf;

enum piece_kind {
	PIECE_TEXT,    /* as it is */
	PIECE_DIGIT,   /* 0 # ? */
	PIECE_POINT,
	PIECE_COMMA,
	PIECE_PERCENT,
	PIECE_EXPONENT, /* E+ E- */
	PIECE_DATE,     /* a run of y m d h s, or AM/PM as 'a' */
	PIECE_ELAPSED,  /* [h] [mm] [ss] */
	PIECE_WHOLE     /* General, @: the number without a form */
};

struct piece {
	uint8_t kind; /* enum piece_kind */
	char c;       /* the sign, lower-case for dates; '+' or '-' of an exponent */
	struct span text;
};

enum { PIECES_MAX = 128 };

struct section {
	struct piece pieces[PIECES_MAX];
	unsigned n;
	bool date, whole, fraction;
	bool negative;  /* what it shows has a minus sign of the number's own */
};

/* The section of the code that is for this value. False: it cannot be shown so. */
bool format_choose(struct span code, double value, struct section *out);
/* Digits by their places. */
void format_digits(struct buf *out, const struct section *s, double value);
/* Days since the beginning. False: no date. */
bool format_date(struct buf *out, const struct section *s, double days, bool dates_1904);
/* Without a form: at most 15 digits, no exponent below 10 to the 15th. */
void format_general(struct buf *out, double value);

#endif
