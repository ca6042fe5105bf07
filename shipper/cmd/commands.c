#include "shipper/cmd/command.h"

extern const struct command command_replay, command_report, command_run, command_devices,
	command_setup, command_test_config, command_test_output, command_export_config,
	command_export_fields, command_export_dashboards, command_export_calls, command_stats,
	command_spool_status, command_spool_cat, command_spool_verify, command_spool_drop,
	command_version, command_help;

/* clang-format off */
const struct command *const commands[] = {
	&command_replay, &command_report, &command_run, &command_devices, &command_setup,
	&command_test_config, &command_test_output, &command_export_config, &command_export_fields,
	&command_export_dashboards, &command_export_calls, &command_stats, &command_spool_status, &command_spool_cat, &command_spool_verify,
	&command_spool_drop, &command_version, &command_help, NULL,
};
/* clang-format on */
