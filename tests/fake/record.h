/* record.h - the memory of the relay: accepted messages, violations, protocol lines, kept messages.
 *
 * Each thread has a struct record of its own and fills it without locks; record_flush() writes whole
 * lines with write(2). A thread flushes before it lets any reply of the same round leave, so whoever
 * has read a 250 finds its line in the file. */
#ifndef TESTS_FAKE_RECORD_H
#define TESTS_FAKE_RECORD_H

#include <pthread.h>
#include <stdatomic.h>

#include "tests/fake/config.h"

struct moment {
	int64_t mono_ns, wall_ns;
};

struct moment moment_now(void);
int64_t moment_wall_ns(void);

struct record_file {
	int fd; /* -1: not wanted */
	pthread_mutex_t lock; /* guards the order of writes */
};

/* Shared by all threads. */
struct record_files {
	struct record_file accepted, violations, protocol, mbox;
	int store_fd; /* the folder, or -1 */
};

enum counter {
	COUNT_CONNECTIONS, COUNT_MESSAGES, COUNT_RECIPIENTS, COUNT_REJECTED, COUNT_VIOLATIONS, COUNT_BYTES,
	COUNT_TLS, COUNT_CLOSED, COUNT_COUNTERS
};

struct record {
	struct record_files *files;
	const struct config *cfg;
	struct bytes accepted, violations, protocol, mail, scratch;
	_Atomic uint64_t count[COUNT_COUNTERS]; /* written by its thread, read by any */
};

/* One accepted message; all texts are borrowed for the call. */
struct accepted {
	struct moment arrived; /* of MAIL */
	int64_t accepted_ns;   /* wall clock */
	uint64_t conn, txn, size;
	struct text user, from, rcpts, rcpt_params, message_id, header;
	const char *verb;      /* "DATA" or "BDAT" */
	bool tls;
	struct text content;   /* only when it is kept: config has record_digest or a store */
	struct text sender;    /* path without brackets, for an mbox */
};

void record_files_open(struct record_files *f, const struct config *cfg);
void record_files_close(struct record_files *f);
void record_init(struct record *r, struct record_files *f, const struct config *cfg);
void record_release(struct record *r);
void record_accepted(struct record *r, const struct accepted *a);
/* rule: a few fixed words; detail: what was seen, may be empty */
void record_violation(struct record *r, int64_t wall_ns, uint64_t conn, uint64_t txn, const char *rule,
		      struct text detail);
/* who: "C", "S" or "*" (what happened to the connection) */
void record_protocol(struct record *r, int64_t mono_ns, uint64_t conn, const char *who, struct text line);
void record_flush(struct record *r);

static inline void record_count(struct record *r, enum counter c, uint64_t n)
{
	atomic_store_explicit(&r->count[c], atomic_load_explicit(&r->count[c], memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline bool record_keeps_content(const struct config *cfg)
{
	return cfg->record_digest || cfg->store_dir || cfg->store_mbox;
}

#endif
