/* findings.h - a report as a person reads it: groups with counts and their first places. */
#ifndef ENGINE_CLI_FINDINGS_H
#define ENGINE_CLI_FINDINGS_H

#include <stdio.h>

#include "engine/run/report.h"

/* Every group; the places stand at the start of their lines, so that editors find them. */
void findings_print(FILE *to, const struct report *r);

/* One JSON object and a line end. form: how the list was understood; expected_ms -1: not known. */
void findings_print_json(FILE *to, const struct report *r, const char *form, int64_t expected_ms);

#endif
