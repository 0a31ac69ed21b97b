/* Files that letters name: parameters, and what the folder lets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "templates/letter/letter_file.h"
#include "templates/letter/letter_parts.h"
#include "tests/unit/letter_holes.h"
#include "tests/unit/letter_try.h"

static struct letter_try t;
static int folder;

static void parameters(void **state)
{
	/* path|type|name|cid, or NULL: refused. {x} is a value. */
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "a.pdf", "a.pdf|||" },
		{ "  a b.pdf ; type=application/pdf; name=\"x; y.pdf\"", "a b.pdf|application/pdf|x; y.pdf|" },
		{ "\"a;b.pdf\";name=c", "a;b.pdf||c|" },
		{ "a.pdf;", "a.pdf|||" },
		{ "a.pdf; CID=logo", "a.pdf|||logo" },
		{ "{a; name=evil}.pdf; name={x; type=text/html}", "a; name=evil.pdf||x; type=text/html|" },
		{ "{a\"b}.pdf", "a\"b.pdf|||" },
		{ "a.pdf; name", NULL },
		{ "a.pdf; ; name=x", NULL },
		{ "a.pdf; name=\"x", NULL },
		{ "a.pdf; type={text/html; charset=x}", NULL },
		{ "a.pdf; type=multipart/mixed", NULL },
		{ "a.pdf; disposition=inline", "a.pdf|||" },
		{ "a.pdf; old-name=yes", "a.pdf|||" },
		{ "a.pdf; old-name=perhaps", NULL },
		{ "", "|||" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		static struct letter_holes holes;
		const struct letter_rendered line = letter_holes_of(&holes, cases[i].text);
		struct letter_file_name name;
		char got[300];
		int rc = letter_file_parse(&name, &line, &t.a, &t.e);

		assert_int_equal(rc, cases[i].want ? 0 : -1);
		if (rc < 0)
			continue;
		snprintf(got, sizeof got, "%.*s|%.*s|%.*s|%.*s", SPAN_ARG(name.path), SPAN_ARG(name.type), SPAN_ARG(name.name),
			 SPAN_ARG(name.cid));
		assert_string_equal(got, cases[i].want);
	}
}

static int read_one(const char *path, enum letter_file_trust trust, struct span *out)
{
	t.e = (struct err){ 0 };
	return letter_file_read(folder, span_str(path), trust, 100, &t.a, out, &t.e);
}

static void what_the_folder_lets_through(void **state)
{
	static const struct {
		const char *path, *why; /* why it is refused, NULL: it is read */
	} cases[] = {
		{ "ok.txt", NULL },
		{ "./ok.txt", NULL },
		{ "link-inside", NULL },
		{ "none.txt", "does not exist" },
		{ "ok.txt/x", "does not exist" },
		{ "..", "outside the letter's folder" },
		{ "../ok.txt", "outside the letter's folder" },
		{ "/etc/passwd", "outside the letter's folder" },
		{ "/proc/self/cmdline", "outside the letter's folder" },
		{ "link-out", "outside the letter's folder" },
		{ "link-up/passwd", "outside the letter's folder" },
		{ "link-loop", "cannot be opened" },
		{ ".", "not a regular file" },
		{ "fifo", "not a regular file" },
		{ "long.txt", "has 101 bytes" },
		{ "", "is no file name" },
	};
	struct span out;
	static char big[101];

	(void)state;
	try_file(&t, "ok.txt", "content", 7);
	try_file(&t, "long.txt", big, sizeof big);
	assert_int_equal(symlinkat("ok.txt", folder, "link-inside"), 0);
	assert_int_equal(symlinkat("/etc/passwd", folder, "link-out"), 0);
	assert_int_equal(symlinkat("../../etc", folder, "link-up"), 0);
	assert_int_equal(symlinkat("link-loop", folder, "link-loop"), 0);
	assert_int_equal(mkfifoat(folder, "fifo", 0600), 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int rc = read_one(cases[i].path, FILE_BENEATH, &out);

		if (rc != (cases[i].why ? -1 : 0))
			fail_msg("'%s': %d %s", cases[i].path, rc, t.e.text);
		if (rc < 0 && !strstr(t.e.text, cases[i].why))
			fail_msg("'%s': %s", cases[i].path, t.e.text);
		if (rc < 0)
			assert_int_equal(t.e.kind, ERR_INPUT);
		else
			assert_true(span_eq(out, SPAN("content")));
	}
	assert_int_equal(letter_file_read(folder, span_of("ok.txt\0.pdf", 11), FILE_BENEATH, 100, &t.a, &out, &t.e), -1);
}

static void authors_may_name_absolute_paths(void **state)
{
	char path[200];
	struct span out;

	(void)state;
	try_file(&t, "abs.txt", "content", 7);
	snprintf(path, sizeof path, "%s/abs.txt", t.folder);
	assert_int_equal(read_one(path, FILE_BY_AUTHOR, &out), 0);
	assert_int_equal(read_one(path, FILE_BENEATH, &out), -1);
	assert_int_equal(read_one("../x", FILE_BY_AUTHOR, &out), -1);
}

static void empty_files_are_fine(void **state)
{
	struct letter_file f = { 0 };
	struct letter_file_name name = { .path = SPAN("e.bin") };
	struct span out, head, data;
	unsigned needs = 0;

	(void)state;
	try_file(&t, "e.bin", "", 0);
	assert_int_equal(read_one("e.bin", FILE_BENEATH, &out), 0);
	assert_int_equal(out.n, 0);
	assert_int_equal(letter_file_encode(&f, &name, out, &t.a, &head, &data, &needs, &t.e), 0);
	assert_int_equal(data.n, 0);
	assert_int_equal(needs, 0);
}

static int setup(void **state)
{
	(void)state;
	try_begin(&t, "email");
	folder = open(t.folder, O_PATH | O_DIRECTORY);
	return folder < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	close(folder);
	try_end(&t);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters),
		cmocka_unit_test(what_the_folder_lets_through),
		cmocka_unit_test(authors_may_name_absolute_paths),
		cmocka_unit_test(empty_files_are_fine),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
