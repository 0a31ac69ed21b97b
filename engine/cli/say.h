/* say.h - sentences for the person who typed the command.
 *
 * Errors and notes go to standard error, one line each with the program's name before it; a hint
 * stands below, two spaces in. Only the main thread calls these, and not while a campaign runs
 * (then engine/base/log.h speaks). Colours only on a terminal without NO_COLOR. */
#ifndef ENGINE_CLI_SAY_H
#define ENGINE_CLI_SAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine/model/finding.h"

enum { SAY_SIZE = 48 };

struct err;

/* "lettershop: letter.eml:12:8: sentence", and the hint. */
void say_err(const struct err *e);
/* The same without an err; hint may be NULL. */
void say_wrong(const char *hint, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* True when a person can be asked: standard input and standard error are terminals. */
bool say_to_person(void);
bool say_colours(FILE *to);

/* "file:line:column: sentence" without the program's name, as compilers do; on a terminal the line
 * and a caret below it. */
void say_finding(FILE *to, const struct finding *f);

/* A sink that shows each finding at once and remembers whether it showed an error's sentence. */
struct say_sink {
	struct finding_sink sink; /* first member */
	FILE *to;
};
void say_sink_init(struct say_sink *s, FILE *to);

/* For people: "12,345"; "2.1 MB"; "3 min 20 s". All return out. */
const char *say_count(uint64_t n, char out[SAY_SIZE]);
const char *say_bytes(uint64_t bytes, char out[SAY_SIZE]);
const char *say_time(int64_t ms, char out[SAY_SIZE]);
/* "1 row", "2 rows": out gets count and word. */
const char *say_many(uint64_t n, const char *one, const char *many, char out[SAY_SIZE]);

#endif
