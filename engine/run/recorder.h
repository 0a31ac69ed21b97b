/* recorder.h - the thread that derives results.csv, syncs the journal, and shows progress. */
#ifndef ENGINE_RUN_RECORDER_H
#define ENGINE_RUN_RECORDER_H

struct queue;
struct results_log;
struct run;

struct recorder {
	struct run *run;
	struct results_log *log;
	struct queue *over; /* of nothing: closed when run->workers_gone is set, so that nobody waits for a turn */
};

/* The thread's body; arg is a struct recorder. Ends after run->workers_gone. */
void *recorder_main(void *arg);

#endif
