/* text_bit.h - a bit of text on its way from a template into a message. */
#ifndef ENGINE_MODEL_TEXT_BIT_H
#define ENGINE_MODEL_TEXT_BIT_H

#include <stdint.h>

#include "engine/base/span.h"

struct text_bit {
	struct span bytes; /* never empty; whoever hands it out says how long it lives */
	int32_t piece;     /* the number of the template's fixed piece that it is; -1: a value */
};

#endif
