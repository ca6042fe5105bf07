/*
 * Made-up protocols for stories about the engine. The first is one of lines:
 *
 *   Q1\n        a question      !1\n   a question that gets no answer      *1\n  one that gets many
 *   A1\n        an answer       P1\n   a provisional one   Z\n  the last of many
 *   E1\n        an answer that lasts until the connection ends
 *   V5\nxxxxx   a question or answer (by side) with a value of 5 bytes that is passed over, two at
 * a time T\n         from here on something else (as CONNECT) S1\n        an answer to the first of
 * several that one question asks for N1\n        an answer to the newest question +1\n        more
 * of the oldest question, which had ended K1\n        an answer that parks its question      X\n
 * one whose rest the next ones are R1\n        another answer to the oldest parked question; with
 * the last one X's ends
 */
#ifndef WIRESPAN_TESTS_ENGINE_TOYS_H
#define WIRESPAN_TESTS_ENGINE_TOYS_H

#include "shipper/txn/conn.h"

/* On port 7 (and 9) the lines; on 8 one whose answers carry their question's key; on 6 one whose
 * calls outlive conversations. Ends with NULL. */
extern const struct proto *const toys[];

#endif
