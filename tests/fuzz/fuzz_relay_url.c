/* fuzz_relay_url.c - any text as a relay's URL, and as a command of the user's: what is understood has no control
 * octets and ends where its room ends; what is not has a sentence. */
#include <stdint.h>
#include <string.h>

#include "engine/base/err.h"
#include "engine/base/must.h"
#include "engine/base/utf8.h"
#include "transport/relay/relay_command.h"
#include "transport/relay/relay_url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 4096 };

static void check(const char *part, size_t room)
{
	size_t n = strnlen(part, room);

	MUST(n < room && utf8_valid(span_of(part, n)));
	for (size_t i = 0; i < n; i++)
		MUST((unsigned char)part[i] >= ' ' && part[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1], *words[RELAY_COMMAND_WORDS_MAX + 1];
	static struct relay_url u;
	struct err e = { 0 };
	int n;

	if (size > TEXT_MAX)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (relay_url_parse(text, &u, &e) == 0) {
		check(u.host, sizeof u.host);
		check(u.socket, sizeof u.socket);
		check(u.user, sizeof u.user);
		check(u.ca, sizeof u.ca);
		check(u.cert, sizeof u.cert);
		check(u.key, sizeof u.key);
		check(u.auth, sizeof u.auth);
		MUST(u.port > 0 && (u.host[0] != '\0') != (u.socket[0] != '\0'));
		MUST(u.verify != NET_VERIFY_PIN || u.pinned);
	} else {
		MUST(e.kind == ERR_NOMEM || (e.kind == ERR_INPUT && e.text[0]));
	}
	n = relay_command_split(text, words, "password", &e);
	MUST(n != 0 && n <= RELAY_COMMAND_WORDS_MAX);
	for (int i = 0; i < n; i++)
		MUST(words[i] >= text && words[i] + strlen(words[i]) <= text + size);
	MUST(n < 0 || !words[n]);
	return 0;
}
