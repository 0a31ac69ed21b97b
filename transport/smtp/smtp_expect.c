/* smtp_expect.c - the queue of replies that will come, and who takes each.
 *
 * Replies are counted, never matched by code or text (RFC 2920 3.1). One that comes before the
 * octets it would answer were handed out answers nothing: the server guesses, or somebody between
 * us speaks. Then the counting is off and the session ends. */
#include "engine/base/must.h"
#include "transport/smtp/smtp_private.h"

enum { WORDS_MAX = 400 };

static const struct kind {
	const char *word;
	size_t limit; /* offset of its time limit */
	void (*take)(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r);
} kinds[EXPECT_KINDS] = {
#define EXPECT(name, what, limit, taker) { what, offsetof(struct smtp_timeouts, limit), smtp_on_##taker },
#include "transport/smtp/smtp_replies.def"
#undef EXPECT
};

const char *smtp_expect_word(enum smtp_expect_kind kind)
{
	return kinds[kind].word;
}

int64_t smtp_expect_limit_ms(const struct smtp_session *s, enum smtp_expect_kind kind)
{
	int64_t ms;

	memcpy(&ms, (const char *)&s->limit + kinds[kind].limit, sizeof ms);
	return ms;
}

static struct smtp_expect *entry(struct smtp_session *s, uint32_t i)
{
	return &s->expect[(s->expect_first + i) & (s->expect_max - 1)];
}

void smtp_expect_push(struct smtp_session *s, enum smtp_expect_kind kind, struct smtp_tx *tx, uint32_t rcpt,
		      uint64_t end)
{
	MUST(s->expect_n < s->expect_max);
	*entry(s, s->expect_n++) = (struct smtp_expect){
		.kind = (uint8_t)kind,
		.tx = tx ? (uint16_t)(tx - s->tx) : 0,
		.rcpt = rcpt,
		.end = end,
	};
	if (tx)
		tx->expected++;
}

struct smtp_expect *smtp_expect_head(struct smtp_session *s)
{
	return s->expect_n > 0 ? entry(s, 0) : NULL;
}

struct smtp_expect *smtp_expect_last(struct smtp_session *s)
{
	return s->expect_n > 0 ? entry(s, s->expect_n - 1) : NULL;
}

static bool is_of_tx(const struct smtp_expect *x)
{
	return x->kind >= EXPECT_MAIL;
}

struct smtp_expect smtp_expect_pop(struct smtp_session *s)
{
	struct smtp_expect x = *entry(s, 0);

	s->expect_first = (s->expect_first + 1) & (s->expect_max - 1);
	s->expect_n--;
	if (is_of_tx(&x))
		s->tx[x.tx].expected--;
	return x;
}

void smtp_expect_again(struct smtp_session *s)
{
	MUST(s->expect_n < s->expect_max);
	s->expect_first = (s->expect_first - 1) & (s->expect_max - 1);
	s->expect_n++;
	if (is_of_tx(entry(s, 0)))
		s->tx[entry(s, 0)->tx].expected++;
}

void smtp_desync(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	char words[WORDS_MAX];

	smtp_reply_words(r, words, sizeof words);
	smtp_end(s, NULL, ERR_PROTO, r->code, "relay's reply to %s makes no sense: %d %s",
		 smtp_expect_word(x->kind), r->code, words);
}

/* Nothing asks for this reply now. A server may say why it closes; and it may refuse content
 * before it has all of it, which settles that mail but leaves no way to go on. */
static void unasked(struct smtp_session *s, const struct smtp_expect *x, const struct smtp_reply *r)
{
	char words[WORDS_MAX];

	smtp_reply_words(r, words, sizeof words);
	if (x && x->kind == EXPECT_DOT && r->code >= 400) {
		struct verdict v;

		smtp_verdict_of(&v, SMTP_AT_END, r, s->accepted);
		smtp_settle_all(s, &s->tx[x->tx], &v);
		smtp_end(s, NULL, ERR_NET, r->code, "relay refused a message before it had all of it: %d %s",
			 r->code, words);
		return;
	}
	smtp_end(s, NULL, r->code / 100 == 4 || r->code == 221 ? ERR_NET : ERR_PROTO, r->code,
		 "relay sent a reply that nothing had asked for: %d %s", r->code, words);
}

static void trace_reply(const struct smtp_session *s, const struct smtp_reply *r)
{
	struct span rest = smtp_reply_text(r);

	do {
		struct span text = span_cut(&rest, '\n');
		char line[4 + WORDS_MAX]; /* what is not written is not read */

		line[0] = (char)('0' + r->code / 100);
		line[1] = (char)('0' + r->code / 10 % 10);
		line[2] = (char)('0' + r->code % 10);
		line[3] = rest.p ? '-' : ' ';
		if (r->code == 334) /* a challenge belongs to the login */
			text = SPAN("(challenge)");
		text = span_sub(text, 0, WORDS_MAX);
		if (text.n > 0)
			memcpy(line + 4, text.p, text.n);
		smtp_trace(s, true, span_of(line, 4 + text.n));
	} while (rest.p);
}

/* 250 to RSET, MAIL or RCPT, 354 to DATA: its words are of no use to anybody. */
static bool is_go_on(unsigned kind, const char *four)
{
	return kind >= EXPECT_RSET && kind <= EXPECT_DATA && memcmp(four, kind == EXPECT_DATA ? "354 " : "250 ", 4) == 0;
}

/* The end of the line that is whole and says go on to what is answered next; NULL: it is another. */
static const char *end_of_go_on(struct smtp_session *s, struct span bytes)
{
	const struct smtp_expect *head = smtp_expect_head(s);
	const char *end;

	if (!head || head->end > s->out.pulled || bytes.n <= 4 || !is_go_on(head->kind, bytes.p))
		return NULL;
	end = memchr(bytes.p, '\n', bytes.n);
	return end && end - bytes.p <= SMTP_LINE_MAX ? end : NULL;
}

/* As smtp_reply_feed() and smtp_take_reply() would, for those that are one line and whole. */
void smtp_take_go_on(struct smtp_session *s, struct span *bytes)
{
	struct smtp_reply *r = &s->parser.reply;
	const char *begin = bytes->p, *end;

	if (smtp_reply_begun(&s->parser))
		return;
	while ((end = end_of_go_on(s, *bytes))) {
		struct smtp_expect x = smtp_expect_pop(s);

		*bytes = span_skip(*bytes, (size_t)(end + 1 - bytes->p));
		s->moved_ms = s->now_ms;
		r->code = x.kind == EXPECT_DATA ? 354 : 250;
		r->text_n = 0;
		kinds[x.kind].take(s, &x, r);
	}
	if (bytes->p > begin)
		smtp_trace(s, true, span_of(begin, (size_t)(bytes->p - begin) - (bytes->p[-2] == '\r' ? 2 : 1)));
}

void smtp_take_reply(struct smtp_session *s, const struct smtp_reply *r)
{
	struct smtp_expect *head = smtp_expect_head(s), x;

	s->moved_ms = s->now_ms;
	if (s->sasl && r->code != 334) /* its words are shown and written down; a challenge is not, and it counts */
		sasl_hide(s->sasl, s->parser.reply.text, r->text_n);
	if (s->opt->trace)
		trace_reply(s, r);
	if (r->code == 421 && s->phase != PHASE_QUITTING) {
		char words[WORDS_MAX];

		smtp_reply_words(r, words, sizeof words);
		smtp_end(s, r, ERR_NET, 421, "relay closes the session: 421 %s", words);
		return;
	}
	if (!head || head->end > s->out.pulled) {
		unasked(s, head, r);
		return;
	}
	x = smtp_expect_pop(s);
	kinds[x.kind].take(s, &x, r);
}
