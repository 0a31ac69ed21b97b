/* letter_case.c - upper and lower case.
 *
 * The letters whose upper case is more than one letter are listed here.
 * Bytes that are no UTF-8 stay as they are. ASCII, the usual case, needs no table. */
#include "templates/liquid/letter_case.h"

#include "engine/base/utf8.h"
#include "engine/base/utf8_case.h"

static const struct {
	int32_t letter;
	const char *upper, *title;
} longer[] = {
	{ 0x00DF, "SS", "Ss" },
	{ 0x0149, "\xCA\xBCN", "\xCA\xBCN" },
	{ 0x01F0, "J\xCC\x8C", "J\xCC\x8C" },
	{ 0x0390, "\xCE\x99\xCC\x88\xCC\x81", "\xCE\x99\xCC\x88\xCC\x81" },
	{ 0x03B0, "\xCE\xA5\xCC\x88\xCC\x81", "\xCE\xA5\xCC\x88\xCC\x81" },
	{ 0x0587, "\xD4\xB5\xD5\x92", "\xD4\xB5\xD6\x82" },
	{ 0x1E96, "H\xCC\xB1", "H\xCC\xB1" },
	{ 0x1E97, "T\xCC\x88", "T\xCC\x88" },
	{ 0x1E98, "W\xCC\x8A", "W\xCC\x8A" },
	{ 0x1E99, "Y\xCC\x8A", "Y\xCC\x8A" },
	{ 0x1E9A, "A\xCA\xBE", "A\xCA\xBE" },
	{ 0xFB00, "FF", "Ff" },
	{ 0xFB01, "FI", "Fi" },
	{ 0xFB02, "FL", "Fl" },
	{ 0xFB03, "FFI", "Ffi" },
	{ 0xFB04, "FFL", "Ffl" },
	{ 0xFB05, "ST", "St" },
	{ 0xFB06, "ST", "St" },
};

enum mapping { UPPER, LOWER, TITLE };

static const char *longer_form(int32_t letter, enum mapping how)
{
	if (how == LOWER)
		return letter == 0x0130 ? "i\xCC\x87" : NULL;
	for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++)
		if (longer[i].letter == letter)
			return how == UPPER ? longer[i].upper : longer[i].title;
	return NULL;
}

static void add_letter(struct text *t, struct span *s, enum mapping how)
{
	struct span from = *s;
	int32_t letter = utf8_take(s);
	const char *form;
	char bytes[4];

	if (letter < 0) {
		text_add(t, span_sub(from, 0, from.n - s->n));
		return;
	}
	if ((form = longer_form(letter, how))) {
		text_add(t, span_str(form));
		return;
	}
	letter = how == UPPER   ? utf8_upper(letter)
		 : how == LOWER ? utf8_lower(letter)
				: utf8_title(letter);
	text_add(t, span_of(bytes, utf8_put((uint32_t)letter, bytes)));
}

static void add_ascii(struct text *t, struct span s, enum mapping how)
{
	char *p = NULL;

	text_add(t, s);
	if (t->failed || s.n == 0)
		return;
	p = t->p + t->n - s.n;
	for (size_t i = 0; i < s.n; i++)
		if (how == UPPER ? p[i] >= 'a' && p[i] <= 'z' : p[i] >= 'A' && p[i] <= 'Z')
			p[i] ^= 'a' ^ 'A';
}

static void add(struct text *t, struct span s, enum mapping how)
{
	if (utf8_ascii(s)) {
		add_ascii(t, s, how);
		return;
	}
	while (s.n && !t->failed)
		add_letter(t, &s, how);
}

void text_add_upper(struct text *t, struct span s)
{
	add(t, s, UPPER);
}

void text_add_lower(struct text *t, struct span s)
{
	add(t, s, LOWER);
}

void text_add_capitalized(struct text *t, struct span s)
{
	if (s.n)
		add_letter(t, &s, TITLE);
	add(t, s, LOWER);
}
