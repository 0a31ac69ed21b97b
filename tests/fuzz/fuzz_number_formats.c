/* fuzz_number_formats.c - any text as the format of a cell, any number in it. */
#include <stdint.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/must.h"
#include "engine/rows/book_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SHOWN_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out;
	double value;

	if (size < sizeof value + 1)
		return 0;
	memcpy(&value, data + 1, sizeof value);
	buf_init(&out, SHOWN_MAX);
	book_format_number(&out, span_of(data + 1 + sizeof value, size - 1 - sizeof value), value, data[0] & 1);
	MUST(!out.failed);
	buf_reset(&out);
	book_format_number(&out, span_of(data + 1 + sizeof value, size - 1 - sizeof value), (double)(int8_t)data[1], data[0] & 1);
	MUST(!out.failed);
	buf_release(&out);
	return 0;
}
