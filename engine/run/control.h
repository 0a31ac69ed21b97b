/* control.h - a running campaign listens: RESULTS.journal/control, a Unix socket.
 *
 * One request a connection, one line each way:
 *     pause | continue | rate LIMITS | state      ->      "ok ..." or "error ..."
 * Only who may enter the journal's folder (mode 0700) can speak. A file system without sockets costs
 * the commands, not the run. */
#ifndef ENGINE_RUN_CONTROL_H
#define ENGINE_RUN_CONTROL_H

#include <stddef.h>

struct err;
struct run;

enum { CONTROL_LINE_MAX = 512 };

struct control {
	struct run *run;
	int fd;     /* listening; -1: nobody can speak to us */
	int folder; /* of the journal */
	int over;   /* eventfd: the run is over */
};

/* The lock of the campaign must be held: a socket that a killed run left is removed. */
void control_open(struct control *c, struct run *run);
void control_close(struct control *c);
/* Wakes the thread for its end, once run->workers_gone. */
void control_end(struct control *c);
/* The thread's body; arg is the struct control. Also does what signals asked for. */
void *control_main(void *arg);

/* The other side: sends a request to whoever runs the campaign, *reply gets the answer without "ok ".
 * 0; -1 with e: ERR_INPUT (no run listens, or it refused: its words), ERR_SYS. */
int control_ask(const char *results_path, const char *request, char reply[CONTROL_LINE_MAX], struct err *e);

#endif
