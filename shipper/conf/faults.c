#include "shipper/base/must.h"
#include "shipper/conf/tree.h"

#include <stdarg.h>
#include <stdlib.h>

void faults_add(struct faults *faults, int line, int column, const char *format, ...)
{
	struct fault *fault;
	va_list args;

	if (faults->count++ >= FAULTS_MAX)
		return;
	fault = &faults->at[faults->count - 1];
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
	fault->line = line;
	fault->column = column;
}

void faults_remark(struct faults *faults, int line, const char *format, ...)
{
	struct texts *remarks = &faults->remarks;
	char place[320] = "", text[512];
	va_list args;
	char *whole;

	if (faults->path != NULL && line > 0)
		snprintf(place, sizeof(place), "%s:%d: ", faults->path, line);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	must(asprintf(&whole, "%s%s", place, text) > 0);
	remarks->at = must_realloc(remarks->at, (remarks->count + 1) * sizeof(remarks->at[0]));
	remarks->at[remarks->count++] = whole;
}

void faults_free(struct faults *faults)
{
	for (size_t i = 0; i < faults->remarks.count; i++)
		free(faults->remarks.at[i]);
	free(faults->remarks.at);
	*faults = (struct faults){0};
}
