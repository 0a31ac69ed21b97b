/* fuzz_rows_json.c - any bytes as a list in JSON: the first byte says whether an array or objects. */
#include "tests/fuzz/fuzz_list.h"

#include "engine/base/buf.h"

enum { INPUT_MAX = 1 << 22 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const begins[] = { "", "{\"a\":1}\n", "[{\"a\":1},", "[{", "{\"" };
	struct rows_ways ways = { 0 };
	struct buf b;

	if (size == 0)
		return 0;
	buf_init(&b, INPUT_MAX);
	buf_add_str(&b, begins[data[0] % (sizeof begins / sizeof *begins)]);
	buf_add(&b, span_of(data + 1, size - 1));
	if (!b.failed)
		list_check(buf_span(&b), &ways);
	buf_release(&b);
	return 0;
}
