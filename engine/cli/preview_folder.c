/* preview_folder.c - a folder is emptied only when its mark says that preview made it, and then
 * only of files whose names preview gives.
 *
 * Held by tests/system/test_cli_preview.py. */
#include "engine/cli/preview_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"

#define MARK ".made-by-lettershop-preview"

static const char mark_text[] = "lettershop preview made this folder and may replace what it wrote here.\n";

static const struct part {
	const char *folder, *ending;
} parts[] = { { "eml", ".eml" }, { "m", ".html" }, { "list", ".js" } };
enum { N_PARTS = sizeof parts / sizeof *parts };

int preview_folder_write(int folder, const char *name, struct span content, struct err *e)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
	int rc = 0;

	if (fd < 0)
		return err_sys(e, "cannot write '%s' in the preview's folder", name);
	if (content.n && file_write_full(fd, content.p, content.n) < 0)
		rc = err_sys(e, "cannot write '%s' in the preview's folder", name);
	if (close(fd) < 0 && rc == 0)
		rc = err_sys(e, "cannot write '%s' in the preview's folder", name);
	return rc;
}

static DIR *list_of(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !d)
		close(fd);
	return d;
}

static bool is_empty(int folder)
{
	DIR *d = list_of(folder, ".");
	const struct dirent *entry;
	bool empty = d != NULL;

	while (d && empty && (entry = readdir(d)))
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (d)
		closedir(d);
	return empty;
}

/* Removes the files with that ending from a part of the folder. */
static int clear_part(int folder, const struct part *p, struct err *e)
{
	DIR *d = list_of(folder, p->folder);
	const struct dirent *entry;
	int rc = 0;

	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, "cannot read '%s' in the preview's folder", p->folder);
	while (rc == 0 && (entry = readdir(d))) {
		if (!span_ends(span_str(entry->d_name), span_str(p->ending)))
			continue;
		if (unlinkat(dirfd(d), entry->d_name, 0) < 0 && errno != ENOENT)
			rc = err_sys(e, "cannot remove an old '%s' of the preview", entry->d_name);
	}
	closedir(d);
	return rc;
}

static int prepare(int folder, const char *path, struct err *e)
{
	if (faccessat(folder, MARK, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && !is_empty(folder)) {
		err_set(e, ERR_INPUT, "the folder '%s' holds files that are not a preview's", path);
		return err_hint(e, "give --out a new folder, or an empty one");
	}
	if (preview_folder_write(folder, MARK, span_str(mark_text), e) < 0)
		return -1;
	for (int i = 0; i < N_PARTS; i++) {
		if (mkdirat(folder, parts[i].folder, 0777) < 0 && errno != EEXIST)
			return err_sys(e, "cannot make '%s' in the preview's folder", parts[i].folder);
		if (clear_part(folder, &parts[i], e) < 0)
			return -1;
	}
	if (unlinkat(folder, "index.html", 0) < 0 && errno != ENOENT)
		return err_sys(e, "cannot remove the old index.html of the preview");
	return 0;
}

int preview_folder_open(const char *path, int *out, struct err *e)
{
	int folder;

	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make the folder '%s'", path);
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return err_sys(e, "cannot use '%s' as the preview's folder", path);
	if (prepare(folder, path, e) < 0) {
		close(folder);
		return -1;
	}
	*out = folder;
	return 0;
}
