/* Letters and lists that nobody meant to write, through the whole of a campaign to null: nothing crashes,
 * reads beyond its bytes (MODE=asan) or hangs; what fails has a sentence; what ends has one line of results
 * for every row that takes part. LONG=1 tries 10,000, else TRIES. */
#include "engine/base/rng.h"
#include "tests/fault/fault_books.h"

enum { TRIES = 250, LONG_TRIES = 10000, SIZE_MAX_BYTES = 64 << 10, PATIENCE_S = 60, CHANGES_MAX = 5 };

struct text {
	char p[SIZE_MAX_BYTES];
	size_t n;
};

static const char *const letters[] = {
	"From: Shop <shop@example.com>\nTo: {{ name }} <{{ email }}>\nSubject: {{ name | upcase }}\n\n"
	"Dear {{ name }},\n{% for w in (1..3) %}{{ w | plus: n }} {% endfor %}{% if n > 2 %}a{% else %}b{% endif %}\n",
	"From: shop@example.com\nTo: {{ email }}\nSubject: x\nContent-Type: text/html; charset=utf-8\n\n"
	"<p>Dear {{ name }}, <a href=\"http://x/?u={{ email | url_encode }}\">here</a> &amp; {{ cc }}</p>\n",
	"From: a@example.com\nTo: {{ email }}\nSubject: m\nContent-Type: text/markdown\n\n# {{ name }}\n\n* one\n* [two](http://y/)\n"
	"\n| a | b |\n|---|---|\n| {{ n }} | 2 |\n",
	"From: a@example.com\nTo: {{ email }}\nSubject: parts\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"b\"\n\n"
	"--b\nContent-Type: text/plain\n\nDear {{ name }}\n--b\nContent-Type: text/html\n\n<b>{{ n }}</b>\n--b--\n",
	"From: a@example.com\nTo: {{ email }}\nCc: {{ cc }}\nSubject: {{ name }}\nAttachment: note.txt\nHtml-Body: letter.html\n\nText {{ n }}\n",
};

static const char list[] =
	"email,n,name,cc\n"
	"one@example.com,1,\"Name, one\",\n"
	"two@example.com,2,Zo\xc3\xab & co,\"a@example.com, b@example.com\"\n"
	"\"Q <three@example.com>\",3,\"two\nlines\",\n"
	"four@b\xc3\xbc" "cher.example,4,=cmd|x!A1,\n";

static const char *const words[] = {
	"{{", "}}", "{%", "%}", "{% for x in (1..99999999) %}", "{% endfor %}", "{% raw %}", "{% if", "{{ name | ", "| date: '%", "\"",
	"\r\n", "\n\n", "\r", "\n ", ",", "\"\"", ";", "\t", "=?utf-8?q?=0A?=", "\xff\xfe", "\xef\xbb\xbf", "\xe2\x80\xa8", "\xc0\x80",
	"Content-Type: ", "multipart/mixed; boundary=", "--b", "--b--", "Content-Transfer-Encoding: base64\n", "Bcc: ", "To: ", "@", "<", ">",
	"(((((((((((((((", "[[[[[[[[[[[", "xn--", "-->", "<!--", "<p style=\"", "&#x0;", "/../", "cid:", "{{ '", "%00", "| split: '' | join: ''", "12345678901234567890",
};

static void insert(struct text *t, size_t at, const char *p, size_t n)
{
	if (n > sizeof t->p - t->n)
		return;
	memmove(t->p + at + n, t->p + at, t->n - at);
	memcpy(t->p + at, p, n);
	t->n += n;
}

static void change_once(struct text *t, struct rng *r)
{
	size_t at = t->n ? rng_below(r, t->n) : 0, n = 1 + rng_below(r, 40);
	const char *word = words[rng_below(r, sizeof words / sizeof *words)];
	char piece[64], octet;

	if (n > t->n - at)
		n = t->n - at;
	switch (rng_below(r, 7)) {
	case 0: /* an octet */
		if (t->n)
			t->p[at] = (char)rng_below(r, 256);
		return;
	case 1: /* a NUL or another control */
		octet = (char)rng_below(r, 33);
		insert(t, at, &octet, 1);
		return;
	case 2: /* something is missing */
		memmove(t->p + at, t->p + at + n, t->n - at - n);
		t->n -= n;
		return;
	case 3: /* twice */
		memcpy(piece, t->p + at, n);
		insert(t, at, piece, n);
		return;
	case 4: /* one of them many times */
		octet = word[0];
		for (uint64_t i = rng_below(r, 3000); i > 0; i--)
			insert(t, at, &octet, 1);
		return;
	default:
		insert(t, at, word, strlen(word));
	}
}

static void change(struct text *t, const char *from, size_t n, struct rng *r)
{
	memcpy(t->p, from, n);
	t->n = n;
	for (uint64_t i = rng_below(r, CHANGES_MAX); i > 0; i--)
		change_once(t, r);
	if (rng_below(r, 40) == 0)
		t->n = t->n ? rng_below(r, t->n) : 0;
}

static void put(const char *path, const struct text *t)
{
	FILE *f = fopen(path, "we");

	if (!f || fwrite(t->p, 1, t->n, f) != t->n || fclose(f) != 0)
		fail_msg("cannot write %s", path);
}

/* Lines of the results, and the longest row number among them. */
static unsigned count_lines(const struct place *p)
{
	struct rows_options opt = { .path = p->results };
	struct row_block *block = NULL;
	struct rows *rows = NULL;
	struct err e = { 0 };
	unsigned n = 0;
	int rc;

	if (access(p->results, F_OK) < 0)
		return 0;
	if (rows_open(&rows, &opt, &e) < 0 || row_block_new(&block, 64) < 0)
		fail_msg("the results cannot be read: %s", e.text);
	while ((rc = rows_read(rows, block, 64, &e)) == 1) {
		for (uint32_t i = 0; i < block->n; i++)
			if (block->rows[i].n_cells != 12 || block->rows[i].problem.n)
				fail_msg("a line of the results is broken: %.*s", SPAN_ARG(block->rows[i].problem));
		n += block->n;
		row_block_reset(block);
	}
	if (rc < 0)
		fail_msg("the results cannot be read: %s", e.text);
	row_block_free(&block);
	rows_close(&rows);
	return n;
}

static void try_one(struct place *p, unsigned number, unsigned *ended)
{
	static struct text letter, rows;
	struct outcome o;
	struct rng r;
	char when[64];

	rng_seed(&r, number, 20);
	snprintf(when, sizeof when, "letter and list %u", number);
	const char *from = letters[rng_below(&r, sizeof letters / sizeof *letters)];

	change(&letter, from, strlen(from), &r);
	change(&rows, list, sizeof list - 1, &r);
	put(p->letter, &letter);
	put(p->list, &rows);
	place_empty(p);
	place_watch(when, PATIENCE_S);
	if (place_run(p, false, &o) < 0) {
		if (!o.e.text[0])
			fail_msg("%s: it failed and did not say why", when);
	} else {
		const struct ledger_counts *c = &o.result.counts;
		uint64_t all = c->sent + c->skipped + c->refused + c->deferred + c->in_doubt;

		if (o.result.end == CAMPAIGN_COMPLETE && (c->refused || c->deferred || c->in_doubt))
			fail_msg("%s: null refuses nobody", when);
		if (count_lines(p) != all)
			fail_msg("%s: %u lines of results for %d recipients", when, count_lines(p), (int)all);
		*ended += c->sent > 0;
	}
	alarm(0);
}

static void letters_and_lists_of_chance(void **state)
{
	unsigned tries = getenv("LONG") ? LONG_TRIES : TRIES, ended = 0;
	struct place p;

	(void)state;
	place_set_up(&p);
	place_job(&p, "null:");
	p.job.threads = 1;
	for (unsigned i = 0; i < tries; i++)
		try_one(&p, i, &ended);
	print_message("%u tries, %u of them sent something\n", tries, ended);
	assert_true(ended > tries / 20 && ended < tries); /* else the chances are not what they should be */
	place_tear_down(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(letters_and_lists_of_chance) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
