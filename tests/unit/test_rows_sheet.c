/* Workbooks that no program writes: a header that cannot be read, rows that stand for a billion. */
#include "tests/unit/rows_fixture.h"

#include "tests/fuzz/fuzz_zip.h"

#include "engine/base/utf8.h"

enum { WORKBOOK_MAX = 1 << 20 };

#define TYPE "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
#define ODS_BEGIN                                                                                                    \
	"<office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" "               \
	"xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" "                                          \
	"xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\"><office:body><office:spreadsheet>"           \
	"<table:table table:name=\"S\"><table:table-row><table:table-cell office:value-type=\"string\">"            \
	"<text:p>email</text:p></table:table-cell></table:table-row>"
#define ODS_END "</table:table></office:spreadsheet></office:body></office:document-content>"

static void put_xlsx(const char *sheet)
{
	struct zip_out z;

	zip_begin(&z, WORKBOOK_MAX);
	zip_add(&z, "xl/sheet.xml", span_str(sheet));
	zip_add(&z, "xl/workbook.xml", SPAN("<workbook><sheets><sheet name=\"S\" r:id=\"r\"/></sheets></workbook>"));
	zip_add(&z, "xl/_rels/workbook.xml.rels",
		SPAN("<Relationships><Relationship Id=\"r\" Type=\"" TYPE "worksheet\" Target=\"sheet.xml\"/></Relationships>"));
	list_put(zip_finish(&z));
	zip_end(&z);
}

static void put_ods(const char *content)
{
	struct zip_out z;

	zip_begin(&z, WORKBOOK_MAX);
	zip_add(&z, "mimetype", SPAN("application/vnd.oasis.opendocument.spreadsheet"));
	zip_add(&z, "content.xml", span_str(content));
	list_put(zip_finish(&z));
	zip_end(&z);
}

static void headers_with_a_problem(void **state)
{
	static const char *const sheets[] = {
		"<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>4</v></c></row></sheetData></worksheet>",
		"<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>email</v></c><c r=\"B1\" t=\"s\"><v>4</v></c></row>"
		"<row r=\"2\"><c r=\"A2\" t=\"str\"><v>a@x.example</v></c></row></sheetData></worksheet>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof sheets / sizeof *sheets; i++) {
		struct rows *r;
		struct err e = { 0 };

		put_xlsx(sheets[i]);
		assert_int_equal(list_open(&r, &e), -1);
		assert_true(e.kind == ERR_INPUT && e.line == 1);
		assert_non_null(strstr(e.text, i ? "cell B1 names a shared text" : "cell A1 names a shared text"));
	}
}

/* Of a problem that is cut, no character is. */
static void problems_are_text(void **state)
{
	struct row_block *b;
	struct rows *r;
	struct err e = { 0 };

	(void)state;
	put_xlsx("<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"str\"><v>email</v></c></row><row r=\"2\"><c r=\"A2\" t=\"e\"><v>"
		 "#\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9</v></c></row></sheetData></worksheet>");
	assert_int_equal(list_open(&r, &e), 0);
	assert_int_equal(row_block_new(&b, 4), 0);
	assert_int_equal(rows_read(r, b, 4, &e), 1);
	assert_true(b->n == 1 && b->rows[0].problem.n > 0 && utf8_valid(b->rows[0].problem));
	row_block_free(&b);
	rows_close(&r);
}

static void rows_for_a_billion(void **state)
{
	static const char *const cells[] = {
		"<table:table-cell table:formula=\"of:=1\"/>", /* a problem, and nothing that counts as a cell */
		"<table:table-cell office:value-type=\"string\"><text:p>a@x.example</text:p></table:table-cell>",
	};
	char content[2000];

	(void)state;
	for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
		struct rows *r;
		struct err e = { 0 };

		snprintf(content, sizeof content, "%s<table:table-row table:number-rows-repeated=\"1000000000\">%s</table:table-row>%s",
			 ODS_BEGIN, cells[i], ODS_END);
		put_ods(content);
		assert_int_equal(list_open(&r, &e), -1);
		assert_non_null(strstr(e.text, "is repeated 1000000000 times"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIST_TEST(headers_with_a_problem),
		LIST_TEST(problems_are_text),
		LIST_TEST(rows_for_a_billion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
