/* letter_style.h - does a style attribute hide its element? Inner header of the room. */
#ifndef TEMPLATES_LETTER_LETTER_STYLE_H
#define TEMPLATES_LETTER_LETTER_STYLE_H

#include <stdbool.h>

#include "engine/base/span.h"

bool letter_style_hides(struct span style);

#endif
