/* rows_guess.c - a proposal for the encoding: the only file that includes <uchardet/uchardet.h>.
 *
 * Some of its names are replaced: sets that hardly anybody uses, which it proposes for a handful of
 * letters of Western Europe. Those of DOS and the old Mac have letters where Windows has signs, from
 * 0x80 to 0xBF: a list without such bytes is of Windows.
 * Held by tests/unit/test_rows_encoding.c. */
#include <stdio.h>
#include <strings.h>
#include <uchardet/uchardet.h>

#include "engine/base/mem.h"
#include "engine/rows/rows_encoding.h"

struct rows_guess {
	uchardet_t detector;
	bool low; /* a byte from 0x80 to 0xBF was seen, or one of the two signs beyond */
};

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
	struct rows_guess *g = mem_new(sizeof *g);

	if (!g)
		return NULL;
	g->detector = uchardet_new();
	if (g->detector)
		return g;
	mem_free(g);
	return NULL;
}

void rows_guess_add(struct rows_guess *g, struct span lines)
{
	if (lines.n > 0)
		uchardet_handle_data(g->detector, lines.p, lines.n);
	for (size_t i = 0; i < lines.n && !g->low; i++) {
		unsigned char c = (unsigned char)lines.p[i];

		g->low = (c >= 0x80 && c < 0xc0) || c == 0xd7 || c == 0xf7;
	}
}

static const char *better_name(const struct rows_guess *g, const char *said)
{
	if (!g->low && (strncasecmp(said, "IBM", 3) == 0 || strncasecmp(said, "MAC-", 4) == 0))
		return "windows-1252";
	for (size_t i = 0; i < sizeof replaced / sizeof *replaced; i++)
		if (strcasecmp(said, replaced[i].said) == 0)
			return replaced[i].meant;
	return said;
}

void rows_guess_end(struct rows_guess **g, char name[ROWS_ENCODING_NAME])
{
	const char *said;

	uchardet_data_end((*g)->detector);
	said = better_name(*g, uchardet_get_charset((*g)->detector));
	if (strncasecmp(said, "windows-", sizeof "windows-" - 1) == 0)
		snprintf(name, ROWS_ENCODING_NAME, "windows-%s", said + sizeof "windows-" - 1);
	else
		snprintf(name, ROWS_ENCODING_NAME, "%s", said);
	uchardet_delete((*g)->detector);
	mem_free(*g);
	*g = NULL;
}
