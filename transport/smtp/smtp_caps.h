/* smtp_caps.h - what a server says it can do: the text of an EHLO or LHLO reply, read.
 * Pure code. */
#ifndef TRANSPORT_SMTP_SMTP_CAPS_H
#define TRANSPORT_SMTP_SMTP_CAPS_H

#include "transport/smtp/smtp_session.h"

enum { SMTP_MECHANISMS_MAX = 512 };

struct smtp_ehlo {
	struct smtp_caps caps;
	bool auth, size; /* the keyword was there */
	size_t mechanisms_n;
	char mechanisms[SMTP_MECHANISMS_MAX]; /* names in upper case, a space between them */
};

/* text: the reply's lines joined by '\n'; the first is the greeting and is no keyword. Everything
 * that an earlier EHLO said is forgotten. Lines that are no keyword are passed over. */
void smtp_caps_read(struct smtp_ehlo *out, struct span text);

#endif
