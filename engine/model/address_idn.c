/* address_idn.c - the only door to libidn2.
 *
 *  1. The mapping is done once: everything behind it (envelope, header, suppression, limits, log)
 *     sees its result and never the text it came from.
 *  2. The result maps to itself; a name for which that does not hold is refused, as libraries
 *     before 2.2 let names through that did not (CVE-2019-12290).
 * Held by tests/unit/test_model_address.c. */
#include "engine/model/address.h"
#include "engine/model/address_parts.h"

#include <idn2.h>

enum {
	FLAGS = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES,
	BYTES_MAX = 4 * ADDRESS_DOMAIN_MAX /* no longer text can become a domain, or nearly none */
};

static const char *words_for(int rc)
{
	switch (rc) {
	case IDN2_TOO_BIG_DOMAIN: return "has a domain of more than 253 characters";
	case IDN2_TOO_BIG_LABEL: return "has a part of the domain of more than 63 characters";
	case IDN2_BIDI: return "has a domain that mixes directions of writing";
	case IDN2_INVALID_ALABEL:
	case IDN2_UALABEL_MISMATCH:
	case IDN2_ALABEL_ROUNDTRIP_FAILED:
	case IDN2_PUNYCODE_BAD_INPUT:
	case IDN2_PUNYCODE_OVERFLOW: return "has a domain with a broken 'xn--' part";
	case IDN2_HYPHEN_STARTEND: return "has a domain with a hyphen at the edge of a part";
	case IDN2_2HYPHEN: return "has a domain with two hyphens in a wrong place";
	case IDN2_LEADING_COMBINING: return "has a domain with a part that begins with a combining mark";
	default: return "has a domain with a character that domains may not have";
	}
}

/* 0 and a string for idn2_free(), or a code of libidn2. */
static int map(const char *text, char **out)
{
	return idn2_to_ascii_8z(text, out, FLAGS);
}

static int map_twice(const char *text, char **out)
{
	char *again = NULL;
	int rc = map(text, out);

	if (rc != IDN2_OK)
		return rc;
	rc = map(*out, &again);
	if (rc == IDN2_OK && strcmp(*out, again) != 0)
		rc = IDN2_ALABEL_ROUNDTRIP_FAILED;
	idn2_free(again);
	if (rc != IDN2_OK)
		idn2_free(*out);
	return rc;
}

int address_idn(struct span domain, struct arena *a, struct span *out, const char **words)
{
	char *text, *mapped = NULL;
	int rc, ok;

	*words = words_for(IDN2_TOO_BIG_DOMAIN);
	if (domain.n > BYTES_MAX)
		return -1;
	text = arena_str(a, domain);
	if (!text)
		return -2;
	rc = map_twice(text, &mapped);
	if (rc == IDN2_MALLOC)
		return -2;
	if (rc != IDN2_OK) {
		*words = words_for(rc);
		return -1;
	}
	*out = arena_copy(a, span_str(mapped), &ok);
	idn2_free(mapped);
	return ok ? 0 : -2;
}
