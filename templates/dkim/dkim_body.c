/* dkim_body.c - canonical bodies without copies.
 *
 * Runs that the canonical form leaves alone go into the digest as they lie; CRLFs and (relaxed)
 * white space are held back as numbers until what follows decides about them.
 *  1. The hash does not depend on how the body is cut into pieces.
 *  2. White space before a CRLF, runs of it, and empty lines at the end count as RFC 6376 says.
 *  3. A piece that is known hashes as it would if it were not.
 * Held by tests/unit/test_dkim_body.c. */
#include "templates/dkim/dkim_body.h"

enum { BLOCK = 64 }; /* octets looked at together */

void dkim_body_begin(struct dkim_body *b, struct digest *d, enum dkim_canon canon, const struct dkim_known *known)
{
	b->known = known;
	b->canon = canon;
	b->line_ends = 0;
	b->cr = b->blank = b->any = false;
	dkim_gather_begin(&b->digest, d); /* its room is not touched */
}

static void add(struct dkim_body *b, struct span s)
{
	dkim_gather_add(&b->digest, s);
	b->any = true;
}

/* Something follows: what was held back counts. */
static void let_go(struct dkim_body *b)
{
	for (; b->line_ends > 0; b->line_ends--)
		add(b, SPAN("\r\n"));
	if (b->blank)
		add(b, SPAN(" "));
	if (b->cr)
		add(b, SPAN("\r"));
	b->blank = b->cr = false;
}

static bool is_blank(const struct dkim_body *b, char c)
{
	return b->canon == DKIM_RELAXED && (c == ' ' || c == '\t');
}

static bool is_held(const struct dkim_body *b, char c)
{
	return c == '\r' || c == '\n' || is_blank(b, c);
}

/* One octet that may have to be held back. */
static void hold(struct dkim_body *b, char c)
{
	if (c == '\n' && b->cr) {
		b->cr = b->blank = false;
		b->line_ends++;
		return;
	}
	if (b->cr)
		let_go(b); /* a CR alone is text */
	if (c == '\r') {
		b->cr = true;
	} else if (c == '\n') {
		let_go(b);
		add(b, SPAN("\n"));
	} else {
		b->blank = true;
	}
}

static bool is_special(struct span s, size_t i)
{
	char next = i + 1 < s.n ? s.p[i + 1] : ' ';

	return s.p[i] == '\t' || (s.p[i] == ' ' && (next == ' ' || next == '\t' || next == '\r'));
}

/* Is none of the BLOCK octets at p special? Without a branch, so that the compiler does many at once. */
static bool block_is_plain(const char *p)
{
	unsigned char special = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		unsigned char c = (unsigned char)p[i], next = (unsigned char)p[i + 1];

		special |= (c == '\t') | ((c == ' ') & ((next == ' ') | (next == '\t') | (next == '\r')));
	}
	return !special;
}

/* Octets from the first of s that go into the digest as they are: up to white space that is not a
 * single space between words. Most bodies have none. */
static size_t plain_run(struct span s)
{
	size_t i = 0;

	while (i < s.n) {
		size_t to = i + BLOCK < s.n ? i + BLOCK : s.n;

		if (to < s.n && block_is_plain(s.p + i)) {
			i = to;
			continue;
		}
		for (; i < to; i++) {
			if (is_special(s, i))
				return i;
		}
	}
	return s.n;
}

/* s begins and ends with octets that are not held back. */
static void add_text(struct dkim_body *b, struct span s)
{
	if (b->canon == DKIM_SIMPLE) {
		add(b, s);
		return;
	}
	while (s.n > 0) {
		size_t run = plain_run(s);

		while (run > 0 && is_held(b, s.p[run - 1])) /* the end of a run may hold back, too */
			run--;
		if (run > 0) {
			let_go(b);
			add(b, span_sub(s, 0, run));
			s = span_skip(s, run);
		}
		for (; s.n > 0 && is_held(b, s.p[0]); s = span_skip(s, 1))
			hold(b, s.p[0]);
		if (s.n > 0)
			let_go(b);
	}
}

/* Without what may be held back at its end. */
static struct span core_of(const struct dkim_body *b, struct span s)
{
	while (s.n > 0 && is_held(b, s.p[s.n - 1]))
		s.n--;
	return s;
}

void dkim_body_know(struct dkim_known *k, struct span s)
{
	static const struct dkim_body relaxed = { .canon = DKIM_RELAXED };
	struct span core = core_of(&relaxed, s);

	if (k->n < DKIM_KNOWN_MAX && core.n > 0 && !is_held(&relaxed, core.p[0]) && plain_run(core) == core.n)
		k->items[k->n++] = s;
}

static bool is_known(const struct dkim_body *b, struct span piece)
{
	for (size_t i = 0; b->known && i < b->known->n; i++) {
		if (b->known->items[i].p == piece.p && b->known->items[i].n == piece.n)
			return true;
	}
	return false;
}

void dkim_body_add(struct dkim_body *b, struct span piece)
{
	struct span core;
	bool known = is_known(b, piece);

	while (piece.n > 0 && is_held(b, piece.p[0]))
		hold(b, span_take(&piece));
	if (piece.n == 0)
		return;
	core = core_of(b, piece);
	let_go(b);
	if (known)
		add(b, core);
	else
		add_text(b, core);
	for (size_t i = core.n; i < piece.n; i++)
		hold(b, piece.p[i]);
}

int dkim_body_end(struct dkim_body *b, unsigned char out[SHA256_SIZE])
{
	if (b->cr)
		let_go(b);
	if (b->canon == DKIM_SIMPLE || b->any)
		add(b, SPAN("\r\n"));
	return dkim_gather_end(&b->digest, out) == SHA256_SIZE ? 0 : -1;
}
