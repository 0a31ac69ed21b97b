/* mail_reader.h - reads messages back in tests: an independent, plain reading of the RFCs.
 *
 * Results are malloc'ed strings with a NUL behind them; the caller frees them. */
#ifndef TESTS_UNIT_MAIL_READER_H
#define TESTS_UNIT_MAIL_READER_H

#include <stddef.h>

struct text {
	char *p;
	size_t n;
};

struct text read_qp(const char *p, size_t n);
struct text read_base64(const char *p, size_t n);
/* A field body: unfolded, encoded words decoded, blanks around it gone. */
struct text read_header(const char *p, size_t n);
/* The body of the field named name in a message or part ("" when there is none), raw. */
struct text find_header(const char *p, size_t n, const char *name);
/* What is wrong with the lines of a composed message, or NULL: 7-bit, CRLF only, no NUL, lines of
 * at most max, no white space at a line's end, no '.' or "From " that begins one. */
const char *lines_wrong(const char *p, size_t n, size_t max);

#endif
