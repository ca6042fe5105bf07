#include "outputs/outputs.h"

extern const struct output output_console, output_calls, output_file, output_top;

const struct output *const outputs[] = {
	&output_console, &output_calls, &output_file, &output_top, NULL,
};
