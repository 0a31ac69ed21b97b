/* verdict.h - what became of one recipient in one attempt.
 *
 * Noun 3 of 3: row -> mail -> verdict. Plain values: may cross threads by copy. */
#ifndef ENGINE_MODEL_VERDICT_H
#define ENGINE_MODEL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/span.h"

enum verdict_kind {
	VERDICT_SENT,     /* 2xx to the end of data (LMTP: for this recipient); file: it is there whole */
	VERDICT_DEFERRED, /* 4xx, or the link broke before the end of data: safe to try again */
	VERDICT_REFUSED,  /* 5xx: the same mail would be refused again */
	VERDICT_IN_DOUBT, /* link broke after the end of data left us: a retry may send twice */
	VERDICT_SKIPPED   /* our choice: suppressed, duplicate, bad address, cannot be rendered */
};

/* How far the cause reaches, not how bad it is. */
enum verdict_scope { SCOPE_RECIPIENT, SCOPE_MAIL, SCOPE_SESSION, SCOPE_RELAY };

enum { VERDICT_TEXT_MAX = 480, VERDICT_QUEUE_ID_MAX = 64 };

struct verdict {
	enum verdict_kind kind;
	enum verdict_scope scope;
	uint32_t recipient;    /* index into mail.recipients */
	int code;              /* SMTP code; 0 when no server spoke */
	int enhanced[3];       /* 2.1.5; enhanced[0] == 0 when the server gave none */
	const char *stage;     /* static text: "RCPT", "end of data", "render" */
	bool not_tried;        /* deferred, but no failure: the relay takes only so many recipients at once,
	                        * this one can go at once in another transaction; scope SESSION: another
	                        * relay may be able to carry the mail */
	bool account;          /* deferred, and said of our account whatever the mail: its quota is used up */
	char queue_id[VERDICT_QUEUE_ID_MAX]; /* the relay's name for the mail, "" unknown */
	char text[VERDICT_TEXT_MAX];         /* server's or our words; printable, lines joined by a space */
};

/* What is behind the end of its words stays behind. */
static inline void verdict_copy(struct verdict *to, const struct verdict *from)
{
	memcpy(to, from, offsetof(struct verdict, text) + strlen(from->text) + 1);
}

/* "sent", "deferred", "refused", "in_doubt", "skipped": static text. */
const char *verdict_word(enum verdict_kind kind);
/* The kind that word names: 0, or -1. */
int verdict_from_word(struct span word, enum verdict_kind *out);
/* The worse of two, for a row of several recipients: sent < skipped < refused < deferred < in doubt. */
enum verdict_kind verdict_worst(enum verdict_kind a, enum verdict_kind b);
/* Sets text from a format, printable and cut at a character. */
void verdict_say(struct verdict *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Queue id out of a relay's reply to the end of data ("2.0.0 Ok: queued as 4FZx", "OK id=1r2-0000",
 * "250 Ok 0100018c-..."): writes "" when there is none to be seen. */
void verdict_find_queue_id(struct span reply_text, char out[VERDICT_QUEUE_ID_MAX]);

#endif
