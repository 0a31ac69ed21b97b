/* rows_encoding.c - which encoding, and its conversion: one of two files that include <iconv.h>.
 *
 *  1. Lines stay lines: every encoding has its own LF and CR, so line numbers of the converted
 *     text are those of the list. Places of rows are places in the converted text.
 *  2. A list whose bytes are mostly valid UTF-8 is UTF-8 with a mistake in it: the reader then
 *     says where. Read as anything else all its other letters would be wrong.
 *  3. What is guessed must fit: a byte that the encoding does not have, or a control character
 *     between U+0080 and U+009F, which no list has, drops the proposal.
 *  4. Nothing is held but one piece of the file.
 *  5. In a list of many MiB that begins with ASCII alone an eighth of the rest is looked at, because
 *     all of it would cost a tenth of reading it. What stands where nobody looked is UTF-8, or the
 *     reader says its line.
 * Held by tests/unit/test_rows_encoding.c. */
#include "engine/rows/rows_encoding.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/utf8.h"
#include "engine/rows/rows_spool.h"

enum {
	PIECE = 128 << 10,
	LOOK = 4096,
	SURE = 1 << 16,            /* so many valid characters beyond ASCII, and it is UTF-8 */
	SURVEY_ON = 1 << 20,       /* bytes looked at behind the first that is no UTF-8 */
	SURVEY_ALL = 8 << 20,      /* up to here every byte is looked at */
	SURVEY_STEP = 1 << 20,     /* beyond, while all was ASCII, one piece of so many bytes */
	OUT_PIECE = PIECE * 4
};

static const struct mark {
	struct span bytes;
	const char *name;
} marks[] = { /* longer ones first */
	{ { "\xff\xfe\x00\x00", 4 }, "UTF-32LE" },
	{ { "\x00\x00\xfe\xff", 4 }, "UTF-32BE" },
	{ { "\x84\x31\x95\x33", 4 }, "GB18030" },
	{ { "\xef\xbb\xbf", 3 }, "UTF-8" },
	{ { "\xff\xfe", 2 }, "UTF-16LE" },
	{ { "\xfe\xff", 2 }, "UTF-16BE" },
};

/* The name that people say, and the set that programs write under it: all of the first, and more. */
static const struct {
	const char *said, *meant;
} supersets[] = {
	{ "GB2312", "GB18030" }, { "GBK", "GB18030" }, { "CP936", "GB18030" }, { "EUC-CN", "GB18030" },
	{ "EUC-KR", "CP949" },   { "BIG5", "CP950" },  { "SHIFT_JIS", "CP932" }, { "SJIS", "CP932" },
	{ "ANSI", "CP1252" },    { "Mac Roman", "MACINTOSH" }, { "UTF-8-SIG", "UTF-8" }, { "UTF-8 BOM", "UTF-8" },
	{ "UTF-16-LE", "UTF-16LE" }, { "UTF-16-BE", "UTF-16BE" }, { "Latin-1", "ISO-8859-1" },
};

/* What Windows made of the ISO sets. */
static const struct {
	const char *iso, *windows;
} relatives[] = {
	{ "ISO-8859-2", "windows-1250" }, { "ISO-8859-5", "windows-1251" }, { "ISO-8859-6", "windows-1256" },
	{ "ISO-8859-7", "windows-1253" }, { "ISO-8859-8", "windows-1255" }, { "ISO-8859-9", "windows-1254" },
	{ "ISO-8859-13", "windows-1257" },
};

/* ---- conversion ---- */

struct conversion {
	const struct rows_source *from;
	const char *name;
	bool guessed;
	iconv_t cd;
	struct rows_spool to;
	char *in, *out;
	size_t held;        /* bytes of in that wait for more */
	uint64_t line;      /* of the next character */
	uint64_t character; /* of that line, from 1 */
	bool after_cr;
};

enum { DOES_NOT_FIT = 1 };

static int unfit(struct conversion *c, unsigned byte, bool at_end, struct err *e)
{
	if (c->guessed)
		return DOES_NOT_FIT;
	if (at_end)
		err_set(e, ERR_INPUT, "the list is not %s: it ends in the middle of a character (byte 0x%02X)", c->name, byte);
	else
		err_set(e, ERR_INPUT, "the list is not %s: byte 0x%02X begins no character of it", c->name, byte);
	err_hint(e, "--encoding NAME says what the list is; or save it as UTF-8 (\"CSV UTF-8\" in the office program)");
	return err_at(e, c->from->path, c->line, c->character);
}

/* Keeps count of lines as rows_text.c does: LF, CR, CRLF. */
static void count_lines(struct conversion *c, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char byte = (unsigned char)p[i];

		if (byte == '\n' || c->after_cr) {
			c->line++;
			c->character = 1;
		}
		c->after_cr = byte == '\r' && !(i + 1 < n && p[i + 1] == '\n');
		if (byte != '\n' && byte != '\r' && (byte & 0xc0) != 0x80)
			c->character++;
	}
}

static bool has_c1(const char *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if ((unsigned char)p[i] == 0xc2 && (unsigned char)p[i + 1] < 0xa0)
			return true;
	return false;
}

/* All of in; what is left of it waits at its front. */
static int convert_piece(struct conversion *c, size_t n, bool last, struct err *e)
{
	char *in = c->in, *out = c->out;
	bool first = c->to.size == 0;
	size_t left = n, room = OUT_PIECE, rc = iconv(c->cd, &in, &left, &out, &room);
	int why = errno;
	struct span made;

	if (rc != (size_t)-1 && last)
		rc = iconv(c->cd, NULL, NULL, &out, &room);
	if (c->guessed && has_c1(c->out, OUT_PIECE - room))
		return DOES_NOT_FIT;
	made = span_of(c->out, OUT_PIECE - room);
	if (first && span_begins(made, SPAN("\xef\xbb\xbf")))
		made = span_skip(made, 3); /* a mark is no character of the text */
	count_lines(c, made.p, made.n);
	if (rows_spool_add(&c->to, span_of(c->out, OUT_PIECE - room), e) < 0)
		return -1;
	if (rc == (size_t)-1 && why == EILSEQ)
		return unfit(c, (unsigned char)*in, false, e);
	if (rc == (size_t)-1 && last)
		return unfit(c, left ? (unsigned char)*in : 0, true, e);
	memmove(c->in, in, left);
	c->held = left;
	return 0;
}

static int convert_all(struct conversion *c, struct err *e)
{
	uint64_t at = 0;
	bool last = false;

	c->line = c->character = 1;
	while (!last) {
		size_t room = PIECE - c->held;
		ssize_t got = rows_source_read(c->from, c->in + c->held, room, at, e);
		int rc;

		if (got < 0)
			return -1;
		at += (uint64_t)got;
		last = (size_t)got < room;
		rc = convert_piece(c, c->held + (size_t)got, last, e);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The next letter or figure of a name: people put a hyphen, a space or nothing between them. */
static char name_sign(const char **name)
{
	while (**name && strchr("-_ ", **name))
		(*name)++;
	return **name ? *(*name)++ : '\0';
}

static bool same_name(const char *a, const char *b)
{
	for (;;) {
		char x = name_sign(&a), y = name_sign(&b);

		if (!span_case_eq(span_of(&x, 1), span_of(&y, 1)))
			return false;
		if (!x)
			return true;
	}
}

/* The name as iconv knows it; number gets that of "Windows 1252". */
static const char *superset(const char *name, char number[16])
{
	static const char *const pages[] = { "windows", "win", "cp", "" };

	for (size_t i = 0; i < sizeof supersets / sizeof *supersets; i++)
		if (same_name(name, supersets[i].said))
			return supersets[i].meant;
	for (int page = 1250; page <= 1258; page++)
		for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
			snprintf(number, 16, "%s%d", pages[i], page);
			if (same_name(name, number)) {
				snprintf(number, 16, "CP%d", page);
				return number;
			}
		}
	return name;
}

/* 0; -1 with e; DOES_NOT_FIT for a guess that is not this encoding. */
static int convert(struct rows_source *source, const char *name, bool guessed, struct err *e)
{
	struct conversion c = { .from = source, .name = name, .guessed = guessed, .to = { .fd = -1 } };
	char number[16];
	int rc = -1;

	c.cd = iconv_open("UTF-8", superset(name, number));
	if (c.cd == (iconv_t)-1 && guessed)
		return DOES_NOT_FIT;
	if (c.cd == (iconv_t)-1) {
		err_set(e, ERR_INPUT, "--encoding: '%s' is no encoding that is known here", name);
		return err_hint(e, "common ones are windows-1252, windows-1250, windows-1251, GB18030, Big5, Shift_JIS; "
				"'iconv -l' lists all");
	}
	c.in = mem_grow(NULL, PIECE);
	c.out = mem_grow(NULL, OUT_PIECE);
	if (!c.in || !c.out)
		err_nomem(e, "reading the list");
	else if (rows_spool_open(&c.to, e) == 0)
		rc = convert_all(&c, e);
	if (rc == 0)
		rc = rows_spool_give(&c.to, source, e);
	rows_spool_close(&c.to);
	mem_free(c.in);
	mem_free(c.out);
	iconv_close(c.cd);
	return rc;
}

/* ---- looking ---- */

/* Every second byte is NUL where the text is ASCII, and a list has much of that. */
static const char *utf16_without_mark(struct span front)
{
	size_t zeros[2] = { 0 };

	for (size_t i = 0; i < front.n; i++)
		zeros[i & 1] += front.p[i] == 0;
	if (zeros[0] + zeros[1] < front.n / 8 || front.n < 4)
		return NULL;
	if (zeros[0] * 20 < zeros[1])
		return "UTF-16LE";
	return zeros[1] * 20 < zeros[0] ? "UTF-16BE" : NULL;
}

static const char *find_mark(struct span front)
{
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (span_begins(front, marks[i].bytes))
			return marks[i].name;
	return utf16_without_mark(front);
}

struct survey {
	uint64_t good, bad; /* characters beyond ASCII; bytes that begin none */
	uint64_t since_bad;
	struct rows_guess *guess;
};

/* Counts [0, n) and returns how many bytes are to be looked at again with more behind them. */
static size_t count(struct survey *s, const char *p, size_t n, bool last)
{
	size_t at = 0;

	while (at < n) {
		struct span rest = { p + at, n - at };
		size_t valid = utf8_bad(rest);

		for (size_t i = 0; i < valid; i++)
			s->good += (unsigned char)rest.p[i] >= 0xc0;
		at += valid;
		if (at == n || (!last && n - at < 4))
			break;
		s->bad++;
		at++;
	}
	return n - at;
}

static void feed_guess(struct survey *s, const char *p, size_t n)
{
	size_t at = 0;

	while (at < n) {
		size_t end = at;

		while (end < n && p[end] != '\n' && p[end] != '\r')
			end++;
		if (end < n)
			end++;
		if (!utf8_ascii((struct span){ p + at, end - at }))
			rows_guess_add(s->guess, (struct span){ p + at, end - at });
		at = end;
	}
}

/* Behind what is the rest of a character whose begin was not read. */
static size_t first_begin(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && i < 3 && ((unsigned char)p[i] & 0xc0) == 0x80)
		i++;
	return i;
}

static int look(struct survey *s, const struct rows_source *source, char *p, struct err *e)
{
	uint64_t at = 0;
	size_t held = 0, cut = 0;
	bool last = false, jumped = false;

	while (!last && s->since_bad < SURVEY_ON && (s->bad > 0 || s->good < SURE)) {
		ssize_t got = rows_source_read(source, p + held, PIECE - held, at, e);
		size_t n;

		if (got < 0)
			return -1;
		last = (size_t)got < PIECE - held;
		at += (uint64_t)got;
		n = held + (size_t)got;
		held = 0;
		if (jumped)
			cut = first_begin(p, n);
		else
			cut = 0;
		jumped = false;
		if (utf8_ascii((struct span){ p + cut, n - cut })) {
			jumped = !last && at >= SURVEY_ALL && s->good == 0 && s->bad == 0;
			if (jumped)
				at += SURVEY_STEP - PIECE;
			continue;
		}
		memmove(p, p + cut, n - cut);
		n -= cut;
		held = count(s, p, n, last);
		if (s->bad > 0) {
			s->since_bad += n;
			feed_guess(s, p, n - held);
		}
		memmove(p, p + n - held, held);
	}
	return 0;
}

static const char *relative(const char *iso)
{
	for (size_t i = 0; i < sizeof relatives / sizeof *relatives; i++)
		if (strcasecmp(iso, relatives[i].iso) == 0)
			return relatives[i].windows;
	return NULL;
}

static int no_guess_fits(const struct rows_source *source, struct err *e)
{
	err_set(e, ERR_INPUT, "the list is not UTF-8, and its bytes fit no encoding that lists usually have");
	err_hint(e, "--encoding NAME says what it is; or save it as UTF-8 (\"CSV UTF-8\" in the office program)");
	return err_at(e, source->path, 0, 0);
}

/* Tries the proposal, its relative, and what is most common. */
static int convert_guessed(struct rows_source *source, char name[ROWS_ENCODING_NAME], struct err *e)
{
	const char *tries[] = { name, relative(name), "windows-1252", "ISO-8859-15" };

	for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
		int rc = tries[i] && tries[i][0] ? convert(source, tries[i], true, e) : DOES_NOT_FIT;

		if (rc < 0)
			return -1;
		if (rc == DOES_NOT_FIT)
			continue;
		if (tries[i] != name)
			snprintf(name, ROWS_ENCODING_NAME, "%s", tries[i]);
		return 0;
	}
	return no_guess_fits(source, e);
}

static int guess(struct rows_source *source, char name[ROWS_ENCODING_NAME], bool *guessed, struct err *e)
{
	struct survey s = { .guess = rows_guess_new() };
	char *p = mem_grow(NULL, PIECE);
	int rc = -1;

	if (!p || !s.guess)
		err_nomem(e, "reading the list");
	else
		rc = look(&s, source, p, e);
	mem_free(p);
	if (s.guess)
		rows_guess_end(&s.guess, name);
	if (rc < 0)
		return -1;
	if (s.bad == 0 || s.good > s.bad) { /* (2) */
		snprintf(name, ROWS_ENCODING_NAME, "UTF-8");
		return 0;
	}
	*guessed = true;
	return convert_guessed(source, name, e);
}

int rows_encoding_settle(struct rows_source *source, const char *wanted, char name[ROWS_ENCODING_NAME],
			 bool *guessed, struct err *e)
{
	char front[LOOK];
	ssize_t n = rows_source_read(source, front, sizeof front, 0, e);
	char number[16];
	const char *marked;

	*guessed = false;
	if (n < 0)
		return -1;
	marked = wanted ? wanted : find_mark(span_of(front, (size_t)n));
	if (!marked)
		return guess(source, name, guessed, e);
	snprintf(name, ROWS_ENCODING_NAME, "%s", marked);
	if (!same_name(superset(marked, number), "UTF-8"))
		return convert(source, marked, false, e);
	snprintf(name, ROWS_ENCODING_NAME, "UTF-8");
	return 0;
}
