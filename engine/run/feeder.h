/* feeder.h - the thread that reads the list and hands out blocks of rows. */
#ifndef ENGINE_RUN_FEEDER_H
#define ENGINE_RUN_FEEDER_H

struct err;
struct feeder;
struct run;

int feeder_new(struct feeder **out, struct run *run, struct err *e);
void feeder_free(struct feeder **f);
/* The thread's body; arg is the struct feeder. Ends when every row is settled, or with a stop, or
 * with trouble; closes all inboxes. */
void *feeder_main(void *arg);

#endif
