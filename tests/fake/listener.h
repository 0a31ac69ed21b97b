/* listener.h - the sockets that are listened on, and the file that says so. */
#ifndef TESTS_FAKE_LISTENER_H
#define TESTS_FAKE_LISTENER_H

#include "tests/fake/config.h"

/* Opens all of them, then writes the ready file; die()s with a sentence. */
void listeners_open(struct config *c);
void listeners_close(struct config *c);
/* A connection's descriptor, non-blocking; -1 when there is none just now. */
int listener_accept(const struct listener *l, const struct config *c);

#endif
