/* session.c - lines and verbs: greeting, EHLO, STARTTLS, AUTH, and the way to envelope.c.
 *
 *   greeting -> EHLO/LHLO [-> STARTTLS -> EHLO] [-> AUTH] -> { MAIL RCPT+ DATA|BDAT }* -> QUIT
 *
 * Early speech. What a client may not send before it has read a reply is known when it comes: `silence`
 * names the rule, and bytes are early when they came in one read with the command, or while its
 * reply was still waiting to leave (--delay makes that exact). After EHLO, DATA, AUTH, STARTTLS, QUIT,
 * NOOP and VRFY nobody may speak (RFC 2920 3.1), without PIPELINING after no command at all. */
#include "tests/fake/session.h"

#include <stdlib.h>

#include "tests/fake/answer.h"
#include "tests/fake/envelope.h"
#include "tests/fake/login.h"
#include "tests/fake/syntax.h"

enum {
	LINE_MAX_BASE = 512,  /* RFC 5321 4.5.3.1.4 */
	LINE_GROWTH_MAIL = 26 + 10 + 17 + 100 + 500, /* SIZE, SMTPUTF8, BODY, DSN, AUTH */
	LINE_GROWTH_RCPT = 500, /* DSN */
	LINE_MAX_AUTH = 12288 + 2
};

static const char silence_plain[] = "pipelining that was not announced";
static const char silence_data[] = "content before the reply to DATA";

void session_init(struct session *s, const struct config *cfg, struct greylist *g, struct record *r,
		  struct outq *out, uint64_t number, bool lmtp)
{
	*s = (struct session){ .cfg = cfg, .greylist = g, .record = r, .out = out, .number = number, .lmtp = lmtp };
	s->fault_seen = need((cfg->faults.n + 1) * sizeof *s->fault_seen);
}

void session_release(struct session *s)
{
	envelope_release(s);
	auth_release(&s->auth);
	bytes_free(&s->reply);
	bytes_free(&s->scratch);
	bytes_free(&s->challenge);
	free(s->fault_seen);
}

static void be_silent(struct session *s, const char *rule)
{
	s->silence = rule;
	s->silence_feed = s->feed;
}

void session_greet(struct session *s, struct moment now, bool too_many)
{
	struct fault_subject nobody = { 0 };

	s->now = now;
	be_silent(s, "text before the greeting");
	s->late_ns = s->cfg->greeting_delay_ns;
	if (too_many) {
		answer_then(s, "421 4.7.0 Too many concurrent connections", OUT_CLOSE);
	} else if (!answer_stage(s, STAGE_GREETING, &nobody)) {
		s->challenge.n = 0;
		bytes_printf(&s->challenge, "220 %s %s", s->cfg->hostname, s->cfg->banner);
		bytes_char(&s->challenge, 0);
		answer(s, s->challenge.p);
	}
	s->late_ns = 0;
}

void session_idle(struct session *s, struct moment now)
{
	s->now = now;
	answer_then(s, "421 4.4.2 Idle for too long", OUT_CLOSE);
}

void session_lost(struct session *s, struct moment now, const char *how)
{
	record_protocol(s->record, now.mono_ns, s->number, "*", text_str(how));
}

static void announce_auth(struct session *s, struct bytes *b)
{
	if (s->cfg->mechanisms && (s->link.tls || !s->cfg->require_tls))
		bytes_printf(b, "\nAUTH %s", s->cfg->mechanisms);
}

static void announce(struct session *s, struct bytes *b)
{
	const struct extensions *e = &s->cfg->ext;
	const struct { bool on; const char *line; } plain[] = {
		{ e->pipelining, "\nPIPELINING" }, { e->eightbit, "\n8BITMIME" }, { e->utf8, "\nSMTPUTF8" },
		{ e->dsn, "\nDSN" }, { e->enhanced, "\nENHANCEDSTATUSCODES" }, { e->chunking, "\nCHUNKING" },
		{ e->binary, "\nBINARYMIME" }, { s->cfg->starttls && !s->link.tls, "\nSTARTTLS" },
	};

	for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
		if (plain[i].on)
			bytes_str(b, plain[i].line);
	if (e->size && e->size_max)
		bytes_printf(b, "\nSIZE %llu", (unsigned long long)e->size_max);
	else if (e->size)
		bytes_str(b, "\nSIZE");
	if (e->mail_max || e->rcpt_max)
		bytes_str(b, "\nLIMITS");
	if (e->mail_max)
		bytes_printf(b, " MAILMAX=%llu", (unsigned long long)e->mail_max);
	if (e->rcpt_max)
		bytes_printf(b, " RCPTMAX=%llu", (unsigned long long)e->rcpt_max);
	announce_auth(s, b);
}

static void hello(struct session *s, struct text args, struct text line, bool extended)
{
	struct fault_subject nobody = { 0 };
	struct text name = args.n ? text_of(args.p + 1, args.n - 1) : args;
	struct bytes *b = &s->challenge;
	bool utf8 = false;
	const char *wrong = syntax_domain(name, &utf8);
	enum stage stage = !extended ? STAGE_HELO : s->link.tls ? STAGE_EHLO2 : STAGE_EHLO;

	if (answer_stage(s, stage, &nobody))
		return;
	if (wrong || (utf8 && !s->cfg->ext.utf8)) {
		answer_violation(s, wrong ? wrong : "8-bit host name", line);
		answer(s, "501 5.5.4 Bad host name");
		return;
	}
	envelope_forget(s);
	s->dovecot_failed = false;
	s->greeted = true;
	s->extended = extended;
	b->n = 0;
	bytes_printf(b, "250 %s", s->cfg->hostname);
	if (extended)
		announce(s, b);
	bytes_char(b, 0);
	answer(s, b->p);
}

static void unknown(struct session *s, struct text line)
{
	struct fault_subject nobody = { 0 };

	answer_violation(s, "unknown command", line);
	if (!answer_stage(s, STAGE_UNKNOWN, &nobody))
		answer(s, "500 5.5.2 Command not recognized");
}

static void starttls(struct session *s, struct text args, struct text line)
{
	struct fault_subject nobody = { 0 };

	if (answer_stage(s, STAGE_STARTTLS, &nobody))
		return;
	if (!s->cfg->starttls || s->link.tls || !s->greeted) {
		answer_violation(s, "STARTTLS that was not announced", line);
		answer(s, "503 5.5.1 STARTTLS is not offered");
		return;
	}
	if (args.n) {
		answer_violation(s, "STARTTLS with an argument", line);
		answer(s, "501 5.5.4 STARTTLS takes no argument");
		return;
	}
	answer_then(s, "220 2.0.0 Ready to start TLS", OUT_TLS);
	if (s->hold != HOLD_CLOSED)
		s->hold = HOLD_TLS;
}

void session_spilled(struct session *s, struct text octets)
{
	answer_violation(s, "text in clear after STARTTLS", octets);
}

void session_secured(struct session *s, const struct auth_link *link)
{
	s->link = *link;
	s->hold = HOLD_NO;
	s->greeted = s->extended = s->authenticated = false;
	s->silence = NULL;
	envelope_forget(s);
	record_count(s->record, COUNT_TLS, 1);
	record_protocol(s->record, s->now.mono_ns, s->number, "*", TEXT("TLS is up"));
}

static void quit(struct session *s)
{
	struct fault_subject nobody = { 0 };

	if (!answer_stage(s, STAGE_QUIT, &nobody))
		answer_then(s, "221 2.0.0 Bye", OUT_CLOSE);
}

static void noop(struct session *s, enum stage stage)
{
	struct fault_subject nobody = { 0 };

	if (!answer_stage(s, stage, &nobody))
		answer(s, stage == STAGE_VRFY ? "252 2.5.1 Cannot verify" : "250 2.0.0 Ok");
}

#define VERB(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* The first four letters in upper case; 0 when there are no four. */
static uint32_t verb_of(struct text line)
{
	uint32_t v = 0;

	if (line.n < 4)
		return 0;
	for (int i = 0; i < 4; i++)
		v = v << 8 | (unsigned char)(line.p[i] & ~0x20);
	return v;
}

/* Commands that take no argument say so. True: the line was good. */
static bool bare(struct session *s, struct text args, struct text line)
{
	if (args.n == 0)
		return true;
	answer_violation(s, "argument where none belongs", line);
	answer(s, "501 5.5.4 No argument is wanted");
	return false;
}

/* Verbs of a transaction, most frequent first; false: none of these. */
static bool envelope_verb(struct session *s, uint32_t verb, struct text args, struct text line)
{
	switch (verb) {
	case VERB('R', 'S', 'E', 'T'):
		if (bare(s, args, line))
			envelope_rset(s);
		return true;
	case VERB('M', 'A', 'I', 'L'):
		envelope_mail(s, args, line);
		return true;
	case VERB('R', 'C', 'P', 'T'):
		envelope_rcpt(s, args, line);
		return true;
	case VERB('B', 'D', 'A', 'T'):
		envelope_bdat(s, args, line);
		return true;
	case VERB('D', 'A', 'T', 'A'):
		if (bare(s, args, line))
			envelope_data(s);
		be_silent(s, silence_data);
		return true;
	default:
		return false;
	}
}

static void session_verb(struct session *s, uint32_t verb, struct text args, struct text line)
{
	be_silent(s, "text behind a command that must be the last of its group");
	switch (verb) {
	case VERB('E', 'H', 'L', 'O'):
	case VERB('L', 'H', 'L', 'O'):
	case VERB('H', 'E', 'L', 'O'):
		if (s->lmtp == (verb == VERB('L', 'H', 'L', 'O')))
			hello(s, args, line, verb != VERB('H', 'E', 'L', 'O'));
		else
			unknown(s, line);
		return;
	case VERB('A', 'U', 'T', 'H'):
		login_begin(s, args, line);
		return;
	case VERB('Q', 'U', 'I', 'T'):
		if (bare(s, args, line))
			quit(s);
		return;
	case VERB('N', 'O', 'O', 'P'):
		noop(s, STAGE_NOOP);
		return;
	case VERB('V', 'R', 'F', 'Y'):
	case VERB('E', 'X', 'P', 'N'):
		noop(s, STAGE_VRFY);
		return;
	default:
		unknown(s, line);
	}
}

static size_t line_max(uint32_t verb)
{
	switch (verb) {
	case VERB('M', 'A', 'I', 'L'): return LINE_MAX_BASE + LINE_GROWTH_MAIL;
	case VERB('R', 'C', 'P', 'T'): return LINE_MAX_BASE + LINE_GROWTH_RCPT;
	case VERB('A', 'U', 'T', 'H'): return LINE_MAX_AUTH;
	default: return LINE_MAX_BASE;
	}
}

/* line is without its end; crlf says whether that was CRLF. */
static void command(struct session *s, struct text line, bool crlf)
{
	uint32_t verb = verb_of(line);
	size_t letters = verb == VERB('S', 'T', 'A', 'R') ? 8 : 4;
	struct text args;

	record_protocol(s->record, s->now.mono_ns, s->number, "C", line);
	if (!crlf)
		answer_violation(s, "bare LF ends a command", line);
	if (line.n && (memchr(line.p, 0, line.n) || memchr(line.p, '\r', line.n))) {
		answer_violation(s, memchr(line.p, 0, line.n) ? "NUL in a command" : "bare CR in a command", line);
		answer(s, "500 5.5.2 Bad octet in a command");
		return;
	}
	if (line.n + 2 > (s->mode == MODE_AUTH ? LINE_MAX_AUTH : line_max(verb))) {
		answer_violation(s, "command line too long", line);
		answer(s, "500 5.5.2 Line too long");
		return;
	}
	if (s->mode == MODE_AUTH) {
		be_silent(s, "text before the reply to an AUTH response");
		login_response(s, line);
		return;
	}
	if (line.n < letters || (line.n > letters && line.p[letters] != ' ')) {
		unknown(s, line);
		return;
	}
	args = text_of(line.p + letters, line.n - letters);
	if (letters == 8) {
		be_silent(s, "text behind STARTTLS");
		if (text_case_begins(line, TEXT("STARTTLS")))
			starttls(s, args, line);
		else
			unknown(s, line);
	} else if (!envelope_verb(s, verb, args, line)) {
		session_verb(s, verb, args, line);
	}
}

/* One line, when it is there. Returns octets taken. */
static size_t take_line(struct session *s, const char *p, size_t n)
{
	const char *nl = memchr(p, '\n', n);
	bool crlf;

	if (!nl && n <= LINE_MAX_AUTH && s->mode != MODE_OVERLONG)
		return 0;
	if (!nl) {
		if (s->mode != MODE_OVERLONG)
			answer_violation(s, "command line too long", text_of(p, n));
		s->mode = MODE_OVERLONG;
		return n;
	}
	crlf = nl > p && nl[-1] == '\r';
	if (s->mode == MODE_OVERLONG) {
		s->mode = MODE_COMMAND;
		answer(s, "500 5.5.2 Line too long");
	} else {
		command(s, text_of(p, (size_t)(nl - p) - crlf), crlf);
	}
	return (size_t)(nl - p) + 1;
}

/* Octets have come; was it their time? False: the quirks of some server end the connection here. */
static bool in_time(struct session *s, const char *p, size_t n)
{
	const char *rule = s->silence;

	s->silence = NULL;
	if (s->feed != s->silence_feed && !s->out_waited)
		return true;
	answer_violation(s, rule, text_of(p, n));
	if (rule == silence_data && (s->cfg->quirks & QUIRK_POSTFIX)) {
		s->mode = MODE_COMMAND;
		answer_then(s, "554 5.5.0 Error: SMTP protocol synchronization", OUT_CLOSE);
		return false;
	}
	if (!s->cfg->ext.pipelining && (s->cfg->quirks & QUIRK_OPENSMTPD)) {
		answer_then(s, "500 5.5.1 Invalid command: Pipelining not supported", OUT_CLOSE);
		return false;
	}
	return true;
}

static size_t step(struct session *s, const char *p, size_t n)
{
	if (s->mode == MODE_DATA || s->mode == MODE_CHUNK) {
		size_t taken = envelope_content(s, p, n);

		if (s->mode == MODE_COMMAND && !(s->cfg->ext.pipelining && s->extended))
			be_silent(s, silence_plain);
		return taken;
	}
	return take_line(s, p, n);
}

size_t session_feed(struct session *s, struct moment now, const char *p, size_t n)
{
	size_t at = 0;

	s->now = now;
	s->feed++;
	s->out_waited = !outq_idle(s->out);
	while (s->hold == HOLD_NO && (at < n || (s->mode == MODE_CHUNK && s->chunk_left == 0))) {
		enum session_mode mode = s->mode;
		size_t taken;

		if (s->silence && at < n && !in_time(s, p + at, n - at))
			break;
		taken = step(s, p + at, n - at);
		at += taken;
		if (taken == 0 && s->mode == mode && mode != MODE_CHUNK && mode != MODE_DATA)
			break;
		if (!s->silence && s->mode == MODE_COMMAND && taken && !(s->cfg->ext.pipelining && s->extended))
			be_silent(s, silence_plain);
	}
	if (s->hold != HOLD_CLOSED)
		return at;
	if (s->silence && at < n && s->silence_feed == s->feed)
		answer_violation(s, s->silence, text_of(p + at, n - at));
	s->silence = NULL;
	return n;
}
