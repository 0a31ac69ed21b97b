/* fuzz_rows_text.c - any bytes as a list of text: encodings, delimiters, CSV, packed or not. The first
 * byte chooses how the list is read. */
#include "tests/fuzz/fuzz_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rows_ways ways[] = {
		{ 0 },
		{ .delimiter = "semicolon" },
		{ .encoding = "windows-1252" },
		{ .encoding = "GB18030" },
		{ .encoding = "UTF-16" },
		{ .no_header = true, .names = "a,b" },
		{ .encoding = "Shift_JIS", .delimiter = "tab" },
		{ .encoding = "ISO-2022-JP" },
	};

	if (size > 0)
		list_check(span_of(data + 1, size - 1), &ways[data[0] % (sizeof ways / sizeof *ways)]);
	return 0;
}
