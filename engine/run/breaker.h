/* breaker.h - stops a run when too many are refused alike.
 *
 * A list has its dead addresses; that half of everybody is refused with the same answer is the relay's
 * doing, or a mistake in the letter, and going on would cost those people their mail. Any thread. */
#ifndef ENGINE_RUN_BREAKER_H
#define ENGINE_RUN_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/model/refusal.h"

struct breaker;
struct err;

enum {
	BREAKER_WINDOW_DEFAULT = 200,
	BREAKER_WINDOW_MIN = 10,
	BREAKER_WINDOW_MAX = 100000,
	BREAKER_CLASSES_MAX = 16 /* watched at once; the one that was quiet longest makes room */
};
#define BREAKER_DEFAULT "50%/200"

struct breaker_limit {
	unsigned percent; /* 0: off */
	uint32_t window;  /* verdicts */
};
/* "20%/200", "20%" (of BREAKER_WINDOW_DEFAULT), "off". ERR_INPUT says what is wrong. */
int breaker_parse(const char *text, struct breaker_limit *out, struct err *e);

int breaker_new(struct breaker **out, struct breaker_limit limit, struct err *e);
void breaker_free(struct breaker **b);
/* A recipient got its verdict: true, once, when this one makes the share of its class too large; class
 * and count then say which, and how many of the last `window` were of it. b may be NULL. */
bool breaker_take(struct breaker *b, const struct verdict *v, char class[REFUSAL_CLASS_SIZE], uint32_t *count);
uint32_t breaker_window(const struct breaker *b);

#endif
