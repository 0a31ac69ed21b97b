/* findings.h - a report as a person reads it: groups with counts and their first places. */
#ifndef ENGINE_CLI_FINDINGS_H
#define ENGINE_CLI_FINDINGS_H

#include <stdio.h>

#include "engine/run/report.h"

/* Every group; the places stand at the start of their lines, so that editors find them. */
void findings_print(FILE *to, const struct report *r);

#endif
