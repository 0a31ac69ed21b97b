/* script_file.c - reader of dialogues. Wrong scripts stop the test program: they are ours. */
#include "tests/unit/script_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/mem.h"

enum { FILE_MAX = 1 << 20, TEXT_MAX = 1 << 20 };

struct reader {
	struct script *s;
	const char *path;
	unsigned line;
};

static _Noreturn void wrong(const struct reader *r, const char *what, struct span text)
{
	fprintf(stderr, "%s:%u: %s: %.*s\n", r->path, r->line, what, SPAN_ARG(text));
	exit(2);
}

static char *keep(struct reader *r, struct span text)
{
	char *p = mem_copy(text);

	if (!p || r->s->n_memory == sizeof r->s->memory / sizeof r->s->memory[0])
		wrong(r, "script is too long", text);
	return r->s->memory[r->s->n_memory++] = p;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* \r \n \t \0 \\ \xHH, and \*N,C for N times the character C. */
static struct span unescape(struct reader *r, struct span text, struct span tail)
{
	static char out[TEXT_MAX];
	size_t n = 0;

	while (text.n > 0) {
		char c = span_take(&text);

		if (c == '\\' && text.n > 0) {
			c = span_take(&text);
			if (c == '*') {
				unsigned long long times = 0;

				if (span_number(span_cut(&text, ','), 600000, &times) < 0 || text.n == 0)
					wrong(r, "bad \\*", text);
				c = span_take(&text);
				memset(out + n, c, times);
				n += times;
				continue;
			}
			if (c == 'x' && text.n >= 2) {
				int high = hex(span_take(&text)), low = hex(span_take(&text));

				c = (char)(high << 4 | low);
			} else {
				c = c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c == '0' ? '\0' : c;
			}
		}
		out[n++] = c;
	}
	memcpy(out + n, tail.p, tail.n);
	n += tail.n;
	return span_of(keep(r, span_of(out, n)), n);
}

static struct script_step *add_step(struct reader *r, enum script_kind kind, struct span text)
{
	struct script_step *step = &r->s->step[r->s->n_steps++];

	if (r->s->n_steps == SCRIPT_STEPS)
		wrong(r, "too many steps", text);
	*step = (struct script_step){ .kind = kind, .line = r->line, .text = text };
	return step;
}

static unsigned long number(struct reader *r, struct span word)
{
	unsigned long long v;

	if (span_number(word, 1 << 30, &v) < 0)
		wrong(r, "no number", word);
	return (unsigned long)v;
}

static void read_set(struct reader *r, struct span rest)
{
	struct script *s = r->s;
	struct span word = span_cut(&rest, ' ');

	if (span_eq(word, SPAN("starttls")))
		s->options.security = SMTP_STARTTLS;
	else if (span_eq(word, SPAN("implicit")))
		s->options.security = SMTP_IMPLICIT;
	else if (span_eq(word, SPAN("lmtp")))
		s->options.lmtp = true;
	else if (span_eq(word, SPAN("lockstep")))
		s->options.lockstep = true;
	else if (span_eq(word, SPAN("no-chunking")))
		s->options.no_chunking = true;
	else if (span_eq(word, SPAN("in-clear")))
		s->options.login_in_clear = true;
	else if (span_eq(word, SPAN("notify")))
		s->options.wishes.notify = span_of(keep(r, rest), rest.n);
	else if (span_eq(word, SPAN("ret")))
		s->options.wishes.ret = span_of(keep(r, rest), rest.n);
	else if (span_eq(word, SPAN("mail-option")))
		s->options.wishes.mail = span_of(keep(r, rest), rest.n);
	else if (span_eq(word, SPAN("rcpt-option")))
		s->options.wishes.rcpt = span_of(keep(r, rest), rest.n);
	else if (span_eq(word, SPAN("requiretls")))
		s->options.wishes.requiretls = true;
	else if (span_eq(word, SPAN("pull")))
		s->pull = (int)number(r, rest);
	else if (span_eq(word, SPAN("uncut")))
		s->uncut = true;
	else if (span_eq(word, SPAN("manual")))
		s->manual = true;
	else if (span_eq(word, SPAN("trusted")))
		s->options.trusted = true;
	else if (span_eq(word, SPAN("window")))
		s->options.window = (unsigned)number(r, rest);
	else if (span_eq(word, SPAN("messages")))
		s->options.messages_max = (unsigned)number(r, rest);
	else if (span_eq(word, SPAN("user")))
		s->login.user = span_of(keep(r, rest), rest.n);
	else if (span_eq(word, SPAN("password")))
		s->login.password = span_of(keep(r, rest), rest.n);
	else if (span_eq(word, SPAN("mechanism")))
		s->login.mechanism = keep(r, rest);
	else if (span_eq(word, SPAN("hold")))
		s->hold = span_of(keep(r, rest), rest.n);
	else
		wrong(r, "unknown setting", word);
	if (s->login.user.n)
		s->options.login = &s->login;
}

/* "…" with | between pieces. */
static void read_content(struct reader *r, struct script_mail *m, struct span text)
{
	while (text.n > 0) {
		struct span piece = span_cut(&text, '|');

		if (m->mail.n_content == SCRIPT_PIECES)
			wrong(r, "too many pieces", piece);
		piece = unescape(r, piece, SPAN(""));
		m->piece[m->mail.n_content++] = piece;
		m->mail.size += piece.n;
	}
}

/* N from PATH to PATH[,PATH] [8bit] [utf8] [dots] "content" */
static void read_mail(struct reader *r, struct span rest)
{
	struct script_mail *m = &r->s->mail[r->s->n_mails];
	struct span word = span_cut(&rest, ' '), list;

	if (r->s->n_mails == SCRIPT_MAILS || number(r, word) != r->s->n_mails + 1)
		wrong(r, "mails are numbered from 1", word);
	m->mail.ticket = (uint32_t)++r->s->n_mails;
	m->mail.content = m->piece;
	m->mail.recipients = m->rcpt;
	if (!span_eq(span_cut(&rest, ' '), SPAN("from")))
		wrong(r, "from?", rest);
	word = span_cut(&rest, ' ');
	if (!span_eq(word, SPAN("<>")))
		m->mail.sender = unescape(r, word, SPAN(""));
	if (!span_eq(span_cut(&rest, ' '), SPAN("to")))
		wrong(r, "to?", rest);
	list = span_cut(&rest, ' ');
	while (list.n > 0 && m->mail.n_recipients < SCRIPT_RCPTS)
		m->rcpt[m->mail.n_recipients++] = unescape(r, span_cut(&list, ','), SPAN(""));
	while (rest.n > 0 && *rest.p != '"') {
		word = span_cut(&rest, ' ');
		m->mail.needs |= span_eq(word, SPAN("8bit")) ? MAIL_NEEDS_8BITMIME
				 : span_eq(word, SPAN("utf8")) ? MAIL_NEEDS_SMTPUTF8
				 : span_eq(word, SPAN("dots")) ? MAIL_MAY_HAVE_DOTS : 0;
	}
	if (rest.n < 2 || rest.p[rest.n - 1] != '"')
		wrong(r, "content?", rest);
	read_content(r, m, span_sub(rest, 1, rest.n - 2));
}

static void read_server(struct reader *r, struct span text, struct span tail)
{
	struct script_step *step = add_step(r, STEP_SERVER, unescape(r, text, tail));
	unsigned long long code;

	text = step->text;
	if (text.n < 4 || span_find(text, '\n') != text.n - 1 || text.p[3] == '-')
		return;
	if (span_number(span_sub(text, 0, 3), 599, &code) == 0 && code >= 200)
		step->code = (int)code;
}

static void read_line(struct reader *r, struct span line)
{
	struct span rest = line;

	if (line.n == 0 || *line.p == '#')
		return;
	if (span_begins(line, SPAN("S: ")))
		read_server(r, span_skip(line, 3), SPAN("\r\n"));
	else if (span_begins(line, SPAN("S= "))) /* no line end is added */
		read_server(r, span_skip(line, 3), SPAN(""));
	else if (span_begins(line, SPAN("C: ")))
		add_step(r, STEP_CLIENT, unescape(r, span_skip(line, 3), SPAN("\r\n")));
	else if (span_begins(line, SPAN("C= ")))
		add_step(r, STEP_CLIENT, unescape(r, span_skip(line, 3), SPAN("")));
	else if (span_begins(line, SPAN("C~ "))) /* how the line begins; the rest is not known */
		add_step(r, STEP_CLIENT, unescape(r, span_skip(line, 3), SPAN("")))->whole_line = true;
	else if (span_begins(line, SPAN("E: ")))
		add_step(r, STEP_EVENT, span_of(keep(r, span_skip(line, 3)), line.n - 3));
	else if (span_begins(line, SPAN("! ")))
		add_step(r, STEP_DO, span_of(keep(r, span_skip(line, 2)), line.n - 2));
	else if (span_eq(span_cut(&rest, ' '), SPAN("set")))
		read_set(r, rest);
	else if (span_begins(line, SPAN("mail ")))
		read_mail(r, span_skip(line, 5));
	else
		wrong(r, "what is this", line);
}

/* The reply that follows the last EHLO: a server in its place would say it again. */
static void find_ehlo(struct script *s)
{
	static char text[8192];
	size_t n = 0;
	bool in = false;

	for (unsigned i = 0; i < s->n_steps; i++) {
		const struct script_step *step = &s->step[i];

		if (step->kind == STEP_CLIENT) {
			in = span_begins(step->text, SPAN("EHLO ")) || span_begins(step->text, SPAN("LHLO "));
			if (in)
				n = 0;
		} else if (step->kind == STEP_SERVER && in && n + step->text.n < sizeof text) {
			memcpy(text + n, step->text.p, step->text.n);
			n += step->text.n;
			in = step->code == 0;
		}
	}
	s->memory[s->n_memory] = mem_copy(span_of(text, n));
	s->ehlo = span_of(s->memory[s->n_memory++], n);
}

struct script *script_read(const char *path)
{
	struct script *s = mem_new(sizeof *s);
	struct reader r = { .s = s, .path = path };
	char *bytes = mem_new(FILE_MAX);
	FILE *f = fopen(path, "r");
	struct span rest;

	if (!s || !bytes || !f)
		wrong(&r, "cannot be read", SPAN(""));
	rest = span_of(bytes, fread(bytes, 1, FILE_MAX, f));
	fclose(f);
	s->name = keep(&r, span_str(path));
	s->options.helo_name = SPAN("me.example");
	while (rest.n > 0) {
		r.line++;
		read_line(&r, span_cut(&rest, '\n'));
	}
	find_ehlo(s);
	mem_free(bytes);
	return s;
}

void script_free(struct script *s)
{
	for (unsigned i = 0; i < s->n_memory; i++)
		mem_free(s->memory[i]);
	mem_free(s);
}
