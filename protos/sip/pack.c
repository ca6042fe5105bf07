/*
 * What a transaction keeps of a message: only the values that its document shows. With many calls
 * that is most of what there is in memory.
 */
#include "protos/sip/message.h"
#include "shipper/base/must.h"

#include <stdint.h>

enum { CHUNK = SIP_PACK_ROOM };

struct packer {
	struct bytes head;
	uint8_t *to;
	size_t len;
};

/* Most parts are short, and copied as a chunk. */
static inline struct span put(struct packer *p, struct span s)
{
	struct bytes rest = bytes_skip(p->head, s.at);
	size_t at = p->len, n = s.len < rest.len ? s.len : rest.len;

	if (s.len == 0 || n == 0)
		return (struct span){0, 0};
	if (n <= CHUNK && rest.len >= CHUNK)
		memcpy(p->to + at, rest.at, CHUNK);
	else
		memcpy(p->to + at, rest.at, n);
	p->len += n;
	return (struct span){(uint16_t)at, (uint16_t)n};
}

/* Where a part of what went from `old` to `new` lies now. */
static struct span within(struct span part, struct span old, struct span new)
{
	size_t before = (size_t)(part.at - old.at);

	if (part.at < old.at || before >= new.len)
		return (struct span){0, 0};
	return (struct span){(uint16_t)(new.at + before),
			     part.len < new.len - before ? part.len : (uint16_t)(new.len - before)};
}

/* Each line is at least a byte longer in the head, so there is room for its LF. */
static struct span put_list(struct packer *p, const struct sip_message *m, enum sip_list which)
{
	size_t at = p->len;

	for (unsigned i = 0; i < m->counts[which]; i++)
		if (put(p, m->list[which][i]).len > 0)
			p->to[p->len++] = '\n';
	return p->len > at ? (struct span){(uint16_t)at, (uint16_t)(p->len - at)}
			   : (struct span){0, 0};
}

/* What an answer only repeats. */
static void put_own(struct packer *p, const struct sip_message *m, struct sip_kept *k)
{
	for (unsigned i = SIP_FROM; i <= SIP_MAX_FORWARDS; i++)
		k->one[i] = put(p, m->one[i]);
	k->list[SIP_VIA] = put_list(p, m, SIP_VIA);
	k->version = put(p, m->version);
	k->uri = put(p, m->uri);
	k->from_tag = within(m->from_tag, m->one[SIP_FROM], k->one[SIP_FROM]);
	k->to_tag = within(m->to_tag, m->one[SIP_TO], k->one[SIP_TO]);
	struct span first = k->list[SIP_VIA];

	first.len = (uint16_t)sip_part(p->head, m->list[SIP_VIA][0]).len;
	k->branch = within(m->branch, m->list[SIP_VIA][0], first);
	k->method_text = m->request ? put(p, m->method_text)
				    : within(m->method_text, m->one[SIP_CSEQ], k->one[SIP_CSEQ]);
}

size_t sip_message_pack(const struct sip_message *m, struct bytes head, bool answer,
			struct sip_kept *k, uint8_t *to)
{
	struct packer p = {head, to, 0};

	*k = (struct sip_kept){.any = true,
			       .request = m->request,
			       .method = m->method,
			       .faults = m->faults,
			       .cseq = m->cseq,
			       .length = (int32_t)m->length};
	if (answer)
		k->to_tag = put(&p, m->to_tag);
	else
		put_own(&p, m, k);
	k->phrase = put(&p, m->phrase);
	for (unsigned i = SIP_MAX_FORWARDS + 1; i < SIP_KEPT; i++)
		k->one[i] = put(&p, m->one[i]);
	for (unsigned i = SIP_VIA + 1; i < SIP_LISTS; i++)
		k->list[i] = put_list(&p, m, (enum sip_list)i);
	must(p.len <= head.len);
	return p.len;
}
