/* Opening lists: what is understood, what is refused and with which words; pipes. */
#include "tests/unit/rows_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

static const struct bad_case {
	const char *name, *list, *says, *hint;
	unsigned line, column;
} bad[] = {
	{ "empty", "", "the list is empty", "email,name", 0, 0 },
	{ "only blank lines", "\n \r\n\t\n", "the list is empty", "email,name", 0, 0 },
	{ "only a BOM", "\xef\xbb\xbf", "the list is empty", "email,name", 0, 0 },
	{ "no names", "\n;; ;\n", "no column has a name", "email,name", 2, 0 },
	{ "a control character", "a,b\x1f\n", "the name of column 2 has a control character (0x1F)", "list of recipients", 1, 0 },
	{ "twice", "a,b,a\n", "columns 1 and 3 are both named 'a'", "a name of its own", 1, 0 },
	{ "twice but for case", "Name,b,NAME\n", "columns 1 and 3 are named alike: 'Name' and 'NAME'", "of its own", 1, 0 },
	{ "twice but for case, beyond ASCII", "Ärzte,b,ÄRZTE\n", "columns 1 and 3 are named alike: 'Ärzte' and 'ÄRZTE'", "of its own", 1, 0 },
	{ "twice but for spaces around", "\nx, b ,b\n", "columns 2 and 3 are both named 'b'", "of its own", 2, 0 },
	{ "stray quote in the header", "a,b\"c\n", "a quote (\") inside a name", "double", 1, 4 },
	{ "text behind a name", "a,\"b\"c\n", "text after the closing quote", "double", 1, 6 },
	{ "open quote in the header", "a,\"b\nc\n", "the quote (\") of the cell that begins here is never closed", "close it", 1, 0 },
	{ "UTF-8 with a mistake", "n\xc3\xa4me,\xe2\x82\xac\xe4\n", "not UTF-8: byte 0xE4", "--encoding", 1, 7 },
	{ "half UTF-16", "\xff\xfe" "a", "it ends in the middle of a character (byte 0x61)", "--encoding", 1, 1 },
	{ "half a workbook", "PK\x03\x04xxxx", "the workbook is damaged: Not a zip archive", "copied whole", 0, 0 },
	{ "old workbook", "\xd0\xcf\x11\xe0", "an old Excel workbook", "CSV", 0, 0 },
	{ "gzip", "\x1f\x8b\x08", "a gzip file that is cut short", "gzip -t", 0, 0 },
	{ "no gzip", "\x1f\x8b\x08xxxxxxxxxxxxxxxxxxxxxxx", "a gzip file that is damaged", "gzip -t", 0, 0 },
	{ "PDF", "%PDF-1.4", "a PDF", "CSV", 0, 0 },
};

static void refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err e = { 0 };
		struct rows *r;

		list_put(span_str(bad[i].list));
		assert_int_equal(list_open(&r, &e), -1);
		assert_null(r);
		assert_int_equal(e.kind, ERR_INPUT);
		assert_string_equal(e.path, list_path);
		if (!strstr(e.text, bad[i].says) || !strstr(e.hint, bad[i].hint) || e.line != bad[i].line ||
		    e.column != bad[i].column)
			fail_msg("%s: line %d column %d: %s / %s", bad[i].name, (int)e.line, (int)e.column, e.text, e.hint);
	}
}

static void no_file(void **state)
{
	struct rows_options o = { .path = "/no/such/list.csv" };
	struct err e = { 0 };
	struct rows *r;

	(void)state;
	assert_int_equal(rows_open(&r, &o, &e), -1);
	assert_int_equal(e.kind, ERR_SYS);
	assert_non_null(strstr(e.text, "/no/such/list.csv"));
	o.path = "/tmp";
	assert_int_equal(rows_open(&r, &o, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_non_null(strstr(e.text, "is a folder"));
}

static void columns_and_form(void **state)
{
	static const struct {
		const char *list, *form, *names;
	} good[] = {
		{ "email,Name\n", "CSV, comma, UTF-8", "email|Name|" },
		{ " email ; First Name\t;x,y\n", "CSV, semicolon, UTF-8", "email|First Name|x,y|" },
		{ "\xef\xbb\xbf" "a\tb\tc,d\n", "CSV, tab, UTF-8", "a|b|c,d|" },
		{ "a|b|c\n", "CSV, pipe, UTF-8", "a|b|c|" },
		{ "email\n", "CSV, comma, UTF-8", "email|" },
		{ "\" a \",\"b;;;;\"\"x\"\"\"\n", "CSV, comma, UTF-8", "a|b;;;;\"x\"|" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		const struct columns *c;
		struct buf names;
		struct rows *r;
		struct err e;

		list_put(span_str(good[i].list));
		if (list_open(&r, &e) < 0)
			fail_msg("%s: %s", good[i].list, e.text);
		assert_string_equal(rows_form(r), good[i].form);
		c = rows_columns(r);
		buf_init(&names, 1000);
		for (uint32_t k = 0; k < c->n; k++)
			buf_addf(&names, "%.*s|", SPAN_ARG(c->names[k]));
		assert_string_equal(buf_str(&names), good[i].names);
		assert_false(c->open);
		buf_release(&names);
		rows_close(&r);
	}
}

/* Standard input and other pipes are copied, can be read twice, and leave no file behind. */
static void from_a_pipe(void **state)
{
	struct rows_options o = { .path = "-" };
	int pipes[2], old = dup(STDIN_FILENO);
	uint64_t size;
	int64_t mtime_ns;
	struct buf got;
	struct rows *r;
	struct err e;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], "a,b\n1,2\n\"3\n\",4\n", 15), 15);
	close(pipes[1]);
	dup2(pipes[0], STDIN_FILENO);
	close(pipes[0]);
	buf_init(&got, 1000);
	if (rows_open(&r, &o, &e) < 0)
		fail_msg("%s", e.text);
	for (int pass = 0; pass < 2; pass++) {
		buf_reset(&got);
		assert_int_equal(list_read(r, 10, 10, &got, &e), 0);
		assert_string_equal(buf_str(&got), "1/2 [1][2]|2/3 [3\n][4]|");
		assert_int_equal(rows_rewind(r, &e), 0);
	}
	assert_int_equal(rows_stamp(r, &size, &mtime_ns, &e), 0);
	assert_int_equal(size, 15);
	assert_true(mtime_ns > 0);
	rows_close(&r);
	buf_release(&got);
	assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
	dup2(old, STDIN_FILENO);
	close(old);
}

static void errors_name_standard_input(void **state)
{
	struct rows_options o = { .path = "-" };
	int pipes[2], old = dup(STDIN_FILENO);
	struct rows *r;
	struct err e;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	close(pipes[1]);
	dup2(pipes[0], STDIN_FILENO);
	close(pipes[0]);
	assert_int_equal(rows_open(&r, &o, &e), -1);
	assert_string_equal(e.path, "standard input");
	dup2(old, STDIN_FILENO);
	close(old);
}

static void stamp(void **state)
{
	struct stat st;
	uint64_t size;
	int64_t mtime_ns;
	struct rows *r;
	struct err e;

	(void)state;
	list_put(SPAN("a,b\n1,2\n"));
	assert_int_equal(stat(list_path, &st), 0);
	assert_int_equal(list_open(&r, &e), 0);
	assert_int_equal(rows_stamp(r, &size, &mtime_ns, &e), 0);
	assert_int_equal(size, 8);
	assert_int_equal(mtime_ns, (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
	list_put(SPAN("a,b\n1,2\n3,4\n")); /* somebody writes into it */
	assert_int_equal(rows_stamp(r, &size, &mtime_ns, &e), 0);
	assert_int_equal(size, 12);
	rows_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(refused),
		LIST_TEST(no_file),
		LIST_TEST(columns_and_form),
		LIST_TEST(from_a_pipe),
		LIST_TEST(errors_name_standard_input),
		LIST_TEST(stamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
