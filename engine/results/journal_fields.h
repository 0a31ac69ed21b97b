/* journal_fields.h - sizes that both halves of the record code agree on (inside engine/results). */
#ifndef ENGINE_RESULTS_JOURNAL_FIELDS_H
#define ENGINE_RESULTS_JOURNAL_FIELDS_H

struct record;
/* Takes the rows in front of a RECORD_GROUP off: 0, or -1 when that is none. */
int record_open_group(struct record *r);

enum {
	NUMBER_MAX = 10,      /* bytes of the longest varint */
	ADDRESS_KEPT = 400,   /* a path has at most 254; a cell that is no address may be longer */
	MESSAGE_ID_KEPT = 998,
	RELAY_KEPT = 255
};

/* Times are counted from 2024-01-01, which saves a byte. */
#define RECORD_EPOCH_MS INT64_C(1704067200000)

#endif
