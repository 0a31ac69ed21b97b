/* letter_pair.h - a letter that goes a quick way beside one of the same mails that goes the long way. */
#ifndef TESTS_UNIT_LETTER_PAIR_H
#define TESTS_UNIT_LETTER_PAIR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "tests/unit/letter_try.h"

static struct letter_try quick, slow;

static inline void pair_begin(const char *columns)
{
	try_begin(&quick, columns);
	try_begin(&slow, columns);
}

static inline int pair_end(void **state)
{
	(void)state;
	try_end(&quick);
	try_end(&slow);
	return 0;
}

/* With these cells both make the same mail, or say the same mistake. */
static inline void pair_must_agree(const char *letter, const char *const *cells)
{
	int rc = try_write(&slow, cells);

	assert_int_equal(try_write(&quick, cells), rc);
	if (rc < 0) {
		assert_string_equal(quick.e.text, slow.e.text);
		assert_int_equal(quick.e.kind, slow.e.kind);
		return;
	}
	if (strcmp(try_message(&quick).p, try_message(&slow).p) != 0)
		fail_msg("%s\n<%s> <%s> ...\n%s\n%s", letter, cells[0], cells[1], try_message(&quick).p, try_message(&slow).p);
	assert_int_equal(quick.m.n_recipients, slow.m.n_recipients);
	for (uint32_t i = 0; i < slow.m.n_recipients; i++)
		assert_true(span_eq(quick.m.recipients[i], slow.m.recipients[i]));
	assert_int_equal(quick.m.own, slow.m.own);
	assert_int_equal(quick.m.n_own, slow.m.n_own);
	assert_int_equal(quick.m.needs, slow.m.needs);
}

#endif
