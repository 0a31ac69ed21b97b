/* settings.c - line by line; the first mistake stops.
 *
 *  1. Lines have no limit but the file's; no byte of a value is lost or cut.
 *  2. A name that nobody knows is an error with a proposal, never passed over.
 *  3. No value is shown in a message about `password`: it may be one.
 * Held by tests/system/test_cli_settings.py. */
#include "engine/cli/settings.h"

#include <stddef.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"
#include "engine/cli/options_table.h"

struct reader {
	struct options *o;
	unsigned command;
	const char *path;
	struct span line_text;
	uint32_t line;
	struct relay_section *section; /* NULL before the first [relay NAME] */
};

static const struct section_key {
	const char *name;
	size_t at;
} section_keys[] = {
	{ "url", offsetof(struct relay_section, url) },
	{ "password-command", offsetof(struct relay_section, password_command) },
	{ "password-file", offsetof(struct relay_section, password_file) },
	{ "password-env", offsetof(struct relay_section, password_env) },
	{ "token-command", offsetof(struct relay_section, token_command) },
};
enum { N_SECTION_KEYS = sizeof section_keys / sizeof *section_keys };

/* Adds the place of that byte of the current line. */
static int at_byte(const struct reader *r, const char *byte, struct err *e)
{
	struct span before = span_of(r->line_text.p, (size_t)(byte - r->line_text.p));

	return err_at(e, r->path, r->line, utf8_length(before) + 1);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Without the comment: # at the start or after a space, outside double quotes. */
static struct span without_comment(struct span s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == '#' && !quoted && (i == 0 || is_space(s.p[i - 1])))
			return span_sub(s, 0, i);
	}
	/* A quote that does not close is part of the text: look again without quotes. */
	for (size_t i = 0; quoted && i < s.n; i++)
		if (s.p[i] == '#' && (i == 0 || is_space(s.p[i - 1])))
			return span_sub(s, 0, i);
	return s;
}

/* The text of a value that is one quoted string as a whole; everything else is returned as it is. */
static char *unquote(struct reader *r, struct span s)
{
	char *out = arena_str(&r->o->memory, s);
	size_t n = 0;

	if (!out || s.n < 2 || s.p[0] != '"')
		return out;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '"') {
			if (i + 1 < s.n)
				break; /* "my program" argument */
			out[n] = '\0';
			return out;
		}
		if (s.p[i] == '\\' && i + 1 < s.n && (s.p[i + 1] == '"' || s.p[i + 1] == '\\'))
			i++;
		out[n++] = s.p[i];
	}
	return arena_str(&r->o->memory, s);
}

static int unknown(const struct reader *r, struct span name, const char *nearest, const char *else_hint,
		   struct err *e)
{
	err_set(e, ERR_INPUT, "there is no setting '%.*s'", SPAN_ARG(utf8_cut(name, 80)));
	if (nearest)
		err_hint(e, "did you mean %s?", nearest);
	else
		err_hint(e, "%s", else_hint);
	return at_byte(r, name.p, e);
}

static int no_password(const struct reader *r, struct span name, struct err *e)
{
	err_set(e, ERR_INPUT, "a password does not stand in a settings file");
	err_hint(e, "name its source: password_command, password_file or password_env");
	return at_byte(r, name.p, e);
}

static int set_in_section(struct reader *r, const char *key, struct span name, struct span value, struct err *e)
{
	const char *nearest = NULL, **at;
	unsigned best = 4;

	for (int i = 0; i < N_SECTION_KEYS; i++) {
		unsigned d = utf8_distance(span_str(key), span_str(section_keys[i].name), best);

		if (d < best) {
			best = d;
			nearest = section_keys[i].name;
		}
		if (d > 0)
			continue;
		at = (const char **)(void *)((char *)r->section + section_keys[i].at);
		if (*at) {
			err_set(e, ERR_INPUT, "'%s' stands twice in the section of relay '%s'", key, r->section->name);
			return at_byte(r, name.p, e);
		}
		*at = unquote(r, value);
		return *at ? 0 : err_nomem(e, "the settings");
	}
	return unknown(r, name, nearest,
		       options_find(key, NULL) ? "settings that are not of one relay stand before the first [relay NAME]"
					       : "a relay has url, password_command, password_file and password_env",
		       e);
}

static int set_option(struct reader *r, const char *key, struct span name, struct span value, struct err *e)
{
	const struct option_spec *s;
	unsigned index;
	char *text;

	s = options_find(key, &index);
	if (strcmp(key, "help") == 0 || strcmp(key, "version") == 0 || strcmp(key, "settings") == 0) {
		err_set(e, ERR_INPUT, "'%s' cannot stand in a settings file", key);
		err_hint(e, "--%s belongs on the command line", key);
		return at_byte(r, name.p, e);
	}
	if (!s)
		return unknown(r, name, options_nearest(key, ~0u), "every long option of a command is a setting", e);
	if (!(s->commands & r->command))
		return 0;
	if (r->o->set_at_line[index] && s->kind != OPTION_TEXTS) {
		err_set(e, ERR_INPUT, "'%s' was already set in line %u", key, r->o->set_at_line[index]);
		return at_byte(r, name.p, e);
	}
	r->o->set_at_line[index] = r->line;
	/* Values for the letter add up, name by name (vars.h); all else the command line decides. */
	if (r->o->from[index] == FROM_COMMAND_LINE && strcmp(key, "var") != 0)
		return 0;
	text = unquote(r, value);
	if (!text)
		return err_nomem(e, "the settings");
	if (s->kind == OPTION_FLAG && !text[0]) {
		err_set(e, ERR_INPUT, "'%s' wants yes or no", key);
		return at_byte(r, name.p, e);
	}
	if (options_set(r->o, s, "", text, e) < 0)
		return at_byte(r, value.n ? value.p : name.p, e);
	if (r->o->from[index] == FROM_NOWHERE)
		r->o->from[index] = FROM_SETTINGS;
	return 0;
}

static int read_assignment(struct reader *r, struct span s, struct err *e)
{
	size_t equals = span_find(s, '=');
	struct span name = span_trim(span_sub(s, 0, equals)), value = span_trim(span_skip(s, equals + 1));
	char *key;

	if (equals == s.n || name.n == 0) {
		err_set(e, ERR_INPUT, "this line is no setting");
		err_hint(e, "a setting is written name = value, a section [relay NAME], a comment # text");
		return at_byte(r, s.p, e);
	}
	key = arena_str(&r->o->memory, name);
	if (!key)
		return err_nomem(e, "the settings");
	for (char *p = key; *p; p++)
		if (*p == '_')
			*p = '-';
	if (strcmp(key, "password") == 0)
		return no_password(r, name, e);
	return r->section ? set_in_section(r, key, name, value, e) : set_option(r, key, name, value, e);
}

static int read_section(struct reader *r, struct span s, struct err *e)
{
	struct options *o = r->o;
	struct span inner = span_sub(s, 1, s.n - 2), kind, name;

	if (!span_ends(s, SPAN("]"))) {
		err_set(e, ERR_INPUT, "the section's name has no ] at its end");
		return at_byte(r, s.p, e);
	}
	inner = span_trim(inner);
	kind = span_sub(inner, 0, span_find(inner, ' '));
	name = span_trim(span_skip(inner, kind.n));
	if (!span_eq(kind, SPAN("relay")) || name.n == 0 || span_find(name, ':') < name.n) {
		err_set(e, ERR_INPUT, "a section is written [relay NAME], with a name of your own without ':'");
		return at_byte(r, s.p, e);
	}
	for (uint32_t i = 0; i < o->n_sections; i++) {
		if (span_eq(name, span_str(o->sections[i].name))) {
			err_set(e, ERR_INPUT, "relay '%s' has a section already, in line %u", o->sections[i].name,
				o->sections[i].line);
			return at_byte(r, s.p, e);
		}
	}
	if (!o->sections)
		o->sections = arena_array(&o->memory, SETTINGS_RELAYS_MAX, sizeof *o->sections);
	if (!o->sections)
		return err_nomem(e, "the settings");
	if (o->n_sections == SETTINGS_RELAYS_MAX) {
		err_set(e, ERR_INPUT, "more than %d relays", SETTINGS_RELAYS_MAX);
		return at_byte(r, s.p, e);
	}
	r->section = &o->sections[o->n_sections++];
	r->section->name = arena_str(&o->memory, name);
	r->section->line = r->line;
	return r->section->name ? 0 : err_nomem(e, "the settings");
}

static int read_line(struct reader *r, struct err *e)
{
	struct span s = span_trim(without_comment(r->line_text));

	if (s.n == 0)
		return 0;
	if (memchr(s.p, '\0', s.n)) {
		err_set(e, ERR_INPUT, "the line holds a NUL byte");
		return at_byte(r, memchr(s.p, '\0', s.n), e);
	}
	return s.p[0] == '[' ? read_section(r, s, e) : read_assignment(r, s, e);
}

int settings_read(struct options *o, unsigned command, const char *path, struct err *e)
{
	struct reader r = { .o = o, .command = command, .path = path };
	struct span rest;
	struct buf file;
	int rc;

	buf_init(&file, SETTINGS_MAX_BYTES);
	rc = file_read(path, &file, e);
	rest = buf_span(&file);
	if (span_begins(rest, SPAN("\xef\xbb\xbf")))
		rest = span_skip(rest, 3);
	while (rc == 0 && rest.n > 0) {
		r.line_text = span_cut(&rest, '\n');
		r.line++;
		rc = read_line(&r, e);
	}
	for (uint32_t i = 0; rc == 0 && i < o->n_sections; i++) {
		if (o->sections[i].url && o->sections[i].url[0])
			continue;
		rc = err_set(e, ERR_INPUT, "relay '%s' has no url", o->sections[i].name);
		err_at(e, path, o->sections[i].line, 1);
	}
	buf_release(&file);
	return rc;
}
