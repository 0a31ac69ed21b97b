/* transfer.c - DATA and BDAT: the octets of a message, and what its end becomes.
 *
 * Quirks differ in what a refused content leaves behind. By default, as in Postfix, the last chunk ends
 * the transaction whatever became of it; with exim's the MAIL stays open when no recipient was accepted;
 * with dovecot's no further chunk is taken before RSET. */
#include "tests/fake/answer.h"
#include "tests/fake/envelope.h"

static void begin_content(struct session *s, bool dots)
{
	struct content *c = &s->content;
	struct fault_subject subject;

	c->check = !s->cfg->fast;
	c->pick = !s->cfg->fast && (s->cfg->record_file || s->cfg->store_dir);
	c->keep = record_keeps_content(s->cfg) ? &s->kept : NULL;
	c->keep_max = s->cfg->ext.size_max ? s->cfg->ext.size_max : UINT64_MAX;
	c->picks[0].name = TEXT("Message-ID");
	c->picks[1].name = text_str(s->cfg->record_header);
	content_begin(c, dots);
	s->t.content_began = true;
	s->content_seen = 0;
	if (!(s->cfg->faults.stages & STAGE_CONTENT))
		return;
	subject = answer_subject(s);
	s->content_fault = faults_pick(&s->cfg->faults, STAGE_CONTENT, s->number, s->fault_seen, &subject);
}

/* Why content cannot come now; NULL when it can. verb is what the client said. */
static const char *before_content(struct session *s, const char *verb)
{
	struct transaction *t = &s->t;

	if (!t->open) {
		if (!t->mail_refused)
			answer_violation(s, "content without MAIL", text_str(verb));
		return "503 5.5.1 Need MAIL command";
	}
	if (t->n > 0)
		return NULL;
	if (t->tried == 0)
		answer_violation(s, "content without RCPT", text_str(verb));
	return s->lmtp ? "503 5.5.1 No valid recipients" : "554 5.5.1 No valid recipients";
}

void envelope_data(struct session *s)
{
	struct fault_subject subject = answer_subject(s);
	const char *refusal;

	if (answer_stage(s, STAGE_DATA, &subject))
		return;
	refusal = before_content(s, "DATA");
	if (!refusal && (s->t.bdat || s->t.binary)) {
		answer_violation(s, s->t.bdat ? "DATA after BDAT" : "DATA for a BINARYMIME message", TEXT("DATA"));
		refusal = "503 5.5.1 BDAT was begun";
	}
	if (refusal) {
		answer(s, refusal);
		return;
	}
	begin_content(s, true);
	s->mode = MODE_DATA;
	answer(s, "354 End data with <CR><LF>.<CR><LF>");
}

static const char *chunk_refusal(struct session *s, uint64_t octets)
{
	struct transaction *t = &s->t;
	const char *refusal;

	if (s->dovecot_failed)
		return "503 5.5.1 Previous data chunk failed, issue RSET first";
	if (!s->cfg->ext.chunking || !s->extended) {
		answer_violation(s, "BDAT that was not announced", TEXT("BDAT"));
		return "502 5.5.1 BDAT is not offered";
	}
	refusal = before_content(s, "BDAT");
	if (!refusal && t->bdat_failed)
		return "503 5.5.1 A chunk before this one failed";
	if (!refusal && s->cfg->ext.size_max && s->content.size * t->content_began + octets > s->cfg->ext.size_max)
		return "552 5.3.4 Message size exceeds fixed limit";
	return refusal;
}

/* "BDAT n" or "BDAT n LAST" */
void envelope_bdat(struct session *s, struct text args, struct text line)
{
	struct text rest = args, number;
	uint64_t octets;

	text_cut(&rest, ' ');
	number = text_cut(&rest, ' ');
	if (!text_u64(number, &octets) || (rest.p && !text_case_eq(rest, TEXT("LAST")))) {
		answer_violation(s, "bad BDAT", line);
		answer_then(s, "501 5.5.4 Syntax: BDAT count [LAST]", OUT_CLOSE); /* where the chunk ends is lost */
		return;
	}
	s->chunk_left = octets;
	s->chunk_last = rest.p != NULL;
	s->chunk_refusal = chunk_refusal(s, octets);
	if (!s->chunk_refusal && !s->t.content_began)
		begin_content(s, false);
	if (!s->chunk_refusal)
		s->t.bdat = true;
	s->mode = MODE_CHUNK;
}

static void report_content(struct session *s)
{
	static const struct { unsigned bit; const char *rule; } rules[] = {
		{ CONTENT_BARE_CR, "bare CR in content" },
		{ CONTENT_BARE_LF, "bare LF in content" },
		{ CONTENT_NUL, "NUL in content" },
		{ CONTENT_8BIT, "8-bit octets without BODY=8BITMIME" },
		{ CONTENT_LONG_LINE, "line over 1000 octets" },
		{ CONTENT_SINGLE_DOT, "line begins with one dot: not stuffed" },
	};
	const struct transaction *t = &s->t;
	unsigned wrong = s->content.wrong;

	if (t->eightbit)
		wrong &= ~(unsigned)CONTENT_8BIT;
	if (t->binary)
		wrong = 0;
	for (size_t i = 0; wrong && i < sizeof rules / sizeof rules[0]; i++)
		if (wrong & rules[i].bit)
			answer_violation(s, rules[i].rule, bytes_text(&s->content.picks[0].value));
	if (t->has_size && s->content.size > t->declared) {
		s->reply.n = 0;
		bytes_printf(&s->reply, "SIZE=%llu, came %llu", (unsigned long long)t->declared,
			     (unsigned long long)s->content.size);
		answer_violation(s, "SIZE parameter below the true size", bytes_text(&s->reply));
	}
}

static void accept_message(struct session *s, struct text rcpts, struct text params, size_t n)
{
	struct transaction *t = &s->t;
	struct accepted a = {
		.arrived = t->arrived, .accepted_ns = moment_wall_ns(), .conn = s->number, .txn = s->txn,
		.size = s->content.size, .user = bytes_text(&s->auth.user), .from = bytes_text(&t->from),
		.rcpts = rcpts, .rcpt_params = params, .message_id = bytes_text(&s->content.picks[0].value),
		.header = bytes_text(&s->content.picks[1].value), .verb = s->content.dots ? "DATA" : "BDAT",
		.tls = s->link.tls, .content = bytes_text(&s->kept), .sender = text_of(t->from.p + 1, t->sender_n),
	};

	if (!s->authenticated)
		a.user.n = 0;
	record_accepted(s->record, &a);
	record_count(s->record, COUNT_MESSAGES, 1);
	record_count(s->record, COUNT_RECIPIENTS, n);
	s->accepted++;
	s->errors = 0;
}

/* LMTP: a reply for each recipient; those accepted are one line of the record (RFC 2033 4.2). */
static void end_lmtp(struct session *s, enum stage stage, const char *refusal)
{
	struct transaction *t = &s->t;
	struct bytes rcpts = { 0 }, params = { 0 };
	struct text left = bytes_text(&t->params);
	size_t n = 0;

	for (size_t i = 0; i < t->n && s->hold != HOLD_CLOSED; i++) {
		struct text path = text_of(t->rcpts.p + t->places[i].at, t->places[i].n), param = text_cut(&left, ',');
		struct fault_subject subject = { .mail = text_of(t->from.p + 1, t->sender_n), .rcpt = &path, .n_rcpt = 1 };

		if (answer_stage(s, stage, &subject))
			continue;
		if (!refusal) {
			if (n++) {
				bytes_char(&rcpts, ',');
				bytes_char(&params, ',');
			}
			bytes_text_add(&rcpts, path);
			bytes_text_add(&params, param);
		}
		answer(s, refusal ? refusal : "250 2.1.5 Delivered");
	}
	if (n)
		accept_message(s, bytes_text(&rcpts), bytes_text(&params), n);
	bytes_free(&rcpts);
	bytes_free(&params);
}

static void end_smtp(struct session *s, enum stage stage, const char *refusal)
{
	struct fault_subject subject = answer_subject(s);
	struct bytes *b = &s->challenge;

	if (answer_stage(s, stage, &subject))
		return;
	if (refusal) {
		answer(s, refusal);
		return;
	}
	accept_message(s, bytes_text(&s->t.rcpts), bytes_text(&s->t.params), s->t.n);
	b->n = 0;
	bytes_str(b, "250 2.0.0 Ok: queued as ");
	bytes_u64(b, s->number);
	bytes_char(b, '-');
	bytes_u64(b, s->txn);
	bytes_char(b, 0);
	answer(s, b->p);
}

static void end_of_message(struct session *s, enum stage stage)
{
	bool too_big = s->cfg->ext.size_max && s->content.size > s->cfg->ext.size_max;
	const char *refusal = too_big ? "552 5.3.4 Message size exceeds fixed limit" : NULL;

	content_end(&s->content);
	report_content(s);
	s->content_fault = NULL;
	s->mode = MODE_COMMAND;
	record_count(s->record, COUNT_BYTES, s->content.size);
	record_protocol(s->record, s->now.mono_ns, s->number, "*", TEXT("end of content"));
	if (s->lmtp)
		end_lmtp(s, stage, refusal);
	else
		end_smtp(s, stage, refusal);
	s->reset = false;
	envelope_forget(s);
}

static void refuse_chunk(struct session *s)
{
	bool keep = (s->cfg->quirks & QUIRK_EXIM) && s->t.open && s->t.n == 0;

	s->t.bdat_failed = true;
	if (s->cfg->quirks & QUIRK_DOVECOT)
		s->dovecot_failed = true;
	answer(s, s->chunk_refusal);
	if (s->chunk_last && !keep)
		envelope_forget(s);
	else if (s->chunk_last)
		s->t.bdat_failed = false;
}

static void end_of_chunk(struct session *s)
{
	enum stage stage = s->chunk_last ? STAGE_LAST : STAGE_BDAT;
	struct fault_subject subject;

	s->mode = MODE_COMMAND;
	if (s->chunk_refusal) {
		subject = answer_subject(s);
		if (!answer_stage(s, stage, &subject))
			refuse_chunk(s);
		else if (s->chunk_last)
			envelope_forget(s);
		return;
	}
	if (s->chunk_last) {
		end_of_message(s, stage);
		return;
	}
	subject = answer_subject(s);
	if (answer_stage(s, stage, &subject)) {
		s->t.bdat_failed = true;
		s->dovecot_failed |= (s->cfg->quirks & QUIRK_DOVECOT) != 0;
		return;
	}
	answer(s, "250 2.0.0 Chunk taken");
}

/* Stops at the octet where a CONTENT fault is due; *ended as content_feed. */
static size_t take(struct session *s, const char *p, size_t n, bool *ended)
{
	size_t taken;

	*ended = false;
	if (s->content_fault) {
		uint64_t left = s->content_fault->after - s->content_seen;

		if (left == 0) {
			answer_content_fault(s);
			return 0;
		}
		n = left < n ? (size_t)left : n;
	}
	taken = content_feed(&s->content, p, n, ended);
	s->content_seen += taken;
	return taken;
}

size_t envelope_content(struct session *s, const char *p, size_t n)
{
	bool ended = false;
	size_t taken = n;

	if (s->mode == MODE_DATA) {
		taken = take(s, p, n, &ended);
		if (ended)
			end_of_message(s, STAGE_DOT);
		return taken;
	}
	if (taken > s->chunk_left)
		taken = (size_t)s->chunk_left;
	if (taken && !s->chunk_refusal)
		taken = take(s, p, taken, &ended);
	s->chunk_left -= taken;
	if (s->chunk_left == 0 && s->hold == HOLD_NO)
		end_of_chunk(s);
	return taken;
}
