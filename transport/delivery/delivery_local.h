/* delivery_local.h - a mail as mail programs of this machine keep it: LF, delivery headers, and for an
 * mbox "From " quoted. Private to the room. */
#ifndef TRANSPORT_DELIVERY_DELIVERY_LOCAL_H
#define TRANSPORT_DELIVERY_DELIVERY_LOCAL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/span.h"
#include "engine/model/mail.h"

struct local_writer {
	int fd;
	bool quote_from;
	int error;       /* the first errno; 0 none. After it nothing is written */
	char *buffer;    /* borrowed */
	size_t n, size;
	/* Where in a line that may begin with ">*From " we are. */
	bool maybe;      /* nothing else has come on this line */
	unsigned signs;  /* '>' held back */
	unsigned letters; /* of "From " held back */
	char last;       /* the last byte that was put */
};

void local_begin(struct local_writer *w, int fd, bool quote_from, char *buffer, size_t size);
/* As it is. */
void local_put(struct local_writer *w, struct span s);
/* "Return-Path: <sender>" and a "Delivered-To: recipient" for each recipient, as Postfix and Dovecot
 * write them, then the content with LF for CRLF, ended by a line end in any case. */
void local_mail(struct local_writer *w, const struct mail *m);
/* 0, or -1 with errno. */
int local_end(struct local_writer *w);

#endif
