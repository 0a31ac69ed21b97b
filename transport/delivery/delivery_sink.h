/* delivery_sink.h - where files are written: what eml, mbox, maildir and null have to bring.
 *
 * A sink is made with the plan and shared by all workers; write() may be called by several threads at
 * once. Private to the room. */
#ifndef TRANSPORT_DELIVERY_DELIVERY_SINK_H
#define TRANSPORT_DELIVERY_DELIVERY_SINK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/err.h"
#include "engine/base/span.h"
#include "engine/model/mail.h"
#include "engine/model/verdict.h"

enum {
	SINK_BATCH = 64,               /* mails written at once, and tickets of a worker */
	SINK_BUFFER_BYTES = 128 * 1024,
	SINK_WORDS = 256
};

struct sink;

struct sink_mail {
	const struct mail *mail;
	enum verdict_kind kind; /* sent, deferred or in doubt */
	char words[SINK_WORDS]; /* for the verdict */
};

struct sink_ops {
	struct span scheme; /* "eml:" */
	bool has_path;
	bool sync_by_default; /* what ?sync=on|off changes */
	/* path: as the user wrote it; sync: what was written is on disk before it counts as sent. */
	int (*open)(struct sink **out, const char *path, bool sync, struct err *e);
	void (*free)(struct sink *s);
	/* Writes all n and fills kind and words of each; buffer has SINK_BUFFER_BYTES. 0; 1: somebody else
	 * holds the lock, nothing was done. NULL: nothing is to be done. */
	int (*write)(struct sink *s, struct sink_mail *mails, unsigned n, char *buffer);
};

struct sink {
	const struct sink_ops *ops;
	char path[PATH_MAX]; /* absolute, for messages and for the plan's class; "" without */
};

extern const struct sink_ops sink_eml, sink_mbox, sink_maildir, sink_null;

/* Makes the folder where it is missing (mode 0700); its parent must be there. Writes the absolute path
 * to out. 0, or -1 with e. */
int sink_folder(const char *path, char out[PATH_MAX], struct err *e);
/* All n are deferred with these words and the words for errno. */
void sink_all_failed(struct sink_mail *mails, unsigned n, const char *what);
void sink_failed(struct sink_mail *m, const char *what);

#endif
