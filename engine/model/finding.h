/* finding.h - a mistake that the user can mend, with its place.
 *
 * Compilers and preflight report all they see, not only the first. A sink belongs to one thread
 * unless its owner says otherwise. */
#ifndef ENGINE_MODEL_FINDING_H
#define ENGINE_MODEL_FINDING_H

#include <stdint.h>

enum finding_level { FINDING_ERROR, FINDING_WARNING };

enum { FINDING_TEXT_MAX = 512, FINDING_HINT_MAX = 256 };

struct finding {
	enum finding_level level;
	const char *kind;  /* static text that groups alike ones: "unknown column", "bad address" */
	const char *path;  /* borrowed during the call; NULL when no file is to blame */
	uint64_t line;     /* 0 unknown */
	uint64_t column;   /* in characters; 0 unknown */
	char text[FINDING_TEXT_MAX];
	char hint[FINDING_HINT_MAX]; /* what to do, "" when nothing helps */
};

struct finding_sink {
	/* The finding is borrowed during the call. */
	void (*report)(struct finding_sink *self, const struct finding *f);
	unsigned long errors, warnings; /* kept by finding_report() */
};

struct err;

void finding_report(struct finding_sink *to, const struct finding *f);
/* A finding in one call; hint may be NULL. */
void finding_say(struct finding_sink *to, enum finding_level level, const char *kind, const char *path,
		 uint64_t line, uint64_t column, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 8, 9)));
/* An err as a finding of that kind. */
void finding_of_err(struct finding_sink *to, const char *kind, const struct err *e);

#endif
