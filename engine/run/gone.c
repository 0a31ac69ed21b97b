/* gone.c - made from the journal at the end of each run, so that a crash loses none: the next run's end
 * adds them. Held by tests/system/test_choosing.py.
 *
 * Which refusals mean that the address itself is wrong (RFC 3463 3.2, RFC 7505 4.1): a policy, a full
 * mailbox or a spam filter says nothing about the address. */
#include "engine/run/gone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/results/ledger.h"
#include "engine/rows/rows.h"
#include "engine/rows/suppress.h"

enum { WRITE_AT = 64 << 10, OUT_MAX = 1 << 20, HEAD_BYTES = 6, REPLY_SHOWN = 150 };

/* 5.1.1 bad mailbox, 5.1.2 bad domain, 5.1.3 bad syntax, 5.1.6 moved, 5.1.10 takes no mail at all */
static bool is_gone(const struct verdict *v)
{
	int detail = v->enhanced[2];

	return v->kind == VERDICT_REFUSED && v->enhanced[0] == 5 && v->enhanced[1] == 1 &&
	       ((detail >= 1 && detail <= 3) || detail == 6 || detail == 10);
}

/* How the file begins: a table of ours, or lines of addresses that somebody else wrote. */
static int open_file(const char *path, int *fd, bool *table, struct buf *out, struct err *e)
{
	char head[HEAD_BYTES];
	ssize_t n;
	char last = '\n';
	struct stat st;

	*fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);
	if (*fd < 0 || fstat(*fd, &st) < 0)
		return err_sys(e, "cannot write '%s'", path);
	n = file_pread_full(*fd, head, sizeof head, 0);
	if (n < 0 || (st.st_size > 0 && file_pread_full(*fd, &last, 1, st.st_size - 1) < 0))
		return err_sys(e, "cannot read '%s'", path);
	*table = n == 0 || (n == HEAD_BYTES && memcmp(head, "email,", HEAD_BYTES) == 0);
	if (n == 0)
		buf_add_str(out, "email,reason,time\r\n");
	else if (last != '\n')
		buf_add_str(out, "\r\n");
	return 0;
}

static void put(struct buf *out, bool table, const struct journal_result *r, const struct verdict *v)
{
	char time[CLOCK_RFC3339_SIZE], reason[VERDICT_TEXT_MAX + 32];
	struct span cells[3] = { r->recipient.address };
	struct buf text;

	clock_rfc3339(r->time_ms, time);
	buf_init(&text, sizeof reason);
	buf_addf(&text, "%d %d.%d.%d %.*s", v->code, v->enhanced[0], v->enhanced[1], v->enhanced[2], REPLY_SHOWN, v->text);
	cells[1] = buf_span(&text);
	cells[2] = span_str(time);
	rows_put_csv(out, cells, table ? 3 : 1);
	buf_release(&text);
}

static int append(int fd, const char *path, struct buf *out, struct err *e)
{
	if (out->failed)
		return err_nomem(e, path);
	if (out->n && file_write_full(fd, out->p, out->n) < 0)
		return err_sys(e, "cannot write '%s'", path);
	buf_reset(out);
	return 0;
}

static int walk(struct ledger *ledger, struct suppress *known, int fd, const char *path, bool table, struct buf *out,
		uint64_t *added, struct err *e)
{
	char reason[SUPPRESS_REASON_MAX];
	struct ledger_cursor at = { 0 };
	struct journal_result r;
	struct verdict v;
	int rc;

	while ((rc = ledger_next_failed(ledger, &at, &r, &v, e)) == 1) {
		if (!is_gone(&v) || r.of_group || r.recipient.address.n == 0 || suppress_has(known, r.recipient.address, reason))
			continue;
		put(out, table, &r, &v);
		++*added;
		if (out->n >= WRITE_AT && append(fd, path, out, e) < 0)
			return -1;
	}
	return rc < 0 ? -1 : append(fd, path, out, e);
}

int gone_append(const char *path, struct ledger *ledger, uint64_t *added, struct err *e)
{
	struct suppress *known = NULL;
	struct buf out;
	bool table = true;
	int fd = -1, rc = -1;

	*added = 0;
	buf_init(&out, OUT_MAX);
	if (open_file(path, &fd, &table, &out, e) == 0 && suppress_open(&known, &path, 1, NULL, e) == 0)
		rc = walk(ledger, known, fd, path, table, &out, added, e);
	if (rc == 0 && file_sync(fd) < 0 && errno != EINVAL)
		rc = err_sys(e, "cannot write '%s'", path);
	if (fd >= 0)
		close(fd);
	suppress_free(&known);
	buf_release(&out);
	return rc;
}
