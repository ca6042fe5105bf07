#include "shipper/capture/fanout.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "shipper/base/must.h"

/* Not in the headers of every system. */
enum { FLAG_IGNORE_OUTGOING = 0x4000 };

static bool join(int socket, unsigned id, unsigned flags)
{
	uint32_t how = id | (PACKET_FANOUT_CBPF | flags) << 16;

	return setsockopt(socket, SOL_PACKET, PACKET_FANOUT, &how, sizeof(how)) == 0;
}

bool fanout_change(int socket, const struct share *share)
{
	struct sock_filter *code = must_alloc(FANOUT_PROGRAM_MAX * sizeof(*code));
	struct sock_fprog program = {
		.len = (unsigned short)fanout_program(share, FANOUT_KERNEL, code),
		.filter = code,
	};
	bool well =
		setsockopt(socket, SOL_PACKET, PACKET_FANOUT_DATA, &program, sizeof(program)) == 0;

	free(code);
	return well;
}

/* Under a number that the kernel picks, so that no other process's group is met. */
static bool begin_group(int socket, unsigned *flags, unsigned *id)
{
	socklen_t size = sizeof(*id);

	if (!join(socket, 0, *flags | PACKET_FANOUT_FLAG_UNIQUEID)) {
		if (*flags == 0 || errno != EINVAL)
			return false;
		*flags = 0; /* a kernel that does not know it: libpcap leaves these out */
		if (!join(socket, 0, PACKET_FANOUT_FLAG_UNIQUEID))
			return false;
	}
	if (getsockopt(socket, SOL_PACKET, PACKET_FANOUT, id, &size) != 0)
		return false;
	*id &= UINT16_MAX;
	return true;
}

bool fanout_join(const int *sockets, const struct share *share, bool one_way, const char *device,
		 struct fault *fault)
{
	unsigned flags = one_way ? FLAG_IGNORE_OUTGOING : 0, id = 0;
	bool well = begin_group(sockets[0], &flags, &id) && fanout_change(sockets[0], share);

	for (unsigned i = 1; well && i < share->count; i++)
		well = join(sockets[i], id, flags);
	if (well)
		return true;
	return fault_set(fault,
			 "device %.64s cannot be divided among %u workers: %s. Linux does it from "
			 "4.11 on; workers: 1 does without",
			 device, share->count, strerror(errno));
}
