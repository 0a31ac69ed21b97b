/* quote.h - words as a shell reads them, for commands that a person may copy. */
#ifndef ENGINE_CLI_QUOTE_H
#define ENGINE_CLI_QUOTE_H

struct buf;
struct options;

/* Appends word, in single quotes where the shell would change it. */
int quote_word(struct buf *out, const char *word);
/* The command as it was typed, with `extra` among its options: already quoted,
 * each word with a space before it. */
int quote_command(struct buf *out, const struct options *o, const char *extra);

#endif
