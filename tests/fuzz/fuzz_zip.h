/* fuzz_zip.h - a ZIP file of stored parts with right checksums, so that what is fuzzed is behind them. */
#ifndef TESTS_FUZZ_FUZZ_ZIP_H
#define TESTS_FUZZ_FUZZ_ZIP_H

#include <stdint.h>
#include <zlib.h>

#include "engine/base/buf.h"

struct zip_out {
	struct buf file, folder;
	unsigned parts;
};

static inline void zip_put(struct buf *b, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_add_char(b, i < 8 ? (char)(v >> (8 * i)) : 0);
}

static inline void zip_begin(struct zip_out *z, size_t max)
{
	buf_init(&z->file, max);
	buf_init(&z->folder, max);
	z->parts = 0;
}

/* What local header and folder share: from the version needed to the length of the name. */
static inline void zip_put_common(struct buf *b, uint32_t crc, size_t size, size_t name)
{
	zip_put(b, 20, 2);
	zip_put(b, 0, 4);
	zip_put(b, 0, 4);
	zip_put(b, crc, 4);
	zip_put(b, size, 4);
	zip_put(b, size, 4);
	zip_put(b, name, 2);
	zip_put(b, 0, 2);
}

static inline void zip_add(struct zip_out *z, const char *name, struct span content)
{
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)(content.n ? content.p : ""), (uInt)content.n);
	size_t at = z->file.n, n = strlen(name);

	buf_add(&z->file, SPAN("PK\x03\x04"));
	zip_put_common(&z->file, crc, content.n, n);
	buf_add_str(&z->file, name);
	buf_add(&z->file, content);
	buf_add(&z->folder, SPAN("PK\x01\x02"));
	zip_put(&z->folder, 20, 2);
	zip_put_common(&z->folder, crc, content.n, n);
	zip_put(&z->folder, 0, 10);
	zip_put(&z->folder, at, 4);
	buf_add_str(&z->folder, name);
	z->parts++;
}

/* The whole file, borrowed until zip_end(). */
static inline struct span zip_finish(struct zip_out *z)
{
	size_t at = z->file.n;

	buf_add(&z->file, buf_span(&z->folder));
	buf_add(&z->file, SPAN("PK\x05\x06"));
	zip_put(&z->file, 0, 4);
	zip_put(&z->file, z->parts, 2);
	zip_put(&z->file, z->parts, 2);
	zip_put(&z->file, z->folder.n, 4);
	zip_put(&z->file, at, 4);
	zip_put(&z->file, 0, 2);
	return buf_span(&z->file);
}

static inline void zip_end(struct zip_out *z)
{
	buf_release(&z->file);
	buf_release(&z->folder);
}

#endif
