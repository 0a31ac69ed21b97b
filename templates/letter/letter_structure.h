/* letter_structure.h - the parts of a letter as a tree, before they become a program. Inner header. */
#ifndef TEMPLATES_LETTER_LETTER_STRUCTURE_H
#define TEMPLATES_LETTER_LETTER_STRUCTURE_H

#include "engine/base/span.h"

struct letter_body;
struct letter_compile;
struct letter_file;

enum letter_node_kind { NODE_BODY, NODE_FILE, NODE_RAW, NODE_MULTI };

struct letter_node {
	enum letter_node_kind kind;
	const struct letter_body *body;
	struct letter_file *file;
	struct span fields;  /* body: fields beside type and encoding; raw: all; with CRLF */
	struct span data;    /* raw: content */
	struct span subtype; /* multi: "mixed" */
	struct span boundary; /* multi: as the letter wants it; empty: made */
	struct letter_node *first, *next;
};

struct letter_node *letter_node_new(struct letter_compile *c, enum letter_node_kind kind);
void letter_node_append(struct letter_node *multi, struct letter_node *child);

#endif
