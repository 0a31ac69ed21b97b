/* probe.h - what `lettershop probe` found out, for people and for programs. */
#ifndef ENGINE_CLI_PROBE_H
#define ENGINE_CLI_PROBE_H

#include <stdbool.h>

#include "engine/base/err.h"
#include "transport/relay/relay_talk.h"

enum { PROBE_ASKED_MAX = 64 };

struct probe_asked { /* a line that the user wanted sent, and its answer */
	const char *line;
	struct relay_answer answer;
};

struct probe {
	char place[400];      /* "smtp.example.com:587 (STARTTLS)" */
	struct relay_talk *talk; /* NULL: not even begun */
	bool logged_in;
	bool failed;          /* why says where it ended */
	struct err why;
	unsigned n_asked;
	struct probe_asked asked[PROBE_ASKED_MAX];
};

void probe_print(const struct probe *p);
/* One JSON object and a line end, to standard output. */
void probe_print_json(const struct probe *p);

#endif
