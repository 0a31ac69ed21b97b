/* record.c - invariants, held by selftest.py:
 *  1. A file grows by whole lines only: a buffer holds whole lines, and is written under the file's lock.
 *  2. A message kept in a folder appears under its name only when it is complete (rename).
 *  3. What cannot be written ends the program: an oracle that forgets is worse than none. */
#include "tests/fake/record.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FLUSH_EARLY_BYTES = 1 << 20, DETAIL_BYTES = 160 };

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct moment moment_now(void)
{
	return (struct moment){ clock_ns(CLOCK_MONOTONIC), moment_wall_ns() };
}

int64_t moment_wall_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

static void open_one(struct record_file *f, const char *path)
{
	f->fd = -1;
	pthread_mutex_init(&f->lock, NULL);
	if (!path)
		return;
	f->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (f->fd < 0)
		die("cannot open '%s': %s", path, strerror(errno));
}

static void close_one(struct record_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	pthread_mutex_destroy(&f->lock);
}

void record_files_open(struct record_files *f, const struct config *cfg)
{
	open_one(&f->accepted, cfg->record_file);
	open_one(&f->violations, cfg->violations_file);
	open_one(&f->protocol, cfg->protocol_file);
	open_one(&f->mbox, cfg->store_mbox);
	f->store_fd = -1;
	if (!cfg->store_dir)
		return;
	if (mkdir(cfg->store_dir, 0700) < 0 && errno != EEXIST)
		die("cannot make folder '%s': %s", cfg->store_dir, strerror(errno));
	f->store_fd = open(cfg->store_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->store_fd < 0)
		die("cannot open folder '%s': %s", cfg->store_dir, strerror(errno));
}

void record_files_close(struct record_files *f)
{
	close_one(&f->accepted);
	close_one(&f->violations);
	close_one(&f->protocol);
	close_one(&f->mbox);
	if (f->store_fd >= 0)
		close(f->store_fd);
}

void record_init(struct record *r, struct record_files *f, const struct config *cfg)
{
	*r = (struct record){ .files = f, .cfg = cfg };
}

void record_release(struct record *r)
{
	bytes_free(&r->accepted);
	bytes_free(&r->violations);
	bytes_free(&r->protocol);
	bytes_free(&r->mail);
	bytes_free(&r->scratch);
}

static void write_all(int fd, struct text t, const char *what)
{
	while (t.n) {
		ssize_t n = write(fd, t.p, t.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("cannot write %s: %s", what, strerror(errno));
		t = text_of(t.p + n, t.n - (size_t)n);
	}
}

static void flush_one(struct record_file *f, struct bytes *b, const char *what)
{
	if (b->n == 0)
		return;
	pthread_mutex_lock(&f->lock);
	write_all(f->fd, bytes_text(b), what);
	pthread_mutex_unlock(&f->lock);
	b->n = 0;
}

void record_flush(struct record *r)
{
	flush_one(&r->files->accepted, &r->accepted, "the record");
	flush_one(&r->files->violations, &r->violations, "violations");
	flush_one(&r->files->protocol, &r->protocol, "the protocol");
}

static void column(struct bytes *b, struct text t)
{
	bytes_char(b, '\t');
	if (t.n == 0)
		bytes_char(b, '-');
	bytes_text_add(b, t);
}

/* What a message holds may hold anything. */
static void column_foreign(struct bytes *b, struct text t)
{
	size_t from = b->n + 1;

	column(b, t);
	for (size_t i = from; i < b->n; i++)
		if ((unsigned char)b->p[i] < 32 || b->p[i] == 127)
			b->p[i] = '?';
}

static void column_u64(struct bytes *b, uint64_t v)
{
	bytes_char(b, '\t');
	bytes_u64(b, v);
}

static void column_digest(struct bytes *b, struct text content)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	bytes_char(b, '\t');
	if (!EVP_Digest(content.p ? content.p : "", content.n, md, &n, EVP_sha256(), NULL))
		die("SHA-256 failed");
	for (unsigned i = 0; i < n; i++) {
		bytes_char(b, "0123456789abcdef"[md[i] >> 4]);
		bytes_char(b, "0123456789abcdef"[md[i] & 15]);
	}
}

static void store_eml(struct record *r, const struct accepted *a)
{
	char name[64], temporary[80];
	int fd;

	snprintf(name, sizeof name, "%06llu-%06llu.eml", (unsigned long long)a->conn, (unsigned long long)a->txn);
	snprintf(temporary, sizeof temporary, ".%s.tmp", name);
	fd = openat(r->files->store_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		die("cannot keep '%s': %s", temporary, strerror(errno));
	write_all(fd, a->content, temporary);
	if (close(fd) < 0 || renameat(r->files->store_fd, temporary, r->files->store_fd, name) < 0)
		die("cannot keep '%s': %s", name, strerror(errno));
}

/* mboxrd: LF line ends, a '>' before every line of the form >*From_ */
static void store_mbox(struct record *r, const struct accepted *a)
{
	struct text rest = a->content;
	time_t now = (time_t)(a->accepted_ns / 1000000000);
	struct tm tm;
	char when[32];

	gmtime_r(&now, &tm);
	strftime(when, sizeof when, "%a %b %e %H:%M:%S %Y", &tm);
	r->mail.n = 0;
	bytes_printf(&r->mail, "From %.*s %s\n", a->sender.n ? (int)a->sender.n : 13,
		     a->sender.n ? a->sender.p : "MAILER-DAEMON", when);
	while (rest.n) {
		struct text line = text_cut(&rest, '\n');
		size_t quotes = 0;

		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		while (quotes < line.n && line.p[quotes] == '>')
			quotes++;
		if (line.n - quotes >= 5 && memcmp(line.p + quotes, "From ", 5) == 0)
			bytes_char(&r->mail, '>');
		bytes_text_add(&r->mail, line);
		bytes_char(&r->mail, '\n');
	}
	bytes_char(&r->mail, '\n');
	flush_one(&r->files->mbox, &r->mail, "the mbox");
}

static void add_line(struct record *r, const struct accepted *a)
{
	struct bytes *b = &r->accepted;

	bytes_u64(b, (uint64_t)a->arrived.mono_ns);
	column_u64(b, (uint64_t)a->arrived.wall_ns);
	column_u64(b, (uint64_t)a->accepted_ns);
	column_u64(b, a->conn);
	column_u64(b, a->txn);
	column_foreign(b, a->user);
	bytes_str(b, a->tls ? "\t1" : "\t0");
	column(b, a->from);
	column(b, a->rcpts);
	column_u64(b, a->size);
	column_foreign(b, a->message_id);
	column_foreign(b, a->header);
	if (r->cfg->record_digest)
		column_digest(b, a->content);
	else
		bytes_str(b, "\t-");
	column(b, text_str(a->verb));
	column(b, a->rcpt_params);
	bytes_char(b, '\n');
	if (b->n > FLUSH_EARLY_BYTES)
		flush_one(&r->files->accepted, b, "the record");
}

void record_accepted(struct record *r, const struct accepted *a)
{
	if (r->files->accepted.fd >= 0)
		add_line(r, a);
	if (r->files->store_fd >= 0)
		store_eml(r, a);
	if (r->files->mbox.fd >= 0)
		store_mbox(r, a);
}

void record_violation(struct record *r, int64_t wall_ns, uint64_t conn, uint64_t txn, const char *rule,
		      struct text detail)
{
	struct bytes *b = &r->violations;

	record_count(r, COUNT_VIOLATIONS, 1);
	if (r->files->violations.fd < 0)
		return;
	bytes_u64(b, conn);
	column_u64(b, txn);
	column_u64(b, (uint64_t)wall_ns);
	column(b, text_str(rule));
	bytes_char(b, '\t');
	bytes_printable(b, detail, DETAIL_BYTES);
	bytes_char(b, '\n');
	if (b->n > FLUSH_EARLY_BYTES)
		flush_one(&r->files->violations, b, "violations");
}

void record_protocol(struct record *r, int64_t mono_ns, uint64_t conn, const char *who, struct text line)
{
	struct bytes *b = &r->protocol;

	if (r->files->protocol.fd < 0)
		return;
	while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	bytes_u64(b, (uint64_t)mono_ns);
	bytes_char(b, ' ');
	bytes_u64(b, conn);
	bytes_char(b, ' ');
	bytes_str(b, who);
	bytes_str(b, ": ");
	bytes_printable(b, line, 2048);
	bytes_char(b, '\n');
	if (b->n > FLUSH_EARLY_BYTES)
		flush_one(&r->files->protocol, b, "the protocol");
}
