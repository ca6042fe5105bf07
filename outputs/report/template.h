/*
 * The page without its content, as built from dashboards/report/: it has {{…}} where something
 * goes.
 */
#ifndef WIRESPAN_OUTPUTS_REPORT_TEMPLATE_H
#define WIRESPAN_OUTPUTS_REPORT_TEMPLATE_H

#include "shipper/base/bytes.h"

struct bytes template_page(void);

#endif
