/*
 * Spellings of packetbeat.yml, understood where the meaning is the same.
 *
 * Names are moved within the tree to where our own stand; what has no meaning here is taken out.
 * Each leaves a remark, so that nobody has to guess what became of a setting.
 *
 * Source   Packetbeat 8 reference: packetbeat.reference.yml
 */
#ifndef WIRESPAN_CONF_PACKETBEAT_H
#define WIRESPAN_CONF_PACKETBEAT_H

#include "shipper/conf/tree.h"

void packetbeat_translate(struct tree *tree, struct faults *faults);

#endif
