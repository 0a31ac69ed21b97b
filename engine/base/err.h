/* err.h - one thing that went wrong, in words for a person.
 *
 * A function that can fail returns -1 and fills the caller's struct err; on success it leaves
 * it alone. The first detector writes the sentence, callers add only the place. Nothing below
 * engine/cli prints. Failing to deliver is no error but a verdict (engine/model/verdict.h). */
#ifndef ENGINE_BASE_ERR_H
#define ENGINE_BASE_ERR_H

#include <stdint.h>

enum err_kind {
	ERR_NONE,
	ERR_INPUT, /* letter, list, settings or command line are wrong: exit status 2 */
	ERR_NOMEM,
	ERR_SYS,   /* the operating system refused; sys_errno says how */
	ERR_PROTO, /* the other side broke its protocol */
	ERR_NET,   /* name not found, connection refused, time limit */
	ERR_TLS,   /* handshake or certificate */
	ERR_AUTH,  /* login refused */
	ERR_LIMIT, /* one of our bounds was met */
	ERR_CONFLICT /* a campaign that exists, is held by another process, or differs */
};

enum { ERR_PATH_MAX = 512, ERR_TEXT_MAX = 768, ERR_HINT_MAX = 512 };

struct err {
	enum err_kind kind;
	const char *topic;       /* static text that groups alike ones, as "missing file"; NULL: none */
	int sys_errno;           /* for ERR_SYS, else 0 */
	uint64_t line;           /* 1 is the first; 0 unknown */
	uint64_t column;         /* in characters, 1 is the first; 0 unknown */
	char path[ERR_PATH_MAX]; /* "" when no file is to blame */
	char text[ERR_TEXT_MAX]; /* one sentence without a full stop, control bytes shown as ? */
	char hint[ERR_HINT_MAX]; /* what to do about it, "" when nothing helps */
};

/* All of these return -1, so that a detector can return them. e may be NULL. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The sentence, then ": " and the words for errno. */
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int err_nomem(struct err *e, const char *what);
/* Adds the place; a place that is already there stays. line and column may be 0. */
int err_at(struct err *e, const char *path, uint64_t line, uint64_t column);
/* A topic that is there already stays. */
int err_topic(struct err *e, const char *topic);
int err_hint(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "path:line:column: text" and, when there is a hint, "\n  hint". Returns out. */
char *err_format(const struct err *e, char *out, unsigned long out_size);

#endif
