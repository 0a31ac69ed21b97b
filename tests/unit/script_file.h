/* script_file.h - an SMTP dialogue read from tests/script/NAME.txt; its README.md is the format. */
#ifndef TESTS_UNIT_SCRIPT_FILE_H
#define TESTS_UNIT_SCRIPT_FILE_H

#include "transport/sasl/sasl.h"
#include "transport/smtp/smtp_session.h"

enum { SCRIPT_STEPS = 600, SCRIPT_MAILS = 40, SCRIPT_RCPTS = 32, SCRIPT_PIECES = 64 };

enum script_kind {
	STEP_SERVER,  /* bytes: what the server sends */
	STEP_CLIENT,  /* bytes: what the client has to have written next */
	STEP_EVENT,   /* text: what it has to have told next */
	STEP_DO       /* text: what the driver does */
};

struct script_step {
	enum script_kind kind;
	unsigned line;
	struct span text;
	bool whole_line; /* STEP_CLIENT: text begins a line whose rest may be anything */
	int code; /* STEP_SERVER: of its reply, when this step completes one; else 0 */
};

struct script_mail {
	struct mail mail;
	struct span rcpt[SCRIPT_RCPTS];
	struct span piece[SCRIPT_PIECES];
};

struct script {
	const char *name;
	struct smtp_options options;
	struct sasl_login login;
	bool manual; /* mails are offered by steps */
	int pull;    /* pieces a pull, when what happens depends on it; else 0 */
	bool uncut;  /* what is told depends on how the server's bytes are cut */
	struct script_step step[SCRIPT_STEPS];
	unsigned n_steps;
	struct script_mail mail[SCRIPT_MAILS];
	unsigned n_mails;
	struct span ehlo; /* the last reply to EHLO or LHLO, all lines */
	struct span hold; /* tickets of it are granted by steps only */
	char *memory[2048];
	unsigned n_memory;
};

/* Stops the program with file and line when the script is wrong. */
struct script *script_read(const char *path);
void script_free(struct script *s);

#endif
