/* log.h - what the program tells about itself, one line at a time to standard error.
 *
 * Safe in any thread; a line is written whole. Control bytes are shown as '?'. Never give it a
 * secret. While a progress bar stands, the line is printed above it. */
#ifndef ENGINE_BASE_LOG_H
#define ENGINE_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTE, LOG_DEBUG };

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Lines above this level are dropped; LOG_NOTE at start. */
void log_show(enum log_level most);
/* The status line that stands below all others on a terminal; NULL removes it. Copied. */
void log_status(const char *line);

#endif
