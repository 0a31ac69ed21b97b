/* Addresses that were probably not meant, and what is proposed for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "engine/model/address_doubt.h"

static const struct doubt_case {
	const char *path;
	enum address_doubt doubt;
	const char *proposal;
} doubts[] = {
	{ "ann@gmail.com", ADDRESS_PLAIN, "" },
	{ "ann@gmial.com", ADDRESS_TYPO, "ann@gmail.com" },
	{ "ann@gmal.com", ADDRESS_TYPO, "ann@gmail.com" },
	{ "ann@gmaill.com", ADDRESS_TYPO, "ann@gmail.com" },
	{ "ann@gmail.con", ADDRESS_TYPO, "ann@gmail.com" },
	{ "ann@gmail.co", ADDRESS_TYPO, "ann@gmail.com" },
	{ "ann@mail.com", ADDRESS_PLAIN, "" },
	{ "ann@ymail.com", ADDRESS_PLAIN, "" },
	{ "ann@email.com", ADDRESS_PLAIN, "" },
	{ "ann@hotmial.com", ADDRESS_TYPO, "ann@hotmail.com" },
	{ "ann@hotmail.de", ADDRESS_PLAIN, "" },
	{ "ann@hotmail.co.uk", ADDRESS_PLAIN, "" },
	{ "ann@yahooo.com", ADDRESS_TYPO, "ann@yahoo.com" },
	{ "ann@yahoo.co.jp", ADDRESS_PLAIN, "" },
	{ "ann@outlok.com", ADDRESS_TYPO, "ann@outlook.com" },
	{ "ann@firm.con", ADDRESS_TYPO, "ann@firm.com" },
	{ "ann@firm.ogr", ADDRESS_TYPO, "ann@firm.org" },
	{ "ann@firm.co", ADDRESS_PLAIN, "" },
	{ "ann@con", ADDRESS_PLAIN, "" },
	{ "ann@Gmail", ADDRESS_TYPO, "ann@gmail.com" },
	{ "ann@t-online", ADDRESS_TYPO, "ann@t-online.de" },
	{ "ann@mailhost", ADDRESS_PLAIN, "" },
	{ "\"a@b\"@gmial.com", ADDRESS_TYPO, "\"a@b\"@gmail.com" },
	{ "ann@example.com", ADDRESS_PLACEHOLDER, "" },
	{ "ann@list.example.com", ADDRESS_PLAIN, "" },
	{ "test@test", ADDRESS_PLACEHOLDER, "" },
	{ "test@test.de", ADDRESS_PLACEHOLDER, "" },
	{ "test@firm.de", ADDRESS_PLAIN, "" },
	{ "Info@firm.de", ADDRESS_ROLE, "" },
	{ "no-reply@firm.de", ADDRESS_ROLE, "" },
	{ "information@firm.de", ADDRESS_PLAIN, "" },
	{ "", ADDRESS_PLAIN, "" }, { "@", ADDRESS_PLAIN, "" }, { "a@", ADDRESS_PLAIN, "" }, { "a", ADDRESS_PLAIN, "" },
};

static void doubtful(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof doubts / sizeof *doubts; i++) {
		char proposal[ADDRESS_PROPOSAL_MAX];
		enum address_doubt got = address_doubt(span_str(doubts[i].path), proposal);

		if (got != doubts[i].doubt || strcmp(proposal, doubts[i].proposal) != 0)
			fail_msg("%s: %d '%s'", doubts[i].path, (int)got, proposal);
	}
}

static const struct proposal_case {
	const char *text, *proposal; /* NULL: none */
} proposals[] = {
	{ "ann@firm,com", "ann@firm.com" },
	{ "ann@gmail,com", "ann@gmail.com" },
	{ "ann@gmial,com", "ann@gmail.com" },
	{ "ann@firm.com.", "ann@firm.com" },
	{ "ann@@firm.com", "ann@firm.com" },
	{ "ann@firm..com", "ann@firm.com" },
	{ " ann @ firm.com ", "ann@firm.com" },
	{ "ann\xef\xbc\xa0" "firm.com", "ann@firm.com" },
	{ "\xef\xbd\x81nn@firm\xef\xbc\x8e" "com", "ann@firm.com" },
	{ "ann@firm.com;", "ann@firm.com" },
	{ "an\xe2\x80\x8bn@firm.com", "ann@firm.com" },
	{ "ann@firm.com", NULL },
	{ "ann lee", NULL },
	{ "ann@lee@firm.com", NULL },
	{ "ann.firm.com", NULL },
	{ "ann@firm", NULL },
	{ "", NULL }, { "@", NULL }, { "\xff\xfe@", NULL },
};

static void proposed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof proposals / sizeof *proposals; i++) {
		char got[ADDRESS_PROPOSAL_MAX];
		bool any = address_propose(span_str(proposals[i].text), got);

		if (any != (proposals[i].proposal != NULL) || (any && strcmp(got, proposals[i].proposal) != 0))
			fail_msg("'%s': '%s'", proposals[i].text, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(doubtful),
		cmocka_unit_test(proposed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
