/* Every allocation of a small campaign fails, once or with all that follow. Never a crash, a leak or
 * a standstill; what is told is true; and the next run finishes the campaign.
 *
 * LONG=1 fails each. Without it those of the opening and of the check are sampled closely, those of
 * the run, where each try costs two whole runs, at STEPS places spread over all of them. */
#include "tests/fault/fault_books.h"

enum { STEPS = 6, PATIENCE_S = 25 };

struct try {
	struct place *place;
	struct server *server; /* NULL: files */
	void (*arm)(long n);
	const char *how;
	bool paused; /* by the last word of the progress */
};

/* A relay for which there is no memory is tried again later: then there is some. */
static void memory_comes_back(void *ctx, const struct campaign_progress *now)
{
	*(bool *)ctx = now->pause != NULL;
	if (now->pause)
		mem_fail_after(-1);
}

/* 0: the campaign needed no more than n allocations. */
static int fail_at(const struct try *t, long n)
{
	struct books b;
	struct outcome o;
	char when[256];
	bool fired;

	place_empty(t->place);
	if (t->server)
		server_forget(t->server);
	snprintf(when, sizeof when, "%s, %s from allocation %ld on", t->place->url, t->how, n);
	place_watch(when, PATIENCE_S);
	t->arm(n);
	place_run(t->place, false, &o);
	mem_fail_after(-1);
	fired = o.used > (uint64_t)n;
	if (o.reached != AT_END && !o.e.text[0])
		fail_msg("%s: it failed and did not say why", when);
	if (!fired && o.reached != AT_END)
		fail_msg("%s: it failed without being made to: %s", when, o.e.text);
	if (o.reached > AT_PREFLIGHT && (o.mails != MAILS || o.bad_rows != 1))
		fail_msg("%s: the check took %d mails for %d bad rows", when, (int)o.mails, (int)o.bad_rows);
	books_read(t->place, t->server, &b);
	books_are_honest(&b, when);
	if (o.reached == AT_END)
		books_agree(&b, when);
	if (o.reached == AT_END && o.result.end == CAMPAIGN_COMPLETE && t->paused)
		fail_msg("%s: complete, and called paused", when);
	if (o.reached >= AT_RUN) {
		if (place_run(t->place, true, &o) < 0)
			fail_msg("%s: the resume: %s", when, o.e.text);
		assert_int_equal(o.result.end, CAMPAIGN_COMPLETE);
		books_read(t->place, t->server, &b);
		books_are_honest(&b, when);
		books_agree(&b, when);
		books_are_closed(&b, t->server != NULL, when);
	}
	alarm(0);
	return fired;
}

static void every_allocation(const char *url, struct server *server)
{
	static const struct { void (*arm)(long n); const char *how; } ways[] = {
		{ mem_fail_after, "one fails" }, { mem_fail_from, "all fail" },
	};
	struct place p;
	struct try t = { .place = &p, .server = server };
	struct outcome o;
	bool all = getenv("LONG") != NULL;

	place_set_up(&p);
	place_job(&p, url);
	p.job.on_progress = memory_comes_back;
	p.job.progress_ctx = &t.paused;
	if (server)
		p.job.retry_for_ms = 2000;
	if (place_run(&p, false, &o) < 0)
		fail_msg("%s: %s", p.url, o.e.text);
	for (size_t i = 0; i < 2; i++) {
		long run = (long)o.checked, step = all ? 1 : (long)(o.used - o.checked) / STEPS + 1;

		t.arm = ways[i].arm;
		t.how = ways[i].how;
		for (long n = 0; n < run; n += all ? 1 : server ? run / 90 + 1 : 11)
			fail_at(&t, n);
		for (long n = run + (long)i; fail_at(&t, n); n += step)
			;
	}
	place_tear_down(&p);
}

static void to_null(void **state)
{
	(void)state;
	every_allocation("null:", NULL);
}

static void to_eml(void **state)
{
	(void)state;
	every_allocation("eml:", NULL);
}

static void to_maildir(void **state)
{
	(void)state;
	every_allocation("maildir:", NULL);
}

static void to_mbox(void **state)
{
	(void)state;
	every_allocation("mbox:", NULL);
}

static void to_a_relay(void **state)
{
	static struct server v;
	char url[96];

	(void)state;
	server_start(&v, true);
	snprintf(url, sizeof url, "smtp://127.0.0.1:%u?tls=none", v.port);
	every_allocation(url, &v);
	server_stop(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_null), cmocka_unit_test(to_eml),     cmocka_unit_test(to_maildir),
		cmocka_unit_test(to_mbox), cmocka_unit_test(to_a_relay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
