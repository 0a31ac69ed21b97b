/* preview_frame.h - the HTML part of a message as the value of a srcdoc attribute. */
#ifndef ENGINE_CLI_PREVIEW_FRAME_H
#define ENGINE_CLI_PREVIEW_FRAME_H

struct buf;
struct letter_view;

/* Appends the attribute's value without its quotes. cid: references to parts of v become data:
 * URIs. What a browser would fetch or follow by itself is made inert. */
void preview_frame(struct buf *out, const struct letter_view *v);

#endif
