/*
 * Values of a JSON document, by their paths.
 *
 * "client.ip" is that member of that object; "sip.call.flow[]" is each text or number of that list,
 * in order. What lies in a list within objects or lists is not to be had.
 *
 * Borrows  text and wants, until return
 */
#ifndef WIRESPAN_OUTPUTS_PICKER_H
#define WIRESPAN_OUTPUTS_PICKER_H

#include "shipper/base/bytes.h"

struct picker_want {
	const char *path;
	int which; /* what to call it; several paths may go by one name */
};

enum picked { PICKED_ALL, PICKED_ENOUGH, PICKED_NO_OBJECT };

/* A text (without its escapes) or a number (as it is written). False: enough is known. */
typedef bool (*picker_fn)(void *self, int which, bool is_number, struct bytes value);

enum picked picker_read(struct bytes json, const struct picker_want *wants, size_t count,
			picker_fn take, void *self);

#endif
