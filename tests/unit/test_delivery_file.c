/* Deliveries into files through the front door: plans, the steps of a mail, names, locks, full disks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "transport/delivery/delivery.h"

static char home[64];

static void path_in_home(char out[128], const char *name)
{
	snprintf(out, 128, "%s/%s", home, name);
}

static struct delivery_plan *open_plan(const char *scheme, const char *name)
{
	char url[200];
	const struct delivery_relay relay = { .url = url };
	const struct delivery_options opt = { .relays = &relay, .n_relays = 1, .connections = 4, .trace_fd = -1 };
	struct delivery_plan *p = NULL;
	struct err e = { 0 };

	snprintf(url, sizeof url, "%s%s%s%s", scheme, name[0] ? home : "", name[0] ? "/" : "", name);
	if (delivery_plan_open(&p, &opt, &e) < 0)
		fail_msg("%s: %s", url, e.text);
	return p;
}

static const char content_text[] = "From: a@b\r\nSubject: x\r\n\r\nhello\r\nFrom here\r\n";

struct outcome {
	unsigned sent, deferred, in_doubt;
	char words[VERDICT_TEXT_MAX];
};

/* Sends rows first..last as a worker does; out may be NULL: all must be sent. */
static void deliver(const struct delivery_plan *p, unsigned first, unsigned last, struct outcome *out)
{
	struct span content[2] = { { content_text, 10 }, { content_text + 10, sizeof content_text - 11 } };
	static _Thread_local char texts[64][2][48];
	static _Thread_local struct span to[64][2];
	static _Thread_local struct mail mails[64];
	struct outcome mine = { 0 };
	unsigned free_tickets[64], n_free = 0, granted[64], n_granted = 0, next = first, done = 0, told[64] = { 0 };
	struct delivery *d = NULL;
	struct delivery_event ev;
	struct err e = { 0 };

	assert_int_equal(delivery_open(&d, p, 0, 1, -1, &e), 0);
	assert_int_equal(delivery_tickets(d), 64);
	while (n_free < 64)
		free_tickets[n_free] = n_free, n_free++;
	while (done < last - first + 1) {
		assert_int_equal(delivery_wait(d, next <= last && n_free ? 0 : -1, &e), 0);
		for (int pass = 0; pass < 2; pass++) {
			while (delivery_event(d, &ev)) {
				if (ev.kind == DELIVERY_INTENT)
					granted[n_granted++] = ev.ticket;
				else if (ev.kind == DELIVERY_DONE) {
					assert_int_equal(told[ev.ticket], 2);
					told[ev.ticket] = 0;
					free_tickets[n_free++] = ev.ticket;
					done++;
				} else {
					assert_int_equal(ev.kind, DELIVERY_VERDICT);
					assert_int_equal(ev.verdict.recipient, told[ev.ticket]++);
					mine.sent += ev.verdict.kind == VERDICT_SENT;
					mine.deferred += ev.verdict.kind == VERDICT_DEFERRED;
					mine.in_doubt += ev.verdict.kind == VERDICT_IN_DOUBT;
					memcpy(mine.words, ev.verdict.text, sizeof mine.words);
				}
			}
			while (pass == 0 && next <= last && delivery_wants(d)) {
				unsigned t = free_tickets[--n_free];

				snprintf(texts[t][0], 48, "r%u/../x@example.org", next);
				snprintf(texts[t][1], 48, "s%u@example.org", next);
				to[t][0] = span_str(texts[t][0]);
				to[t][1] = span_str(texts[t][1]);
				mails[t] = (struct mail){ .sender = SPAN("ann@example.com"), .recipients = to[t],
							  .n_recipients = 2, .content = content, .n_content = 2,
							  .size = sizeof content_text - 1, .row = next++, .ticket = t };
				assert_int_equal(delivery_offer(d, &mails[t]), 1);
			}
		}
		while (n_granted)
			delivery_grant(d, granted[--n_granted]);
		delivery_push(d);
	}
	assert_int_equal(delivery_in_hand(d), 0);
	delivery_finish(d);
	assert_int_equal(delivery_wants(d), 0);
	assert_int_equal(delivery_open_links(d), 0);
	delivery_close(&d);
	if (out)
		*out = mine;
	else
		assert_int_equal(mine.sent, 2 * (last - first + 1));
}

static unsigned count_files(const char *folder)
{
	char path[128];
	unsigned n = 0;
	DIR *d;

	path_in_home(path, folder);
	d = opendir(path);
	assert_non_null(d);
	for (struct dirent *x; (x = readdir(d));)
		n += strcmp(x->d_name, ".") && strcmp(x->d_name, "..");
	closedir(d);
	return n;
}

static void read_back(const char *name, struct buf *out)
{
	char path[128];
	struct err e = { 0 };

	path_in_home(path, name);
	buf_init(out, 10 << 20);
	if (file_read(path, out, &e) < 0)
		fail_msg("%s", e.text);
}

/* ---- plans ---- */

static const struct plan_case {
	const char *first, *second, *words;
} bad_plans[] = {
	{ "pipe:no-such-program-at-all", NULL, "there is no program 'no-such-program-at-all'" },
	{ "queue:x", NULL, "not known how to deliver" },
	{ "out", NULL, "not known how to deliver" },
	{ "eml:", NULL, "needs a path" },
	{ "maildir:?sync=on", NULL, "needs a path" },
	{ "null:x", NULL, "nothing is done with" },
	{ "mbox:/tmp", NULL, "cannot open the mailbox" },
	{ "mbox:/dev/null", NULL, "no regular file" },
	{ "eml:/dev/null", NULL, "no folder" },
	{ "eml:/nonexistent/folder", NULL, "cannot make the folder" },
	{ "maildir:/tmp/x?sync=maybe", NULL, "?sync=maybe" },
	{ "null:", "null:", "cannot be combined" },
	{ "null:", "smtp://mx.example", "cannot be combined" },
	{ "smtp://a:b@mx.example", NULL, "a password" },
};

static void plans(void **state)
{
	char words[256], expected[256];
	struct delivery_plan *p;

	(void)state;
	for (size_t i = 0; i < sizeof bad_plans / sizeof *bad_plans; i++) {
		struct delivery_relay relays[2] = { { .url = bad_plans[i].first }, { .url = bad_plans[i].second } };
		struct delivery_options opt = { .relays = relays, .n_relays = bad_plans[i].second ? 2 : 1, .trace_fd = -1 };
		struct err e = { 0 };

		p = NULL;
		assert_int_equal(delivery_plan_open(&p, &opt, &e), -1);
		if (!strstr(e.text, bad_plans[i].words))
			fail_msg("%s: %s", bad_plans[i].first, e.text);
		opt.n_relays = 0;
		assert_int_equal(delivery_plan_open(&p, &opt, &e), -1);
	}
	p = open_plan("maildir:", "./plan?sync=off");
	delivery_plan_class(p, words, sizeof words);
	snprintf(expected, sizeof expected, "maildir:%s/plan", home);
	assert_string_equal(words, expected);
	assert_true(delivery_plan_is_rehearsal(p));
	assert_int_equal(delivery_plan_probe(p, NULL), 0);
	delivery_plan_free(&p);
	assert_null(p);
	p = open_plan("NULL:", "");
	delivery_plan_describe(p, words, sizeof words);
	assert_string_equal(words, "null:");
	delivery_plan_free(&p);
}

static void plans_without_memory(void **state)
{
	static const char *const schemes[] = { "eml", "mbox", "maildir", "null" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char url[128];
		const struct delivery_relay relay = { .url = url };
		const struct delivery_options opt = { .relays = &relay, .n_relays = 1, .trace_fd = -1 };
		struct delivery_plan *p = NULL;
		struct delivery *d = NULL;
		struct err e = { 0 };
		long n = 0;
		int rc;

		snprintf(url, sizeof url, i < 3 ? "%s:%s/no-memory-%s" : "%s:", schemes[i], home, schemes[i]);
		do {
			mem_fail_after(n++);
			rc = delivery_plan_open(&p, &opt, &e);
			mem_fail_after(-1);
			assert_true(rc == 0 || e.kind == ERR_NOMEM);
		} while (rc < 0 && n < 20);
		assert_int_equal(rc, 0);
		mem_fail_after(0);
		assert_int_equal(delivery_open(&d, p, 0, 1, -1, &e), -1);
		mem_fail_after(-1);
		assert_null(d);
		delivery_plan_free(&p);
	}
}

/* ---- kinds ---- */

static void null_takes_all(void **state)
{
	struct delivery_plan *p = open_plan("null:", "");
	uint64_t before;

	(void)state;
	deliver(p, 1, 64, NULL);
	before = mem_count();
	deliver(p, 1, 100000, NULL);
	assert_true(mem_count() - before <= 2); /* delivery_open() */
	delivery_plan_free(&p);
}

static void eml_files(void **state)
{
	struct delivery_plan *p = open_plan("eml:", "eml");
	struct buf b;
	struct stat st;
	char path[128];

	(void)state;
	path_in_home(path, "eml/.000002-r2_.._x@example.org.eml.tmp");
	close(open(path, O_CREAT | O_WRONLY, 0600)); /* of a killed run */
	deliver(p, 1, 200, NULL);
	deliver(p, 1, 200, NULL); /* again: the same files */
	delivery_plan_free(&p);
	assert_int_equal(count_files("eml"), 200);
	read_back("eml/000002-r2_.._x@example.org.eml", &b);
	assert_string_equal(buf_str(&b), content_text);
	buf_release(&b);
	path_in_home(path, "eml/000002-r2_.._x@example.org.eml");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void maildir_files(void **state)
{
	struct delivery_plan *p = open_plan("maildir:", "md");
	struct buf b;
	char path[160], name[400] = "";
	DIR *d;

	(void)state;
	deliver(p, 1, 100, NULL);
	deliver(p, 101, 150, NULL);
	delivery_plan_free(&p);
	assert_int_equal(count_files("md/new"), 150);
	assert_int_equal(count_files("md/tmp"), 0);
	assert_int_equal(count_files("md/cur"), 0);
	path_in_home(path, "md/new");
	d = opendir(path);
	for (struct dirent *x; (x = readdir(d));)
		if (x->d_name[0] != '.')
			snprintf(name, sizeof name, "md/new/%s", x->d_name);
	closedir(d);
	read_back(name, &b);
	assert_non_null(strstr(buf_str(&b), "Return-Path: <ann@example.com>\nDelivered-To: r"));
	assert_non_null(strstr(buf_str(&b), "\nhello\nFrom here\n"));
	assert_null(strchr(buf_str(&b), '\r'));
	buf_release(&b);
}

static unsigned count_in(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void mbox_files(void **state)
{
	static const struct {
		const char *before, *gap;
	} cases[] = { { "", "" }, { "From x\nA: b\n\nhi\n\n", "" }, { "From x\nA: b\n\nhi\n", "\n" },
		      { "From x\nA: b\n\nhi", "\n\n" }, { "x", "\n\n" } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char path[128], expected[300];
		struct delivery_plan *p;
		struct buf b;
		FILE *f;

		path_in_home(path, "mbox");
		f = fopen(path, "w");
		fputs(cases[i].before, f);
		fclose(f);
		p = open_plan("mbox:", "mbox");
		deliver(p, 1, 3, NULL);
		delivery_plan_free(&p);
		read_back("mbox", &b);
		snprintf(expected, sizeof expected, "%s%sFrom ann@example.com ", cases[i].before, cases[i].gap);
		assert_memory_equal(b.p, expected, strlen(expected));
		assert_int_equal(count_in(buf_str(&b), "\n\nFrom ann@") + (i == 0), 3);
		assert_int_equal(count_in(buf_str(&b), "\n>From here\n\n"), 3);
		buf_release(&b);
		path_in_home(path, "mbox.lock");
		assert_false(file_exists(path));
	}
}

/* ---- mbox locks ---- */

static void write_lock(const char *pid)
{
	char path[128];
	FILE *f;

	path_in_home(path, "locked.lock");
	f = fopen(path, "w");
	fputs(pid, f);
	fclose(f);
}

static void *unlock_later(void *arg)
{
	char path[128];

	(void)arg;
	usleep(200000);
	path_in_home(path, "locked.lock");
	unlink(path);
	return NULL;
}

static void waits_for_the_lock_file(void **state)
{
	struct delivery_plan *p = open_plan("mbox:", "locked");
	struct outcome o;
	char pid[16];
	pthread_t thread;
	int64_t begin = clock_mono_ms();
	pid_t child;

	(void)state;
	write_lock("");
	pthread_create(&thread, NULL, unlock_later, NULL);
	deliver(p, 1, 70, NULL);
	assert_true(clock_mono_ms() - begin >= 190);
	pthread_join(thread, NULL);

	child = fork(); /* its owner is dead */
	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	snprintf(pid, sizeof pid, "%d\n", (int)child);
	write_lock(pid);
	deliver(p, 1, 1, NULL);

	snprintf(pid, sizeof pid, "%d\n", (int)getpid()); /* alive, and stubborn */
	write_lock(pid);
	struct delivery *d = NULL;
	struct err e = { 0 };
	struct span to = SPAN("r@example.org"), piece = SPAN("A: b\r\n");
	struct mail m = { .recipients = &to, .n_recipients = 1, .content = &piece, .n_content = 1 };
	struct delivery_event ev;

	assert_int_equal(delivery_open(&d, p, 0, 1, -1, &e), 0);
	assert_int_equal(delivery_offer(d, &m), 1);
	assert_int_equal(delivery_event(d, &ev), 1);
	delivery_grant(d, 0);
	delivery_push(d);
	assert_int_equal(delivery_event(d, &ev), 0);
	clock_shift(61000, 0);
	delivery_push(d);
	clock_shift(0, 0);
	assert_int_equal(delivery_event(d, &ev), 1);
	assert_int_equal(ev.verdict.kind, VERDICT_DEFERRED);
	assert_non_null(strstr(ev.verdict.text, "locked"));
	delivery_close(&d);
	unlock_later(NULL);
	deliver(p, 1, 1, &o);
	assert_int_equal(o.sent, 2);
	delivery_plan_free(&p);
}

static void respects_fcntl(void **state)
{
	struct delivery_plan *p = open_plan("mbox:", "fcntl");
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int64_t begin;
	int ready[2];
	char path[128];
	pid_t child;

	(void)state;
	path_in_home(path, "fcntl");
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		int fd = open(path, O_RDWR);
		char c = (char)(fcntl(fd, F_SETLK, &l) == 0); /* as mail programs do */

		(void)!write(ready[1], &c, 1);
		usleep(300000);
		_exit(0);
	}
	char c = 0;

	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(c, 1);
	begin = clock_mono_ms();
	deliver(p, 1, 1, NULL);
	assert_true(clock_mono_ms() - begin >= 200);
	waitpid(child, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	delivery_plan_free(&p);
}

static void *deliver_hundred(void *plan)
{
	deliver(plan, 1, 100, NULL);
	return NULL;
}

static void several_workers(void **state)
{
	static const char *const schemes[] = { "mbox:", "maildir:", "null:" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct delivery_plan *p = open_plan(schemes[i], i == 0 ? "mbox4" : i == 1 ? "md4" : "");
		pthread_t threads[4];
		struct buf b;

		for (int t = 0; t < 4; t++)
			pthread_create(&threads[t], NULL, deliver_hundred, p);
		for (int t = 0; t < 4; t++)
			pthread_join(threads[t], NULL);
		delivery_plan_free(&p);
		if (i == 1)
			assert_int_equal(count_files("md4/new"), 400);
		if (i != 0)
			continue;
		read_back("mbox4", &b);
		assert_int_equal(count_in(buf_str(&b), "From ann@example.com "), 400);
		assert_int_equal(count_in(buf_str(&b), "\n\nFrom ann@example.com "), 399);
		buf_release(&b);
	}
}

/* ---- disks that are full ---- */

/* In a child, because a limit on file sizes cannot be raised again. Exit status 0: as it should be. */
static int with_limit(const char *scheme, const char *name, rlim_t limit)
{
	struct rlimit small = { limit, limit };
	struct delivery_plan *p = open_plan(scheme, name);
	struct outcome o;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	deliver(p, 1, 10, &o);
	delivery_plan_free(&p);
	return o.sent == 0 && o.deferred == 20 && strstr(o.words, "File too large") ? 0 : 1;
}

static void full_disks(void **state)
{
	static const char *const schemes[] = { "mbox:", "maildir:", "eml:" }, *const names[] = { "mboxf", "mdf", "emlf" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct delivery_plan *p = open_plan(schemes[i], names[i]);
		int status = -1;
		off_t size = 0;
		char path[128];
		struct stat st;
		pid_t child;

		if (i == 0)
			deliver(p, 1, 2, NULL);
		path_in_home(path, names[i]);
		if (i == 0 && stat(path, &st) == 0)
			size = st.st_size;
		fflush(NULL);
		child = fork();
		if (child == 0)
			_exit(with_limit(schemes[i], names[i], (rlim_t)(size + 20)));
		waitpid(child, &status, 0);
		if (status != 0)
			fail_msg("%s: %x", schemes[i], (unsigned)status);
		if (i == 0) {
			assert_int_equal(stat(path, &st), 0);
			assert_int_equal(st.st_size, size); /* cut back */
		} else {
			assert_int_equal(count_files(i == 1 ? "mdf/new" : "emlf"), 0);
		}
		if (i == 1)
			assert_int_equal(count_files("mdf/tmp"), 0);
		delivery_plan_free(&p);
	}
}

/* Mails at each step: offered, told, granted, written. Only the last two are there, and sent. */
static void aborts(void **state)
{
	struct delivery_plan *p = open_plan("eml:", "abort");
	struct delivery *d = NULL;
	struct err e = { 0 };
	struct span to[2] = { SPAN("r@example.org"), SPAN("s@example.org") }, piece = SPAN("A: b\r\n");
	struct mail m[8];
	struct delivery_event ev;
	unsigned done = 0, verdicts = 0;

	(void)state;
	assert_int_equal(delivery_open(&d, p, 0, 1, -1, &e), 0);
	for (uint32_t i = 0; i < 8; i++) {
		m[i] = (struct mail){ .recipients = to, .n_recipients = 2, .content = &piece, .n_content = 1,
				      .row = i + 1, .ticket = i };
		if (i < 6)
			assert_int_equal(delivery_offer(d, &m[i]), 1);
	}
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(delivery_event(d, &ev), 1);
		assert_int_equal(ev.kind, DELIVERY_INTENT);
		if (i < 2)
			delivery_grant(d, ev.ticket);
	}
	delivery_push(d);
	assert_int_equal(delivery_event(d, &ev), 1); /* the first verdict of mail 0 */
	delivery_grant(d, 2);
	assert_int_equal(delivery_offer(d, &m[6]) + delivery_offer(d, &m[7]), 2);
	delivery_abort(d);
	assert_int_equal(delivery_wants(d), 0);
	delivery_grant(d, 3);
	delivery_push(d);
	verdicts++;
	while (delivery_event(d, &ev)) {
		if (ev.kind == DELIVERY_DONE) {
			done++;
			continue;
		}
		assert_int_equal(ev.kind, DELIVERY_VERDICT);
		verdicts++;
		assert_int_equal(ev.verdict.kind, ev.ticket < 2 ? VERDICT_SENT : VERDICT_DEFERRED);
		assert_int_equal(ev.verdict.code, 0);
		if (ev.ticket >= 2) {
			assert_int_equal(ev.verdict.scope, SCOPE_SESSION);
			assert_string_equal(ev.verdict.text, "stopped");
		}
	}
	assert_int_equal(done, 8);
	assert_int_equal(verdicts, 16);
	assert_int_equal(delivery_in_hand(d), 0);
	assert_int_equal(count_files("abort"), 2);
	delivery_close(&d);
	delivery_plan_free(&p);
}

static void wakes_up(void **state)
{
	struct delivery_plan *p = open_plan("null:", "");
	struct delivery *d = NULL;
	struct err e = { 0 };
	int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	(void)state;
	assert_int_equal(delivery_open(&d, p, 0, 1, wake, &e), 0);
	assert_int_equal(delivery_wait(d, 20, &e), 0);
	eventfd_write(wake, 1);
	assert_int_equal(delivery_wait(d, -1, &e), 1);
	delivery_close(&d);
	delivery_plan_free(&p);
	close(wake);
}

static int make_home(void **state)
{
	char real[4096];

	(void)state;
	snprintf(home, sizeof home, "/tmp/test_delivery_file.XXXXXX");
	if (!mkdtemp(home) || !realpath(home, real))
		return -1;
	return strcmp(real, home);
}

static int drop_home(void **state)
{
	char *const words[] = { (char[]){ "rm" }, (char[]){ "-rf" }, home, NULL };
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		execvp(words[0], words);
		_exit(1);
	}
	return waitpid(child, NULL, 0) < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans),          cmocka_unit_test(plans_without_memory),
		cmocka_unit_test(null_takes_all), cmocka_unit_test(eml_files),
		cmocka_unit_test(maildir_files),  cmocka_unit_test(mbox_files),
		cmocka_unit_test(waits_for_the_lock_file), cmocka_unit_test(respects_fcntl),
		cmocka_unit_test(several_workers), cmocka_unit_test(full_disks),
		cmocka_unit_test(wakes_up),       cmocka_unit_test(aborts),
	};

	return cmocka_run_group_tests_name("delivery_file", tests, make_home, drop_home);
}
