/* journal_lengths.c - a segment that is gone or was cut short is damage.
 *
 *  1. What is said of a segment was on disk before it was said: no crash leaves less.
 *  2. A length is that of the file, a torn tail included: nobody cuts segments.
 * Held by tests/unit/test_results_lengths.c. */
#include "engine/results/journal_lengths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/results/journal_campaign.h"
#include "engine/results/journal_io.h"
#include "engine/results/journal_reader.h"

int segment_lengths_add(struct segment_lengths *l, struct segment_name name, uint64_t bytes)
{
	if ((l->n & (l->n - 1)) == 0) { /* 0, 1, 2, 4, 8 ... are full */
		struct segment_length *more = mem_grow(l->all, (l->n ? 2 * l->n : 1) * sizeof *more);

		if (!more)
			return -1;
		l->all = more;
	}
	l->all[l->n++] = (struct segment_length){ name, bytes };
	return 0;
}

int segment_lengths_take(struct segment_lengths *l, const struct record *record, unsigned newest_run)
{
	struct segment_name name;
	struct span more;
	uint64_t bytes;
	int rc;

	if (record_get_lengths(record, &name.run, &more) < 0 || name.run == 0 || name.run > newest_run)
		return 1;
	while ((rc = record_next_length(&more, &name.worker, &bytes)) == 1)
		if (segment_lengths_add(l, name, bytes) < 0)
			return -1;
	return rc < 0;
}

static int by_name(const void *a, const void *b)
{
	const struct segment_name *x = &((const struct segment_length *)a)->name;
	const struct segment_name *y = &((const struct segment_length *)b)->name;

	if (x->run != y->run)
		return x->run < y->run ? -1 : 1;
	return (x->worker > y->worker) - (x->worker < y->worker);
}

void segment_lengths_sort(struct segment_lengths *l)
{
	size_t n = 0;

	if (l->n == 0)
		return;
	qsort(l->all, l->n, sizeof *l->all, by_name);
	for (size_t i = 1; i < l->n; i++) {
		if (by_name(&l->all[n], &l->all[i]) != 0)
			l->all[++n] = l->all[i];
		else if (l->all[i].bytes > l->all[n].bytes)
			l->all[n].bytes = l->all[i].bytes;
	}
	l->n = n + 1;
}

uint64_t segment_lengths_of(const struct segment_lengths *l, struct segment_name name)
{
	struct segment_length wanted = { .name = name }, *found = NULL;

	if (l->n > 0)
		found = bsearch(&wanted, l->all, l->n, sizeof *l->all, by_name);
	return found ? found->bytes : 0;
}

void segment_lengths_release(struct segment_lengths *l)
{
	mem_free(l->all);
	*l = (struct segment_lengths){ 0 };
}

/* ---- against the folder ---- */

static int check_one(const char *path, uint64_t bytes, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		if (errno != ENOENT)
			return err_sys(e, "cannot open the journal '%s'", path);
		err_set(e, ERR_CONFLICT, "the journal's file '%s' is lost: %llu bytes of it were on disk", path,
			(unsigned long long)bytes);
		return err_hint(e, JOURNAL_DAMAGE_HINT);
	}
	if ((uint64_t)st.st_size >= bytes)
		return 0;
	err_set(e, ERR_CONFLICT, "the journal '%s' is damaged at byte %llu: it ends there, and %llu bytes of it were on disk",
		path, (unsigned long long)st.st_size, (unsigned long long)bytes);
	return err_hint(e, JOURNAL_DAMAGE_HINT);
}

int segment_lengths_check(const struct segment_lengths *l, const char *results_path, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < l->n && rc == 0; i++) {
		char *path = segment_path(results_path, l->all[i].name);

		rc = path ? check_one(path, l->all[i].bytes, e) : err_nomem(e, "reading the journal");
		mem_free(path);
	}
	return rc;
}

static int sync_file(const char *path, uint64_t *bytes, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc;
	struct stat st;

	if (fd < 0)
		return err_sys(e, "cannot open the journal '%s'", path);
	rc = journal_io_sync(fd, path, e);
	if (rc == 0 && fstat(fd, &st) < 0)
		rc = err_sys(e, "cannot open the journal '%s'", path);
	close(fd);
	if (rc == 0)
		*bytes = (uint64_t)st.st_size;
	return rc;
}

/* RUN is on disk before a segment of that run is made. */
static int no_run(const char *path, unsigned run, struct err *e)
{
	err_set(e, ERR_CONFLICT, "the journal's file 'campaign' is damaged: it ends before run %u, which wrote '%s'", run, path);
	return err_hint(e, JOURNAL_DAMAGE_HINT);
}

static int sync_one(const struct segment_lengths *known, const char *results_path, struct segment_name name,
		    unsigned newest_run, struct segment_lengths *longer, struct err *e)
{
	char *path = segment_path(results_path, name);
	uint64_t bytes = 0;
	int rc;

	if (!path)
		return err_nomem(e, "opening the journal");
	rc = sync_file(path, &bytes, e);
	if (rc == 0 && bytes > 0 && name.run > newest_run)
		rc = no_run(path, name.run, e);
	mem_free(path);
	if (rc == 0 && bytes > segment_lengths_of(known, name) && segment_lengths_add(longer, name, bytes) < 0)
		rc = err_nomem(e, "opening the journal");
	return rc;
}

int segment_lengths_sync(const struct segment_lengths *known, const char *results_path, unsigned newest_run,
			 struct segment_lengths *longer, struct err *e)
{
	struct segment_name *names;
	size_t n;
	int rc = 0;

	if (campaign_segments(results_path, 0, &names, &n, e) < 0)
		return -1;
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = sync_one(known, results_path, names[i], newest_run, longer, e);
	mem_free(names);
	return rc;
}
