/* preview_folder.h - the folder that `preview` writes: made, or its own and emptied. */
#ifndef ENGINE_CLI_PREVIEW_FOLDER_H
#define ENGINE_CLI_PREVIEW_FOLDER_H

#include "engine/base/span.h"

struct err;

/* Creates path (and eml/, m/, list/ in it), or takes over a folder that preview made before and
 * removes what preview wrote there. A folder with anything else in it is ERR_INPUT. *out is a
 * descriptor of the folder; the caller closes it. */
int preview_folder_open(const char *path, int *out, struct err *e);
/* Writes a whole file beneath the folder. */
int preview_folder_write(int folder, const char *name, struct span content, struct err *e);

#endif
