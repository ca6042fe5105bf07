#include "outputs/calls/reader.h"

#include "outputs/picker.h"

enum { FLOW_MAX_BYTES = 64 << 10, NUMBERS = CALL_TEXTS, TYPE = NUMBERS + CALL_NUMBERS };

static const struct picker_want wants[] = {
	{"type", TYPE},
	{"@timestamp", CALL_START},
	{"sip.call.caller", CALL_CALLER},
	{"sip.call.caller_domain", CALL_CALLER_DOMAIN},
	{"sip.call.callee", CALL_CALLEE},
	{"sip.call.callee_domain", CALL_CALLEE_DOMAIN},
	{"sip.call.state", CALL_STATE_NAME},
	{"sip.call_id", CALL_ID},
	{"sip.call.flow[]", CALL_FLOW},
	{"sip.code", NUMBERS + CALL_CODE},
	{"sip.call.setup_time", NUMBERS + CALL_SETUP_TIME},
	{"sip.call.duration", NUMBERS + CALL_LENGTH},
	{"sip.call.messages", NUMBERS + CALL_MESSAGES},
};

static bool take(void *self, int which, bool is_number, struct bytes value)
{
	struct call_reader *r = self;

	if (which == TYPE)
		return r->is_call = bytes_eq(value, BYTES("sip_call"));
	if (is_number != (which >= NUMBERS))
		return true;
	if (is_number) {
		bytes_int(value, 0, INT64_MAX, &r->numbers[which - NUMBERS]);
		return true;
	}
	struct buf *text = &r->texts[which];

	if (which != CALL_FLOW)
		text->len = 0;
	else if (text->len + value.len > FLOW_MAX_BYTES)
		return true;
	buf_add(text, value);
	if (which == CALL_FLOW)
		buf_add(text, BYTES("\n"));
	return true;
}

void call_reader_init(struct call_reader *r)
{
	*r = (struct call_reader){0};
}

void call_reader_fini(struct call_reader *r)
{
	for (int i = 0; i < CALL_TEXTS; i++)
		buf_fini(&r->texts[i]);
}

enum call_read call_reader_read(struct call_reader *r, struct bytes json)
{
	for (int i = 0; i < CALL_TEXTS; i++)
		r->texts[i].len = 0;
	for (int i = 0; i < CALL_NUMBERS; i++)
		r->numbers[i] = -1;
	r->is_call = false;
	switch (picker_read(json, wants, sizeof(wants) / sizeof(wants[0]), take, r)) {
	case PICKED_ENOUGH:
		return CALL_OTHER;
	case PICKED_NO_OBJECT:
		return CALL_NOT_JSON;
	case PICKED_ALL:
		break;
	}
	return r->is_call && r->texts[CALL_ID].len > 0 && r->texts[CALL_START].len > 0 ? CALL_READ
										       : CALL_OTHER;
}
