/* Addresses: what is taken and how it is written again, what is refused and in which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/mem.h"
#include "engine/base/rng.h"
#include "engine/base/utf8.h"
#include "engine/model/address.h"
#include "engine/model/address_parts.h"

static struct arena arena;

static int open_arena(void **state)
{
	(void)state;
	arena_init(&arena, 4096, 1 << 24);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_release(&arena);
	return 0;
}

static void assert_span(struct span got, const char *want)
{
	if (!span_eq(got, span_str(want)))
		fail_msg("'%.*s' is not '%s'", SPAN_ARG(got), want);
}

static const struct good {
	const char *text, *name, *path;
} good[] = {
	{ "ann@example.com", "", "ann@example.com" },
	{ "  ann@example.com\x09", "", "ann@example.com" },
	{ "\xc2\xa0\xe2\x80\x8b" "ann@example.com\xef\xbb\xbf\xe3\x80\x80", "", "ann@example.com" },
	{ "Ann@Example.COM", "", "Ann@example.com" },
	{ "<ann@example.com>", "", "ann@example.com" },
	{ "< ann@example.com >", "", "ann@example.com" },
	{ "Ann <ann@example.com>", "Ann", "ann@example.com" },
	{ "Ann<ann@example.com>", "Ann", "ann@example.com" },
	{ "Ann Lee <ann@example.com>", "Ann Lee", "ann@example.com" },
	{ "Ann  \x09 Lee <ann@example.com>", "Ann Lee", "ann@example.com" },
	{ "\"Ann Lee\" <ann@example.com>", "Ann Lee", "ann@example.com" },
	{ "\"Lee, Ann\" <ann@example.com>", "Lee, Ann", "ann@example.com" },
	{ "\"Ann \\\"Ace\\\" Lee\" <ann@example.com>", "Ann \"Ace\" Lee", "ann@example.com" },
	{ "\"back\\\\slash\" <ann@example.com>", "back\\slash", "ann@example.com" },
	{ "\"Ann\" Lee <ann@example.com>", "Ann Lee", "ann@example.com" },
	{ "\"Ann\"\"Lee\" <ann@example.com>", "AnnLee", "ann@example.com" },
	{ "\" Ann \" <ann@example.com>", "Ann", "ann@example.com" },
	{ "\"\" <ann@example.com>", "", "ann@example.com" },
	{ "\"ann@other.example\" <ann@example.com>", "ann@other.example", "ann@example.com" },
	{ "\"<bob@other.example>\" <ann@example.com>", "<bob@other.example>", "ann@example.com" },
	{ "John Q. Public <jqp@example.com>", "John Q. Public", "jqp@example.com" },
	{ "O'Brien <o'brien@example.com>", "O'Brien", "o'brien@example.com" },
	{ "Ann (work) Lee <ann@example.com>", "Ann Lee", "ann@example.com" },
	{ "Ann Lee [Sales] <ann@example.com>", "Ann Lee [Sales]", "ann@example.com" },
	{ "Ann & Bob = 2 <ann@example.com>", "Ann & Bob = 2", "ann@example.com" },
	{ "J\xc3\xbcrgen M\xc3\xbcller <jm@example.com>", "J\xc3\xbcrgen M\xc3\xbcller", "jm@example.com" },
	{ "\xe7\x8e\x8b\xe5\xb0\x8f\xe6\x98\x8e <wang@example.com>",
	  "\xe7\x8e\x8b\xe5\xb0\x8f\xe6\x98\x8e",
	  "wang@example.com" },
	{ "=?UTF-8?Q?J=C3=BCrgen?= <j@example.com>", "=?UTF-8?Q?J=C3=BCrgen?=", "j@example.com" },
	{ "=?UTF-8?Q?=0A?= <j@example.com>", "=?UTF-8?Q?=0A?=", "j@example.com" },
	{ "ann@example.com (Ann Lee)", "Ann Lee", "ann@example.com" },
	{ "ann@example.com (Ann (the ace) Lee)", "Ann (the ace) Lee", "ann@example.com" },
	{ "ann@example.com (Ann \\) Lee)", "Ann ) Lee", "ann@example.com" },
	{ "<ann@example.com> (Ann Lee)", "Ann Lee", "ann@example.com" },
	{ "Ann <ann@example.com> (work)", "Ann", "ann@example.com" },
	{ "(a comment) ann@example.com", "", "ann@example.com" },
	{ "ann(a comment)@example.com", "", "ann@example.com" },
	{ "ann@(evil.example)example.com", "", "ann@example.com" },
	{ "ann @ example.com", "", "ann@example.com" },
	{ "ann@example.com <ann@example.com>", "ann@example.com", "ann@example.com" },
	{ "Ann@example.com <ann@EXAMPLE.com>", "Ann@example.com", "ann@example.com" },
	{ "mailto:ann@example.com", "", "ann@example.com" },
	{ "MAILTO:ann@example.com?subject=hi&cc=bob@example.com", "", "ann@example.com" },
	{ "mailto:ann%2Blist@example.com", "", "ann+list@example.com" },
	{ "mailto:100%@example.com", "", "100%@example.com" },
	{ "Ann <mailto:ann@example.com>", "Ann", "ann@example.com" },
	{ "ann+tag@example.com", "", "ann+tag@example.com" },
	{ "ann.lee@example.com", "", "ann.lee@example.com" },
	{ "a@b", "", "a@b" },
	{ "root@localhost", "", "root@localhost" },
	{ "1@2a.example", "", "1@2a.example" },
	{ "!#$%&'*+-/=?^_`{|}~@example.com", "", "!#$%&'*+-/=?^_`{|}~@example.com" },
	{ "user%host@example.com", "", "user%host@example.com" },
	{ "host!user@example.com", "", "host!user@example.com" },
	{ "-ann@example.com", "", "-ann@example.com" },
	{ "--@example.com", "", "--@example.com" },
	{ "\"ann lee\"@example.com", "", "\"ann lee\"@example.com" },
	{ "\"ann@home\"@example.com", "", "\"ann@home\"@example.com" },
	{ "\"ann\"@example.com", "", "ann@example.com" },
	{ "\"\\a\\n\\n\"@example.com", "", "ann@example.com" },
	{ "\"a\\\"b\"@example.com", "", "\"a\\\"b\"@example.com" },
	{ "\"a\\\\b\"@example.com", "", "\"a\\\\b\"@example.com" },
	{ "\" \"@example.com", "", "\" \"@example.com" },
	{ "\" ann\"@example.com", "", "\" ann\"@example.com" },
	{ "\"a,b:c;d\"@example.com", "", "\"a,b:c;d\"@example.com" },
	{ "\"a(b)c\"@example.com", "", "\"a(b)c\"@example.com" },
	{ "\"a..b\"@example.com", "", "\"a..b\"@example.com" },
	{ "\".ann\"@example.com", "", "\".ann\"@example.com" },
	{ "first.\"middle\".last@example.com", "", "first.middle.last@example.com" },
	{ "\"a b\".c@example.com", "", "\"a b.c\"@example.com" },
	{ "\"a\".\"b\"@example.com", "", "a.b@example.com" },
	{ "Ann <\"ann lee\"@example.com>", "Ann", "\"ann lee\"@example.com" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com",
	  "",
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com" },
	{ "ann@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
	  "",
	  "ann@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example" },
	{ "a@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "",
	  "a@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	{ "ann@xn--bcher-kva.example", "", "ann@xn--bcher-kva.example" },
	{ "ann@XN--BCHER-KVA.example", "", "ann@xn--bcher-kva.example" },
	{ "ann@b\xc3\xbc" "cher.example", "", "ann@xn--bcher-kva.example" },
	{ "ann@B\xc3\x9c" "CHER.example", "", "ann@xn--bcher-kva.example" },
	{ "ann@bu\xcc\x88" "cher.example", "", "ann@xn--bcher-kva.example" },
	{ "ann@fa\xc3\x9f.example", "", "ann@xn--fa-hia.example" },
	{ "ann@\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
	  "",
	  "ann@xn--r8jz45g.xn--zckzah" },
	{ "ann@\xe4\xbe\x8b\xe3\x81\x88\xe3\x80\x82\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88",
	  "",
	  "ann@xn--r8jz45g.xn--zckzah" },
	{ "ann@\xef\xbd\x85\xef\xbd\x98\xef\xbd\x81\xef\xbd\x8d\xef\xbd\x90\xef\xbd\x8c\xef\xbd\x85\xef\xbc\x8e\xef\xbd\x83\xef\xbd\x8f\xef\xbd\x8d",
	  "",
	  "ann@example.com" },
	{ "ann@exam\xc2\xadple.com", "", "ann@example.com" },
	{ "ann@\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.\xd1\x80\xd1\x84",
	  "",
	  "ann@xn--e1afmkfd.xn--p1ai" },
	{ "ann@\xe7\x98\x8d.example", "", "ann@xn--2ty.example" },
	{ "ann@r3---sn.example", "", "ann@r3---sn.example" },
	{ "j\xc3\xbcrgen@example.com", "", "j\xc3\xbcrgen@example.com" },
	{ "j\xc3\xbcrgen@b\xc3\xbc" "cher.example", "", "j\xc3\xbcrgen@xn--bcher-kva.example" },
	{ "\xe7\x98\x8d\xe7\x98\x8a@example.com", "", "\xe7\x98\x8d\xe7\x98\x8a@example.com" },
	{ "\"j\xc3\xbcrgen m\"@example.com", "", "\"j\xc3\xbcrgen m\"@example.com" },
	{ "\xe0\xa4\x85\xe0\xa4\x9c\xe0\xa4\xaf@example.com",
	  "",
	  "\xe0\xa4\x85\xe0\xa4\x9c\xe0\xa4\xaf@example.com" },
	{ "ann@[192.0.2.1]", "", "ann@[192.0.2.1]" },
	{ "ann@[IPv6:2001:db8::1]", "", "ann@[IPv6:2001:db8::1]" },
	{ "ann@[ipv6:2001:DB8::1]", "", "ann@[IPv6:2001:db8::1]" },
	{ "ann@[IPv6:::ffff:192.0.2.1]", "", "ann@[IPv6:::ffff:192.0.2.1]" },
};

static const struct bad {
	const char *text, *words;
	unsigned column; /* 0: the sentence names none */
} bad[] = {
	{ "", "the address is empty", 0 },
	{ "   ", "the address is empty", 0 },
	{ "(only a comment)", "the address is empty", 0 },
	{ "ann", "has no @ sign", 1 },
	{ "Ann Lee", "has no @ sign", 1 },
	{ "ann@@example.com", "has two @ signs", 5 },
	{ "ann@example.com@evil.example", "has two @ signs", 16 },
	{ "ann@b@c", "has two @ signs", 6 },
	{ "@example.com", "has nothing before the @", 1 },
	{ "<@example.com>", "has a route or nothing before the @", 2 },
	{ "<@a,@b:user@c>", "has a route or nothing before the @", 2 },
	{ "ann@", "has nothing after the @", 5 },
	{ "<ann@>", "has nothing after the @", 6 },
	{ "\"\"@example.com", "has nothing before the @", 1 },
	{ "<>", "has nothing between < and >", 2 },
	{ "Ann <>", "has nothing between < and >", 6 },
	{ "Ann <Lee>", "has no @ sign", 6 },
	{ "ann@example.com.", "has a dot at the end of the domain", 16 },
	{ "ann@.example.com", "has a domain that begins with a dot", 5 },
	{ "ann@example..com", "has two dots in a row in the domain", 13 },
	{ "ann@.", "has a domain that begins with a dot", 5 },
	{ ".ann@example.com", "begins with a dot", 1 },
	{ "ann.@example.com", "has a dot before the @", 4 },
	{ "an..n@example.com", "has two dots in a row", 4 },
	{ "ann lee@example.com", "has a space or a comment inside of the part before the @", 5 },
	{ "ann(x)lee@example.com", "has a space or a comment inside of the part before the @", 7 },
	{ "Ann Lee ann@example.com", "has a space or a comment inside of the part before the @", 5 },
	{ "ann@exam ple.com", "goes on behind the domain", 10 },
	{ "ann@exa(x)mple.com", "goes on behind the domain", 11 },
	{ "ann@example(x).com", "goes on behind the domain", 15 },
	{ "ann@example .com", "goes on behind the domain", 13 },
	{ "\"ann\"lee@example.com", "has quotes in the middle of a word", 6 },
	{ "ann\"lee\"@example.com", "has quotes in the middle of a word", 4 },
	{ "\"ann\"\"lee\"@example.com", "has quotes in the middle of a word", 6 },
	{ "\"a\"..b@example.com", "has two dots in a row", 5 },
	{ "a.\"b\"c@example.com", "has quotes in the middle of a word", 6 },
	{ "\"a@x> ORCPT=admin@evil.example\"@example.com", "has a '<' or '>' in quotes before the @", 5 },
	{ "\"a\\>b\"@example.com", "has a '<' or '>' in quotes before the @", 4 },
	{ "\"a<b\"@example.com", "has a '<' or '>' in quotes before the @", 3 },
	{ "\"a\x09" "b\"@example.com", "has a tab before the @", 3 },
	{ "ann@example.com> ORCPT=x", "has a '>' without a '<'", 16 },
	{ "ann@example.com>", "has a '>' without a '<'", 16 },
	{ "Ann <ann@example.com", "has a '<' without a '>'", 21 },
	{ "Ann <ann@example.com> SIZE=1", "goes on behind the '>'", 23 },
	{ "Ann <ann@example.com>>", "goes on behind the '>'", 22 },
	{ "Ann <<ann@example.com>>", "has a character that has no place between < and >", 6 },
	{ "Ann <ann@example.com bob@example.com>", "goes on behind the domain", 22 },
	{ "Ann <ann@example.com, bob@example.com>", "goes on behind the domain", 21 },
	{ "Ann <a,b@example.com>", "has a character that has no place between < and >", 7 },
	{ "ann@example.com <bob@example.com>", "has an @ in the name and another address in < >", 1 },
	{ "ann@example.com Ann", "goes on behind the domain", 17 },
	{ "ann@\"example\".com", "has a quote in the domain", 5 },
	{ "ann@example.com, bob@example.com", "has a comma; one address is wanted here", 16 },
	{ "ann@example.com,", "has a comma; one address is wanted here", 16 },
	{ "ann@example,com", "has a comma; one address is wanted here", 12 },
	{ "ann@example.com;", "has a ';'; one address is wanted here", 16 },
	{ "team: ann@example.com;", "has a ':'; one address is wanted here, not a group", 5 },
	{ "undisclosed-recipients:;", "has a ':'; one address is wanted here, not a group", 23 },
	{ "ann@example.com:25", "has a ':' behind the domain", 16 },
	{ "ann@exam_ple.com", "has an underscore in the domain", 9 },
	{ "ann@exam!ple.com", "has a domain with a character that domains may not have", 9 },
	{ "ann@-example.com", "has a domain with a hyphen at the edge of a part", 5 },
	{ "ann@example-.com", "has a domain with a hyphen at the edge of a part", 12 },
	{ "ann@192.0.2.1",
	  "has a domain that ends in a number; an IP address stands in brackets, as [192.0.2.1]",
	  13 },
	{ "ann@example.123", "has a domain that ends in a number", 13 },
	{ "ann@[]", "has brackets without an IP address in them", 5 },
	{ "ann@[192.0.2]", "has brackets without an IP address in them", 5 },
	{ "ann@[192.0.2.256]", "has brackets without an IP address in them", 5 },
	{ "ann@[192.0.2.1", "has a '[' without a ']'", 5 },
	{ "ann@[192.0.2.1]x", "goes on behind the domain", 16 },
	{ "ann@[2001:db8::1]", "has an IPv6 address without its mark", 5 },
	{ "ann@[IPv6:192.0.2.1]", "has brackets without an IP address in them", 5 },
	{ "ann@[IPv6:fe80::1%eth0]", "has brackets without an IP address in them", 5 },
	{ "ann@[x> ORCPT=y]", "has brackets without an IP address in them", 5 },
	{ "[ann]@example.com", "has brackets before the @", 1 },
	{ "ann]@example.com", "has a ']' without a '['", 4 },
	{ "ann)@example.com", "has a ')' without a '('", 4 },
	{ "(ann@example.com", "has a comment that is not closed", 1 },
	{ "\"ann@example.com", "has a quote that is not closed", 1 },
	{ "ann\\@example.com", "has a backslash outside of quotes", 4 },
	{ "ann\xef\xbc\xa0" "example.com", "has a full-width @ (U+FF20); write a plain one", 4 },
	{ "ann@example\xe3\x80\x82", "has a dot at the end of the domain", 5 },
	{ "ann@xn--a.example", "has a domain with", 5 },
	{ "ann@xn--.example", "has a domain with a hyphen at the edge of a part", 8 },
	{ "ann@\xe2\x84\x80.example", "has a domain with a character that domains may not have", 5 },
	{ "ann@exam\xef\xbc\xa0ple.com", "has a domain with a character that domains may not have", 5 },
	{ "ann@exa\xe2\x89\xa0mple.com", "has a domain with a character that domains may not have", 5 },
	{ "ann@xn--example-jw0d.com", "has a domain with a character that domains may not have", 5 },
	{ "ann@a_b\xc3\xbc.com", "has a domain with a character that domains may not have", 5 },
	{ "ann@exam\xe2\x84\x80ple.com", "has a domain with a character that domains may not have", 5 },
	{ "ann@exam\xe2\x81\x84ple.com", "has a domain with a character that domains may not have", 5 },
	{ "ann@a\xef\xbc\x9e" "b.com", "has a domain with a character that domains may not have", 5 },
	{ "an\xe2\x80\x8bn@example.com", "has an invisible character", 3 },
	{ "an\xc2\xa0n@example.com", "has an invisible character", 3 },
	{ "an\xe2\x80\xaen@example.com", "has an invisible character", 3 },
	{ "j\xc3\xbc an@example.com", "has a space or a comment inside of the part before the @", 4 },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@example.com",
	  "has more than 64 bytes before the @",
	  1 },
	{ "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\\\"\"@example.com",
	  "has more than 64 bytes before the @",
	  1 },
	{ "ann@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example",
	  "has a part of the domain of more than 63 characters",
	  5 },
	{ "ann@\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc.example",
	  "has a ",
	  5 },
	{ "ann@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aa",
	  "is longer than 254 bytes",
	  1 },
	{ "ann@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "has a domain of more than 253 characters",
	  5 },
	{ "ann@\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.\xc3\xbc.com",
	  "has a domain of more than 253 characters",
	  5 },
	{ "ann@example.com\x0a", "has a line break", 16 },
	{ "ann@example.com\x0d\x0aRCPT TO:<bob@example.com>", "has a line break", 16 },
	{ "\x0a" "ann@example.com", "has a line break", 1 },
	{ "Ann\xe2\x80\xa8 <ann@example.com>", "has a line break", 4 },
	{ "Ann\xc2\x85 <ann@example.com>", "has a line break", 4 },
	{ "ann\x01@example.com", "has a control character", 4 },
	{ "ann\x7f@example.com", "has a control character", 4 },
	{ "Ann\xc2\x9b <ann@example.com>", "has a control character", 4 },
	{ "ann\xff@example.com", "has a byte that is not UTF-8", 4 },
	{ "mailto:a%0D%0A@example.com", "has a line break", 2 },
	{ "mailto:a%00@example.com", "has a control character", 2 },
	{ "mailto:a%ff@example.com", "has a byte that is not UTF-8", 2 },
	{ "mailto:", "the address is empty", 0 },
	{ "mailto:?subject=x", "the address is empty", 0 },
	{ "  ann@@example.com", "has two @ signs", 7 },
	{ "((((((((((((((((()))))))))))))))))ann@example.com",
	  "has comments inside of comments, too deep",
	  17 },
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static void good_ones_are_written_anew(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct err e = { 0 };
		struct address x, again;

		if (address_parse(span_str(good[i].text), &arena, &x, &e) < 0)
			fail_msg("%s", e.text);
		assert_span(x.name, good[i].name);
		assert_span(x.path, good[i].path);
		assert_true(x.utf8 == !utf8_ascii(x.local));
		assert_true(utf8_ascii(x.domain));
		assert_true(span_ends(x.path, x.domain));
		assert_int_equal(x.group.n, 0);
		/* The path is an address itself, and the same one. */
		assert_int_equal(address_parse(x.path, &arena, &again, &e), 0);
		assert_true(span_eq(x.path, again.path));
		assert_true(span_eq(x.local, again.local));
		assert_true(address_same(&x, &again));
		arena_reset(&arena);
	}
}

static void bad_ones_are_refused_with_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct err e = { 0 };
		struct address x;
		char place[32] = "";

		if (address_parse(span_str(bad[i].text), &arena, &x, &e) == 0)
			fail_msg("'%s' was taken as '%.*s'", bad[i].text, SPAN_ARG(x.path));
		assert_int_equal(e.kind, ERR_INPUT);
		if (bad[i].column)
			snprintf(place, sizeof place, "(character %u)", bad[i].column);
		if (!strstr(e.text, bad[i].words) || !strstr(e.text, place))
			fail_msg("%s -- is not -- %s %s", e.text, bad[i].words, place);
		assert_int_equal(e.column, bad[i].column);
		assert_true(utf8_valid(span_str(e.text)));
		arena_reset(&arena);
	}
}

static void sentences_quote_the_address(void **state)
{
	struct err e = { 0 };
	struct address x;
	char longest[500];

	(void)state;
	address_parse(SPAN(" ann@@example.com "), &arena, &x, &e);
	assert_string_equal(e.text, "'ann@@example.com' has two @ signs (character 6)");
	address_parse(SPAN("Ann Lee ann@example.com"), &arena, &x, &e);
	assert_non_null(strstr(e.hint, "Ann Lee <ann@example.com>"));
	memset(longest, 'a', sizeof longest);
	address_parse(span_of(longest, sizeof longest), &arena, &x, &e);
	assert_int_equal(strlen(e.text), strlen("'...' has no @ sign (character 1)") + 60);
	assert_int_equal(address_parse(SPAN("ann@@b"), &arena, &x, NULL), -1);
}

/* "{group|name|path}" for each address, "[name]" for each empty group. */
static const char *show(const struct address_list *l)
{
	static char out[4096];
	size_t n = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < l->n; i++)
		n += (size_t)snprintf(out + n, sizeof out - n, "{%.*s|%.*s|%.*s}", SPAN_ARG(l->items[i].group),
				      SPAN_ARG(l->items[i].name), SPAN_ARG(l->items[i].path));
	for (uint32_t i = 0; i < l->n_empty_groups; i++)
		n += (size_t)snprintf(out + n, sizeof out - n, "[%.*s]", SPAN_ARG(l->empty_groups[i]));
	return out;
}

static const struct list {
	const char *text, *shown; /* shown begins with '!': refused with these words */
} lists[] = {
	{ "", "" },
	{ " \t ", "" },
	{ ", ,, ", "" },
	{ "(nobody)", "" },
	{ "a@b", "{||a@b}" },
	{ "a@b, c@d", "{||a@b}{||c@d}" },
	{ "a@b,c@d,", "{||a@b}{||c@d}" },
	{ ",a@b,,c@d", "{||a@b}{||c@d}" },
	{ "\"Lee, Ann\" <a@b>, Bob <c@d>", "{|Lee, Ann|a@b}{|Bob|c@d}" },
	{ "a@b (Ann), c@d (Bob)", "{|Ann|a@b}{|Bob|c@d}" },
	{ "(x) a@b, c@d", "{||a@b}{||c@d}" },
	{ "undisclosed-recipients:;", "[undisclosed-recipients]" },
	{ "Undisclosed recipients: ;", "[Undisclosed recipients]" },
	{ "g:,,;", "[g]" },
	{ "team: Ann <a@b>, c@d;", "{team|Ann|a@b}{team||c@d}" },
	{ "a@b, team: c@d; , e@f", "{||a@b}{team||c@d}{||e@f}" },
	{ "\"my, team\": a@b,;, x:;", "{my, team||a@b}[x]" },
	{ "one: a@b;, two: c@d;", "{one||a@b}{two||c@d}" },
	{ "g: a@b (Ann);", "{g|Ann|a@b}" },
	{ "a@b c@d", "!'a@b c@d' goes on behind the domain (character 5)" },
	{ "a@b; c@d", "!'a@b; c@d' has a ';'; addresses are parted by commas (character 4)" },
	{ "a@b, c@@d, e@f", "!'c@@d' has two @ signs (character 8)" },
	{ "Lee, Ann <a@b>", "!'Lee' has no @ sign (character 1)" },
	{ "a@b, Lee", "!'Lee' has no @ sign (character 6)" },
	{ "g: a@b", "!'g: a@b' begins a group that no ';' ends (character 1)" },
	{ "x@y, g: a@b, c@d", "!'g: a@b' begins a group that no ';' ends (character 6)" },
	{ "g: h: a@b;;", "!'h: a@b;;' has a group inside of a group (character 5)" },
	{ ":;", "!':;' has a ':' without the name of a group before it (character 1)" },
	{ "\"\":;", "!'\"\":;' has a group without a name (character 1)" },
	{ "g:; a@b", "!'g:; a@b' goes on behind the group without a comma (character 5)" },
	{ "g: a@b; c@d", "!'a@b; c@d' goes on behind the group without a comma (character 9)" },
	{ "g: a@b c@d;", "!'a@b c@d;' goes on behind the domain (character 8)" },
	{ "a@b,\r\n c@d", "!'a@b,?? c@d' has a line break (character 5)" },
	{ "a@b;", "!'a@b;' has a ';'; addresses are parted by commas (character 4)" },
	{ ";", "!';' has no @ sign (character 1)" },
	{ "<a@b", "!'<a@b' has a '<' without a '>' (character 5)" },
};

static void all_of_a_list(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		struct err e = { 0 };
		struct address_list l;
		int rc = address_parse_list(span_str(lists[i].text), &arena, &l, &e);

		if (lists[i].shown[0] == '!') {
			assert_int_equal(rc, -1);
			assert_string_equal(e.text, lists[i].shown + 1);
		} else {
			assert_int_equal(rc, 0);
			assert_string_equal(show(&l), lists[i].shown);
		}
		arena_reset(&arena);
	}
}

/* What one address may be, a list of it may be too, but for "mailto:" and odd spaces around it. */
static void lists_agree_with_single_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct span text = span_str(good[i].text);
		struct address_list l;
		struct err e = { 0 };

		if (span_case_begins(text, SPAN("mailto:")) || span_begins(text, SPAN("\xc2\xa0")))
			continue;
		if (address_parse_list(text, &arena, &l, &e) < 0)
			fail_msg("%s", e.text);
		assert_int_equal(l.n, 1);
		assert_span(l.items[0].path, good[i].path);
		assert_span(l.items[0].name, good[i].name);
		arena_reset(&arena);
	}
}

static void same_mailboxes(void **state)
{
	static const struct {
		const char *x, *y;
		bool same;
	} cases[] = {
		{ "ann@example.com", "Ann <ANN@Example.com>", true },
		{ "\"ann\"@example.com", "ann@example.com", true },
		{ "ann@b\xc3\xbc" "cher.example", "ann@xn--bcher-kva.example", true },
		{ "ann@example.com", "ann@example.org", false },
		{ "ann@example.com", "anne@example.com", false },
		{ "ann+x@example.com", "ann@example.com", false },
		{ "\xc3\xa4@example.com", "\xc3\x84@example.com", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address x, y;

		assert_int_equal(address_parse(span_str(cases[i].x), &arena, &x, NULL), 0);
		assert_int_equal(address_parse(span_str(cases[i].y), &arena, &y, NULL), 0);
		assert_true(address_same(&x, &y) == cases[i].same);
		arena_reset(&arena);
	}
}

/* The one pass is there for these, and for none of those. */
static void plain_ones_are_taken(void **state)
{
	static const char *const plain[] = { "ann@example.com", "a.b+c@mail.sub-domain.example", "x@EXAMPLE.org", "a_b@1a.b2" };
	static const char *const others[] = { "ann@x--y.example", "\"a\"@b.example", "a@1.2", "a..b@c.example", "a@b.", "a@.b",
					      "a@-b.c", "a@b-.c", "a@b_c.d", "ann", "@b.c", "a@", "a@b@c.d", "a @b.c" };
	struct arena a;
	struct address x;
	char text[80] = "a@b.";

	(void)state;
	arena_init(&a, 1024, SIZE_MAX / 2);
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		assert_int_equal(address_plain(span_str(plain[i]), &a, &x), 1);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_int_equal(address_plain(span_str(others[i]), &a, &x), 0);
	memset(text + 4, 'x', 64);
	assert_int_equal(address_plain(span_str(text), &a, &x), 0); /* a label of 64 */
	text[strlen(text) - 1] = '\0';
	assert_int_equal(address_plain(span_str(text), &a, &x), 1);
	arena_release(&a);
}

/* What is taken in one pass comes out as the grammar has it, which it meets in angle brackets; and the same
 * texts are refused. */
static void plain_ones_agree_with_the_grammar(void **state)
{
	static const char signs[] = "abzAZ019.-@._+xn/";
	struct arena a;
	struct rng r;
	unsigned taken = 0;

	(void)state;
	arena_init(&a, 4096, SIZE_MAX / 2);
	rng_seed(&r, 7, 8);
	for (unsigned turn = 0; turn < 300000; turn++) {
		char text[400];
		/* one in 50 is about as long as its parts may be */
		size_t n = 1 + (size_t)rng_below(&r, turn % 50 ? 14 : 330), at = turn % 50 ? n : 50 + n % 20;
		struct address plain, slow;
		struct err e;

		text[0] = '<';
		for (size_t i = 1; i <= n; i++)
			text[i] = turn % 50 ? signs[rng_below(&r, sizeof signs - 1)] : i == at ? '@' : i % 60 ? 'q' : '.';
		text[n + 1] = '>';
		arena_reset(&a);
		int rc = address_parse(span_of(text + 1, n), &a, &plain, &e);

		assert_int_equal(address_parse(span_of(text, n + 2), &a, &slow, &e), rc);
		if (rc < 0)
			continue;
		taken++;
		assert_true(span_eq(plain.path, slow.path) && span_eq(plain.local, slow.local));
		assert_true(span_eq(plain.domain, slow.domain) && plain.utf8 == slow.utf8 && plain.name.n == 0);
	}
	assert_true(taken > 5000);
	arena_release(&a);
}

/* Each byte at each place of one: taken in one pass only where the grammar takes it. */
static void plain_ones_byte_by_byte(void **state)
{
	static const char form[] = "<ab.c@d1.e-f.gh>";
	struct arena a;
	unsigned taken = 0;

	(void)state;
	arena_init(&a, 4096, SIZE_MAX / 2);
	for (size_t at = 1; at + 2 < sizeof form; at++) {
		for (int c = 0; c < 256; c++) {
			char text[sizeof form];
			struct address plain = { .utf8 = false }, slow;
			struct err e;

			memcpy(text, form, sizeof form);
			text[at] = (char)c;
			arena_reset(&a);
			if (!address_plain(span_of(text + 1, sizeof form - 3), &a, &plain))
				continue;
			taken++;
			assert_int_equal(address_parse(span_of(text, sizeof form - 1), &a, &slow, &e), 0);
			assert_true(span_eq(plain.path, slow.path) && span_eq(plain.local, slow.local));
			assert_true(span_eq(plain.domain, slow.domain) && !slow.utf8);
		}
	}
	assert_true(taken > 600);
	arena_release(&a);
}

/* Each allocation of our own fails once: a clean error, never a wrong address. */
static void no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		int rc = -1;

		for (long n = 0; rc < 0 && n < 100; n++) {
			struct arena small;
			struct err e = { 0 };
			struct address x;

			arena_init(&small, 16, 1 << 16);
			mem_fail_after(n);
			rc = address_parse(span_str(good[i].text), &small, &x, &e);
			mem_fail_after(-1);
			assert_true(rc == 0 || e.kind == ERR_NOMEM);
			if (rc == 0)
				assert_span(x.path, good[i].path);
			arena_release(&small);
		}
		assert_int_equal(rc, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_ones_are_written_anew),
		cmocka_unit_test(bad_ones_are_refused_with_place),
		cmocka_unit_test(sentences_quote_the_address),
		cmocka_unit_test(all_of_a_list),
		cmocka_unit_test(lists_agree_with_single_ones),
		cmocka_unit_test(same_mailboxes),
		cmocka_unit_test(plain_ones_are_taken),
		cmocka_unit_test(plain_ones_agree_with_the_grammar),
		cmocka_unit_test(plain_ones_byte_by_byte),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
