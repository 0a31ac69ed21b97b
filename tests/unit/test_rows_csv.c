/* CSV as it is found: cells, lines, problems; reading in blocks of any size, again, and by place. */
#include "tests/unit/rows_fixture.h"

#include "engine/base/digest.h"
#include "engine/base/rng.h"

#define STRAY_IN "a quote (\") inside a cell that does not begin with one, line "
#define STRAY_BEFORE "a space before the quote (\") that opens a cell, line "
#define STRAY_BEHIND "text or a space after the quote (\") that closes a cell, line "

static const struct csv_case {
	const char *name, *list, *rows;
} cases[] = {
	{ "plain", "a,b\n1,2\n3,4\n", "1/2 [1][2]|2/3 [3][4]|" },
	{ "CRLF", "a,b\r\n1,2\r\n3,4\r\n", "1/2 [1][2]|2/3 [3][4]|" },
	{ "CR", "a,b\r1,2\r3,4\r", "1/2 [1][2]|2/3 [3][4]|" },
	{ "mixed line ends", "a,b\r\n1,2\r3,4\n5,6\n\r7,8", "1/2 [1][2]|2/3 [3][4]|3/4 [5][6]|4/6 [7][8]|" },
	{ "no last line end", "a,b\n1,2", "1/2 [1][2]|" },
	{ "last line is a CR", "a,b\n1,2\r", "1/2 [1][2]|" },
	{ "BOM", "\xef\xbb\xbf" "a,b\n1,2\n", "1/2 [1][2]|" },
	{ "BOM and a quoted header", "\xef\xbb\xbf\"a\",b\n1,2\n", "1/2 [1][2]|" },
	{ "header only", "a,b\n", "" },
	{ "header without line end", "a,b", "" },
	{ "header over two lines", "\"a\nx\",b\n1,2\n", "1/3 [1][2]|" },
	{ "blank lines before the header", "\n  \na,b\n1,2\n", "1/4 [1][2]|" },
	{ "blank lines", "a,b\n\n1,2\n\r\n \t \n3,4\n\n\n", "1/3 [1][2]|2/6 [3][4]|" },
	{ "empty cells", "a,b\n,\n1,\n,2\n", "1/2 [][]|2/3 [1][]|3/4 [][2]|" },
	{ "spaces are kept", "a,b\n 1 ,  2\t\n\" 3 \",4 \n   ,x\n", "1/2 [ 1 ][  2\t]|2/3 [ 3 ][4 ]|3/4 [   ][x]|" },
	{ "spaces inside", "a,b\nx y, z  w \n", "1/2 [x y][ z  w ]|" },
	{ "quotes", "a,b\n\"1\",\"2\"\n\"\",\"x,y\"\n", "1/2 [1][2]|2/3 [][x,y]|" },
	{ "doubled quotes", "a,b\n\"x \"\"y\"\" z\",\"\"\"\"\n\"\"\"a\",\"b\"\"\"\n",
	  "1/2 [x \"y\" z][\"]|2/3 [\"a][b\"]|" },
	{ "doubled quotes and commas", "a,b\n\"\"\"x\"\",\",\"ab\"\",cd\"\n\"\"\"\"\"\",\"\"\",\"\n",
	  "1/2 [\"x\",][ab\",cd]|2/3 [\"\"][\",]|" },
	{ "line ends in cells", "a,b\n\"1\n2\",x\ny,\"3\r\n\r\n4\"\nz,w\n", "1/2 [1\n2][x]|2/4 [y][3\r\n\r\n4]|3/7 [z][w]|" },
	{ "a cell is one line end", "a,b\n\"\n\",\"\r\"\n1,2\n", "1/2 [\n][\r]|2/5 [1][2]|" },
	{ "quotes around line ends", "a,b\n\"x\n\"\"q\"\"\n\",\"\"\"\n\"\"\"\n1,2\n",
	  "1/2 [x\n\"q\"\n][\"\n\"]|2/6 [1][2]|" },
	{ "too few cells", "a,b,c\n1,2\n3,4,5\n", "1/2 [1][2][] !2 cells, the header has 3|2/3 [3][4][5]|" },
	{ "too many cells", "a,b\n1,2,3,4\n5,6\n", "1/2 [1][2] !4 cells, the header has 2|2/3 [5][6]|" },
	{ "one cell of two", "a,b\nx\n", "1/2 [x][] !1 cell, the header has 2|" },
	{ "one column", "a\nx\n\"\"\ny\n", "1/2 [x]|2/3 []|3/4 [y]|" },
	{ "stray quote", "a,b\nx\"y,2\n3,4\n", "1/2 [][] !" STRAY_IN "2 character 2|2/3 [3][4]|" },
	{ "stray quote in the second cell", "a,b\n1,5\" pipe\n3,4\n", "1/2 [1][] !" STRAY_IN "2 character 4|2/3 [3][4]|" },
	{ "stray quote behind letters", "a,b\n\xc3\xa9\xc3\xa9\",2\n", "1/2 [][] !" STRAY_IN "2 character 3|" },
	{ "text behind a quote", "a,b\n\"x\"y,2\n3,4\n", "1/2 [][] !" STRAY_BEHIND "2 character 4|2/3 [3][4]|" },
	{ "space behind a quote", "a,b\n\"x\" ,2\n3,4\n", "1/2 [x][2] !" STRAY_BEHIND "2 character 4|2/3 [3][4]|" },
	{ "space before a quote", "a,b\n1, \"x\"\n3,4\n", "1/2 [1][x] !" STRAY_BEFORE "2 character 4|2/3 [3][4]|" },
	{ "space before a quote that goes on", "a,b\n1, \"x\n3,4\n", "1/2 [1][] !" STRAY_BEFORE "2 character 4|2/3 [3][4]|" },
	{ "stray, and then a cell that goes on", "a,b,c\n\"x\" ,\"y\nz\",1\n3,4,5\n",
	  "1/2 [x][][] !" STRAY_BEHIND "2 character 4|2/3 [][][] !" STRAY_IN "3 character 2|3/4 [3][4][5]|" },
	{ "text behind a quote in a later cell", "a,b\n\"1\n2\",\"3\"x\n4,5\n", "1/2 [1\n2][] !" STRAY_BEHIND "3 character 7|2/4 [4][5]|" },
	{ "cell counts over lines", "a,b\n1,\"x\ny\",3\n", "1/2 [1][x\ny] !3 cells, the header has 2|" },
	{ "semicolon", "a;b;c\n1,5;2;3\n", "1/2 [1,5][2][3]|" },
	{ "tab", "a\tb\n1\t2 \n \t3\n\t\n", "1/2 [1][2 ]|2/3 [ ][3]|3/4 [][]|" },
	{ "pipe", "a|b\n1|2\n", "1/2 [1][2]|" },
	{ "comma wins a tie", "a,b;c\n1,2\n", "1/2 [1][2]|" },
	{ "quoted signs do not count", "\"a;;;\",b\n1,2\n", "1/2 [1][2]|" },
	{ "not ASCII", "n\xc3\xa4me,b\n\xe5\xbc\xa0\xe4\xbc\x9f,\"\xf0\x9f\x98\x80\"\n",
	  "1/2 [\xe5\xbc\xa0\xe4\xbc\x9f][\xf0\x9f\x98\x80]|" },
};

static void check_list(const struct csv_case *c, uint32_t block_rows, uint32_t max)
{
	struct rows *r;
	struct err e;
	struct buf got;

	buf_init(&got, 1 << 20);
	if (list_open(&r, &e) < 0 || list_read(r, block_rows, max, &got, &e) < 0)
		fail_msg("%s: %s", c->name, e.text);
	if (strcmp(buf_str(&got), c->rows) != 0)
		fail_msg("%s, %u at once:\n%s\n%s", c->name, max, buf_str(&got), c->rows);
	buf_reset(&got); /* and again */
	if (rows_rewind(r, &e) < 0 || list_read(r, block_rows, max, &got, &e) < 0)
		fail_msg("%s: %s", c->name, e.text);
	assert_string_equal(buf_str(&got), c->rows);
	buf_release(&got);
	rows_close(&r);
}

static void cells_and_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		list_put(span_str(cases[i].list));
		for (uint32_t n = 1; n < 4; n++)
			check_list(&cases[i], n, n);
		check_list(&cases[i], 100, 100);
	}
}

/* What is expected of the rows when `by` rows of a line each stand before them. */
static void add_later(struct buf *out, const char *rows, int by)
{
	bool begin = true;

	while (*rows) {
		bool number = begin || strncmp(rows, "line ", 5) == 0;
		char *end;

		if (number && !begin) {
			buf_add_str(out, "line ");
			rows += 5;
		}
		if (number && *rows >= '0' && *rows <= '9') {
			buf_addf(out, "%ld", strtol(rows, &end, 10) + by);
			if (begin)
				buf_addf(out, "/%ld", strtol(end + 1, &end, 10) + by);
			rows = end;
		}
		begin = *rows == '|';
		buf_add_char(out, *rows++);
	}
}

/* Lines are fed to the parser together; all of the above holds wherever it comes among them. */
static void behind_good_rows(void **state)
{
	static const int before[] = { 1, 2, 3, 40, 62, 63, 64, 65, 200 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *list = cases[i].list;

		if (strncmp(list, "a,b\n", 4) != 0)
			continue;
		for (size_t k = 0; k < sizeof before / sizeof *before; k++) {
			struct csv_case c = { .name = cases[i].name };
			struct buf text, rows;

			buf_init(&text, 1 << 16);
			buf_init(&rows, 1 << 16);
			buf_add_str(&text, "a,b\n");
			for (int n = 1; n <= before[k]; n++) {
				buf_add_str(&text, n % 2 ? "x,\"y\"\n" : "x, y \r\n");
				buf_addf(&rows, "%d/%d [x][%s]|", n, n + 1, n % 2 ? "y" : " y ");
			}
			buf_add_str(&text, list + 4);
			add_later(&rows, cases[i].rows, before[k]);
			list_put(buf_span(&text));
			c.rows = buf_str(&rows);
			check_list(&c, 1, 1);
			check_list(&c, 1000, 1000);
			buf_release(&text);
			buf_release(&rows);
		}
	}
}

/* Good rows with what was tried above between them. */
static void put_mixture(struct rng *rng)
{
	struct buf list;

	buf_init(&list, 1 << 20);
	buf_add_str(&list, "a,b\n");
	for (int n = 0; n < 400; n++) {
		const char *other = cases[rng_below(rng, sizeof cases / sizeof *cases)].list;

		if (rng_below(rng, 20) < 19)
			buf_addf(&list, n % 3 ? "%d, x%d \r\n" : "\"%d\",\"%d\"\n", n, n * 7777);
		else if (strncmp(other, "a,b\n", 4) == 0)
			buf_add_str(&list, other + 4);
	}
	list_put(buf_span(&list));
	buf_release(&list);
}

/* However many lines are fed to the parser at once. */
static void many_at_once(void **state)
{
	static const uint32_t most[] = { 1, 2, 7, 50, 1000 };
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3, 4);
	for (int round = 0; round < 100; round++) {
		struct buf got[2];
		struct rows *r;
		struct err e[2] = { { 0 } };

		put_mixture(&rng);
		for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
			buf_init(&got[i > 0], 1 << 20);
			assert_int_equal(list_open(&r, &e[i > 0]), 0);
			list_read(r, most[i], most[i], &got[i > 0], &e[i > 0]); /* a cell may be left open */
			assert_int_equal(e[0].line, e[i > 0].line);
			assert_string_equal(e[0].text, e[i > 0].text);
			assert_string_equal(buf_str(&got[0]), buf_str(&got[i > 0]));
			if (i > 0)
				buf_release(&got[1]);
			rows_close(&r);
		}
		assert_true(got[0].n > 0);
		buf_release(&got[0]);
	}
}

/* Each row is found again by its place, in any order, without moving the reader. */
static void by_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rows *r, *second;
		struct row_block *all, *one;
		struct row_place place;
		struct err e;
		int rc;

		list_put(span_str(cases[i].list));
		assert_int_equal(list_open(&r, &e), 0);
		assert_int_equal(rows_share(&second, r, &e), 0);
		row_block_new(&all, 20);
		row_block_new(&one, 1);
		rc = rows_read(r, all, 20, &e);
		assert_int_equal(rc, all->n > 0);
		for (uint32_t k = all->n; k-- > 0;) {
			const struct row *was = &all->rows[k], *now = &one->rows[0];

			place = (struct row_place){ was->number, was->line, was->offset };
			row_block_reset(one);
			assert_int_equal(rows_fetch(k % 2 ? r : second, &place, 1, one, &e), 0);
			assert_int_equal(now->number, was->number);
			assert_int_equal(now->line, was->line);
			assert_int_equal(now->offset, was->offset);
			assert_true(span_eq(now->problem, was->problem));
			for (uint32_t m = 0; m < was->n_cells; m++)
				assert_true(span_eq(now->cells[m], was->cells[m]));
		}
		if (all->n > 0) {
			row_block_reset(one);
			assert_int_equal(rows_read(second, one, 1, &e), 1);
			assert_int_equal(one->rows[0].number, 1);
		}
		place = (struct row_place){ 99, 99, 100000 };
		row_block_reset(one);
		assert_int_equal(rows_fetch(r, &place, 1, one, &e), -1);
		assert_non_null(strstr(e.text, "changed meanwhile"));
		row_block_free(&all);
		row_block_free(&one);
		rows_close(&second);
		rows_close(&r);
	}
}

/* A quote that is missing takes no rows along, neither silently nor as one that can be left out. */
static void open_quote_swallows_nobody(void **state)
{
	static const struct {
		const char *list;
		unsigned rows, line;
		const char *says;
	} bad[] = {
		{ "a,b\n\"1,2\n3,4\n5,\"6\"\n7,8\n", 0, 2, "goes on to line 4, where text or a space stands behind its closing quote (\"), character 4" },
		{ "a,b\n0,0\n\"1\n2\" x,3\n4,5\n", 1, 3, "goes on to line 4" },
		{ "a,b\n0,0\n0,1\n1,\"2\n3\" \n4,5\n", 2, 4, "goes on to line 5" },
		{ "a,b\n0,0\n\"x\ny\",\"2\n3\"z\n4,5\n", 1, 4, "goes on to line 5" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		for (uint32_t at_once = 1; at_once < 10; at_once += 8) {
			struct row_block *b;
			struct rows *r;
			struct err e = { 0 };
			unsigned n = 0;
			int rc;

			list_put(span_str(bad[i].list));
			assert_int_equal(list_open(&r, &e), 0);
			row_block_new(&b, 10);
			while ((rc = rows_read(r, b, at_once, &e)) == 1)
				;
			assert_int_equal(rc, -1);
			for (n = 0; n < b->n; n++)
				assert_int_equal(b->rows[n].problem.n, 0);
			assert_int_equal(n, bad[i].rows);
			assert_int_equal(e.kind, ERR_INPUT);
			assert_int_equal(e.line, bad[i].line);
			if (!strstr(e.text, bad[i].says))
				fail_msg("%s", e.text);
			row_block_free(&b);
			rows_close(&r);
		}
}

/* A record with a problem can be shown as it stands. */
static void raw_records(void **state)
{
	static const char *const raw[] = { "x\"y,2", "\"x\ny\",2,3", "1", "1,\"2\"3", "5,6,\"7\r\n8\"" };
	struct row_block *b;
	struct rows *r;
	struct err e;
	size_t n = 0;

	(void)state;
	list_put(SPAN("a,b\r\nx\"y,2\r\n1,2\n\"x\ny\",2,3\r1\n1,\"2\"3\n5,6\n5,6,\"7\r\n8\""));
	assert_int_equal(list_open(&r, &e), 0);
	row_block_new(&b, 20);
	assert_int_equal(rows_read(r, b, 20, &e), 1);
	for (uint32_t i = 0; i < b->n; i++) {
		assert_true((b->rows[i].problem.n > 0) == (b->rows[i].raw.p != NULL));
		if (b->rows[i].raw.p) {
			assert_int_equal(b->rows[i].raw.n, strlen(raw[n]));
			assert_memory_equal(b->rows[i].raw.p, raw[n], b->rows[i].raw.n);
			n++;
		}
	}
	assert_int_equal(n, sizeof raw / sizeof *raw);
	row_block_free(&b);
	rows_close(&r);
}

static void nul_bytes(void **state)
{
	struct rows *r;
	struct err e;
	struct buf got;

	(void)state;
	list_put(SPAN("a,b\n1,x\0y\n3,4\n\"z\n\0\",5\n6,7\n"));
	buf_init(&got, 4096);
	assert_int_equal(list_open(&r, &e), 0);
	assert_int_equal(list_read(r, 9, 9, &got, &e), 0);
	assert_int_equal(got.n, strlen("1/2 [1][x.y] !a NUL byte in a cell|2/3 [3][4]|"
				       "3/4 [z\n.][5] !a NUL byte in a cell|4/6 [6][7]|"));
	assert_memory_equal(got.p, "1/2 [1][x\0y] !a NUL byte in a cell|2/3 [3][4]|3/4 [z\n\0][5] !a", 60);
	buf_release(&got);
	rows_close(&r);
}

static void digest(void **state)
{
	unsigned char sum[32], expected[32];
	struct rows *r;
	struct err e;
	struct buf got, list;

	(void)state;
	buf_init(&list, 4 << 20);
	buf_init(&got, 8 << 20);
	buf_add_str(&list, "\xef\xbb\xbf\"a\n\",b\r\n");
	for (int i = 0; i < 60000; i++)
		buf_addf(&list, "%d,x%d\n", i, i);
	list_put(buf_span(&list));
	digest_sha256(buf_span(&list), expected);
	assert_int_equal(list_open(&r, &e), 0);
	assert_int_equal(list_read(r, 100, 100, &got, &e), 0);
	assert_false(rows_digest(r, sum)); /* nobody asked */
	rows_want_digest(r);
	for (int pass = 0; pass < 3; pass++) {
		assert_int_equal(rows_rewind(r, &e), 0);
		assert_false(rows_digest(r, sum));
		buf_reset(&got);
		assert_int_equal(list_read(r, 100, 100, &got, &e), 0);
		assert_true(rows_digest(r, sum));
		assert_memory_equal(sum, expected, 32);
		assert_int_equal(rows_bytes_done(r), list.n);
		assert_int_equal(rows_bytes(r), list.n);
	}
	rows_close(&r);
	assert_int_equal(list_open(&r, &e), 0); /* asked before the first row */
	rows_want_digest(r);
	assert_int_equal(list_read(r, 100, 100, &got, &e), 0);
	assert_true(rows_digest(r, sum));
	assert_memory_equal(sum, expected, 32);
	rows_close(&r);
	buf_release(&got);
	buf_release(&list);
}

/* What rows_put_csv() writes is read back the same, whatever the cells hold. */
static void written_and_read_back(void **state)
{
	static const char alphabet[] = "ab \t,;|\"\"\n\r'\xc3\xa9=";
	struct buf list, cells[400];
	struct row_block *b;
	struct rows *r;
	struct rng rng;
	struct err e;

	(void)state;
	rng_seed(&rng, 1, 2);
	row_block_new(&b, 100);
	for (int round = 0; round < 60; round++) {
		struct span row[4];

		buf_init(&list, 1 << 20);
		buf_add_str(&list, "a,b,c,d\r\n");
		for (int i = 0; i < 400; i++) {
			buf_init(&cells[i], 100);
			for (uint64_t n = rng_below(&rng, 7); n > 0; n--) {
				char c = alphabet[rng_below(&rng, sizeof alphabet - 1)];

				if (c == '\xc3' || c == '\xa9')
					buf_add_str(&cells[i], "\xc3\xa9");
				else
					buf_add_char(&cells[i], c);
			}
			row[i % 4] = buf_span(&cells[i]);
			if (i % 4 == 3)
				assert_int_equal(rows_put_csv(&list, row, 4), 0);
		}
		list_put(buf_span(&list));
		assert_int_equal(list_open(&r, &e), 0);
		row_block_reset(b);
		assert_int_equal(rows_read(r, b, 100, &e), 1);
		assert_int_equal(b->n, 100);
		for (int i = 0; i < 400; i++) {
			assert_int_equal(b->rows[i / 4].problem.n, 0);
			assert_true(span_eq(b->rows[i / 4].cells[i % 4], buf_span(&cells[i])));
			buf_release(&cells[i]);
		}
		rows_close(&r);
		buf_release(&list);
	}
	row_block_free(&b);
}

static void put_one(void **state)
{
	struct span cells[] = { SPAN("a b"), SPAN("x,\"y\""), SPAN(""), SPAN(" z") };
	struct buf out;

	(void)state;
	buf_init(&out, 64);
	assert_int_equal(rows_put_csv(&out, cells, 4), 0);
	assert_string_equal(buf_str(&out), "a b,\"x,\"\"y\"\"\",,\" z\"\r\n");
	buf_reset(&out);
	assert_int_equal(rows_put_csv(&out, &cells[2], 1), 0);
	assert_string_equal(buf_str(&out), "\"\"\r\n");
	buf_reset(&out);
	while (rows_put_csv(&out, cells, 4) == 0)
		;
	assert_int_equal(out.n, 3 * 21); /* no half record */
	buf_release(&out);
}

/* One failure may be made up for (libcsv asks again for less); lasting ones may not. */
static void no_memory(void (*fail_at)(long), int *good, int *bad)
{
	for (long n = 0; n < 60; n++) {
		struct rows *r = NULL;
		struct err e = { 0 };
		struct buf got;
		int rc;

		buf_init(&got, 4096);
		fail_at(n);
		rc = list_open(&r, &e);
		if (rc == 0) {
			rows_want_digest(r);
			rc = list_read(r, 2, 2, &got, &e);
		}
		mem_fail_after(-1);
		assert_true(rc == 0 || fail_at != mem_fail_from || *good == 0); /* what lasts is not made up for */
		if (rc < 0)
			assert_int_equal(e.kind, ERR_NOMEM);
		else if (!got.failed)
			assert_string_equal(buf_str(&got), "1/2 [1][2]|2/3 [x\ny][\"]|"
					    "3/5 [w\nq][] !" STRAY_BEHIND "6 character 7|");
		*(rc < 0 ? bad : good) += 1;
		buf_release(&got);
		rows_close(&r);
	}
}

static void survives_no_memory(void **state)
{
	int good = 0, bad = 0, lasting_good = 0, lasting_bad = 0;

	(void)state;
	list_put(SPAN("a,b\n1,2\n\"x\ny\",\"\"\"\"\n\"w\nq\",\"s\"r\n"));
	no_memory(mem_fail_after, &good, &bad);
	no_memory(mem_fail_from, &lasting_good, &lasting_bad);
	/* Some of both kinds; how many depends on the mode. */
	assert_true(good > 0 && bad > 10 && lasting_good > 0 && lasting_bad > 10);
	assert_true(lasting_bad >= bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(cells_and_lines),
		LIST_TEST(behind_good_rows),
		LIST_TEST(many_at_once),
		LIST_TEST(by_place),
		LIST_TEST(open_quote_swallows_nobody),
		LIST_TEST(raw_records),
		LIST_TEST(nul_bytes),
		LIST_TEST(digest),
		LIST_TEST(written_and_read_back),
		LIST_TEST(put_one),
		LIST_TEST(survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
