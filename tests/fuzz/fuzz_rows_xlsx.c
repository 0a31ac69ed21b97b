/* fuzz_rows_xlsx.c - any text as the parts of an XLSX workbook: sheet, shared texts, styles and the
 * workbook itself, divided by a line "%%"; what is missing is as it should be. */
#include "tests/fuzz/fuzz_list.h"
#include "tests/fuzz/fuzz_zip.h"

enum { INPUT_MAX = 1 << 22 };

#define TYPE "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"

static struct span next_part(struct span *rest, struct span otherwise)
{
	size_t n = span_search(*rest, SPAN("\n%%\n"));
	struct span part = span_sub(*rest, 0, n);

	*rest = span_skip(*rest, n + 4);
	return part.n ? part : otherwise;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span rels = SPAN("<Relationships><Relationship Id=\"r\" Type=\"" TYPE "worksheet\" Target=\"sheet.xml\"/>"
					     "<Relationship Id=\"s\" Type=\"" TYPE "sharedStrings\" Target=\"strings.xml\"/>"
					     "<Relationship Id=\"t\" Type=\"" TYPE "styles\" Target=\"styles.xml\"/></Relationships>");
	struct span rest = span_of(data, size);
	struct rows_ways ways = { 0 };
	struct zip_out z;

	zip_begin(&z, INPUT_MAX);
	zip_add(&z, "xl/sheet.xml", next_part(&rest, SPAN("<worksheet/>")));
	zip_add(&z, "xl/strings.xml", next_part(&rest, SPAN("<sst><si><t>email</t></si></sst>")));
	zip_add(&z, "xl/styles.xml", next_part(&rest, SPAN("<styleSheet><cellXfs><xf numFmtId=\"14\"/></cellXfs></styleSheet>")));
	zip_add(&z, "xl/workbook.xml", next_part(&rest, SPAN("<workbook><sheets><sheet name=\"S\" r:id=\"r\"/></sheets></workbook>")));
	zip_add(&z, "xl/_rels/workbook.xml.rels", rels);
	list_check(zip_finish(&z), &ways);
	zip_end(&z);
	return 0;
}
