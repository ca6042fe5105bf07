#include "shipper/monitor/metric.h"

#include <stddef.h>

#define COUNTER_ROW(id, name, unit, text)      {METRIC_COUNTER, name, unit, text},
#define METRIC_ROW(id, kind, name, unit, text) {kind, name, unit, text},
const struct metric_info metric_infos[METRIC_COUNT] = {COUNTERS(COUNTER_ROW)
							       METRICS_OTHER(METRIC_ROW)};

#define COUNTER_FIELD(id, name, unit, text)	 {"shipper." name, FIELD_LONG, unit, text, NULL},
#define METRIC_FIELD(id, kind, name, unit, text) {"shipper." name, FIELD_LONG, unit, text, NULL},
const struct field shipper_fields[] = {COUNTERS(COUNTER_FIELD)
					       METRICS_OTHER(METRIC_FIELD){.name = NULL}};
