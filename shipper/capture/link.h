/*
 * LINKTYPE_ values, as files carry them, and DLT_ values, as libpcap's functions take them. Of
 * those that matter here they differ for raw IP alone.
 *
 * Source   pcap-linktype(7)
 */
#ifndef WIRESPAN_CAPTURE_LINK_H
#define WIRESPAN_CAPTURE_LINK_H

#include <pcap/dlt.h>
#include <stdint.h>

enum { LINKTYPE_RAW_IP = 101, DLT_RAW_OPENBSD = 14, DLT_RAW_OTHERS = 12 };

/* Old files carry the DLT_ value. */
static inline int link_of(uint32_t value)
{
	return value == DLT_RAW_OTHERS || value == DLT_RAW_OPENBSD ? LINKTYPE_RAW_IP : (int)value;
}

static inline int link_dlt(int link)
{
	return link == LINKTYPE_RAW_IP ? DLT_RAW : link;
}

#endif
