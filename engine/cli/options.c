/* options.c - reading options.
 *
 *  1. Options and operands may stand in any order; "--" ends the options; "-" is an operand.
 *  2. A value is never shown in a message about an option that nobody knows: it may be a secret.
 *  3. What the command line set is never set again from a file.
 * Held by tests/system/test_cli_options.py. */
#include "engine/cli/options.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/must.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"
#include "engine/cli/options_table.h"
#include "engine/run/breaker.h"
#include "engine/run/campaign.h"

enum {
	CONNECTIONS_DEFAULT = 4,
	RSA_BITS_DEFAULT = 2048,
	DRAIN_DEFAULT_MS = 30 * 1000,
	RETRY_FOR_DEFAULT_MS = 15 * 60 * 1000,
	MEMORY_CHUNK_BYTES = 16384,
	MEMORY_MAX_BYTES = 64 << 20
};

static const char no_password[] = "others on this machine can read a command line: use --password-command, "
				  "--password-file or --password-env, or wait to be asked";

int options_init(struct options *o)
{
	*o = (struct options){ .date_ms = -1,
			       .connections = CONNECTIONS_DEFAULT,
			       .bits = RSA_BITS_DEFAULT,
			       .sync_ms = CAMPAIGN_SYNC_DEFAULT_MS,
			       .retry_for_ms = RETRY_FOR_DEFAULT_MS,
			       .drain_ms = DRAIN_DEFAULT_MS,
			       .on_log_error = LOG_ERROR_WAIT,
			       .stop_after = BREAKER_DEFAULT };
	arena_init(&o->memory, MEMORY_CHUNK_BYTES, MEMORY_MAX_BYTES);
	return 0;
}

void options_release(struct options *o)
{
	arena_release(&o->memory);
}

int text_list_add(struct options *o, struct text_list *list, const char *text)
{
	if (list->n == list->capacity) {
		uint32_t capacity = list->capacity ? 2 * list->capacity : 8;
		const char **items = arena_grow(&o->memory, list->items, list->capacity * sizeof *items,
						capacity * sizeof *items);

		if (!items)
			return -1;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->n++] = text;
	return 0;
}

const struct option_spec *options_find(const char *name, unsigned *index)
{
	for (unsigned i = 0; options_table[i].name; i++)
		if (strcmp(options_table[i].name, name) == 0) {
			if (index)
				*index = i;
			return &options_table[i];
		}
	return NULL;
}

bool options_given(const struct options *o, const char *name)
{
	unsigned index;

	return options_find(name, &index) && o->from[index] != FROM_NOWHERE;
}

bool options_from_settings(const struct options *o, const char *name)
{
	unsigned index;

	return options_find(name, &index) && o->from[index] == FROM_SETTINGS;
}

const char *options_nearest(const char *name, unsigned commands)
{
	unsigned best = strlen(name) <= 4 ? 2 : 3; /* distance that is still too far + 1 */
	const char *nearest = NULL;

	for (const struct option_spec *s = options_table; s->name; s++) {
		unsigned d;

		if (!(s->commands & commands))
			continue;
		d = utf8_distance(span_str(name), span_str(s->name), best);
		if (d < best) {
			best = d;
			nearest = s->name;
		}
	}
	return nearest;
}

static int set_flag(bool *at, const struct option_spec *s, const char *dashes, const char *value, struct err *e)
{
	static const char *const yes[] = { "yes", "true", "on", "1" }, *const no[] = { "no", "false", "off", "0" };

	if (!value) {
		*at = true;
		return 0;
	}
	for (unsigned i = 0; i < 4; i++) {
		if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
			*at = strcmp(value, yes[i]) == 0;
			return 0;
		}
	}
	return err_set(e, ERR_INPUT, "%s%s is yes or no, not '%s'", dashes, s->name, value);
}

static int set_number(uint64_t *at, const struct option_spec *s, const char *dashes, const char *value,
		      uint64_t min, uint64_t max, struct err *e)
{
	unsigned long long n;

	if (span_number(span_str(value), ULLONG_MAX, &n) < 0 || n < min || n > max) {
		if (max == UINT64_MAX)
			return err_set(e, ERR_INPUT, "%s%s wants a whole number, not '%s'", dashes, s->name, value);
		return err_set(e, ERR_INPUT, "%s%s wants a number from %llu to %llu, not '%s'", dashes, s->name,
			       (unsigned long long)min, (unsigned long long)max, value);
	}
	*at = n;
	return 0;
}

static int set_time(int64_t *at, const struct option_spec *s, const char *dashes, const char *value,
		    struct err *e)
{
	int64_t ms;

	if (clock_parse_span(span_str(value), &ms) < 0 || ms < (int64_t)s->min) {
		err_set(e, ERR_INPUT, "%s%s wants a length of time, not '%s'", dashes, s->name, value);
		return err_hint(e, "write 200ms, 15s, 10min, 2h or 3d");
	}
	*at = ms;
	return 0;
}

static int set_sync(int64_t *at, const struct option_spec *s, const char *dashes, const char *value,
		    struct err *e)
{
	int64_t ms;

	if (strcmp(value, "each") == 0)
		*at = CAMPAIGN_SYNC_EACH;
	else if (strcmp(value, "off") == 0)
		*at = CAMPAIGN_SYNC_OFF;
	else if (clock_parse_span(span_str(value), &ms) == 0 && ms > 0)
		*at = ms;
	else
		return err_set(e, ERR_INPUT, "%s%s wants a length of time as 200ms, or each, or off, not '%s'", dashes,
			       s->name, value);
	return 0;
}

static int set_word(int *at, const struct option_spec *s, const char *dashes, const char *value, struct err *e)
{
	char all[128] = "";
	size_t n = 0;

	for (int i = 0; s->words[i]; i++) {
		if (strcmp(s->words[i], value) == 0) {
			*at = i;
			return 0;
		}
		n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", i == 0 ? "" : s->words[i + 1] ? ", " : " or ",
				      s->words[i]);
	}
	return err_set(e, ERR_INPUT, "%s%s is %s, not '%s'", dashes, s->name, all, value);
}

static int set_date(struct options *o, const struct option_spec *s, const char *dashes, const char *value,
		    struct err *e)
{
	if (clock_parse(span_str(value), &o->date_ms, &o->date_zone_minutes) == 0 && o->date_ms >= 0)
		return 0;
	err_set(e, ERR_INPUT, "%s%s wants a time from 1970 on, not '%s'", dashes, s->name, value);
	return err_hint(e, "write 2026-11-23, 2026-11-23T09:30Z or 2026-11-23T09:30:00+01:00");
}

static int set_value(struct options *o, const struct option_spec *s, const char *dashes, const char *value,
		     struct err *e)
{
	char *at = (char *)o + s->at;

	if (s->kind == OPTION_FLAG)
		return set_flag((bool *)at, s, dashes, value, e);
	MUST(value);
	switch (s->kind) {
	case OPTION_FLAG:
		break;
	case OPTION_TEXT:
		*(const char **)(void *)at = value;
		return 0;
	case OPTION_TEXTS:
		if (text_list_add(o, (struct text_list *)(void *)at, value) < 0)
			return err_nomem(e, "the options");
		return 0;
	case OPTION_COUNT:
		return set_number((uint64_t *)(void *)at, s, dashes, value, s->min, s->max, e);
	case OPTION_LIMIT:
		o->limit_given = true;
		if (strcmp(value, "all") == 0) {
			o->limit = 0;
			return 0;
		}
		return set_number(&o->limit, s, dashes, value, 1, 1000000000000, e);
	case OPTION_SEED:
		o->seed_given = true;
		return set_number(&o->seed, s, dashes, value, 0, UINT64_MAX, e);
	case OPTION_TIME:
		return set_time((int64_t *)(void *)at, s, dashes, value, e);
	case OPTION_SYNC:
		return set_sync((int64_t *)(void *)at, s, dashes, value, e);
	case OPTION_DATE:
		return set_date(o, s, dashes, value, e);
	case OPTION_WORD:
		return set_word((int *)(void *)at, s, dashes, value, e);
	}
	return 0;
}

/* What a text program makes of "x": a shell takes it for a part of the value. */
static bool begins_with_curled_quote(const char *value)
{
	static const char *const quotes[] = { "\u201c", "\u201d", "\u201e", "\u2018", "\u2019", "\u201a" };

	for (unsigned i = 0; i < sizeof quotes / sizeof *quotes; i++)
		if (strncmp(value, quotes[i], strlen(quotes[i])) == 0)
			return true;
	return false;
}

int options_set(struct options *o, const struct option_spec *s, const char *dashes, const char *value,
		struct err *e)
{
	if (s->value && (!value || !value[0]))
		return err_set(e, ERR_INPUT, "%s%s wants a value: %s", dashes, s->name, s->value);
	if (s->value && begins_with_curled_quote(value)) {
		err_set(e, ERR_INPUT, "the value of %s%s begins with a curled quotation mark: %s", dashes, s->name, value);
		return err_hint(e, "use straight ones, \"...\" or '...', or none");
	}
	return set_value(o, s, dashes, value, e);
}

/* The option that name begins or is: NULL with e when there is none or more than one. */
static const struct option_spec *recognise(const char *name, unsigned command, struct err *e)
{
	const struct option_spec *found = NULL;
	char all[256] = "";
	size_t n = 0, length = strlen(name);
	unsigned count = 0;
	const char *nearest;

	if (strcmp(name, "password") == 0 || strcmp(name, "pass") == 0 || strcmp(name, "passwd") == 0) {
		err_set(e, ERR_INPUT, "there is no --%s: a password never stands on the command line", name);
		err_hint(e, "%s", no_password);
		return NULL;
	}
	for (const struct option_spec *s = options_table; s->name; s++) {
		if (!(s->commands & command) || strncmp(s->name, name, length) != 0)
			continue;
		if (!s->name[length])
			return s;
		found = s;
		if (n < sizeof all)
			n += (size_t)snprintf(all + n, sizeof all - n, "%s--%s", count ? ", " : "", s->name);
		count++;
	}
	if (count == 1 && length > 0)
		return found;
	if (count > 1 && length > 0) {
		err_set(e, ERR_INPUT, "--%s may mean %s", name, all);
		return NULL;
	}
	err_set(e, ERR_INPUT, "there is no option --%s", name);
	nearest = options_nearest(name, command);
	if (nearest)
		err_hint(e, "did you mean --%s?", nearest);
	else if (options_nearest(name, ~0u))
		err_hint(e, "--%s belongs to another command", options_nearest(name, ~0u));
	else
		err_hint(e, "--help shows them all");
	return NULL;
}

/* One "--name[=value]"; *used_next when the following argument was its value. */
static int take_long(struct options *o, unsigned command, char *arg, char *next, bool *used_next, struct err *e)
{
	struct span rest = span_str(arg + 2), name = span_cut(&rest, '=');
	const struct option_spec *s;
	const char *value = rest.p;
	char *plain = arena_str(&o->memory, name);

	if (!plain)
		return err_nomem(e, "the options");
	s = recognise(plain, command, e);
	if (!s)
		return -1;
	if (!s->value && value)
		return err_set(e, ERR_INPUT, "--%s takes no value", s->name);
	if (s->value && !value) {
		if (next && next[0] == '-' && next[1] == '-' && next[2]) {
			err_set(e, ERR_INPUT, "--%s wants a value: %s", s->name, s->value);
			return err_hint(e, "a value that begins with dashes is written --%s=%s", s->name, s->value);
		}
		value = next;
		*used_next = true;
	}
	if (options_set(o, s, "--", value, e) < 0)
		return -1;
	o->from[s - options_table] = FROM_COMMAND_LINE;
	return 0;
}

static int take_operand(struct options *o, unsigned command, const char *text, struct err *e)
{
	if (o->n_operands == (command == FOR_SHOW ? OPTIONS_OPERANDS_MAX : OPTIONS_OPERANDS_MAX - 1))
		return err_set(e, ERR_INPUT, "'%s' is one argument too many", text);
	if (!text[0])
		return err_set(e, ERR_INPUT, "an argument is empty");
	o->operands[o->n_operands++] = text;
	return 0;
}

static int take_short(struct options *o, const char *arg, struct err *e)
{
	if (strcmp(arg, "-h") == 0)
		o->help = true;
	else if (strcmp(arg, "-V") == 0)
		o->version = true;
	else {
		err_set(e, ERR_INPUT, "there is no option %.2s", arg);
		return err_hint(e, "long options begin with two dashes; a file of that name is written ./%s", arg);
	}
	return 0;
}

int options_parse(struct options *o, unsigned command, int argc, char **argv, struct err *e)
{
	bool only_operands = false;

	for (int i = 1; i < argc && !o->help && !o->version; i++) {
		char *arg = argv[i];
		bool used_next = false;
		int rc;

		if (only_operands || arg[0] != '-' || !arg[1]) {
			rc = take_operand(o, command, arg, e);
		} else if (strcmp(arg, "--") == 0) {
			only_operands = true;
			continue;
		} else if (arg[1] == '-') {
			rc = take_long(o, command, arg, i + 1 < argc ? argv[i + 1] : NULL, &used_next, e);
		} else {
			rc = take_short(o, arg, e);
		}
		if (rc < 0)
			return -1;
		i += used_next;
	}
	o->vars_typed = o->vars.n;
	return 0;
}
