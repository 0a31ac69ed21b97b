/* Who is suppressed: forms of files, case, domains, reasons; read again while others ask. */
#include "tests/unit/rows_fixture.h"

#include <pthread.h>

#include "engine/rows/suppress.h"

static const char *const paths[] = { list_path };

static int put_and_open(struct suppress **s, const char *text, struct err *e)
{
	list_put(span_str(text));
	return suppress_open(s, paths, 1, NULL, e);
}

static const struct form {
	const char *name, *file, *has, *reason, *has_not;
} forms[] = {
	{ "lines", "ann@x.org\nbob@x.org\n", "bob@x.org", "", "eve@x.org" },
	{ "first line", "ann@x.org\nbob@x.org\n", "ann@x.org", "", "x.org" },
	{ "case", "Ann@X.ORG\n", "aNN@x.org", "", "an@x.org" },
	{ "blank lines and comments", "# opted out\n\n ann@x.org \n\n# bob@x.org\n", "ann@x.org", "", "bob@x.org" },
	{ "domain", "@X.org\n", "anybody@x.ORG", "", "ann@y.x.org" },
	{ "international domain", "@b\xc3\xbc" "cher.example\n", "a@xn--bcher-kva.example", "", "a@bucher.example" },
	{ "with a name", "Ann <ann@x.org>\n", "ann@x.org", "", "bob@x.org" },
	{ "table", "email,reason\nann@x.org,asked us\n", "ann@x.org", "asked us", "bob@x.org" },
	{ "table, semicolons, other order", "Reason;E-Mail\nbounced;ann@x.org\n;@y.org\n", "ann@x.org", "bounced", "a@x.org" },
	{ "results", "row,recipient,status\n1,ann@x.org,refused\n", "ann@x.org", "", "bob@x.org" },
	{ "no header, reason", "ann@x.org,asked us\nbob@x.org,too\n", "ann@x.org", "asked us", "eve@x.org" },
	{ "empty", "", NULL, NULL, "ann@x.org" },
	{ "short row, all that matters", "email,name,reason\nann@x.org\nbob@x.org,Bob\n", "bob@x.org", "", "eve@x.org" },
	{ "quote in a comment", "ann@x.org\n# he said \"no\", and bob@x.org \"too\"\n", "ann@x.org", "", "bob@x.org" },
	{ "quote behind the address", "email,why\nann@x.org,said \"no\"\n", "ann@x.org", "", "bob@x.org" },
	{ "empty cells", "email\n\"\"\nann@x.org\n", "ann@x.org", "", "bob@x.org" },
	{ "quoted local part", "email\n\"\"\"a b\"\"@x.org\"\n", "\"A b\"@x.org", "", "ab@x.org" },
};

static void files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		char reason[SUPPRESS_REASON_MAX];
		struct suppress *s;
		struct err e = { 0 };

		if (put_and_open(&s, forms[i].file, &e) < 0)
			fail_msg("%s: %s", forms[i].name, e.text);
		if (forms[i].has && !suppress_has(s, span_str(forms[i].has), reason))
			fail_msg("%s: not %s", forms[i].name, forms[i].has);
		if (forms[i].has)
			assert_string_equal(reason, forms[i].reason);
		if (suppress_has(s, span_str(forms[i].has_not), reason))
			fail_msg("%s: %s", forms[i].name, forms[i].has_not);
		suppress_free(&s);
	}
}

static const struct bad {
	const char *file, *says;
	unsigned line;
} bad[] = {
	{ "ann@x.org\n\nbob at x.org\n", "'bob at x.org' is no address", 3 },
	{ "email,reason\nann@x.org,a\nnobody,b\n", "'nobody' is no address", 3 },
	{ "name,phone\nann,1\n", "wants a column 'email'", 1 },
	{ "ann@x.org\n@\n", "'@' is no address", 2 },
	{ "name,email,reason\nBob \"Bobby\" Lee,bob@x.org,asked\n", "cannot be read: a quote", 2 },
	{ "ann@x.org\nBob \"Bobby\" Lee <bob@x.org>\n", "cannot be read: a quote", 2 },
	{ "name,email\nann,ann@x.org\nbob\n", "cannot be read: 1 cell, the header has 2", 3 },
	{ "ann@x.org\nbob@x.org,eve@x.org\n", "is no address", 2 },
	{ "email,name\nann@x.org,Ann\nbob@x.org,Bob,eve@x.org\n", "cannot be read: 3 cells, the header has 2", 3 },
	{ "email,name\nann@x.org,Ann\nbob@x.org,Bob,eve@\n", "cannot be read: 3 cells, the header has 2", 3 },
	{ "email,name\nann@x.org,\"Ann\n\"Lee\"\n", "goes on to line 3", 2 },
};

/* A filter that hides rows hides nobody's opt-out; among those to choose they do not count. */
static void hidden_rows(void **state)
{
	static const char *const sheet[] = { "tests/lists/openpyxl-gaps.xlsx" };
	char reason[SUPPRESS_REASON_MAX];
	struct suppress *s;
	struct err e;

	(void)state;
	assert_int_equal(suppress_open(&s, sheet, 1, NULL, &e), 0);
	assert_true(suppress_has(s, SPAN("a@list.example"), reason) && suppress_has(s, SPAN("b@list.example"), reason));
	suppress_free(&s);
	assert_int_equal(suppress_open_one(&s, sheet, &e), 0);
	assert_true(suppress_has(s, SPAN("a@list.example"), reason) && !suppress_has(s, SPAN("b@list.example"), reason));
	suppress_free(&s);
}

static void not_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct suppress *s;
		struct err e = { 0 };

		assert_int_equal(put_and_open(&s, bad[i].file, &e), -1);
		assert_null(s);
		assert_int_equal(e.kind, ERR_INPUT);
		assert_string_equal(e.path, list_path);
		if (!strstr(e.text, bad[i].says) || e.line != bad[i].line)
			fail_msg("line %d: %s", (int)e.line, e.text);
	}
	list_put(SPAN("ann@x.org\n"));
}

static void read_again(void **state)
{
	char reason[SUPPRESS_REASON_MAX];
	struct suppress *s;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(put_and_open(&s, "ann@x.org\n", &e), 0);
	assert_false(suppress_has(s, SPAN("bob@x.org"), reason));
	list_put(SPAN("ann@x.org\nbob@x.org\n"));
	assert_int_equal(suppress_reload(s, &e), 0);
	assert_true(suppress_has(s, SPAN("bob@x.org"), reason));
	assert_int_equal(suppress_count(s), 2);
	list_put(SPAN("who is this\n?\n"));
	assert_int_equal(suppress_reload(s, &e), -1);
	assert_true(suppress_has(s, SPAN("bob@x.org"), reason)); /* what was known stays */
	suppress_free(&s);
	assert_false(suppress_has(NULL, SPAN("bob@x.org"), reason));
}

static void *ask(void *arg)
{
	char reason[SUPPRESS_REASON_MAX];

	for (int i = 0; i < 20000; i++)
		if (!suppress_has(arg, SPAN("u7@x.org"), reason))
			return arg;
	return NULL;
}

static void asked_meanwhile(void **state)
{
	struct suppress *s;
	struct buf list;
	struct err e = { 0 };
	pthread_t thread;
	void *missed;

	(void)state;
	buf_init(&list, 1 << 20);
	for (int i = 0; i < 2000; i++)
		buf_addf(&list, "u%d@x.org\n", i);
	assert_int_equal(put_and_open(&s, buf_str(&list), &e), 0);
	assert_int_equal(pthread_create(&thread, NULL, ask, s), 0);
	for (int i = 0; i < 10; i++)
		assert_int_equal(suppress_reload(s, &e), 0);
	pthread_join(thread, &missed);
	assert_null(missed);
	assert_int_equal(suppress_count(s), 2000);
	suppress_free(&s);
	buf_release(&list);
}

static void without_memory(void **state)
{
	struct suppress *s = NULL;
	struct err e = { 0 };
	long n = 0;
	int rc;

	(void)state;
	do {
		list_put(SPAN("email,reason\nann@x.org,a\n@y.org,b\n"));
		mem_fail_after(n++);
		rc = suppress_open(&s, paths, 1, NULL, &e);
		mem_fail_after(-1);
		assert_true(rc == 0 || (e.kind == ERR_NOMEM && !s));
	} while (rc < 0 && n < 200);
	assert_int_equal(rc, 0);
	suppress_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(files), LIST_TEST(not_understood), LIST_TEST(hidden_rows), LIST_TEST(read_again), LIST_TEST(asked_meanwhile),
		LIST_TEST(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
