/* Mails as mbox and Maildir have them: LF, quoted "From ", at every cut of the content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "transport/delivery/delivery_local.h"

#define HEAD "Return-Path: <s@x>\nDelivered-To: r@y\n"

static const struct local_case {
	const char *content, *mbox, *maildir;
} cases[] = {
	{ "A: b\r\n\r\nhello\r\n", "A: b\n\nhello\n", "A: b\n\nhello\n" },
	{ "A: b\r\n\r\nFrom me\r\n", "A: b\n\n>From me\n", "A: b\n\nFrom me\n" },
	{ "A: b\r\n\r\n>From me\r\n", "A: b\n\n>>From me\n", "A: b\n\n>From me\n" },
	{ "A: b\r\n\r\n>>>From me\r\n", "A: b\n\n>>>>From me\n", "A: b\n\n>>>From me\n" },
	{ "A: b\r\n\r\nFrom: me\r\nFrom\r\n", "A: b\n\nFrom: me\nFrom\n", "A: b\n\nFrom: me\nFrom\n" },
	{ "A: b\r\n\r\n>x\r\n> From \r\n From x\r\n", "A: b\n\n>x\n> From \n From x\n", "A: b\n\n>x\n> From \n From x\n" },
	{ "From x\r\n\r\nFrom \r\n\r\n", ">From x\n\n>From \n\n", "From x\n\nFrom \n\n" },
	{ "A: b\r\n\r\n.\r\n..\r\n\r\n", "A: b\n\n.\n..\n\n", "A: b\n\n.\n..\n\n" },
	{ "A: b\r\n\r\n>>>>", "A: b\n\n>>>>\n", "A: b\n\n>>>>\n" },
	{ "A: b\r\n\r\n>Fro", "A: b\n\n>Fro\n", "A: b\n\n>Fro\n" },
	{ "A: b\r\n\r\n>Fr\r\nom", "A: b\n\n>Fr\nom\n", "A: b\n\n>Fr\nom\n" },
	{ "A: b\r\n\r\nFrom From From\r\n", "A: b\n\n>From From From\n", "A: b\n\nFrom From From\n" },
};

/* What was written, in out. */
static void write_mail(const struct span *content, uint32_t n, bool mbox, size_t buffer_size, char *out, size_t size)
{
	const struct span to = SPAN("r@y");
	const struct mail m = { .sender = SPAN("s@x"), .recipients = &to, .n_recipients = 1, .content = content,
				.n_content = n };
	struct local_writer w;
	char buffer[64];
	int fd = memfd_create("local", MFD_CLOEXEC);
	ssize_t got;

	local_begin(&w, fd, mbox, buffer, buffer_size);
	local_mail(&w, &m);
	assert_int_equal(local_end(&w), 0);
	got = file_pread_full(fd, out, size - 1, 0);
	assert_true(got >= 0);
	out[got] = '\0';
	close(fd);
}

static void check(const struct local_case *c, const struct span *pieces, uint32_t n, size_t buffer_size)
{
	char out[512], expected[512];

	for (int mbox = 0; mbox < 2; mbox++) {
		write_mail(pieces, n, mbox, buffer_size, out, sizeof out);
		snprintf(expected, sizeof expected, HEAD "%s", mbox ? c->mbox : c->maildir);
		if (strcmp(out, expected) != 0)
			fail_msg("expected <%s>, got <%s>", expected, out);
	}
}

static void every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span all = span_str(cases[i].content);

		for (size_t a = 0; a <= all.n; a++)
			for (size_t b = a; b <= all.n; b++) {
				struct span pieces[3] = { span_sub(all, 0, a), span_sub(all, a, b - a),
							  span_skip(all, b) };

				check(&cases[i], pieces, 3, 64);
			}
	}
}

static void byte_by_byte(void **state)
{
	struct span pieces[64];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span all = span_str(cases[i].content);

		for (size_t at = 0; at < all.n; at++)
			pieces[at] = span_sub(all, at, 1);
		for (size_t size = 1; size <= 64; size++)
			check(&cases[i], pieces, (uint32_t)all.n, size);
	}
}

static void failed_writes(void **state)
{
	struct span piece = SPAN("A: b\r\n\r\nhello\r\n"), to = SPAN("r@y");
	const struct mail m = { .recipients = &to, .n_recipients = 1, .content = &piece, .n_content = 1 };
	struct local_writer w;
	char buffer[16];
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	local_begin(&w, fd, true, buffer, sizeof buffer);
	local_mail(&w, &m);
	assert_int_equal(local_end(&w), -1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cut),
		cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(failed_writes),
	};

	return cmocka_run_group_tests_name("delivery_local", tests, NULL, NULL);
}
