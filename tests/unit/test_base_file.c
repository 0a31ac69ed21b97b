/* Files: whole reads, whole writes, replacing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"

static char folder[] = "/tmp/lettershop-file-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/f", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder); /* fails when a temporary file was left behind */
}

static void write_file(size_t n)
{
	char *p = mem_new(n);

	memset(p, 'x', n);
	assert_int_equal(file_replace(path, span_of(p, n), 0640, NULL), 0);
	mem_free(p);
}

static void replacing(void **state)
{
	struct stat st;
	struct buf b;
	struct err e = { 0 };

	(void)state;
	assert_false(file_exists(path));
	write_file(5);
	assert_true(file_exists(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(file_replace(path, SPAN("new"), 0600, &e), 0);
	buf_init(&b, 100);
	buf_add_str(&b, "> ");
	assert_int_equal(file_read(path, &b, &e), 0);
	assert_string_equal(buf_str(&b), "> new");
	assert_int_equal(file_replace(path, (struct span){ NULL, 0 }, 0600, &e), 0);
	buf_reset(&b);
	assert_int_equal(file_read(path, &b, &e), 0);
	assert_int_equal(b.n, 0);
	buf_release(&b);
	assert_int_equal(file_replace("/nonexistent/x", SPAN("a"), 0600, &e), -1);
	assert_int_equal(e.sys_errno, ENOENT);
	unlink(path);
}

static void failed_replacing_leaves_nothing_behind(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(file_replace(path, SPAN("a"), 0600, &e), -1);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(folder), 0); /* the folder is empty: the temporary file went away */
	assert_int_equal(mkdir(folder, 0700), 0);
}

static void reading_is_bounded(void **state)
{
	static const size_t sizes[] = { 0, 1, 65535, 65536, 65537, 200000 };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct buf b;

		write_file(sizes[i]);
		buf_init(&b, sizes[i]);
		assert_int_equal(file_read(path, &b, &e), 0);
		assert_int_equal(b.n, sizes[i]);
		buf_release(&b);
		if (sizes[i] == 0)
			continue;
		buf_init(&b, sizes[i] - 1);
		assert_int_equal(file_read(path, &b, &e), -1);
		assert_int_equal(e.kind, ERR_LIMIT);
		buf_release(&b);
		buf_init(&b, sizes[i]);
		mem_fail_from(0);
		assert_int_equal(file_read(path, &b, &e), -1);
		mem_fail_from(-1);
		assert_int_equal(e.kind, ERR_NOMEM);
		buf_release(&b);
	}
}

static void reading_what_cannot_be_read(void **state)
{
	struct err e = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	assert_int_equal(file_read("/nonexistent", &b, &e), -1);
	assert_string_equal(e.text, "cannot open '/nonexistent': No such file or directory");
	assert_int_equal(file_read(folder, &b, &e), -1);
	assert_int_equal(e.sys_errno, EISDIR);
	buf_release(&b);
}

static void pieces_of_a_pipe(void **state)
{
	int ends[2], kept;
	char got[10];
	struct buf b;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(file_write_full(ends[1], "abcdef", 6), 0);
	assert_int_equal(file_read_full(ends[0], got, 4), 4);
	close(ends[1]);
	assert_int_equal(file_read_full(ends[0], got, 10), 2);
	assert_memory_equal(got, "ef", 2);
	assert_int_equal(file_read_full(ends[0], got, 10), 0);
	close(ends[0]);
	assert_int_equal(file_read_full(ends[0], got, 1), -1);
	assert_int_equal(errno, EBADF);

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(file_write_full(ends[1], "in", 2), 0);
	close(ends[1]);
	kept = dup(STDIN_FILENO);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	buf_init(&b, 100);
	assert_int_equal(file_read("-", &b, NULL), 0);
	dup2(kept, STDIN_FILENO);
	close(kept);
	assert_string_equal(buf_str(&b), "in");
	buf_release(&b);
}

static void reading_at_a_place(void **state)
{
	char got[10];
	int fd;

	(void)state;
	assert_int_equal(file_replace(path, SPAN("0123456789"), 0600, NULL), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(file_pread_full(fd, got, 4, 3), 4);
	assert_memory_equal(got, "3456", 4);
	assert_int_equal(file_pread_full(fd, got, 4, 8), 2);
	assert_int_equal(file_pread_full(fd, got, 4, 100), 0);
	close(fd);
	fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_int_equal(file_write_full(fd, "x", 1), -1);
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

static void folders_are_synced(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(file_sync_folder(path, &e), 0);
	assert_int_equal(file_sync_folder("name-alone", &e), 0);
	assert_int_equal(file_sync_folder("/tmp", &e), 0);
	assert_int_equal(file_sync_folder("/nonexistent/x", &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replacing),
		cmocka_unit_test(failed_replacing_leaves_nothing_behind),
		cmocka_unit_test(reading_is_bounded),
		cmocka_unit_test(reading_what_cannot_be_read),
		cmocka_unit_test(pieces_of_a_pipe),
		cmocka_unit_test(reading_at_a_place),
		cmocka_unit_test(folders_are_synced),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
