/* rows_gzip.c - a packed list is unpacked into a temporary file: the only file that includes <zlib.h>.
 *
 * Places of rows are places in the unpacked text, so it has to be there. Members that follow one
 * another are one text (RFC 1952, 2.2). Zeros behind the last one are padding.
 *
 *  1. Bounds: UNPACKED_FREE bytes are given; beyond them a list may be RATIO_MAX times its packed
 *     size, which real lists never reach and bombs do.
 * Held by tests/unit/test_rows_encoding.c. */
#include <zlib.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/rows/rows_parts.h"
#include "engine/rows/rows_spool.h"

enum { PIECE = 64 << 10, GZIP_WINDOW = 15 + 16 };
static const uint64_t UNPACKED_FREE = 64 << 20, RATIO_MAX = 200;

struct unpacking {
	const struct rows_source *from;
	struct rows_spool to;
	z_stream z;
	unsigned char in[PIECE], out[PIECE];
	uint64_t at;
	bool ended; /* a member has just come to its end */
};

static voidpf take(voidpf unused, uInt n, uInt size)
{
	(void)unused;
	return mem_array(n, size);
}

static void give_back(voidpf unused, voidpf p)
{
	(void)unused;
	mem_free(p);
}

static int broken(const struct unpacking *u, const char *how, struct err *e)
{
	err_set(e, ERR_INPUT, "the list is a gzip file that is %s", how);
	err_hint(e, "try: gzip -t; was it copied whole?");
	return err_at(e, u->from->path, 0, 0);
}

static int bomb(const struct unpacking *u, struct err *e)
{
	err_set(e, ERR_INPUT, "unpacked, the list is over %llu times as large as it is packed",
		(unsigned long long)RATIO_MAX);
	err_hint(e, "no list of recipients is like that; if this one is, unpack it first with gunzip");
	return err_at(e, u->from->path, 0, 0);
}

/* All of the input that is there. */
static int unpack_piece(struct unpacking *u, struct err *e)
{
	do {
		int rc;

		if (u->ended && u->z.avail_in > 0) {
			if (*u->z.next_in == 0) { /* padding */
				u->z.next_in++;
				u->z.avail_in--;
				continue;
			}
			if (inflateReset(&u->z) != Z_OK)
				return broken(u, "damaged", e);
			u->ended = false;
		}
		u->z.next_out = u->out;
		u->z.avail_out = sizeof u->out;
		rc = inflate(&u->z, Z_NO_FLUSH);
		if (rc == Z_MEM_ERROR)
			return err_nomem(e, "unpacking the list");
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return broken(u, "damaged", e);
		u->ended = rc == Z_STREAM_END;
		if (rows_spool_add(&u->to, span_of(u->out, sizeof u->out - u->z.avail_out), e) < 0)
			return -1;
		if (u->to.size > UNPACKED_FREE && u->to.size / RATIO_MAX > u->at)
			return bomb(u, e);
	} while (u->z.avail_in > 0 || u->z.avail_out == 0);
	return 0;
}

static int unpack(struct unpacking *u, struct err *e)
{
	ssize_t got;

	while ((got = rows_source_read(u->from, u->in, sizeof u->in, u->at, e)) > 0) {
		u->at += (uint64_t)got;
		u->z.next_in = u->in;
		u->z.avail_in = (uInt)got;
		if (unpack_piece(u, e) < 0)
			return -1;
	}
	if (got < 0)
		return -1;
	return u->ended ? 0 : broken(u, "cut short", e);
}

int rows_gzip_unpack(struct rows_source *source, struct err *e)
{
	struct unpacking *u = mem_new(sizeof *u);
	int rc = -1;

	if (!u)
		return err_nomem(e, "unpacking the list");
	u->from = source;
	u->to.fd = -1;
	u->z.zalloc = take;
	u->z.zfree = give_back;
	if (inflateInit2(&u->z, GZIP_WINDOW) != Z_OK) {
		err_nomem(e, "unpacking the list");
	} else {
		if (rows_spool_open(&u->to, e) == 0 && unpack(u, e) == 0)
			rc = rows_spool_give(&u->to, source, e);
		inflateEnd(&u->z);
	}
	rows_spool_close(&u->to);
	mem_free(u);
	return rc;
}
