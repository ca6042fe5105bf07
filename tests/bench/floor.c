/* The floor under every figure: only reads a capture file, packet by packet, through libpcap. */
#include <pcap/pcap.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	char why[PCAP_ERRBUF_SIZE];
	unsigned long long packets = 0, bytes = 0;
	struct pcap_pkthdr *header;
	const u_char *data;
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE\n", argv[0]);
		return 2;
	}

	pcap_t *pcap = pcap_open_offline(argv[1], why);

	if (!pcap) {
		fprintf(stderr, "%s: %s\n", argv[0], why);
		return 1;
	}
	while ((rc = pcap_next_ex(pcap, &header, &data)) == 1) {
		packets++;
		bytes += header->caplen;
	}
	if (rc != PCAP_ERROR_BREAK)
		fprintf(stderr, "%s: %s\n", argv[0], pcap_geterr(pcap));
	pcap_close(pcap);
	printf("{\"packets\":%llu,\"bytes\":%llu}\n", packets, bytes);
	return rc == PCAP_ERROR_BREAK ? 0 : 1;
}
