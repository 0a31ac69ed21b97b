/* ledger_standing.c - what stands for a recipient, and for a row: questions to a ledger that is complete.
 *
 * The rules are the first lines of ledger.c. Held by tests/unit/test_results_ledger.c. */
#include <string.h>

#include "engine/results/ledger_parts.h"

/* ---- a recipient ---- */

static enum standing of_kind(enum verdict_kind kind)
{
	static const enum standing stands[] = {
		[VERDICT_SENT] = STANDS_SENT, [VERDICT_DEFERRED] = STANDS_DEFERRED, [VERDICT_REFUSED] = STANDS_REFUSED,
		[VERDICT_IN_DOUBT] = STANDS_IN_DOUBT, [VERDICT_SKIPPED] = STANDS_SKIPPED,
	};

	return stands[kind];
}

enum standing ledger_entry_standing(const struct ledger_entry *entry)
{
	if (entry->claimed || entry->intent_when > entry->result_when)
		return STANDS_IN_DOUBT;
	return entry->result_when ? of_kind((enum verdict_kind)entry->kind) : STANDS_TO_DO;
}

static enum standing of_byte(uint8_t byte)
{
	static const enum standing stands[] = {
		[BYTE_NONE] = STANDS_TO_DO, [BYTE_SENT] = STANDS_SENT, [BYTE_SKIPPED] = STANDS_SKIPPED,
		[BYTE_REFUSED] = STANDS_REFUSED, [BYTE_DOUBT] = STANDS_IN_DOUBT, [BYTE_INTENT] = STANDS_IN_DOUBT,
		[BYTE_CLAIMED] = STANDS_IN_DOUBT,
	};

	return stands[byte];
}

static uint8_t byte_of(const struct ledger *l, uint64_t row)
{
	return row < l->n_bytes ? l->bytes[row] : (uint8_t)BYTE_NONE;
}

static const struct ledger_entry *find(const struct ledger *l, uint64_t row, uint32_t index)
{
	return ledger_table_find(&l->table, ledger_key(row, index));
}

enum standing ledger_standing(const struct ledger *l, uint64_t row, uint32_t index)
{
	uint8_t byte = byte_of(l, row);
	const struct ledger_entry *entry;

	if (byte != BYTE_TABLE)
		return index == 0 ? of_byte(byte) : STANDS_TO_DO;
	entry = find(l, row, index);
	return entry ? ledger_entry_standing(entry) : STANDS_TO_DO;
}

uint32_t ledger_row_recipients(const struct ledger *l, uint64_t row)
{
	return byte_of(l, row) == BYTE_TABLE ? find(l, row, 0)->of : 1;
}

bool ledger_is_final(const struct ledger *l, uint64_t row, uint32_t index, enum record_type type, uint64_t position)
{
	uint8_t byte = byte_of(l, row);
	const struct ledger_entry *entry;
	bool by_intent;

	if (byte != BYTE_TABLE)
		return index == 0 && (type == RECORD_INTENT ? byte == BYTE_INTENT : byte != BYTE_NONE && byte < BYTE_INTENT);
	entry = find(l, row, index);
	if (!entry)
		return false;
	by_intent = entry->intent_when > entry->result_when;
	if (by_intent != (type == RECORD_INTENT))
		return false;
	return (by_intent ? entry->intent : entry->result) == position ||
	       (by_intent ? entry->intent : entry->result) == POSITION_UNKNOWN;
}

/* ---- a row ---- */

static enum row_state worst_of(const struct ledger *l, uint64_t row)
{
	static const enum row_state states[] = {
		[STANDS_TO_DO] = ROW_TO_DO, [STANDS_SENT] = ROW_SENT, [STANDS_SKIPPED] = ROW_SKIPPED,
		[STANDS_REFUSED] = ROW_REFUSED, [STANDS_DEFERRED] = ROW_DEFERRED, [STANDS_IN_DOUBT] = ROW_IN_DOUBT,
	};
	uint32_t of = ledger_row_recipients(l, row), to_do = 0;
	enum standing worst = STANDS_TO_DO;

	for (uint32_t i = 0; i < of; i++) {
		enum standing stands = ledger_standing(l, row, i);

		to_do += stands == STANDS_TO_DO;
		if (stands > worst)
			worst = stands;
	}
	if (to_do > 0 && to_do < of && worst != STANDS_IN_DOUBT)
		return ROW_DEFERRED; /* some are settled: who goes on has to ask which */
	return states[worst];
}

enum row_state ledger_row(const struct ledger *l, uint64_t row)
{
	return worst_of(l, row);
}

static bool is_begun(enum standing stands)
{
	return stands != STANDS_TO_DO && stands != STANDS_SKIPPED;
}

bool ledger_recipient_begun(const struct ledger *l, uint64_t row, uint32_t index)
{
	uint32_t of = ledger_row_recipients(l, row);

	if (byte_of(l, row) == BYTE_TABLE && index < of)
		return is_begun(ledger_standing(l, row, index));
	for (uint32_t i = 0; i < of; i++)
		if (is_begun(ledger_standing(l, row, i)))
			return true;
	return false;
}

bool ledger_recipient_skipped(const struct ledger *l, uint64_t row, uint32_t index)
{
	return byte_of(l, row) == BYTE_TABLE && ledger_standing(l, row, index) == STANDS_SKIPPED;
}

static bool settles(enum standing stands, bool hold)
{
	if (stands == STANDS_IN_DOUBT)
		return hold;
	return stands == STANDS_SENT || stands == STANDS_SKIPPED || stands == STANDS_REFUSED;
}

bool ledger_is_done(const struct ledger *l, uint64_t row, bool hold)
{
	uint8_t byte = byte_of(l, row);

	if (byte != BYTE_TABLE)
		return settles(of_byte(byte), hold);
	for (uint32_t i = 0; i < ledger_row_recipients(l, row); i++)
		if (!settles(ledger_standing(l, row, i), hold))
			return false;
	return true;
}

static uint32_t attempts_of(const struct ledger_entry *entry)
{
	uint32_t by_intent = (uint32_t)entry->intent_when, by_result = (uint32_t)entry->result_when;

	return by_intent > by_result ? by_intent : by_result;
}

static void settle_entry(const struct ledger *l, uint64_t row, uint32_t index, bool hold, uint64_t *settled,
			 uint32_t *attempts)
{
	const struct ledger_entry *entry = find(l, row, index);

	if (!entry)
		return;
	if (settles(ledger_entry_standing(entry), hold))
		settled[index / 64] |= UINT64_C(1) << index % 64;
	if (attempts_of(entry) > *attempts)
		*attempts = attempts_of(entry);
}

void ledger_settled(const struct ledger *l, uint64_t row, bool hold, uint64_t settled[JOURNAL_RECIPIENTS_MAX / 64],
		    uint32_t *attempts)
{
	uint8_t byte = byte_of(l, row);

	memset(settled, 0, JOURNAL_RECIPIENTS_MAX / 64 * sizeof *settled);
	*attempts = 0;
	if (byte == BYTE_TABLE) {
		for (uint32_t i = 0; i < ledger_row_recipients(l, row); i++)
			settle_entry(l, row, i, hold, settled, attempts);
		return;
	}
	if (byte != BYTE_NONE && byte != BYTE_CLAIMED)
		*attempts = 1;
	if (!settles(of_byte(byte), hold))
		return;
	settled[0] = 1;
	if (byte == BYTE_CLAIMED) /* nobody knows how many it has */
		memset(settled, 0xff, JOURNAL_RECIPIENTS_MAX / 64 * sizeof *settled);
}
