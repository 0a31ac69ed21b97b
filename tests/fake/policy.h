/* policy.h - what honest servers do with honest recipients: greylisting, refused addresses. */
#ifndef TESTS_FAKE_POLICY_H
#define TESTS_FAKE_POLICY_H

#include "tests/fake/config.h"

struct greylist;

struct greylist *greylist_new(void);
void greylist_free(struct greylist **g);
/* The reply that refuses rcpt, or NULL when it is welcome. Any thread. */
const char *policy_refusal(const struct config *cfg, struct greylist *g, struct text rcpt, int64_t now_ns);

#endif
