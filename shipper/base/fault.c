#include "shipper/base/fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

bool fault_set(struct fault *fault, const char *format, ...)
{
	va_list args;

	if (fault == NULL)
		return false;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	return false;
}

const char *fault_advice(int error)
{
	if (error != EACCES)
		return "";
	return " (the user that this runs as must be permitted to read it; once it runs, a file in "
	       "a folder that the configuration did not name before takes a restart)";
}
