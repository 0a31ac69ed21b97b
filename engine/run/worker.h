/* worker.h - a thread that writes letters and hands them to its share of the connections. */
#ifndef ENGINE_RUN_WORKER_H
#define ENGINE_RUN_WORKER_H

struct err;
struct queue;
struct run;
struct worker;

/* Everything that can fail is made here, before the thread starts. */
int worker_new(struct worker **out, struct run *run, unsigned index, struct err *e);
void worker_free(struct worker **w);
/* Blocks come in here; close it when there are no more. Holds RUN_UNSTARTED_BLOCKS + 1. */
struct queue *worker_inbox(struct worker *w);
/* Rows it can have begun and not settled, at most. */
unsigned worker_rows_in_hand(const struct worker *w);
/* The thread's body; arg is the struct worker. */
void *worker_main(void *arg);

#endif
