/* delivery_process.h - one mail given to one process. Private to the room. */
#ifndef TRANSPORT_DELIVERY_DELIVERY_PROCESS_H
#define TRANSPORT_DELIVERY_DELIVERY_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/model/mail.h"
#include "engine/model/verdict.h"

enum {
	PIPE_CHUNK_BYTES = 16 * 1024,
	PIPE_SAID_MAX = 400 /* of what a program printed */
};

enum pipe_step {
	PIPE_FREE,
	PIPE_ASKING,  /* its intent is to be told */
	PIPE_WAITING, /* for the grant */
	PIPE_WRITING, /* the process runs and has not all of the content yet */
	PIPE_FED,     /* it has, and runs */
	PIPE_SETTLED  /* verdicts are to be told */
};

struct pipe_job { /* one mail and its process; its ticket is its index */
	enum pipe_step step;
	const struct mail *mail;
	pid_t pid;
	int in_fd, out_fd, end_fd; /* -1 none; end_fd becomes readable when the process has ended */
	int64_t until_ms;
	uint32_t piece; /* of the content: the next one */
	size_t offset;
	size_t chunk_at, chunk_n;
	bool cut;    /* the program closed its input before it had all */
	bool timed_out;
	size_t said_n;
	uint32_t told; /* verdicts */
	struct verdict verdict;
	char said[PIPE_SAID_MAX];
	char chunk[PIPE_CHUNK_BYTES];
};

/* Starts the command's words with -f SENDER (or the sender where a word is "{sender}"), "--" and the recipients.
 * When that fails the job is settled, else PIPE_WRITING. */
void pipe_job_start(struct pipe_job *j, char *const *command, int n_command, int64_t patience_ms);
bool pipe_job_runs(const struct pipe_job *j);
/* Writes what the process takes now. */
void pipe_job_write(struct pipe_job *j);
/* Reads, writes, looks whether it has ended or had its time; then the job is settled. */
void pipe_job_go_on(struct pipe_job *j, int64_t now_ms);
/* Only whether it has ended. */
void pipe_job_look(struct pipe_job *j);
/* Ends a process that runs, and waits for it; the job is not settled by that. */
void pipe_job_kill(struct pipe_job *j);
void pipe_job_settle(struct pipe_job *j, enum verdict_kind kind, enum verdict_scope scope, const char *words);

#endif
