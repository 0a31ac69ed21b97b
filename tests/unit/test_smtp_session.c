/* test_smtp_session.c - what dialogues on paper do not reach: memory, many recipients, big
 * content, a full line, and servers that answer at random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "transport/sasl/sasl.h"
#include "transport/smtp/smtp_private.h"

enum { MAILS = 300, RCPTS = 1500 };

static struct smtp_options options(void)
{
	return (struct smtp_options){ .helo_name = SPAN("me.example") };
}

static struct span text = { "Subject: x\r\n\r\nhello\r\n", 21 };
static struct span bob = { "bob@y.example", 13 };

static struct mail plain_mail(uint32_t ticket)
{
	return (struct mail){ .sender = SPAN("a@x.example"), .recipients = &bob, .n_recipients = 1,
			      .content = &text, .n_content = 1, .size = text.n, .ticket = ticket };
}

static struct smtp_session *start(const struct smtp_options *opt)
{
	struct smtp_session *s = NULL;
	struct err e;

	assert_int_equal(smtp_session_new(&s, opt, 0, &e), 0);
	return s;
}

static size_t push(struct smtp_session *s)
{
	struct span out[16];
	size_t total = 0;
	int n;

	while ((n = smtp_session_pull(s, out, 16)) > 0) {
		size_t bytes = 0;

		for (int i = 0; i < n; i++)
			bytes += out[i].n;
		smtp_session_wrote(s, bytes);
		total += bytes;
	}
	return total;
}

static void say(struct smtp_session *s, const char *reply)
{
	smtp_session_feed(s, span_str(reply));
}

static void ready(struct smtp_session *s, const char *ehlo)
{
	struct smtp_event ev;

	say(s, "220 hi\r\n");
	push(s);
	say(s, ehlo);
	push(s);
	assert_int_equal(smtp_session_event(s, &ev), 1);
	assert_int_equal(ev.kind, EV_READY);
}

static void test_no_memory(void **state)
{
	struct smtp_options opt = options();

	(void)state;
	for (long n = 0;; n++) {
		struct smtp_session *s = NULL;
		struct err e;
		int rc;

		mem_fail_after(n);
		rc = smtp_session_new(&s, &opt, 0, &e);
		mem_fail_after(-1);
		smtp_session_free(&s);
		if (rc == 0)
			break;
		assert_int_equal(e.kind, ERR_NOMEM);
		assert_null(s);
	}
	opt.helo_name = SPAN("two words");
	struct smtp_session *s = NULL;
	struct err e;

	assert_int_equal(smtp_session_new(&s, &opt, 0, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_null(s);
}

/* Replies to RCPT that mean "not in this transaction": only behind one that was accepted, and nobody's fault. */
static const struct crowd_case {
	const char *rcpt[4];
	bool not_tried[4];
	unsigned errors;
} crowds[] = {
	{ { "250 ok\r\n", "452 4.5.3 many\r\n", "552 5.5.3 many\r\n", "452 many\r\n" }, { false, true, true, true }, 0 },
	{ { "452 4.5.3 many\r\n", "250 ok\r\n", "452 4.5.3 many\r\n", "452 4.2.2 full\r\n" }, { false, false, true, false }, 2 },
	{ { "250 ok\r\n", "552 5.2.2 full\r\n", "450 4.5.3 what\r\n", "552 full\r\n" }, { false, false, false, false }, 3 },
	{ { "250 ok\r\n", "452 4.3.1 disk\r\n", "250 ok\r\n", "250 ok\r\n" }, { false, false, false, false }, 1 },
};

static void check_crowd(const struct crowd_case *c)
{
	struct span rcpt[4] = { SPAN("b0@y.example"), SPAN("b1@y.example"), SPAN("b2@y.example"), SPAN("b3@y.example") };
	struct smtp_options opt = options();
	struct smtp_session *s = start(&opt);
	struct mail m = plain_mail(9);
	struct smtp_event ev;
	unsigned seen = 0;

	m.recipients = rcpt;
	m.n_recipients = 4;
	ready(s, "250-x\r\n250 PIPELINING\r\n");
	assert_int_equal(smtp_session_offer(s, &m), 1);
	push(s);
	say(s, "250 ok\r\n");
	for (unsigned i = 0; i < 4; i++)
		say(s, c->rcpt[i]);
	assert_int_equal(s->errors, c->errors);
	say(s, "354 go\r\n");
	smtp_session_grant(s, 9);
	push(s);
	say(s, "250 ok\r\n");
	while (smtp_session_event(s, &ev)) {
		if (ev.kind != EV_VERDICT)
			continue;
		seen++;
		assert_int_equal(ev.verdict->not_tried, c->not_tried[ev.verdict->recipient]);
		if (ev.verdict->not_tried) {
			assert_int_equal(ev.verdict->kind, VERDICT_DEFERRED);
			assert_int_equal(ev.verdict->scope, SCOPE_RECIPIENT);
		}
	}
	assert_int_equal(seen, 4);
	smtp_session_free(&s);
}

static void test_crowds(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof crowds / sizeof *crowds; i++)
		check_crowd(&crowds[i]);
}

/* 1500 recipients: 1000 with this transaction, the others are for a next one. */
static void test_many_recipients(void **state)
{
	static struct span rcpt[RCPTS];
	static char names[RCPTS][24];
	static unsigned seen[RCPTS];
	struct smtp_options opt = options();
	struct smtp_session *s = start(&opt);
	struct mail m = plain_mail(9);
	struct smtp_event ev;
	unsigned sent = 0, later = 0, refused = 0;

	(void)state;
	for (unsigned i = 0; i < RCPTS; i++)
		rcpt[i] = span_of(names[i], (size_t)snprintf(names[i], sizeof names[i], "b%u@y.example", i));
	m.recipients = rcpt;
	m.n_recipients = RCPTS;
	ready(s, "250-x\r\n250 PIPELINING\r\n");
	assert_int_equal(smtp_session_offer(s, &m), 1);
	push(s);
	say(s, "250 ok\r\n");
	for (unsigned i = 0; i < SMTP_RECIPIENTS_MAX; i++) {
		say(s, i % 10 ? "250 ok\r\n" : i % 20 ? "452 4.5.3 later\r\n" : "550 5.1.1 no\r\n");
		if (i % 10)
			s->errors = 0; /* patience is another test's */
		push(s);
	}
	say(s, "354 go\r\n");
	while (smtp_session_event(s, &ev) && ev.kind != EV_INTENT)
		if (ev.kind == EV_VERDICT)
			seen[ev.verdict->recipient]++;
	assert_int_equal(ev.kind, EV_INTENT);
	smtp_session_grant(s, 9);
	push(s);
	say(s, "250 ok\r\n");
	while (smtp_session_event(s, &ev) && ev.kind == EV_VERDICT) {
		seen[ev.verdict->recipient]++;
		sent += ev.verdict->kind == VERDICT_SENT;
		later += ev.verdict->kind == VERDICT_DEFERRED && ev.verdict->not_tried;
		refused += ev.verdict->kind == VERDICT_REFUSED;
	}
	assert_int_equal(ev.kind, EV_DONE);
	assert_int_equal(sent, 900);
	assert_int_equal(later, 500);
	assert_int_equal(refused, 0);
	for (unsigned i = 0; i < RCPTS; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(smtp_session_in_hand(s), 0);
	smtp_session_free(&s);
}

/* A full line: windows grow to 64, nothing is allocated, every mail comes home. */
/* Grants may come in any order, twice, and for what was never offered. */
static void full_line(bool backwards)
{
	static struct mail mails[MAILS];
	struct smtp_options opt = options();
	unsigned offered = 0, done = 0, sent = 0, most = 0;
	struct smtp_session *s;
	uint64_t before;

	opt.window = 64;
	s = start(&opt);
	ready(s, "250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
	before = mem_count();
	for (int round = 0; done < MAILS && round < 1000; round++) {
		struct smtp_event ev;
		unsigned flight, asked;
		uint32_t tickets[64];

		while (smtp_session_event(s, &ev)) {
			done += ev.kind == EV_DONE;
			sent += ev.kind == EV_VERDICT && ev.verdict->kind == VERDICT_SENT;
		}
		while (offered < MAILS && smtp_session_wants(s)) {
			mails[offered] = plain_mail(offered);
			assert_int_equal(smtp_session_offer(s, &mails[offered++]), 1);
		}
		for (asked = 0; smtp_session_event(s, &ev); asked++)
			tickets[asked] = ev.ticket;
		for (unsigned i = 0; i < asked; i++) {
			smtp_session_grant(s, tickets[backwards ? asked - 1 - i : i]);
			smtp_session_grant(s, backwards ? tickets[asked / 2] : MAILS);
		}
		push(s);
		smtp_check(s);
		flight = smtp_session_in_hand(s);
		most = flight > most ? flight : most;
		for (uint32_t owed = s->expect_n; owed > 0; owed--)
			say(s, "250 2.0.0 ok\r\n");
	}
	assert_int_equal(sent, MAILS);
	assert_int_equal(done, MAILS);
	assert_int_equal(most, 64);
	assert_int_equal(mem_count(), before);
	smtp_session_free(&s);
}

static void test_full_line(void **state)
{
	(void)state;
	full_line(false);
	full_line(true);
}

/* Content above the eager limit waits for the recipient's fate. */
static void test_big_bdat(void **state)
{
	static char big[SMTP_BDAT_EAGER_MAX + 3];
	struct span piece = { big, sizeof big };
	struct smtp_options opt = options();
	struct smtp_session *s = start(&opt);
	struct mail m = plain_mail(1);
	struct smtp_event ev;

	(void)state;
	memset(big, 'x', sizeof big);
	memcpy(big + sizeof big - 2, "\r\n", 2);
	m.content = &piece;
	m.size = sizeof big;
	ready(s, "250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
	for (int refused = 1; refused >= 0; refused--) {
		assert_int_equal(smtp_session_offer(s, &m), 1);
		smtp_session_grant(s, 1);
		assert_true(push(s) < 200);
		if (!refused)
			say(s, "250 reset\r\n");
		say(s, "250 ok\r\n");
		assert_int_equal(push(s), 0);
		say(s, refused ? "550 5.1.1 no\r\n" : "250 ok\r\n");
		assert_int_equal(push(s), refused ? 0 : sizeof big + strlen("BDAT 262147 LAST\r\n"));
		if (!refused)
			say(s, "250 ok\r\n");
		while (smtp_session_event(s, &ev))
			if (ev.kind == EV_VERDICT)
				assert_int_equal(ev.verdict->kind, refused ? VERDICT_REFUSED : VERDICT_SENT);
		assert_int_equal(smtp_session_in_hand(s), 0);
	}
	smtp_session_free(&s);
}

/* A password is nowhere in what a trace shows, in any form. */
struct seen {
	char text[4096];
	size_t n;
};

static void collect(void *ctx, bool from_server, struct span lines)
{
	struct seen *seen = ctx;
	struct span line;
	bool more;

	(void)from_server;
	do {
		more = smtp_trace_next(&lines, &line);
		assert_true(seen->n + line.n + 1 < sizeof seen->text);
		memcpy(seen->text + seen->n, line.p, line.n);
		seen->n += line.n;
		seen->text[seen->n++] = '\n';
	} while (more);
}

static void test_trace(void **state)
{
	struct seen seen = { .n = 0 };
	struct sasl_login login = { .user = SPAN("ann"), .password = SPAN("canary"), .mechanism = "LOGIN" };
	struct smtp_options opt = options();
	struct smtp_session *s;

	(void)state;
	opt.login = &login;
	opt.login_in_clear = true;
	opt.trace = collect;
	opt.trace_ctx = &seen;
	s = start(&opt);
	say(s, "220 hi\r\n");
	push(s);
	say(s, "250-x\r\n250 AUTH LOGIN\r\n");
	push(s);
	say(s, "334 VXNlcm5hbWU6\r\n");
	push(s);
	say(s, "334 UGFzc3dvcmQ6\r\n");
	push(s);
	say(s, "235 ok\r\n");
	assert_string_equal((seen.text[seen.n] = '\0', seen.text),
			    "220 hi\nEHLO me.example\n250-x\n250 AUTH LOGIN\nAUTH LOGIN\n334 (challenge)\n(secret)\n"
			    "334 (challenge)\n(secret)\n235 ok\n");
	smtp_session_free(&s);
}

/* What goes and comes together is traced together, line by line all the same, wherever the network cuts it. */
static void test_trace_of_groups(void **state)
{
	static const char said[] = "250 2.1.0 ok\n250 2.1.5 ok\r\n250 2.0.0 1\r\n250 \r\n250-2.1.0\r\n250 ok\r\n250 2.1.5 ok\r\n"
				   "250 2.0.0 2\r\n";
	static const char want[] = "MAIL FROM:<a@x.example>\nRCPT TO:<bob@y.example>\nBDAT 21 LAST\nRSET\n"
				   "MAIL FROM:<a@x.example>\nRCPT TO:<bob@y.example>\nBDAT 21 LAST\n"
				   "250 2.1.0 ok\n250 2.1.5 ok\n250 2.0.0 1\n250 \n250-2.1.0\n250 ok\n250 2.1.5 ok\n250 2.0.0 2\n";

	(void)state;
	for (size_t cut = 0; cut < sizeof said; cut++) {
		struct seen seen = { .n = 0 };
		struct smtp_options opt = options();
		struct mail m[2] = { plain_mail(1), plain_mail(2) };
		struct smtp_session *s;

		opt.window = 4;
		opt.trusted = true;
		s = start(&opt);
		ready(s, "250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
		opt.trace = collect;
		opt.trace_ctx = &seen;
		for (int i = 0; i < 2; i++) {
			assert_int_equal(smtp_session_offer(s, &m[i]), 1);
			smtp_session_grant(s, m[i].ticket);
		}
		push(s);
		smtp_session_feed(s, span_of(said, cut));
		smtp_session_feed(s, span_of(said + cut, sizeof said - 1 - cut));
		assert_string_equal((seen.text[seen.n] = '\0', seen.text), want);
		assert_int_equal(s->accepted, 2);
		smtp_session_free(&s);
	}
}

/* Servers that answer anything, links that do anything: the sums hold and it ends. */
static const char *const replies[] = {
	"250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "354 go\r\n",
	"550 5.1.1 no\r\n", "451 4.3.0 hm\r\n", "503 5.5.1 bad\r\n", "250-a\r\n250 b\r\n", "452 4.5.3 many\r\n",
	"421 4.3.2 bye\r\n", "gar\r\n", "2", "334 \r\n",
};

static void random_run(struct rng *rng)
{
	static const char *const hellos[] = { "250 x\r\n", "250-x\r\n250 PIPELINING\r\n",
					      "250-x\r\n250-CHUNKING\r\n250 PIPELINING\r\n" };
	static struct span two[2] = { { "b@y.example", 11 }, { "c@y.example", 11 } };
	struct smtp_options opt = options();
	struct mail mails[40];
	unsigned offered = 0, verdicts[40] = { 0 }, done[40] = { 0 };
	struct smtp_session *s;
	struct smtp_event ev;
	bool closed = false;
	int64_t now = 0;

	opt.window = (unsigned)rng_below(rng, 6);
	opt.lmtp = rng_below(rng, 2);
	s = start(&opt);
	ready(s, hellos[rng_below(rng, 3)]);
	for (int i = 0; i < 400 && !closed; i++) {
		struct span out[4];
		int n;

		if (offered < 40 && smtp_session_wants(s)) {
			mails[offered] = plain_mail(offered);
			mails[offered].recipients = two;
			mails[offered].n_recipients = 1 + (uint32_t)rng_below(rng, 2);
			offered += (unsigned)smtp_session_offer(s, &mails[offered]);
		}
		while (rng_below(rng, 4) && smtp_session_event(s, &ev)) {
			closed |= ev.kind == EV_CLOSED;
			if (ev.kind == EV_INTENT)
				smtp_session_grant(s, ev.ticket);
			if (ev.kind == EV_VERDICT)
				verdicts[ev.ticket] |= 1U << ev.verdict->recipient;
			done[ev.ticket] += ev.kind == EV_DONE;
		}
		n = smtp_session_pull(s, out, 1 + (int)rng_below(rng, 4));
		if (n > 0 && rng_below(rng, 5))
			smtp_session_wrote(s, 1 + rng_below(rng, out[0].n));
		smtp_check(s);
		if (rng_below(rng, 3) == 0)
			say(s, replies[rng_below(rng, rng_below(rng, 8) ? 7 : sizeof replies / sizeof replies[0])]);
		smtp_check(s);
		smtp_session_tick(s, now += (int64_t)rng_below(rng, 1000));
		if (rng_below(rng, 300) == 0)
			smtp_session_finish(s);
	}
	smtp_session_hangup(s, NULL);
	while (smtp_session_event(s, &ev)) {
		assert_false(closed);
		closed = ev.kind == EV_CLOSED;
		if (ev.kind == EV_VERDICT)
			verdicts[ev.ticket] |= 1U << ev.verdict->recipient;
		done[ev.ticket] += ev.kind == EV_DONE;
	}
	assert_true(closed);
	for (unsigned i = 0; i < offered; i++) {
		assert_int_equal(done[i], 1);
		assert_int_equal(verdicts[i], (1U << mails[i].n_recipients) - 1);
	}
	smtp_session_free(&s);
}

static void test_random(void **state)
{
	struct rng rng;

	(void)state;
	for (uint64_t seed = 0; seed < 4000; seed++) {
		rng_seed(&rng, seed, 5);
		random_run(&rng);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_memory), cmocka_unit_test(test_many_recipients), cmocka_unit_test(test_crowds),
		cmocka_unit_test(test_full_line), cmocka_unit_test(test_big_bdat),
		cmocka_unit_test(test_trace),     cmocka_unit_test(test_trace_of_groups), cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
