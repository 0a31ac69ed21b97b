/* syntax.h - the grammar of what a client may say (RFC 5321 4.1.2, RFC 3461, RFC 6531), read strictly.
 *
 * Every reader takes what it read off the front of *in and returns NULL, or returns a static
 * sentence that says what is wrong. */
#ifndef TESTS_FAKE_SYNTAX_H
#define TESTS_FAKE_SYNTAX_H

#include "tests/fake/text.h"

enum syntax_path_kind { PATH_REVERSE, PATH_FORWARD }; /* <> and <Postmaster> respectively are allowed */

/* A path with its brackets; *out is what stands between them. utf8 is set when it is beyond ASCII. */
const char *syntax_path(struct text *in, enum syntax_path_kind kind, struct text *out, bool *utf8);
/* One " keyword[=value]"; value.p is NULL without one. */
const char *syntax_parameter(struct text *in, struct text *key, struct text *value);
bool syntax_xtext(struct text t);
/* A domain or an address literal: what EHLO takes. */
const char *syntax_domain(struct text t, bool *utf8);

#endif
