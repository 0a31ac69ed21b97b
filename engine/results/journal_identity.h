/* journal_identity.h - is it the same campaign? (inside engine/results only) */
#ifndef ENGINE_RESULTS_JOURNAL_IDENTITY_H
#define ENGINE_RESULTS_JOURNAL_IDENTITY_H

#include "engine/results/journal.h"

struct err;

enum { JOURNAL_CHANGES_SIZE = 641 };

/* 0 it is; -1 with e (ERR_CONFLICT): says what changed, one thing after the other, and the ways on. With
 * accepted, only what cannot be accepted counts: list, destination, redirection. */
int journal_identity_same(const struct journal_identity *was, const struct journal_identity *now, bool accepted,
			  const char *results_path, struct err *e);
/* What changed, in words: 1, or 0 nothing did. */
int journal_identity_changes(const struct journal_identity *was, const struct journal_identity *now,
			     char out[JOURNAL_CHANGES_SIZE]);

#endif
