/* smtp_out.c - invariants, held by tests/unit/test_smtp_out.c:
 *
 *  1. written <= pulled <= queued, and queued - written is the sum of all pieces.
 *  2. A piece that was handed out is neither moved nor changed until it is written.
 *  3. Octets come out once each, in the order in which they went in. */
#include "transport/smtp/smtp_out.h"

#include "engine/base/must.h"

static struct span *piece_at(struct smtp_out *o, uint32_t i)
{
	return &o->piece[(o->first + i) % SMTP_OUT_PIECES];
}

static bool is_ours(const struct smtp_out *o, struct span s)
{
	uintptr_t p = (uintptr_t)s.p, begin = (uintptr_t)o->bytes;

	return p >= begin && p < begin + sizeof o->bytes;
}

char *smtp_out_room_anywhere(struct smtp_out *o, size_t n)
{
	if (!smtp_out_has_room(o))
		return NULL;
	if (o->live == 0)
		o->from = o->to = 0;
	if (o->live > 0 && o->to <= o->from)
		return n <= o->from - o->to ? o->bytes + o->to : NULL;
	if (n <= sizeof o->bytes - o->to)
		return o->bytes + o->to;
	if (n > o->from)
		return NULL;
	o->to = 0;
	return o->bytes;
}

void smtp_out_add_piece(struct smtp_out *o, size_t n)
{
	MUST(n > 0 && n <= sizeof o->bytes - o->to && smtp_out_has_room(o));
	*piece_at(o, o->n++) = span_of(o->bytes + o->to, n);
	o->to += n;
	o->live += n;
	o->queued += n;
}

void smtp_out_point(struct smtp_out *o, struct span piece)
{
	MUST(smtp_out_has_room(o) && piece.n > 0);
	*piece_at(o, o->n++) = piece;
	o->queued += piece.n;
}

int smtp_out_pull(struct smtp_out *o, struct span *out, int max)
{
	size_t sum = 0;
	int n = 0;

	while (n < max && (uint32_t)n < o->n && ((uint32_t)n < o->handed || sum < SMTP_OUT_PULL)) {
		out[n] = *piece_at(o, (uint32_t)n);
		sum += out[n].n;
		if ((uint32_t)n >= o->handed) {
			o->handed++;
			o->pulled += out[n].n;
		}
		n++;
	}
	return n;
}

void smtp_out_wrote(struct smtp_out *o, size_t n)
{
	MUST(n <= o->pulled - o->written);
	o->written += n;
	if (o->written == o->queued) { /* mostly all was taken */
		o->n = o->handed = 0;
		o->from = o->to = o->live = 0;
		return;
	}
	while (n > 0) {
		struct span *s = piece_at(o, 0);
		size_t take = n < s->n ? n : s->n;

		if (is_ours(o, *s)) {
			o->from = (size_t)(s->p - o->bytes) + take;
			o->live -= take;
		}
		*s = span_skip(*s, take);
		n -= take;
		if (s->n == 0) {
			o->first = (o->first + 1) % SMTP_OUT_PIECES;
			o->n--;
			o->handed--;
		}
	}
}

void smtp_out_drop(struct smtp_out *o)
{
	o->n = o->handed = 0;
	o->from = o->to = o->live = 0;
	explicit_bzero(o->bytes, sizeof o->bytes);
}
