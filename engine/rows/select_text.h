/* select_text.h - the choice of rows as text, a line an option (inside engine/rows only). */
#ifndef ENGINE_ROWS_SELECT_TEXT_H
#define ENGINE_ROWS_SELECT_TEXT_H

/* The lines that say by what rows are grouped: by values, by addresses. */
extern const char *const select_group_lines[2];

#endif
