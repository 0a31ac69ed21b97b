/* letter_filters.h - filters that only letters have. Inner header of the room. */
#ifndef TEMPLATES_LETTER_LETTER_FILTERS_H
#define TEMPLATES_LETTER_LETTER_FILTERS_H

#include "templates/liquid/liquid.h"

enum { LETTER_FILTERS = 2 };
/* phrase: a name as it stands before an address in a text; address: an address as it goes on the wire. */
extern const struct liquid_filter letter_filters[LETTER_FILTERS];

#endif
