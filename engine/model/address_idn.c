/* address_idn.c - the only door to libidn2.
 *
 *  1. The mapping is done once: everything behind it (envelope, header, suppression, limits, log)
 *     sees its result and never the text it came from.
 *  2. The result maps to itself; a name for which that does not hold is refused, as libraries
 *     before 2.2 let names through that did not (CVE-2019-12290).
 *  3. IDN2_USE_STD3_ASCII_RULES does not refuse what those rules forbid: it drops it, and makes
 *     "example.com" of "exam<full-width @>ple.com". So the mapping is done without that flag, and
 *     a name that the flag would change is refused.
 * Held by tests/unit/test_model_address.c. */
#include "engine/model/address.h"
#include "engine/model/address_parts.h"

#include <idn2.h>

enum {
	FLAGS = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL,
	STD3 = IDN2_USE_STD3_ASCII_RULES,
	BYTES_MAX = 4 * ADDRESS_DOMAIN_MAX /* what is longer holds more than a domain can */
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

/* Whether text, mapped with these flags, comes out as `want`: a code of libidn2, `differs` if not. */
static int maps_to(const char *text, int flags, const char *want, int differs)
{
	char *mapped = NULL;
	int rc = idn2_to_ascii_8z(text, &mapped, flags);

	if (rc == IDN2_OK && strcmp(mapped, want) != 0)
		rc = differs;
	idn2_free(mapped);
	return rc;
}

/* IDN2_OK and a string for idn2_free(), or another code. */
static int map(const char *text, char **out)
{
	int rc = idn2_to_ascii_8z(text, out, FLAGS);

	if (rc != IDN2_OK)
		return rc;
	rc = maps_to(*out, FLAGS, *out, IDN2_ALABEL_ROUNDTRIP_FAILED); /* (2) */
	if (rc == IDN2_OK)
		rc = maps_to(text, FLAGS | STD3, *out, IDN2_DISALLOWED); /* (3) */
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
	rc = map(text, &mapped);
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
