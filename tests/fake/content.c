/* content.c - invariants, held by selftest.py, which cuts contents at every octet:
 *  1. The result does not depend on how the octets were cut into pieces.
 *  2. Only CRLF "." CRLF ends DATA: after a bare LF a lone dot is text, and the bare LF a finding.
 *
 * Line ends are found with memchr, which shows a bare LF; a bare CR is found by counting: none is there
 * when there are as many CRs as CRLFs. */
#include "tests/fake/content.h"

enum { LINE_MAX_OCTETS = 1000, PICK_MAX = 1024, HEADER_LINE_MAX = 4096 };

void content_begin(struct content *c, bool dots)
{
	c->dots = dots;
	c->size = 0;
	c->wrong = 0;
	c->began = false;
	c->dot = 0;
	c->after_crlf = true;
	c->last_cr = false;
	c->in_header = c->pick;
	c->line_octets = 0;
	c->line.n = 0;
	c->picking = NULL;
	for (int i = 0; i < CONTENT_PICKS; i++) {
		c->picks[i].found = false;
		c->picks[i].value.n = 0;
	}
	if (c->keep)
		c->keep->n = 0;
}

void content_release(struct content *c)
{
	bytes_free(&c->line);
	for (int i = 0; i < CONTENT_PICKS; i++)
		bytes_free(&c->picks[i].value);
}

/* Sixteen octets at once, in the compilers' own vector types. */
typedef unsigned char lanes __attribute__((vector_size(16)));

enum { LANES = sizeof(lanes), LANES_BEFORE_OVERFLOW = 255 };

struct tally {
	size_t cr;
	bool nul, high;
};

/* At most LANES_BEFORE_OVERFLOW groups: each lane counts its own CRs. */
static void tally_groups(const char *p, size_t groups, struct tally *t)
{
	lanes v, cr = { 0 }, nul = { 0 }, all = { 0 };

	for (size_t i = 0; i < groups; i++) {
		memcpy(&v, p + i * LANES, LANES);
		cr -= (lanes)(v == '\r');
		nul |= (lanes)(v == 0);
		all |= v;
	}
	for (int i = 0; i < LANES; i++) {
		t->cr += cr[i];
		t->nul |= nul[i] != 0;
		t->high |= all[i] >= 128;
	}
}

static struct tally tally(const char *p, size_t n)
{
	struct tally t = { 0 };
	size_t at = 0, groups;

	for (; (groups = (n - at) / LANES) > 0; at += groups * LANES) {
		if (groups > LANES_BEFORE_OVERFLOW)
			groups = LANES_BEFORE_OVERFLOW;
		tally_groups(p + at, groups, &t);
	}
	for (; at < n; at++) {
		t.cr += p[at] == '\r';
		t.nul |= p[at] == 0;
		t.high |= (unsigned char)p[at] >= 128;
	}
	return t;
}

/* pairs: line feeds in the run that follow a CR, the first perhaps one of an earlier run. */
static void check_run(struct content *c, const char *p, size_t n, size_t pairs)
{
	struct tally t = tally(p, n);
	bool ends_cr = n ? p[n - 1] == '\r' : c->last_cr;

	/* a CR at the end of the run waits for the next one */
	if (t.cr + c->last_cr - ends_cr != pairs)
		c->wrong |= CONTENT_BARE_CR;
	if (t.nul)
		c->wrong |= CONTENT_NUL;
	if (t.high)
		c->wrong |= CONTENT_8BIT;
	c->last_cr = ends_cr;
}

static void pick_append(struct content_pick *pick, struct text value)
{
	if (pick->value.n && value.n)
		bytes_char(&pick->value, ' ');
	if (pick->value.n + value.n <= PICK_MAX)
		bytes_text_add(&pick->value, value);
}

static void header_line(struct content *c, struct text line)
{
	struct text value;

	if (line.p[0] == '\r' || line.p[0] == '\n') {
		c->in_header = false;
		return;
	}
	if (line.p[0] == ' ' || line.p[0] == '\t') {
		if (c->picking)
			pick_append(c->picking, text_trim(line));
		return;
	}
	c->picking = NULL;
	for (int i = 0; i < CONTENT_PICKS; i++) {
		struct content_pick *pick = &c->picks[i];

		if (pick->found || pick->name.n == 0 || line.n <= pick->name.n ||
		    (pick->name.p[0] | 0x20) != (line.p[0] | 0x20) || line.p[pick->name.n] != ':' ||
		    !text_case_begins(line, pick->name))
			continue;
		value = text_of(line.p + pick->name.n + 1, line.n - pick->name.n - 1);
		pick->found = true;
		c->picking = pick;
		pick_append(pick, text_trim(value));
		return;
	}
}

/* Unstuffed octets, at most one line. */
static void emit(struct content *c, const char *p, size_t n)
{
	bool whole = n && p[n - 1] == '\n';

	c->size += n;
	if (c->keep && c->keep->n + n <= c->keep_max)
		bytes_add(c->keep, p, n);
	if (!c->in_header)
		return;
	if (whole && c->line.n == 0) {
		header_line(c, text_of(p, n));
		return;
	}
	if (c->line.n + n <= HEADER_LINE_MAX)
		bytes_add(&c->line, p, n);
	if (whole) {
		header_line(c, bytes_text(&c->line));
		c->line.n = 0;
	}
}

/* The octet that decides what a dot at the beginning of a line was. Returns octets taken of p. */
static size_t after_dot(struct content *c, char next, bool *ended)
{
	if (c->dot == 1 && next == '\r') {
		c->dot = 2;
		return 1;
	}
	if (c->dot == 2 && next == '\n' && c->after_crlf) {
		*ended = true;
		return 1;
	}
	if (c->dot == 1 && next != '.')
		c->wrong |= CONTENT_SINGLE_DOT;
	if (c->dot == 2) {
		c->wrong |= CONTENT_SINGLE_DOT;
		emit(c, "\r", 1);
		c->line_octets++;
	}
	c->dot = 0;
	return 0;
}

static void end_of_line(struct content *c, bool crlf)
{
	if (c->line_octets > LINE_MAX_OCTETS)
		c->wrong |= CONTENT_LONG_LINE;
	c->line_octets = 0;
	c->after_crlf = crlf;
}

/* One piece of a line, to its end or to the end of what is there. Returns octets taken. */
static size_t piece(struct content *c, const char *p, size_t n, bool before_cr, size_t *pairs)
{
	const char *nl = memchr(p, '\n', n);
	size_t len = nl ? (size_t)(nl - p) + 1 : n;
	bool crlf = nl && (len > 1 ? nl[-1] == '\r' : before_cr);

	*pairs += crlf;
	if (nl && !crlf)
		c->wrong |= CONTENT_BARE_LF;
	c->line_octets += len;
	emit(c, p, len);
	if (nl)
		end_of_line(c, crlf);
	else if (c->line_octets > LINE_MAX_OCTETS)
		c->wrong |= CONTENT_LONG_LINE;
	return len;
}

static size_t feed_lines(struct content *c, const char *p, size_t n, bool *ended)
{
	size_t at = 0, pairs = 0;

	while (at < n && !*ended) {
		bool before_cr = at ? p[at - 1] == '\r' : c->last_cr;

		if (c->dot) {
			size_t taken = after_dot(c, p[at], ended);

			at += taken;
			pairs += *ended;
			if (taken)
				continue;
		} else if (c->dots && c->line_octets == 0 && p[at] == '.') {
			c->dot = 1;
			at++;
			continue;
		}
		at += piece(c, p + at, n - at, before_cr, &pairs);
	}
	if (c->check)
		check_run(c, p, at, pairs);
	else if (at)
		c->last_cr = p[at - 1] == '\r';
	return at;
}

size_t content_feed(struct content *c, const char *p, size_t n, bool *ended)
{
	*ended = false;
	c->began |= n > 0;
	if (c->dots || c->check || c->in_header)
		return feed_lines(c, p, n, ended);
	c->size += n;
	if (c->keep && c->keep->n + n <= c->keep_max)
		bytes_add(c->keep, p, n);
	return n;
}
