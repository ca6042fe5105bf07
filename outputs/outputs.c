#include "outputs/outputs.h"

extern const struct output output_console, output_elasticsearch, output_file, output_opensearch,
	output_calls, output_report, output_top;

const struct output *const outputs[] = {
	&output_console, &output_elasticsearch, &output_file, &output_opensearch,
	&output_calls,	 &output_report,	&output_top,  NULL,
};
