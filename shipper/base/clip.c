#include "shipper/base/clip.h"

void clip_add(struct clip *clip, struct buf *kept, struct bytes more, size_t limit)
{
	size_t room = limit > clip->len ? limit - clip->len : 0;

	if (more.len > room) {
		clip->cut = true;
		more.len = room;
	}
	if (more.len == 0)
		return;
	if (clip->len == 0) {
		clip->at = (uint32_t)kept->len;
	} else if (clip->at + clip->len != kept->len) {
		uint8_t *to = buf_room(kept, clip->len + more.len);

		memcpy(to, kept->at + clip->at, clip->len);
		clip->at = (uint32_t)kept->len;
		kept->len += clip->len;
	}
	buf_add(kept, more);
	clip->len += (uint32_t)more.len;
}
