/* recorder.h - the thread that derives results.csv, syncs the journal, and shows progress. */
#ifndef ENGINE_RUN_RECORDER_H
#define ENGINE_RUN_RECORDER_H

struct results_log;
struct run;

struct recorder {
	struct run *run;
	struct results_log *log;
};

/* The thread's body; arg is a struct recorder. Ends after run->workers_gone. */
void *recorder_main(void *arg);

#endif
