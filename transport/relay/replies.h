/* replies.h - what a refusal says about the relay, beyond the recipient or mail it was said of: data, with its
 * sources, in replies.def. Private to the room and its tests. Pure code.
 *
 * The verdict (transport/smtp) says what becomes of the row; this says what becomes of the connections. */
#ifndef TRANSPORT_RELAY_REPLIES_H
#define TRANSPORT_RELAY_REPLIES_H

#include <stdint.h>

#include "engine/model/verdict.h"

enum reply_class {
	REPLY_UNKNOWN, /* no row: the first digit says all that is known */
	REPLY_ADDRESS, /* there is no such recipient */
	REPLY_MAILBOX, /* not now for this recipient */
	REPLY_FULL,    /* its mailbox is full */
	REPLY_CONTENT, /* this message */
	REPLY_POLICY,  /* who sends, or how */
	REPLY_RATE,    /* too much at a time */
	REPLY_QUOTA,   /* too much of the day */
	REPLY_LOGIN,
	REPLY_SERVER   /* the relay's own troubles */
};

enum reply_act { REPLY_NOTHING, REPLY_SLOWS, REPLY_WAITS, REPLY_STOPS };

struct reply_meaning {
	enum reply_class class;
	enum reply_act act;
	int64_t pause_ms; /* WAITS: at least; 0 as usual */
};

/* Of a verdict that a reply made (code is not 0); all of UNKNOWN and NOTHING when no row fits. */
struct reply_meaning reply_meaning_of(const struct verdict *v);
/* "too much at a time": static text. */
const char *reply_class_word(enum reply_class class);

#endif
