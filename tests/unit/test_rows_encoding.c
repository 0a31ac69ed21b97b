/* Lists as they are found: encodings told, marked and guessed, delimiters, lists without header,
 * packed lists. Each must read as the same rows, keep its lines, and be found again by place. */
#include "tests/unit/rows_fixture.h"

#include <iconv.h>
#include <zlib.h>

#include "engine/base/digest.h"
#include "engine/model/finding.h"

static struct rows_ways ways; /* for the next opening */

struct notes {
	struct finding_sink sink;
	char text[1000];
};

static void note(struct finding_sink *self, const struct finding *f)
{
	struct notes *n = (struct notes *)(void *)self;
	size_t at = strlen(n->text);

	snprintf(n->text + at, sizeof n->text - at, "%d:%s/%s|", (int)f->line, f->text, f->hint);
}

/* The rows as one text, or the error; *form and *notes when they are asked for. */
static void read_list(struct buf *got, char form[160], struct notes *notes)
{
	struct rows_options o = { .path = list_path, .ways = ways };
	struct err e = { 0 };
	struct rows *r;

	buf_reset(got);
	if (rows_open(&r, &o, &e) < 0) {
		buf_addf(got, "%d,%d: %s/%s", (int)e.line, (int)e.column, e.text, e.hint);
		return;
	}
	if (list_read(r, 3, 2, got, &e) < 0)
		buf_addf(got, "%d,%d: %s", (int)e.line, (int)e.column, e.text);
	if (form)
		snprintf(form, 160, "%s", rows_form(r));
	if (notes) {
		*notes = (struct notes){ .sink = { .report = note } };
		rows_tell(r, &notes->sink);
	}
	rows_close(&r);
}

static void encode(const char *name, struct span text, struct buf *out)
{
	iconv_t cd = iconv_open(name, "UTF-8");
	char *in = (char *)(uintptr_t)text.p, *to;
	size_t n = text.n, room = text.n * 4 + 16;

	assert_true(cd != (iconv_t)-1);
	buf_reset(out);
	to = buf_room(out, room);
	assert_non_null(to);
	if (iconv(cd, &in, &n, &to, &room) == (size_t)-1)
		fail_msg("the test's text has characters that %s lacks", name);
	buf_grew(out, text.n * 4 + 16 - room);
	iconv_close(cd);
}

#define GERMAN "Mail;Vorname;Ort\n"
#define GERMAN_ROWS "a@b.example;J\xc3\xbcrgen;K\xc3\xb6ln\n\nc@b.example;Zo\xc3\xab Gro\xc3\x9f;M\xc3\xbcnchen\n"
#define RUSSIAN "email;\xd0\xb8\xd0\xbc\xd1\x8f\n"
#define RUSSIAN_ROWS "a@b.example;\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd \xd0\x9f\xd0\xb5\xd1\x82\xd1\x80\xd0\xbe\xd0\xb2\n" \
	"c@b.example;\xd0\x9e\xd0\xbb\xd1\x8c\xd0\xb3\xd0\xb0 \xd0\xa1\xd0\xb8\xd0\xb4\xd0\xbe\xd1\x80\xd0\xbe\xd0\xb2\xd0\xb0\n"
#define POLISH "email;imie;miasto\n"
#define POLISH_ROWS "a@b.example;\xc5\x81ukasz;Krak\xc3\xb3w\nc@b.example;Micha\xc5\x82 \xc5\xbb" "ak;\xc5\x81\xc3\xb3" "d\xc5\xba \xc5\x9aw\n"
#define CHINESE "email,\xe5\xa7\x93\xe5\x90\x8d,\xe5\x9f\x8e\xe5\xb8\x82\n"
#define CHINESE_ROWS "a@b.example,\xe5\xbc\xa0\xe4\xbc\x9f,\xe4\xb8\x8a\xe6\xb5\xb7\nc@b.example,\xe7\x8e\x8b\xe8\x8a\xb3,\xe5\x8c\x97\xe4\xba\xac\xe5\xb8\x82\n"
#define TAIWAN "email,\xe5\xa7\x93\xe5\x90\x8d\n"
#define TAIWAN_ROWS "a@b.example,\xe9\x99\xb3\xe6\x80\xa1\xe5\x90\x9b\nc@b.example,\xe6\x9e\x97\xe5\xbf\x97\xe6\x98\x8e\xe8\x87\xba\xe5\x8c\x97\n"
#define JAPANESE "email,\xe6\xb0\x8f\xe5\x90\x8d\n"
#define JAPANESE_ROWS "a@b.example,\xe5\xb1\xb1\xe7\x94\xb0\xe5\xa4\xaa\xe9\x83\x8e\nc@b.example,\xe9\x88\xb4\xe6\x9c\xa8\xe3\x81\xaf\xe3\x81\xaa\xe3\x81\x93\n"
#define KOREAN "email,\xec\x9d\xb4\xeb\xa6\x84\n"
#define KOREAN_ROWS "a@b.example,\xea\xb9\x80\xeb\xaf\xbc\xec\x88\x98\nc@b.example,\xec\x9d\xb4\xec\x98\x81\xed\x9d\xac\n"

static const struct encoded {
	const char *encoding, *header, *rows, *form;
} encoded[] = {
	{ "CP1252", GERMAN, GERMAN_ROWS, "CSV, semicolon, windows-1252 (a guess)" },
	{ "ISO-8859-15", GERMAN, GERMAN_ROWS, "CSV, semicolon, windows-1252 (a guess)" },
	{ "CP1251", RUSSIAN, RUSSIAN_ROWS, "CSV, semicolon, windows-1251 (a guess)" },
	{ "KOI8-R", RUSSIAN, RUSSIAN_ROWS, "CSV, semicolon, KOI8-R (a guess)" },
	{ "ISO-8859-5", RUSSIAN, RUSSIAN_ROWS, "CSV, semicolon, ISO-8859-5 (a guess)" },
	{ "CP1250", POLISH, POLISH_ROWS, "CSV, semicolon, windows-1250 (a guess)" },
	{ "GB18030", CHINESE, CHINESE_ROWS, "CSV, comma, GB18030 (a guess)" },
	{ "GB2312", CHINESE, CHINESE_ROWS, "CSV, comma, GB18030 (a guess)" },
	{ "BIG5", TAIWAN, TAIWAN_ROWS, "CSV, comma, Big5 (a guess)" },
	{ "CP932", JAPANESE, JAPANESE_ROWS, "CSV, comma, Shift_JIS (a guess)" },
	{ "EUC-JP", JAPANESE, JAPANESE_ROWS, "CSV, comma, EUC-JP (a guess)" },
	{ "EUC-KR", KOREAN, KOREAN_ROWS, "CSV, comma, EUC-KR (a guess)" },
	{ "UTF-16", GERMAN, GERMAN_ROWS, "CSV, semicolon, UTF-16LE" },
	{ "UTF-16LE", GERMAN, GERMAN_ROWS, "CSV, semicolon, UTF-16LE" },
	{ "UTF-16BE", GERMAN, GERMAN_ROWS, "CSV, semicolon, UTF-16BE" },
	{ "UTF-16LE", CHINESE, CHINESE_ROWS, "CSV, comma, UTF-16LE" },
	{ "UTF-32", GERMAN, GERMAN_ROWS, "CSV, semicolon, UTF-32LE" },
	{ "UTF-8", CHINESE, CHINESE_ROWS, "CSV, comma, UTF-8" },
};

static void looked_at(void **state)
{
	struct buf file, wanted, got;
	struct notes notes;
	char form[160], text[600];

	(void)state;
	buf_init(&file, 10000);
	buf_init(&wanted, 10000);
	buf_init(&got, 10000);
	for (size_t i = 0; i < sizeof encoded / sizeof *encoded; i++) {
		const struct encoded *c = &encoded[i];

		snprintf(text, sizeof text, "%s%s", c->header, c->rows);
		ways = (struct rows_ways){ 0 };
		list_put(span_str(text));
		read_list(&wanted, NULL, NULL);
		encode(c->encoding, span_str(text), &file);
		list_put(buf_span(&file));
		read_list(&got, form, &notes);
		if (!span_eq(buf_span(&got), buf_span(&wanted)))
			fail_msg("%s: %s, not %s", c->encoding, buf_str(&got), buf_str(&wanted));
		assert_string_equal(form, c->form);
		assert_true(strstr(form, "a guess") ? strstr(notes.text, "--encoding NAME") != NULL : !notes.text[0]);
		ways.encoding = c->encoding; /* and the same when it is said */
		read_list(&got, form, &notes);
		assert_true(span_eq(buf_span(&got), buf_span(&wanted)));
		assert_null(strstr(form, "guess"));
		assert_string_equal(notes.text, "");
	}
	buf_release(&file);
	buf_release(&wanted);
	buf_release(&got);
}

static void a_guess_is_said_with_a_row(void **state)
{
	struct notes notes;
	struct buf got;

	(void)state;
	ways = (struct rows_ways){ 0 };
	buf_init(&got, 10000);
	list_put(SPAN("mail,name\na@b.example,Ann\nc@b.example,M\xfcller\n"));
	read_list(&got, NULL, &notes);
	assert_string_equal(notes.text, "3:the list is not UTF-8 and does not say what it is; taken as windows-1252, "
			    "a row of it reads: c@b.example | M\xc3\xbcller/when that is wrong, say --encoding NAME|");
	ways.encoding = "CP1251"; /* whoever says it decides, right or wrong */
	read_list(&got, NULL, &notes);
	assert_string_equal(buf_str(&got), "1/2 [a@b.example][Ann]|2/3 [c@b.example][M\xd1\x8cller]|");
	assert_string_equal(notes.text, "");
	buf_release(&got);
}

/* Where the first row with letters looks well and another does not, that one is shown. */
static void a_wrong_guess_shows_itself(void **state)
{
	struct notes notes;
	struct buf got, file;

	(void)state;
	ways = (struct rows_ways){ 0 };
	buf_init(&got, 10000);
	buf_init(&file, 10000);
	encode("ISO-8859-2", SPAN("email,jm\xc3\xa9no,m\xc4\x9bsto\na@b.example,Ji\xc5\x99\xc3\xad Nov\xc3\xa1k,Plze\xc5\x88\n"
				  "c@b.example,V\xc4\x9bra \xc5\xa0\xc5\xa5" "astn\xc3\xa1,\xc4\x8c" "esk\xc3\xa9 Bud\xc4\x9bjovice\n"), &file);
	list_put(buf_span(&file));
	read_list(&got, NULL, &notes);
	if (!strstr(buf_str(&got), "\xc5\xa0\xc5\xa5" "astn") && !strstr(notes.text, "3:the list is not UTF-8"))
		fail_msg("%s", notes.text);
	buf_release(&got);
	buf_release(&file);
}

/* Few letters of Western Europe: nobody's DOS, nobody's Mac. */
static void few_letters_are_of_windows(void **state)
{
	static const char *const names[] = { "Jos\xe9", "Zo\xeb", "Gro\xdfmann", "Ana\xefs", "Besan\xe7on", "In\xeas", "G\xfcnther" };
	char text[200], form[160];
	struct notes notes;
	struct buf got;

	(void)state;
	ways = (struct rows_ways){ 0 };
	buf_init(&got, 10000);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(text, sizeof text, "email,name\na@b.example,Ann\nc@b.example,%s\n", names[i]);
		list_put(span_str(text));
		read_list(&got, form, &notes);
		if (strcmp(form, "CSV, comma, windows-1252 (a guess)") != 0)
			fail_msg("%s: %s", names[i], form);
	}
	buf_release(&got);
}

static void encodings_have_many_names(void **state)
{
	static const char *const names[] = {
		"windows-1252", "Windows 1252", "windows1252", "win1252", "CP-1252", "1252", "ansi", "latin1", "Latin-1", "ISO 8859-1",
	};
	struct notes notes;
	struct buf got;

	(void)state;
	buf_init(&got, 10000);
	list_put(SPAN("email,name\na@b.example,Jos\xe9\n"));
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		ways = (struct rows_ways){ .encoding = names[i] };
		read_list(&got, NULL, &notes);
		assert_string_equal(buf_str(&got), "1/2 [a@b.example][Jos\xc3\xa9]|");
	}
	list_put(SPAN("email,name\na@b.example,Jos\xc3\xa9\n"));
	for (size_t i = 0; i < 4; i++) {
		static const char *const utf8[] = { "utf8", "UTF 8", "utf-8-sig", "UTF-8 BOM" };

		ways = (struct rows_ways){ .encoding = utf8[i] };
		read_list(&got, NULL, &notes);
		assert_string_equal(buf_str(&got), "1/2 [a@b.example][Jos\xc3\xa9]|");
	}
	list_put(SPAN("a,b\n\x83\\,~\n")); /* 0x5C is a backslash for Windows, a yen sign for the standard */
	ways = (struct rows_ways){ .encoding = "shift-jis" };
	read_list(&got, NULL, &notes);
	assert_string_equal(buf_str(&got), "1/2 [\xe3\x82\xbd][~]|");
	buf_release(&got);
}

static const struct way_case {
	const char *name, *list;
	struct rows_ways ways;
	const char *got; /* rows or the error */
} ways_to_read[] = {
	{ "sep= says it", "sep=;\r\na;b,c\r\n1;2,3\r\n", { 0 }, "1/3 [1][2,3]|" },
	{ "sep= in quotes", "\"SEP=|\"\na|b,c\n1|2,3\n", { 0 }, "1/3 [1][2,3]|" },
	{ "sep= in UTF-16", "\xff\xfes\0e\0p\0=\0;\0\n\0a\0;\0b\0\n\0" "1\0;\0" "2\0\n\0", { 0 }, "1/3 [1][2]|" },
	{ "a column named sep=", "sep=;,b\n1,2\n", { 0 }, "1/2 [1][2]|" },
	{ "--delimiter over sep=", "sep=;\na|b;c\n1|2;3\n", { .delimiter = "pipe" }, "1/3 [1][2;3]|" },
	{ "--delimiter tab", "a,x\tb\n1,2\t3\n", { .delimiter = "tab" }, "1/2 [1,2][3]|" },
	{ "--delimiter with a sign of its own", "a^b\n1^2\n", { .delimiter = "^" }, "1/2 [1][2]|" },
	{ "--delimiter that is none", "a,b\n", { .delimiter = "\"" },
	  "0,0: --delimiter: '\"' divides no cells/write comma, semicolon, tab, pipe, or one sign, as in --delimiter ';'" },
	{ "a comma within numbers", "mail;amount\na@b.example;1,5\nb@b.example;2,5\n", { 0 },
	  "1/2 [a@b.example][1,5]|2/3 [b@b.example][2,5]|" },
	{ "a name with a comma in the header", "Name, Vorname;mail\nLee, Ann;a@b.example\n", { 0 },
	  "1/2 [Lee, Ann][a@b.example]|" },
	{ "a header with more commas than semicolons", "a, b, c and d;mail\n1;2\n3;4\n", { 0 }, "1/2 [1][2]|2/3 [3][4]|" },
	{ "--no-header", "1,2\n3,4\n", { .no_header = true, .names = " a , b" }, "1/1 [1][2]|2/2 [3][4]|" },
	{ "--no-header behind sep=", "sep=;\n\n1;2\n", { .no_header = true, .names = "a,b" }, "1/3 [1][2]|" },
	{ "--no-header behind a BOM", "\xef\xbb\xbf" "1,2\n", { .no_header = true, .names = "a,b" }, "1/1 [1][2]|" },
	{ "--no-header alone", "1,2\n", { .no_header = true },
	  "0,0: --no-header wants --columns: the letter's words for the cells/as in --no-header --columns email,name,city" },
	{ "--columns alone", "1,2\n", { .names = "a" },
	  "0,0: --columns names the columns of a list without header: it wants --no-header/" },
	{ "too few names", "\n1,2,3\n", { .no_header = true, .names = "a,b" },
	  "2,0: --columns names 2 columns, but the first row has 3 cells/the list was read as CSV, comma, UTF-8" },
	{ "an empty name", "1,2\n", { .no_header = true, .names = "a, " },
	  "0,0: --columns: name 2 is empty/the list was read as CSV, comma, UTF-8" },
	{ "the same name twice", "1,2\n", { .no_header = true, .names = "a,A" },
	  "0,0: columns 1 and 2 are named alike: 'a' and 'A'/give each column a name of its own in the header line "
	  "(the list was read as CSV, comma, UTF-8)" },
	{ "an encoding nobody knows", "a\n", { .encoding = "klingon" },
	  "0,0: --encoding: 'klingon' is no encoding that is known here/common ones are windows-1252, windows-1250, "
	  "windows-1251, GB18030, Big5, Shift_JIS; 'iconv -l' lists all" },
	{ "a byte that the encoding does not have", "a,b\r\n1,2\r3,\x81\n", { .encoding = "windows-1252" },
	  "3,3: the list is not windows-1252: byte 0x81 begins no character of it/--encoding NAME says what the list is; "
	  "or save it as UTF-8 (\"CSV UTF-8\" in the office program)" },
	{ "the same in UTF-16 with a mark", "\xff\xfe" "a\0,\0b\0\n\0" "1\0,\0\0\xdcx\0x\0x\0x\0x\0x\0\n\0", { 0 },
	  "2,3: the list is not UTF-16LE: byte 0x00 begins no character of it/--encoding NAME says what the list is; "
	  "or save it as UTF-8 (\"CSV UTF-8\" in the office program)" },
};

static void told(void **state)
{
	struct buf got;

	(void)state;
	buf_init(&got, 10000);
	for (size_t i = 0; i < sizeof ways_to_read / sizeof *ways_to_read; i++) {
		const struct way_case *c = &ways_to_read[i];
		size_t n = c->list[0] == '\xff' ? 30 : strlen(c->list);

		list_put(span_of(c->list, n));
		ways = c->ways;
		read_list(&got, NULL, NULL);
		if (strcmp(buf_str(&got), c->got) != 0)
			fail_msg("%s: %s", c->name, buf_str(&got));
	}
	buf_release(&got);
}

static void pack(struct span text, int members)
{
	gzFile f = gzopen(list_path, "wb");

	for (int i = 0; i < members; i++) {
		size_t from = text.n * (size_t)i / (size_t)members, to = text.n * (size_t)(i + 1) / (size_t)members;

		if (i > 0)
			f = gzopen(list_path, "ab");
		assert_int_equal(gzwrite(f, text.p + from, (unsigned)(to - from)), (int)(to - from));
		gzclose(f);
	}
}

/* The same rows in every wrapping; found again by place; the digest is that of the file. */
static void converted_lists_keep_the_contract(void **state)
{
	struct buf text, got, again;
	char form[160];

	(void)state;
	ways = (struct rows_ways){ 0 };
	buf_init(&text, 1 << 20);
	buf_init(&got, 1 << 20);
	buf_init(&again, 1 << 20);
	buf_add_str(&text, "email;name\n");
	for (int i = 0; i < 5000; i++)
		buf_addf(&text, "user%d@b.example;\"J\xfcrgen\nder %d.\"\n", i, i);
	for (int form_of_it = 0; form_of_it < 3; form_of_it++) {
		struct rows_options o = { .path = list_path };
		unsigned char sum[32], wanted_sum[32];
		struct row_block *b, *one;
		struct err e = { 0 };
		struct rows *r;
		uint64_t rows = 0;
		FILE *f;
		char file[1 << 18];
		size_t n;

		if (form_of_it == 0)
			list_put(buf_span(&text));
		else
			pack(buf_span(&text), form_of_it);
		f = fopen(list_path, "re");
		n = fread(file, 1, sizeof file, f);
		fclose(f);
		digest_sha256(span_of(file, n), wanted_sum);
		assert_int_equal(rows_open(&r, &o, &e), 0);
		snprintf(form, sizeof form, "%s", rows_form(r));
		assert_string_equal(form, form_of_it ? "CSV, semicolon, windows-1252 (a guess), in gzip"
						     : "CSV, semicolon, windows-1252 (a guess)");
		rows_want_digest(r);
		row_block_new(&b, 100);
		row_block_new(&one, 1);
		while (rows_read(r, b, 100, &e) > 0) {
			const struct row *row = &b->rows[b->n / 2];
			struct row_place place = { row->number, row->line, row->offset };

			assert_int_equal(row->line, 2 * row->number);
			assert_int_equal(rows_fetch(r, &place, 1, one, &e), 0);
			assert_true(span_eq(one->rows[0].cells[1], row->cells[1]));
			assert_int_equal(one->rows[0].line, row->line);
			rows += b->n;
			row_block_reset(b);
			row_block_reset(one);
		}
		assert_int_equal(rows, 5000);
		assert_true(rows_digest(r, sum));
		assert_memory_equal(sum, wanted_sum, 32);
		row_block_free(&b);
		row_block_free(&one);
		rows_close(&r);
	}
	buf_release(&text);
	buf_release(&got);
	buf_release(&again);
}

/* A few hundred KiB that unpack to a hundred MiB. */
static void bombs_are_refused(void **state)
{
	static char zeros[1 << 20];
	gzFile f = gzopen(list_path, "wb9");
	struct buf got;

	(void)state;
	ways = (struct rows_ways){ 0 };
	for (int i = 0; i < 80; i++)
		assert_int_equal(gzwrite(f, zeros, sizeof zeros), sizeof zeros);
	gzclose(f);
	buf_init(&got, 1000);
	read_list(&got, NULL, NULL);
	assert_non_null(strstr(buf_str(&got), "unpacked, the list is over 200 times as large"));
	buf_release(&got);
}

/* Every place where memory can run out gives one clear error, and nothing leaks (MODE=asan). */
static void survives_no_memory(void **state)
{
	int good = 0, bad = 0;

	(void)state;
	pack(SPAN("a;b\n1;\xfc\n"), 1);
	for (long n = 0; n < 60; n++) {
		struct rows *r = NULL;
		struct err e = { 0 };

		mem_fail_from(n);
		if (list_open(&r, &e) == 0)
			good++;
		else
			bad++;
		mem_fail_after(-1);
		if (!r)
			assert_int_equal(e.kind, ERR_NOMEM);
		rows_close(&r);
	}
	assert_true(good > 0 && bad > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(looked_at),
		LIST_TEST(a_guess_is_said_with_a_row),
		LIST_TEST(a_wrong_guess_shows_itself),
		LIST_TEST(few_letters_are_of_windows),
		LIST_TEST(encodings_have_many_names),
		LIST_TEST(told),
		LIST_TEST(converted_lists_keep_the_contract),
		LIST_TEST(bombs_are_refused),
		LIST_TEST(survives_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
