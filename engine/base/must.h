/* must.h - our own bugs stop the program; users' mistakes never do. Stays on in release. */
#ifndef ENGINE_BASE_MUST_H
#define ENGINE_BASE_MUST_H

_Noreturn void must_failed(const char *file, int line, const char *condition);

#define MUST(condition) ((condition) ? (void)0 : must_failed(__FILE__, __LINE__, #condition))

#endif
