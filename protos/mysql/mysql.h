/*
 * What the files of the MySQL module share. Nobody else includes this.
 *
 *   mysql.c      the table: packets, recognizing, losses
 *   compress.c   the compressed protocol: frames around the stream of packets
 *   login.c      greeting, login, authentication
 *   command.c    what the client asks
 *   answer.c     what the server answers
 *   rows.c       rows as text (send_response)
 *   value.c      values of the binary protocol as text
 *   statement.c  prepared statements of a session
 *   write.c      the document
 *
 * Source   MySQL 8 source documentation "Client/Server Protocol"; MariaDB knowledge base
 *          "Client/Server Protocol"
 */
#ifndef WIRESPAN_MYSQL_MYSQL_H
#define WIRESPAN_MYSQL_MYSQL_H

#include "protos/mysql/statement.h"
#include "protos/proto.h"
#include "protos/sql/fingerprint.h"

enum {
	HEADER = 4,	       /* of a packet */
	PACKET_MAX = 0xffffff, /* a packet of this length is continued by the next */
	HEAD_MAX = 16 << 10,   /* of a packet, read in one piece; the rest is passed over */
	NAME_MAX_BYTES = 256,  /* user or schema: 64 characters */
	VERSION_MAX = 64,
	COLUMNS_KEPT_MAX = 1024, /* whose types are known, for rows as text */
};

/* A statement's number: MariaDB's clients mean the one that was prepared last. */
#define NOT_NUMBERED UINT32_MAX

enum mysql_command {
	COM_QUIT = 0x01,
	COM_INIT_DB = 0x02,
	COM_QUERY = 0x03,
	COM_FIELD_LIST = 0x04,
	COM_STATISTICS = 0x09,
	COM_PROCESS_INFO = 0x0a,
	COM_PROCESS_KILL = 0x0c,
	COM_PING = 0x0e,
	COM_CHANGE_USER = 0x11,
	COM_BINLOG_DUMP = 0x12,
	COM_STMT_PREPARE = 0x16,
	COM_STMT_EXECUTE = 0x17,
	COM_STMT_SEND_LONG_DATA = 0x18,
	COM_STMT_CLOSE = 0x19,
	COM_STMT_RESET = 0x1a,
	COM_SET_OPTION = 0x1b,
	COM_STMT_FETCH = 0x1c,
	COM_BINLOG_DUMP_GTID = 0x1e,
	COM_RESET_CONNECTION = 0x1f,
	COM_LAST = 0x20,
	COM_STMT_BULK_EXECUTE = 0xfa,
	COM_LOGIN = 0x100, /* our own: the login, and what the server says unasked */
	COM_NOTICE = 0x101,
};

/* Capabilities, as far as they change what is on the wire. MariaDB's begin at bit 32. */
#define CAP_CONNECT_WITH_DB   (UINT64_C(1) << 3)
#define CAP_COMPRESS	      (UINT64_C(1) << 5)
#define CAP_PROTOCOL_41	      (UINT64_C(1) << 9)
#define CAP_SSL		      (UINT64_C(1) << 11)
#define CAP_SECURE_CONNECTION (UINT64_C(1) << 15)
#define CAP_PLUGIN_AUTH	      (UINT64_C(1) << 19)
#define CAP_AUTH_LENENC	      (UINT64_C(1) << 21)
#define CAP_SESSION_TRACK     (UINT64_C(1) << 23)
#define CAP_DEPRECATE_EOF     (UINT64_C(1) << 24)
#define CAP_OPTIONAL_METADATA (UINT64_C(1) << 25)
#define CAP_ZSTD	      (UINT64_C(1) << 26)
#define CAP_QUERY_ATTRIBUTES  (UINT64_C(1) << 27)
#define CAP_MARIA_CACHE	      (UINT64_C(1) << 36)

enum {
	STATUS_MORE_RESULTS = 0x0008,
	STATUS_CURSOR = 0x0040,
	STATUS_NO_ESCAPES = 0x0200,
	STATUS_STATE_CHANGED = 0x4000
};

enum statements { STATEMENTS_FULL, STATEMENTS_FINGERPRINT };

struct mysql_conf {
	struct proto_conf common;
	int64_t max_rows, max_row_length, max_query_length;
	int statements; /* enum statements */
};

/* By place in the `notes` of the protocol's table. */
enum mysql_note {
	MYSQL_NOTE_STATEMENT = NOTE_OWN << 0,
	MYSQL_NOTE_LOGIN = NOTE_OWN << 1,
	MYSQL_NOTE_PARAMS = NOTE_OWN << 2,
	MYSQL_NOTE_SECRET = NOTE_OWN << 3,
	MYSQL_NOTE_SESSION = NOTE_OWN << 4,
	MYSQL_NOTE_STREAM = NOTE_OWN << 5,
};

enum compression { COMPRESSION_NONE, COMPRESSION_ZLIB, COMPRESSION_ZSTD };
enum eofs { EOFS_UNKNOWN, EOFS_SENT, EOFS_DEPRECATED };

/* Columns, as far as rows as text need them. */
struct shape {
	struct buf types; /* type and flags */
	struct buf names; /* two bytes of length, the name */
};

/* A conversation: what outlives a loss. */
struct mysql_self {
	uint64_t server_caps, caps; /* offered; in force, from the login on */
	bool knows_caps;
	bool greeted;	 /* the login is awaited */
	bool no_escapes; /* sql_mode NO_BACKSLASH_ESCAPES */
	bool lost;	 /* bytes since the login: user and schema may have changed */
	bool began;	 /* whether it is compressed was asked */
	uint8_t eofs;	 /* enum eofs: whether result sets have EOF packets behind columns */
	uint8_t compression, compression_asked;
	uint16_t user_len, db_len, version_len;
	struct statements_kept statements;
	uint32_t last_prepared; /* the statement, where MariaDB's clients leave its number out */
	struct shape shape;	/* of the last result set */
	uint8_t user[NAME_MAX_BYTES], db[NAME_MAX_BYTES], version[VERSION_MAX];
};

/* A direction. */
struct mysql_side {
	uint64_t left;	/* of a packet, behind what was read of it */
	bool more;	/* the packet is continued by the next */
	bool ends;	/* the message ends with the packet in hand */
	bool keeps;	/* what is left belongs to the statement's text */
	bool infile;	/* what is left is of a client's file */
	bool stray_eof; /* the next packet may be an EOF that still belongs to the last answer */
	uint8_t next;	/* sequence number of the next packet of the message */
	struct frames *frames; /* of the compressed protocol, NULL until there are any */
};

enum mysql_state {
	ANSWER_FIRST,
	ANSWER_COLUMNS,
	ANSWER_COLUMNS_EOF,
	ANSWER_ROWS,
	ANSWER_PARAMS,
	ANSWER_PARAMS_EOF,
	ANSWER_PREPARED,
	ANSWER_PREPARED_EOF
};

/* An exchange. The statement's text stands in said[CLIENT], rows as text in said[SERVER]. */
struct mysql {
	uint16_t command; /* enum mysql_command */
	uint8_t state;	  /* enum mysql_state */
	uint8_t next;	  /* sequence number of the answer's first packet */
	bool login;	  /* rounds of authentication */
	bool asks_tls;
	bool awaits_file; /* LOAD DATA LOCAL */
	bool stream;	  /* a binary log is asked for */
	bool has_ok, has_rows, has_id, no_escapes;
	bool shows;  /* its rows: settled where their columns begin, whatever is set meanwhile */
	bool waits;  /* executed before it was numbered: `params` are as on the wire */
	uint32_t id; /* of the statement */
	uint32_t columns, columns_left, params_left;
	uint32_t results, warnings, error_code;
	uint64_t affected, insert_id, rows, infile;
	struct clip text;		   /* of the statement, or the command's argument */
	struct clip print, method, tables; /* of a prepared statement */
	struct clip params;		   /* see value.c */
	struct clip plugins, info, user, db;
	uint32_t row_bytes; /* of the row in hand that rows.c has shown */
	uint8_t sql_state[5];
	bool has_sql_state;
};

/* A unit at work. */
struct reading {
	struct conn *conn;
	enum side from;
	const struct mysql_conf *conf;
	struct mysql_self *self;
	struct mysql_side *side;
	struct exchange *hand; /* whose message this side has in hand */
	bool stop;	       /* the unit ends here */
	bool ends;	       /* for a message does */
	bool alien;
};

/* A packet: its head, as far as it is read in one piece. */
struct packet_head {
	uint32_t len;
	uint8_t seq;
	struct bytes body;
};

static inline struct mysql *mysql_of(const struct exchange *x)
{
	return x->own;
}

/* Length-encoded integers and strings; *null for 0xfb. */
uint64_t take_lenenc(struct cursor *c, bool *null);
struct bytes take_text(struct cursor *c);
struct bytes take_until_zero(struct cursor *c); /* or all, where there is none */

/* mysql.c */
void message_ends(struct reading *r);
void set_name(uint8_t *to, uint16_t *len, size_t max, struct bytes name);

/* login.c */
void login_greeting(struct reading *r, const struct packet_head *p);
void login_response(struct reading *r, const struct packet_head *p);
void login_change_user(struct reading *r, struct exchange *x, struct cursor *c);
void login_answer(struct reading *r, struct exchange *x, const struct packet_head *p);

/* command.c */
void command_packet(struct reading *r, const struct packet_head *p);
bool command_plausible(struct bytes b, uint32_t len);
const char *command_name(unsigned command);

/* answer.c */
void answer_packet(struct reading *r, const struct packet_head *p);
/* Returns the server's status flags. */
unsigned answer_ok(struct reading *r, struct exchange *x, struct bytes body);
void answer_error(struct exchange *x, struct bytes body);

/* A statement has its number: what was executed before that is read now. */
void command_numbered(struct reading *r, struct exchange *prepare, struct statement *st);

/* rows.c: columns begin, each of them, their end; or none, since the client has them. */
void rows_columns(struct reading *r);
void rows_column(struct reading *r, struct bytes definition);
void rows_columns_end(struct reading *r, struct exchange *x);
void rows_columns_known(struct reading *r, struct exchange *x);
void rows_row(struct reading *r, struct exchange *x, struct bytes row, bool whole);

/* compress.c */
enum step frames_unit(struct reading *r, struct cursor *c,
		      enum step (*packets)(struct reading *r, struct cursor *c));
void frames_free(struct frames *frames, struct quota *quota);

/* write.c */
void mysql_settle(struct exchange *x);
void mysql_write(const struct exchange *x, struct doc *d);

#endif
