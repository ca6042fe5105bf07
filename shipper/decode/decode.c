#include "shipper/decode/walk.h"

#include "shipper/base/must.h"

#include <stdlib.h>

#define ROW(member, kind) \
	.name = #member, .type = kind, .offset = offsetof(struct decode_conf, member)

const struct option decode_options[] = {
	{ROW(tunnels, OPTION_BOOL), .preset = "true",
	 .help = "Look into tunnels (GRE, ERSPAN, VXLAN, GENEVE, IP in IP, GTP-U) for "
		 "conversations."},
	{ROW(vxlan_ports, OPTION_PORTS), .preset = "[4789, 8472]",
	 .help = "UDP ports on which VXLAN is expected."},
	{ROW(geneve_ports, OPTION_PORTS), .preset = "[6081]",
	 .help = "UDP ports on which GENEVE is expected."},
	{ROW(gtpu_ports, OPTION_PORTS), .preset = "[2152]",
	 .help = "UDP ports on which GTP-U is expected."},
	{ROW(checksums, OPTION_BOOL), .preset = "false",
	 .help = "Verify checksums of IPv4, TCP and UDP, and count the wrong ones. It reads every "
		 "byte, and what a host sends itself is often completed by its network card only "
		 "after it was captured."},
	{ROW(fragment_bytes_max, OPTION_SIZE), .preset = "4MiB", .min = 64 << 10,
	 .max = INT64_C(1) << 30,
	 .help = "How much of IP fragments is held, in all, until the rest has come."},
	{ROW(fragment_timeout, OPTION_DURATION), .preset = "30s", .min = NS_PER_MS,
	 .max = INT64_C(600) * NS_PER_S,
	 .help = "How long IP fragments are held until the rest has come."},
	{0},
};

static void expect(struct decoder *d, const struct ports *ports, enum tunnel_kind kind)
{
	for (size_t i = 0; i < ports->count; i++)
		d->ports[d->ports_count++] = (struct tunnel_port){ports->at[i], (uint8_t)kind};
}

struct decoder *decoder_new(const struct decode_conf *conf, struct quota *quota,
			    struct counters *counters)
{
	struct decoder *d = must_alloc(sizeof *d);

	*d = (struct decoder){.conf = *conf, .counters = counters};
	d->fragments = fragments_new((size_t)conf->fragment_bytes_max, conf->fragment_timeout,
				     quota, counters);
	if (conf->tunnels) {
		expect(d, &conf->vxlan_ports, TUNNEL_VXLAN);
		expect(d, &conf->geneve_ports, TUNNEL_GENEVE);
		expect(d, &conf->gtpu_ports, TUNNEL_GTPU);
	}
	return d;
}

void decoder_free(struct decoder *decoder)
{
	if (decoder)
		fragments_free(decoder->fragments);
	free(decoder);
}

void decoder_expire(struct decoder *decoder, nsec now)
{
	fragments_expire(decoder->fragments, now);
}

bool decode(struct decoder *decoder, const struct frame *frame, struct packet *packet)
{
	size_t have = frame->bytes.len;
	struct walk w = {
		.decoder = decoder,
		.packet = packet,
		.c = cursor_of(frame->bytes),
		.lacking = frame->wire_bytes > have ? frame->wire_bytes - have : 0,
	};

	packet->when = frame->when;
	packet->wire_bytes = frame->wire_bytes;
	packet->vlans = packet->tunnels = packet->sacks = 0;
	packet->has_timestamp = false;
	packet->device = 0;

	enum counter said = walk_link(&w, frame->link);

	count(decoder->counters, said);
	if (said != COUNT_PACKETS_DECODED)
		return false;
	if (packet->tunnels > 0)
		count(decoder->counters, COUNT_PACKETS_TUNNELLED);
	if (w.wrong)
		count(decoder->counters, COUNT_PACKETS_CHECKSUM);
	return true;
}
