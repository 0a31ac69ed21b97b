/* outputs.c - the list that a run would write over is the one thing it could not get back.
 *
 * Held by tests/system/test_cli_send.py. */
#include "engine/cli/outputs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/cli/vars.h"
#include "engine/results/results_log.h"

struct input {
	const char *path, *what;
};

enum { INPUTS_MAX = 200 };

struct inputs {
	struct input items[INPUTS_MAX];
	unsigned n;
};

static void add(struct inputs *in, const char *path, const char *what)
{
	if (path && strcmp(path, "-") != 0 && in->n < INPUTS_MAX)
		in->items[in->n++] = (struct input){ path, what };
}

static void collect(struct inputs *in, const struct options *o, const struct delivery_relay *relays,
		    uint32_t n_relays)
{
	add(in, o->operands[0], "the letter");
	add(in, o->operands[1], "the list of recipients");
	add(in, o->settings, "the settings file");
	for (uint32_t i = 0; i < n_relays; i++)
		add(in, relays[i].password_file, "a password file");
	for (uint32_t i = 0; i < o->suppress.n; i++)
		add(in, o->suppress.items[i], "a suppression list");
	add(in, o->old_list, "the list as it was");
	for (uint32_t i = 0; i < o->vars.n; i++)
		add(in, var_file(o->vars.items[i]), "a file of --var");
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	if (strcmp(a, b) == 0)
		return true;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int check_one(const struct inputs *in, const char *path, const char *option, struct err *e)
{
	for (unsigned i = 0; i < in->n; i++) {
		if (!same_file(path, in->items[i].path))
			continue;
		err_set(e, ERR_INPUT, "'%s' would be written over, and it is %s", path, in->items[i].what);
		return err_hint(e, "choose another name with %s", option);
	}
	return 0;
}

int outputs_check(const struct options *o, const char *results, const struct delivery_relay *relays,
		  uint32_t n_relays, struct err *e)
{
	static const char *const side_words[] = { "failed", "in-doubt" };
	char side[PATH_MAX];
	struct inputs in = { .n = 0 };

	collect(&in, o, relays, n_relays);
	if (check_one(&in, results, "--results", e) < 0)
		return -1;
	for (unsigned i = 0; i < 4; i++) {
		if (results_side_path(results, side_words[i % 2], i < 2 ? "csv" : "jsonl", side, sizeof side) < 0)
			return err_set(e, ERR_INPUT, "the name of the results file is too long");
		if (check_one(&in, side, "--results", e) < 0)
			return -1;
	}
	for (uint32_t i = 0; i < n_relays; i++)
		if (span_case_begins(span_str(relays[i].url), SPAN("mbox:")) &&
		    check_one(&in, relays[i].url + 5, "--relay mbox:FILE", e) < 0)
			return -1;
	add(&in, results, "the results file");
	if (o->transcript && check_one(&in, o->transcript, "--transcript", e) < 0)
		return -1;
	return o->stats ? check_one(&in, o->stats, "--stats", e) : 0;
}
