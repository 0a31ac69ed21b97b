/* outq.h - replies on their way out: bytes with the time at which each may leave.
 *
 * A queue belongs to one connection and is touched by that connection's thread only. Times are
 * monotonic nanoseconds. Without delays and faults no mark is ever made and the queue is a plain
 * buffer. */
#ifndef TESTS_FAKE_OUTQ_H
#define TESTS_FAKE_OUTQ_H

#include "tests/fake/text.h"

#define OUTQ_NEVER INT64_MAX

enum out_after {
	OUT_NOTHING,
	OUT_CLOSE, /* FIN (with TLS after close_notify); what still comes in is read and dropped */
	OUT_CUT,   /* FIN without TLS's close_notify */
	OUT_RESET, /* RST */
	OUT_TLS    /* shake hands */
};

struct out_mark {
	uint64_t upto;  /* bytes of the whole stream that may have left after this mark */
	int64_t due_ns;
	enum out_after after; /* what happens once they have */
};

struct outq {
	struct bytes buf;
	size_t head;      /* buf[head] is the next byte to leave */
	uint64_t left;    /* bytes of the stream that have left */
	uint64_t open;    /* bytes of the stream that may leave now */
	struct out_mark *marks;
	size_t m_head, m_n, m_cap;
	bool shut;        /* a closing mark was made: nothing more is taken */
};

void outq_free(struct outq *q);
void outq_add(struct outq *q, struct text t);
/* All bytes added since the last commit leave at due_ns, never before those committed earlier. */
void outq_commit(struct outq *q, int64_t now_ns, int64_t due_ns, enum out_after after);
/* What may be written now; may be empty. */
struct text outq_ready(struct outq *q, int64_t now_ns);
void outq_wrote(struct outq *q, size_t n);
/* The mark reached with all its bytes written, taken off; OUT_NOTHING when there is none yet. */
enum out_after outq_reached(struct outq *q, int64_t now_ns);
/* When the next mark is due; OUTQ_NEVER without one. */
int64_t outq_due_ns(const struct outq *q);

/* Nothing waits to be written, now or later. */
static inline bool outq_idle(const struct outq *q)
{
	return q->head == q->buf.n && q->m_n == 0;
}

#endif
