/* journal_campaign.c - reads the folder: header, runs, claims, names of segments.
 *
 *  1. A campaign exists once its first RUN record is whole; before that nothing was claimed, so a
 *     folder whose making was interrupted counts as none. RUN is written when all before it was
 *     synced, so it vouches for the header.
 *  2. Whether a run lost its unsynced tail to a power cut is decided here, once: it did not close
 *     its journal, and the boot id differs between it and the run after it (or now). A run that
 *     was only killed lost nothing, and the run after it synced all its files before it began.
 * Held by tests/unit/test_results_journal.c. */
#include "engine/results/journal_campaign.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/mem.h"
#include "engine/results/journal_io.h"
#include "engine/results/journal_reader.h"

char *campaign_path(const char *results_path, const char *name)
{
	size_t size = strlen(results_path) + sizeof ".journal/" + (name ? strlen(name) : 0);
	char *path = mem_new(size);

	if (path)
		snprintf(path, size, "%s.journal%s%s", results_path, name ? "/" : "", name ? name : "");
	return path;
}

void campaign_boot(char out[RECORD_BOOT_SIZE])
{
	int fd;
	ssize_t n;

	if (journal_io.boot) {
		snprintf(out, RECORD_BOOT_SIZE, "%s", journal_io.boot);
		return;
	}
	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : file_read_full(fd, out, RECORD_BOOT_SIZE - 1);
	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	if (out[0] == '\0') /* no /proc: every run then counts as after a power cut, which is safe */
		snprintf(out, RECORD_BOOT_SIZE, "unknown");
}

static bool same_boot(const char *a, const char *b)
{
	return strcmp(a, b) == 0 && strcmp(a, "unknown") != 0;
}

void campaign_release(struct campaign_log *c)
{
	mem_free(c->runs);
	mem_free(c->pardons);
	segment_lengths_release(&c->lengths);
	c->runs = NULL;
	c->pardons = NULL;
}

static int add_run(struct campaign_log *c, const struct record *record, struct err *e)
{
	struct campaign_run *runs = c->runs;

	if ((c->n_runs & (c->n_runs - 1)) == 0) { /* 0, 1, 2, 4, 8 ... are full */
		runs = mem_grow(runs, (c->n_runs ? 2 * (size_t)c->n_runs : 1) * sizeof *runs);
		if (!runs)
			return err_nomem(e, "reading the journal");
		c->runs = runs;
	}
	runs[c->n_runs] = (struct campaign_run){ .epoch = c->header.epoch };
	if (record_get_run(record, &runs[c->n_runs].note) < 0 || runs[c->n_runs].note.run != c->n_runs + 1)
		return 1;
	memcpy(runs[c->n_runs].letter, c->header.identity.letter, sizeof runs[0].letter);
	c->n_runs++;
	return 0;
}

static int take_identity(struct campaign_log *c, struct campaign_run *run, const struct record *record)
{
	struct journal_identity now;

	if (!run || record_get_identity(record, &now) < 0)
		return 1;
	c->header.identity = now;
	memcpy(run->letter, now.letter, sizeof run->letter);
	return 0;
}

int campaign_pardon(struct campaign_log *c, const struct record_pardon *p)
{
	struct record_pardon *more = mem_grow(c->pardons, (c->n_pardons + 1) * sizeof *more);

	if (!more)
		return -1;
	c->pardons = more;
	more[c->n_pardons++] = *p;
	return 0;
}

bool campaign_is_pardoned(const struct campaign_log *c, unsigned run, const struct verdict *v)
{
	for (unsigned i = 0; i < c->n_pardons; i++)
		if (run <= c->pardons[i].run && refusal_is_of(v, span_str(c->pardons[i].class)))
			return true;
	return false;
}

static int take_lengths(struct campaign_log *c, const struct record *record, struct err *e)
{
	int rc = segment_lengths_take(&c->lengths, record, c->n_runs);

	return rc < 0 ? err_nomem(e, "reading the journal") : rc;
}

static int take_pardon(struct campaign_log *c, const struct record *record, struct err *e)
{
	struct record_pardon p;

	if (c->n_runs == 0 || record_get_pardon(record, &p) < 0)
		return 1;
	return campaign_pardon(c, &p) < 0 ? err_nomem(e, "reading the journal") : 0;
}

/* 0 taken, 1 it makes no sense, -1. */
static int take(struct campaign_log *c, const struct record *record, struct err *e)
{
	struct campaign_run *run = c->n_runs ? &c->runs[c->n_runs - 1] : NULL;
	struct record_claim claim;
	struct span more;
	unsigned ended;

	switch (record->type) {
	case RECORD_RUN:
		return add_run(c, record, e);
	case RECORD_CLAIM:
		if (!run || record_get_claim(record, &claim) < 0)
			return 1;
		run->last_claim = ++c->n_claims;
		run->ended = false;
		if (claim.highest > c->rows_claimed)
			c->rows_claimed = claim.highest;
		return 0;
	case RECORD_LIST:
		if (record_get_list(record, c->header.identity.list) < 0)
			return 1;
		c->header.identity.list_known = true;
		return 0;
	case RECORD_END:
		if (!run || record_get_lengths(record, &ended, &more) < 0 || ended != run->note.run)
			return 1;
		run->ended = true;
		return take_lengths(c, record, e);
	case RECORD_SEGMENTS:
		return take_lengths(c, record, e);
	case RECORD_REKEYED:
		if (take_identity(c, run, record) != 0)
			return 1;
		c->epoch = run->note.run;
		run->epoch = ++c->header.epoch;
		c->rows = c->rows_claimed = 0;
		return 0;
	case RECORD_IDENTITY:
		return take_identity(c, run, record);
	case RECORD_PARDON:
		return take_pardon(c, record, e);
	case RECORD_CHOICE:
		return !run || record_get_choice(record, c->header.identity.selection, sizeof c->header.identity.selection) < 0;
	case RECORD_ROWS:
		return !run || record_get_rows(record, &c->rows) < 0;
	default:
		return 1;
	}
}

static void decide_power(struct campaign_log *c)
{
	for (unsigned i = 0; i < c->n_runs; i++) {
		const char *then = i + 1 < c->n_runs ? c->runs[i + 1].note.boot : c->boot;

		c->runs[i].power_lost = !c->runs[i].ended && !same_boot(c->runs[i].note.boot, then);
	}
}

/* The newest run is the one whose tail can be lost: those before it were cut at its start. */
static bool tail_may_be_lost(const struct campaign_log *c)
{
	return c->n_runs == 0 || !same_boot(c->runs[c->n_runs - 1].note.boot, c->boot);
}

static int read_records(struct campaign_log *c, struct journal_reader *r, struct err *e)
{
	struct record record;
	int rc;

	r->lost_tail_allowed = true; /* (1) */
	rc = journal_reader_next(r, &record, e);
	if (rc <= 0)
		return rc;
	if (record_get_campaign(&record, &c->header) < 0)
		return journal_reader_damaged(r, record.offset, e);
	for (;;) {
		r->lost_tail_allowed = tail_may_be_lost(c);
		rc = journal_reader_next(r, &record, e);
		if (rc <= 0)
			break;
		rc = take(c, &record, e);
		if (rc != 0)
			return rc < 0 ? -1 : journal_reader_damaged(r, record.offset, e);
	}
	c->end = journal_reader_end(r);
	c->next_sequence = r->next_sequence;
	segment_lengths_sort(&c->lengths);
	decide_power(c);
	return rc < 0 ? -1 : c->n_runs > 0;
}

static bool has_content(const char *results_path, struct segment_name name)
{
	char *path = segment_path(results_path, name);
	struct stat st;
	bool has = path && stat(path, &st) == 0 && st.st_size > 0;

	mem_free(path);
	return has;
}

/* Segments are made after RUN is on disk: where there is one and no RUN, the file was lost since. */
static int lost(const char *results_path, struct err *e)
{
	struct segment_name *names = NULL;
	char *folder = campaign_path(results_path, NULL);
	size_t n = 0;
	int rc = 0;

	if (!folder)
		return err_nomem(e, "reading the journal");
	if (access(folder, F_OK) == 0)
		rc = campaign_segments(results_path, 0, &names, &n, e);
	for (size_t i = 0; i < n && rc == 0; i++) {
		if (!has_content(results_path, names[i]))
			continue;
		rc = err_set(e, ERR_CONFLICT, "the journal's file '%s/campaign' is lost or damaged", folder);
		err_hint(e, JOURNAL_DAMAGE_HINT);
	}
	mem_free(names);
	mem_free(folder);
	return rc;
}

int campaign_read(struct campaign_log *out, const char *results_path, struct err *e)
{
	char *path = campaign_path(results_path, "campaign");
	struct journal_reader r;
	int rc;

	memset(out, 0, sizeof *out);
	campaign_boot(out->boot);
	if (!path)
		return err_nomem(e, "reading the journal");
	if (access(path, F_OK) < 0 && errno == ENOENT) {
		mem_free(path);
		return lost(results_path, e);
	}
	rc = journal_reader_open(&r, path, e);
	mem_free(path);
	if (rc < 0)
		return -1;
	rc = read_records(out, &r, e);
	journal_reader_close(&r);
	if (rc == 0)
		return lost(results_path, e);
	return rc > 0 && segment_lengths_check(&out->lengths, results_path, e) < 0 ? -1 : rc;
}

/* ---- claims ---- */

struct claim_walk {
	struct journal_reader reader;
	const struct campaign_log *log;
	unsigned run; /* index of the run that the next claim belongs to, plus 1 */
	uint64_t number;
	struct journal_range range; /* the one that was given last */
	struct span more;           /* those of its record that follow */
};

int claim_walk_open(struct claim_walk **out, const char *results_path, const struct campaign_log *c, struct err *e)
{
	struct claim_walk *w = mem_new(sizeof *w);
	char *path = campaign_path(results_path, "campaign");

	*out = NULL;
	if (!w || !path || journal_reader_open(&w->reader, path, e) < 0) {
		if (!w || !path)
			err_nomem(e, "reading the journal");
		mem_free(w);
		mem_free(path);
		return -1;
	}
	mem_free(path);
	w->log = c;
	*out = w;
	return 0;
}

void claim_walk_close(struct claim_walk **w)
{
	if (!*w)
		return;
	journal_reader_close(&(*w)->reader);
	mem_free(*w);
	*w = NULL;
}

static int give_range(const struct claim_walk *w, uint64_t *first, uint64_t *last, uint64_t *number)
{
	*first = w->range.first;
	*last = w->range.last;
	*number = w->number;
	return 1;
}

int claim_walk_next(struct claim_walk *w, uint64_t *first, uint64_t *last, uint64_t *number, struct err *e)
{
	if (record_next_range(&w->more, &w->range) == 1)
		return give_range(w, first, last, number);
	while (journal_reader_end(&w->reader) < w->log->end) { /* what campaign_read() found sound */
		struct record_claim claim;
		struct record record;
		int rc = journal_reader_next(&w->reader, &record, e);

		if (rc <= 0)
			return rc;
		if (record.type == RECORD_RUN)
			w->run++;
		if (record.type != RECORD_CLAIM || record_get_claim(&record, &claim) < 0)
			continue;
		w->number++;
		if (w->run == 0 || w->run < w->log->epoch || !w->log->runs[w->run - 1].power_lost)
			continue;
		w->range = (struct journal_range){ claim.first, claim.last };
		w->more = claim.more;
		return give_range(w, first, last, number);
	}
	return 0;
}

/* ---- segments ---- */

char *segment_path(const char *results_path, struct segment_name name)
{
	char file[64];

	snprintf(file, sizeof file, "run-%04u-worker-%03u", name.run, name.worker);
	return campaign_path(results_path, file);
}

static bool parse_name(const char *file, struct segment_name *out)
{
	char again[64];

	if (sscanf(file, "run-%9u-worker-%9u", &out->run, &out->worker) != 2 || out->run == 0)
		return false;
	snprintf(again, sizeof again, "run-%04u-worker-%03u", out->run, out->worker);
	return strcmp(file, again) == 0;
}

static int compare(const void *a, const void *b)
{
	const struct segment_name *x = a, *y = b;

	if (x->run != y->run)
		return x->run < y->run ? -1 : 1;
	return (x->worker > y->worker) - (x->worker < y->worker);
}

static int list_folder(DIR *folder, unsigned run, struct segment_name **out, size_t *n, struct err *e)
{
	size_t room = 0;

	for (const struct dirent *entry; (entry = readdir(folder));) {
		struct segment_name name;

		if (!parse_name(entry->d_name, &name) || (run != 0 && name.run != run))
			continue;
		if (*n == room) {
			struct segment_name *more = mem_grow(*out, (room ? 2 * room : 16) * sizeof *more);

			if (!more)
				return err_nomem(e, "reading the journal");
			*out = more;
			room = room ? 2 * room : 16;
		}
		(*out)[(*n)++] = name;
	}
	if (*n > 0)
		qsort(*out, *n, sizeof **out, compare);
	return 0;
}

int campaign_segments(const char *results_path, unsigned run, struct segment_name **out, size_t *n, struct err *e)
{
	char *path = campaign_path(results_path, NULL);
	DIR *folder;
	int rc;

	*out = NULL;
	*n = 0;
	if (!path)
		return err_nomem(e, "reading the journal");
	folder = opendir(path);
	if (!folder) {
		rc = err_sys(e, "cannot read the journal '%s'", path);
		mem_free(path);
		return rc;
	}
	mem_free(path);
	rc = list_folder(folder, run, out, n, e);
	closedir(folder);
	if (rc < 0) {
		mem_free(*out);
		*out = NULL;
	}
	return rc;
}
