/* answer.c - replies and what faults make of them.
 *
 * A fault that refuses (reply of another class than the stage wants, close=before) settles the command
 * before it takes effect; every other fault lets it take effect and spoils the reply. So what is in
 * the record is what the server would really have delivered. */
#include "tests/fake/answer.h"

#include <stdlib.h>

enum {
	POSTFIX_SLOW_ERRORS = 10,
	POSTFIX_MAX_ERRORS = 20
};

#define SECOND_NS 1000000000LL

void answer_violation(struct session *s, const char *rule, struct text detail)
{
	record_violation(s->record, s->now.wall_ns, s->number, s->txn, rule, detail);
}

void answer_close(struct session *s, enum out_after how)
{
	outq_commit(s->out, s->now.mono_ns, s->now.mono_ns + s->cfg->delay_ns, how);
	s->hold = HOLD_CLOSED;
}

struct fault_subject answer_subject(struct session *s)
{
	struct transaction *t = &s->t;
	struct fault_subject subject = { .n_rcpt = t->n };

	if (t->open)
		subject.mail = text_of(t->from.p + 1, t->sender_n);
	if (s->cfg->faults.n == 0)
		return subject;
	t->list = need_more(t->list, (t->n + 1) * sizeof *t->list);
	for (size_t i = 0; i < t->n; i++)
		t->list[i] = text_of(t->rcpts.p + t->places[i].at, t->places[i].n);
	subject.rcpt = t->list;
	return subject;
}

static void log_lines(struct session *s, struct text t)
{
	if (s->record->files->protocol.fd < 0)
		return;
	while (t.n)
		record_protocol(s->record, s->now.mono_ns, s->number, "S", text_cut(&t, '\n'));
}

static int code_of(struct text t)
{
	uint64_t code;

	return t.n >= 3 && text_u64(text_of(t.p, 3), &code) ? (int)code : 0;
}

/* Is " x.y.z" at p? Returns its length. */
static size_t enhanced_length(const char *p)
{
	size_t n = strspn(p, "0123456789."), dots = 0;

	for (size_t i = 0; i < n; i++)
		dots += p[i] == '.';
	return dots == 2 && p[n] == ' ' ? n + 1 : 0;
}

static void compose(struct session *s, const char *text)
{
	struct bytes *b = &s->reply;
	const char *line = text + 4, *nl;

	b->n = 0;
	if (!s->cfg->ext.enhanced)
		line += enhanced_length(line);
	for (;; line = nl + 1) {
		nl = strchr(line, '\n');
		bytes_add(b, text, 3);
		bytes_char(b, nl ? '-' : ' ');
		bytes_add(b, line, nl ? (size_t)(nl - line) : strlen(line));
		bytes_add(b, "\r\n", 2);
		if (!nl)
			return;
	}
}

/* The reply with what lines=, long= and nul do to it, onto b. */
static void spoil(struct bytes *b, const struct fault *f, struct text reply)
{
	for (uint64_t i = 1; i < f->lines; i++) {
		bytes_add(b, reply.p, reply.n < 3 ? reply.n : 3);
		bytes_str(b, "-one line of many\r\n");
	}
	if (f->nul && reply.n > 4) {
		bytes_add(b, reply.p, 4);
		bytes_char(b, 0);
		reply = text_of(reply.p + 4, reply.n - 4);
	}
	if (f->long_bytes > reply.n && reply.n >= 2) {
		bytes_add(b, reply.p, reply.n - 2);
		bytes_room(b, f->long_bytes);
		for (uint64_t i = reply.n; i < f->long_bytes; i++)
			bytes_char(b, 'x');
		reply = text_of(reply.p + reply.n - 2, 2);
	}
	bytes_text_add(b, reply);
}

static void build(struct session *s, const struct fault *f, struct text reply)
{
	struct bytes *b = &s->scratch;
	size_t before;

	b->n = 0;
	bytes_text_add(b, bytes_text(&f->garbage));
	before = b->n;
	if (!f->drop && f->close != CLOSE_ACCEPTED && f->close != CLOSE_BEFORE)
		spoil(b, f, reply);
	if (f->half != HALF_NO) {
		b->n = before + (b->n - before) / 2;
		return;
	}
	bytes_text_add(b, bytes_text(&f->inject));
	if (f->early.n) {
		bytes_text_add(b, bytes_text(&f->early));
		s->swallow++;
	}
}

static enum out_after ending(const struct fault *f, enum out_after after)
{
	if (f->close == CLOSE_NO && f->half != HALF_CLOSE && f->half != HALF_RESET)
		return after;
	if (f->reset || f->half == HALF_RESET)
		return OUT_RESET;
	return f->cut ? OUT_CUT : OUT_CLOSE;
}

static void pause_session(struct session *s, int64_t ns)
{
	int64_t until = ns == FAULT_FOREVER ? OUTQ_NEVER : s->now.mono_ns + ns;

	if (s->hold == HOLD_PAUSE && s->resume_ns > until)
		return;
	if (s->hold == HOLD_NO || s->hold == HOLD_PAUSE) {
		s->hold = HOLD_PAUSE;
		s->resume_ns = until;
	}
}

/* The reply as the fault wants it. */
static void strike(struct session *s, const struct fault *f, struct text reply, enum out_after after)
{
	int64_t now = s->now.mono_ns, due = now + s->cfg->delay_ns + s->late_ns + f->delay_ns;

	record_protocol(s->record, now, s->number, "*", TEXT("fault"));
	build(s, f, reply);
	if (f->stall_ns == FAULT_FOREVER)
		due = OUTQ_NEVER;
	else
		due += f->stall_ns;
	log_lines(s, bytes_text(&s->scratch));
	after = ending(f, after);
	if (f->slow_ns && due != OUTQ_NEVER)
		for (size_t i = 0; i < s->scratch.n; i++, due += f->slow_ns) {
			outq_add(s->out, text_of(s->scratch.p + i, 1));
			outq_commit(s->out, now, due, OUT_NOTHING);
		}
	else
		outq_add(s->out, bytes_text(&s->scratch));
	outq_commit(s->out, now, due, after);
	if (f->half == HALF_STALL)
		outq_commit(s->out, now, OUTQ_NEVER, OUT_NOTHING);
	if (after != OUT_NOTHING && after != OUT_TLS)
		s->hold = HOLD_CLOSED;
	else if (f->stall_ns)
		pause_session(s, f->stall_ns);
}

/* Does a reply with this code leave the command without effect? */
static bool refuses(enum stage stage, int code)
{
	if (stage == STAGE_DATA)
		return code / 100 != 3;
	if (stage == STAGE_AUTH || stage == STAGE_AUTHCONT)
		return code / 100 != 2 && code / 100 != 3;
	return code / 100 != 2;
}

bool answer_stage(struct session *s, enum stage stage, const struct fault_subject *subject)
{
	const struct fault *f;

	if (!(s->cfg->faults.stages & (unsigned)stage))
		return false;
	f = faults_pick(&s->cfg->faults, stage, s->number, s->fault_seen, subject);
	if (!f)
		return false;
	if (f->close == CLOSE_BEFORE) {
		strike(s, f, TEXT(""), OUT_NOTHING);
		return true;
	}
	if (f->has_reply && refuses(stage, f->code) && !f->accept && f->close != CLOSE_ACCEPTED) {
		record_count(s->record, COUNT_REJECTED, 1);
		strike(s, f, bytes_text(&f->reply), OUT_NOTHING);
		return true;
	}
	s->fault = f;
	return false;
}

void answer_content_fault(struct session *s)
{
	const struct fault *f = s->content_fault;

	s->content_fault = NULL;
	strike(s, f, bytes_text(&f->reply), OUT_NOTHING);
}

/* Errors are slowed, and at last cut off. True: the connection is closed instead of the answer. */
static bool postfix_patience(struct session *s)
{
	s->errors++;
	if (s->errors > POSTFIX_MAX_ERRORS) {
		s->errors = 0;
		answer_then(s, "421 4.7.0 Error: too many errors", OUT_CLOSE);
		return true;
	}
	if (s->errors > POSTFIX_SLOW_ERRORS)
		pause_session(s, SECOND_NS);
	return false;
}

void answer_then(struct session *s, const char *text, enum out_after after)
{
	int code = code_of(text_of(text, 3));
	const struct fault *f = s->fault;
	struct text reply;
	int64_t due = s->now.mono_ns + s->cfg->delay_ns + s->late_ns;

	s->fault = NULL;
	if (s->hold == HOLD_CLOSED)
		return;
	if (code >= 400) {
		record_count(s->record, COUNT_REJECTED, 1);
		if ((s->cfg->quirks & QUIRK_POSTFIX) && code != 421 && postfix_patience(s))
			return;
	}
	if (s->swallow) {
		s->swallow--;
		return;
	}
	compose(s, text);
	reply = bytes_text(&s->reply);
	if (f) {
		if (f->has_reply && (code < 400 || f->accept))
			reply = bytes_text(&f->reply);
		strike(s, f, reply, after);
		return;
	}
	log_lines(s, reply);
	outq_add(s->out, reply);
	if (s->hold == HOLD_PAUSE)
		due += s->resume_ns - s->now.mono_ns;
	outq_commit(s->out, s->now.mono_ns, due, after);
	if (after != OUT_NOTHING && after != OUT_TLS)
		s->hold = HOLD_CLOSED;
}

void answer(struct session *s, const char *text)
{
	answer_then(s, text, OUT_NOTHING);
}
