/* smtp_caps.h - what a server says it can do: the text of an EHLO or LHLO reply, read.
 * Pure code. */
#ifndef TRANSPORT_SMTP_SMTP_CAPS_H
#define TRANSPORT_SMTP_SMTP_CAPS_H

#include "transport/smtp/smtp_session.h"

enum {
	SMTP_MECHANISMS_MAX = 512,
	SMTP_EHLO_TEXT_MAX = 2048 /* bytes that are kept of what was said, whole lines */
};

struct smtp_ehlo {
	struct smtp_caps caps;
	bool auth, size; /* the keyword was there */
	size_t mechanisms_n;
	char mechanisms[SMTP_MECHANISMS_MAX]; /* names in upper case, a space between them */
	size_t text_n;
	char text[SMTP_EHLO_TEXT_MAX]; /* the lines themselves, joined by '\n' */
};

/* text: the reply's lines joined by '\n'; the first is the greeting and is no keyword. Everything
 * that an earlier EHLO said is forgotten. Lines that are no keyword are passed over. */
void smtp_caps_read(struct smtp_ehlo *out, struct span text);
/* True when a line of the text begins with that word; *params (may be NULL) is the rest of it. */
bool smtp_caps_find(const struct smtp_ehlo *ehlo, struct span keyword, struct span *params);

#endif
