/* Which argument of a command is what: a key, a word, a secret; and what words change. */
#include "protos/redis/redis.h"

static enum argument key_if(bool key)
{
	return key ? ARGUMENT_KEY : ARGUMENT_VALUE;
}

static enum argument counted(struct asking *a, uint64_t behind)
{
	if (a->index <= behind || a->keys_left == 0)
		return ARGUMENT_VALUE;
	a->keys_left--;
	return ARGUMENT_KEY;
}

enum argument argument_class(struct asking *a, const struct command *command)
{
	enum argument told = a->next;

	a->next = ARGUMENT_VALUE;
	if (a->secrets > 0) {
		a->secrets--;
		return ARGUMENT_SECRET;
	}
	if (told != ARGUMENT_VALUE)
		return told;
	switch ((enum keys)command->keys) {
	case KEYS_FIRST:
		return key_if(a->index == 1);
	case KEYS_NONE:
		break;
	case KEYS_WORD:
		return a->index == 1 ? ARGUMENT_WORD : ARGUMENT_VALUE;
	case KEYS_TWO:
		return key_if(a->index <= 2);
	case KEYS_ALL:
		return ARGUMENT_KEY;
	case KEYS_BUT_LAST:
		return key_if(a->args_left > 1);
	case KEYS_PAIRS:
		return key_if(a->index % 2 == 1);
	case KEYS_SECOND:
		return a->index == 1 ? ARGUMENT_WORD : key_if(a->index == 2);
	case KEYS_FROM_SECOND:
		return a->index == 1 ? ARGUMENT_WORD : ARGUMENT_KEY;
	case KEYS_COUNTED:
		return counted(a, 1);
	case KEYS_COUNTED_2ND:
		return counted(a, 2);
	case KEYS_DEST_COUNTED:
		return a->index == 1 ? ARGUMENT_KEY : counted(a, 2);
	case KEYS_STREAMS:
		return counted(a, 0);
	case KEYS_MIGRATE:
		return a->index == 3 ? ARGUMENT_KEY : counted(a, 0);
	}
	return ARGUMENT_VALUE;
}

static bool is_word(struct bytes text, const char *word)
{
	return bytes_eq_case(text, bytes_str(word));
}

static void count_keys(struct asking *a, struct bytes text)
{
	int64_t n;

	if (bytes_int(text, 0, INT32_MAX, &n))
		a->keys_left = (uint64_t)n;
}

/* XREAD … STREAMS key key id id; MIGRATE … KEYS key key */
static void words_before_keys(struct asking *a, struct bytes text, const char *word, unsigned share)
{
	if (a->streams || !is_word(text, word))
		return;
	a->streams = true;
	a->keys_left = (a->args_left - 1) / share;
}

static void keep_user(struct exchange *x, struct bytes user)
{
	exchange_keep(x, &redis_of(x)->user, bytes_head(user, USER_MAX));
}

/* AUTH [user] password */
static enum argument auth(struct asking *a, struct exchange *x, struct bytes text)
{
	if (a->index > 1 || a->argc < 3) {
		if (a->index == 1)
			keep_user(x, BYTES("default"));
		return ARGUMENT_SECRET;
	}
	keep_user(x, text);
	return ARGUMENT_VALUE;
}

/* HELLO 3 AUTH user password SETNAME name */
static void hello(struct asking *a, struct exchange *x, struct bytes text)
{
	if (a->user) {
		keep_user(x, text);
		a->user = false;
		a->secrets = 1;
	} else if (is_word(text, "AUTH")) {
		a->user = true;
	}
}

/* Of a command that may carry passwords: CONFIG SET, SENTINEL SET, ACL SETUSER, MIGRATE. */
static enum argument guarded(struct asking *a, const struct command *command, struct bytes text,
			     enum argument class)
{
	if (command->keys == KEYS_MIGRATE) {
		a->secrets = is_word(text, "AUTH") ? 1 : is_word(text, "AUTH2") ? 2 : a->secrets;
		words_before_keys(a, text, "KEYS", 1);
	} else if (bytes_eq(bytes_str(command->name), BYTES("ACL"))) {
		if (a->index > 2 && text.len > 0 && memchr("><#!", text.at[0], 4))
			return ARGUMENT_SECRET;
	} else if (a->index > 1 && setting_is_secret(text)) {
		a->secrets = 1;
	}
	return class;
}

static void client(struct asking *a, struct bytes text)
{
	if (a->index == 1 && is_word(text, "REPLY"))
		a->reply = REPLY_COMMAND;
	else if (a->index == 2 && a->reply == REPLY_COMMAND)
		a->reply = is_word(text, "ON")	   ? REPLY_ON
			   : is_word(text, "OFF")  ? REPLY_OFF
			   : is_word(text, "SKIP") ? REPLY_SKIP
						   : REPLY_NONE;
}

/* SORT … BY pattern GET pattern STORE key; SCAN … MATCH pattern; CLUSTER KEYSLOT key */
static enum argument named(struct bytes text)
{
	static const struct {
		const char *word;
		enum argument next;
	} words[] = {
		{"BY", ARGUMENT_PATTERN},    {"GET", ARGUMENT_PATTERN},
		{"MATCH", ARGUMENT_PATTERN}, {"PREFIX", ARGUMENT_PATTERN},
		{"STORE", ARGUMENT_KEY},     {"STOREDIST", ARGUMENT_KEY},
		{"KEYSLOT", ARGUMENT_KEY},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_word(text, words[i].word))
			return words[i].next;
	return ARGUMENT_VALUE;
}

enum argument argument_understand(struct asking *a, struct exchange *x, struct bytes text,
				  enum argument class)
{
	const struct command *command = redis_of(x)->command;
	int64_t n;

	switch ((enum keys)command->keys) {
	case KEYS_COUNTED:
		if (a->index == 1)
			count_keys(a, text);
		break;
	case KEYS_COUNTED_2ND:
	case KEYS_DEST_COUNTED:
		if (a->index == 2)
			count_keys(a, text);
		break;
	case KEYS_STREAMS:
		words_before_keys(a, text, "STREAMS", 2);
		break;
	default:
		break;
	}
	if ((command->flags & COMMAND_NAMES_KEYS) &&
	    (class == ARGUMENT_VALUE || class == ARGUMENT_WORD))
		a->next = (uint8_t)named(text);
	switch ((enum role)command->role) {
	case ROLE_SELECT:
		if (bytes_int(text, 0, INT32_MAX, &n))
			redis_of(x)->database = (int32_t)n;
		return class;
	case ROLE_AUTH:
		return auth(a, x, text);
	case ROLE_HELLO:
		if (class != ARGUMENT_SECRET)
			hello(a, x, text);
		return class;
	case ROLE_CLIENT:
		client(a, text);
		return class;
	case ROLE_REPLCONF:
		if (a->index == 1 && is_word(text, "ACK"))
			a->reply = REPLY_ACK;
		return class;
	default:
		return command->flags & COMMAND_SECRET ? guarded(a, command, text, class) : class;
	}
}
