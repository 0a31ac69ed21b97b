/* journal_lock.c - a lock that the kernel takes back when its holder dies.
 *
 * An open file description lock: it belongs to the descriptor, so closing another descriptor of
 * the same file does not drop it (as it does with classic POSIX locks), and network file systems
 * pass it on to their server. A kernel or file system without it gets flock(2).
 * Who holds it stands in the file, as text, for people: the lock decides, the note only explains.
 * Held by tests/unit/test_results_journal.c. */
#include "engine/results/journal_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/utf8.h"

enum { NOTE_SIZE = 256 };

/* 0 held by us now, 1 by somebody else, -1 errno. */
static int try_lock(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
		return 0;
	if (errno == EINVAL && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES || errno == EWOULDBLOCK ? 1 : -1;
}

static int write_note(int fd, const char *path, struct err *e)
{
	char note[NOTE_SIZE], when[CLOCK_RFC3339_SIZE], host[65] = "?";
	int n, cut;

	gethostname(host, sizeof host - 1);
	clock_rfc3339(clock_wall_ms(), when);
	n = snprintf(note, sizeof note, "process %ld on %s since %s\n", (long)getpid(), host, when);
	do
		cut = ftruncate(fd, 0);
	while (cut < 0 && errno == EINTR);
	if (cut < 0 || file_write_full(fd, note, (size_t)n) < 0)
		return err_sys(e, "cannot write '%s'", path);
	return 0;
}

static void read_note(int fd, char *out, size_t out_size)
{
	char note[NOTE_SIZE] = "";
	ssize_t n = file_pread_full(fd, note, sizeof note - 1, 0);

	note[n > 0 ? n : 0] = '\0';
	note[strcspn(note, "\n")] = '\0';
	utf8_printable(span_str(note), out, out_size);
}

bool journal_lock_holder(const char *path, char *out, size_t out_size)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool is_held = false;

	out[0] = '\0';
	if (fd < 0)
		return false;
	if (fcntl(fd, F_OFD_GETLK, &whole) == 0)
		is_held = whole.l_type != F_UNLCK;
	else if (errno == EINVAL)
		is_held = flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	if (is_held)
		read_note(fd, out, out_size);
	close(fd);
	return is_held;
}

static int held(int fd, const char *results_path, struct err *e)
{
	char shown[NOTE_SIZE];

	read_note(fd, shown, sizeof shown);
	err_set(e, ERR_CONFLICT, "the campaign of '%s' is being run by %s", results_path,
		shown[0] ? shown : "another process");
	return err_hint(e, "wait until it ends, or stop it; then go on with --resume");
}

int journal_lock(int *fd, const char *path, const char *results_path, struct err *e)
{
	int rc;

	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return err_sys(e, "cannot open '%s'", path);
	rc = try_lock(*fd);
	if (rc == 0 && write_note(*fd, path, e) == 0)
		return 0;
	if (rc > 0)
		held(*fd, results_path, e);
	else if (rc < 0)
		err_sys(e, "cannot lock '%s'", path);
	journal_unlock(fd);
	return -1;
}

void journal_unlock(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
