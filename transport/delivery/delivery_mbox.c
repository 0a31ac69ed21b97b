/* delivery_mbox.c - mbox: all mails in one file, in the mboxrd form.
 *
 * Other programs may read and change the file meanwhile, so it is opened anew for each batch, under
 * both locks that are in use: FILE.lock, and a lock by fcntl(2) (of the open file, which keeps other
 * processes out as the classic one does, and our own threads too). Invariants, held by
 * test_delivery_file.c:
 *  1. A batch is appended whole, or the file is cut back to where it ended before.
 *  2. Neither lock is held between batches.
 *  3. A message always begins at the start of a line after an empty line, also when somebody else
 *     left the end of the file torn.
 *  4. A lock file whose owner is dead is removed; any other is respected. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "transport/delivery/delivery_local.h"
#include "transport/delivery/delivery_sink.h"

enum { FROM_LINE_MAX = 512 };

struct mbox_sink {
	struct sink base;
	pthread_mutex_t lock; /* one batch at a time; held while it is written */
	bool sync;
	char dot_lock[PATH_MAX + 8];
};

/* ---- locks ---- */

/* True when the lock file names a process that is no more. */
static bool owner_is_dead(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd >= 0 ? file_read_full(fd, text, sizeof text - 1) : -1;
	unsigned long long pid;

	if (fd >= 0)
		close(fd);
	if (n <= 0 || span_number(span_trim(span_of(text, (size_t)n)), 1 << 30, &pid) < 0 || pid == 0)
		return false;
	return kill((pid_t)pid, 0) < 0 && errno == ESRCH;
}

/* 0 locked, 1 somebody else has it, 2 this folder takes no lock files (as /var/mail may not). */
static int take_dot_lock(const char *path)
{
	char pid[32];
	int fd, n;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST && owner_is_dead(path) && unlink(path) == 0)
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return errno == EEXIST ? 1 : 2;
	n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());
	(void)file_write_full(fd, pid, (size_t)n);
	close(fd);
	return 0;
}

/* 0, or 1 when somebody else has it. A file system without locks is none of our troubles. */
static int take_file_lock(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES;
}

/* ---- writing ---- */

static void put_from_line(struct local_writer *w, struct span sender)
{
	struct civil c = clock_civil(clock_wall_ms(), 0);
	static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char line[FROM_LINE_MAX];
	int n;

	if (sender.n == 0)
		sender = SPAN("MAILER-DAEMON");
	n = snprintf(line, sizeof line, "From %.*s", (int)(sender.n > 320 ? 320 : sender.n), sender.p);
	for (int i = 5; i < n; i++)
		if (line[i] == ' ') /* within quotes; readers look for the first space */
			line[i] = '_';
	n += snprintf(line + n, sizeof line - (size_t)n, " %.3s %.3s %2d %02d:%02d:%02d %04d\n", days + 3 * c.weekday,
		      months + 3 * (c.month - 1), c.day, c.hour, c.minute, c.second, c.year);
	local_put(w, span_of(line, (size_t)n));
}

/* What must stand before a message: "" after an empty line or at the start. */
static const char *gap(int fd, off_t end)
{
	char last[2] = "";

	if (end == 0)
		return "";
	if (end == 1 || file_pread_full(fd, last, 2, end - 2) != 2)
		return "\n\n";
	if (last[1] != '\n')
		return "\n\n";
	return last[0] == '\n' ? "" : "\n";
}

static int append(int fd, off_t end, struct sink_mail *mails, unsigned n, char *buffer)
{
	struct local_writer w;

	local_begin(&w, fd, true, buffer, SINK_BUFFER_BYTES);
	local_put(&w, span_str(gap(fd, end)));
	for (unsigned i = 0; i < n; i++) {
		put_from_line(&w, mails[i].mail->sender);
		local_mail(&w, mails[i].mail);
		local_put(&w, SPAN("\n"));
	}
	return local_end(&w);
}

static void cut_back(int fd, off_t end, struct sink_mail *mails, unsigned n)
{
	int error = errno;
	bool cut = ftruncate(fd, end) == 0;

	errno = error;
	sink_all_failed(mails, n, "cannot write the mailbox");
	for (unsigned i = 0; !cut && i < n; i++)
		mails[i].kind = VERDICT_IN_DOUBT; /* some of it is there */
}

/* 0 done, 1 locked by others. */
static int write_locked(const struct mbox_sink *s, struct sink_mail *mails, unsigned n, char *buffer)
{
	int fd = open(s->base.path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	off_t end;

	if (fd < 0) {
		sink_all_failed(mails, n, "cannot open the mailbox");
		return 0;
	}
	if (take_file_lock(fd)) {
		close(fd);
		return 1;
	}
	end = lseek(fd, 0, SEEK_END);
	if (end < 0)
		sink_all_failed(mails, n, "cannot find the end of the mailbox");
	else if (append(fd, end, mails, n, buffer) < 0 || (s->sync && fdatasync(fd) < 0))
		cut_back(fd, end, mails, n);
	close(fd); /* and with it the lock */
	return 0;
}

static int mbox_write(struct sink *base, struct sink_mail *mails, unsigned n, char *buffer)
{
	struct mbox_sink *s = (struct mbox_sink *)base;
	int dot, rc = 1;

	pthread_mutex_lock(&s->lock);
	dot = take_dot_lock(s->dot_lock);
	if (dot != 1)
		rc = write_locked(s, mails, n, buffer);
	if (dot == 0)
		(void)unlink(s->dot_lock);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* ---- life ---- */

static void mbox_free(struct sink *base)
{
	struct mbox_sink *s = (struct mbox_sink *)base;

	pthread_mutex_destroy(&s->lock);
	mem_free(s);
}

/* Also makes the file, so that what can be wrong is wrong now. */
static int find_file(struct mbox_sink *s, const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	struct stat st;

	if (fd < 0)
		return err_sys(e, "cannot open the mailbox '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(e, ERR_INPUT, "'%s' is no regular file, so it cannot be an mbox", path);
	}
	close(fd);
	if (!realpath(path, s->base.path))
		return err_sys(e, "cannot follow the path '%s'", path);
	snprintf(s->dot_lock, sizeof s->dot_lock, "%s.lock", s->base.path);
	return 0;
}

static int mbox_open(struct sink **out, const char *path, bool sync, struct err *e)
{
	struct mbox_sink *s = mem_new(sizeof *s);

	if (!s)
		return err_nomem(e, "for a delivery");
	s->base.ops = &sink_mbox;
	s->sync = sync;
	pthread_mutex_init(&s->lock, NULL);
	if (find_file(s, path, e) < 0) {
		mbox_free(&s->base);
		return -1;
	}
	*out = &s->base;
	return 0;
}

const struct sink_ops sink_mbox = {
	.scheme = { "mbox:", 5 }, .has_path = true, .sync_by_default = true,
	.open = mbox_open, .free = mbox_free, .write = mbox_write
};
