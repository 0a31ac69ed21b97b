/* outq.c - invariants:
 *  1. left <= open <= left + bytes held; the bytes between open and the first mark's upto wait for it.
 *  2. Marks are in the order of the stream and their times never fall, so replies keep their order
 *     whatever delays they were given.
 *  3. No byte behind a mark with an action leaves before the action was taken. */
#include "tests/fake/outq.h"

#include <stdlib.h>

void outq_free(struct outq *q)
{
	bytes_free(&q->buf);
	free(q->marks);
	*q = (struct outq){ 0 };
}

void outq_add(struct outq *q, struct text t)
{
	if (q->shut)
		return;
	if (q->head > 65536 && q->head > q->buf.n / 2) {
		memmove(q->buf.p, q->buf.p + q->head, q->buf.n - q->head);
		q->buf.n -= q->head;
		q->head = 0;
	}
	bytes_text_add(&q->buf, t);
}

static uint64_t end_of(const struct outq *q)
{
	return q->left + (q->buf.n - q->head);
}

static struct out_mark *mark_at(const struct outq *q, size_t i)
{
	return &q->marks[(q->m_head + i) % q->m_cap];
}

static void push(struct outq *q, struct out_mark m)
{
	if (q->m_n == q->m_cap) {
		size_t cap = q->m_cap ? q->m_cap * 2 : 16;
		struct out_mark *marks = need(cap * sizeof *marks);

		for (size_t i = 0; i < q->m_n; i++)
			marks[i] = *mark_at(q, i);
		free(q->marks);
		q->marks = marks;
		q->m_cap = cap;
		q->m_head = 0;
	}
	q->m_n++;
	*mark_at(q, q->m_n - 1) = m;
}

void outq_commit(struct outq *q, int64_t now_ns, int64_t due_ns, enum out_after after)
{
	uint64_t end = end_of(q);

	if (q->shut)
		return;
	if (after != OUT_NOTHING && after != OUT_TLS)
		q->shut = true;
	if (q->m_n == 0 && due_ns <= now_ns && after == OUT_NOTHING) {
		q->open = end;
		return;
	}
	if (q->m_n) {
		struct out_mark *last = mark_at(q, q->m_n - 1);

		if (due_ns < last->due_ns)
			due_ns = last->due_ns;
		if (due_ns == last->due_ns && last->after == OUT_NOTHING) {
			last->upto = end;
			last->after = after;
			return;
		}
	}
	push(q, (struct out_mark){ end, due_ns, after });
}

/* Opens what is due; true when the first mark is due and has an action. */
static bool open_due(struct outq *q, int64_t now_ns)
{
	while (q->m_n && q->marks[q->m_head].due_ns <= now_ns) {
		struct out_mark *m = &q->marks[q->m_head];

		q->open = m->upto;
		if (m->after != OUT_NOTHING)
			return true;
		q->m_head = (q->m_head + 1) % q->m_cap;
		q->m_n--;
	}
	return false;
}

struct text outq_ready(struct outq *q, int64_t now_ns)
{
	open_due(q, now_ns);
	return text_of(q->buf.p + q->head, (size_t)(q->open - q->left));
}

void outq_wrote(struct outq *q, size_t n)
{
	q->head += n;
	q->left += n;
	if (q->head == q->buf.n)
		q->head = q->buf.n = 0;
}

enum out_after outq_reached(struct outq *q, int64_t now_ns)
{
	enum out_after after;

	if (!open_due(q, now_ns) || q->left != q->open)
		return OUT_NOTHING;
	after = q->marks[q->m_head].after;
	q->m_head = (q->m_head + 1) % q->m_cap;
	q->m_n--;
	return after;
}

int64_t outq_due_ns(const struct outq *q)
{
	return q->m_n ? q->marks[q->m_head].due_ns : OUTQ_NEVER;
}
