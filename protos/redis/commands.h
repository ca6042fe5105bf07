/*
 * What must be known of a command: which of its arguments are keys, which are secrets, and whether
 * it changes what later answers mean.
 *
 * A command that is not in the table has its first argument for a key.
 *
 * Source   Redis command reference (key specifications), COMMAND GETKEYS of Redis 7.0
 */
#ifndef WIRESPAN_REDIS_COMMANDS_H
#define WIRESPAN_REDIS_COMMANDS_H

#include "shipper/base/bytes.h"

/* Where the keys stand; the command itself is argument 0. */
enum keys {
	KEYS_FIRST,	   /* argument 1 */
	KEYS_NONE,	   /* no key; argument 1 is a value */
	KEYS_WORD,	   /* no key; argument 1 is a word of the command: CONFIG GET */
	KEYS_TWO,	   /* arguments 1 and 2 */
	KEYS_ALL,	   /* from 1 on */
	KEYS_BUT_LAST,	   /* from 1 on, but for the last */
	KEYS_PAIRS,	   /* 1, 3, 5, … */
	KEYS_SECOND,	   /* argument 2, behind a word of the command: XINFO STREAM */
	KEYS_FROM_SECOND,  /* from 2 on, behind a word: BITOP AND */
	KEYS_COUNTED,	   /* argument 1 says how many follow */
	KEYS_COUNTED_2ND,  /* argument 2 does: EVAL script 1 */
	KEYS_DEST_COUNTED, /* argument 1 is one, argument 2 says how many follow */
	KEYS_STREAMS,	   /* the first half of what stands behind the word STREAMS */
	KEYS_MIGRATE,	   /* argument 3, or what stands behind the word KEYS */
};

/* What its answer or its presence changes. */
enum role {
	ROLE_NONE,
	ROLE_SELECT,
	ROLE_AUTH,
	ROLE_HELLO,
	ROLE_MULTI,
	ROLE_EXEC,
	ROLE_DISCARD,
	ROLE_RESET,
	ROLE_CLIENT,
	ROLE_MONITOR,
	ROLE_SYNC,
	ROLE_REPLCONF,
	ROLE_SUBSCRIBE, /* this and the next: see enum channel_kind */
	ROLE_UNSUBSCRIBE,
};

enum channel_kind { KIND_CHANNEL, KIND_PATTERN, KIND_SHARD, KINDS_OF_CHANNELS };

enum {
	COMMAND_SECRET = 1 << 0,       /* may carry a password */
	COMMAND_TELLS_SECRET = 1 << 1, /* its answer may */
	COMMAND_TELLS_KEYS = 1 << 2,   /* its answer names keys or channels */
	COMMAND_NAMES_KEYS = 1 << 3,   /* keys or patterns of them stand behind words */
	COMMAND_NAME_MAX = 24,
};

struct command {
	char name[COMMAND_NAME_MAX]; /* upper case */
	uint8_t keys;		     /* enum keys */
	uint8_t role;		     /* enum role */
	uint8_t kind;		     /* enum channel_kind, of ROLE_SUBSCRIBE and ROLE_UNSUBSCRIBE */
	uint8_t flags;
};

/* Never NULL: what is not known has an empty name. */
const struct command *commands_find(struct bytes name);
/* Of the table? */
static inline bool command_is_known(const struct command *command)
{
	return command->name[0] != '\0';
}

/* A setting whose value is a password: requirepass, masterauth, auth-pass, … */
bool setting_is_secret(struct bytes name);

/* A key without what varies from one to the next: "user:1000:cart" is "user:?:cart". Returns the
 * length; at most max. */
size_t key_fold(struct bytes key, uint8_t *to, size_t max);

#endif
