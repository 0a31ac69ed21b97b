/* mime_qp.c - how fixed text and values share a line.
 *
 * A fixed piece is encoded once, as if it stood at the begin of a line. Behind a value it goes as
 * it is, when its first line still fits; else a soft break stands before it. So its bytes are the
 * same in every mail and can be referenced. Invariants, held by tests/unit/test_mime_qp.c for
 * random texts under random cuts:
 *  1. column is what stands on the line now, at most MIME_QP_COLUMNS: there is always room for '='.
 *  2. What makes a line dangerous when it begins one ('.', the F of "From ") is encoded there, and
 *     also where the text ends before it can be known whether "From " follows. A fixed piece is
 *     encoded as if it began a line, so this holds for it wherever it comes to stand.
 *  3. White space may be written bare in the hope that more follows; when a line break follows
 *     instead, a soft break goes between ("a =CRLF CRLF" is "a CRLF").
 *  4. No character is cut by a soft break: it goes to the next line whole. */
#include "templates/mime/mime_qp.h"

#include "engine/model/text_bit.h"
#include "templates/mime/mime_out.h"

enum {
	CHUNK = 1024, /* of a value, encoded into one piece of room; a run may go this much further: */
	OVERRUN = MIME_QP_COLUMNS,
	WORST = 5,    /* octets for one octet: "=CRLF CRLF" for a line feed after a space */
	SLACK = 32,   /* a soft break before the first octet, and a character after it; and all of: */
	SHORT = 32    /* octets of a short piece, which are copied at once with what follows it */
};

enum octet_class { PLAIN, BLANK, BREAK, CODED };

static const unsigned char classes[256] = {
	[0 ... 8] = CODED, ['\t'] = BLANK, ['\n'] = BREAK, [11 ... 12] = CODED, ['\r'] = BREAK,
	[14 ... 31] = CODED, [' '] = BLANK, ['='] = CODED, [127 ... 255] = CODED, /* the others are plain */
};

struct line {
	char *at;
	unsigned column;
	bool blank;
};

static inline enum octet_class class_of(unsigned char c)
{
	return (enum octet_class)classes[c];
}

static inline void put_coded(struct line *l, unsigned char c)
{
	static const char hex[] = "0123456789ABCDEF";

	l->at[0] = '=';
	l->at[1] = hex[c >> 4];
	l->at[2] = hex[c & 15];
	l->at += 3;
	l->column += 3;
	l->blank = false;
}

static void put_soft(struct line *l)
{
	memcpy(l->at, "=\r\n", 3);
	l->at += 3;
	l->column = 0;
	l->blank = false;
}

static void put_hard(struct line *l)
{
	if (l->blank)
		put_soft(l);
	memcpy(l->at, "\r\n", 2);
	l->at += 2;
	l->column = 0;
}

static inline uint64_t word_at(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return word;
}

/* Bits for bytes that are not from space to tilde, and for '=': none, or for the first of them and perhaps others. */
static inline uint64_t coded_in(uint64_t word)
{
	const uint64_t each = 0x0101010101010101;
	uint64_t equals = word ^ '=' * each;

	return (word | (word - ' ' * each) | (word + each) | ((equals - each) & ~equals)) & 0x80 * each;
}

/* Octets of the character that begins s, for keeping it on one line; 1 for what is none. */
static size_t character(struct span s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t want = c < 0xc2 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	size_t n = 1;

	while (n < want && n < s.n && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* May the octet that begins s not begin a line (2)? Nothing is known of what follows s. */
static bool is_dangerous(struct span s)
{
	struct span from = SPAN("From ");

	if (s.p[0] == '.')
		return true;
	if (s.p[0] != 'F')
		return false;
	return span_begins(s, from) || (s.n < from.n && span_begins(from, s));
}

/* Writes the octets of s that can stand as they are on what is left of the line; returns how many. */
static inline size_t put_run(struct line *l, struct span s)
{
	size_t most = MIME_QP_COLUMNS - l->column, n = 0;

	if (most > s.n)
		most = s.n;
	for (uint64_t word; n + sizeof word <= most && coded_in(word = word_at(s.p + n)) == 0; n += sizeof word)
		memcpy(l->at + n, &word, sizeof word);
	for (; n < most && class_of((unsigned char)s.p[n]) <= BLANK; n++)
		l->at[n] = s.p[n];
	/* a blank before a line break is no plain one */
	if (n > 0 && n < s.n && class_of((unsigned char)s.p[n - 1]) == BLANK &&
	    class_of((unsigned char)s.p[n]) == BREAK)
		n--;
	if (n == 0)
		return 0;
	l->at += n;
	l->column += (unsigned)n;
	l->blank = class_of((unsigned char)s.p[n - 1]) == BLANK;
	return n;
}

/* Writes the next few octets of s; returns how many of s that were. */
static inline size_t put_next(struct line *l, struct span s)
{
	enum octet_class class = class_of((unsigned char)s.p[0]);
	size_t n;

	if (class == BREAK) {
		put_hard(l);
		return span_begins(s, SPAN("\r\n")) ? 2 : 1;
	}
	if (l->column != 0 || !is_dangerous(s)) {
		n = put_run(l, s);
		if (n > 0)
			return n;
	}
	n = character(s);
	if (l->column + 3 * n > MIME_QP_COLUMNS) {
		put_soft(l);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		put_coded(l, (unsigned char)s.p[i]);
	return n;
}

int mime_qp_value(struct mime_qp *q, struct span v)
{
	while (v.n > 0) {
		size_t stop = v.n < CHUNK ? v.n : CHUNK, i = 0;
		char *room = mime_out_room(q->out, (stop + OVERRUN) * WORST + SLACK);
		struct line l = { room, q->column, q->blank };

		if (!room)
			return -1;
		while (i < stop)
			i += put_next(&l, span_skip(v, i));
		mime_out_wrote(q->out, l.at);
		q->column = l.column;
		q->blank = l.blank;
		v = span_skip(v, i);
	}
	return 0;
}

/* Copies the n > 0 bytes at p by loads and stores that overlap. True: none of them is for coded_in(). */
static inline bool copy_plain(char *to, const char *p, size_t n)
{
	uint64_t word, found = 0;
	uint32_t half[2];

	if (n < 4) {
		to[0] = p[0];
		to[n / 2] = p[n / 2];
		to[n - 1] = p[n - 1];
		word = (unsigned char)p[0] | (uint64_t)(unsigned char)p[n / 2] << 8 | (uint64_t)(unsigned char)p[n - 1] << 16;
		return coded_in(word | 0x6161616161000000) == 0;
	}
	if (n < 8) {
		memcpy(&half[0], p, sizeof half[0]);
		memcpy(&half[1], p + n - 4, sizeof half[1]);
		memcpy(to, &half[0], sizeof half[0]);
		memcpy(to + n - 4, &half[1], sizeof half[1]);
		return coded_in(half[0] | (uint64_t)half[1] << 32) == 0;
	}
	for (size_t i = 0; i + 8 < n; i += 8) {
		word = word_at(p + i);
		memcpy(to + i, &word, sizeof word);
		found |= coded_in(word);
	}
	word = word_at(p + n - 8);
	memcpy(to + n - 8, &word, sizeof word);
	return (found | coded_in(word)) == 0;
}

static inline bool is_short_value(const struct line *l, struct span v)
{
	return v.n <= MIME_QP_COLUMNS - l->column && v.p[v.n - 1] != ' ' && (l->column > 0 || !is_dangerous(v));
}

/* Writes the bit when it is a short and plain one. */
static inline bool put_plain(struct line *l, const struct mime_qp_piece *pieces, const struct text_bit *bit)
{
	const struct mime_qp_piece *p;

	if (bit->piece < 0) {
		if (!is_short_value(l, bit->bytes) || !copy_plain(l->at, bit->bytes.p, bit->bytes.n))
			return false;
		l->at += bit->bytes.n;
		l->column += (unsigned)bit->bytes.n;
		l->blank = false;
		return true;
	}
	p = &pieces[bit->piece];
	if (l->column + p->short_first > MIME_QP_COLUMNS || (p->begins_break && l->blank))
		return false;
	memcpy(l->at, p->bytes.p, SHORT);
	l->at += p->bytes.n;
	l->column = p->last + (p->breaks ? 0 : l->column);
	l->blank = p->ends_blank;
	return true;
}

uint32_t mime_qp_plain(struct mime_qp *q, const struct mime_qp_piece *pieces, const struct text_bit *bits, uint32_t n)
{
	struct line l = { mime_out_room(q->out, MIME_QP_COLUMNS), q->column, q->blank };
	uint32_t i = 0;

	if (!l.at)
		return 0;
	while (i < n && q->out->end - l.at > MIME_QP_COLUMNS && put_plain(&l, pieces, &bits[i]))
		i++;
	mime_out_wrote(q->out, l.at);
	q->column = l.column;
	q->blank = l.blank;
	return i;
}

int mime_qp_piece(struct mime_qp_piece *out, struct span text, struct arena *a)
{
	char *p = arena_zero(a, text.n * WORST + SLACK);
	struct line l = { p, 0, false };
	size_t i = 0, first;
	struct span done;

	*out = (struct mime_qp_piece){ 0 };
	if (!p)
		return -1;
	while (i < text.n)
		i += put_next(&l, span_skip(text, i));
	done = span_of(p, (size_t)(l.at - p));
	first = span_search(done, SPAN("\r\n"));
	out->breaks = first < done.n;
	if (out->breaks && first > 0 && done.p[first - 1] == '=')
		first--;
	out->bytes = done;
	out->first = (uint32_t)first;
	out->last = l.column;
	out->short_first = done.n > 0 && done.n <= SHORT ? out->first : MIME_QP_COLUMNS + 1;
	out->begins_break = text.n > 0 && class_of((unsigned char)text.p[0]) == BREAK;
	out->ends_blank = l.blank;
	return 0;
}

size_t mime_qp_estimate(struct span text)
{
	size_t coded = 0;

	for (size_t i = 0; i < text.n; i++)
		coded += class_of((unsigned char)text.p[i]) == CODED;
	return text.n + 2 * coded + (text.n + 2 * coded) / MIME_QP_COLUMNS * 3;
}

void mime_qp_begin(struct mime_qp *q, struct mime_out *o)
{
	*q = (struct mime_qp){ .out = o };
}

static int soft_break(struct mime_qp *q)
{
	q->column = 0;
	q->blank = false;
	return mime_out_copy(q->out, SPAN("=\r\n"));
}

int mime_qp_fixed(struct mime_qp *q, const struct mime_qp_piece *p)
{
	if (p->bytes.n == 0)
		return 0;
	if (p->begins_break ? q->blank : q->column > 0 && q->column + p->first > MIME_QP_COLUMNS) {
		if (soft_break(q) < 0)
			return -1;
	}
	q->column = p->breaks ? p->last : q->column + p->last;
	q->blank = p->ends_blank;
	return mime_out_refer(q->out, p->bytes);
}

int mime_qp_end(struct mime_qp *q)
{
	bool open = q->column > 0; /* a blank stands on an open line */

	if (q->blank && soft_break(q) < 0)
		return -1;
	q->column = 0;
	return open ? mime_out_copy(q->out, SPAN("\r\n")) : 0;
}
