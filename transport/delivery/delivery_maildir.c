/* delivery_maildir.c - maildir: one file a mail, by the rules of Maildir: written whole into tmp/, brought
 * to disk, then renamed into new/ under a name that no other writer in the world can choose.
 *
 * A batch is written first and synced after, so that the file system commits once for all of it.
 * Held by test_delivery_file.c; Python's mailbox module reads the result. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "transport/delivery/delivery_local.h"
#include "transport/delivery/delivery_sink.h"

enum { HOST_SIZE = 128, PATH_SIZE = 224, FOLDER = 4 /* bytes of "tmp/" in front of the name */ };

struct unique_path {
	char p[PATH_SIZE]; /* "tmp/NAME" */
};

struct maildir_sink {
	struct sink base;
	int folder, fresh; /* DIR and DIR/new */
	bool sync;
	atomic_uint_fast64_t count; /* of names, over all threads */
	char host[HOST_SIZE];
};

/* '/' and ':' have a meaning in a Maildir. */
static void set_host(struct maildir_sink *s)
{
	char name[HOST_SIZE] = "";

	if (gethostname(name, sizeof name - 1) < 0 || !name[0])
		snprintf(name, sizeof name, "localhost");
	for (char *p = name; *p; p++)
		if (*p == '/' || *p == ':')
			*p = '_';
	snprintf(s->host, sizeof s->host, "%s", name);
}

static void choose_name(struct maildir_sink *s, struct unique_path *out)
{
	int64_t now_ms = clock_wall_ms();
	uint64_t number = atomic_fetch_add_explicit(&s->count, 1, memory_order_relaxed);

	snprintf(out->p, sizeof out->p, "tmp/%lld.M%dP%dQ%llu.%s", (long long)(now_ms / 1000), (int)(now_ms % 1000) * 1000,
		 (int)getpid(), (unsigned long long)number, s->host);
}

/* The descriptor of the written file, or -1 with the mail failed. */
static int write_one(struct maildir_sink *s, struct sink_mail *m, struct unique_path *path, char *buffer)
{
	struct local_writer w;
	int fd;

	choose_name(s, path);
	fd = openat(s->folder, path->p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		sink_failed(m, "cannot make the message's file");
		return -1;
	}
	local_begin(&w, fd, false, buffer, SINK_BUFFER_BYTES);
	local_mail(&w, m->mail);
	if (local_end(&w) == 0)
		return fd;
	sink_failed(m, "cannot write the message's file");
	(void)unlinkat(s->folder, path->p, 0);
	close(fd);
	return -1;
}

/* To disk, and into new/. */
static void settle_one(const struct maildir_sink *s, struct sink_mail *m, const struct unique_path *path, int fd)
{
	const char *name = path->p + FOLDER;
	int rc = s->sync ? file_sync(fd) : 0;

	if (close(fd) < 0)
		rc = -1;
	if (rc == 0)
		rc = renameat(s->folder, path->p, s->fresh, name);
	if (rc == 0) {
		snprintf(m->words, sizeof m->words, "%.*s", PATH_SIZE, name);
		return;
	}
	sink_failed(m, "cannot write the message's file");
	(void)unlinkat(s->folder, path->p, 0);
}

static int maildir_write(struct sink *base, struct sink_mail *mails, unsigned n, char *buffer)
{
	struct maildir_sink *s = (struct maildir_sink *)base;
	struct unique_path paths[SINK_BATCH];
	int fds[SINK_BATCH];

	for (unsigned i = 0; i < n; i++)
		fds[i] = write_one(s, &mails[i], &paths[i], buffer);
	for (unsigned i = 0; i < n; i++)
		if (fds[i] >= 0)
			settle_one(s, &mails[i], &paths[i], fds[i]);
	if (!s->sync || file_sync(s->fresh) == 0)
		return 0;
	for (unsigned i = 0; i < n; i++) /* they are there, but may not outlive a power cut */
		if (mails[i].kind == VERDICT_SENT) {
			sink_failed(&mails[i], "cannot bring the folder to disk");
			mails[i].kind = VERDICT_IN_DOUBT;
		}
	return 0;
}

static void maildir_free(struct sink *base)
{
	struct maildir_sink *s = (struct maildir_sink *)base;

	if (s->folder >= 0)
		close(s->folder);
	if (s->fresh >= 0)
		close(s->fresh);
	mem_free(s);
}

static int open_folders(struct maildir_sink *s, const char *path, struct err *e)
{
	static const char *const parts[] = { "tmp", "new", "cur" };

	s->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->folder < 0)
		return err_sys(e, "cannot open the folder '%s'", path);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (mkdirat(s->folder, parts[i], 0700) < 0 && errno != EEXIST)
			return err_sys(e, "cannot make the folder '%s/%s'", path, parts[i]);
	s->fresh = openat(s->folder, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fresh < 0)
		return err_sys(e, "cannot open the folder '%s/new'", path);
	return 0;
}

static int maildir_open(struct sink **out, const char *path, bool sync, struct err *e)
{
	struct maildir_sink *s = mem_new(sizeof *s);

	if (!s)
		return err_nomem(e, "for a delivery");
	s->base.ops = &sink_maildir;
	s->sync = sync;
	s->folder = s->fresh = -1;
	atomic_init(&s->count, 0);
	set_host(s);
	if (sink_folder(path, s->base.path, e) < 0 || open_folders(s, path, e) < 0) {
		maildir_free(&s->base);
		return -1;
	}
	*out = &s->base;
	return 0;
}

const struct sink_ops sink_maildir = {
	.scheme = { "maildir:", 8 }, .has_path = true, .sync_by_default = true,
	.open = maildir_open, .free = maildir_free, .write = maildir_write
};
