/* delivery_eml.c - eml: one file a mail, its octets as they would go on the wire (CRLF).
 *
 * "000042-ann@example.com.eml": the row's number and the first recipient, of which only letters,
 * digits and . @ _ + - are kept. A file appears whole or not at all (temporary name, rename) and
 * replaces the one that an earlier try of the same row has left. Held by test_delivery_file.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "transport/delivery/delivery_sink.h"

enum { NAME_ADDRESS_MAX = 100, NAME_SIZE = 160, PIECES = 256 };

struct eml_sink {
	struct sink base;
	int folder;
	bool sync;
};

static bool plain_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr(".@_+-", c);
}

static void write_name(const struct mail *m, char out[NAME_SIZE])
{
	struct span to = span_sub(m->recipients[0], 0, NAME_ADDRESS_MAX);
	int n = snprintf(out, NAME_SIZE, "%06llu-", (unsigned long long)m->row);

	for (size_t i = 0; i < to.n; i++)
		out[n++] = to.p[i] && plain_byte(to.p[i]) ? to.p[i] : '_';
	snprintf(out + n, NAME_SIZE - (size_t)n, ".eml");
}

/* As much as one system call takes; *at and *skip say where to go on. */
static int write_some(int fd, const struct mail *m, uint32_t *at, size_t *skip)
{
	struct iovec iov[PIECES];
	int count = 0;
	ssize_t n;

	for (uint32_t i = *at; i < m->n_content && count < PIECES; i++, count++) {
		struct span piece = span_skip(m->content[i], count == 0 ? *skip : 0);

		iov[count].iov_base = (void *)(uintptr_t)piece.p; /* writev() only reads */
		iov[count].iov_len = piece.n;
	}
	n = writev(fd, iov, count);
	if (n < 0)
		return errno == EINTR ? 0 : -1;
	for (size_t left = (size_t)n; left > 0;) {
		size_t here = m->content[*at].n - *skip;

		if (left < here) {
			*skip += left;
			break;
		}
		left -= here;
		(*at)++;
		*skip = 0;
	}
	return 0;
}

static int write_content(int fd, const struct mail *m)
{
	uint32_t at = 0;
	size_t skip = 0;

	while (at < m->n_content)
		if (write_some(fd, m, &at, &skip) < 0)
			return -1;
	return 0;
}

/* What a killed run left under that name is of no use to anybody. */
static int open_temporary(const struct eml_sink *s, const char *name)
{
	int fd = openat(s->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0 || errno != EEXIST || unlinkat(s->folder, name, 0) < 0)
		return fd;
	return openat(s->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static void write_one(const struct eml_sink *s, struct sink_mail *m)
{
	char name[NAME_SIZE], temporary[NAME_SIZE + 8];
	int fd, rc;

	write_name(m->mail, name);
	snprintf(temporary, sizeof temporary, ".%s.tmp", name);
	fd = open_temporary(s, temporary);
	if (fd < 0) {
		sink_failed(m, "cannot make the message's file");
		return;
	}
	rc = write_content(fd, m->mail);
	if (rc == 0 && s->sync)
		rc = fdatasync(fd);
	if (close(fd) < 0)
		rc = -1;
	if (rc == 0)
		rc = renameat(s->folder, temporary, s->folder, name);
	if (rc < 0) {
		sink_failed(m, "cannot write the message's file");
		(void)unlinkat(s->folder, temporary, 0);
		return;
	}
	snprintf(m->words, sizeof m->words, "%s", name);
}

static int eml_write(struct sink *base, struct sink_mail *mails, unsigned n, char *buffer)
{
	struct eml_sink *s = (struct eml_sink *)base;

	(void)buffer;
	for (unsigned i = 0; i < n; i++)
		write_one(s, &mails[i]);
	if (s->sync && file_sync(s->folder) < 0)
		sink_all_failed(mails, n, "cannot bring the folder to disk");
	return 0;
}

static void eml_free(struct sink *base)
{
	struct eml_sink *s = (struct eml_sink *)base;

	if (s->folder >= 0)
		close(s->folder);
	mem_free(s);
}

static int eml_open(struct sink **out, const char *path, bool sync, struct err *e)
{
	struct eml_sink *s = mem_new(sizeof *s);

	if (!s)
		return err_nomem(e, "for a delivery");
	s->base.ops = &sink_eml;
	s->sync = sync;
	s->folder = -1;
	if (sink_folder(path, s->base.path, e) < 0)
		goto fail;
	s->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->folder < 0) {
		err_sys(e, "cannot open the folder '%s'", path);
		goto fail;
	}
	*out = &s->base;
	return 0;
fail:
	eml_free(&s->base);
	return -1;
}

const struct sink_ops sink_eml = {
	.scheme = { "eml:", 4 }, .has_path = true, .open = eml_open, .free = eml_free, .write = eml_write
};
