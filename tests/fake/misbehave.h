/* misbehave.h - the script of faults: which reply goes wrong, and how. The language is in README.md.
 *
 * The list is const while the threads run, but for the counters of matches, which are atomic. */
#ifndef TESTS_FAKE_MISBEHAVE_H
#define TESTS_FAKE_MISBEHAVE_H

#include <regex.h>
#include <stdatomic.h>

#include "tests/fake/text.h"

/* X(name) in the order of a session; STAGE_x is a bit. */
#define STAGES(X) \
	X(GREETING) X(EHLO) X(HELO) X(STARTTLS) X(TLS) X(EHLO2) X(AUTH) X(AUTHCONT) X(MAIL) X(RCPT) X(DATA) \
	X(CONTENT) X(DOT) X(BDAT) X(LAST) X(RSET) X(QUIT) X(NOOP) X(VRFY) X(UNKNOWN)

#define STAGE_NUMBER(name) STAGE_NUMBER_##name,
enum stage_number { STAGES(STAGE_NUMBER) STAGE_COUNT };
#define STAGE_BIT(name) STAGE_##name = 1 << STAGE_NUMBER_##name,
enum stage { STAGE_NONE, STAGES(STAGE_BIT) };

enum fault_close { CLOSE_NO, CLOSE_BEFORE, CLOSE_AFTER, CLOSE_ACCEPTED };
enum fault_half { HALF_NO, HALF_CLOSE, HALF_STALL, HALF_RESET };

#define FAULT_FOREVER INT64_MAX

struct fault {
	unsigned stages;
	/* selection; a number is 0 and a regex absent when not given */
	uint64_t nth, every, from, to, conn;
	double p; /* below 0: not given */
	bool per_conn;
	bool has_rcpt, has_mail;
	regex_t rcpt, mail;
	/* action */
	bool has_reply, raw, accept, drop, reset, cut, nul;
	int code; /* of the reply */
	struct bytes reply, garbage, inject, early;
	enum fault_close close;
	enum fault_half half;
	int64_t stall_ns, slow_ns, delay_ns; /* stall_ns may be FAULT_FOREVER */
	uint64_t long_bytes, lines, after;   /* after: octets of content before a CONTENT fault acts */
	_Atomic uint64_t seen;               /* matches so far, over all connections */
};

struct faults {
	struct fault **list;
	size_t n;
	unsigned stages; /* union of all, so that a stage without faults costs one test */
	uint64_t seed;
};

/* What a fault's regular expressions look at. */
struct fault_subject {
	struct text mail;        /* the sender, without brackets */
	const struct text *rcpt; /* recipients, without brackets; one must match */
	size_t n_rcpt;
};

/* One specification; die()s with its place when it is wrong. place is "--fault" or "file:line". */
void faults_add(struct faults *f, const char *spec, const char *place);
void faults_add_file(struct faults *f, const char *path);
void faults_free(struct faults *f);
/* The first fault that strikes now, or NULL; counts the match in every fault that looks at this stage.
 * conn_seen has one counter a fault for this connection. */
const struct fault *faults_pick(const struct faults *f, enum stage stage, uint64_t conn, uint64_t *conn_seen,
				const struct fault_subject *subject);

#endif
