/* Deliveries through relays: workers that share a plan, the transcript, names and classes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "mini_smtpd.h"
#include "transport/delivery/delivery.h"

enum { TICKETS_MAX = 512 };

struct worker {
	const struct delivery_plan *plan;
	unsigned index, n_workers, first, last;
	unsigned sent, downs, all_downs;
	char place[ERR_PATH_MAX], words[ERR_TEXT_MAX];
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct span content[1] = { SPAN("Subject: x\r\n\r\nhello\r\n") };
	struct mail *mails = calloc(TICKETS_MAX, sizeof *mails);
	struct span *to = calloc(TICKETS_MAX, sizeof *to);
	char (*texts)[32] = calloc(TICKETS_MAX, 32);
	unsigned free_tickets[TICKETS_MAX], n_free = 0, granted[TICKETS_MAX], n_granted = 0, next = w->first, done = 0;
	struct delivery *d = NULL;
	struct delivery_event ev;
	struct err e = { 0 };
	bool over = false;

	if (delivery_open(&d, w->plan, w->index, w->n_workers, -1, &e) < 0)
		abort();
	while (n_free < delivery_tickets(d))
		free_tickets[n_free] = n_free, n_free++;
	while (!over || delivery_in_hand(d) || delivery_open_links(d)) {
		if (delivery_wait(d, 20, &e) < 0)
			abort();
		for (int pass = 0; pass < 2; pass++) {
			while (delivery_event(d, &ev)) {
				if (ev.kind == DELIVERY_INTENT) {
					granted[n_granted++] = ev.ticket;
				} else if (ev.kind == DELIVERY_VERDICT) {
					w->sent += ev.verdict.kind == VERDICT_SENT;
				} else if (ev.kind == DELIVERY_DONE) {
					free_tickets[n_free++] = ev.ticket;
					done++;
				} else if (ev.kind == DELIVERY_DOWN) {
					w->downs++;
					snprintf(w->place, sizeof w->place, "%s", ev.error.path);
					snprintf(w->words, sizeof w->words, "%s", ev.error.text);
				} else if (ev.kind == DELIVERY_ALL_DOWN) {
					w->all_downs++;
				}
			}
			while (pass == 0 && next <= w->last && delivery_wants(d)) {
				unsigned t = free_tickets[--n_free];

				snprintf(texts[t], 32, "r%u@example.org", next);
				to[t] = span_str(texts[t]);
				mails[t] = (struct mail){ .sender = SPAN("ann@example.com"), .recipients = &to[t],
							  .n_recipients = 1, .content = content, .n_content = 1,
							  .size = content[0].n, .row = next++, .ticket = t };
				if (!delivery_offer(d, &mails[t]))
					abort();
			}
		}
		while (n_granted)
			delivery_grant(d, granted[--n_granted]);
		delivery_push(d);
		if (!over && (done == w->last - w->first + 1 || w->all_downs)) {
			over = true;
			delivery_finish(d);
		}
	}
	delivery_close(&d);
	free(mails);
	free(to);
	free(texts);
	return NULL;
}

static struct delivery_plan *open_plan(struct mini_smtpd *s, const char *user, unsigned connections, int trace_fd)
{
	char url[128];
	const struct delivery_relay relay = { .url = url, .name = "practice",
					      .password_env = user[0] ? "TEST_DELIVERY_PASSWORD" : NULL };
	const struct delivery_options opt = { .relays = &relay, .n_relays = 1, .connections = connections, .window = 2,
					      .helo = "worker.example", .messages_per_connection = 50,
					      .trace_fd = trace_fd };
	struct delivery_plan *p = NULL;
	struct err e = { 0 };

	setenv("TEST_DELIVERY_PASSWORD", "canary", 1);
	snprintf(url, sizeof url, "smtp://%s%s127.0.0.1:%d?tls=none", user, user[0] ? "@" : "", mini_smtpd_port(s));
	if (delivery_plan_open(&p, &opt, &e) < 0)
		fail_msg("%s", e.text);
	return p;
}

static void two_workers_one_plan(void **state)
{
	const struct mini_options o = { 0 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct delivery_plan *p = open_plan(s, "", 5, -1);
	struct worker w[2] = { { .plan = p, .index = 0, .n_workers = 2, .first = 0, .last = 999 },
			       { .plan = p, .index = 1, .n_workers = 2, .first = 1000, .last = 1999 } };
	pthread_t threads[2];

	(void)state;
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, work, &w[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(w[0].sent + w[1].sent, 2000);
	assert_int_equal(mini_smtpd_commands(s, "MAIL"), 2000);
	assert_true(mini_smtpd_connections(s) >= 40);
	for (unsigned i = 0; i < 2000; i++)
		assert_int_equal(mini_smtpd_took(s, i), 1);
	delivery_plan_free(&p);
	mini_smtpd_stop(s);
}

/* Four workers meet a refused login: each of them is told, and the relay is not hammered. */
static void refused_login(void **state)
{
	const struct mini_options o = { .ehlo = "250-mini\r\n250 AUTH PLAIN\r\n", .auth = "535 5.7.8 no\r\n" };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	int trace = memfd_create("trace", MFD_CLOEXEC);
	struct delivery_plan *p = open_plan(s, "ann", 16, trace);
	struct worker w[4];
	pthread_t threads[4];
	char seen[65536], place[32];
	ssize_t n;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		w[i] = (struct worker){ .plan = p, .index = i, .n_workers = 4, .first = i * 10, .last = i * 10 + 9 };
		pthread_create(&threads[i], NULL, work, &w[i]);
	}
	snprintf(place, sizeof place, "127.0.0.1:%d", mini_smtpd_port(s));
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(w[i].sent, 0);
		assert_int_equal(w[i].downs, 1);
		assert_int_equal(w[i].all_downs, 1);
		assert_string_equal(w[i].place, place);
	}
	assert_true(mini_smtpd_commands(s, "AUTH") <= 4);
	assert_int_equal(mini_smtpd_commands(s, "MAIL"), 0);
	n = file_pread_full(trace, seen, sizeof seen - 1, 0);
	assert_true(n > 0);
	seen[n] = '\0';
	assert_non_null(strstr(seen, " > EHLO worker.example\n"));
	assert_non_null(strstr(seen, " < 535 5.7.8 no\n"));
	assert_null(strstr(seen, "canary"));
	assert_null(strstr(seen, "AGFubgBjYW5hcnk")); /* NUL ann NUL canary in base64 */
	delivery_plan_free(&p);
	close(trace);
	mini_smtpd_stop(s);
}

/* One of four workers hears that another login is wanted: each of them is told, and stops. */
static void no_mail_from_this_account(void **state)
{
	const struct mini_options o = { .mail = "530 5.7.57 Client not authenticated\r\n" };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct delivery_plan *p = open_plan(s, "", 16, -1);
	struct worker w[4];
	pthread_t threads[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		w[i] = (struct worker){ .plan = p, .index = i, .n_workers = 4, .first = i * 500, .last = i * 500 + 499 };
		pthread_create(&threads[i], NULL, work, &w[i]);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(w[i].sent, 0);
		assert_int_equal(w[i].downs, 1);
		assert_int_equal(w[i].all_downs, 1);
		assert_non_null(strstr(w[i].words, "530 5.7.57 Client not authenticated"));
	}
	assert_true(mini_smtpd_commands(s, "MAIL") <= 32);
	delivery_plan_free(&p);
	mini_smtpd_stop(s);
}

static void words(void **state)
{
	const struct mini_options o = { 0 };
	struct mini_smtpd *s = mini_smtpd_start(&o, 0);
	struct delivery_plan *p = open_plan(s, "ann", 1, -1);
	char text[200], expected[100];
	struct err e = { 0 };

	(void)state;
	delivery_plan_class(p, text, sizeof text);
	assert_string_equal(text, "smtp");
	snprintf(expected, sizeof expected, "127.0.0.1:%d (no TLS, user ann)", mini_smtpd_port(s));
	delivery_plan_describe(p, text, sizeof text);
	assert_string_equal(text, expected);
	for (size_t size = 1; size < 60; size++) { /* cut, never overrun */
		memset(text, 'x', sizeof text);
		delivery_plan_describe(p, text, size);
		assert_true(strlen(text) < size && text[size] == 'x');
	}
	assert_false(delivery_plan_is_rehearsal(p));
	assert_int_equal(delivery_plan_probe(p, &e), -1); /* offers no login */
	assert_non_null(strstr(e.text, "login"));
	assert_null(strstr(e.text, "canary"));
	delivery_plan_free(&p);
	mini_smtpd_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_workers_one_plan),
		cmocka_unit_test(refused_login),
		cmocka_unit_test(no_mail_from_this_account),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests_name("delivery_smtp", tests, NULL, NULL);
}
