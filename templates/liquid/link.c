/* link.c - is this link one that a letter may have?
 *
 * A scheme is a letter, then letters, digits, + - and ., up to the colon. Any other character before
 * that means that there is no scheme: a path, //host, #part. Browsers drop tabs and line breaks
 * anywhere and control bytes and spaces in front; some dropped more, so we drop all of them.
 *
 * Invariant, held by tests/unit/test_liquid_links.c: however the value is cut into pieces, the verdict
 * is the same. */
#include "templates/liquid/link.h"

#include <string.h>

enum entity { NO_ENTITY, AMPERSAND, NUMBER_SIGN, DECIMAL, HEX_SIGN, HEX, NAMED };

enum { CODE_MAX = 0x110000 };

const char link_schemes_allowed[] = "http, https, mailto, tel and cid";

static bool letter(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool digit(uint32_t c)
{
	return c >= '0' && c <= '9';
}

static bool allowed(const char *scheme)
{
	static const char *const all[] = { "http", "https", "mailto", "tel", "cid" };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (strcmp(scheme, all[i]) == 0)
			return true;
	return false;
}

/* A character of the value, decoded. */
static void take(struct link *l, uint32_t c)
{
	if (l->verdict != LINK_OPEN || c <= ' ' || c == 0x7f)
		return;
	if (letter(c) || (l->n && (digit(c) || c == '+' || c == '-' || c == '.'))) {
		if (l->n < LINK_SCHEME_MAX)
			l->scheme[l->n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	} else {
		l->verdict = c == ':' && l->n && !allowed(l->scheme) ? LINK_BAD : LINK_GOOD;
	}
}

/* The named ones that could hide a part of a scheme. */
static uint32_t named(struct span name)
{
	static const struct {
		struct span name;
		uint32_t code;
	} all[] = { { { "colon", 5 }, ':' },	{ { "Tab", 3 }, '\t' }, { { "NewLine", 7 }, '\n' },
		    { { "period", 6 }, '.' }, { { "plus", 4 }, '+' } };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (span_eq(name, all[i].name))
			return all[i].code;
	return '&'; /* anything else is no part of a scheme */
}

static int hex_value(uint32_t c)
{
	return digit(c)		      ? (int)(c - '0')
	       : c >= 'a' && c <= 'f' ? (int)(c - 'a' + 10)
	       : c >= 'A' && c <= 'F' ? (int)(c - 'A' + 10)
				      : -1;
}

static void add_digit(struct link *l, uint32_t base, uint32_t d)
{
	l->code = l->code >= CODE_MAX ? CODE_MAX : l->code * base + d;
}

/* Inside an entity. True: the byte belonged to it. */
static bool take_entity(struct link *l, char byte)
{
	unsigned char c = (unsigned char)byte;

	switch ((enum entity)l->entity) {
	case AMPERSAND:
		l->code = 0;
		l->n_name = 0;
		if (c == '#') {
			l->entity = NUMBER_SIGN;
			return true;
		}
		if (letter(c)) {
			l->entity = NAMED;
			l->name[l->n_name++] = byte;
			return true;
		}
		break;
	case NUMBER_SIGN:
		if (c == 'x' || c == 'X') {
			l->entity = HEX_SIGN;
			return true;
		}
		/* fall through */
	case DECIMAL:
		if (digit(c)) {
			l->entity = DECIMAL;
			add_digit(l, 10, c - '0');
			return true;
		}
		break;
	case HEX_SIGN:
	case HEX:
		if (hex_value(c) >= 0) {
			l->entity = HEX;
			add_digit(l, 16, (uint32_t)hex_value(c));
			return true;
		}
		break;
	case NAMED:
		if ((letter(c) || digit(c)) && l->n_name < LINK_ENTITY_MAX) {
			l->name[l->n_name++] = byte;
			return true;
		}
		break;
	default:
		break;
	}
	/* A number counts without its semicolon too. */
	bool number = l->entity == DECIMAL || l->entity == HEX;
	uint32_t code = number ? l->code : l->entity == NAMED && c == ';' ? named(span_of(l->name, l->n_name)) : '&';

	l->entity = NO_ENTITY;
	take(l, code);
	return c == ';';
}

enum link_verdict link_feed(struct link *l, struct span s)
{
	while (s.n && l->verdict == LINK_OPEN) {
		char c = span_take(&s);

		if (l->entity != NO_ENTITY && take_entity(l, c))
			continue;
		if (c == '&')
			l->entity = AMPERSAND;
		else
			take(l, (unsigned char)c);
	}
	return (enum link_verdict)l->verdict;
}
