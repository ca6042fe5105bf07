/*
 * From root to an ordinary user: ids, groups, capabilities by libcap-ng, and the folders that user
 * needs.
 *
 * Source   credentials(7), capabilities(7)
 * Errors   a fault; each step is verified by what the kernel then says
 * Thread   capabilities are the calling thread's; the rest while there is only one
 */
#ifndef WIRESPAN_GUARD_USER_H
#define WIRESPAN_GUARD_USER_H

#include <stddef.h>

#include "shipper/guard/guard.h"

/* Ids and groups for good; of the capabilities, those that it has now. */
bool user_become(const struct guard_user *user, const int *capabilities, size_t count,
		 struct fault *fault);
/* Gives up all other capabilities. */
bool user_keep(const int *capabilities, size_t count, struct fault *fault);

/* Makes what is missing, for the user: later it could not be. */
bool user_make(const struct guard_user *user, const struct guard_places *places,
	       struct fault *fault);
/* As the user. */
bool user_may_write(const struct guard_user *user, const struct guard_places *places,
		    struct fault *fault);

#endif
