/* fuzz_words.c - any text as a rate, a share, a time or a date, as a file's name and a media type: understood within
 * its bounds, or refused with a sentence. */
#include <stdint.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/err.h"
#include "engine/base/must.h"
#include "engine/base/throttle.h"
#include "engine/base/utf8.h"
#include "engine/run/breaker.h"
#include "templates/mime/mime_type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 1000, TAKES = 20, NAME_MOST = 200 };

/* No more than N in a window, whatever the limits: the next place is never before the last. */
static void check_rate(const char *text)
{
	struct throttle *t = NULL;
	struct err e = { 0 };
	int64_t now = 1000000000, wait;

	if (throttle_new(&t, text, &e) < 0) {
		MUST(!t && e.text[0]);
		return;
	}
	MUST(throttle_window_ms(t) > 0 && throttle_memory(t) > 0 && throttle_per_second(t) > 0);
	for (int i = 0; i < TAKES; i++) {
		wait = throttle_take(t, now);
		MUST(wait >= 0);
		now += wait;
		MUST(now >= 0);
	}
	throttle_free(&t);
}

static void check_times(struct span text)
{
	char shown[CLOCK_RFC3339_SIZE];
	int64_t ms, again;
	int zone;

	if (clock_parse_span(text, &ms) == 0)
		MUST(ms >= 0);
	if (clock_parse(text, &ms, &zone) < 0)
		return;
	clock_rfc3339(ms, shown);
	MUST(clock_parse(span_str(shown), &again, NULL) == 0 && again == ms);
}

static void check_name(struct span text)
{
	struct arena a;
	struct span name;

	arena_init(&a, 4096, 1 << 20);
	name = mime_file_name_of(text, &a);
	MUST(name.p && name.n > 0 && name.n <= NAME_MOST && name.p[0] != '.');
	for (size_t i = 0; i < name.n; i++)
		MUST((unsigned char)name.p[i] >= ' ' && name.p[i] != '/' && name.p[i] != '\\' && name.p[i] != 127);
	MUST(!utf8_valid(text) || utf8_valid(name));
	name = mime_file_name_ascii(name, &a);
	MUST(name.p && name.n > 0 && utf8_ascii(name));
	MUST(mime_type_ok(mime_type_of(text)));
	(void)mime_type_ok(text);
	arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct breaker_limit limit;
	struct err e = { 0 };
	char text[TEXT_MAX];

	if (size >= sizeof text)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	check_rate(text);
	check_times(span_of(data, size));
	check_name(span_of(data, size));
	if (breaker_parse(text, &limit, &e) == 0)
		MUST(limit.percent <= 100 && (limit.percent == 0 || limit.window >= BREAKER_WINDOW_MIN));
	else
		MUST(e.text[0]);
	return 0;
}
