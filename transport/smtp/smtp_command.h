/* smtp_command.h - command lines: the only place where they are made.
 *
 * Every word that comes from outside (own name, paths, login text) is checked here, so that no
 * line ever holds a CR, LF, NUL or other control octet that we did not put there, and no path can
 * end early and smuggle in a parameter. Pure code. */
#ifndef TRANSPORT_SMTP_SMTP_COMMAND_H
#define TRANSPORT_SMTP_SMTP_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/span.h"

enum {
	SMTP_HELO_MAX = 255,
	SMTP_PATH_MAX = 256,     /* RFC 5321 4.5.3.1.3 counts 256 with <>; beyond ASCII the same octets */
	SMTP_ENVELOPE_LINES = 4,
	SMTP_ENVELOPE_MAX = 2 * SMTP_PATH_MAX + 128, /* octets of smtp_put_envelope() */
	SMTP_COMMAND_MAX = 2048, /* any command but a line of a login: what grows most is RCPT with ORCPT */
	SMTP_OWN_LINE_MAX = 1000, /* a command of the caller's own */
	SMTP_AUTH_LINE_MAX = 510 /* AUTH with an initial response: RFC 5321 4.5.3.1.4, CRLF apart */
};

struct smtp_command { /* a line being written into memory of the caller */
	char *p;
	size_t n, max;
};

/* An own name or address literal: printable ASCII without space and without < >. */
bool smtp_helo_fits(struct span name);
/* A path as it stands between < and >. Empty only when it may be (the null reverse-path). With
 * utf8, valid UTF-8 beyond ASCII too. Outside of quotes no space, no < and no >. */
bool smtp_path_fits(struct span path, bool may_be_empty, bool utf8);

enum {
	SMTP_ENVID_MAX = 100, /* RFC 3461 4.4; one that is longer is left out */
	SMTP_ORCPT_MAX = 500, /* RFC 3461 4.2; the same */
	SMTP_WISHES_MAX = 512 /* AUTH= alone may have 500 (RFC 4954 3): octets of the additional parameters of MAIL, and of RCPT */
};

struct smtp_mail_params {
	uint64_t size; /* 0: none */
	bool body_8bit, smtputf8, requiretls;
	struct span ret, envid; /* DSN; empty: none. envid as it is, it is made xtext here */
	struct span more;       /* checked by smtp_params_fit() */
};

struct smtp_rcpt_params {
	struct span notify; /* DSN; empty: none */
	bool orcpt;         /* DSN: the address once more, as the one that the sender meant */
	struct span more;
};

/* esmtp-params of RFC 5321 4.1.2, a single space between them: "A B=c". */
bool smtp_params_fit(struct span params);
/* The wishes of a session: 0; -1 with e (ERR_INPUT), a sentence that names the parameter. */
struct smtp_wishes;
struct err;
int smtp_wishes_check(const struct smtp_wishes *w, struct err *e);

/* Each writes one line with CRLF and returns its length. The words, paths above all, must have been
 * found to fit, and c must have room for SMTP_COMMAND_MAX (smtp_put_line: text.n + 2). */
size_t smtp_put_helo(struct smtp_command *c, const char *verb, struct span name);
size_t smtp_put_mail(struct smtp_command *c, struct span sender, const struct smtp_mail_params *params);
size_t smtp_put_rcpt(struct smtp_command *c, struct span recipient, const struct smtp_rcpt_params *params);
size_t smtp_put_bdat(struct smtp_command *c, uint64_t size);

struct smtp_envelope { /* of a mail for one, that asks for nothing more than it must say */
	struct span sender, recipient;
	uint64_t size;
	bool tell_size, rset, bdat; /* SIZE of MAIL; RSET in front; BDAT behind, else DATA */
};
/* [RSET] MAIL RCPT BDAT|DATA, the same lines as by the others, in SMTP_ENVELOPE_MAX octets at most. ends: where each
 * ends in c; that of a RSET which is not there, where MAIL begins. */
void smtp_put_envelope(struct smtp_command *c, const struct smtp_envelope *e, size_t ends[SMTP_ENVELOPE_LINES]);
/* AUTH; response may be NULL, an empty one becomes "=" (RFC 4954 4). */
size_t smtp_put_auth(struct smtp_command *c, const char *mechanism, const struct span *response);
/* A verb alone ("DATA"), or base64 text of a login. */
size_t smtp_put_line(struct smtp_command *c, struct span text);

#endif
