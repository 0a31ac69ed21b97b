/* rows_guess.c - a proposal for the encoding: the only file that includes <uchardet/uchardet.h>.
 *
 * Some of its names are replaced: sets that hardly anybody uses, which it proposes for a handful of
 * letters of Western Europe.
 * Held by tests/unit/test_rows_encoding.c. */
#include <stdio.h>
#include <strings.h>
#include <uchardet/uchardet.h>

#include "engine/rows/rows_encoding.h"

struct rows_guess; /* an uchardet_t */

static const struct {
	const char *said, *meant;
} replaced[] = {
	{ "ASCII", "" },
	{ "ISO-8859-10", "windows-1252" },
	{ "ISO-8859-3", "windows-1252" },
	{ "ISO-8859-4", "windows-1252" },
	{ "ISO-8859-1", "windows-1252" },
	{ "ISO-8859-15", "windows-1252" },
	{ "GB2312", "GB18030" },
	{ "UHC", "EUC-KR" },
	{ "BIG5", "Big5" }, /* as people write it */
	{ "SHIFT_JIS", "Shift_JIS" },
};

struct rows_guess *rows_guess_new(void)
{
	return (struct rows_guess *)uchardet_new();
}

void rows_guess_add(struct rows_guess *g, struct span lines)
{
	if (lines.n > 0)
		uchardet_handle_data((uchardet_t)g, lines.p, lines.n);
}

void rows_guess_end(struct rows_guess **g, char name[ROWS_ENCODING_NAME])
{
	uchardet_t detector = (uchardet_t)*g;
	const char *said;

	uchardet_data_end(detector);
	said = uchardet_get_charset(detector);
	for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++)
		if (strcasecmp(said, replaced[i].said) == 0) {
			said = replaced[i].meant;
			break;
		}
	if (strncasecmp(said, "windows-", sizeof "windows-" - 1) == 0)
		snprintf(name, ROWS_ENCODING_NAME, "windows-%s", said + sizeof "windows-" - 1);
	else
		snprintf(name, ROWS_ENCODING_NAME, "%s", said);
	uchardet_delete(detector);
	*g = NULL;
}
