/* misbehave_parse.c - the language of faults: words separated by blanks, each `flag`, `key=value` or
 * `key~regex`; a value may stand in double quotes, where \n \r \t \0 \" \\ and \xHH are understood. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fake/misbehave.h"

struct word {
	char key[32];
	char mark; /* '=', '~', or 0 for a flag */
	struct bytes value;
};

/* What is being read, for messages. */
struct source {
	const char *place, *spec;
};

_Noreturn static void wrong(const struct source *src, const char *what, const char *about)
{
	die("%s: %s '%s' in fault: %s", src->place, what, about, src->spec);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

/* One character after a backslash; returns what follows it. An escape nobody knows keeps its
 * backslash, so that a regular expression in quotes reads as usual. */
static const char *unescape(const struct source *src, const char *p, struct bytes *out)
{
	static const char from[] = "nrt\"\\", to[] = "\n\r\t\"\\";
	const char *at = *p ? strchr(from, *p) : NULL;

	if (at) {
		bytes_char(out, to[at - from]);
		return p + 1;
	}
	if (*p == '0') {
		bytes_char(out, '\0');
		return p + 1;
	}
	if (*p == 'x') {
		if (hex_digit(p[1]) < 0 || hex_digit(p[2]) < 0)
			wrong(src, "bad escape", p - 1);
		bytes_char(out, (char)(hex_digit(p[1]) << 4 | hex_digit(p[2])));
		return p + 3;
	}
	bytes_char(out, '\\');
	return p;
}

static const char *read_value(const struct source *src, const char *p, struct bytes *out)
{
	if (*p != '"') {
		while (*p && *p != ' ' && *p != '\t')
			bytes_char(out, *p++);
		return p;
	}
	for (p++; *p != '"';) {
		if (!*p)
			wrong(src, "quote never closed in", src->spec);
		if (*p == '\\') {
			p = unescape(src, p + 1, out);
			continue;
		}
		bytes_char(out, *p++);
	}
	return p + 1;
}

/* Returns what follows the word, or NULL at the end. */
static const char *read_word(const struct source *src, const char *p, struct word *w)
{
	size_t n = 0;

	p += strspn(p, " \t");
	if (!*p)
		return NULL;
	while (*p && !strchr(" \t=~", *p)) {
		if (n + 1 == sizeof w->key)
			wrong(src, "unknown word", p);
		w->key[n++] = *p++;
	}
	w->key[n] = 0;
	w->mark = 0;
	w->value.n = 0;
	if (*p == '=' || *p == '~') {
		w->mark = *p;
		p = read_value(src, p + 1, &w->value);
	}
	bytes_char(&w->value, 0); /* for those who want a string; not counted */
	w->value.n--;
	return p;
}

static uint64_t number(const struct source *src, const struct word *w)
{
	uint64_t v;

	if (!text_u64(bytes_text(&w->value), &v) || v > 1000000000000U)
		wrong(src, "a number is wanted after", w->key);
	return v;
}

static int64_t milliseconds(const struct source *src, const struct word *w)
{
	return (int64_t)number(src, w) * 1000000;
}

static unsigned stage_named(const struct source *src, struct text name)
{
	static const struct { struct text name; unsigned bits; } names[] = {
#define STAGE_NAME(s) { { #s, sizeof #s - 1 }, STAGE_##s },
		STAGES(STAGE_NAME)
		{ { "CONNECT", 7 }, STAGE_GREETING },
		{ { "LHLO", 4 }, STAGE_EHLO },
		{ { "END", 3 }, STAGE_DOT | STAGE_LAST },
		{ { "ANY", 3 }, (1U << STAGE_COUNT) - 1 },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (text_case_eq(name, names[i].name))
			return names[i].bits;
	wrong(src, "unknown stage in", name.p ? name.p : "");
}

static void set_stages(const struct source *src, struct fault *f, const struct word *w)
{
	struct text rest = bytes_text(&w->value);

	do
		f->stages |= stage_named(src, text_cut(&rest, ','));
	while (rest.p);
}

static void set_regex(const struct source *src, const struct word *w, regex_t *re, bool *has)
{
	if (*has || regcomp(re, w->value.p, REG_EXTENDED | REG_ICASE) != 0)
		wrong(src, "bad regular expression", w->value.p);
	*has = true;
}

/* "550 5.1.1 one\ntwo" becomes "550-5.1.1 one\r\n550 two\r\n". */
static void set_reply(const struct source *src, const struct word *w, struct bytes *out, int *code)
{
	struct text rest = bytes_text(&w->value);
	uint64_t value;

	if (rest.n < 3 || !text_u64(text_of(rest.p, 3), &value) || (rest.n > 3 && !strchr(" -\n", rest.p[3])))
		wrong(src, "a reply begins with three digits, not", w->value.p);
	*code = (int)value;
	struct text digits = text_of(rest.p, 3);

	rest = text_of(rest.p + (rest.n > 3 ? 4 : 3), rest.n - (rest.n > 3 ? 4 : 3));
	do {
		struct text line = text_cut(&rest, '\n');

		bytes_text_add(out, digits);
		bytes_char(out, rest.p ? '-' : ' ');
		bytes_text_add(out, line);
		bytes_str(out, "\r\n");
	} while (rest.p);
}

static void set_raw(struct fault *f, const struct word *w)
{
	uint64_t code;

	bytes_text_add(&f->reply, bytes_text(&w->value));
	f->has_reply = f->raw = true;
	f->code = f->reply.n >= 3 && text_u64(text_of(f->reply.p, 3), &code) ? (int)code : 0;
}

static void set_close(const struct source *src, struct fault *f, const struct word *w)
{
	static const char *const names[] = { [CLOSE_BEFORE] = "before", [CLOSE_AFTER] = "after",
					     [CLOSE_ACCEPTED] = "accepted" };

	for (int i = CLOSE_BEFORE; i <= CLOSE_ACCEPTED; i++)
		if (strcmp(w->value.p, names[i]) == 0)
			f->close = (enum fault_close)i;
	if (f->close == CLOSE_NO)
		wrong(src, "close= takes before, after or accepted, not", w->value.p);
}

static void set_half(const struct source *src, struct fault *f, const struct word *w)
{
	if (!w->mark || strcmp(w->value.p, "close") == 0)
		f->half = HALF_CLOSE;
	else if (strcmp(w->value.p, "stall") == 0)
		f->half = HALF_STALL;
	else if (strcmp(w->value.p, "rst") == 0)
		f->half = HALF_RESET;
	else
		wrong(src, "half= takes close, stall or rst, not", w->value.p);
}

static void set_probability(const struct source *src, struct fault *f, const struct word *w)
{
	char *end;

	errno = 0;
	f->p = strtod(w->value.p, &end);
	if (errno || end == w->value.p || *end || f->p < 0 || f->p > 1)
		wrong(src, "p= takes a number from 0 to 1, not", w->value.p);
}

static bool set_selection(const struct source *src, struct fault *f, const struct word *w)
{
	const struct { const char *key; uint64_t *to; } numbers[] = {
		{ "nth", &f->nth }, { "every", &f->every }, { "from", &f->from }, { "to", &f->to },
		{ "conn", &f->conn }, { "after", &f->after }, { "lines", &f->lines },
	};

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (strcmp(w->key, numbers[i].key) == 0) {
			*numbers[i].to = number(src, w);
			return true;
		}
	if (strcmp(w->key, "stage") == 0)
		set_stages(src, f, w);
	else if (strcmp(w->key, "p") == 0)
		set_probability(src, f, w);
	else if (strcmp(w->key, "rcpt") == 0)
		set_regex(src, w, &f->rcpt, &f->has_rcpt);
	else if (strcmp(w->key, "mail") == 0)
		set_regex(src, w, &f->mail, &f->has_mail);
	else if (strcmp(w->key, "each") == 0)
		f->per_conn = true;
	else
		return false;
	return true;
}

static bool set_bytes(const struct source *src, struct fault *f, const struct word *w)
{
	int ignored;

	if (strcmp(w->key, "reply") == 0) {
		set_reply(src, w, &f->reply, &f->code);
		f->has_reply = true;
	} else if (strcmp(w->key, "raw") == 0) {
		set_raw(f, w);
	} else if (strcmp(w->key, "garbage") == 0) {
		bytes_text_add(&f->garbage, bytes_text(&w->value));
	} else if (strcmp(w->key, "inject") == 0 || strcmp(w->key, "inject-after-starttls") == 0) {
		bytes_text_add(&f->inject, bytes_text(&w->value));
	} else if (strcmp(w->key, "extra") == 0 && !w->mark) {
		bytes_str(&f->inject, "250 2.0.0 One more\r\n");
	} else if (strcmp(w->key, "extra") == 0) {
		set_reply(src, w, &f->inject, &ignored);
	} else if (strcmp(w->key, "early") == 0) {
		set_reply(src, w, &f->early, &ignored);
	} else {
		return false;
	}
	return true;
}

static bool set_flag(struct fault *f, const struct word *w)
{
	const struct { const char *key; bool *to; } flags[] = {
		{ "accept", &f->accept }, { "drop", &f->drop }, { "rst", &f->reset },
		{ "cut", &f->cut }, { "nul", &f->nul },
	};

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (strcmp(w->key, flags[i].key) == 0 && !w->mark)
			return *flags[i].to = true;
	return false;
}

static void set_action(const struct source *src, struct fault *f, const struct word *w)
{
	if (set_selection(src, f, w) || set_bytes(src, f, w) || set_flag(f, w))
		return;
	if (strcmp(w->key, "close") == 0)
		set_close(src, f, w);
	else if (strcmp(w->key, "half") == 0)
		set_half(src, f, w);
	else if (strcmp(w->key, "stall") == 0)
		f->stall_ns = w->mark ? milliseconds(src, w) : FAULT_FOREVER;
	else if (strcmp(w->key, "slow") == 0)
		f->slow_ns = milliseconds(src, w);
	else if (strcmp(w->key, "delay") == 0)
		f->delay_ns = milliseconds(src, w);
	else if (strcmp(w->key, "long") == 0)
		f->long_bytes = w->mark ? number(src, w) : 1 << 20;
	else
		wrong(src, "unknown word", w->key);
}

void faults_add(struct faults *fs, const char *spec, const char *place)
{
	struct source src = { place, spec };
	struct fault *f = need(sizeof *f);
	struct word w = { 0 };

	f->p = -1;
	for (const char *p = spec; (p = read_word(&src, p, &w));)
		set_action(&src, f, &w);
	bytes_free(&w.value);
	if (!f->stages)
		wrong(&src, "no stage=", "");
	if (f->reset && f->close == CLOSE_NO && f->half == HALF_NO)
		f->close = CLOSE_BEFORE;
	fs->stages |= f->stages;
	fs->list = need_more(fs->list, (fs->n + 1) * sizeof(struct fault *));
	fs->list[fs->n++] = f;
}

void faults_add_file(struct faults *fs, const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;

	if (!in)
		die("cannot read faults '%s'", path);
	for (int n = 1; getline(&line, &cap, in) >= 0; n++) {
		char place[256];

		line[strcspn(line, "\r\n")] = 0;
		snprintf(place, sizeof place, "%s:%d", path, n);
		if (line[strspn(line, " \t")] && line[strspn(line, " \t")] != '#')
			faults_add(fs, line, place);
	}
	free(line);
	fclose(in);
}
