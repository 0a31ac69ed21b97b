/* results_line.h - one result as one line, in each of the formats (inside engine/results only). */
#ifndef ENGINE_RESULTS_RESULTS_LINE_H
#define ENGINE_RESULTS_RESULTS_LINE_H

#include "engine/base/buf.h"
#include "engine/base/clock.h"
#include "engine/results/results_log.h"

struct results_writer {
	/* What a file begins with. */
	int (*header)(struct buf *out);
	/* Appends the line; -1 when memory runs out, which leaves out as it was. */
	int (*line)(struct buf *out, const struct journal_result *r);
};

extern const struct results_writer results_csv, results_jsonl;

static inline const struct results_writer *results_writer_of(enum results_format format)
{
	return format == RESULTS_CSV ? &results_csv : &results_jsonl;
}

/* "5.1.1", in out, or empty when the server gave none. */
enum { ENHANCED_SIZE = 40 };
struct span results_enhanced(const struct verdict *v, char out[ENHANCED_SIZE]);
/* As RFC 3339 says, in out, or empty when it is not known. */
struct span results_time(const struct journal_result *r, char out[CLOCK_RFC3339_SIZE]);

#endif
