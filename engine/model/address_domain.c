/* address_domain.c - domains and address literals (RFC 5321 4.1.2, 4.1.3; RFC 1123 2.1).
 *
 *  1. What comes out consists of a-z, 0-9, '-' and '.', or is a literal that inet_pton() took;
 *     nothing of it can end a path or begin a parameter.
 *  2. Whatever libidn2 answers passes the same check as a plain domain, after it.
 * Held by tests/unit/test_model_address.c. */
#include "engine/model/address_parts.h"

#include <arpa/inet.h>

#include "engine/base/utf8.h"
#include "engine/model/address.h"

static int fault_at(struct address_fault *fault, const char *words, size_t at)
{
	fault->words = words;
	fault->at = at;
	return -1;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool in_label(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-';
}

static int check_label(struct span s, size_t from, size_t to, struct address_fault *fault)
{
	if (from == to && to == s.n)
		return fault_at(fault, s.n ? "has a dot at the end of the domain" : "has nothing after the @",
				s.n ? s.n - 1 : 0);
	if (from == to)
		return fault_at(fault, from ? "has two dots in a row in the domain"
					    : "has a domain that begins with a dot", from);
	if (to - from > ADDRESS_LABEL_MAX)
		return fault_at(fault, "has a part of the domain of more than 63 characters", from);
	if (s.p[from] == '-' || s.p[to - 1] == '-')
		return fault_at(fault, "has a domain with a hyphen at the edge of a part",
				s.p[from] == '-' ? from : to - 1);
	return 0;
}

/* s is lower-case ASCII. */
static int check_domain(struct span s, struct address_fault *fault)
{
	size_t from = 0;
	bool number = true; /* the label so far has only digits */

	if (s.n > ADDRESS_DOMAIN_MAX)
		return fault_at(fault, "has a domain of more than 253 characters", 0);
	for (size_t i = 0; i <= s.n; i++) {
		if (i < s.n && s.p[i] != '.') {
			if (!in_label(s.p[i]))
				return fault_at(fault, s.p[i] == '_' ? "has an underscore in the domain"
					: "has a domain with a character that domains may not have", i);
			number &= is_digit(s.p[i]);
			continue;
		}
		if (check_label(s, from, i, fault) < 0)
			return -1;
		if (i == s.n && number)
			return fault_at(fault, "has a domain that ends in a number; an IP address stands in "
					"brackets, as [192.0.2.1]", from);
		from = i + 1;
		number = true;
	}
	return 0;
}

static bool has_a_label(struct span s)
{
	for (size_t i = 0; i + 4 <= s.n; i++)
		if ((i == 0 || s.p[i - 1] == '.') && span_case_begins(span_skip(s, i), SPAN("xn--")))
			return true;
	return false;
}

static struct span lowered(struct span s, struct arena *a, int *ok)
{
	struct span copy = arena_copy(a, s, ok);
	char *p = (char *)copy.p; /* fresh out of the arena */

	for (size_t i = 0; i < copy.n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] |= 0x20;
	return copy;
}

int address_domain(struct span text, struct arena *a, struct span *out, struct address_fault *fault)
{
	bool ascii = utf8_ascii(text);
	int ok, rc;

	if (ascii) {
		if (text.n > ADDRESS_DOMAIN_MAX)
			return fault_at(fault, "has a domain of more than 253 characters", 0);
		*out = lowered(text, a, &ok);
		if (!ok)
			return -2;
		if (check_domain(*out, fault) < 0)
			return -1;
		if (!has_a_label(text))
			return 0;
	}
	rc = address_idn(text, a, out, &fault->words);
	fault->at = 0;
	if (rc < 0)
		return rc;
	rc = check_domain(*out, fault);
	fault->at = 0; /* a place in the mapped text means nothing to the reader */
	return rc;
}

int address_literal(struct span text, struct arena *a, struct span *out, struct address_fault *fault)
{
	static const struct span tag = { "ipv6:", 5 };
	struct span inside = span_sub(text, 1, text.n - 2);
	unsigned char binary[sizeof(struct in6_addr)];
	char address[INET6_ADDRSTRLEN + 1];
	bool six = span_case_begins(inside, tag);
	char *p;
	int ok;

	inside = six ? span_skip(inside, tag.n) : inside;
	if (inside.n >= sizeof address)
		return fault_at(fault, "has brackets without an IP address in them", 0);
	if (inside.n)
		memcpy(address, inside.p, inside.n);
	address[inside.n] = '\0';
	if (inet_pton(six ? AF_INET6 : AF_INET, address, binary) != 1) {
		if (!six && inet_pton(AF_INET6, address, binary) == 1)
			return fault_at(fault, "has an IPv6 address without its mark, as [IPv6:2001:db8::1]", 0);
		return fault_at(fault, "has brackets without an IP address in them", 0);
	}
	*out = lowered(text, a, &ok);
	if (!ok)
		return -2;
	p = (char *)out->p;
	if (six) { /* "[ipv6:" so far */
		p[1] = 'I';
		p[2] = 'P';
	}
	return 0;
}
