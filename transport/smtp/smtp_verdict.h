/* smtp_verdict.h - what a reply means for the recipients it is about: code, enhanced code and
 * stage to verdict kind and scope, as data. Pure code. */
#ifndef TRANSPORT_SMTP_SMTP_VERDICT_H
#define TRANSPORT_SMTP_SMTP_VERDICT_H

#include <stdbool.h>

#include "engine/model/verdict.h"
#include "transport/smtp/smtp_reply.h"

enum smtp_stage { /* bits, so that a rule can name several */
	SMTP_AT_MAIL = 1,
	SMTP_AT_RCPT = 2,
	SMTP_AT_DATA = 4,
	SMTP_AT_END = 8 /* end of data: the final dot, BDAT LAST */
};

/* "MAIL", "RCPT", "DATA", "end of data": static text. */
const char *smtp_stage_word(enum smtp_stage stage);
/* "x.y.z " at the beginning of a reply's text (RFC 2034, 3463), believed only when x is the code's
 * first digit; out[0] == 0 when there is none. */
void smtp_enhanced(const struct smtp_reply *r, int out[3]);
/* Fills all of v but recipient from a final reply, 2yz, 4yz or 5yz. already: messages that this
 * session has had accepted (a refused MAIL may just mean "reconnect"). */
void smtp_verdict_of(struct verdict *v, enum smtp_stage stage, const struct smtp_reply *r, unsigned already);
/* True for a refused RCPT that says "too many recipients" (RFC 5321 4.5.3.1.10), which means what it
 * says only when one was accepted before it: 452 4.5.3, 452 without a word, 552 5.5.3. */
bool smtp_verdict_is_crowd(const struct verdict *v);
/* Fills v from what we know ourselves; code may be 0. */
void smtp_verdict_own(struct verdict *v, enum verdict_kind kind, enum verdict_scope scope, const char *stage);
/* Code, enhanced code and words of the reply; kind and scope stay as they are. */
void smtp_verdict_words(struct verdict *v, const struct smtp_reply *r);

#endif
