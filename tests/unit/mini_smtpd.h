/* mini_smtpd.h - a small SMTP server inside a test program, on a port of loopback, with a thread for
 * each connection. It counts what it took and misbehaves as told. */
#ifndef TESTS_UNIT_MINI_SMTPD_H
#define TESTS_UNIT_MINI_SMTPD_H

#include <stdbool.h>
#include <stdint.h>

enum { MINI_MAILS_MAX = 20000 };

struct mini_options { /* zero: well-behaved */
	const char *greeting;     /* with CRLF; NULL "220 mini ESMTP"; "" none at all */
	const char *ehlo;         /* whole reply; NULL: PIPELINING CHUNKING 8BITMIME */
	const char *starttls;     /* reply to STARTTLS */
	const char *auth;         /* reply to AUTH */
	const char *mail;         /* reply to MAIL; to the first bad_mails of all, 0: to each */
	unsigned bad_mails;
	const char *end_of_data;  /* reply to the end of data */
	const char *first_greeting; /* the first bad_connections get this one and are closed */
	unsigned bad_connections;
	unsigned mails_per_connection; /* then the connection is closed; 0: never */
	bool say_421;             /* before that */
	bool mute_end;            /* closes instead of replying to the end of data */
	bool hold_end;            /* from the first end of data on it is silent, and stays */
	bool no_bdat;             /* knows no BDAT, and takes its content for commands */
	bool drop_bdat;           /* closes at BDAT without a word */
	const char *no_groups;    /* reply to a command that came too early; then it hangs up */
	bool drop_mail;           /* closes at MAIL without a word */
};

struct mini_smtpd;

/* port 0: any. Stops the test when it cannot. */
struct mini_smtpd *mini_smtpd_start(const struct mini_options *o, uint16_t port);
void mini_smtpd_stop(struct mini_smtpd *s);
uint16_t mini_smtpd_port(const struct mini_smtpd *s);
/* Ends all open connections. */
void mini_smtpd_hang_up(struct mini_smtpd *s);
/* How often it said yes to the mail whose recipient begins with "rN@". */
unsigned mini_smtpd_took(struct mini_smtpd *s, unsigned n);
unsigned mini_smtpd_connections(struct mini_smtpd *s);
unsigned mini_smtpd_open_now(struct mini_smtpd *s);
unsigned mini_smtpd_commands(struct mini_smtpd *s, const char *verb); /* "AUTH", "MAIL", "STARTTLS", "QUIT" */

#endif
