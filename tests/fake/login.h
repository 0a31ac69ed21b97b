/* login.h - the AUTH command and the responses to its challenges. */
#ifndef TESTS_FAKE_LOGIN_H
#define TESTS_FAKE_LOGIN_H

#include "tests/fake/session.h"

/* args: what stands behind the verb, from the space on; line: the whole, for violations */
void login_begin(struct session *s, struct text args, struct text line);
void login_response(struct session *s, struct text line); /* in MODE_AUTH */

#endif
