#include "protos/sip/call.h"
void call_message(const struct sip_seen *s)
{
	(void)s;
}
void call_finish(struct sip_world *w)
{
	(void)w;
}
bool call_shrink(struct sip_world *w)
{
	(void)w;
	return false;
}
void call_leave(struct sip_world *w)
{
	(void)w;
}
