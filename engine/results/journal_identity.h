/* journal_identity.h - is it the same campaign? (inside engine/results only) */
#ifndef ENGINE_RESULTS_JOURNAL_IDENTITY_H
#define ENGINE_RESULTS_JOURNAL_IDENTITY_H

#include "engine/results/journal.h"

struct err;

/* 0 it is; -1 with e (ERR_CONFLICT): says what changed, one thing after the other. */
int journal_identity_same(const struct journal_identity *was, const struct journal_identity *now,
			  const char *results_path, struct err *e);

#endif
