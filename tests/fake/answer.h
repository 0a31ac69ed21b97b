/* answer.h - how a session speaks: every reply goes through here, and here every fault strikes. */
#ifndef TESTS_FAKE_ANSWER_H
#define TESTS_FAKE_ANSWER_H

#include "tests/fake/session.h"

/* A command has come to this stage. True: a fault has settled it, and it takes no effect.
 * Otherwise the fault, if any, waits for the answer. */
bool answer_stage(struct session *s, enum stage stage, const struct fault_subject *subject);
/* What faults see of the current transaction. */
struct fault_subject answer_subject(struct session *s);
/* text: "250 2.1.0 Ok", more lines after '\n'. Its enhanced code goes when none were announced. */
void answer(struct session *s, const char *text);
void answer_then(struct session *s, const char *text, enum out_after after);
/* A CONTENT fault has reached its octet. */
void answer_content_fault(struct session *s);
void answer_close(struct session *s, enum out_after how);
void answer_violation(struct session *s, const char *rule, struct text detail);

#endif
