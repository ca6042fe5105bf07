#include "shipper/base/log.h"
#include "shipper/capture/device.h"
#include "shipper/cmd/command.h"

static enum exit_code run(struct arguments *a)
{
	struct fault fault;
	int got = arguments_next(a);

	if (got != ARGUMENTS_END)
		return arguments_exit(got);
	if (a->rest_count > 0)
		return arguments_usage(a, "takes no arguments");
	if (device_list(stdout, &fault))
		return EXIT_WELL;
	log_error("%s", fault.text);
	return EXIT_FAILED;
}

const struct command command_devices = {
	.name = "devices",
	.arguments = "",
	.help = "List the devices that `run` can watch.",
	.run = run,
};
