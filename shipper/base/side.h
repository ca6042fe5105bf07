/*
 * The two sides of a conversation: the client asked, the server answered.
 */
#ifndef WIRESPAN_BASE_SIDE_H
#define WIRESPAN_BASE_SIDE_H

enum side { CLIENT = 0, SERVER = 1 };

static inline enum side side_other(enum side s)
{
	return s == CLIENT ? SERVER : CLIENT;
}

#endif
