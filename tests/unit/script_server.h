/* script_server.h - a second opinion: reads what the client wrote as a server would, counts which
 * reply answers what, and so knows what became of each recipient. It can also make up the replies. */
#ifndef TESTS_UNIT_SCRIPT_SERVER_H
#define TESTS_UNIT_SCRIPT_SERVER_H

#include "tests/unit/script_file.h"

enum { SERVER_OWED = 512, SERVER_TRANS = 128 };

enum owed_kind { OWE_GREETING, OWE_EHLO, OWE_TLS, OWE_AUTH, OWE_QUIT, OWE_PLAIN, OWE_MAIL, OWE_RCPT, OWE_DATA, OWE_END };

struct owed {
	enum owed_kind kind;
	unsigned trans, rcpt;
};

struct server_trans { /* one transaction that the client began */
	unsigned mail; /* index of the mail whose content came, or of the last one found by a recipient */
	unsigned n;
	int rcpt[SCRIPT_RCPTS]; /* index into the mail's recipients; -1: nobody of ours */
	bool accepted[SCRIPT_RCPTS];
	bool refused;    /* MAIL or the content */
	unsigned lmtp_at;
};

struct fate {
	bool whole; /* the server has all of the content, for this recipient */
	bool yes;   /* and said so */
	bool no;    /* a reply refused it */
};

struct server {
	const struct script *script;
	enum { SERVER_LINES, SERVER_DATA, SERVER_BDAT } state;
	struct owed owed[SERVER_OWED];
	unsigned first, n;
	struct server_trans trans[SERVER_TRANS];
	unsigned n_trans;
	bool mail_open;
	char line[16384];
	size_t line_n;
	unsigned long long bdat;
	bool quit;
	struct fate fate[SCRIPT_MAILS][SCRIPT_RCPTS];
};

void server_begin(struct server *v, const struct script *script);
void server_take(struct server *v, struct span bytes);
/* A complete reply of that code was sent to the client. */
void server_replied(struct server *v, int code);
/* The reply a plain server would give now: false when none is owed. */
bool server_next_reply(const struct server *v, char *out, size_t out_size, int *code);

#endif
