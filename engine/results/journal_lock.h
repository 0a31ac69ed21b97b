/* journal_lock.h - at most one process holds a campaign (inside engine/results only). */
#ifndef ENGINE_RESULTS_JOURNAL_LOCK_H
#define ENGINE_RESULTS_JOURNAL_LOCK_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* Locks the file at path, which is made when there is none, until *fd is closed or the process
 * ends in whatever way, and notes there who holds it. ERR_CONFLICT: another one does, and who.
 * results_path is for the sentence. */
int journal_lock(int *fd, const char *path, const char *results_path, struct err *e);
void journal_unlock(int *fd);
/* Somebody holds it just now; out gets who, as text, "" unknown. Takes no lock. */
bool journal_lock_holder(const char *path, char *out, size_t out_size);

#endif
