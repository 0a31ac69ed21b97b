/* quote.c - a proposed command must run as it stands.
 *
 * Held by tests/system/test_cli_send.py, which runs the commands of the summary by a shell. */
#include "engine/cli/quote.h"

#include <stdbool.h>
#include <string.h>

#include "engine/base/buf.h"
#include "engine/cli/options.h"

int quote_word(struct buf *out, const char *word)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,";

	if (word[0] && word[strspn(word, safe)] == '\0')
		return buf_add_str(out, word);
	buf_add_char(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			buf_add_str(out, "'\\''");
		else
			buf_add_char(out, *word);
	}
	return buf_add_char(out, '\'');
}

int quote_command(struct buf *out, const struct options *o, const char *extra)
{
	bool ended = false; /* a "--" ends the options, so extra stands before it */

	for (int i = 0; i < o->argc; i++)
		ended = ended || (i >= 2 && strcmp(o->argv[i], "--") == 0);
	for (int i = 0; i < o->argc; i++) {
		if (i > 0)
			buf_add_char(out, ' ');
		quote_word(out, o->argv[i]);
		if (ended && i == 1)
			buf_add_str(out, extra);
	}
	if (!ended)
		buf_add_str(out, extra);
	return out->failed ? -1 : 0;
}
