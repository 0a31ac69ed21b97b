/* letter_mailbox.h - an address header as nearly every letter has it. Inner header of the room. */
#ifndef TEMPLATES_LETTER_LETTER_MAILBOX_H
#define TEMPLATES_LETTER_LETTER_MAILBOX_H

#include "engine/base/arena.h"

struct address_list;
struct letter_text;
struct row;

/* Notes in t, by its steps, whether it is "{{ name }} <{{ email }}>", "<{{ email }}>" or "{{ email }}". */
void letter_mailbox_find(struct letter_text *t);
/* Appends to *out what letter_text_render() and letter_addresses() would: 1; 0 it is for them, or it is wrong; -1 no
 * memory. The name is borrowed from the row. */
int letter_mailbox_read(const struct letter_text *t, const struct row *row, struct arena *a, struct address_list *out);

#endif
