/* envelope.h - the mail transaction: MAIL, RCPT, DATA, BDAT, RSET, and what their end becomes. */
#ifndef TESTS_FAKE_ENVELOPE_H
#define TESTS_FAKE_ENVELOPE_H

#include "tests/fake/session.h"

/* args: what stands behind the verb, from the space on; line: the whole, for violations */
void envelope_mail(struct session *s, struct text args, struct text line);
void envelope_rcpt(struct session *s, struct text args, struct text line);
void envelope_data(struct session *s);
void envelope_bdat(struct session *s, struct text args, struct text line);
void envelope_rset(struct session *s);
/* Forgets the transaction, keeps the buffers. */
void envelope_forget(struct session *s);
/* Octets of a content, in MODE_DATA or MODE_CHUNK; returns how many were taken. */
size_t envelope_content(struct session *s, const char *p, size_t n);
void envelope_release(struct session *s);

#endif
