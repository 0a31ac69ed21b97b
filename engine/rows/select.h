/* select.h - which rows take part: --rows and --limit, decided in the order of the list. */
#ifndef ENGINE_ROWS_SELECT_H
#define ENGINE_ROWS_SELECT_H

#include <stdint.h>

#include "engine/model/row.h"

struct err;
struct selection;

/* ranges: "3-9,14,20-" or NULL for all; limit: 0 for no limit. ERR_INPUT says what is wrong. */
int selection_new(struct selection **out, const char *ranges, uint64_t limit, struct err *e);
void selection_free(struct selection **s);
/* Ask once for each row, in the order of the list: 1 it takes part, 0 it does not, -1 neither it
 * nor any later one does. */
int selection_wants(struct selection *s, uint64_t row);
/* Begin anew with the first row. */
void selection_rewind(struct selection *s);
/* The same choice in one canonical form, for the campaign's identity; "" means all. Borrowed. */
const char *selection_text(const struct selection *s);

#endif
