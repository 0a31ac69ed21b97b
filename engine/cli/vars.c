/* vars.c - values that come with the command and not with the list. */
#include "engine/cli/vars.h"

#include <ctype.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/file.h"
#include "engine/base/span.h"
#include "engine/base/utf8.h"

const char *var_file(const char *var)
{
	const char *equals = strchr(var, '=');

	return equals && equals[1] == '@' && equals[2] != '@' ? equals + 2 : NULL;
}

static bool is_name(struct span s)
{
	if (s.n == 0 || isdigit((unsigned char)s.p[0]) || s.p[0] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (!isalnum(c) && c != '_' && c != '-' && c < 128)
			return false;
	}
	return true;
}

static int read_file(struct options *o, const char *path, struct span *out, struct err *e)
{
	struct buf b;
	int ok = 0, rc;

	buf_init(&b, VAR_FILE_MAX_BYTES);
	rc = file_read(path, &b, e);
	if (rc == 0) {
		struct span s = buf_span(&b);

		if (span_ends(s, SPAN("\n")))
			s.n--;
		if (span_ends(s, SPAN("\r")))
			s.n--;
		*out = arena_copy(&o->memory, s, &ok);
		if (!ok)
			rc = err_nomem(e, "the values of --var");
	}
	buf_release(&b);
	return rc;
}

static int read_one(struct options *o, const char *var, struct member *out, struct err *e)
{
	struct span value = span_str(var), name = span_cut(&value, '=');

	if (name.n == 0) {
		err_set(e, ERR_INPUT, "--var wants NAME=VALUE or NAME=@FILE, and nothing stands before the =");
		return err_hint(e, "give the value a name: --var plan=pro");
	}
	if (!value.p || !is_name(name)) {
		err_set(e, ERR_INPUT, "--var wants NAME=VALUE or NAME=@FILE, not '%.*s'", SPAN_ARG(utf8_cut(name, 80)));
		return err_hint(e, "a name is made of letters, digits, _ and -");
	}
	if (var_file(var)) {
		if (read_file(o, var_file(var), &value, e) < 0)
			return -1;
	} else if (span_begins(value, SPAN("@@"))) {
		value = span_skip(value, 1);
	}
	if (!utf8_valid(value)) {
		err_set(e, ERR_INPUT, "the value of --var %.*s is not UTF-8", SPAN_ARG(name));
		return -1;
	}
	*out = (struct member){ name, value_cell(value) }; /* nobody gave it a type: as a cell of the list */
	return 0;
}

int vars_read(struct options *o, const struct member **out, uint32_t *n, struct err *e)
{
	struct member *vars = arena_array(&o->memory, o->vars.n + 1, sizeof *vars);
	uint32_t count = 0;

	if (!vars)
		return err_nomem(e, "the values of --var");
	for (uint32_t i = 0; i < o->vars.n; i++) {
		struct member m = { .key = { NULL, 0 } };
		uint32_t at = 0;

		if (read_one(o, o->vars.items[i], &m, e) < 0)
			return -1;
		while (at < count && !span_eq(vars[at].key, m.key))
			at++;
		if (at < count && i < o->vars_typed)
			return err_set(e, ERR_INPUT, "--var %.*s is given twice", SPAN_ARG(m.key));
		if (at == count)
			vars[count++] = m;
	}
	*out = vars;
	*n = count;
	return 0;
}
