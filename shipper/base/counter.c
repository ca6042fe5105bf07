#include "shipper/base/counter.h"

#define COUNTER_INFO(id, name, unit, text) {name, unit, text},
const struct counter_info counter_infos[COUNTER_COUNT] = {COUNTERS(COUNTER_INFO)};

void counters_add(struct counters *sum, const struct counters *more)
{
	for (int i = 0; i < COUNTER_COUNT; i++)
		sum->at[i] += more->at[i];
}
