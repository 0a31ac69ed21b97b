/* preview_text.h - the fixed text of preview's pages: styles, scripts, the index's frame. */
#ifndef ENGINE_CLI_PREVIEW_TEXT_H
#define ENGINE_CLI_PREVIEW_TEXT_H

extern const char preview_message_style[], preview_message_script[];
extern const char preview_index_style[], preview_index_script[], preview_index_body[];

#endif
