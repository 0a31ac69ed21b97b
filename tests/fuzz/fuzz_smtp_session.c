/* fuzz_smtp_session.c - a session against a server that says anything, at any time, to a driver that does
 * anything it may. The first octets choose the options; the rest are steps, one octet each, some of which
 * take the next octets. Whatever happens, the session's invariants hold, and every recipient of a mail that was
 * taken has one verdict before the mail is given back. */
#include <stdint.h>
#include <string.h>

#include "engine/base/must.h"
#include "transport/smtp/smtp_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAILS = 40, RCPTS = 3 };

static const struct span to[RCPTS] = { { "b@y.example", 11 }, { "c+d@y.example", 13 }, { "\xc3\xa9@y.example", 12 } };
static const struct span content[] = { { "Subject: x\r\n\r\n", 14 }, { ".hello\r\n", 8 }, { "no end", 6 } };
static const char *const said[] = {
	"220 relay ESMTP\r\n",
	"250-relay\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-DSN\r\n250-SIZE 100000\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n",
	"250-relay\r\n250-STARTTLS\r\n250 LIMITS MAILMAX=3 RCPTMAX=2\r\n",
	"250 ok\r\n", "354 go on\r\n", "235 welcome\r\n", "334 \r\n", "450 later\r\n", "550 5.1.1 no\r\n", "421 bye\r\n",
	"452 4.5.3 too many\r\n", "503 what\r\n", "25", "250-",
};

struct state {
	struct smtp_session *s;
	struct mail mails[MAILS];
	bool offered[MAILS], asked[MAILS], done[MAILS];
	unsigned verdicts[MAILS][RCPTS];
	unsigned n_mails;
	int64_t now_ms;
	bool want_tls, closed;
	struct span in;
};

static unsigned take(struct state *st)
{
	return st->in.n > 0 ? (unsigned char)span_take(&st->in) : 0;
}

static void drain(struct state *st)
{
	struct smtp_event ev;

	while (smtp_session_event(st->s, &ev)) {
		MUST(!st->closed);
		switch (ev.kind) {
		case EV_WANT_TLS:
			st->want_tls = true;
			break;
		case EV_INTENT:
			MUST(ev.ticket < MAILS && st->offered[ev.ticket] && !st->asked[ev.ticket]);
			st->asked[ev.ticket] = true;
			break;
		case EV_VERDICT:
			MUST(ev.ticket < MAILS && st->offered[ev.ticket] && !st->done[ev.ticket]);
			MUST(ev.verdict->recipient < st->mails[ev.ticket].n_recipients);
			MUST(++st->verdicts[ev.ticket][ev.verdict->recipient] == 1);
			MUST(ev.verdict->kind != VERDICT_IN_DOUBT || st->asked[ev.ticket]);
			break;
		case EV_DONE:
			for (unsigned i = 0; i < st->mails[ev.ticket].n_recipients; i++)
				MUST(st->verdicts[ev.ticket][i] == 1);
			st->done[ev.ticket] = true;
			break;
		case EV_CLOSED:
			st->closed = true;
			break;
		case EV_READY:
		case EV_REPLY:
			break;
		}
	}
}

static void offer(struct state *st)
{
	unsigned how = take(st), n = st->n_mails;
	struct mail *m = &st->mails[n];

	if (n == MAILS)
		return;
	*m = (struct mail){ .sender = how & 1 ? SPAN("a@x.example") : SPAN(""), .recipients = to,
			    .n_recipients = 1 + how / 2 % RCPTS, .content = content, .n_content = 1 + how / 8 % 3,
			    .needs = how / 32 | MAIL_MAY_HAVE_DOTS, .message_id = SPAN("<1@x>"), .ticket = n };
	for (uint32_t i = 0; i < m->n_content; i++)
		m->size += content[i].n;
	if (smtp_session_offer(st->s, m)) {
		st->offered[n] = true;
		st->n_mails++;
	}
}

static void write_some(struct state *st, unsigned most)
{
	struct span pieces[8];
	int n = smtp_session_pull(st->s, pieces, 8);
	size_t sum = 0;

	for (int i = 0; i < n; i++) {
		MUST(pieces[i].n > 0 && memchr(pieces[i].p, pieces[i].p[0], pieces[i].n)); /* all of it may be read */
		sum += pieces[i].n;
	}
	smtp_session_wrote(st->s, most && most < sum ? most : sum);
}

static void step(struct state *st)
{
	unsigned what = take(st), n;
	struct err e;

	switch (what % 12) {
	case 0:
	case 1:
		n = take(st) % (sizeof said / sizeof *said);
		smtp_session_feed(st->s, span_str(said[n]));
		break;
	case 2:
		n = take(st);
		smtp_session_feed(st->s, span_sub(st->in, 0, n));
		st->in = span_skip(st->in, n);
		break;
	case 3:
	case 4:
		offer(st);
		break;
	case 5:
		smtp_session_grant(st->s, take(st) % MAILS);
		break;
	case 6:
	case 7:
		write_some(st, what % 12 == 6 ? 0 : take(st));
		break;
	case 8:
		st->now_ms += (int64_t)take(st) * 1000;
		smtp_session_tick(st->s, st->now_ms);
		break;
	case 9:
		if (st->want_tls)
			smtp_session_secured(st->s);
		st->want_tls = false;
		break;
	case 10:
		n = take(st);
		(void)smtp_session_command(st->s, span_sub(st->in, 0, n % 32), &e);
		break;
	default:
		n = take(st);
		if (n % 8 == 0)
			smtp_session_hangup(st->s, NULL);
		else if (n % 8 == 1)
			smtp_session_finish(st->s);
		else
			for (unsigned i = 0; i < st->n_mails; i++)
				smtp_session_grant(st->s, i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sasl_login login = { .user = { "ann", 3 }, .password = { "pencil", 6 } };
	static struct state st;
	struct smtp_options opt = { .helo_name = SPAN("me.example") };
	struct err e;
	unsigned how;

	if (size < 2)
		return 0;
	memset(&st, 0, sizeof st);
	st.in = span_of(data, size);
	how = take(&st);
	opt.lmtp = how & 1;
	opt.security = how & 2 ? SMTP_STARTTLS : how & 4 ? SMTP_IMPLICIT : SMTP_PLAIN;
	opt.login = how & 8 ? &login : NULL;
	opt.login_in_clear = how & 16;
	opt.lockstep = how & 32;
	if (how & 64)
		opt.wishes = (struct smtp_wishes){ .notify = SPAN("NEVER"), .mail = SPAN("A=b") };
	opt.window = take(&st) % 20;
	st.want_tls = opt.security == SMTP_IMPLICIT;
	MUST(smtp_session_new(&st.s, &opt, 0, &e) == 0);
	while (st.in.n > 0) {
		step(&st);
		smtp_check(st.s);
		drain(&st);
		smtp_check(st.s);
	}
	smtp_session_hangup(st.s, NULL);
	drain(&st);
	MUST(st.closed);
	for (unsigned i = 0; i < st.n_mails; i++)
		MUST(st.done[i]);
	smtp_session_free(&st.s);
	return 0;
}
