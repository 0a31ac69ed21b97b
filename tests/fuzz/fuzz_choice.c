/* fuzz_choice.c - any text as --rows, --shard and --only, and as an address that was probably meant
 * otherwise: what is understood has one text, which means the same; a proposal is an address. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/err.h"
#include "engine/base/must.h"
#include "engine/model/address.h"
#include "engine/model/address_doubt.h"
#include "engine/rows/select.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT = 4000, ROWS = 40 };

static uint64_t answers(struct selection *s)
{
	uint64_t bits = 0;

	for (uint64_t i = 1; i <= ROWS; i++) {
		char text[32];
		struct span cell = span_of(text, (size_t)snprintf(text, sizeof text, "u%d@x.example", (int)i));
		struct row row = { .number = i, .n_cells = 1, .cells = &cell };

		bits = bits << 1 | (selection_wants(s, &row, NULL, NULL) == SELECT_YES);
	}
	selection_rewind(s);
	return bits;
}

static void check_rows(const char *text)
{
	struct selection_options o = { .rows = text, .address_column = 0 };
	struct selection *s, *again;
	struct span value;
	char copy[SELECT_TEXT_MAX];
	struct err e = { 0 };

	if (selection_new(&s, &o, &e) < 0) {
		MUST(e.kind == ERR_INPUT && e.text[0]);
		return;
	}
	MUST(selection_widens(selection_text(s), selection_text(s), &e) == 0);
	if (selection_text_get(selection_text(s), "rows", &value) && !span_begins(value, SPAN("SHA"))) {
		snprintf(copy, sizeof copy, "%.*s", SPAN_ARG(value));
		o.rows = copy;
		MUST(selection_new(&again, &o, &e) == 0);
		MUST(strcmp(selection_text(s), selection_text(again)) == 0 && answers(s) == answers(again));
		selection_free(&again);
	}
	selection_free(&s);
}

static void check_share(const char *text)
{
	struct selection_options o = { .shard = text, .address_column = 0 };
	struct selection *s;
	struct err e = { 0 };

	if (selection_new(&s, &o, &e) == 0)
		MUST(answers(s) == answers(s));
	else
		MUST(e.kind == ERR_INPUT);
	selection_free(&s);
}

static void check_proposal(struct span text)
{
	char proposal[ADDRESS_PROPOSAL_MAX];
	struct address a;
	struct arena arena;
	struct err e;

	address_doubt(text, proposal);
	MUST(memchr(proposal, '\0', sizeof proposal));
	if (!address_propose(text, proposal))
		return;
	arena_init(&arena, 4096, 1 << 20);
	MUST(address_parse(span_str(proposal), &arena, &a, &e) == 0);
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT];

	if (size >= sizeof text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	check_proposal(span_of(data, size));
	check_rows(text);
	check_share(text);
	return 0;
}
