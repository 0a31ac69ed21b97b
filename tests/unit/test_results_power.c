/* Power cuts. Every write and sync of a small campaign is recorded; then, for the moment after each
 * of them, files are made as a disk may hold them: what was synced is there, of each later write
 * any 512-byte piece may be missing, in any order. Whatever is left, nobody who may have been
 * mailed counts as not mailed, and what was synced is known. */
#include "tests/unit/results_fixture.h"

#include <fcntl.h>

#include "engine/base/rng.h"

enum { ROWS = 14, FILES_MAX = 8, EVENTS_MAX = 2000, PIECE = 512, IMAGE_MAX = 1 << 16, IMAGES = 30 };

enum event_kind { EVENT_WRITE, EVENT_SYNC, EVENT_CLAIMED, EVENT_OFFERED, EVENT_RESULT, EVENT_KNOWN };

static struct event {
	enum event_kind kind;
	int file;
	uint64_t at;
	char *bytes;
	size_t n;
	uint64_t row;
	enum verdict_kind verdict;
} events[EVENTS_MAX];
static size_t n_events;
static char names[FILES_MAX][64];
static int n_files;

static struct event *add(enum event_kind kind)
{
	assert_true(n_events < EVENTS_MAX);
	events[n_events] = (struct event){ .kind = kind };
	return &events[n_events++];
}

static int file_of(int fd)
{
	char link[64], path[256];
	ssize_t n;
	int i = 0;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	assert_true(n > 0);
	path[n] = '\0';
	while (i < n_files && strcmp(names[i], strrchr(path, '/') + 1) != 0)
		i++;
	if (i == n_files) {
		assert_true(n_files < FILES_MAX);
		snprintf(names[n_files++], sizeof names[0], "%.63s", strrchr(path, '/') + 1);
	}
	return i;
}

static ssize_t recording_pwrite(int fd, const void *p, size_t n, off_t at)
{
	struct event *event = add(EVENT_WRITE);

	event->file = file_of(fd);
	event->at = (uint64_t)at;
	event->bytes = malloc(n);
	memcpy(event->bytes, p, n);
	event->n = n;
	return pwrite(fd, p, n, at);
}

static int recording_sync(int fd)
{
	int file = file_of(fd);

	add(EVENT_SYNC)->file = file;
	return 0;
}

static void note(enum event_kind kind, uint64_t row, enum verdict_kind verdict)
{
	struct event *event = add(kind);

	event->row = row;
	event->verdict = verdict;
}

static void attempt(struct fixture *f, struct journal_segment *s, uint64_t row, uint32_t number, enum verdict_kind kind)
{
	fixture_intent(s, row, number, 1, 0);
	assert_int_equal(journal_flush(s, &f->e), 0);
	note(EVENT_OFFERED, row, 0);
	fixture_result(s, row, number, 1, 0, kind);
	note(EVENT_RESULT, row, kind);
}

static void claim(struct journal *j, uint64_t first, uint64_t last)
{
	for (uint64_t row = first; row <= last; row++) /* as of rows that are not side by side */
		assert_int_equal(fixture_claim(j, row, row == last), 0);
	for (uint64_t row = first; row <= last; row++)
		note(EVENT_CLAIMED, row, 0);
}

static void settle(struct fixture *f, struct journal_segment *s, uint64_t row, enum verdict_kind kind)
{
	assert_int_equal(journal_flush(s, &f->e), 0);
	assert_int_equal(journal_sync(s, &f->e), 0);
	note(EVENT_KNOWN, row, kind);
}

/* Two workers, groups of rows, deferrals tried again by the other worker. */
static void campaign(struct fixture *f)
{
	struct journal *j;
	struct journal_segment *s[2];

	journal_io.pwrite = recording_pwrite;
	journal_io.fdatasync = recording_sync;
	j = fixture_open(f, false);
	s[0] = fixture_segment(f, j, 0);
	s[1] = fixture_segment(f, j, 1);
	for (uint64_t row = 1; row <= ROWS; row++) {
		struct journal_segment *to = s[row % 2];

		if (row % 5 == 1)
			claim(j, row, row + 4 < ROWS ? row + 4 : ROWS);
		attempt(f, to, row, 1, row % 3 ? VERDICT_SENT : VERDICT_DEFERRED);
		if (row % 4 == 0)
			settle(f, to, row, row % 3 ? VERDICT_SENT : VERDICT_DEFERRED);
		if (row % 6 == 0) {
			assert_int_equal(journal_flush(to, &f->e), 0);
			claim(j, row, row);
			attempt(f, s[!(row % 2)], row, 2, row % 4 ? VERDICT_SENT : VERDICT_REFUSED);
		}
	}
	journal_segment_close(&s[0]);
	journal_segment_close(&s[1]);
	journal_close(&j);
	journal_io_reset();
	journal_io.fdatasync = journal_io.fsync = fixture_sync;
}

struct truth { /* of one row, at one moment */
	bool claimed, known;
	bool offered; /* content of the newest attempt may be gone */
	bool answered;
	enum verdict_kind verdict, known_verdict;
};

static void find_truth(size_t moment, struct truth truth[ROWS + 1])
{
	memset(truth, 0, (ROWS + 1) * sizeof *truth);
	for (size_t i = 0; i < moment; i++) {
		struct truth *t = &truth[events[i].row];

		switch (events[i].kind) {
		case EVENT_CLAIMED: t->claimed = true; break;
		case EVENT_OFFERED:
			t->offered = true;
			t->answered = t->known = false;
			break;
		case EVENT_RESULT:
			t->answered = true;
			t->verdict = events[i].verdict;
			break;
		case EVENT_KNOWN:
			t->known = true;
			t->known_verdict = events[i].verdict;
			break;
		default: break;
		}
	}
}

static char image[FILES_MAX][IMAGE_MAX];
static size_t sizes[FILES_MAX];

static void put_piece(const struct event *e, size_t from, size_t n)
{
	assert_true(e->at + from + n <= IMAGE_MAX);
	memcpy(image[e->file] + e->at + from, e->bytes + from, n);
	if (e->at + from + n > sizes[e->file])
		sizes[e->file] = e->at + from + n;
}

static bool synced_later(size_t i, size_t moment)
{
	for (size_t k = i + 1; k < moment; k++)
		if (events[k].kind == EVENT_SYNC && events[k].file == events[i].file)
			return true;
	return false;
}

/* keep: of 256, how likely a piece of 512 bytes of an unsynced write is there. */
static void make_image(size_t moment, unsigned keep, struct rng *rng)
{
	memset(image, 0, sizeof image);
	memset(sizes, 0, sizeof sizes);
	for (size_t i = 0; i < moment; i++) {
		const struct event *e = &events[i];
		bool durable;

		if (e->kind != EVENT_WRITE)
			continue;
		durable = synced_later(i, moment);
		for (size_t from = 0; from < e->n;) {
			size_t n = PIECE - (e->at + from) % PIECE; /* pieces of the disk, not of the write */

			if (n > e->n - from)
				n = e->n - from;
			if (durable || rng_below(rng, 256) < keep)
				put_piece(e, from, n);
			from += n;
		}
	}
}

static void write_image(struct fixture *f)
{
	fixture_empty(f);
	assert_int_equal(mkdir(f->journal, 0700), 0);
	for (int i = 0; i < n_files; i++)
		fixture_put(f, names[i], (struct span){ image[i], sizes[i] });
}

static void check_row(uint64_t row, const struct truth *t, enum row_state is, size_t moment)
{
	static const enum row_state states[] = {
		[VERDICT_SENT] = ROW_SENT, [VERDICT_DEFERRED] = ROW_DEFERRED, [VERDICT_REFUSED] = ROW_REFUSED,
	};
	bool right;

	if (!t->claimed)
		right = is == ROW_TO_DO || is == ROW_IN_DOUBT; /* its CLAIM may be on disk, unanswered */
	else if (t->known && t->answered)
		right = is == states[t->known_verdict] || (t->known_verdict == VERDICT_DEFERRED && is == ROW_IN_DOUBT);
	else if (t->offered && !t->answered)
		right = is == ROW_IN_DOUBT;
	else if (t->answered)
		right = is == ROW_IN_DOUBT || is == states[t->verdict];
	else
		right = is == ROW_IN_DOUBT;
	if (!right)
		fail_msg("after event %zu: row %d is %d", moment, (int)row, is);
}

static void check_image(struct fixture *f, size_t moment, const struct truth truth[ROWS + 1])
{
	struct journal_header header;
	struct ledger *l;
	int there = journal_peek(f->results, &header, &f->e);

	if (there < 0)
		fail_msg("after event %zu: %s", moment, f->e.text);
	if (!there) {
		for (uint64_t row = 1; row <= ROWS; row++)
			assert_false(truth[row].claimed);
		return;
	}
	if (ledger_load(&l, f->results, &f->e) < 0)
		fail_msg("after event %zu: %s", moment, f->e.text);
	for (uint64_t row = 1; row <= ROWS; row++) {
		check_row(row, &truth[row], ledger_row(l, row), moment);
		for (int i = 0; i < FIXTURE_OTHERS && fixture_groups; i++)
			if (ledger_row(l, fixture_others(row)[i].number) != ledger_row(l, row))
				fail_msg("after event %zu: row %d is not like the others of its group", moment, (int)row);
	}
	ledger_free(&l);
}

static void every_moment(void **state)
{
	struct fixture *f = *state;
	struct truth truth[ROWS + 1];
	struct rng rng;

	rng_seed(&rng, 5, 6);
	n_events = 0;
	n_files = 0;
	journal_io.boot = "before";
	campaign(f);
	journal_io.boot = "after";
	for (size_t moment = 0; moment < n_events - 8; moment++) { /* the last ones are the clean end */
		find_truth(moment, truth);
		for (int i = 0; i < IMAGES; i++) {
			unsigned keep = i == 0 ? 0 : i == 1 ? 256 : (unsigned)rng_below(&rng, 256);
			struct journal *j;

			make_image(moment, keep, &rng);
			write_image(f);
			check_image(f, moment, truth);
			if (i % 10 != 0)
				continue;
			j = fixture_open(f, true); /* and it can be gone on with; nothing changes by that */
			journal_close(&j);
			check_image(f, moment, truth);
		}
	}
	for (size_t i = 0; i < n_events; i++)
		free(events[i].bytes);
}

static void every_moment_of_groups(void **state)
{
	fixture_groups = true;
	every_moment(state);
	fixture_groups = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = { FIXTURE_TEST(every_moment), FIXTURE_TEST(every_moment_of_groups) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
