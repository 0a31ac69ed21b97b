/* Lines out of a file: the same whatever the size of the window that the file is read through. */
#include "tests/unit/rows_fixture.h"

#include "engine/rows/rows_text.h"

/* Lines as "number@offset:bytes" with their line ends shown; "!" and the line for an error. */
static void read_lines(const struct rows_source *source, size_t window, struct buf *out)
{
	struct rows_text t;
	struct rows_line line;
	struct err e = { 0 };
	int rc;

	assert_int_equal(rows_text_open(&t, source, window, NULL, &e), 0);
	while ((rc = rows_text_line(&t, &line, &e)) > 0) {
		buf_addf(out, "%d@%d:%.*s%s%s|", (int)line.number, (int)line.offset,
			 (int)(line.bytes.n - line.end_bytes), line.bytes.p, line.quote ? " quote" : "",
			 line.nul ? " nul" : "");
		assert_true(line.end_bytes == 1 || span_ends(line.bytes, SPAN("\r\n")));
	}
	if (rc < 0)
		buf_addf(out, "!%d,%d", (int)e.line, (int)e.column);
	rows_text_close(&t);
}

static const struct text_case {
	const char *bytes, *lines;
} cases[] = {
	{ "", "" },
	{ "a", "1@0:a|" },
	{ "a\n", "1@0:a|" },
	{ "a\r", "1@0:a|" },
	{ "a\r\n", "1@0:a|" },
	{ "\n\n", "1@0:|2@1:|" },
	{ "\r\r", "1@0:|2@1:|" },
	{ "\r\n\r\n", "1@0:|2@2:|" },
	{ "\n\r", "1@0:|2@1:|" },
	{ "ab\ncd\r\nef\rgh", "1@0:ab|2@3:cd|3@7:ef|4@10:gh|" },
	{ "a\"b\nc\nd\"\n", "1@0:a\"b quote|2@4:c|3@6:d\" quote|" },
	{ "\xef\xbb\xbf" "a\nb", "1@3:a|2@5:b|" },
	{ "\xef\xbb\xbf", "" },
	{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\nx", "1@0:\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80|2@10:x|" },
	{ "ok\nab\xff\nx\n", "1@0:ok|!2,3" },
	{ "ok\n\xc3\xa9\xc3\nx\n", "1@0:ok|!2,2" },
	{ "ok\nx\xe2\x82", "1@0:ok|!2,2" },
	{ "a long line that fits no small window at all, and another\nx\n",
	  "1@0:a long line that fits no small window at all, and another|2@58:x|" },
};

static void every_window(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rows_source source;
		struct buf got;
		struct err e;

		list_put(span_str(cases[i].bytes));
		assert_int_equal(rows_source_open(&source, list_path, &e), 0);
		buf_init(&got, 4096);
		for (size_t window = 4; window < 80; window++) {
			buf_reset(&got);
			read_lines(&source, window, &got);
			if (strcmp(buf_str(&got), cases[i].lines) != 0)
				fail_msg("case %zu, window %zu: %s", i, window, buf_str(&got));
		}
		buf_release(&got);
		rows_source_close(&source);
	}
}

static void seek(void **state)
{
	struct rows_source source;
	struct rows_text t;
	struct rows_line line;
	struct err e;

	(void)state;
	list_put(SPAN("\xef\xbb\xbf" "one\ntwo\r\n\"three\nfour"));
	assert_int_equal(rows_source_open(&source, list_path, &e), 0);
	for (size_t window = 4; window < 40; window++) {
		static const uint64_t places[] = { 12, 7, 18, 0, 19, 3, 7, 12 };

		assert_int_equal(rows_text_open(&t, &source, window, NULL, &e), 0);
		for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
			rows_text_seek(&t, places[i], 77);
			assert_int_equal(rows_text_line(&t, &line, &e), 1);
			assert_int_equal(line.number, 77);
			assert_int_equal(line.offset, places[i] ? places[i] : 3);
			assert_int_equal(line.quote, places[i] == 12);
			assert_int_equal(line.bytes.n, places[i] == 7    ? 5
						       : places[i] == 12 ? 7
						       : places[i] == 18 ? 1
						       : places[i] == 19 ? 5
									 : 4);
		}
		rows_text_close(&t);
	}
	rows_source_close(&source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(every_window),
		LIST_TEST(seek),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
