/* auth.h - the server's side of SASL, over OpenSSL alone, without I/O: decoded responses in, challenges
 * out. The project's client uses another library, so the two check each other. */
#ifndef TESTS_FAKE_AUTH_H
#define TESTS_FAKE_AUTH_H

#include "tests/fake/config.h"

enum auth_result {
	AUTH_CHALLENGE, /* send the challenge, wait for a response */
	AUTH_OK,
	AUTH_REFUSED,   /* wrong credentials */
	AUTH_MALFORMED  /* the response is no response of this mechanism: the client's mistake */
};

/* What TLS knows of the connection. */
struct auth_link {
	bool tls;
	unsigned char exporter[32];  /* tls-exporter (RFC 9266) */
	unsigned char end_point[64]; /* tls-server-end-point (RFC 5929) */
	size_t end_point_n;
	bool client_verified;
	char client_name[128]; /* common name of the client's certificate */
};

struct auth_mechanism;

struct auth {
	const struct config *cfg;
	const struct auth_link *link;
	const struct auth_mechanism *mechanism;
	int step;
	struct bytes user;  /* who logged in, valid after AUTH_OK */
	struct bytes nonce, gs2, first, server_first; /* SCRAM's; nonce is also CRAM-MD5's challenge */
	bool failed;        /* an OAuth error was sent, its acknowledgement is awaited */
	bool plus;          /* SCRAM: a -PLUS form, bound to the channel */
	const struct scram_keys *keys;
};

/* Derives what SCRAM needs of the password; once, before the threads start. */
void auth_prepare(struct credentials *login);
bool auth_known(struct text mechanism);
/* initial.p is NULL without an initial response. Challenges are plain, base64 is the caller's work. */
enum auth_result auth_begin(struct auth *a, const struct config *cfg, const struct auth_link *link,
			    struct text mechanism, struct text initial, struct bytes *challenge);
enum auth_result auth_next(struct auth *a, struct text response, struct bytes *challenge);
void auth_release(struct auth *a);

/* scram.c */
void scram_derive(struct credentials *login);
enum auth_result scram_step(struct auth *a, struct text response, struct bytes *challenge);
/* A text that nobody can guess, of printable characters without comma. */
void auth_nonce(struct bytes *b);
bool auth_same(struct text a, struct text b); /* in constant time for equal lengths */

#endif
