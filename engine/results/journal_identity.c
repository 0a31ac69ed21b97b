/* journal_identity.c - what changed since the campaign began, in words.
 *
 * The list is compared by its hash when both sides know it; else by size and time of change, where
 * a time of 0 is not known and is not compared. Held by tests/unit/test_results_journal.c. */
#include "engine/results/journal_identity.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/utf8.h"

enum { WORDS_MAX = 640, VALUE_SHOWN = 60 };

static void next_word(struct buf *words)
{
	if (words->n > 0)
		buf_add_str(words, "; ");
}

static void say_list(const struct journal_identity *was, const struct journal_identity *now, struct buf *words)
{
	bool same;

	if (was->list_known && now->list_known)
		same = memcmp(was->list, now->list, sizeof was->list) == 0;
	else
		same = was->list_size == now->list_size &&
		       (was->list_mtime_ns == now->list_mtime_ns || !was->list_mtime_ns || !now->list_mtime_ns);
	if (same)
		return;
	next_word(words);
	buf_add_str(words, "the list of recipients changed");
}

static void add_value(struct buf *words, struct span value)
{
	buf_addf(words, "'%.*s%s'", SPAN_ARG(span_sub(value, 0, VALUE_SHOWN)), value.n > VALUE_SHOWN ? "..." : "");
}

/* The line "name=value" of that name: its value, and whether there is one. */
static bool find_option(const char *options, struct span name, struct span *value)
{
	struct span rest = span_str(options);

	while (rest.n > 0) {
		struct span line = span_cut(&rest, '\n'), first = span_cut(&line, '=');

		if (!span_eq(first, name))
			continue;
		*value = line;
		return true;
	}
	return false;
}

/* Options of a that b has otherwise; with only_missing, those that b has not at all. */
static void say_options(const char *a, const char *b, bool only_missing, struct buf *words)
{
	struct span rest = span_str(a);

	while (rest.n > 0) {
		struct span value = span_cut(&rest, '\n'), name = span_cut(&value, '='), other;
		bool there = find_option(b, name, &other);

		if (name.n == 0 || (there && (only_missing || span_eq(value, other))))
			continue;
		next_word(words);
		if (only_missing) {
			buf_addf(words, "option %.*s is new: ", SPAN_ARG(name));
			add_value(words, value);
			continue;
		}
		buf_addf(words, "option %.*s was ", SPAN_ARG(name));
		add_value(words, value);
		if (there) {
			buf_add_str(words, " and is now ");
			add_value(words, other);
		} else {
			buf_add_str(words, " and is not given now");
		}
	}
}

static void say_text(const char *what, const char *was, const char *now, const char *none, struct buf *words)
{
	if (strcmp(was, now) == 0)
		return;
	next_word(words);
	buf_addf(words, "%s was ", what);
	add_value(words, span_str(was[0] ? was : none));
	buf_add_str(words, " and is now ");
	add_value(words, span_str(now[0] ? now : none));
}

/* The redirection, as it stands among the options. */
static struct span redirection(const struct journal_identity *i)
{
	struct span value = { NULL, 0 };

	find_option(i->options, SPAN("redirect-to"), &value);
	return value;
}

/* These cannot be accepted: other rows under the same numbers, or a rehearsal taken for the performance. */
static bool list_differs(const struct journal_identity *was, const struct journal_identity *now)
{
	struct buf words;
	bool differs;

	buf_init(&words, WORDS_MAX);
	say_list(was, now, &words);
	differs = words.n > 0 || words.failed;
	buf_release(&words);
	return differs;
}

static bool leads_elsewhere(const struct journal_identity *was, const struct journal_identity *now)
{
	return strcmp(was->destination, now->destination) != 0 || !span_eq(redirection(was), redirection(now));
}

static void say_all(const struct journal_identity *was, const struct journal_identity *now, struct buf *words)
{
	if (memcmp(was->letter, now->letter, sizeof was->letter) != 0)
		buf_add_str(words, "the letter or one of its files changed");
	say_list(was, now, words);
	say_text("the destination", was->destination, now->destination, "none", words);
	say_text("the choice of rows", was->selection, now->selection, "all", words);
	say_options(was->options, now->options, false, words);
	say_options(now->options, was->options, true, words);
}

int journal_identity_changes(const struct journal_identity *was, const struct journal_identity *now,
			     char out[JOURNAL_CHANGES_SIZE])
{
	struct buf words;
	int any;

	buf_init(&words, 8 * sizeof was->options);
	say_all(was, now, &words);
	any = words.n > 0 || words.failed;
	snprintf(out, JOURNAL_CHANGES_SIZE, "%.*s", SPAN_ARG(utf8_cut(buf_span(&words), JOURNAL_CHANGES_SIZE - 1)));
	buf_release(&words);
	return any;
}

int journal_identity_same(const struct journal_identity *was, const struct journal_identity *now, bool accepted,
			  const char *results_path, struct err *e)
{
	bool list = list_differs(was, now), elsewhere = leads_elsewhere(was, now);
	char changes[JOURNAL_CHANGES_SIZE];

	if (!journal_identity_changes(was, now, changes) || (accepted && !list && !elsewhere))
		return 0;
	err_set(e, ERR_CONFLICT, "this is not the campaign of '%s' any more: %s", results_path, changes);
	if (elsewhere)
		return err_hint(e, "begin another campaign with --results FILE");
	if (list)
		return err_hint(e, "put the old list back; or say by which column its rows are known, with --key COLUMN%s; or "
				   "begin another campaign with --results FILE",
				accepted || strcmp(changes, "the list of recipients changed") == 0 ? "" : " --accept-changes");
	return err_hint(e, "go on with what it began with; or send the rest as it is now, with --accept-changes; or begin "
			   "another campaign with --results FILE");
}
