/* config.h - what the command line asked for. Filled by options.c, const once the threads run (only the
 * counters of the faults and the greylist change, and say how). */
#ifndef TESTS_FAKE_CONFIG_H
#define TESTS_FAKE_CONFIG_H

#include <openssl/types.h>
#include <regex.h>
#include <stdio.h>

#include "tests/fake/misbehave.h"
#include "tests/fake/text.h"

enum protocol { PROTOCOL_SMTP, PROTOCOL_SMTPS, PROTOCOL_LMTP };

struct listener {
	enum protocol protocol;
	char *address; /* "127.0.0.1:0", or a path when is_unix */
	bool is_unix;
	int fd;
	char actual[128]; /* with the port that the system chose */
};

/* What EHLO announces; what is not announced is refused, and is a violation when a client uses it. */
struct extensions {
	bool pipelining, chunking, eightbit, utf8, dsn, enhanced, size, binary;
	uint64_t size_max;           /* octets; 0 no limit */
	uint64_t mail_max, rcpt_max; /* LIMITS; 0 not announced */
};

enum quirk {
	QUIRK_EXIM = 1,      /* a refused transaction keeps its MAIL */
	QUIRK_DOVECOT = 2,   /* after a failed BDAT every BDAT is refused until RSET */
	QUIRK_OPENSMTPD = 4, /* no PIPELINING: bytes that come early get 500 and a close */
	QUIRK_POSTFIX = 8    /* text before 354 gets 554 and a close; errors are slowed, then cut off */
};

struct refusal {
	regex_t address;
	char *reply;
	struct refusal *next;
};

/* Derived once from user and password, so that no login costs a PBKDF2 run on a poll loop. */
struct scram_keys {
	const EVP_MD *md;
	unsigned char stored[64], server[64];
};

enum { SCRAM_SALT_BYTES = 16 };

struct credentials {
	char *user;
	struct bytes password;
	unsigned char salt[SCRAM_SALT_BYTES];
	int iterations;
	struct scram_keys sha1, sha256;
};

struct config {
	struct listener *listeners;
	size_t n_listeners;
	char *ready_file;
	unsigned threads;
	int rcvbuf_bytes; /* 0: the system's */

	SSL_CTX *tls; /* NULL without a certificate */
	char *tls_cert, *tls_key, *tls_client_ca, *tls_max;
	bool starttls, require_tls, require_auth;
	struct credentials login;
	char *mechanisms; /* as announced; NULL: no AUTH */
	struct extensions ext;

	char *banner, *hostname;
	int64_t delay_ns, greeting_delay_ns, idle_ns;    /* 0: none */
	uint64_t max_per_connection, max_connections; /* 0: no limit */

	char *record_file, *protocol_file, *violations_file, *store_dir, *store_mbox;
	char *record_header;
	bool record_digest, fast;

	unsigned quirks;
	bool greylist;
	int64_t greylist_ns;
	struct refusal *refusals;
	struct faults faults;
};

enum options_result { OPTIONS_RUN, OPTIONS_DONE };

/* Ends the program with status 2 and a sentence when the command line is wrong. */
enum options_result options_parse(struct config *c, int argc, char **argv);
void options_usage(FILE *to);
void config_free(struct config *c);

#endif
