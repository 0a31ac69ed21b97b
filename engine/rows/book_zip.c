/* book_zip.c - parts of a workbook through libzip: the only file that includes <zip.h>.
 *
 *  1. libzip reads with a position of its own on a descriptor of ours that shares its position with
 *     the list's: nobody else reads by position (rows_source.h).
 *  2. Bounds: PART_FREE unpacked bytes are given; beyond them a part may be RATIO_MAX times its packed
 *     size, which sheets do not reach and bombs do. What is in a part is read in pieces.
 * Held by tests/unit/test_rows_lists.c. */
#include "engine/rows/book_zip.h"

#include <fcntl.h>
#include <unistd.h>
#include <zip.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"

enum { PARTS_MAX = 10000 };
static const uint64_t PART_FREE = 64 << 20, RATIO_MAX = 300;

struct book_zip {
	zip_t *zip;
	const char *path;
};

struct book_part {
	zip_file_t *file;
	const char *path, *name;
	uint64_t packed, unpacked;
};

static int damaged(const char *path, const char *how, struct err *e)
{
	err_set(e, ERR_INPUT, "the workbook is damaged: %s", how);
	err_hint(e, "was it copied whole? Open it in the office program and save it again");
	return err_at(e, path, 0, 0);
}

int book_zip_open(struct book_zip **out, const struct rows_source *source, struct err *e)
{
	struct book_zip *z = mem_new(sizeof *z);
	int fd = z ? fcntl(source->fd, F_DUPFD_CLOEXEC, 3) : -1, why = 0;

	*out = NULL;
	if (!z)
		return err_nomem(e, "reading a workbook");
	if (fd < 0) {
		mem_free(z);
		return err_sys(e, "cannot read '%s'", source->path);
	}
	lseek(fd, 0, SEEK_SET);
	z->path = source->path;
	z->zip = zip_fdopen(fd, 0, &why);
	if (!z->zip) {
		zip_error_t error;

		close(fd);
		zip_error_init_with_code(&error, why);
		damaged(source->path, zip_error_strerror(&error), e);
		zip_error_fini(&error);
		mem_free(z);
		return -1;
	}
	*out = z;
	if (zip_get_num_entries(z->zip, 0) <= PARTS_MAX)
		return 0;
	book_zip_close(out);
	err_set(e, ERR_INPUT, "the list is a ZIP file of over %d parts, which no workbook is", PARTS_MAX);
	return err_at(e, source->path, 0, 0);
}

void book_zip_close(struct book_zip **z)
{
	if (!*z)
		return;
	zip_discard((*z)->zip);
	mem_free(*z);
	*z = NULL;
}

bool book_zip_has(const struct book_zip *z, const char *name)
{
	return zip_name_locate(z->zip, name, ZIP_FL_NOCASE) >= 0;
}

int book_part_open(struct book_part **out, struct book_zip *z, const char *name, struct err *e)
{
	zip_int64_t index = zip_name_locate(z->zip, name, ZIP_FL_NOCASE);
	struct book_part *p;
	zip_stat_t stat;

	*out = NULL;
	if (index < 0 || zip_stat_index(z->zip, (zip_uint64_t)index, 0, &stat) < 0) {
		err_set(e, ERR_INPUT, "the workbook is damaged: its part %s is missing", name);
		err_hint(e, "open it in the office program and save it again");
		return err_at(e, z->path, 0, 0);
	}
	p = mem_new(sizeof *p);
	if (!p)
		return err_nomem(e, "reading a workbook");
	*p = (struct book_part){ .path = z->path, .name = name, .packed = stat.comp_size };
	p->file = zip_fopen_index(z->zip, (zip_uint64_t)index, 0);
	if (p->file) {
		*out = p;
		return 0;
	}
	if (stat.encryption_method != ZIP_EM_NONE) {
		err_set(e, ERR_INPUT, "the workbook has a password");
		err_hint(e, "save it without one");
		err_at(e, z->path, 0, 0);
	} else {
		damaged(z->path, zip_strerror(z->zip), e);
	}
	mem_free(p);
	return -1;
}

ssize_t book_part_read(struct book_part *p, void *to, size_t n, struct err *e)
{
	zip_int64_t got = zip_fread(p->file, to, n);

	if (got < 0)
		return damaged(p->path, zip_file_strerror(p->file), e);
	p->unpacked += (uint64_t)got;
	if (p->unpacked > PART_FREE && p->unpacked / RATIO_MAX > p->packed) {
		err_set(e, ERR_INPUT, "the workbook's part %s is over %llu times as large as it is packed", p->name,
			(unsigned long long)RATIO_MAX);
		err_hint(e, "no list of recipients is like that; save it as CSV if this one is");
		return err_at(e, p->path, 0, 0);
	}
	return (ssize_t)got;
}

void book_part_close(struct book_part **p)
{
	if (!*p)
		return;
	zip_fclose((*p)->file);
	mem_free(*p);
	*p = NULL;
}
