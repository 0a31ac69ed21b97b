/* fuzz_rows_ods.c - any text as the content of an ODS workbook. */
#include "tests/fuzz/fuzz_list.h"
#include "tests/fuzz/fuzz_zip.h"

enum { INPUT_MAX = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rows_ways ways = { 0 };
	struct zip_out z;

	zip_begin(&z, INPUT_MAX);
	zip_add(&z, "mimetype", SPAN("application/vnd.oasis.opendocument.spreadsheet"));
	zip_add(&z, "content.xml", span_of(data, size));
	list_check(zip_finish(&z), &ways);
	zip_end(&z);
	return 0;
}
