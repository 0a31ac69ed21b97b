/* letter_case.h - upper and lower case of text in UTF-8, by Unicode, whatever the locale. */
#ifndef TEMPLATES_LIQUID_LETTER_CASE_H
#define TEMPLATES_LIQUID_LETTER_CASE_H

#include "engine/base/span.h"
#include "templates/liquid/values.h"

void text_add_upper(struct text *t, struct span s);
void text_add_lower(struct text *t, struct span s);
/* The first letter as a title has it, the others lower. */
void text_add_capitalized(struct text *t, struct span s);

#endif
