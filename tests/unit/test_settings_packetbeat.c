/* What packetbeat.yml says, taken as it is meant. */
#include "tests/unit/settings_rig.h"

TestSuite(settings_packetbeat, .init = begin, .fini = end);

Test(settings_packetbeat, as_it_is_installed)
{
	takes("packetbeat.interfaces.device: eth1\n"
	      "packetbeat.interfaces.snaplen: 1514\n"
	      "packetbeat.interfaces.buffer_size_mb: 100\n"
	      "packetbeat.interfaces.type: af_packet\n"
	      "packetbeat.flows:\n  timeout: 30s\n  period: 10s\n"
	      "packetbeat.protocols:\n"
	      "- type: http\n  ports: [80, 9000]\n  processors: [{drop: x}]\n"
	      "- type: dns\n  ports: [53]\n"
	      "setup.kibana.host: ${KIBANA_THAT_IS_UNSET}\n"
	      "output.elasticsearch.hosts: [\"localhost:9200\"]\n"
	      "processors:\n  - add_host_metadata: ~\n");
	cr_assert_str_eq(settings.capture.devices.at[0], "eth1");
	cr_assert_eq(settings.capture.snap_bytes, 1514);
	cr_assert_eq(settings.capture.buffer_bytes, 100LL << 20);
	cr_assert_eq(http()->ports.at[1], 9000);
	drop_others();
	cr_assert_str_eq(settings.output->name, "elasticsearch");
	cr_assert_eq(faults.remarks.count, 10);
	settings_free(&settings);
}

Test(settings_packetbeat, says_what_it_understood)
{
	takes("packetbeat:\n  interfaces:\n    bpf_filter: port 80\n"
	      "    with_vlans: false\n"
	      "    fanout_group: 7\n"
	      "logging:\n  level: critical\n  json: true\n  to_files: true\n");
	cr_assert_str_eq(settings.capture.filter, "port 80");
	cr_assert_not(settings.capture.vlan_aware);
	cr_assert_eq(settings.log.level, LOG_LEVEL_ERROR);
	cr_assert_eq(settings.log.format, LOG_FORMAT_JSON);
	remarks_are("3: packetbeat.interfaces.bpf_filter is read as capture.filter",
		    "4: packetbeat.interfaces.with_vlans is read as capture.vlan_aware",
		    "8: logging.json is read as logging.format",
		    "2: packetbeat.interfaces is passed over: it has no meaning here",
		    "9: logging.to_files is passed over: the log goes to standard error", NULL);
	settings_free(&settings);
}

Test(settings_packetbeat, protocols_as_a_map)
{
	takes("packetbeat.protocols.http:\n  ports: [81]\n  send_headers: [Host]\n");
	cr_assert_eq(http()->ports.at[0], 81);
	remarks_are("1: packetbeat.protocols: http is read as protocols.http", NULL);
	settings_free(&settings);
}

Test(settings_packetbeat, reads_only_what_is_listed)
{
	takes("packetbeat.protocols:\n- type: memcache\n  ports: [11211]\n");
	cr_assert_not(http()->enabled);
	remarks_are("2: packetbeat.protocols: memcache is passed over: it is not read yet",
		    "http is not among packetbeat.protocols: switched off", NULL);
	settings_free(&settings);
}

Test(settings_packetbeat, devices_as_a_list)
{
	takes("packetbeat.interfaces:\n- device: eth0\n  snaplen: 100\n- device: eth1\n");
	cr_assert_eq(settings.capture.devices.count, 2);
	cr_assert_str_eq(settings.capture.devices.at[1], "eth1");
	cr_assert_eq(settings.capture.snap_bytes, 100);
	settings_free(&settings);
}

Test(settings_packetbeat, faults)
{
	refuses("packetbeat.protocols:\n- type: http\n  prots: [80]\n",
		"3:3: protocols.http.prots: unknown option; did you mean protocols.http.ports?");
	refuses("packetbeat.protocols:\n- type: htpp\n",
		"2:3: packetbeat.protocols: htpp is not a protocol");
	refuses("packetbeat.protocols:\n- ports: [80]\n",
		"2:3: packetbeat.protocols: expected `- type: http` and options");
	refuses("capture.devices: a\npacketbeat.interfaces.device: b\n",
		"2:1: packetbeat.interfaces.device: capture.devices is set as well, in line 1");
	refuses("packetbeat.interfaces.snaplen: many\n",
		"1:1: capture.snap_bytes: expected a size such as 64KiB or 10MB, from 64B to "
		"1MiB, got \"many\"");
	refuses("packetbeat.interfaces.device: default_route\n",
		"1:1: packetbeat.interfaces.device: expected a device's name; the device of the "
		"default route is not looked up");
}
